#!/usr/bin/python3
"""No credential leaves a trace: every mechanism with a marked password or token, through every command that sees a
session, and then every file and every octet of output is searched.

What is searched for is each window of four octets of the secret, in clear and in base64 at each of its three
alignments, and the proofs that mechanisms make of it. The server says the secret back, when it refuses and when it
does not, in clear and in base64.

    secrets_test.py EHLO [-- PATTERN]
"""

import base64
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, USER, RUN_BOUND, Bench, Complaint, Server, base64_inside, secrets_in)
from sasl import Binding, Cram, Gsasl, Refused, ScramModel, Session, b64

bench = Bench("secrets_test.py")

SEND = ("--tls", "none", "--allow-cleartext-auth", "--timeout", "10", "--helo", "client.ehlo.test", "--from", USER,
        "--to", "bob@ehlo.test", "--data", "message.eml", "--user", USER)
WINDOW = 4


def case(name):
    return lambda run: bench.add(name, run)


# ---- What is searched for ----------------------------------------------------------------------------------------


def windows(octets):
    return {octets[i:i + WINDOW] for i in range(len(octets) - WINDOW + 1)}


RAW = windows(PASSWORD.encode())
BASE64 = set().union(*(windows(form) for form in base64_inside(PASSWORD.encode())))
# Letters alone may be a word of a log.
MARKS = {w for w in RAW | BASE64 if not re.fullmatch(rb"[a-z]{4}|[A-Z][a-z]{3}", w)}


def traces(octets, proofs=()):
    """What is found of the secret."""
    found = sorted(w for w in MARKS if w in octets)
    return found + [how for proof in proofs for how in secrets_in(octets, proof)]


def want_no_trace(where, octets, proofs=()):
    if found := traces(octets, proofs):
        at = max(octets.find(found[0]) - 40, 0) if isinstance(found[0], bytes) else 0
        yield f"{where} holds {found[:5]}: {octets[at:at + 120]!r}"


# ---- Servers that say it back ------------------------------------------------------------------------------------


class Plain:
    proofs = ()

    def step(self, token):
        if token.split(b"\0")[1:] != [USER.encode(), PASSWORD.encode()]:
            raise Refused(f"{token!r}")
        return None, True


class Login:
    proofs = ()

    def __init__(self):
        self.answers = []

    def step(self, token):
        if token:
            self.answers.append(token)
        if len(self.answers) < 2:
            return (b"Username:", b"Password:")[len(self.answers)], False
        if self.answers != [USER.encode(), PASSWORD.encode()]:
            raise Refused(f"{self.answers!r}")
        return None, True


class Token:
    """Says the token back in the challenge that says why it is refused, and takes it in the end."""
    proofs = ()

    def __init__(self):
        self.said = False

    def step(self, token):
        if not self.said:
            self.said = True
            if PASSWORD.encode() not in token:
                raise Refused(f"{token!r}")
        return None, True


class Ntlm:
    """A mechanism that ehlo does not have and a relay has to hide all the same: the client below speaks it."""
    proofs = ()

    def __init__(self):
        self.count = 0

    def step(self, token):
        self.count += 1
        return (None, True) if self.count == 2 else (b"NTLMSSP\0\2", False)


MECHANISMS = {
    "PLAIN": Plain, "LOGIN": Login, "XOAUTH2": Token, "OAUTHBEARER": Token,
    "CRAM-MD5": lambda: Cram("CRAM-MD5"), "CRAM-SHA1": lambda: Cram("CRAM-SHA1"),
    "CRAM-SHA256": lambda: Cram("CRAM-SHA256"), "DIGEST-MD5": lambda: Gsasl("DIGEST-MD5", Binding()),
    **{name: lambda name=name: ScramModel(name, Binding()) for name in
       ("SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512")},
}


# Mechanisms that tell the password. With the others it is never on the wire, and who only listens cannot know it: there
# the server says the proof back to such a program.
TELLING = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "NTLM")


class Echo(Session):
    """Says the secret back wherever it may say anything after AUTH, and refuses where it is told to."""

    def __init__(self, mechanism, make, refuses, to_listener):
        super().__init__([mechanism], lambda chosen: make())
        self.refuses, self.says_proof = refuses, to_listener and mechanism not in TELLING

    def authenticate(self, peer, line):
        said = []
        say, peer.say = peer.say, lambda *lines: said.extend(lines) if lines[0].startswith(("235", "535", "501")) \
            else say(*lines)
        super().authenticate(peer, line)
        peer.say = say
        code = "535" if self.refuses or not said[-1].startswith("235") else "235"
        secret = self.sasl.proofs[0].encode() if self.says_proof else PASSWORD.encode()
        peer.say(f"{code}-5.7.8 for ".encode() + secret, f"{code}-2.7.0 {b64(secret)}",
                 f"{code}-{b64(b'x' + secret)}", f"{code}-{b64(b'xy' + secret)}", f"{code} ".encode() + secret[:12])


def serve(mechanism, make, refuses, to_listener=True):
    session = Echo(mechanism, make, refuses, to_listener)
    return session, Server(session, None)


# ---- The commands ------------------------------------------------------------------------------------------------


class Running:
    """A command that serves until it is through with its connections; `port` is where it listens."""

    def __init__(self, ehlo, *arguments):
        self.process = subprocess.Popen([ehlo.program, *map(str, arguments)], cwd=ehlo.directory,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.first = self.process.stdout.readline()
        match = re.search(rb":(\d+)\s*$", self.first)
        if not match:
            self.process.kill()
            raise Complaint(f"{arguments}: says {self.first!r} and {self.process.communicate()!r}")
        self.port = int(match.group(1))

    def end(self):
        """All that it said."""
        try:
            out, err = self.process.communicate(timeout=RUN_BOUND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise Complaint(f"it does not end: {out!r} {err!r}") from None
        return self.first + out + err


class Search:
    """Runs commands in a case's directory and searches what they say; at the end, every file besides."""

    def __init__(self, ehlo, proofs):
        self.ehlo, self.proofs, self.complaints, self.num_searched = ehlo, proofs, [], 0

    def said(self, where, octets):
        self.num_searched += len(octets)
        self.complaints.extend(want_no_trace(where, octets, self.proofs))

    def run(self, *arguments, status=(0,), **more):
        result = self.ehlo(*arguments, **more)
        if result.status not in status:
            self.complaints.append(f"{arguments}: exit status {result.status}: {result.err!r:.300}")
        self.said(" ".join(map(str, arguments)), result.out + result.err)
        return result

    def files(self, but=()):
        for path in sorted(self.ehlo.directory.rglob("*")):
            if path.is_file() and path.name not in ("message.eml", *but):
                self.said(path.name, path.read_bytes())


def views(search, *names):
    """What is shown and made of records."""
    for name in names:
        search.run("show", name)
        search.run("show", "-v", name)
        search.run("show", "--json", name)
        search.run("show", "--html", f"{name}.html", name)
        search.run("replay", "--chunks", "all", name)
        search.run("replay", "--json", name)
        search.run("shrink", "-o", f"{name}.shrunk.smtp", name)
        search.run("scrub", name)  # there is nothing to be found
    search.run("diff", names[0], names[-1], status=(0, 1))
    search.run("diff", "--json", names[0], names[-1], status=(0, 1))


def add(mechanism, make, refuses):
    words = f"{mechanism}/{'refused' if refuses else 'accepted'}"
    status = (77,) if refuses else (0,)

    @case(f"send/{words}")
    def _(ehlo):
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        session, server = serve(mechanism, make, refuses, to_listener=False)
        search = Search(ehlo, ())
        with server:
            for number, options in enumerate(((), ("-v",), ("--json",), ("--initial-response", "never"))):
                result = ehlo("send", f"127.0.0.1:{server.port}", *SEND, "--auth", mechanism, *options, "--record",
                              f"x{number}.smtp", EHLO_PASSWORD=PASSWORD)
                search.proofs = session.sasl.proofs if session.sasl else ()
                search.said(f"send {options}", result.out + result.err)
                if result.status not in status:
                    yield f"send {options}: exit status {result.status}, {result.err!r:.300}; {session.why}"
        views(search, "x0.smtp", "x3.smtp")
        search.files()
        yield from search.complaints
        yield from server.complaints

    @case(f"record/{words}")
    def _(ehlo):
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        session, server = serve(mechanism, make, refuses)
        search = Search(ehlo, ())
        with server:
            relay = Running(ehlo, "record", "--listen", "127.0.0.1:0", "--listen-tls", "none", "--to",
                            f"127.0.0.1:{server.port}", "--tls", "none", "--allow-cleartext-auth", "--record",
                            "r.smtp", "--connections", "2")
            for options in ((), ("--initial-response", "never")):
                result = ehlo("send", f"127.0.0.1:{relay.port}", *SEND, "--auth", mechanism, *options,
                              EHLO_PASSWORD=PASSWORD)
                search.proofs = [*search.proofs, *(session.sasl.proofs if session.sasl else ())]
                if result.status not in status:
                    yield f"send {options}: exit status {result.status}, {result.err!r:.300}; {session.why}"
            search.said("record", relay.end())
        views(search, "r.smtp", "r.2.smtp")
        search.files()
        yield from search.complaints
        yield from server.complaints

    @case(f"serve/{words}")
    def _(ehlo):
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        _, server = serve(mechanism, make, refuses, to_listener=False)
        search = Search(ehlo, ())
        with server:
            ehlo("send", f"127.0.0.1:{server.port}", *SEND, "--auth", mechanism, "--record", "x.smtp",
                 EHLO_PASSWORD=PASSWORD)
        for options in ((), ("--json",)):
            played = Running(ehlo, "serve", "x.smtp", "--listen", "127.0.0.1:0", "--connections", "1", "--record",
                             f"s{len(options)}.smtp", *options)
            result = ehlo("send", f"127.0.0.1:{played.port}", *SEND, "--auth", mechanism, EHLO_PASSWORD=PASSWORD)
            search.said("serve", played.end())
            search.said("send", result.out + result.err)
        search.files()
        yield from search.complaints

    @case(f"scrub/{words}")
    def _(ehlo):
        """A log of what was on the wire, with all of it in clear."""
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        session, server = serve(mechanism, make, refuses)
        lines = []
        with server:
            ehlo("send", f"127.0.0.1:{server.port}", *SEND, "--auth", mechanism, EHLO_PASSWORD=PASSWORD)
            peer = server.peers[0]
            lines = interleave(bytes(peer.heard), bytes(peer.said))
        proofs = session.sasl.proofs if session.sasl else ()
        for name, log in {"bare.log": lines, "marked.log": [mark + b" " + line for mark, line in
                                                            zip(marks(lines), lines)]}.items():
            (ehlo.directory / name).write_bytes(b"\n".join(log) + b"\n")
            search = Search(ehlo, proofs)
            search.run("scrub", name, "-o", f"clean-{name}", status=(1,))
            search.run("scrub", name, status=(1,))
            search.run("scrub", f"clean-{name}")
            search.files(but=("bare.log", "marked.log"))
            yield from search.complaints


def add_handwritten(mechanism, make, refuses):
    @case(f"handwritten/{mechanism}/{'refused' if refuses else 'accepted'}")
    def _(ehlo):
        """A transcript by hand with all of it in clear: it may not be read off what is shown of it."""
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        session, server = serve(mechanism, make, refuses)
        with server:
            ehlo("send", f"127.0.0.1:{server.port}", *SEND, "--auth", mechanism, EHLO_PASSWORD=PASSWORD)
            lines = interleave(bytes(server.peers[0].heard), bytes(server.peers[0].said))
        (ehlo.directory / "hand.smtp").write_bytes(b"".join(
            (b"S: " if re.match(rb"\d{3}[ -]", line) else b"C: ") + re.sub(rb" $", rb"\\x20", line.replace(b"\\", b"\\\\")) + b"\n"
            for line in lines))
        if not traces((ehlo.directory / "hand.smtp").read_bytes(), session.sasl.proofs[:1]):
            yield "there is nothing in it to be hidden"
        # A proof of the server's that can be read in a transcript is a wrong one by its notation.
        search = Search(ehlo, session.sasl.proofs[:1])
        for options in ((), ("-v",), ("--json",), ("--html", "page.html")):
            search.run("show", *options, "hand.smtp")
        search.run("diff", "hand.smtp", "hand.smtp")
        search.files(but=("hand.smtp",))
        yield from search.complaints


def interleave(heard, said):
    """Both sides of a session as one log, reply by reply."""
    commands = heard.replace(b"\r\n", b"\n").split(b"\n")
    replies = re.findall(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n", said.replace(b"\r\n", b"\n"))
    lines, in_message = [], False
    for reply in replies:
        lines += reply.rstrip(b"\n").split(b"\n")
        while commands:
            lines.append(commands.pop(0))
            in_message = (in_message or reply.startswith(b"354")) and lines[-1] != b"."
            if not in_message:
                break
    return [line for line in lines + commands if line]


def marks(lines):
    return [b"<~ " if re.match(rb"\d{3}[ -]", line) else b" ~>" for line in lines]


for name, make_model in MECHANISMS.items():
    for refusing in (False, True):
        add(name, make_model, refusing)
        add_handwritten(name, make_model, refusing)


# A mechanism of which only the form is known.
@case("record/NTLM")
def _(ehlo):
    _, server = serve("NTLM", Ntlm, False)
    search = Search(ehlo, ())
    with server:
        relay = Running(ehlo, "record", "--listen", "127.0.0.1:0", "--listen-tls", "none", "--to",
                        f"127.0.0.1:{server.port}", "--tls", "none", "--allow-cleartext-auth", "--record", "r.smtp",
                        "--connections", "1")
        script = (f"import smtplib, base64\ns = smtplib.SMTP('127.0.0.1', {relay.port}, 'client.ehlo.test')\n"
                  "s.ehlo()\n"
                  f"print(s.docmd('AUTH', 'NTLM ' + {b64(b'NTLMSSP' + PASSWORD.encode())!r}))\n"
                  f"print(s.docmd({b64(b'response ' + PASSWORD.encode())!r}))\ns.quit()\n")
        done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, timeout=RUN_BOUND, check=False)
        if done.returncode != 0:
            yield f"the client fails: {done.stderr!r}"
        search.said("record", relay.end())
    views(search, "r.smtp", "r.smtp")
    search.files()
    yield from search.complaints


@case("import/swaks")
def _(ehlo):
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
        for refuses in (False, True):
            session, server = serve(mechanism, MECHANISMS[mechanism], refuses)
            with server:
                done = subprocess.run(["swaks", "--server", f"127.0.0.1:{server.port}", "--to", "bob@ehlo.test",
                                       "--from", USER, "--auth", mechanism, "--auth-user", USER, "--auth-password",
                                       PASSWORD, "--helo", "client.ehlo.test"], capture_output=True, timeout=RUN_BOUND,
                                      cwd=ehlo.directory, check=False)
            if not traces(done.stdout, session.sasl.proofs):
                yield f"{mechanism}: swaks' log has nothing to hide: {done.stdout!r:.300}"
            (ehlo.directory / "log").write_bytes(done.stdout)
            search = Search(ehlo, session.sasl.proofs)
            search.run("import", "--format", "swaks", "log", "-o", "i.smtp")
            search.run("import", "log")
            views(search, "i.smtp", "i.smtp")
            search.run("scrub", "log", "-o", "clean.log", status=(1,))
            search.files(but=("log",))
            yield from search.complaints


# The search finds what it is to find.
@case("the-search-itself")
def _(ehlo):
    for octets in (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), base64.b64encode(b"x" + PASSWORD.encode()),
                   base64.b64encode(b"xy" + PASSWORD.encode()), PASSWORD.encode()[3:7]):
        if not traces(b"535 5.7.8 " + octets + b" no"):
            yield f"{octets} is not found"
    if traces(MESSAGE) or not traces(b"x", ()) == []:
        yield "the message is taken for the secret"
    yield from []


sys.exit(bench.run())
