#!/usr/bin/python3
"""Plants defects in a copy of the engine, one patch at a time, and says whether the corpus tests and the fuzzers find
them: by what, after how many executions and how much CPU time. Nothing is changed outside the copy.

Exit status: 0 if each was found (with --clean: if nothing was), 1 if not, 64 wrong usage, 70 if a patch does not apply
or does not build.
"""
import argparse
import glob
import json
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading

# By `bazel run` the workspace is told; the file itself stands among built ones then.
SOURCE = os.environ.get("BUILD_WORKSPACE_DIRECTORY") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(SOURCE, "fuzz/planted")
sys.path.insert(0, HERE)
import finding  # pylint: disable=wrong-import-position
import heads  # pylint: disable=wrong-import-position
import scratch  # pylint: disable=wrong-import-position

USAGE = 64
BROKEN = 70
TRANSCRIPTS = "//replay:corpus_test"
CLEAN = "clean"


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"planted: {message}\n")


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def oracle_list(text):
    names = text.split(",")
    unknown = [name for name in names if name not in scratch.ORACLES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no oracle {unknown[0]}; there are {', '.join(scratch.ORACLES)}")
    return names


def parse(argv):
    p = Parser(prog="planted", description=__doc__.split("\n\n")[0])
    p.add_argument("ids", nargs="*", metavar="ID", help="a patch of fuzz/planted, without .patch; else all")
    p.add_argument("--patch", action="append", default=[], metavar="FILE", help="a patch of your own")
    p.add_argument("--clean", action="store_true", help="plant nothing: whatever is found is a false alarm")
    p.add_argument("--seconds", type=positive, default=60, metavar="N", help="of CPU, for all fuzzers of a patch (60)")
    p.add_argument("--seeds", type=positive, default=1, metavar="N", help="random seeds, 1 to N (1)")
    p.add_argument("--jobs", type=positive, default=1, metavar="N", help="patches at once, each in a copy of its own")
    p.add_argument("--from", dest="start", choices=("corpus", "empty"), default="corpus")
    p.add_argument("--oracles", type=oracle_list, default=list(scratch.ORACLES), metavar="LIST",
                   help="those that judge in the fuzzers, separated by commas: " + ", ".join(scratch.ORACLES))
    only = p.add_mutually_exclusive_group()
    only.add_argument("--fuzz-only", action="store_true", help="no corpus tests")
    only.add_argument("--corpus-only", action="store_true", help="no fuzzers")
    only.add_argument("--only-finder", action="store_true",
                      help="the patches that say which oracle alone finds them: with it and without it")
    p.add_argument("--all-targets", action="store_true", help="all fuzzers for each patch, whatever its head says")
    p.add_argument("--json", action="store_true", help="the results as JSON on standard output")
    p.add_argument("--work", metavar="DIR", help="where the copies go, and stay; else they are removed in the end")
    return p.parse_args(argv)


def find_patches(options):
    known = {os.path.basename(path)[:-len(".patch")]: path for path in sorted(glob.glob(f"{HERE}/*.patch"))}
    unknown = [name for name in options.ids if name not in known]
    if unknown:
        sys.exit(usage(f"there is no patch {unknown[0]}"))
    for path in options.patch:
        if not os.path.isfile(path):
            sys.exit(usage(f"there is no file {path}"))
    if options.clean:
        return [(CLEAN, None)]
    own = [(os.path.basename(path).removesuffix(".patch"), os.path.abspath(path)) for path in options.patch]
    return own + [(name, known[name]) for name in options.ids or ([] if own else known)]


def usage(message):
    print(f"planted: {message}", file=sys.stderr)
    return USAGE


# ---- One patch ----------------------------------------------------------------------------------


class Bench:
    """Tries patches in one scratch copy."""

    def __init__(self, options, source, place):
        self.options = options
        self.copy = scratch.Scratch(source, place)
        self.targets = self.copy.targets()
        self.dictionary = self.copy.has("//fuzz:dictionary")

    def targets_of(self, head):
        named = [t for t in head["targets"] if t in self.targets]
        return self.targets if self.options.all_targets or not named else named

    def run_corpus(self, head):
        """The tests that the head names, and the others where none of them finds anything."""
        order = [f"//fuzz:{target}" for target in self.targets_of(head)] + [TRANSCRIPTS]
        failed = self.copy.test(order)
        others = [f"//fuzz:{target}" for target in self.targets if f"//fuzz:{target}" not in order]
        if not failed and others:
            failed = self.copy.test(others)
        labels = sorted(failed, key=(order + others).index)
        if not labels:
            return None
        oracle, words = ("transcript", "") if labels[0] == TRANSCRIPTS else finding.classify(failed[labels[0]])
        return {"target": labels[0].split(":")[1], "oracle": oracle, "words": words,
                "failed": [label.split(":")[1] for label in labels]}

    def build(self, targets, oracles):
        labels = [f"//fuzz:{target}_fuzzer" for target in targets]
        labels += [f"//fuzz:{target}_corpus" for target in targets] if self.options.start == "corpus" else []
        self.copy.build(labels + (["//fuzz:dictionary"] if self.dictionary else []), oracles)

    def fuzz(self, targets, seed):
        """All fuzzers in turn until one finds something or the bound is reached."""
        done = {"seed": seed, "found": False, "executions": 0, "cpu": 0.0}
        kept = tempfile.mkdtemp(dir=self.copy.place)
        dictionary = self.copy.built("dictionary.txt") if self.dictionary else None
        for turn, (i, seconds) in enumerate(finding.slices(self.options.seconds, len(targets))):
            target = targets[i]
            seeds_dir = self.copy.built(f"{target}_corpus") if self.options.start == "corpus" else None
            one = finding.run(self.copy.built(f"{target}_fuzzer"), seconds, seed + 1000 * (turn // len(targets)),
                              f"{kept}/{target}", seeds_dir, dictionary)
            done["executions"] += one["executions"]
            done["cpu"] = round(done["cpu"] + one["cpu"], 2)
            if one["found"] is not None:
                oracle, words = one["found"]
                done |= {"found": True, "target": target, "oracle": oracle, "words": words}
                break
        shutil.rmtree(kept)
        return done

    def run(self, name, path):
        head = heads.read(path) if path is not None else {"what": "Nothing is planted.", "targets": [], "only": ""}
        result = {"id": name, "what": head["what"], "corpus": None, "fuzz": []}
        self.copy.apply(path)
        if not (self.options.fuzz_only or self.options.only_finder):
            result["corpus"] = self.run_corpus(head)
        if self.options.corpus_only:
            return result
        targets = self.targets_of(head)
        self.build(targets, self.options.oracles)
        result["fuzz"] = [self.fuzz(targets, seed) for seed in range(1, self.options.seeds + 1)]
        if self.options.only_finder:
            oracles = [oracle for oracle in scratch.ORACLES if oracle != head["only"]]
            self.build(targets, oracles)
            result |= {"only": head["only"],
                       "without": [self.fuzz(targets, seed) for seed in range(1, self.options.seeds + 1)]}
        return result


# ---- What is said -------------------------------------------------------------------------------


def line_of_run(run):
    if not run["found"]:
        return f"missed in {run['executions']} executions, {run['cpu']:.1f} s"
    return (f"{run['target']}, {run['oracle']}, after {run['executions']} executions, {run['cpu']:.1f} s"
            + (f": {run['words'][:80]}" if run["words"] else ""))


def lines_of(result, options):
    if "broken" in result:
        return [f"{result['id']}: {result['broken']}"]
    lines = []
    if not (options.fuzz_only or options.only_finder):
        corpus = result["corpus"]
        told = f"{corpus['target']}, {corpus['oracle']}: {corpus['words'][:80]}" if corpus else "missed"
        lines.append(f"{result['id']:<40} corpus  {told}")
    for run in result["fuzz"]:
        lines.append(f"{result['id']:<40} seed {run['seed']:<2} {line_of_run(run)}")
    for run in result.get("without", []):
        lines.append(f"{result['id']:<40} seed {run['seed']:<2} without {result['only']}: {line_of_run(run)}")
    return lines


def is_right(result, options):
    """Whether this patch came out as it should; of nothing planted nothing should be found."""
    runs = [run["found"] for run in result["fuzz"]]
    if options.only_finder:
        return all(runs) and not any(run["found"] for run in result["without"])
    if result["id"] == CLEAN:
        return not any(runs) and result["corpus"] is None
    by_corpus = not options.fuzz_only and result["corpus"] is not None
    return by_corpus if options.corpus_only else all(runs)


def count_by(items):
    return {item: items.count(item) for item in sorted(set(items))}


def summarise(results, options):
    whole = [r for r in results if "broken" not in r]
    summary = {"patches": len(results), "broken": len(results) - len(whole), "seconds": options.seconds,
               "corpus_found": sum(r["corpus"] is not None for r in whole), "seeds": []}
    for i in range(0 if options.corpus_only else options.seeds):
        runs = [r["fuzz"][i] for r in whole]
        found = [run for run in runs if run["found"]]
        summary["seeds"].append({"seed": i + 1, "found": len(found), "cpu": round(sum(run["cpu"] for run in runs), 1),
                                 "slowest_cpu": max((run["cpu"] for run in found), default=0),
                                 "by_oracle": count_by([run["oracle"] for run in found]),
                                 "missed": [r["id"] for r in whole if not r["fuzz"][i]["found"]]})
    summary["wrong"] = [r["id"] for r in results if "broken" in r or not is_right(r, options)]
    return summary


def print_summary(summary, options):
    if not (options.fuzz_only or options.only_finder):
        print(f"the corpus tests find {summary['corpus_found']} of {summary['patches']}")
    for seed in summary["seeds"]:
        oracles = ", ".join(f"{name} {num}" for name, num in seed["by_oracle"].items())
        print(f"seed {seed['seed']}: the fuzzers find {seed['found']} of {summary['patches']} in {seed['cpu']} CPU "
              f"seconds, the slowest in {seed['slowest_cpu']:.1f} (by {oracles or 'none'})"
              + (f"; missed: {', '.join(seed['missed'])}" if seed["missed"] else ""))
    if summary["wrong"]:
        print(f"not as it should be: {', '.join(summary['wrong'])}")


# ---- All of them --------------------------------------------------------------------------------


def work(bench, jobs, results, tell):
    while True:
        try:
            name, path = jobs.get_nowait()
        except queue.Empty:
            return
        try:
            result = bench.run(name, path)
        except scratch.Broken as broken:
            result = {"id": name, "broken": str(broken)}
        results.append(result)
        tell(result)


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    patches = find_patches(options)
    if options.only_finder:
        patches = [(name, path) for name, path in patches if heads.read(path)["only"]]
    place = os.path.abspath(options.work) if options.work else tempfile.mkdtemp(prefix="ehlo-planted-")
    jobs = queue.Queue()
    for patch in patches:
        jobs.put(patch)
    results = []

    def tell(result):
        print("\n".join(lines_of(result, options)), file=sys.stderr if options.json else sys.stdout, flush=True)

    benches = []
    try:
        num = min(options.jobs, len(patches))
        for i in range(num):
            benches.append(Bench(options, SOURCE, f"{place}/{i}"))
        threads = [threading.Thread(target=work, args=(bench, jobs, results, tell), daemon=True) for bench in benches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except scratch.Broken as broken:
        print(f"planted: {broken}", file=sys.stderr)
        return BROKEN
    finally:
        finding.stop_all()
        for bench in benches:
            bench.copy.close(keep=options.work is not None)
        if not options.work:
            shutil.rmtree(place, ignore_errors=True)
    results.sort(key=lambda result: [name for name, _ in patches].index(result["id"]))
    summary = summarise(results, options)
    if options.json:
        print(json.dumps({"results": results, "summary": summary}, indent=1))
    else:
        print_summary(summary, options)
    return BROKEN if summary["broken"] else 1 if summary["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
