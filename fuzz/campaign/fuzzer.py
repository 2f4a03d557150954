"""Processes of fuzzers: how one is started, watched through its log, stopped, and what it said at its end.

A fuzzer sees nothing of the caller's environment, its addresses are the same each time where the system allows that, and
it ends when this program does, however that comes about.
"""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
ADDR_NO_RANDOMIZE = 0x0040000
PERSONALITY_ASKED = 0xFFFFFFFF

# How long a fuzzer may go on after it was told to end.
GRACE_SECONDS = 5.0

PROGRESS = re.compile(rb"^#(\d+)\s+\S+\s+(?:cov: (\d+) )?", re.MULTILINE)
EXECUTED = re.compile(rb"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
STATES = re.compile(rb"^states: (\d+) of (\d+)", re.MULTILINE)


def fix_addresses():
    """No address randomisation from here on, in this process and its children; True where that can be had."""
    now = LIBC.personality(PERSONALITY_ASKED)
    return now != -1 and LIBC.personality(now | ADDR_NO_RANDOMIZE) != -1


def addresses_can_be_fixed():
    """Some containers forbid it."""
    child = os.fork()
    if child == 0:
        os._exit(0 if fix_addresses() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def environment():
    """What a fuzzer sees, with the program that gives stacks their names."""
    compiler = shutil.which("clang")
    beside = pathlib.Path(compiler).resolve().parent / "llvm-symbolizer" if compiler else None
    symbolizer = str(beside) if beside and beside.exists() else shutil.which("llvm-symbolizer")
    named = {"ASAN_SYMBOLIZER_PATH": symbolizer, "UBSAN_SYMBOLIZER_PATH": symbolizer} if symbolizer else {}
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "UBSAN_OPTIONS": "print_stacktrace=1", **named}


class Process:
    """One process of a fuzzer. What it prints goes to the file `log` of its directory, which is its own."""

    def __init__(self, fuzzer, arguments, directory):
        self.directory = pathlib.Path(directory)
        self.started = time.monotonic()
        self.loaded_seconds = None  # until it had run its seeds
        self.executions = self.edges = 0
        self.status = None
        self._read, self._rest = 0, b""
        self._parent = os.getpid()
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [str(word) for word in (fuzzer, *arguments)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory, env={**environment(), "TMPDIR": str(self.directory)}, preexec_fn=self._prepare,
                start_new_session=True)

    @property
    def log(self):
        return self.directory / "log"

    def _prepare(self):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._parent:
            os._exit(1)
        fix_addresses()

    def poll(self):
        """Reads on in the log; whether the process has ended."""
        self.status = self._process.poll()
        self._look()
        return self.status is not None

    def _look(self):
        with open(self.log, "rb") as log:
            log.seek(self._read)
            text = self._rest + log.read()
            self._read = log.tell()
        text, _, self._rest = text.rpartition(b"\n")
        executions, edges = counted(text + b"\n")
        self.executions, self.edges = max(self.executions, executions), max(self.edges, edges)
        if self.loaded_seconds is None and b"INITED" in text:
            self.loaded_seconds = self.seconds

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def tell_to_end(self):
        if self._process.poll() is None:
            self._process.terminate()

    def end(self):
        """Waits a moment, then no longer."""
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.poll()

    def kill(self):
        """Its children as well: a merge has one."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def text(self):
        return self.log.read_bytes()


def counted(log):
    """Executions and edges, as far as a log tells them."""
    executions = edges = 0
    for found in PROGRESS.finditer(log):
        executions, edges = max(executions, int(found[1])), max(edges, int(found[2] or 0))
    if found := EXECUTED.search(log):
        executions = max(executions, int(found[1]))
    return executions, edges


def states(log):
    """The largest number of states that a log tells, and of how many; or None."""
    return max(((int(found[1]), int(found[2])) for found in STATES.finditer(log)), default=None)


def run(fuzzer, arguments, directory, seconds):
    """Runs a fuzzer to its end, `seconds` at most; the process, whose status is None where it had to be killed."""
    process = Process(fuzzer, arguments, directory)
    while not process.poll():
        if process.seconds > seconds:
            process.kill()
            process.status = None
            break
        time.sleep(0.005)
    return process
