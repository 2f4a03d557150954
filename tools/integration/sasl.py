"""The server's side of SASL for tests: GNU SASL's library, models written from the RFCs, and an SMTP session around
them. Nothing here knows what the client should make of it.
"""

import base64
import ctypes
import hashlib
import hmac
import os
import re
import threading

from harness import PASSWORD, USER, Complaint

SALT = b"salt and pepper!"
ITERATIONS = 4096


def b64(octets):
    return base64.b64encode(octets).decode()


# ---- SASL servers: step(token) gives (token or None, whether it is over); Refused where it is not -----------------


class Refused(Exception):
    pass


class Binding:
    """What the TLS session has to bind: a name and octets, or nothing."""

    def __init__(self, name=None, octets=b""):
        self.name, self.octets = name, octets


class ScramModel:
    """RFC 5802, the server's side. `edit` may change a message before it is sent: edit(which, text, self)."""

    def __init__(self, mechanism, binding, edit=lambda which, text, model: text, offers_plus=False):
        self.plus = mechanism.endswith("-PLUS")
        self.hash = mechanism.removesuffix("-PLUS").removeprefix("SCRAM-SHA-")
        self.hash = {"1": "sha1"}.get(self.hash, "sha" + self.hash)
        self.binding, self.edit, self.offers_plus = binding, edit, offers_plus
        self.steps = [self.first, self.final, self.end]
        self.proofs = []

    def step(self, token):
        return self.steps.pop(0)(token)

    def first(self, token):
        match = re.fullmatch(r"(n|y|p=([a-z-]+)),(?:a=([^,]*))?,(n=([^,]+),r=([!-+\--~]+))", token.decode())
        if not match:
            raise Refused(f"client-first {token!r}")
        flag, name, _, self.bare, user, nonce = match.groups()
        if self.plus != bool(name) or (name and name != self.binding.name):
            raise Refused(f"binding {flag!r}, and it is {self.binding.name}")
        if flag == "y" and self.offers_plus:
            raise Refused("somebody took the -PLUS away")
        if user.replace("=2C", ",").replace("=3D", "=") != USER:
            raise Refused(f"user {user!r}")
        self.header = token.decode().removesuffix(self.bare)
        self.nonce = nonce + b64(os.urandom(9))
        self.server_first = self.edit("first", f"r={self.nonce},s={b64(SALT)},i={ITERATIONS}", self)
        return self.server_first.encode(), False

    def hmac(self, key, text):
        return hmac.digest(key, text, self.hash)

    def final(self, token):
        without, _, proof = token.decode().rpartition(",p=")
        wanted = b64(self.header.encode() + (self.binding.octets if self.plus else b""))
        if without != f"c={wanted},r={self.nonce}":
            raise Refused(f"client-final {without!r} for {wanted!r}")
        message = f"{self.bare},{self.server_first},{without}".encode()
        salted = hashlib.pbkdf2_hmac(self.hash, PASSWORD.encode(), SALT, ITERATIONS)
        client_key = self.hmac(salted, b"Client Key")
        signature = self.hmac(hashlib.new(self.hash, client_key).digest(), message)
        right = bytes(a ^ b for a, b in zip(client_key, signature))
        server = b64(self.hmac(self.hmac(salted, b"Server Key"), message))
        self.proofs = [proof, server]
        if base64.b64decode(proof) != right:
            raise Refused("proof")
        return self.edit("final", "v=" + server, self).encode(), False

    def end(self, token):
        if token:
            raise Refused(f"something behind the end: {token!r}")
        return None, True


class Gsasl:
    """GNU SASL's library."""

    PASSWORD, SERVICE, HOSTNAME, REALM, ITER, CB_UNIQUE, CB_EXPORTER = 3, 5, 6, 11, 15, 18, 25
    # The servers are threads: one at a time loads it, and one at a time is in it.
    lock = threading.Lock()
    lib = None

    @classmethod
    def load(cls):
        if cls.lib is None:
            lib, context = ctypes.CDLL("libgsasl.so.18"), ctypes.c_void_p()
            if lib.gsasl_init(ctypes.byref(context)) != 0:
                raise Complaint("gsasl_init failed")
            cls.lib, cls.context = lib, context
        return cls.lib

    def __init__(self, mechanism, binding):
        self.session = ctypes.c_void_p()
        with self.lock:
            started = self.load().gsasl_server_start(self.context, mechanism.encode(), ctypes.byref(self.session))
        if started != 0:
            raise Complaint(f"GNU SASL has no {mechanism}")
        self.put(self.PASSWORD, PASSWORD)
        self.put(self.SERVICE, "smtp")
        self.put(self.HOSTNAME, "localhost")
        self.put(self.REALM, "ehlo.test")
        self.put(self.ITER, str(ITERATIONS))
        if binding.name and mechanism.endswith("-PLUS"):  # with one it takes "y" for an attack, as it should
            self.put(self.CB_UNIQUE if binding.name == "tls-unique" else self.CB_EXPORTER, b64(binding.octets))
        self.proofs = []

    def put(self, what, text):
        with self.lock:
            self.lib.gsasl_property_set(self.session, what, text.encode())

    def step(self, token):
        out, length = ctypes.c_void_p(), ctypes.c_size_t()
        with self.lock:
            status = self.lib.gsasl_step(self.session, token, ctypes.c_size_t(len(token)), ctypes.byref(out),
                                         ctypes.byref(length))
        self.proofs += [m.decode() for m in re.findall(rb"(?:p=|v=|response=|rspauth=)([\w+/=]{27,})", token)]
        if status not in (0, 1):
            raise Refused(f"GNU SASL says {status}")
        answer = ctypes.string_at(out, length.value)
        self.proofs += [m.decode() for m in re.findall(rb"(?:v=|rspauth=)([\w+/=]{27,})", answer)]
        return (answer if answer or status == 1 else None), status == 0


class Cram:
    """CRAM-MD5 and its kin, by Python's hmac."""

    def __init__(self, mechanism):
        self.hash = {"CRAM-MD5": "md5", "CRAM-SHA1": "sha1", "CRAM-SHA256": "sha256"}[mechanism]
        self.proofs, self.challenge = [], b"<1896.697170952@mail.ehlo.test>"

    def step(self, token):
        if not token:
            return self.challenge, False
        digest = hmac.new(PASSWORD.encode(), self.challenge, self.hash).hexdigest()
        self.proofs = [token.decode().rpartition(" ")[2]]
        if token != f"{USER} {digest}".encode():
            raise Refused(f"{token!r}")
        return None, True


# ---- The SMTP around them ----------------------------------------------------------------------------------------


class Session:
    """One SMTP session with one AUTH exchange."""

    def __init__(self, mechanisms, make_sasl):
        self.mechanisms, self.make_sasl = mechanisms, make_sasl
        self.sasl, self.why, self.attempts, self.accepted = None, "", [], False

    def hello(self, peer):
        line = peer.hear()
        if not line.upper().startswith(b"EHLO"):
            raise Complaint(f"expected EHLO, got {line!r}")
        peer.say("250-mail.ehlo.test", "250 AUTH " + " ".join(self.mechanisms))

    def exchange(self, peer, mechanism, token):
        self.sasl = self.make_sasl(mechanism)
        server_first = mechanism.startswith(("CRAM", "DIGEST"))
        if server_first:
            token = b""
        elif token is None:
            peer.say("334 ")
            token = base64.b64decode(peer.hear(), validate=True)
        over = False
        while not over:
            answer, over = self.sasl.step(token)
            if answer is None:
                break
            peer.say("334 " + b64(answer))
            line = peer.hear()
            if line == b"*":
                raise Refused("cancelled")
            token = base64.b64decode(line, validate=True)
            if over and token:
                raise Refused("something behind the end")

    def authenticate(self, peer, line):
        words = line.decode().split(" ")
        mechanism = words[1]
        self.attempts.append(mechanism)
        token = None if len(words) == 2 else b"" if words[2] == "=" else base64.b64decode(words[2], validate=True)
        try:
            self.exchange(peer, mechanism, token)
        except Refused as e:
            self.why = str(e)
            peer.say("501 5.7.0 cancelled" if self.why == "cancelled" else "535 5.7.8 no")
            return
        peer.say("235 2.7.0 welcome")

    def __call__(self, peer):
        peer.say("220 mail.ehlo.test ESMTP")
        self.hello(peer)
        while (line := peer.hear()) is not None:
            verb = line[:4].upper()
            if verb == b"AUTH":
                self.authenticate(peer, line)
            elif verb == b"DATA":
                peer.say("354 go ahead")
                while (line := peer.hear()) != b".":
                    if line is None:
                        return
                self.accepted = True
                peer.say("250 2.0.0 taken")
            elif verb == b"QUIT":
                peer.say("221 2.0.0 bye")
                return
            else:
                peer.say("250 2.0.0 fine")
