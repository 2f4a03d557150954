#!/usr/bin/python3
"""Campaigns over small fuzzers: what they keep and say, how they end, that they repeat, that they go on. No rate is
judged."""

import hashlib
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

from folder import Work
from schedule import FIRST_INPUTS, Lane, drawn
from standin import Workspace, check, run_cases

FUZZERS = sys.argv[1:]
DEAF = "#!/bin/bash\nexit 3\n"
IDLE = "#!/bin/bash\nexit 0\n"


def table_of(text):
    """The table at the end, by target."""
    lines = text[text.index("target "):].split("\n\n")[0].splitlines()
    return {line.split()[0]: line for line in lines}


def case_clean():
    """Nothing is found: status 0, a table, JSON, and new inputs named by their content."""
    w = Workspace(FUZZERS)
    w.target("one", [b"GOO", b"x"], "planted_fixed")
    w.target("two", [], "planted_fixed")
    answer, result = w.campaign("--runs", "50000", "--seed", "7")
    check(answer.returncode == 0, answer.stdout, answer.stderr)
    check(result["status"] == 0 and result["seed"] == 7 and not result["findings"], result)
    table = table_of(answer.stdout)
    check(table["target"].split() == ["target", "executions", "exec/s", "edges", "states", "new", "crashes"], table)
    for lane in result["targets"]:
        check(lane["executions"] >= 50000 and lane["edges"] > 10 and lane["crashes"] == 0, lane)
        check(lane["states"] > 2 and lane["states_of"] == 5, "the fuzzer did not get far", lane)
        kept = w.kept(lane["target"])
        check(kept and len(kept) == lane["new_inputs"], kept, lane)
        check(all(re.fullmatch("[0-9a-f]{40}", name) for name in kept), kept)
        check(not w.kept(lane["target"], what="found"), "what was merged is still there")
        row = table[lane["target"]]
        check(f"{lane['executions']:,}" in row and f"{lane['states']} of 5" in row and row.endswith(" 0"), row)
    check("//fuzz:adopt -- one two" in answer.stdout, answer.stdout)
    check("build --config=fuzz --keep_going //fuzz:one_fuzzer //fuzz:one_corpus" in
          (w.root / "bazel-calls").read_text(), "what was built")


def case_seconds():
    """By time every target runs, more targets than jobs or fewer; a rate is told."""
    for jobs in (2, 5):
        w = Workspace(FUZZERS)
        for name in ("a", "b", "c"):
            w.target(name, [b"G"], "planted_fixed")
        answer, result = w.campaign("--seconds", "3", "--jobs", jobs)
        check(answer.returncode == 0, answer.stdout, answer.stderr)
        check(all(lane["executions_per_second"] > 0 for lane in result["targets"]), result)
        check(f"3 targets, {jobs} jobs, seed {result['seed']}" in answer.stdout, answer.stdout)


def case_slow():
    """Where reading the seeds takes longer than the campaign it does not merge on, and keeps what was found."""
    w = Workspace(FUZZERS)
    w.target("one", [b"<slow>%d" % number for number in range(20)], "planted_fixed")
    answer, result = w.campaign("--seconds", "2", "--jobs", "1")
    check(answer.returncode == 0 and re.search(r"^one .* \? +0$", answer.stdout, re.M), answer.stdout, answer.stderr)
    lane = result["targets"][0]
    check(lane["new_inputs"] is None and lane["states"] is None and lane["executions"] >= 20, lane)
    check(not w.kept("one") and not (w.root / ".campaign/targets/one/merging").exists(), "it has merged")
    answer, result = w.campaign("--runs", "30")
    check(answer.returncode == 0 and result["targets"][0]["states"] > 0, "executions have no clock", answer.stdout)


class Loaded:
    """A process that has read its inputs."""

    def __init__(self, seconds):
        self.loaded_seconds = seconds


def case_drawn():
    """A slice starts from some inputs while their speed is not known, then from as many as half of it reads."""
    lane = Lane(None, None, Work(pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))), "/none"), None)
    check(lane.inputs_for(None) is None and lane.inputs_for(3) == FIRST_INPUTS, "at first")
    lane.loaded(Loaded(None), 100, 500)
    check(lane.inputs_for(3) == FIRST_INPUTS, "learnt from one that failed")
    lane.loaded(Loaded(5.0), 100, 500)
    check(lane.inputs_for(4) == 40 and lane.inputs_for(0.01) == 1 and lane.inputs_for(None) is None, "then")
    check(lane.loaded_seconds == 25, "what a merge will take", lane.loaded_seconds)
    every = list(range(500))
    some = drawn(every, 40, 7)
    check(len(set(some)) == 40 and some == sorted(some) and some == drawn(every, 40, 7), some)
    check(some != drawn(every, 40, 8) and drawn(every, 500, 7) == drawn(every, None, 7) == every, "all, or others")


def case_chosen():
    """Only what is named runs; JSON to stdout leaves the rest to stderr."""
    w = Workspace(FUZZERS)
    w.target("one", [], "planted_fixed")
    w.target("two", [], "planted_fixed")
    answer = w.run("--runs", "500", "--json", "-", "two")
    check(answer.returncode == 0, answer.stderr)
    check([lane["target"] for lane in json.loads(answer.stdout)["targets"]] == ["two"], answer.stdout)
    check("target " in answer.stderr, answer.stderr)
    check("one_fuzzer" not in (w.root / "bazel-calls").read_text(), "the other one was built")


def case_repeats():
    """The same seed and the same inputs give the same table and the same new inputs, and another seed others."""
    w = Workspace(FUZZERS)
    w.target("one", [b"BUG", b"G"], "planted")
    w.target("two", [b"G"], "planted_fixed")
    told, kept = [], []
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        answer, _ = w.campaign("--runs", "30000", "--seed", seed, "--jobs", "2", "--out", out)
        check(answer.returncode == 1, answer.stdout, answer.stderr)
        check(f"//fuzz:adopt -- --out {w.root}/{out} one" in answer.stdout, "the command is for another folder", answer.stdout)
        table = answer.stdout[answer.stdout.index("target "):]
        told.append(table.replace(f"--out {w.root}/{out} ", "").replace(f"{w.root}/{out}/", "").replace(f"{out}/", ""))
        kept.append([w.kept(name, out) for name in ("one", "two")])
    check(told[0] == told[1], told[0], told[1])
    check(kept[0] == kept[1], kept)
    check(kept[0] != kept[2] or told[0] != told[2], "the seed makes no difference")


def wait_for(what, *, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        check(time.monotonic() < end, "waited in vain for", what.__name__)
        time.sleep(0.05)


def fuzzers_of(w):
    """The processes of fuzzers that are at work in this workspace."""
    listed = subprocess.run(["ps", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"{w.root}/.campaign/programs" in line and " Z" not in line]


def case_goes_on():
    """Killed, the campaign leaves no process and loses no input; the same command goes on; Ctrl-C ends with a table."""
    w = Workspace(FUZZERS)
    w.target("one", [b"G"], "planted_fixed")
    command = ("--seconds", "600", "--jobs", "1", "--json", "result.json")
    slices = w.root / ".campaign/targets/one"

    def has_found_inputs():
        return len(list(slices.glob("running-*/found/*"))) >= 3 and (w.root / ".campaign/ledger.json").exists()

    killed = w.start(*command, stdout=subprocess.DEVNULL)
    wait_for(has_found_inputs)
    killed.kill()
    killed.wait()

    def has_no_process():
        return not fuzzers_of(w)

    wait_for(has_no_process)
    # By content: the kill may have come in the middle of a file.
    found = {hashlib.sha1(path.read_bytes()).hexdigest() for path in slices.glob("running-*/found/*")}
    log = next(slices.glob("running-*/log")).read_text()
    executed = max(int(number) for number in re.findall(r"^#(\d+)\t", log, re.MULTILINE))
    seed = json.loads((w.root / ".campaign/ledger.json").read_text())["seed"]

    second = w.start(*command, stdout=subprocess.PIPE, text=True)

    def goes_on():
        return (slices / "running-1/log").exists() and "INITED" in (slices / "running-1/log").read_text()

    wait_for(goes_on)
    second.send_signal(signal.SIGINT)
    text = second.communicate()[0]
    result = json.loads((w.root / "result.json").read_text())
    check(second.returncode == 130 and result["interrupted"], second.returncode, result)
    check("It goes on after 0:" in text and "Interrupted." in text and table_of(text)["one"], text)
    check(result["seed"] == seed, "another seed", seed, result)
    check(result["targets"][0]["executions"] > executed, executed, result)
    check(result["targets"][0]["executions_in_all"] == result["targets"][0]["executions"], result)
    check(found <= set(w.kept("one", what="found")), "inputs are gone", found)
    check(not list(slices.glob("running-*")) and not fuzzers_of(w), "something was left behind")

    answer, result = w.campaign("--runs", "1", "--fresh")
    check(answer.returncode == 0 and "goes on" not in answer.stdout, answer.stdout)
    check(result["targets"][0]["executions_in_all"] == result["targets"][0]["executions"], result)


def case_terminated():
    """SIGTERM ends it as Ctrl-C does; findings so far give status 1 all the same."""
    w = Workspace(FUZZERS)
    w.target("one", [b"BUG"])
    running = w.start("--seconds", "600", "--jobs", "1", stdout=subprocess.PIPE, text=True)

    def has_finding():
        return any((w.root / ".campaign/findings").glob("one-*/finding.json"))

    wait_for(has_finding)
    running.send_signal(signal.SIGTERM)
    text = running.communicate()[0]
    check(running.returncode == 1 and "Interrupted." in text and "does not hold (recut)" in text, text)


def case_terminal():
    """On a terminal one line is drawn again; elsewhere lines stay."""
    w = Workspace(FUZZERS)
    w.target("one", [b"G"], "planted_fixed")
    ours, theirs = pty.openpty()
    running = w.start("--seconds", "3", stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        while octets := os.read(ours, 4096):
            text += octets
    except OSError:
        pass  # how a terminal says that nobody is left
    check(running.wait() == 0, text)
    check(re.search(rb"\r\x1b\[K0:0\d of 0:03  one  \(1 of 1 target so far\)", text), text)
    answer, _ = w.campaign("--runs", "1000")
    check("\r" not in answer.stdout and re.search(r"^one: [\d,]+ executions, \d+ edges$", answer.stdout, re.M),
          answer.stdout)


def case_usage():
    """What is asked wrongly is told in a sentence, with status 64."""
    w = Workspace(FUZZERS)
    w.target("one", [], "planted_fixed")
    for wrong, words in ((["three"], "there is no fuzz target three; there are one"),
                         (["--seconds", "0"], "0 is no number from 1"), (["--jobs", "x"], "x is no number"),
                         (["--seconds", "1", "--runs", "1"], "not both"), (["--what"], "unrecognized")):
        answer = w.run(*wrong)
        check(answer.returncode == 64 and words in answer.stderr and not answer.stdout, wrong, answer)
    check(w.run("--help").returncode == 0, "--help")


def case_tools():
    """Where something of the tools fails the status is 70, and never 0 where a target did not run."""
    for program, words in ((DEAF, "ended with status 3"), (IDLE, "ended with status 0 after 0 executions")):
        w = Workspace(FUZZERS)
        w.target("one", [b"G"], "planted_fixed")
        w.target("two", [], program)
        answer, result = w.campaign("--runs", "500")
        check(answer.returncode == 70 and f"two: the fuzzer {words}" in answer.stdout, answer.stdout, answer.stderr)
        check(result["status"] == 70 and result["targets"][0]["executions"] >= 500, result)
    (w.root / "build-fails").touch()
    answer = w.run("--runs", "500")
    check(answer.returncode == 70 and "it does not compile" in answer.stderr, answer)
    for place, words in (("no/such/result.json", "No such file or directory"), ("/dev/full", "No space left")):
        (w.root / "build-fails").unlink(missing_ok=True)
        w.fuzzer("two", "planted_fixed")
        answer = w.run("--runs", "500", "--json", place)
        check(answer.returncode == 70 and words in answer.stderr and "Traceback" not in answer.stderr, answer)
    (w.root / "rules.xml").unlink()
    answer = w.run("--runs", "500")
    check(answer.returncode == 70 and "Bazel cannot tell" in answer.stderr, answer)


def case_folder():
    """A folder that is not a campaign's, or in which one is at work, is left alone."""
    w = Workspace(FUZZERS)
    w.target("one", [], "planted_fixed")
    answer = w.run("--runs", "1", "--out", "corpus")
    check(answer.returncode == 70 and "is not a campaign's folder" in answer.stderr, answer)
    check(w.run("--runs", "100").returncode == 0, "a new one")
    (w.root / ".campaign/ledger.json").write_text("{")
    answer = w.run("--runs", "1")
    check(answer.returncode == 70 and "ledger.json is damaged" in answer.stderr, answer)
    (w.root / ".campaign/ledger.json").unlink()
    running = w.start("--seconds", "600", stdout=subprocess.DEVNULL)

    def is_at_work():
        return (w.root / ".campaign/ledger.json").exists()

    wait_for(is_at_work)
    answer = w.run("--runs", "1")
    check(answer.returncode == 70 and "another campaign is at work" in answer.stderr, answer)
    running.terminate()
    check(running.wait() == 143, running.returncode)


run_cases([(name, case) for name, case in globals().copy().items() if name.startswith("case_")])
