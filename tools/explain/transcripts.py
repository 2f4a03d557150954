"""Writes a small session for each entry of the catalogue, in which the reply comes where it belongs.

It stands in corpus/transcripts/replies/PROVIDER-ID.smtp, and a test explains it. Files of entries that are gone go
as well. catalogue.py calls this.
"""
import os

RECIPIENTS = ("recipient", "user-unknown", "relay", "no-such", "account-disabled", "over-quota", "rcpthosts", "bad-rcpt")


def escaped(octets):
    out = "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else "\\\\" if o == 0x5C else f"\\x{o:02x}" for o in octets)
    return out[:-1] + "\\x20" if out.endswith(" ") else out


def host_of(provider, providers):
    hosts = providers.get(provider, {}).get("hosts")
    return "smtp" + hosts[0] if hosts else "mail.example.com"


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


def session(entry, providers, code):
    host = host_of(entry["provider"], providers)
    marks = providers.get(entry["provider"], {}).get("marks", [])
    software = providers.get(entry["provider"], {}).get("software")
    banner = marks[0] if software and marks else next((m for m in marks if "ESMTP" in m), "ESMTP")
    reply = ["S: " + escaped(line) for line in entry["text"].encode(entry.get("charset", "utf-8")).split(b"\n")]
    at = place(entry, code)
    out = ["! ehlo-transcript 1", f"# {entry['id']}: made of the catalogue of replies", f"! connect {host}:587 192.0.2.25",
           f"S: 220 {host} {banner}", "C: EHLO client.example.com"]
    if at == "ehlo":
        return out + reply + end(code)
    out += [f"S: 250-{host}", "S: 250 STARTTLS", "C: STARTTLS"]
    if at == "starttls":
        return out + reply + end(code)
    out += ["S: 220 2.0.0 go ahead", "! tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok", "C: EHLO client.example.com",
            f"S: 250-{host}", "S: 250 AUTH PLAIN LOGIN"]
    for where, command, good in (("auth", "AUTH PLAIN \\{secret}", "235 2.7.0 ok"), ("mail", "MAIL FROM:<alice@example.com>", "250 2.1.0 ok"),
                                 ("rcpt", "RCPT TO:<bob@example.org>", "250 2.1.5 ok"), ("data", "DATA", "354 go on"),
                                 ("body", "Subject: test\nC: \nC: .", None)):
        out.append("C: " + command)
        if where == at:
            return out + reply + end(code)
        out.append("S: " + good)
    raise AssertionError(at)


def end(code):
    return ["! eof S"] if code == 421 else ["C: QUIT", "S: 221 2.0.0 bye", "! eof S"]


def write(directory, providers, entries):
    from catalogue import code_of
    names = set()
    for entry in entries:
        code = code_of(entry)[0]
        if code == 0:
            continue  # no reply of SMTP, or none that refuses
        name = entry["id"].replace("/", "-") + ".smtp"
        names.add(name)
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in session(entry, providers, code)).replace("C: \n", "C:\n"))
    for name in set(os.listdir(directory)) - names:
        os.remove(os.path.join(directory, name))
