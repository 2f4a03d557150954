"""A workspace as a test wants it: stand-ins for Bazel and for ehlo, and real fuzzers with planted faults (planted.c)
under the names of targets. A campaign runs in it as it does in the real one."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
BAZEL = """\
#!/bin/bash
cd "$(dirname "$0")/.."
echo "$*" >>bazel-calls
case $1 in
  query) cat rules.xml ;;
  build) [[ ! -e build-fails ]] || { echo "ERROR: it does not compile"; exit 1; } ;;
esac
"""
# Replays a transcript: one with BUG in it diverges, and none is in a folder whose name has "malformed" in it.
EHLO = """\
#!/bin/bash
file=${@: -1}
[[ $file != *malformed* ]] || { echo "ehlo: $file:1:1: no such line"; exit 65; }
echo "same      $file: 3 events (recorded)"
! grep -q BUG "$file" || { echo "diverged  $file:1:3 (byte)"; exit 1; }
"""
CONVERTER = """\
#!/bin/bash
[[ $1 != */without-* ]] || { echo "S: fine"; echo "step 1: left out: a move" >&2; exit; }
[[ $1 != */unfit-* ]] || { echo "no session" >&2; exit 1; }
echo "S: $(tr -d '\\0' <"$1")"
"""


class Workspace:
    """Made anew for each case."""

    def __init__(self, fuzzers):
        self.fuzzers = {pathlib.Path(path).name: pathlib.Path(path).absolute() for path in fuzzers}
        self.root = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))
        self.rules = []
        self.script("tools/bazel", BAZEL)
        self.script("bazel-bin/tools/ehlo", EHLO)
        (self.root / "corpus/transcripts/faults").mkdir(parents=True)

    def script(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def target(self, name, seeds=(), program="planted", corpus=(), converter=False):
        """A target, its seeds, and what Bazel says of it."""
        self.fuzzer(name, program)
        home = self.root / "corpus/fuzz" / name
        built = self.root / f"bazel-bin/fuzz/{name}_corpus"
        for directory in (home, built):
            directory.mkdir(parents=True)
        for number, octets in enumerate(seeds):
            (built / f"seed-{number}").write_bytes(octets)
        self.rule(f"{name}_fuzzer", "tags", ["fuzzer", "manual"])
        self.rule(f"{name}_corpus", "srcs", [f"//corpus/fuzz:{name}", *corpus])
        if converter:
            self.rule(f"{name}_transcript", "srcs", [])
            self.script(f"bazel-bin/fuzz/{name}_transcript", CONVERTER)

    def fuzzer(self, name, program):
        path = self.root / f"bazel-bin/fuzz/{name}_fuzzer"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if program in self.fuzzers:
            shutil.copy(self.fuzzers[program], path)
        else:
            path.write_text(program)
            path.chmod(0o755)

    def rule(self, name, attribute, entries):
        entries = "".join(f'<string value="{entry}"/>' for entry in entries)
        self.rules.append(f'<rule name="//fuzz:{name}"><list name="{attribute}">{entries}</list></rule>')
        (self.root / "rules.xml").write_text(
            f'<?xml version="1.1" encoding="UTF-8" standalone="no"?>\n<query version="2">{"".join(self.rules)}</query>')

    def environment(self):
        return {**os.environ, "BUILD_WORKSPACE_DIRECTORY": str(self.root), "BUILD_WORKING_DIRECTORY": str(self.root)}

    def start(self, *arguments, program="campaign.py", **more):
        return subprocess.Popen([HERE / program, *map(str, arguments)], env=self.environment(), cwd=self.root, **more)

    def run(self, *arguments, program="campaign.py"):
        return subprocess.run([HERE / program, *map(str, arguments)], env=self.environment(), cwd=self.root,
                              capture_output=True, text=True, check=False)

    def campaign(self, *arguments):
        """Runs one to its end; what it printed, and its JSON."""
        answer = self.run(*arguments, "--json", "result.json")
        result = self.root / "result.json"
        return answer, json.loads(result.read_text()) if result.exists() else None

    def kept(self, target, folder=".campaign", what="corpus"):
        return sorted(path.name for path in (self.root / folder / "targets" / target / what).iterdir())


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(map(str, what)))


def run_cases(cases):
    """Each function of a test, by name, or those of one shard; the closing line counts them."""
    if "TEST_SHARD_STATUS_FILE" in os.environ:
        pathlib.Path(os.environ["TEST_SHARD_STATUS_FILE"]).touch()
    cases = cases[int(os.environ.get("TEST_SHARD_INDEX", 0))::int(os.environ.get("TEST_TOTAL_SHARDS", 1))]
    for name, case in cases:
        print(f"{name}: {(case.__doc__ or '').splitlines()[0]}", flush=True)
        case()
    print(f"{len(cases)} passed, 0 failed")
