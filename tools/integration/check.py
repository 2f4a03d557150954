#!/usr/bin/python3
"""What postfix_test.sh cannot say in shell: the test messages, and checks of JSON, mailboxes, transcripts, secrets.

Each check is a command; it prints nothing and exits with 0, or says in a line each what is wrong and exits with 1.
It knows nothing of servers or of sessions, and only the standard library.
"""

import base64
import json
import pathlib
import re
import sys

HEADER = b"From: Alice <alice@ehlo.test>\nTo: Bob <bob@ehlo.test>\nSubject: %s\n\n"

OUTCOMES = ("accepted partial refused deferred unknown stopped auth-refused tls-failed protocol-error timeout"
            " connect-failed lost usage").split()
STAGES = "connect greeting ehlo starttls tls auth mail rcpt data body quit".split()
KEYS = "outcome stage reply recipients tls capabilities auth round_trips writes seconds error explanation".split()

# Return-Path, X-Original-To, Delivered-To and Received, which Postfix puts on top.
SERVER_HEADER = re.compile(
    rb"\AReturn-Path: <[^\n]*>\nX-Original-To: [^\n]+\nDelivered-To: [^\n]+\nReceived: [^\n]+\n(?:[ \t][^\n]+\n)+")

# A line of a transcript that holds what one side said, behind its time if it has one.
SPOKEN = re.compile(r"(?:\+\d+(?:\.\d+)?)?\s*([CS]):(?: |$)")


def messages():
    """Every body in which a client can lose, add or change an octet."""
    bodies = {
        "plain": b"Hello Bob.\n",
        "dots": b".\n..\n...\n.dot\n..two\n. \n.\n\n.\nthe end.\n",
        "ends-in-dot-line": b"text\n.\n",
        "no-final-newline": b"the line has no end",
        "dot-without-newline": b"text\n.",
        "empty-body": b"",
        "empty-lines": b"\n\n\n\n",
        "blanks": b" leading\n\ttab\ntrailing \t\n \nFrom here\n",
        "crlf": b"one\n.two\n\nthree\n".replace(b"\n", b"\r\n"),
        "line-998": b"x" * 998 + b"\n." + b"y" * 997 + b"\n" + b"." * 998 + b"\nz\n",
        "8-bit": "Grüße, €, \U0001f4ec\n".encode() + bytes(range(0x80, 0x100)) + b"\n",
        "controls": bytes(c for c in range(1, 0x20) if c not in b"\r\n") + b"\x7f\n",
        # Dots at the start of lines of every length put one at the edge of any buffer.
        "300k": b"".join(b"." * (n % 3) + b"%06d" % n + b"-" * (n % 71) + b"\n" for n in range(7000)),
        "too-big": (b"-" * 70 + b"\n") * 16000,
    }
    for name, body in bodies.items():
        header = HEADER % name.encode()
        yield name, (header.replace(b"\n", b"\r\n") if name == "crlf" else header) + body


def write_messages(directory):
    for name, octets in messages():
        pathlib.Path(directory, name).write_bytes(octets)


def as_delivered(message):
    """A Maildir has LF line ends, and a message sent by SMTP ends in one."""
    message = message.replace(b"\r\n", b"\n")
    return message if message.endswith(b"\n") else message + b"\n"


def difference(expected, actual):
    at = next((i for i, (a, b) in enumerate(zip(expected, actual)) if a != b), min(len(expected), len(actual)))
    return (f"octet {at} of {len(expected)} expected, {len(actual)} found: "
            f"expected {expected[at:at + 40]!r}, found {actual[at:at + 40]!r}")


def check_mail(message, *delivered):
    """The files are the message and the server's header, and nothing else."""
    expected = as_delivered(pathlib.Path(message).read_bytes())
    for path in delivered:
        octets = pathlib.Path(path).read_bytes()
        header = SERVER_HEADER.match(octets)
        if not header:
            yield f"{path}: the server's header is not on top: {octets[:200]!r}"
        elif octets[header.end():] != expected:
            yield f"{path}: {difference(expected, octets[header.end():])}"


def check_mails(*arguments):
    """MESSAGE... -- FILE...: each message is in one of the files, unchanged, and there are no others."""
    separator = arguments.index("--")
    wanted = sorted(as_delivered(pathlib.Path(path).read_bytes()) for path in arguments[:separator])
    found = []
    for path in arguments[separator + 1:]:
        octets = pathlib.Path(path).read_bytes()
        header = SERVER_HEADER.match(octets)
        found.append(octets[header.end():] if header else octets)
    if len(found) != len(wanted):
        yield f"mailbox: expected {len(wanted)} messages, found {len(found)}"
    for expected, actual in zip(wanted, sorted(found)):
        if actual != expected:
            yield f"mailbox: {difference(expected, actual)}"


def value_at(document, path):
    for step in path.split("."):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def as_text(value):
    if isinstance(value, str):
        return value
    return json.dumps(value)


def check_shape(result):
    missing = [key for key in KEYS if key not in result]
    if missing:
        yield f"JSON: no {', '.join(missing)}"
    if result.get("outcome") not in OUTCOMES:
        yield f"JSON: outcome {result.get('outcome')!r} is none of {', '.join(OUTCOMES)}"
    if result.get("stage") not in STAGES:
        yield f"JSON: stage {result.get('stage')!r} is none of {', '.join(STAGES)}"


def check_json(path, *conditions):
    """One JSON object of the documented shape; a condition is PATH=VALUE, or PATH~REGULAR-EXPRESSION."""
    try:
        result = json.loads(pathlib.Path(path).read_bytes().decode("utf-8"))
    except ValueError as e:
        yield f"JSON: {e}"
        return
    if not isinstance(result, dict):
        yield "JSON: not an object"
        return
    yield from check_shape(result)
    for condition in conditions:
        where, relation, expected = re.fullmatch(r"([\w.]+)([=~])(.*)", condition).groups()
        try:
            found = as_text(value_at(result, where))
        except (KeyError, IndexError, TypeError, ValueError):
            yield f"JSON: expected {condition}, found no {where}"
            continue
        if not (found == expected if relation == "=" else re.search(expected, found)):
            yield f"JSON: expected {condition}, found {found}"


def find_key(document, key):
    """The first value of that name, however deep."""
    if isinstance(document, dict) and key in document:
        return document[key]
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else []
    return next((v for v in (find_key(child, key) for child in children) if v is not None), None)


def check_replay(replayed, sent):
    """Somewhere in the JSON of the replay stand the outcome, the stage and the hash that the JSON of the session has."""
    try:
        sent = json.loads(pathlib.Path(sent).read_text("utf-8"))
        replayed = json.loads(pathlib.Path(replayed).read_text("utf-8"))
    except ValueError as e:
        yield f"JSON of the replay: {e}"
        return
    for key in ("outcome", "stage", "hash"):
        if find_key(replayed, key) != sent.get(key):
            yield f"replay: {key} was {sent.get(key)}, and is {find_key(replayed, key)} when replayed"


def check_turns(record, result, most):
    """The client spoke, and waited, no more often than it had to; "round_trips" says how often."""
    lines = pathlib.Path(record).read_text("ascii").splitlines()
    speakers = [m.group(1) for m in map(SPOKEN.match, lines) if m]
    turns = sum(1 for before, now in zip([""] + speakers, speakers) if now == "C" and before != "C")
    told = json.loads(pathlib.Path(result).read_text("utf-8")).get("round_trips")
    if turns > int(most):
        yield f"the client took {turns} turns, and {most} are enough"
    # The handshake of TLS 1.3: a ClientHello; the client's Finished travels with EHLO, but alone where the greeting
    # has to be waited for first.
    tls = [n for n, line in enumerate(lines) if re.search(r"! tls TLSv1.3 ", line)]
    handshake = 0 if not tls else 1 if any(map(SPOKEN.match, lines[:tls[0]])) else 2
    if told != turns + handshake:
        yield f"JSON: round_trips is {told}, the transcript has {turns} turns of the client and {handshake} of TLS"


def base64_inside(octets):
    """What base64 makes of the octets wherever they stand in a longer text: the characters that only they decide."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + octets)
        yield encoded[(shift * 8 + 5) // 6:(shift + len(octets)) * 8 // 6]


def transcript_escaped(octets):
    escapes = {0x5c: r"\\", 0x0d: r"\r", 0x0a: r"\n", 0x09: r"\t"}
    return "".join(escapes.get(c) or (chr(c) if 0x20 <= c < 0x7f else f"\\x{c:02X}") for c in octets).encode()


def disguises(user, password):
    yield "in clear", password
    yield "escaped", transcript_escaped(password)
    yield "escaped", transcript_escaped(password).lower()
    yield "as JSON", json.dumps(password.decode())[1:-1].encode()
    yield "in hexadecimal", password.hex().encode()
    for encoded in base64_inside(password):
        yield "in base64", encoded
    for encoded in base64_inside(b"\0" + user + b"\0" + password):
        yield "in base64, with the user", encoded


def check_secrets(user, *files):
    """PASSWORD-FILE... -- FILE...: no file holds a password in a form in which somebody may write it."""
    separator = files.index("--")
    passwords = [pathlib.Path(file).read_bytes().rstrip(b"\n") for file in files[:separator]]
    for file in files[separator + 1:]:
        octets = pathlib.Path(file).read_bytes()
        for password in passwords:
            for how, disguise in disguises(user.encode(), password):
                if disguise in octets:
                    yield f"{file}: a password is in it {how}"


def main():
    command, *arguments = sys.argv[1:]
    if command == "write-messages":
        write_messages(*arguments)
        return 0
    checks = {"mail": check_mail, "mails": check_mails, "json": check_json, "replay": check_replay, "turns": check_turns,
              "secrets": check_secrets}
    complaints = list(checks[command](*arguments))
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


sys.exit(main())
