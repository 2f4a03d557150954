#!/usr/bin/python3
"""ehlo shell, in a real terminal (tmux) and in a pipe, against a real Postfix with Dovecot and against servers that mean
no good. Whatever is typed as a secret is in no record, no history and on no screen, and each record replays.

    shell_test.py EHLO [-- PATTERN]
"""

import base64
import json
import os
import pathlib
import re
import secrets
import stat
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import mailboxes
from harness import Bench, Complaint, Server, make_certificates, tls_context, unsafe_characters
from terminal import WAIT_BOUND, Tmux

TYPED = "Xq7!vW2#nJ9$hB4%"  # no server knows it; any four characters in a row are found nowhere else
MESSAGE = "From: alice@ehlo.test\nTo: bob@ehlo.test\nDate: Mon, 3 Mar 2025 10:00:00 +0000\nSubject: %s\n\n.one\n..\n.\nend\n"

bench = Bench("shell_test.py")
server = None  # once it runs
make_certificates(bench.directory)
context = tls_context(bench.directory)


def case(name):
    return lambda run: bench.add(name, run)


def b64(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = b64(f"\0alice@ehlo.test\0{TYPED}")


def windows(text, size=4):
    return {text[i:i + size] for i in range(len(text) - size + 1)}


def want_no_secret(what, text, secret=TYPED, encoded=(PLAIN,)):
    """Four characters of the secret in a row would be the beginning of it; in base64, of what only it decides."""
    for window in windows(secret):
        if window in text:
            yield f"{what}: {window!r} of the secret is there"
    for form in encoded:
        # What base64 makes of the user's name in front of it is no secret, and neither are its last characters.
        for window in windows(form[24:-4], 6):
            if window in text:
                yield f"{what}: {window!r} of its base64 is there"


def want_replay(ehlo, record="r.smtp"):
    result = ehlo("replay", "--chunks", "all", record)
    if result.status != 0:
        yield f"the record does not replay: {result.out.decode()}"


def piped(ehlo, lines, *options, status=0, port=None, stdin=None):
    """Runs the shell over a pipe against Postfix, or against what listens at `port`; returns the result."""
    where = ["--ca-file", server.ca] if port is None else ["--ca-file", bench.directory / "ca.pem"]
    target = server.starttls if port is None else f"localhost:{port}"
    octets = "".join(line + "\n" for line in lines).encode() if stdin is None else stdin
    result = ehlo("shell", target, *where, "--record", "r.smtp", *options, stdin=octets)
    if result.status != status:
        raise Complaint(f"exit status {result.status}, and it should be {status}")
    return result


def want_lines(text, *patterns):
    """All of them, in this order."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.M).search(text, at)
        if not found:
            yield f"there is no {pattern!r} from here on: {text[at:at + 600]!r}"
            return
        at = found.end()


def history_of(ehlo):
    return ehlo.directory / "state" / "ehlo" / "history"


def said(record, side="C"):
    return re.findall(rf"^(?:\+[\d.]+)? *{side}:(?: (.*))?$", (pathlib.Path(record)).read_text(), re.M)


def bye(peer):
    while (line := peer.hear()) is not None:
        peer.say("221 bye" if line == b"QUIT" else "250 ok")


# ---- In a pipe -------------------------------------------------------------------------------------------------


@case("pipe/each-first-letter")
def _(ehlo):
    def script(peer):
        peer.say("220 x")
        while (line := peer.hear()) is not None:
            peer.say("221 x" if line == b"QUIT" else "250 x" if line[:4] == b"EHLO" else "500 what")
    lines = ["Q", "R", "K", "B", "KILL", "quux", "#x", "!x", "", " ", "rset", "Rset extra", "noop", "HELP", "A" * 900,
             *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ?!.-+*/<>", "é"]
    with Server(script, context) as s:
        result = piped(ehlo, [*lines, "::colon", ":raw :x", "QUIT"], "--tls", "none", status=69, port=s.port)
    yield from s.complaints
    if s.peers[0].heard.decode().split("\r\n") != [*lines, ":colon", ":x", "QUIT", ""]:
        yield f"what was sent: {s.peers[0].heard}"
    yield from want_replay(ehlo)
    if wrong := unsafe_characters(result.out + result.err):
        yield wrong


@case("pipe/a-message-by-hand")
def _(ehlo):
    marker = f"hand-{secrets.token_hex(4)}"
    text = MESSAGE.replace("\n.\n", "\n. \n") % marker
    result = piped(ehlo, [":auth", "MAIL FROM:<alice@ehlo.test>", "RCPT TO:<bob@ehlo.test>", "DATA",
                          *text.rstrip("\n").split("\n"), ".", "QUIT"], "--user", server.user, "--password-file",
                   server.password_file)
    found = server.wait_for("bob", marker.encode())
    if found != [text.encode()]:
        yield f"in the mailbox: {found!r}"
    yield from want_replay(ehlo)
    if b"..one" not in (ehlo.directory / "r.smtp").read_bytes():
        yield "the dot is not doubled in the record"
    password = pathlib.Path(server.password_file).read_text().rstrip("\n")
    for name, octets in (("output", result.out), ("record", (ehlo.directory / "r.smtp").read_bytes())):
        if password.encode() in octets or b64(password)[:-4].encode() in octets:
            yield f"the password is in the {name}"


@case("pipe/every-mechanism")
def _(ehlo):
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"):
        result = piped(ehlo, [f":auth {mechanism}", "NOOP"], "--user", server.user, "--password-file",
                       server.password_file)
        yield from want_lines(result.out.decode(), rf"^~>  AUTH {mechanism}", r"^<~  235 ", r"^<~  250 ")
        yield from want_replay(ehlo)


@case("pipe/send-file")
def _(ehlo):
    for options in ("", " --bdat"):
        marker = f"file-{secrets.token_hex(4)}"
        (ehlo.directory / "my message.eml").write_text(MESSAGE % marker)
        piped(ehlo, [":auth", f':send "my message.eml" --from alice@ehlo.test --to <bob@ehlo.test>{options}'],
              "--user", server.user, "--password-file", server.password_file)
        if (found := server.wait_for("bob", marker.encode())) != [(MESSAGE % marker).encode()]:
            yield f"in the mailbox: {found!r}"
        yield from want_replay(ehlo)
    # Into the transaction that is open; what may not be sent stays here.
    (ehlo.directory / "bad.eml").write_bytes(b"Subject: x\n\na\rb\n")
    result = piped(ehlo, [":auth", "MAIL FROM:<alice@ehlo.test>", "RCPT TO:<bob@ehlo.test>", ":send bad.eml"],
                   "--user", server.user, "--password-file", server.password_file, status=65)
    yield from want_lines(result.err.decode(), r"bad\.eml:3: ")
    yield from want_replay(ehlo)


@case("pipe/chunks")
def _(ehlo):
    marker = f"bdat-{secrets.token_hex(4)}"
    head = f"Subject: {marker}\r\n\r\n"
    (ehlo.directory / "rest").write_bytes(b".last\r\n")
    piped(ehlo, [":auth", "MAIL FROM:<alice@ehlo.test>", "RCPT TO:<bob@ehlo.test>", f"BDAT {len(head)}",
                 f"Subject: {marker}", "", ":bdat rest LAST"], "--user", server.user, "--password-file",
          server.password_file)
    if (found := server.wait_for("bob", marker.encode())) != [f"Subject: {marker}\n\n.last\n".encode()]:
        yield f"in the mailbox: {found!r}"
    yield from want_replay(ehlo)


@case("pipe/status")
def _(ehlo):
    auth = ["AUTH PLAIN " + PLAIN]
    for lines, status in ((["NOOP"], 0), (["NOPE"], 69), (["NOPE", "QUIT"], 69), (["NOPE", "NOOP", "QUIT"], 0),
                          (auth, 77), (["AUTH LOGIN", b64("alice"), b64(TYPED)], 77), ([":nothing"], 64)):
        piped(ehlo, lines, status=status)
        yield from want_replay(ehlo)
    result = piped(ehlo, ["x"], "--tls-name", "other.test", status=78)
    yield from want_lines(result.err.decode(), r"^ehlo: .*TLS.*other\.test")
    with Server(lambda peer: (peer.say("220 x"), peer.expect("EHLO"), peer.say("250 x"), peer.expect("QUIT"),
                              peer.say("221 x")), context) as s:
        result = piped(ehlo, ["NOOP"], status=78, port=s.port)
    yield from s.complaints
    yield from want_lines(result.err.decode(), "offers no STARTTLS, and TLS is required")
    if ehlo("shell", "localhost:1").status != 74:
        yield "a refused connection has another status"


@case("pipe/secrets")
def _(ehlo):
    scripts = {
        "initial": ["AUTH PLAIN " + PLAIN, "NOOP"],
        "lower": ["auth plain " + PLAIN],
        "mistyped": ["AUHT PLAIN " + PLAIN, "AUTHPLAIN " + PLAIN],
        "late": ["AUTH PLAIN", PLAIN],
        "refused": ["AUTH NOSUCH", PLAIN, b64(TYPED)],
        "login": ["AUTH LOGIN", b64("alice"), b64(TYPED), b64(TYPED)],
        "raw": [":raw AUTH PLAIN " + PLAIN, ":auth PLAIN " + PLAIN],
    }
    for name, lines in scripts.items():
        for json_too in ((), ("--json", "--teach")) if name != "initial" else ((), ("-v",)):
            result = ehlo("shell", server.starttls, "--ca-file", server.ca, "--record", "r.smtp", *json_too,
                          stdin="".join(line + "\n" for line in [*lines, ":save saved.smtp"]).encode())
            record = (ehlo.directory / "r.smtp").read_text()
            for what, text in (("record", record), ("output", result.out.decode()), ("error", result.err.decode()),
                               ("saved", (ehlo.directory / "saved.smtp").read_text())):
                for complaint in want_no_secret(what, text, encoded=(PLAIN, "A" * 24 + b64(TYPED))):
                    yield f"{name} {json_too}: {complaint}"
            if r"\{secret}" not in record:
                yield f"{name}: no secret was sent"
            yield from want_replay(ehlo)


@case("pipe/cleartext")
def _(ehlo):
    def script(peer):
        peer.say("220 x")
        peer.expect("EHLO")
        peer.say("250-x", "250 AUTH PLAIN LOGIN")
        while (line := peer.hear()) is not None:
            peer.say("221 x" if line == b"QUIT" else "235 ok" if line.startswith(b"AUTH PLAIN ") else "500 what")
    lines = ["EHLO a.test", "AUTH PLAIN " + PLAIN, PLAIN]
    with Server(script, context) as s:
        result = piped(ehlo, lines, "--tls", "none", status=78, port=s.port)
        yield from want_lines(result.err.decode(), "not sent: it would show a credential.*--allow-cleartext-auth")
        if PLAIN.encode() in s.peers[0].heard:
            yield "the credential went in cleartext"
        piped(ehlo, lines[:2], "--tls", "none", "--allow-cleartext-auth", port=s.port)
        if b"AUTH PLAIN " + PLAIN.encode() + b"\r\n" not in s.peers[1].heard:
            yield "the credential was not sent as typed"
        yield from want_no_secret("record", (ehlo.directory / "r.smtp").read_text())
        yield from want_replay(ehlo)
    yield from s.complaints


@case("pipe/starttls-by-hand")
def _(ehlo):
    for at in (("--tls", "none"), ("--at", "greeting"), ("--at", "ehlo")):
        lines = ["EHLO a.test", "STARTTLS", ":caps", "EHLO a.test", ":caps", ":tls"]
        result = piped(ehlo, lines, *at)
        yield from want_lines(result.out.decode(), r"^->  STARTTLS", r"^=== tls TLSv1\.3 .* chain=ok",
                              r"^~>  EHLO a\.test", "^    AUTH PLAIN", "^    certificate 1: CN=mail.ehlo.test", "^    trusted")
        yield from want_lines(result.err.decode(), "has told nothing since TLS began")
        yield from want_replay(ehlo)
    result = piped(ehlo, ["EHLO a.test"], "--at", "starttls")
    yield from want_lines(result.out.decode(), "^=== tls ", r"^~>  EHLO a\.test")

    def implicit(peer):
        peer.start_tls()
        peer.say("220 x")
        peer.expect("EHLO")
        peer.say("250 x")
        peer.expect("NOOP")
        peer.say("250 ok")
        bye(peer)
    with Server(implicit, context) as s:
        result = piped(ehlo, ["NOOP"], "--tls", "implicit", port=s.port)
    yield from s.complaints
    yield from want_replay(ehlo)


@case("pipe/json")
def _(ehlo):
    result = piped(ehlo, ["NOPE", "AUTH PLAIN " + PLAIN], "--json", status=77)
    objects = [json.loads(line) for line in result.out.decode().splitlines()]
    if {"sent": "NOPE", "secret": False} not in objects or {"sent": "AUTH PLAIN ", "secret": True} not in objects:
        yield f"what was sent is not there: {objects}"
    replies = [o["reply"]["code"] for o in objects if "reply" in o]
    if replies != [220, 250, 220, 250, 500, 535, 221]:
        yield f"the replies: {replies}"
    if objects[-1] != {"end": {"exit_status": 77, "error": None, "explanation": None}}:
        yield f"the end: {objects[-1]}"


@case("pipe/what-cannot-be-sent")
def _(ehlo):
    for octets in (b"a\tb\n", b"a\0b\n", b"\xff\n", b"a\rb\n", b"A" * 3000 + b"\n", b"A" * 40000 + b"\n"):
        result = piped(ehlo, [], status=65, stdin=octets)
        yield from want_lines(result.err.decode(), "^ehlo: the line is not sent: ")
        if said(ehlo.directory / "r.smtp")[3:] != ["QUIT"]:
            yield f"{octets[:10]!r}: something was sent"
    result = piped(ehlo, [":auth", "MAIL FROM:<alice@ehlo.test>", "RCPT TO:<bob@ehlo.test>", "DATA", "Subject: x"],
                   "--user", server.user, "--password-file", server.password_file, status=65)
    yield from want_lines(result.err.decode(), "the input ended within the message")
    if said(ehlo.directory / "r.smtp")[-1] != "Subject: x":
        yield "something was said behind the message's beginning"
    yield from want_replay(ehlo)


@case("pipe/long-lines-of-a-message")
def _(ehlo):
    marker = f"long-{secrets.token_hex(4)}"
    def script(peer):
        peer.say("220 x")
        for reply in ("250 x", "250 x", "354 go"):
            peer.hear()
            peer.say(reply)
        script.message = peer.hear_message()
        peer.say("250 ok")
        bye(peer)
    body = [marker, "." * 20000, "x" * 16384, "y" * 16385, "", ".." , "é"]
    with Server(script, context) as s:
        piped(ehlo, ["MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", *body, "."], "--tls", "none", port=s.port)
    yield from s.complaints
    if script.message != "".join(line + "\n" for line in body).encode():
        yield "the message is another"
    yield from want_replay(ehlo)


@case("pipe/lmtp")
def _(ehlo):
    def script(peer):
        peer.say("220 x LMTP")
        for command, reply in (("LHLO", "250 x"), ("MAIL", "250 x"), ("RCPT", "250 x"), ("RCPT", "250 x"),
                               ("DATA", "354 go")):
            peer.expect(command)
            peer.say(reply)
        peer.hear_message()
        peer.say("250 first", "550 5.2.2 second")
        bye(peer)
    with Server(script, context) as s:
        result = ehlo("shell", f"lmtp://localhost:{s.port}", "--tls", "none", "--at", "ehlo", "--record", "r.smtp",
                      stdin=b"MAIL FROM:<a@b.test>\nRCPT TO:<c@d.test>\nRCPT TO:<e@d.test>\nDATA\nx\n.\n")
    yield from s.complaints
    if result.status != 69:
        yield f"exit status {result.status}"
    yield from want_lines(result.out.decode(), "^->  LHLO ", r"^->  \.", "^<-  250 first", r"^<\*\* 550")
    yield from want_replay(ehlo)


@case("pipe/teach")
def _(ehlo):
    result = piped(ehlo, ["MAIL FROM:<a@b.test>", "HELP", ":help RCPT", ":explain 550 5.1.1 no such user"], "--teach",
                   status=69)
    yield from want_lines(result.out.decode(), r"^    # .*RFC 5321 §3\.1", r"^->  STARTTLS$", r"^    # .*RFC 3207",
                          r"# .*RFC 5321 §4\.1\.1\.2", "^    RCPT TO:<recipient>", "^    .*mailbox")


# ---- Servers that mean no good -----------------------------------------------------------------------------------


def hostile(ehlo, script, lines, status, *options):
    with Server(script, context) as s:
        result = piped(ehlo, lines, "--tls", "none", *options, status=status, port=s.port)
    yield from s.complaints
    if wrong := unsafe_characters(result.out + result.err):
        yield f"the terminal would obey {wrong}"
    yield from want_replay(ehlo)


@case("hostile/escape-sequences")
def _(ehlo):
    def script(peer):
        peer.say(b"220 \x1b[2J\x1b]0;x\x07\x9b2J")
        peer.hear()
        peer.say(b"250-\x1b[31m", b"250 AUTH \x1b[31m PL\x1bAIN")
        bye(peer)
    for options in ((), ("--json",), ("-q",), ("-v",)):
        yield from hostile(ehlo, script, ["EHLO x", ":caps", ":explain"], 0, *options)


@case("hostile/ends")
def _(ehlo):
    def closes(peer):
        peer.say("220 x")
        peer.hear()
    def resets(peer):
        peer.say("220 x")
        peer.hear()
        peer.reset()
    def unasked(peer):
        peer.say("220 x", "250 and more")
        peer.drain()
    def timed_out(peer):
        peer.say("220 x")
        peer.hear()
        peer.say("250 x", "421 idle for too long")
        peer.drain()
    def no_reply(peer):
        peer.say("220 x")
        peer.hear()
        peer.say("hello")
        peer.drain()
    def silent(peer):
        peer.say("220 x")
        peer.drain()
    def lost_behind_the_dot(peer):
        peer.say("220 x")
        for reply in ("250 x", "250 x", "354 go"):
            peer.hear()
            peer.say(reply)
        peer.hear_message()
    message = ["MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", "x", "."]
    for script, lines, status in ((closes, ["NOOP"], 74), (resets, ["NOOP"], 74), (unasked, ["NOOP"], 76),
                                  (timed_out, ["NOOP", "NOOP"], 75), (no_reply, ["NOOP"], 76),
                                  (lost_behind_the_dot, message, 79)):
        for complaint in hostile(ehlo, script, lines, status):
            yield f"{script.__name__}: {complaint}"
    yield from hostile(ehlo, silent, ["NOOP"], 75, "--timeout", "1")


@case("hostile/echo")
def _(ehlo):
    """A server that says the password back."""
    def script(peer):
        peer.say("220 x")
        peer.hear()
        peer.say("250-x", "250 AUTH PLAIN LOGIN")
        while (line := peer.hear()) is not None:
            word = line.split(b" ")[-1]
            plain = base64.b64decode(word + b"==") if len(word) > 8 else b"x"
            peer.say(b"535-" + line, b"535-" + plain.split(b"\0")[-1], b"535 no")
    with Server(script, context) as s:
        result = piped(ehlo, ["EHLO x", "AUTH PLAIN " + PLAIN, ":explain"], "--tls", "none", "--allow-cleartext-auth",
                       "--json", status=77, port=s.port)
        yield from want_no_secret("JSON", result.out.decode())
        result = piped(ehlo, ["EHLO x", "AUTH PLAIN " + PLAIN], "--tls", "none", "--allow-cleartext-auth", status=77,
                       port=s.port)
        yield from want_no_secret("output", result.out.decode())
        yield from want_no_secret("record", (ehlo.directory / "r.smtp").read_text())
    yield from want_replay(ehlo)


@case("hostile/a-long-pause-replays")
def _(ehlo):
    """Who types waits longer than a server may."""
    piped(ehlo, ["NOOP", "NOOP"])
    record = ehlo.directory / "r.smtp"
    text = record.read_text()
    paused = re.sub(r"^\+0\.\d+  C: NOOP$", "+4000.000000  C: NOOP", text, flags=re.M)
    if paused == text:
        yield "the record has no NOOP"
    record.write_text(paused)
    yield from want_replay(ehlo)


# ---- In a terminal -----------------------------------------------------------------------------------------------


def terminal(ehlo, *options, **more):
    return Tmux(ehlo, "shell", server.starttls, "--ca-file", server.ca, "--record", "r.smtp", *options,
                XDG_STATE_HOME=str(ehlo.directory / "state"), **more)


def wait_for_file(path):
    end = time.monotonic() + WAIT_BOUND
    while not path.exists():
        if time.monotonic() > end:
            raise Complaint(f"there is no {path}")
        time.sleep(0.02)


@case("terminal/completion-and-order")
def _(ehlo):
    with terminal(ehlo) as t:
        t.expect(r"^~>$")
        t.type("mail ")
        t.keys("Tab")
        t.expect(r"^~>  mail FROM:<$")
        t.type("alice@ehlo.test> S")
        t.keys("Tab")
        t.expect(r"^    SIZE=  SMTPUTF8\n~>  mail FROM:<alice@ehlo\.test> S$")
        t.type("I")
        t.keys("Tab")
        t.line("1")
        t.expect(r"^~>  mail FROM:<alice@ehlo\.test> SIZE=1\n<~\* 530 |^~>  mail FROM:<alice@ehlo\.test> SIZE=1\n<~  250 ")
        t.line("RSET")
        t.type("AUTH SCRAM-SHA-2")
        t.keys("Tab")
        t.expect(r"^~>  AUTH SCRAM-SHA-256$")
        t.keys("C-c")
        t.expect(r"^~>  AUTH SCRAM-SHA-256\^C\n~>$")
        t.keys("C-c")
        t.expect(r"Ctrl-C again, or Ctrl-D")
        (ehlo.directory / "a-message.eml").write_text("x")
        t.type(":send a-mes")
        t.keys("Tab")
        t.expect(r"^~>  :send a-message\.eml")
        t.keys("C-c")
        t.line("RCPT TO:<bob@ehlo.test>")
        t.expect(r"RCPT is out of order: no transaction is open: MAIL comes first \(RFC 5321 §3\.3\)")
        t.line("RCPT TO:<bob@ehlo.test>")
        t.expect(r"^~>  RCPT TO:<bob@ehlo\.test>\n<~\* 503 ")
        t.line("DATA")
        t.expect("DATA is out of order: ")
        t.line("NOOP")
        t.expect(r"^~>  NOOP\n<~  250")
        t.line("STARTTLS")
        t.expect("TLS is on already")
        t.line("y")
        t.expect(r"^~>  STARTTLS\n<~\* 5")
        t.keys("C-d")
        t.expect(r"^~>  QUIT\n<~  221 .*\n=== eof C\nstatus 69$")
    if "DATA" in said(ehlo.directory / "r.smtp"):
        yield "DATA was sent, and nobody asked again"
    yield from want_replay(ehlo)


@case("terminal/history")
def _(ehlo):
    with terminal(ehlo) as t:
        t.expect(r"^~>$")
        t.line("NOOP first")
        t.expect("<~  250 2")
        t.line("VRFY someone")
        t.expect(r"<~\* ")
        t.keys("C-d")
        t.expect("^status ")
    path = history_of(ehlo)
    if stat.S_IMODE(path.stat().st_mode) != 0o600 or stat.S_IMODE(path.parent.stat().st_mode) != 0o700:
        yield "others can read the history"
    with terminal(ehlo) as t:
        t.expect(r"^~>$")
        t.keys("Up", "Up")
        t.expect(r"^~>  NOOP first$")
        t.keys("Enter")
        t.expect(r"^~>  NOOP first\n<~  250 ")
        t.keys("C-d")
        t.expect("^status 0")


@case("terminal/secrets")
def _(ehlo):
    # A line that the terminal wraps, and one that it does not.
    long = b64(f"\0alice@ehlo.test\0{TYPED}" + "z" * 200)
    with terminal(ehlo, width=80) as t:
        t.expect(r"^~>$")
        t.line("AUTH PLAIN " + PLAIN)
        t.expect(r"^~>  AUTH PLAIN \(hidden\)\n<~\* 535 ")
        t.line("AUTH PLAIN " + long)
        t.expect(r"(?s)\(hidden\).*\(hidden\)\n<~\* 535 ")
        t.line("AUTH LOGIN")
        t.expect(r"^<~  334 .*\(Username:\)")
        t.line(b64("alice"))
        t.expect(r"^<~  334 .*\(Password:\)")
        t.line(b64(TYPED))
        t.expect(r"(?s)\(Password:\)\n~>  \(hidden\)\n<~\* 535 ")
        t.line(b64(TYPED))  # as if it was still asked for
        t.expect(r"(?s)Password.*\(hidden\).*\(hidden\)\n<~\* 5")
        t.line("AUTH LOGIN")
        t.expect(r"(?s)Username.*Username:\)")
        t.line("no base64")
        t.expect("nothing is sent: a response is base64")
        t.line("*")
        t.expect(r"^~>  \*\n<~\* 501 ")
        t.line(":auth")
        t.expect("^user:")
        t.line("alice@ehlo.test")
        t.expect("^Password for alice@ehlo.test:")
        t.line(TYPED)
        t.expect(r"(?s)AUTH SCRAM-SHA-256 .*<~\* 535 .*\n~>\n")
        screen = t.screen()
        t.line(":save saved.smtp")
        t.expect("saved in saved.smtp")
        t.keys("C-d")
        t.expect("^status ")
        screen += t.screen()
    encoded = (PLAIN, "A" * 24 + b64(TYPED), long)
    for what, text in (("screen", screen), ("record", (ehlo.directory / "r.smtp").read_text()),
                       ("history", history_of(ehlo).read_text()), ("saved", (ehlo.directory / "saved.smtp").read_text())):
        yield from want_no_secret(what, text, encoded=encoded)
    if "AUTH\\040LOGIN" not in history_of(ehlo).read_text():
        yield "what is no secret is not in the history"
    yield from want_replay(ehlo)
    yield from want_replay(ehlo, "saved.smtp")


@case("terminal/secrets-as-they-are-typed")
def _(ehlo):
    token = base64.b64encode(b"user=a\1auth=Bearer " + TYPED.encode() * 300 + b"\1\1").decode()
    with terminal(ehlo) as t:
        t.expect(r"^~>$")
        t.type("AUTH PLAIN " + PLAIN)
        t.expect(r"^~>  AUTH PLAIN \(hidden\)$")
        screen = t.screen()
        t.keys("Left", "Up", "C-u", "BSpace")  # nothing behind it any more, and then its blank goes
        t.expect(r"^~>  AUTH PLAIN$")
        t.keys("C-c")
        t.line("AUTH XOAUTH2 " + token)
        t.expect(r"^~>  AUTH XOAUTH2 \(hidden\)\n<~\* 535 ")
        # Pasted, so that all of it is there before it is asked for.
        t.tmux("set-buffer", "".join(line + "\n" for line in ("AUTH LOGIN", b64("alice"), b64(TYPED), "NOOP pasted")))
        t.tmux("paste-buffer")
        t.expect(r"(?s)Username:\)\n~>  \(hidden\)\n.*Password:\)\n~>  \(hidden\)\n<~\* 535 .*\n~>  NOOP pasted\n<~  250 ")
        t.keys("C-d")
        t.expect("^status ")
        screen += t.screen()
    for what, text in (("screen", screen), ("record", (ehlo.directory / "r.smtp").read_text()),
                       ("history", history_of(ehlo).read_text())):
        yield from want_no_secret(what, text, encoded=(PLAIN, "A" * 24 + b64(TYPED), token))
    yield from want_replay(ehlo)


@case("terminal/message")
def _(ehlo):
    marker = f"term-{secrets.token_hex(4)}"
    with terminal(ehlo, "--user", server.user, "--password-file", server.password_file) as t:
        t.expect(r"^~>$")
        t.line(":auth LOGIN")
        t.expect(r"^<~  235 ")
        for line in ("MAIL FROM:<alice@ehlo.test>", "RCPT TO:<bob@ehlo.test>", "DATA"):
            t.line(line)
            t.expect("^~>  " + re.escape(line) + r"\n<~  [23]5")
        lines = [f"Subject: {marker}", "", *(f"line {i}" for i in range(12)), "..", ".x", ":help"]
        for line in lines:
            t.line(line)
        t.keys("C-d")
        t.expect("a lone dot ends the message")
        t.line(".")
        t.expect(r"^    :help\n.*\n    a lone dot .*\n~>  \.\n<~  250 2\.0\.0 ")
        t.line("QUIT")
        t.expect("^status 0")
    if (found := server.wait_for("bob", marker.encode())) != ["".join(line + "\n" for line in lines).encode()]:
        yield f"in the mailbox: {found!r}"
    yield from want_replay(ehlo)


@case("terminal/unasked-and-interrupted")
def _(ehlo):
    """What the server says while something is being typed is shown at once, and the typing goes on."""
    def script(peer):
        peer.say("220 x")
        peer.expect("NOOP")
        peer.say("250 ok")
        wait_for_file(ehlo.directory / "typed")
        peer.say(b"421 \x1b[2Jtoo slow")
        peer.close()
    with Server(script, context) as s:
        with Tmux(ehlo, "shell", f"localhost:{s.port}", "--tls", "none", "--record", "r.smtp") as t:
            t.expect(r"^->$")
            t.line("NOOP")
            t.expect(r"^<-  250 ok\n->$")
            t.type("MAIL FROM:<al")
            t.expect(r"^->  MAIL FROM:<al$")
            (ehlo.directory / "typed").touch()
            t.expect(r"^<-  250 ok\n<\*\* 421 \\x1b\[2Jtoo slow\n(.*\n)*status 75")
    yield from s.complaints
    yield from want_replay(ehlo)

    def silent(peer):
        peer.say("220 x")
        peer.drain()
    with Server(silent, context) as s:
        with Tmux(ehlo, "shell", f"localhost:{s.port}", "--tls", "none", "--record", "r.smtp") as t:
            t.expect(r"^->$")
            t.line("NOOP")
            t.expect(r"^->  NOOP$")
            t.keys("C-c")
            t.expect(r"interrupted while a reply was awaited\nstatus 74")
            t.keys("C-c")
    yield from want_replay(ehlo)


def main():
    global server  # pylint: disable=global-statement
    if os.geteuid() != 0:
        print("Skipped: a Postfix server can only be started by root.")
        return 0
    with mailboxes.running() as server:
        return bench.run()


sys.exit(main())
