#!/usr/bin/python3
"""ehlo serve against clients that nobody here wrote: swaks, curl, msmtp and Python's smtplib, and against ehlo send
and clients of raw bytes: what they hear, octet for octet, what becomes of them, and what is told of them.

usage: serve_test.py EHLO [-- PATTERN]
"""

import os
import pathlib
import re
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, RUN_BOUND, USER, Bench, Complaint, make_certificates, secrets_in, spoken,
                     unsafe_characters, visible)
from serving import Raw, Serving, environment

ROOT = pathlib.Path(os.getcwd())
CORPUS = ROOT / "corpus" / "transcripts"
POSTFIX = CORPUS / "providers" / "postfix-accepted.smtp"
EXCHANGE = CORPUS / "providers" / "exchange-online-accepted.smtp"
GMAIL = CORPUS / "providers" / "gmail-accepted.smtp"
LMTP = CORPUS / "providers" / "dovecot-lmtp-partial.smtp"
ENVELOPE = ("--from", "alice@ehlo.test", "--to", "bob@ehlo.test", "--data", "message.eml")
MEMORY_MAX = 24 * 1024  # KiB that a server with its clients may use; it starts with about eight

# Every mechanism that some client here has, accepted, in cleartext.
ALL_MECHANISMS = """S: 220 mx.ehlo.test ESMTP
C: EHLO a
S: 250-mx.ehlo.test
S: 250 AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER
C: AUTH PLAIN \\{secret}
S: 235 2.7.0 welcome
C: MAIL FROM:<a@ehlo.test>
S: 250 2.1.0 sender
C: RCPT TO:<b@ehlo.test>
S: 250 2.1.5 recipient
C: DATA
S: 354 go
C: .
S: 250 2.0.0 kept
C: QUIT
S: 221 2.0.0 bye
"""

bench = Bench("serve_test.py")


def case(name):
    def add(run):
        bench.add(name, run)
        return run
    return add


def write(ehlo, name, octets):
    path = pathlib.Path(ehlo.directory) / name
    path.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
    return path


def expect(value, wanted, what):
    if value != wanted:
        raise Complaint(f"{what} is {value!r} and should be {wanted!r}")


# ---- Clients -----------------------------------------------------------------------------------------------------
# Each submits one message and gives its exit status (smtplib: 0, or the reply code). `tls` is none, starttls or
# implicit; `auth` a mechanism or nothing.


def run_client(ehlo, arguments, stdin=b""):
    done = subprocess.run(arguments, input=stdin, capture_output=True, check=False, timeout=RUN_BOUND,
                          cwd=ehlo.directory, env=environment(ehlo.directory))
    return done.returncode, done.stdout + done.stderr


SWAKS_TLS = {"none": [], "starttls": ["--tls"], "implicit": ["--tls-on-connect"]}


def swaks(ehlo, server, tls, auth, to=("bob@ehlo.test",)):
    arguments = ["swaks", "--server", f"127.0.0.1:{server.port}", "--from", "alice@ehlo.test", "--to", ",".join(to),
                 "--h-Subject", "Hello", "--timeout", "10", *SWAKS_TLS[tls]]
    if tls != "none":
        arguments += ["--tls-verify", "--tls-ca-path", str(server.ca)]
    if auth:
        arguments += ["--auth", auth, "--auth-user", USER, "--auth-password", PASSWORD]
    return run_client(ehlo, arguments)


def curl(ehlo, server, tls, auth, to=("bob@ehlo.test",)):
    scheme = "smtps" if tls == "implicit" else "smtp"
    write(ehlo, "message.eml", MESSAGE.replace(b"\n", b"\r\n"))
    arguments = ["curl", "-sS", "-v", f"{scheme}://localhost:{server.port}", "--mail-from", "alice@ehlo.test",
                 "--upload-file", "message.eml", "--cacert", str(server.ca), "--max-time", "15"]
    for address in to:
        arguments += ["--mail-rcpt", address]
    if tls == "starttls":
        arguments += ["--ssl-reqd"]
    if auth in ("XOAUTH2", "OAUTHBEARER"):
        arguments += ["--user", USER + ":", "--oauth2-bearer", PASSWORD.replace(" ", ""), "--login-options",
                      f"AUTH={auth}"]
    elif auth:
        arguments += ["--user", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={auth}"]
    return run_client(ehlo, arguments)


def msmtp(ehlo, server, tls, auth, to=("bob@ehlo.test",)):
    write(ehlo, "password", PASSWORD)
    arguments = ["msmtp", "--file=/dev/null", "--host=localhost", f"--port={server.port}", "--from=alice@ehlo.test",
                 f"--tls={'off' if tls == 'none' else 'on'}", f"--tls-starttls={'on' if tls == 'starttls' else 'off'}",
                 "--timeout=10", "--set-date-header=off", "--set-msgid-header=off"]
    if tls != "none":
        arguments += [f"--tls-trust-file={server.ca}"]
    if auth:
        arguments += [f"--auth={auth.lower()}", f"--user={USER}", "--passwordeval=cat password"]
    return run_client(ehlo, arguments + ["--", *to], MESSAGE)


def smtplib_client(_ehlo, server, tls, auth, to=("bob@ehlo.test",)):
    context = ssl.create_default_context(cafile=server.ca)
    try:
        if tls == "implicit":
            client = smtplib.SMTP_SSL("localhost", server.port, timeout=10, context=context)
        else:
            client = smtplib.SMTP("localhost", server.port, timeout=10)
        with client:
            if tls == "starttls":
                client.starttls(context=context)
            if auth:
                client.ehlo()
                client.user, client.password = USER, PASSWORD
                client.auth(auth, getattr(client, f"auth_{auth.lower().replace('-', '_')}"))
            client.sendmail("alice@ehlo.test", list(to), MESSAGE.replace(b"\n", b"\r\n"))
    except smtplib.SMTPResponseException as e:
        return e.smtp_code, repr(e).encode()
    except smtplib.SMTPRecipientsRefused as e:
        return min(code for code, _ in e.recipients.values()), repr(e).encode()
    return 0, b""


def ehlo_send(ehlo, server, tls, auth, to=("bob@ehlo.test",)):
    write(ehlo, "message.eml", MESSAGE)
    arguments = ["--tls", tls, "--from", "alice@ehlo.test", "--data", "message.eml", "--ca-file", server.ca]
    for address in to:
        arguments += ["--to", address]
    if auth:
        arguments += ["--user", USER, "--auth", auth, "--allow-cleartext-auth"]
    result = ehlo("send", f"localhost:{server.port}", *arguments, EHLO_PASSWORD=PASSWORD)
    return result.status, result.out + result.err


CLIENTS = {"swaks": swaks, "curl": curl, "msmtp": msmtp, "smtplib": smtplib_client, "ehlo": ehlo_send}
TLS_FACT = {"none": None, "starttls": "TLSv1.3", "implicit": "TLSv1.3"}


def check_report(report, tls, auth, octets=None, recipients=1):
    """What is told of a client that did all it should."""
    expect(report["tls"] and report["tls"]["version"], TLS_FACT[tls], "the TLS version")
    expect(report["auth"] and (report["auth"]["mechanism"], report["auth"]["accepted"]), auth and (auth, True), "AUTH")
    expect((report["num_messages"], report["num_accepted_messages"]), (1, 1), "the number of messages")
    expect(report["num_accepted_recipients"], recipients, "the number of recipients")
    expect(report["recipients"][0], {"address": "bob@ehlo.test", "accepted": True}, "the first recipient")
    expect(report["ended"], "quit", "the end")
    expect("STARTTLS" in [c["command"] for c in report["commands"]], tls == "starttls", "that STARTTLS came")
    if octets is not None:
        expect(report["message_octets"], octets, "the size of the message")


# ---- Cleartext, STARTTLS, implicit TLS -----------------------------------------------------------------------------


def submit_case(client, transcript, tls, auth, how=()):
    def run(ehlo):
        with Serving(ehlo, transcript, "--tls", tls, *how, connections=1) as server:
            status, log = CLIENTS[client](ehlo, server, tls, auth)
        if status != 0:
            raise Complaint(f"{client} ends with {status}: {visible(log)}")
        octets = len(MESSAGE) + MESSAGE.count(b"\n") if client != "swaks" else None
        check_report(server.reports[0], tls, auth, octets)
        if found := secrets_in(server.out + server.err):
            yield f"the password is told {found}"
    return run


for tls_mode in TLS_FACT:
    for name in CLIENTS:
        bench.add(f"submit/{name}/{tls_mode}", submit_case(name, POSTFIX, tls_mode, "PLAIN"))
        bench.add(f"submit/{name}/{tls_mode}/exchange", submit_case(name, EXCHANGE, tls_mode, "LOGIN"))
        bench.add(f"submit/{name}/{tls_mode}/gmail", submit_case(name, GMAIL, tls_mode, "PLAIN"))


# ---- Mechanisms ----------------------------------------------------------------------------------------------------

MECHANISMS = {"swaks": ["PLAIN", "LOGIN", "CRAM-MD5"],
              "curl": ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"],
              "msmtp": ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"],
              "smtplib": ["PLAIN", "LOGIN", "CRAM-MD5"],
              "ehlo": ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]}


def mechanism_case(client, mechanism):
    def run(ehlo):
        offer = ALL_MECHANISMS
        if mechanism == "XOAUTH2":
            offer = offer.replace(" OAUTHBEARER", "")  # which curl would rather have
        transcript = write(ehlo, "all.smtp", offer)
        with Serving(ehlo, transcript, "--record", "served.smtp", connections=1) as server:
            status, log = CLIENTS[client](ehlo, server, "none", mechanism)
        if status != 0:
            raise Complaint(f"{client} ends with {status}: {visible(log)}")
        check_report(server.reports[0], "none", mechanism)
        record = (pathlib.Path(ehlo.directory) / "served.smtp").read_bytes()
        expect(b"{secret}" in record, True, "that the record hides something")
        for password in (PASSWORD, PASSWORD.replace(" ", "")):
            if found := secrets_in(server.out + server.err + record, password):
                yield f"the password is told {found}"
    return run


for client_name, names in MECHANISMS.items():
    for mechanism_name in names:
        bench.add(f"auth/{client_name}/{mechanism_name}", mechanism_case(client_name, mechanism_name))


@case("auth/scram-without-a-proof")
def _(ehlo):
    transcript = write(ehlo, "all.smtp", ALL_MECHANISMS)
    for client, wanted in (("ehlo", 75), ("msmtp", 77)):
        with Serving(ehlo, transcript, connections=1) as server:
            status, log = CLIENTS[client](ehlo, server, "none", "SCRAM-SHA-256")
        expect(status, wanted, f"the end of {client} ({visible(log)})")
        if b"The transcript hides" not in log:
            yield f"{client} is not told why: {visible(log)}"
        expect(server.reports[0]["auth"], {"mechanism": "SCRAM-SHA-256", "attempts": 1, "accepted": False,
                                           "proof_hidden": True}, "what is told of it")


# ---- What providers refuse -----------------------------------------------------------------------------------------

REFUSALS = {
    "exchange-online-535-basic-authentication-disabled": ("auth-refused", 77, 535),
    "exchange-online-550-send-as": ("refused", 69, 550),
    "exchange-online-432-concurrent-connections": ("deferred", 75, 432),
    "exchange-online-452-too-many-recipients": ("accepted", 0, None),  # the rest goes in a second transaction
    "gmail-535-bad-credentials": ("auth-refused", 77, 535),
    "gmail-534-application-specific-password": ("auth-refused", 77, 534),
    "gmail-550-daily-limit": ("refused", 69, 550),
    "amazon-ses-554-not-verified": ("refused", 69, 554),
    "postfix-550-unknown-recipient": ("refused", 69, 550),
    "postfix-454-tls-not-available": ("tls-failed", 78, 454),
}


def refusal_case(name, outcome, status, code):
    def run(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        text = (CORPUS / "providers" / f"{name}.smtp").read_bytes()
        to = [t for i in range(max(1, len(re.findall(rb"(?m)^C: RCPT", text)))) for t in ("--to", f"b{i}@ehlo.test")]
        with Serving(ehlo, CORPUS / "providers" / f"{name}.smtp", connections=1) as server:
            result = ehlo("send", f"localhost:{server.port}", "--ca-file", server.ca, "--user", USER, "--json", "--from",
                          "alice@ehlo.test", *to, "--data", "message.eml", EHLO_PASSWORD=PASSWORD)
        expect((result.status, result.json()["outcome"]), (status, outcome), "the end")
        if code:
            expect(result.json()["reply"]["code"], code, "the reply")
        return []
    return run


for refusal, (refusal_outcome, refusal_status, refusal_code) in REFUSALS.items():
    bench.add(f"refusal/{refusal}", refusal_case(refusal, refusal_outcome, refusal_status, refusal_code))


# ---- Several -------------------------------------------------------------------------------------------------------


@case("several/in-a-row")
def _(ehlo):
    with Serving(ehlo, POSTFIX, connections=4) as server:
        for client in ("curl", "msmtp", "smtplib", "ehlo"):
            status, log = CLIENTS[client](ehlo, server, "starttls", "PLAIN", ("bob@ehlo.test", "carol@ehlo.test"))
            expect(status, 0, f"the end of {client} ({visible(log)})")
    expect([r["connection"] for r in server.reports], [1, 2, 3, 4], "the connections")
    for report in server.reports:
        check_report(report, "starttls", "PLAIN", recipients=2)
    return []


@case("several/at-once")
def _(ehlo):
    """Forty clients, each of which has its greeting before the first goes on."""
    with Serving(ehlo, POSTFIX, "--tls", "none", connections=40) as server:
        clients = [Raw(server.port) for _ in range(40)]
        for client in clients:
            client.hear(b"220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n")
        for client in reversed(clients):
            client.say(b"EHLO a\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nDATA\r\n")
        for client in clients:
            client.hear(b"354 ")
            client.say(b"hello\r\n.\r\nQUIT\r\n")
        for client in clients:
            if not client.hear_all().endswith(b"221 2.0.0 Bye\r\n"):
                yield f"a client hears {client.heard!r}"
            client.sock.close()
    expect(sum(r["num_accepted_messages"] for r in server.reports), 40, "the number of messages")
    expect(sorted(r["connection"] for r in server.reports), list(range(1, 41)), "the connections")


@case("several/more-than-there-is-room-for")
def _(ehlo):
    """The 65th waits until one of the others leaves."""
    with Serving(ehlo, POSTFIX, "--tls", "none", connections=65) as server:
        clients = [Raw(server.port) for _ in range(65)]
        for client in clients[:64]:
            client.hear(b"\r\n")
        clients[64].sock.settimeout(0.2)
        try:
            clients[64].read()
            yield "the 65th is served at once"
        except TimeoutError:
            pass
        clients[64].sock.settimeout(RUN_BOUND)
        clients[0].sock.close()
        clients[64].hear(b"220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n")
        for client in clients[1:]:
            client.sock.close()
    expect(len(server.reports), 65, "the number of connections")


@case("several/shared-faults")
def _(ehlo):
    """Greylisting: two clients are put off, over several connections, and the third time all is well."""
    write(ehlo, "message.eml", MESSAGE)
    with Serving(ehlo, POSTFIX, "--fault", "rcpt:reply=451 4.7.1 Greylisted, try later*2", connections=3) as server:
        for status in (75, 75, 0):
            result = ehlo("send", f"localhost:{server.port}", "--ca-file", server.ca, "--user", USER, "--json",
                          *ENVELOPE, EHLO_PASSWORD=PASSWORD)
            expect(result.status, status, "the end")
            expect(result.json()["outcome"], "deferred" if status else "accepted", "the outcome")
            expect(result.json()["recipients"][0]["reply"]["code"], 451 if status else 250, "the reply")
    expect([[f["reaction"] for f in r["faults"]] for r in server.reports], [["went-on"], ["went-on"], []], "reactions")
    expect([r["num_accepted_recipients"] for r in server.reports], [0, 0, 1], "accepted recipients")
    return []


# ---- Faults --------------------------------------------------------------------------------------------------------

GREETING = b"220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n"
HELLO = (b"250-mail.example.com\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n250-STARTTLS\r\n"
         b"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n")
TLS_READY = b"220 2.0.0 Ready to start TLS\r\n"
QUIT = b"221 2.0.0 Bye\r\n"
# fault: what a raw client says, what it hears and how that ends; ehlo send's outcome, stage and exit status.
FAULTS = {
    "greeting:reply=554 5.7.1 not you": (b"QUIT\r\n", b"554 5.7.1 not you\r\n" + QUIT, "closed",
                                         ("refused", "greeting", 69)),
    "greeting:reply=421 4.3.2 full": (b"", b"421 4.3.2 full\r\n", "closed", ("deferred", "greeting", 75)),
    "greeting:raw=SSH-2.0-OpenSSH\\r\\n": (b"QUIT\r\n", b"SSH-2.0-OpenSSH\r\n" + QUIT, "closed",
                                           ("protocol-error", "greeting", 76)),
    "greeting:raw=\\x00\\xff\\x16\\r\\n": (b"QUIT\r\n", b"\0\xff\x16\r\n" + QUIT, "closed",
                                           ("protocol-error", "greeting", 76)),
    "greeting:cut=10": (b"", GREETING[:10], "closed", ("lost", "greeting", 74)),
    "greeting:reset=10": (b"", GREETING[:10], "reset", ("lost", "greeting", 74)),
    "greeting:reset": (b"", b"", "reset", ("lost", "greeting", 74)),
    "greeting:close": (b"", b"", "closed", ("lost", "greeting", 74)),
    "ehlo:cut=57": (b"EHLO a\r\n", GREETING + HELLO[:57], "closed", ("lost", "ehlo", 74)),
    "ehlo:reply=502 5.5.1 no": (b"EHLO a\r\nQUIT\r\n", GREETING + b"502 5.5.1 no\r\n" + QUIT, "closed",
                                ("tls-failed", "starttls", 78)),
    "session:cut=60": (b"EHLO a\r\n", (GREETING + HELLO)[:60], "closed", ("lost", "ehlo", 74)),
    "session:reset=60": (b"EHLO a\r\n", (GREETING + HELLO)[:60], "reset", ("lost", "ehlo", 74)),
    "starttls:reply=454 4.7.0 no TLS": (b"EHLO a\r\nSTARTTLS\r\nQUIT\r\n",
                                        GREETING + HELLO + b"454 4.7.0 no TLS\r\n" + QUIT, "closed",
                                        ("tls-failed", "starttls", 78)),
    "tls:close": (b"EHLO a\r\nSTARTTLS\r\n", GREETING + HELLO + TLS_READY, "closed", ("lost", "tls", 74)),
    "tls:reset": (b"EHLO a\r\nSTARTTLS\r\n", GREETING + HELLO + TLS_READY, "reset", ("lost", "tls", 74)),
    "tls:raw=500 what?\\r\\n": (b"EHLO a\r\nSTARTTLS\r\n", GREETING + HELLO + TLS_READY + b"500 what?\r\n", "closed",
                               None),
    "auth:reply=454 4.7.0 later": (b"", GREETING, None, ("deferred", "auth", 75)),
    "auth:reply=535 5.7.8 no": (b"", GREETING, None, ("auth-refused", "auth", 77)),
    "mail:reply=452 4.3.1 full": (b"", GREETING, None, ("deferred", "mail", 75)),
    "rcpt:reply=550 5.1.1 nobody": (b"", GREETING, None, ("refused", "rcpt", 69)),
    "data:reply=451 4.3.0 no": (b"", GREETING, None, ("accepted", "quit", 0)),  # it has BDAT and needs none
    "body:reply=554 5.7.1 spam": (b"", GREETING, None, ("refused", "body", 69)),
    "body:cut": (b"", GREETING, None, ("unknown", "body", 79)),
    "body:reset": (b"", GREETING, None, ("unknown", "body", 79)),
    "body:close": (b"", GREETING, None, ("unknown", "body", 79)),
    "body:cut=2": (b"", GREETING, None, ("unknown", "body", 79)),
    "quit:close": (b"QUIT\r\n", GREETING, "closed", ("accepted", "quit", 0)),
    "quit:cut=all": (b"QUIT\r\n", GREETING + QUIT, "closed", ("accepted", "quit", 0)),
    "mail:drip": (b"", GREETING, None, ("accepted", "quit", 0)),
    "session:drip": (b"EHLO a\r\nQUIT\r\n", GREETING + HELLO + QUIT, "closed", ("accepted", "quit", 0)),
    "rcpt:delay=0.05": (b"", GREETING, None, ("accepted", "quit", 0)),
}


def raw_fault_case(fault, said, heard, end):
    def run(ehlo):
        with Serving(ehlo, POSTFIX, "--fault", fault, connections=1) as server, Raw(server.port) as client:
            try:
                client.say(said)
            except ConnectionError:
                pass  # a reset may come before
            client.hear_all()
        if (client.heard, client.end) != (heard, end):
            yield f"heard {client.heard!r}, {client.end}, where {heard!r}, {end} should come"
    return run


def send_fault_case(fault, wanted):
    def run(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        with Serving(ehlo, POSTFIX, "--fault", fault, connections=1) as server:
            result = ehlo("send", f"localhost:{server.port}", "--ca-file", server.ca, "--user", USER, "--json", *ENVELOPE,
                          EHLO_PASSWORD=PASSWORD)
        got = result.json()
        expect((got["outcome"], got["stage"], result.status), wanted, "the end of ehlo send")
        expect(len(server.reports), 1, "the number of connections")
        if not fault.startswith("data"):
            expect(server.reports[0]["faults"][0]["fault"], fault, "the fault that is told")
        return []
    return run


for number, (fault_text, (fault_said, fault_heard, fault_end, fault_outcome)) in enumerate(FAULTS.items()):
    label = fault_text.split("=")[0] + f"-{number}"
    if fault_end:
        bench.add(f"fault/raw/{label}", raw_fault_case(fault_text, fault_said, fault_heard, fault_end))
    if fault_outcome:
        bench.add(f"fault/send/{label}", send_fault_case(fault_text, fault_outcome))


@case("fault/injected-behind-starttls")
def _(ehlo):
    fault = "starttls:inject=250-evil\\r\\n250 AUTH PLAIN\\r\\n"
    write(ehlo, "message.eml", MESSAGE)
    with Serving(ehlo, POSTFIX, "--fault", fault, connections=2) as server:
        result = ehlo("send", f"localhost:{server.port}", "--ca-file", server.ca, "--user", USER, "--json", *ENVELOPE,
                      EHLO_PASSWORD=PASSWORD)
        with Raw(server.port) as client:
            client.hear(GREETING)
            client.say(b"EHLO a\r\nSTARTTLS\r\n")
            client.hear(HELLO)
            while len(client.heard) < len(TLS_READY) and client.read():
                pass
            expect(client.heard, TLS_READY + b"250-evil\r\n250 AUTH PLAIN\r\n", "what comes in one packet")
    expect((result.json()["outcome"], result.status), ("protocol-error", 76), "the end of ehlo send")
    expect([[f["reaction"] for f in r["faults"]] for r in server.reports], [["closed"], ["closed"]], "what is told")
    return []


@case("fault/one-byte-a-packet")
def _(ehlo):
    """Counted where each write is seen; what the kernel makes of them on a loopback is its own."""
    trace = pathlib.Path(ehlo.directory) / "trace"
    with Serving(ehlo, POSTFIX, "--fault", "greeting:drip", connections=1) as server:
        with subprocess.Popen(["strace", "-qq", "-f", "-e", "trace=sendto", "-o", str(trace), "-p",
                               str(server.process.pid)], stderr=subprocess.PIPE) as tracer:
            deadline = time.monotonic() + RUN_BOUND
            status = pathlib.Path(f"/proc/{server.process.pid}/status")
            while ("TracerPid:\t0\n" in status.read_text(encoding="ascii") and tracer.poll() is None
                   and time.monotonic() < deadline):
                time.sleep(0.01)
            with Raw(server.port) as client:
                client.hear(GREETING)
            tracer.wait(RUN_BOUND)
            error = tracer.stderr.read()
    if b"not permitted" in error:
        print(f"fault/one-byte-a-packet: not looked at, since this machine lets nobody trace: {error}")
        return []
    sent = re.findall(r"sendto\(\d+, \"(?:[^\"]*)\", (\d+),", trace.read_text(encoding="ascii"))
    expect(sent, ["1"] * len(GREETING), "the lengths of the writes")
    return []


@case("fault/hang")
def _(ehlo):
    write(ehlo, "message.eml", MESSAGE)
    with Serving(ehlo, POSTFIX, "--fault", "ehlo:hang", connections=1) as server:
        result = ehlo("send", f"localhost:{server.port}", "--ca-file", server.ca, "--user", USER, "--json", *ENVELOPE,
                      "--timeout", "1", EHLO_PASSWORD=PASSWORD)
    expect((result.json()["outcome"], result.json()["stage"], result.status), ("timeout", "ehlo", 75), "the end")
    expect(server.reports[0]["faults"], [{"fault": "ehlo:hang", "reaction": "closed"}], "what is told")
    return []


@case("fault/delay")
def _(ehlo):
    """A delay is real: nothing comes before it is over."""
    with Serving(ehlo, POSTFIX, "--fault", "greeting:delay=0.4", connections=1) as server, Raw(server.port) as client:
        start = time.monotonic()
        client.hear(GREETING)
        if time.monotonic() - start < 0.35:
            yield f"it took {time.monotonic() - start} s"


@case("fault/delay-loses-nothing")
def _(ehlo):
    """What was said before a pause is out; what the client says meanwhile, in several packets, is answered after it."""
    with Serving(ehlo, POSTFIX, "--fault", "other#2:delay=0.5", "--fault", "quit:delay=600") as server, \
            Raw(server.port) as client:
        client.hear(GREETING)
        client.say(b"VRFY one\r\nVRFY two\r\n")
        client.hear(b"252 2.5.2 Send the message to find out\r\n")
        for command in (b"NOOP\r\n", b"RSET\r\n", b"EHLO a\r\n", b"NOOP\r\nQUIT\r\n"):
            client.say(command)
            time.sleep(0.05)
        heard = client.hear(b"CHUNKING\r\n")
        expect(heard, b"252 2.5.2 Send the message to find out\r\n" + b"250 2.0.0 Ok\r\n" * 2 + HELLO, "what is heard")
        client.hear(b"250 2.0.0 Ok\r\n")  # and not after the ten minutes of the next
    return []


@case("fault/close-notify")
def _(ehlo):
    """Whether the end of TLS is told is seen by a client that cares."""
    context = ssl.create_default_context()
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    for fault, told in (("quit:cut=all", False), ("quit:close=all", True)):
        with Serving(ehlo, POSTFIX, "--tls", "implicit", "--fault", fault, connections=1) as server:
            context.load_verify_locations(server.ca)
            raw = socket.create_connection(("127.0.0.1", server.port), RUN_BOUND)
            with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as client:
                client.sendall(b"QUIT\r\n")
                heard = b""
                try:
                    while octets := client.recv(65536):
                        heard += octets
                    got = True
                except ssl.SSLError as e:  # which one depends on Python's age
                    got = "EOF" not in str(e)
        expect((heard, got), (GREETING + QUIT, told), f"the end by {fault}")
    return []


def outcomes_under_a_limit(ehlo, *options):
    with Serving(ehlo, EXCHANGE, "--tls", "none", *options, connections=1) as server, Raw(server.port) as client:
        client.say(b"EHLO a\r\nAUTH LOGIN\r\nYQ==\r\nYQ==\r\n"
                   + b"MAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nDATA\r\n.\r\n" * 40 + b"QUIT\r\n")
        heard = client.hear_all()
    return re.findall(rb"(?m)^(250 2\.1\.0|432 4\.3\.2)", heard), heard


@case("fault/rate-limit")
def _(ehlo):
    """Thirty messages in a minute of the virtual clock, which a command advances: the same each time. The commands
    of 30 messages take 120 seconds at one a second, so nothing is refused; at a quarter of that, the 31st is."""
    limit = ("--fault", "mail:limit=30/60 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded")
    slow, _ = outcomes_under_a_limit(ehlo, *limit, "--clock-step", "1")
    expect(slow, [b"250 2.1.0"] * 40, "the replies at one command a second")
    first, one = outcomes_under_a_limit(ehlo, *limit, "--clock-step", "0.25")
    again, two = outcomes_under_a_limit(ehlo, *limit, "--clock-step", "0.25")
    expect(first[:31], [b"250 2.1.0"] * 30 + [b"432 4.3.2"], "the first replies")
    expect(b"250 2.1.0" in first[31:], True, "that it recovers")
    expect(one, two, "the second run")
    expect(first, again, "the second run")
    return []


# ---- Recorded cuts and times ---------------------------------------------------------------------------------------

SLOW = """+0.000000  S: 220 m\\
+0.300000  S: x
+0.000000  C: EHLO a
+0.300000  S: 250-mx
           S: 250 STA\\
+0.300000  S: RTTLS
+0.000000  C: QUIT
+0.000000  S: 221 bye
"""


@case("recorded-times")
def _(ehlo):
    transcript = write(ehlo, "slow.smtp", SLOW)
    for speed, least in (("recorded", 0.85), ("4", 0.2), (None, 0)):
        options = ("--speed", speed) if speed else ()
        start = time.monotonic()
        with Serving(ehlo, transcript, *options, connections=1) as server, Raw(server.port) as client:
            client.say(b"EHLO b\r\nQUIT\r\n")
            expect(client.hear_all(), b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n221 bye\r\n", "what is heard")
        if time.monotonic() - start < least:
            yield f"--speed {speed}: {time.monotonic() - start} s"


# ---- LMTP ----------------------------------------------------------------------------------------------------------


@case("lmtp")
def _(ehlo):
    write(ehlo, "message.eml", MESSAGE)
    with Serving(ehlo, LMTP, connections=2) as server:
        result = ehlo("send", f"lmtp://localhost:{server.port}", "--tls", "none", "--json", "--from", "a@ehlo.test",
                      "--to", "b@ehlo.test", "--to", "c@ehlo.test", "--to", "d@ehlo.test", "--data", "message.eml")
        client = smtplib.LMTP("127.0.0.1", server.port)
        client.sendmail("a@ehlo.test", ["b@ehlo.test"], MESSAGE)
        client.quit()
    expect(result.json()["outcome"], "partial", "the outcome")
    expect([r["reply"]["code"] for r in result.json()["recipients"]], [250, 550, 452], "the replies")
    expect([r["num_accepted_recipients"] for r in server.reports], [2, 1], "what is told")
    return []


# ---- Every transcript ----------------------------------------------------------------------------------------------


def settings_of(text):
    """`ehlo send` as the transcript's settings have it; None where it has none."""
    def all_of(name):
        return [m.decode() for m in re.findall(rb"(?m)^! submit %s (.*)$" % name.encode(), text)]
    if b"! submit from " not in text:
        return None
    arguments = ["--from", all_of("from")[0].strip("<>"), "--tls", (all_of("tls") or ["starttls"])[0]]
    for path in re.findall(rb"(?m)^! submit to <(.*)>$", text.split(b"! submit message")[0]) or [b"b@ehlo.test"]:
        arguments += ["--to", path.decode()]
    if user := all_of("user"):
        arguments += ["--user", user[0], "--auth", (all_of("auth") or ["PLAIN"])[0], "--allow-cleartext-auth"]
    return arguments


def every_case(path):
    def run(ehlo):
        write(ehlo, "message.eml", MESSAGE)
        text = path.read_bytes()
        arguments = settings_of(text)
        lmtp = b"C: LHLO" in text
        with Serving(ehlo, path, connections=1) as server:
            if arguments is not None:
                scheme = "lmtp://" if b"! submit lmtp" in text else ""
                result = ehlo("send", f"{scheme}localhost:{server.port}", *arguments, "--data", "message.eml", "--json",
                              "--ca-file", server.ca, "--timeout", "5", EHLO_PASSWORD=PASSWORD)
                recorded = re.search(rb"(?m)^= outcome (\S+) at", text)
                same = recorded and recorded.group(1).decode()
                if result.status in (70, 76) and same != "protocol-error" or result.status < 0:
                    yield f"ehlo send: {result.status} {visible(result.out)}"
            else:
                try:
                    with (smtplib.LMTP if lmtp else smtplib.SMTP)("127.0.0.1", server.port, timeout=10) as client:
                        client.sendmail("a@ehlo.test", ["b@ehlo.test"], MESSAGE)
                except (smtplib.SMTPException, ConnectionError):
                    pass  # what the transcript's server would not take
        expect(len(server.reports), 1, "the number of connections")
        if found := unsafe_characters(server.out):
            yield f"what is told has {found}"
    return run


EVERY = sorted((*(CORPUS / "providers").glob("*.smtp"), *(CORPUS / "rfc").glob("*.smtp")))
for every_path in EVERY:
    bench.add(f"every/{every_path.stem}", every_case(every_path))


@case("every/as-many-as-there-are")
def _(_ehlo):
    if len(EVERY) < 100:
        yield f"there are only {len(EVERY)} transcripts"


# ---- Records -------------------------------------------------------------------------------------------------------


@case("record")
def _(ehlo):
    with Serving(ehlo, POSTFIX, "--record", "served.smtp", connections=2) as server:
        for client in ("curl", "msmtp"):
            status, log = CLIENTS[client](ehlo, server, "starttls", "PLAIN")
            expect(status, 0, f"the end of {client} ({visible(log)})")
    for name in ("served.smtp", "served.2.smtp"):
        record = (pathlib.Path(ehlo.directory) / name).read_bytes()
        if found := secrets_in(record):
            yield f"{name} has the password {found}"
        expect(spoken(record, "S").startswith(GREETING + HELLO + TLS_READY), True, f"what the server says in {name}")
        expect(spoken(record, "S").endswith(QUIT), True, f"the end of {name}")
        if b"\n.dot" in spoken(record, "C") or b"\r\n..dot\r\n.\r\n" not in spoken(record, "C"):
            yield f"{name} has another message: {spoken(record, 'C')}"
        # A record is a transcript, which can be served in its turn.
        with Serving(ehlo, name, connections=1) as again:
            status, log = ehlo_send(ehlo, again, "starttls", "PLAIN")
        expect(status, 0, f"the end of ehlo send ({visible(log)})")


@case("record/unwritable")
def _(ehlo):
    """The client is served all the same, and the exit status says that the record is not whole."""
    with subprocess.Popen([ehlo.program, "serve", str(POSTFIX), "--listen", "127.0.0.1:0", "--connections", "1",
                           "--record", "none/served.smtp"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=ehlo.directory) as process:
        port = int(process.stdout.readline().rsplit(b":", 1)[1])
        with Raw(port) as client:
            client.say(b"QUIT\r\n")
            expect(client.hear_all(), GREETING + QUIT, "what is heard")
        process.wait(RUN_BOUND)
        error = process.stderr.read()
    expect(process.returncode, 73, "the exit status")
    expect(b"cannot write the transcript none/served.smtp" in error, True, "what is said")
    return []


# ---- Hostile clients -------------------------------------------------------------------------------------------------


def hostile_case(attack):
    def run(ehlo):
        with Serving(ehlo, POSTFIX) as server:
            attack(server)
            used = server.peak_kib()
            status, log = ehlo_send(ehlo, server, "starttls", "PLAIN")
            expect(status, 0, f"the next client ({visible(log)})")
        if used > MEMORY_MAX:
            yield f"{used} KiB are more than {MEMORY_MAX}"
    return run


def attack_line(server):
    with Raw(server.port) as client:
        for _ in range(256):
            client.say(b"A" * 65536)
        client.say(b"\r\nNOOP\r\nQUIT\r\n")
        expect(client.hear_all(), GREETING + b"500 5.5.6 Line too long\r\n250 2.0.0 Ok\r\n" + QUIT, "the replies")


def attack_garbage(server):
    with Raw(server.port) as client:
        reader = threading.Thread(target=client.hear_all)
        reader.start()
        client.say(bytes(range(256)) * 4096 + b"\r\nQUIT\r\n")
        reader.join(RUN_BOUND)
        expect(client.heard.endswith(QUIT), True, "that it is answered to the end")


def attack_noops(server):
    with Raw(server.port) as client:
        reader = threading.Thread(target=client.hear_all)
        reader.start()
        client.say(b"NOOP\r\n" * 100000 + b"QUIT\r\n")
        reader.join(RUN_BOUND)
        expect(client.heard, GREETING + b"250 2.0.0 Ok\r\n" * 100000 + QUIT, "the replies")


def attack_deaf(server):
    """Says much and never reads: it is not read from any more, and others are served."""
    client = Raw(server.port)
    client.sock.settimeout(0.5)
    try:
        for _ in range(1000):
            client.say(b"EHLO a\r\n" * 8192)
    except TimeoutError:
        pass
    client.sock.close()


def attack_half_open(server):
    """Fifty that say nothing, half a word, or leave in a handshake."""
    clients = [Raw(server.port) for _ in range(50)]
    for i, client in enumerate(clients):
        client.hear(GREETING)
        client.say((b"", b"EH", b"EHLO a\r\nSTARTTLS\r\n", b"EHLO a\r\nSTARTTLS\r\nNOOP\r\n\x16\x03")[i % 4])
    for client in clients[::2]:
        client.sock.close()
    server.others = clients  # they stay


def attack_message(server):
    """A message of 64 MiB, and a chunk that never ends."""
    with Raw(server.port) as client:
        client.say(b"EHLO a\r\n")
        client.hear(HELLO)
        client.say(b"BDAT 999999999999999999 LAST\r\n")
        for _ in range(256):
            client.say(b"x" * 262144)


def attack_behind_quit(server):
    """Goes on behind QUIT: the last reply is not lost by that."""
    with Raw(server.port) as client:
        client.say(b"QUIT\r\n" + b"NOOP\r\n" * 50000)
        client.hear_all()
        expect((client.heard, client.end), (GREETING + QUIT, "closed"), "what is heard")


for attack_run in (attack_behind_quit, attack_line, attack_garbage, attack_noops, attack_deaf, attack_half_open, attack_message):
    bench.add(f"hostile/{attack_run.__name__[7:]}", hostile_case(attack_run))


@case("hostile/plaintext-behind-starttls")
def _(ehlo):
    """What a man in the middle adds behind STARTTLS is not looked at."""
    context = ssl.create_default_context()
    with Serving(ehlo, POSTFIX, connections=1) as server, Raw(server.port) as client:
        context.load_verify_locations(server.ca)
        client.hear(GREETING)
        client.say(b"EHLO a\r\nSTARTTLS\r\nMAIL FROM:<evil@ehlo.test>\r\n")
        client.hear(TLS_READY)
        with context.wrap_socket(client.sock, server_hostname="localhost") as secured:
            secured.sendall(b"EHLO b\r\nQUIT\r\n")
            heard = b""
            while octets := secured.recv(65536):
                heard += octets
    expect(heard.startswith(b"250-mail.example.com\r\n") and heard.count(b"\r\n250 ") == 1 and heard.endswith(QUIT), True,
           "that no reply to it comes under TLS")
    expect(server.reports[0]["dropped_behind_starttls"], len(b"MAIL FROM:<evil@ehlo.test>\r\n"), "what is told")
    return []


@case("hostile/addresses-are-escaped")
def _(ehlo):
    with Serving(ehlo, POSTFIX, "--tls", "none", connections=1) as server, Raw(server.port) as client:
        client.say(b"EHLO a\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<>\r\nRCPT TO:<\x1b[31m\xff\0\"x\">\r\nQUIT\r\n")
        client.hear_all()
    if found := unsafe_characters(server.out):
        yield f"what is told has {found}: {server.out!r}"
    expect("[31m" in server.reports[0]["recipients"][0]["address"], True, "that the address is told")


@case("hostile/no-descriptor-left")
def _(ehlo):
    """The connections that are open go on, the others wait until one ends; the user is told once."""
    server = Serving(ehlo, POSTFIX, "--tls", "none")
    server.arguments = ["prlimit", "--nofile=12", *server.arguments]
    with server:
        clients = [Raw(server.port) for _ in range(14)]
        told = select.select([server.process.stderr], [], [], RUN_BOUND)[0]
        expect(told and told[0].readline(), b"ehlo: a connection has to wait: Too many open files\n", "what is told")
        clients[0].hear(GREETING)
        clients[0].say(b"NOOP\r\n")
        clients[0].hear(b"250 2.0.0 Ok\r\n")
        for client in clients[:10]:
            client.sock.close()
        for client in clients[10:]:
            client.hear(GREETING)
            client.sock.close()
    return []


@case("idle")
def _(ehlo):
    with Serving(ehlo, POSTFIX, "--timeout", "0.3", connections=2) as server:
        with Raw(server.port) as client, Raw(server.port) as other:
            other.say(b"half")
            expect(client.hear_all(), GREETING + b"421 4.4.2 Idle for too long\r\n", "what is heard")
            expect(other.hear_all(), GREETING, "what is heard within a command")
    expect([r["ended"] for r in sorted(server.reports, key=lambda r: r["connection"])], ["server", "client"], "ends")
    return []


# ---- The program -----------------------------------------------------------------------------------------------------


@case("stop/by-a-signal")
def _(ehlo):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Serving(ehlo, POSTFIX) as server, Raw(server.port) as client, Raw(server.port) as in_a_line:
            client.hear(GREETING)
            in_a_line.say(b"EHLO a\r\nNO")
            in_a_line.hear(HELLO)
            server.process.send_signal(number)
            expect(client.hear_all(), b"421 4.3.2 The server stops\r\n", "the last word")
            expect(in_a_line.hear_all(), b"", "the last word in the middle of a command")
        expect(len(server.reports), 2, "the number of reports")
    return []


@case("text-report")
def _(ehlo):
    write(ehlo, "message.eml", MESSAGE)
    with subprocess.Popen([ehlo.program, "serve", str(EXCHANGE), "--listen", "127.0.0.1:0", "--tls", "none",
                           "--connections", "1", "--fault", "mail:reply=451 4.7.500 Server busy*1"],
                          stdout=subprocess.PIPE, env=environment(ehlo.directory)) as process:
        port = int(process.stdout.readline().rsplit(b":", 1)[1])
        with Raw(port) as client:
            client.say(b"EHLO a\r\nAUTH LOGIN\r\nYQ==\r\nYQ==\r\nMAIL FROM:<a@a>\r\nMAIL FROM:<a@a>\r\n"
                       b"RCPT TO:<b@b>\r\nDATA\r\nab\r\n.\r\nQUIT\r\n")
            client.hear_all()
        told = process.stdout.read().decode()
    expect(process.returncode, 0, "the exit status")
    for line in ("connection 1 from 127.0.0.1: EHLO, AUTH, MAIL x2, RCPT, DATA, QUIT", "  AUTH LOGIN accepted",
                 "  1 of 1 recipients accepted: <b@b>", "  1 of 1 messages accepted, 4 octets",
                 "  fault mail:reply=451 4.7.500 Server busy*1: retried",
                 "  step 2 was AUTH LOGIN, of the recorded client STARTTLS", "  ended: quit"):
        if line not in told.split("\n"):
            yield f"{line!r} is not told: {told}"


@case("own-certificate")
def _(ehlo):
    make_certificates(ehlo.directory)
    with Serving(ehlo, POSTFIX, "--tls-cert", "server.crt", "--tls-key", "server.key", connections=1) as server:
        server.ca = pathlib.Path(ehlo.directory) / "ca.pem"
        status, log = ehlo_send(ehlo, server, "starttls", "PLAIN")
    expect(status, 0, f"the end ({visible(log)})")
    return []


USAGE = {
    "no-file": (("--listen", "127.0.0.1:0"), 64, b"FILE is missing"),
    "no-listen": ((POSTFIX,), 64, b"--listen HOST:PORT is missing"),
    "bad-listen": ((POSTFIX, "--listen", "localhost"), 64, b"--listen: it is HOST:PORT"),
    "v6-without-brackets": ((POSTFIX, "--listen", "::1:25"), 64, b"in brackets"),
    "bad-fault": ((POSTFIX, "--listen", "127.0.0.1:0", "--fault", "rcpt:reply=hello"), 64, b"--fault: column 12: "),
    "bad-tls": ((POSTFIX, "--listen", "127.0.0.1:0", "--tls", "maybe"), 64, b"--tls: it is one of"),
    "bad-speed": ((POSTFIX, "--listen", "127.0.0.1:0", "--speed", "0"), 64, b"--speed: "),
    "bad-clock-step": ((POSTFIX, "--listen", "127.0.0.1:0", "--clock-step", "1/day"), 64, b"--clock-step: "),
    "half-a-certificate": ((POSTFIX, "--listen", "127.0.0.1:0", "--tls-cert", "x"), 64, b"belong together"),
    "no-transcript": (("bad.smtp", "--listen", "127.0.0.1:0"), 65, b"bad.smtp:2:1: "),
    "a-transcript-of-nothing": (("empty.smtp", "--listen", "127.0.0.1:0"), 65, b"nothing here is said by a server"),
    "unreadable": (("missing.smtp", "--listen", "127.0.0.1:0"), 66, b"cannot read missing.smtp"),
    "a-directory": ((".", "--listen", "127.0.0.1:0"), 66, b"cannot read ."),
    "no-such-host": ((POSTFIX, "--listen", "no.such.invalid:0"), 74, b"cannot find the host"),
    "ca-out-unwritable": ((POSTFIX, "--listen", "127.0.0.1:0", "--ca-out", "none/ca.pem"), 73, b"cannot write"),
    "certificate-unreadable": ((POSTFIX, "--listen", "127.0.0.1:0", "--tls-cert", "bad.smtp", "--tls-key", "missing"), 66,
                               b"missing"),
    "no-certificate": ((POSTFIX, "--listen", "127.0.0.1:0", "--tls-cert", "bad.smtp", "--tls-key", "bad.smtp"), 66,
                       b"bad.smtp"),
}


def usage_case(arguments, status, sentence):
    def run(ehlo):
        write(ehlo, "bad.smtp", "S: 220 mx\nX: what\n")
        write(ehlo, "empty.smtp", "# nothing\n")
        result = ehlo("serve", *arguments)
        expect(result.status, status, "the exit status")
        if sentence not in result.err:
            yield f"{sentence} is not said: {result.err}"
        if result.out:
            yield f"standard output has {result.out}"
    return run


for usage, (usage_arguments, usage_status, usage_sentence) in USAGE.items():
    bench.add(f"usage/{usage}", usage_case(usage_arguments, usage_status, usage_sentence))


@case("listen/first-line")
def _(ehlo):
    """The address alone, at once, and numeric: it is read by scripts."""
    addresses = [("127.0.0.1:0", rb"127\.0\.0\.1:\d+\n"), ("localhost:0", rb"(127\.0\.0\.1|\[::1\]):\d+\n")]
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            addresses.append(("[::1]:0", rb"\[::1\]:\d+\n"))
    except OSError:
        pass  # no IPv6 on this machine
    for address, pattern in addresses:
        for arguments in (("serve", str(POSTFIX)), ("serve", str(POSTFIX), "--json"),
                          ("record", "--to", "127.0.0.1:1", "--record", "r.smtp"),
                          ("record", "--to", "127.0.0.1:1", "--record", "r.smtp", "--quiet")):
            with subprocess.Popen([ehlo.program, *arguments, "--listen", address], cwd=ehlo.directory,
                                  stdout=subprocess.PIPE, env=environment(ehlo.directory)) as process:
                line = process.stdout.readline()
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=RUN_BOUND)
            if not re.fullmatch(pattern, line):
                yield f"{arguments[0]} on {address} begins with {line!r}"


@case("usage/address-in-use")
def _(ehlo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = ehlo("serve", POSTFIX, "--listen", f"127.0.0.1:{port}")
    expect(result.status, 74, "the exit status")
    expect(b"cannot listen on 127.0.0.1 port" in result.err, True, "what is said")
    return []


if __name__ == "__main__":
    sys.exit(bench.run())
