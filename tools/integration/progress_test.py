#!/usr/bin/python3
"""How far a large message has gone is shown on a terminal, taken away again, and shown nowhere else.

usage: progress_test.py EHLO [-- PATTERN]
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, MESSAGE, Server
from terminal import Tmux

bench = Bench("progress_test.py")
SEND = ("--tls", "none", "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--transfer", "data")


def case(name):
    return lambda run: bench.add(name, lambda ehlo: run(ehlo) or ())


def slow(seconds):
    """Takes a message after it waited, twice: the line is drawn in between."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250 mail.ehlo.test")
        peer.expect("MAIL")
        peer.say("250 ok")
        peer.expect("RCPT")
        peer.say("250 ok")
        peer.expect("DATA")
        peer.say("354 go on")
        for octets in (4 << 20, 8 << 20):
            time.sleep(seconds)
            peer.hear_octets(octets)
        peer.hear_message()
        peer.say("250 taken")
        peer.expect("QUIT")
        peer.say("221 bye")
        peer.close()
    return script


def large(ehlo):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE + (b"x" * 70 + b"\n") * 350000)


@case("on-a-terminal")
def _(ehlo):
    large(ehlo)
    with Server(slow(1.2), None, receive_buffer=65536) as server:
        with Tmux(ehlo, "send", f"127.0.0.1:{server.port}", *SEND) as terminal:
            terminal.expect(r"message: \d+\.\d of 24\.\d MB, \d+ %, \d+\.\d\d MB/s, \d+ s left")
            terminal.expect("status 0")
            if "MB/s" in terminal.screen():
                yield f"the line stays: {terminal.screen()}"


@case("nowhere-else")
def _(ehlo):
    large(ehlo)
    with Server(slow(1.2), None, receive_buffer=65536) as server:
        result = ehlo("send", f"127.0.0.1:{server.port}", *SEND)
        if b"MB/s" in result.out + result.err or result.status != 0:
            yield result.describe()
    with Server(slow(1.2), None, receive_buffer=65536) as server:
        with Tmux(ehlo, "send", f"127.0.0.1:{server.port}", *SEND, "-q") as terminal:
            time.sleep(2)
            if "MB/s" in terminal.screen():
                yield f"it is shown with -q: {terminal.screen()}"
            terminal.expect("status 0")


sys.exit(bench.run())
