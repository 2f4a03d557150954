"""A real Chromium for tests of pages: headless, in a profile of its own, spoken to over a pipe.

The protocol is DevTools' own (--remote-debugging-pipe: JSON texts, each ended by a NUL, on descriptors 3 and 4), so no
driver and no port is needed. What an evaluation runs is the test's code, which a page's policy does not concern.
"""

import base64
import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

BOUND = 120  # seconds: what takes longer hangs

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe")


class BrowserError(Exception):
    """The browser does not do as it is told."""


def find():
    """The program, or None."""
    return shutil.which("chromium", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")


class Browser:
    """One process. Pages are opened one after the other, each with its own observations."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="ehlo-browser.", dir="/tmp")
        to_browser, self.out = os.pipe()
        self.inp, from_browser = os.pipe()
        self.log = open(os.path.join(self.profile, "log"), "wb")
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", find(), *FLAGS,
             "--user-data-dir=" + os.path.join(self.profile, "profile"), "about:blank"],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": self.profile}, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.unread, self.events, self.session = 0, b"", [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.inp)
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self, deadline):
        while b"\0" not in self.unread:
            if not select.select([self.inp], [], [], max(0, deadline - time.monotonic()))[0]:
                raise BrowserError("the browser says nothing")
            octets = os.read(self.inp, 1 << 20)
            if not octets:
                raise BrowserError("the browser is gone")
            self.unread += octets
        text, _, self.unread = self.unread.partition(b"\0")
        return json.loads(text)

    def call(self, method, _browser=False, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session and not _browser:
            command["sessionId"] = self.session
        os.write(self.out, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + BOUND
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        deadline = time.monotonic() + BOUND
        while not any(e["method"] == method for e in self.events):
            self.events.append(self.receive(deadline))

    def open(self, url, width=1000, height=900, dark=False, media="screen"):
        """Loads a page in a tab of its own; self.events has what happened meanwhile."""
        target = self.call("Target.createTarget", _browser=True, url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", _browser=True, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log", "Security"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def close_page(self):
        self.call("Page.close")
        self.session = None

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def requests(self):
        """The addresses that were asked for."""
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the browser had to say of the page: its policy broken, errors of scripts."""
        return [e["params"] for e in self.events
                if e["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")]

    def screenshot(self, whole=True):
        """The page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])


def decode_png(octets):
    """Width, height, and rows of (red, green, blue) of an 8-bit PNG without interlacing."""
    at, data, width, height, channels = 8, b"", 0, 0, 0
    while at < len(octets):
        length, kind = struct.unpack(">I4s", octets[at:at + 8])
        chunk = octets[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunk)
            channels = {2: 3, 6: 4}[colour]
            if depth != 8 or interlaced:
                raise BrowserError("a PNG of another kind")
        elif kind == b"IDAT":
            data += chunk
        at += 12 + length
    raw, stride, before, rows = zlib.decompress(data), width * channels, bytearray(width * channels), []
    for y in range(height):
        start = y * (stride + 1)
        row = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + stride]), before, channels)
        rows.append([tuple(row[x:x + 3]) for x in range(0, stride, channels)])
        before = row
    return width, height, rows


def unfilter(kind, row, before, step):
    """PNG, section 9.2."""
    if kind == 0:
        return row
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(row, before))
    for x in range(len(row)):
        left = row[x - step] if x >= step else 0
        up = before[x]
        corner = before[x - step] if x >= step else 0
        if kind == 1:
            row[x] = (row[x] + left) & 255
        elif kind == 3:
            row[x] = (row[x] + (left + up) // 2) & 255
        else:
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda v: abs(guess - v))
            row[x] = (row[x] + nearest) & 255
    return row
