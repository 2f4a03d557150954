"""A real Postfix with Dovecot, mailserver.sh's, for tests in Python: where it is, and what lies in its mailboxes.
"""

import contextlib
import email
import email.policy
import os
import pathlib
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
START_BOUND = 60    # seconds
ARRIVAL_BOUND = 10  # seconds: a delivery ends with a rename, which comes after the reply
ADDED = ("return-path", "x-original-to", "delivered-to", "received")  # what a delivery puts on top


class Mailserver:
    """`facts` are what mailserver.sh prints: STARTTLS' address, the CA file and so on."""

    def __init__(self, facts):
        self.starttls = facts["STARTTLS, then any mechanism"]
        self.ca, self.user, self.password_file = facts["CA file"], facts["user"], facts["password file"]
        self.boxes = pathlib.Path(facts["mailboxes"])

    def configuration(self, more=""):
        """The text of an account for alice."""
        return (f"default = work\n[work]\nserver = {self.starttls}\nca-file = {self.ca}\nuser = {self.user}\n"
                f"password-file = {self.password_file}\nfrom = {self.user}\ndomain = ehlo.test\n{more}")

    def find(self, box, marker):
        """The octets of the messages in the box that hold the marker, without what the delivery put on top."""
        found = []
        for path in (self.boxes / box / "new").glob("*"):
            octets = path.read_bytes()
            if marker in octets:
                found.append(without_trace(octets))
        return found

    def wait_for(self, box, marker, number=1):
        """The same, when there are so many, or what is there when time is up."""
        end = time.monotonic() + ARRIVAL_BOUND
        while len(found := self.find(box, marker)) < number and time.monotonic() < end:
            time.sleep(0.02)
        return found


def without_trace(octets):
    """The message without the fields that Postfix adds on its way in and at delivery."""
    lines = octets.split(b"\n")
    at = 0
    while lines[at].split(b":")[0].decode("ascii", "replace").lower() in ADDED:
        at += 1
        while lines[at][:1] in (b" ", b"\t"):
            at += 1
    return b"\n".join(lines[at:])


def parse(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


@contextlib.contextmanager
def running():
    """Starts the server, and stops it whatever happens."""
    with subprocess.Popen(["bash", HERE / "mailserver.sh"], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}) as process:
        try:
            facts = {}
            for line in process.stdout:
                if line.startswith("Ctrl-C"):
                    break
                name, _, value = line.rstrip("\n").partition("  ")
                facts[name] = value.strip()
            if "log" not in facts:
                raise SystemExit("the mail server did not start")
            yield Mailserver(facts)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_BOUND)
