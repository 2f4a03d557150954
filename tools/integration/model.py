"""A mail server for the hostile_….py tests that keeps books of what it took, for whom, and that can do wrong at any
command by a plan. It knows nothing of what the client should make of that.
"""

import re

from harness import Complaint

# Under this name a plan has what happens at the greeting, at the reply to a whole message (after the dot or the last
# chunk), and when half of a chunk is there.
GREETING, FINAL, CHUNK = "GREETING", "FINAL", "CHUNK"

CAPABILITIES = ("PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "CHUNKING")


class Then:
    """A reply that counts, and something that ends the session behind it."""

    def __init__(self, line, wrong):
        self.line, self.wrong = line, wrong


class Model:
    """Plays a session to each client. `plan` has for a verb what is done each time in place of the good reply, or a
    list: what is done the first time, the second; after its end, and where it has None, the server is good. A reply is
    a line or a tuple of them; a function of the peer ends the session; Then does both."""

    def __init__(self, plan=None, capabilities=CAPABILITIES, lmtp=False):
        self.plan, self.capabilities, self.lmtp = plan or {}, capabilities, lmtp

    def __call__(self, peer):
        Session(self, peer).run()


class Session:
    def __init__(self, model, peer):
        self.model, self.peer = model, peer
        self.books = peer.books = []  # pairs of recipient and message
        self.counts = {}
        self.over, self.mail, self.recipients, self.chunks = False, False, [], b""

    # ---- Replies ----

    def planned(self, name):
        entry = self.model.plan.get(name)
        number = self.counts[name] = self.counts.get(name, -1) + 1
        if isinstance(entry, list):
            entry = entry[number] if number < len(entry) else None
        return entry

    def reply(self, name, good):
        """Does what is planned, or says `good`; the code of it, 0 if the session is over without one."""
        entry = self.planned(name)
        if callable(entry):
            self.over = True
            entry(self.peer)
            return 0
        wrong = None
        if isinstance(entry, Then):
            entry, wrong = entry.line, entry.wrong
        lines = good if entry is None else entry
        lines = lines if isinstance(lines, tuple) else (lines,)
        self.peer.say(*lines)
        if wrong:
            self.over = True
            wrong(self.peer)
        code = lines[0][:3]
        return int(code) if re.fullmatch(r"\d{3}", code if isinstance(code, str) else code.decode("latin-1")) else 0

    def run(self):
        self.reply(GREETING, "220 mail.ehlo.test ESMTP")
        while not self.over and (line := self.peer.hear()) is not None:
            verb, _, argument = line.partition(b" ")
            verb = verb.decode("latin-1").upper()
            act = getattr(self, "on_" + verb.lower(), None)
            if act:
                act(argument)
            else:
                self.reply(verb, "250 2.0.0 fine")

    # ---- Commands ----

    def hello(self, name):
        lines = ("mail.ehlo.test", *self.model.capabilities)
        self.reset()
        self.reply(name, tuple("250-" + line for line in lines[:-1]) + ("250 " + lines[-1],))

    def on_ehlo(self, _):
        self.hello("EHLO")

    def on_lhlo(self, _):
        self.hello("LHLO")

    def reset(self):
        self.mail, self.recipients, self.chunks = False, [], b""

    def on_rset(self, _):
        if self.reply("RSET", "250 2.0.0 forgotten") // 100 == 2:
            self.reset()

    def on_mail(self, argument):
        if self.mail:
            self.reply("NESTED", "503 5.5.1 nested MAIL")
            return
        if not argument.upper().startswith(b"FROM:<"):
            raise Complaint(f"MAIL {argument!r}")
        self.mail = self.reply("MAIL", "250 2.1.0 fine") // 100 == 2

    def on_rcpt(self, argument):
        address = re.match(rb"TO:<([^>]*)>", argument).group(1).decode()
        if self.reply("RCPT", "250 2.1.5 fine" if self.mail else "503 5.5.1 MAIL first") // 100 == 2 and self.mail:
            self.recipients.append(address)

    def on_data(self, _):
        nobody = not self.recipients
        if self.reply("DATA", "554 5.5.1 for nobody" if nobody else "354 go ahead") != 354 or self.over:
            return
        try:
            message = self.peer.hear_message()
        except Complaint:  # the client left within it, as it should where the server broke the protocol
            self.over = True
            return
        if nobody and message:
            raise Complaint(f"the client sent {message!r} to nobody")
        self.end(message)

    def on_bdat(self, argument):
        words = argument.split()
        size = int(words[0])
        last = [word.upper() for word in words[1:]] == [b"LAST"]
        begun = min(size // 2, 1000)
        octets = self.peer.hear_octets(begun)
        wrong = self.planned(CHUNK)
        if wrong:
            self.over = True
            wrong(self.peer)
            return
        self.chunks += octets + self.peer.hear_octets(size - begun)
        if not self.recipients and not (self.model.lmtp and last and self.mail):
            self.reply("BDAT", "503 5.5.1 for nobody")
            self.reset()
        elif last:
            self.end(self.chunks.replace(b"\r\n", b"\n"))
        else:
            self.reply("BDAT", f"250 2.0.0 {size} octets")

    def end(self, message):
        """The reply, or in LMTP the replies, to a message."""
        if self.model.lmtp:
            for recipient in self.recipients:
                if not self.over and self.reply(FINAL, f"250 2.1.5 <{recipient}> has it") // 100 == 2:
                    self.books.append((recipient, message))
        elif self.reply(FINAL, "250 2.0.0 queued" if self.recipients else "554 5.5.1 for nobody") // 100 == 2:
            self.books += [(recipient, message) for recipient in self.recipients]
        self.reset()

    def on_quit(self, _):
        self.reply("QUIT", "221 2.0.0 bye")
        if not self.over:
            self.over = True
            self.peer.close_politely()


def judge_books(document, books, paths):
    """Complaints where what the client reports is not what the server took."""
    messages = document.get("messages", [document])
    if len(messages) != len(paths):
        yield f"{len(messages)} messages are reported, and {len(paths)} were given"
    texts = [path.read_bytes() for path in paths]
    for message, path, text in zip(messages, paths, texts):
        for recipient in message["recipients"]:
            address, accepted = recipient["address"], recipient["accepted"]
            times = books.count((address, text))
            if times > 1:
                yield f"{address} has {path.name} {times} times"
            if accepted and times == 0:
                yield f"{address} is reported to have {path.name}, and has not"
            if times > 0 and not accepted and "may have it" not in (document["error"] or ""):
                yield f"{address} has {path.name}, and that is not reported"
    for address, text in books:
        if text not in texts:
            yield f"{address} got what was not sent: {text[:80]!r}"
