#!/usr/bin/python3
"""The workflow that users are shown is YAML of the form that GitHub reads, and each command in it is one that works: the
programs and targets exist, their options are understood, the packages are Debian's names, and the short campaign is the
very one of .ci/run."""

import pathlib
import re
import shlex
import subprocess
import sys

import yaml

from standin import check, run_cases

WORKFLOW, CI, WRAPPER, CAMPAIGN = map(pathlib.Path, sys.argv[1:])
TEXT = WORKFLOW.read_text()
STEP = {"name", "if", "run", "uses", "with", "id"}
ACTIONS = {"actions/checkout@v4": set(),
           "actions/cache/restore@v4": {"path", "key", "restore-keys"},
           "actions/cache/save@v4": {"path", "key"},
           "actions/upload-artifact@v4": {"name", "path", "include-hidden-files", "if-no-files-found"}}


class Loader(yaml.SafeLoader):
    """YAML refuses nothing that stands twice; GitHub does."""


def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    check(len(keys) == len(set(keys)), "a key stands twice:", keys)
    return dict(yaml.SafeLoader.construct_mapping(loader, node, deep=True))


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def workflow():
    return yaml.load(TEXT, Loader)


def steps():
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def commands():
    """Each command line of the steps, in words."""
    return [shlex.split(line) for step in steps() for line in step.get("run", "").splitlines()]


def case_form():
    """Events, a job with a container, and steps that either run or use something."""
    w = workflow()
    # What YAML 1.1 makes of the word `on`.
    check(set(w) == {"name", True, "jobs"} and {"push", "pull_request", "schedule"} == set(w[True]), w)
    for job in w["jobs"].values():
        check(job["container"]["image"] == "debian:12" and job["runs-on"] and job["steps"], job)
    for step in steps():
        check(set(step) <= STEP and ("run" in step) != ("uses" in step), step)
        check("uses" not in step or set(step.get("with", {})) <= ACTIONS[step["uses"]], step)


def case_commands():
    """apt-get gets packages, the wrapper gets a campaign with options that it understands."""
    campaigns = 0
    for words in commands():
        if words[:2] == ["apt-get", "install"]:
            known = set(re.findall(r'^  "([a-z0-9.-]+) ', WRAPPER.read_text(), re.MULTILINE)) | {"git"}
            packages = {word for word in words[2:] if not word.startswith("-")}
            check(packages <= known, "packages", packages - known)
        elif words[0] == "tools/bazel":
            check(words[1:4] == ["run", "//fuzz:campaign", "--"], words)
            # --help behind them: options before it are read, and a wrong one ends with 64.
            answer = subprocess.run([CAMPAIGN.absolute(), *words[4:], "--help"], capture_output=True, check=False)
            check(answer.returncode == 0, words, answer.stderr)
            campaigns += 1
        else:
            check(words == ["apt-get", "update"], "nobody knows the command", words)
    check(campaigns == 2, campaigns)


def case_same():
    """The short campaign stands in .ci/run, and what it keeps is what is cached and uploaded."""
    short = [words for words in commands() if "90" in words]
    check(len(short) == 1 and shlex.join(short[0]) in CI.read_text(), short)
    for step in steps():
        if "cache" in step.get("uses", ""):
            check(step["with"]["path"] == ".campaign", step)
        if "upload" in step.get("uses", ""):
            check(".campaign/findings" in step["with"]["path"] and step["if"] == "always()", step)


run_cases([(name, case) for name, case in globals().copy().items() if name.startswith("case_")])
