"""The command line of a campaign."""

import argparse
import os
import pathlib
import sys

USAGE = """\
tools/bazel run //fuzz:campaign -- [--seconds N | --runs N] [--jobs N] [--seed N] [--json FILE] [--fresh]
                                          [--out DIR] [--timeout N] [--memory N] [TARGET…]"""
DESCRIPTION = """\
Builds the fuzzers and runs them side by side, from the seeds and from what earlier campaigns kept."""
STATUS = """\
Exit status: 0 nothing found, 1 a finding, 64 wrong usage, 70 something of the tools failed; interrupted by signal N
without a finding: 128 + N."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"campaign: {message}\n")


def number(low, high):
    """A type of argument."""
    def read(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is no number from {low} to {high}")
        return int(text)
    return read


def read(arguments, workspace):
    """The options; ends the program where they are wrong."""
    parser = Parser(prog="campaign", usage=USAGE, description=DESCRIPTION, epilog=STATUS)
    parser.add_argument("--seconds", type=number(1, 10**7), metavar="N",
                        help="how long in all (default 60); building comes before, reducing findings after")
    parser.add_argument("--runs", type=number(1, 10**12), metavar="N",
                        help="executions of each target instead; then the same --seed gives the same result")
    parser.add_argument("--jobs", type=number(1, 1024), metavar="N", default=len(os.sched_getaffinity(0)),
                        help="processes at a time (default: one for each processor)")
    parser.add_argument("--seed", type=number(0, 2**32 - 1), metavar="N", help="of all chance (default: another one)")
    parser.add_argument("--json", metavar="FILE", help="writes the table and the findings there too; - is stdout")
    parser.add_argument("--fresh", action="store_true", help="begins anew; only findings are kept")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, help="the campaign's folder (default .campaign)")
    parser.add_argument("--timeout", type=number(1, 3600), metavar="N", default=10,
                        help="seconds after which one input counts as a hang (default 10)")
    parser.add_argument("--memory", type=number(64, 2**20), metavar="N", default=2048,
                        help="MiB that a fuzzer may hold (default 2048)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="fuzz targets (default: all)")
    options = parser.parse_args(arguments)
    if options.seconds and options.runs:
        parser.error("a campaign ends after --seconds or after --runs, not both")
    if not options.runs:
        options.seconds = options.seconds or 60
    here = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    options.out = (here / options.out).absolute() if options.out else workspace / ".campaign"
    if options.json not in (None, "-"):
        options.json = (here / options.json).absolute()
    options.parser = parser
    return options
