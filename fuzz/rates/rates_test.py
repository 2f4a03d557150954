#!/usr/bin/env python3
"""The form of what rates.py says, with programs that stand in for fuzzers: no speed is judged."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RATES = pathlib.Path(sys.argv.pop(1)).resolve()
NAMES = ("ceiling", "reply", "base64", "session_bare", "session")

# Says what libFuzzer says: so many executions when it is told to end, `num` in all, or that it found something. As
# libFuzzer does, it merges the inputs of the last folder into the one before, here into one that is called "merged".
STANDIN = """#!/usr/bin/env python3
import os, signal, sys
if "-merge=1" in sys.argv:
    if {merges}:
        open(sys.argv[-2] + "/merged", "wb").write(open(sys.argv[-1] + "/seed", "rb").read())
    sys.exit(0)
seeds = [word for word in sys.argv if word.startswith("-seed_inputs=@")][0][len("-seed_inputs=@"):]
for seed in open(seeds).read().split(","):
    open(seed, "rb").close()
    if "ceiling" not in sys.argv[0] and os.path.basename(seed) != "merged":
        sys.exit("the corpus as it is: " + seed)
def end(*_):
    print("stat::number_of_executed_units: {num}", file=sys.stderr, flush=True)
    os._exit({status})
signal.signal(signal.SIGUSR1, end)
print("#7\\tINITED cov: 1 ft: 1", file=sys.stderr, flush=True)
while {goes_on}:
    pass
"""


class Rates(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.programs = pathlib.Path(scratch.name)
        for name in ("reply", "base64", "session"):
            (self.programs / f"{name}_corpus").mkdir()
            (self.programs / f"{name}_corpus/seed").write_text("x", encoding="utf-8")
        for name in NAMES:
            self.stand_in(name, 1007 if name == "ceiling" else 1000007)  # far from what a busy machine could turn

    def stand_in(self, name, num, status=0, goes_on=True, merges=True):
        path = self.programs / f"{name}_fuzzer"
        path.write_text(STANDIN.format(num=num, status=status, goes_on=goes_on, merges=merges), encoding="utf-8")
        path.chmod(0o755)

    def rates(self, *arguments):
        return subprocess.run([sys.executable, RATES, f"--programs={self.programs}", "--seconds=0.05", *arguments],
                              capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})

    def test_says_each_target_beside_the_ceiling(self):
        answer = self.rates("--json")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        said = json.loads(answer.stdout)
        self.assertEqual([row["target"] for row in said["targets"]], list(NAMES))
        self.assertEqual([row["wanted"] for row in said["targets"]], [None, 0.25, 0.2, 0.08, 0.04])
        self.assertEqual(said["targets"][0]["ratio"], 1)
        self.assertTrue(all(row["reached"] and row["executions_per_cpu_second"] > 0 for row in said["targets"]))

    def test_a_target_that_is_too_slow_is_named(self):
        self.stand_in("base64", 8)
        answer = self.rates()
        self.assertEqual((answer.returncode, answer.stderr), (1, ""))
        self.assertEqual([line.split()[0] for line in answer.stdout.splitlines()], ["target", *NAMES])
        self.assertEqual([line.split()[0] for line in answer.stdout.splitlines() if "missed" in line], ["base64"])

    def test_a_finding_is_no_rate(self):
        self.stand_in("reply", 1000, status=77)
        answer = self.rates()
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertIn("reply_fuzzer found something", answer.stderr)

    def test_a_corpus_that_does_not_merge_is_no_rate(self):
        self.stand_in("reply", 1000, merges=False)
        answer = self.rates()
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertIn("does not merge its corpus", answer.stderr)

    def test_a_fuzzer_that_ends_too_early_is_no_rate(self):
        self.stand_in("session", 1000, goes_on=False)
        answer = self.rates()
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))


if __name__ == "__main__":
    unittest.main()
