"""What tools/test counts: a test that was skipped, not started, or not there is none that passed."""

import contextlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree
from unittest import mock

from harness import runner, skips
from harness.case import Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import ctest_counts  # noqa: E402


class Some(unittest.TestCase):
    def passes(self):
        pass

    def fails(self):
        self.fail("as it should")

    def skips(self):
        self.skipTest("no such program")

    def skips_big(self):
        self.skipTest(skips.FULL_ONLY + "takes long")


class Runner(unittest.TestCase):
    def run_them(self, *names, ci=False):
        said = io.StringIO()
        with mock.patch.object(skips, "CI", ci), contextlib.redirect_stderr(said):
            status = runner.run_suite(unittest.TestSuite(map(Some, names)), said)
        return status, said.getvalue()

    def test_a_file_whose_tests_were_all_skipped_is_skipped(self):
        status, said = self.run_them("skips", "skips_big")
        self.assertEqual(status, 77)
        self.assertIn("\nSKIPPED: 2 tests\n", said)

    def test_the_skipped_ones_of_a_file_are_counted(self):
        status, said = self.run_them("passes", "skips")
        self.assertEqual(status, 0)
        self.assertIn("\nSKIPPED: 1 tests\n", said)
        self.assertEqual(self.run_them("skips", "fails")[0], 1)
        self.assertNotIn("SKIPPED", self.run_them("passes")[1])

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.run_them()[0], 1)

    def test_in_ci_a_skip_is_a_failure_but_for_the_named_ones(self):
        status, said = self.run_them("passes", "skips", ci=True)
        self.assertEqual(status, 1)
        self.assertIn("no such program", said)
        self.assertEqual(self.run_them("passes", "skips_big", ci=True)[0], 0)
        with mock.patch.dict(skips.MACHINE, {f"{Some.__module__}.Some": "a reason"}):
            self.assertEqual(self.run_them("passes", "skips", ci=True)[0], 0)

    def test_the_classes_that_ci_may_go_without_exist(self):
        for name in skips.MACHINE:
            self.assertTrue(unittest.TestLoader().loadTestsFromName(name).countTestCases(), name)


class Screens(Case):
    def run_without_screens(self, ci):
        done = subprocess.run([sys.executable, ROOT / "tests/e2e/run_e2e.py", "test_terminal"], capture_output=True, text=True,
                              check=False, timeout=60, env={**os.environ, "PATH": self.directory, "CI": ci})
        return done.returncode, done.stderr

    def test_without_the_programs_for_screens(self):
        status, said = self.run_without_screens("")
        self.assertEqual(status, 77, said)
        self.assertRegex(said, r"\nSKIPPED: \d+ tests\n")
        self.assertIn("tools/setup-debian screens", said)
        self.assertEqual(self.run_without_screens("true")[0], 1)


class Counts(unittest.TestCase):
    def counted(self, *cases, status=0, ci=False):
        found = [tree.fromstring(f'<testcase name="t{i}" {case}</testcase>') for i, case in enumerate(cases)]
        *numbers, lines = ctest_counts.counts(found, status, ci)
        return numbers, "\n".join(lines)

    def test_a_program_that_could_not_be_started_failed(self):
        numbers, lines = self.counted('status="run">', 'status="notrun"><skipped message="Unable to find executable"/>',
                                      'status="fail"><failure message=""/>', 'status="disabled">', status=8)
        self.assertEqual(numbers, [1, 3, 0])
        self.assertIn("t1 was not run: Unable to find executable", lines)

    def test_what_says_that_it_skipped_is_skipped(self):
        ours = '<skipped message="SKIP_RETURN_CODE=77"/><system-out>...\nSKIPPED: 4 tests\n</system-out>'
        self.assertEqual(self.counted(f'status="notrun">{ours}', 'status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'),
                         ([0, 0, 5], ""))

    def test_the_skipped_ones_of_a_program_that_passed(self):
        cases = ('status="run"><system-out>x\nSKIPPED: 2 tests\n</system-out>',
                 'status="run"><system-out>[  SKIPPED ] a\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] a\n</system-out>')
        numbers, lines = self.counted(*cases)
        self.assertEqual(numbers, [2, 0, 3])
        self.assertIn("t0 skipped 2 of its tests", lines)
        self.assertEqual(self.counted(*cases, ci=True)[0], [1, 1, 2])

    def test_the_status_of_ctest_counts(self):
        self.assertEqual(self.counted('status="run">', status=8)[0], [1, 1, 0])
        self.assertEqual(self.counted(status=1)[0], [0, 1, 0])

    def test_what_says_nothing_ran_or_vanished_is_a_failure(self):
        """tools/test: a name that is none, no name at all, and fuzz targets that are gone."""
        with tempfile.TemporaryDirectory() as scratch:
            tools = pathlib.Path(scratch) / "tree/tools"
            tools.mkdir(parents=True)
            (tools.parent / "tests/fuzz").mkdir(parents=True)
            for name in ("test", "builds.sh"):
                shutil.copy(ROOT / "tools" / name, tools)
            for suites, status, said in (("unti", 2, "there is no suite 'unti'"), (" ", 1, "nothing was run"),
                                         ("fuzzing", 1, "only 0 fuzz targets")):
                done = subprocess.run([tools / "test"], capture_output=True, text=True, check=False, timeout=60,
                                      env={**os.environ, "WB_BUILD_DIR": scratch + "/builds", "WB_TEST_SUITES": suites})
                self.assertEqual(done.returncode, status, done)
                self.assertIn(said, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
