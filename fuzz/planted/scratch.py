"""A copy of the source tree that patches are applied to, and the builds in it. The tree that it is copied from, and what
is built there, stay as they are."""
import fcntl
import os
import re
import shutil
import subprocess

import heads

BITS = {"invariant": 1, "model": 2, "recut": 4, "secrecy": 8, "liveness": 16}
ORACLES = (*BITS, "sanitizer")


class Broken(Exception):
    """A patch does not apply or does not build, or a copy is another run's."""


def oracle_options(oracles):
    """What builds fuzzers in which only these judge."""
    options = []
    mask = sum(BITS[name] for name in oracles if name in BITS)
    if mask != sum(BITS.values()):
        options.append(f"--per_file_copt=fuzz/.*@-DEHLO_FUZZ_ORACLES={mask}")
    if "sanitizer" not in oracles:
        options += ["--copt=-fno-sanitize=address,undefined", "--linkopt=-fno-sanitize=address,undefined"]
    return options


class Scratch:
    """The copy, in `place`. Corpus tests and fuzzers are built apart, lest each build undo the other."""

    def __init__(self, source, place):
        self.tree = os.path.join(place, "tree")
        self.place = place
        self.before = {}  # files that a patch has changed, as they were
        os.makedirs(place, exist_ok=True)
        self.lock = open(os.path.join(place, "lock"), "w", encoding="utf-8")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as busy:
            raise Broken(f"{place} is in use by another run") from busy
        if os.path.exists(self.tree):
            shutil.rmtree(self.tree)
        shutil.copytree(source, self.tree, symlinks=True,
                        ignore=lambda _, names: [n for n in names if n == ".git" or n.startswith("bazel-")])

    def bazel(self, base, command, *args):
        options = []
        local = os.path.join(self.tree, ".bazelrc.local")
        if not (os.path.exists(local) and "disk_cache" in open(local, encoding="utf-8").read()):
            options.append(f"--disk_cache={os.path.join(self.place, 'cache')}")
        # Both servers are ours alone and stay for the whole run.
        return subprocess.run([os.path.join(self.tree, "tools/bazel"), f"--output_base={self.place}/{base}",
                               "--max_idle_secs=3600", command, *(options if command in ("build", "test") else []),
                               *args],
                              cwd=self.tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def apply(self, path):
        """Plants `path` in the place of what was planted before; None plants nothing."""
        for file, text in self.before.items():
            with open(file, "wb") as out:
                out.write(text)
        self.before = {}
        if path is None:
            return
        for name in heads.read(path)["files"]:
            file = os.path.join(self.tree, name)
            if os.path.exists(file):
                with open(file, "rb") as text:
                    self.before[file] = text.read()
        done = subprocess.run(["patch", "-p1", "--force", "--silent", "--no-backup-if-mismatch", "--reject-file=-",
                               "-d", self.tree, "-i", path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"it does not apply:\n{done.stdout}{done.stderr}")

    def targets(self):
        """The fuzz targets, by name."""
        found = self.bazel("fuzz", "query", 'attr(tags, "\\bfuzzer\\b", //fuzz:all)')
        if found.returncode != 0:
            raise Broken(found.stderr)
        return [re.sub(r"^//fuzz:|_fuzzer$", "", line) for line in sorted(found.stdout.split())]

    def has(self, label):
        return self.bazel("fuzz", "query", label).returncode == 0

    def build(self, labels, oracles):
        done = self.bazel("fuzz", "build", "--config=fuzz", *oracle_options(oracles), *labels)
        if done.returncode != 0:
            raise Broken(f"it does not build:\n{done.stderr[-4000:]}")

    def built(self, name):
        return os.path.join(self.tree, "bazel-bin/fuzz", name)

    def test(self, labels):
        """Runs tests; those that failed, each with what it said."""
        done = self.bazel("test", "test", "--test_output=errors", "--nocache_test_results", "--test_summary=terse",
                          "--keep_going", *labels)
        if done.returncode not in (0, 3):
            raise Broken(f"it does not build:\n{done.stderr[-4000:]}")
        said = done.stdout + done.stderr
        failed = re.findall(r"^(//\S+) +(?:FAILED|TIMEOUT)", said, re.M)
        logs = re.split(r"^=+ Test output for (//[^:]+:\w+).*:$", said, flags=re.M)
        told = dict(zip(logs[1::2], logs[2::2]))
        return {label: told.get(label, "") for label in failed}

    def close(self, keep):
        for base in ("fuzz", "test"):
            if os.path.exists(os.path.join(self.place, base)):
                self.bazel(base, "shutdown")
        if not keep:
            subprocess.run(["chmod", "-R", "u+w", self.place], check=False)  # Bazel takes the right to write away
            shutil.rmtree(self.place, ignore_errors=True)
