#!/usr/bin/python3
"""Runs every command of the README's fenced blocks, and every example of the manual. In a network of its own the hosts that it names are this machine,
where one server stands in for them. A line that is no command fails the test: what is none stands in a block with the name
of its language, or behind a command with a prompt.

usage: readme_test.py EHLO README.md EHLO.1
"""

import os
import pathlib
import pty
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Peer
from names import Names

BOUND = 20  # seconds
HOSTS = ["smtp.office365.com", "smtp.gmail.com", "smtp.example.com", "mail.example.com"]

# Commands that other tests run, by what they begin with, and which.
ELSEWHERE = {
    "tools/bazel run //tools:ehlo -- demo": "demo is an example of the manual",
    "tools/bazel test //...": "this is one of its tests",
    "tools/bazel run //tools:install": "//tools/install:install_test",
    "tools/bazel build //tools/install:deb": "//tools/install:install_test",
    "tools/bazel run //fuzz:campaign": "//fuzz/campaign:campaign_test",
    "git config --global sendemail.sendmailCmd": "//tools/integration:sendmail_test",
    "echo 'set sendmail": "//tools/integration:sendmail_test",
    "php -d sendmail_path": "//tools/integration:sendmail_test",
    "ln -s": "//tools/integration:sendmail_test",
}
# What ends with another status than 0, by what it begins with.
STATUS = {"ehlo diff": {0, 1}, "ehlo scrub debug.log": {1}, "ehlo shell": {0}, "printf 'VRFY": {0, 69}}


def in_namespace():
    """Starts this program again where port 587 and the names of hosts are its own."""
    done = subprocess.run(["unshare", "--map-root-user", "--net", "--mount", sys.executable, *sys.argv, "--inside"], check=False)
    sys.exit(done.returncode)


def commands(text):
    """The commands of the blocks, without their comments; a line that ends in a backslash goes on."""
    for tag, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        lines = block.replace("\\\n", " ").splitlines()
        if any(line.startswith("$ ") for line in lines):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        for line in lines if tag in ("", "sh") else ():
            line = re.sub(r"(^|\s+)# .*$", "", line)
            if line.strip() and not line.startswith("echo $?"):
                yield " ".join(line.split()) if "'" not in line and '"' not in line else line


def unquoted(page):
    """The literal text of a page's examples."""
    section = page.partition(".Sh EXAMPLES\n")[2].split("\n.Sh ")[0]
    return [text.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "") for text in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", section, re.M | re.S)]


def examples(ehlo, main_page):
    """The commands of the manual's examples, of each page at least one."""
    listing = subprocess.run([ehlo, "--help=complete"], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [line.split("\t")[0] for line in listing.splitlines()]
    pages = {name: subprocess.run([ehlo, name, "--help=man"], check=True, stdout=subprocess.PIPE, text=True).stdout for name in names}
    found = {name: [c for text in unquoted(page) for c in commands(f"```\n{text}```\n")] for name, page in pages.items()}
    found["ehlo"] = [c for text in unquoted(main_page) for c in commands(f"```\n{text}```\n")]
    lacking = [name for name, lines in found.items() if not any(name in line for line in lines)]
    return [line for lines in found.values() for line in lines], lacking


class Stand:
    """Takes whatever is submitted, over STARTTLS."""

    def __init__(self, directory):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "90", "-subj", "/CN=stand",
                        "-keyout", "key.pem", "-out", "ca.pem", "-addext", "subjectAltName=" + ",".join("DNS:" + host for host in HOSTS)],
                       cwd=directory, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(directory / "ca.pem", directory / "key.pem")
        for port in (25, 587):
            listener = socket.create_server(("127.0.0.1", port), backlog=50)
            threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        try:
            self.submission(Peer(connection, self.context))
        except OSError:
            pass

    @staticmethod
    def submission(peer):
        peer.say("220 stand.example.com ESMTP")
        tls = False
        while (line := peer.hear()) is not None:
            verb = line.upper()
            if verb.startswith(b"EHLO"):
                peer.say("250-stand.example.com", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8", "250 AUTH PLAIN LOGIN XOAUTH2" if tls else "250 STARTTLS")
            elif verb == b"STARTTLS":
                peer.say("220 go ahead")
                peer.start_tls()
                tls = True
            elif verb.startswith(b"AUTH"):
                peer.say("235 2.7.0 welcome")
            elif verb == b"DATA":
                peer.say("354 go on")
                peer.hear_message()
                peer.say("250 2.0.0 taken")
            elif verb == b"QUIT":
                peer.say("221 bye")
                break
            else:
                peer.say("250 ok")
        peer.close_politely()


def prepare(directory, ehlo, readme, corpus, imports):
    """The files and programs that the README takes for granted."""
    binaries = directory / "bin"
    binaries.mkdir()
    (binaries / "ehlo").symlink_to(ehlo)
    for name, text in (("pass", "echo Sekrit-of-pass"), ("fetch-token", "echo T0ken")):
        (binaries / name).write_text(f"#!/bin/sh\n{text}\n")
        (binaries / name).chmod(0o755)
    (directory / "message.eml").write_text("From: alice@example.com\nTo: bob@example.com\nSubject: x\nDate: Fri, 27 Nov 2026 10:00:00 +0000\n\nhello\n")
    (directory / "app-password").write_text("abcdefghijklmnop\n")
    (directory / "app-password").chmod(0o600)
    for name in ("letter.txt", "letter.html", "logo.png", "report.pdf", "data"):
        (directory / name).write_text("<p>hello</p>\n")
    providers = corpus / "providers"
    (directory / "debug.log").write_text("-> AUTH PLAIN AGFsaWNlAFdvbmRlcmxhbmQ=\n<- 235 2.7.0 welcome\n")
    shutil.copy(imports / "swaks-20201014-tls.log", directory / "swaks.log")
    for name, source in (("session", "exchange-online-accepted"), ("yesterday", "exchange-online-accepted"), ("today", "exchange-online-535-5.7.3"),
                         ("failing", "exchange-online-535-5.7.3")):
        shutil.copy(providers / f"{source}.smtp", directory / f"{name}.smtp")
        (directory / f"{name}.smtp").chmod(0o644)
    (directory / "corpus").symlink_to(providers)
    config = re.search(r"^```ini\n(# for every server\n.*?)^```$", readme, re.M | re.S)[1]
    path = directory / ".config/ehlo/config"
    path.parent.mkdir(parents=True)
    path.write_text(config)


def own_names(directory):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (directory / "hosts").write_text("127.0.0.1 localhost " + " ".join(HOSTS) + "\n")
    (directory / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    for name in ("hosts", "resolv.conf"):
        subprocess.run(["mount", "--bind", directory / name, os.path.realpath(f"/etc/{name}")], check=True)
    return Names({"_submission._tcp": [(0, 1, 587, "mail.example.com")], "MX": [(10, "mail.example.com")]}, 53)


def run_server(command, environment):
    """One that goes on until it is told to stop; its first line is its address."""
    process = subprocess.Popen(["sh", "-c", "exec " + command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    line = process.stdout.readline()
    process.terminate()
    rest, _ = process.communicate(timeout=BOUND)
    return (0 if re.match(rb"127\.0\.0\.1:\d+\n", line) else 1), line + rest


def run_on_terminal(command, environment, typed):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/sh", ["sh", "-c", command], environment)
    seen, end, sent = b"", time.monotonic() + BOUND, False
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        elif not sent:
            os.write(terminal, typed)
            sent = True
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), seen


def run(command, environment):
    if command.startswith(("ehlo record", "ehlo serve")):
        return run_server(command, environment)
    if command.startswith("ehlo shell"):
        return run_on_terminal(command, environment, b"QUIT\n")
    if "--step" in command:
        return run_on_terminal(command, environment, b"q\n")
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, timeout=3 * BOUND, check=False)
    return done.returncode, done.stdout


def main(ehlo, readme_path, page_path):
    readme = pathlib.Path(readme_path).read_text()
    in_manual, lacking = examples(pathlib.Path(ehlo).resolve(), pathlib.Path(page_path).read_text())
    corpus = pathlib.Path("corpus/transcripts").resolve()
    imports = pathlib.Path("replay/import/testdata").resolve()
    directory = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))
    prepare(directory, pathlib.Path(ehlo).resolve(), readme, corpus, imports)
    names = own_names(directory)
    Stand(directory)
    environment = {"PATH": f"{directory}/bin:/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", "EHLO_PASSWORD": "Sekrit-of-readme",
                   "SSL_CERT_FILE": str(directory / "ca.pem"), "TERM": "xterm"}
    os.chdir(directory)
    passed, failed = 0, len(lacking)
    for name in lacking:
        print(f"FAILED the manual page of {name} has no example")
    for command in [*commands(readme), *in_manual]:
        if any(command.startswith(known) for known in ELSEWHERE):
            continue
        wanted = next((s for begin, s in STATUS.items() if command.startswith(begin)), {0})
        status, told = run(command, environment)
        if status in wanted:
            passed += 1
        else:
            failed += 1
            print(f"FAILED {command}\nexit status {status}\n{told.decode(errors='replace')}")
    assert names
    if passed < 20:
        print(f"only {passed} commands were found")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if "--inside" not in sys.argv:
    in_namespace()
sys.exit(main(*sys.argv[1:4]))
