#!/usr/bin/python3
"""ehlo shrink and ehlo diff, from outside: real records of real submissions, files, terminals, exit statuses.

    reduce_test.py EHLO MAX_RSS [-- PATTERN]
"""

import json
import os
import pathlib
import pty
import re
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, USER, RUN_BOUND, Bench, Complaint, Ehlo, Server, make_certificates, secrets_in,
                     tls_context, unsafe_characters)

# KiB more than the empty program: what diff keeps of two sessions at the most, and what shrink keeps of the longest
# transcript that it takes.
DIFF_MEMORY_MAX, SHRINK_MEMORY_MAX = 24 << 10, 224 << 10

bench = Bench("reduce_test.py")
make_certificates(bench.directory)
other_certificates = bench.directory / "other"
other_certificates.mkdir()
make_certificates(other_certificates)
context = tls_context(bench.directory)
ca_file = bench.directory / "ca.pem"


def case(name):
    return lambda run: bench.add(name, run)


def want(result, status, err=None):
    if result.status != status:
        yield f"exit status {result.status}, and {status} is due"
    if err is not None and not re.search(err, result.err.decode()):
        yield f"standard error has no {err!r}"
    if wrong := unsafe_characters(result.out + result.err):
        yield f"the terminal would obey {wrong}"


# ---- A server of which one thing at a time is another ------------------------------------------------------------

REPLIES = {
    "greeting": "220 mail.ehlo.test ESMTP", "STARTTLS": "220 2.0.0 go ahead", "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 fine", "RCPT": "250 2.1.5 fine", "DATA": "354 go ahead", "message": "250 2.0.0 queued as {queue}",
    "QUIT": "221 2.0.0 bye",
}
OFFERS = ("SIZE 1000000", "8BITMIME", "ENHANCEDSTATUSCODES")


class Mail(Server):
    """Takes a submission over STARTTLS with AUTH. `replies` are in place of its own, `waits` come before them; the second
    recipient's reply is "RCPT 2"."""

    queue = 1000

    def __init__(self, replies=None, offers=OFFERS, clear_offers=(), auth="PLAIN LOGIN", waits=None, tls=None, leave=None):
        super().__init__(self.play, tls or context)
        self.replies, self.offers, self.clear_offers = {**REPLIES, **(replies or {})}, offers, clear_offers
        self.auth, self.waits, self.leave, self.secure = auth, waits or {}, leave, False

    def answer(self, peer, what):
        if what == self.leave:
            peer.close_politely()
            return False
        time.sleep(self.waits.get(what, 0))
        Mail.queue += 1
        peer.say(*self.replies.get(what, self.replies[what.split()[0]]).format(queue=Mail.queue).split("\n"))
        return True

    def play(self, peer):
        self.secure, recipients = False, 0
        going_on = self.answer(peer, "greeting")
        while going_on and (line := peer.hear()) is not None:
            verb = line.split()[0].decode().upper() if line else ""
            if verb == "EHLO":
                offers = ["mail.ehlo.test", *self.offers]
                offers += [f"AUTH {self.auth}"] * bool(self.secure and self.auth)
                offers += ["STARTTLS", *self.clear_offers] if not self.secure else []
                peer.say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")
                continue
            recipients += verb == "RCPT"
            what = "RCPT 2" if verb == "RCPT" and recipients == 2 else verb
            going_on = self.answer(peer, what)
            if verb == "STARTTLS" and going_on:
                peer.start_tls()
                self.secure = True
            elif verb == "AUTH" and line.split()[1] == b"LOGIN":
                raise Complaint("LOGIN is not what this server was to see")
            elif verb == "DATA" and going_on and self.replies["DATA"].startswith("354"):
                peer.hear_message()
                going_on = self.answer(peer, "message")
            elif verb == "QUIT":
                peer.close_politely()
                return


def send(ehlo, name, *arguments, message=MESSAGE, ca=ca_file, **server):
    """The record of one submission to a server of that kind."""
    path = pathlib.Path(ehlo.directory, name + ".smtp")
    data = pathlib.Path(ehlo.directory, name + ".eml")
    data.write_bytes(message)
    with Mail(**server) as mail:
        result = ehlo("send", f"localhost:{mail.port}", "--ca-file", ca, "--helo", "client.ehlo.test", "--from", USER,
                      "--to", "bob@ehlo.test", "--to", "carol@ehlo.test", "--user", USER, "--data", data, "--record", path,
                      "--timeout", "15", *arguments, EHLO_PASSWORD=PASSWORD)
    if mail.complaints or not path.exists():
        raise Complaint(f"no record: {mail.complaints}, exit status {result.status}: {result.err!r}")
    return path


# ---- shrink ------------------------------------------------------------------------------------------------------

FAILURES = {
    "auth-refused": (dict(replies={"AUTH": "535 5.7.8 no such user"}), 77, "535 5.7.8"),
    "rcpt-refused": (dict(replies={"RCPT": "550 5.1.1 no such user", "RCPT 2": "550 5.1.1 no"}), 69, "550 5.1.1"),
    "message-refused": (dict(replies={"message": "554-5.7.1 spam\n554 5.7.1 go away"}), 69, "554 5.7.1"),
    "deferred": (dict(replies={"message": "451 4.3.0 later"}), 75, "451 4.3.0"),
    "lost": (dict(leave="MAIL"), 74, "eof S"),
    "unknown": (dict(leave="message"), 79, "eof S"),
    "broken": (dict(replies={"MAIL": "HTTP/1.1 400 Bad Request"}), 76, "S: "),
    "starttls-refused": (dict(replies={"STARTTLS": "454 4.7.0 not now"}), 78, "454 4.7.0"),
}


def cases_shrink():
    def outcome_of(ehlo, path):
        document = ehlo("replay", "--json", path).json()
        result = document["results"][0]
        return [result.get(key) for key in ("verdict", "outcome", "stage", "state", "status")]

    for name, (server, _, needle) in FAILURES.items():
        @case(f"shrink/{name}")
        def run(ehlo, server=server, needle=needle):
            record = send(ehlo, "whole", **server)
            before = outcome_of(ehlo, record)
            result = ehlo("shrink", record, "-o", "small.smtp", "--json")
            yield from want(result, 0)
            small = pathlib.Path(ehlo.directory, "small.smtp")
            document = result.json()
            text = small.read_text("ascii")
            if before[0] != "same" or outcome_of(ehlo, small) != before:
                yield f"it ends {outcome_of(ehlo, small)}, and not {before}"
            if needle not in text:
                yield f"{needle} is not left in it"
            if not document["minimal"] or document["after"]["bytes"] * 2 > document["before"]["bytes"]:
                yield f"it is not small: {document}"
            if small.stat().st_size != len(text) or document["output"] != "small.smtp" or "transcript" in document:
                yield f"the JSON tells another output: {document}"
            if found := secrets_in(small.read_bytes()):
                yield f"the password is in it {found}"
            again = ehlo("shrink", "small.smtp", "-q")
            yield from want(again, 0)
            if again.out.decode() != text or again.err:
                yield "shrunk again it is another"

    @case("shrink/stdin")
    def run_stdin(ehlo):
        record = send(ehlo, "whole", **FAILURES["rcpt-refused"][0])
        named = ehlo("shrink", record)
        piped = ehlo("shrink", "-", stdin=record.read_bytes())
        yield from want(piped, 0, r"kept: refused at rcpt\nitems \d+ -> \d+, lines \d+ -> \d+, bytes \d+ -> \d+; \d+ replays")
        if named.out != piped.out or not named.out.startswith(b"! ehlo-transcript 1\n"):
            yield "from standard input it is another"

    @case("shrink/json-holds-it")
    def run_json(ehlo):
        record = send(ehlo, "whole", **FAILURES["lost"][0])
        document = ehlo("shrink", "--json", record).json()
        if document["transcript"].encode() != ehlo("shrink", "-q", record).out or "output" in document:
            yield f"the transcript in the JSON is another: {document}"

    @case("shrink/keep")
    def run_keep(ehlo):
        record = send(ehlo, "whole", **FAILURES["message-refused"][0])
        texts = [ehlo("shrink", "-q", "--keep", what, record).out.decode() for what in ("outcome", "reply", "text")]
        if "5.7.1" in texts[0] or "spam" in texts[1] or "S: 554-5.7.1 spam\nS: 554 5.7.1 go away\n" not in texts[2]:
            yield f"kept is: {texts}"
        if not len(texts[0]) < len(texts[1]) < len(texts[2]):
            yield "more is kept, and it is no longer"

    @case("shrink/bounds")
    def run_bounds(ehlo):
        record = send(ehlo, "whole", **FAILURES["deferred"][0])
        before = outcome_of(ehlo, record)
        result = ehlo("shrink", record, "-o", "part.smtp", "--max-replays", "8")
        yield from want(result, 0, "a bound ended it")
        if outcome_of(ehlo, "part.smtp") != before:
            yield "it comes to another end"
        if ehlo("shrink", record, "--json", "--max-replays", "8").json()["replays"] > 8:
            yield "there were more replays than were allowed"

    @case("shrink/diverges")
    def run_diverges(ehlo):
        record = send(ehlo, "whole")
        text = record.read_text("ascii").replace("C: RCPT TO:<carol@", "C: RCPT TO:<dave@")
        pathlib.Path(ehlo.directory, "other.smtp").write_text(text, "ascii")
        result = ehlo("shrink", "other.smtp", "-o", "small.smtp")
        yield from want(result, 0, "it diverges: expected .*dave.* got .*carol")
        before, after = (ehlo("replay", "--json", path).json()["results"][0]["divergence"] for path in
                         ("other.smtp", "small.smtp"))
        if (before["expected"], before["got"]) != (after["expected"], after["got"]):
            yield f"it diverges otherwise: {before}, {after}"
        if pathlib.Path(ehlo.directory, "small.smtp").stat().st_size * 4 > len(text):
            yield "it is not small"

    bad = {
        "no-transcript": (b"S: 220 a\nhello\n", 65, r"bad\.smtp:2:1: "), "binary": (bytes(range(256)), 65, r"bad\.smtp:1:1: "),
        "huge": (b"# 3456789012345\n" * 1048577, 65, "16 MiB"), "as-large-as-it-may-be": (b"# 3456789\n" * 1000, 0, "kept"),
        "empty": (b"", 0, "items 0 -> 0"),
    }
    for name, (octets, status, err) in bad.items():
        @case(f"shrink/input/{name}")
        def run_bad(ehlo, octets=octets, status=status, err=err):
            pathlib.Path(ehlo.directory, "bad.smtp").write_bytes(octets)
            result = ehlo("shrink", "bad.smtp")
            yield from want(result, status, err)
            if status and result.out:
                yield "something was written"

    usage = {
        "nothing": ((), 64, "one FILE"), "two": (("a.smtp", "b.smtp"), 64, "one FILE"),
        "no-such-file": (("nowhere.smtp",), 66, "cannot read nowhere.smtp"), "directory": ((".",), 66, "cannot read"),
        "keep": (("--keep", "everything", "ok.smtp"), 64, "outcome, reply and text"),
        "seconds": (("--until-seconds", "0", "ok.smtp"), 64, "from 1 to 86400"),
        "seconds-word": (("--until-seconds", "1x", "ok.smtp"), 64, "from 1 to 86400"),
        "replays": (("--max-replays", "-1", "ok.smtp"), 64, "from 1 to"),
        "unwritable": (("-o", "nowhere/x.smtp", "ok.smtp"), 73, "cannot write nowhere/x.smtp"),
        "full": (("-o", "/dev/full", "ok.smtp"), 73, "cannot write /dev/full"),
    }
    for name, (arguments, status, err) in usage.items():
        @case(f"shrink/usage/{name}")
        def run_usage(ehlo, arguments=arguments, status=status, err=err):
            pathlib.Path(ehlo.directory, "ok.smtp").write_text("S: 220 a\nC: QUIT\nS: 221 b\n")
            yield from want(ehlo("shrink", *arguments), status, err)

    @case("shrink/in-place")
    def run_in_place(ehlo):
        path = pathlib.Path(ehlo.directory, "ok.smtp")
        path.write_text("S: 220 a\nC: NOOP\nS: 250 b\nC: QUIT\nS: 221 c\n")
        yield from want(ehlo("shrink", "ok.smtp", "-o", "ok.smtp"), 0)
        if path.read_text() != "S: 220\nC: NOOP\nS: 250\nC: QUIT\nS: 221\n" or len(os.listdir(ehlo.directory)) != 1:
            yield f"it is {path.read_text()!r} among {os.listdir(ehlo.directory)}"

    @case("shrink/progress")
    def run_progress(ehlo):
        record = send(ehlo, "whole", **FAILURES["auth-refused"][0])
        for arguments, shown in (((), True), (("-q",), False)):
            octets = on_terminal(ehlo, "shrink", "-o", "small.smtp", *arguments, record)
            if bool(re.search(rb"\r\x1b\[Kitems: \d+ lines of \d+, \d+ bytes, \d+ replays", octets)) != shown:
                yield f"with {arguments} the terminal shows {octets!r}"
            if shown and not re.search(rb"\r\x1b\[Kkept: auth-refused at auth", octets):
                yield f"the progress is not wiped away: {octets!r}"


def on_terminal(ehlo, *arguments, stdout=False, **variables):
    """What the program writes to a terminal that is its standard error, or its standard output."""
    ours, theirs = pty.openpty()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(ehlo.directory), "LC_ALL": "C.UTF-8", "TERM": "xterm", **variables}
    with subprocess.Popen([ehlo.program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=theirs if stdout else subprocess.DEVNULL, stderr=subprocess.DEVNULL if stdout else theirs,
                          cwd=ehlo.directory, env=environment) as process:
        os.close(theirs)
        octets = b""
        try:
            while more := os.read(ours, 65536):
                octets += more
        except OSError:
            pass  # the program is gone
        os.close(ours)
        process.wait(RUN_BOUND)
    return octets


# ---- diff --------------------------------------------------------------------------------------------------------

TLS12 = tls_context(bench.directory)
TLS12.maximum_version = ssl.TLSVersion.TLSv1_2
OTHER_CERTIFICATE = tls_context(other_certificates)

# What is another with B's server or client: the stage, kind and sentence of the first difference.
DIFFERENCES = {
    "greeting": (dict(replies={"greeting": "554 5.7.1 not you"}), "greeting", "reply",
                 r"A was answered 220 to the greeting, B 554 5\.7\.1"),
    "capability-before-tls": (dict(clear_offers=("VRFY",)), "ehlo", "capability", "A offers no VRFY before TLS"),
    "no-auth": (dict(auth=""), "ehlo", "capability", "B offers no AUTH after TLS"),
    "mechanisms": (dict(auth="PLAIN XOAUTH2"), "ehlo", "capability",
                   "A offers AUTH PLAIN LOGIN, B AUTH PLAIN XOAUTH2 after TLS"),
    "starttls": (dict(replies={"STARTTLS": "454 4.7.0 not now"}), "starttls", "reply",
                 r"A was answered 220 2\.0\.0 to STARTTLS, B 454 4\.7\.0"),
    "tls-version": (dict(tls=TLS12), "tls", "tls", r"the TLS version of A is TLSv1\.3, of B TLSv1\.2"),
    "certificate": (dict(tls=OTHER_CERTIFICATE, ca=other_certificates / "ca.pem"), "tls", "tls",
                    r"the TLS certificate of A is \w+, of B \w+"),
    "untrusted": (dict(tls=OTHER_CERTIFICATE), "tls", "tls", r"TLS failed for B \(.*\), and not for A"),
    "auth": (dict(replies={"AUTH": "535 5.7.8 no"}), "auth", "reply", r"A was answered 235 2\.7\.0 to AUTH, B 535 5\.7\.8"),
    "mail": (dict(replies={"MAIL": "550 5.7.1 no"}), "mail", "reply", r"A was answered 250 2\.1\.0 to MAIL, B 550 5\.7\.1"),
    "second-recipient": (dict(replies={"RCPT 2": "550 5.1.1 who"}), "rcpt", "reply",
                         r"A was answered 250 2\.1\.5 to the second RCPT, B 550 5\.1\.1"),
    "data": (dict(replies={"DATA": "451 4.3.0 later"}), "data", "reply", r"A was answered 354 to DATA, B 451 4\.3\.0"),
    "message-refused": (dict(replies={"message": "554 5.6.0 no"}), "body", "reply",
                        r"A was answered 250 2\.0\.0 to the message, B 554 5\.6\.0"),
    "closed": (dict(leave="MAIL"), "mail", "reply", r"A was answered 250 2\.1\.0 to MAIL, B was not"),
    "slow": (dict(waits={"message": 3}), "body", "timing", r"B took [23456]\.\d s longer to answer the message"),
    "message": (dict(message=MESSAGE.replace(b"Hello Bob", b"Hello Eve")), "body", "message",
                'the messages differ from line 6 on: A has "Hello Bob.", B "Hello Eve."'),
}


def cases_diff():
    for name, (server, stage, kind, sentence) in DIFFERENCES.items():
        @case(f"diff/{name}")
        def run(ehlo, server=server, stage=stage, kind=kind, sentence=sentence):
            a, b = send(ehlo, "a"), send(ehlo, "b", **server)
            for names, first in (((a, b), True), ((b, a), False)):
                result = ehlo("diff", "--json", *names)
                yield from want(result, 1)
                document = result.json()
                found = document["first"]
                if first and (found["stage"], found["kind"]) != (stage, kind):
                    yield f"the first difference is another: {found}"
                if first and not re.match(sentence, found["sentence"]):
                    yield f"it is told as {found['sentence']!r}"
                if document["same"] or not found["matters"] or document["differences"][0] != found:
                    yield f"the JSON contradicts itself: {document}"
            people = ehlo("diff", a, b)
            yield from want(people, 1)
            if not re.match(rf"{stage} +{sentence}", people.out.decode()):
                yield "people are told something else"

    @case("diff/same")
    def run_same(ehlo):
        a, b = send(ehlo, "a"), send(ehlo, "b", message=MESSAGE.replace(b"10:00:00", b"10:00:01"))
        result = ehlo("diff", a, b)
        yield from want(result, 0)
        if b"nothing that matters differs" not in result.out or b"the words of the reply to the message differ" not in result.out:
            yield "it is not told what differs in words alone"
        itself = ehlo("diff", a, a)
        yield from want(itself, 0)
        if itself.out != b"the sessions are the same\n":
            yield f"with itself: {itself.out!r}"
        piped = ehlo("diff", "-", b, stdin=a.read_bytes())
        if piped.out != result.out or piped.status != 0:
            yield "from standard input it is another"

    @case("diff/mechanism")
    def run_mechanism(ehlo):
        a, b = send(ehlo, "a"), pathlib.Path(ehlo.directory, "b.smtp")
        text = a.read_text("ascii")
        b.write_text(re.sub(r"C: AUTH PLAIN", "C: AUTH XOAUTH2", text), "ascii")
        found = ehlo("diff", "--json", a, b).json()["first"]
        if (found["kind"], found["sentence"]) != ("mechanism", "A logs in by PLAIN, B by XOAUTH2"):
            yield f"it is told as {found}"

    @case("diff/colour")
    def run_colour(ehlo):
        a, b = send(ehlo, "a"), send(ehlo, "b", **DIFFERENCES["mail"][0])
        plain = ehlo("diff", a, b).out
        if b"\x1b" in plain:
            yield "there is colour in a pipe"
        if b"\x1b[1m" not in on_terminal(ehlo, "diff", a, b, stdout=True):
            yield "there is no colour on a terminal"
        if b"\x1b" in on_terminal(ehlo, "diff", a, b, stdout=True, NO_COLOR="1"):
            yield "NO_COLOR is not respected"
        for command in (("diff", a, b), ("show", a)):
            if b"\x1b[" not in ehlo(*command, "--color", "always", NO_COLOR="1").out:
                yield f"{command[0]}: --color always has no colour"
            if b"\x1b[" in on_terminal(ehlo, *command, "--color=never", stdout=True):
                yield f"{command[0]}: --color never has colour"

    @case("diff/hostile-words")
    def run_hostile(ehlo):
        a, b = send(ehlo, "a"), send(ehlo, "b", replies={"MAIL": "550 5.7.1 \x1b[31mred\x07", "greeting": "220 \x1b]0;x\x07"})
        yield from want(ehlo("diff", a, b), 1)
        yield from want(ehlo("diff", "--json", a, b), 1)

    bad = {
        "nothing": ((), 64, "two files"), "one": (("ok.smtp",), 64, "two files"),
        "three": (("ok.smtp", "ok.smtp", "ok.smtp"), 64, "two files"), "both-stdin": (("-", "-"), 64, "only one"),
        "bad-a": (("bad.smtp", "ok.smtp"), 65, r"bad\.smtp:2:1: "), "bad-b": (("ok.smtp", "bad.smtp"), 65, r"bad\.smtp:2:1: "),
        "no-a": (("nowhere", "ok.smtp"), 66, "cannot read nowhere"), "no-b": (("ok.smtp", "nowhere"), 66, "cannot read nowhere"),
        "option": (("--colour", "ok.smtp", "ok.smtp"), 64, "not known"),
    }
    for name, (arguments, status, err) in bad.items():
        @case(f"diff/usage/{name}")
        def run_bad(ehlo, arguments=arguments, status=status, err=err):
            pathlib.Path(ehlo.directory, "ok.smtp").write_text("S: 220 a\nC: QUIT\nS: 221 b\n")
            pathlib.Path(ehlo.directory, "bad.smtp").write_text("S: 220 a\nC QUIT\n")
            yield from want(ehlo("diff", *arguments), status, err)

    @case("diff/long")
    def run_long(ehlo):
        def write(name, last):
            with open(pathlib.Path(ehlo.directory, name), "w", encoding="ascii") as file:
                file.write("S: 220 a\nC: DATA\nS: 354 b\n")
                for n in range(300000):
                    file.write(f"C: line {n} of a message that is much longer than what is kept of it{'!' * 60}\n")
                file.write(f"C: {last}\nC: .\nS: 250 c\n")
            return name
        a, b = write("a.smtp", "end"), write("b.smtp", "END")
        result = ehlo("diff", a, b, "--json")
        yield from want(result, 1)
        if not result.json()["first"]["sentence"].startswith("the messages differ far inside"):
            yield f"it is told as {result.json()['first']}"
        yield from want(ehlo("diff", a, a), 0)


# ---- Memory ------------------------------------------------------------------------------------------------------


def cases_memory():
    max_rss = bench.programs[1]
    if "ASAN_OPTIONS" in os.environ:
        return  # a sanitizer's memory is not the program's

    def judge(ehlo, most, status, *arguments):
        def measure(*command):
            result = Ehlo(max_rss, ehlo.directory, ehlo.on_result)(*command)
            return result.status, int(result.err.split()[-1])
        found, used = measure(ehlo.program, *arguments)
        used -= measure(max_rss)[1]
        print(f"memory: {' '.join(arguments)}: {used} KiB more than an empty program, {most} allowed")
        if found != status or used > most:
            yield f"{arguments}: {used} KiB are more than {most}, or exit status {found} is not {status}"

    @case("memory/long")
    def _(ehlo):
        for name, letter in (("a.smtp", "a"), ("b.smtp", "b")):
            with open(ehlo.directory / name, "w", encoding="ascii") as file:
                file.write("S: 220 a\nC: EHLO a\nS: 250 a\n")
                for n in range(100000):
                    file.write(f"C: NOOP {letter}{n} {letter * 40}\nS: 250 {n} {letter * 40}\n")
                file.write("C: DATA\nS: 354 a\n" + f"C: {letter * 900}\n" * 30000 + "C: .\nS: 250 a\n")
        yield from judge(ehlo, DIFF_MEMORY_MAX, 1, "diff", "a.smtp", "b.smtp")

    @case("memory/huge")
    def _(ehlo):
        with open(ehlo.directory / "x.smtp", "wb") as file:
            file.write(b"S: 220 x\nC: ")
            file.truncate(1 << 34)
        yield from judge(ehlo, DIFF_MEMORY_MAX, 65, "diff", "x.smtp", "x.smtp")
        yield from judge(ehlo, SHRINK_MEMORY_MAX, 65, "shrink", "x.smtp")

    @case("memory/as-long-as-it-may-be")
    def _(ehlo):
        with open(ehlo.directory / "x.smtp", "w", encoding="ascii") as file:
            file.write("S: 220 a\n" + "C: NOOP 567\nS: 250 9\n" * 499000)
        yield from judge(ehlo, SHRINK_MEMORY_MAX, 0, "shrink", "--max-replays", "4", "-o", "y.smtp", "x.smtp")


cases_shrink()
cases_diff()
cases_memory()
sys.exit(bench.run())
