#!/usr/bin/env python3
"""ehlo show: its text, its JSON Lines and its page, for transcripts of all kinds; the page in a real Chromium.

    show_test.py EHLO MAX_RSS TRANSCRIPT [-- PATTERN]

TRANSCRIPT is one of the corpus; all others beside it and in the directories beside its own are read as well.
"""

import html.parser
import json
import os
import pathlib
import random
import re
import stat
import sys
import threading

import browser
import show_look
from harness import Bench, Complaint, Ehlo, Server, MESSAGE, make_certificates, tls_context
from show_model import lines_of, shown

bench = Bench("show_test.py")
EHLO, MAX_RSS, ANY_TRANSCRIPT = bench.programs
CORPUS = sorted(pathlib.Path(ANY_TRANSCRIPT).parent.parent.glob("*/*.smtp"))
# A chunk there ends within a line, which takes SMTP to know; GOLDEN has such a one.
OF_CHUNKS = {path for path in CORPUS
             if path.name in ("rfc3030-4.2-pipelining-binarymime.smtp", "client-bdat-odd-sizes.smtp")}
MEMORY_MAX = 16 * 1024  # KiB
STAGES = "connect greeting ehlo starttls tls auth mail rcpt data body quit".split()


def case(name):
    return lambda run: bench.add(name, run) or run


def write(ehlo, name, text):
    path = ehlo.directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def show(ehlo, *arguments, status=0, **options):
    result = ehlo("show", *arguments, **options)
    if result.status != status:
        raise Complaint(f"exit status {result.status}, not {status}\n{result.describe()}")
    return result


def quiet(ehlo):
    """For many runs: what each of them printed is not to be told."""
    return Ehlo(EHLO, ehlo.directory)


def all_of_corpus():
    if len(CORPUS) < 400:
        raise Complaint(f"only {len(CORPUS)} transcripts of the corpus are here")
    return CORPUS


# ---- Transcripts of the tests' own ----------------------------------------------------------------------------------

CERTIFICATE = ('sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 subject="CN=mail.example.com" '
               'issuer="CN=R11,O=Let\'s Encrypt,C=US" not_before=2026-09-28T07:11:05Z not_after=2026-12-27T07:11:04Z '
               'names="mail.example.com, smtp.example.com"')

REFUSED = f"""! ehlo-transcript 1
! submit tls starttls
! submit user alice@example.com
! submit from <alice@example.com>
! submit to <bob@example.com>
+0.012 ! connect mail.example.com:587 192.0.2.25
+0.431 S: 220 mail.example.com ESMTP
+0.0001 C: EHLO client.example.com
+0.031 S: 250-mail.example.com
S: 250 STARTTLS
+0.0001 C: STARTTLS
+0.030 S: 220 2.0.0 Ready to start TLS
+0.082 ! tls TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 name=ok chain=ok {CERTIFICATE}
+0.2 C: EHLO client.example.com
+0.033 S: 250-mail.example.com
S: 250 AUTH PLAIN
+0.0002 C: AUTH PLAIN \\{{secret}}
+3.105 S: 235 2.7.0 Authentication successful
+0.0003 C: MAIL FROM:<alice@example.com>
C: RCPT TO:<bob@example.com>
C: DATA
+0.034 S: 250 2.1.0 Ok
S: 550-5.1.1 <bob@example.com>: Recipient address rejected:
S: 550 5.1.1 see https://mail.example.com/a/very/long/path/without/any/blank/in/it/at/all?for=the+width+of+a+phone
S: 554 5.5.1 Error: no valid recipients
= outcome refused at rcpt
+0.0002 C: QUIT
+0.031 S: 221 2.0.0 Bye
! eof C
"""

ACCEPTED = f"""! ehlo-transcript 1
! submit tls implicit
+0.02 ! connect [2001:db8::25]:465 2001:db8::25
+0.05 ! tls TLSv1.3 TLS_AES_128_GCM_SHA256 X25519 name=no chain=no reason="it is self-signed" {CERTIFICATE}
+0.01 S: 220 mail
C: EHLO x
+0.01 S: 250 mail
C: MAIL FROM:<a@example.com>
+0.01 S: 250 ok
C: RCPT TO:<b@example.com>
+0.01 S: 250 ok
C: DATA
+0.01 S: 354 go
{"".join(f"+0.01 C: line {n} of the message{chr(10)}" for n in range(40))}C: .
+2 S: 250 2.0.0 queued
C: QUIT
+0.01 S: 221 bye
! eof S
= outcome accepted at quit
"""

TIMED_OUT = """! connect mail.example.com:25 192.0.2.25
+12.4 S: 220 mail.example.com
+0.0001 C: EHLO client.example.com
+0.31 S: 250-mail.exa\\
+4.5 S: mple.com
+0.1 S: 250 8BI\\
+60 ! timeout
! eof C
= outcome timeout at ehlo
"""

MARKUP = ["</style><script>document.title='owned'</script>", '"><img src=x onerror="document.title=\'owned\'">',
          "<svg/onload=document.title='owned'>", "<iframe src=\"http://127.0.0.1:9/\"></iframe>",
          "<link rel=stylesheet href=http://127.0.0.1:9/a.css>", "<meta http-equiv=refresh content=\"0;url=about:blank\">",
          "</details></li></ol></main></body>", "<style>*{display:none}</style>", "&lt;script&gt;", "<!--", "<plaintext>",
          "' onmouseover='document.title=1", "<base href=\"http://127.0.0.1:9/\">", "]]><![CDATA["]

HOSTILE = f"""# {MARKUP[0]} {MARKUP[9]}
! submit helo {MARKUP[2]}
! submit {MARKUP[0].split()[0]} {MARKUP[5]}
+0.003 ! connect {MARKUP[1].replace(" ", "/")}:587 {MARKUP[2]}
+0.25 S: 220 {MARKUP[0]} \\x1b[31mred\\x07 \\xe2\\x80\\xae \\xff\\r\\n550 {MARKUP[1]}
C: EHLO {MARKUP[3]}
+0.05 S: 250-{MARKUP[6]}
S: 250-{MARKUP[7]}
S: 250 {MARKUP[12]}
+1.5 ! tls {MARKUP[2]} {MARKUP[9]} {MARKUP[10]} name=no chain=no reason="{MARKUP[3].replace('"', "'")}" subject="\
{MARKUP[0]}" issuer="\\x22 onmouseover=document.title=1 x=" not_before={MARKUP[9]} names="{MARKUP[2]}, {MARKUP[4]}"
+0.05 C: AUTH PLAIN \\{{secret}}
+2.25 S: 535 5.7.8 {MARKUP[0]} \\{{secret}} {MARKUP[8]}
! note {MARKUP[0]}{MARKUP[6]}
C: MAIL FROM:<{MARKUP[1]}@example.com>
S: 550-{MARKUP[10]}
S: 550 {MARKUP[11]}
C: DATA
S: 354 {MARKUP[13]}
C: {MARKUP[0]}
C: {MARKUP[6]}
C: .
S: 554 {MARKUP[4]}
! tls failed {MARKUP[0]}
= outcome refused at body
= message {MARKUP[0]}
"""

# ---- Text -----------------------------------------------------------------------------------------------------------

GOLDEN = {
    "timed-out": (TIMED_OUT, """\
=== connect mail.example.com:25 192.0.2.25
    (12.4 s, waiting for the server)
<-  220 mail.example.com
->  EHLO client.example.com
<-  250-mail.example.com
    (4.5 s within this line, in 2 pieces)
<-  250 8BI…
    (60.0 s, waiting for the server)
=== timeout
=== eof C
=== timeout at ehlo
    The server began a reply and did not finish it: "-" behind the code of its
    last line says that more comes, or the line has no end.
    Who can act: who runs the server
    1. If it was the time that ran out, wait longer: some servers greet in
       pieces on purpose, half a minute or more (--timeout 300).
    2. Who wrote the server has to put a blank behind the code in the last
       line, and CRLF at its end.
    3. Look at the record for what came (--record FILE, ehlo show -v FILE):
       large replies that get lost point to the network (MTU, VPN).
    4. Try again after 10 minutes.
    Source: RFC 5321 §4.2.1
    As of: 2026-11
"""),
    "refused": (REFUSED, """\
=== connect mail.example.com:587 192.0.2.25
<-  220 mail.example.com ESMTP
->  EHLO client.example.com
<-  250-mail.example.com
<-  250 STARTTLS
->  STARTTLS
<-  220 2.0.0 Ready to start TLS
=== tls TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 name=ok chain=ok \
sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    subject="CN=mail.example.com" issuer="CN=R11,O=Let's Encrypt,C=US" not_before=2026-09-28T07:11:05Z \
not_after=2026-12-27T07:11:04Z names="mail.example.com, smtp.example.com"
~>  EHLO client.example.com
<~  250-mail.example.com
<~  250 AUTH PLAIN
~>  AUTH PLAIN (hidden)
    (3.1 s, waiting for the server)
<~  235 2.7.0 Authentication successful
~>  MAIL FROM:<alice@example.com>
~>  RCPT TO:<bob@example.com>
~>  DATA
<~  250 2.1.0 Ok
<~* 550-5.1.1 <bob@example.com>: Recipient address rejected:
<~* 550 5.1.1 see https://mail.example.com/a/very/long/path/without/any/blank/in/it/at/all?for=the+width+of+a+phone
<~* 554 5.5.1 Error: no valid recipients
~>  QUIT
<~  221 2.0.0 Bye
=== eof C
=== refused at rcpt
    The code 550 5.1.1 says that the recipient's mailbox does not exist there:
    what stands before the @ is not known.
    Who can act: the sender
    1. Check the recipient's address for a mistake.
    2. Do not try the same again unchanged: the refusal is final.
    Source: IANA enhanced status codes, X.1.1 "Bad destination mailbox address"
            (RFC 3463)
"""),
    "cuts": ("S: 220 a\\r\\\nS: \\n\\\nS: 250-\\\nC: QU\\\nS: x\\\n! note n\nC: IT\nS: y\\x1b\\rz\n# c\nC: A \\\n"
             "C: \\{secret}b\nC: \\{secret}\n", """\
<-  220 a
<-  250-…
->  QU…
<-  …x…
=== note n
->  …IT
<-  …y\\x1b\\x0dz
->  A (hidden)b
->  (hidden)
"""),
    "chunks": ("S: 220 a\nC: BDAT 3\nC: abcBDAT 22 LAST\n" + "".join(f"C: {n}\n" for n in range(7)) + "C: xQUIT\n"
               "S: 250 a\nS: 250 b\n+1.04 S: 221 bye\n", """\
<-  220 a
->  BDAT 3
->  abc
->  BDAT 22 LAST
->  0
->  1
->  2
->  3
->  4
->  5
->  6
->  x
->  QUIT
<-  250 a
<-  250 b
    (1.0 s, waiting for the server)
<-  221 bye
=== accepted at quit, by the look of the dialogue
"""),
    "long-message": (ACCEPTED, """\
=== connect [2001:db8::25]:465 2001:db8::25
=== tls TLSv1.3 TLS_AES_128_GCM_SHA256 X25519 name=no chain=no reason="it is self-signed" \
sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    subject="CN=mail.example.com" issuer="CN=R11,O=Let's Encrypt,C=US" not_before=2026-09-28T07:11:05Z \
not_after=2026-12-27T07:11:04Z names="mail.example.com, smtp.example.com"
<~  220 mail
~>  EHLO x
<~  250 mail
~>  MAIL FROM:<a@example.com>
<~  250 ok
~>  RCPT TO:<b@example.com>
<~  250 ok
~>  DATA
<~  354 go
""" + "".join(f"~>  line {n} of the message\n" for n in range(8)) + """\
    … 32 more lines of the message
~>  .
    (2.0 s, waiting for the server)
<~  250 2.0.0 queued
~>  QUIT
<~  221 bye
=== eof S
=== accepted at quit
"""),
}

SHOWN = re.compile(r"(->|~>|<-|<~|<\*\*|<~\*) +(.*)")


def check_text(transcript, out):
    """Each line of the dialogue once, in order, behind the right mark."""
    lines = iter(lines_of(transcript))
    for text in out.split("\n"):
        hidden = re.fullmatch(r"    … (\d+) more lines of the message", text)
        for _ in range(int(hidden.group(1)) if hidden else 0):
            next(lines)
        if text.startswith("    ") or text.startswith("===") or not text:
            continue
        mark, said = re.fullmatch(r"(\S+) +?(?:(?<=....)(.*))?", text).groups()
        line = next(lines, None)
        if line is None:
            return f"too many lines: {text!r}"
        bad = line.side == "S" and line.joined()[:1] in (b"4", b"5") and not line.continued
        right = {("C", False): "->", ("C", True): "~>", ("S", False): "<**" if bad else "<-",
                 ("S", True): "<~*" if bad else "<~"}[line.side, line.tls]
        expected = "…" * line.continued + line.text(shown, "(hidden)") + "…" * line.cut
        said = said or ""
        if said != expected and not (expected.startswith("334 ") and said.startswith(expected + "   (")):
            return f"{said!r} in place of {expected!r}"
        if mark != right and not line.continued:
            return f"the mark {mark} before {said!r}, not {right}"
    left = next(lines, None)
    return f"missing: {left.joined()!r}" if left else None


def cases_text():
    for name, (transcript, expected) in GOLDEN.items():
        @case(f"text/{name}")
        def _(ehlo, transcript=transcript, expected=expected):
            out = show(ehlo, write(ehlo, "x.smtp", transcript)).out.decode()
            for number, (found, right) in enumerate(zip(out.split("\n"), expected.split("\n")), 1):
                if found != right:
                    yield f"line {number}: {found!r}, not {right!r}"
                    return
            if out != expected:
                yield f"{out[-200:]!r}, not {expected[-200:]!r}"
            if show(ehlo, "-", stdin=transcript.encode()).out.decode() != expected:
                yield "it differs from standard input"

    @case("text/corpus")
    def _(ehlo):
        for path in set(all_of_corpus()) - OF_CHUNKS:
            wrong = check_text(path.read_text(), show(quiet(ehlo), path).out.decode())
            if wrong:
                yield f"{path.name}: {wrong}"

    @case("text/verbose")
    def _(ehlo):
        out = show(ehlo, "-v", write(ehlo, "x.smtp", TIMED_OUT)).out.decode()
        for text in ("  12.710100 + <-  250-mail.exa\n", "  17.210100 + <-  mple.com\\r\\n\n", "   0.000000 + === connect",
                     "  77.310100 .   = outcome timeout at ehlo\n"):
            if text not in out:
                yield f"{text!r} is not in\n{out}"


# ---- JSON Lines -----------------------------------------------------------------------------------------------------

TYPES = {"line": int, "type": str, "text": str, "seconds": (float, type(None)), "wait": (float, type(None)),
         "stage": (str, type(None)), "tls": bool, "ends_line": bool, "secret": bool, "verb": (str, type(None)),
         "part": str, "code": (int, type(None)), "enhanced": (str, type(None)), "last": (bool, type(None)), "word": str,
         "parts": dict}
COMMON = {"line", "type", "text", "seconds", "wait", "stage", "tls"}
FIELDS = {"comment": COMMON, "event": COMMON | {"word"}, "fact": COMMON | {"word", "parts"},
          "client": COMMON | {"ends_line", "secret", "verb", "part"},
          "server": COMMON | {"ends_line", "secret", "verb", "code", "enhanced", "last"}}

# More replies than there are commands, or what comes after the session's end: the engine looks at them no more.
MORE_REPLIES = {"421-then-more.smtp", "lmtp-submission-one-reply-too-many.smtp"}

# Programs that go on without waiting, end their lines with LF alone, or say what no command is: which command a reply is
# for takes more there than to read on. The codes are right all the same.
NOT_FOLLOWED = {"client-bdat-odd-sizes.smtp", "lmtp-blind.smtp", "script-behind-starttls.smtp",
                "script-blind-login-refused.smtp", "script-blind-session.smtp", "script-lf-alone.smtp"}


def check_items(transcript, items):
    """The fields of each object, by what the line says."""
    tls, seconds = False, None
    end = items[-1].pop("end", None) if items else None
    if items and (set(end or ()) != {"outcome", "stage", "inferred", "explanation"} or any("end" in item for item in items)):
        yield f"the end is {end}"
    for number, (text, item) in enumerate(zip(transcript.splitlines(), items), 1):
        if set(item) != FIELDS[item["type"]] or item["line"] != number:
            yield f"line {number}: the fields are {sorted(item)}"
        wrong = [name for name, value in item.items() if not isinstance(value, TYPES[name])]
        if wrong:
            yield f"line {number}: of another type: {wrong}"
        if item["stage"] is not None and item["stage"] not in STAGES:
            yield f"line {number}: the stage {item['stage']}"
        time = re.match(r"\+(\d+(?:\.\d+)?)", text)
        if (item["wait"] is None) != (time is None) or (time and item["wait"] != float(time.group(1))):
            yield f"line {number}: the wait {item['wait']}"
        seconds = round((seconds or 0) + float(time.group(1)), 6) if time else seconds
        if item["seconds"] != seconds:
            yield f"line {number}: {item['seconds']} seconds, not {seconds}"
        begins_tls = item["type"] == "fact" and item["word"] == "tls" and "failed" not in item["parts"]
        if item["tls"] != tls and not begins_tls:
            yield f"line {number}: TLS is {tls}"
        tls = tls or begins_tls
        if item["type"] == "server" and item["code"] is not None and item["wait"] is None and item["ends_line"]:
            m = re.match(r"(\d{3})([ -]?)(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?", item["text"])
            if m and (item["code"], item["last"]) != (int(m.group(1)), m.group(2) != "-"):
                yield f"line {number}: {item}"
            if m and item["enhanced"] != m.group(3) and m.group(1)[0] == (m.group(3) or "?")[0]:
                yield f"line {number}: {item}"


def check_replies(name, items):
    """Each reply is for the command that the engine says it is for."""
    said = [(i["code"], i["verb"] or "nothing") for i in items if i["type"] == "server" and i["last"] and i["ends_line"]]
    events = [i["text"] for i in items if i["type"] == "event"]
    heard = []
    for text in events:
        m = re.fullmatch(r"reply (\d+)(?: [\d.]+)? to (\S+)", text)
        if m:
            heard.append((int(m.group(1)), m.group(2)))
        elif text.startswith("challenge"):
            heard.append((334, "AUTH"))
    if name in NOT_FOLLOWED:
        said, heard = [code for code, _ in said], [code for code, _ in heard]
    if events and said[:len(heard)] != heard:
        yield f"the replies {said}, and the events {heard}"
    failed = any(text.startswith("failed") for text in events)
    if events and len(said) != len(heard) and not failed and name not in MORE_REPLIES:
        yield f"{len(said)} replies, and {len(heard)} events"


def json_items(ehlo, *arguments, **options):
    out = show(ehlo, "--json", *arguments, **options).out
    return [json.loads(line) for line in out.decode("utf-8").splitlines()]


def cases_json():
    @case("json/corpus")
    def _(ehlo):
        for path in all_of_corpus():
            transcript = path.read_text()
            items = json_items(quiet(ehlo), path)
            if len(items) != transcript.count("\n"):
                yield f"{path.name}: {len(items)} objects for {transcript.count(chr(10))} lines"
            for wrong in (*check_items(transcript, items), *check_replies(path.name, items)):
                yield f"{path.name}: {wrong}"

    @case("json/fields")
    def _(ehlo):
        items = json_items(ehlo, "-", stdin=REFUSED.encode())
        by_line = {i["line"]: i for i in items}
        names = ["mail.example.com", "smtp.example.com"]
        for line, fields in {
                3: {"word": "submit", "parts": {"setting": "user", "value": "alice@example.com"}, "stage": None},
                6: {"word": "connect", "parts": {"host": "mail.example.com", "port": 587, "address": "192.0.2.25"}},
                13: {"word": "tls", "stage": "tls", "parts": {
                    "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "group": "X25519", "name": "ok",
                    "chain": "ok", "sha256": CERTIFICATE[7:71], "subject": "CN=mail.example.com",
                    "issuer": "CN=R11,O=Let's Encrypt,C=US", "not_before": "2026-09-28T07:11:05Z",
                    "not_after": "2026-12-27T07:11:04Z", "names": names}},
                17: {"text": "AUTH PLAIN \\{secret}", "secret": True, "verb": "AUTH", "part": "command", "stage": "auth"},
                18: {"wait": 3.105, "seconds": 3.9244, "code": 235, "enhanced": "2.7.0", "tls": True},
                23: {"code": 550, "last": False, "verb": "RCPT", "stage": "rcpt", "enhanced": "5.1.1"},
                26: {"word": "outcome", "text": "outcome refused at rcpt"},
                29: {"word": "eof", "parts": {"side": "client"}}}.items():
            for name, value in fields.items():
                if by_line[line][name] != value:
                    yield f"line {line}: {name} is {by_line[line][name]!r}, not {value!r}"

    @case("json/cut")
    def _(ehlo):
        items = json_items(ehlo, "-", stdin=b"S: 25\\\nS: 0-a\\\nS: b\nC: \\{secret}\\\nC: QUIT\nS: 1\\r\\n250 x\n")
        found = [(i.get("code"), i.get("last"), i["ends_line"], i["secret"]) for i in items]
        if found != [(None, None, False, False), (250, False, False, False), (250, False, True, False),
                     (None, None, False, True), (None, None, True, False), (250, True, True, False)]:
            yield str(found)

    @case("json/explanation")
    def _(ehlo):
        def script(peer):
            peer.say("220 mail.ehlo.test")
            peer.expect("EHLO")
            peer.say("250 mail.ehlo.test")
            peer.expect("MAIL")
            peer.say("550 5.7.23 no" if refuses else "250 ok")
            peer.drain()
            peer.close()
        write(ehlo, "message.eml", MESSAGE)
        for refuses in (True, False):
            with Server(script, None) as server:
                result = ehlo("send", f"127.0.0.1:{server.port}", "--tls", "none", "--from", "a@b.test", "--to", "c@d.test",
                              "--data", "message.eml", "--json", "--timeout", "5", "--quit-after", "mail")
            explanation = result.json()["explanation"]
            if not refuses and explanation is not None:
                yield f"nothing was refused, and it is explained: {explanation}"
            if refuses and (not explanation or "(SPF)" not in explanation["meaning"] or len(explanation["fix"]) != 2
                            or explanation["retry"] or "RFC 7372" not in explanation["source"]):
                yield f"{explanation}"


    @case("json/recorded-certificate")
    def _(ehlo):
        def script(peer):
            peer.say("220 mail.ehlo.test")
            peer.expect("EHLO")
            peer.say("250-mail.ehlo.test", "250 STARTTLS")
            peer.expect("STARTTLS")
            peer.say("220 go")
            peer.start_tls()
            peer.expect("EHLO")
            peer.say("250 mail.ehlo.test")
            peer.drain()
            peer.close()
        make_certificates(ehlo.directory)
        for trust in (("--ca-file", "ca.pem"), ("--insecure",), ()):
            name = "wrong.ehlo.test" if "--insecure" in trust else "localhost"
            with Server(script, tls_context(ehlo.directory)) as server:
                ehlo("send", f"127.0.0.1:{server.port}", "--tls-name", name, *trust, "--from", "a@b.test", "--to", "c@d.test",
                     "--quit-after", "starttls", "--record", "x.smtp", "--timeout", "5")
            parts = next(i["parts"] for i in json_items(ehlo, "x.smtp") if i["type"] == "fact" and i["word"] == "tls")
            good = trust == ("--ca-file", "ca.pem")
            expected = {"subject": "CN=mail.ehlo.test", "issuer": "CN=ehlo test CA", "names": ["localhost", "127.0.0.1", "::1"],
                        "name": "no" if "--insecure" in trust else "ok", "chain": "ok" if good else "no"}
            if {name: parts.get(name) for name in expected} != expected or ("failed" in parts) != (trust == ()):
                yield f"{trust}: {parts}"
            if not re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", parts["not_after"]) or len(parts["sha256"]) != 64:
                yield f"{trust}: {parts}"
            if ("reason" in parts) == good:
                yield f"{trust}: the reason is {parts.get('reason')!r}"
            # This server ends without a close_notify, which says nothing of its certificate.
            text = show(ehlo, "--html", "-", "x.smtp").out.decode()
            verified = re.search(r"<th scope=row>Verified</th><td>(yes|<b class=badge>no)", text).group(1)
            if (verified == "yes") != good or ("Broke later" in text) != (trust != ()):
                yield f"{trust}: verified: {verified}"


# ---- The page, as a text --------------------------------------------------------------------------------------------

TAGS = set("html head meta title style body main h1 h2 p section span small div ol ul li i b table thead tbody tr th td "
           "details summary pre footer".split())
ATTRIBUTES = {"class": r"[a-z0-9 ]+", "style": r"--s:\d+\.\d{6}|width:\d+\.\d{3}%", "scope": "row|col", "title": "[a-z]+",
              "aria-hidden": "true", "lang": "en", "charset": "utf-8", "name": "viewport|color-scheme|referrer",
              "http-equiv": "Content-Security-Policy", "colspan": "2", "open": "None",
              "content": "width=device-width, initial-scale=1|light dark|no-referrer|"
                         "default-src 'none'; style-src 'unsafe-inline'"}
VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """The page as a parser sees it: its lines of the dialogue, and whatever should not be there."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.wrong, self.lines, self.raw, self.at_hand, self.secrets = [], [], [], "", None, 0
        self.behind_badge, self.challenges = False, ""
        self.feed(text)
        self.close()
        if self.stack:
            self.wrong.append(f"not closed: {self.stack}")

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag not in TAGS or len(names) != len(attrs):
            self.wrong.append(f"<{tag} {attrs}>")
        for name, value in attrs:
            if not re.fullmatch(ATTRIBUTES.get(name, "(?!)"), str(value)):
                self.wrong.append(f"{name}={value}")
        self.secrets += names.get("class") == "secret"
        if names.get("class") == "says":
            self.at_hand = self.at_hand.removesuffix(" ")
        if tag not in VOID:
            in_lines = any(entry[1] == "lines" for entry in self.stack)
            if tag == "li" and in_lines and names.get("class") != "cut":
                self.at_hand = ""
            self.stack.append((tag, names.get("class")))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.wrong.append(f"</{tag}> in {self.stack[-3:]}")
            return
        _, kind = self.stack.pop()
        if tag == "li" and self.at_hand is not None:
            self.lines.append(self.at_hand)
            self.at_hand = None

    def handle_data(self, data):
        kinds = [kind for _, kind in self.stack]
        if "says" in kinds:
            self.challenges += data
        elif self.at_hand is not None and "badge" not in kinds:
            self.at_hand += data.removeprefix(" ") if self.behind_badge else data
        self.behind_badge = "badge" in kinds
        if "raw" in kinds:
            self.raw += data

    def handle_comment(self, data):
        self.wrong.append(f"a comment: {data}")


CONTROLS = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}


def check_page(transcript, text):
    page = Page(text)
    yield from page.wrong[:5]
    lines = iter(page.lines)
    for line in lines_of(transcript):
        expected = "…" * line.continued + line.text(lambda octets: shown(octets, CONTROLS), "hidden") + "…" * line.cut
        found = next(lines, None)
        if found is None:
            if "lines left out" not in text:
                yield f"missing: {expected[:100]!r}"
            return
        if "octets left out" in found:
            expected, found = expected[:1000], found[:1000]
        if found != expected:
            if "lines left out" not in text:
                yield f"{found[:200]!r} in place of {expected[:200]!r}"
            return
    if "left out" not in text and page.raw != transcript:
        yield "the transcript is another"


def random_transcript(seed):
    """Markup in each place that a peer can put text into."""
    chance = random.Random(seed)
    def text():
        octets = "".join(chance.choice([*MARKUP, "<", ">", "\"", "'", "&", "a", " ", "="]) for _ in range(4))
        return (octets + chance.choice(["", "\\x00", "\\xff", "\\r", "\\n", "\\{secret}", "\\xc3\\xa9"])).strip() or "x"
    def line():
        time = chance.choice(["", "+0.5 ", "+2 "])
        return chance.choice([f"{time}S: {chance.choice(['250 ', '550-', '354 ', '', '334 '])}{text()}{chance.choice(['', chr(92)])}",
                              f"{time}C: {chance.choice(['EHLO ', 'DATA', 'BDAT 30', 'MAIL ', '.', ''])}{text()}",
                              f"{time}! note {text()}", f"! submit from {text()}", f"{time}! tls {text()} subject=\"{text()}\"",
                              f"! connect {text()}", f"! tls failed {text()}", f"# {text()}", f"= message {text()}", "C: ."])
    return "\n".join(line() for _ in range(60)) + "\n"


def cases_page():
    @case("page/corpus")
    def _(ehlo):
        for path in set(all_of_corpus()) - OF_CHUNKS:
            transcript = path.read_text()
            for wrong in check_page(transcript, show(quiet(ehlo), "--html", "-", path).out.decode()):
                yield f"{path.name}: {wrong}"

    @case("page/markup")
    def _(ehlo):
        for seed in range(150):
            transcript = random_transcript(seed)
            text = show(quiet(ehlo), "--html", "-", "-", stdin=transcript.encode()).out.decode()
            for wrong in Page(text).wrong[:3]:
                yield f"seed {seed}: {wrong}"

    @case("page/challenges")
    def _(ehlo):
        said = "S: 220 a\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: x\nS: 334 PHNjcmlwdD4b\nC: x\nS: 334 no base64\n" \
               "C: x\nS: 334 VXNl\\{secret}\n"
        page = Page(show(ehlo, "--html", "-", "-", stdin=said.encode()).out.decode())
        if page.challenges != "(Username:)(<script>\\x1b)" or page.wrong:
            yield f"{page.challenges}, {page.wrong}"

    @case("page/arrows")
    def _(ehlo):
        said = "S: 220 a\n+1 C: EHLO x\n+1 S: 250-a\n+0.0009 S: 250-b\n+0.001 S: 250-c\n+0 S: 250 d\n"
        text = show(ehlo, "--html", "-", "-", stdin=said.encode()).out.decode()
        found = re.findall(r'class="(row|gap)|<li>(250|220|EHLO)', text[text.index("class=talk"):])
        if " ".join(row or line for row, line in found) != ("row 220 gap row EHLO gap row 250 250 gap gap row 250 250"):
            yield f"{found}"

    @case("page/secrets")
    def _(ehlo):
        text = show(ehlo, "--html", "-", "-", stdin=REFUSED.encode()).out
        if Page(text.decode()).secrets != 1 or b"(hidden)" in text:
            yield "the secret has no badge, or more than one"

    @case("page/file")
    def _(ehlo):
        path = write(ehlo, "x.smtp", ACCEPTED)
        show(ehlo, path, "--html", "x.html")
        page = ehlo.directory / "x.html"
        if page.read_bytes() != show(ehlo, path, "--html", "-").out:
            yield "the file is not what standard output gets"
        if stat.S_IMODE(page.stat().st_mode) != 0o600:
            yield f"the page has the mode {page.stat().st_mode:o}"
        show(ehlo, path, "--html", "x.smtp", status=64)
        show(ehlo, path, "--html", "x.html", "--json", status=64)
        show(ehlo, path, "--html", "nowhere/x.html", status=73)
        show(ehlo, path, "--html", "/dev/full", status=73)
        if path.read_text() != ACCEPTED:
            yield "the transcript was written over"
        write(ehlo, "bad.smtp", "S: 220 x\n? what\n")
        show(ehlo, "bad.smtp", "--html", "bad.html", status=65)
        if (ehlo.directory / "bad.html").exists():
            yield "a transcript that is none has a page"

    @case("page/bounds")
    def _(ehlo):
        long = "S: 220 a\nC: DATA\nS: 354 a\n" + "C: <b>a line of the message</b>\n" * 20000 + "C: .\nS: 250 ok\n"
        many = "S: 220 a\n" + "C: NOOP\nS: 250 ok\n" * 40000
        for transcript, left_out, last in ((long, r"\d+ lines left out", "250 ok"), (many, r"\d+ steps left out", "250 ok"),
                                           ("S: 220 " + "x" * 9000 + "\n", "7004 octets left out", "x")):
            text = show(ehlo, "--html", "-", "-", stdin=transcript.encode()).out.decode()
            page = Page(text)
            yield from page.wrong[:3]
            if not re.search(left_out, text) or last not in page.lines[-1] or len(text) > 6 << 20:
                yield f"{left_out}: {len(text)} octets, {page.lines[-1][:100]}"


# ---- The page, in a browser -----------------------------------------------------------------------------------------

ONE_AT_A_TIME = threading.Lock()


def expected_lines(transcript):
    return ["…" * line.continued + line.text(lambda octets: shown(octets, CONTROLS), "hidden") + "…" * line.cut
            for line in lines_of(transcript)]


def look(ehlo, transcript, checks, **options):
    """What `checks` have to say of the page in a browser."""
    page = ehlo.directory / "x.html"
    show(ehlo, "--html", page, "-", stdin=transcript.encode())
    with ONE_AT_A_TIME, browser.Browser() as b:
        b.open(page.as_uri(), **options)
        for check in checks:
            yield from check(b)
        yield from show_look.check_quiet(b, page.as_uri())


def cases_browser():
    if not browser.find():
        raise SystemExit("there is no chromium: the tests of the page cannot be run")

    for name, transcript in {"accepted": ACCEPTED, "refused": REFUSED, "timed-out": TIMED_OUT,
                             "hostile": HOSTILE}.items():
        for dark in (False, True):
            @case(f"browser/{name}-{'dark' if dark else 'light'}")
            def _(ehlo, transcript=transcript, dark=dark):
                yield from look(ehlo, transcript, [lambda b: show_look.check_colours(b, dark),
                                                   lambda b: show_look.check_lines(b, expected_lines(transcript))],
                                dark=dark, width=700)

        @case(f"browser/{name}-phone")
        def _(ehlo, transcript=transcript):
            open_all = "document.querySelectorAll('details').forEach(d => d.open = true)"
            yield from look(ehlo, transcript, [lambda b: show_look.check_width(b, 360),
                                               lambda b: b.evaluate(open_all) or show_look.check_width(b, 360),
                                               lambda b: show_look.check_lines(b, expected_lines(transcript))], width=360)

    @case("browser/waits")
    def _(ehlo):
        waits = [(12.4, True), (0.0001, False), (0.31, True), (4.5, True), (0.1, True), (60.0, True)]
        yield from look(ehlo, TIMED_OUT, [lambda b: show_look.check_gaps(b, waits)])
        waits = [(0.012, True), (0.431, True), (0.0001, False), (0.031, True), (0.0001, False), (0.03, True),
                 (0.082, True), (0.2, False), (0.033, True), (0.0002, False), (3.105, True), (0.0003, False),
                 (0.034, True), (0.0002, False), (0.031, True)]
        yield from look(ehlo, REFUSED, [lambda b: show_look.check_gaps(b, waits)], width=360)

    @case("browser/print")
    def _(ehlo):
        def check(b):
            ground = b.evaluate("getComputedStyle(document.body).backgroundColor")
            if ground != "rgb(255, 255, 255)":
                yield f"printed on {ground}"
        yield from look(ehlo, REFUSED, [check], dark=True, media="print")

    @case("browser/folded")
    def _(ehlo):
        def check(b):
            found = b.evaluate("[...document.querySelectorAll('.arrow details')].map(d => [d.open, d.innerText])")
            if len(found) != 1 or found[0][0] or "40 lines" not in found[0][1] or "line 7" in found[0][1]:
                yield f"the long message: {found}"
        yield from look(ehlo, ACCEPTED, [check])
        yield from look(ehlo, HOSTILE, [lambda b: [] if b.evaluate("document.querySelector('.arrow details').open")
                                        else ["a short message is folded"]])

    @case("browser/words")
    def _(ehlo):
        def check(b):
            text = re.sub(r"\s+", " ", b.evaluate("document.body.innerText"))
            for words in ("✗ Refused at rcpt", "In reply to RCPT, in line 24", "the recipient's mailbox does not exist",
                          "Check the recipient's address", "Who can act: the sender", "What else was refused",
                          "554 5.5.1 Error", "Of 3.990 s, 3.789 s went by in waiting for the server",
                          "The longest wait was 3.105 s at auth", "Verified yes", "Subject CN=mail.example.com",
                          "Issuer CN=R11,O=Let's Encrypt,C=US", "Valid from 2026-09-28T07:11:05Z",
                          "Names mail.example.com, smtp.example.com", "user alice@example.com"):
                if words not in text:
                    yield f"{words!r} is not in {text[:3000]}"
                    return
            headings = b.evaluate("[...document.querySelectorAll('h1, h2')].map(h => h.tagName)")
            if headings[0] != "H1" or headings.count("H1") != 1 or len(headings) < 7:
                yield f"the headings are {headings}"
        yield from look(ehlo, REFUSED, [check])

    @case("browser/policy")
    def _(ehlo):
        page = ehlo.directory / "x.html"
        show(ehlo, "--html", page, "-", stdin=REFUSED.encode())
        with ONE_AT_A_TIME, browser.Browser() as b:
            yield from show_look.check_policy(b, page)


# ---- Memory ---------------------------------------------------------------------------------------------------------


def cases_memory():
    if "ASAN_OPTIONS" in os.environ:
        return  # a sanitizer's memory is not the program's
    for name, options in {"text": (), "verbose": ("-v",), "json": ("--json",), "html": ("--html", "x.html")}.items():
        @case(f"memory/{name}")
        def _(ehlo, options=options):
            turn = b"+0.001 C: NOOP\n+0.01 S: 250 2.0.0 Ok\n+0.2 S: 550-5.7.1 no <b>x</b>\nS: 550 5.7.1 no\n"
            body = b"C: DATA\nS: 354 go\n" + b"C: a line of a long message\n" * 100000 + b"C: .\nS: 250 ok\n"
            write(ehlo, "x.smtp", b"S: 220 a\n" + turn * 200000 + body + (b"S: 250-" + b"x" * 16000 + b"\n") * 200)
            with open(os.devnull, "wb") as nowhere:
                result = Ehlo(MAX_RSS, ehlo.directory, ehlo.on_result)(EHLO, "show", *options, "x.smtp", stdout=nowhere)
            used = int(result.err.split()[-1])
            size = (ehlo.directory / "x.smtp").stat().st_size // 1024
            print(f"memory: show {' '.join(options)}: {used} KiB for a transcript of {size} KiB; {MEMORY_MAX} allowed")
            if result.status != 0 or used > MEMORY_MAX or size <= MEMORY_MAX:
                yield f"{used} KiB are more than {MEMORY_MAX}"


cases_text()
cases_json()
cases_page()
cases_browser()
cases_memory()
sys.exit(bench.run())
