#!/usr/bin/python3
"""ehlo against servers that are broken, hostile, or no mail servers at all: in every stage of a session that sends one
message to one recipient, or none. hostile.py says what every case has to hold.

    hostile_test.py EHLO [-- PATTERN]
"""

import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import MESSAGE, PASSWORD, Complaint, base64_inside
from hostile import (DRIP_INTERVAL, STAGES, TIMEOUT, at, bench, case, closes, closes_politely, drips, end, envelope,
                     first, has, is_silent, lets_go, login, odd_context, old_context, repeats, resets, say_capabilities,
                     says, says_raw, value, walk)

SEED = 20240229


# ---- Another protocol ------------------------------------------------------------------------------------------

SPEAKERS = {
    "http": (b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n", "web server"),
    "html": (b"<html><body>Bad request</body></html>\r\n", "web server"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH server"),
    "tls-alert": (b"\x15\x03\x01\x00\x02\x02\x46", "--tls implicit"),
    "tls-handshake": (b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00\r\n", "--tls implicit"),
    "imap": (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "IMAP server"),
    "pop3": (b"+OK POP3 ready\r\n", "POP3 server"),
}


def cases_other_protocols():
    for name, (octets, hint) in SPEAKERS.items():
        case(f"first/{name}", first(says_raw(octets, closes)), "protocol-error", "greeting", has(hint), probe=True)
        case(f"first-under-tls/{name}", first(says_raw(octets, closes), tls_first=True), "protocol-error", "greeting",
             options=("--tls=implicit",), probe=True)
    def before_tls(name, wrong, *expected):
        case(f"implicit-tls/{name}", first(wrong, in_handshake=True), *expected, options=("--tls=implicit",),
             probe=True)
    for name in ("http", "ssh", "imap"):
        before_tls(name, says_raw(SPEAKERS[name][0], closes), "tls-failed", "tls")
    before_tls("cleartext-smtp", says("220 mail.ehlo.test ESMTP"), "tls-failed", "tls", has("TLS"))
    before_tls("alert", says_raw(SPEAKERS["tls-alert"][0]), "tls-failed", "tls")
    before_tls("garbage", says_raw(random.Random(SEED).randbytes(500)), "tls-failed", "tls")
    before_tls("endless", repeats(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 400), "tls-failed", "tls")
    before_tls("drips", drips_handshake, "timeout", "tls")
    before_tls("silent", is_silent, "timeout", "tls")
    before_tls("closes", closes, "lost", "tls")
    before_tls("resets", resets, "lost", "tls")


# ---- No replies ------------------------------------------------------------------------------------------------


def cases_no_replies():
    rng = random.Random(SEED)
    for number in range(3):
        noise = b"\xa5" + rng.randbytes(700)
        case(f"garbage/{number}", first(says_raw(noise)), "protocol-error", "greeting", probe=True)
    case("garbage/nul", first(says_raw(b"\0" * 5000)), "protocol-error", "greeting", probe=True)
    case("garbage/nul-in-line", first(says_raw(b"220 mail\0.example\r\n")), "protocol-error", "greeting", probe=True)
    for name, line in {"empty": "", "short": "22", "letters": "OK ready", "plus": "+220 x", "blank": " 220 x",
                       "four-digits": "2200 x", "no-separator": "220x", "class-1": "120 x", "class-9": "920 x"}.items():
        case(f"no-reply/{name}", first(says(line)), "protocol-error", "greeting", probe=True)
    case("bare-lf/greeting", first(says_raw(b"220 mail.ehlo.test\n")), "protocol-error", "greeting", probe=True)
    case("bare-lf/ehlo", at("ehlo", says_raw(b"250-mail.ehlo.test\n250 STARTTLS\n")), "protocol-error", "ehlo",
         probe=True)
    case("bare-cr/greeting", first(says_raw(b"220 mail\r.ehlo.test\r\n")), "protocol-error", "greeting", probe=True)
    case("code-change/greeting", first(says("220-one", "250 two")), "protocol-error", "greeting", probe=True)
    case("code-change/ehlo", at("ehlo", says("250-mail", "550 STARTTLS")), "protocol-error", "ehlo", has("code"),
         probe=True)
    case("code-change/body", at("body", says("250-fine", "550 not so")), "protocol-error", "body",
         has("look before sending it again"))
    endless = {"line": b"220 " + b"x" * 4096, "letters": b"x" * 4096, "nul": b"\0" * 4096, "lf": b"\n" * 4096}
    for name, octets in endless.items():
        case(f"endless/{name}", first(repeats(octets)), "protocol-error", "greeting", probe=True)
    case("endless/line-no-lf", first(lambda peer: (peer.say_raw(b"220 "), repeats(b"x" * 4096)(peer))),
         "protocol-error", "greeting", has("too long"), probe=True)
    case("endless/greeting", first(repeats(b"220-more\r\n" * 100)), "protocol-error", "greeting", has("too many"),
         probe=True)
    case("endless/ehlo", at("ehlo", repeats(b"250-X-MORE\r\n" * 100)), "protocol-error", "ehlo", probe=True)
    case("endless/long-lines", at("ehlo-again", repeats(b"250-" + b"X" * 2000 + b"\r\n")), "protocol-error", "ehlo",
         has("too long"), probe=True)
    case("endless/replies", at("mail", repeats(b"250 fine\r\n" * 100)), "protocol-error", "rcpt")
    case("endless/body", at("body", repeats(b"250-fine\r\n" * 100)), "protocol-error", "body",
         has("look before sending it again"))
    case("endless/after-quit", at("quit", repeats(b"221-bye\r\n" * 100)), "accepted", "quit")
    case("endless/challenges", at("auth", lambda peer: answers_forever(peer, "334 VXNlcm5hbWU6")),
         "auth-refused", "auth")


def answers_forever(peer, line):
    peer.say(line)
    while peer.hear() not in (None, b"QUIT"):
        peer.say(line)
    peer.say("221 bye")


# ---- Every stage -----------------------------------------------------------------------------------------------

ALL_STAGES = "greeting ehlo starttls tls ehlo-again auth password mail rcpt data message body quit".split()
PROBED = ("greeting", "ehlo", "starttls", "tls", "ehlo-again")


def end_at(stage, outcome):
    """After the final dot nothing is sure any more, and after the final reply everything is. A small message is on
    its way, with its dot, before anything of a server that leaves can be seen."""
    if stage == "quit":
        return "accepted", "quit"
    return "unknown" if stage in ("message", "body") else outcome, STAGES.get(stage, stage)


def cases_at_every_stage():
    for stage in ALL_STAGES:
        probe = stage in PROBED
        lost = end_at(stage, "lost")
        case(f"closes/{stage}", at(stage, closes), *lost, probe=probe)
        case(f"resets/{stage}", at(stage, resets), *lost, probe=probe)
        if stage != "message":
            silent = end_at(stage, "timeout")
            case(f"silent/{stage}", at(stage, is_silent), *silent, probe=probe)
        if stage not in ("tls", "message"):
            # Not at the handshake: there the octet races with our ClientHello, and two outcomes are right.
            case(f"half-a-reply/{stage}", at(stage, says_raw(b"2", closes)), *lost, probe=probe)
            case(f"drips/{stage}", at(stage, drips), *silent, probe=probe)
            busy = ("accepted", "quit") if stage == "quit" else ("deferred", STAGES.get(stage, stage))
            case(f"421/{stage}", at(stage, says("421 4.3.2 closing down", then=closes)), *busy, probe=probe)
            wrong = ("accepted", "quit") if stage == "quit" else ("protocol-error", STAGES.get(stage, stage))
            case(f"garbage-at/{stage}", at(stage, says("what?")), *wrong, probe=probe)
        if stage in ("mail", "rcpt", "data", "body"):
            case(f"silent-pipelined/{stage}", at(stage, is_silent, pipelining=True), *silent)
            case(f"closes-pipelined/{stage}", at(stage, closes, pipelining=True), *lost)
            case(f"closes-politely/{stage}", at(stage, closes_politely), *lost)
            case(f"452/{stage}", at(stage, says("452 4.3.1 disk full")), "deferred", STAGES.get(stage, stage))
            case(f"552/{stage}", at(stage, says("552 5.3.4 too big")), "refused", STAGES.get(stage, stage))
    case("closes/big-message", at("message", closes), "lost", "body", message="big.eml", receive_buffer=4096)
    case("resets/big-message", at("message", resets), "lost", "body", message="big.eml", receive_buffer=4096)
    case("tls-breaks/big-message", at("message", breaks_tls), "lost", "body", message="big.eml")
    case("421/message", at("message", says("421 4.3.2 closing down", then=closes)), "deferred", "body")
    case("421/alone", at("auth", says("421 4.3.2 closing down", then=resets)), "deferred", "auth")


# ---- STARTTLS and TLS ------------------------------------------------------------------------------------------


def drips_handshake(peer):
    """A TLS record that is always about to end. The client speaks first: before that, it would be an injection."""
    peer.all_seen()
    peer.read()
    for octet in b"\x16\x03\x03\x20\x00\x02" + b"\0" * 60:
        peer.say_raw(bytes([octet]))
        time.sleep(DRIP_INTERVAL)


def injects_later(peer):
    peer.all_seen()
    peer.read()  # the handshake has begun
    peer.say("250 2.0.0 injected")
    peer.drain()


def forgets_auth(peer):
    """AUTH before TLS and none under it: what was said in cleartext counts for nothing."""
    peer.say("220 mail.ehlo.test ESMTP")
    peer.expect("EHLO")
    say_capabilities(peer, "AUTH LOGIN PLAIN", "STARTTLS")
    peer.expect("STARTTLS")
    peer.say("220 2.0.0 go ahead")
    peer.start_tls()
    peer.expect("EHLO")
    say_capabilities(peer, "8BITMIME")
    peer.all_seen()
    peer.expect("QUIT")


def breaks_tls(peer):
    peer.all_seen()
    os.write(peer.sock.fileno(), b"\x17\x03\x03\x00\x20" + b"\xee" * 32)
    peer.drain()


def cases_tls():
    for name, lines in {"none": ("250-mail", "250 8BITMIME"), "longer": ("250-mail", "250 STARTTLSX"),
                        "other": ("250-mail", "250 X-STARTTLS")}.items():
        case(f"starttls/{name}", at("ehlo", says(*lines)), "tls-failed", "starttls", has("STARTTLS"), probe=True)
    case("starttls/helo-only", at("ehlo", says("502 5.5.1 what is EHLO?")), "tls-failed", "starttls", probe=True)
    case("starttls/454", at("starttls", says("454 4.7.0 not now")), "tls-failed", "starttls",
         value("reply.code", 454), probe=True)
    case("starttls/554", at("starttls", says("554 5.7.0 no")), "tls-failed", "starttls", probe=True)
    case("starttls/injection", at("starttls", says_raw(b"220 go ahead\r\n250 2.0.0 injected\r\n")), "protocol-error",
         "starttls", has("handshake"), probe=True)
    case("starttls/injected-byte", at("starttls", says_raw(b"220 go ahead\r\n\n")), "protocol-error", "starttls",
         probe=True)
    case("starttls/injection-later", at("tls", injects_later), "tls-failed", "tls", probe=True)
    case("starttls/drips", at("tls", drips_handshake), "timeout", "tls", probe=True)
    case("starttls/old-tls", at("ehlo-again", is_silent), "tls-failed", "tls", probe=True, context=old_context)
    case("starttls/odd-certificate", at("ehlo-again", is_silent), "tls-failed", "tls", probe=True, context=odd_context)
    case("starttls/forgotten-auth", forgets_auth, "auth-refused", "auth", has("AUTH"), probe=("stopped", "tls"))
    for stage in ("ehlo-again", "password", "rcpt"):
        case(f"tls-breaks/{stage}", at(stage, breaks_tls), "lost", STAGES.get(stage, stage), has("TLS"),
             probe=stage == "ehlo-again")
    case("tls-breaks/body", at("body", breaks_tls), "unknown", "body", has("look before sending it again"))


# ---- AUTH ------------------------------------------------------------------------------------------------------

ENCODED = list(base64_inside(PASSWORD.encode()))


def cases_auth():
    echoes = {"raw": PASSWORD, "quoted": f'"{PASSWORD}"', "upper-case": PASSWORD.upper(), "base64-0": ENCODED[0],
              "base64-1": ENCODED[1], "base64-2": ENCODED[2],
              "cut-by-controls": "\x01".join(PASSWORD),
              "base64-cut-by-controls": b"\x08".join(ENCODED[0][i:i + 1] for i in range(len(ENCODED[0]))),
              "between-escapes": "\x1b[31m" + PASSWORD + "\x1b[0m"}
    for name, echo in echoes.items():
        echo = echo if isinstance(echo, bytes) else echo.encode()
        case(f"echo/{name}", at("password", says(b"535 5.7.8 wrong password: " + echo + b" (try again)")),
             "auth-refused", "auth", value("reply.code", 535), value("reply.enhanced", "5.7.8"))
        case(f"echo-no-reply/{name}", at("password", says(b"you said " + echo)), "protocol-error", "auth")
    secret = PASSWORD.encode()
    case("echo/multi-line", at("password", says("535-5.7.8 wrong", b"535-" + secret, "535 5.7.8 bye")), "auth-refused",
         "auth")
    case("echo/challenge", at("password", says(b"334 " + ENCODED[0])), "auth-refused", "auth")
    case("echo/235", at("password", lambda peer: (
        peer.say(b"235 2.7.0 welcome " + secret), envelope(peer, None), peer.hear_message(),
        peer.say(b"250 2.0.0 queued by " + ENCODED[1]), end(peer))), "accepted", "quit")
    case("echo/rcpt", at("rcpt", says(b"550 5.7.1 denied to " + secret)), "refused", "rcpt")
    case("echo/half-a-line", at("password", says_raw(b"535 5.7.8 " + secret, closes)), "lost", "auth")
    case("echo/cut", at("password", lambda peer: (
        peer.say_raw(b"535 5.7.8 " + secret[:9]), time.sleep(0.05), says_raw(secret[9:] + b"\r\n")(peer))),
         "auth-refused", "auth")
    case("auth/gb18030", at("password", says(b"535 " + "用户名或密码错误".encode("gb18030"))), "auth-refused", "auth",
         value("reply.code", 535))
    case("auth/454", at("password", says("454 4.7.0 temporary failure")), "deferred", "auth")
    case("auth/no-base64", at("auth", lambda peer: (peer.say("334 !!!"), peer.hear(), says("334 ???")(peer))),
         "timeout", "auth")  # LOGIN does not read what it is asked
    case("auth/third-question", at("password", says("334 VXNlcm5hbWU6")), "auth-refused", "auth")
    case("auth/early-235", at("auth", lambda peer: (
        peer.say("235 2.7.0 that was quick"), envelope(peer, None), peer.hear_message(), peer.say("250 2.0.0 queued"),
        end(peer))), "accepted", "quit")
    case("auth/none-of-ours", at("ehlo-again", says("250-mail", "250 AUTH GSSAPI NTLM")), "auth-refused", "auth",
         probe=("stopped", "tls"))


# ---- What it says ----------------------------------------------------------------------------------------------

ATTACKS = {
    "escape": b"\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "c1": b"\x9b31m\x9d0;owned\x9c",
    "c1-utf8": "\x9b31m\x9d0;owned\x9c".encode(),
    "bidi": "\u202eevil\u202c \u2066x\u2069 \u200b\ufeff".encode(),
    "tags": "\U000e0041\U000e007f \ufff9 \u2028\u2029".encode(),
    "invalid-utf8": b"\xc0\xaf \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x82",
    "controls": bytes(c for c in range(1, 32) if c not in b"\r\n") + b"\x7f",
    "private": "\ue000 \U000f0000 \uffff".encode(),
}


def cases_text():
    for name, text in ATTACKS.items():
        case(f"text/{name}/greeting", first(says(b"554 " + text + b" go away")), "refused", "greeting", probe=True)
        case(f"text/{name}/no-reply", first(says(b"hi " + text)), "protocol-error", "greeting", probe=True)
        case(f"text/{name}/ehlo", at("ehlo-again", says(b"250-mail " + text, b"250-X-" + text, b"250 AUTH " + text)),
             "auth-refused", "auth", probe=("stopped", "tls"))
        case(f"text/{name}/auth", at("password", says(b"535 5.7.8 " + text)), "auth-refused", "auth")
        case(f"text/{name}/rcpt", at("rcpt", says(b"550-5.1.1 " + text, b"550 5.1.1 " + text)), "refused", "rcpt")
        case(f"text/{name}/body", at("body", lambda peer, text=text: (peer.say(b"250 2.0.0 " + text), end(peer))),
             "accepted", "quit")
        challenge = next(base64_inside(text + b" "))
        case(f"text/{name}/challenge", at("auth", says(b"334 " + challenge + b"=" * (-len(challenge) % 4), then=is_silent)),
             "timeout", "auth")


# ---- The order of replies --------------------------------------------------------------------------------------


def many_capabilities(number):
    return ["250-mail.ehlo.test"] + [f"250-X-{n}" for n in range(number - 2)] + ["250 AUTH LOGIN"]


def sends_after(*capabilities):
    """A good session with these capabilities under TLS."""
    def script(peer):
        walk(peer, "ehlo-again")
        peer.say(*capabilities)
        login(peer, None)
        envelope(peer, None)
        peer.hear_message()
        peer.say("250 2.0.0 queued")
        end(peer)
    return script


def recipients(*codes):
    """MAIL, and a reply to each RCPT; then DATA if any was taken."""
    def script(peer):
        walk(peer, "mail")
        peer.say("250 2.1.0 fine")
        for code in codes:
            peer.expect("RCPT")
            peer.say(f"{code} {code // 100}.1.1 recipient")
        peer.all_seen()
        if min(codes) < 300:
            peer.expect("DATA")
            peer.say("354 go ahead")
            peer.hear_message()
            peer.say("250 2.0.0 queued")
            end(peer)
        else:
            peer.expect("QUIT")
    return script


def data_without_recipient(peer):
    """RFC 2920, 3.1: the client, who has sent DATA already, gets a 354 and must not send the message."""
    walk(peer, "mail", pipelining=True)
    peer.say("250 2.1.0 fine")
    peer.expect("RCPT")
    peer.say("550 5.1.1 no")
    peer.expect("DATA")
    peer.say("354 go ahead all the same")
    if (message := peer.hear_message()) != b"":
        raise Complaint(f"the client sent {message!r} to nobody")
    says("554 5.5.1 no valid recipients")(peer)


def refuses_early(peer):
    """The reply to the message while it is still being sent."""
    walk(peer, "message")
    peer.sock.recv(10000)
    peer.say("552 5.3.4 too much")
    peer.close()


def cases_order():
    case("order/huge-ehlo", sends_after(*many_capabilities(1000)), "accepted", "quit")
    case("order/too-huge-ehlo", at("ehlo-again", says(*many_capabilities(1001))), "protocol-error", "ehlo",
         has("too many"), probe=True)
    case("order/code-alone", sends_after("250-", "250-AUTH LOGIN", "250"), "accepted", "quit")
    case("order/early-ehlo", first(says("220 mail", "250 already")), "protocol-error", "ehlo", probe=True)
    case("order/two-replies", at("mail", says("250 fine", "250 fine too")), "protocol-error", "rcpt")
    case("order/greeting-twice", at("ehlo", says("220 mail.ehlo.test again", "250 STARTTLS")), "tls-failed", "starttls",
         probe=True)  # a reply to EHLO that offers nothing
    case("order/354-to-mail", at("mail", says("354 go ahead")), "protocol-error", "mail")
    case("order/334-to-mail", at("mail", says("334 ")), "protocol-error", "mail")
    case("order/250-to-data", at("data", says("250 fine")), "protocol-error", "data")
    case("order/354-twice", at("body", says("354 more?")), "protocol-error", "body")
    case("order/greeting-250", first(says("250 hello")), "protocol-error", "greeting", probe=True)
    case("order/greeting-554", first(says("554 5.3.2 no service")), "refused", "greeting", probe=True)
    case("order/unasked", at("quit", says("250 and another", "221 bye")), "accepted", "quit")
    two = ("--to", "bob@ehlo.test", "--to", "carol@ehlo.test", "--to", "dan@ehlo.test")
    case("recipients/some", recipients(250, 550, 451), "partial", "quit", value("recipients.0.accepted", True),
         value("recipients.1.accepted", False), value("recipients.1.reply.code", 550),
         value("recipients.2.reply.code", 451), has("2 of 3"), options=two)
    case("recipients/none", recipients(550, 551, 553), "refused", "rcpt", options=two)
    case("recipients/deferred", recipients(550, 450, 553), "deferred", "rcpt", options=two)
    case("recipients/354", data_without_recipient, "refused", "rcpt", value("reply.code", 550))
    case("body/reset-after-250", at("body", says("250 2.0.0 queued", then=resets)), "accepted", "quit")
    case("body/no-close-notify", at("body", says("250 2.0.0 queued", then=closes)), "accepted", "quit")
    case("body/pipelined-close", at("body", says("250 2.0.0 queued", then=closes), pipelining=True), "accepted", "quit")
    case("body/half-a-reply", at("body", says_raw(b"250-2.0.0 queued\r\n", closes)), "unknown", "body",
         has("look before sending it again"))
    case("body/stops-reading", at("message", lambda peer: time.sleep(TIMEOUT + 2)), "timeout", "body",
         message="big.eml", receive_buffer=4096)
    case("body/refuses-early", refuses_early, "protocol-error", "body", message="big.eml")
    case("quit/500", at("quit", says("500 what?")), "accepted", "quit")
    case("quit/silent", at("quit", is_silent), "accepted", "quit")


cases_other_protocols()
cases_no_replies()
cases_at_every_stage()
cases_tls()
cases_auth()
cases_text()
cases_order()
sys.exit(bench.run())
