#!/usr/bin/python3
"""The bench of whole commands: processor time and memory of ehlo's processes beside other programs at the same work, in
one run.

    tools/bazel run //tools/bench:programs [-- [--json] [--rounds N] [--scale PERCENT] [CASE…]]

What is measured is the processor time of the process itself (user and system) and, where it is told, the most memory
that it held, as the kernel says when it ends; servers and clients around it are not counted. Of several rounds the best
one counts. A bound that is missed is shown and is no failure: exit status 0 unless something does not work.
"""

import argparse
import base64
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
        self.name, self.rows, self.bounds, self.notes = name, [], [], []

    def note(self, text):
        self.notes.append(text)

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
    if len(os.sched_getaffinity(0)) > 1:
        c.at_least("speed-up by the second job", figures[1][1] / figures[2][1], 1.6)


def place(directory, name):
    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    return path


SWAKS_LOG = """\
=== Trying mail.ehlo.test:25...
=== Connected to mail.ehlo.test.
<-  220 mail.ehlo.test ESMTP
 -> EHLO client.ehlo.test
<-  250 mail.ehlo.test
 -> MAIL FROM:<alice@ehlo.test>
<-  250 2.1.0 fine
 -> RCPT TO:<bob@ehlo.test>
<-  250 2.1.5 fine
 -> DATA
<-  354 go ahead
"""


def write_long_log(out, size):
    """The same session as swaks tells it."""
    block = b"".join(b" -> %-61d.\n" % number for number in range(10000))
    out.write(SWAKS_LOG.encode())
    for _ in range(max(1, size // len(block))):
        out.write(block)
    out.write(b" -> .\n<-  250 2.0.0 queued\n -> QUIT\n<-  221 2.0.0 bye\n=== Connection closed with remote host.\n")


def case_long(c, o):
    """A transcript of 1 GiB from a pipe, and a log of that size; wc counts lines."""
    size = (1 << 30) * o.scale // 100
    contenders = {
        "ehlo show": (write_long_session, o.ehlo, "show", "-"),
        "ehlo show --json": (write_long_session, o.ehlo, "show", "--json", "-"),
        "ehlo show --html": (write_long_session, o.ehlo, "show", "--html", "-", "-"),
        "ehlo replay": (write_long_session, o.ehlo, "replay", "-q", "-"),
        "ehlo scrub": (write_long_session, o.ehlo, "scrub", "-"),
        "ehlo import": (write_long_log, o.ehlo, "import", "--format", "swaks", "-"),
        "wc -l": (write_long_session, shutil.which("wc"), "-l"),
    }
    for who, (write, *command) in contenders.items():
        cpu, memory = measure_piped(o, write, size, command)
        c.row(who, size / cpu / 1e6, "MB a CPU second", memory=memory)
        if who.startswith("ehlo"):
            c.at_most(f"MiB of memory, {who}", memory / MIB, 16)


def measure_piped(o, write, size, command):
    """Processor time and memory. What a process held counts with what its parent holds; the helper is small."""
    process = started(o.max_rss, *command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    with process.stdin:
        write(process.stdin, size)
    memory = int(process.stderr.read().split()[-1]) << 10
    return ended(process), memory


def case_diff(c, o):
    """Two transcripts of 100 MiB that differ in one line of the message at their end; GNU diff reads lines only."""
    size = 100 * MIB * o.scale // 100
    paths = [o.directory / name for name in ("a.smtp", "b.smtp")]
    for path in paths:
        with open(path, "wb") as out:
            write_long_session(out, size)
    text = paths[1].read_bytes()
    paths[1].write_bytes(text.replace(b"S: 250 2.0.0 queued", b"S: 250 2.0.0 Queued"))
    cpu = min(measure(o.ehlo, "diff", *paths, allowed=(0, 1)) for _ in range(o.rounds))
    c.row("ehlo diff", 2 * len(text) / cpu / 1e6, "MB a CPU second")
    cpu = min(measure("diff", *paths, allowed=(1,)) for _ in range(o.rounds))
    c.row("diff", 2 * len(text) / cpu / 1e6, "MB a CPU second")


# ---- Programs that speak to each other ---------------------------------------------------------------------------


class Server(threading.Thread):
    """Speaks SMTP, one connection after the other, under TLS with a context. It throws messages away and answers NOOP
    with as many octets of reply as it is told."""

    def __init__(self, connections, context=None, reply_octets=0):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.connections, self.context = self.listener.getsockname()[1], connections, context
        self.reply_octets = reply_octets

    def run(self):
        for _ in range(self.connections):
            sock, _ = self.listener.accept()
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb", 1 << 20) as stream:
                self.serve(sock, stream)
                end_tls(sock)

    def serve(self, sock, stream):
        sock.sendall(b"220 mail.ehlo.test ESMTP\r\n")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                sock.sendall(b"250-mail.ehlo.test\r\n250 AUTH PLAIN\r\n")
            elif verb == b"AUTH":
                sock.sendall(b"235 2.7.0 welcome\r\n")
            elif verb == b"NOOP":
                self.talk(sock)
            elif verb == b"DATA":
                sock.sendall(b"354 go ahead\r\n")
                self.take_message(stream)
                sock.sendall(b"250 2.0.0 queued\r\n")
            elif verb == b"QUIT":
                sock.sendall(b"221 2.0.0 bye\r\n")
                return
            else:
                sock.sendall(b"250 2.0.0 fine\r\n")

    def talk(self, sock):
        block = b"".join(b"250-%-54d\r\n" % number for number in range(10000))
        for _ in range(self.reply_octets // len(block)):
            sock.sendall(block)
        sock.sendall(b"250 end\r\n")

    @staticmethod
    def take_message(stream):
        tail = b""
        while not tail.endswith(b"\r\n.\r\n"):
            octets = stream.read1(1 << 20)
            if not octets:
                return
            tail = (tail + octets)[-5:]


def end_tls(sock):
    """In order, if the other side waits for it."""
    if isinstance(sock, ssl.SSLSocket):
        sock.settimeout(10)
        try:
            sock.unwrap()
        except OSError:
            pass


class Client:
    """A program that waits for each reply."""

    def __init__(self, port, context=None):
        self.sock = socket.create_connection(("127.0.0.1", port))
        if context:
            self.sock = context.wrap_socket(self.sock)
        self.reply()

    def say(self, line):
        self.sock.sendall(line + b"\r\n")
        return self.reply()

    def reply(self):
        """Octets up to the end of a reply."""
        count, tail = 0, b""
        while not re.search(rb"(?:^|\n)\d{3} [^\n]*\n$", tail):
            octets = self.sock.recv(1 << 20)
            if not octets:
                raise SystemExit("programs: the connection ended too early")
            count += len(octets)
            tail = (tail + octets)[-200:]
        return count

    def submit(self, body):
        for line in (b"MAIL FROM:<alice@ehlo.test>", b"RCPT TO:<bob@ehlo.test>", b"DATA"):
            self.say(line)
        self.sock.sendall(body)
        self.say(b".")

    def quit(self):
        self.say(b"QUIT")
        while self.sock.recv(4096):
            pass
        end_tls(self.sock)
        self.sock.close()


ENVELOPE = ("--helo", "client.ehlo.test", "--from", "alice@ehlo.test", "--to", "bob@ehlo.test")


def make_certificate(directory):
    """A server's context with a certificate for localhost that is its own root; None without the program openssl."""
    if not shutil.which("openssl"):
        return None
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
    server = Server(3 * times, context)
    server.start()
    sums = {}
    for _ in range(times):
        for who, command in senders(o, server.port, path):
            with open(path, "rb") as data:
                sums[who] = sums.get(who, 0) + measure(*command, stdin=data)
    return {who: cpu / times for who, cpu in sums.items()}


def case_record(c, o):
    """What --record costs `ehlo send` under TLS: ordinary messages, and a long one, of which the kernel's part of
    writing the file is what is left; msmtp sends the same and records nothing."""
    context = make_certificate(o.directory)
    if not context:
        c.note("without the program openssl there is no certificate, and nothing is measured")
        return
    if not shutil.which("msmtp"):
        c.note("msmtp is not here")
    ordinary = max(1, 20 * o.rounds * o.scale // 100)
    for octets, times, bounded in ((100 << 10, ordinary, True), (200 * MIB * o.scale // 100, o.rounds, False)):
        took = send_all(o, context, octets, times)
        for who, cpu in took.items():
            c.row(f"{who}, {octets >> 10} KiB", cpu * 1000, "ms")
        percent = 100 * (took["ehlo send --record"] / took["ehlo send"] - 1)
        if bounded:
            c.at_most("percent more with --record, ordinary message", percent, 5)
        else:
            c.row("--record, long message", percent, "percent more")


def relay_port(process):
    return int(re.search(rb":(\d+)\s*$", process.stdout.readline()).group(1))


DIRECTIONS = ("to the server", "to the client")


def case_relay(c, o):
    """A relay between two programs: `ehlo record`, which keeps a transcript, beside socat, which does not."""
    size = 200 * MIB * o.scale // 100
    body = message(size)
    contexts = {"cleartext": None, "TLS": make_certificate(o.directory)}
    if not contexts["TLS"]:
        c.note("without the program openssl there is no certificate, and nothing is measured under TLS")
        del contexts["TLS"]
    whos = ["ehlo record", "ehlo record after AUTH"] + (["socat"] if shutil.which("socat") else [])
    if "socat" not in whos:
        c.note("socat is not here")
    best = {}
    for _ in range(o.rounds):
        for key in ((who, direction, how) for how in contexts for direction in DIRECTIONS for who in whos):
            who, direction, how = key
            cpu = run_relay(o, who, contexts[how], direction, body, size)
            best[key] = min(best.get(key, 1e9), cpu)
    for (who, direction, how), cpu in best.items():
        c.row(f"{who}, {how}, {direction}", size / cpu / 1e6, "MB a CPU second")
    for (who, direction, how), cpu in best.items():
        if who != "socat":
            c.at_least(f"MB a CPU second, {who}, {how}, {direction}", size / cpu / 1e6, 200)


def run_relay(o, who, context, direction, body, size):
    server = Server(1, context, size)
    server.start()
    process, port = start_socat(o, context, server.port) if who == "socat" else start_record(o, context, server.port)
    client = Client(port, not_verifying() if context else None)
    client.say(b"EHLO client.ehlo.test")
    if who.endswith("AUTH"):
        client.say(b"AUTH PLAIN " + base64.b64encode(b"\0alice\0correct horse battery"))
    if direction == "to the server":
        client.submit(body)
    elif client.say(b"NOOP") < size - 1000000:
        raise SystemExit("programs: octets are missing")
    client.quit()
    return ended(process, allowed=(0, 1) if who == "socat" else (0,))  # 1: an end without close_notify


def not_verifying():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def start_record(o, context, port):
    how = (("--listen-tls", "implicit", "--tls", "implicit", "--ca-file", o.directory / "cert.pem") if context else
           ("--listen-tls", "none", "--tls", "none", "--allow-cleartext-auth"))
    process = started(o.ehlo, "record", "--listen", "127.0.0.1:0", "--to", f"localhost:{port}", *how, "--connections",
                      "1", "--record", o.directory / "relay.smtp", stdout=subprocess.PIPE)
    return process, relay_port(process)


def start_socat(o, context, port):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        front = probe.getsockname()[1]
    if context:
        files = f"cert={o.directory / 'cert.pem'},key={o.directory / 'key.pem'}"
        ends = (f"OPENSSL-LISTEN:{front},bind=127.0.0.1,reuseaddr,{files},verify=0",
                f"OPENSSL:localhost:{port},verify=0")
    else:
        ends = (f"TCP-LISTEN:{front},bind=127.0.0.1,reuseaddr", f"TCP:127.0.0.1:{port}")
    process = started("socat", "-b", "65536", *ends, stderr=subprocess.DEVNULL)
    wait_for_listener(front)
    return process, front


def wait_for_listener(port):
    """Until somebody listens there; the kernel's table tells it without a connection."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    while wanted not in pathlib.Path("/proc/net/tcp").read_text("ascii"):
        pass


def case_serve(c, o):
    """`ehlo serve` with its own processor time: ordinary sessions, and long messages. No other program serves
    transcripts, so nothing stands beside it."""
    path = o.directory / "served.smtp"
    path.write_text(SESSION.format(size=64) + "           C: hello\n" + END)
    sessions = max(1, 1000 * o.scale // 100)
    cpu = min(run_serve(o, path, sessions, b"hello\r\n") for _ in range(o.rounds))
    c.row("ehlo serve, short messages", sessions / cpu, "sessions a CPU second")
    size = 200 * MIB * o.scale // 100
    cpu = min(run_serve(o, path, 1, message(size)) for _ in range(o.rounds))
    c.row("ehlo serve, a long message", size / cpu / 1e6, "MB a CPU second")


def run_serve(o, path, sessions, body):
    process = started(o.ehlo, "serve", path, "--listen", "127.0.0.1:0", "--connections", sessions,
                      stdout=subprocess.PIPE)
    port = relay_port(process)
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    for _ in range(sessions):
        client = Client(port)
        client.say(b"EHLO client.ehlo.test")
        client.submit(body)
        client.quit()
    cpu = ended(process, allowed=(0, 1))  # 1: another client than the recorded one
    reader.join()
    return cpu


# ---- Shrinking ---------------------------------------------------------------------------------------------------


NEEDLE = """\
+0.000100  C: RCPT TO:<bob@ehlo.test>
+0.001000  S: 250-2.1.5 fine
           S: 550 5.1.1 another code
"""


def thousand_of_verbs(events):
    """Commands one after the other, of which one gets a reply that breaks the protocol."""
    text = SESSION.partition("+0.000100  C: MAIL")[0].replace("! submit", "# submit")
    for number in range(events - 3):
        text += f"+0.000100  C: NOOP {number}\n+0.001000  S: 250 2.0.0 fine {number}\n"
    return text + "+0.000100  C: MAIL FROM:<alice@ehlo.test>\n+0.001000  S: 250 2.1.0 fine\n" + NEEDLE


def thousand_of_submission(events):
    """Messages one after the other on one connection, of which the last but one is refused."""
    number = max(2, events // 5)
    text = "! ehlo-transcript 1\n! submit tls none\n! submit helo client.ehlo.test\n"
    for i in range(number):
        text += "! submit message\n" if i > 0 else ""
        text += f"! submit from <alice@ehlo.test>\n! submit to <bob{i}@ehlo.test>\n"
    text += ("+0.001000  S: 220 mail.ehlo.test ESMTP\n+0.000100  C: EHLO client.ehlo.test\n"
             "+0.001000  S: 250 mail.ehlo.test\n")
    for i in range(number):
        reply = "550 5.7.1 not this one" if i == number - 2 else f"250 2.0.0 queued as {i}"
        text += ("+0.000100  C: MAIL FROM:<alice@ehlo.test>\n+0.001000  S: 250 2.1.0 fine\n"
                 f"+0.000100  C: RCPT TO:<bob{i}@ehlo.test>\n+0.001000  S: 250 2.1.5 fine\n"
                 "+0.000100  C: DATA\n+0.001000  S: 354 go ahead\n"
                 f"+0.000100  C: Subject: {i}\n           C:\n           C: text\n           C: .\n"
                 f"+0.001000  S: {reply}\n")
    return text + "+0.000100  C: QUIT\n+0.001000  S: 221 2.0.0 bye\n+0.000100  ! eof C\n"


def case_shrink(c, o):
    """Transcripts of a thousand events, cut down to what decided. No other program does this."""
    for who, make in (("verbs", thousand_of_verbs), ("a submission", thousand_of_submission)):
        path, small = o.directory / "thousand.smtp", o.directory / "small.smtp"
        path.write_text(make(max(10, 1000 * o.scale // 100)))
        measure(o.ehlo, "replay", "--update", "-q", path)
        before = path.read_text().splitlines()
        cpu = min(measure(o.ehlo, "shrink", "-q", "-o", small, path) for _ in range(o.rounds))
        c.row(f"ehlo shrink, {who}", cpu, "CPU seconds", events=sum(line.startswith("= ") for line in before),
              lines_before=len(before), lines_after=len(small.read_text().splitlines()))
        c.at_most(f"CPU seconds, {who}", cpu, 5)


CASES = {"replay-directory": case_directory, "long-transcript": case_long, "diff": case_diff,
         "send-record": case_record, "relay": case_relay, "serve": case_serve, "shrink": case_shrink}


# ---- The run -----------------------------------------------------------------------------------------------------


def print_case(c):
    print(f"{c.name}")
    for row in c.rows:
        more = "".join(f", {name.replace('_', ' ')} {value / MIB:.1f} MiB" if name == "memory" else
                       f", {name.replace('_', ' ')} {value:.0f}"
                       for name, value in row.items() if name not in ("who", "figure", "unit"))
        print(f"  {row['who']:<52} {row['figure']:>10.4g} {row['unit']}{more}")
    for note in c.notes:
        print(f"  {note}")
    for bound in c.bounds:
        word = "at least" if "at_least" in bound else "at most"
        wanted = bound.get("at_least", bound.get("at_most"))
        print(f"  {'ok  ' if bound['kept'] else 'MISS'} {bound['what']}: {bound['got']:.4g}, wanted {word} {wanted}")
    sys.stdout.flush()


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"programs: {message}\n")


def main():
    parser = Parser(prog="programs", description="The bench of whole commands.")
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
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="ehlo-bench.", dir=memory) as directory:
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
