"""From the input of a finding to a transcript that `ehlo replay` shows failing, as far as that can be.

Where inputs of a target are transcripts, the input is one. Where a program //fuzz:TARGET_transcript stands in the BUILD
file, it prints one. The programs are built only when there is something to show, and as the fuzzers are, so that a fault
which only a sanitizer sees is seen by `ehlo replay` as well.
"""

import os
import re
import subprocess

import fuzzer
from folder import write_whole
from workspace import ToolError

EHLO = "//tools:ehlo"
SECONDS = 60
# The line of a replay that says why: a place in the transcript, or what ended the program.
TELLING = re.compile(r"transcript\.smtp:\d|ERROR: |runtime error: |Assertion ")
NONE = "inputs of this target are no sessions, so there is no transcript; the input itself is the regression"


class TimedOut(ToolError):
    """A program went on for too long."""


def make(finding, target, workspace, quiet):
    """Lays down transcript.smtp and what a replay of it says, or why there is none."""
    if not target.takes_transcripts and target.converter is None:
        finding.tell(transcript=None, transcript_says=NONE)
        return
    try:
        workspace.build([EHLO] + ([target.converter] if target.converter else []), quiet)
        text, left_out = finding.input, 0
        if target.converter:
            text, left_out = converted(finding, workspace.built(target.converter))
        path = finding.path / "transcript.smtp"
        write_whole(path, text)
        status, says = replayed(workspace.built(EHLO), path)
    except ToolError as e:
        finding.tell(transcript=None, transcript_says=f"no transcript: {e}")
        return
    if status == os.EX_DATAERR:
        path.unlink()
        finding.tell(transcript=None,
                     transcript_says=f"the input is no whole transcript, which is what it is about: {says}")
    elif status == 0:
        finding.tell(transcript="passes", transcript_says="`ehlo replay --chunks all` shows nothing of it, only the "
                                                          f"target does{lost(left_out)}")
    else:
        how = "is stopped" if status is None else f"ends with status {status}"
        finding.tell(transcript="fails", transcript_says=f"`ehlo replay --chunks all` {how}: {says}{lost(left_out)}")


def lost(left_out):
    """Settings and steps that a transcript has no words for."""
    return f" (left out of the transcript: {left_out})" if left_out else ""


def converted(finding, converter):
    """The transcript, and how much of the input it does not hold."""
    answer = run([converter, finding.path / "input"])
    if answer.returncode != 0 or not answer.stdout:
        raise ToolError(f"{converter.name} could not make one: {first_line(answer.stderr)}")
    return answer.stdout, answer.stderr.count(b"left out: ")


def replayed(ehlo, path):
    """The exit status of a replay in all chunkings, and the line that says why."""
    try:
        answer = run([ehlo, "replay", "--chunks", "all", path])
    except TimedOut as e:
        return None, str(e)
    lines = (answer.stdout + answer.stderr).decode(errors="replace").replace(f"{path.parent}/", "").splitlines()
    telling = [line for line in lines if TELLING.search(line)]
    return answer.returncode, (telling or lines or [""])[0].strip()


def run(command):
    try:
        return subprocess.run([str(word) for word in command], env=fuzzer.environment(), capture_output=True,
                              timeout=SECONDS, check=False)
    except OSError as e:
        raise ToolError(f"{command[0]}: {e.strerror}") from e
    except subprocess.TimeoutExpired as e:
        raise TimedOut(f"{command[0].name} did not end within {SECONDS} seconds") from e


def first_line(octets):
    return (octets.decode(errors="replace").splitlines() or ["it said nothing"])[0]
