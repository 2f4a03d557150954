"""What the Python tests here share: to run ehlo, to play servers to it, and to judge what it left behind.

Nothing here knows of a particular case.
"""

import base64
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unicodedata

USER = "alice@ehlo.test"
PASSWORD = "s3kr1t Zebra&Crossing/42"
MESSAGE = (b"From: alice@ehlo.test\nTo: bob@ehlo.test\nSubject: Hello\nDate: Mon, 3 Mar 2025 10:00:00 +0000\n\n"
           b"Hello Bob.\n.dot\n")

RUN_BOUND = 20  # seconds: what takes longer hangs
WORKERS = 8     # cases at a time; most of them wait

# A line of a transcript that holds what one side said, behind its time if it has one.
SPOKEN = re.compile(r"(?:\+\d+(?:\.\d+)?)? *([CS]):(?: (.*))?")
ESCAPE = re.compile(rb"\\(\\|r|n|t|x[0-9a-fA-F]{2}|\{secret\})")
SECRET = b"\0secret\0"


class Complaint(Exception):
    """What a case has to say in a sentence."""


# ---- Running ehlo --------------------------------------------------------------------------------------------


class Result:
    def __init__(self, arguments, status, out, err, seconds):
        self.arguments, self.status, self.out, self.err, self.seconds = arguments, status, out, err, seconds

    def json(self):
        """The one JSON object that standard output is."""
        try:
            document = json.loads(self.out.decode("utf-8"))
        except ValueError as e:
            raise Complaint(f"standard output is no JSON: {e}: {self.out[:300]!r}") from None
        if not isinstance(document, dict):
            raise Complaint("standard output is JSON, and no object")
        return document

    def describe(self):
        return (f"--- ehlo {' '.join(map(str, self.arguments))}\n--- exit status {self.status}, {self.seconds:.2f} s\n"
                f"--- stdout\n{visible(self.out)}\n--- stderr\n{visible(self.err)}\n")


def visible(octets, most=3000):
    return "".join(c if c == "\n" or " " <= c <= "~" else repr(c)[1:-1]
                   for c in octets[:most].decode("utf-8", "backslashreplace"))


class Ehlo:
    """The program, run in a directory and a home of its own, without a terminal."""

    def __init__(self, program, directory, on_result=lambda result: None):
        self.program, self.directory, self.on_result = program, directory, on_result

    def __call__(self, *arguments, on_start=lambda pid: None, stdin=b"", stdout=subprocess.PIPE, **variables):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        environment.update(variables)
        start = time.monotonic()
        with subprocess.Popen([self.program, *map(str, arguments)], stdin=subprocess.PIPE, stdout=stdout,
                              stderr=subprocess.PIPE, cwd=self.directory, env=environment,
                              start_new_session=True) as process:
            on_start(process.pid)
            try:
                out, err = process.communicate(stdin, timeout=RUN_BOUND)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise Complaint(f"ehlo {' '.join(map(str, arguments))}: still runs after {RUN_BOUND} s\n"
                                f"{visible(out)}\n{visible(err)}") from None
        result = Result(arguments, process.returncode, out or b"", err, time.monotonic() - start)
        self.on_result(result)
        return result


def session_hash(result):
    """The hash that a live session printed, as JSON or in words; None if it is nowhere."""
    if result.out.lstrip().startswith(b"{"):
        return result.json().get("hash")
    found = re.search(rb"^session hash ([0-9a-f]{16})$", result.out, re.M)
    return found and found.group(1).decode()


def want_reproduced(ehlo, result, record, *more):
    """The record replays to the session itself: the live one and the replays have one hash, whatever the cuts. `more`
    are further options to replay it with."""
    live = session_hash(result)
    if not live or not re.fullmatch("[0-9a-f]{16}", live):
        yield f"the session has no hash: {live!r}"
        return
    for options in (("--chunks", "all"), *((option,) for option in more)):
        replay = ehlo("replay", "--json", *options, record)
        hashes = {r.get("hash") for r in replay.json()["results"]}
        if replay.status != 0 or hashes != {live}:
            yield (f"replay {' '.join(options)}: exit status {replay.status}, hashes {hashes}, and the session's is "
                   f"{live}")
    words = ehlo("replay", record)
    if words.status == 0 and f"hash {live}\n".encode() not in words.out:
        yield f"replay does not say the hash {live}: {words.out!r}"


# ---- Servers -------------------------------------------------------------------------------------------------


def make_certificates(directory, odd_name=""):
    """A CA, ca.pem, and server.crt with its key for localhost and its addresses; odd.crt, signed by itself, has the
    odd name."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=ehlo test CA", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-subj", "/CN=mail.ehlo.test", "-keyout", "server.key", "-out", "server.csr")
    pathlib.Path(directory, "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
    openssl("x509", "-req", "-in", "server.csr", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", "names", "-out", "server.crt")
    if odd_name:
        openssl("req", "-x509", "-utf8", *curve, "-days", "2", "-subj", f"/CN={odd_name}", "-keyout", "odd.key",
                "-out", "odd.crt", "-addext", "subjectAltName=DNS:odd.test")


def tls_context(directory, name="server"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pathlib.Path(directory, name + ".crt"), pathlib.Path(directory, name + ".key"))
    return context


class Peer:
    """The server's end of one connection. `said` and `heard` are what went over it, without TLS."""

    def __init__(self, sock, context):
        sock.settimeout(RUN_BOUND)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what was said is on its way before a reset
        self.sock, self.context = sock, context
        self.said, self.heard, self.unread = bytearray(), bytearray(), bytearray()
        self.in_handshake = False  # what goes over the wire then is not part of the dialogue
        self.must_be_recorded = 0  # octets of `said` that the client has to have seen

    def say(self, *lines):
        self.say_raw(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines))

    def say_raw(self, octets):
        self.sock.sendall(octets)
        if not self.in_handshake:
            self.said += octets

    def all_seen(self):
        """What was said up to here has to be in the record."""
        self.must_be_recorded = len(self.said)

    def read(self):
        octets = self.sock.recv(65536)
        if not self.in_handshake:
            self.heard += octets
        return octets

    def hear(self):
        """The next line without its end; None when there is none."""
        while b"\n" not in self.unread:
            octets = self.read()
            if not octets:
                return None
            self.unread += octets
        line, _, rest = self.unread.partition(b"\n")
        self.unread = bytearray(rest)
        return bytes(line).removesuffix(b"\r")

    def hear_octets(self, count):
        """Exactly so many; what is there of them when the client leaves."""
        while len(self.unread) < count:
            octets = self.read()
            if not octets:
                break
            self.unread += octets
        octets = bytes(self.unread[:count])
        self.unread = self.unread[count:]
        return octets

    def expect(self, beginning):
        line = self.hear()
        if line is None or not line.upper().startswith(beginning.encode()):
            raise Complaint(f"the server expected {beginning}, and the client said {line!r}")
        return line

    def hear_message(self):
        lines = []
        while (line := self.hear()) != b".":
            if line is None:
                raise Complaint("the client left within the message")
            lines.append(line.removeprefix(b"."))
        return b"".join(line + b"\n" for line in lines)

    def start_tls(self):
        self.sock = self.context.wrap_socket(self.sock, server_side=True)

    def drain(self):
        """Takes what comes until the client leaves."""
        try:
            while self.read():
                pass
        except OSError:
            pass

    def close(self):
        """The connection ends here; under TLS without close_notify."""
        try:
            self.sock.settimeout(RUN_BOUND)
            self.sock.shutdown(socket.SHUT_WR)  # from here on Python reads what is on the wire
            while self.sock.recv(65536):
                pass
        except OSError:
            pass

    def close_politely(self):
        """The same after a close_notify."""
        if isinstance(self.sock, ssl.SSLSocket):
            try:
                self.sock.settimeout(0)
                self.sock.unwrap()
            except (OSError, ValueError):
                pass
        self.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """Plays `script` to each client that comes, one after the other, until it is left."""

    def __init__(self, script, context, family=socket.AF_INET, address=("127.0.0.1", 0), receive_buffer=0):
        self.script, self.context = script, context
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(address)
        self.listener.listen(8)
        self.peers, self.complaints = [], []
        self.thread = threading.Thread(target=self.serve, daemon=True)

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            peer = Peer(sock, self.context)
            self.peers.append(peer)
            try:
                self.script(peer)
            except Complaint as e:
                self.complaints.append(str(e))
            except OSError:
                pass  # the client left
            except Exception:  # pylint: disable=broad-except
                self.complaints.append(traceback.format_exc())
            finally:
                peer.sock.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(RUN_BOUND)
        if self.thread.is_alive():
            self.complaints.append("the server's script does not end")
        self.listener.close()


# ---- What is left behind -------------------------------------------------------------------------------------


def base64_inside(octets):
    """What base64 makes of the octets wherever they stand in a longer text: the characters that only they decide."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + octets)
        yield encoded[(shift * 8 + 5) // 6:(shift + len(octets)) * 8 // 6]


def without_disguise(octets):
    """Escapes, blanks and letter case stripped: a secret that was only cut by them shows."""
    octets = re.sub(rb"\\+x[0-9a-fA-F]{2}|\\+u00[0-9a-fA-F]{2}|\\[rntbf]", b"", octets)
    return re.sub(rb"[\s\\]", b"", octets).lower()


def secrets_in(octets, password=PASSWORD):
    """Forms in which the password is found."""
    raw = password.encode()
    forms = {"in clear": raw, "in hexadecimal": raw.hex().encode()}
    forms.update({f"in base64 at {shift}": form for shift, form in enumerate(base64_inside(raw))})
    plain = without_disguise(octets)
    return [how for how, form in forms.items() if form in octets or without_disguise(form) in plain]


def unsafe_characters(octets):
    """What a terminal would not show as itself: all but printable characters and line feeds."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as e:
        return f"no UTF-8: {e}"
    wrong = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    return ", ".join(f"U+{ord(c):04X}" for c in sorted(wrong))


def unescaped(text):
    named = {b"\\": b"\\", b"r": b"\r", b"n": b"\n", b"t": b"\t", b"{secret}": SECRET}
    return ESCAPE.sub(lambda m: named.get(m.group(1)) or bytes.fromhex(m.group(1)[1:].decode()), text)


def spoken(record, side):
    """All that a side said, by a transcript, with SECRET where something is left out."""
    stream = bytearray()
    for line in record.decode("ascii").split("\n"):
        m = SPOKEN.fullmatch(line)
        if m and m.group(1) == side:
            text = (m.group(2) or "").encode()
            cut = re.search(rb"(?<!\\)(?:\\\\)*\\$", text)
            stream += unescaped(text[:-1]) if cut else unescaped(text) + b"\r\n"
    return bytes(stream)


def first_difference(expected, found):
    """Of what was on the wire and of what the record says of it; None if one is the beginning of the other."""
    for number, (e, f) in enumerate(zip(expected.split(b"\n"), found.split(b"\n")), 1):
        if SECRET in f:
            pattern = b".*".join(map(re.escape, f.split(SECRET)))
            same = re.fullmatch(pattern, e, re.DOTALL) or not e.endswith(b"\r")
        else:
            same = e == f or (not e.endswith(b"\r") and f.startswith(e)) or (not f.endswith(b"\r") and e.startswith(f))
        if not same:
            return f"line {number}: on the wire {e[:100]!r}, in the record {f[:100]!r}"
    return None


# ---- The run -------------------------------------------------------------------------------------------------


class Bench:
    """Runs cases side by side, each in a directory of its own, and counts."""

    def __init__(self, title):
        if len(sys.argv) < 2:
            sys.exit(f"usage: {title} EHLO [HELPER…] [-- PATTERN]")
        arguments = sys.argv[1:]
        self.pattern = "*"
        if "--" in arguments:
            at = arguments.index("--")
            self.pattern, arguments = arguments[at + 1], arguments[:at]
        self.programs = [os.path.abspath(path) for path in arguments]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ehlo-test.", dir="/tmp"))
        self.cases = []

    def add(self, name, run):
        """`run` takes an Ehlo and yields complaints, or raises one."""
        if any(name == known for known, _ in self.cases):
            raise ValueError(f"two cases are named {name}")
        if fnmatch.fnmatch(name, self.pattern):
            self.cases.append((name, run))

    def run_case(self, number, run):
        directory = self.directory / str(number)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        results = []
        complaints = []
        try:
            complaints.extend(run(Ehlo(self.programs[0], directory, results.append)) or [])
        except Complaint as e:
            complaints.append(str(e))
        except Exception:  # pylint: disable=broad-except
            complaints.append(traceback.format_exc())
        return complaints, results

    def run(self):
        start = time.monotonic()
        failed = 0
        outcomes = []
        try:
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                futures = [(name, pool.submit(self.run_case, number, run))
                           for number, (name, run) in enumerate(self.cases)]
                for name, future in futures:
                    outcomes.append((name, *future.result()))
            # --timeout is in real seconds, and a busy machine can be late by more: what failed among others is run
            # once more by itself, and that counts.
            for number, (name, run) in enumerate(self.cases):
                complaints, results = outcomes[number][1:]
                if complaints:
                    complaints, results = self.run_case(number, run)
                failed += bool(complaints)
                if complaints or self.pattern != "*":
                    print(f"{'FAILED' if complaints else 'ok    '}  {name}", flush=True)
                for complaint in complaints:
                    print(f"  {complaint}")
                for result in results if complaints else []:
                    print(result.describe())
        finally:
            shutil.rmtree(self.directory)
        print(f"{time.monotonic() - start:.1f} s")
        print(f"{len(self.cases) - failed} passed, {failed} failed")
        return 0 if self.cases and failed == 0 else 1
