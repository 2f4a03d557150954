"""Findings: what a fuzzer laid down is run again alone, told from others by its sentence, made smaller, and put where a
person and one command find it.

A finding is a folder findings/TARGET-HASH; HASH is that of its sentence, so the same fault has the same folder in every
campaign:

    input            what fails, as small as it became
    original         as the fuzzer found it
    log              what the fuzzer says of `input`
    transcript.smtp  the same as a transcript, where that can be; see transcripts.py
    finding.json     all that is known of it
"""

import itertools
import shutil
import time

import fuzzer
import sentence
from folder import content_name, files_of, made, read_json, write_json, write_whole
from reduce import Exhausted, reduced

# What is spent on making one finding smaller.
REDUCE_CANDIDATES = 4000
REDUCE_SECONDS = 30.0
BATCH = 100


class Finding:
    """One folder of findings/."""

    def __init__(self, path):
        self.path = path
        self.read()

    def read(self):
        """What is known now; somebody else may have told more."""
        self.known = read_json(self.path / "finding.json")

    @property
    def name(self):
        return self.path.name

    @property
    def target(self):
        return self.known["target"]

    @property
    def input(self):
        return (self.path / "input").read_bytes()

    def names_of_inputs(self):
        return {content_name((self.path / name).read_bytes()) for name in ("input", "original")}

    def tell(self, **facts):
        self.read()
        self.known.update(facts)
        write_json(self.path / "finding.json", self.known)


class Bench:
    """Runs single inputs of one target."""

    def __init__(self, folder, program, seconds, megabytes):
        self.folder, self.program, self.seconds, self.megabytes = folder, program, seconds, megabytes

    def run(self, inputs, scratch):
        """The process that ran these inputs, one after the other."""
        arguments = [f"-timeout={self.seconds}", f"-rss_limit_mb={self.megabytes}", f"-artifact_prefix={scratch}/"]
        longest = 2 * self.seconds + 10 + len(inputs)
        return fuzzer.run(self.program, arguments + inputs, scratch, longest)

    def sentence(self, process):
        """What a process says that did not end well; None for one that did."""
        if process.status == 0:
            return None
        if process.status is None:
            return sentence.Sentence("hang", "time", f"no end within {self.seconds} seconds", "hang")
        return sentence.read(process.text(), self.seconds, self.megabytes)

    def alone(self, octets):
        """The sentence and the log of this input in a process of its own."""
        with self.folder.scratch() as scratch:
            (scratch / "input").write_bytes(octets)
            process = self.run([scratch / "input"], scratch)
            return self.sentence(process), process.text()

    def first_of(self, candidates, key):
        """The place of the first candidate with this key."""
        at = 0
        while at < len(candidates):
            with self.folder.scratch() as scratch:
                paths = [scratch / f"{number}" for number in range(at, len(candidates))]
                for path, octets in zip(paths, candidates[at:]):
                    path.write_bytes(octets)
                process = self.run(paths, scratch)
                says, last = self.sentence(process), last_run(process.text(), at)
            if says is None:
                return None
            if says.key == key:
                return last
            at = last + 1
        return None


def last_run(log, before):
    """The number in the last "Running: …/NUMBER" of a log."""
    lines = [line for line in log.decode(errors="replace").splitlines() if line.startswith("Running: ")]
    return int(lines[-1].rpartition("/")[2]) if lines else before


def kept(folder, targets):
    """The findings of these targets."""
    found = [Finding(path) for path in files_of(folder.findings) if (path / "finding.json").exists()]
    return [finding for finding in found if finding.target in targets]


def record(folder, bench, target, artifact, log, seed):
    """Keeps what a fuzzer laid down, in a folder of its own or as a repetition; the finding, and whether it is new. No
    finding comes of a hang that does not happen again alone: then the machine had other things to do."""
    octets = artifact.read_bytes()
    says, alone = bench.alone(octets)
    repeats = says is not None
    if not repeats:
        says, alone = sentence.read(log, bench.seconds, bench.megabytes), log
        if says.kind == "hang":
            return None, False
    path = folder.findings / f"{target}-{says.hash()}"
    if (path / "finding.json").exists():
        finding = Finding(path)
        finding.tell(times=finding.known["times"] + 1)
        return finding, False
    for name, content in (("input", octets), ("original", octets), ("log", alone)):
        write_whole(made(path) / name, content)
    write_json(path / "finding.json", {
        "target": target, "kind": says.kind, "oracle": says.oracle, "sentence": says.text, "key": says.key,
        "repeats": repeats, "seed": seed, "times": 1, "reduced": False, "octets": len(octets),
        "octets_before": len(octets), "transcript": None, "transcript_says": None})
    return Finding(path), True


def try_again(finding, bench):
    """Whether it still happens."""
    says, _ = bench.alone(finding.input)
    return says is not None and says.key == finding.known["key"]


def make_smaller(finding, bench, clock=time.monotonic):
    """Replaces the input by the smallest that says the same."""
    key = finding.known["key"]
    end = clock() + REDUCE_SECONDS
    tried = 0

    def first_failing(candidates):
        nonlocal tried
        at = 0
        candidates = iter(candidates)
        while batch := list(itertools.islice(candidates, size_of_batch(finding))):
            if tried >= REDUCE_CANDIDATES or clock() > end:
                raise Exhausted
            tried += len(batch)
            chosen = bench.first_of(batch, key)
            if chosen is not None:
                return at + chosen
            at += len(batch)
        return None

    if finding.known["repeats"]:
        octets = reduced(finding.input, first_failing)
        says, log = bench.alone(octets)
        if says is not None and says.key == key:
            write_whole(finding.path / "input", octets)
            write_whole(finding.path / "log", log)
            finding.tell(sentence=says.text, octets=len(octets))
    finding.tell(reduced=True)


def size_of_batch(finding):
    """A process that hangs takes its time, so what can be tried at once is little."""
    return 1 if finding.known["kind"] == "hang" else BATCH


def remove(finding):
    shutil.rmtree(finding.path)
