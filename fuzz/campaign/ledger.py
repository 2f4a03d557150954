"""How far the campaign is that was asked for, so that the same command goes on after an interruption. A campaign that
came to its end leaves no ledger behind: then the same command begins another one."""

import random
import time

from folder import read_json, write_json

NOTE_SECONDS = 2.0


class Ledger:
    def __init__(self, path, options, names):
        self.path, self.noted = path, 0.0
        asked = {"seconds": options.seconds, "runs": options.runs, "targets": names}
        old = read_json(path) if path.exists() and not options.fresh else None
        self.goes_on = bool(old) and old["asked"] == asked and options.seed in (None, old["seed"])
        if not self.goes_on:
            seed = random.randrange(1, 2**32) if options.seed is None else options.seed
            old = {"asked": asked, "seed": seed, "seconds": 0.0, "targets": {}}
        self.known = old

    @property
    def seed(self):
        return self.known["seed"]

    @property
    def seconds(self):
        return self.known["seconds"]

    def restore(self, lane):
        before = self.known["targets"].get(lane.name)
        if before:
            lane.executions, lane.seconds, lane.edges = before

    def note(self, seconds, lanes, at_once):
        """Every moment is enough for the time; the end of a slice is written down at once."""
        if at_once or time.monotonic() - self.noted > NOTE_SECONDS:
            self.noted = time.monotonic()
            self.known["seconds"] = seconds
            self.known["targets"] = {lane.name: [lane.executions, lane.seconds, lane.edges] for lane in lanes}
            write_json(self.path, self.known)

    def finish(self):
        self.path.unlink(missing_ok=True)
