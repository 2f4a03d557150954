#!/usr/bin/python3
"""ehlo import and ehlo scrub over logs that the real programs write while this runs: against one server, with and
without STARTTLS, with AUTH, refusals, replies of several lines and a message with dots. Each transcript has to say what
the server said and heard, has to replay, and holds nothing of the password; nor does the log once it is scrubbed.

usage: import_test.py EHLO MAX_RSS [-- PATTERN]
"""

import base64
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import (Bench, Complaint, RUN_BOUND, SECRET, Server, base64_inside, first_difference, make_certificates,
                     spoken, tls_context, visible)

USER = "alice@ehlo.test"
PASSWORD = "s3kr1t-Zebra/Crossing+42"
TOKEN = "ya29.t0k3n-Zebra_Crossing" * 6  # too long for one line of curl's trace
MESSAGE = (b"From: alice@ehlo.test\r\nTo: bob@ehlo.test\r\nSubject: Hello\r\n"
           b"Date: Mon, 3 Mar 2025 10:00:00 +0000\r\n\r\nHello Bob.\r\n.dot\r\n..two\r\n\r\nend\r\n")

bench = Bench("import_test.py")
MAX_RSS = bench.programs[1]
home = bench.directory / "home"
home.mkdir()
make_certificates(home)
context = tls_context(home)
(home / "message.eml").write_bytes(MESSAGE)
(home / "message-lf.eml").write_bytes(MESSAGE.replace(b"\r\n", b"\n"))
(home / "password").write_text(PASSWORD + "\n")


# ---- The server ------------------------------------------------------------------------------------------------------


class Submission:
    """Takes any credential, and nobody@ not at all. `mechanisms` is what it offers."""

    def __init__(self, mechanisms):
        self.mechanisms = mechanisms

    def __call__(self, peer):
        peer.say("220-mail.ehlo.test ESMTP", "220 ready")
        tls = False
        while (line := peer.hear()) is not None:
            verb = line.upper()
            if verb.startswith((b"EHLO", b"HELO")):
                words = ["PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES", "AUTH " + self.mechanisms]
                words += [] if tls else ["STARTTLS"]
                peer.say("250-mail.ehlo.test", *["250-" + word for word in words[:-1]], "250 " + words[-1])
            elif verb == b"STARTTLS":
                peer.say("220 2.0.0 go ahead")
                peer.in_handshake = True
                peer.start_tls()
                peer.in_handshake = False
                tls = True
            elif verb.startswith(b"AUTH"):
                self.authenticate(peer, verb.split())
            elif verb == b"DATA":
                peer.say("354 end with a dot")
                try:
                    peer.hear_message()
                except Complaint:
                    return  # msmtp leaves at the first refusal, in the middle of what it sent ahead
                peer.say("250-2.0.0 queued", "250 2.0.0 as 42")
            elif verb == b"QUIT":
                peer.say("221 2.0.0 bye")
                peer.close_politely()
                return
            elif b"nobody@" in line:
                peer.say("550-5.1.1 no such user", "550 5.1.1 nobody is here")
            else:
                peer.say("250 2.1.0 fine")

    @staticmethod
    def authenticate(peer, words):
        if words[1] == b"LOGIN":
            if len(words) == 2:
                peer.say("334 VXNlcm5hbWU6")
                peer.hear()
            peer.say("334 UGFzc3dvcmQ6")
            peer.hear()
        elif words[1] == b"CRAM-MD5":
            peer.say("334 " + base64.b64encode(b"<1.2@mail.ehlo.test>").decode())
            peer.hear()
        elif len(words) == 2:
            peer.say("334 ")
            peer.hear()
        peer.say("235 2.7.0 welcome")


# ---- The clients -----------------------------------------------------------------------------------------------------


def run(directory, *command, stdin=b"", **variables):
    """What a program prints to both outputs."""
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(directory), "LC_ALL": "C.UTF-8"} | variables
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=home,
                          env=environment, timeout=RUN_BOUND, check=False)
    return done.stdout


def swaks(directory, port, mechanism, tls, to):
    return run(directory, "swaks", "--server", "localhost", "--port", str(port), "--from", USER, "--to", ",".join(to),
               "--data", "@message-lf.eml", "--ehlo", "client.example", "--auth", mechanism, "--auth-user", USER,
               "--auth-password", PASSWORD, *(["-tls"] if tls else []))


def curl(*options):
    def client(directory, port, mechanism, tls, to):
        secret = (["--user", USER, "--oauth2-bearer", TOKEN] if mechanism in ("XOAUTH2", "OAUTHBEARER") else
                  ["--user", f"{USER}:{PASSWORD}"])
        trace = str(directory / "trace")
        out = run(directory, "curl", "-sS", "--crlf", f"smtp://localhost:{port}/client.example", "--mail-from", USER,
                  *[word for address in to for word in ("--mail-rcpt", address)], "--mail-rcpt-allowfails", "-T",
                  "message-lf.eml", *secret, "--login-options", "AUTH=" + mechanism,
                  *(["--ssl-reqd", "--cacert", "ca.pem"] if tls else []),
                  *[trace if option == "TRACE" else option for option in options])
        return pathlib.Path(trace).read_bytes() if "TRACE" in options else out
    return client


def msmtp(directory, port, mechanism, tls, to):
    return run(directory, "msmtp", "-v", "--host=localhost", f"--port={port}", "--auth=" + mechanism.lower(),
               "--user=" + USER, "--passwordeval=cat password", f"--tls={'on' if tls else 'off'}",
               "--tls-trust-file=ca.pem", "--from=" + USER, "--domain=client.example", *to,
               stdin=MESSAGE.replace(b"\r\n", b"\n"))


def smtplib(level):
    def client(directory, port, mechanism, tls, to):
        return run(directory, "/usr/bin/python3", "-c", f"""
import smtplib, ssl
s = smtplib.SMTP(local_hostname="client.example")
s.set_debuglevel({level})
s._host = "localhost"
s.connect("localhost", {port})
s.ehlo()
if {tls}:
    s.starttls(context=ssl.create_default_context(cafile="ca.pem"))
    s.ehlo()
s.user, s.password = {USER!r}, {PASSWORD!r}
s.auth({mechanism!r}, getattr(s, "auth_" + {mechanism!r}.lower().replace("-", "_")))
s.sendmail({USER!r}, {to!r}, open("message.eml", "rb").read())
s.quit()
""")
    return client


def phpmailer(level, output):
    def client(directory, port, mechanism, tls, to):
        script = f"""<?php
require "/usr/share/php/libphp-phpmailer/autoload.php";
$m = new PHPMailer\\PHPMailer\\PHPMailer(true);
$m->isSMTP(); $m->Host = "localhost"; $m->Port = {port}; $m->SMTPAuth = true; $m->AuthType = "{mechanism}";
$m->Username = "{USER}"; $m->Password = trim(file_get_contents("password")); $m->SMTPDebug = {level};
$m->Debugoutput = {output}; $m->Helo = "client.example"; $m->SMTPAutoTLS = false;
$m->SMTPSecure = "{'tls' if tls else ''}"; $m->SMTPOptions = ["ssl" => ["cafile" => "ca.pem"]];
$m->setFrom("{USER}"); {"".join(f'$m->addAddress("{address}");' for address in to)}
$m->Subject = "Hello"; $m->Body = "Hello Bob.\\n.dot\\n..two\\n\\nend\\n";
try {{ $m->send(); }} catch (Exception $e) {{ }}
"""
        path = directory / "mail.php"
        path.write_text(script)
        return run(directory, "php", str(path))
    return client


def nodemailer(logger):
    def client(directory, port, mechanism, tls, to):
        script = f"""
const bunyan = {{}};
for (const level of ["trace", "debug", "info", "warn", "error", "fatal"])
  bunyan[level] = (entry, message, ...rest) => console.log(JSON.stringify(Object.assign({{level}}, entry,
      {{msg: require("util").format(message, ...rest), time: new Date().toISOString()}})));
const t = require("/usr/share/nodejs/nodemailer").createTransport({{host: "localhost", port: {port}, secure: false,
  requireTLS: {str(tls).lower()}, ignoreTLS: {str(not tls).lower()}, name: "client.example", authMethod: "{mechanism}",
  auth: {{user: "{USER}", pass: require("fs").readFileSync("password", "utf8").trim()}}, debug: true,
  tls: {{ca: require("fs").readFileSync("ca.pem")}}, transactionLog: true, logger: {logger}}});
t.sendMail({{envelope: {{from: "{USER}", to: {json.dumps(to)}}}, raw: require("fs").readFileSync("message.eml")}},
  () => t.close());
"""
        path = directory / "mail.js"
        path.write_text(script)
        return run(directory, "node", str(path))
    return client


def s_client(directory, port, mechanism, tls, to):
    """On a terminal, so that what is typed is in the log. Each line waits for the reply to the one before."""
    name, secret = (base64.b64encode(word.encode()).decode() for word in (USER, PASSWORD))
    plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    answers = {"LOGIN": ["AUTH LOGIN", name, secret], "PLAIN": ["AUTH PLAIN " + plain]}[mechanism]
    lines = ["EHLO client.example", *answers, f"MAIL FROM:<{USER}>", *[f"rcpt to:<{address}>" for address in to], "DATA",
             *MESSAGE.decode().replace("\r\n.", "\r\n..").split("\r\n")[:-1], ".", "quit"]
    log = directory / "typescript"
    command = f"openssl s_client -connect localhost:{port} -starttls smtp -CAfile {home}/ca.pem -crlf"
    with subprocess.Popen(["script", "-q", "-f", "-c", command, str(log)], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        in_message = False

        def wait_for(count):
            end = time.monotonic() + RUN_BOUND
            while time.monotonic() < end:
                text = log.read_bytes() if log.exists() else b""
                if len(re.findall(rb"(?m)^\d{3}(?: .*)?\r?$", text)) >= count and b"read R BLOCK" in text:
                    return
                if process.poll() is not None:
                    return
                time.sleep(0.02)
            raise Complaint(f"s_client does not go on: {visible(log.read_bytes())}")
        replies = 1
        wait_for(replies)
        for line in lines:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            if not in_message or line == ".":
                replies += 1
                wait_for(replies)
            in_message = line == "DATA" or (in_message and line != ".")
        process.stdin.close()
        process.wait(RUN_BOUND)
    return log.read_bytes()


LOGIN, PLAIN, CRAM = "LOGIN", "PLAIN", "CRAM-MD5"

# A name; the format; the client; mechanisms; with TLS, without; whether the log has the whole dialogue.
CLIENTS = [
    ("swaks", "swaks", swaks, (LOGIN, PLAIN, CRAM), (False, True), True),
    ("curl", "curl", curl("-v"), (LOGIN, PLAIN, CRAM, "XOAUTH2", "OAUTHBEARER"), (False, True), False),
    ("curl-trace", "curl-trace", curl("--trace-ascii", "TRACE"), (LOGIN, PLAIN, CRAM, "XOAUTH2"), (False, True), True),
    ("curl-trace-time", "curl-trace", curl("--trace-ascii", "TRACE", "--trace-time"), (PLAIN,), (False, True), True),
    ("curl-hex", "curl-trace", curl("--trace", "TRACE", "--trace-time"), (LOGIN, "XOAUTH2"), (False, True), True),
    ("msmtp", "msmtp", msmtp, (LOGIN, PLAIN, CRAM), (False, True), True),
    ("smtplib-1", "smtplib", smtplib(1), (LOGIN, PLAIN, CRAM), (False, True), True),
    ("smtplib-2", "smtplib", smtplib(2), (LOGIN,), (False, True), True),
    ("phpmailer-2", "phpmailer", phpmailer(2, '"echo"'), (LOGIN, PLAIN, CRAM), (False, True), True),
    ("phpmailer-3", "phpmailer", phpmailer(3, '"echo"'), (LOGIN,), (True,), True),
    ("phpmailer-4", "phpmailer", phpmailer(4, '"echo"'), (LOGIN, PLAIN, CRAM), (False, True), True),
    ("phpmailer-plain", "phpmailer", phpmailer(2, 'function($text, $level) { echo rtrim($text), "\\n"; }'), (PLAIN,),
     (False, True), True),
    ("nodemailer-json", "nodemailer", nodemailer("bunyan"), (LOGIN, PLAIN, CRAM), (False, True), True),
    ("nodemailer-console", "nodemailer", nodemailer("true"), (LOGIN, PLAIN), (False, True), True),
    ("s_client", "s_client", s_client, (LOGIN, PLAIN), (True,), True),
]
# What the logs give besides the dialogue.
KNOWS_TIMES = ("curl-trace-time", "curl-hex", "smtplib-2", "phpmailer-2", "phpmailer-3", "phpmailer-4", "nodemailer-json",
               "nodemailer-console")
RECIPIENTS = {"accepted": ["bob@ehlo.test"], "refused": ["bob@ehlo.test", "nobody@ehlo.test"]}


# ---- What is judged --------------------------------------------------------------------------------------------------


def windows_in(octets, secrets=(PASSWORD, TOKEN)):
    """Each window of four of a secret, or of its base64 at one of the three alignments, that stands in the octets by
    more than chance: other windows of the same form stand there too."""
    for secret in secrets:
        for form in (secret.encode(), *base64_inside(secret.encode())):
            found = {form[at:at + 4] for at in range(len(form) - 3) if form[at:at + 4] in octets}
            if found and any(form[at:at + 6] in octets for at in range(len(form) - 5)):
                yield f"windows of a secret are there: {sorted(found)[:4]}"


# msmtp's session where a recipient was refused.
LEAVES = re.compile(rb"RCPT TO:<nobody@ehlo.test>\r\nDATA\r\n\Z")


def trimmed(stream):
    """PHPMailer cuts off blanks that end a line."""
    return re.sub(rb" +\r\n", b"\r\n", stream)


def judge_dialogue(name, transcript, peer, whole):
    said, heard = spoken(transcript, "S"), spoken(transcript, "C")
    if name.startswith("curl"):  # it says QUIT when its log is closed
        peer.said = bytearray(bytes(peer.said).removesuffix(b"221 2.0.0 bye\r\n"))
        peer.heard = bytearray(bytes(peer.heard).removesuffix(b"QUIT\r\n"))
    if name.startswith("s_client"):  # what is before TLS is put together
        said, heard = (stream[stream.find(mark) + len(mark):]
                       for stream, mark in ((said, b"220 unknown\r\n250-unknown\r\n"), (heard, b"STARTTLS\r\n")))
        said = said[said.find(b"220 unknown\r\n") + len(b"220 unknown\r\n"):]
        server = bytes(peer.said).split(b"go ahead\r\n")[1]
        client = bytes(peer.heard).split(b"STARTTLS\r\n")[1]
    else:
        server, client = bytes(peer.said), bytes(peer.heard)
    if LEAVES.search(heard):
        server = server[:len(said)]
    difference = first_difference(trimmed(server), trimmed(said)) or (len(trimmed(server)) != len(trimmed(said)) and
                                                                      "not all is there")
    if difference and SECRET not in said:
        yield f"the server's side differs: {difference}"
    if whole:
        difference = first_difference(trimmed(client), trimmed(heard))
        if difference or client.count(b"\n") != heard.count(b"\n"):
            yield f"the client's side differs: {difference or 'other lines'}"
    if SECRET not in heard:
        yield "no credential is marked"


def judge_transcript(name, transcript, peer, tls, whole):
    text = transcript.decode("ascii")
    yield from windows_in(transcript)
    yield from judge_dialogue(name, transcript, peer, whole)
    if (re.search(r"(?m)^(?:\+\S+ +)?! tls\b", text) is not None) != tls:
        yield "the fact of TLS is wrong"
    if ("! note unknown times\n" in text) != (name not in KNOWS_TIMES):
        yield "the note about times is wrong"
    if "! note unknown chunks\n" not in text:
        yield "the note about chunks is missing"
    if ("! note unknown message" in text) != (not whole) and not LEAVES.search(spoken(transcript, "C")):
        yield "the note about the message is wrong"


def scrubbed_clean(ehlo, path, log):
    """The log without its credentials, and complaints."""
    first = ehlo("scrub", path)
    yield from windows_in(first.out)
    yield from windows_in(first.err)
    wrong = first.status not in (0, 1) or (first.status == 0) != (first.out == log)
    if wrong:
        yield f"scrub: exit status {first.status}"
    again = ehlo("scrub", "-", stdin=first.out)
    if again.status != 0 or again.out != first.out:
        yield f"scrubbed once more: exit status {again.status}, {'same' if again.out == first.out else 'other'} text"
    check = ehlo("scrub", "--check", path)
    yield from windows_in(check.out + check.err)
    if check.status != first.status:
        yield f"scrub --check: exit status {check.status}"
    places = check.out.decode().splitlines()
    if (len(places) > 0) != (first.status == 1) or not all(re.fullmatch(r".+:\d+:\d+: [\w \-']+", p) for p in places):
        yield f"scrub --check prints {check.out!r}"
    told = json.loads(ehlo("scrub", "--check", "--json", path).out)
    if [f"{f['file']}:{f['line']}:{f['column']}: {f['what']}" for f in told["findings"]] != places:
        yield f"as JSON, the findings are {told}"
    if (told["num"], told["status"], told["error"]) != (len(places), first.status, None):
        yield f"as JSON, there are {told['num']}, status {told['status']}, {told['error']}"


def add_client(name, kind, client, mechanism, tls, whole, recipients):
    def case(ehlo):
        with Server(Submission(mechanism), context) as server:
            log = client(ehlo.directory, server.port, mechanism, tls, RECIPIENTS[recipients])
            peer = server.peers[0]
        yield from server.complaints
        path = ehlo.directory / "program.log"
        path.write_bytes(log)
        result = ehlo("import", path, "-o", "session.smtp")
        if result.status != 0 or f"read as {kind}\n".encode() not in result.err:
            yield f"import: exit status {result.status}\n{visible(log)}"
            return
        transcript = (ehlo.directory / "session.smtp").read_bytes()
        yield from judge_transcript(name, transcript, peer, tls, whole)
        told = ehlo("import", "--format", kind, "-", stdin=log)
        if told.out != transcript:
            yield "by a pipe, with the format told, it is another"
        replay = ehlo("replay", "--chunks", "all", "session.smtp")
        if replay.status != 0:
            yield f"it does not replay: {visible(replay.out + replay.err)}"
        if client is not s_client:
            yield from scrubbed_clean(ehlo, path, log)
    bench.add(f"{name}/{mechanism.lower()}{'-tls' if tls else ''}/{recipients}", case)


for NAME, KIND, CLIENT, MECHANISMS, TLS, WHOLE in CLIENTS:
    for MECHANISM in MECHANISMS:
        for WITH_TLS in TLS:
            for RECIPIENT in RECIPIENTS:
                if MECHANISM == MECHANISMS[0] or RECIPIENT == "accepted":
                    add_client(NAME, KIND, CLIENT, MECHANISM, WITH_TLS, WHOLE, RECIPIENT)


# ---- Captures --------------------------------------------------------------------------------------------------------


def case(name):
    return lambda function: bench.add(name, function)


class Capture:
    """tcpdump on the loopback device, of one port."""

    def __init__(self, directory, port):
        self.path = directory / "session.pcap"
        # Its last packets come when it is told to stop; -U writes each as it comes.
        self.process = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-w", str(self.path), "-Z", "root", "tcp", "port",
                                         str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.port = port

    def __enter__(self):
        line = b""
        while b"listening on" not in line:
            line = self.process.stderr.readline()
            if not line:
                raise Complaint("tcpdump does not capture")
        return self

    def __exit__(self, *_):
        time.sleep(0.3)  # what the kernel has for it
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=RUN_BOUND)


def may_capture():
    probe = subprocess.run(["tcpdump", "-i", "lo", "-c", "0", "--version"], capture_output=True, check=False)
    return probe.returncode == 0 and os.geteuid() == 0


def captured(ehlo, clients):
    """The path of a capture of these clients' sessions, one after the other, and the server's ends of them."""
    with Server(Submission("LOGIN PLAIN"), context) as server:
        with Capture(ehlo.directory, server.port) as capture:
            for client, tls in clients:
                client(ehlo.directory, server.port, LOGIN, tls, RECIPIENTS["refused"])
        peers = list(server.peers)
    return capture.path, peers


if may_capture():
    @case("pcap/cleartext")
    def _(ehlo):
        path, peers = captured(ehlo, [(smtplib(1), False)])
        result = ehlo("import", path)
        if result.status != 0:
            yield f"exit status {result.status}"
        yield from windows_in(result.out)
        yield from judge_dialogue("pcap", result.out, peers[0], True)
        text = result.out.decode()
        if "unknown" in text or "! connect 127.0.0.1:" not in text or not re.search(r"(?m)^\+\S+ +! eof [SC]$", text):
            yield f"its facts are wrong: {text}"
        chunks = len(re.findall(r"(?m)^\+\S+ +C: ", text))
        if chunks != len(re.findall(rb"(?m)^(?:ehlo|AUTH|czNr|mail|rcpt|data|From|quit)", bytes(peers[0].heard))):
            yield f"{chunks} chunks of the client"
        if ehlo("replay", "--chunks", "all", "-", stdin=result.out).status != 0:
            yield "it does not replay"

    @case("pcap/starttls")
    def _(ehlo):
        path, _ = captured(ehlo, [(smtplib(1), True)])
        result = ehlo("import", path)
        text = result.out.decode()
        if result.status != 0 or not re.search(r"(?m)^\+\S+ +! tls\n! note encrypted from here on: [1-9]\d+ octets", text):
            yield f"exit status {result.status}: {text}"
        if re.search(r"(?m)! tls\n(?:.*\n)*.*[CS]: ", text):
            yield "something is said after TLS began"
        if ehlo("replay", "-", stdin=result.out).status != 0:
            yield "it does not replay"

    @case("pcap/several")
    def _(ehlo):
        path, peers = captured(ehlo, [(smtplib(1), False), (curl("-v"), False), (swaks, False)])
        result = ehlo("import", path)
        listed = re.findall(r"(?m)^ +(\d)  \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  127\.0\.0\.1:\d+ to 127", result.err.decode())
        if result.status != 64 or result.out or listed != ["1", "2", "3"]:
            yield f"exit status {result.status}, connections {listed}"
        for number, peer in enumerate(peers, 1):
            result = ehlo("import", "--connection", number, path)
            yield from judge_dialogue("pcap", result.out, peer, True)
            yield from windows_in(result.out)
            if ehlo("replay", "-", stdin=result.out).status != 0:
                yield f"{number} does not replay"
        if ehlo("import", "--connection", 4, path).status != 64:
            yield "there is a fourth connection"
        listed = json.loads(ehlo("import", "--json", "-o", "x.smtp", path).out)
        if [c["number"] for c in listed["connections"]] != [1, 2, 3] or not listed["error"]:
            yield f"JSON lists {listed}"
        told = json.loads(ehlo("import", "--json", "-o", "x.smtp", "--connection", 2, path).out)
        if told != {"format": "pcap", "file": str(path), "output": "x.smtp"}:
            yield f"JSON tells {told}"
        if (ehlo.directory / "x.smtp").read_bytes() != ehlo("import", "--connection", 2, path).out:
            yield "with --json another transcript was written"

    @case("pcap/damaged")
    def _(ehlo):
        path, _ = captured(ehlo, [(smtplib(1), False)])
        octets = path.read_bytes()
        for length in (3, 10, 24, 30, len(octets) - 5):
            result = ehlo("import", "--format", "pcap", "-", stdin=octets[:length])
            if result.status != 65 or not re.fullmatch(rb"ehlo: standard input: .+\n", result.err):
                yield f"{length} octets: exit status {result.status}, {result.err!r}"


# ---- The command lines -----------------------------------------------------------------------------------------------

LOG = (b"<-  220 a\n -> EHLO b\n<-  250-a\n<-  250 AUTH PLAIN\n -> AUTH PLAIN " +
       base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()) + b"\n<** 535 no " + PASSWORD.encode() + b"\n")


def want(result, status, err=rb".*", out=rb".*"):
    yield from windows_in(result.out + result.err)
    if result.status != status:
        yield f"{result.arguments}: exit status {result.status}, not {status}"
    for what, text, pattern in (("error", result.err, err), ("output", result.out, out)):
        if not re.fullmatch(pattern, text, re.DOTALL):
            yield f"{result.arguments}: standard {what} is {text!r}"


@case("import/errors")
def _(ehlo):
    (ehlo.directory / "a.log").write_bytes(LOG)
    yield from want(ehlo("import"), 64, rb".*one FILE is expected.*")
    yield from want(ehlo("import", "--format", "sendmail", "a.log"), 64, rb".*it is one of s_client, .*")
    yield from want(ehlo("import", "--connection", "1", "a.log"), 64, rb".*for captures.*")
    yield from want(ehlo("import", "--connection", "0", "a.log"), 64, rb".*from 1 on.*")
    yield from want(ehlo("import", "none.log"), 66, rb"ehlo: cannot read none\.log: No such file.*")
    yield from want(ehlo("import", "."), 66, rb"ehlo: cannot read \.: it is a directory\n")
    yield from want(ehlo("import", "-", stdin=b"hello\n"), 65, rb"ehlo: standard input: looks like no format.*")
    yield from want(ehlo("import", "-", stdin=b""), 65, rb"ehlo: standard input: looks like no format.*")
    yield from want(ehlo("import", "--format", "swaks", "-", stdin=b"hello\n"), 65, rb"ehlo: standard input:2:1: .*\n")
    yield from want(ehlo("import", "--format", "swaks", "-", stdin=os.urandom(1000) + b"\0"), 65,
                    rb"ehlo: standard input:\d+:\d+: a NUL.*\n")
    yield from want(ehlo("import", "/dev/zero"), 66, rb"ehlo: cannot read /dev/zero: it is a device\n")
    for options, expected in (((), rb"looks like no format"), (("--format", "swaks"), rb":1:1: a NUL")):
        with open("/dev/zero", "rb") as endless:
            done = subprocess.run([ehlo.program, "import", *options, "-"], stdin=endless, capture_output=True,
                                  timeout=RUN_BOUND, check=False)
        if done.returncode != 65 or expected not in done.stderr:
            yield f"of zeros without end: {done.returncode}, {done.stderr!r}"
    yield from want(ehlo("import", "-", stdin=LOG + b"\0" + bytes(10**7)), 65, rb".*standard input:7:1: a NUL.*\n")
    yield from want(ehlo("import", "a.log", "-o", "no/where"), 73, rb".*cannot write no/where: No such file.*")
    yield from want(ehlo("import", "a.log", "-o", "/dev/full"), 73, rb".*No space left.*")
    with open("/dev/full", "wb") as full:
        yield from want(ehlo("import", "a.log", stdout=full), 73, rb".*No space left.*")
    yield from want(ehlo("import", "--format", "curl", "a.log", "-o", "b.smtp"), 65, rb".*looks like swaks; try .*")
    if sorted(path.name for path in ehlo.directory.iterdir()) != ["a.log"]:
        yield f"something is left: {list(ehlo.directory.iterdir())}"
    yield from want(ehlo("import", "a.log", "-o", "b.smtp"), 0, rb"ehlo: a\.log: read as swaks\n", rb"")
    if stat.S_IMODE((ehlo.directory / "b.smtp").stat().st_mode) != 0o600:
        yield "others can read the transcript"


@case("scrub/command")
def _(ehlo):
    log, clean = ehlo.directory / "a.log", ehlo.directory / "clean.log"
    log.write_bytes(LOG)
    clean.write_bytes(b"<-  220 a\n -> QUIT\n")
    expected = LOG.replace(LOG[LOG.index(b"PLAIN AG") + 6:LOG.index(b"\n<**")], b"{secret}").replace(
        PASSWORD.encode(), b"{secret}")
    yield from want(ehlo("scrub"), 64, rb".*FILE is missing.*")
    yield from want(ehlo("scrub", "a.log", "clean.log"), 64, rb".*--check or --in-place.*")
    yield from want(ehlo("scrub", "--check", "--in-place", "a.log"), 64, rb".*exclude one another.*")
    yield from want(ehlo("scrub", "--in-place", "-"), 64, rb".*no place.*")
    yield from want(ehlo("scrub", "none.log"), 66, rb"ehlo: cannot read none\.log.*")
    yield from want(ehlo("scrub", "--check", "a.log", "none.log"), 66)
    yield from want(ehlo("scrub", "a.log", "-o", "no/where"), 73, rb".*cannot write no/where.*")
    yield from want(ehlo("scrub", "a.log", "-o", "/dev/full"), 73, rb".*No space left.*")
    yield from want(ehlo("scrub", "a.log"), 1, rb"", re.escape(expected))
    yield from want(ehlo("scrub", "-", stdin=LOG), 1, rb"", re.escape(expected))
    yield from want(ehlo("scrub", "clean.log"), 0, rb"", re.escape(clean.read_bytes()))
    yield from want(ehlo("scrub", "--check", "clean.log", "a.log"), 1, rb"",
                    rb"a\.log:5:16: a PLAIN response\na\.log:6:12: a credential that stands elsewhere too\n")
    yield from want(ehlo("scrub", "--check", "clean.log"), 0, rb"", rb"")
    log.chmod(0o640)
    before = clean.stat()
    yield from want(ehlo("scrub", "--in-place", "a.log", "clean.log"), 1, rb"", rb"")
    if log.read_bytes() != expected or stat.S_IMODE(log.stat().st_mode) != 0o640:
        yield "a.log is not what it should be"
    if (clean.stat().st_ino, clean.stat().st_mtime_ns) != (before.st_ino, before.st_mtime_ns):
        yield "a clean file was written anew"
    yield from want(ehlo("scrub", "--in-place", "a.log", "clean.log"), 0, rb"", rb"")
    yield from want(ehlo("scrub", "-", stdin=b"! ehlo-transcript 1\nC: AUTH PLAIN AGEAcGFzc3dvcmQ=\n"), 1, rb"",
                    rb"! ehlo-transcript 1\nC: AUTH PLAIN \\\{secret\}\n")


@case("scrub/names")
def _(ehlo):
    log = b"MAIL FROM:<alice@ehlo.test>\nRCPT TO:<bob@ehlo.test>\nhello alice@ehlo.test, from bob@ehlo.test\n"
    result = ehlo("scrub", "--names", "-", stdin=log)
    names = re.findall(rb"\{name-[0-9a-f]{8}\}", result.out)
    yield from want(result, 1, rb"", rb"MAIL FROM:<\S+@ehlo\.test>\nRCPT TO:<\S+@ehlo\.test>\nhello \S+@ehlo\.test, from "
                    rb"\S+@ehlo\.test\n")
    if len(names) != 4 or names[:2] != names[2:] or names[0] == names[1]:
        yield f"the names are {names}"
    if ehlo("scrub", "--names", "-", stdin=log).out == result.out:
        yield "another run gives the same pseudonyms, so names can be tried"
    yield from want(ehlo("scrub", "--names", "-", stdin=result.out), 0, rb"", re.escape(result.out))


@case("scrub/corpus")
def _(ehlo):
    """Transcripts hold no credentials, so none is found in them."""
    paths = sorted((pathlib.Path(os.getcwd()) / "corpus" / "transcripts").glob("*/*.smtp"))
    if len(paths) < 100:
        yield f"there are {len(paths)} transcripts"
    yield from want(ehlo("scrub", "--check", *paths), 0, rb"", rb"")


def resident(ehlo, *arguments):
    """The most memory in use, in KiB, and the exit status."""
    done = subprocess.run([MAX_RSS, ehlo.program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=ehlo.directory, check=False)
    return int(done.stderr.split()[-1]), done.returncode


@case("memory")
def _(ehlo):
    """A log of two sizes takes the same, in one line or in many."""
    for name, line in (("lines", LOG), ("line", LOG.replace(b"\n", b" "))):
        used = []
        for times in (1000, 100000):
            with open(ehlo.directory / "big.log", "wb") as file:
                for _ in range(times // 1000):
                    file.write(line * 1000)
            used.append(resident(ehlo, "scrub", "-o", "out.log", "big.log")[0])
            if name == "lines":
                used.append(resident(ehlo, "import", "-o", "out.smtp", "big.log")[0])
        if max(used) > 24000:
            yield f"{name}: {used} KiB"


sys.exit(bench.run())
