"""What a transcript says, read independently of ehlo: for tests that hold the views of `ehlo show` against it.

It knows the notation (replay/FORMAT.md) and nothing of SMTP.
"""

import re
import unicodedata

LINE = re.compile(r"(?:\+(\d+(?:\.\d+)?) *| *)(?:([CS]):(?: (.*))?|! (.*)|(=|#)(.*))")
PIECE = re.compile(r"\\(\\|r|n|t|x[0-9a-fA-F]{2}|\{secret\})|([^\\]+)")
NAMED = {"\\": b"\\", "r": b"\r", "n": b"\n", "t": b"\t"}
SECRET = object()


def pieces_of(text):
    """The octets and secrets of a text, each in a list of its own kind."""
    out = []
    for m in PIECE.finditer(text):
        if m.group(2):
            out.append(m.group(2).encode())
        elif m.group(1) == "{secret}":
            out.append(SECRET)
        else:
            out.append(NAMED.get(m.group(1)) or bytes.fromhex(m.group(1)[1:]))
    return out


class Line:
    """A line of the dialogue, or as much of it as came before something else did."""

    def __init__(self, side, tls, continued):
        self.side, self.tls, self.continued, self.cut = side, tls, continued, False
        self.pieces = []

    def text(self, show, hidden):
        out, octets, pieces = [], b"", self.pieces
        if self.cut and pieces[-1] is not SECRET:  # a CR may have been half of a line end
            pieces = pieces[:-1] + [pieces[-1].removesuffix(b"\r")]
        for piece in pieces:
            if piece is SECRET:
                out += [show(octets), hidden]
                octets = b""
            else:
                octets += piece
        return "".join([*out, show(octets)])

    def joined(self):
        return b"".join(b"" if piece is SECRET else piece for piece in self.pieces)

    def strip_end(self):
        """Takes the CRLF off; False if there is none."""
        whole = self.pieces
        if whole and whole[-1] is not SECRET and whole[-1].endswith(b"\r\n"):
            whole[-1] = whole[-1][:-2]
            return True
        if len(whole) > 1 and whole[-1] == b"\n" and whole[-2] is not SECRET and whole[-2].endswith(b"\r"):
            whole[-2:] = [whole[-2][:-1]]
            return True
        return False


def lines_of(transcript):
    """The lines of the dialogue in their order, joined over all cuts."""
    lines, at_hand, begun, tls = [], None, {"C": False, "S": False}, False
    for text in transcript.split("\n"):
        m = LINE.fullmatch(text)
        if not m or m.group(5):
            continue
        if m.group(4) is not None:
            word = m.group(4).split(" ")[0]
            if word in ("submit", "ehlo-transcript"):
                continue
            if at_hand:
                at_hand.cut = True
                at_hand = None
            if word == "tls":
                tls = tls or not m.group(4).startswith("tls failed")
                begun = {"C": False, "S": False}
            continue
        side, said = m.group(2), m.group(3) or ""
        cut = re.search(r"(?<!\\)(?:\\\\)*\\$", said)
        pieces = pieces_of(said[:-1] if cut else said) + ([] if cut else [b"\r\n"])
        for piece in pieces:
            octets = [SECRET] if piece is SECRET else re.findall(rb"[^\n]*\n|[^\n]+", piece)
            for part in octets:
                if at_hand and at_hand.side != side:
                    at_hand.cut = True
                    at_hand = None
                if not at_hand:
                    at_hand = Line(side, tls, begun[side])
                    lines.append(at_hand)
                last = at_hand.pieces[-1] if at_hand.pieces else SECRET
                if part is not SECRET and last is not SECRET:
                    at_hand.pieces[-1] = last + part
                else:
                    at_hand.pieces.append(part)
                ended = at_hand.strip_end()
                begun[side] = not ended
                if ended:
                    at_hand = None
    if at_hand:
        at_hand.cut = True
    return lines


def shown(octets, controls=None):
    """As people see it: what is no printable UTF-8 as an escape."""
    out = []
    for character in octets.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xdc80 <= code <= 0xdcff:
            out.append(f"\\x{code - 0xdc00:02x}")
        elif character in (controls or {}):
            out.append(controls[character])
        elif unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"):
            out += [f"\\x{octet:02x}" for octet in character.encode()]
        else:
            out.append(character)
    return "".join(out)
