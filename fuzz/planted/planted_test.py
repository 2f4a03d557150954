#!/usr/bin/python3
"""The parts of //fuzz:planted that need no build: heads, the signs of a finding, the bound, what is said and the status.

The fuzzers here are stand-ins of a few lines."""
import contextlib
import io
import os
import sys
import types
import unittest

sys.path.insert(0, "fuzz/planted")
import finding  # pylint: disable=wrong-import-position
import heads  # pylint: disable=wrong-import-position
import planted  # pylint: disable=wrong-import-position
import scratch  # pylint: disable=wrong-import-position

TMP = os.environ["TEST_TMPDIR"]


def write(name, text, executable=False):
    path = os.path.join(TMP, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755 if executable else 0o644)
    return path


class Heads(unittest.TestCase):
    def test_head_of_a_patch(self):
        path = write("p.patch", "A dot is\nnot doubled.\nbreaks: RFC 5321, section 4.5.2\nseen: somewhere\n"
                     "targets: body session\nonly: model\n--- a/engine/body.c\n+++ b/engine/body.c\n"
                     "@@ -1 +1 @@\n-seen: here\n+targets: there\n")
        self.assertEqual(heads.read(path), {
            "what": "A dot is not doubled.", "breaks": "RFC 5321, section 4.5.2", "seen": "somewhere",
            "targets": ["body", "session"], "only": "model", "files": ["engine/body.c"]})

    def test_a_patch_without_a_head(self):
        path = write("q.patch", "--- a/engine/body.c\n+++ b/engine/body.c\n@@ -1 +1 @@\n-a\n+b\n")
        self.assertEqual((heads.read(path)["targets"], heads.read(path)["files"]), ([], ["engine/body.c"]))


class Signs(unittest.TestCase):
    def test_each_sign(self):
        for said, wanted in (
                ("fuzz/witness.c:12: does not hold (recut): a == b\n==1== ERROR: libFuzzer: deadly signal\n",
                 ("recut", "a == b")),
                ("==1==ERROR: AddressSanitizer: heap-buffer-overflow on address\n",
                 ("sanitizer", "heap-buffer-overflow")),
                ("engine/a.c:1:2: runtime error: shift exponent 64\n", ("sanitizer", "shift exponent 64")),
                ("==1== ERROR: libFuzzer: deadly signal\n", ("assertion", "deadly signal")),
                ("==1== ERROR: libFuzzer: timeout after 20 seconds\n", ("timeout", "timeout")),
                ("no input of the corpus reaches: a reply\n", ("goal", "reaches: a reply")),
                ("what is this\n", ("test", ""))):
            self.assertEqual(finding.classify(said), wanted)

    def test_executions(self):
        self.assertEqual(finding.executions("#8\tpulse\n#120\tNEW\n"), 120)
        self.assertEqual(finding.executions("#8\tpulse\nstat::number_of_executed_units: 11\n"), 11)
        self.assertEqual(finding.executions(""), 0)


class Runs(unittest.TestCase):
    def test_a_finding(self):
        fuzzer = write("finds", "#!/bin/bash\necho '#7 NEW'\necho 'fuzz/a.c:1: does not hold (model): x' >&2\n"
                       "kill -ABRT $$\n", executable=True)
        one = finding.run(fuzzer, 5, 1, f"{TMP}/f1/found")
        self.assertEqual((one["found"], one["executions"]), (("model", "x"), 7))

    def test_the_bound_is_of_cpu_time(self):
        fuzzer = write("spins", "#!/bin/bash\ntrap 'echo libFuzzer: run interrupted; echo \"#99 DONE\"; exit 72' INT\n"
                       "while :; do :; done\n", executable=True)
        one = finding.run(fuzzer, 0.3, 1, f"{TMP}/f2/found")
        self.assertEqual((one["found"], one["executions"]), (None, 99))
        self.assertGreaterEqual(one["cpu"], 0.3)

    def test_slices_come_to_the_bound(self):
        for bound in (1, 5, 60):
            for num in (1, 2, 3, 19):
                slices = list(finding.slices(bound, num))
                self.assertAlmostEqual(sum(seconds for _, seconds in slices), bound, delta=0.1)
                if bound == 60:
                    self.assertEqual({i for i, _ in slices}, set(range(num)))


def run_of(found, **more):
    return {"seed": 1, "found": found, "executions": 10, "cpu": 1.0, **more}


def result_of(name, found, corpus=None, **more):
    run = run_of(found, target="session", oracle="model", words="w") if found else run_of(found)
    return {"id": name, "what": "", "corpus": corpus, "fuzz": [run], **more}


class Summaries(unittest.TestCase):
    def test_missed_patches_are_named(self):
        options = planted.parse(["--fuzz-only"])
        summary = planted.summarise([result_of("a", True), result_of("b", False)], options)
        self.assertEqual((summary["wrong"], summary["seeds"][0]["found"], summary["seeds"][0]["by_oracle"]),
                         (["b"], 1, {"model": 1}))
        self.assertEqual(summary["seeds"][0]["missed"], ["b"])

    def test_of_nothing_planted_nothing_is_found(self):
        options = planted.parse(["--clean"])
        self.assertTrue(planted.is_right(result_of(planted.CLEAN, False), options))
        self.assertFalse(planted.is_right(result_of(planted.CLEAN, True), options))
        self.assertFalse(planted.is_right(result_of(planted.CLEAN, False, {"target": "reply"}), options))

    def test_the_only_finder(self):
        options = planted.parse(["--only-finder"])
        missed, found = [run_of(False)], [run_of(True, target="reply", oracle="recut", words="")]
        self.assertTrue(planted.is_right(result_of("a", True, only="model", without=missed), options))
        self.assertFalse(planted.is_right(result_of("a", True, only="model", without=found), options))

    def test_lines(self):
        lines = planted.lines_of(result_of("a", True), planted.parse(["--fuzz-only"]))
        self.assertIn("session, model, after 10 executions, 1.0 s: w", lines[0])


class Usage(unittest.TestCase):
    def status_of(self, *argv):
        with contextlib.redirect_stderr(io.StringIO()):
            try:
                return planted.main(list(argv))
            except SystemExit as end:
                return end.code

    def test_usage(self):
        for argv in (["no-such-patch"], ["--patch", "/nowhere"], ["--seconds", "0"], ["--oracles", "luck"],
                     ["--fuzz-only", "--corpus-only"], ["--from", "here"]):
            self.assertEqual(self.status_of(*argv), 64, argv)


class Copies(unittest.TestCase):
    def copy(self):
        source = os.path.join(TMP, "source")
        os.makedirs(f"{source}/engine", exist_ok=True)
        os.makedirs(f"{source}/bazel-bin", exist_ok=True)
        with open(f"{source}/engine/a.c", "w", encoding="utf-8") as file:
            file.write("one\ntwo\n")
        return scratch.Scratch(source, os.path.join(TMP, f"copy-{self.id()}"))

    def test_a_patch_takes_the_place_of_the_one_before(self):
        copy = self.copy()
        patches = [write(f"{word}.patch", f"--- a/engine/a.c\n+++ b/engine/a.c\n@@ -1,2 +1,2 @@\n-one\n+{word}\n two\n")
                   for word in ("three", "four")]
        for path, wanted in ((patches[0], "three\ntwo\n"), (patches[1], "four\ntwo\n"), (None, "one\ntwo\n")):
            copy.apply(path)
            with open(f"{copy.tree}/engine/a.c", encoding="utf-8") as file:
                self.assertEqual(file.read(), wanted)
        self.assertFalse(os.path.exists(f"{copy.tree}/bazel-bin"))

    def test_a_patch_that_does_not_apply(self):
        copy = self.copy()
        bad = write("bad.patch", "--- a/engine/a.c\n+++ b/engine/a.c\n@@ -1,2 +1 @@\n-one\n-nine\n+ten\n")
        with self.assertRaises(scratch.Broken):
            copy.apply(bad)
        copy.apply(None)
        self.assertEqual(os.listdir(f"{copy.tree}/engine"), ["a.c"])

    def test_a_copy_has_one_run(self):
        first = self.copy()
        with self.assertRaises(scratch.Broken):
            self.copy()
        first.lock.close()
        self.copy().lock.close()

    def test_oracles_that_do_not_judge(self):
        self.assertEqual(scratch.oracle_options(scratch.ORACLES), [])
        self.assertEqual(scratch.oracle_options(["invariant", "recut", "sanitizer"]),
                         ["--per_file_copt=fuzz/.*@-DEHLO_FUZZ_ORACLES=5"])
        self.assertEqual(len(scratch.oracle_options(list(scratch.BITS))), 2)

    def test_what_a_test_said(self):
        copy = types.SimpleNamespace(bazel=lambda *_: types.SimpleNamespace(
            returncode=3, stdout="", stderr="=====  x\n==================== Test output for //fuzz:reply:\nsaid\n"
            "==========\n//fuzz:body    PASSED in 0.1s\n//fuzz:reply    FAILED in 0.1s\n"))
        self.assertIn("said", scratch.Scratch.test(copy, [])["//fuzz:reply"])


if __name__ == "__main__":
    unittest.main()
