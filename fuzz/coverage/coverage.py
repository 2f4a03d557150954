#!/usr/bin/env python3
"""How much of the engine the fuzz targets reach by themselves, by file and by transition:

    tools/bazel run //fuzz:coverage                                  # from the seeds
    tools/bazel run //fuzz:coverage -- --empty --seconds 600         # from nothing, in ten minutes of CPU time

With --empty the fuzzers run first, each for its share of the seconds and from an empty corpus, with their mutators and the
dictionary; then what they found is measured, apart from libFuzzer, in a build of its own. The seconds are CPU time of the
fuzzers, as the system counts it. --html DIR writes the source with counts, --json says all in JSON, --missed names each
line, branch and transition that was not reached, --keep DIR leaves what was found there, and --of DIR measures that again.
The status is 0 if what is wanted was reached, 1 if not or if there was a finding, 64 for wrong usage, 70 if something
does not work.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

# Of a run from nothing: each target's part of the time. Who has more to find has more.
SHARES = {"session": 22, "submit": 20, "replay": 18, "auth": 12, "auth_exchange": 5, "command": 8, "reply": 3,
          "preflight": 3, "body": 3, "capabilities": 2, "credential": 2, "base64": 1, "names": 1}
# Per cent of lines and of branches.
WANTED = (98.0, 92.0)
# The target whose corpus test counts transitions, and the seeds that are written for them.
COUNTS = "session"
WRITTEN = "//fuzz:transition_seeds"
# So many, and a fuzzer does not go on.
FINDINGS_MAX = 20
# What a fuzzer may take beyond its CPU time where others take the processor, as a factor, before it is ended.
PATIENCE = 20

ROW = re.compile(r"(\S+) +(\d+) of +(\d+) lines +\S+ % +(\d+) of +(\d+) branches")
TAKEN = re.compile(r"(\d+) of (\d+) declared transitions taken")
TRANSITION = re.compile(r"\w+ \w+ (?:[2-5]yz|421)")


class ToolError(Exception):
    """Something that the measurement needs does not work."""


class Workspace:
    """The tree, and what Bazel builds of it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def bazel(self, *arguments):
        answer = subprocess.run([self.root / "tools/bazel", *arguments], cwd=self.root, text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if answer.returncode != 0:
            raise ToolError(f"bazel {arguments[0]} failed:\n{answer.stderr[-3000:]}")
        return answer.stdout

    def targets(self):
        fuzzers = self.bazel("query", r'attr(tags, "\bfuzzer\b", //fuzz:all)').split()
        return sorted(label.partition(":")[2].removesuffix("_fuzzer") for label in fuzzers)

    def built(self, label, to=None):
        """A label's output; with `to`, a copy that a build in another configuration leaves alone."""
        path = self.root / "bazel-bin" / label.removeprefix("//").replace(":", "/")
        if to is None:
            return path
        to.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-rL", path, to], check=True)
        subprocess.run(["chmod", "-R", "u+w", to], check=True)
        return to


# ---- From nothing ---------------------------------------------------------------------------------


def run_fuzzer(command, seconds):
    """Runs it for so much CPU time at most. Returns what it took, and what it said if it ended with a finding."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        os.nice(5)

    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, preexec_fn=limit, stdout=subprocess.DEVNULL, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        over = process.returncode in (0, -signal.SIGXCPU, -signal.SIGKILL)
        return used.ru_utime + used.ru_stime, None if over else log.read()[-2000:]


def fuzz(fuzzer, dictionary, found, seconds, seed):
    """Runs a fuzzer for so much CPU time, again after each finding. Returns the findings."""
    found.mkdir(parents=True)
    findings = []
    while seconds >= 1 and len(findings) < FINDINGS_MAX:
        took, finding = run_fuzzer([fuzzer, f"-dict={dictionary}", f"-seed={seed + len(findings)}", "-reload=0",
                                    f"-artifact_prefix={found}/../finding-", f"-max_total_time={round(seconds * PATIENCE)}", found],
                                   round(seconds))
        seconds -= took
        if finding is None:
            break
        findings.append(finding)
    return findings


def find_from_nothing(workspace, targets, work, options):
    """Folders of what the fuzzers found, by target."""
    workspace.bazel("build", "--config=fuzz", "//fuzz:dictionary", *[f"//fuzz:{t}_fuzzer" for t in targets])
    dictionary = workspace.built("//fuzz:dictionary.txt", work / "dictionary.txt")
    fuzzers = {t: workspace.built(f"//fuzz:{t}_fuzzer", work / "fuzzers" / t) for t in targets}
    whole = sum(SHARES.get(t, 1) for t in targets)
    seconds = {t: max(1, round(options.seconds * SHARES.get(t, 1) / whole)) for t in targets}
    found = {t: work / "found" / t / "inputs" for t in targets}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        longest = sorted(targets, key=lambda t: -seconds[t])
        runs = {t: pool.submit(fuzz, fuzzers[t], dictionary, found[t], seconds[t], options.seed) for t in longest}
    findings = {t: run.result()[0] for t, run in runs.items() if run.result()}
    return found, findings


# ---- Measuring --------------------------------------------------------------------------------------


def play(program, folders, raw):
    """Gives a corpus test its inputs. Returns the run and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, *folders], text=True, errors="replace", check=False, capture_output=True,
                          env={**os.environ, "LLVM_PROFILE_FILE": f"{raw}/%m-%p.profraw"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def count_files(folder):
    return sum(1 for path in pathlib.Path(folder).rglob("*") if path.is_file())


def transitions_of(done, cpu, folder):
    taken = TAKEN.search(done.stdout)
    if taken is None:
        raise ToolError(f"the corpus test says nothing of transitions:\n{done.stderr[-2000:]}")
    missing = [line for line in done.stderr.splitlines() if TRANSITION.fullmatch(line)]
    return {"taken": int(taken[1]), "declared": int(taken[2]), "missing": missing, "files": count_files(folder),
            "cpu_seconds": round(cpu, 2)}


def measure(workspace, targets, found, work, options):
    labels = [f"//fuzz:{t}" for t in targets] + ([] if found else [f"//fuzz:{t}_corpus" for t in targets])
    counts = COUNTS in targets
    workspace.bazel("build", "--config=coverage", *labels, *([WRITTEN] if counts and not found else []))
    raw = work / "raw"
    raw.mkdir()
    result = {"from": "nothing" if found else "seeds", "targets": targets, "findings": {}}
    for target in targets:
        folder = found[target] if found else workspace.built(f"//fuzz:{target}_corpus")
        done, cpu = play(workspace.built(f"//fuzz:{target}"), [folder], raw)
        if done.returncode < 0:
            result["findings"][target] = done.stderr[-2000:]
        elif target == COUNTS:
            result["transitions"] = transitions_of(done, cpu, folder)
    if counts and not found:
        folder = workspace.built(WRITTEN)
        done, cpu = play(workspace.built(f"//fuzz:{COUNTS}"), [folder], raw)
        result["transitions"]["written"] = transitions_of(done, cpu, folder)
        del result["transitions"]["written"]["missing"]
    command = [workspace.root / "tools/coverage/report.sh", *(["--missed"] if options.missed else []),
               *(["--html", options.html] if options.html else []), raw, *[str(w) for w in WANTED],
               *[workspace.built(f"//fuzz:{t}") for t in targets]]
    table = subprocess.run(command, text=True, check=False, capture_output=True)
    result["table"] = table.stdout
    result["files"] = {row[1]: {"lines": [int(row[2]), int(row[3])], "branches": [int(row[4]), int(row[5])]}
                       for row in ROW.finditer(table.stdout)}
    if "all" not in result["files"]:
        raise ToolError(f"tools/coverage/report.sh failed:\n{table.stdout}{table.stderr}")
    return result, table.returncode == 0


# ---- Telling ----------------------------------------------------------------------------------------


def tell(result, missed):
    print(result["table"], end="")
    for target, text in result["findings"].items():
        print(f"{target} has a finding:\n{text}")
    took = result.get("transitions")
    if took is not None:
        print(f"transitions: {took['taken']} of {took['declared']} declared, by {took['files']} inputs in "
              f"{took['cpu_seconds']} s of CPU time")
        if "written" in took:
            few = took["written"]
            print(f"             {few['taken']} of them by the {few['files']} that are written for them in "
                  f"{few['cpu_seconds']} s")
        for name in took["missing"] if missed or len(took["missing"]) <= 20 else []:
            print(f"not taken: {name}")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def number(text):
    """A type of argument."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10**7:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to {10**7}")
    return int(text)


def refuse_unknown(parser, targets, known):
    for name in targets:
        if name not in known:
            parser.error(f"there is no fuzz target {name}; there are {', '.join(known)}")


def read_options():
    parser = Parser(prog="coverage", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--empty", action="store_true", help="fuzz first, from an empty corpus")
    parser.add_argument("--seconds", type=number, default=600, help="of CPU time for all fuzzers together (600)")
    parser.add_argument("--seed", type=number, default=1, help="of the fuzzers (1)")
    parser.add_argument("--jobs", type=number, default=os.cpu_count(), help="fuzzers at a time")
    parser.add_argument("--html", metavar="DIR", help="write the source with counts there")
    parser.add_argument("--json", action="store_true", help="say all in JSON")
    parser.add_argument("--missed", action="store_true", help="name what was not reached")
    parser.add_argument("--keep", metavar="DIR", help="leave fuzzers and what they found there")
    parser.add_argument("--of", metavar="DIR", help="measure what --keep has left there")
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="all that hold the engine, if none is named")
    options = parser.parse_args()
    options.parser = parser
    return options


def run(options, work):
    workspace = Workspace(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    known = workspace.targets()
    refuse_unknown(options.parser, options.targets, known)
    usual = [t for t in known if t in SHARES] if options.empty else known
    targets = options.targets or usual
    found, findings = None, {}
    if options.of:
        found = {path.parent.name: path for path in pathlib.Path(options.of).glob("found/*/inputs")}
        targets = [t for t in usual if t in found]
    elif options.empty:
        found, findings = find_from_nothing(workspace, targets, work, options)
    result, enough = measure(workspace, targets, found, work, options)
    result["findings"].update(findings)
    if options.json:
        json.dump(result, sys.stdout, indent=2)
        print()
    else:
        tell(result, options.missed)
    complete = not result.get("transitions", {}).get("missing")
    return 0 if enough and complete and not result["findings"] else 1


def main():
    options = read_options()
    here = os.environ.get("BUILD_WORKING_DIRECTORY", ".")
    options.html = options.html and os.path.join(here, options.html)
    options.of = options.of and os.path.join(here, options.of)
    try:
        if options.keep:
            work = pathlib.Path(here, options.keep)
            work.mkdir(parents=True)
            return run(options, work.resolve())
        with tempfile.TemporaryDirectory() as work:
            return run(options, pathlib.Path(work))
    except (ToolError, OSError) as e:
        print(f"coverage: {e}", file=sys.stderr)
        return 70


if __name__ == "__main__":
    sys.exit(main())
