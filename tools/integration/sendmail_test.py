#!/usr/bin/python3
"""ehlo sendmail under the programs that call sendmail: git send-email, mutt, cron and PHP, and as they call it. Each
message goes through a real Postfix with a login over TLS, and is read back from the mailbox.

usage: sendmail_test.py EHLO [-- PATTERN]
"""

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import mailboxes
from harness import Bench, Complaint, secrets_in

PROGRAM_BOUND = 20  # seconds

bench = Bench("sendmail_test.py")
server = None  # once it runs


def fresh(name):
    """A word that no other message has, be it of the same case."""
    return f"{name}-{secrets.token_hex(4)}"


def case(name):
    return lambda run: bench.add(name, run)


def prepare(ehlo, more="", program="sendmail"):
    """An account in the case's home, and the program under the name of sendmail, whose path it returns."""
    directory = ehlo.directory / ".config" / "ehlo"
    directory.mkdir(parents=True)
    (directory / "config").write_text(server.configuration(more), encoding="utf-8")
    link = ehlo.directory / program
    link.symlink_to(ehlo.program)
    return link


def execute(ehlo, *arguments, stdin=b"", status=0, **variables):
    """Runs a program in the case's home. Raises a complaint if it ends otherwise, or says a secret."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(ehlo.directory), "LC_ALL": "C.UTF-8",
                   "LOGNAME": "alice", "TERM": "dumb", **variables}
    done = subprocess.run([str(a) for a in arguments], input=stdin, capture_output=True, cwd=ehlo.directory,
                          env=environment, timeout=PROGRAM_BOUND, check=False, start_new_session=True)
    password = pathlib.Path(server.password_file).read_text(encoding="utf-8").rstrip("\n")
    if done.returncode != status or secrets_in(done.stdout + done.stderr, password):
        raise Complaint(f"{arguments[0]}: exit status {done.returncode}, and {status} was expected\n"
                        f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done


def only(box, marker):
    found = server.wait_for(box, marker)
    if len(found) != 1:
        raise Complaint(f"{len(found)} messages with {marker!r} in the box of {box}")
    return found[0]


def want_silence(done):
    if done.stdout or done.stderr:
        yield f"something was printed: {done.stdout!r} {done.stderr!r}"


def want_text(message, text):
    body = message.get_body(("plain",)).get_content()
    if body != text:
        yield f"the text is {body!r}, and not {text!r}"


# ---- As programs call it ---------------------------------------------------------------------------------------

COMPLETE = (b"From: alice@ehlo.test\nTo: bob@ehlo.test\nDate: Mon, 3 Mar 2025 10:00:00 +0000\n"
            b"Message-ID: <%s@ehlo.test>\nSubject: =?utf-8?q?fold?=\n ed\nX-Odd:tight\nX-Empty:\n\n"
            b"text\n.\n..\n.dot\nFrom here\n\n\ttab \nlast\n")


def octets_case(name, arguments, line_end):
    def run(ehlo):
        program = prepare(ehlo)
        marker = fresh(name.replace("/", "-")).encode()
        message = (COMPLETE % marker).replace(b"\n", line_end)
        done = execute(ehlo, program, *arguments, stdin=message)
        yield from want_silence(done)
        if (found := only("bob", marker)) != COMPLETE % marker:
            yield f"in the mailbox: {found!r}"
    bench.add(name, run)


octets_case("octets/lf", ("-i", "bob@ehlo.test"), b"\n")
octets_case("octets/crlf", ("-oi", "bob@ehlo.test"), b"\r\n")
octets_case("octets/recipients-of-header", ("-t", "-i"), b"\n")
octets_case("octets/what-mutt-says", ("-oem", "-oi", "-f", "alice@ehlo.test", "--", "bob@ehlo.test"), b"\n")
octets_case("octets/what-others-say", ("-bm", "-B8BITMIME", "-odi", "-O", "x=y", "-Am", "-G", "-i", "-r",
                                       "alice@ehlo.test", "bob@ehlo.test"), b"\n")


@case("dot/ends")
def _(ehlo):
    marker = fresh("dot").encode()
    execute(ehlo, prepare(ehlo), "bob@ehlo.test", stdin=b"Subject: %s\n\nbefore\n.\nbehind\n" % marker)
    if not (found := only("bob", marker)).endswith(b"\n\nbefore\n"):
        yield f"in the mailbox: {found!r}"


@case("header/what-is-missing-comes")
def _(ehlo):
    program = prepare(ehlo, "full-name = Ällice\n")
    marker = fresh("comes").encode()
    execute(ehlo, program, "-i", "bob", stdin=b"Subject: %s\nTo: root, Bob <bob> (he)\n\nx\n" % marker)
    found = only("bob", marker)
    message = mailboxes.parse(found)
    if message["From"] != "Ällice <alice@ehlo.test>" or not message["Message-ID"].endswith("@ehlo.test>"):
        yield f"From is {message['From']}, Message-ID {message['Message-ID']}"
    if abs(message["Date"].datetime.timestamp() - time.time()) > 3600:
        yield f"Date is {message['Date']}"
    if b"\nTo: root@ehlo.test, Bob <bob@ehlo.test> (he)\n" not in found:
        yield f"To is not completed: {found!r}"


@case("header/none")
def _(ehlo):
    text = fresh("no header at all")
    execute(ehlo, prepare(ehlo), "-i", "-F", "A. Name", "bob@ehlo.test", stdin=f"{text}\n".encode())
    message = mailboxes.parse(only("bob", text.encode()))
    if message["From"] != '"A. Name" <alice@ehlo.test>' or message.get_content() != f"{text}\n":
        yield f"it is {message}"


@case("recipients/of-header-and-command-line")
def _(ehlo):
    marker = fresh("everybody").encode()
    execute(ehlo, prepare(ehlo), "-t", "-i", "alice@ehlo.test,bob@ehlo.test",
            stdin=b'To: g: "B, b" <bob@ehlo.test> (x)\n ;\nBCC: =?utf-8?q?C=C3=A4rol?=\n <carol@ehlo.test>\n'
                  b"Subject: %s\n\nx\n" % marker)
    for box in ("alice", "bob", "carol"):
        if b"arol" in only(box, marker):
            yield f"{box} sees the Bcc"


@case("recipients/resent")
def _(ehlo):
    marker = fresh("resent").encode()
    execute(ehlo, prepare(ehlo), "-t", "-i",
            stdin=b"Resent-From: alice@ehlo.test\nResent-To: carol@ehlo.test\nResent-Bcc: alice@ehlo.test\n"
                  b"From: bob@ehlo.test\nTo: bob@ehlo.test\nResent-To: bob@ehlo.test\nSubject: %s\n\nx\n" % marker)
    only("carol", marker)
    if b"Resent-Bcc" in only("alice", marker) or server.find("bob", marker):
        yield "Resent-Bcc shows, or bob has it too"


@case("recipients/other-script")
def _(ehlo):
    marker = fresh("other-script")
    execute(ehlo, prepare(ehlo), "-t", "-i", stdin=f"To: björn@ehlo.test\nSubject: {marker}\n\nx\n".encode())
    only("bjoern", marker.encode())


@case("body/what-cron-jobs-print")
def _(ehlo):
    marker = fresh("bare-cr").encode()
    execute(ehlo, prepare(ehlo), "-i", "bob@ehlo.test", stdin=b"Subject: %s\n\n10%%\r100%%\ndone\r\n" % marker)
    if not (found := only("bob", marker)).endswith(b"\n\n10%\n100%\ndone\n"):
        yield f"in the mailbox: {found!r}"


@case("header/long-line")
def _(ehlo):
    marker = fresh("many")
    names = [f"user{n}@ehlo.test" for n in range(200)]
    header = f"To: {', '.join(names)}\nSubject: {marker}\n\nx\n"
    execute(ehlo, prepare(ehlo), "-i", "bob@ehlo.test", stdin=header.encode())
    message = mailboxes.parse(only("bob", marker.encode()))
    if [address.addr_spec for address in message["To"].addresses] != names:
        yield f"To is {message['To']}"


@case("body/long-lines-and-nul")
def _(ehlo):
    marker = fresh("beyond")
    text = marker + "\n" + "ä" * 5000 + "\0=\n.\nend\n"
    execute(ehlo, prepare(ehlo), "-i", "bob@ehlo.test", stdin=f"Subject: {marker}\n\n{text}".encode())
    message = mailboxes.parse(only("bob", marker.encode()))
    yield from want_text(message, text)


REFUSED = {
    "no-recipient": (("-i",), b"Subject: x\n\nx\n", 64, b"recipient"),
    "no-recipient-in-header": (("-t", "-i"), b"Subject: x\n\nx\n", 64, b"recipient"),
    "wrong-list": (("-t", "-i"), b"Subject: x\nTo: a b c\n\nx\n", 65, b"standard input:2: To"),
    "wrong-address": (("-i", "a b"), b"Subject: x\n\nx\n", 64, b"a b"),
    "line-end-in-address": (("-i", "bob@ehlo.test\nRCPT TO:<alice@ehlo.test>"), b"Subject: x\n\nx\n", 64, b"address"),
    "line-end-in-name": (("-i", "-F", "x\nBcc: y", "bob@ehlo.test"), b"Subject: x\n\nx\n", 64, b"line end"),
    "long-line-in-multipart": (("-i", "bob@ehlo.test"), b"Content-Type: multipart/mixed\n\n" + b"x" * 999 + b"\n", 65,
                               b"standard input:"),
    "groups-in-groups": (("-t", "-i"), b"From: " + b"g:" * 400000 + b"\nTo: " + b"g:" * 400000 + b"\n\nx\n", 65,
                         b":2: To"),
    "long-address": (("-i", "a." * 50000 + "b@ehlo.test"), b"Subject: x\n\nx\n", 64, "…".encode()),
    "smtp-server": (("-bs",), b"", 64, b"-bs"),
    "queue": (("-q",), b"", 64, b"queue"),
    "queue-list": (("-bp",), b"", 64, b"queue"),
    "unknown-option": (("--frobnicate", "bob@ehlo.test"), b"", 64, b"frobnicate"),
    "unknown-account": (("-i", "-a", "play", "bob@ehlo.test"), b"Subject: x\n\nx\n", 78, b"play"),
}


def refused_case(name, arguments, message, status, pattern):
    def run(ehlo):
        done = execute(ehlo, prepare(ehlo), *arguments, stdin=message, status=status)
        if done.stdout or pattern not in done.stderr or len(done.stderr) > 500:
            yield f"printed: {done.stdout!r:.500} {done.stderr!r:.500}"
    bench.add(f"refused/{name}", run)


for word, rule in REFUSED.items():
    refused_case(word, *rule)


@case("refused/by-server")
def _(ehlo):
    done = execute(ehlo, prepare(ehlo), "-i", "nobody@ehlo.test", stdin=b"Subject: x\n\nx\n", status=69)
    if done.stdout or done.stderr.count(b"\n") != 1 or b"550 5.1.1" not in done.stderr:
        yield f"printed: {done.stdout!r} {done.stderr!r}"


@case("refused/password")
def _(ehlo):
    (ehlo.directory / "wrong").write_text("not it\n")
    done = execute(ehlo, prepare(ehlo), "-i", "--password-file", "wrong", "bob@ehlo.test", stdin=b"Subject: x\n\nx\n",
                   status=77)
    if done.stdout or done.stderr.count(b"\n") != 1 or b"535" not in done.stderr:
        yield f"printed: {done.stdout!r} {done.stderr!r}"


@case("refused/no-terminal-to-ask-on")
def _(ehlo):
    program = prepare(ehlo)
    config = ehlo.directory / ".config/ehlo/config"
    config.write_text(config.read_text().replace("password-file", "# password-file"))
    execute(ehlo, program, "-i", "bob@ehlo.test", stdin=b"Subject: x\n\nx\n", status=64)


@case("account/of-the-sender")
def _(ehlo):
    program = prepare(ehlo, "[wrong]\nserver = 127.0.0.1:1\nfrom = Bob <bob@ehlo.test>\n")
    execute(ehlo, program, "-i", "-f", "bob@ehlo.test", "bob@ehlo.test", stdin=b"Subject: x\n\nx\n", status=74)
    execute(ehlo, program, "-i", "bob@ehlo.test", stdin=b"From: BOB@ehlo.test\n\nx\n", status=74)
    marker = fresh("account").encode()
    execute(ehlo, program, "-i", "-a", "work", "bob@ehlo.test", stdin=b"From: bob@ehlo.test\n\n%s\n" % marker)
    only("bob", marker)


@case("notification")
def _(ehlo):
    program = prepare(ehlo)
    done = execute(ehlo, program, "-i", "-v", "-N", "failure,delay", "-R", "hdrs", "-V", "a b+c", "bob@ehlo.test",
                   stdin=b"Subject: x\n\nx\n")
    for word in (b"RET=hdrs", b"ENVID=a+20b+2Bc", b"NOTIFY=failure,delay"):
        if word not in done.stdout:
            yield f"{word} is not in {done.stdout!r}"


@case("sender/null")
def _(ehlo):
    program = prepare(ehlo)
    for null in ("", "<>"):
        done = execute(ehlo, program, "-i", "-v", "-f", null, "bob@ehlo.test", stdin=b"From: alice@ehlo.test\n\nx\n")
        if b"MAIL FROM:<> " not in done.stdout:
            yield f"not the null sender: {done.stdout!r}"


@case("sender/of-header")
def _(ehlo):
    program = prepare(ehlo)
    done = execute(ehlo, program, "-i", "-v", "--read-envelope-from", "bob",
                   stdin=b"From: Bob <bob>, carol@ehlo.test\nSender: carol (x)\n\nx\n")
    if b"MAIL FROM:<carol@ehlo.test> " not in done.stdout:
        yield f"not the sender of the header: {done.stdout!r}"


@case("json")
def _(ehlo):
    program = prepare(ehlo)
    for arguments, status, outcome in ((("-i", "bob"), 0, "accepted"), (("-i", "nobody"), 69, "refused"),
                                       (("-i",), 64, "usage"), (("-i", "a b"), 64, "usage")):
        done = execute(ehlo, program, "--json", *arguments, stdin=b"Subject: x\n\nx\n", status=status)
        if json.loads(done.stdout)["outcome"] != outcome:
            yield f"{arguments}: {done.stdout!r}"


# ---- Programs --------------------------------------------------------------------------------------------------

PATCH_TEXT = "Größe: ändern\n\n.\nFrom the second line on\n"


def git(ehlo, *arguments, **variables):
    return execute(ehlo, "git", "-c", "user.name=Älice", "-c", "user.email=alice@ehlo.test", "-c",
                   "init.defaultBranch=main", "-c", "commit.gpgsign=false", *arguments, **variables)


def git_case(name, setting):
    def run(ehlo):
        program = prepare(ehlo)
        marker = fresh(name)
        git(ehlo, "init", "-q", "repository")
        (ehlo.directory / "repository" / "file").write_text(PATCH_TEXT, encoding="utf-8")
        git(ehlo, "-C", "repository", "add", "file")
        git(ehlo, "-C", "repository", "commit", "-qm", f"{marker}: grüßen\n\n{PATCH_TEXT}")
        git(ehlo, "-C", "repository", "-c", setting % program, "send-email", "--quiet", "--confirm=never",
            "--to", "Bob <bob@ehlo.test>", "--cc", "Cärol <carol@ehlo.test>", "--suppress-cc=all", "-1")
        for box in ("bob", "carol"):
            (ehlo.directory / f"{box}.patch").write_bytes(only(box, marker.encode()))
            git(ehlo, "init", "-q", box)
            git(ehlo, "-C", box, "am", "-q", f"../{box}.patch")
            if (ehlo.directory / box / "file").read_text(encoding="utf-8") != PATCH_TEXT:
                yield f"the patch that {box} has makes another file"
            author = git(ehlo, "-C", box, "log", "-1", "--format=%an %s").stdout.decode()
            if author != f"Älice {marker}: grüßen\n":
                yield f"author and subject are {author!r}"
    bench.add(f"git-send-email/{name}", run)


git_case("sendmail-command", "sendemail.sendmailCmd=%s -i")
git_case("smtp-server", "sendemail.smtpServer=%s")


@case("mutt")
def _(ehlo):
    program = prepare(ehlo)
    octets = bytes(range(256)) * 40 + b"\r\n.\r\n\n.\n"
    (ehlo.directory / "größe.bin").write_bytes(octets)
    (ehlo.directory / "muttrc").write_text(
        f'set sendmail = "{program} -oem -oi"\nset from = "alice@ehlo.test"\nset realname = "Älice"\n'
        "set use_envelope_from = yes\nset copy = no\nset charset = utf-8\nset send_charset = us-ascii:utf-8\n",
        encoding="utf-8")
    marker = fresh("mutt")
    text = "Grüße\n.\n..\nFrom here on\n"
    execute(ehlo, "mutt", "-F", "muttrc", "-s", marker, "-a", "größe.bin", "-c", "carol@ehlo.test", "-b",
            "alice@ehlo.test", "--", "bob@ehlo.test", stdin=text.encode())
    for box in ("bob", "carol", "alice"):
        message = mailboxes.parse(only(box, marker.encode()))
        yield from want_text(message, text)
        files = [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]
        if files != [("größe.bin", octets)]:
            yield f"{box}: the attachments are {str(files):.200}"
        if message["Bcc"] or message["Subject"] != marker:
            yield f"{box}: {message['Bcc']} {message['Subject']}"


@case("php")
def _(ehlo):
    program = prepare(ehlo)
    marker = fresh("php")
    execute(ehlo, "php", "-d", f"sendmail_path={program} -t -i", "-r",
            f'exit(mail("bob@ehlo.test", "{marker}", "one\\r\\n.\\r\\ntwo\\r\\n", '
            '["Bcc" => "carol@ehlo.test", "From" => "alice@ehlo.test"], "-fbob@ehlo.test") ? 0 : 1);')
    for box in ("bob", "carol"):
        found = only(box, marker.encode())
        if not found.endswith(b"\n\none\n.\ntwo\n\n") or b"carol" in found:
            yield f"{box} has {found!r}"


@case("python")
def _(ehlo):
    program = prepare(ehlo)
    marker = fresh("python")
    script = ("import email.message, subprocess, sys\nm = email.message.EmailMessage()\n"
              "m['To'] = 'Bjärn <bob@ehlo.test>'\nm['Subject'] = 'pythön'\nm['X-Marker'] = sys.argv[2]\n"
              "m.set_content('ä\\n' * 300)\n"
              "subprocess.run([sys.argv[1], '-t', '-i'], input=bytes(m), check=True)\n")
    execute(ehlo, "/usr/bin/python3", "-I", "-c", script, program, marker)
    message = mailboxes.parse(only("bob", marker.encode()))
    yield from want_text(message, "ä\n" * 300)
    if message["From"] != "alice@ehlo.test":
        yield f"From is {message['From']}"


# The real cron, in a name space of its own for files, in which /usr/sbin/sendmail is ehlo and there is one crontab.
CRON = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount --bind "$1/sendmail.sh" /usr/sbin/sendmail
mount --bind "$1/crontabs" /var/spool/cron/crontabs
mount --bind "$1/none" /etc/cron.d
mount --bind /dev/null /etc/crontab
exec cron -f
"""


def can_mount(ehlo):
    (ehlo.directory / "x").mkdir()
    return subprocess.run(["unshare", "-m", "mount", "--bind", ehlo.directory / "x", "/etc/cron.d"], check=False,
                          capture_output=True).returncode == 0


@case("cron")
def _(ehlo):
    program = prepare(ehlo)
    marker = fresh("cron")
    if not can_mount(ehlo):
        print("cron: no name space for files here; what it runs is run instead")
        execute(ehlo, program, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "bob",
                stdin=f"From: root (Cron Daemon)\nTo: bob\nSubject: Cron\n\n{marker}\n.\n  end\n".encode())
    else:
        os.chmod(ehlo.directory, 0o755)
        (ehlo.directory / "none").mkdir()
        (ehlo.directory / "crontabs").mkdir()
        # cron gives its mailer an environment without HOME's configuration.
        (ehlo.directory / "sendmail.sh").write_text(
            f'#!/bin/sh\nHOME={ehlo.directory} exec {program} "$@" 2>>{ehlo.directory}/errors\n')
        (ehlo.directory / "sendmail.sh").chmod(0o755)
        crontab = ehlo.directory / "crontabs" / "root"
        crontab.write_text(f"MAILTO=bob\n@reboot echo {marker}; echo .; echo '  end'\n")
        crontab.chmod(0o600)
        with subprocess.Popen(["unshare", "-m", "sh", "-c", CRON, "cron", ehlo.directory],
                              env={"PATH": PATH}) as cron:
            try:
                server.wait_for("bob", marker.encode() + b"\n")
            finally:
                cron.terminate()
    found = only("bob", marker.encode() + b"\n")
    header, _, text = found.partition(b"\n\n")
    if b"\nFrom: root@ehlo.test (Cron Daemon)\nTo: bob@ehlo.test\n" not in b"\n" + header + b"\n":
        yield f"the header is {header!r}"
    if text != f"{marker}\n.\n  end\n".encode():
        yield f"the text is {text!r}"


def main():
    global server  # pylint: disable=global-statement
    if os.geteuid() != 0:
        print("Skipped: a Postfix server can only be started by root.")
        return 0
    missing = [name for name in ("git", "mutt", "php", "cron", "unshare") if not shutil.which(name, path=PATH)]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}")
    os.chmod(bench.directory, 0o755)
    with mailboxes.running() as server:
        return bench.run()


PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
sys.exit(main())
