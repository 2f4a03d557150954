#!/usr/bin/python3
"""The bench of whole commands: processor time and memory of ehlo's processes beside other programs at the same work, in
one run.

    tools/bazel run //tools/bench:programs [-- [--json] [--rounds N] [--scale PERCENT] [CASE…]]

What is measured is the processor time of the process itself (user and system) and, where it is told, the most memory
that it held, as the kernel says when it ends; servers and clients around it are not counted. Of several rounds the best one counts. A bound
that is missed is shown and is no failure: exit status 0 unless something does not work.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

MIB = 1 << 20


# ---- Measuring ---------------------------------------------------------------------------------------------------


def started(*command, **more):
    more.setdefault("stdout", subprocess.DEVNULL)
    return subprocess.Popen([str(word) for word in command], **more)


def ended(process, allowed=(0,)):
    """Waits for a process; the processor time that it took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise SystemExit(f"programs: {process.args}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(*command, allowed=(0,), **more):
    return ended(started(*command, **more), allowed)


class Case:
    """Rows of a case: what was measured, and the bounds. A bound is a figure with its unit, at least or at most."""

    def __init__(self, name):
        self.name, self.rows, self.bounds = name, [], []

    def row(self, who, figure, unit, **more):
        self.rows.append({"who": who, "figure": figure, "unit": unit, **more})
        return figure

    def at_least(self, what, got, wanted):
        self.bounds.append({"what": what, "got": got, "at_least": wanted, "kept": got >= wanted})

    def at_most(self, what, got, wanted):
        self.bounds.append({"what": what, "got": got, "at_most": wanted, "kept": got <= wanted})


# ---- Input -------------------------------------------------------------------------------------------------------


def lines_of_text(count):
    """Message lines of 64 octets, their CRLF included, each another."""
    return b"".join(b"%-61d.\r\n" % number for number in range(count))


def message(octets):
    return b"From: alice@ehlo.test\r\nTo: bob@ehlo.test\r\nSubject: long\r\n\r\n" + lines_of_text(octets // 64)


SESSION = """\
! ehlo-transcript 1
! submit tls none
! submit helo client.ehlo.test
! submit from <alice@ehlo.test>
! submit to <bob@ehlo.test>
! submit size {size}
+0.001000  S: 220 mail.ehlo.test ESMTP
+0.000100  C: EHLO client.ehlo.test
+0.001000  S: 250 mail.ehlo.test
+0.000100  C: MAIL FROM:<alice@ehlo.test>
+0.001000  S: 250 2.1.0 fine
+0.000100  C: RCPT TO:<bob@ehlo.test>
+0.001000  S: 250 2.1.5 fine
+0.000100  C: DATA
+0.001000  S: 354 go ahead
"""
END = """\
           C: .
+0.001000  S: 250 2.0.0 queued
+0.000100  C: QUIT
+0.001000  S: 221 2.0.0 bye
+0.000100  ! eof C
"""


def write_long_session(out, size):
    """A transcript with one message, of `size` octets in all or a little more."""
    block = b"".join(b"           C: %-61d.\n" % number for number in range(10000))
    count = max(1, size // len(block))
    out.write(SESSION.format(size=count * 10000 * 64).encode())
    for _ in range(count):
        out.write(block)
    out.write(END.encode())


# ---- The cases ---------------------------------------------------------------------------------------------------


def case_directory(c, o):
    """A directory of small transcripts, `ehlo replay DIR`; grep counts their lines."""
    directory = o.directory / "records"
    number = 0
    for copy in range(max(1, 20 * o.scale // 100)):
        for path in sorted(o.corpus.rglob("*.smtp")):
            if path.stat().st_size < 65536:
                shutil.copy(path, place(directory, f"{copy}") / f"{path.parent.name}-{path.name}")
                number += 1
    figures = {}
    for _ in range(o.rounds):
        for jobs in (1, 2):
            before = os.times().elapsed
            cpu = measure(o.ehlo, "replay", "-q", "--jobs", jobs, directory)
            wall = max(os.times().elapsed - before, 1e-3)
            best = figures.setdefault(jobs, [cpu, wall])
            figures[jobs] = [min(best[0], cpu), min(best[1], wall)]
        figures["grep"] = min(figures.get("grep", 1e9), measure("grep", "-rc", "", directory))
    for jobs in (1, 2):
        cpu, wall = figures[jobs]
        c.row(f"ehlo replay --jobs {jobs}", number / cpu, "files a CPU second", a_second=number / wall)
    c.row("grep -rc ''", number / figures["grep"], "files a CPU second")
    c.at_least("files a CPU second, one job", number / figures[1][0], 10000)
    c.at_least("speed-up by the second job", figures[1][1] / figures[2][1], 1.6)


def place(directory, name):
    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def case_long(c, o):
    """A transcript of 1 GiB from a pipe; wc counts its lines."""
    size = (1 << 30) * o.scale // 100
    contenders = {
        "ehlo show": (o.ehlo, "show", "-"),
        "ehlo show --json": (o.ehlo, "show", "--json", "-"),
        "ehlo replay": (o.ehlo, "replay", "-q", "-"),
        "ehlo scrub": (o.ehlo, "scrub", "-"),
        "wc -l": (shutil.which("wc"), "-l"),
    }
    for who, command in contenders.items():
        # What a process held counts with what its parent holds; the helper is small.
        process = started(o.max_rss, *command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        with process.stdin:
            write_long_session(process.stdin, size)
        memory = int(process.stderr.read().split()[-1]) << 10
        cpu = ended(process)
        c.row(who, size / cpu / 1e6, "MB a CPU second", memory=memory)
        if who.startswith("ehlo"):
            c.at_most(f"MiB of memory, {who}", memory / MIB, 16)


class Sink(threading.Thread):
    """Takes messages over SMTP, one connection after the other, and throws them away; under TLS with a context."""

    def __init__(self, connections, context=None):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.connections, self.context = self.listener.getsockname()[1], connections, context
        self.octets = 0

    def run(self):
        for _ in range(self.connections):
            sock, _ = self.listener.accept()
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb", 1 << 20) as stream:
                self.serve(sock, stream)

    def serve(self, sock, stream):
        sock.sendall(b"220 mail.ehlo.test ESMTP\r\n")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                sock.sendall(b"354 go ahead\r\n")
                self.take_message(sock, stream)
                sock.sendall(b"250 2.0.0 queued\r\n")
            elif verb == b"QUIT":
                sock.sendall(b"221 2.0.0 bye\r\n")
                return
            else:
                sock.sendall(b"250 2.0.0 fine\r\n")

    def take_message(self, sock, stream):
        tail = stream.peek()[:0]
        while not tail.endswith(b"\r\n.\r\n"):
            octets = stream.read1(1 << 20)
            if not octets:
                return
            self.octets += len(octets)
            tail = (tail + octets)[-5:]


ENVELOPE = ("--helo", "client.ehlo.test", "--from", "alice@ehlo.test", "--to", "bob@ehlo.test")


def make_certificate(directory):
    """A certificate for localhost that is its own root."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    directory / "key.pem", "-out", directory / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context


def senders(o, port, path):
    """Programs that send this file under TLS."""
    ehlo = (o.ehlo, "send", f"smtps://localhost:{port}", "--ca-file", o.directory / "cert.pem", *ENVELOPE, "-q",
            "--data", path)
    yield "ehlo send", ehlo
    yield "ehlo send --record", (*ehlo, "--record", o.directory / "x.smtp")
    if shutil.which("msmtp"):
        yield "msmtp", ("msmtp", "-C", "/dev/null", "--host=localhost", f"--port={port}", "--from=alice@ehlo.test",
                        "--tls=on", "--tls-starttls=off", f"--tls-trust-file={o.directory / 'cert.pem'}",
                        "--domain=client.ehlo.test", "bob@ehlo.test")


def send_all(o, context, octets, times):
    """What each program takes for a message of that size, on the average of `times` sessions."""
    path = o.directory / "message.eml"
    path.write_bytes(message(octets))
    sink = Sink(3 * times, context)
    sink.start()
    sums = {}
    for _ in range(times):
        for who, command in senders(o, sink.port, path):
            with open(path, "rb") as data:
                sums[who] = sums.get(who, 0) + measure(*command, stdin=data)
    return {who: cpu / times for who, cpu in sums.items()}


def case_record(c, o):
    """What --record costs `ehlo send` under TLS: ordinary messages, and a long one, of which the kernel's part of
    writing the file is what is left; msmtp sends the same and records nothing."""
    context = make_certificate(o.directory)
    for octets, times, bounded in ((100 << 10, 20 * o.rounds, True), (200 * MIB * o.scale // 100, o.rounds, False)):
        took = send_all(o, context, octets, times)
        for who, cpu in took.items():
            c.row(f"{who}, {octets >> 10} KiB", cpu * 1000, "ms")
        percent = 100 * (took["ehlo send --record"] / took["ehlo send"] - 1)
        if bounded:
            c.at_most("percent more with --record, ordinary message", percent, 5)
        else:
            c.row("--record, long message", percent, "percent more")


class Source(threading.Thread):
    """Says as many lines of reply as it is asked for, and reads what comes."""

    def __init__(self, octets, listener):
        super().__init__(daemon=True)
        self.octets, self.listener, self.heard = octets, listener, 0

    def run(self):
        sock, _ = self.listener.accept()
        block = b"".join(b"250-%-56d\r\n" % number for number in range(10000))
        with sock:
            for _ in range(max(1, self.octets // len(block))):
                sock.sendall(block)
            sock.sendall(b"250 end\r\n")
            while octets := sock.recv(1 << 20):
                self.heard += len(octets)


def push_message(port, octets):
    """A client that pipelines a message, and waits for the end."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"EHLO a\r\nMAIL FROM:<a@ehlo.test>\r\nRCPT TO:<b@ehlo.test>\r\nDATA\r\n")
        heard = b""
        while b"354" not in heard:
            heard += sock.recv(4096)
        sock.sendall(octets)
        sock.sendall(b".\r\nQUIT\r\n")
        while sock.recv(4096):
            pass


def pull_replies(port):
    with socket.create_connection(("127.0.0.1", port)) as sock:
        heard, tail = 0, b""
        while not tail.endswith(b"250 end\r\n"):
            octets = sock.recv(1 << 20)
            if not octets:
                raise SystemExit("programs: the relay ended too early")
            heard += len(octets)
            tail = (tail + octets)[-9:]
        return heard


def relay_port(process):
    return int(re.search(rb":(\d+)\s*$", process.stdout.readline()).group(1))


def case_relay(c, o):
    """A relay between two programs in cleartext: `ehlo record`, which keeps a transcript, beside socat, which does not."""
    size = 400 * MIB * o.scale // 100
    body = message(size)
    best = {}
    for _ in range(o.rounds):
        for who in ("ehlo record", *(("socat",) if shutil.which("socat") else ())):
            for direction in ("to the server", "to the client"):
                cpu = run_relay(o, who, direction, body, size)
                key = (who, direction)
                best[key] = min(best.get(key, 1e9), cpu)
    for (who, direction), cpu in best.items():
        c.row(f"{who}, {direction}", size / cpu / 1e6, "MB a CPU second")
    for direction in ("to the server", "to the client"):
        c.at_least(f"MB a CPU second {direction}", size / best[("ehlo record", direction)] / 1e6, 200)


def run_relay(o, who, direction, body, size):
    if direction == "to the server":
        server = Sink(1)
        port = server.port
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        server, port = Source(size, listener), listener.getsockname()[1]
    server.start()
    if who == "socat":
        with socket.create_server(("127.0.0.1", 0)) as probe:
            front = probe.getsockname()[1]
        process = started("socat", "-b", "65536", f"TCP-LISTEN:{front},bind=127.0.0.1,reuseaddr",
                          f"TCP:127.0.0.1:{port}")
        wait_for_listener(front)
    else:
        process = started(o.ehlo, "record", "--listen", "127.0.0.1:0", "--listen-tls", "none", "--to",
                          f"127.0.0.1:{port}", "--tls", "none", "--connections", "1", "--record",
                          o.directory / "relay.smtp", stdout=subprocess.PIPE)
        front = relay_port(process)
    if direction == "to the server":
        push_message(front, body)
    else:
        pull_replies(front)
    return ended(process)


def wait_for_listener(port):
    """Until somebody listens there; the kernel's table tells it without a connection."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    while wanted not in pathlib.Path("/proc/net/tcp").read_text("ascii"):
        pass


NEEDLE = """\
+0.000100  C: RCPT TO:<bob@ehlo.test>
+0.001000  S: 250-2.1.5 fine
           S: 550 5.1.1 another code
"""


def case_shrink(c, o):
    """A transcript of a thousand events, of which one breaks the protocol, cut down to what breaks it."""
    events = 1000 * o.scale // 100
    text = SESSION.partition("+0.000100  C: MAIL")[0].replace("! submit", "# submit")
    for number in range(events - 3):
        text += f"+0.000100  C: NOOP {number}\n+0.001000  S: 250 2.0.0 fine {number}\n"
    path = o.directory / "thousand.smtp"
    path.write_text(text + "+0.000100  C: MAIL FROM:<alice@ehlo.test>\n+0.001000  S: 250 2.1.0 fine\n" + NEEDLE)
    measure(o.ehlo, "replay", "--update", "-q", path)
    cpu = min(measure(o.ehlo, "shrink", "-o", o.directory / "small.smtp", path, stderr=subprocess.DEVNULL)
              for _ in range(o.rounds))
    left = len((o.directory / "small.smtp").read_text().splitlines())
    c.row("ehlo shrink", cpu, "CPU seconds", lines_before=len(path.read_text().splitlines()), lines_after=left)
    c.at_most("CPU seconds", cpu, 5)


CASES = {"replay-directory": case_directory, "long-transcript": case_long, "send-record": case_record,
         "relay": case_relay, "shrink": case_shrink}


# ---- The run -----------------------------------------------------------------------------------------------------


def print_case(c):
    print(f"{c.name}")
    for row in c.rows:
        more = "".join(f", {name.replace('_', ' ')} {value / MIB:.1f} MiB" if name == "memory" else
                       f", {name.replace('_', ' ')} {value:.0f}"
                       for name, value in row.items() if name not in ("who", "figure", "unit"))
        print(f"  {row['who']:<28} {row['figure']:>10.4g} {row['unit']}{more}")
    for bound in c.bounds:
        word = "at least" if "at_least" in bound else "at most"
        wanted = bound.get("at_least", bound.get("at_most"))
        print(f"  {'ok  ' if bound['kept'] else 'MISS'} {bound['what']}: {bound['got']:.4g}, wanted {word} {wanted}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(prog="programs", description="The bench of whole commands.")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts (default 3)")
    parser.add_argument("--scale", type=int, default=100, metavar="PERCENT", help="of the input (default 100)")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--ehlo", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--max-rss", required=True, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if unknown := [name for name in o.cases if name not in CASES]:
        parser.error(f"there is no case of that name: {unknown[0]}")
    if not (1 <= o.rounds <= 99 and 1 <= o.scale <= 1000):
        parser.error("--rounds is 1 to 99, --scale 1 to 1000")
    o.ehlo, o.max_rss = os.path.abspath(o.ehlo), os.path.abspath(o.max_rss)
    o.corpus = pathlib.Path(o.corpus)
    results = []
    with tempfile.TemporaryDirectory(prefix="ehlo-bench.", dir="/dev/shm") as directory:
        o.directory = pathlib.Path(directory)
        for name in o.cases or CASES:
            c = Case(name)
            CASES[name](c, o)
            results.append(c)
            if not o.json:
                print_case(c)
    if o.json:
        print(json.dumps({"cases": [vars(c) for c in results]}, indent=2))
    return 0


sys.exit(main())
