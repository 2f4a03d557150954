#!/usr/bin/python3
"""ehlo replay, from outside: many files on several threads, what is no transcript and no file, updates in place, the
memory it takes, and the ways to stop at an event, by hand in a terminal and from a script.

    replay_test.py EHLO MAX_RSS [-- PATTERN]
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import RUN_BOUND, Bench, Complaint, Ehlo, unsafe_characters
from terminal import WAIT_BOUND, Tmux

MEMORY_MAX = 8 << 10    # KiB more than the empty program

CORPUS = pathlib.Path("corpus/transcripts").resolve()
ACCEPTED = CORPUS / "providers/exchange-online-accepted.smtp"

bench = Bench("replay_test.py")


def case(name):
    return lambda run: bench.add(name, run)


def want(result, status, out=None, err=None):
    if result.status != status:
        yield f"exit status {result.status}, and it should be {status}"
    for name, pattern, octets in (("output", out, result.out), ("error", err, result.err)):
        if pattern is not None and not re.search(pattern, octets.decode("utf-8", "replace"), re.M):
            yield f"standard {name} has no {pattern!r}"
        if wrong := unsafe_characters(octets):
            yield f"standard {name} has what a terminal would obey: {wrong}"


def edited(path, old, new, source=ACCEPTED):
    octets = source.read_bytes()
    if octets.count(old) < 1:
        raise Complaint(f"{source} has no {old!r}")
    path.write_bytes(octets.replace(old, new, 1))
    return 1 + octets[:octets.index(old)].count(b"\n")


# ---- Many files ----------------------------------------------------------------------------------------------------


def copy_corpus(ehlo, times=3):
    """Some transcripts many times, among them what diverges, what is no transcript and what is no file."""
    for i in range(times):
        directory = ehlo.directory / "many" / str(i)
        shutil.copytree(CORPUS / "providers", directory)
        edited(directory / "mail-diverges.smtp", b"C: MAIL FROM:<alice@", b"C: MAIL FROM:<mallory@")
        edited(directory / "event-diverges.smtp", b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        (directory / "none.smtp").write_bytes(b"S: 220 x\nnonsense\n")
        (directory / "gone.smtp").symlink_to("nowhere")
        (directory / "around").symlink_to("..")
    return ehlo.directory / "many"


def cases_many():
    @case("jobs/same-output")
    def _(ehlo):
        copy_corpus(ehlo)
        for options in ((), ("--json",), ("--quiet",), ("--chunks", "all"), ("--tolerant",)):
            one = ehlo("replay", *options, "--jobs", "1", "many")
            yield from want(one, 66)
            for jobs in ("2", "16"):
                result = ehlo("replay", *options, "--jobs", jobs, "many")
                if (result.status, result.out, result.err) != (one.status, one.out, one.err):
                    yield f"{options}: {jobs} jobs give other output than one"

    @case("jobs/counts")
    def _(ehlo):
        num = sum(1 for _ in copy_corpus(ehlo).rglob("*.smtp"))
        result = ehlo("replay", "--json", "--chunks", "all", "many")
        document = result.json()
        good = num // 3 - 4
        expected = {"files": num, "same": good * 9, "diverged": 18, "bad": 9, "unreadable": 3}
        if {key: document[key] for key in expected} != expected:
            yield f"the counts are {document}, and they should be {expected}"
        if len(document["results"]) != num * 3 - 6:
            yield f"{len(document['results'])} results of {num} files"
        files = [r["file"] for r in document["results"]]
        if sorted(files) != files:
            yield "the results are not in the order of their names"
        for chunks, summary in document["summary"].items():
            ends = sum(summary["outcomes"].values()) + sum(summary["states"].values())
            if ends != summary["verdicts"]["same"] + summary["verdicts"]["diverged"]:
                yield f"{chunks}: not every session is among the ends: {summary}"
        found = {r["file"]: r for r in document["results"] if r["verdict"] == "unreadable"}
        if set(found) != {f"many/{i}/gone.smtp" for i in range(3)}:
            yield f"unreadable are {found}"

    @case("jobs/table")
    def _(ehlo):
        copy_corpus(ehlo, 1)
        result = ehlo("replay", "many/0", str(CORPUS / "rfc"))
        yield from want(result, 66, out=r"^diverged +2$")
        yield from want(result, 66, out=r"^bad +1$")
        yield from want(result, 66, out=r"^unreadable +1$")
        yield from want(result, 66, out=r"^outcome auth-refused +\d+$")
        yield from want(result, 66, out=r"^ends closed +\d+$")
        yield from want(result, 66, out=r"^\d+ same, 2 diverged, 1 bad, 1 unreadable$",
                        err="around/0: a link back to a directory above it")
        yield from want(ehlo("replay", str(CORPUS / "rfc"), "--chunks", "all"), 0, out=r"^ +recorded +line +byte$")

    @case("jobs/status")
    def _(ehlo):
        shutil.copytree(CORPUS / "rfc", ehlo.directory / "rfc")
        yield from want(ehlo("replay", "rfc"), 0)
        edited(ehlo.directory / "rfc/x.smtp", b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        yield from want(ehlo("replay", "rfc"), 1, out=r"rfc/x\.smtp:\d+:\d+ \(recorded\)$")
        (ehlo.directory / "rfc/y.smtp").write_bytes(b"nonsense\n")
        yield from want(ehlo("replay", "rfc"), 65, err=r"rfc/y\.smtp:1:1: ")
        yield from want(ehlo("replay", "rfc", "nowhere"), 66, err="cannot read nowhere: No such file")

    @case("jobs/usage")
    def _(ehlo):
        for arguments in (("--jobs", "0"), ("--jobs", "257"), ("--jobs", "x"), ("--until", "0"), ("--until", "-1"),
                          ("--until", "99999999999999999999"), ("--until", "2", "y.smtp"), ("--step", "y.smtp"),
                          ("--step", "-"), ("--until", "2", "--json"), ("--step", "--chunks", "all"),
                          ("--update", "--step"), ("--update", "--tolerant"), ("--verbose", "--json"), ("-", "-")):
            yield from want(ehlo("replay", "x.smtp", *arguments), 64, err="Try 'ehlo replay --help'")

    @case("jobs/full-disk")
    def _(ehlo):
        with open("/dev/full", "wb") as full:
            yield from want(ehlo("replay", str(CORPUS / "rfc"), stdout=full), 73, err="standard output")


# ---- What is no transcript and no file -----------------------------------------------------------------------------

BAD = {
    "empty-line": (b"S: 220 x\n\n", "2:1"),
    "binary": (bytes(range(256)) * 1000, "1:1"),
    "nul": (b"S: 220 x\nS: a\0b\n", "2:5"),
    "eight-bit": (b"S: 220 \xc3\xa9\n", "1:8"),
    "carriage-return": (b"S: 220 x\r\n", "1:9"),
    "tab": (b"S: 220\tx\n", "1:7"),
    "version": (b"! ehlo-transcript 2\nS: 220 x\n", "1:19"),
    "escape": (b"S: 220 x\nC: \\q\n", "2:4"),
    "cut-escape": (b"S: 220 x\nC: \\x4", "2:4"),
    "cut-fact": (b"S: 220 x\n!", "2:2"),
    "cut-time": (b"S: 220 x\n+1.", "2:4"),
    "cut-setting": (b"! submit from <a@b", "1:1"),
    "unknown-fact": (b"! explode\n", "1:3"),
    "late-time": (b"S: 220 x\n+9999999999999 C: QUIT\n", "2:2"),
    "long-line": (b"S: 220 x\nC: " + b"x" * 20000 + b"\n", "2:16385"),
    "endless-line": (b"S: 220 x\nC: " + b"x" * 20000000, "2:16385"),
    "terminal": (b"S: 220 \x1b]0;x\x07\n", "1:8"),
    "after-the-end": (ACCEPTED.read_bytes() + b"nonsense\n", f"{ACCEPTED.read_bytes().count(10) + 1}:1"),
    "utf-16": ("S: 220 x\n".encode("utf-16"), "1:1"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0", "1:1"),
}


def cases_bad():
    for name, (octets, place) in BAD.items():
        @case(f"bad/{name}")
        def _(ehlo, octets=octets, place=place):
            (ehlo.directory / "d").mkdir()
            (ehlo.directory / "d/x.smtp").write_bytes(octets)
            line, column = map(int, place.split(":"))
            for arguments in (("d/x.smtp",), ("d",), ("--chunks", "byte", "d"), ("--until", "99", "d/x.smtp"),
                              ("--tolerant", "d"), ("--verbose", "d")):
                yield from want(ehlo("replay", *arguments), 65, err=rf"^ehlo: d/x\.smtp:{place}: \S.* ")
            yield from want(step(ehlo, "d/x.smtp", commands=["c", "p", "l", "q"]), 65,
                            err=rf"^ehlo: d/x\.smtp:{place}: ")
            yield from want(ehlo("replay", "-", stdin=octets), 65, err=rf"^ehlo: -:{place}: ")
            yield from want(ehlo("replay", "--update", "d"), 65, err=rf"^ehlo: d/x\.smtp:{place}: ")
            if (ehlo.directory / "d/x.smtp").read_bytes() != octets or len(os.listdir(ehlo.directory / "d")) != 1:
                yield "an update touches what is no transcript, or leaves something behind"
            error = ehlo("replay", "--json", "d").json()["results"][0]["error"]
            if (error["line"], error["column"]) != (line, column) or not error["message"]:
                yield f"the JSON says {error}"

    # Every beginning of a transcript is replayed or told of; none crashes or hangs.
    @case("bad/cut-anywhere")
    def _(ehlo):
        octets = ACCEPTED.read_bytes()
        (ehlo.directory / "d").mkdir()
        for length in range(len(octets)):
            (ehlo.directory / "d" / f"{length:05}.smtp").write_bytes(octets[:length])
        result = ehlo("replay", "--json", "d")
        document = result.json()
        if result.status != 65 or document["files"] != len(octets) or document["unreadable"]:
            yield f"exit status {result.status}; {document['files']} files"
        for r in document["results"]:
            if r["verdict"] == "bad" and not r["error"]["line"]:
                yield f"{r['file']} is bad, and no place is told"

    @case("file/special")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        (ehlo.directory / "d").mkdir()
        os.mkfifo(ehlo.directory / "d/pipe.smtp")
        (ehlo.directory / "d/zero.smtp").symlink_to("/dev/zero")
        (ehlo.directory / "d/self.smtp").symlink_to("self.smtp")
        (ehlo.directory / "d/directory.smtp").mkdir()
        shutil.copy(ACCEPTED, ehlo.directory / "d/directory.smtp/y.smtp")
        result = ehlo("replay", "d")
        yield from want(result, 66, err=r"d/pipe\.smtp: it is a named pipe", out=r"d/directory\.smtp/y\.smtp: accepted")
        yield from want(result, 66, err=r"d/zero\.smtp: it is a device")
        yield from want(result, 66, err=r"d/self\.smtp: Too many levels of symbolic links")
        for path, why in (("d/pipe.smtp", "named pipe"), ("/dev/zero", "device"), ("/dev/tty", "")):
            for options in ((), ("--step",), ("--until", "1"), ("--update",), ("--chunks", "all"), ("--json",)):
                yield from want(ehlo("replay", *options, path), 66, err=f"cannot read {path}: .*{why}")
        yield from want(ehlo("replay", "--step", "d"), 66, err="cannot read d: it is a directory")

    @case("file/nameless-pipe")
    def _(ehlo):
        for options, count in (((), 1), (("--chunks", "all"), 3), (("--until", "3"), 0)):
            script = 'exec "$0" replay "${@:2}" <(cat "$1")'
            run = subprocess.run(["bash", "-c", script, ehlo.program, ACCEPTED, *options], capture_output=True,
                                 timeout=RUN_BOUND, check=False)
            if run.returncode != 0 or run.stdout.count(b"accepted at quit") != count:
                yield f"{options}: {run.returncode}, {run.stdout!r}, {run.stderr!r}"

    @case("file/name")
    def _(ehlo):
        (ehlo.directory / "d").mkdir()
        name = "d/evil\x1b]0;\x07\n\u202e.smtp"
        shutil.copy(ACCEPTED, ehlo.directory / name)
        yield from want(ehlo("replay", "d"), 0, out=r"evil\\x1b\]0;\\x07\\x0a\\xe2\\x80\\xae\.smtp: accepted")
        yield from want(ehlo("replay", name), 0)
        yield from want(ehlo("replay", "--until", "2", name), 0)
        if ehlo("replay", "--json", "d").json()["results"][0]["file"] != name:
            yield "the JSON has another name"
        edited(ehlo.directory / name, b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        yield from want(ehlo("replay", "d"), 1)
        (ehlo.directory / name).write_bytes(b"?\n")
        yield from want(ehlo("replay", "d"), 65)
        (ehlo.directory / name).unlink()
        (ehlo.directory / name).symlink_to("nowhere")
        yield from want(ehlo("replay", "d"), 66)

    @case("file/standard-input-closed")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        run = subprocess.run(["bash", "-c", '"$0" replay x.smtp - <&-', ehlo.program], capture_output=True,
                             cwd=ehlo.directory, timeout=RUN_BOUND, check=False)
        if run.returncode != 66 or b"accepted at quit" not in run.stdout or b"cannot read -" not in run.stderr:
            yield f"{run}"


# ---- Updates -------------------------------------------------------------------------------------------------------


def cases_update():
    @case("update/many")
    def _(ehlo):
        shutil.copytree(CORPUS / "providers", ehlo.directory / "d")
        before = {}
        for path in (ehlo.directory / "d").iterdir():
            octets = path.read_bytes()
            before[path.name] = octets
            path.write_bytes(re.sub(rb"^= reply \d+", b"= reply 599", octets, flags=re.M))
            path.chmod(0o640)
        yield from want(ehlo("replay", "--update", "--jobs", "4", "d"), 0, out="^same +[1-9]")
        after = {path.name: path.read_bytes() for path in (ehlo.directory / "d").iterdir()}
        if set(after) != set(before):
            yield f"there are other files than before: {set(after) ^ set(before)}"
        for name, octets in before.items():
            if after.get(name) != octets:
                yield f"{name} is not what it was before its events were broken"
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (ehlo.directory / "d").iterdir()}
        if modes != {0o640}:
            yield f"the modes are {modes}"

    # What is right already is not even replaced, nor is what has a right beginning only.
    @case("update/unchanged")
    def _(ehlo):
        path = ehlo.directory / "x.smtp"
        shutil.copy(ACCEPTED, path)
        inode = path.stat().st_ino
        yield from want(ehlo("replay", "--update", "x.smtp"), 0)
        if path.stat().st_ino != inode or os.listdir(ehlo.directory) != ["x.smtp"]:
            yield "a transcript that was right is another file now"
        path.write_bytes(ACCEPTED.read_bytes() + b"= closed\n")
        yield from want(ehlo("replay", "--update", "x.smtp"), 0)
        if path.read_bytes() != ACCEPTED.read_bytes():
            yield "an event too many stays"
        octets = ACCEPTED.read_bytes()
        path.write_bytes(octets[:octets.index(b"= outcome")])
        yield from want(ehlo("replay", "--update", "x.smtp"), 0)
        if path.read_bytes() != octets:
            yield "an event that is missing is not added"

    @case("update/link")
    def _(ehlo):
        (ehlo.directory / "real").mkdir()
        edited(ehlo.directory / "real/x.smtp", b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        (ehlo.directory / "link.smtp").symlink_to("real/x.smtp")
        yield from want(ehlo("replay", "--update", "link.smtp", "real/x.smtp", "link.smtp"), 0)
        if not (ehlo.directory / "link.smtp").is_symlink():
            yield "the link is gone"
        if (ehlo.directory / "real/x.smtp").read_bytes() != ACCEPTED.read_bytes():
            yield "the file was not updated"

    @case("update/unwritable")
    def _(ehlo):
        result = ehlo("replay", "--update", "/proc/self/cmdline")
        yield from want(result, 73, err="cannot update /proc/self/cmdline: ")
        yield from want(ehlo("replay", "--update", "-", stdin=ACCEPTED.read_bytes()), 73, err="cannot update -: ")


# ---- Stopping at an event ------------------------------------------------------------------------------------------


def step(ehlo, *arguments, commands):
    return ehlo("replay", "--step", *arguments, stdin="".join(c + "\n" for c in commands).encode())


def cases_until():
    @case("until/tells-how-things-stand")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        lines = ACCEPTED.read_text().splitlines()
        body = lines.index("= body wanted") + 1
        result = ehlo("replay", "--until", "12", "x.smtp")
        for pattern in (r"\Aevent 12: body wanted$", rf"^  transcript +x\.smtp:{body - 4} +S: 354 ",
                        rf"^  next +x\.smtp:{body + 1} +\S+ +C: From: ", r"^  time +1\.575632 s$",
                        r"^  client +body, under TLS, authenticated, 1 recipient accepted$",
                        r"^  submission +open at body$", r"^  last command +DATA$", r"^  last reply +354 ",
                        r"^  pending +0 commands", r"^  deadline +none$"):
            yield from want(result, 0, out=pattern)
        result = ehlo("replay", "--until", "5", "x.smtp")
        yield from want(result, 0, out=r"^  pending +1 command without a reply$")
        yield from want(result, 0, out=r"^  deadline +at 300\.188 s, in 300\.000 s$")
        yield from want(ehlo("replay", "--until", "12", "-", stdin=ACCEPTED.read_bytes()), 0, out="event 12: body")
        last = ehlo("replay", "--until", "16", "x.smtp")
        yield from want(last, 0, out="^event 16: outcome accepted at quit$")
        yield from want(last, 0, out="^  next +the end of the transcript$")
        yield from want(ehlo("replay", "--until", "17", "x.smtp"), 0, err="event 17 was not reached, there are 16")
        verbose = ehlo("replay", "--verbose", "--until", "3", "x.smtp")
        yield from want(verbose, 0, out=r"^->  STARTTLS\n<-  220 .*\n  3 = reply 220 2\.0\.0 to STARTTLS\nevent 3: ")
        message = ehlo("replay", "--until", "9", CORPUS / "rfc/rfc5321-d1-typical-transaction.smtp")
        yield from want(message, 0, out=r"\Aevent 9: reply 250 to body$")
        yield from want(message, 0, out="^  last command +DATA$")
        secret = ehlo("replay", "--until", "8", "x.smtp")
        yield from want(secret, 0, out=r"^  last command +\\\{secret\}$")

    # What is wrong behind the event does not count, nor that of another event of the same chunk.
    @case("until/exit-status")
    def _(ehlo):
        edited(ehlo.directory / "x.smtp", b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        for number, status in ((8, 0), (9, 0), (10, 1), (11, 1)):
            yield from want(ehlo("replay", "--until", number, "x.smtp"), status, out=f"^event {number}: ")
        yield from want(ehlo("replay", "--until", 16, "x.smtp"), 1, out="^diverged", err="event 16 was not reached")
        edited(ehlo.directory / "x.smtp", b"C: MAIL FROM:<alice@", b"C: MAIL FROM:<mallory@")
        for number, status in ((8, 0), (9, 1)):
            yield from want(ehlo("replay", "--until", number, "x.smtp"), status)
        yield from want(ehlo("replay", "--until", 9, "x.smtp"), 1, out="^diverged", err="event 9 was not reached")
        (ehlo.directory / "x.smtp").write_bytes(b"S: 220 x\nC: EHLO y\nS: 250 x\nnonsense\n")
        yield from want(ehlo("replay", "--until", "1", "x.smtp"), 0, out="^event 1: reply 220 to greeting")

    @case("step/through")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        whole = ehlo("replay", "--verbose", "x.smtp")
        yield from want(whole, 0, out=r"^~>  \(hidden\)$")
        stepped = step(ehlo, "x.smtp", commands=["", "n", "next"] + [""] * 20)
        yield from want(stepped, 0)
        if stepped.out != b"h lists the commands\n" + whole.out:
            yield "all steps together are not the conversation"
        continued = step(ehlo, "x.smtp", commands=["c", "q"])
        if continued.out != stepped.out:
            yield "to continue does not show the conversation"

    @case("step/commands")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        yield from want(step(ehlo, "x.smtp", commands=["q"]), 0,
                        out=r"\Ah lists.*\n<-  220 .*\n  1 = reply 220 to greeting\n\Z")
        yield from want(step(ehlo, "x.smtp", commands=["g 12", "q"]), 0, out=r"^ 12 = body wanted\n\Z")
        yield from want(step(ehlo, "x.smtp", commands=["12", "3", "q"]), 0,
                        out=r"^ 12 = body wanted\n->  STARTTLS\n<-  220 .*\n  3 = reply 220 2\.0\.0 to STARTTLS\n\Z")
        yield from want(step(ehlo, "x.smtp", commands=["c", "2", "q"]), 0,
                        out=r"^same .*\n->  EHLO .*\n(<-  250-.*\n)+<-  250 .*\n  2 = reply 250 to EHLO\n\Z")
        yield from want(step(ehlo, "x.smtp", commands=["c", "99", "q"]), 0, out=r"^there are 16 events\n\Z")
        yield from want(step(ehlo, "--until", "12", "x.smtp", commands=["q"]), 0, out=r"^ 12 = body wanted\n\Z")
        result = step(ehlo, "x.smtp", commands=["12", "p", "l", "h", "frobnicate", "x" * 5000, "0", "-1", "g", "q"])
        yield from want(result, 0, out="^event 12: body wanted$")
        yield from want(result, 0, out=r"^>     \d+ +S: 354 ")
        yield from want(result, 0, out="^  Enter, n   the next event$")
        if result.out.count(b"that is no command; h lists them\n") != 5:
            yield "what is no command is not told each time"
        yield from want(ehlo("replay", "--step", "x.smtp"), 0, out=r"greeting\n\Z")

    @case("step/diverged")
    def _(ehlo):
        edited(ehlo.directory / "x.smtp", b"C: MAIL FROM:<alice@", b"C: MAIL FROM:<mallory@")
        result = step(ehlo, "x.smtp", commands=["c", "p", "l", "8", "q"])
        yield from want(result, 0, out=r"^diverged  x\.smtp:53:\d+ \(recorded\)$")
        yield from want(result, 0, out=r"^~>  \(hidden\)\n    \(1\.2 s, waiting for the server\)\n<~  235 .*\n  8 = reply 235 2\.7\.0 to AUTH\n\Z")
        yield from want(step(ehlo, "x.smtp", commands=["c", "q"]), 1, out="^diverged")
        (ehlo.directory / "x.smtp").write_bytes(b"nonsense\n")
        yield from want(step(ehlo, "x.smtp", commands=["p", "l", "q"]), 65, out="^the session did not begin$",
                        err=r"x\.smtp:1:1: ")


# ---- On a terminal -------------------------------------------------------------------------------------------------


def read_terminal(fd, until):
    """What appears on the terminal until `until` does, or the program is gone."""
    octets = b""
    end = time.monotonic() + WAIT_BOUND
    while not re.search(until, octets):
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            raise Complaint(f"the terminal has no {until!r}: {octets!r}")
        try:
            more = os.read(fd, 65536)
        except OSError:  # nobody has it open any more
            more = b""
        if not more:
            break
        octets += more
    return octets


def on_terminal(ehlo, *arguments, fd=None, **variables):
    """Starts the program with standard error on a terminal; returns the process and our end."""
    ours, theirs = pty.openpty()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(ehlo.directory), "LC_ALL": "C.UTF-8", "TERM": "xterm"}
    environment.update(variables)
    process = subprocess.Popen([ehlo.program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=theirs, cwd=ehlo.directory, env=environment,
                               pass_fds=() if fd is None else (fd,))
    os.close(theirs)
    return process, ours


def cases_terminal():
    @case("terminal/step")
    def _(ehlo):
        shutil.copy(ACCEPTED, ehlo.directory / "x.smtp")
        with Tmux(ehlo, "replay", "--step", "x.smtp") as t:
            t.expect(r"^  1 = reply 220 to greeting\nstep>")
            t.keys("Enter")
            t.expect(r"^->  EHLO client\.example\.com\n(<-  250.*\n)+  2 = reply 250 to EHLO\nstep>")
            t.keys("n", "Enter")
            t.expect(r"^->  STARTTLS\n.*\n  3 = reply 220 2\.0\.0 to STARTTLS\nstep>")
            t.keys("8", "Enter")
            t.expect(r"^~>  \(hidden\)\n    \(1\.2 s, waiting for the server\)\n<~  235 .*\n  8 = reply 235 2\.7\.0 to AUTH\nstep>")
            t.keys("p", "Enter")
            t.expect(r"^  client +data, under TLS, authenticated")
            t.keys("g 2", "Enter")
            t.expect(r"step> g 2\n->  EHLO .*\n(<-  250.*\n)+  2 = reply 250 to EHLO\nstep>")
            t.keys("l", "Enter")
            t.expect(r"^>     25 +S: 250 SMTPUTF8")
            t.keys("c", "Enter")
            t.expect(r"^ 16 = outcome accepted at quit\nsame .*\nstep>")
            t.keys("q", "Enter")
            t.expect("^status 0")

    @case("terminal/progress")
    def _(ehlo):
        shutil.copytree(CORPUS / "rfc", ehlo.directory / "d")
        edited(ehlo.directory / "d/x.smtp", b"= reply 250 2.1.5 to RCPT", b"= reply 550 to RCPT")
        num = sum(1 for _ in (ehlo.directory / "d").glob("*.smtp")) + 1
        # The first file is a pipe that ends only once the bar was seen.
        reader, writer = os.pipe()
        process, terminal = on_terminal(ehlo, "replay", "--jobs", "2", f"/dev/fd/{reader}", "d", fd=reader)
        os.close(reader)
        try:
            shown = read_terminal(terminal, rb"0 of %d, 0/s, 0 diverged" % num)
            if not re.search(rb"\r\x1b\[K\[ +\] 0 of", shown):
                yield f"there is no bar in {shown!r}"
            os.write(writer, ACCEPTED.read_bytes())
            os.close(writer)
            out, _ = process.communicate(timeout=RUN_BOUND)
            shown = read_terminal(terminal, rb"a second, with 2 jobs")
        finally:
            process.kill()
            os.close(terminal)
        if not re.search(rb"\r\x1b\[K", shown) or not re.search(rb"%d files in \d+\.\d+ s, \d+ a second" % num, shown):
            yield f"the bar is not taken away, or the time not told: {shown!r}"
        if process.returncode != 1 or b"\x1b" in out or b"1 diverged" not in out:
            yield f"exit status {process.returncode}, output {out[-300:]!r}"

    @case("terminal/no-progress")
    def _(ehlo):
        shutil.copytree(CORPUS / "rfc", ehlo.directory / "d")
        for options, variables in ((("--quiet",), {}), (("--json",), {}), ((), {"TERM": "dumb"})):
            process, terminal = on_terminal(ehlo, "replay", *options, "d", **variables)
            process.communicate(timeout=RUN_BOUND)
            shown = read_terminal(terminal, rb"\Zx")
            os.close(terminal)
            if shown or process.returncode != 0:
                yield f"{options}: exit status {process.returncode}, and on the terminal is {shown!r}"


# ---- Memory --------------------------------------------------------------------------------------------------------


def write_long(path, num_lines):
    """A session whose message has so many lines."""
    octets = ACCEPTED.read_bytes()
    line = b"           C: Hello Bob,\n"
    if octets.count(line) != 1:
        raise Complaint("the message is not what it was")
    before, after = octets.split(line)
    text = b"           C: " + b"0123456789abcdef" * 60 + b"\n"
    before = re.sub(rb"SIZE=\d+", b"SIZE=%d" % (num_lines * 962 + 127), before)
    before = re.sub(rb"size \d+", b"size %d" % (num_lines * 962 + 127), before)
    with open(path, "wb") as file:
        file.write(before)
        for _ in range(num_lines // 1000):
            file.write(text * 1000)
        file.write(line + after)


def cases_memory():
    max_rss = bench.programs[1]
    if "ASAN_OPTIONS" in os.environ:
        return  # a sanitizer's memory is not the program's

    def measure(ehlo, program, *arguments, status=0):
        result = Ehlo(max_rss, ehlo.directory, ehlo.on_result)(program, *arguments)
        if result.status != status:
            raise Complaint(f"{program} ends with {result.status}")
        return int(result.err.split()[-1])

    def judge(ehlo, what, *arguments, status=0):
        used = measure(ehlo, ehlo.program, *arguments, status=status)
        empty = measure(ehlo, max_rss)
        print(f"memory: {what}: {used - empty} KiB more than an empty program, {MEMORY_MAX} allowed")
        if used - empty > MEMORY_MAX:
            yield f"{what}: {used - empty} KiB are more than {MEMORY_MAX}"

    @case("memory/long-transcript")
    def _(ehlo):
        write_long(ehlo.directory / "x.smtp", 65000)
        for options in ((), ("--chunks", "all"), ("--until", "13"), ("--update",), ("--verbose",)):
            yield from judge(ehlo, f"60 MiB {options}", "replay", *options, "x.smtp")

    @case("memory/huge-file")
    def _(ehlo):
        with open(ehlo.directory / "x.smtp", "wb") as file:
            file.write(b"S: 220 x\nC: ")
            file.truncate(1 << 34)
        yield from judge(ehlo, "16 GiB of NULs", "replay", "x.smtp", status=65)

    # More names than are kept at a time, and more results than wait for their turn.
    @case("memory/many-files")
    def _(ehlo):
        (ehlo.directory / "d").mkdir()
        shutil.copy(ACCEPTED, ehlo.directory / "d/00000.smtp")
        for i in range(1, 40000):
            os.link(ehlo.directory / "d/00000.smtp", ehlo.directory / f"d/{i:05}.smtp")
        for options in (("--quiet",), ("--json",)):
            yield from judge(ehlo, f"40000 files {options}", "replay", *options, "--jobs", "4", "d")
        yield from want(ehlo("replay", "--quiet", "d"), 0, out=r"\A40000 same, 0 diverged, 0 bad\n\Z")


cases_many()
cases_bad()
cases_update()
cases_until()
cases_terminal()
cases_memory()
sys.exit(bench.run())
