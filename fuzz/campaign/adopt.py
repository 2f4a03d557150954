#!/usr/bin/python3
"""Puts what a campaign found into the tree, where the corpus tests hold it from then on.

    tools/bazel run //fuzz:adopt -- [--out DIR] [--name NAME] FINDING|TARGET…

A finding: its input goes to the target's folder in corpus/fuzz/, its transcript to corpus/transcripts/faults/. A target:
the new inputs that the campaigns kept go to its folder. Nothing is added to version control.
"""

import os
import pathlib
import re
import shutil
import sys

from findings import kept
from folder import Folder, content_name, files_of, made, write_whole
from options import Parser
from workspace import ToolError, Workspace

FAULTS = "corpus/transcripts/faults"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
CORPUS = "corpus/fuzz"


def read_options(arguments):
    parser = Parser(prog="adopt", description="Puts what a campaign found into the tree.",
                    epilog="Exit status: 0 done, 64 wrong usage, 70 something of the tools failed.")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, help="the campaign's folder (default .campaign)")
    parser.add_argument("--name", metavar="NAME", help="of the files (default: by content, and by the finding)")
    parser.add_argument("names", nargs="+", metavar="FINDING|TARGET")
    options = parser.parse_args(arguments)
    options.parser = parser
    if options.name is not None and not NAME.fullmatch(options.name):
        parser.error(f"{options.name} is no name for a file; small letters, digits, dots and hyphens are")
    return options


class Adoption:
    """What is put where, and the tests that hold it."""

    def __init__(self, workspace, folder, name):
        self.workspace, self.folder, self.name = workspace, folder, name
        self.tests = set()

    def _home(self, target):
        if target.home is None:
            raise ToolError(f"{target.name} has no folder in {CORPUS}")
        self.tests.add(f"//fuzz:{target.name}")
        return made(self.workspace.root / target.home)

    def _put(self, path, octets):
        write_whole(path, octets)
        print(path.relative_to(self.workspace.root))

    def finding(self, finding, target):
        self._put(self._home(target) / (self.name or content_name(finding.input)), finding.input)
        transcript = finding.path / "transcript.smtp"
        if transcript.exists():
            self._put(self.workspace.root / FAULTS / f"{self.name or 'fuzz-' + finding.name}.smtp", transcript.read_bytes())
            self.tests.add("//replay:corpus_test")

    def inputs(self, target):
        home, number = self._home(target), 0
        for path in files_of(self.folder.path / "targets" / target.name / "corpus"):
            shutil.copy(path, home / path.name)
            number += 1
        print(f"{target.home}: {number} inputs")


def adopt(options, workspace, folder):
    targets = workspace.targets()
    findings = {finding.name: finding for finding in kept(folder, targets)}
    if unknown := [name for name in options.names if name not in findings and name not in targets]:
        options.parser.error(f"there is no finding and no target of that name: {unknown[0]}")
    if options.name and (len(options.names) > 1 or options.names[0] not in findings):
        options.parser.error("--name is for one finding")
    adoption = Adoption(workspace, folder, options.name)
    for name in options.names:
        if name in findings:
            adoption.finding(findings[name], targets[findings[name].target])
        else:
            adoption.inputs(targets[name])
    octets = sum(path.stat().st_size for path in (workspace.root / CORPUS).rglob("*") if path.is_file())
    print(f"All of {CORPUS} has {octets / 1e6:.2f} MB. Next: tools/bazel test {' '.join(sorted(adoption.tests))}")


def main():
    options = read_options(sys.argv[1:])
    workspace = Workspace(os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd()))
    here = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    try:
        adopt(options, workspace, Folder((here / options.out).absolute() if options.out else workspace.root / ".campaign"))
    except (ToolError, OSError) as e:
        sys.stderr.write(f"adopt: {e}\n")
        return os.EX_SOFTWARE
    return 0


if __name__ == "__main__":
    sys.exit(main())
