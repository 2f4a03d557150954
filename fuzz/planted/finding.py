"""Runs one fuzzer for a bound of CPU time and says what it found, and how."""
import os
import re
import resource
import shutil
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
running = set()  # the fuzzers, by process

# What a run that found something says, and which oracle that is.
SIGNS = (
    (r"^\S+:\d+: does not hold \((\w+)\): (.*)$", None),
    (r"ERROR: AddressSanitizer: ([\w-]+)", "sanitizer"),
    (r"runtime error: (.*)$", "sanitizer"),
    (r"ERROR: LeakSanitizer: (.*)$", "sanitizer"),
    (r"ERROR: libFuzzer: (timeout)", "timeout"),
    (r"ERROR: libFuzzer: (out-of-memory)", "out-of-memory"),
    (r"ERROR: libFuzzer: (deadly signal)", "assertion"),  # EHLO_ASSERT, or without sanitizers a crash
    (r"no input of the corpus (reaches: .*)$", "goal"),
)


def classify(said):
    """The oracle and its words; the first sign of the list that is there counts."""
    for sign, oracle in SIGNS:
        match = re.search(sign, said, re.M)
        if match and oracle is None:
            return match[1], match[2]
        if match:
            return oracle, match[1]
    return "test", ""


def cpu_of(pid):
    """User and system seconds of a process, 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS


def executions(said):
    stats = re.findall(r"^stat::number_of_executed_units: +(\d+)|^#(\d+)\s", said, re.M)
    return max((int(final or line) for final, line in stats), default=0)


def run(fuzzer, seconds, seed, found_dir, seeds_dir=None, dictionary=None):
    """One run; `found` is the oracle and its words, or None. What it keeps goes to `found_dir`."""
    os.makedirs(found_dir, exist_ok=True)
    setarch = ["setarch", "-R"] if shutil.which("setarch") else []
    command = [*setarch, fuzzer, f"-seed={seed}", "-reload=0", "-timeout=20", "-rss_limit_mb=2560",
               "-print_final_stats=1", f"-artifact_prefix={found_dir}/../"]
    command += [f"-dict={dictionary}"] if dictionary else []
    command += [found_dir] + ([seeds_dir] if seeds_dir else [])
    log = f"{found_dir}.log"

    def bound():  # for what never comes back to the engine of the fuzzer
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 30, int(seconds) + 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with open(log, "wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=bound)
        running.add(child.pid)
        asked = False
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid != 0:
                break
            if not asked and cpu_of(child.pid) >= seconds:
                child.send_signal(signal.SIGINT)  # it ends and says how many executions there were
                asked = True
            time.sleep(0.02)
    running.discard(child.pid)
    child.returncode = 0
    with open(log, encoding="utf-8", errors="replace") as text:
        said = text.read()
    interrupted = asked and "libFuzzer: run interrupted" in said
    failed = status != 0 and not interrupted
    return {"found": classify(said) if failed else None, "executions": executions(said),
            "cpu": usage.ru_utime + usage.ru_stime, "log": log}


def stop_all():
    for pid in list(running):
        os.kill(pid, signal.SIGKILL)


def slices(bound, num):
    """How the bound is shared out among `num` fuzzers: some seconds for each, then twice as many."""
    left = bound
    each = max(1.0, bound / num / 31)
    while left > 0.05:
        for i in range(num):
            seconds = min(each, left)
            if seconds > 0.05:
                yield i, seconds
            left -= seconds
        each *= 2
