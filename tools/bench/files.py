#!/usr/bin/python3
"""How many transcript files `ehlo replay DIRECTORY` does in a second of processor time, and how it grows with jobs.

    files.py EHLO [COPIES [ROUNDS]]

The corpus is copied so many times into a directory in memory. For each number of jobs, from one up to the number of
processors, the best of several rounds counts; they are run in turn, so that whatever else the machine does meets all
alike. Nothing here judges a time.
"""

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
COPIES = int(sys.argv[2]) if len(sys.argv) > 2 else 20
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
CORPUS = pathlib.Path("corpus/transcripts").resolve()
WANTED = 10000  # files a processor second


def measure(directory, jobs):
    """Seconds of processor time and of the clock."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run([PROGRAM, "replay", "--quiet", "--jobs", str(jobs), directory], capture_output=True, check=False)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(f"FAILED: exit status {run.returncode}: {run.stdout.decode()}{run.stderr.decode()}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, seconds


def main():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="ehlo-bench.", dir=memory) as directory:
        for i in range(COPIES):
            shutil.copytree(CORPUS, pathlib.Path(directory, str(i)))
        num = sum(1 for _ in pathlib.Path(directory).rglob("*.smtp"))
        counts = sorted({1 << i for i in range(processors.bit_length()) if 1 << i <= processors} | {processors})
        times = {jobs: [] for jobs in counts}
        for _ in range(ROUNDS):
            for jobs in counts:
                times[jobs].append(measure(directory, jobs))
    print(f"{num} files, {WANTED} a processor second are wanted")
    print("jobs   a processor second   a second   times as fast as one job")
    least = {jobs: (min(cpu for cpu, _ in t), min(clock for _, clock in t)) for jobs, t in times.items()}
    for jobs, (cpu, clock) in least.items():
        print(f"{jobs:4}   {num / max(cpu, 1e-6):18.0f}   {num / clock:8.0f}   {least[1][1] / clock:24.2f}")


main()
