#!/usr/bin/python3
"""ehlo against servers that others wrote and that need no mail system around them: aiosmtpd, Dovecot's submission
server with aiosmtpd behind it, and Dovecot's LMTP. Each message is read back from the mailbox.

usage: peers_test.py EHLO [-- PATTERN]
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import dovecot
from harness import Bench, Complaint, make_certificates, secrets_in, tls_context, want_reproduced

USER = "alice@ehlo.test"
PASSWORD = "p:a s\\s\"w'0r d$1%{u}<&>=+/\u00e9\u20ac#;`"  # what breaks a client that quotes, splits or re-encodes it
HEADER = b"From: alice@ehlo.test\nTo: bob@ehlo.test\nDate: Mon, 3 Mar 2025 10:00:00 +0000\nSubject: "
MESSAGES = [b"dots\n\n.\n..\n.a\n\n.\n", b"no line end\n\nlast.\n.", b"nothing\n\n"]

bench = Bench("peers_test.py")
home = bench.directory / "peers"
home.mkdir()
os.chmod(bench.directory, 0o711)


# ---- aiosmtpd --------------------------------------------------------------------------------------------------


class Mailboxes:
    """What aiosmtpd took: the recipient and the octets of each message."""

    def __init__(self):
        self.taken = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # pylint: disable=invalid-name
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server, _session, envelope):  # pylint: disable=invalid-name
        self.taken += [(address, envelope.original_content) for address in envelope.rcpt_tos]
        return "250 2.0.0 OK"

    def of(self, recipient):
        return [content for address, content in self.taken if address == recipient]


def authenticate(_server, _session, _envelope, _mechanism, data):
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


make_certificates(home)
mailboxes, relayed = Mailboxes(), Mailboxes()
PORTS = dict(zip(("aio", "aio-tls", "sink", "submission", "submissions", "lmtp"), dovecot.free_ports(6)))
login = {"authenticator": authenticate, "auth_required": True}
controllers = [
    Controller(mailboxes, "127.0.0.1", PORTS["aio"], tls_context=tls_context(home), **login),
    Controller(mailboxes, "127.0.0.1", PORTS["aio-tls"], ssl_context=tls_context(home), auth_require_tls=False, **login),
    Controller(relayed, "127.0.0.1", PORTS["sink"]),
]


def maildir(name):
    """A delivery ends with a rename into new/, and the reply comes after it."""
    return [path.read_bytes() for path in (home / "mail" / name / "new").glob("*")]


# ---- The cases -------------------------------------------------------------------------------------------------


def submit(ehlo, server, tls, recipients, messages, *arguments, password=PASSWORD):
    """Sends, and looks at what every case has in common: the outcome offline is that online, and no secret is left."""
    (ehlo.directory / "password").write_text(password + "\n", encoding="utf-8")
    data = []
    for number, message in enumerate(messages):
        (ehlo.directory / f"message{number}").write_bytes(message)
        data += ["--data", f"message{number}"]
    to = [word for recipient in recipients for word in ("--to", recipient)]
    result = ehlo("send", server, "--tls", tls, "--ca-file", home / "ca.pem", "--from", USER, *to, *data, "--json",
                  "--record", "record.smtp", "--timeout", "10", *arguments)
    record = (ehlo.directory / "record.smtp").read_bytes()
    replayed = ehlo("replay", "--chunks", "all", "record.smtp")
    if replayed.status != 0:
        raise Complaint("the record does not replay")
    for complaint in want_reproduced(ehlo, result, "record.smtp", "--tolerant"):
        raise Complaint(complaint)
    for name, octets in (("record", record), ("standard output", result.out), ("standard error", result.err)):
        if found := secrets_in(octets, password):
            raise Complaint(f"the password is in the {name}: {found}")
    return result


def expect(result, status, outcome):
    document = result.json()
    if (result.status, document["outcome"]) != (status, outcome):
        yield (f"expected {status} {outcome}, got {result.status} {document['outcome']} at {document['stage']}: "
               f"{document['error']}")


def expect_once(read, message):
    """Once, and to the octet behind what the server put on top."""
    wanted = message if message.endswith(b"\n") else message + b"\n"
    subject = message[:message.index(b"\n\n") + 1]
    found = [m for m in (m.replace(b"\r\n", b"\n") for m in read) if subject in m]
    if len(found) != 1:
        yield f"{len(found)} messages in the mailbox instead of one"
    elif not found[0].endswith(wanted):
        yield f"in the mailbox: {found[0]!r}"


def own_messages(name):
    """With subjects that no other case has."""
    return [HEADER + name.encode() + b" " + message for message in MESSAGES]


def add_login(name, server, tls, mechanism, boxes):
    def right(ehlo):
        message = own_messages(name)[0]
        result = submit(ehlo, server, tls, ["bob@ehlo.test"], [message], "--user", USER, "--password-file", "password",
                        "--auth", mechanism, "--allow-cleartext-auth")
        yield from expect(result, 0, "accepted")
        yield from expect_once(boxes.of("bob@ehlo.test"), message)

    def wrong(ehlo):
        result = submit(ehlo, server, tls, ["bob@ehlo.test"], own_messages(f"{name}/wrong")[:1], "--user", USER,
                        "--password-file", "password", "--auth", mechanism, "--allow-cleartext-auth",
                        password="not the right one")
        yield from expect(result, 77, "auth-refused")
        if any(f"{name}/wrong".encode() in content for _, content in boxes.taken):
            yield "a message was taken"

    bench.add(f"{name}/right", right)
    bench.add(f"{name}/wrong", wrong)


def add_several(name, server, tls, boxes):
    """Three messages to two recipients on one connection: each has each of them once."""
    def case(ehlo, transfer):
        messages = own_messages(f"{name}/{transfer}")
        recipients = ["bob@ehlo.test", "carol@ehlo.test"]
        result = submit(ehlo, server, tls, recipients, messages, "--user", USER, "--password-file", "password",
                        "--transfer", transfer)
        yield from expect(result, 0, "accepted")
        for recipient in recipients:
            for message in messages:
                yield from expect_once(boxes.of(recipient), message)
    for transfer in ("auto", "data"):
        bench.add(f"{name}/{transfer}", lambda ehlo, transfer=transfer: case(ehlo, transfer))


def add_lmtp(name, server):
    """One recipient is unknown: the others have every message once, and each has its own reply."""
    def case(ehlo, transfer):
        messages = own_messages(f"{name}/{transfer}")
        result = submit(ehlo, server, "none", ["bob@ehlo.test", "nobody@ehlo.test", "carol@ehlo.test"], messages,
                        "--transfer", transfer)
        yield from expect(result, 1, "partial")
        accepted = [recipient["accepted"] for recipient in result.json()["recipients"]]
        if accepted != [True, False, True]:
            yield f"recipients accepted: {accepted}"
        for mailbox in ("bob", "carol"):
            for message in messages:
                yield from expect_once(maildir(mailbox), message)
    for transfer in ("auto", "data"):
        bench.add(f"{name}/{transfer}", lambda ehlo, transfer=transfer: case(ehlo, transfer))


for way, secure, key in (("starttls", "starttls", "aio"), ("implicit", "implicit", "aio-tls")):
    for sasl in ("PLAIN", "LOGIN"):
        add_login(f"aiosmtpd/{way}/{sasl}", f"localhost:{PORTS[key]}", secure, sasl, mailboxes)
    add_several(f"aiosmtpd/{way}/several", f"localhost:{PORTS[key]}", secure, mailboxes)
for way, key in (("starttls", "submission"), ("implicit", "submissions"), ("none", "submission")):
    for sasl in dovecot.MECHANISMS:
        add_login(f"dovecot/{way}/{sasl}", f"localhost:{PORTS[key]}", way, sasl, relayed)
for way, key in (("starttls", "submission"), ("implicit", "submissions")):
    add_several(f"dovecot/{way}/several", f"localhost:{PORTS[key]}", way, relayed)
add_lmtp("lmtp/tcp", f"lmtp://127.0.0.1:{PORTS['lmtp']}")
add_lmtp("lmtp/unix", f"lmtp://{home}/lmtp")


def main():
    if os.geteuid() != 0:
        sys.exit("Dovecot changes user, which takes root")
    for controller in controllers:
        controller.start()
    try:
        with dovecot.running(home, PORTS, PASSWORD):
            status = bench.run()
    finally:
        for controller in controllers:
            controller.stop()
    return status


sys.exit(main())
