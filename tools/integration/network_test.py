#!/usr/bin/python3
"""The way to a server and the credentials for it: address families, names of one's own, proxies (danted, tinyproxy, and
such as break the rules), the PROXY protocol through haproxy, pins, client certificates, tokens, and a key log.

usage: network_test.py EHLO [-- PATTERN]
"""

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from harness import Bench, Complaint, make_certificates, MESSAGE, Server, tls_context, unsafe_characters

bench = Bench("network_test.py")
home = bench.directory / "home"
home.mkdir()
make_certificates(home)
context = tls_context(home)
CA = ("--ca-file", home / "ca.pem")
QUICK = ("--quick", "--timeout", "5")


def case(name):
    return lambda run: bench.add(name, lambda ehlo: run(ehlo) or ())


def want(result, status, *patterns):
    told = (result.out + result.err).decode()
    if result.status != status:
        yield f"exit status {result.status}, and not {status}: {told}"
    for pattern in patterns:
        if not re.search(pattern, told, re.M):
            yield f"{pattern!r} is not in it: {told}"
    if unsafe_characters(result.out + result.err):
        yield "unsafe characters are shown"


def submission(peer, auth="PLAIN", answer=None):
    """Takes STARTTLS and QUIT; `answer` gets what stands behind AUTH."""
    peer.say("220 mail.ehlo.test ESMTP")
    while (line := peer.hear()) is not None:
        verb = line.upper()
        if verb.startswith(b"EHLO"):
            peer.say("250-mail.ehlo.test", "250-STARTTLS", f"250 AUTH {auth}")
        elif verb == b"STARTTLS":
            peer.say("220 go ahead")
            peer.start_tls()
        elif verb.startswith(b"AUTH"):
            if answer is not None:
                answer.append(line)
            peer.say("535 5.7.8 no")
        else:
            peer.say("221 bye")
            if verb == b"QUIT":
                break
    peer.close_politely()


@case("family-source-and-resolve")
def _(ehlo):
    with Server(submission, context) as server:
        port = server.port
        yield from want(ehlo("probe", f"localhost:{port}", "-4", *CA, *QUICK), 0, "connected to 127.0.0.1")
        yield from want(ehlo("probe", f"127.0.0.1:{port}", "-6", *CA, *QUICK), 68, "IPv6 address")
        yield from want(ehlo("probe", f"localhost:{port}", "--resolve", f"LOCALHOST:{port}:127.0.0.1", *CA, *QUICK), 0, "connected to 127.0.0.1")
        yield from want(ehlo("probe", f"nowhere.invalid:{port}", "--resolve", f"nowhere.invalid:{port}:127.0.0.1", *CA, *QUICK), 78, "nowhere.invalid")
        yield from want(ehlo("probe", f"localhost:{port}", "--source-address", "127.0.0.9", *CA, *QUICK), 0)
        yield from want(ehlo("probe", f"127.0.0.1:{port}", "--source-address", "192.0.2.1", *CA, *QUICK), 74, "annot assign")
    for arguments in (("--resolve", "x"), ("--resolve", "h:25:name"), ("--source-address", "name"), ("--proxy", "ftp://x"), ("--proxy", "http://u:p@x"),
                      ("--proxy-protocol", "v3"), ("--pin", "x"), ("--pin", "cert:sha256:00"), ("--password-fd", "x")):
        yield from want(ehlo("probe", "localhost", *arguments), 64, re.escape(arguments[0]))


@case("source-address-is-seen")
def _(ehlo):
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        connection, peer = listener.accept()
        seen.append(peer[0])
        connection.sendall(b"421 bye\r\n")
        connection.close()
    thread = threading.Thread(target=serve)
    thread.start()
    ehlo("probe", f"127.0.0.1:{listener.getsockname()[1]}", "--source-address", "127.0.0.9", "--tls", "none", *QUICK)
    thread.join()
    thread = threading.Thread(target=serve)
    thread.start()
    relayed(ehlo, f"127.0.0.1:{listener.getsockname()[1]}", "--source-address", "127.0.0.9", "--tls", "none")
    thread.join()
    if seen != ["127.0.0.9", "127.0.0.9"]:
        yield f"the server saw {seen}"


@case("family-and-resolve-of-a-relay")
def _(ehlo):
    with Server(submission, context) as server:
        port = server.port
        good = (0, "", b"220 ", b"\r\n221 ")
        yield from want_relayed(relayed(ehlo, f"localhost:{port}", "-4", *CA), *good)
        yield from want_relayed(relayed(ehlo, f"nowhere.invalid:{port}", "--resolve", f"nowhere.invalid:{port}:127.0.0.1", "--tls-name", "localhost", *CA), *good)
        yield from want_relayed(relayed(ehlo, f"127.0.0.1:{port}", "-6", *CA), 68, "IPv6 address")
        yield from want_relayed(relayed(ehlo, f"127.0.0.1:{port}", "--source-address", "192.0.2.1", *CA), 74, "annot assign", b"421 ")


def fingerprints(path):
    der = subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
    key = subprocess.run(f"openssl x509 -in {path} -pubkey -noout | openssl pkey -pubin -outform DER", shell=True, stdout=subprocess.PIPE, check=True).stdout
    return tuple(subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=octets, stdout=subprocess.PIPE, check=True).stdout for octets in (der, key))


@case("pins")
def _(ehlo):
    cert, key = fingerprints(home / "server.crt")
    wrong = "cert:sha256:" + "00" * 32
    good = (f"cert:sha256:{cert.hex()}", f"spki:sha256:{key.hex()}", "sha256//" + base64.b64encode(key).decode(), "cert:sha256:" + cert.hex(":").upper())
    with Server(submission, context) as server:
        here = ("probe", f"localhost:{server.port}", *QUICK)
        for pin in good:
            yield from want(ehlo(*here, *CA, "--pin", pin), 0, "trusted")
            result = ehlo(*here, "--insecure", "--pin", pin)
            yield from want(result, 0)
            if b"WARNING" in result.err:
                yield "a pin that fits is warned of"
            yield from want(ehlo(*here, "--pin", pin), 78)
        yield from want(ehlo(*here, *CA, "--pin", wrong, "--pin", good[0]), 0)
        yield from want(ehlo(*here, *CA), 0, *(f" {pin}$" for pin in good[:2]))
        chain = ehlo(*here, *CA, "--json").json()["tls"]["chain"]
        if chain[0]["pins"] != list(good[:2]) or any(len(set(c["pins"])) != 2 for c in chain):
            yield f"the pins of the chain: {chain}"
        for more in (CA, ("--insecure",)):
            yield from want(ehlo(*here, *more, "--pin", wrong), 78, f"not the pinned one.*{cert.hex()}.*{key.hex()}")


@case("client-certificate")
def _(ehlo):
    strict = tls_context(home)
    strict.verify_mode = ssl.CERT_REQUIRED
    strict.load_verify_locations(home / "ca.pem")
    (home / "server.key").chmod(0o600)
    shown = ("--client-cert", home / "server.crt", "--client-key", home / "server.key")
    seen = []
    with Server(lambda peer: submission(peer, "EXTERNAL", seen), strict) as server:
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        send = ("send", f"localhost:{server.port}", *CA, "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--timeout", "5")
        yield from want(ehlo(*send, *shown, "--user", "alice", "--auth", "EXTERNAL"), 77)
        if not seen or not seen[0].startswith(b"AUTH EXTERNAL"):
            yield f"the server saw {seen}"
        result = ehlo(*send)
        if result.status == 0:
            yield "it goes on without a certificate"
    open_key = ehlo.directory / "open.key"
    shutil.copy(home / "server.key", open_key)
    open_key.chmod(0o644)
    yield from want(ehlo("probe", "localhost:1", "--client-cert", home / "server.crt", "--client-key", open_key), 78, "chmod 600")
    (home / "ca.key").chmod(0o600)
    yield from want(ehlo("probe", "localhost:1", "--client-cert", home / "server.crt", "--client-key", home / "ca.key"), 65, "key")
    yield from want(ehlo("probe", "localhost:1", "--client-cert", "/nowhere"), 66, "/nowhere")


@case("keylog")
def _(ehlo):
    with Server(submission, context) as server:
        yield from want(ehlo("probe", f"localhost:{server.port}", *CA, *QUICK, "--keylog", "keys"), 0, "WARNING: whoever has keys")
    path = ehlo.directory / "keys"
    if "CLIENT_" not in path.read_text() or path.stat().st_mode & 0o077:
        yield "the key log is empty, or others can read it"


# ---- Proxies ---------------------------------------------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Daemon:
    """A proxy of somebody else's, in the foreground."""

    def __init__(self, port, *arguments):
        self.port = port
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the proxy does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def program(*names):
    return next(path for path in map(lambda n: shutil.which(n, path="/usr/sbin:/usr/bin:/sbin:/bin"), names) if path)


def relayed(ehlo, server, *arguments):
    """What a program hears through a relay on this way: the relay's exit status, its words, and the lines."""
    process = subprocess.Popen([ehlo.program, "record", "--listen", "127.0.0.1:0", "--to", server, "--record", "relay.smtp", "--connections", "1",
                                "--timeout", "10", *map(str, arguments)], cwd=ehlo.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = process.stdout.readline()
    heard = b""
    if first:
        with socket.create_connection(("127.0.0.1", int(first.rsplit(b":", 1)[1])), 20) as client:
            with contextlib.suppress(OSError):
                heard = client.recv(4096)
                client.sendall(b"EHLO client.example\r\nQUIT\r\n")
                while part := client.recv(4096):
                    heard += part
    out, err = process.communicate(timeout=30)
    if process.returncode == 0 and ehlo("replay", "--chunks", "all", "relay.smtp").status != 0:
        raise Complaint("the record does not replay")
    return process.returncode, (first + out + err).decode(errors="replace"), heard


def want_relayed(found, status, words, *lines):
    if found[0] != status or not re.search(words, found[1]) or not all(line in found[2] for line in lines):
        yield f"{found} and not {status}, {words}, {lines}"


@case("proxy/danted")
def _(ehlo):
    port = free_port()
    config = ehlo.directory / "danted.conf"
    config.write_text(f"internal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\nsocksmethod: none\nclientmethod: none\nuser.privileged: root\n"
                      "user.unprivileged: nobody\nclient pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n"
                      "socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n".replace("{{", "{").replace("}}", "}"))
    with Daemon(port, program("danted"), "-f", str(config)), Server(submission, context) as server:
        proxy = ("--proxy", f"socks5://127.0.0.1:{port}")
        yield from want(ehlo("probe", f"127.0.0.1:{server.port}", *proxy, *CA, *QUICK), 0, "trusted")
        yield from want(ehlo("probe", f"127.0.0.1:{free_port()}", *proxy, *CA, *QUICK), 74, "the proxy")
        yield from want_relayed(relayed(ehlo, f"127.0.0.1:{server.port}", *proxy, *CA), 0, "", b"220 ", b"\r\n250", b"\r\n221 ")
        yield from want_relayed(relayed(ehlo, f"127.0.0.1:{free_port()}", *proxy, *CA), 74, "cannot connect to .*: the proxy", b"421 ")


@case("proxy/tinyproxy")
def _(ehlo):
    port = free_port()
    config = ehlo.directory / "tinyproxy.conf"
    config.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 30\nAllow 127.0.0.1\nBasicAuth alice Sekrit42\n")
    (ehlo.directory / "pw").write_text("Sekrit42\n")
    (ehlo.directory / "pw").chmod(0o600)
    with Daemon(port, program("tinyproxy"), "-d", "-c", str(config)), Server(submission, context) as server:
        here = ("probe", f"127.0.0.1:{server.port}", *CA, *QUICK)
        yield from want(ehlo(*here, "--proxy", f"http://alice@127.0.0.1:{port}", "--proxy-password-file", "pw"), 0, "trusted")
        yield from want(ehlo(*here, "--proxy", f"http://127.0.0.1:{port}"), 74, "the proxy says HTTP/1.. 40[17]")
        login = ("--proxy", f"http://alice@127.0.0.1:{port}", "--proxy-password-file", "pw")
        yield from want_relayed(relayed(ehlo, f"127.0.0.1:{server.port}", *login, *CA), 0, "", b"220 ", b"\r\n221 ")
        found = relayed(ehlo, f"127.0.0.1:{server.port}", "--proxy", f"http://127.0.0.1:{port}", *CA)
        yield from want_relayed(found, 74, "the proxy says HTTP/1.. 40[17]", b"421 ")
        if "Sekrit" in found[1] + (ehlo.directory / "relay.smtp").read_text():
            yield "the password of the proxy is shown"


def rogue(octets, cut=None):
    """A proxy that reads something and then says this, octet by octet with `cut`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            try:
                for part in octets:
                    connection.recv(4096)
                    for piece in [bytes([b]) for b in part] if cut else [part]:
                        connection.sendall(piece)
                        time.sleep(0.002 if cut else 0)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@case("proxy/that-breaks-the-rules")
def _(ehlo):
    for scheme, octets, words in (("socks5", [b"HTTP/1.1 400 x\r\n\r\n"], "no SOCKS 5"), ("socks5", [b"\x05\xff"], "wants a user name"),
                                  ("socks5", [b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"], "refused"), ("socks5", [b"\x05\x00", b"\x05\x63\x00\x01"], "nobody knows"),
                                  ("socks5", [b"\x05\x00", b"\x05\x00\x00\x09"], "none of SOCKS 5"), ("socks5", [b"\x05"], "closed the connection"),
                                  ("http", [b"HTTP/1.1 502 \x1b[31mBad\r\n\r\n"], "the proxy says HTTP/1.1 502"), ("http", [b"SSH-2.0-x\r\n\r\n"], "the proxy says SSH"),
                                  ("http", [b"HTTP/1.1 200 x\r\n" + b"a: b\r\n" * 3000], "does not end within"), ("http", [b"HTTP/1.1 200"], "closed the connection")):
        port = rogue(octets)
        yield from want(ehlo("probe", "mail.invalid", "--proxy", f"{scheme}://127.0.0.1:{port}", *QUICK), 74, words)
        port = rogue(octets)
        yield from want_relayed(relayed(ehlo, "mail.invalid", "--proxy", f"{scheme}://127.0.0.1:{port}"), 74, words, b"421 ")


@case("proxy/octet-by-octet-with-the-greeting-behind")
def _(ehlo):
    for scheme, octets in (("socks5", [b"\x05\x00", b"\x05\x00\x00\x03\x04host\x00\x19" + b"421 mail.ehlo.test from behind\r\n"]),
                           ("http", [b"HTTP/1.0 200 ok\r\nVia: x\r\n\r\n421 mail.ehlo.test from behind\r\n"])):
        for cut in (False, True):
            port = rogue(octets, cut)
            result = ehlo("probe", "mail.invalid", "--proxy", f"{scheme}://127.0.0.1:{port}", "--tls", "none", *QUICK)
            if b"421 mail.ehlo.test from behind" not in result.out:
                yield f"{scheme} cut {cut}: {result.describe()}"
            port = rogue(octets, cut)
            found = relayed(ehlo, "mail.invalid", "--proxy", f"{scheme}://127.0.0.1:{port}", "--tls", "none")
            if not found[2].startswith(b"421 mail.ehlo.test from behind\r\n"):
                yield f"{scheme} cut {cut}, relayed: {found}"


@case("proxy/that-is-silent")
def _(ehlo):
    """The relay's own patience ends it, and other sessions do not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("socks5", "http"):
            way = ("--proxy", f"{scheme}://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.5")
            yield from want_relayed(relayed(ehlo, "mail.invalid", *way), 74, "the proxy did not answer in time", b"421 ")


@case("proxy-protocol/haproxy")
def _(ehlo):
    with Server(submission, context) as server:
        port = free_port()
        config = ehlo.directory / "haproxy.cfg"
        config.write_text(f"defaults\n mode tcp\n timeout connect 5s\n timeout client 9s\n timeout server 9s\nlisten x\n"
                          f" bind 127.0.0.1:{port} accept-proxy\n server s 127.0.0.1:{server.port}\n")
        with Daemon(port, program("haproxy"), "-db", "-f", str(config)):
            for version in ("v1", "v2"):
                yield from want(ehlo("probe", f"localhost:{port}", "--proxy-protocol", version, *CA, *QUICK), 0, "trusted")
                yield from want_relayed(relayed(ehlo, f"localhost:{port}", "--proxy-protocol", version, *CA), 0, "", b"220 ", b"\r\n221 ")
            result = ehlo("probe", f"localhost:{port}", *CA, "--timeout", "1", "--quick")
            if result.status == 0:
                yield "haproxy did without the header"


# ---- Tokens ----------------------------------------------------------------------------------------------------------


def jwt(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    base = {"iss": "https://sts.windows.net/t/", "aud": "https://outlook.office365.com", "scp": "SMTP.Send", "exp": int(time.time()) + 3000, "upn": "alice@ehlo.test"}
    return ".".join([part({"alg": "RS256"}), part({**base, **claims}), "c2lnbmF0dXJl"])


def login(ehlo, *more, command=None, seen=None):
    with Server(lambda peer: submission(peer, "XOAUTH2 PLAIN", seen), context) as server:
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        arguments = ("--token-command", command) if command else ()
        return ehlo("send", f"localhost:{server.port}", *CA, "--from", "alice@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml", "--timeout", "5",
                    "--user", "alice@ehlo.test", *arguments, *more)


@case("token/command")
def _(ehlo):
    for text in ("T0ken-of-one-line\\n", '{"token_type":"Bearer",\\n "access_token": "T0ken-of-one-line", "expires_in": 3599}'):
        seen = []
        yield from want(login(ehlo, command=f"printf '{text}'", seen=seen), 77)
        if not seen or not seen[0].startswith(b"AUTH XOAUTH2 ") or b"auth=Bearer T0ken-of-one-line\x01" not in base64.b64decode(seen[0].split()[2]):
            yield f"the server saw {seen}"
    for command, status in (("exit 3", 66), ("printf '{\"x\": 1}'", 65), ("head -c 30000 /dev/zero | tr '\\0' x", 65)):
        yield from want(login(ehlo, command=command), status, "token")


@case("token/looked-at")
def _(ehlo):
    for claims, words in (({"aud": "https://graph.microsoft.com"}, "another service"), ({"scp": "Mail.Send"}, "does not allow SMTP"),
                          ({"exp": int(time.time()) - 600}, "expired 10 minutes ago"), ({"nbf": int(time.time()) + 9000}, "not valid yet"),
                          ({"upn": "bob@ehlo.test"}, "another user")):
        token = jwt(**claims)
        result = login(ehlo, command=f"printf {token}")
        yield from want(result, 77, words)
        if token.split(".")[1].encode()[:40] in result.out + result.err:
            yield "the token is shown"
    for token in (jwt(), jwt(scp="", roles=["SMTP.SendAsApp"]), "ya29.opaque", "a.b.c", "..", "a.%%%.b"):
        result = login(ehlo, command=f"printf '%s' '{token}'")
        if b"warning: the token" in result.err:
            yield f"{token}: {result.err}"


@case("password-fd")
def _(ehlo):
    seen = []
    reads, writes = os.pipe()
    os.write(writes, b"Pass-from-fd\nmore")
    os.close(writes)
    with Server(lambda peer: submission(peer, "PLAIN", seen), context) as server:
        (ehlo.directory / "message.eml").write_bytes(MESSAGE)
        done = subprocess.run([ehlo.program, "send", f"localhost:{server.port}", *map(str, CA), "--from", "a@ehlo.test", "--to", "b@ehlo.test", "--data", "message.eml",
                               "--timeout", "5", "--user", "alice", "--password-fd", str(reads)], cwd=ehlo.directory, pass_fds=[reads], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.close(reads)
    if done.returncode != 77 or b"\0alice\0Pass-from-fd" != base64.b64decode(seen[0].split()[2]):
        yield f"{done.returncode} {seen} {done.stdout}"


sys.exit(bench.run())
