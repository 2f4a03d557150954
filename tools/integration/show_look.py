"""How a page of `ehlo show --html` looks in a real Chromium: each check yields complaints.

The checks ask the browser where things are and of what colour, and hold some of it against the pixels of a picture, so
that neither is believed alone.
"""

import http.server
import pathlib
import re
import threading

import browser

AXIS_PX = 480  # all waits together

# Text with what is behind it, for each text that is seen. Of a colour that is partly transparent nothing is used here.
CONTRASTS = """
(() => {
  const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return null;
  };
  const out = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    const back = behind(e), front = parse(getComputedStyle(e).color);
    const [a, b] = [luminance(front), luminance(back)];
    out.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), walker.currentNode.data.trim().slice(0, 40)]);
  }
  return out;
})()
"""

LINES = """
[...document.querySelectorAll('.lines > li:not(.cut)')].map(li => {
  const copy = li.cloneNode(true);
  const badge = copy.querySelector('.badge'), says = copy.querySelector('.says');
  if (says) { says.previousSibling.data = says.previousSibling.data.replace(/ $/, ''); says.remove(); }
  if (badge) { badge.nextSibling.data = badge.nextSibling.data.replace(/^ /, ''); badge.remove(); }
  const box = li.getBoundingClientRect();
  return [copy.textContent, box.top + scrollY, box.height, box.width];
})
"""

ARROWS = """
[...document.querySelectorAll('.row')].map(row => {
  const arrow = row.querySelector('.arrow'), box = arrow.getBoundingClientRect();
  const line = getComputedStyle(arrow, '::before'), head = getComputedStyle(arrow, '::after');
  return {client: row.classList.contains('client'), tls: row.classList.contains('tls'),
          left: box.left, right: box.right, bottom: box.bottom + scrollY, style: line.borderBottomStyle,
          width: parseFloat(line.borderBottomWidth), tone: line.borderBottomColor,
          tip: [parseFloat(head.borderLeftWidth), parseFloat(head.borderRightWidth)], at: [head.left, head.right]};
})
"""

GAPS = """
[...document.querySelectorAll('.gap')].map(gap => {
  const bar = gap.querySelector('i').getBoundingClientRect(), box = gap.getBoundingClientRect();
  return {seconds: Number(gap.style.getPropertyValue('--s')), height: bar.height, width: bar.width,
          top: box.top + scrollY, bottom: box.bottom + scrollY, server: gap.classList.contains('server'),
          said: gap.textContent};
})
"""

TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return !e.closest('.vh') && box.width > 0 && (box.right > innerWidth + .5 || box.left < -.5);
}).map(e => e.outerHTML.slice(0, 80))
"""


def luminance(pixel):
    def channel(v):
        v /= 255
        return v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
    red, green, blue = map(channel, pixel)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pixel_of(css):
    return tuple(int(v) for v in re.findall(r"\d+", css)[:3])


def near(one, other):
    return all(abs(a - b) <= 3 for a, b in zip(one, other))


# ---- Checks ---------------------------------------------------------------------------------------------------------


def check_quiet(b, url):
    """Nothing ran and nothing was fetched."""
    if b.requests() != [url]:
        yield f"asked for {b.requests()}"
    if b.complaints():
        yield f"the browser says {b.complaints()}"
    if b.evaluate("document.scripts.length + document.images.length + frames.length"):
        yield "a script, a picture or a frame is in the page"
    if b.evaluate("document.title") == "owned" or not b.evaluate("document.title").startswith("SMTP session"):
        yield f"the title is {b.evaluate('document.title')!r}"


def check_colours(b, dark):
    """Readable, and as the reader wants it; by the styles and by the pixels."""
    found = b.evaluate(CONTRASTS)
    weak = [f"{ratio:.2f}: {text!r}" for ratio, text in found if ratio < 4.5]
    if weak or len(found) < 20:
        yield f"of {len(found)} texts, too weak: {weak[:5]}"
    width, height, rows = browser.decode_png(b.screenshot())
    ground = rows[2][2]
    if (luminance(ground) < 0.1) != dark or (luminance(ground) > 0.8) == dark:
        yield f"the ground is {ground}"
    seen = {pixel for row in rows[:min(height, 700)] for pixel in row}
    if max(contrast(ground, pixel) for pixel in seen) < 12 or len(seen) < 20:
        yield "nothing is to be seen on it"
    if not near(pixel_of(b.evaluate("getComputedStyle(document.body).backgroundColor")), ground):
        yield f"the ground is {ground} in the picture"
    yield from check_arrows(b, rows, width)


def check_arrows(b, rows, width):
    """Each has a line over the whole way and a head at the end that it points to."""
    arrows = b.evaluate(ARROWS)
    if len(arrows) < 4:
        yield f"{len(arrows)} arrows"
    for arrow in arrows:
        tip = arrow["tip"][0] if arrow["client"] else arrow["tip"][1]
        at = arrow["at"][1] if arrow["client"] else arrow["at"][0]
        if tip < 5 or at != "0px" or arrow["width"] < 1 or arrow["style"] != ("solid" if arrow["tls"] else "dashed"):
            yield f"an arrow without its head: {arrow}"
            return
        tone, y = pixel_of(arrow["tone"]), int(arrow["bottom"]) - 1
        x = int(arrow["right"]) - 8 if arrow["client"] else int(arrow["left"]) + 7
        # Above and below its line the head is, and only at its end.
        other = int(arrow["left"]) + 7 if arrow["client"] else int(arrow["right"]) - 8
        heads = [any(near(rows[y + off][at], tone) for off in (-3, 3)) for at in (x, other)]
        if heads != [True, False]:
            yield f"the picture has no arrow there: {heads} {arrow}"
            return
    if width < arrows[0]["right"]:
        yield "the arrows leave the picture"


def check_lines(b, expected):
    """All of the dialogue, seen, from top to bottom."""
    b.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = b.evaluate(LINES)
    if [line[0] for line in found] != expected:
        at = next((n for n, (f, e) in enumerate(zip(found, expected)) if f[0] != e), min(len(found), len(expected)))
        yield f"line {at} of {len(expected)} is {found[at:at + 1]}, not {expected[at:at + 1]}"
    unseen = [text for text, _, height, width in found if height < 8 or width < 8]
    if unseen:
        yield f"not seen: {unseen[:3]}"
    tops = [line[1] for line in found]
    if tops != sorted(tops) or len(set(tops)) != len(tops):
        yield "the lines do not stand below one another"


def check_gaps(b, waits):
    """As tall as they are long, one below the other, with words where they are of notice."""
    gaps = b.evaluate(GAPS)
    found = [(round(gap["seconds"], 6), gap["server"]) for gap in gaps]
    if found != waits:
        yield f"the waits are {found}, not {waits}"
        return
    total = sum(seconds for seconds, _ in waits)
    for gap in gaps:
        if abs(gap["height"] - gap["seconds"] * AXIS_PX / total) > 0.6 or gap["width"] < 5:
            yield f"{gap['seconds']} s of {total} s are {gap['height']} px tall"
        if gap["bottom"] - gap["top"] < gap["height"] - 0.6:
            yield f"the bar of {gap['seconds']} s leaves its place"
        if gap["seconds"] >= 1 and not re.match(r"\d+\.\d+ s, " + ("waiting" if gap["server"] else "on"), gap["said"]):
            yield f"of {gap['seconds']} s it says {gap['said']!r}"


def check_width(b, width):
    if b.evaluate("document.documentElement.scrollWidth") > width:
        yield f"wider than {width} px"
    wide = b.evaluate(TOO_WIDE)
    if wide:
        yield f"out of sight at {width} px: {wide[:3]}"


# ---- The page's policy ----------------------------------------------------------------------------------------------


class Trap(http.server.BaseHTTPRequestHandler):
    """Nobody should come here."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.server.visits.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def check_policy(b, page):
    """Were something to get into the page after all, its policy stops it; without the policy it would not be stopped."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    server.visits = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    bad = (f"<script>document.title='owned'</script><img src={place}/a><iframe src={place}/b></iframe>"
           f"<link rel=stylesheet href={place}/c>")
    text = page.read_text().replace("</main>", bad + "</main>")
    policy = re.search(r"<meta http-equiv=Content-Security-Policy [^>]*>\n", text).group(0)
    try:
        for name, octets, stopped in (("with", text, True), ("without", text.replace(policy, ""), False)):
            path = pathlib.Path(page.parent, name + ".html")
            path.write_text(octets)
            server.visits.clear()
            b.open(path.as_uri())
            if (b.evaluate("document.title") == "owned") == stopped or (len(server.visits) > 0) == stopped:
                yield f"{name} the policy: {b.evaluate('document.title')!r}, {server.visits}"
            b.close_page()
    finally:
        server.shutdown()
        server.server_close()
