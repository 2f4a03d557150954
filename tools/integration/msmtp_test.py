#!/usr/bin/python3
"""ehlo sendmail beside msmtp: the same command line and the same message, and both have to send to the same recipients,
or both to refuse. The server is aiosmtpd.

usage: msmtp_test.py EHLO [-- PATTERN]
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from aiosmtpd.controller import Controller

import dovecot
from harness import Bench

bench = Bench("msmtp_test.py")

# Arguments behind the account, and the message.
CASES = {
    "fields": (("-t",), "To: b@x.test, Carol <c@x.test>\nCc: d@x.test\nBcc: e@x.test\n"),
    "command-line-too": (("-t", "z@x.test"), "To: b@x.test\n"),
    "command-line-alone": (("b@x.test", "c@x.test"), "To: d@x.test\n"),
    "behind-dashes": (("--", "-b@x.test"), "To: d@x.test\n"),
    "group": (("-t",), "To: g: a@x.test, b@x.test;, c@x.test\n"),
    "empty-group": (("-t",), "To: undisclosed-recipients:;\nBcc: c@x.test\n"),
    "quoted-comma": (("-t",), 'To: "a, b" <c@x.test>, d@x.test (co, mment)\n'),
    "encoded-comma": (("-t",), "To: =?utf-8?q?a=2C_b?= <a@x.test>\n"),
    "folded": (("-t",), "To: a@x.test,\n b@x.test,\n\tc@x.test\n"),
    "field-twice": (("-t",), "To: a@x.test\nTo: b@x.test\n"),
    "crlf": (("-t",), "To: a@x.test\r\nCc: b@x.test\r\n"),
    "resent": (("-t",), "Resent-To: r@x.test\nResent-Cc: s@x.test\nTo: a@x.test\n"),
    "resent-twice": (("-t",), "Resent-To: r@x.test\nReceived: x\nResent-To: q@x.test\nTo: a@x.test\n"),
    "not-of-the-body": (("-t",), "To: a@x.test\n\nTo: b@x.test\n"),
    "nobody": (("-t",), "X: y\n"),
    "nobody-named": ((), "To: a@x.test\n"),
    "options-of-sendmail": (("-i", "-oi", "-oem", "-Btype", "-bm", "-G", "-L", "tag", "-m", "-n", "-O", "a=b", "-t"),
                            "To: a@x.test\n"),
}


class Sink:
    """Keeps the envelopes by the EHLO name."""

    def __init__(self):
        self.taken = {}

    async def handle_DATA(self, _server, session, envelope):  # pylint: disable=invalid-name
        self.taken.setdefault(session.host_name, []).append((envelope.mail_from, sorted(envelope.rcpt_tos)))
        return "250 2.0.0 OK"


sink = Sink()
controller = Controller(sink, "127.0.0.1", dovecot.free_ports(1)[0])


def add_case(name, arguments, message):
    def run(ehlo):
        octets = (message + "\ntext\n").encode()
        own = ehlo.directory.name
        (ehlo.directory / "config").write_text(f"server = 127.0.0.1:{controller.port}\ntls = none\n"
                                               f"from = alice@x.test\nhelo = ehlo{own}.test\n")
        result = ehlo("sendmail", "--config", "config", *arguments, stdin=octets)
        msmtp = subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={controller.port}", "--tls=off", "--auth=off",
                                "--from=alice@x.test", f"--domain=msmtp{own}.test", *arguments], input=octets,
                               capture_output=True, check=False, cwd=ehlo.directory)
        mine, theirs = (sink.taken.pop(f"{who}{own}.test", []) for who in ("ehlo", "msmtp"))
        if (result.status, mine) != (msmtp.returncode, theirs):
            yield f"ehlo: {result.status} {mine} {result.err}; msmtp: {msmtp.returncode} {theirs} {msmtp.stderr}"
    bench.add(name, run)


for word, rule in CASES.items():
    add_case(word, *rule)


def main():
    controller.start()
    try:
        return bench.run()
    finally:
        controller.stop()


sys.exit(main())
