#!/usr/bin/python3
"""ehlo probe: greeting and its delay, what TLS changes, versions of TLS, mechanisms, other protocols, SRV and MX records, all
ports of a host, and a baseline with its changes.

usage: probe_test.py EHLO [-- PATTERN]
"""

import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, Server, make_certificates, tls_context, unsafe_characters
from names import Names

bench = Bench("probe_test.py")
home = bench.directory / "home"
home.mkdir()
make_certificates(home)
context = tls_context(home)
CA = ("--ca-file", home / "ca.pem")


def case(name):
    return lambda run: bench.add(name, lambda ehlo: run(ehlo) or ())


def want(result, status, *patterns):
    told = (result.out + result.err).decode()
    if result.status != status:
        yield f"exit status {result.status}, and not {status}: {told}"
    for pattern in patterns:
        if not re.search(pattern, told, re.M):
            yield f"{pattern!r} is not in it: {told}"


class Submission:
    """Says EHLO twice, the second time with `under`."""

    def __init__(self, under=("250-mail.ehlo.test", "250-AUTH PLAIN LOGIN X-ODD", "250 SIZE 2000"), delay=0.0):
        self.under, self.delay = under, delay

    def __call__(self, peer):
        time.sleep(self.delay)
        peer.say("220 mail.ehlo.test ESMTP")
        tls = False
        while (line := peer.hear()) is not None:
            verb = line.upper()
            if verb.startswith(b"EHLO"):
                peer.say(*self.under) if tls else peer.say("250-mail.ehlo.test", "250-STARTTLS", "250 SIZE 1000")
            elif verb == b"STARTTLS":
                peer.say("220 go ahead")
                peer.start_tls()
                tls = True
            else:
                peer.say("221 bye")
                if verb == b"QUIT":
                    break
        peer.close_politely()


@case("words")
def _(ehlo):
    with Server(Submission(), context) as server:
        result = ehlo("probe", f"localhost:{server.port}", *CA)
    yield from want(result, 0, r"after \d+\.\d{3} s", r"^  - STARTTLS$", r"^  \+ AUTH PLAIN LOGIN X-ODD$", r"^  - SIZE 1000$", r"^  \+ SIZE 2000$",
                    r"PLAIN +wants a password", r"X-ODD +wants ehlo does not know it", r"TLSv1\.2 yes, TLSv1\.3 yes", r"^  trusted$")


@case("json")
def _(ehlo):
    with Server(Submission(delay=0.3), context) as server:
        facts = ehlo("probe", f"localhost:{server.port}", *CA, "--json").json()
    if facts["greeting_seconds"] < 0.3 or not facts["tls_versions"]["TLSv1.3"] or facts["tls_versions"]["TLSv1"] is not False:
        yield str(facts)
    if not isinstance(facts["days_left"], int):
        yield f"days left: {facts['days_left']}"


@case("quick")
def _(ehlo):
    with Server(Submission(), context) as server:
        facts = ehlo("probe", f"localhost:{server.port}", *CA, "--json", "--quick").json()
    if set(facts["tls_versions"].values()) != {None}:
        yield str(facts)


@case("warn-days")
def _(ehlo):
    with Server(Submission(), context) as server:
        yield from want(ehlo("probe", f"localhost:{server.port}", *CA, "--quick", "--warn-days", "3650"), 0, r"warning: a certificate .* expires in \d+ days")
        if b"warning" in ehlo("probe", f"localhost:{server.port}", *CA, "--quick", "--warn-days", "0").out:
            yield "it warns of what lasts"
    yield from want(ehlo("probe", "x", "--warn-days", "x"), 64, "number of days")


@case("other-protocols")
def _(ehlo):
    for octets, words in ((b"HTTP/1.1 400 Bad Request\r\n", "web server"), (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"), (b"+OK ready\r\n", "POP3"),
                          (b"* OK ready\r\n", "IMAP"), (b"220 ************************\r\n", "firewall"), (b"\x15\x03\x03\x00\x02\x02\x0a", "--tls implicit")):
        def script(peer, octets=octets):
            peer.say_raw(octets)
            if octets.startswith(b"220"):
                peer.hear()
                peer.say("500 what?")
            peer.close()
        with Server(script, None) as server:
            result = ehlo("probe", f"127.0.0.1:{server.port}", "--tls", "none", "--timeout", "2")
        if words.encode() not in result.out + result.err or unsafe_characters(result.out + result.err):
            yield f"{octets!r}: {result.describe()}"


@case("baseline")
def _(ehlo):
    with Server(Submission(), context) as server:
        here = ("probe", f"localhost:{server.port}", *CA, "--baseline", "facts.json", "--warn-days", "0")
        yield from want(ehlo(*here), 0, "baseline written to facts.json")
        yield from want(ehlo(*here), 0, "nothing changed")
        if (again := ehlo(*here, "-q")).out or again.status:
            yield again.describe()
        facts = json.loads((ehlo.directory / "facts.json").read_text())
        facts["mechanisms"].remove("PLAIN")
        facts["under_tls"].append("CHUNKING")
        facts["tls"]["chain"][0]["sha256"] = "0" * 64
        (ehlo.directory / "facts.json").write_text(json.dumps(facts))
        yield from want(ehlo(*here), 1, '^mechanisms: new: "PLAIN"$', '^under_tls: gone: "CHUNKING"$', "^tls.chain: gone: ")
        yield from want(ehlo(*here, "--update-baseline"), 0, "written")
        yield from want(ehlo(*here), 0, "nothing changed")
        (ehlo.directory / "facts.json").write_text('{"a": 1,\n oops')
        yield from want(ehlo(*here), 65, r"facts.json:2:\d+: this is no baseline")
        (ehlo.directory / "facts.json").write_text('{"a": \x1b[31m')
        yield from want(refused := ehlo(*here), 65, r"this is no baseline: .*\\x1b")
        if unsafe_characters(refused.err):
            yield refused.describe()
    order = ("250-mail.ehlo.test", "250-SIZE 2000", "250 AUTH X-ODD LOGIN PLAIN")
    (ehlo.directory / "facts.json").unlink()
    with Server(Submission(), context) as server:
        ehlo("probe", f"localhost:{server.port}", *CA, "--baseline", "facts.json")
    with Server(Submission(order), context) as server:
        yield from want(ehlo("probe", f"localhost:{server.port}", *CA, "--baseline", "facts.json"), 0, "nothing changed")


@case("all")
def _(ehlo):
    result = ehlo("probe", "--all", "localhost", "--json", "--timeout", "2")
    places = result.json()["places"]
    if [(p["port"], p["family"]) for p in places] != [(port, family) for port in ("25", "465", "587", "2525") for family in ("IPv4", "IPv6")]:
        yield str(places)
    yield from want(ehlo("probe", "--all", "localhost", "--timeout", "2"), result.status, r"^465 +IPv4 implicit")
    yield from want(ehlo("probe", "--all", "--srv", "localhost"), 64, "goes with neither")


@case("srv")
def _(ehlo):
    with Server(Submission(), context) as server:
        names = Names({"_submission._tcp": [(10, 5, 1, "other.ehlo.test"), (0, 1, 1, "light.ehlo.test"), (0, 5, server.port, "localhost")]})
        result = ehlo("probe", "--srv", "ehlo.test", "--dns", f"127.0.0.1:{names.port}", *CA, "--quick")
    order = re.findall(rb"by SRV: (\S+) port", result.out)
    if order != [b"localhost", b"light.ehlo.test", b"other.ehlo.test"]:
        yield f"the order is {order}: {result.describe()}"
    yield from want(result, 0, "localhost port .* outside the domain", "^  trusted$")
    for records, words in (({"_submission._tcp": [(0, 0, 0, ".")]}, "offers no submission"), ({}, "no SRV records")):
        names = Names(records)
        yield from want(ehlo("probe", "--srv", "ehlo.test", "--dns", f"127.0.0.1:{names.port}"), 68, words)
    yield from want(ehlo("probe", "--srv", "ehlo.test", "--dns", "no address"), 64, "--dns wants")


def mx(ehlo, records, port, *more):
    names = Names(records)
    return ehlo("probe", "--mx", f"ehlo.test:{port}", "--dns", f"127.0.0.1:{names.port}", *CA, "--timeout", "5", *more)


@case("mx")
def _(ehlo):
    records = {"MX": [(20, "localhost"), (5, "nowhere.invalid"), (20, "a\x1b[31m.invalid")]}
    with Server(Submission(), context) as server:
        result = mx(ehlo, records, server.port)
        yield from want(result, 0, r"^  IPv4 STARTTLS +TLSv1.3, trusted; AUTH PLAIN LOGIN X-ODD$", "^1 of . addresses have verified TLS$",
                        "the host has no such address")
        order = re.findall(rb"^(\d+) (\S+)$", result.out, re.M)
        if [name for _, name in order][0::2] != [b"nowhere.invalid", b"localhost"] or [int(n) for n, _ in order] != [5, 20, 20]:
            yield f"the order is {order}: {result.describe()}"
        if unsafe_characters(result.out + result.err):
            yield result.describe()
        facts = mx(ehlo, records, server.port, "--json").json()
        seen = [(p["preference"], p["host"], p["family"], p["good"]) for p in facts["places"] if p["host"] == "localhost"]
        if seen != [(20, "localhost", "IPv4", True), (20, "localhost", "IPv6", False)] or facts["implicit"] or facts["domain"] != "ehlo.test":
            yield str(facts)
        result = mx(ehlo, {"MX": [(0, "."), (1, "localhost")]}, server.port)
        yield from want(result, 0, "a null MX stands beside others", "^1 localhost$")
        yield from want(mx(ehlo, {"MX": [(i, "localhost") for i in range(17)]}, server.port), 0, "^15 localhost$", "^and 1 more, which")


@case("mx/none")
def _(ehlo):
    port = 9
    yield from want(mx(ehlo, {"MX": [(0, ".")]}, port), 68, r"ehlo.test: it takes no mail, says its MX record \(null MX, RFC 7505\)")
    yield from want(mx(ehlo, {"MX": []}, port), 69, "^ehlo.test has no MX record, so its own address", "^0 ehlo.test$", "^0 of 0 addresses")
    yield from want(mx(ehlo, {}, port), 68, "there is no such domain")
    if (error := mx(ehlo, {"MX": [(0, ".")]}, port, "--json").json()["error"]) != "ehlo.test: it takes no mail, says its MX record (null MX, RFC 7505)":
        yield error
    yield from want(ehlo("probe", "--mx", "--all", "ehlo.test"), 64, "--mx goes with none of")


sys.exit(bench.run())
