#!/usr/bin/python3
"""A signal in the middle of a session: QUIT where the state allows it, a record that replays as far as it went, and an
end by the signal.

usage: interrupt_test.py EHLO [-- PATTERN]
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, MESSAGE, RUN_BOUND, Server

bench = Bench("interrupt_test.py")
SEND = ("--tls", "none", "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--transfer", "data", "--record", "s.smtp")
REPLIES = {"EHLO": "250 mail.ehlo.test", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on"}


class Stalling:
    """Says nothing any more at a stage; what comes then is kept."""

    def __init__(self, stage):
        self.stage, self.reached, self.rest = stage, threading.Event(), []

    def __call__(self, peer):
        if self.stage != "greeting":
            peer.say("220 mail.ehlo.test")
            for verb, reply in REPLIES.items():
                peer.expect(verb)
                if verb == self.stage:
                    break
                peer.say(reply)
            else:
                peer.hear_message()
        self.reached.set()
        while (line := peer.hear()) is not None:
            self.rest.append(line)
            peer.say("221 bye")
        peer.close()


def interrupted(ehlo, stage, numbers, command="send", arguments=SEND, settle=0.3):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE)
    stall = Stalling(stage)
    with Server(stall, None) as server:
        process = subprocess.Popen([ehlo.program, command, f"127.0.0.1:{server.port}", *arguments], cwd=ehlo.directory, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        stall.reached.wait(RUN_BOUND)
        time.sleep(settle)
        for number in numbers:
            process.send_signal(number)
        out, err = process.communicate(timeout=RUN_BOUND)
    return process.returncode, out, err, stall.rest


for STAGE, POLITE in (("greeting", False), ("EHLO", True), ("MAIL", True), ("RCPT", True), ("DATA", False), ("body", True)):
    for NUMBER in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        def case(ehlo, stage=STAGE, polite=POLITE, number=NUMBER):
            status, out, err, rest = interrupted(ehlo, stage, [number])
            if status != -number:
                yield f"exit status {status}: {out} {err}"
            if (rest == [b"QUIT"]) != polite:
                yield f"the server heard {rest}"
            record = (ehlo.directory / "s.smtp").read_text()
            if "! note interrupted by a signal" not in record or b"interrupted" not in err:
                yield f"nobody says so: {err} {record}"
            if (replayed := ehlo("replay", "s.smtp")).status != 0:
                yield replayed.describe()
        bench.add(f"send/{STAGE}/{NUMBER.name}", case)


@(lambda run: bench.add("send/json", run))
def _(ehlo):
    import json
    status, out, _, rest = interrupted(ehlo, "MAIL", [signal.SIGINT], arguments=(*SEND, "--json"))
    if json.loads(out)["outcome"] != "stopped" or status != -signal.SIGINT or rest != [b"QUIT"]:
        yield f"{status} {out} {rest}"


@(lambda run: bench.add("probe", run))
def _(ehlo):
    status, _, _, _ = interrupted(ehlo, "EHLO", [signal.SIGINT], "probe", ("--tls", "none"))
    if status != -signal.SIGINT:
        yield f"exit status {status}"


@contextlib.contextmanager
def full():
    """A place where connections wait for ever: the queue of those to be accepted is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def mute():
    """A place that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=5) as listener:
        yield listener.getsockname()[1]


# Where a session has not begun: what is done, and what the place is for.
EARLY = {"connect": (full, lambda port: (f"127.0.0.1:{port}",)), "proxy": (mute, lambda port: ("mail.invalid", "--proxy", f"socks5://127.0.0.1:{port}")),
         "http-proxy": (mute, lambda port: ("mail.invalid", "--proxy", f"http://127.0.0.1:{port}")),
         "handshake": (mute, lambda port: (f"smtps://127.0.0.1:{port}",))}
for STAGE, (PLACE, ARGUMENTS) in EARLY.items():
    for COMMAND in ("send", "probe"):
        def early(ehlo, place=PLACE, arguments=ARGUMENTS, command=COMMAND):
            (ehlo.directory / "message.eml").write_bytes(MESSAGE)
            more = SEND[2:] if command == "send" else ("--record", "s.smtp", "--quick")
            with place() as port:
                process = subprocess.Popen([ehlo.program, command, *arguments(port), *more], cwd=ehlo.directory, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
                try:
                    out, err = process.communicate(timeout=RUN_BOUND)
                except subprocess.TimeoutExpired:
                    process.kill()
                    out, err = process.communicate()
            if process.returncode != -signal.SIGINT or b"interrupted" not in err or b"Source:" in out:
                yield f"exit status {process.returncode}: {out} {err}"
            if (replayed := ehlo("replay", "s.smtp")).status != 0:
                yield replayed.describe()
        bench.add(f"{COMMAND}/{STAGE}", early)

sys.exit(bench.run())
