#!/usr/bin/python3
"""Findings: each kind is found, told by its sentence, made small, turned into a transcript where that can be, told once,
adopted by one command, and forgotten when it no longer happens."""

import hashlib
import json
import re
import sys

import sentence
from reduce import Exhausted, reduced
from standin import Workspace, check, run_cases

FUZZERS = sys.argv[1:]
NOISE = b"one line\nand another\n%s\nand a last one\n"
SESSION = ["//corpus:transcripts"]


def found(w, name):
    """The only finding of a target: its name, what is known of it, its input."""
    folders = list((w.root / ".campaign/findings").glob(f"{name}-*"))
    check(len(folders) == 1, name, folders)
    known = json.loads((folders[0] / "finding.json").read_text())
    return folders[0], known, (folders[0] / "input").read_bytes()


def case_kinds():
    """Crash, leak, hang and too much memory, each by who found it."""
    w = Workspace(FUZZERS)
    wanted = {"model": ("crash", "model", r"fuzz/campaign/planted\.c:\d+: does not hold \(model\): size == 0$"),
              "assert": ("crash", "assertion", r"fuzz/campaign/planted\.c:\d+: .*Assertion `size == 0' failed\.$"),
              "abort": ("crash", "signal", r"ended by a signal in LLVMFuzzerTestOneInput \S*planted\.c:"),
              "address": ("crash", "AddressSanitizer", r"heap-buffer-overflow \S*planted\.c:\d+:\d+ in read_beyond$"),
              "undefined": ("crash", "UndefinedBehaviorSanitizer",
                            r"fuzz/campaign/planted\.c:\d+:\d+: runtime error: signed integer overflow"),
              "leak": ("leak", "LeakSanitizer", r"\d+ byte\(s\) leaked in 1 allocation\(s\), allocated in leak \S*planted\.c:"),
              "hang": ("hang", "time", r"no end within 1 seconds$"),
              "memory": ("memory", "memory", r"more than 150 MiB of memory$")}
    before = {word: (b"line\n%s" if word == "hang" else NOISE) % f"<{word}>".encode() for word in wanted}
    for word in wanted:
        w.target(word, [before[word], b"G"])
    # A second for one input is little on a machine that has other things to do.
    w.campaign("--runs", "300", "--timeout", "1", "hang")
    answer, result = w.campaign("--runs", "300", "--timeout", "5", "--memory", "150", "--jobs", "2")
    check(answer.returncode == 1 and result["status"] == 1, answer.stdout, answer.stderr)
    check(len(result["findings"]) == len(wanted), [(known["name"], known["sentence"]) for known in result["findings"]])
    for word, (kind, oracle, words) in wanted.items():
        folder, known, octets = found(w, word)
        check((known["kind"], known["oracle"]) == (kind, oracle), word, known)
        check(re.match(words, known["sentence"]), word, known["sentence"])
        check(octets == f"<{word}>".encode() and known["reduced"], word, octets)
        check((folder / "original").read_bytes() == before[word], word)
        check(known["sentence"] in answer.stdout and f"//fuzz:adopt -- {folder.name}" in answer.stdout, answer.stdout)
        lane = next(lane for lane in result["targets"] if lane["target"] == word)
        check(lane["crashes"] == 1 and lane["executions"] >= 300, "after a finding the rest follows", lane)


def case_sentences():
    """Of two limits in a log the first one is meant: printing a stack may take so long that the other follows."""
    time, memory = (b"==7== ERROR: libFuzzer: %s after 5 seconds\n" % what for what in (b"timeout", b"out-of-memory"))
    check(sentence.read(memory + time, 5, 150).kind == "memory", "it was memory")
    check(sentence.read(time + memory, 5, 150).kind == "hang", "it was time")


def case_discovered():
    """A fault that stands in no seed is found, told once though it is found again, and again in the next campaign."""
    w = Workspace(FUZZERS)
    w.target("one", [b"BUGS and more\nof it", b"BUGGED"])
    w.target("two", [b"BU"])
    answer, result = w.campaign("--runs", "400000", "--seed", "5")
    check(answer.returncode == 1 and len(result["findings"]) == 2, answer.stdout)
    for name in ("one", "two"):
        folder, known, octets = found(w, name)
        check(octets == b"BUG" and known["oracle"] == "recut", octets, known)
        check(name == "two" or known["times"] >= 2, "it was found once only", known)
    again, result = w.campaign("--runs", "300")
    check(again.returncode == 1 and found(w, "two")[0] == folder, again.stdout)
    check("inputs of this target are no sessions" in answer.stdout, answer.stdout)


def case_gone():
    """What no longer happens is told and is a finding no more; its input stays among those that are run."""
    w = Workspace(FUZZERS)
    w.target("one", [b"G"])
    w.target("two", [b"G", b"BUG"])
    answer, _ = w.campaign("--runs", "300")
    check(answer.returncode == 1, answer.stdout)
    w.fuzzer("two", "planted_fixed")
    answer, result = w.campaign("--runs", "300")
    check(answer.returncode == 0 and not result["findings"], answer.stdout)
    check("no longer happens" in answer.stdout and not list((w.root / ".campaign/findings").iterdir()), answer.stdout)


def case_transcripts():
    """Inputs that are transcripts are laid down as they are, others through their converter, and a replay is told."""
    w = Workspace(FUZZERS)
    w.target("input", [b"BUG"], corpus=SESSION)
    w.target("passes", [b"<model>"], corpus=SESSION)
    w.target("malformed", [b"<model>"], corpus=SESSION)
    w.target("converted", [b"BUG"], converter=True)
    w.target("unfit", [b"BUG"], converter=True)
    w.target("without", [b"<model>"], converter=True)
    answer, _ = w.campaign("--runs", "100", "--jobs", "2")
    check(answer.returncode == 1, answer.stdout)
    diverged = "`ehlo replay --chunks all` ends with status 1: diverged  transcript.smtp:1:3 (byte)"
    wanted = {"input": ("fails", diverged, b"BUG"), "converted": ("fails", diverged, b"S: BUG\n"),
              "without": ("passes", "only the target does (left out of the transcript: 1)", b"S: fine\n"),
              "passes": ("passes", "`ehlo replay --chunks all` shows nothing of it", b"<model>"),
              "malformed": (None, "the input is no whole transcript", None),
              "unfit": (None, "no transcript: unfit_transcript could not make one: no session", None)}
    for name, (how, says, octets) in wanted.items():
        folder, known, _ = found(w, name)
        check(known["transcript"] == how and says in known["transcript_says"], name, known)
        check(says in answer.stdout, says, answer.stdout)
        path = folder / "transcript.smtp"
        check((path.read_bytes() if path.exists() else None) == octets, name)


def case_adopted():
    """One command puts a finding, or the new inputs of a target, where the corpus tests run them."""
    w = Workspace(FUZZERS)
    w.target("one", [b"BUG", b"GOO"], converter=True)
    w.target("two", [b"BUG"])
    check(w.campaign("--runs", "3000")[0].returncode == 1, "nothing was found")
    one, two = found(w, "one")[0].name, found(w, "two")[0].name
    named, faults = hashlib.sha1(b"BUG").hexdigest(), w.root / "corpus/transcripts/faults"
    answer = w.run(one, two, program="adopt.py")
    check(answer.returncode == 0, answer)
    for name in ("one", "two"):
        check((w.root / "corpus/fuzz" / name / named).read_bytes() == b"BUG", name)
    check([path.name for path in faults.iterdir()] == [f"fuzz-{one}.smtp"], list(faults.iterdir()))
    check("bazel test //fuzz:one //fuzz:two //replay:corpus_test" in answer.stdout, answer.stdout)
    answer = w.run(one, "--name", "a-server-says-bug", program="adopt.py")
    check((faults / "a-server-says-bug.smtp").exists(), answer)
    check((w.root / "corpus/fuzz/one/a-server-says-bug").read_bytes() == b"BUG", answer)
    kept = w.kept("one")
    check(kept and w.run("one", program="adopt.py").returncode == 0, kept)
    check(set(kept) <= {path.name for path in (w.root / "corpus/fuzz/one").iterdir()}, kept)
    for wrong, words in (([], "usage"), (["three"], "no finding and no target of that name: three"),
                         ([one, two, "--name", "x"], "--name is for one finding"),
                         ([one, "--name", "../x"], "is no name for a file")):
        answer = w.run(*wrong, program="adopt.py")
        check(answer.returncode == 64 and words in answer.stderr, wrong, answer)


def case_reduced():
    """Reducing takes lines first, keeps only what is needed, and ends when enough was tried."""
    def first(candidates):
        return next((at for at, octets in enumerate(candidates) if b"x" in octets and octets.endswith(b"\n")), None)

    check(reduced(b"a\nbxc\nd\n" * 9, first) == b"x\n", "lines and octets")
    left = 3

    def impatient(candidates):
        nonlocal left
        left -= 1
        if left < 0:
            raise Exhausted
        return first(candidates)

    some = reduced(b"a\nbxc\nd\n" * 9, impatient)
    check(first([some]) == 0 and 2 < len(some) < 72, some)


run_cases([(name, case) for name, case in globals().copy().items() if name.startswith("case_")])
