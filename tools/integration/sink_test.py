#!/usr/bin/python3
"""--record and --record-on-failure of ehlo: the name, the moment and the completeness of the file.

What stands in a record is for other tests; here it is when it is there, and what a kill, a full disk or an older file
of that name make of it.

    sink_test.py EHLO [-- PATTERN]
"""

import os
import re
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import MESSAGE, USER, Bench, Server, spoken
from model import FINAL, Model

bench = Bench("sink_test.py")

SEND = ("--tls", "none", "--timeout", "10", "--from", USER, "--to", "bob@ehlo.test", "--data", "message.eml")
OLDER = b"S: 220 an older session\n"


def case(name):
    return lambda run: bench.add(name, run)


def serve(plan=None, capabilities=("8BITMIME",)):
    return Server(Model(plan, capabilities), None)


def send(ehlo, server, *options, message=MESSAGE, **more):
    (ehlo.directory / "message.eml").write_bytes(message)
    return ehlo("send", f"127.0.0.1:{server.port}", *SEND, *options, **more)


def files(ehlo):
    return sorted(p.name for p in ehlo.directory.iterdir() if p.name != "message.eml")


def want(result, status, err=""):
    if result.status != status:
        yield f"exit status {result.status}, and it should be {status}"
    if not re.search(err, result.err.decode()):
        yield f"standard error has no {err!r}"


def want_files(ehlo, *names):
    if files(ehlo) != sorted(names):
        yield f"the files are {files(ehlo)}, and should be {sorted(names)}"


# ---- The name ----------------------------------------------------------------------------------------------------


@case("name/new")
def _(ehlo):
    with serve() as server:
        yield from want(send(ehlo, server, "--record", "x.smtp"), 0)
    yield from want_files(ehlo, "x.smtp")
    if (mode := (ehlo.directory / "x.smtp").stat().st_mode & 0o777) != 0o600:
        yield f"the mode of the record is {mode:o}"


@case("name/replaces-whole")
def _(ehlo):
    """The older file is not touched: who has it open still reads all of it."""
    path = ehlo.directory / "x.smtp"
    path.write_bytes(OLDER)
    with open(path, "rb") as older, serve() as server:
        yield from want(send(ehlo, server, "--record", "x.smtp"), 0)
        if older.read() != OLDER:
            yield "the older file was written into"
    if not path.read_bytes().startswith(b"! ehlo-transcript 1\n"):
        yield "the older file is still there"
    yield from want_files(ehlo, "x.smtp")


@case("name/nothing-happened")
def _(ehlo):
    """A command that ends before there is a session leaves the older file, and nothing besides."""
    (ehlo.directory / "x.smtp").write_bytes(OLDER)
    result = ehlo("probe", "127.0.0.1:1", "--ca-file", "nowhere.pem", "--record", "x.smtp")
    yield from want(result, 66)
    if (ehlo.directory / "x.smtp").read_bytes() != OLDER:
        yield "the older record is gone"
    yield from want_files(ehlo, "x.smtp")


@case("name/link")
def _(ehlo):
    """A link is followed and stays one; so does a file with two names."""
    (ehlo.directory / "target").write_bytes(OLDER)
    (ehlo.directory / "x.smtp").symlink_to("target")
    (ehlo.directory / "y.smtp").write_bytes(OLDER)
    os.link(ehlo.directory / "y.smtp", ehlo.directory / "z.smtp")
    with serve() as server:
        yield from want(send(ehlo, server, "--record", "x.smtp"), 0)
        yield from want(send(ehlo, server, "--record", "y.smtp"), 0)
    for name in ("target", "z.smtp"):
        if not (ehlo.directory / name).read_bytes().startswith(b"! ehlo-transcript 1\n"):
            yield f"{name} is not the record"
    if not (ehlo.directory / "x.smtp").is_symlink():
        yield "the link is gone"


@case("name/pipe")
def _(ehlo):
    os.mkfifo(ehlo.directory / "x.smtp")
    read = []
    reader = threading.Thread(target=lambda: read.append((ehlo.directory / "x.smtp").read_bytes()))
    reader.start()
    with serve() as server:
        yield from want(send(ehlo, server, "--record", "x.smtp"), 0)
    reader.join(10)
    if not read or b"C: QUIT\n" not in read[0]:
        yield f"the pipe gave {read}"


@case("name/cannot-be-written")
def _(ehlo):
    with serve() as server:
        for path in ("/nowhere/x.smtp", ".", "message.eml/x", "x" * 300):
            for option in ("--record", "--record-on-failure"):
                yield from want(send(ehlo, server, option, path), 73, re.escape(path))
        yield from want(send(ehlo, server, "--record", "x.smtp", "--record-on-failure", "y.smtp"), 64, "exclude")
    if server.peers:
        yield "there was a session all the same"
    yield from want_files(ehlo)


# ---- The moment --------------------------------------------------------------------------------------------------


def kill_in_the_message(ehlo, option):
    """SIGKILL once the server has the whole message: what the record is then, by whichever name it has."""
    killed, pids = threading.Event(), []

    def kill(peer):
        os.kill(pids[0], signal.SIGKILL)
        killed.set()
        peer.drain()

    with serve({FINAL: kill}) as server:
        result = send(ehlo, server, option, "x.smtp", on_start=pids.append, message=MESSAGE * 2000)
        heard = bytes(server.peers[0].heard)
    yield from want(result, -signal.SIGKILL)
    left = [p for p in ehlo.directory.iterdir() if p.name.startswith("x.smtp")]
    if not killed.is_set() or len(left) != 1:
        yield f"what is left: {files(ehlo)}"
    elif spoken(left[0].read_bytes(), "C") != heard:
        yield "what was sent is not in the record"
    elif (left[0].name == "x.smtp") != (option == "--record"):
        yield f"the record is named {left[0].name}"


@case("moment/killed")
def _(ehlo):
    yield from kill_in_the_message(ehlo, "--record")


@case("moment/killed-before-it-was-known")
def _(ehlo):
    yield from kill_in_the_message(ehlo, "--record-on-failure")


@case("moment/as-it-happens")
def _(ehlo):
    """Each command is in the record by the time that the server has it, but for what is on its way."""
    seen = {}

    def look(verb):
        def act(peer):
            seen[verb] = (ehlo.directory / "x.smtp").read_bytes()
            peer.say("250 2.0.0 fine")
        return act

    class Watched(Model):
        def __call__(self, peer):
            peer.say("220 mail.ehlo.test ESMTP")
            while (line := peer.hear()) is not None and not line.startswith(b"DATA"):
                look(line[:4].decode())(peer)
            peer.say("554 5.0.0 no")
            peer.drain()

    with Server(Watched(), None) as server:
        yield from want(send(ehlo, server, "--record", "x.smtp"), 69)
    for verb, before in (("EHLO", b"S: 220 mail"), ("MAIL", b"C: EHLO "), ("RCPT", b"C: MAIL ")):
        if before not in seen.get(verb, b""):
            yield f"at {verb} the record had no {before}"


# ---- Only after a failure ----------------------------------------------------------------------------------------


@case("on-failure/success")
def _(ehlo):
    (ehlo.directory / "x.smtp").write_bytes(OLDER)
    with serve() as server:
        result = send(ehlo, server, "--record-on-failure", "x.smtp")
    yield from want(result, 0)
    if b"recorded" in result.out:
        yield "it says that there is a record"
    if (ehlo.directory / "x.smtp").read_bytes() != OLDER:
        yield "the older record is gone"
    yield from want_files(ehlo, "x.smtp")


@case("on-failure/refused")
def _(ehlo):
    with serve({"RCPT": "550 5.1.1 no such user"}) as server:
        result = send(ehlo, server, "--record-on-failure", "x.smtp")
    yield from want(result, 69)
    if b"recorded in x.smtp" not in result.out:
        yield "it does not say where the record is"
    yield from want_files(ehlo, "x.smtp")
    yield from want(ehlo("replay", "x.smtp"), 0)


@case("on-failure/not-connected")
def _(ehlo):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE)
    yield from want(ehlo("send", "127.0.0.1:1", *SEND, "--record-on-failure", "x.smtp"), 74)
    yield from want_files(ehlo, "x.smtp")
    yield from want(ehlo("replay", "x.smtp"), 0)


@case("on-failure/device")
def _(ehlo):
    with serve() as server:
        yield from want(send(ehlo, server, "--record-on-failure", "/dev/null"), 73, "no regular file")
    if server.peers:
        yield "there was a session all the same"


# ---- A full disk -------------------------------------------------------------------------------------------------


@case("full/device")
def _(ehlo):
    with serve() as server:
        result = send(ehlo, server, "--record", "/dev/full", "--json")
    yield from want(result, 73, "/dev/full is incomplete from here on: No space left")
    if result.json()["outcome"] != "accepted" or len(server.peers[0].books) != 1:
        yield "the session did not go on"


def with_file_limit(ehlo, octets):
    """A program that cannot make files longer than that: EFBIG, where a full disk has ENOSPC."""
    wrapper = ehlo.directory.parent / f"limit-{ehlo.directory.name}.py"
    wrapper.write_text("import os, resource, sys\n"
                       f"resource.setrlimit(resource.RLIMIT_FSIZE, ({octets}, {octets}))\n"
                       "os.execv(sys.argv[1], sys.argv[1:])\n")
    program = ehlo.program
    ehlo.program = sys.executable
    run = lambda *arguments, **more: ehlo(str(wrapper), program, *arguments, **more)
    run.directory = ehlo.directory
    return run


@case("full/in-the-middle")
def _(ehlo):
    """What is there is whole lines, a beginning of the session, and reads as a transcript."""
    program = ehlo.program
    for octets in (1, 15, 30, 400, 1000, 2500):
        with serve() as server:
            result = send(with_file_limit(ehlo, octets), server, "--record", "x.smtp", message=MESSAGE * 50)
        ehlo.program = program
        yield from want(result, 73, "x.smtp is incomplete from here on: File too large")
        if result.err.count(b"\n") != 1 or len(server.peers[0].books) != 1:
            yield f"at {octets}: the session did not go on, or it was told more than once"
        path = ehlo.directory / "x.smtp"
        record = path.read_bytes() if path.exists() else b""
        if record and (not record.endswith(b"\n") or len(record) > octets):
            yield f"at {octets}: {len(record)} octets, the last {record[-20:]}"
        if not bytes(server.peers[0].heard).startswith(spoken(record, "C").rstrip(b"\r\n")):
            yield f"at {octets}: the record is not what was sent"
        if record:
            yield from want(ehlo("show", "--json", "x.smtp"), 0)
            path.unlink()
        yield from want_files(ehlo)


@case("full/failure-counts-more")
def _(ehlo):
    program = ehlo.program
    with serve({"RCPT": "550 5.1.1 no such user"}) as server:
        result = send(with_file_limit(ehlo, 300), server, "--record", "x.smtp")
    ehlo.program = program
    yield from want(result, 69, "x.smtp is incomplete from here on")


@case("full/nobody-wants-it")
def _(ehlo):
    """A record that is not kept may be incomplete."""
    program = ehlo.program
    with serve() as server:
        result = send(with_file_limit(ehlo, 300), server, "--record-on-failure", "x.smtp")
    ehlo.program = program
    yield from want(result, 0, "incomplete from here on")
    yield from want_files(ehlo)


sys.exit(bench.run())
