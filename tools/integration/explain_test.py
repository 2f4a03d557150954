#!/usr/bin/python3
"""ehlo explain: each transcript of the catalogue by its own entry, replies in the wrappings of other programs, what is
no refusal, failures without a reply, and the same explanation in send, show, probe and shell.

usage: explain_test.py EHLO [-- PATTERN]
"""

import html
import json
import os
import pathlib
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, Complaint, MESSAGE, Server, unsafe_characters

bench = Bench("explain_test.py")
REPLIES = pathlib.Path(os.getcwd()) / "corpus" / "transcripts" / "replies"
DISABLED = ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
            "https://aka.ms/smtp_auth_disabled for more information. [BN9PR03CA0001.namprd03.prod.outlook.com "
            "2026-11-20T10:11:12.345Z 08DE2A0B1C2D3E4F]")


def case(name):
    return lambda run: bench.add(name, run)


def ids(result):
    if result.status not in (0, 65):
        raise Complaint(f"exit status {result.status}: {result.describe()}")
    return [answer["explanation"]["id"] for answer in result.json()["answers"]]


def want(got, expected):
    if got != expected:
        yield f"{got}, and not {expected}"


@case("each-entry-by-its-transcript")
def _(ehlo):
    paths = sorted(REPLIES.glob("*.smtp"))
    listed = {reply["id"].replace("/", "-") for reply in ehlo("explain", "--list", "--json").json()["replies"]}
    if listed != {path.stem for path in paths}:
        yield f"entries and transcripts differ: {listed ^ {path.stem for path in paths}}"
    for batch in (paths[at:at + 40] for at in range(0, len(paths), 40)):
        entries = [re.search(r"^# ([^:]*):", path.read_text(), re.M)[1] for path in batch]
        yield from want(ids(ehlo("explain", "--json", *batch)), entries)


@case("transcripts-replay")
def _(ehlo):
    result = ehlo("replay", REPLIES)
    if result.status != 0:
        yield result.describe()


@case("words-of-the-command-line")
def _(ehlo):
    result = ehlo("explain", *DISABLED.split())
    text = result.out.decode()
    flat = " ".join(text.split())
    for part in ("-SmtpClientAuthenticationDisabled $false", "$false enables", "As of: 2026-11",
                 "For the support ticket: BN9PR03CA0001.namprd03.prod.outlook.com", "end of December 2026"):
        if part not in flat:
            yield f"{part!r} is not in it: {text}"
    if max(len(line) for line in text.splitlines() if "http" not in line and not line.startswith("535")
           and "ticket" not in line) > 80:
        yield f"a line is too long: {text}"
    if result.status != 0 or result.err:
        yield result.describe()


@case("wrapped-by-other-programs")
def _(ehlo):
    for wrapped in (DISABLED, "Invalid login: " + DISABLED, "SMTP Error: Could not authenticate. SMTP server error: " + DISABLED,
                    f"smtplib.SMTPAuthenticationError: (535, b'{DISABLED[4:]}')", f"javax.mail.AuthenticationFailedException: {DISABLED}",
                    "<~* " + DISABLED, "< " + DISABLED, json.dumps({"response": DISABLED})):
        yield from want(ids(ehlo("explain", "--json", stdin=wrapped.encode() + b"\n")), ["exchange-online/smtp-auth-disabled-tenant"])
        yield from want(ids(ehlo("explain", "--json", wrapped)), ["exchange-online/smtp-auth-disabled-tenant"])


def rows():
    """Entry, options and reply, of explain_rows.txt."""
    text = pathlib.Path(__file__).with_name("explain_rows.txt").read_text(encoding="utf-8")
    for row in text.split("\n== ")[1:]:
        head, _, reply = row.partition("\n")
        entry, *options = head.split()
        yield None if entry == "general" else entry, options, reply.rstrip("\n")


@case("replies-as-they-are-met")
def _(ehlo):
    count = 0
    for entry, options, reply in rows():
        count += 1
        for arguments, stdin in ((options + [reply], None), (options, reply.encode() + b"\n")):
            result = ehlo("explain", "--json", *arguments, stdin=stdin)
            found = [answer["explanation"] for answer in result.json()["answers"]]
            if [e["id"] for e in found] != [entry]:
                yield f"{[e['id'] for e in found]}, and not {entry}: {reply} {options}"
            elif entry is None and not options and found[0]["provider"] is not None:
                yield f"{reply} is no word of {found[0]['provider']}"
    if count < 300:
        yield f"there are {count} rows"


@case("consent-and-a-bare-code")
def _(ehlo):
    yield from want(ids(ehlo("explain", "--json", "250 2.0.0 Ok: queued as 554")), [])
    log = b"curl: (55) MAIL failed: 553\n< 553 5.7.1 <a@b.test>: Sender address rejected: not owned by user c@b.test\n"
    yield from want(ids(ehlo("explain", "--json", stdin=log)), ["postfix/sender-not-owned"])


@case("each-refusal-once")
def _(ehlo):
    log = "".join(f"<** {line}\n" for line in ("554 5.7.1 <b@c.test>: Relay access denied", DISABLED,
                                               "554 5.7.1 <b@c.test>: Relay access denied", "451 4.9.9 whatever"))
    yield from want(ids(ehlo("explain", "--json", "-", stdin=log.encode())),
                    ["postfix/relay-access-denied", "exchange-online/smtp-auth-disabled-tenant", None])


@case("what-is-no-refusal")
def _(ehlo):
    for words in ("hello", "250 2.0.0 Ok", "line 450 of 550"):
        result = ehlo("explain", stdin=words.encode())
        if result.status != 65 or result.out or b"no refusal" not in result.err:
            yield result.describe()
    for words, entry in (("wrong version number", "any/wrong-version-number"), ("SSH-2.0-OpenSSH_9.2", "any/ssh"),
                         ("HTTP/1.1 400 Bad Request", "any/http")):
        yield from want(ids(ehlo("explain", "--json", words)), [entry])
        yield from want(ids(ehlo("explain", "--json", stdin=words.encode() + b"\n")), [entry])


@case("usage")
def _(ehlo):
    for arguments, status in ((("--provider", "nobody", "550 x"), 64), (("--stage", "x", "550 x"), 64),
                              (("missing.smtp",), 66), (("--list",), 0), (("--list", "--json"), 0)):
        result = ehlo("explain", *arguments)
        if result.status != status:
            yield result.describe()
    (ehlo.directory / "bad.smtp").write_text("! ehlo-transcript 1\nnonsense\n")
    result = ehlo("explain", "bad.smtp")
    if result.status != 65 or b"bad.smtp:2:1: " not in result.err:
        yield result.describe()


@case("list-has-all-of-an-entry")
def _(ehlo):
    replies = ehlo("explain", "--list", "--json").json()["replies"]
    text = ehlo("explain", "--list").out.decode()
    for reply in replies:
        if set(reply) != {"id", "provider", "stage", "codes", "reply", "meaning", "who", "fix", "retry", "source", "as_of"}:
            yield f"{reply['id']} has {sorted(reply)}"
        if not reply["fix"] or not reply["stage"] or not reply["source"] or not re.fullmatch(r"20\d\d-\d\d", reply["as_of"]):
            yield f"{reply} is not whole"
        if (reply["provider"] is None) != reply["id"].startswith("any/"):
            yield f"{reply['id']} is of {reply['provider']}"
        if f"{reply['id']}\n" not in text:
            yield f"--list lacks {reply['id']}"
    [one] = [reply for reply in replies if reply["id"] == "gmail/daily-limit-user"]
    if (one["provider"], one["stage"], one["codes"], one["who"], one["retry"]) != (
            "Gmail", ["mail", "rcpt", "data", "body"], [550], "time", True):
        yield str(one)


@case("provider-host-and-stage")
def _(ehlo):
    words = "535 Authentication failed"
    yield from want(ids(ehlo("explain", "--json", words)), [None])
    yield from want(ids(ehlo("explain", "--json", "--provider", "zoho", words)), ["zoho/authentication-failed"])
    yield from want(ids(ehlo("explain", "--json", "--host", "smtp.zoho.eu", words)), ["zoho/authentication-failed"])
    yield from want(ids(ehlo("explain", "--json", "--host", "smtp.zoho.eu", "--stage", "rcpt", words)), [None])


@case("hostile-words")
def _(ehlo):
    for octets in (b"550 \x1b[31mred\x1b]0;title\x07 \xc2\x9b1m \xff\r\n", b"550-" + b"a" * 100000 + b"\r\n550 x\n",
                   b"(550, b'" + b"(" * 50000, b"550 \0\0\0\n", b"\xff" * 70000 + b"\n550 x\n"):
        for arguments in (("explain",), ("explain", "--json")):
            result = ehlo(*arguments, stdin=octets)
            unsafe = unsafe_characters(result.out + result.err)
            if result.status not in (0, 65) or unsafe:
                yield f"{octets[:20]!r}: {result.status} {unsafe}"


@case("no-credential-of-a-log")
def _(ehlo):
    log = b"-> AUTH PLAIN AGFsaWNlQGVobG8udGVzdABzM2tyMXQtWmVicmE=\n<** 535 5.7.8 s3kr1t-Zebra is wrong\n"
    result = ehlo("explain", stdin=log)
    if b"s3kr1t" in result.out or b"{secret}" not in result.out:
        yield result.describe()


def refusing(peer):
    peer.say("220 mail.ehlo.test ESMTP Postfix")
    peer.expect("EHLO")
    peer.say("250 mail.ehlo.test")
    peer.expect("MAIL")
    peer.say("250 ok")
    peer.expect("RCPT")
    peer.say("554 5.7.1 <bob@ehlo.test>: Relay access denied")
    peer.expect("QUIT")
    peer.say("221 bye")
    peer.close()


@case("nothing-to-explain")
def _(ehlo):
    """What is wrong stands in the JSON as well."""
    (ehlo.directory / "bad.smtp").write_text("S: 220 x\nbad\n")
    for words, sentence in ((("hello",), "there is no refusal in it"), (("bad.smtp",), "bad.smtp:2:1: ")):
        result = ehlo("explain", "--json", *words)
        document = result.json()
        if result.status != 65 or document["answers"] or sentence not in document["error"] or document["error"] not in result.err.decode():
            yield result.describe()
    if ehlo("explain", "--json", "550 5.1.1 no such user").json()["error"] is not None:
        yield "there is an error where all is well"


@case("send-and-show")
def _(ehlo):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE)
    arguments = ("--tls", "none", "--from", "a@ehlo.test", "--to", "bob@ehlo.test", "--data", "message.eml", "--timeout", "5")
    for more, words in (((), b"Log in (--user)"), (("-q",), None)):
        with Server(refusing, None) as server:
            result = ehlo("send", f"127.0.0.1:{server.port}", *arguments, "--record", "s.smtp", *more)
        if result.status != 69 or (words is not None and words not in result.out) or (words is None and b"Log in" in result.out):
            yield result.describe()
    with Server(refusing, None) as server:
        explanation = ehlo("send", f"127.0.0.1:{server.port}", *arguments, "--json").json()["explanation"]
    if explanation["id"] != "postfix/relay-access-denied" or explanation["retry"] or not explanation["fix"]:
        yield str(explanation)
    if b"Log in (--user)" not in ehlo("show", "s.smtp").out:
        yield "show does not explain it"
    end = json.loads(ehlo("show", "--json", "s.smtp").out.splitlines()[-1])["end"]
    if end != {"outcome": "refused", "stage": "rcpt", "inferred": False, "explanation": explanation}:
        yield f"as JSON, show has {end}"
    if b"Log in (--user)" not in ehlo("show", "--html", "-", "s.smtp").out:
        yield "the page does not explain it"


# ---- Failures --------------------------------------------------------------------------------------------------------


def silent(peer):
    peer.expect("EHLO")  # which never comes: no greeting


def closing(peer):
    peer.close()


def half(peer):
    peer.say("220-mail.ehlo.test ESMTP")
    peer.expect("EHLO")  # which never comes


def half_and_gone(peer):
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    peer.say("250-mail.ehlo.test\r\n250-SIZE 1000")
    peer.close()


def resetting(peer):
    peer.reset()


def four_digits(peer):
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    peer.say("2500 mail.ehlo.test")
    peer.close()


def web(peer):
    peer.say("HTTP/1.1 400 Bad Request")
    peer.close()


def plain(peer):
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    peer.say("250-mail.ehlo.test\r\n250 AUTH PLAIN")
    peer.expect("QUIT")
    peer.say("221 bye")
    peer.close()


def after_220(peer):
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    peer.say("250-mail.ehlo.test\r\n250 STARTTLS")
    peer.expect("STARTTLS")
    peer.say("220 go ahead")
    peer.close()


def bare_feed(peer):
    peer.say("220 mail.ehlo.test ESMTP\n250 x")
    peer.close()


NONE, STARTTLS = ("--tls", "none"), ("--tls", "starttls")
FAILURES = [("silent", silent, NONE, "any/silent-at-greeting"), ("closing", closing, NONE, "any/closed-before-greeting"),
            ("resetting", resetting, NONE, "any/closed-before-greeting"), ("half", half, NONE, "any/reply-unfinished"), ("half-and-gone", half_and_gone, NONE, "any/reply-unfinished"),
            ("four-digits", four_digits, NONE, "any/line-digits"), ("web", web, NONE, "any/http"),
            ("no-starttls", plain, STARTTLS, "any/starttls-not-offered"), ("after-220", after_220, STARTTLS, "any/closed-at-starttls"),
            ("bare-feed", bare_feed, NONE, "any/line-end")]


def failure_case(name, server, tls, expected):
    def run(ehlo):
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        common = (*tls, "--timeout", "1")
        typed = b"EHLO a\n" if name in ("four-digits", "half-and-gone") else b""
        send = ("--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", *common)
        with Server(server, None) as s:
            document = ehlo("send", f"127.0.0.1:{s.port}", *send, "--record", "s.smtp", "--json").json()
        if (document["explanation"] or {}).get("id") != expected:
            yield f"send: {document['error']}: {document['explanation']}"
        yield from want(ids(ehlo("explain", "--json", document["error"])), [expected])
        log = f"{document['error']}\n=== trailing\n".encode()
        yield from want(ids(ehlo("explain", "--json", stdin=b"ehlo: " + log)), [expected])
        yield from want(ids(ehlo("explain", "--json", "s.smtp")), [expected])
        end = json.loads(ehlo("show", "--json", "s.smtp").out.splitlines()[-1])["end"]
        if (end["outcome"], end["stage"], end["explanation"]) != (document["outcome"], document["stage"], document["explanation"]):
            yield f"show --json: {end}"
        meaning = document["explanation"]["meaning"]
        for shown in (ehlo("show", "s.smtp"), ehlo("explain", "s.smtp"), ehlo("show", "--html", "-", "s.smtp")):
            flat = " ".join(html.unescape(shown.out.decode()).split())
            if meaning not in flat:
                yield f"{shown.describe()} does not explain it"
        with Server(server, None) as s:
            document = ehlo("probe", f"127.0.0.1:{s.port}", *common, "--json").json()
        if (document["explanation"] or {}).get("id") != expected:
            yield f"probe: {document['error']}: {document['explanation']}"
        with Server(server, None) as s:
            end = ehlo("shell", f"127.0.0.1:{s.port}", *common, "--json", stdin=typed).out.decode().splitlines()[-1]
        document = json.loads(end)["end"]
        if name != "no-starttls" or document["error"]:
            if (document["explanation"] or {}).get("id") != expected:
                yield f"shell: {document}"
        with Server(server, None) as s:
            said = ehlo("shell", f"127.0.0.1:{s.port}", *common, stdin=typed)
        if meaning not in " ".join(said.err.decode().split()):
            yield f"shell: {said.describe()}"
    bench.add("failure-" + name, run)


for row in FAILURES:
    failure_case(*row)


def closing_in_auth(peer):
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    peer.say("250-mail.ehlo.test\r\n250 AUTH LOGIN")
    peer.expect("AUTH LOGIN")
    for challenge in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
        peer.say(challenge)
        peer.hear()
    peer.close()


@case("failure-after-challenges-is-no-reply-unfinished")
def _(ehlo):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE)
    (ehlo.directory / "password").write_text("s3kr1t-Zebra\n")
    with Server(closing_in_auth, None) as s:
        result = ehlo("send", f"127.0.0.1:{s.port}", "--tls", "none", "--allow-cleartext-auth", "--user", "a", "--password-file",
                      "password", "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--timeout", "2", "--json")
    if result.json()["explanation"]["id"] != "any/closed-at-auth":
        yield result.describe()


@case("failure-to-connect-and-in-cleartext")
def _(ehlo):
    (ehlo.directory / "message.eml").write_bytes(MESSAGE)
    (ehlo.directory / "password").write_text("s3kr1t-Zebra\n")
    send = ("--tls", "none", "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--timeout", "2", "--json")
    result = ehlo("send", "127.0.0.1:1", *send)
    if result.json()["explanation"]["id"] != "any/connection-refused":
        yield result.describe()
    with Server(plain, None) as s:
        result = ehlo("send", f"127.0.0.1:{s.port}", *send, "--user", "a", "--password-file", "password", "--record", "c.smtp")
    document = result.json()
    if result.status != 78 or document["explanation"]["id"] != "any/cleartext-credential" or document["explanation"]["retry"]:
        yield result.describe()
    yield from want(ids(ehlo("explain", "--json", "c.smtp")), ["any/cleartext-credential"])
    result = ehlo("replay", "c.smtp")
    if result.status != 0:
        yield result.describe()


sys.exit(bench.run())
