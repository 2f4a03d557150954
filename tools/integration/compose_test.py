#!/usr/bin/python3
"""Messages that ehlo makes: sent to a server that takes 7-bit alone (aiosmtpd without 8BITMIME), and read back with
Python's email package, which has to find what was given. And templates, and what is refused.

usage: compose_test.py EHLO [-- PATTERN]
"""

import email
import email.policy
import email.utils
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

import dovecot
from harness import Bench, Complaint

bench = Bench("compose_test.py")
LINE_MAX = 78  # octets
TEXT = "Grüße aus Zürich\n.\n..dots\nFrom here on\n\ttab and blank \n" + "lang " * 60 + "\nend"
OCTETS = bytes(range(256)) * 30 + b"\r\n.\r\n\n.\n\rx"


class Sink:
    """Keeps each message with its envelope, by the connection's number."""

    def __init__(self):
        self.taken = {}

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # pylint: disable=invalid-name
        session.host_name = hostname
        return [line for line in responses if "8BITMIME" not in line]

    async def handle_DATA(self, _server, session, envelope):  # pylint: disable=invalid-name
        self.taken.setdefault(session.host_name, []).append((envelope.mail_from, envelope.rcpt_tos,
                                                             envelope.original_content))
        return "250 2.0.0 OK"


class Plain(Controller):
    def factory(self):
        return SMTP(self.handler, enable_SMTPUTF8=False, hostname="mail.ehlo.test")


sink = Sink()
controller = Plain(sink, "127.0.0.1", dovecot.free_ports(1)[0])


def case(name):
    return lambda run: bench.add(name, run)


def send(ehlo, *arguments, status=0, stdin=b"", **variables):
    """Sends, and gives the result and what arrived. The EHLO name tells the cases apart."""
    name = f"{ehlo.directory.name}-{time.monotonic_ns()}.test"
    result = ehlo("send", f"127.0.0.1:{controller.port}", "--tls", "none", "--helo", name,
                  "--from", "Älice <alice@ehlo.test>", "--to", "Bob <bob@ehlo.test>", *arguments, stdin=stdin,
                  **variables)
    if result.status != status:
        raise Complaint(f"exit status {result.status}, and {status} was expected: {result.err}")
    return result, sink.taken.get(name, [])


def send_one(ehlo, *arguments, **more):
    """The same for one message, with what holds for each that is made: ASCII, CRLF, no long line, its fields."""
    _, taken = send(ehlo, *arguments, **more)
    if len(taken) != 1:
        raise Complaint(f"{len(taken)} messages arrived")
    octets = taken[0][2]
    longest = max(map(len, octets.split(b"\r\n")))
    if not octets.isascii() or b"\n" in octets.replace(b"\r\n", b"") or longest > LINE_MAX:
        raise Complaint(f"not ASCII, not CRLF, or a line of {longest}: {octets!r}")
    message = email.message_from_bytes(octets, policy=email.policy.default)
    if message.defects or message["MIME-Version"] != "1.0":
        raise Complaint(f"defects: {message.defects}, MIME-Version: {message['MIME-Version']}")
    if abs(email.utils.parsedate_to_datetime(message["Date"]).timestamp() - time.time()) > 3600:
        raise Complaint(f"Date is {message['Date']}")
    if not re.fullmatch(r"<[0-9a-f]{32}@ehlo\.test>", message["Message-ID"]):
        raise Complaint(f"Message-ID is {message['Message-ID']}")
    return message, taken[0]


def want(what, found, wanted):
    if found != wanted:
        yield f"{what} is {found!r:.300}, and not {wanted!r:.300}"


def text(part):
    return part.get_content().replace("\r\n", "\n")


def types(part):
    if not part.is_multipart() or part.get_content_type() == "message/rfc822":
        return part.get_content_type()
    return part.get_content_type(), [types(p) for p in part.iter_parts()]


@case("text")
def _(ehlo):
    (ehlo.directory / "body.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    for body, stdin in ((TEXT, b""), ("@body.txt", b""), ("-", TEXT.encode())):
        message, (sender, recipients, _) = send_one(ehlo, "--subject", "Grüße: ☃ " + "sehr " * 30, "--body", body,
                                                    stdin=stdin)
        yield from want("the text", text(message), TEXT + "\n")
        yield from want("Subject", message["Subject"], ("Grüße: ☃ " + "sehr " * 30).rstrip())
        yield from want("From", str(message["From"]), "Älice <alice@ehlo.test>")
        yield from want("To", str(message["To"]), "Bob <bob@ehlo.test>")
        yield from want("the envelope", (sender, recipients), ("alice@ehlo.test", ["bob@ehlo.test"]))
        yield from want("the type", types(message), "text/plain")


@case("all-parts")
def _(ehlo):
    (ehlo.directory / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + OCTETS)
    (ehlo.directory / "Bericht ä, 'x' \"y\".bin").write_bytes(OCTETS)
    (ehlo.directory / "a.csv").write_bytes(b"1,2\r\n.\r\n3,4\n")
    (ehlo.directory / "empty").write_bytes(b"")
    (ehlo.directory / "m.eml").write_bytes(b"Subject: inner\n\ntext\n")
    message, (_, recipients, octets) = send_one(
        ehlo, "--body", "plain", "--html", "<p>Ä <img src='cid:logo.png'>", "--attach-inline", "logo.png",
        "--attach", "Bericht ä, 'x' \"y\".bin:application/x-thing", "--attach", "a.csv:text/csv", "--attach", "empty",
        "--attach", "m.eml:message/rfc822", "--header", "X-Tag: blau ü", "--cc",
        "Cärol <carol@ehlo.test>", "--bcc", "dave@ehlo.test", "--subject", "parts")
    yield from want("the structure", types(message), (
        "multipart/mixed", [("multipart/alternative",
                             ["text/plain", ("multipart/related", ["text/html", "image/png"])]),
                            "application/x-thing", "text/csv", "application/octet-stream", "message/rfc822"]))
    files = list(message.iter_attachments())
    yield from want("the name", files[0].get_filename(), "Bericht ä, 'x' \"y\".bin")
    yield from want("the octets", files[0].get_content(), OCTETS)
    yield from want("the table", files[1].get_payload(decode=True), b"1,2\r\n.\r\n3,4\n")
    yield from want("the empty file", files[2].get_payload(decode=True), b"")
    yield from want("the message", files[3].get_content()["Subject"], "inner")
    html = message.get_body(("related",))
    image = list(html.iter_attachments())[0]
    yield from want("the image", image.get_content(), b"\x89PNG\r\n\x1a\n" + OCTETS)
    yield from want("its id", image["Content-ID"], "<logo.png>")
    yield from want("the HTML", text(message.get_body(("html",))), "<p>Ä <img src='cid:logo.png'>\n")
    yield from want("Cc", str(message["Cc"]), "Cärol <carol@ehlo.test>")
    yield from want("the field", message["X-Tag"], "blau ü")
    yield from want("the recipients", recipients, ["bob@ehlo.test", "carol@ehlo.test", "dave@ehlo.test"])
    if b"dave" in octets:
        yield "Bcc shows"


STRUCTURES = {
    "html": (("--html", "<p>"), "text/html"),
    "both": (("--html", "<p>", "--body", "x"), ("multipart/alternative", ["text/plain", "text/html"])),
    "file": (("--attach", "f"), ("multipart/mixed", ["application/octet-stream"])),
    "text-and-file": (("--body", "x", "--attach", "f"),
                      ("multipart/mixed", ["text/plain", "application/octet-stream"])),
    "html-and-image": (("--html", "<p>", "--attach-inline", "f:image/gif"),
                       ("multipart/related", ["text/html", "image/gif"])),
    "subject": (("--subject", "x"), "text/plain"),
    "test": (("--test",), "text/plain"),
}


def structure_case(name, arguments, wanted):
    def run(ehlo):
        (ehlo.directory / "f").write_bytes(b"\0\1")
        message, _ = send_one(ehlo, *arguments)
        yield from want("the structure", types(message), wanted)
    bench.add(f"structure/{name}", run)


for word, rule in STRUCTURES.items():
    structure_case(word, *rule)


@case("test")
def _(ehlo):
    message, _ = send_one(ehlo, "--test")
    yield from want("Subject", message["Subject"], "Test from ehlo")
    for word in ("Älice <alice@ehlo.test>", "Bob <bob@ehlo.test>", os.uname().nodename, message["Date"]):
        if word not in message.get_content():
            yield f"{word} is not in {message.get_content()}"


@case("header/replaces")
def _(ehlo):
    _, taken = send(ehlo, "--header", "From: Éve <eve@ehlo.test>", "--header", "Date: Mon, 3 Mar 2025 10:00:00 +0000",
                    "--header", "to: g: x@ehlo.test, \"Y, ü\" <y@ehlo.test>;", "--header", "Message-ID: <1@x>",
                    "--body", "x")
    message = email.message_from_bytes(taken[0][2], policy=email.policy.default)
    yield from want("the fields", [message.get_all(n) for n in ("From", "Date", "To", "Message-ID")],
                    [["Éve <eve@ehlo.test>"], ["Mon, 03 Mar 2025 10:00:00 +0000"],
                     ['g: x@ehlo.test, "Y, ü" <y@ehlo.test>;'], ["<1@x>"]])
    yield from want("the recipients", taken[0][1], ["bob@ehlo.test"])


# ---- Templates and repetition ------------------------------------------------------------------------------------

TEMPLATE = ("From: {{from}}\nTo: {{ to }}\nDate: {{date}}\nMessage-ID: {{message-id}}\nSubject: {{subject}} {{n}}\n\n"
            "{{n}} {{open}}n}} {{host}} }} { {{n}}\n")


@case("template/file")
def _(ehlo):
    (ehlo.directory / "t.eml").write_text(TEMPLATE, encoding="utf-8")
    result, taken = send(ehlo, "--template", "--data", "t.eml", "--subject", "Größe", "--repeat", "3", "--json")
    messages = [email.message_from_bytes(octets, policy=email.policy.default) for _, _, octets in taken]
    yield from want("the number", len(messages), 3)
    for number, message in enumerate(messages, 1):
        yield from want("Subject", message["Subject"], f"Größe {number}")
        yield from want("From", str(message["From"]), "Älice <alice@ehlo.test>")
        yield from want("the text", text(message), f"{number} {{{{n}}}} {os.uname().nodename} }}}} {{ {number}\n")
    yield from want("the ids", len({message["Message-ID"] for message in messages}), 3)
    yield from want("the names", [m["data"] for m in result.json()["messages"]], ["t.eml"] * 3)


@case("template/texts")
def _(ehlo):
    _, taken = send(ehlo, "--template", "--subject", "{{n}} of 2", "--html", "<p>{{to}}", "--header", "X-N: {{n}}",
                    "--repeat", "2")
    messages = [email.message_from_bytes(octets, policy=email.policy.default) for _, _, octets in taken]
    yield from want("the fields", [(m["Subject"], m["X-N"], text(m)) for m in messages],
                    [(f"{n} of 2", f"{n}", "<p>Bob <bob@ehlo.test>\n") for n in (1, 2)])


@case("repeat/file")
def _(ehlo):
    (ehlo.directory / "m.eml").write_bytes(b"From: alice@ehlo.test\nDate: x\n\n{{n}} as it is\n")
    _, taken = send(ehlo, "--data", "m.eml", "--data", "m.eml", "--repeat", "2")
    yield from want("what arrived", [octets for _, _, octets in taken],
                    [b"From: alice@ehlo.test\r\nDate: x\r\n\r\n{{n}} as it is\r\n"] * 4)


# ---- What is refused -----------------------------------------------------------------------------------------------

REFUSED = {
    "subject/line-end": (("--subject", "x\r\nBcc: y@z"), 65, "line end"),
    "header/line-end": (("--header", "X: y\nBcc: z"), 64, "line end"),
    "header/bcc": (("--header", "Bcc: y@z"), 64, "--bcc"),
    "header/mime": (("--header", "Content-Type: text/html", "--body", "x"), 64, "MIME"),
    "header/no-name": (("--header", "no name"), 64, "Name: value"),
    "header/by-template": (("--header", "X: {{subject}}", "--template", "--subject", "x\ny"), 65, "line end"),
    "address/line-end": (("--test", "--cc", "x\r\nBcc: y <y@z>"), 64, "--to"),
    "address/two": (("--test", "--cc", "A <a@b>, C <c@d>"), 64, "one address"),
    "file/none": (("--attach", "none"), 66, "none"),
    "file/name": (("--attach", "a\nb"), 65, "file name"),
    "body/not-utf8": (("--body", "@latin1"), 65, "UTF-8"),
    "data-and-subject": (("--data", "m.eml", "--subject", "x"), 64, "--data"),
    "nothing": ((), 64, "--data"),
    "inline-without-html": (("--body", "x", "--attach-inline", "latin1"), 64, "--html"),
    "twice-standard-input": (("--body", "-", "--html", "-"), 64, "standard input"),
    "repeat/zero": (("--test", "--repeat", "0"), 64, "1000"),
    "repeat/many": (("--test", "--repeat", "1001"), 64, "1000"),
    "template/unknown": (("--data", "bad.eml", "--template"), 65, "bad.eml:3:3: {{nam}}"),
    "template/unknown-in-subject": (("--subject", "x {{nam}}", "--template"), 65, "--subject:1:3: {{nam}}"),
    "template/no-value": (("--body", "{{subject}}", "--template"), 65, "no value"),
    "template/open": (("--body", "a\n{{n", "--template"), 65, "--body:2:1"),
}


def refused_case(name, arguments, status, words):
    def run(ehlo):
        (ehlo.directory / "m.eml").write_bytes(b"Subject: x\n\nx\n")
        (ehlo.directory / "bad.eml").write_bytes(b"Subject: x\n\nx {{nam}}\n")
        (ehlo.directory / "latin1").write_bytes(b"Gr\xfc\xdfe\n")
        (ehlo.directory / "a\nb").write_bytes(b"x")
        result, taken = send(ehlo, *arguments, status=status)
        if words not in result.err.decode() or taken:
            yield f"standard error is {result.err!r}, {len(taken)} messages arrived"
    bench.add(f"refused/{name}", run)


for word, rule in REFUSED.items():
    refused_case(word, *rule)


# ---- The header beside the envelope ----------------------------------------------------------------------------------

WARNED = {
    "from/other": (b"From: Eve <eve@ehlo.test>\n", "message.eml:1: warning: From is eve@ehlo.test"),
    "from/controls": (b"From: \x1b[31m@ehlo.test\n", "message.eml:1: warning: From is"),
    "from/groups": (b"From: " + b"g:\n " * 400000 + b"x\n", "message.eml:1: warning: From is no list"),
    "from/sender": (b"From: eve@ehlo.test\nSender: alice@ehlo.test\n", None),
    "from/same": (b"From: x: eve@ehlo.test, ALICE@ehlo.test;\n", None),
    "from/wrong": (b"From: no address\n", "message.eml:1: warning: From is no list"),
    "bcc": (b"From: alice@ehlo.test\nBcc: eve@ehlo.test\n", "message.eml:2: warning: Bcc"),
}


def warned_case(name, header, words):
    def run(ehlo):
        (ehlo.directory / "message.eml").write_bytes(header + b"Date: Mon, 3 Mar 2025 10:00:00 +0000\n\nx\n")
        if b"\x1b" in send(ehlo, "--data", "message.eml", "--force")[0].err:
            yield "a control character of the message is on standard error"
        result, _ = send(ehlo, "--data", "message.eml", "--json", "--force")
        warnings = result.json()["warnings"]
        if not (any(words in w for w in warnings) if words else warnings == []):
            yield f"the warnings are {warnings}"
    bench.add(f"warned/{name}", run)


for word, rule in WARNED.items():
    warned_case(word, *rule)


def main():
    controller.start()
    try:
        return bench.run()
    finally:
        controller.stop()


sys.exit(main())
