#!/usr/bin/python3
"""A campaign: all fuzz targets side by side, from the seeds in the tree and from what earlier campaigns kept.

    tools/bazel run //fuzz:campaign -- [--seconds N | --runs N] [--jobs N] [--seed N] [--json FILE] [TARGET…]

It builds, fuzzes (schedule.py), keeps what is new (folder.py), makes findings small and turns them into transcripts
(findings.py, transcripts.py), and ends with a table (report.py). It never succeeds where a target did not run.
"""

import os
import pathlib
import signal
import sys

import findings
import fuzzer
import options as command_line
import report
import transcripts
from folder import Folder, artifacts_of
from ledger import Ledger
from schedule import Lane, Merges, Schedule
from workspace import ToolError, Workspace, tail


class Stop:
    """Ctrl-C and SIGTERM: the first one asks for the end, the second one does not ask."""

    def __init__(self):
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked)

    def _asked(self, number, _):
        if self.signal:
            os._exit(128 + number)
        self.signal = number

    @property
    def asked(self):
        return self.signal != 0


class Campaign:
    """One campaign over some targets. It is the schedule's watcher."""

    def __init__(self, workspace, folder, ledger, options, stop, out):
        self.workspace, self.folder, self.options, self.stop = workspace, folder, options, stop
        self.ledger = ledger
        self.progress = report.Progress(out, options)
        self.lanes, self.findings, self.problems = [], [], []
        self.dictionary = None

    def build(self, targets):
        self.workspace.build(self.workspace.labels(targets), quiet=not self.progress.on_terminal)
        dictionary = self.workspace.dictionary()
        self.dictionary = dictionary and self.folder.program(dictionary)
        for target in targets:
            program = self.folder.program(self.workspace.fuzzer(target))
            bench = findings.Bench(self.folder, program, self.options.timeout, self.options.memory)
            work = self.folder.work_for(target, self.workspace.seeds(target))
            self.lanes.append(Lane(target, program, work, bench))
            self.ledger.restore(self.lanes[-1])

    def introduce(self, out):
        counted, options = report.counted, self.options
        out.write(f"{counted(len(self.lanes), 'target')}, {counted(options.jobs, 'job')}, seed {self.ledger.seed}\n")
        if self.ledger.goes_on:
            out.write(f"It goes on after {report.clock(self.ledger.seconds)}.\n")
        if options.runs and not fuzzer.addresses_can_be_fixed():
            out.write("This system does not let addresses be fixed, so a run may not repeat exactly.\n")
        out.flush()

    def resume(self):
        """Takes up what a campaign left behind that was killed, and tries earlier findings again."""
        for lane in self.lanes:
            for directory in lane.work.left_behind():
                self._collect(lane, directory, None)
                lane.add(*lane.work.end_left_behind(directory))
        by_name = {lane.name: lane for lane in self.lanes}
        for finding in findings.kept(self.folder, by_name):
            lane = by_name[finding.target]
            if findings.try_again(finding, lane.bench):
                self._know(finding, lane)
            else:
                self.progress.say(f"{finding.name} no longer happens: {finding.known['sentence']}")
                lane.work.keep_octets(finding.input)
                findings.remove(finding)

    def _know(self, finding, lane):
        lane.bad_inputs |= finding.names_of_inputs()
        if finding.name not in [known.name for known in self.findings]:
            self.findings.append(finding)
            self.progress.finding(finding)

    def run(self):
        schedule = Schedule(self.lanes, self.options, self.dictionary, self.ledger, self.stop, self)
        schedule.fuzz()
        Merges([lane for lane in self.lanes if lane.executions], schedule, self.stop, self).run()
        for finding in self.findings:
            if not self.stop.asked and not finding.known["reduced"]:
                self._finish(finding)
        if not self.stop.asked:
            self.ledger.finish()

    def _finish(self, finding):
        lane = next(lane for lane in self.lanes if lane.name == finding.target)
        findings.make_smaller(finding, lane.bench)
        transcripts.make(finding, lane.target, self.workspace, quiet=True)
        lane.bad_inputs |= finding.names_of_inputs()

    # ---- What the schedule tells --------------------------------------------------------------------------------

    def tick(self, schedule):
        self.progress.tick(schedule)

    def ended(self, running):
        self.progress.ended(running)

    def collect(self, running):
        """Whether an ended process left a new finding. One that failed and left none is a problem, and so is one that
        did nothing."""
        new = self._collect(running.lane, running.directory, running.seed)
        process = running.process
        if artifacts_of(running.directory) or self.stop.asked or (process.status == 0 and process.executions > 0):
            return new
        running.lane.problem = (f"{running.lane.name}: the fuzzer ended with status {process.status} after "
                                f"{report.counted(process.executions, 'execution')}, and laid no finding down:\n"
                                f"{tail(process.text().decode(errors='replace'))}")
        return new

    def _collect(self, lane, directory, seed):
        any_new = False
        for _, artifact in artifacts_of(directory):
            log = (directory / "log").read_bytes()
            finding, new = findings.record(self.folder, lane.bench, lane.name, artifact, log, seed)
            lane.bad_inputs.add(artifact.name.partition("-")[2])
            if finding is not None:
                self._know(finding, lane)
            any_new |= new
        return any_new

    # ---- The end ------------------------------------------------------------------------------------------------

    def judge(self):
        """The exit status."""
        for lane in self.lanes:
            if lane.problem:
                self.problems.append(lane.problem)
            elif lane.executions == 0 and not self.stop.asked:
                self.problems.append(f"{lane.name}: the fuzzer executed nothing")
        if self.findings:
            return 1
        if self.problems:
            return os.EX_SOFTWARE
        return 128 + self.stop.signal if self.stop.asked else 0

    def status_of_failure(self):
        """The same where the campaign itself could not go on: what it found counts all the same."""
        if self.findings:
            return 1
        return 128 + self.stop.signal if self.stop.asked else os.EX_SOFTWARE

    def tell(self, out):
        self.status = self.judge()
        self.progress.say("")
        out.write(report.table(self.lanes, self.findings, self.options) + "\n")
        if self.stop.asked:
            out.write("\nInterrupted. All inputs and findings so far are kept; the same command goes on.\n")
        for finding in self.findings:
            out.write(f"\n{report.of_finding(finding, self.workspace.root)}\n")
        for problem in self.problems:
            out.write(f"\n{problem}\n")
        adoptable = [lane.name for lane in self.lanes if lane.new_inputs and lane.target.home]
        if adoptable:
            command = report.adopt_command(self.folder.path, self.workspace.root, adoptable)
            out.write(f"\nNew inputs into the tree: {command}\n")
        out.flush()


def chosen(workspace, options):
    known = workspace.targets()
    for name in options.targets:
        if name not in known:
            options.parser.error(f"there is no fuzz target {name}; there are {', '.join(known)}")
    return [known[name] for name in known if not options.targets or name in options.targets]


def write_json(campaign, place):
    if place:
        text = report.as_json(campaign) + "\n"
        if place == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            pathlib.Path(place).write_text(text)


def main():
    workspace = Workspace(os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd()))
    options = command_line.read(sys.argv[1:], workspace.root)
    out = sys.stderr if options.json == "-" else sys.stdout
    stop = Stop()
    campaign = None
    try:
        if options.json not in (None, "-"):
            open(options.json, "ab").close()  # better now than after an hour
        targets = chosen(workspace, options)
        folder = Folder(options.out)
        if options.fresh:
            folder.forget()
        ledger = Ledger(folder.path / "ledger.json", options, [target.name for target in targets])
        campaign = Campaign(workspace, folder, ledger, options, stop, out)
        campaign.build(targets)
        campaign.introduce(out)
        campaign.resume()
        campaign.run()
        campaign.tell(out)
        write_json(campaign, options.json)
    except (ToolError, OSError) as e:
        if not stop.asked:  # else that is why
            sys.stderr.write(f"campaign: {e}\n")
        return campaign.status_of_failure() if campaign else 128 + stop.signal if stop.asked else os.EX_SOFTWARE
    return campaign.status


if __name__ == "__main__":
    sys.exit(main())
