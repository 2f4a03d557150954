#!/usr/bin/env python3
"""How many inputs a second the fuzz targets run, beside a target that only reads its input.

    tools/bazel run //fuzz:rates [-- --seconds N] [--json]

Builds the targets with --config=fuzz and runs each over its own corpus, one after another with the ceiling first and
last, for N seconds of CPU time. Before that, and not counted, each corpus is made small: libFuzzer merges its inputs,
cut to 512 octets, into a set that covers the same. Else what is measured is libFuzzer, which would replace inputs by
shorter ones all the time. The ceiling has one input of 512 octets. What counts is executions by CPU second (user and
system) once the corpus is read, so that other programs on the machine matter little. The exit status is 1 if a ratio
to the ceiling is less than wanted. For tests, --programs DIR takes programs that are built already.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

INPUT_MAX = 512
CEILING = "ceiling"
WANTED = {"reply": 0.25, "base64": 0.20, "session_bare": 0.08, "session": 0.04}
WHAT = {CEILING: "reads its input, and that is all", "session_bare": "the session without oracles",
        "session": "the session with all of them"}
CORPORA = {"session_bare": "session"}  # where it is not the target's own
TICKS = os.sysconf("SC_CLK_TCK")
POLL_S = 0.01


def cpu_of(pid):
    """User and system seconds of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def watch(process, log, seconds):
    """Ends a fuzzer when it is due. Returns executions and CPU seconds up to then from where its corpus was read."""
    begun = None
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = status
            break
        if begun is None:
            inited = re.search(r"^#(\d+)\s+INITED", log.read_text(encoding="utf-8", errors="replace"), re.M)
            begun = (int(inited[1]), cpu_of(process.pid)) if inited else None
        elif cpu_of(process.pid) - begun[1] >= seconds:
            # libFuzzer then ends in order, and says what it did. process.send_signal() could wait for it instead of us.
            os.kill(process.pid, signal.SIGUSR1)
        time.sleep(POLL_S)
    said = log.read_text(encoding="utf-8", errors="replace")
    executed = re.search(r"number_of_executed_units: +(\d+)", said)
    if status != 0 or begun is None or executed is None:
        raise SystemExit(f"rates: {process.args[0]} found something or failed:\n{said[-2000:]}")
    return int(executed[1]) - begun[0], used.ru_utime + used.ru_stime - begun[1]


def minimise(program, corpus, small):
    """Fills the folder `small` with inputs that cover what those of the corpus do, cut to what is measured."""
    done = subprocess.run([program, "-merge=1", "-set_cover_merge=1", f"-max_len={INPUT_MAX}", small, corpus],
                          cwd=small.parent, text=True, errors="replace", check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0 or not any(small.iterdir()):
        raise SystemExit(f"rates: {program} does not merge its corpus:\n{done.stdout[-2000:]}")


def seeds_of(program, corpus, scratch):
    """The files of a corpus, made small. The ceiling has none: one input of full length does."""
    if corpus is None:
        seed = scratch / "seed"
        seed.write_bytes(bytes(i * 167 % 256 for i in range(INPUT_MAX)))
        return [str(seed)]
    small = scratch / "small"
    small.mkdir()
    minimise(program, corpus, small)
    return sorted(str(path) for path in small.iterdir())


def run(program, corpus, seconds):
    # No folder of inputs is given, so that none is written to: what is measured is not the disk.
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        (scratch / "seeds").write_text(",".join(seeds_of(program, corpus, scratch)), encoding="utf-8")
        command = [str(program), f"-seed_inputs=@{scratch}/seeds", f"-max_len={INPUT_MAX}", "-len_control=0", "-seed=1",
                   "-print_final_stats=1", f"-artifact_prefix={scratch}/"]
        log = scratch / "log"
        with open(log, "w", encoding="utf-8") as out:
            process = subprocess.Popen(command, cwd=scratch, stdout=out, stderr=subprocess.STDOUT)
        return watch(process, log, seconds)


def measure(programs, seconds):
    """Executions by CPU second of each target."""
    executions, cpu = {}, {}
    for name in [CEILING, *WANTED, CEILING]:
        corpus = None if name == CEILING else programs / f"{CORPORA.get(name, name)}_corpus"
        num, used = run(programs / f"{name}_fuzzer", corpus, seconds)
        executions[name] = executions.get(name, 0) + num
        cpu[name] = cpu.get(name, 0) + used
    return {name: executions[name] / cpu[name] for name in executions}


def judge(rates):
    """What is said of each target."""
    return [{"target": name, "executions_per_cpu_second": round(rates[name]),
             "ratio": round(rates[name] / rates[CEILING], 4), "wanted": WANTED.get(name),
             "reached": rates[name] / rates[CEILING] >= WANTED.get(name, 0)} for name in [CEILING, *WANTED]]


def table(rows):
    lines = [f"{'target':<14}{'exec/s':>10}{'ratio':>10}{'wanted':>10}"]
    for row in rows:
        wanted = f"{row['wanted']:.0%}" if row["wanted"] else ""
        note = "" if row["reached"] else "missed"
        said = "   ".join(word for word in (note, WHAT.get(row["target"], "")) if word)
        lines.append(f"{row['target']:<14}{row['executions_per_cpu_second']:>10}{row['ratio']:>10.2%}{wanted:>10}   {said}"
                     .rstrip())
    return "\n".join(lines)


def build(root):
    labels = [f"//fuzz:{name}_fuzzer" for name in (CEILING, *WANTED)]
    labels += sorted({f"//fuzz:{CORPORA.get(name, name)}_corpus" for name in WANTED})
    done = subprocess.run([root / "tools/bazel", "build", "--config=fuzz", *labels], cwd=root, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"rates: the build failed:\n{done.stdout[-4000:]}")
    return root / "bazel-bin/fuzz"


def main():
    parser = argparse.ArgumentParser(prog="rates", description="The speed of the fuzz targets, beside a ceiling.")
    parser.add_argument("--seconds", type=float, default=10, metavar="N", help="CPU time for each, 10 unless told")
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    parser.add_argument("--programs", type=pathlib.Path, metavar="DIR", help="fuzzers and corpora that are built already")
    options = parser.parse_args()
    programs = options.programs or build(pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")))
    rows = judge(measure(programs.resolve(), options.seconds))
    print(json.dumps({"seconds": options.seconds, "targets": rows}, indent=2) if options.json else table(rows))
    return 0 if all(row["reached"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
