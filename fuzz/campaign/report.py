"""What a campaign shows: a line of progress, findings, the table at the end, and the same as JSON."""

import json
import shlex
import time

REDRAW_SECONDS = 0.5


def counted(number, one, many=None):
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """On a terminal one line that is drawn again; elsewhere a line for each slice that ends."""

    def __init__(self, out, options):
        self.out, self.options = out, options
        self.on_terminal = out.isatty()
        self.drawn = 0.0
        self.open_line = False
        self.findings = 0

    def say(self, text):
        """A line that stays."""
        if self.open_line:
            self.out.write("\r\x1b[K")
            self.open_line = False
        self.out.write(text + "\n")
        self.out.flush()

    def finding(self, finding):
        self.findings += 1
        self.say(f"{finding.target}: {finding.known['sentence']}")

    def tick(self, schedule):
        if not self.on_terminal or time.monotonic() - self.drawn < REDRAW_SECONDS:
            return
        self.drawn = time.monotonic()
        lanes = schedule.lanes
        executions = (sum(lane.executions for lane in lanes) +
                      sum(running.process.executions for running in schedule.slices))
        names = ", ".join(sorted({running.lane.name for running in schedule.slices}))
        reached = sum(1 for lane in lanes if lane.executions or lane.running)
        of = f" of {clock(self.options.seconds)}" if self.options.seconds else ""
        self.out.write(f"\r\x1b[K{clock(schedule.seconds)}{of}  {names}  ({reached} of {counted(len(lanes), 'target')} so far)  "
                       f"{counted(executions, 'execution')}, {counted(self.findings, 'finding')}"[:200])
        self.out.flush()
        self.open_line = True

    def ended(self, running):
        if not self.on_terminal:
            process = running.process
            self.say(f"{running.lane.name}: {counted(process.executions, 'execution')}, {process.edges:,} edges"
                     + ("" if self.options.runs else f", {process.seconds:.1f} s"))


COLUMNS = ("target", "executions", "exec/s", "edges", "states", "new", "crashes")


def rows(lanes, findings, options):
    for lane in lanes:
        rate = "-" if options.runs or not lane.seconds else f"{lane.executions / lane.seconds:,.0f}"
        states = "-" if lane.states is None else f"{lane.states[0]:,} of {lane.states[1]:,}"
        crashes = sum(1 for finding in findings if finding.target == lane.name)
        yield (lane.name, f"{lane.executions:,}", rate, f"{lane.edges:,}", states,
               f"{lane.new_inputs:,}" if lane.merged else "?", f"{crashes:,}")


def table(lanes, findings, options):
    """Names to the left, figures to the right."""
    lines = [COLUMNS, *rows(lanes, findings, options)]
    total = (sum(lane.executions for lane in lanes), sum(lane.new_inputs for lane in lanes), len(findings))
    lines.append(("all", f"{total[0]:,}", "", "", "", f"{total[1]:,}", f"{total[2]:,}"))
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def of_finding(finding, root):
    """All that a person needs: the sentence, where it is, and what to do."""
    known, place = finding.known, shown(finding.path, root)
    lines = [f"{finding.name}: {known['kind']}, found by {known['oracle']}"
             + (f", {counted(known['times'], 'time')}" if known["times"] > 1 else ""),
             f"  {known['sentence']}"]
    if not known["repeats"]:
        lines.append("  the input does not do it again when it is run alone")
    lines.append(f"  {place}/input: {counted(known['octets'], 'octet')}"
                 + (f", reduced from {known['octets_before']:,}" if known["octets"] < known["octets_before"] else ""))
    if known["transcript_says"]:
        where = f"{place}/transcript.smtp: " if known["transcript"] else ""
        lines.append(f"  {where}{known['transcript_says']}")
    lines.append(f"  run it again:     tools/bazel run --config=fuzz //fuzz:{finding.target}_fuzzer -- {finding.path}/input")
    lines.append(f"  keep it for good: {adopt_command(finding.path.parent.parent, root, [finding.name])}")
    return "\n".join(lines)


def adopt_command(folder, root, names):
    """The command that takes these out of a campaign's folder into the corpora."""
    out = [] if folder == root / ".campaign" else ["--out", shlex.quote(str(folder))]
    return " ".join(["tools/bazel run //fuzz:adopt --", *out, *names])


def shown(path, root):
    """Short where it lies in the workspace."""
    return path.relative_to(root) if path.is_relative_to(root) else path


def as_json(campaign):
    """One object with everything; null is what was not measured."""
    options = campaign.options
    return json.dumps({
        "seed": campaign.ledger.seed, "jobs": options.jobs, "seconds": options.seconds, "runs": options.runs,
        "interrupted": campaign.stop.asked, "status": campaign.status, "problems": campaign.problems,
        "targets": [lane_as_json(lane, campaign.findings, options) for lane in campaign.lanes],
        "findings": [{"name": finding.name, "folder": str(finding.path), **finding.known}
                     for finding in campaign.findings]}, indent=2)


def lane_as_json(lane, findings, options):
    timed = not options.runs
    return {
        "target": lane.name, "executions": lane.executions, "edges": lane.edges,
        "executions_per_second": round(lane.executions / lane.seconds, 1) if timed and lane.seconds else None,
        "seconds": round(lane.seconds, 1) if timed else None,
        "states": lane.states and lane.states[0], "states_of": lane.states and lane.states[1],
        "new_inputs": lane.new_inputs if lane.merged else None,
        "crashes": sum(1 for finding in findings if finding.target == lane.name),
        "executions_in_all": lane.work.state["executions"],
        "seconds_in_all": round(lane.work.state["seconds"], 1) if timed else None}
