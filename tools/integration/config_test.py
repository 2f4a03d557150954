#!/usr/bin/python3
"""What is settled before anything is opened: accounts, profiles, a password in the configuration, combinations that
cannot be meant, --dry-run, and ehlo doctor. Nothing here may reach a server that was not asked for.

usage: config_test.py EHLO [-- PATTERN]
"""

import base64
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, MESSAGE, PASSWORD, Server, secrets_in

bench = Bench("config_test.py")
SEND = ("--from", "alice@ehlo.test", "--to", "bob@ehlo.test", "--data", "message.eml")


def case(name):
    def add(run):
        def prepared(ehlo):
            (ehlo.directory / "message.eml").write_bytes(MESSAGE)
            yield from run(ehlo) or ()
        return bench.add(name, prepared)
    return add


def configure(ehlo, text, mode=0o600):
    path = ehlo.directory / "config"
    path.write_text(text)
    path.chmod(mode)
    return ("--config", "config")


def want(result, status, *patterns):
    told = (result.out + result.err).decode()
    if result.status != status:
        yield f"exit status {result.status}, and not {status}: {told}"
    for pattern in patterns:
        if not re.search(pattern, told):
            yield f"{pattern!r} is not in it: {told}"


@case("dry-run/words")
def _(ehlo):
    result = ehlo("send", "mail.invalid", *SEND, "--user", "alice@ehlo.test", "--password-command", "touch ran", "--dry-run")
    yield from want(result, 0, "server +mail.invalid:587", "tls +STARTTLS", "name +mail.invalid", "the command of --password-command",
                    "from +<alice@ehlo.test>", "to +<bob@ehlo.test>", r"message +message.eml, \d+ octets")
    if (ehlo.directory / "ran").exists():
        yield "the password was fetched"


@case("dry-run/json")
def _(ehlo):
    plan = ehlo("send", "smtps://mail.invalid", *SEND, "--json", "--dry-run").json()
    if (plan["server"], plan["tls"], plan["to"], plan["user"]) != ("mail.invalid:465", "from the first byte", ["bob@ehlo.test"], None):
        yield str(plan)
    for command in ("probe", "shell"):
        if ehlo(command, "mail.invalid", "--json", "--dry-run").json()["server"] != "mail.invalid:587":
            yield f"{command} has another plan"


ORIGINS = """timeout = 5
default = g
[g]
server = mail.invalid
  user = alice@ehlo.test
from = alice@ehlo.test
to = bob@ehlo.test
helo = x.example
[other]
helo = y.example
"""


@case("dry-run/origins")
def _(ehlo):
    """Where each setting came from, whatever the command."""
    config = configure(ehlo, ORIGINS)
    wanted = {"timeout": "config:1", "default": "config:2", "server": "config:4", "user": "config:5", "helo": "config:8"}
    for command, more, origins in (("send", ("--test",), {"from": "config:6", "to": "config:7"}), ("probe", (), {}), ("shell", (), {})):
        found = ehlo(command, *config, *more, "--json", "--dry-run").json()["origins"]
        for option in ("config", "json", "dry-run", "test"):
            if found.pop(option, "command line") != "command line":
                yield f"{command}: --{option} is of {found}"
        if found != {**wanted, **origins}:
            yield f"{command}: {found}"
    result = ehlo("probe", "g", *config, "--dry-run", "--user", "bob", "--helo", "z.example")
    for row in (r"server +mail\.invalid:587  \(config:4\)", r"user +bob  \(command line\)", r"helo +z\.example  \(command line\)",
                r"timeout +5 s for each wait  \(config:1\)", r"tls +STARTTLS  \(default\)"):
        yield from want(result, 0, row)
    plan = ehlo("probe", "gmail", "--dry-run")
    yield from want(plan, 0, r"server +smtp\.gmail\.com:587  \(command line\)")


@case("dry-run/what-will-end-it")
def _(ehlo):
    for options, words, plus in ((("--tls", "none"), "exit status 78", False), (("--tls", "none", "--allow-cleartext-auth"), None, False),
                                 ((), None, True)):
        plan = ehlo("probe", "mail.invalid", "--user", "alice", *options, "--dry-run", "--json").json()
        if words is None and plan["obstacle"] is not None or words is not None and words not in plan["obstacle"]:
            yield f"{options}: {plan['obstacle']}"
        if ("-PLUS" in plan["auth"]) != plus:
            yield f"{options}: {plan['auth']}"


@case("account/default")
def _(ehlo):
    """Without SERVER it is the account that sends as the sender, or the default one, or none."""
    text = "default = b\n[a]\nserver = a.invalid\nfrom = alice@ehlo.test\n[b]\nserver = b.invalid\nfrom = bob@ehlo.test\n"
    config = configure(ehlo, text)
    for arguments, server in ((("send", "--from", "alice@ehlo.test", "--to", "x@ehlo.test", "--test"), "a.invalid:587"),
                              (("send", "--from", "carol@ehlo.test", "--to", "x@ehlo.test", "--test"), "b.invalid:587"),
                              (("send", "--to", "x@ehlo.test", "--test"), "b.invalid:587"), (("probe",), "b.invalid:587"),
                              (("shell",), "b.invalid:587"), (("probe", "--profile", "gmail"), "smtp.gmail.com:587"), (("probe", "a"), "a.invalid:587"), (("probe", "c.invalid"), "c.invalid:587")):
        plan = ehlo(*arguments, *config, "--json", "--dry-run").json()
        if plan["server"] != server:
            yield f"{arguments}: {plan['server']}"
    (ehlo.directory / "config").write_text(text.partition("\n")[2])
    yield from want(ehlo("probe", *config, "--dry-run"), 64, "SERVER is missing")
    (ehlo.directory / "config").write_text("default = nobody\n")
    yield from want(ehlo("probe", *config, "--dry-run"), 78, 'no account "nobody"')


@case("account/beside-a-provider")
def _(ehlo):
    """sendmail has the account of the sender also where the server is a provider's; the others have none."""
    config = configure(ehlo, "default = a\n[a]\nfrom = alice@ehlo.test\nuser = alice@ehlo.test\n")
    arguments = ("--profile", "gmail", *config, "--json", "--dry-run")
    plan = ehlo("sendmail", "-f", "alice@ehlo.test", *arguments, "bob@ehlo.test", stdin=MESSAGE).json()
    if (plan["server"], plan["user"]) != ("smtp.gmail.com:587", "alice@ehlo.test"):
        yield f"sendmail: {plan}"
    if ehlo("probe", *arguments).json()["user"] is not None:
        yield "probe logs in as somebody of an account that nobody named"


@case("account/of-a-relay")
def _(ehlo):
    """--to is the server or an account; in the account, "to" is a recipient."""
    config = configure(ehlo, "[a]\nserver = a.invalid\nto = bob@ehlo.test\n")
    for to, server in (("a", "a.invalid:587"), ("b.invalid:25", "b.invalid:25")):
        plan = ehlo("record", "--to", to, "--listen", "127.0.0.1:0", "--record", "x.smtp", *config, "--json", "--dry-run").json()
        if plan["server"] != server:
            yield f"{to}: {plan['server']}"
    yield from want(ehlo("record", "--to", "a b", "--listen", "127.0.0.1:0", "--record", "x.smtp", *config), 64, '--to "a b": ')


@case("file/places")
def _(ehlo):
    """What is wrong has its line and column, wherever it stands."""
    for text, place in (("x\n  frobnicate = 1\n", "1:1"), ("\xef\xbb\xbf# x\r\n\t timeout =  soon\n", "2:14"), ("[a]\n timeout\n", "2:2"),
                        ("[a\n", "1:3"), ("[ ]\n", "1:2"), ("json = yes", "1:8"), ("= x", "1:1"), ("[b]\nfrobnicate\n[c", "3:3"),
                        ("server =\n", "1:9"), ("[a]\nserver = a b\n", "2:10"), ("default\n", "1:1")):
        (ehlo.directory / "config").write_bytes(text.encode("latin-1"))
        yield from want(ehlo("probe", "a", "--config", "config", "--dry-run"), 78, rf"config:{place}: ")


@case("dry-run/what-is-wrong-is-told")
def _(ehlo):
    (ehlo.directory / "message.eml").write_bytes(b"Subject: x\n\nbare\rcr\n")
    yield from want(ehlo("send", "mail.invalid", *SEND, "--dry-run"), 65, "message.eml:3: ")


@case("profiles")
def _(ehlo):
    listed = ehlo("profiles", "--json").json()["profiles"]
    names = [p["name"] for p in listed]
    for name in "office365 gmail icloud yahoo ses sendgrid fastmail zoho local".split():
        if name not in names:
            yield f"{name} is missing"
    for p in listed:
        if not re.fullmatch(r"20\d\d-\d\d", p["as_of"]) or not p["source"]:
            yield f"{p['name']} has no date or source"
        plan = ehlo("probe", p["name"], "--json", "--dry-run").json()
        if plan["profile"] != p["name"] or not p["server"].endswith(plan["server"]):
            yield f"{plan} is not {p['server']}"
    yield from want(ehlo("profiles", "nobody"), 64, "there is no provider")
    yield from want(ehlo("probe", "--profile", "nobody", "--dry-run"), 64, "there is no such provider")


@case("profiles/account-comes-first")
def _(ehlo):
    config = configure(ehlo, "[gmail]\nserver = other.invalid\n[mine]\nprofile = gmail\n")
    for account, server in (("gmail", "other.invalid:587"), ("mine", "smtp.gmail.com:587")):
        plan = ehlo("probe", account, *config, "--json", "--dry-run").json()
        if plan["server"] != server:
            yield str(plan)


@case("profiles/contradictions")
def _(ehlo):
    for server, options, words in (("office365", ("--user", "alice@ehlo.test", "--auth", "PLAIN"), "offers none of these mechanisms"),
                                   ("office365", ("--user", "alice"), "whole address, with an @"),
                                   ("sendgrid", ("--user", "alice"), 'is "apikey"'),
                                   ("outlook", ("--user", "alice@ehlo.test"), "takes no password"),
                                   ("gmail", ("--user", "other@ehlo.test"), "the sender is not the user"),
                                   ("smtp.gmail.com", ("--user", "other@ehlo.test"), "the sender is not the user")):
        yield from want(ehlo("send", server, *SEND, *options, "--dry-run"), 0, words)
    if b"warning" in ehlo("send", "gmail", *SEND, "--user", "alice@ehlo.test", "--dry-run").err:
        yield "it warns of what is right"


@case("combinations")
def _(ehlo):
    for arguments, words in ((("x:465",), "465 is TLS from the first byte"), (("smtps://x", "--tls", "starttls"), "smtps:// is TLS"),
                             (("x", "--password-file", "y"), "without --user"),
                             (("x", "--user", "u", "--password-file", "y", "--password-command", "z"), "exclude one another"),
                             (("x", "-q", "-v"), "exclude each other"),
                             (("x", "--record", "a", "--record-on-failure", "b"), "exclude each other"), (("unix:/x",), "needs --tls-name")):
        yield from want(ehlo("send", *arguments, *SEND), 64, re.escape(words))
    for arguments in (("x:465", "--tls", "implicit"), ("smtps://x:465",), ("x:465", "--tls", "starttls")):
        yield from want(ehlo("send", *arguments, *SEND, "--dry-run"), 0)


@case("password/in-the-configuration")
def _(ehlo):
    text = f"[a]\nserver = 127.0.0.1:1\nuser = alice@ehlo.test\npassword = {PASSWORD}\n"
    for mode, status in ((0o644, 78), (0o640, 78), (0o604, 78), (0o600, 0), (0o400, 0)):
        result = ehlo("send", "a", *configure(ehlo, text, mode), *SEND, "--dry-run")
        yield from want(result, status, *(("config:4:1: .*chmod 600",) if status else ("password +the configuration file",)))
        if secrets_in(result.out + result.err):
            yield "the password is shown"
        (ehlo.directory / "config").unlink()


@case("password/of-the-configuration-logs-in")
def _(ehlo):
    seen = []

    def script(peer):
        peer.say("220 mail.ehlo.test")
        peer.expect("EHLO")
        peer.say("250-mail.ehlo.test", "250 AUTH PLAIN")
        seen.append(peer.hear())
        peer.say("535 5.7.8 no")
        peer.expect("QUIT")
        peer.say("221 bye")
    with Server(script, None) as server:
        config = configure(ehlo, f"[a]\nserver = 127.0.0.1:{server.port}\ntls = none\nallow-cleartext-auth\n"
                                 f"user = alice@ehlo.test\npassword = {PASSWORD}\nrecord = s.smtp\n")
        result = ehlo("send", "a", *config, *SEND)
    yield from want(result, 77)
    if not seen[0].startswith(b"AUTH PLAIN ") or PASSWORD.encode() not in base64.b64decode(seen[0].split()[2]):
        yield f"the server saw {seen}"
    if secrets_in(result.out + result.err + (ehlo.directory / "s.smtp").read_bytes()):
        yield "the password is shown or recorded"


@case("file/not-taken-in-part")
def _(ehlo):
    long = "# " + "x" * (1 << 20) + "\n[a]\nserver = mail.invalid\n"
    for text, words in ((long, "config: it is longer than 1 MiB"), ("timeout = 3\n\0[a]\nserver = mail.invalid\n", "config: there is a NUL byte in it")):
        yield from want(ehlo("send", "a", *configure(ehlo, text), *SEND, "--dry-run"), 78, words)
    yield from want(ehlo("send", "a", "--config", ".", *SEND, "--dry-run"), 66, "cannot read .: Is a directory")


@case("file/settings-of-other-commands")
def _(ehlo):
    config = configure(ehlo, "teach\nat = greeting\nca-out = ca.pem\ntest\nquit-after = ehlo\nread-envelope-from\n[a]\nserver = mail.invalid\n")
    for command, options in (("send", SEND), ("probe", ()), ("shell", ()), ("doctor", ())):
        result = ehlo(command, "a", *config, *options, *(() if command == "doctor" else ("--dry-run",)))
        if b"there is no such setting" in result.err:
            yield f"{command}: {result.err}"
    yield from want(ehlo("send", "a", *configure(ehlo, "teachh\n"), *SEND, "--dry-run"), 78, "config:1:1: there is no such setting")


@case("doctor")
def _(ehlo):
    result = ehlo("doctor", "localhost", "--json")
    checks = {c["check"]: c["finding"] for c in result.json()["checks"]}
    for name in ("configuration", "trust store", "clock", "EHLO name", "name", "locale"):
        if name not in checks:
            yield f"{name} is not looked at: {checks}"
    if result.status != 0 or not result.json()["fine"]:
        yield result.describe()
    yield from want(ehlo("doctor", "localhost"), 0, "ok +configuration", "certificates")


@case("doctor/all-accounts")
def _(ehlo):
    """Each account is looked at as if it had been named; what is wrong with one does not hide the others."""
    text = ("timeout = 5\n[good]\nprofile = gmail\nuser = alice@gmail.com\n[wrong]\nserver = x.invalid\n  frobnicate = 1\n"
            "[lost]\nserver = y.invalid\nuser = alice\npassword-file = nowhere\n[last]\nserver = z.invalid:25\n")
    config = configure(ehlo, text)
    result = ehlo("doctor", *config)
    yield from want(result, 78, r"ok +configuration +\[good\] smtp\.gmail\.com, port 587", r"PROBLEM +configuration +\[wrong\] .*config:7:3: there is no such",
                    r"PROBLEM +password +\[lost\] nowhere: No such file", r"ok +configuration +\[last\] z\.invalid, port 25")
    checks = ehlo("doctor", *config, "--json").json()["checks"]
    if [c["text"][:6] for c in checks if c["check"] == "configuration"] != ["nothin", "[good]", "[wrong", "[lost]", "[last]"]:
        yield f"the checks are {checks}"
    one = ehlo("doctor", "good", *config)
    if b"[good]" in one.out:
        yield one.describe()
    # A mistake that is everybody's is told once.
    common = ehlo("doctor", *configure(ehlo, "frobnicate = 1\n[a]\nserver = x.invalid\n[b]\nserver = y.invalid\n"))
    if common.status != 78 or common.out.count(b"there is no such setting") != 1:
        yield common.describe()


@case("doctor/what-is-wrong")
def _(ehlo):
    yield from want(ehlo("doctor", "host.invalid"), 1, "PROBLEM +name +host.invalid has no address")
    yield from want(ehlo("doctor", *configure(ehlo, "nonsense = 1\n")), 78, "config:1:1: there is no such setting", "PROBLEM +configuration")
    config = configure(ehlo, "[a]\nserver = localhost\nuser = u\npassword-file = /nowhere\n")
    yield from want(ehlo("doctor", "a", *config), 78, "PROBLEM +password +/nowhere")
    (ehlo.directory / "empty.pem").write_text("")
    yield from want(ehlo("doctor", "localhost", "--ca-file", "empty.pem"), 1, "PROBLEM +trust store")
    (ehlo.directory / "p").write_text("x\n")
    (ehlo.directory / "p").chmod(0o644)
    config = configure(ehlo, "[a]\nserver = localhost\nuser = u\npassword-file = p\n")
    yield from want(ehlo("doctor", "a", *config), 0, "warning +password +p can be read by others")


sys.exit(bench.run())
