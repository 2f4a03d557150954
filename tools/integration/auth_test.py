#!/usr/bin/python3
"""ehlo's SASL mechanisms against peers that are not ehlo's own: GNU SASL's library, and a model of SCRAM written from
the RFC, which can also break each of its rules.

Channel bindings come from the peer's own TLS library: tls-unique from Python's ssl under TLS 1.2, tls-exporter from
`openssl s_server` under TLS 1.3. Whatever happens, the session replays offline to the same end, and neither the
password nor a proof by which it could be guessed is in the record, on the screen or in the JSON.

    auth_test.py EHLO [-- PATTERN]
"""

import base64
import hashlib
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, USER, Bench, Complaint, Server, make_certificates, secrets_in, tls_context,
                     unsafe_characters, want_reproduced)
from sasl import SALT, Binding, Cram, Gsasl, Refused, ScramModel, Session, b64

bench = Bench("auth_test.py")
make_certificates(bench.directory)
context = tls_context(bench.directory)
context_1_2 = tls_context(bench.directory)
context_1_2.maximum_version = ssl.TLSVersion.TLSv1_2
(bench.directory / "password").write_text(PASSWORD + "\n")
(bench.directory / "wrong").write_text("Not The Password/17\n")
(bench.directory / "message.eml").write_bytes(MESSAGE)

# ---- The SMTP around them ----------------------------------------------------------------------------------------


class OpensslPeer:
    """`openssl s_server` as the server's end of a TLS 1.3 session: it tells the keying material that it exports."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-naccept", "1", "-tls1_3", "-cert",
             bench.directory / "server.crt", "-key", bench.directory / "server.key", "-keymatexport",
             "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.unread = b""
        self.wait_for(rb"ACCEPT\n")

    def wait_for(self, pattern):
        while not (match := re.search(pattern, self.unread)):
            ready, _, _ = select.select([self.process.stdout], [], [], 15)
            octets = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not octets:
                raise OSError("s_server fell silent")
            self.unread += octets
        self.unread = self.unread[match.end():]
        return match

    def accept(self):
        material = self.wait_for(rb"Keying material: ([0-9A-F]{64})\n(?:---\n)?(?:Secure Renegotiation[^\n]*\n)?"
                                 rb"(?:Renegotiation[^\n]*\n)?(?:---\n)?")
        return Binding("tls-exporter", bytes.fromhex(material.group(1).decode()))

    def say(self, *lines):
        for line in lines:
            self.process.stdin.write(line.encode() + b"\r\n")
        self.process.stdin.flush()

    def hear(self):
        return self.wait_for(rb"(?:^|\n)([^\r\n]*)\r\n").group(1)

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def judge(ehlo, result, session, status, mechanism, error):
    """Complaints on one run."""
    document = result.json()
    if result.status != status:
        yield f"exit status: expected {status}, got {result.status}; {document['error']}; server: {session.why}"
    if mechanism is not None and document["auth"] != mechanism:
        yield f"auth: expected {mechanism}, got {document['auth']}"
    if not re.search(error, document["error"] or ""):
        yield f"error: expected {error!r}, got {document['error']!r}"
    if session.accepted != (status == 0):
        yield f"a message was {'' if session.accepted else 'not '}taken"
    record = (ehlo.directory / "session.smtp").read_bytes()
    replay = ehlo("replay", "--chunks", "all", "session.smtp")
    if replay.status != 0:
        yield f"the record does not replay: {replay.out.decode()}"
    yield from want_reproduced(ehlo, result, "session.smtp", "--tolerant")
    said = result.out + result.err + record
    for secret in (PASSWORD, *(session.sasl.proofs if session.sasl else [])):
        if found := secrets_in(said, secret):
            yield f"a secret is {found[0]}: {secret}"


def run_session(ehlo, session, tls, *options, password="password"):
    """Runs ehlo against the session under that TLS: 1.2, 1.3, or exporter."""
    shutil.copy(bench.directory / "message.eml", ehlo.directory)
    arguments = ("--ca-file", bench.directory / "ca.pem", "--user", USER, "--password-file", bench.directory / password,
                 "--from", USER, "--to", "bob@ehlo.test", "--data", "message.eml", "--json", "--record",
                 "session.smtp", "--timeout", "10", *options)
    if tls == "exporter":
        return run_exporter(ehlo, session, arguments)
    bindings = []

    def script(peer):
        peer.start_tls()
        if tls == "1.2":
            bindings.append(Binding("tls-unique", peer.sock.get_channel_binding("tls-unique")))
        session.binding = bindings[-1] if bindings else Binding()
        session(peer)
        peer.close_politely()

    with Server(script, context_1_2 if tls == "1.2" else context) as server:
        result = ehlo("send", f"smtps://localhost:{server.port}", *arguments)
    if server.complaints:
        raise Complaint("\n".join(server.complaints))
    return result


def run_exporter(ehlo, session, arguments):
    peer = OpensslPeer()
    failures = []

    def play():
        try:
            session.binding = peer.accept()
            session(peer)
        except OSError:
            pass  # the client left
        except Exception as e:  # pylint: disable=broad-except
            failures.append(repr(e))

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        result = ehlo("send", f"smtps://localhost:{peer.port}", *arguments)
    finally:
        thread.join(15)
        peer.close()
    if failures:
        raise Complaint("\n".join(failures))
    return result


def add(name, mechanisms, make, tls, *options, status=0, mechanism=None, error="", password="password"):
    def case(ehlo):
        session = Session(mechanisms, None)
        session.make_sasl = lambda chosen: make(chosen, session.binding)
        result = run_session(ehlo, session, tls, *options, password=password)
        yield from judge(ehlo, result, session, status, mechanism, error)
    bench.add(name, case)


# ---- The cases ---------------------------------------------------------------------------------------------------

PLAIN_SCRAM = ["SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512"]
PLUS_SCRAM = ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"]


def model(**more):
    return lambda mechanism, binding: ScramModel(mechanism, binding, **more)


def add_peers(peer, make, names):
    for name in names:
        plus = name.endswith("-PLUS")
        for tls in ("1.2", "exporter") if plus else ("1.2", "1.3"):
            for when in ("auto", "never"):
                add(f"{peer}/{name}/{tls}/initial-{when}", [name], make, tls, "--auth", name, "--initial-response",
                    when, mechanism=name)
            add(f"{peer}/{name}/{tls}/wrong-password", [name], make, tls, "--auth", name, status=77, mechanism=name,
                error="535 5.7.8 no", password="wrong")


add_peers("model", model(), PLAIN_SCRAM + PLUS_SCRAM)
add_peers("gsasl", Gsasl, ["CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS",
                           "SCRAM-SHA-256-PLUS"])


# Which one is taken where several are offered, and what then is said of channel binding.
def add_choice(name, offers, tls, chosen, *options, offers_plus=False, error=""):
    add("choice/" + name, offers, model(offers_plus=offers_plus), tls, *options, mechanism=chosen, error=error)


EVERYTHING = ["LOGIN", "PLAIN", "CRAM-MD5", *PLAIN_SCRAM, *PLUS_SCRAM]
add_choice("all-under-1.2", EVERYTHING, "1.2", "SCRAM-SHA-512-PLUS", offers_plus=True)
add_choice("all-under-1.3", EVERYTHING, "exporter", "SCRAM-SHA-512-PLUS", offers_plus=True)
add_choice("old-hash-bound", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "PLAIN"], "1.2", "SCRAM-SHA-1-PLUS",
           offers_plus=True)
add_choice("not-bound-by-wish", EVERYTHING, "1.2", "SCRAM-SHA-256", "--auth", "SCRAM-SHA-256", offers_plus=True)
add_choice("none-bound", PLAIN_SCRAM + ["PLAIN"], "1.2", "SCRAM-SHA-512")
add_choice("by-order-of-the-list", PLAIN_SCRAM, "1.3", "SCRAM-SHA-384", "--auth", "SCRAM-SHA-384,SCRAM-SHA-512")
# Somebody between the two took the -PLUS out of the list: "y" tells the server.
add("choice/stripped", PLAIN_SCRAM, model(offers_plus=True), "1.2", status=77, error="535")


# A server that breaks a rule. More attempts would have it get the password next: it gets none.
def edit_first(change):
    return model(edit=lambda which, text, scram: change(text, scram) if which == "first" else text)


def edit_final(change):
    return model(edit=lambda which, text, scram: change(text, scram) if which == "final" else text)


def other_proof(_, scram):
    return "v=" + b64(hashlib.new(scram.hash, os.urandom(8)).digest())


VIOLATIONS = {
    "nonce-of-its-own": (edit_first(lambda t, s: "r=" + t[3:]), "does not extend ours"),
    "nonce-ours-alone": (edit_first(lambda t, s: f"r={s.bare.rpartition('r=')[2]},s={b64(SALT)},i=4096"),
                         "does not extend ours"),
    "few-iterations": (edit_first(lambda t, s: t.replace("i=4096", "i=4095")), "between 4096 and 600000"),
    "many-iterations": (edit_first(lambda t, s: t.replace("i=4096", "i=600001")), "between 4096 and 600000"),
    "endless-iterations": (edit_first(lambda t, s: t.replace("i=4096", "i=" + "9" * 9000)), "between 4096 and 600000"),
    "mandatory-extension": (edit_first(lambda t, s: "m=new," + t), "extension"),
    "no-salt": (edit_first(lambda t, s: re.sub("s=[^,]*,", "", t)), "no answer"),
    "not-scram": (edit_first(lambda t, s: "Password:"), "no answer"),
    "wrong-proof": (edit_final(other_proof), "did not prove"),
    "short-proof": (edit_final(lambda t, s: "v=AAAA"), "did not prove"),
    "error-inside": (edit_final(lambda t, s: "e=other-error"), "error of its own"),
    "no-proof-in-it": (edit_final(lambda t, s: "hello"), "no answer"),
}
for title, (make_model, words) in VIOLATIONS.items():
    add("violation/" + title, ["SCRAM-SHA-256", "PLAIN", "LOGIN"], make_model, "1.3", "--auth-attempts", "3",
        status=77, mechanism="SCRAM-SHA-256", error=words)


class Sudden:
    """Says yes before it proved anything."""
    proofs = ()

    def __init__(self, after):
        self.after = after

    def step(self, token):
        if self.after == 0:
            return None, True
        self.after -= 1
        nonce = token.decode().rpartition("r=")[2]
        return f"r={nonce}x,s={b64(SALT)},i=4096".encode(), False


for steps in (0, 1):
    add(f"violation/success-after-{steps}", ["SCRAM-SHA-256", "PLAIN"],
        lambda mechanism, binding, steps=steps: Sudden(steps), "1.3", "--auth-attempts", "3", status=77,
        mechanism="SCRAM-SHA-256", error="did not prove")


# One credential, one attempt; more where they are asked for, in the order of the list.
def add_attempts(count, wanted):
    def case(ehlo):
        session = Session(["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"], None)
        session.make_sasl = lambda chosen: ScramModel(chosen, session.binding)
        options = ("--auth-attempts", str(count)) if count else ()
        result = run_session(ehlo, session, "1.3", *options, password="wrong")
        if session.attempts != wanted:
            yield f"expected the attempts {wanted}, got {session.attempts}"
        if result.err.count(b"as --auth-attempts allows") != len(wanted) - 1:
            yield f"not told of each attempt: {result.err!r}"
        yield from judge(ehlo, result, session, 77, wanted[-1], "535")
    bench.add(f"attempts/{count}", case)


add_attempts(0, ["SCRAM-SHA-512"])
add_attempts(1, ["SCRAM-SHA-512"])
add_attempts(2, ["SCRAM-SHA-512", "SCRAM-SHA-256"])
add_attempts(9, ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"])


# EXTERNAL: a name or none, and no password is asked for.
class External:
    proofs = ()

    def __init__(self, wanted):
        self.wanted = wanted

    def step(self, token):
        if token != self.wanted:
            raise Refused(f"{token!r}")
        return None, True


for when in ("auto", "never"):
    add(f"external/{when}", ["EXTERNAL"], lambda mechanism, binding: External(USER.encode()), "1.3", "--auth",
        "EXTERNAL", "--initial-response", when, mechanism="EXTERNAL")
    add(f"external/nobody-{when}", ["EXTERNAL"], lambda mechanism, binding: External(b""), "1.3", "--auth",
        "EXTERNAL", "--initial-response", when, "--user", "", "--password-file", "/nonexistent",
        mechanism="EXTERNAL")


# What the old ones compute.
for kind in ("CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256"):
    add(f"cram/{kind}/right", [kind], lambda mechanism, binding: Cram(mechanism), "1.3", "--auth", kind,
        mechanism=kind)
    add(f"cram/{kind}/wrong", [kind], lambda mechanism, binding: Cram(mechanism), "1.3", "--auth", kind, status=77,
        mechanism=kind, password="wrong")

# A token that is refused: the 334 says why, is answered as the mechanism wants it, and the 535 decides.
class Token:
    def __init__(self, mechanism, why):
        self.answer = b"" if mechanism == "XOAUTH2" else b"\x01"
        self.why, self.said, self.proofs = why, False, []

    def step(self, token):
        if self.said:
            raise Refused("as it should" if token == self.answer else f"{token!r}")
        self.said = True
        return self.why, False


def add_token(name, why, wanted, words):
    def case(ehlo, mechanism):
        session = Session([mechanism], None)
        session.make_sasl = lambda chosen: Token(chosen, why)
        result = run_session(ehlo, session, "1.3", "--auth", mechanism)
        if session.why != "as it should":
            yield f"the answer to it was {session.why}"
        if (found := result.json()["auth_error"]) != wanted:
            yield f"auth_error: expected {wanted}, got {found}"
        if unsafe := unsafe_characters(result.out + result.err):
            yield f"on the screen: {unsafe}"
        yield from judge(ehlo, result, session, 77, mechanism, words)
    for mechanism in ("XOAUTH2", "OAUTHBEARER"):
        bench.add(f"token/{mechanism}/{name}", lambda ehlo, mechanism=mechanism: case(ehlo, mechanism))


add_token("words", b'{"status":"401","schemes":"bearer","scope":"mail","more":[1,{}],"exp":7}',
          {"status": "401", "schemes": "bearer", "scope": "mail"}, r'535 5.7.8 no; of the token it says: status "401"')
add_token("escapes", b'{"status":"\\u001b[31m\\"\\r\\n","scope":"\xe2\x80\xae"}',
          {"status": '\x1b[31m"\r\n', "scope": "\u202e"}, r"status \"\\x1b\[31m")
add_token("long", b'{"status":"' + b"9" * 9000 + b'"}', {"status": "9" * 9000}, 'status "9{100}"$')
add_token("token-said-back", b'{"status":"401","scope":"' + PASSWORD.encode() + b'"}', None, "535 5.7.8 no$")
add_token("no-json", b"so sorry", None, "535 5.7.8 no$")
add_token("no-object", b'["status"]', None, "535 5.7.8 no$")
add_token("no-text", b'{"status":401}', None, "535 5.7.8 no$")
add_token("empty", b"", None, "535 5.7.8 no$")
add_token("deep", b"[" * 9000, None, "535 5.7.8 no$")
add_token("nul", b'{"status":"4\\u00001"}', None, "535 5.7.8 no$")

# What is used only by name is not used without.
add("choice/by-name-only", ["XOAUTH2", "OAUTHBEARER", "EXTERNAL", "DIGEST-MD5", "CRAM-SHA1", "CRAM-SHA256",
                            "SCRAM-SHA-224", "SCRAM-SHA-384"],
    lambda mechanism, binding: External(b""), "1.3", status=77, error="no AUTH mechanism")

sys.exit(bench.run())
