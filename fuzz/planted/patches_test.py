#!/usr/bin/python3
"""Each patch applies to the sources as they are, changes nothing but the engine (those of leaks/: but the relay's tap; those
of tools/: but what reads there), and has its head."""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, "fuzz/planted")
import heads  # pylint: disable=wrong-import-position


def problems_of_head(path, sources):
    head = heads.read(path)
    if not re.fullmatch(r"[A-Z0-9\"].*\.", head["what"]):
        yield "no sentence says what it plants"
    if not re.match(r"RFC \d+, section |engine/|replay/|tools/", head["breaks"]):
        yield "no line \"breaks: RFC …, section …\", or with a document of engine/"
    if not head["files"]:
        yield "it changes no file"
    for file in head["files"]:
        if not re.fullmatch(sources + r"\w+\.[ch]", file):
            yield f"{file} is none of the sources that it may change"


def problem_of_applying(path, tree):
    done = subprocess.run(["patch", "-p1", "--dry-run", "--fuzz=0", "--force", "-d", tree, "-i", os.path.abspath(path)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"it does not apply:\n{done.stdout}{done.stderr}"
    return None


def main():
    tree = os.path.join(os.environ["TEST_TMPDIR"], "tree")
    for sources in ("engine", "replay/tap", "tools/driver", "tools/live"):
        shutil.copytree(sources, os.path.join(tree, sources))
    planted = sorted(glob.glob("fuzz/planted/*.patch"))
    leaks = sorted(glob.glob("fuzz/planted/leaks/*.patch"))
    tools = sorted(glob.glob("fuzz/planted/tools/*.patch"))
    allowed = {**dict.fromkeys(planted, "engine/(sasl/)?"), **dict.fromkeys(leaks, "replay/tap/"),
               **dict.fromkeys(tools, "tools/(live|driver)/")}
    failed = False
    for path, sources in allowed.items():
        for problem in [*problems_of_head(path, sources), problem_of_applying(path, tree)]:
            if problem is not None:
                print(f"{path}: {problem}")
                failed = True
    print(f"{len(planted)} patches, {len(leaks)} of leaks, {len(tools)} of tools")
    sys.exit(1 if failed or len(planted) < 40 or not leaks or not tools else 0)


if __name__ == "__main__":
    main()
