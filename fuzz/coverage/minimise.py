#!/usr/bin/env python3
"""Leaves of the machine-made inputs in corpus/fuzz those alone that add something:

    tools/bazel run //fuzz:minimise [-- [--edges] TARGET…]

Machine-made is what is named by its hash. What other seeds of the target reach, the ones with names and the transcripts, is
taken first; then libFuzzer picks as few of the machine-made ones as add the rest (-merge=1 -set_cover_merge=1), and the
others are removed; --edges keeps fewer, since how often a place is come to does not matter then. Files with names stay. Run
it after a change of a target or of the engine, and then the corpus test: libFuzzer knows no goals. A file that a goal needs
gets a name.
"""

import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from coverage import Parser, ToolError, Workspace, refuse_unknown

HASH = re.compile(r"[0-9a-f]{40}")
# More than this, and one input takes too long to be worth it.
TIMEOUT = 25


def split(workspace, target):
    """The seeds that stay, and the machine-made ones by name."""
    home = workspace.root / "corpus/fuzz" / target
    made = {path.name: path for path in home.iterdir() if HASH.fullmatch(path.name)} if home.is_dir() else {}
    hashes = {hashlib.sha1(path.read_bytes()).hexdigest() for path in made.values()}
    seeds = workspace.built(f"//fuzz:{target}_corpus")
    others = [path for path in seeds.iterdir() if hashlib.sha1(path.read_bytes()).hexdigest() not in hashes]
    return others, made


def minimise(workspace, target, work, edges):
    others, made = split(workspace, target)
    if not made:
        return 0, 0
    kept, candidates = work / target / "kept", work / target / "candidates"
    kept.mkdir(parents=True)
    candidates.mkdir()
    for number, path in enumerate(others):
        shutil.copy(path, kept / f"seed-{number}")
    for name, path in made.items():
        shutil.copy(path, candidates / name)
    done = subprocess.run([workspace.built(f"//fuzz:{target}_fuzzer"), "-merge=1", "-set_cover_merge=1",
                           f"-timeout={TIMEOUT}", f"-use_counters={0 if edges else 1}", kept, candidates],
                          text=True, errors="replace", check=False, capture_output=True)
    if done.returncode != 0:
        raise ToolError(f"{target}: the merge failed:\n{done.stderr[-2000:]}")
    useful = {path.name for path in kept.iterdir() if HASH.fullmatch(path.name)}
    wanted = {name for name, path in made.items() if hashlib.sha1(path.read_bytes()).hexdigest() in useful}
    for name, path in made.items():
        if name not in wanted:
            path.unlink()
    return len(made), len(wanted)


def main():
    workspace = Workspace(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    parser = Parser(prog="minimise", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--edges", action="store_true", help="keep fewer: how often a place is come to does not matter")
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="all, if none is named")
    options = parser.parse_args()
    try:
        known = workspace.targets()
        refuse_unknown(parser, options.targets, known)
        targets = options.targets or known
        workspace.bazel("build", "--config=fuzz", *[f"//fuzz:{t}_{what}" for t in targets for what in ("fuzzer", "corpus")])
        with tempfile.TemporaryDirectory() as work:
            for target in targets:
                before, after = minimise(workspace, target, pathlib.Path(work), options.edges)
                print(f"{target:<14}{after:4} of {before:4} machine-made inputs kept", flush=True)
    except (ToolError, OSError) as e:
        print(f"minimise: {e}", file=sys.stderr)
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main())
