#!/usr/bin/python3
"""ehlo against servers that go wrong in AUTH: every mechanism with challenges that it cannot want, too many of them or
too long, replies that come too early or twice, tokens refused with JSON that is none.

That a mechanism proves what it should, and that a server which breaks its rules is found out, is auth_test.py's.
hostile.py says what every case here has to hold.

    hostile_auth_test.py EHLO [-- PATTERN]
"""

import base64
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import PASSWORD
from hostile import at, bench, case, closes, has, is_silent, resets, says, says_raw, value
from model import CAPABILITIES, Model, Session

CLIENT_FIRST = ("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512")
MUTUAL = ("DIGEST-MD5", *SCRAM)
MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256", *MUTUAL)
CHALLENGE_MAX = 12288  # octets of base64


class Auth(Model):
    """Answers each AUTH, and each response to it, with the next of `lines`, and the last one for ever; where it is a
    function of the client's line, with what that gives. `*` is refused."""

    def __init__(self, mechanisms, *lines):
        super().__init__({}, (*CAPABILITIES, "AUTH " + " ".join(mechanisms)))
        self.lines = lines

    def __call__(self, peer):
        AuthSession(self, peer).run()


class AuthSession(Session):
    def on_auth(self, argument):
        heard, number = argument, 0
        while not self.over and heard is not None:
            if heard == b"*":
                self.peer.say("501 5.7.0 cancelled")
                return
            line = self.model.lines[min(number, len(self.model.lines) - 1)]
            number += 1
            if callable(line) and getattr(line, "answers", False):
                line = line(heard)
            if callable(line):
                self.over = True
                line(self.peer)
                return
            lines = line if isinstance(line, tuple) else (line,)
            self.peer.say(*lines)
            if not lines[0][:3] in ("334", b"334"):
                return
            heard = self.peer.hear()


def b64(octets):
    return base64.b64encode(octets if isinstance(octets, bytes) else octets.encode()).decode()


def auth(name, mechanism, lines, outcome, *wants, stage=None, offered=None, options=(), **more):
    stage = stage or ("quit" if outcome == "accepted" else "auth")
    case(name, Auth(offered or (mechanism,), *lines), outcome, stage, *wants,
         options=("--tls=none", "--allow-cleartext-auth", f"--auth={mechanism}", *options), **more)


# ---- Every mechanism ---------------------------------------------------------------------------------------------


def cases_mechanisms():
    for m in MECHANISMS:
        oauth = m in ("XOAUTH2", "OAUTHBEARER")
        reads = m not in ("LOGIN",)
        for name, line, outcome in (("535", "535 5.7.8 no", "auth-refused"), ("504", "504 5.5.4 no", "auth-refused"),
                                    ("454", "454 4.7.0 later", "deferred"), ("432", "432 4.7.12 later", "deferred"),
                                    ("421", says("421 4.3.2 bye", then=closes), "deferred"),
                                    ("closes", closes, "lost"), ("resets", resets, "lost"),
                                    ("half", says_raw(b"334 VXNl", closes), "lost"), ("silent", is_silent, "timeout"),
                                    ("garbage", "what?", "protocol-error"), ("354", "354 go", "protocol-error"),
                                    ("code-change", ("334-VXNl", "235 cm5h"), "protocol-error")):
            auth(f"mechanism/{m}/{name}", m, [line], outcome)
        # Success before the server proved anything counts only where nothing is to be proved.
        for line in ("235", "235 2.7.0 welcome"):
            auth(f"mechanism/{m}/{len(line)}-octets-of-success", m, [line], "auth-refused" if m in MUTUAL else "accepted")
        auth(f"mechanism/{m}/334-behind-235", m, [("235 2.7.0 welcome", "334 VXNl")],
             "auth-refused" if m in MUTUAL else "protocol-error", stage="auth" if m in MUTUAL else "mail")
        auth(f"mechanism/{m}/235-twice", m, [("235 2.7.0 welcome", "235 2.7.0 again")],
             "auth-refused" if m in MUTUAL else "protocol-error", stage="auth" if m in MUTUAL else "mail")
        odd = {"not-base64": "334 !!!", "half-base64": "334 VXN", "blanks": "334  VXNl ", "nul": b"334 AA\x01AA",
               "empty": "334 ", "bare": "334", "two-lines": ("334-VXNl", "334 cm5h"), "escapes": b"334 \x1b[2J",
               "nine": "334 VXNl", "words": "334 Username:", "longest": "334 " + "QUFB" * (CHALLENGE_MAX // 4)}
        for name, line in odd.items():
            # Whoever asks for ever gets no more than eight answers.
            auth(f"odd/{m}/{name}", m, [line], "auth-refused")
            auth(f"odd/{m}/{name}-then-535", m, [line, "535 5.7.8 no"], "auth-refused", value("auth", m))
        auth(f"odd/{m}/too-long", m, ["334 " + "QUFB" * (CHALLENGE_MAX // 4) + "Q"], "protocol-error", has("too long"))
        auth(f"odd/{m}/endless", m, [says_raw(b"334 " + b"QUFB" * 20000)], "protocol-error", has("too long"))
        if reads and not oauth:
            auth(f"odd/{m}/235-to-cancel", m, ["334 !!!", "235 2.7.0 welcome"], "auth-refused")


# ---- SCRAM -------------------------------------------------------------------------------------------------------


def server_first(edit):
    """A first message for the client's nonce."""
    def line(heard):
        nonce = base64.b64decode(heard.split()[-1]).rpartition(b"r=")[2].decode()
        return "334 " + b64(edit(nonce))
    line.answers = True
    return line


FIRSTS = {
    "foreign-nonce": (lambda n: "r=abc,s=c2FsdA==,i=4096", "nonce"),
    "nonce-not-extended": (lambda n: f"r={n},s=c2FsdA==,i=4096", "nonce"),
    "nonce-cut": (lambda n: f"r={n[:-1]},s=c2FsdA==,i=4096", "nonce"),
    "nonce-huge": (lambda n: f"r={n}{'x' * 8000},s=c2FsdA==,i=4096", "nonce"),
    "count-0": (lambda n: f"r={n}x,s=c2FsdA==,i=0", "answer"),
    "count-1": (lambda n: f"r={n}x,s=c2FsdA==,i=1", "iteration"),
    "count-4095": (lambda n: f"r={n}x,s=c2FsdA==,i=4095", "iteration"),
    "count-600001": (lambda n: f"r={n}x,s=c2FsdA==,i=600001", "iteration"),
    "count-2-32": (lambda n: f"r={n}x,s=c2FsdA==,i=4294967296", "iteration"),
    "count-2-32-4096": (lambda n: f"r={n}x,s=c2FsdA==,i=4294971392", "iteration"),
    "count-2-64-4096": (lambda n: f"r={n}x,s=c2FsdA==,i=18446744073709555712", "iteration"),
    "count-huge": (lambda n: f"r={n}x,s=c2FsdA==,i={'9' * 9000}", "iteration"),
    "count-negative": (lambda n: f"r={n}x,s=c2FsdA==,i=-4096", "answer"),
    "count-missing": (lambda n: f"r={n}x,s=c2FsdA==", "answer"),
    "count-empty": (lambda n: f"r={n}x,s=c2FsdA==,i=", "answer"),
    "salt-missing": (lambda n: f"r={n}x,i=4096", "answer"),
    "salt-empty": (lambda n: f"r={n}x,s=,i=4096", "answer"),
    "salt-bad": (lambda n: f"r={n}x,s=!!!!,i=4096", "answer"),
    "salt-huge": (lambda n: f"r={n}x,s={'QUFB' * 2000},i=4096", "answer"),
    "order": (lambda n: f"i=4096,s=c2FsdA==,r={n}x", "answer"),
    "mandatory-extension": (lambda n: f"m=ext,r={n}x,s=c2FsdA==,i=4096", "extension"),
    "mandatory-extension-behind": (lambda n: f"r={n}x,s=c2FsdA==,i=4096,m=ext", "extension"),
    "error": (lambda n: "e=other-error", "error of its own"),
    "error-odd": (lambda n: "e=\x1b[31mowned\x9b", "error of its own"),
    "nul": (lambda n: f"r={n}\0x,s=c2FsdA==,i=4096", "answer"),
    "empty": (lambda n: "", "answer"),
    "echo": (lambda n: f"n,,n=alice,r={n}", "answer"),
}
FINALS = {
    "wrong": ("v=" + b64(b"x" * 32), "prove"), "empty": ("v=", "answer"), "missing": ("", "answer"),
    "short": ("v=AAAA", "prove"), "bad": ("v=!!!!", "prove"), "error": ("e=invalid-proof", "error of its own"),
    "error-odd": ("e=\x1b[31m", "error of its own"), "two": ("v=AAAA,v=AAAA", "prove"), "words": ("hello", "answer"),
    "nul": ("v=\0", "answer"),
}


def cases_scram():
    for m in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        good = server_first(lambda n: f"r={n}x,s=c2FsdA==,i=4096")
        for name, (edit, words) in FIRSTS.items():
            # Two attempts, and a mechanism that would tell the password: it is not used.
            auth(f"scram/{m}/first-{name}", m, [server_first(edit)], "auth-refused", has(words), value("auth", m),
                 offered=(m, "PLAIN"), options=(f"--auth={m},PLAIN", "--auth-attempts=2"))
        for name, (text, words) in FINALS.items():
            auth(f"scram/{m}/final-{name}", m, [good, "334 " + b64(text), "235 2.7.0 welcome"], "auth-refused",
                 has(words), value("auth", m), offered=(m, "PLAIN"), options=(f"--auth={m},PLAIN", "--auth-attempts=2"))
        auth(f"scram/{m}/235-without-proof", m, [good, "235 2.7.0 welcome"], "auth-refused", has("prove"))
        auth(f"scram/{m}/235-with-words", m, [good, "235 " + b64("v=AAAA")], "auth-refused", has("prove"))
        auth(f"scram/{m}/535", m, [good, "535 5.7.8 no"], "auth-refused", value("reply.code", 535))
        auth(f"scram/{m}/454", m, [good, "454 4.7.0 later"], "deferred")
        auth(f"scram/{m}/silent", m, [good, is_silent], "timeout")


# ---- Tokens ------------------------------------------------------------------------------------------------------

JSON = {
    "usual": '{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}',
    "number": '{"status":401}', "empty-object": "{}", "array": "[1,2,3]", "string": '"no"', "null": "null",
    "cut": '{"status":"4', "words": "Username:", "two": '{"status":"1"}{"status":"2"}', "bom": '\ufeff{"status":"401"}',
    "deep": "[" * 9000, "deep-object": '{"a":' * 1500 + "1" + "}" * 1500, "huge": '{"status":"' + "x" * 9000 + '"}',
    "duplicate": '{"status":"1","status":"2"}',
    "escape": '{"status":"\\u001b[31mred\\u009b\\u202e\\u0000x"}', "surrogate": '{"status":"\\ud800"}',
    "raw-escape": '{"status":"\x1b[31m"}', "newline": '{"status":"a\\r\\n250 ok"}',
    "quote": '{"status":"\\"; it said: \\""}', "invalid-utf8": b'{"status":"\xff\xfe\xc0\xaf"}',
    "big-number": '{"status":1' + "0" * 400 + "}", "nul": '{"status":"a"}\0', "password": '{"status":"%s"}' % PASSWORD,
    "password-escaped": '{"status":"%s"}' % "".join(f"\\u{ord(c):04x}" for c in PASSWORD),
}


def cases_tokens():
    for m in ("XOAUTH2", "OAUTHBEARER"):
        for name, text in JSON.items():
            auth(f"token/{m}/{name}", m, ["334 " + b64(text), "535 5.7.8 no"], "auth-refused", value("reply.code", 535))
        auth(f"token/{m}/usual-told", m, ["334 " + b64(JSON["usual"]), "535 5.7.8 no"], "auth-refused",
             value("auth_error.status", "401"), has("of the token it says: "))
        auth(f"token/{m}/escape-told", m, ["334 " + b64(JSON["escape"]), "535 5.7.8 no"], "auth-refused")
        auth(f"token/{m}/then-235", m, ["334 " + b64(JSON["usual"]), "235 2.7.0 after all"], "accepted")
        auth(f"token/{m}/then-454", m, ["334 " + b64(JSON["usual"]), "454 4.7.0 later"], "deferred")
        auth(f"token/{m}/then-silent", m, ["334 " + b64(JSON["usual"]), is_silent], "timeout")
        auth(f"token/{m}/for-ever", m, ["334 " + b64(JSON["usual"])], "auth-refused")


# ---- Challenges that are computed with ---------------------------------------------------------------------------


def cases_computed():
    for m in ("CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256"):
        for name, text in (("nul", b"<1\0@a>"), ("binary", bytes(range(256))), ("long", b"x" * 9216), ("crlf", b"a\r\nb"),
                           ("password", PASSWORD.encode())):
            auth(f"cram/{m}/{name}", m, ["334 " + b64(text), "235 2.7.0 welcome"], "accepted")
        auth(f"cram/{m}/twice", m, ["334 " + b64(b"<1@a>")], "auth-refused")
    digest = 'realm="mail",nonce="abc",qop="auth",charset=utf-8,algorithm=md5-sess'
    for name, text in (("no-nonce", 'realm="mail",qop="auth",algorithm=md5-sess'), ("int-only", digest.replace('"auth"', '"auth-int"')),
                       ("algorithm", digest.replace("md5-sess", "md5")), ("unquoted-end", digest + ',nonce="'),
                       ("two-nonces", digest + ',nonce="def"'), ("words", "hello"), ("commas", "," * 9000),
                       ("nul", digest + "\0"), ("huge", digest + ',x="' + "y" * 8000 + '"')):
        auth(f"digest/{name}", "DIGEST-MD5", ["334 " + b64(text)], "auth-refused")
    for name, text in (("wrong", "rspauth=" + "0" * 32), ("short", "rspauth=0"), ("missing", "x=y"), ("empty", "")):
        auth(f"digest/proof-{name}", "DIGEST-MD5", ["334 " + b64(digest), "334 " + b64(text), "235 2.7.0 welcome"], "auth-refused")
    auth("digest/235-without-proof", "DIGEST-MD5", ["334 " + b64(digest), "235 2.7.0 welcome"], "auth-refused", has("prove"))


# ---- Which mechanisms, and how often -----------------------------------------------------------------------------


def cases_choice():
    for attempts, offered in ((1, ("CRAM-MD5", "PLAIN", "LOGIN")), (2, ("CRAM-MD5", "PLAIN", "LOGIN")),
                              (20, ("CRAM-MD5", "PLAIN", "LOGIN"))):
        for name, line, outcome in (("535", "535 5.7.8 no", "auth-refused"), ("454", "454 4.7.0 later", "deferred"),
                                    ("closes", closes, "lost"), ("garbage", "what?", "protocol-error")):
            if name == "535" and attempts > 1:
                continue  # each further attempt is told of in a line of its own: auth_test.py has it
            auth(f"attempts/{attempts}/{name}", "CRAM-MD5", [line], outcome, offered=offered,
                 options=("--auth=CRAM-MD5,PLAIN,LOGIN", f"--auth-attempts={attempts}"))
    for name, offered in (("none", ()), ("other", ("GSSAPI", "NTLM")), ("prefix", ("PLAINX", "XPLAIN", "PLAI")),
                          ("control", ("PLA\x01IN",)), ("many", tuple(f"X-{n:03}" for n in range(500)))):
        auth(f"offer/{name}", "PLAIN", ["235 2.7.0 it should not have asked"], "auth-refused", offered=offered or ("",))
    for name, offered in (("lower-case", ("plain",)), ("twice", ("PLAIN", "PLAIN")), ("equals", ("=PLAIN",))):
        auth(f"offer/{name}", "PLAIN", ["235 2.7.0 welcome"], "accepted" if name != "equals" else "auth-refused",
             offered=offered)
    # Under TLS the list is shorter than before it, and nothing of the old one counts.
    for name, line, option in (("scram", "250 AUTH PLAIN LOGIN", "--auth=SCRAM-SHA-256"), ("none", "250 8BITMIME", "--auth=PLAIN")):
        case(f"downgrade/{name}", at("ehlo-again", says("250-mail", line)), "auth-refused", "auth", options=(option,))


for cases in (cases_mechanisms, cases_scram, cases_tokens, cases_computed, cases_choice):
    cases()
sys.exit(bench.run())
