#!/usr/bin/python3
"""ehlo record between programs that others wrote: curl, msmtp, swaks and Python's smtplib in front, aiosmtpd and Dovecot
behind, and servers that break things. What passes has to be whole; what is recorded has to replay, and holds no secret.

usage: record_test.py EHLO [-- PATTERN]
"""

import base64
import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import dovecot
from harness import (RUN_BOUND, SECRET, Bench, Complaint, Server, base64_inside, first_difference, make_certificates,
                     spoken, tls_context, visible)
from model import FINAL, Model

USER = "alice@ehlo.test"
# No four characters of it, or of its base64, are in anything else that is said here.
PASSWORD = "Zq7#vK9xW2jQ4zX~pJ8"
SENDER, RECIPIENT = "alice@ehlo.test", "bob@ehlo.test"
HEADER = "From: alice@ehlo.test\r\nTo: bob@ehlo.test\r\nSubject: "
END_BOUND = 20  # seconds

bench = Bench("record_test.py")
serial = itertools.count()
home = bench.directory / "peers"
home.mkdir()
os.chmod(bench.directory, 0o711)
make_certificates(home, odd_name="odd")


# ---- The relay -------------------------------------------------------------------------------------------------


class Relay:
    """ehlo record in the directory of a case. After the block: `status`, `out`, `err`, and `record(n)`."""

    def __init__(self, ehlo, server, *arguments, record="record.smtp", connections=1, option="--record"):
        self.ehlo, self.file = ehlo, ehlo.directory / record
        self.arguments = ["record", "--listen", "127.0.0.1:0", "--to", server, option, record, "--timeout", "10",
                          *map(str, arguments)]
        if connections:
            self.arguments += ["--connections", str(connections)]
        self.out, self.err, self.status = b"", b"", None

    def __enter__(self):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.ehlo.directory), "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen([self.ehlo.program, *self.arguments], cwd=self.ehlo.directory, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        line = self.process.stdout.readline()
        self.out += line
        if not re.fullmatch(rb"[0-9.]+:\d+\n", line):
            self.finish(kill=True)
            raise Complaint(f"the relay does not listen: {line!r} {visible(self.err)}")
        self.port = int(line.decode().rsplit(":", 1)[1])
        return self

    def finish(self, kill=False):
        if kill:
            self.process.kill()
        try:
            out, self.err = self.process.communicate(timeout=END_BOUND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, self.err = self.process.communicate()
            raise Complaint(f"the relay does not end\n{visible(self.out + out)}\n{visible(self.err)}\n"
                            f"{visible(self.record())}") from None
        self.out += out
        self.status = self.process.returncode

    def __exit__(self, kind, *_):
        if self.status is None:
            self.finish(kill=kind is not None)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)

    def record(self, number=1):
        path = self.file if number == 1 else self.file.with_name(f"{self.file.stem}.{number}{self.file.suffix}")
        try:
            return path.read_bytes()
        except OSError as e:
            raise Complaint(f"there is no record: {e}") from None


def windows_in(octets, secret=PASSWORD):
    """Four octets in a row of the secret, or of its base64, that are found."""
    forms = [secret.encode(), *base64_inside(secret.encode())]
    return sorted({form[at:at + 4] for form in forms for at in range(len(form) - 3) if form[at:at + 4] in octets})


def judge(relay, status=0, number=1, secret=PASSWORD):
    """What every session has in common."""
    if relay.status != status:
        yield f"exit status {relay.status} instead of {status}: {visible(relay.err)}"
    record = relay.record(number)
    for name, octets in (("record", record), ("standard output", relay.out), ("standard error", relay.err)):
        if found := windows_in(octets, secret):
            yield f"of the secret there are {found} in the {name}:\n{visible(octets)}"
    path = relay.file if number == 1 else relay.file.with_name(f"{relay.file.stem}.{number}{relay.file.suffix}")
    replayed = relay.ehlo("replay", "--chunks", "all", path)
    if replayed.status != 0:
        yield f"the record does not replay: {visible(replayed.out + replayed.err)}\n{visible(record)}"


def judge_exchange(record):
    """Of the client's lines from AUTH to the reply that ends it nothing is shown but the mechanism."""
    said = spoken(record, "C").split(b"\r\n")
    if not any(line.startswith(b"AUTH ") for line in said):
        yield f"no AUTH is in the record:\n{visible(record)}"
    if not any(SECRET in line for line in said):
        yield f"nothing is hidden:\n{visible(record)}"
    for line in said:
        if SECRET in line and not (line == SECRET or line.startswith(b"AUTH ")):
            yield f"beside a secret there is {line!r}"


# ---- Clients ---------------------------------------------------------------------------------------------------


def fresh(name):
    """A subject of its own, also where a case runs once more."""
    return f"{name} {next(serial)}"


def stuffed(text):
    return text.replace(b"\r\n.", b"\r\n..")


def message(name, body="Hello.\r\n.\r\n..dots\r\nAUTH PLAIN is only text here\r\n"):
    return (HEADER + name + "\r\n\r\n" + body).encode()


def run_client(relay, *arguments, stdin=b"", expect=0):
    done = subprocess.run(list(map(str, arguments)), input=stdin, cwd=relay.ehlo.directory, timeout=RUN_BOUND,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(relay.ehlo.directory), "LC_ALL": "C.UTF-8"})
    if (done.returncode == 0) != (expect == 0):
        raise Complaint(f"{arguments[0]} ended with {done.returncode}:\n{visible(done.stdout)}")
    return done.stdout


def curl(relay, front, mechanism, text, expect=0):
    (relay.ehlo.directory / "message").write_bytes(text)
    scheme = "smtps" if front == "implicit" else "smtp"
    arguments = ["curl", "-sv", f"{scheme}://localhost:{relay.port}/client.example", "--mail-from", SENDER, "--mail-rcpt",
                 RECIPIENT, "-T", "message", "--login-options", f"AUTH={mechanism}"]
    if front != "none":
        arguments += ["--cacert", "authority.pem"]
    if front == "starttls":
        arguments += ["--ssl-reqd"]
    if mechanism in ("XOAUTH2", "OAUTHBEARER"):
        arguments += ["--oauth2-bearer", PASSWORD, "--user", f"{USER}:"]
    else:
        arguments += ["--user", f"{USER}:{PASSWORD}"]
    run_client(relay, *arguments, expect=expect)


def msmtp(relay, front, mechanism, text, expect=0):
    password = relay.ehlo.directory / "password"
    password.write_text(PASSWORD)
    arguments = ["msmtp", "--file=/dev/null", "--host=localhost", f"--port={relay.port}", f"--auth={mechanism.lower()}",
                 f"--user={USER}", f"--passwordeval=cat {password}", f"--from={SENDER}"]
    if front == "none":
        arguments += ["--tls=off"]
    else:
        arguments += ["--tls=on", f"--tls-starttls={'on' if front == 'starttls' else 'off'}",
                      "--tls-trust-file=authority.pem"]
    run_client(relay, *arguments, RECIPIENT, stdin=text.replace(b"\r\n", b"\n"), expect=expect)


def swaks(relay, front, mechanism, text, expect=0):
    (relay.ehlo.directory / "message").write_bytes(text.replace(b"\r\n", b"\n"))
    tls = {"none": [], "starttls": ["--tls"], "implicit": ["--tls-on-connect"]}[front]
    if tls:
        tls += ["--tls-verify", "--tls-ca-path", "authority.pem"]
    run_client(relay, "swaks", "--server", "127.0.0.1", "--port", relay.port, "--from", SENDER, "--to", RECIPIENT,
               "--auth", mechanism, "--auth-user", USER, "--auth-password", PASSWORD, "--data", "@message",
               *tls, expect=expect)


def connect_smtplib(relay, front):
    context = None
    if front != "none":
        context = ssl.create_default_context(cafile=relay.ehlo.directory / "authority.pem")
    if front == "implicit":
        return smtplib.SMTP_SSL("localhost", relay.port, context=context, timeout=RUN_BOUND)
    client = smtplib.SMTP("localhost", relay.port, timeout=RUN_BOUND)
    if front == "starttls":
        client.starttls(context=context)
    return client


def smtplib_client(relay, front, mechanism, text, expect=0):
    client = connect_smtplib(relay, front)
    try:
        client.ehlo_or_helo_if_needed()
        client.user, client.password = USER, PASSWORD
        client.auth(mechanism, getattr(client, "auth_" + mechanism.lower().replace("-", "_")))
        client.sendmail(SENDER, [RECIPIENT], text)
        if expect:
            raise Complaint("smtplib had no error")
    except smtplib.SMTPAuthenticationError:
        if not expect:
            raise
    client.quit()


def ehlo_send(relay, front, mechanism, text, expect=0):
    directory = relay.ehlo.directory
    (directory / "message").write_bytes(text)
    (directory / "password").write_text(PASSWORD)
    arguments = ["send", f"localhost:{relay.port}", "--tls", front, "--from", SENDER, "--to", RECIPIENT, "--data",
                 "message", "--user", USER, "--password-file", "password", "--auth", mechanism,
                 "--allow-cleartext-auth"]
    if front != "none":
        arguments += ["--ca-file", "authority.pem"]
    if relay.ehlo(*arguments).status != expect:
        raise Complaint("ehlo send has another status")


# ---- Servers ---------------------------------------------------------------------------------------------------


class Mailboxes:
    """What aiosmtpd took, and mechanisms that it has not by itself."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, _server, _session, envelope):  # pylint: disable=invalid-name
        self.taken.append(envelope.original_content)
        return "250 2.0.0 OK"

    async def auth_XOAUTH2(self, server, args):  # pylint: disable=invalid-name
        return await self.bearer(server, args, f"user={USER}\1auth=Bearer {PASSWORD}\1\1")

    async def auth_OAUTHBEARER(self, server, args):  # pylint: disable=invalid-name
        return await self.bearer(server, args, f"\1auth=Bearer {PASSWORD}\1\1")

    async def bearer(self, server, args, end):
        if len(args) > 1:
            response = base64.b64decode(args[1])
        else:
            response = await server.challenge_auth("")
        return AuthResult(success=response.decode().endswith(end), handled=False)


def authenticate(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


mailboxes, submitted = Mailboxes(), Mailboxes()
PORTS = dict(zip(("aio", "aio-tls", "aio-none", "sink", "submission", "submissions", "lmtp"), dovecot.free_ports(7)))
login = {"authenticator": authenticate, "data_size_limit": None}
controllers = [
    Controller(mailboxes, "127.0.0.1", PORTS["aio"], tls_context=tls_context(home), auth_required=True, **login),
    Controller(mailboxes, "127.0.0.1", PORTS["aio-tls"], ssl_context=tls_context(home), auth_require_tls=False, **login),
    Controller(mailboxes, "127.0.0.1", PORTS["aio-none"], auth_require_tls=False, **login),
    Controller(submitted, "127.0.0.1", PORTS["sink"]),
]


def expect_once(boxes, text, name):
    found = [content for content in boxes.taken if f"Subject: {name}\r\n".encode() in content]
    if len(found) != 1:
        yield f"{len(found)} messages were taken instead of one"
    elif text not in found[0]:
        yield f"another message was taken: {found[0][:2000]!r}"


def behind_arguments(behind):
    arguments = {"starttls": ["--ca-file", home / "ca.pem"], "implicit": ["--ca-file", home / "ca.pem"],
                 "none": ["--allow-cleartext-auth"]}[behind]
    return ["--tls", behind, *arguments]


def front_arguments(front):
    return ["--listen-tls", front] + (["--ca-out", "authority.pem"] if front != "none" else [])


# ---- Logins ----------------------------------------------------------------------------------------------------


def add_login(client, front, behind, server, mechanism, boxes):
    title = f"login/{client.__name__}/{front}/{behind}/{mechanism}"

    def case(ehlo):
        name = fresh(title)
        text = message(name)
        with Relay(ehlo, server, *front_arguments(front), *behind_arguments(behind)) as relay:
            client(relay, front, mechanism, text)
        yield from judge(relay)
        yield from judge_exchange(relay.record())
        yield from expect_once(boxes, text.partition(b"\r\n\r\n")[2], name)
        begins_tls = relay.record().count(b"! tls TLSv1")
        if begins_tls != (behind != "none"):
            yield f"TLS begins {begins_tls} times in the record"
    bench.add(title, case)


AIO = {"starttls": f"localhost:{PORTS['aio']}", "implicit": f"localhost:{PORTS['aio-tls']}",
       "none": f"localhost:{PORTS['aio-none']}"}
DOVECOT = {"starttls": f"localhost:{PORTS['submission']}", "implicit": f"localhost:{PORTS['submissions']}",
           "none": f"localhost:{PORTS['submission']}"}
WAYS = ("none", "starttls", "implicit")
for in_front in WAYS:
    for at_back in WAYS:
        add_login(smtplib_client, in_front, at_back, AIO[at_back], "LOGIN", mailboxes)
for index, sasl in enumerate(dovecot.MECHANISMS):
    add_login(msmtp, WAYS[index % 3], WAYS[(index // 3 + index) % 3], DOVECOT[WAYS[(index // 3 + index) % 3]], sasl, submitted)
    add_login(ehlo_send, WAYS[(index + 1) % 3], WAYS[index % 3], DOVECOT[WAYS[index % 3]], sasl, submitted)
for index, sasl in enumerate(("PLAIN", "LOGIN", "CRAM-MD5")):
    add_login(curl, WAYS[index % 3], WAYS[(index + 1) % 3], DOVECOT[WAYS[(index + 1) % 3]], sasl, submitted)
for index, sasl in enumerate(("XOAUTH2", "OAUTHBEARER")):
    for one in (curl, msmtp, ehlo_send):
        add_login(one, WAYS[index], WAYS[1 + index], AIO[WAYS[1 + index]], sasl, mailboxes)
for index, sasl in enumerate(("PLAIN", "LOGIN", "CRAM-MD5")):
    for offset in range(3):
        add_login(swaks, WAYS[(index + offset) % 3], WAYS[(index + 1) % 3], DOVECOT[WAYS[(index + 1) % 3]], sasl,
                  submitted)
for sasl in ("PLAIN", "CRAM-MD5"):
    add_login(smtplib_client, "starttls", "starttls", DOVECOT["starttls"], sasl, submitted)


def refused(ehlo):
    """A wrong password: the client sees the server's own reply."""
    with Relay(ehlo, DOVECOT["starttls"], *front_arguments("starttls"), *behind_arguments("starttls")) as relay:
        client = connect_smtplib(relay, "starttls")
        client.ehlo()
        client.user, client.password = USER, "wrong" + PASSWORD
        try:
            client.auth("LOGIN", client.auth_login)
            yield "a wrong password was right"
        except smtplib.SMTPAuthenticationError as e:
            if e.smtp_code != 535:
                yield f"the reply is {e}"
        client.quit()
    yield from judge(relay)
    yield from judge_exchange(relay.record())


def cancelled(ehlo):
    """curl does not like Dovecot's DIGEST-MD5, and says so within the exchange."""
    with Relay(ehlo, DOVECOT["none"], *front_arguments("none"), *behind_arguments("none")) as relay:
        curl(relay, "none", "DIGEST-MD5", message("cancelled"), expect=67)
    yield from judge(relay)
    if b"C: *\n" not in relay.record() or b"C: AUTH DIGEST-MD5\n" not in relay.record():
        yield f"the record:\n{visible(relay.record())}"


POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
daemon_directory = /usr/lib/postfix/sbin
myhostname = client.example
mydestination =
inet_interfaces = loopback-only
relayhost = [127.0.0.1]:{port}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{home}/etc/passwords
smtp_sasl_security_options =
smtp_sasl_mechanism_filter = login
smtp_tls_security_level = encrypt
maillog_file = {home}/log
maillog_file_prefixes = /tmp
smtp_host_lookup = native
disable_dns_lookups = yes
"""
POSTFIX_MASTER = """
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def postfix(ehlo):
    """Postfix's own client, which sends all of an envelope in one flight, to several recipients."""
    name = fresh("postfix")
    place = ehlo.directory / "postfix"
    for part in ("etc", "queue", "data"):
        (place / part).mkdir(parents=True)
    shutil.chown(place / "data", "postfix")
    with Relay(ehlo, DOVECOT["starttls"], *front_arguments("starttls"), *behind_arguments("starttls")) as relay:
        (place / "etc" / "main.cf").write_text(POSTFIX_MAIN.format(home=place, port=relay.port))
        (place / "etc" / "master.cf").write_text(POSTFIX_MASTER)
        (place / "etc" / "passwords").write_text(f"[127.0.0.1]:{relay.port} {USER}:{PASSWORD}\n")
        run_client(relay, "/usr/sbin/postfix", "-c", place / "etc", "start")
        try:
            run_client(relay, "/usr/sbin/sendmail", "-C", place / "etc", "-f", SENDER, RECIPIENT, "carol@ehlo.test",
                       stdin=f"Subject: {name}\n\n.\nHello.\n".encode())
            relay.finish()
        finally:
            run_client(relay, "/usr/sbin/postfix", "-c", place / "etc", "stop")
    yield from judge(relay)
    yield from judge_exchange(relay.record())
    if not re.search(rb"C: MAIL.*\n +C: RCPT.*\n +C: RCPT.*\n +C: (DATA|BDAT)", relay.record()):
        yield f"the commands were not sent in one flight:\n{visible(relay.record())}"
    if not any(f"Subject: {name}".encode() in content for content in submitted.taken):
        yield "the message was not taken"


bench.add("login/postfix", postfix)
bench.add("login/refused", refused)
bench.add("login/cancelled", cancelled)


# ---- With a server and a client of the test's own ---------------------------------------------------------------


class Caller:
    """A client by hand."""

    def __init__(self, relay):
        self.sock = socket.create_connection(("127.0.0.1", relay.port), timeout=RUN_BOUND)
        self.unread = b""

    def say(self, *lines):
        self.sock.sendall(b"".join(line.encode() + b"\r\n" for line in lines))

    def line(self):
        while b"\n" not in self.unread:
            octets = self.sock.recv(65536)
            if not octets:
                return ""
            self.unread += octets
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode().rstrip("\r")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return lines

    def ask(self, *lines):
        self.say(*lines)
        return self.reply()

    def rest(self):
        octets = self.unread
        while part := self.sock.recv(65536):
            octets += part
        return octets

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def greet(caller):
    caller.reply()
    return caller.ask("EHLO client.example")


@contextlib.contextmanager
def relay_to(ehlo, script, *arguments, **options):
    """A relay in front of a server that plays a script, with cleartext on both sides unless told otherwise."""
    with Server(script, tls_context(home)) as server:
        with Relay(ehlo, f"localhost:{server.port}", *arguments, **options) as relay:
            relay.server = server
            yield relay
        for complaint in server.complaints:
            raise Complaint(complaint)


PLAIN = ("--listen-tls", "none", "--tls", "none")
CLEAR = (*PLAIN, "--allow-cleartext-auth")


def plain_response(password=PASSWORD):
    return base64.b64encode(f"\0{USER}\0{password}".encode()).decode()


def echoes(ehlo):
    """A server that says back what it should not know."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250-mail.ehlo.test", "250 AUTH PLAIN")
        response = peer.expect("AUTH").split()[-1]
        peer.say(b"535-5.7.8 no: " + base64.b64decode(response).rpartition(b"\0")[2], b"535 5.7.8 " + response)
        peer.expect("QUIT")
        peer.say("221 bye")
        peer.close()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        reply = caller.ask(f"AUTH PLAIN {plain_response()}")
        if PASSWORD not in reply[0]:
            yield f"the reply did not pass: {reply}"
        caller.ask("QUIT")
        caller.sock.close()
    yield from judge(relay)
    if b"S: 535-5.7.8 \\{secret}" not in relay.record():
        yield f"the code is not in the record:\n{visible(relay.record())}"


def blind(ehlo):
    """A client that does not wait for the server, and one that goes on with a login that was refused."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        while (line := peer.hear()) is not None:
            peer.say("221 bye" if line == b"QUIT" else "502 5.5.1 no")
            if line == b"QUIT":
                break
        peer.close()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        encoded = [base64.b64encode(word.encode()).decode() for word in (USER, PASSWORD)]
        caller.say("HELO x", "AUTH LOGIN", *encoded, "QUIT")
        caller.rest()
        caller.sock.close()
    record = relay.record()
    if relay.status != 0 or windows_in(record):
        yield f"status {relay.status}\n{visible(record)}"
    if spoken(record, "C").count(SECRET) != 3:  # QUIT too: nobody could know that the exchange was over
        yield f"hidden are other lines:\n{visible(record)}"


# What clients say that ours never would.
ODD_LINES = (b"NO\rOP\r\n", b"\r\r\n", b"NOOP \0\x01\x1b[2J\r\n", b"\xff\xfe\r\n", b"NOOP\tx\r\n", b"NOOP " + b"y" * 5000 + b"\r\n",
             b"z" * 40000 + b"\r\n", b"AUTH PLAIN !!\x01 x\r\n", b"AUTH\r\n", b"AUTH FOO bar baz\r\n",
             b"auth login dXNlcg==\r\nabc d\r\nAUTH PLAIN = x\r\n*\r\n*\r\n",
             b"DATA\r\na\rb\n\0\r\n\0.\r\n\r.\r\n\r\r\n.\r\n", b"half a line")


def odd_octets(ehlo):
    """What passes and is recorded is what was said, and it replays."""
    heard = bytearray()
    answers = {b"DATA": "354 go", b"AUTH LOGIN": "334 ", b"QUIT": "221 bye"}

    def script(peer):
        peer.say("220 mail.ehlo.test")
        text, answered = False, 0
        while not heard.endswith(b"QUIT\r\n") and (octets := peer.read()):
            heard.extend(octets)
            *lines, _ = heard[answered:].split(b"\n")
            for line in lines:
                answered += len(line) + 1
                word = bytes(line).strip().upper()[:10]
                if not text or line == b".\r":
                    peer.say(answers.get(word, "250 ok"))
                    text = word == b"DATA"
        peer.close()
    for number, odd in enumerate(ODD_LINES):
        heard.clear()
        with relay_to(ehlo, script, *CLEAR, record=f"odd{number}.smtp") as relay:
            caller = Caller(relay)
            greet(caller)
            caller.sock.sendall(odd + b"QUIT\r\n")
            caller.rest()
            caller.sock.close()
        said = b"EHLO client.example\r\n" + odd + b"QUIT\r\n"
        if relay.status != 0 or bytes(heard) != said:
            yield f"{odd[:40]!r}: status {relay.status}, the server heard {bytes(heard[:200])!r}"
        replayed = ehlo("replay", "--chunks", "all", relay.file)
        if replayed.status != 0:
            yield f"{odd[:40]!r} does not replay: {visible(replayed.out + replayed.err)}"


def pipelined(ehlo):
    """EHLO, and then all of a login and a message's envelope in one flight."""
    model = Model(capabilities=("PIPELINING", "AUTH PLAIN"))
    with relay_to(ehlo, model, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        caller.say(f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA")
        for wanted in ("250", "250", "354"):
            if not (reply := caller.reply())[0].startswith(wanted):
                yield f"{reply} instead of {wanted}"
        caller.say("Subject: x", "", "AUTH PLAIN text", "..", ".", "QUIT")
        for wanted in ("250", "221"):
            if not (reply := caller.reply())[0].startswith(wanted):
                yield f"{reply} instead of {wanted}"
        caller.sock.close()
    yield from judge(relay)
    if b"C: AUTH PLAIN text" not in relay.record():
        yield "text of the message is hidden"
    if difference := first_difference(bytes(relay.server.peers[0].heard), spoken(relay.record(), "C")):
        yield difference


for run in (echoes, blind, odd_octets, pipelined):
    bench.add(f"exchange/{run.__name__}", run)


# ---- Security --------------------------------------------------------------------------------------------------


def untrusted(ehlo, front="starttls", behind="starttls"):
    """A certificate that nobody vouches for: nothing passes, and the program in front is told."""
    def script(peer):
        peer.context = tls_context(home, "odd")
        if behind == "starttls":
            peer.say("220 mail.ehlo.test")
            peer.expect("EHLO")
            peer.say("250-mail.ehlo.test", "250 STARTTLS")
            peer.expect("STARTTLS")
            peer.say("220 go")
        peer.in_handshake = True
        try:
            peer.start_tls()
        except ssl.SSLError:
            return
        raise Complaint("TLS began")
    with relay_to(ehlo, script, "--listen-tls", front, "--tls", behind, "--ca-file", home / "ca.pem") as relay:
        caller = Caller(relay)
        if behind == "starttls":
            caller.reply()
            reply = caller.ask("EHLO client.example")
        else:
            reply = caller.reply()
        if not reply[0].startswith("421 "):
            yield f"the reply is {reply}"
        caller.say(f"AUTH PLAIN {plain_response()}")
        with contextlib.suppress(OSError):
            caller.rest()
        caller.sock.close()
    if relay.status != 78:
        yield f"exit status {relay.status}: {visible(relay.err)}"
    if b"! tls failed " not in relay.record() or windows_in(relay.record()):
        yield f"the record:\n{visible(relay.record())}"
    if PASSWORD.encode() in relay.err or b"odd" not in relay.err + relay.record():
        yield f"the reason is not told: {visible(relay.err)}"
    heard = bytes(relay.server.peers[0].heard)
    if heard != (b"EHLO client.example\r\nSTARTTLS\r\n" if behind == "starttls" else b""):
        yield f"the server heard {heard!r}"


def no_starttls(ehlo):
    with relay_to(ehlo, Model(capabilities=("AUTH PLAIN",))) as relay:
        caller = Caller(relay)
        reply = greet(caller)
        if not reply[0].startswith("421 "):
            yield f"the reply is {reply}"
        caller.sock.close()
    if relay.status != 78 or b"STARTTLS" not in relay.err:
        yield f"status {relay.status}: {visible(relay.err)}"
    if bytes(relay.server.peers[0].heard) != b"EHLO client.example\r\n":
        yield "the server heard more than EHLO"


def injected(ehlo):
    """What comes behind the 220 was put in by somebody."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250-mail.ehlo.test", "250 STARTTLS")
        peer.expect("STARTTLS")
        peer.say("220 go", "250-mail.ehlo.test", "250 AUTH PLAIN")
        peer.drain()
    with relay_to(ehlo, script, "--ca-file", home / "ca.pem") as relay:
        caller = Caller(relay)
        if not (reply := greet(caller))[0].startswith("421 "):
            yield f"the reply is {reply}"
        caller.sock.close()
    if relay.status != 76:
        yield f"status {relay.status}: {visible(relay.err)}"


def injected_in_front(ehlo):
    """The same from the program in front."""
    with relay_to(ehlo, Model(), "--listen-tls", "starttls", "--tls", "none") as relay:
        caller = Caller(relay)
        greet(caller)
        reply = caller.ask("STARTTLS", f"MAIL FROM:<{SENDER}>")
        if not reply[0].startswith("421 "):
            yield f"the reply is {reply}"
        caller.sock.close()
    if b"MAIL" in bytes(relay.server.peers[0].heard) or relay.status != 76:
        yield f"status {relay.status}; the server heard {bytes(relay.server.peers[0].heard)!r}"


def cleartext_behind(ehlo):
    """No login goes where there is no TLS, nor what is left of one."""
    with relay_to(ehlo, Model(capabilities=("AUTH PLAIN LOGIN",)), *PLAIN) as relay:
        caller = Caller(relay)
        greet(caller)
        replies = [caller.ask("AUTH LOGIN")[0], caller.ask(base64.b64encode(PASSWORD.encode()).decode())[0],
                   caller.ask(f"auth plain {plain_response()}")[0], caller.ask("NOOP")[0], caller.ask("QUIT")[0]]
        if [reply[:3] for reply in replies] != ["538", "500", "538", "250", "221"]:
            yield f"the replies are {replies}"
        caller.sock.close()
    yield from judge(relay)
    heard = bytes(relay.server.peers[0].heard)
    if heard != b"EHLO client.example\r\nNOOP\r\nQUIT\r\n":
        yield f"the server heard {heard!r}"
    if relay.record().count(b"! note AUTH was not passed on") != 2:
        yield "the record does not tell"


def open_listener(ehlo):
    """For other hosts, cleartext in front takes an option."""
    for arguments, wanted in ((["--listen-tls", "none"], 78), (["--listen-tls", "none", "--tls-cert", "x"], 64)):
        result = ehlo("record", "--listen", "0.0.0.0:0", "--to", "localhost:1", "--record", "r.smtp", *arguments)
        if result.status != wanted:
            yield f"{arguments}: status {result.status}: {visible(result.err)}"


def open_listener_wants_tls(ehlo):
    with Server(Model(), tls_context(home)) as server:
        relay = Relay(ehlo, f"localhost:{server.port}", "--tls", "none")
        relay.arguments[2] = "0.0.0.0:0"
        with relay:
            caller = Caller(relay)
            greeting = greet(caller)
            reply = caller.ask(f"MAIL FROM:<{SENDER}>")
            if not reply[0].startswith("530 ") or not any("STARTTLS" in line for line in greeting):
                yield f"{greeting} {reply}"
            caller.ask("QUIT")
            caller.sock.close()
        if b"MAIL" in bytes(server.peers[0].heard):
            yield "MAIL passed"


def hello_is_edited(ehlo):
    """The program in front sees what it can have."""
    offered = ("STARTTLS", "AUTH PLAIN SCRAM-SHA-256-PLUS SCRAM-SHA-256", "SIZE 1000")
    for front, wanted in (("none", ["mail.ehlo.test", "AUTH PLAIN SCRAM-SHA-256", "SIZE 1000"]),
                          ("starttls", ["mail.ehlo.test", "STARTTLS", "AUTH PLAIN SCRAM-SHA-256", "SIZE 1000"])):
        with relay_to(ehlo, Model(capabilities=offered), "--listen-tls", front, "--tls", "none",
                      record=f"{front}.smtp") as relay:
            caller = Caller(relay)
            shown = [line[4:] for line in greet(caller)]
            if shown != wanted:
                yield f"{front}: shown is {shown}"
            if front == "none" and not caller.ask("STARTTLS")[0].startswith("502 "):
                yield "STARTTLS is not refused"
            caller.ask("QUIT")
            caller.sock.close()
        yield from judge(relay)


for run in (no_starttls, injected, injected_in_front, cleartext_behind, open_listener, open_listener_wants_tls,
            hello_is_edited):
    bench.add(f"security/{run.__name__}", run)
for at_back in ("starttls", "implicit"):
    bench.add(f"security/untrusted/{at_back}", lambda ehlo, at_back=at_back: untrusted(ehlo, behind=at_back))


# ---- Ends ------------------------------------------------------------------------------------------------------


def last_fact(record):
    return [line.split(b"! ", 1)[1] for line in record.splitlines() if b"! " in line[:14]][-1]


def client_resets(ehlo):
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250 mail.ehlo.test")
        try:
            while peer.sock.recv(1000):
                pass
        except ConnectionResetError:
            return
        raise Complaint("the server saw no reset")
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        caller.reset()
    yield from judge(relay)
    if last_fact(relay.record()) != b"reset C":
        yield f"the record ends with {last_fact(relay.record())!r}"


def server_resets(ehlo):
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250 mail.ehlo.test")
        peer.expect("MAIL")
        peer.reset()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        try:
            if reply := caller.ask(f"MAIL FROM:<{SENDER}>") != [""]:
                yield f"the client got {reply}"
            yield "the client saw no reset"
        except ConnectionResetError:
            pass
    yield from judge(relay, status=74)
    if last_fact(relay.record()) != b"reset S":
        yield f"the record ends with {last_fact(relay.record())!r}"
    if b"the server reset the connection" not in relay.err:
        yield f"standard error does not tell why the status is 74: {relay.err!r}"


def server_resets_after_goodbye(ehlo):
    """Both have said all they had to, and how the server closes then is nobody's loss."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250 mail.ehlo.test")
        peer.expect("QUIT")
        peer.say("221 bye")
        while peer.read():
            pass
        peer.reset()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        caller.ask("QUIT")
        caller.sock.close()
    yield from judge(relay)
    if last_fact(relay.record()) != b"eof C" or relay.err:
        yield f"the record ends with {last_fact(relay.record())!r}, standard error is {relay.err!r}"


def half_close(ehlo):
    """A client that says all it has to say and closes its side gets every reply."""
    with relay_to(ehlo, Model(), *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        caller.say(f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "QUIT")
        caller.sock.shutdown(socket.SHUT_WR)
        replies = caller.rest()
        if not replies.endswith(b"\r\n") or b"\r\n221 " not in replies:
            yield f"the client got {replies!r}"
        caller.sock.close()
    yield from judge(relay)
    heard = bytes(relay.server.peers[0].heard)
    if not heard.endswith(b"QUIT\r\n"):
        yield f"the server heard {heard!r}"


def server_closes(ehlo):
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("421 4.3.2 enough")
        peer.close()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        if greet(caller) != ["421 4.3.2 enough"] or caller.rest() != b"":
            yield "the client did not get the reply and the end"
        caller.sock.close()
    yield from judge(relay)
    if last_fact(relay.record()) != b"eof S":
        yield f"the record ends with {last_fact(relay.record())!r}"


def silence(ehlo):
    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.drain()
    with relay_to(ehlo, script, *CLEAR, "--timeout", "0.3") as relay:
        caller = Caller(relay)
        caller.reply()
        reply = caller.ask("EHLO client.example")
        if not reply[0].startswith("421 "):
            yield f"the client got {reply}"
        caller.sock.close()
    yield from judge(relay, status=75)
    if b"! timeout\n" not in relay.record():
        yield visible(relay.record())


def nobody_there(ehlo):
    port = dovecot.free_ports(1)[0]
    with Relay(ehlo, f"localhost:{port}", *CLEAR) as relay:
        caller = Caller(relay)
        if not (reply := caller.reply())[0].startswith("421 "):
            yield f"the client got {reply}"
        caller.sock.close()
    if relay.status != 74 or b"! connect failed " not in relay.record():
        yield f"status {relay.status}:\n{visible(relay.record())}"
    result = ehlo("record", "--listen", "127.0.0.1:0", "--to", "nobody.invalid", "--record", "other.smtp")
    if result.status != 68:
        yield f"an unknown host: status {result.status}"


def stopped(ehlo):
    with relay_to(ehlo, Model(), *CLEAR, connections=0) as relay:
        caller = Caller(relay)
        greet(caller)
        relay.stop()
        if b"421 " not in caller.rest():
            yield "the client is not told"
        caller.sock.close()
    yield from judge(relay)
    if last_fact(relay.record()) != b"eof C" or b"! note the relay was stopped" not in relay.record():
        yield f"the record:\n{visible(relay.record())}"


def killed(ehlo):
    """All that has passed is in the record."""
    heard_enough = threading.Event()

    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250 mail.ehlo.test")
        peer.expect("DATA")
        peer.say("354 go")
        while b"half a li" not in peer.heard:
            peer.read()
        heard_enough.set()
        peer.drain()
    with relay_to(ehlo, script, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        caller.ask("DATA")
        caller.sock.sendall(stuffed(message("killed")) + b"half a li")
        if not heard_enough.wait(RUN_BOUND):
            yield "the server did not hear it"
        relay.finish(kill=True)
        caller.sock.close()
    peer = relay.server.peers[0]
    record = relay.record()
    for side, wire in (("C", bytes(peer.heard)), ("S", bytes(peer.said))):
        if spoken(record, side) != wire:
            yield f"{side}: on the wire {wire!r}, in the record {spoken(record, side)!r}"


for run in (client_resets, server_resets, server_resets_after_goodbye, half_close, server_closes, silence, nobody_there,
            stopped, killed):
    bench.add(f"end/{run.__name__}", run)


# ---- Much, and many --------------------------------------------------------------------------------------------


def large(ehlo):
    """A message of 20 MB under TLS on both sides, to the octet."""
    name = fresh("large")
    line = "".join(chr(33 + (i * 7) % 94) for i in range(70)) + "\r\n"
    body = line * (20 * 1024 * 1024 // len(line)) + ".\r\n.."
    text = message(name, body + "\r\n")
    with Relay(ehlo, AIO["starttls"], *front_arguments("starttls"), *behind_arguments("starttls")) as relay:
        smtplib_client(relay, "starttls", "PLAIN", text)
    taken = [content for content in mailboxes.taken if content.startswith(text[:100]) or text in content]
    if len(taken) != 1 or not taken[0].endswith(text):
        yield f"{len(taken)} messages, of {[len(t) for t in taken]} octets instead of {len(text)}"
    yield from judge(relay)
    if stuffed(text) not in spoken(relay.record(), "C"):
        yield "the message in the record is another one"


def several(ehlo):
    """Sessions at once, each with a record of its own, and none waits for another."""
    number, name = 6, fresh("several")
    with Relay(ehlo, AIO["starttls"], *front_arguments("starttls"), *behind_arguments("starttls"),
               connections=number) as relay:
        clients = [connect_smtplib(relay, "starttls" if i % 2 else "none") for i in range(number)]
        for client in reversed(clients):
            client.login(USER, PASSWORD)
        for i, client in enumerate(clients):
            client.sendmail(SENDER, [RECIPIENT], message(f"{name}-{i}"))
        for client in clients:
            client.quit()
    subjects = set()
    for i in range(1, number + 1):
        yield from judge(relay, number=i)
        subjects |= {line for line in relay.record(i).splitlines() if f"Subject: {name}-".encode() in line}
    if len(subjects) != number:
        yield f"the records hold {subjects}"
    for i in range(number):
        yield from expect_once(mailboxes, b"", f"{name}-{i}")


def one_hangs(ehlo):
    """A program that reads nothing holds no other up."""
    name = fresh("one hangs")
    with Relay(ehlo, AIO["none"], *front_arguments("none"), *behind_arguments("none"), connections=0) as relay:
        idle = Caller(relay)
        stuck = Caller(relay)
        stuck.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 50_000_000:
                sent += stuck.sock.send(b"NOOP\r\n" * 10000)
        smtplib_client(relay, "none", "PLAIN", message(name))
        relay.stop()
        relay.finish()
        idle.sock.close()
        stuck.sock.close()
    yield from judge(relay, number=3)
    yield from expect_once(mailboxes, b"", name)


def full_disk(ehlo):
    """Told at once; the session goes on; the exit status tells too."""
    name = fresh("full disk")
    with Relay(ehlo, AIO["starttls"], *front_arguments("none"), *behind_arguments("starttls"),
               record="/dev/full") as relay:
        smtplib_client(relay, "none", "PLAIN", message(name))
    if relay.status != 73 or b"/dev/full is incomplete" not in relay.err:
        yield f"status {relay.status}: {visible(relay.err)}"
    yield from expect_once(mailboxes, b"", name)


def no_directory(ehlo):
    result = ehlo("record", "--listen", "127.0.0.1:0", "--to", "localhost:1", "--record", "nowhere/record.smtp")
    if result.status != 73:
        yield f"status {result.status}: {visible(result.err)}"


def lmtp(ehlo):
    name = fresh("lmtp")
    with Relay(ehlo, f"lmtp://127.0.0.1:{PORTS['lmtp']}", "--listen-tls", "none", "--tls", "none") as relay:
        client = smtplib.LMTP("127.0.0.1", relay.port)
        client.sendmail(SENDER, ["bob@ehlo.test", "carol@ehlo.test"], message(name))
        client.quit()
    yield from judge(relay)
    for mailbox in ("bob", "carol"):
        found = [path for path in (home / "mail" / mailbox / "new").glob("*") if f"Subject: {name}".encode() in path.read_bytes()]
        if len(found) != 1:
            yield f"{mailbox} has {len(found)} messages"


def lost_after_the_dot(ehlo):
    """The end of the session is the server's, at the worst moment, and the client learns it."""
    model = Model(plan={FINAL: lambda peer: peer.close()})
    with relay_to(ehlo, model, *CLEAR) as relay:
        caller = Caller(relay)
        greet(caller)
        for line in (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA"):
            caller.ask(line)
        caller.say("Subject: x", "", "text", ".")
        if caller.rest() != b"":
            yield "the client got a reply"
        caller.sock.close()
    yield from judge(relay)
    if last_fact(relay.record()) != b"eof S":
        yield f"the record ends with {last_fact(relay.record())!r}"


for run in (large, several, one_hangs, full_disk, no_directory, lmtp, lost_after_the_dot):
    bench.add(f"much/{run.__name__}", run)


# ---- The command line ------------------------------------------------------------------------------------------


def usage(ehlo):
    pathlib.Path(ehlo.directory, "c.pem").write_text("no certificate")
    right = ["--listen", "127.0.0.1:0", "--to", "localhost:1", "--record", "r.smtp"]
    for arguments, sentence in ((right[:2] + right[4:], b"ehlo record: --to is missing"),
                                ([*right, "other:25"], b'"other:25" is too many')):
        result = ehlo("record", *arguments)
        if result.status != 64 or sentence not in result.err:
            yield f"{arguments}: status {result.status}: {visible(result.err)}"
    for arguments, status in (
            ([], 64), (right[2:], 64), (right[:4], 64), (right[:2] + right[4:], 64),
            (["--listen", "nonsense", *right[2:]], 64), (["--listen", "127.0.0.1:99999", *right[2:]], 64),
            ([*right, "--user", "x"], 64), ([*right, "--connections", "0"], 64), ([*right, "--listen-tls", "ssl"], 64),
            ([*right, "--tls-cert", "c.pem"], 64), ([*right, "--tls-cert", "c.pem", "--tls-key", "c.pem"], 66),
            ([*right, "--listen-tls", "none", "--ca-out", "x.pem"], 64), ([*right, "--ca-out", "nowhere/x.pem"], 73),
            ([*right, "--ca-file", "c.pem"], 66), (["--listen", "192.0.2.1:0", *right[2:]], 74)):
        result = ehlo("record", *arguments)
        if result.status != status:
            yield f"{arguments}: status {result.status} instead of {status}: {visible(result.err)}"


def own_certificate(ehlo):
    """The user's certificate in front, JSON in place of sentences."""
    with Server(Model(), tls_context(home)) as server:
        relay = Relay(ehlo, f"localhost:{server.port}", "--tls", "none", "--listen-tls", "implicit", "--tls-cert",
                      home / "server.crt", "--tls-key", home / "server.key")
        with relay:
            context = ssl.create_default_context(cafile=home / "ca.pem")
            client = smtplib.SMTP_SSL("localhost", relay.port, context=context, timeout=RUN_BOUND)
            client.noop()
            client.quit()
        yield from judge(relay)


def on_failure(ehlo):
    """Of three sessions the second is refused something, and the third breaks: those are kept."""
    def script(peer):
        peer.say("220 mail.ehlo.test")
        while (line := peer.hear()) is not None:
            if line == b"BREAK":
                peer.reset()
                return
            peer.say("550 5.7.1 no" if line.startswith(b"MAIL") else "250 fine")
            if line == b"QUIT":
                peer.close()
                return
    with Server(script, tls_context(home)) as server:
        with Relay(ehlo, f"localhost:{server.port}", *PLAIN, connections=3, option="--record-on-failure") as relay:
            for commands in (("NOOP", "QUIT"), ("MAIL FROM:<>", "NOOP", "QUIT"), ("BREAK",)):
                caller = Caller(relay)
                for command in ("EHLO a", *commands):
                    caller.sock.sendall(command.encode() + b"\r\n")
                try:
                    while caller.sock.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
                caller.sock.close()
    names = sorted(path.name for path in ehlo.directory.iterdir())
    if names != ["record.2.smtp", "record.3.smtp"]:
        yield f"the files are {names}"
    words = re.findall(rb"not recorded|recorded in \S+", relay.out)
    if sorted(words) != [b"not recorded", b"recorded in record.2.smtp", b"recorded in record.3.smtp"]:
        yield f"it says {visible(relay.out)}"
    if relay.status != 0:
        yield f"status {relay.status}: {visible(relay.err)}"


for run in (usage, own_certificate, on_failure):
    bench.add(f"command/{run.__name__}", run)


def main():
    if os.geteuid() != 0:
        sys.exit("Dovecot changes user, which takes root")
    for controller in controllers:
        controller.start()
    try:
        with dovecot.running(home, PORTS, PASSWORD):
            return bench.run()
    finally:
        for controller in controllers:
            controller.stop()


sys.exit(main())
