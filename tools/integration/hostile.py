"""The frame of the hostile_….py tests: a case is a script for the server and what the client has to make of it.

ehlo runs twice, with --json and without, and probe as often where it gets that far; every time the exit status, outcome
and stage have to be right, the error a sentence that names the stage, the record complete and replayable, the screen
free of control characters, and the password nowhere. It takes bounded time whatever the server does.

What a test adds are its cases; it ends with sys.exit(bench.run()).
"""

import collections
import os
import re
import ssl
import sys
import time
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import (MESSAGE, PASSWORD, USER, Bench, Complaint, Server, base64_inside, first_difference,
                     make_certificates, secrets_in, spoken, tls_context, unsafe_characters, want_reproduced)
from model import judge_books

TIMEOUT = 1         # seconds, for --timeout
DRIP_INTERVAL = 0.3

# Exit statuses by what happened, as sysexits has them and ehlo's command line documents.
STATUS = {"accepted": 0, "usage": 64, "stopped": 0, "partial": 1, "refused": 69, "lost": 74, "deferred": 75, "timeout": 75,
          "protocol-error": 76, "auth-refused": 77, "tls-failed": 78, "unknown": 79}

bench = Bench(os.path.basename(sys.argv[0]))
make_certificates(bench.directory, odd_name="\x1b[31mred\u202e\x9b\x7f")
context = tls_context(bench.directory)
odd_context = tls_context(bench.directory, "odd")
old_context = tls_context(bench.directory)
old_context.set_ciphers("ALL:@SECLEVEL=0")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # this is what it warns of
    old_context.minimum_version = ssl.TLSVersion.TLSv1
    old_context.maximum_version = ssl.TLSVersion.TLSv1_1
(bench.directory / "password").write_text(PASSWORD + "\n")
(bench.directory / "message.eml").write_bytes(MESSAGE)
for name in ("one.eml", "two.eml", "three.eml"):
    (bench.directory / name).write_bytes(MESSAGE.replace(b"Hello", name.encode()))
(bench.directory / "big.eml").write_bytes(MESSAGE + (b"-" * 70 + b"\n") * 60000)


# ---- The good part of a session ------------------------------------------------------------------------------


def say_capabilities(peer, *capabilities):
    lines = ["mail.ehlo.test greets you", *capabilities]
    peer.say(*("250-" + line for line in lines[:-1]), "250 " + lines[-1])


def hello(peer, stage):
    """Greeting to EHLO under TLS; True once `stage` is reached."""
    if stage == "greeting":
        return True
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    if stage == "ehlo":
        return True
    say_capabilities(peer, "STARTTLS")
    peer.expect("STARTTLS")
    if stage == "starttls":
        return True
    peer.say("220 2.0.0 go ahead")
    if stage == "tls":
        peer.in_handshake = True
        return True
    peer.start_tls()
    peer.expect("EHLO")
    return stage == "ehlo-again"


def login(peer, stage):
    peer.expect("AUTH LOGIN")
    if stage == "auth":
        return True
    peer.say("334 VXNlcm5hbWU6")
    peer.hear()
    peer.say("334 UGFzc3dvcmQ6")
    peer.hear()
    if stage == "password":
        return True
    peer.say("235 2.7.0 welcome")
    return False


def envelope(peer, stage):
    for verb in ("MAIL", "RCPT", "DATA"):
        peer.expect(verb)
        if stage == verb.lower():
            return True
        peer.say("354 go ahead" if verb == "DATA" else "250 2.1.0 fine")
    return stage == "message"


# What a stage is called in a report, where that is another name.
STAGES = {"ehlo-again": "ehlo", "password": "auth", "message": "body"}


def walk(peer, stage, pipelining=False):
    """A good server up to the moment when the client awaits its word at `stage`."""
    if hello(peer, stage):
        return
    say_capabilities(peer, *["PIPELINING"] * pipelining, "8BITMIME", "AUTH LOGIN")
    if login(peer, stage) or envelope(peer, stage):
        return
    peer.hear_message()
    if stage == "body":
        return
    peer.say("250 2.0.0 queued")
    peer.expect("QUIT")


def end(peer):
    """The rest of a good session from the final reply on."""
    peer.all_seen()
    peer.expect("QUIT")
    peer.say("221 2.0.0 bye")
    peer.close_politely()


# ---- What a server does wrong ----------------------------------------------------------------------------------


def lets_go(peer):
    """Waits for the client to leave, and is polite about it."""
    try:
        while (line := peer.hear()) != b"QUIT":
            if line is None:
                return
        peer.say("221 2.0.0 bye")
    finally:
        peer.drain()


def says_raw(octets, then=lets_go):
    def wrong(peer):
        peer.say_raw(octets)
        peer.all_seen()
        then(peer)
    return wrong


def says(*lines, then=lets_go):
    return says_raw(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines), then)


def is_silent(peer):
    peer.all_seen()
    peer.drain()


def closes(peer):
    peer.all_seen()
    peer.close()


def closes_politely(peer):
    peer.all_seen()
    peer.close_politely()


def resets(peer):
    peer.all_seen()
    peer.reset()


def drips(peer):
    """A reply that is always about to end."""
    for octet in b"250-" + b"x" * 60:
        peer.say_raw(bytes([octet]))
        time.sleep(DRIP_INTERVAL)


def repeats(octets):
    def wrong(peer):
        while True:
            peer.say_raw(octets)
    return wrong


def at(stage, wrong, **server):
    def script(peer):
        walk(peer, stage, **server)
        wrong(peer)
    return script


def first(wrong, tls_first=False, in_handshake=False):
    """From the first octet on."""
    def script(peer):
        peer.in_handshake = in_handshake
        if tls_first:
            peer.start_tls()
        wrong(peer)
    return script


# ---- Cases -------------------------------------------------------------------------------------------------------

Case = collections.namedtuple("Case", "script outcome stage error options probe wants most_seconds message user scheme timeout server")


def has(pattern):
    """A want: this in the error."""
    def want(document):
        if not re.search(pattern, document["error"] or ""):
            yield f"the error has no {pattern!r}: {document['error']}"
    return want


def value(path, expected):
    def want(document):
        found = document
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else (found or {}).get(step)
        if found != expected:
            yield f"{path} is {found!r} and not {expected!r}"
    return want


def case(name, script, outcome, stage, *wants, options=(), probe=None, error=True, most_seconds=TIMEOUT + 3.0,
         message="message.eml", user=True, scheme="", timeout=TIMEOUT, **server):
    """`probe`: its outcome and stage, True where they are the same; `error`: whether a sentence is due; `message`: its
    file, or a tuple of them; `user`: whether to log in."""
    if probe is True:
        probe = outcome, stage
    c = Case(script, outcome, stage, error, options, probe, wants, most_seconds, message, user, scheme, timeout, server)
    for command in ["send"] + ["probe"] * bool(probe):
        for json in (True, False):
            bench.add(f"{name}/{command}{'-json' * json}", lambda ehlo, command=command, json=json: run(
                ehlo, c, command, json))


def paths(c):
    return [bench.directory / name for name in (c.message if isinstance(c.message, tuple) else (c.message,))]


def arguments(c, command, port, json):
    yield from (command, f"{c.scheme}127.0.0.1:{port}", "--helo", "client.ehlo.test", "--record",
                "session.smtp")
    yield from ("--timeout", c.timeout) if c.timeout else ()
    yield from ("--ca-file", bench.directory / "ca.pem") if "--tls=none" not in c.options else ()
    yield from ("--user", USER, "--password-file", bench.directory / "password") if c.user else ()
    yield from c.options
    if command == "send":
        yield from ("--from", USER)
        for path in paths(c):
            yield from ("--data", path)
        yield from () if "--to" in c.options else ("--to", "bob@ehlo.test")
    if json:
        yield "--json"


def run(ehlo, c, command, json):
    outcome, stage = (c.outcome, c.stage) if command == "send" else c.probe
    with Server(c.script, **{"context": context, **c.server}) as server:
        result = ehlo(*arguments(c, command, server.port, json))
    yield from server.complaints
    if result.status != STATUS[outcome]:
        yield f"exit status {result.status}, and {outcome} is {STATUS[outcome]}"
    error_due = c.error and outcome not in ("accepted", "stopped")
    if json:
        yield from judge_json(result, c, outcome, stage, error_due)
        if hasattr(server.peers[0], "books") and command == "send":
            yield from judge_books(result.json(), server.peers[0].books, paths(c))
    else:
        yield from judge_words(result, command, outcome, stage, error_due)
    yield from judge_record(ehlo, server.peers[0], outcome, stage, json)
    yield from want_reproduced(ehlo, result, "session.smtp")
    yield from judge_text(ehlo, result)


def judge_json(result, c, outcome, stage, error_due):
    document = result.json()
    if (document["outcome"], document["stage"]) != (outcome, stage):
        yield f"{document['outcome']} at {document['stage']}, and it should be {outcome} at {stage}"
    if result.err:
        yield "with --json there is something on standard error"
    yield from judge_error(document["error"], stage, error_due)
    if document["seconds"] > c.most_seconds:
        yield f"it took {document['seconds']} s, and {c.most_seconds} are enough"
    for want in c.wants:
        yield from want(document) if "recipients" in document else ()


def judge_words(result, command, outcome, stage, error_due):
    err = result.err.decode("utf-8", "replace")
    if not error_due:
        if err:
            yield "nothing was wrong, and something is on standard error"
    elif not (err.startswith("ehlo: ") and err.endswith("\n") and err.count("\n") == 1):
        yield f"standard error is not one line of ehlo's: {err!r}"
    else:
        yield from judge_error(err[6:-1], stage, True)
    verdict = outcome if outcome in ("accepted", "partial") else f"{outcome} at {stage}"
    if command == "send" and not re.search(rf"^{verdict}\b", result.out.decode("utf-8", "replace"), re.M):
        yield f"no line begins with {verdict!r}"


def judge_error(error, stage, due):
    """One sentence that names the stage."""
    if not due:
        if error is not None:
            yield f"nothing was wrong, and the error is {error!r}"
    elif not error or len(error) > 600:
        yield f"the error is no sentence: {error!r}"
    elif stage != "quit" and not re.search(rf"\b{stage}\b", error):
        yield f"the error does not name the stage {stage}: {error}"


def judge_record(ehlo, peer, outcome, stage, json):
    """It has what was on the wire, and gives the same again."""
    record = (ehlo.directory / "session.smtp").read_bytes()
    said, heard = spoken(record, "S"), spoken(record, "C")
    difference = first_difference(bytes(peer.said), said)
    if difference:
        yield f"the record differs in what the server said: {difference}"
    missing = peer.said[:peer.must_be_recorded].count(b"\n") - said.count(b"\n")
    if missing > 0:
        yield f"the record lacks the last {missing} lines of the server"
    difference = first_difference(bytes(peer.heard), heard)
    if difference:
        yield f"the record differs in what the client said: {difference}"
    if peer.heard.count(b"\n") > heard.count(b"\n"):
        yield "the record lacks the last lines of the client"
    if f"= outcome {outcome} at {stage}\n".encode() not in record:
        yield "the record does not have the outcome"
    if json:
        result = ehlo("replay", "--json", "--chunks", "all", "session.smtp")
        replayed = {(r["outcome"], r["stage"]) for r in result.json()["results"]}
        if replayed != {(outcome, stage)}:
            yield f"replayed, it is {replayed}"
    else:
        result = ehlo("replay", "session.smtp")
    if result.status != 0:
        yield f"the record does not replay: exit status {result.status}"
    result = ehlo("show", "session.smtp", *["--verbose"] * json)
    if result.status != 0:
        yield "the record cannot be shown"
    yield from judge_output(f"show {json}", result)


def judge_text(ehlo, result):
    yield from judge_output("ehlo", result)
    record = (ehlo.directory / "session.smtp").read_bytes()
    for how in secrets_in(record):
        yield f"the password is in the record {how}"
    if re.search(rb"[^\n -~]", record):
        yield "the record is not printable ASCII"


def judge_output(what, result):
    for name, octets in (("standard output", result.out), ("standard error", result.err)):
        for how in secrets_in(octets):
            yield f"{what}: the password is on {name} {how}"
        if wrong := unsafe_characters(octets):
            yield f"{what}: {name} has what a terminal would obey: {wrong}"
