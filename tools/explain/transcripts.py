"""Writes a small session for each entry of the catalogue, in which the reply comes where it belongs, or the failure.

It stands in corpus/transcripts/replies/PROVIDER-ID.smtp, and a test explains it. Files of entries that are gone go
as well. catalogue.py calls this.
"""
import os
import re

RECIPIENTS = ("recipient", "user-unknown", "relay", "no-such", "account-disabled", "over-quota", "rcpthosts", "bad-rcpt")
LINE_MAX = 4096  # octets of a server's line that the engine keeps
CHALLENGES_MAX = 8


def escaped(octets):
    out = "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else "\\\\" if o == 0x5C else f"\\x{o:02x}" for o in octets)
    return out[:-1] + "\\x20" if out.endswith(" ") else out


def unescaped(text):
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text).encode("latin-1")


class Session:
    """Lines of a transcript, and how far the server's octets go."""

    def __init__(self, host, banner):
        self.lines, self.said, self.host, self.banner = [], 0, host, banner

    def server(self, octets, end=b"\r\n"):
        self.lines.append("S: " + escaped(octets + (b"" if end == b"\r\n" else end)) + ("" if end == b"\r\n" else "\\"))
        self.said += len(octets + end)

    def client(self, text):
        self.lines.append("C: " + text)

    def fact(self, text):
        self.lines.append("! " + text)

    def event(self, text):
        self.lines.append("= " + text)

    def close(self, by_server=False):
        if not by_server:
            self.client("QUIT")
            self.server(b"221 2.0.0 bye")
        self.fact("eof S")

    def reach(self, place, starttls=True, in_clear=False):
        """Goes on until the reply to `place` is due."""
        self.fact(f"connect {self.host}:587 192.0.2.25")
        if place == "greeting":
            return
        self.server(f"220 {self.host} {self.banner}".encode())
        self.client("EHLO client.example.com")
        if place == "ehlo":
            return
        if not in_clear:
            self.server(f"250-{self.host}".encode())
            self.server(b"250 STARTTLS" if starttls else b"250 8BITMIME")
            self.client("STARTTLS")
            if place == "starttls":
                return
            self.server(b"220 2.0.0 go ahead")
            self.fact("tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok")
            self.client("EHLO client.example.com")
        self.server(f"250-{self.host}".encode())
        self.server(b"250 AUTH PLAIN LOGIN")
        for where, command, good in (("auth", "AUTH PLAIN \\{secret}", b"235 2.7.0 ok"), ("mail", "MAIL FROM:<alice@example.com>", b"250 2.1.0 ok"),
                                     ("rcpt", "RCPT TO:<bob@example.org>", b"250 2.1.5 ok"), ("data", "DATA", b"354 go on"),
                                     ("body", "Subject: test\nC:\nC: .", None)):
            self.client(command)
            if where == place:
                return
            self.server(good)
        raise AssertionError(place)


def new_session(entry, providers):
    provider = providers.get(entry["provider"], {})
    hosts, marks = provider.get("hosts"), provider.get("marks", [])
    banner = marks[0] if provider.get("software") and marks else next((m for m in marks if "ESMTP" in m), "ESMTP")
    return Session("smtp" + hosts[0] if hosts else "mail.example.com", banner)


# ---- A reply --------------------------------------------------------------------------------------


def place(entry, code):
    """The command that the reply answers."""
    stages = entry["stage"].split()
    if "auth" in stages:
        return "auth"
    if "starttls" in stages:
        return "starttls"
    if "connect" in stages:
        return "ehlo"
    if any(word in entry["id"] for word in RECIPIENTS):
        return "rcpt"
    return "mail" if "any" in stages or code == 530 else "body"


def reply_session(entry, providers, code):
    s = new_session(entry, providers)
    s.lines += ["! ehlo-transcript 1", f"# {entry['id']}: made of the catalogue of replies"]
    s.reach(place(entry, code))
    for line in entry["text"].encode(entry.get("charset", "utf-8")).split(b"\n"):
        s.server(line)
    if code == 334:
        s.client("\\{secret}")
        s.server(b"535 5.7.8 no")
    s.close(by_server=code in (421, 521))
    return s.lines


# ---- A failure ------------------------------------------------------------------------------------

# Where a session without a reply ends, by the entry's first word for the stage.
FAILED_AT = {"any": "mail", "tls": "starttls", "data": "body"}


def fault(octets):
    """Where a line stops being a reply."""
    for i in range(min(3, len(octets) + 1)):
        if i == len(octets) or not (b"2" <= octets[:1] <= b"5" if i == 0 else octets[i:i + 1].isdigit()):
            return i
    if octets[3:4] not in (b"", b" ", b"-"):
        return 3
    return octets.index(b"\0") if b"\0" in octets else len(octets)


def broken(s, status, octets):
    """The server breaks the protocol; returns how far into its octets that is seen."""
    at = s.said
    if status == "reply-syntax":
        s.server(octets)
        return at + fault(octets)
    if status == "reply-code":
        s.server(b"250-" + s.host.encode())
        at = s.said
    elif status == "reply-unexpected":
        s.server(b"250 " + s.host.encode())
        at = s.said
    elif status == "starttls-injection":
        s.server(b"220 go ahead")
        at, octets = s.said, b"250 injected"
    elif status == "line-too-long":
        octets = b"220 " + b"a" * LINE_MAX
        at += LINE_MAX
    elif status == "too-many-challenges":
        for _ in range(CHALLENGES_MAX):
            s.server(b"334 bW9yZQ==")
            s.client("\\{secret}")
        at, octets = s.said, b"334 bW9yZQ=="
    s.server(octets)
    return at


def failed_session(entry, providers):
    """A session that ends without a reply: `scene` says how. Without a header it need not hold every event."""
    kind, _, status = entry["scene"].partition(" ")
    text, first = entry["text"], entry["stage"].split()[0]
    at = "body" if kind == "doubt" else FAILED_AT.get(first, first)
    s = new_session(entry, providers)
    s.lines.append(f"# {entry['id']}: made of the catalogue of replies")
    told = escaped(text.encode())
    quoted = re.search(r': "(.*)"$', text)
    line = unescaped(quoted[1] if quoted else text)
    if kind == "connect":
        s.fact("connect failed " + told)
        s.event("failed connect at 0")
    elif kind == "tls":
        s.reach("starttls")
        s.server(b"220 2.0.0 go ahead")
        s.fact("tls failed " + told)
    elif kind == "note":
        s.reach(at, starttls=at != "starttls", in_clear="cleartext" in entry["id"])
        s.lines.pop()
        s.fact("note " + told)
        if at == "body":
            s.fact("eof C")
        else:
            s.close()
    elif kind == "masked":  # the greeting; STARTTLS is not offered behind it
        s.fact(f"connect {s.host}:587 192.0.2.25")
        s.server(text.encode())
        s.client("EHLO client.example.com")
        s.server(f"250 {s.host}".encode())
        s.fact("note at starttls: the server does not offer STARTTLS, and nothing may be sent without TLS")
        s.close()
    elif kind in ("line", "failed"):
        s.reach("greeting" if kind == "line" and not quoted else re.match(r"at (\w+):", text)[1] if kind == "line" else at)
        s.event(f"failed {status or 'reply-syntax'} at {broken(s, status or 'reply-syntax', line)}")
    elif kind == "unfinished":
        s.reach(at)
        s.server(b"250-2.1.0 ok")
        s.fact("eof S")
    elif kind == "line-feed":
        s.reach("ehlo")
        s.server(line, b"\n")
        s.event(f"failed reply-syntax at {s.said - 1}")
    else:
        s.reach(at)
        if at == "body" and kind != "doubt":
            s.lines[-1] = "C: Subject: a test that does not get \\"
        s.lines.append("+300.000000  ! timeout" if kind == "timeout" else "! eof S")
    return s.lines


def write(directory, providers, entries):
    from catalogue import Mistake, code_of
    names = set()
    for entry in entries:
        code = code_of(entry)[0] or (334 if entry["text"].startswith("334 ") else 0)
        if not code and "scene" not in entry:
            raise Mistake(f"{entry['id']}: it has no code, so it has to say its scene")
        name = entry["id"].replace("/", "-") + ".smtp"
        names.add(name)
        lines = reply_session(entry, providers, code) if "scene" not in entry else failed_session(entry, providers)
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines))
    for name in set(os.listdir(directory)) - names:
        os.remove(os.path.join(directory, name))
