"""Makes an input smaller while it still does the same: whole lines first, then octets. It knows nothing of fuzzers."""


class Exhausted(Exception):
    """Enough was tried."""


def reduced(octets, first_failing):
    """The smallest form of `octets` that was found. first_failing(candidates) gives the place of the first candidate
    that fails in the same way, None if none does; it takes them one by one, and raises Exhausted after enough."""
    best = octets
    try:
        for split in (lines_of, single_octets):
            for best in fewer(split(best), first_failing):
                pass
    except Exhausted:
        pass
    return best


def lines_of(octets):
    return octets.splitlines(keepends=True)


def single_octets(octets):
    return [octets[i:i + 1] for i in range(len(octets))]


def fewer(parts, first_failing):
    """Yields ever shorter forms, by taking parts out: half of them, then quarters, down to single ones. Single ones are
    tried until none of them can go."""
    yield b"".join(parts)
    size = (len(parts) + 1) // 2
    while parts:
        before, at = len(parts), 0
        while at < len(parts):
            places = range(at, len(parts), size)
            chosen = first_failing(b"".join(parts[:i] + parts[i + size:]) for i in places)
            if chosen is None:
                break
            at = places[chosen]
            parts = parts[:at] + parts[at + size:]
            yield b"".join(parts)
        if size == 1 and len(parts) == before:
            return
        size = max(1, size // 2)
