#!/usr/bin/env python3
"""Wrong usage is told in a sentence, with status 64, before anything is built; an unknown target after Bazel named them."""

import os
import pathlib
import subprocess
import sys
import tempfile

BAZEL = "#!/bin/sh\n[ $1 = query ] && echo //fuzz:one_fuzzer && exit\necho it builds >&2\nexit 1\n"


def check(program, arguments, status, words):
    with tempfile.TemporaryDirectory() as folder:
        bazel = pathlib.Path(folder, "tools/bazel")
        bazel.parent.mkdir()
        bazel.write_text(BAZEL)
        bazel.chmod(0o755)
        done = subprocess.run([program, *arguments], env={**os.environ, "BUILD_WORKSPACE_DIRECTORY": folder},
                              text=True, capture_output=True, check=False)
    if done.returncode != status or words not in done.stderr:
        sys.exit(f"{program} {arguments}: status {done.returncode}, {done.stderr}")


coverage, minimise = map(os.path.abspath, sys.argv[1:])
check(coverage, ["--seconds", "0"], 64, "coverage: argument --seconds: 0 is no number from 1")
check(coverage, ["--jobs", "many"], 64, "many is no number")
check(coverage, ["two"], 64, "coverage: there is no fuzz target two; there are one")
check(coverage, ["one"], 70, "it builds")
check(minimise, ["--egdes"], 64, "minimise: unrecognized arguments: --egdes")
check(minimise, ["two"], 64, "minimise: there is no fuzz target two; there are one")
check(minimise, ["one"], 70, "it builds")
