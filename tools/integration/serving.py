"""ehlo serve, started for a test: its address, what it tells of its clients, and a client of raw bytes.

Nothing here knows of a particular case.
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess

from harness import RUN_BOUND, Complaint, visible


class Serving:
    """`ehlo serve FILE …`, from `with` to the end of it. Afterwards `reports` has an object for each connection."""

    def __init__(self, ehlo, transcript, *options, connections=0):
        self.directory = pathlib.Path(ehlo.directory)
        self.ca = self.directory / f"ca-{id(self)}.pem"
        arguments = [ehlo.program, "serve", str(transcript), "--listen", "127.0.0.1:0", "--json", *map(str, options)]
        if "--tls-cert" not in options:
            arguments += ["--ca-out", str(self.ca)]
        if connections:
            arguments += ["--connections", str(connections)]
        self.arguments, self.connections = arguments, connections
        self.reports, self.status, self.out, self.err = [], None, b"", b""

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        cwd=self.directory, start_new_session=True,
                                        env={"PATH": "/usr/bin:/bin", "HOME": str(self.directory),
                                             "LC_ALL": "C.UTF-8"})
        line = self.process.stdout.readline()
        if not re.fullmatch(rb"127\.0\.0\.1:\d+\n", line):
            self.process.kill()
            _, err = self.process.communicate()
            raise Complaint(f"{' '.join(self.arguments)}: {visible(line + err)}")
        self.port = int(line.rsplit(b":", 1)[1])
        return self

    def __exit__(self, kind, *_):
        if not self.connections or kind is not None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.out, self.err = self.process.communicate(timeout=RUN_BOUND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.out, self.err = self.process.communicate()
            raise Complaint(f"{' '.join(self.arguments)} does not end: {visible(self.out + self.err)}") from None
        self.status = self.process.returncode
        self.reports = [json.loads(line) for line in self.out.splitlines()]
        if kind is None and (self.status != 0 or self.err):
            raise Complaint(f"{' '.join(self.arguments)} exits with {self.status}: {visible(self.err)}")

    def peak_kib(self):
        """What the program has used of memory at the most."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise Complaint("the kernel does not tell of memory")


class Raw:
    """A client of bytes. `heard` is all that came, `chunks` as it came."""

    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server may speak and reset before connect() returns, which would then say so and throw away what came.
        self.sock.setblocking(False)
        self.sock.connect_ex(("127.0.0.1", port))
        select.select([], [self.sock], [], RUN_BOUND)
        self.sock.settimeout(RUN_BOUND)
        self.heard, self.end, self.was_reset = b"", "", False

    def say(self, octets):
        try:
            self.sock.sendall(octets)
        except ConnectionResetError:
            self.was_reset = True  # told once: reading gives what came before, and then an end like any other
            raise

    def hear(self, octets):
        """Reads until `octets` came; what came up to there is taken off."""
        while octets not in self.heard:
            if not self.read():
                raise Complaint(f"the server ended ({self.end}) before {octets!r}: {self.heard!r}")
        taken, self.heard = self.heard[:self.heard.index(octets) + len(octets)], \
            self.heard[self.heard.index(octets) + len(octets):]
        return taken

    def read(self):
        try:
            octets = self.sock.recv(65536)
        except ConnectionResetError:
            self.end = "reset"
            return False
        if not octets:
            self.end = "reset" if self.was_reset else "closed"
        self.heard += octets
        return bool(octets)

    def hear_all(self):
        """Everything until the end."""
        while self.read():
            pass
        return self.heard

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def environment(directory):
    """For clients that others wrote: nothing of the user's."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8",
            "PERL5LIB": os.environ.get("PERL5LIB", "")}
