#!/usr/bin/env python3
"""run_mutation.py on a small tree of its own: which faults it calls killed, which survivors, and
its status."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

RUNNER = pathlib.Path(__file__).resolve().parent / "run_mutation.py"

CMAKE = """
    cmake_minimum_required(VERSION 3.25)
    project(small LANGUAGES C)
    enable_testing()
    add_library(value STATIC value.c)
    add_executable(whatsapp-bridge main.c)
    target_link_libraries(whatsapp-bridge value)
    add_executable(unit_value unit.c)
    target_link_libraries(unit_value value)
    add_test(NAME unit_value COMMAND unit_value)
    add_test(NAME always_fails COMMAND false)
"""
VALUE = """
    int low(void)
    {
        return 1;
    }

    int high(void)
    {
        return 2;
    }

    int unseen(void)
    {
        return 3;
    }
"""
# The fault makes the test hang, but not for ever: when the runner itself is killed, nobody is left
# to end the test.
UNIT = ("#include <unistd.h>\nint low(void);\nint main(void) { alarm(100); while (low() > 5) {}\n"
        " return low() != 1; }\n")
MAIN = "int high(void);\nint main(void) { return high() != 2; }\n"
RUN_E2E = """
    import os, pathlib, subprocess, sys
    status = subprocess.run([os.environ["WB_BUILD_DIR"] + "/whatsapp-bridge"]).returncode
    test = sys.argv[1].removeprefix("test_run.RunTest.test_")
    if test == "skips":
        status = 77 if status else 0
    if test == "flaky":
        state = pathlib.Path(os.environ["STATE"])
        status = state.exists()
        state.touch()
    sys.exit(status)
"""
TEST_RUN = "class RunTest:\n" + "".join(f"    def test_{name}(self):\n        pass\n" for name in ("runs", "skips", "flaky"))


def patch(old, new, noticed="ctest unit_value", before="{", after="}"):
    return (f"Fault: {old} is {new}\nNoticed-by: {noticed}\n--- a/value.c\n+++ b/value.c\n"
            f"@@ -1,3 +1,3 @@\n {before}\n-{old}\n+{new}\n {after}\n")


class RunnerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.state = scratch.name + "/state"
        self.tree = pathlib.Path(scratch.name) / "tree"
        self.build = self.tree / "build/dev"
        for name, text in (("CMakeLists.txt", CMAKE), ("value.c", VALUE), ("unit.c", UNIT), ("main.c", MAIN),
                           ("tests/e2e/run_e2e.py", RUN_E2E), ("tests/e2e/test_run.py", TEST_RUN)):
            self.write(name, textwrap.dedent(text).lstrip())
        subprocess.run(["cmake", "-G", "Ninja", "-S", self.tree, "-B", self.build], check=True, capture_output=True)

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def fault(self, name, text):
        self.write(f"tests/mutation/faults/{name}.patch", text)

    def command(self, *options):
        return [sys.executable, RUNNER, "--tree", self.tree, "--build-dir", self.build, *options]

    def run_it(self, *options):
        done = subprocess.run(self.command(*options), capture_output=True, text=True, check=False, timeout=200,
                              env={**os.environ, "STATE": self.state})
        return done.returncode, done.stdout + done.stderr

    def test_a_fault_that_a_test_notices_is_killed(self):
        self.fault("a/unit", patch("    return 1;", "    return 4;"))
        self.fault("a/program", patch("    return 2;", "    return 4;", "e2e test_run.RunTest.test_runs"))
        self.fault("a/hangs", patch("    return 1;", "    return 6;"))
        status, output = self.run_it("--test-limit", "12")
        self.assertEqual((status, "mutation: 3 faults, 3 killed in" in output), (0, True), output)
        self.assertRegex(output, "killed +a/hangs \\(slow: 1[0-9] s more")
        self.assertRegex(output, "killed +a/unit\n")
        self.assertIn("return 1;", (self.tree / "value.c").read_text())
        self.assertFalse((self.build.parent / "mutation").exists())

    def test_the_directory_of_all_builds_is_known(self):
        """As tools/test names it in WB_BUILD_DIR: the copies are not made inside the tree that is copied."""
        self.fault("a/unit", patch("    return 1;", "    return 4;"))
        for named in (self.tree / "build", self.build):
            done = subprocess.run([sys.executable, RUNNER, "--tree", self.tree], capture_output=True, text=True,
                                  check=False, timeout=120,
                                  env={**os.environ, "STATE": self.state, "WB_BUILD_DIR": str(named)})
            self.assertIn("mutation: 1 faults, 1 killed in", done.stdout + done.stderr)

    def test_one_that_none_notices_survives(self):
        self.fault("a/unseen", patch("    return 3;", "    return 4;"))
        self.fault("a/one_of_two", patch("    return 1;", "    return 4;",
                                         "ctest unit_value\nNoticed-by: e2e test_run.RunTest.test_runs"))
        status, output = self.run_it()
        self.assertEqual((status, "2 faults, 0 killed, 2 survived" in output), (1, True), output)
        self.assertRegex(output, "survived +a/unseen\n")
        self.assertIn("e2e test_run.RunTest.test_runs passed", output)

    def test_what_is_no_fault_of_a_test_is_not_killed(self):
        self.fault("a/stale", patch("    return 7;", "    return 4;"))
        self.fault("a/typing_error", patch("    return 1;", "    return 4"))
        self.fault("a/broken_test", patch("    return 1;", "    return 4;", "ctest always_fails"))
        status, output = self.run_it()
        self.assertEqual(status, 1, output)
        for words in ("does not apply +a/stale", "does not build +a/typing_error",
                      "cannot be judged +a/broken_test\n +ctest always_fails failed without the fault"):
            self.assertRegex(output, words)
        self.assertIn("3 faults, 0 killed", output)

    def test_check_finds_wrong_headers(self):
        good = patch("    return 1;", "    return 4;")
        self.fault("a/good", good)
        status, output = self.run_it("--check")
        self.assertEqual((status, output), (0, "mutation: 1 faults, 0 problems\n"))
        self.fault("a/silent", good.replace("Fault:", "# "))
        self.fault("a/unnoticed", good.replace("Noticed-by: ctest unit_value\n", ""))
        self.fault("a/no_such_test", patch("    return 1;", "    return 4;", "ctest unit_valu"))
        self.fault("a/no_such_method", patch("    return 1;", "    return 4;", "e2e test_run.RunTest.test_walks"))
        self.fault("a/same", patch("    return 1;", "    return 1;"))
        self.fault("a/stale", patch("    return 7;", "    return 4;"))
        status, output = self.run_it("--check")
        self.assertEqual((status, output.count("\n"), "a/good" in output), (1, 7, False), output)

    def test_what_fails_without_the_fault_too_kills_nothing(self):
        self.fault("a/flaky", patch("    return 1;", "    return 4;", "e2e test_run.RunTest.test_flaky"))
        status, output = self.run_it()
        self.assertEqual(status, 1, output)
        self.assertRegex(output, "cannot be judged +a/flaky\n +e2e test_run.RunTest.test_flaky failed without the fault too")

    def test_a_test_that_is_skipped_kills_nothing(self):
        self.fault("a/skipped", patch("    return 2;", "    return 4;", "e2e test_run.RunTest.test_skips"))
        status, output = self.run_it()
        self.assertEqual((status, "e2e test_run.RunTest.test_skips skipped" in output), (1, True), output)

    def ours(self):
        """The processes that work on this tree."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except OSError:
                continue
            if str(self.tree).encode() in words:
                found.append(words)
        return found

    def test_a_run_that_is_ended_leaves_nothing_and_none_other_comes_in_its_way(self):
        self.fault("a/hangs", patch("    return 1;", "    return 6;"))
        for number in (signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as first:
                try:
                    for line in first.stdout:
                        if "tried without a fault" in line:
                            break
                    status, output = self.run_it()
                    self.assertEqual((status, "another run of run_mutation.py uses" in output), (1, True), output)
                    first.send_signal(number)
                    first.wait(20)
                finally:
                    first.kill()
            limit = time.monotonic() + 10
            while self.ours() and time.monotonic() < limit:
                time.sleep(0.05)
            # With SIGKILL nobody could end the test itself, which ctest had started; it has a limit of its own.
            left = [words for words in self.ours() if number == signal.SIGTERM or b"unit_value" not in words]
            self.assertEqual(left, [])
            if number == signal.SIGTERM:
                self.assertEqual(first.returncode, 128 + number)
                self.assertFalse((self.build.parent / "mutation").exists())

    def test_a_tree_that_does_not_build_leaves_nothing(self):
        self.fault("a/unit", patch("    return 1;", "    return 4;"))
        self.write("value.c", textwrap.dedent(VALUE).lstrip() + "no C\n")
        status, output = self.run_it()
        self.assertEqual((status, "the tree does not build without any fault" in output), (1, True), output)
        self.assertEqual(self.ours(), [])
        self.assertFalse((self.build.parent / "mutation").exists())

    def test_faults_that_vanish_are_a_failure(self):
        self.assertEqual(self.run_it("--check")[0], 1)
        self.assertEqual(self.run_it()[0], 1)
        self.fault("a/unit", patch("    return 1;", "    return 4;"))
        for options in (["--check"], ["--random", "1"]):
            status, output = self.run_it("--at-least", "2", *options)
            self.assertEqual((status, "1 faults, and 2 at least" in output), (1, True), output)

    def test_a_seed_draws_the_same_ones_again(self):
        for number in range(10, 30):
            self.fault(f"a/f{number}", patch("    return 1;", f"    return -{number};"))
        runs = [self.run_it("--random", "2", "--seed", seed)[1] for seed in ("5", "5", "6")]
        drawn = [sorted(line.split()[1] for line in output.splitlines() if "killed  " in line) for output in runs]
        self.assertEqual((len(drawn[0]), drawn[0]), (2, drawn[1]), runs)
        self.assertNotEqual(drawn[0], drawn[2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
