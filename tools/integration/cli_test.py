#!/usr/bin/python3
"""The command line of ehlo: options, files, configuration, exit statuses, and the memory it takes.

Where nothing may be sent, a server stands by to see that nobody came.

    cli_test.py EHLO MAX_RSS [-- PATTERN]
"""

import base64
import json
import os
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, RUN_BOUND, USER, Bench, Complaint, Ehlo, Server, make_certificates, secrets_in,
                     session_hash, tls_context, unsafe_characters, want_reproduced)

MEMORY_MAX = 8 << 10  # KiB more than the empty program
TRANSCRIPT_LEN = 24 << 20  # more than that, for the transcripts that must not be held in memory
HELP_LINES, HELP_COLUMNS = 40, 80

bench = Bench("cli_test.py")
make_certificates(bench.directory)
context = tls_context(bench.directory)
ca_file = bench.directory / "ca.pem"

ENVELOPE = ("--from", USER, "--to", "bob@ehlo.test")
CLEAR = ("--tls", "none", "--timeout", "5")


# ---- A server that takes mail ------------------------------------------------------------------------------------


class Sink(Server):
    """Takes every message, as it is, and every password."""

    def __init__(self, *offers, tls_first=False, on_connect=lambda: None, **where):
        super().__init__(self.play, context, **where)
        self.offers, self.tls_first, self.on_connect = offers or ("8BITMIME", "AUTH PLAIN"), tls_first, on_connect
        self.messages, self.logins, self.commands = [], [], []

    def play(self, peer):
        self.on_connect()
        if self.tls_first:
            peer.start_tls()
        peer.say("220 mail.ehlo.test ESMTP")
        while (line := peer.hear()) is not None:
            self.commands.append(line.decode("utf-8", "backslashreplace"))
            verb = line[:4].upper()
            if verb == b"QUIT":
                peer.say("221 2.0.0 bye")
                peer.close_politely()
                return
            self.answer(peer, verb, line)

    def answer(self, peer, verb, line):
        if verb == b"EHLO":
            offers = ["mail.ehlo.test", *self.offers]
            if "STARTTLS" in offers and hasattr(peer.sock, "cipher"):
                offers.remove("STARTTLS")
            peer.say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")
        elif verb == b"STAR":
            peer.say("220 2.0.0 go ahead")
            peer.start_tls()
        elif verb == b"AUTH":
            self.logins.append(tuple(base64.b64decode(line.split()[2]).decode().split("\0")[1:]))
            peer.say("235 2.7.0 welcome")
        elif verb == b"DATA":
            peer.say("354 go ahead")
            self.messages.append(peer.hear_message())
            peer.say("250 2.0.0 queued")
        else:
            peer.say("250 2.1.0 fine")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


def write(ehlo, name, octets):
    path = ehlo.directory / name
    path.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
    return name


# ---- What a case can want ----------------------------------------------------------------------------------------


def want(result, status, err=None, out=None):
    if result.status != status:
        yield f"exit status {result.status}, and it should be {status}"
    for name, pattern, octets in (("error", err, result.err), ("output", out, result.out)):
        if pattern is not None and not re.search(pattern, octets.decode("utf-8", "replace"), re.M):
            yield f"standard {name} has no {pattern!r}"
        if wrong := unsafe_characters(octets):
            yield f"standard {name} has what a terminal would obey: {wrong}"
        for how in secrets_in(octets):
            yield f"standard {name} has the password {how}"


def want_nobody(server):
    if server.peers:
        yield "a connection was made"


def want_accepted(result, server, message=MESSAGE, status=0):
    yield from want(result, status, out="accepted")
    yield from server.complaints
    if server.messages != [message]:
        yield f"what arrived is {server.messages!r:.500}"


def want_login(server, password=PASSWORD):
    if server.logins != [(USER, password)]:
        yield f"the logins are {server.logins!r}"


def case(name):
    return lambda run: bench.add(name, run)


# ---- Usage -------------------------------------------------------------------------------------------------------

SEND = (*ENVELOPE, "--data", "message.eml")

# SERVER stands for an address where somebody listens.
USAGE = {
    "nothing": ((), "^usage"),
    "command": (("frobnicate",), "no command"),
    "send/nothing": (("send",), "SERVER is missing"),
    "send/no-from": (("send", "SERVER", "--to", USER, "--data", "message.eml"), "--from"),
    "send/no-to": (("send", "SERVER", "--from", USER, "--data", "message.eml"), "--to"),
    "send/no-data": (("send", "SERVER", *ENVELOPE), "--data"),
    "send/two-servers": (("send", "SERVER", "other.example", *SEND), "too many"),
    "send/unknown-option": (("send", "SERVER", *SEND, "--frobnicate"), "--frobnicate"),
    "send/password-option": (("send", "SERVER", *SEND, "--password", PASSWORD), "--password"),
    "send/password-option-equals": (("send", "SERVER", *SEND, "--password=" + PASSWORD), "--password"),
    "send/value-missing": (("send", "SERVER", *SEND, "--timeout"), "value"),
    "send/value-to-flag": (("send", "SERVER", *SEND, "--json=yes"), "--json"),
    "send/timeout-zero": (("send", "SERVER", *SEND, "--timeout", "0"), "--timeout"),
    "send/timeout-word": (("send", "SERVER", *SEND, "--timeout", "soon"), "--timeout"),
    "send/timeout-nan": (("send", "SERVER", *SEND, "--timeout", "nan"), "--timeout"),
    "send/tls-word": (("send", "SERVER", *SEND, "--tls", "maybe"), "--tls"),
    "send/auth-word": (("send", "SERVER", *SEND, "--auth", "PLAIN,ROT13"), "--auth"),
    "send/auth-names-them-all": (("send", "SERVER", *SEND, "--auth", "X"), "SCRAM-SHA-512-PLUS, SCRAM"),
    "send/attempts-zero": (("send", "SERVER", *SEND, "--auth-attempts", "0"), "--auth-attempts"),
    "send/attempts-many": (("send", "SERVER", *SEND, "--auth-attempts", "21"), "--auth-attempts"),
    "send/attempts-word": (("send", "SERVER", *SEND, "--auth-attempts", "2x"), "--auth-attempts"),
    "send/stage": (("send", "SERVER", *SEND, "--quit-after", "lunch"), "--quit-after"),
    "send/exact-and-fix-eol": (("send", "SERVER", *SEND, "--exact", "--fix-eol"), "exclude"),
    "send/quiet-and-verbose": (("send", "SERVER", *SEND, "-q", "-v"), "exclude"),
    "send/port": (("send", "127.0.0.1:99999", *SEND), "port"),
    "send/port-word": (("send", "127.0.0.1:smtp", *SEND), "port"),
    "send/host-empty": (("send", "", *SEND), "host"),
    "send/host-blank": (("send", "mail example", *SEND), "host"),
    "send/host-escape": (("send", "mail\x1b[31m.example", *SEND), "host"),
    "send/bracket": (("send", "[::1", *SEND), "]"),
    "send/scheme": (("send", "http://mail.example", *SEND), "URL"),
    "send/unix-with-tls": (("send", "unix:/tmp/socket", *SEND), "--tls-name"),
    "send/helo": (("send", "SERVER", *SEND, "--helo", "a\r\nQUIT"), "--helo"),
    "send/no-password": (("send", "SERVER", *SEND, "--user", USER), "password"),
    "probe/nothing": (("probe",), "SERVER is missing"),
    "probe/two": (("probe", "SERVER", "SERVER"), "too many"),
    "replay/nothing": (("replay",), "FILE is missing"),
    "replay/chunks": (("replay", "--chunks", "some", "x.smtp"), "--chunks"),
    "show/nothing": (("show",), "FILE is expected"),
    "show/two": (("show", "x.smtp", "y.smtp"), "FILE is expected"),
    "demo/operand": (("demo", "please"), "nothing is expected"),
}

ADDRESSES = {
    "crlf": "bob@ehlo.test>\r\nRCPT TO:<eve@ehlo.test", "lf": "bob@ehlo.test\nDATA", "cr": "bob@ehlo.test\r",
    "blank": "bob @ehlo.test", "brackets": "<bob@ehlo.test>", "closing": "bob@ehlo.test> SIZE=1", "tab": "bob\t@x.test",
    "escape": "\x1b[31mbob@ehlo.test", "del": "bob\x7f@ehlo.test", "long": "x" * 3000,
}


def cases_usage():
    def bad_usage(arguments, pattern):
        def run(ehlo):
            write(ehlo, "message.eml", MESSAGE)
            with Sink() as server:
                result = ehlo(*(server.address if a == "SERVER" else a for a in arguments))
            yield from want(result, 64, err=pattern)
            yield from want_nobody(server)
            if result.out:
                yield "something is on standard output"
        return run
    for name, (arguments, pattern) in USAGE.items():
        bench.add(f"usage/{name}", bad_usage(arguments, re.escape(pattern) if pattern != "^usage" else pattern))
    for name, address in ADDRESSES.items():
        for option in ("--from", "--to"):
            other = ("--to", USER) if option == "--from" else ("--from", USER)
            bench.add(f"usage/address/{option[2:]}-{name}", bad_usage(
                ("send", "SERVER", option, address, *other, "--data", "message.eml"), option))

    @case("usage/address/to-empty")
    def _(ehlo):
        yield from bad_usage(("send", "SERVER", "--from", USER, "--to", "", "--data", "message.eml"), "--to")(ehlo)

    @case("usage/address/from-empty")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, "--from", "", "--to", USER, "--data", "message.eml")
        yield from want_accepted(result, server)
        if "MAIL FROM:<>" not in server.commands:
            yield f"the commands are {server.commands}"

    @case("usage/json")
    def _(ehlo):
        """One object also where there was no session."""
        write(ehlo, "message.eml", MESSAGE)
        for arguments, status in ((("--to", USER), 64), ((*ENVELOPE, "--data", "/nowhere"), 66),
                                  ((*SEND, "--record", "/nowhere/x"), 73), ((*SEND, "--user", USER), 64),
                                  ((*SEND, "--tls", "starttls", "--ca-file", "/nowhere"), 66)):
            result = ehlo("send", "127.0.0.1:1", *arguments, "--json")
            yield from want(result, status, err="^ehlo")
            if result.json()["outcome"] != "usage" or not result.json()["error"]:
                yield f"{arguments}: the JSON is not that of a wrong usage"
        for arguments, status in ((("--record", "/nowhere/x"), 73), (("--ca-file", "/nowhere"), 66)):
            result = ehlo("probe", "127.0.0.1:1", *arguments, "--json")
            yield from want(result, status, err="^ehlo")
            if result.json()["outcome"] != "usage" or not result.json()["error"]:
                yield f"probe {arguments}: the JSON is not that of a wrong usage"

    # Each command that knows --json, with what is wrong in another way.
    wrong = {"send": (("SERVER", *SEND, "--user"), 64), "sendmail": (("-bs",), 64), "probe": ((), 64), "shell": ((), 64),
             "explain": (("/nowhere/x", "--stage", "nowhere"), 64), "profiles": (("nobody",), 64), "doctor": (("--tls", "x"), 64),
             "record": (("--to", "localhost"), 64), "show": (("/nowhere",), 66), "replay": (("--jobs", "x"), 64),
             "serve": (("/nowhere", "--listen", "127.0.0.1:0"), 66), "diff": (("one",), 64), "shrink": (("/nowhere",), 66),
             "import": (("/nowhere", "-o", "x"), 66), "scrub": ((), 64), "demo": (("x",), 64)}
    for command, (arguments, status) in wrong.items():
        @case(f"usage/json/{command}")
        def _(ehlo, command=command, arguments=arguments, status=status):
            for line, wanted in ((("--json", *arguments), status), (("--json", "--bogus"), 64), (("--bogus", "--json"), 64)):
                result = ehlo(command, *line)
                yield from want(result, wanted, err="^ehlo")
                sentence = result.err.decode().splitlines()[0].partition(": ")[2]
                document = result.json()
                if document["outcome"] != "usage" or document["error"] != sentence:
                    yield f"{line}: {document}, and {sentence} on standard error"
            if ehlo(command, "--bogus").out or ehlo(command, "--bogus", "--", "--json").out:
                yield "there is something on standard output that nobody asked for"

    @case("usage/help")
    def _(ehlo):
        for command in ((), ("send",), ("probe",), ("record",), ("replay",), ("serve",), ("show",), ("diff",),
                        ("shrink",), ("import",), ("scrub",), ("demo",), ("sendmail",), ("explain",)):
            result = ehlo(*command, "--help")
            yield from want(result, 0, out="^usage: ehlo")
            lines = result.out.decode().splitlines()
            if len(lines) > HELP_LINES:
                yield f"help of {command} has {len(lines)} lines"
            for line in lines:
                if len(line) > HELP_COLUMNS:
                    yield f"help of {command} has {len(line)} columns: {line}"
            if result.err or not result.out.endswith(b"\n"):
                yield f"help of {command} is on standard error, or its last line does not end"

    @case("usage/version")
    def _(ehlo):
        result = ehlo("--version")
        yield from want(result, 0, out=r"\Aehlo \d+\.\d+\.\d+\n\Z")
        if "ehlo " + ehlo("--version", "--json").json()["version"] + "\n" != result.out.decode():
            yield "the JSON has another version"


# ---- The message -------------------------------------------------------------------------------------------------

HEADER = b"Subject: x\n\n"

# Octets, what the refusal says, what overrides it, and what arrives then.
REFUSED_MESSAGES = {
    "empty": (b"", "not a message", "--force", b""),
    "no-header": (b"Dear Bob,\n\nhello\n", r"message\.eml:1: ", "--force", b"Dear Bob,\n\nhello\n"),
    "binary": (b"\x7fELF\x02\x01\n", r"message\.eml:1: ", "--force", b"\x7fELF\x02\x01\n"),
    "bare-cr": (HEADER + b"one\rtwo\nthree\n", r"message\.eml:3: ", "--fix-eol", HEADER + b"one\ntwo\nthree\n"),
    "bare-cr-at-end": (HEADER + b"one\ntwo\r", r"message\.eml:4: ", "--fix-eol", HEADER + b"one\ntwo\n"),
    "cr-cr-lf": (HEADER + b"one\r\r\ntwo\n", r"message\.eml:3: ", "--fix-eol", HEADER + b"one\n\ntwo\n"),
    "nul": (HEADER + b"one\ntwo\0\n", r"message\.eml:4: ", "--force", HEADER + b"one\ntwo\0\n"),
    "long-line": (HEADER + b"x" * 999 + b"\n", r"message\.eml:3: ", "--force", HEADER + b"x" * 999 + b"\n"),
}

COMPLETE = b"From: alice@ehlo.test\nDate: Mon, 3 Mar 2025 10:00:00 +0000\n"
CRLF_MESSAGE = (COMPLETE + HEADER + b".dot\n..dots\n").replace(b"\n", b"\r\n")

# Octets, and what is said of them: they are sent all the same. Options may follow.
WARNED_MESSAGES = {
    "none": (COMPLETE + HEADER + b"x\n", ()),
    "missing": (HEADER, ("2: warning: From is missing", "2: warning: Date is missing")),
    "twice": (COMPLETE + b"subject: y\nDATE: z\n" + HEADER,
              ("4: warning: Date stands twice.* line 2", "5: warning: Subject stands twice.* line 3")),
    "mixed": (COMPLETE + HEADER + b"a\r\n", ("5: warning: LF and CRLF.* line 1",)),
    "8-bit-header": (COMPLETE + "Subject: Grüße\n\n".encode(), ("3: warning: 8-bit .*SMTPUTF8.*[(]4 in all[)]",)),
    "bad-header": (COMPLETE + b"hello\n\n", ("3: warning: neither",)),
    "no-blank-line": (COMPLETE + b"Subject: x\n", ("3: warning: no blank line",)),
    "forced": (COMPLETE + HEADER + b"\0\0\n" + b"x" * 999 + b"\n",
               ("5: warning: a NUL byte [(]2 in all[)]$", "6: warning: a line of more"), "--force"),
    "fixed": (COMPLETE + HEADER + b"a\rb", ("5: warning: a carriage return",), "--fix-eol"),
}

# What --exact has nothing to send of.
NOT_EXACT = {
    "lf": (CRLF_MESSAGE.replace(b"..dots\r", b"..dots"), r"message\.eml:6: .*--exact"),
    "first-lf": (CRLF_MESSAGE.replace(b"\r", b"", 1), r"message\.eml:1: .*--exact"),
    "no-end": (CRLF_MESSAGE + b"x", r"message\.eml:7: .*--exact"),
    "bare-cr": (CRLF_MESSAGE + b"x\ry\r\n", r"message\.eml:7: "),
}


def cases_message():
    def refused(octets, pattern, override, arrives):
        def run(ehlo):
            write(ehlo, "message.eml", octets)
            with Sink() as server:
                result = ehlo("send", server.address, *CLEAR, *SEND)
                yield from want(result, 65, err=pattern)
                yield from want_nobody(server)
                result = ehlo("send", server.address, *CLEAR, *ENVELOPE, "--data", "-", stdin=octets)
                yield from want(result, 65, err=pattern.replace(r"message\.eml", "standard input"))
                yield from want_nobody(server)
                result = ehlo("send", server.address, *CLEAR, *SEND, override)
            yield from want_accepted(result, server, arrives)
        return run
    for name, row in REFUSED_MESSAGES.items():
        bench.add(f"message/{name}", refused(*row))

    def warned(octets, patterns, *options):
        def run(ehlo):
            write(ehlo, "message.eml", octets)
            with Sink() as server:
                for how in ((), ("--json",), ("-q",)):
                    result = ehlo("send", server.address, *CLEAR, *SEND, *options, *how)
                    yield from want(result, 0, out="accepted")
                    said = result.err.decode().splitlines() if how != ("--json",) else result.json()["warnings"]
                    if how and result.err:
                        yield f"{how}: something is on standard error"
                    if len(said) != (0 if how == ("-q",) else len(patterns)):
                        yield f"{how}: the warnings are {said}"
                    for line, pattern in zip(said, patterns):
                        if not re.search(rf"^(ehlo: )?message\.eml:{pattern}", line):
                            yield f"{how}: {line!r} is not {pattern!r}"
            if len(server.messages) != 3:
                yield "it was not sent each time"
        return run
    for name, row in WARNED_MESSAGES.items():
        bench.add(f"message/warning-{name}", warned(*row))

    @case("message/nul-dot")
    def _(ehlo):
        """What a server that drops NUL takes for the end never leaves."""
        write(ehlo, "message.eml", HEADER + b"\0.\nRSET\n")
        with Sink() as server:
            for options in ((), ("--force",), ("--force", "--fix-eol")):
                yield from want(ehlo("send", server.address, *CLEAR, *SEND, *options), 65,
                                err=r"^ehlo: message\.eml:3: a line of nothing but NUL bytes and one dot")
        yield from want_nobody(server)

    @case("message/errors-and-warnings")
    def _(ehlo):
        """All of them, and the first refusal is the error."""
        write(ehlo, "message.eml", COMPLETE + HEADER + b"a\rb\n\0\r\n")
        result = ehlo("send", "127.0.0.1:1", *CLEAR, *SEND, "--json")
        # JSON has the warnings, and standard error the refusals.
        yield from want(result, 65, err=r"\Aehlo: message\.eml:5: .*--fix-eol.*\nehlo: message\.eml:7: a NUL.*--force.*\n\Z")
        document = result.json()
        if not document["error"].startswith("message.eml:5: ") or len(document["warnings"]) != 1:
            yield f"the JSON is {document}"

    @case("message/exact")
    def _(ehlo):
        for octets in (CRLF_MESSAGE, CRLF_MESSAGE + b"\r\n"):
            write(ehlo, "message.eml", octets)
            with Sink() as server:
                result = ehlo("send", server.address, *CLEAR, *SEND, "--exact", "--record", "x.smtp")
            yield from want_accepted(result, server, octets.replace(b"\r\n", b"\n"))
            yield from want(ehlo("replay", "--chunks", "all", "x.smtp"), 0, out="3 same")
            yield from want_reproduced(ehlo, result, "x.smtp", "--tolerant")
            if b"submit exact" not in (ehlo.directory / "x.smtp").read_bytes():
                yield "the record does not say so"

    for name, (octets, pattern) in NOT_EXACT.items():
        @case(f"message/not-exact-{name}")
        def _(ehlo, octets=octets, pattern=pattern):
            write(ehlo, "message.eml", octets)
            with Sink() as server:
                yield from want(ehlo("send", server.address, *CLEAR, *SEND, "--exact", "--force"), 65, err=pattern)
            yield from want_nobody(server)

    @case("message/missing")
    def _(ehlo):
        with Sink() as server:
            for path in ("nowhere.eml", ".", "/dev/null/x"):
                yield from want(ehlo("send", server.address, *ENVELOPE, "--data", path), 66, err=re.escape(path))
        yield from want_nobody(server)

    @case("message/8-bit")
    def _(ehlo):
        octets = HEADER + "Grüße\n".encode()
        write(ehlo, "message.eml", octets)
        with Sink("SIZE") as server:
            result = ehlo("send", server.address, *CLEAR, *SEND, "--json")
            yield from want(result, 65, out='"usage"')
            yield from () if re.search("8BITMIME", result.json()["error"]) else ["the error does not say 8BITMIME"]
            yield from want(result, 65, out=r"message\.eml:3")
            if any(c.startswith("MAIL") for c in server.commands):
                yield "MAIL was sent"
            result = ehlo("send", server.address, *CLEAR, *SEND, "--force")
        yield from want_accepted(result, server, octets)
        with Sink("8BITMIME") as server:
            result = ehlo("send", server.address, *CLEAR, *SEND)
        yield from want_accepted(result, server, octets)

    @case("message/too-big")
    def _(ehlo):
        write(ehlo, "message.eml", HEADER + b"x\n" * 600)
        with Sink("SIZE 1000") as server:
            yield from want(ehlo("send", server.address, *CLEAR, *SEND), 69, err="SIZE")
        if server.messages:
            yield "it was sent"

    @case("message/standard-input")
    def _(ehlo):
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *ENVELOPE, "--data", "-", stdin=MESSAGE)
        yield from want_accepted(result, server)

    @case("message/crlf")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE.replace(b"\n", b"\r\n"))
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *SEND)
        yield from want_accepted(result, server)

    @case("message/working-directory")
    def _(ehlo):
        """Under "bazel run" names are those of where the user stands."""
        (ehlo.directory / "elsewhere").mkdir()
        write(ehlo, "elsewhere/message.eml", MESSAGE)
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *SEND, "--record", "x.smtp",
                          BUILD_WORKING_DIRECTORY=str(ehlo.directory / "elsewhere"))
        yield from want_accepted(result, server)
        if not (ehlo.directory / "elsewhere" / "x.smtp").exists():
            yield "the record is not there"


# ---- Servers -----------------------------------------------------------------------------------------------------


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def cases_server():
    def reached(arguments, **where):
        def run(ehlo):
            write(ehlo, "message.eml", MESSAGE)
            with Sink("STARTTLS", "8BITMIME", **where) as server:
                result = ehlo("send", *(a.replace("PORT", str(server.port)) for a in arguments), "--timeout", "5",
                              *SEND)
            yield from want_accepted(result, server)
        return run
    trusted = ("--ca-file", str(ca_file))
    bench.add("server/address", reached(("127.0.0.1:PORT", *trusted)))
    bench.add("server/name", reached(("localhost:PORT", *trusted)))
    bench.add("server/smtp-url", reached(("smtp://localhost:PORT/", *trusted)))
    bench.add("server/smtps-url", reached(("smtps://localhost:PORT", *trusted), tls_first=True))
    bench.add("server/implicit", reached(("localhost:PORT", "--tls", "implicit", *trusted), tls_first=True))
    if has_ipv6():
        v6 = {"family": socket.AF_INET6, "address": ("::1", 0)}
        bench.add("server/ipv6", reached(("[::1]:PORT", *trusted), **v6))
        bench.add("server/ipv6-url", reached(("smtp://[::1]:PORT", *trusted), **v6))

    for tls, options in {"clear": CLEAR, "tls": (*trusted, "--tls-name", "localhost")}.items():
        @case(f"server/unix-{tls}")
        def _(ehlo, options=options):
            write(ehlo, "message.eml", MESSAGE)
            path = str(ehlo.directory / "socket")
            with Sink("STARTTLS", family=socket.AF_UNIX, address=path) as server:
                result = ehlo("send", f"unix:{path}", *options, *SEND, "--record", "x.smtp")
            yield from want_accepted(result, server)
            yield from want(ehlo("replay", "--chunks", "all", "x.smtp"), 0)
            yield from want_reproduced(ehlo, result, "x.smtp", "--tolerant")

    @case("server/unknown-host")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        host = "x" * 64 + ".example"  # no label is that long: nobody has to be asked
        result = ehlo("send", host, *SEND, "--json", "--record", "x.smtp")
        yield from want(result, 68, out='"connect-failed"')
        yield from () if host in result.json()["error"] else ["the error does not name the host"]
        yield from want(ehlo("probe", host), 68, err=host)
        yield from want(ehlo("replay", "x.smtp"), 0, out="connect-failed at connect")
        yield from want_reproduced(ehlo, result, "x.smtp", "--tolerant")

    @case("server/closed-port")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            for server in (f"127.0.0.1:{port}", f"localhost:{port}", "unix:/nowhere/socket"):
                result = ehlo("send", server, "--tls", "none", *SEND, "--json", "--record", "x.smtp")
                yield from want(result, 74, out='"connect-failed"')
                yield from () if "connect" in result.json()["error"] else ["the error does not name the stage"]
                yield from want(ehlo("probe", server, "--tls", "none"), 74, err="at connect")
                yield from want(ehlo("replay", "x.smtp"), 0, out="connect-failed at connect")
                yield from want_reproduced(ehlo, result, "x.smtp", "--tolerant")


# ---- Output ----------------------------------------------------------------------------------------------------


def cases_output():
    @case("output/full")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with open("/dev/full", "wb") as full, Sink() as server:
            for arguments in (("--version",), ("send", "--help"), ("send", server.address, *CLEAR, *SEND),
                              ("send", server.address, *CLEAR, *SEND, "--json"),
                              ("probe", server.address, *CLEAR), ("probe", server.address, *CLEAR, "--json")):
                yield from want(ehlo(*arguments, stdout=full), 73, err="standard output")
        if len(server.messages) != 2:
            yield f"{len(server.messages)} messages arrived"

    @case("output/quiet")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *SEND, "--quiet", "--record", "x.smtp")
            yield from want_accepted(result, server)
        if result.out.count(b"\n") > 1 or result.err:
            yield "there is more than the outcome"


    @case("output/hash")
    def _(ehlo):
        """It is there with and without a record, in words and in JSON, and where there was no session it is null."""
        write(ehlo, "message.eml", MESSAGE)
        send, probe = ("send", *CLEAR, *SEND), ("probe", *CLEAR)
        hashes = set()
        with Sink() as server:
            for command in (send, probe):
                for options in ((), ("--json",), ("--verbose",)):
                    for record in ((), ("--record", "x.smtp")):
                        result = ehlo(*command, server.address, *options, *record)
                        hashes.add(session_hash(result))
                        yield from want_reproduced(ehlo, result, "x.smtp", "--tolerant") if record else ()
                quiet = ehlo(*command, server.address, "--quiet")
                yield from want(quiet, 0)
                if session_hash(quiet):
                    yield "--quiet says the hash"
        if None in hashes or len(hashes) != 12:
            yield f"12 sessions, each at its own time, have the hashes {hashes}"
        for command in (send, probe):
            if (document := ehlo(*command, "--json", "--ca-file", "nowhere", "--tls", "starttls", "x").json())["hash"]:
                yield f"no session, and the hash {document['hash']}"

    @case("output/hash-of-a-changed-record")
    def _(ehlo):
        """What was changed is another session, as far as it goes; what says nothing of it changes nothing."""
        text = record(ehlo).read_text("ascii")
        live = ehlo("replay", "--json", "x.smtp").json()["results"][0]["hash"]
        second = text.index("\n") + 1
        for name, changed, same in (
                ("comment", text[:second] + "# nothing\n" + text[second:], True),
                ("note", text[:second] + "! note nothing\n" + text[second:], True),
                ("cut", text.replace("S: 220 mail", "S: 220 m\\\n           S: ail"), True),
                ("events", "".join(line for line in text.splitlines(True) if not line.startswith("=")), True),
                ("reply", text.replace("S: 220 mail", "S: 220 Mail"), False),
                ("time", re.sub(r"\+0\.0(\d{5}  S: 220)", r"+0.1\1", text), False),
                ("setting", text.replace("! submit tls none\n", "! submit tls none\n! submit force\n"), False),
                ("fact", text.replace("! connect 127.0.0.1", "! connect 127.0.0.2"), False)):
            write(ehlo, "y.smtp", changed.encode())
            result = ehlo("replay", "--json", "y.smtp")
            found = result.json()["results"][0]
            if changed == text or found["verdict"] != "same" or (found["hash"] == live) != same:
                yield f"{name}: {found['verdict']}, {found['hash']}, and {live} before"


# ---- Configuration -----------------------------------------------------------------------------------------------


def cases_config():
    def account(port):
        return ("# where mail goes\ntimeout = 5\n\n[work]\nserver = 127.0.0.1:%d\ntls = none\n"
                "from = alice@ehlo.test\nhelo = client.ehlo.test\n\n[other]\nserver = other.invalid\n"
                "from = other@ehlo.test\n" % port)

    for name, variables in {"option": {}, "home": {}, "xdg": {"XDG_CONFIG_HOME": "xdg"}}.items():
        @case(f"config/{name}")
        def _(ehlo, name=name, variables=variables):
            write(ehlo, "message.eml", MESSAGE)
            path = {"option": "config", "home": ".config/ehlo/config", "xdg": "xdg/ehlo/config"}[name]
            (ehlo.directory / path).parent.mkdir(parents=True, exist_ok=True)
            variables = {key: str(ehlo.directory / value) for key, value in variables.items()}
            with Sink() as server:
                write(ehlo, path, account(server.port))
                options = ("--config", path) if name == "option" else ()
                result = ehlo("send", "work", *options, "--to", "bob@ehlo.test", "--data", "message.eml", **variables)
                yield from want_accepted(result, server)
                if not {"EHLO client.ehlo.test", "MAIL FROM:<alice@ehlo.test>"} < set(
                        c.split(" SIZE")[0] for c in server.commands):
                    yield f"the commands are {server.commands}"
                # What only `send` knows is no mistake to others.
                yield from want(ehlo("probe", "work", *options, **variables), 0, out="mail.ehlo.test")

    @case("config/command-line-wins")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            write(ehlo, "config", account(server.port))
            result = ehlo("send", "work", "--config", "config", "--from", "carol@ehlo.test", "--to", "bob@ehlo.test",
                          "--data", "message.eml")
            yield from want_accepted(result, server)
        if not any("carol@ehlo.test" in c for c in server.commands):
            yield f"the commands are {server.commands}"

    wrong = {"password": ("password = secret", "password"), "unknown": ("frobnicate = 1", "no such setting"),
             "value": ("timeout = soon", "number"), "no-value": ("helo", "value"), "flag": ("json = yes", "no value"),
             "section": ("[work", "]"), "server": ("server = a b", "host"), "nul": ("helo = a\0b", None)}
    for name, (line, pattern) in wrong.items():
        @case(f"config/wrong/{name}")
        def _(ehlo, line=line, pattern=pattern):
            write(ehlo, "message.eml", MESSAGE)
            write(ehlo, "config", "# x\n\n" + line + "\n")
            with Sink() as server:
                result = ehlo("send", server.address, *CLEAR, *SEND, "--config", "config")
            if pattern is not None:
                yield from want(result, 78, err=rf"config:3:\d+: .*{re.escape(pattern)}")
                yield from want_nobody(server)

    @case("config/missing")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        for path in ("nowhere", "."):
            yield from want(ehlo("send", "work", *SEND, "--config", path), 66, err=re.escape(path))


# ---- Passwords ---------------------------------------------------------------------------------------------------


def cases_password():
    login = ("--allow-cleartext-auth", "--user", USER)

    def logs_in(*options, files=(), **variables):
        def run(ehlo):
            write(ehlo, "message.eml", MESSAGE)
            for name, octets in files:
                write(ehlo, name, octets)
            pids, seen = queue.SimpleQueue(), []

            # The program may be connected before the thread that started it knows its number: wait for that. It waits
            # for the greeting meanwhile.
            def look():
                pid = pids.get(timeout=5)
                for name in ("cmdline", "environ"):
                    seen.append((name, pathlib.Path(f"/proc/{pid}/{name}").read_bytes()))
            with Sink(on_connect=look) as server:
                result = ehlo("send", server.address, *CLEAR, *SEND, *login, *options, "--record", "x.smtp",
                              on_start=pids.put, **variables)
            yield from want_accepted(result, server)
            yield from want_login(server)
            for name, octets in [*seen, ("the record", (ehlo.directory / "x.smtp").read_bytes())]:
                if secrets_in(octets) and not (name == "cmdline" and "--password-command" in options):
                    yield f"the password is in {name}"
            if len(seen) != 2:
                yield "nobody looked at the process"
        return run
    secret = PASSWORD.encode()
    for name, octets in {"lf": secret + b"\n", "crlf": secret + b"\r\n", "no-end": secret,
                         "more-lines": secret + b"\nsecond line\n"}.items():
        bench.add(f"password/file-{name}", logs_in("--password-file", "password", files=[("password", octets)]))
    bench.add("password/command", logs_in("--password-command", "cat password", files=[("password", secret + b"\n")]))
    bench.add("password/environment", logs_in(EHLO_PASSWORD=PASSWORD))

    # What the password file has, and what is said of it; the login is with the first line all the same.
    wrapped = base64.b64encode(bytes(range(128, 228)))
    odd = {
        "plain": (secret + b"\n", ()),
        "blank": (b" hunter2\n", ("a blank",)),
        "control": (b"hunter\x1b[31m\n", ("control character",)),
        "encoded": (base64.b64encode(b"hunter2hunter2") + b"\n", ("base64 of text",)),
        "response": (base64.b64encode(b"\0alice@ehlo.test\0hunter2") + b"\n", ("AUTH response in base64",)),
        "wrapped": (wrapped[:76] + b"\n" + wrapped[76:] + b"\n", ("base64 in several lines",)),
        "groups": (b"abcd efgh ijkl mnop\n", ("app password",)),
        "bearer": (b"Bearer ya29.abc\n", ("Bearer",)),
        "json": (b'{"access_token": "x"}\n', ("JSON",)),
        "json-in-lines": (b'{\n  "access_token": "x"\n}\n', ("JSON",)),
        "pass-with-notes": (b"abcdefghijklmnop\nnotes\nuser: alice\n", ()),
        "empty": (b"\n", ("is empty",)),
    }
    for name, (octets, patterns) in odd.items():
        @case(f"password/odd-{name}")
        def _(ehlo, octets=octets, patterns=patterns):
            write(ehlo, "message.eml", COMPLETE + HEADER)
            write(ehlo, "password", octets)
            line = octets.split(b"\n")[0]
            for source in (("--password-file", "password"), ("--password-command", "cat password")):
                with Sink() as server:
                    for how in ((), ("--json",), ("-q",)):
                        result = ehlo("send", server.address, *CLEAR, *SEND, *login, *source, *how)
                        yield from want(result, 0)
                        said = result.err.decode().splitlines() if how != ("--json",) else result.json()["warnings"]
                        if how and result.err:
                            yield f"{how}: something is on standard error"
                        if len(said) != (0 if how == ("-q",) else len(patterns)):
                            yield f"{how}: the warnings are {said}"
                        for text, pattern in zip(said, patterns):
                            if not re.search(f"^(ehlo: )?warning: .*{pattern}", text):
                                yield f"{how}: {text!r} is not {pattern!r}"
                        if len(line) > 4 and (line in result.err or line in result.out):
                            yield f"{how}: the password is shown"
                if server.logins != [(USER, line.decode())] * 3:
                    yield f"the logins are {server.logins!r}"

    refused = {"user-empty": ("", "hunter2", 64, "user name is empty"),
               "user-crlf": ("alice\r\nQUIT", "hunter2", 64, "user name has a line end"),
               "user-control": ("ali\x01ce", "hunter2", 64, "user name has a line end"),
               "password-nul": (USER, "hun\0ter2", 65, "NUL")}
    for name, (user, password, status, pattern) in refused.items():
        @case(f"password/refused-{name}")
        def _(ehlo, user=user, password=password, status=status, pattern=pattern):
            write(ehlo, "message.eml", MESSAGE)
            write(ehlo, "password", password + "\n")
            with Sink() as server:
                result = ehlo("send", server.address, *CLEAR, *SEND, "--allow-cleartext-auth", "--user", user,
                              "--password-file", "password")
                yield from want(result, status, err=pattern)
                result = ehlo("send", server.address, *CLEAR, *SEND, "--allow-cleartext-auth", "--user", user,
                              "--password-file", "password", "--json", "-q")
                yield from want(result, status, err=pattern, out='"usage"')
            yield from want_nobody(server)

    @case("password/pipe")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *SEND, *login, "--password-file", "/dev/stdin",
                          stdin=secret + b"\nmore\n")
        yield from want_accepted(result, server)
        yield from want_login(server)

    @case("password/none")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            for options, status, pattern in (
                    ((), 64, "password"), (("--password-file", "nowhere"), 66, "nowhere"),
                    (("--password-file", "."), 66, "password file"),
                    (("--password-command", "exit 3"), 66, "password command"),
                    (("--password-command", "/nowhere/command"), 66, "password command"),
                    (("--password-command", "echo x; exit 1"), 66, "password command")):
                yield from want(ehlo("send", server.address, *CLEAR, *SEND, *login, *options), status, err=pattern)
        yield from want_nobody(server)

    @case("password/too-long")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        write(ehlo, "password", "x" * 20000)
        with Sink() as server:
            yield from want(ehlo("send", server.address, *CLEAR, *SEND, *login, "--password-file", "password"), 65,
                            err="password file")
        yield from want_nobody(server)

    @case("password/cleartext")
    def _(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Sink() as server:
            result = ehlo("send", server.address, *CLEAR, *SEND, "--user", USER, EHLO_PASSWORD=PASSWORD)
        yield from want(result, 78, err="at auth: .*TLS")
        if server.logins or server.messages:
            yield "something was sent"


# ---- Transcripts -------------------------------------------------------------------------------------------------


def record(ehlo, name="x.smtp"):
    write(ehlo, "message.eml", MESSAGE)
    with Sink() as server:
        result = ehlo("send", server.address, *CLEAR, *SEND, "--record", name)
    if result.status != 0:
        raise Complaint("there is no session to record")
    return ehlo.directory / name


def cases_transcript():
    @case("replay/good")
    def _(ehlo):
        path = record(ehlo)
        yield from want(ehlo("replay", "x.smtp"), 0, out="same .*x.smtp: accepted at quit")
        yield from want(ehlo("replay", "-", stdin=path.read_bytes()), 0, out="accepted at quit")
        yield from want(ehlo("replay", "--quiet", "x.smtp"), 0, out=r"\A\Z")
        document = (result := ehlo("replay", "--json", "--chunks", "all", "x.smtp")).json()
        yield from want(result, 0)
        if document["same"] != 3 or {r["outcome"] for r in document["results"]} != {"accepted"}:
            yield f"the JSON is {document}"

    @case("replay/all-of-standard-input")
    def _(ehlo):
        octets = record(ehlo).read_bytes()
        result = ehlo("replay", "--json", "--chunks", "all", "-", stdin=octets)
        yield from want(result, 0)
        if result.json()["same"] != 3:
            yield f"standard input was replayed {result.json()['same']} times, and all is 3"

    @case("replay/directory")
    def _(ehlo):
        (ehlo.directory / "records" / "deep").mkdir(parents=True)
        record(ehlo, "records/a.smtp")
        shutil.copy(ehlo.directory / "records/a.smtp", ehlo.directory / "records/deep/b.smtp")
        write(ehlo, "records/notes.txt", "no transcript")
        result = ehlo("replay", "records")
        yield from want(result, 0, out="2 same, 0 diverged, 0 bad")
        (ehlo.directory / "empty").mkdir()
        yield from want(ehlo("replay", "empty"), 66, err="no transcript")

    @case("replay/bad")
    def _(ehlo):
        for octets, place in ((b"S: 220 x\n? what\n", "2:1"), (b"S: 220 \\q\n", "1:8"), (b"S: 220 \xff\n", "1:8"),
                              (b"! ehlo-transcript 2\n", "1:"), (b"\x7fELF\0\0", "1:1"), (b"S: a\r\n", "1:5")):
            write(ehlo, "bad.smtp", octets)
            yield from want(ehlo("replay", "bad.smtp"), 65, err=rf"bad\.smtp:{place}")
            yield from want(ehlo("show", "bad.smtp"), 65, err=rf"bad\.smtp:{place}")
            result = ehlo("replay", "--json", "bad.smtp")
            yield from want(result, 65)
            if result.json()["bad"] != 1:
                yield "the JSON does not say so"

    @case("replay/missing")
    def _(ehlo):
        record(ehlo)
        yield from want(ehlo("replay", "nowhere.smtp"), 66, err=r"nowhere\.smtp")
        yield from want(ehlo("replay", "x.smtp", "nowhere.smtp"), 66, err=r"nowhere\.smtp", out="same")

    @case("replay/diverged")
    def _(ehlo):
        path = record(ehlo)
        good = path.read_bytes()
        for old, new in ((b"= outcome accepted at quit", b"= outcome refused at body"),
                         (b"C: MAIL FROM:<alice@", b"C: MAIL FROM:<mallory@"), (b"S: 354 go", b"S: 554 no")):
            if good.count(old) != 1:
                raise Complaint(f"the record has no {old!r}")
            path.write_bytes(good.replace(old, new))
            line = 1 + good[:good.index(old)].count(b"\n")
            place = rf"x\.smtp:{line}:" if not old.startswith(b"S") else r"x\.smtp:\d+:\d+"
            yield from want(ehlo("replay", "x.smtp"), 1, out=f"diverged .*{place}")
            result = ehlo("replay", "--json", "x.smtp")
            yield from want(result, 1)
            if result.json()["diverged"] != 1:
                yield "the JSON does not say so"

    @case("replay/update")
    def _(ehlo):
        path = record(ehlo)
        good = path.read_bytes()
        yield from want(ehlo("replay", "--update", "x.smtp"), 0)
        if path.read_bytes() != good:
            yield "an update changes what was right"
        path.write_bytes(good.replace(b"= outcome accepted at quit", b"= outcome refused at body"))
        yield from want(ehlo("replay", "--update", "x.smtp"), 0)
        if path.read_bytes() != good:
            yield "an update does not repair the events"
        bad = good.replace(b"C: MAIL FROM:<alice@", b"C: MAIL FROM:<mallory@")
        path.write_bytes(bad)
        yield from want(ehlo("replay", "--update", "x.smtp"), 1)
        if path.read_bytes() != bad or (ehlo.directory / "x.smtp.new").exists():
            yield "an update touches what diverged, or leaves something behind"
        yield from want(ehlo("replay", "--update", "-", stdin=good), 73, err="cannot update")

    @case("show/good")
    def _(ehlo):
        path = record(ehlo)
        yield from want(ehlo("show", "x.smtp"), 0, out="^<-  220 mail.ehlo.test ESMTP$")
        yield from want(ehlo("show", "-", stdin=path.read_bytes()), 0, out="^->  QUIT$")
        yield from want(ehlo("show", "--verbose", "x.smtp"), 0, out=r"QUIT\\r\\n")
        result = ehlo("show", "--json", "x.smtp")
        yield from want(result, 0)
        items = [json.loads(line) for line in result.out.decode().splitlines()]
        if len(items) != path.read_bytes().count(b"\n"):
            yield f"{len(items)} items, and the file has another number of lines"
        if not any(i["type"] == "client" and i["text"] == "QUIT" for i in items):
            yield "QUIT is not among the items"

    # What each command that reads a transcript makes of what is no regular file.
    readers = {
        "show": ("show", "FILE"),
        "show-html": ("show", "--html", "o.html", "FILE"),
        "diff": ("diff", "FILE", "x.smtp"),
        "shrink": ("shrink", "-q", "FILE"),
        "import": ("import", "--format", "s_client", "FILE"),
        "scrub": ("scrub", "FILE"),
        "replay": ("replay", "FILE"),
        "replay-all": ("replay", "--chunks", "all", "FILE"),
        "serve": ("serve", "FILE", "--listen", "192.0.2.1:0"),  # nobody's, which it finds when it has read FILE
    }

    def of(arguments, path):
        return [path if a == "FILE" else a for a in arguments]

    for name, arguments in readers.items():
        @case(f"file/cannot-be-read/{name}")
        def _(ehlo, arguments=arguments):
            record(ehlo)
            (ehlo.directory / "d").mkdir()
            os.mkfifo(ehlo.directory / "fifo")
            with socket.socket(socket.AF_UNIX) as local:
                local.bind(str(ehlo.directory / "local"))
                for path, why in (("nowhere", "No such file or directory"), ("local", "it is a socket"),
                                  ("fifo", "it is a named pipe to which nobody writes"),
                                  ("/dev/zero", "it is a device")):
                    yield from want(ehlo(*of(arguments, path)), 66, err=f"^ehlo: cannot read {path}: {why}$")
            if arguments[0] != "replay":  # which walks directories
                yield from want(ehlo(*of(arguments, "d")), 66, err="^ehlo: cannot read d: it is a directory$")

        @case(f"file/pipes/{name}")
        def _(ehlo, arguments=arguments):
            record(ehlo)
            os.mkfifo(ehlo.directory / "fifo")
            ways = {
                "itself": '"$@"',
                "-": 'cat x.smtp | "$@"',
                "/dev/stdin": 'cat x.smtp | "$@"',
                "/dev/fd/9": '"$@" 9< <(sleep 0.1; cat x.smtp)',
                # Both ends at once, so that nobody waits for the other.
                "fifo": 'exec 8<>fifo; (sleep 0.1; cat x.smtp) >fifo & exec 8<&-; "$@"',
            }
            expected = None
            for path, script in ways.items():
                operand = "x.smtp" if path == "itself" else path
                run = subprocess.run(["bash", "-c", script, "bash", ehlo.program, *of(arguments, operand)],
                                     cwd=ehlo.directory, capture_output=True, timeout=RUN_BOUND, check=False)
                tells_names = arguments[0] in ("diff", "replay")
                said = (run.returncode, b"" if tells_names else run.stdout)
                if b"cannot read" in run.stderr:
                    yield f"{path}: {run.stderr!r}"
                expected = expected or said
                if said != expected:
                    yield f"{path}: {said}, and from the file itself {expected}"

    @case("show/bad")
    def _(ehlo):
        write(ehlo, "binary", bytes(range(256)) * 100)
        yield from want(ehlo("show", "binary"), 65, err="binary:1:1: ")
        yield from want(ehlo("show", "--json", "binary"), 65, err="binary:1:1: ")
        yield from want(ehlo("show", "."), 66, err="directory")
        yield from want(ehlo("show", "nowhere"), 66, err="nowhere")

    @case("demo")
    def _(ehlo):
        result = ehlo("demo")
        yield from want(result, 0, out="accepted at quit")
        path = pathlib.Path(re.search(rb"The record is (\S+)", result.out).group(1).decode())
        yield from want(ehlo("replay", "--chunks", "all", path), 0, out="3 same")
        yield from want(ehlo("show", path), 0, out="AUTH LOGIN")
        shutil.rmtree(path.parent)

    @case("demo/json")
    def _(ehlo):
        result = ehlo("demo", "--json")
        yield from want(result, 0)
        document = result.json()
        replays = [(r["chunks"], r["same"], r["hash"]) for r in document["replays"]]
        if replays != [(chunks, True, document["hash"]) for chunks in ("recorded", "line", "byte")]:
            yield f"the replays are {replays}"
        if (document["outcome"], document["stage"]) != ("accepted", "quit"):
            yield f"it ended {document}"
        yield from want(ehlo("show", document["record"]), 0, out="AUTH LOGIN")
        shutil.rmtree(pathlib.Path(document["record"]).parent)


# ---- Memory ------------------------------------------------------------------------------------------------------


def cases_memory():
    max_rss = bench.programs[1]
    if "ASAN_OPTIONS" in os.environ:
        return  # a sanitizer's memory is not the program's

    def measure(ehlo, program, *arguments, **variables):
        result = Ehlo(max_rss, ehlo.directory, ehlo.on_result)(program, *arguments, **variables)
        if result.status != 0:
            raise Complaint(f"{program} fails with {result.status}")
        return int(result.err.split()[-1])

    for name, options in {"system-roots": ("--insecure",), "ca-file": ("--ca-file", ca_file)}.items():
        @case(f"memory/{name}")
        def _(ehlo, name=name, options=options):
            write(ehlo, "message.eml", MESSAGE)
            with Sink("STARTTLS", "8BITMIME", "AUTH PLAIN") as server:
                used = measure(ehlo, ehlo.program, "send", f"localhost:{server.port}", *options, *SEND, "--user", USER,
                               "--record", "x.smtp", "--timeout", "5", EHLO_PASSWORD=PASSWORD)
            empty = measure(ehlo, max_rss)
            print(f"memory: send over TLS, {name}: {used} KiB; an empty program with BoringSSL: {empty} KiB; "
                  f"{used - empty} KiB more, {MEMORY_MAX} allowed")
            if server.messages != [MESSAGE]:
                yield "the message did not arrive"
            if used - empty > MEMORY_MAX:
                yield f"{used - empty} KiB are more than {MEMORY_MAX}"


    # However long a transcript is, and whatever it is long of.
    head = b"S: 220 mail.example.com\nC: EHLO client.example.com\nS: 250 mail.example.com\n"
    envelope = (b"C: MAIL FROM:<a@example.com>\nS: 250 Ok\nC: RCPT TO:<b@example.com>\nS: 250 Ok\nC: DATA\n"
                b"S: 354 go\n")
    line = b"           C: " + b"x" * 70 + b"\n"
    end = b"           C: .\nS: 250 Ok\n"
    reply = b"C: NOOP\n" + (b"S: 250-" + b"y" * 60 + b"\n") * 900 + b"S: 250 z\n"
    for name, (first, again, last) in {
            "message": (envelope, line, end), "messages": (b"", envelope + line * 20 + end, b""),
            "replies": (b"", reply, b""), "comments": (b"", b"# a comment\n", b""),
            "escapes": (envelope, b"           C: " + rb"\x00" * 4000 + b"\n", end),
            "pieces": (envelope, b"+0.000001 C: a\\\n", b" C:\n" + end)}.items():
        @case(f"memory/transcript/{name}")
        def _(ehlo, name=name, first=first, again=again, last=last):
            write(ehlo, "long.smtp",
                  head + first + again * (TRANSCRIPT_LEN // len(again)) + last + b"C: QUIT\nS: 221 Bye\n")
            empty = measure(ehlo, max_rss)
            for command in ("replay", "show"):
                used = measure(ehlo, ehlo.program, command, "long.smtp") - empty
                print(f"memory: {command} of {TRANSCRIPT_LEN >> 20} MiB of {name}: {used} KiB more than an empty "
                      "program")
                if used > MEMORY_MAX:
                    yield f"{command} takes {used} KiB, and {MEMORY_MAX} are allowed"
            (ehlo.directory / "long.smtp").unlink()


cases_usage()
cases_message()
cases_server()
cases_output()
cases_config()
cases_password()
cases_transcript()
cases_memory()
sys.exit(bench.run())
