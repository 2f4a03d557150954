"""Which target runs when: slices of fuzzing, side by side, then a merge for each target.

By time: the N seconds of a campaign times its jobs are shared evenly. Each target has its share in two slices of at most
a minute, or in more of them, and next comes always the one that has had least, in this campaign and then in earlier ones.
So half of the time reaches every target. As much as merging is likely to take at the end is kept back.

Reading its seeds can take a target longer than a slice, and libFuzzer looks at its clock only afterwards. So the first
slice of a target starts from some of its inputs, which are drawn, and later ones from as many as fit into half of them.
Merges that are not done in time are given up; what they were to merge is kept for the next campaign.

By executions: each target has one slice of so many, which no clock cuts. After a finding the rest follows in another.
"""

import random
import time

import fuzzer
from folder import artifacts_of

SLICE_SECONDS_MAX = 60
# With how many inputs a target begins while nobody knows how long one takes.
FIRST_INPUTS = 200
# How much later than the campaign a merge may end.
MERGE_LATE_SECONDS = 5.0
# Ends of processes with nothing but what is known, after which a target is left alone: it gets no further.
KNOWN_ENDS_MAX = 10
# A process that is this much behind its time is ended by force.
LATE_SECONDS = 30.0


class Lane:
    """A target in this campaign: what it has to do and what it came to."""

    def __init__(self, target, program, work, bench):
        self.target, self.program, self.work, self.bench = target, program, work, bench
        self.before = dict(work.state)
        self.executions = self.edges = self.known_ends = 0
        self.states = None
        self.seconds = self.loaded_seconds = 0.0
        self.input_seconds = None  # what starting from one input takes
        self.running = self.new_inputs = 0
        self.bad_inputs = set()  # names of inputs that are findings: nothing starts from them
        self.runs_left = 0
        self.merged = False
        self.problem = None

    @property
    def name(self):
        return self.target.name

    def add(self, executions, seconds):
        self.executions += executions
        self.seconds += seconds

    def inputs_for(self, seconds):
        """How many inputs a slice of so many seconds starts from; None for all."""
        if seconds is None:
            return None
        return max(1, int(seconds / 2 / self.input_seconds)) if self.input_seconds else FIRST_INPUTS

    def loaded(self, process, num_inputs, num_all):
        """Learns from a process that started from `num_inputs` of all; one that failed before tells nothing."""
        if process.loaded_seconds:
            self.input_seconds = process.loaded_seconds / max(1, num_inputs)
            self.loaded_seconds = self.input_seconds * num_all

    @property
    def goes_on(self):
        return self.problem is None and self.known_ends < KNOWN_ENDS_MAX


class Slice:
    """One process that fuzzes."""

    def __init__(self, lane, seed, limit, options, dictionary):
        self.lane = lane
        self.directory, number = lane.work.new_slice()
        self.seed = seed_of(seed, lane.name, number)
        self.limit_seconds = limit.get("max_total_time")
        every = lane.work.inputs(lane.bad_inputs)
        inputs = drawn(every, lane.inputs_for(self.limit_seconds), self.seed)
        self.num_inputs, self.num_all = len(inputs), len(every)
        (self.directory / "inputs").write_text(",".join(str(path) for path in inputs))
        arguments = [f"-seed={self.seed}", "-reload=0", "-print_final_stats=1", "-print_funcs=0",
                     f"-timeout={options.timeout}", f"-rss_limit_mb={options.memory}",
                     f"-artifact_prefix={self.directory}/", *(f"-{name}={value}" for name, value in limit.items()),
                     *([f"-seed_inputs=@{self.directory / 'inputs'}"] if inputs else []),
                     *([f"-dict={dictionary}"] if dictionary else []), self.directory / "found"]
        self.process = fuzzer.Process(lane.program, arguments, self.directory)
        lane.running += 1

    def late(self, options):
        """A hang in the fuzzer itself, that not even its own limit of time has ended."""
        return (self.limit_seconds is not None and
                self.process.seconds > self.limit_seconds + 2 * options.timeout + LATE_SECONDS)

    def close(self):
        """Takes what came of it."""
        lane, process = self.lane, self.process
        lane.running -= 1
        lane.add(process.executions, process.seconds)
        lane.runs_left -= process.executions
        lane.edges = max(lane.edges, process.edges)
        lane.loaded(process, self.num_inputs, self.num_all)


def drawn(inputs, number, seed):
    """So many of them, in their order; the same for the same seed."""
    if number is None or len(inputs) <= number:
        return inputs
    return [inputs[at] for at in sorted(random.Random(seed).sample(range(len(inputs)), number))]


def seed_of(seed, name, number):
    """Another one for each slice, and the same each time."""
    value = 2166136261
    for octet in f"{seed}/{name}/{number}".encode():
        value = (value ^ octet) * 16777619 & 0xFFFFFFFF
    return value % 0x7FFFFFFF + 1


class Schedule:
    """Runs slices until time or executions are used up, or somebody stops it."""

    def __init__(self, lanes, options, dictionary, ledger, stop, watcher):
        self.lanes, self.options, self.dictionary, self.ledger = lanes, options, dictionary, ledger
        self.stop = stop  # has .asked
        self.watcher = watcher  # has .tick(schedule), .ended(slice), and .collect(slice), which says if it goes on
        self.slices = []
        self.began = time.monotonic() - ledger.seconds
        for lane in lanes:
            lane.runs_left = (options.runs or 0) - lane.executions

    @property
    def seconds(self):
        return time.monotonic() - self.began

    def fuzz(self):
        while not self.stop.asked and (self._fill() or self.slices):
            if not self._reap():
                time.sleep(0.02)
            self.watcher.tick(self)
            self.ledger.note(self.seconds, self.lanes, at_once=False)
        for running in self.slices:
            running.process.tell_to_end()
        for running in self.slices:
            running.process.end()
            self._close(running)
        self.slices = []

    def _fill(self):
        """Starts what may start; whether anything did."""
        started = False
        while len(self.slices) < self.options.jobs and (chosen := self._next()):
            self.slices.append(Slice(*chosen, self.options, self.dictionary))
            started = True
        return started

    def _next(self):
        if self.options.runs:
            waiting = [lane for lane in self.lanes if lane.goes_on and not lane.running and lane.runs_left > 0]
            return (waiting[0], self.ledger.seed, {"runs": waiting[0].runs_left}) if waiting else None
        lanes = [lane for lane in self.lanes if lane.goes_on]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: (lane.running, self._had(lane), lane.before["seconds"], lane.name))
        seconds = self._slice_seconds(lane)
        return (lane, self.ledger.seed, {"max_total_time": seconds}) if seconds else None

    def _share(self):
        return self.options.seconds * self.options.jobs / len(self.lanes)

    def _had(self, lane):
        return lane.seconds + sum(running.process.seconds for running in self.slices if running.lane is lane)

    def _slice_seconds(self, lane):
        """What libFuzzer is told; it ends in the second after. Nobody goes without: a target that has not run at all
        runs, however late it is. 0: no more."""
        left = self.options.seconds - self._merging_seconds() - self.seconds
        wanted = min(SLICE_SECONDS_MAX, self._share() / 2)
        told = int(min(max(wanted, 2), left)) - 1
        return max(told, 0 if lane.executions or lane.running else 1)

    def _merging_seconds(self):
        """A merge runs what a slice starts from, and a little more."""
        likely = 1.5 * sum(lane.loaded_seconds for lane in self.lanes) / self.options.jobs
        return min(likely, self.options.seconds / 3)

    def _reap(self):
        """Whether a process had ended."""
        ended = [running for running in self.slices if running.process.poll()]
        for running in self.slices:
            if running not in ended and running.late(self.options):
                running.process.kill()
        for running in ended:
            self.slices.remove(running)
            self._close(running)
        return bool(ended)

    def _close(self, running):
        running.close()
        self.watcher.ended(running)
        lane = running.lane
        new = self.watcher.collect(running)
        if not artifacts_of(running.directory):
            lane.known_ends = 0
        elif not new:
            lane.known_ends += 1
        lane.work.end_slice(running.directory, running.process.executions, running.process.seconds)
        self.ledger.note(self.seconds, self.lanes, at_once=True)


class Merges:
    """A merge for each target, side by side, the quickest first."""

    def __init__(self, lanes, schedule, stop, watcher):
        self.waiting = sorted(lanes, key=lambda lane: (lane.loaded_seconds, lane.name))
        self.schedule, self.options, self.stop, self.watcher = schedule, schedule.options, stop, watcher
        self.running = []

    def _in_time(self):
        return self.options.runs or self.schedule.seconds < self.options.seconds + MERGE_LATE_SECONDS

    def run(self):
        while not self.stop.asked and self._in_time() and (self.waiting or self.running):
            while self.waiting and len(self.running) < self.options.jobs:
                self.running.append(Merge(self.waiting.pop(0), self.options))
            for merge in [merge for merge in self.running if merge.process.poll()]:
                self.running.remove(merge)
                self.watcher.collect(merge)
                merge.close()
            time.sleep(0.02)
        for merge in self.running:
            merge.process.kill()
            merge.drop()


class Merge:
    """One process that merges. What it says of edges and states is that of all inputs together."""

    def __init__(self, lane, options):
        self.lane, self.seed = lane, None
        self.directory = lane.work.fresh("merging")
        lane.work.begin_merge(self.directory, lane.bad_inputs)
        arguments = ["-set_cover_merge=1", "-print_funcs=0", f"-timeout={options.timeout}",
                     f"-rss_limit_mb={options.memory}", f"-artifact_prefix={self.directory}/",
                     self.directory / "all", self.directory / "more"]
        self.process = fuzzer.Process(lane.program, arguments, self.directory)

    def close(self):
        lane, log = self.lane, self.process.text()
        if self.process.status != 0:
            lane.problem = f"{lane.name}: merging ended with status {self.process.status}; all inputs are kept"
        else:
            lane.new_inputs = lane.work.end_merge(self.directory)
            lane.merged = True
            lane.edges = max(lane.edges, fuzzer.counted(log)[1])
            lane.states = fuzzer.states(log)
        self.drop()

    def drop(self):
        self.lane.work.remove(self.directory)
