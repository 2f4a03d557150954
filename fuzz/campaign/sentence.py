"""What a fuzzer's log says of a finding: who found it, in which sentence, and by what it is told from others."""

import hashlib
import re

CHECK = re.compile(r"^(\S+:\d+: does not hold \((\w+)\): .*)$", re.MULTILINE)
ASSERTION = re.compile(r"^(?:\S+: )?(\S+:\d+: .*Assertion `.*' failed\.)$", re.MULTILINE)
UNDEFINED = re.compile(r"^(\S+:\d+:\d+): runtime error: (.*)$", re.MULTILINE)
LIMIT = re.compile(r"ERROR: libFuzzer: (timeout|out-of-memory)")
SANITIZER = re.compile(r"^SUMMARY: (\w+Sanitizer): (.*)$", re.MULTILINE)
LEAKED = re.compile(r"^(?:Direct|Indirect) leak of .*\n((?: +#\d+ .*\n)+)", re.MULTILINE)
FRAME = re.compile(r"^ +#\d+ 0x[0-9a-f]+ in (\S+) (\S+)", re.MULTILINE)
WORKSPACE = re.compile(r"(?:/[^\s:]*)?/(?=(?:engine|replay|fuzz|tools)/)")
# Frames of these say nothing of where a fault is.
FOREIGN = re.compile(r"fuzzer::|__|raise$|abort$|malloc$|calloc$|realloc$|strdup$|operator new")


class Sentence:
    """kind: crash, leak, hang or memory; oracle: who found it; text: what it says. Findings with the same key are the
    same."""

    def __init__(self, kind, oracle, text, key=None):
        self.kind, self.oracle, self.text = kind, oracle, text
        self.key = f"{kind}\n{key or text}"

    def hash(self):
        return hashlib.sha256(self.key.encode()).hexdigest()[:10]


def read(log, seconds, megabytes):
    """The sentence in a log of a fuzzer that did not end well, given its limits of time and memory."""
    text = WORKSPACE.sub("", log.decode(errors="replace"))
    if found := CHECK.search(text):
        return Sentence("crash", found[2], found[1])
    # The first one: on a busy machine printing the stack of the one may take so long that the other follows.
    if found := LIMIT.search(text):
        if found[1] == "timeout":
            return Sentence("hang", "time", f"no end within {seconds} seconds", "hang")
        return Sentence("memory", "memory", f"more than {megabytes} MiB of memory", "memory")
    if found := ASSERTION.search(text):
        return Sentence("crash", "assertion", found[1])
    if found := UNDEFINED.search(text):
        return Sentence("crash", "UndefinedBehaviorSanitizer", found[0], f"{found[1]} {without_numbers(found[2])}")
    if found := SANITIZER.search(text):
        return by_sanitizer(found[1], found[2], text)
    place = first_frame(text)
    return Sentence("crash", "signal", f"ended by a signal in {place}" if place else "ended by a signal")


def by_sanitizer(who, says, text):
    if found := LEAKED.search(text):
        place = first_frame(found[1]) or "?"
        return Sentence("leak", "LeakSanitizer", f"{says.rstrip('.')}, allocated in {place}", place)
    return Sentence("crash", who, says, says if first_frame(text) else without_numbers(says))


def without_numbers(text):
    """Numbers differ from one input to the next where the fault is the same."""
    return re.sub(r"\d+", "#", text)


def first_frame(stack):
    """The first function of our own in a stack, and where it stands."""
    for function, place in FRAME.findall(stack):
        if not FOREIGN.match(function) and not place.startswith("("):
            return f"{function} {place}"
    return None
