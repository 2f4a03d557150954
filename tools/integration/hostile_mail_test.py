#!/usr/bin/python3
"""ehlo against servers that go wrong in transactions: BDAT, several messages over one connection, recipients that take
several transactions, LMTP, XCLIENT, extensions that are missing, a QUIT that is not answered.

The server keeps books (model.py), and what ehlo reports of each recipient has to agree with them, whatever the server
did in between. hostile.py says what else every case has to hold.

    hostile_mail_test.py EHLO [-- PATTERN]
"""

import itertools
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import Complaint
from hostile import (DRIP_INTERVAL, bench, case, closes, closes_politely, drips, has, is_silent, resets, says, says_raw,
                     value)
from model import CAPABILITIES, CHUNK, FINAL, GREETING, Model, Session, Then

BOTH = {"pipelined": CAPABILITIES, "one-by-one": CAPABILITIES[1:]}
MANY = ("one.eml", "two.eml", "three.eml")


def to(*names):
    return [word for name in names for word in ("--to", f"{name}@ehlo.test")]


MOST_REPLY = 65536  # octets

TWO, THREE = to("bob", "carol"), to("bob", "carol", "dan")


def mail(name, plan, outcome, stage, *wants, options=(), capabilities=CAPABILITIES, lmtp=False, **more):
    """A case without TLS and login, against the model."""
    case(name, Model(plan, capabilities, lmtp), outcome, stage, *wants, options=("--tls=none", *options), user=False,
         scheme="lmtp://" if lmtp else "", **more)


# ---- One flight, refused in every combination ----------------------------------------------------------------


def kind(code):
    return "deferred" if code // 100 == 4 else "refused"


def verdict(codes, final):
    """What comes of one message: codes are those to MAIL, the two RCPT and, after DATA alone, to DATA."""
    first, *rest = codes
    taken = sum(code == 250 for code in rest[:2])
    if first != 250:
        return kind(first), "mail"
    if taken == 0:
        return "deferred" if 450 in rest[:2] else "refused", "rcpt"
    if len(rest) > 2 and rest[2] != 354:
        return kind(rest[2]), "data"
    if final != 250:
        return kind(final), "body"
    return "accepted" if taken == 2 else "partial", "quit"


def reply_of(code):
    return f"{code} {code // 100}.0.0 says the plan" if code != 354 else "354 go ahead"


def cases_flights():
    for transfer in ("data", "bdat"):
        to_data = (354, 451, 554) if transfer == "data" else ()
        choices = [(250, 451, 550), (250, 450, 550), (250, 450, 550)] + [to_data] * bool(to_data) + [(250, 452, 552)]
        for *codes, final in itertools.product(*choices):
            outcome, stage = verdict(codes, final)
            if stage != "body" and outcome not in ("accepted", "partial") and final != 250:
                continue  # it is not reached
            plan = {"MAIL": reply_of(codes[0]), "RCPT": [reply_of(code) for code in codes[1:3]],
                    FINAL: reply_of(final) if 250 in codes[1:3] and codes[0] == 250 else None}
            if codes[0] != 250:
                plan["RCPT"] = None
            if stage not in ("mail", "rcpt") and transfer == "data":
                plan["DATA"] = reply_of(codes[3])
            for way, capabilities in BOTH.items():
                mail(f"flight/{transfer}/{way}/{'-'.join(map(str, (*codes, final)))}", plan, outcome, stage,
                     options=(f"--transfer={transfer}", *TWO), capabilities=capabilities)


# ---- BDAT ------------------------------------------------------------------------------------------------------


def cases_chunks():
    big = {"message": "big.eml", "receive_buffer": 4096}
    for name, wrong, outcome in (("closes", closes, "lost"), ("closes-politely", closes_politely, "lost"),
                                 ("resets", resets, "lost"), ("stops-reading", lambda peer: time.sleep(3), "timeout")):
        mail(f"chunk/{name}", {CHUNK: wrong}, outcome, "body", **big)
    mail("chunk/250-early", {CHUNK: says("250 2.0.0 queued already")}, "protocol-error", "body", **big)
    mail("chunk/552-early", {CHUNK: says("552 5.3.4 too much")}, "protocol-error", "body", **big)
    mail("chunk/garbage-early", {CHUNK: says("what?")}, "protocol-error", "body", **big)
    mail("chunk/421-early", {CHUNK: says("421 4.3.2 closing down", then=closes)}, "deferred", "body", **big)
    for way, capabilities in BOTH.items():
        def chunk(name, *arguments, capabilities=capabilities, way=way, **more):
            mail(f"chunk/{way}/{name}", *arguments, capabilities=capabilities, **more)
        look = has("look before sending it again")
        for name, wrong, outcome in (("closes", closes, "unknown"), ("resets", resets, "unknown"),
                                     ("silent", is_silent, "unknown"), ("half", says_raw(b"250 2.0.0 que", closes), "unknown"),
                                     ("half-silent", says_raw(b"250-2.0.0 que", is_silent), "unknown"),
                                     ("drips", drips, "unknown"), ("garbage", says("what?"), "protocol-error"),
                                     ("354", says("354 go ahead"), "protocol-error"),
                                     ("334", says("334 "), "protocol-error"),
                                     ("code-change", says("250-2.0.0 well", "550 5.0.0 no"), "protocol-error")):
            chunk(name, {FINAL: wrong}, outcome, "body", look)
        chunk("354-and-250", {FINAL: ("354 go ahead", "250 2.0.0 queued")}, "protocol-error", "body", look)
        chunk("closes-after-250", {FINAL: Then("250 2.0.0 queued", closes)}, "accepted", "quit")
        chunk("resets-after-250", {FINAL: Then("250 2.0.0 queued", resets)}, "accepted", "quit")
        chunk("garbage-after-250", {FINAL: Then("250 2.0.0 queued", says("what?"))}, "accepted", "quit")
        chunk("250-after-250", {FINAL: ("250 2.0.0 queued", "250 2.0.0 again")}, "accepted", "quit")
        chunk("421-after-250", {FINAL: Then("250 2.0.0 queued", says("421 4.3.2 enough", then=closes))}, "accepted", "quit")
        chunk("421", {FINAL: says("421 4.3.2 closing down", then=closes)}, "deferred", "body")
        chunk("one-reply-too-few", {"RCPT": says_raw(b"")}, "timeout" if way == "one-by-one" else "unknown",
              "rcpt" if way == "one-by-one" else "body", options=TWO)
        # The one too many answers the chunk, where that is sent already: nothing can tell.
        chunk("one-reply-too-many", {"RCPT": ("250 2.1.5 fine", "250 2.1.5 fine too")},
              *(("accepted", "quit") if way == "pipelined" else ("protocol-error", "body")))


# ---- QUIT, and what comes behind the result ----------------------------------------------------------------------


def drips_bye(peer):
    for octet in b"221-" + b"x" * 60:
        peer.say_raw(bytes([octet]))
        time.sleep(DRIP_INTERVAL)


def stays(peer):
    peer.say("221 2.0.0 bye")
    peer.drain()


def cases_quit():
    patient = {"most_seconds": 9.0}
    for transfer in ("data", "bdat"):
        for name, wrong in (("silent", is_silent), ("drips", drips_bye), ("stays", stays), ("closes", closes),
                            ("resets", resets), ("500", says("500 5.5.1 what?")), ("garbage", says("what?")),
                            ("354", says("354 more?")), ("half", says_raw(b"221 2.0", closes))):
            mail(f"quit/{transfer}/{name}", {"QUIT": wrong}, "accepted", "quit", options=(f"--transfer={transfer}",))
    # Without --timeout: five seconds are what it may cost.
    for name, plan, *end in (("accepted", {"QUIT": is_silent}, "accepted", "quit"),
                             ("drips", {"QUIT": drips_bye}, "accepted", "quit"),
                             ("refused", {"MAIL": "550 5.7.1 no", "QUIT": is_silent}, "refused", "mail"),
                             ("refused-in-flight", {"MAIL": "550 5.7.1 no", "RCPT": is_silent}, "refused", "mail"),
                             ("refused-greeting", {GREETING: "554 5.7.1 no", "QUIT": is_silent}, "refused", "greeting")):
        mail(f"quit/five-seconds/{name}", plan, *end, timeout=None, **patient)


# ---- Several messages ------------------------------------------------------------------------------------------


def fates(transfer):
    """What may become of a message: its replies, and its verdict."""
    yield "fine", {}, ("accepted", "quit")
    yield "mail", {"MAIL": "550 5.7.1 no"}, ("refused", "mail")
    yield "mail-later", {"MAIL": "451 4.3.0 later"}, ("deferred", "mail")
    yield "rcpt", {"RCPT": "550 5.1.1 no"}, ("refused", "rcpt")
    if transfer == "data":
        yield "data", {"DATA": "554 5.5.1 no"}, ("refused", "data")
    yield "body", {FINAL: "554 5.6.0 no"}, ("refused", "body")


def of_all(verdicts):
    """What several verdicts come to."""
    outcomes = [outcome for outcome, _ in verdicts]
    if set(outcomes) == {"accepted"}:
        return "accepted", "quit"
    if "accepted" in outcomes:
        return "partial", verdicts[-1][1]
    others = [v for v in verdicts if v[0] != "refused"]
    return others[-1] if others else verdicts[-1]


class ByMessage(Model):
    """A plan that counts messages, by their MAIL, and not each verb's own occurrences."""

    def __call__(self, peer):
        BySession(self, peer).run()


class BySession(Session):
    def planned(self, name):
        steps = ("MAIL", "RCPT", "DATA", FINAL)
        if name not in steps:
            return super().planned(name)
        if name == "MAIL":
            self.counts[name] = self.counts.get(name, -1) + 1
        of_message = self.model.plan["messages"]
        number = self.counts.get("MAIL", 0)
        return of_message[number].get(name) if number < len(of_message) and (self.mail or name == "MAIL") else None


def each_is(expected):
    def want(document):
        found = [(m["outcome"], m["stage"]) for m in document["messages"]]
        if found != expected:
            yield f"the messages are {found}, and not {expected}"
    return want


def several(name, plan, outcome, stage, *wants, options=(), capabilities=CAPABILITIES, message=MANY[:2], **more):
    case(name, ByMessage(plan, capabilities), outcome, stage, *wants, options=("--tls=none", *options), user=False,
         message=message, **more)


def cases_messages():
    for transfer, (way, capabilities) in itertools.product(("data", "bdat"), BOTH.items()):
        options = (f"--transfer={transfer}",)
        prefix = f"messages/{transfer}/{way}"
        for pair in itertools.product(fates(transfer), repeat=2):
            verdicts = [v for _, _, v in pair]
            several(f"{prefix}/{'-then-'.join(n for n, _, _ in pair)}", {"messages": [r for _, r, _ in pair]},
                    *of_all(verdicts), each_is(verdicts), options=options, capabilities=capabilities)
        for middle in fates(transfer):
            fine = ({}, ("accepted", "quit"))
            verdicts = [fine[1], middle[2], fine[1]]
            several(f"{prefix}/three/{middle[0]}", {"messages": [{}, middle[1], {}]}, *of_all(verdicts),
                    each_is(verdicts), options=options, capabilities=capabilities, message=MANY)

        def between(name, first, second, outcome, stage, *wants, prefix=prefix, options=options,
                    capabilities=capabilities, **plan):
            several(f"{prefix}/{name}", {"messages": [first, second], **plan}, outcome, stage, *wants,
                    options=options, capabilities=capabilities)

        # The first is taken, and what comes behind it is lost, or says that it is.
        went = has("^1 of 2 recipients did not get their message")
        ends = {"closes": closes, "resets": resets, "silent": is_silent, "half": says_raw(b"25", closes),
                "garbage": says("what?"), "421": says("421 4.3.2 closing down", then=closes)}
        for name, wrong in ends.items():
            lost = name in ("closes", "resets", "silent", "half")
            # In one flight with the chunk, the second is sent whole before anything is known.
            unknown = lost and transfer == "bdat" and way == "pipelined"
            expected = ("unknown", "body") if unknown else ("partial", "mail")
            between(f"mail-{name}", {}, {"MAIL": wrong}, *expected, *(() if unknown else (went,)))
            between(f"final-{name}", {}, {FINAL: wrong}, *(("unknown", "body") if lost else ("partial", "body")))
            between(f"first-final-{name}", {FINAL: wrong}, {}, *(("unknown", "body") if lost else (
                "deferred" if name == "421" else "protocol-error", "body")))
            between(f"behind-the-first-{name}", {FINAL: Then("250 2.0.0 queued", wrong)}, {},
                    *expected, *(() if unknown else (went,)))
        # The one too many answers what is outstanding then, and each reply the command behind its own.
        shifted = {("data", "pipelined"): ("partial", "data"), ("bdat", "pipelined"): ("accepted", "quit")}
        between("reply-too-many", {FINAL: ("250 2.0.0 queued", "250 2.0.0 again")}, {},
                *shifted.get((transfer, way), ("partial", "mail")))
        if (transfer, way) == ("bdat", "pipelined"):
            continue  # without RSET: in one flight MAIL follows the chunk
        refused = {"RCPT": "550 5.1.1 no"}
        for code, outcome in (("502 5.5.1 what?", "refused"), ("451 4.3.0 later", "deferred")):
            # MAIL goes with RSET where it may, and is refused like it: it is nested.
            between(f"rset-{code[:3]}", refused, {}, outcome if way == "one-by-one" else "refused", "mail",
                    *(has("RSET"),) * (way == "one-by-one"), RSET=code)
            several(f"{prefix}/rset-{code[:3]}-three", {"messages": [refused, {}, {}], "RSET": code},
                    outcome, "mail", options=options, capabilities=capabilities,
                    message=MANY)
        between("rset-354", refused, {}, "protocol-error", "mail", RSET=says("354 more?"))
        between("rset-421", refused, {}, "deferred", "mail", RSET=says("421 4.3.2 closing down", then=closes))
        between("rset-closes", refused, {}, "lost", "mail", RSET=closes)
        between("rset-silent", refused, {}, "timeout", "mail", RSET=is_silent)
        between("mail-refused-after-rset", refused, {"MAIL": "503 5.5.1 nested MAIL"}, "refused", "mail")


# ---- Recipients in portions --------------------------------------------------------------------------------------

TOO_MANY = "452 4.5.3 too many recipients"


def transactions(count):
    """A want: the message took so many of them, by the server's count."""
    def want(document):
        if document["round_trips"] < count:
            yield f"{document['round_trips']} round trips, and {count} transactions"
    return want


def limited(most):
    """Takes so many recipients in each transaction."""
    class Limited(Model):
        def __call__(self, peer):
            class S(Session):
                def planned(self, name):
                    return TOO_MANY if name == "RCPT" and len(self.recipients) >= most else None
            S(self, peer).run()
    return Limited


def cases_portions():
    hundred = to(*(f"u{n}" for n in range(100)))
    for transfer, (way, capabilities) in itertools.product(("data", "bdat"), BOTH.items()):
        def portion(name, plan, outcome, stage, *wants, options=THREE, transfer=transfer, way=way, limits="",
                    capabilities=capabilities, **more):
            mail(f"portions/{transfer}/{way}/{name}", plan, outcome, stage, *wants,
                 options=(f"--transfer={transfer}", *options),
                 capabilities=(*capabilities, limits) if limits else capabilities, **more)

        def counted(name, most, options, message="message.eml", transfer=transfer, way=way, capabilities=capabilities):
            case(f"portions/{transfer}/{way}/{name}", limited(most)({}, capabilities), "accepted", "quit",
                 options=("--tls=none", f"--transfer={transfer}", *options), user=False, message=message)

        portion("452-for-ever", {"RCPT": TOO_MANY}, "deferred", "rcpt")
        # The first portion is bob alone: the others are told so one by one, or not sent after the first who is.
        one = [None, TOO_MANY] + [TOO_MANY] * (way == "pipelined")
        portion("452-behind-the-first", {"RCPT": one + [TOO_MANY] * 9}, "partial", "rcpt")
        portion("452-to-the-first", {"RCPT": [TOO_MANY]}, "partial", "quit", value("recipients.0.accepted", False))
        portion("452-alternating", {"RCPT": [None, TOO_MANY] * 9}, "partial", "rcpt")
        portion("452-bare", {"RCPT": [None, "452 too many", None, None]}, "accepted", "quit")
        portion("452-other", {"RCPT": [None, "452 4.2.2 mailbox full"]}, "partial", "quit",
                value("recipients.1.reply.enhanced", "4.2.2"))
        portion("452-then-refused", {"RCPT": one, FINAL: "554 5.6.0 no"}, "refused", "body")
        portion("452-then-second-refused", {"RCPT": one, FINAL: [None, "554 5.6.0 no"]}, "partial", "body")
        portion("452-then-second-mail-refused", {"RCPT": one, "MAIL": [None, "451 4.3.0 later"]}, "partial", "mail")
        for name, wrong in (("closes", closes), ("resets", resets), ("silent", is_silent)):
            at_once = (transfer, way) == ("bdat", "pipelined")
            portion(f"452-then-{name}", {"RCPT": one, "MAIL": [None, wrong]},
                    *(("unknown", "body") if at_once else ("partial", "mail")))
            portion(f"452-then-final-{name}", {"RCPT": one, FINAL: [None, wrong]}, "unknown", "body")
        counted("limited-to-1", 1, THREE)
        counted("limited-to-2", 2, to(*"abcde"))
        counted("limited-to-7", 7, hundred)
        counted("limited-to-2-messages", 2, to(*"abcde"), MANY)
        portion("limits-rcptmax-1", {}, "accepted", "quit", transactions(3), limits="LIMITS RCPTMAX=1")
        portion("limits-rcptmax-10", {}, "accepted", "quit", options=hundred, limits="LIMITS RCPTMAX=10")
        portion("limits-rcptmax-untrue", {"RCPT": [None, None, TOO_MANY, None]}, "accepted", "quit",
                limits="LIMITS RCPTMAX=3")
        for name, limits in (("zero", "LIMITS RCPTMAX=0 MAILMAX=0 RCPTDOMAINMAX=0"),
                             ("overflow", "LIMITS RCPTMAX=4294967296 MAILMAX=18446744073709551617 RCPTDOMAINMAX=9" + "9" * 99),
                             ("negative", "LIMITS RCPTMAX=-1 MAILMAX=+1 RCPTDOMAINMAX=1.0"),
                             ("garbage", "LIMITS =1 RCPTMAX RCPTMAX= RCPTMAX=1x MAILMAX==1 \x01=2 RCPTMAXX=1"),
                             ("empty", "LIMITS")):
            portion(f"limits-{name}", {}, "accepted", "quit", limits=limits)
            portion(f"limits-{name}-messages", {}, "accepted", "quit", limits=limits, message=MANY)
        portion("limits-mailmax-1", {}, "partial", "mail", limits="LIMITS MAILMAX=1", message=MANY)
        portion("limits-mailmax-1-rcptmax-1", {}, "partial", "mail", limits="LIMITS MAILMAX=1 RCPTMAX=1")
        portion("limits-mailmax-3", {}, "accepted", "quit", limits="LIMITS MAILMAX=3", message=MANY)
        portion("limits-domains-1", {}, "partial", "quit", value("recipients.1.accepted", False),
                options=(*to("bob"), "--to", "eve@elsewhere.test", *to("dan")), limits="LIMITS RCPTDOMAINMAX=1")
        portion("limits-domains-2", {}, "accepted", "quit",
                options=(*to("bob"), "--to", "eve@elsewhere.test", *to("dan")), limits="LIMITS RCPTDOMAINMAX=2")


# ---- LMTP --------------------------------------------------------------------------------------------------------


def cases_lmtp():
    for transfer, (way, capabilities) in itertools.product(("data", "bdat"), BOTH.items()):
        def lmtp(name, plan, outcome, stage, *wants, options=THREE, transfer=transfer, way=way, capabilities=capabilities,
                 **more):
            mail(f"lmtp/{transfer}/{way}/{name}", plan, outcome, stage, *wants, lmtp=True, capabilities=capabilities,
                 options=(f"--transfer={transfer}", *options), **more)

        lmtp("fine", {}, "accepted", "quit")
        lmtp("some", {FINAL: [None, "552 5.2.2 full", "452 4.2.1 later"]}, "partial", "body",
             value("recipients.0.accepted", True), value("recipients.1.reply.code", 552),
             value("recipients.2.reply.code", 452))
        lmtp("none", {FINAL: "552 5.2.2 full"}, "refused", "body")
        lmtp("rcpt-refused", {"RCPT": [None, "550 5.1.1 no"]}, "partial", "quit")
        lmtp("rcpt-all-refused", {"RCPT": "550 5.1.1 no"}, "refused", "rcpt")
        lmtp("354-for-nobody", {"RCPT": "550 5.1.1 no", "DATA": "354 go ahead all the same"},
             "refused", "rcpt")
        lmtp("too-few", {FINAL: [None, None, is_silent]}, "unknown", "body")
        lmtp("too-few-closes", {FINAL: [None, None, closes]}, "unknown", "body")
        lmtp("half", {FINAL: [None, says_raw(b"250 2.1.5 o", closes)]}, "unknown", "body")
        lmtp("too-many", {FINAL: [None, None, ("250 2.1.5 ok", "250 2.1.5 and one")]}, "accepted", "quit")
        lmtp("421-between", {FINAL: [None, says("421 4.3.2 enough", then=closes)]}, "partial", "body")
        lmtp("garbage-between", {FINAL: [None, says("what?")]}, "partial", "body")
        lmtp("354-between", {FINAL: [None, says("354 more?")]}, "partial", "body")
        lmtp("two-messages", {FINAL: [None, None, "452 4.2.1 later"]}, "partial", "quit", message=MANY[:2])
        lmtp("portions", {"RCPT": [None, None, TOO_MANY]}, "accepted", "quit")
        lmtp("portions-one-full", {"RCPT": [None, None, TOO_MANY], FINAL: [None, "452 4.2.2 full"]}, "partial", "quit")
    for code in ("500 5.5.1 what?", "502 5.5.1 what?", "550 5.7.1 no"):
        mail(f"lmtp/lhlo-{code[:3]}", {"LHLO": code}, "refused", "ehlo", lmtp=True)
    mail("lmtp/lhlo-451", {"LHLO": "451 4.3.0 later"}, "deferred", "ehlo", lmtp=True)
    for name, line in (("empty", "250"), ("blanks", "250-   "), ("tab", "250-\tx"), ("keyword", "250-PIPELINING"),
                       ("escapes", b"250-\x1b[2J\x9b31m")):
        second = () if line == "250" else ("250 8BITMIME",)
        mail(f"lmtp/lhlo-line-{name}", {"LHLO": (line, *second)}, "accepted", "quit", lmtp=True)
        mail(f"ehlo-line/{name}", {"EHLO": (line, *second)}, "accepted", "quit")


# ---- XCLIENT -----------------------------------------------------------------------------------------------------


def cases_xclient():
    offered = (*CAPABILITIES, "XCLIENT NAME ADDR LOGIN")
    attributes = ("--xclient=NAME=client.example.com ADDR=192.0.2.1",)

    def xclient(name, plan, *expected, capabilities=offered, options=attributes, **more):
        mail(f"xclient/{name}", plan, *expected, capabilities=capabilities, options=options, **more)

    xclient("fine", {"XCLIENT": "220 mail.ehlo.test ESMTP"}, "accepted", "quit")
    xclient("250", {"XCLIENT": "250 2.0.0 fine"}, "accepted", "quit")
    xclient("550", {"XCLIENT": "550 5.7.0 insufficient authorization"}, "refused", "ehlo")
    xclient("421", {"XCLIENT": says("421 4.3.2 no", then=closes)}, "deferred", "ehlo")
    xclient("451", {"XCLIENT": "451 4.3.0 later"}, "deferred", "ehlo")
    xclient("354", {"XCLIENT": "354 what?"}, "protocol-error", "ehlo")
    xclient("220-then-silence", {"XCLIENT": Then("220 mail.ehlo.test ESMTP", is_silent)}, "timeout", "ehlo")
    xclient("220-then-closes", {"XCLIENT": Then("220 mail.ehlo.test ESMTP", closes)}, "lost", "ehlo")
    xclient("220-twice", {"XCLIENT": ("220 mail.ehlo.test", "220 again")}, "protocol-error", "ehlo")
    # What was offered before it counts no longer.
    xclient("capabilities-vanish", {"XCLIENT": "220 mail.ehlo.test ESMTP", "EHLO": [None, "250 mail.ehlo.test"]},
            "accepted", "quit")
    xclient("chunking-vanishes", {"XCLIENT": "220 mail.ehlo.test ESMTP", "EHLO": [None, "250 mail.ehlo.test"]},
            "usage", "mail", options=(*attributes, "--transfer=bdat"))
    xclient("ehlo-refused", {"XCLIENT": "220 mail.ehlo.test ESMTP", "EHLO": [None, "554 5.7.1 not you"],
                             "HELO": "554 5.7.1 not you"}, "refused", "ehlo")
    xclient("not-offered", {}, "usage", "ehlo", has("XCLIENT"), capabilities=CAPABILITIES)
    xclient("attribute-not-offered", {}, "usage", "ehlo", options=("--xclient=HELO=there",))
    xclient("bare", {}, "usage", "ehlo", capabilities=(*CAPABILITIES, "XCLIENT"))


# ---- Extensions that are not there -------------------------------------------------------------------------------


def cases_extensions():
    def without(name):
        return tuple(c for c in CAPABILITIES if c.split()[0] != name)

    def missing(name, extension, *options, capabilities=None, plan=None, message="message.eml"):
        mail(f"missing/{name}", plan or {"MAIL": says("250 it should not have been sent")}, "usage", "mail",
             has(extension), options=options, message=message,
             capabilities=without(extension) if capabilities is None else capabilities)

    missing("requiretls", "REQUIRETLS", "--require-tls")
    missing("requiretls-in-cleartext", "REQUIRETLS", "--require-tls", capabilities=(*CAPABILITIES, "REQUIRETLS"))
    missing("smtputf8", "SMTPUTF8", "--to", "jürgen@ehlo.test")
    missing("smtputf8-domain", "SMTPUTF8", "--to", "bob@bücher.test")
    missing("dsn-notify", "DSN", "--dsn-notify=success,failure")
    missing("dsn-return", "DSN", "--dsn-return=hdrs")
    missing("dsn-envid", "DSN", "--mail-param=ENVID=x")
    missing("chunking", "CHUNKING", "--transfer=bdat")
    missing("binary", "BINARYMIME", "--binary")
    missing("holdfor", "FUTURERELEASE", "--mail-param=HOLDFOR=60")
    missing("by", "DELIVERBY", "--mail-param=BY=120;R")
    missing("mt-priority", "MT-PRIORITY", "--mail-param=MT-PRIORITY=3")
    # Of a keyword only the whole counts, in any case, wherever it stands.
    for name, odd in (("prefix", "DSNX"), ("longer", "XDSN"), ("in-value", "SIZE DSN"), ("first-line", "X")):
        hello = ("250-DSN", "250 " + odd) if name == "first-line" else ("250-mail", "250 " + odd)
        missing(f"dsn-as-{name}", "DSN", "--dsn-notify=never", plan={"EHLO": hello, "MAIL": says("250 no")})
    for name, odd in (("control", b"250-DSN\x01"), ("escape", b"250-\x1b[31mDSN"), ("nbsp", b"250-\xa0DSN")):
        missing(f"dsn-with-{name}", "DSN", "--dsn-notify=never",
                plan={"EHLO": ("250-mail", odd, "250 8BITMIME"), "MAIL": says("250 no")})
    for name, hello in (("lower-case", ("250-mail", "250 dsn")), ("twice", ("250-mail", "250-DSN", "250 DSN")),
                        ("blanks", ("250-mail", "250    DSN  ")), ("tab", ("250-mail", b"250-\tDSN\t", "250 X")),
                        ("many", ("250-mail", *("250-X-%d" % n for n in range(997)), "250-dSn", "250 Y"))):
        mail(f"offered/dsn-{name}", {"EHLO": hello}, "accepted", "quit", options=("--dsn-notify=never",))
    mail("offered/size-garbage", {"EHLO": ("250-mail", "250 SIZE x")}, "accepted", "quit")
    mail("offered/size-overflow", {"EHLO": ("250-mail", "250 SIZE 99999999999999999999999")}, "accepted", "quit")
    mail("offered/size-too-small", {"EHLO": ("250-mail", "250 SIZE 10")}, "refused", "mail")
    mail("offered/size-twice", {"EHLO": ("250-mail", "250-SIZE 99999", "250 size 10")}, "refused", "mail")


# ---- Limits of replies -------------------------------------------------------------------------------------------


def reply_of_length(code, length, line=2000):
    """A reply of exactly so many octets, in lines of at most `line`."""
    lines = []
    while length > 0:
        n = min(line, length)
        n = n - 100 if 0 < length - n < 10 else n
        length -= n
        lines.append(f"{code}{'-' if length else ' '}" + "x" * (n - 6))
    return tuple(lines)


def cases_limits():
    for name, verb, stage in (("greeting", GREETING, "greeting"), ("ehlo", "EHLO", "ehlo"), ("rcpt", "RCPT", "rcpt"),
                              ("final", FINAL, "body")):
        code = "220" if verb == GREETING else "250"
        for length, fits in ((4096, True), (4097, False)):
            line = f"{code} " + "x" * (length - 6)
            mail(f"limit/line-{length}/{name}", {verb: line}, *(("accepted", "quit") if fits else ("protocol-error", stage)))
        for length, fits in ((MOST_REPLY, True), (MOST_REPLY + 1, False)):
            mail(f"limit/reply-{length}/{name}", {verb: reply_of_length(code, length)},
                 *(("accepted", "quit") if fits else ("protocol-error", stage)), message="message.eml")
        for number, fits in ((1000, True), (1001, False)):
            lines = tuple(f"{code}-{n}" for n in range(number - 1)) + (f"{code} end",)
            mail(f"limit/lines-{number}/{name}", {verb: lines}, *(("accepted", "quit") if fits else ("protocol-error", stage)))
        mail(f"limit/drips/{name}", {verb: drips}, *(("unknown", "body") if verb == FINAL or verb == "RCPT" else ("timeout", stage)))


for cases in (cases_flights, cases_chunks, cases_quit, cases_messages, cases_portions, cases_lmtp, cases_xclient,
              cases_extensions, cases_limits):
    cases()
sys.exit(bench.run())
