"""The campaign's folder: what is kept from one campaign to the next, in a form that survives an end at any moment.

    campaign.json            that this is such a folder
    ledger.json              see ledger.py
    programs/                copies of the fuzzers, so that a build beside the campaign changes none of them
    targets/NAME/seeds       the seeds of the tree, named by content
    targets/NAME/found       inputs that were found and not yet merged
    targets/NAME/corpus      what remained of them after merging
    targets/NAME/running-K   where slice K works
    targets/NAME/state.json  what the slices came to so far
    findings/NAME-HASH       see findings.py

Files are made whole under another name and then renamed. What a slice leaves behind that was killed is taken up by the
next campaign.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil

import fuzzer
from workspace import ToolError

FORM = 1
ARTIFACT = re.compile(r"(crash|leak|timeout|oom)-")


def content_name(octets):
    """What libFuzzer too names an input by."""
    return hashlib.sha1(octets).hexdigest()


def write_whole(path, octets):
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(octets)
    os.replace(new, path)


def write_json(path, value):
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode())


def read_json(path):
    try:
        return json.loads(path.read_bytes())
    except ValueError as e:
        raise ToolError(f"{path} is damaged ({e}); remove it") from e


def made(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


def files_of(directory):
    """The files of a directory in the order of their names, which does not depend on the file system."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if not path.name.startswith("."))


class Folder:
    """The whole of it. One campaign at a time has it open."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        known = self.path / "campaign.json"
        if self.path.exists() and not known.exists() and any(self.path.iterdir()):
            raise ToolError(f"{self.path} is not a campaign's folder, and not empty")
        self.lock = open(made(self.path) / "lock", "wb")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise ToolError(f"another campaign is at work in {self.path}") from e
        if not known.exists():
            write_json(known, {"form": FORM})
        elif read_json(known).get("form") != FORM:
            raise ToolError(f"{self.path} was made by another version; remove it, or use another one (--out)")
        self.findings = made(self.path / "findings")
        self.programs = made(self.path / "programs")

    def forget(self):
        """Begins anew. Findings stay; they are tried again."""
        shutil.rmtree(self.path / "targets", ignore_errors=True)

    def program(self, path):
        """A copy of a program or dictionary."""
        copy = self.programs / path.name
        new = copy.with_name(f".{copy.name}.new")
        shutil.copy(path, new)
        os.replace(new, copy)
        return copy

    def work_for(self, target, seeds):
        return Work(made(self.path / "targets" / target.name), seeds)

    def scratch(self):
        """An empty directory for one process; what it holds is of no worth afterwards."""
        return Scratch(self.path / "scratch")


class Scratch(contextlib.AbstractContextManager):
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        shutil.rmtree(self.path, ignore_errors=True)
        return made(self.path)

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Work:
    """What is kept of one target."""

    def __init__(self, path, seeds):
        self.path = path
        self.seeds, self.found, self.corpus = (made(path / name) for name in ("seeds", "found", "corpus"))
        self.state = {"executions": 0, "seconds": 0.0, "slices": 0}
        if (path / "state.json").exists():
            self.state = read_json(path / "state.json")
        self._take_seeds(seeds)

    def _take_seeds(self, directory):
        names = set()
        for path in files_of(pathlib.Path(directory)):
            octets = path.read_bytes()
            names.add(content_name(octets))
            if not (self.seeds / content_name(octets)).exists():
                write_whole(self.seeds / content_name(octets), octets)
        for path in files_of(self.seeds):
            if path.name not in names:
                path.unlink()

    def inputs(self, without=()):
        """All inputs that a slice starts from."""
        paths = {path.name: path for kept in (self.found, self.corpus, self.seeds) for path in files_of(kept)}
        return [paths[name] for name in sorted(paths) if name not in without]

    def new_slice(self):
        """A directory for the next one, and its number."""
        number = self.state["slices"]
        self.state["slices"] = number + 1
        self._write_state()
        directory = self.path / f"running-{number}"
        made(directory / "found")
        return directory, number

    def end_slice(self, directory, executions, seconds):
        """Takes what a slice found into the folder."""
        self.keep(files_of(directory / "found"))
        self.state["executions"] += executions
        self.state["seconds"] += seconds
        self._write_state()
        shutil.rmtree(directory)

    def keep(self, paths):
        for path in paths:
            os.replace(path, self.found / content_name(path.read_bytes()))

    def keep_octets(self, octets):
        write_whole(self.found / content_name(octets), octets)

    def left_behind(self):
        """Directories of slices that nobody ended."""
        return sorted(self.path.glob("running-*"), key=lambda path: int(path.name.partition("-")[2]))

    def end_left_behind(self, directory):
        """What such a slice came to: executions and seconds."""
        log, executions, seconds = directory / "log", 0, 0.0
        if log.exists():
            executions = fuzzer.counted(log.read_bytes())[0]
            seconds = max(0.0, log.stat().st_mtime - (directory / "inputs").stat().st_mtime)
        self.end_slice(directory, executions, seconds)
        return executions, seconds

    def fresh(self, name):
        """An empty directory for one process."""
        self.remove(self.path / name)
        return made(self.path / name)

    @staticmethod
    def remove(directory):
        shutil.rmtree(directory, ignore_errors=True)

    def _write_state(self):
        write_json(self.path / "state.json", self.state)

    def begin_merge(self, directory, without):
        """Lays out the seeds in `directory`/all and what may add to them in `directory`/more."""
        made(directory / "all")
        made(directory / "more")
        for path in files_of(self.seeds):
            if path.name not in without:
                os.link(path, directory / "all" / path.name)
        for path in self.inputs(without):
            if not (directory / "all" / path.name).exists():
                os.link(path, directory / "more" / path.name)

    def end_merge(self, directory):
        """Keeps what was added, and nothing else; how many of it are new."""
        kept = {path.name: path for path in files_of(directory / "all") if not (self.seeds / path.name).exists()}
        new = [name for name in kept if not (self.corpus / name).exists()]
        for name in new:
            os.replace(kept[name], self.corpus / name)
        for path in [path for path in files_of(self.corpus) if path.name not in kept] + files_of(self.found):
            path.unlink()
        return len(new)


def artifacts_of(directory):
    """What a fuzzer laid down as a finding, as pairs of what it is and where."""
    found = [(ARTIFACT.match(path.name), path) for path in files_of(directory)]
    return [(match[1], path) for match, path in found if match]
