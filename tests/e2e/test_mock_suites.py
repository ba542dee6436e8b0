"""What tests/peers/run_suites.py makes of a suite's outcome: which failures it lets pass."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import run_suites

DOCS_TITLE = run_suites.LEFT_OUT_TITLE


class Played(run_suites.Suite):
    """A suite whose cases end as they are told, the second time as `second` says."""

    name = "whatsapp-rust"

    def __init__(self, cases, second=()):
        super().__init__(".", 60)
        self.outcome, self.second, self.asked = cases, dict(second), []

    def cases(self, chosen):
        self.asked.append(chosen)
        if chosen is None:
            return dict(self.outcome)
        return {case: self.second.get(case, self.outcome[case]) for case in chosen}


class MockSuites(unittest.TestCase):
    def judge(self, suite):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            return run_suites.judge(suite, None), said.getvalue()

    def test_a_failure_that_is_not_documented_counts(self):
        good, said = self.judge(Played({"messaging::a": "ok", "messaging::b": "failed"}))
        self.assertFalse(good)
        self.assertIn("1 of 2 passed, 0 left out, 1 failed unexpectedly", said)
        self.assertIn("FAILED: messaging::b", said)

    def test_a_documented_one_does_not(self):
        self.assertIn("newsletter::*", run_suites.documented("whatsapp-rust"))
        good, said = self.judge(Played({"messaging::a": "ok", "newsletter::join": "failed"}))
        self.assertTrue(good)
        self.assertIn("1 of 2 passed, 1 left out, 0 failed unexpectedly", said)

    def test_what_passes_though_it_is_left_out_fails(self):
        good, said = self.judge(Played({"newsletter::join": "ok"}))
        self.assertFalse(good)
        self.assertIn("FAILED: wa-mock.md leaves it out, but it passes; strike it there: newsletter::join", said)

    def test_a_table_that_says_something_twice_is_refused(self):
        good = (DOCS_TITLE + "\n| Baileys 1 (7), `src` | 2 |\n| whatsapp-rust 1, `e2e` | 3 |\n"
                "| Baileys | `a::*` | why |\n| whatsapp-rust | `a::*` | why |\n")
        self.assertEqual(run_suites.documented("Baileys", good), ["a::*"])
        for added, word in (("| Baileys 2 (8), `src` | 2 |\n", "two rows"), (DOCS_TITLE + "\n", "once"),
                            ("| Baileys | `a::*` | another reason |\n", "twice")):
            with self.subTest(word), self.assertRaisesRegex(SystemExit, word):
                run_suites.documented("Baileys", good + added)

    def test_flags_are_shown_with_what_they_are(self):
        suite = Played({"messaging::a": "ok"})
        suite.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, suite.directory)
        suite.flags = 2 * [{"what": "bad-message", "detail": "a chat has no device number", "stanza": "<message/>"}]
        _, said = self.judge(suite)
        self.assertIn("2 flags", said)
        self.assertIn("flag: bad-message: a chat has no device number (2 times)", said)
        with open(os.path.join(suite.directory, "whatsapp-rust-flags.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), suite.flags)

    def test_only_looks_at_the_names_of_files_too(self):
        with tempfile.TemporaryDirectory() as checkout:
            os.makedirs(os.path.join(checkout, "src", "e2e"))
            for name in ("groups", "messaging"):
                with open(os.path.join(checkout, "src", "e2e", name + ".test-e2e.ts"), "w", encoding="utf-8"):
                    pass
            suite = run_suites.Baileys(checkout, 60)
            self.assertEqual(suite.named("group"), ["groups::", "messaging::group"])
            self.assertEqual(suite.named("messaging::should"), ["messaging::should"])
            ran = []
            suite._run = lambda title, files, names: ran.append((files, names)) or {}  # pylint: disable=protected-access
            suite.cases(suite.named("group"))
            suite.cases(["groups::Groups makes one", "messaging::sends"])
            self.assertEqual(ran, [(["groups"], []), (["messaging"], ["group"]),
                                   (["groups", "messaging"], ["Groups makes one", "sends"])])

    def test_what_is_missing_is_said(self):
        program = os.path.join(os.path.dirname(run_suites.__file__), "run_suites.py")
        with tempfile.TemporaryDirectory() as empty:
            for kind, env, words in (("--baileys", {}, "is no checkout of Baileys"),
                                     ("--whatsapp-rust", {}, "is no checkout of whatsapp-rust"),
                                     ("--baileys", {"WB_MOCK": os.path.join(empty, "wa-mock")}, "build it with")):
                done = subprocess.run([sys.executable, program, kind, empty], env={**os.environ, **env},
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_a_failed_case_is_tried_once_more_alone(self):
        suite = Played({"messaging::a": "failed", "messaging::b": "failed", "newsletter::join": "failed"},
                       {"messaging::a": "ok"})
        good, said = self.judge(suite)
        self.assertFalse(good)
        self.assertEqual(suite.asked, [None, ["messaging::a", "messaging::b"]])
        self.assertIn("at the second try: messaging::a", said)
        self.assertIn("FAILED: messaging::b", said)

    def test_a_suite_that_runs_nothing_or_too_long_fails(self):
        self.assertFalse(self.judge(Played({}))[0])
        suite = Played({"messaging::a": "ok"})
        suite.cut_short = True
        self.assertFalse(self.judge(suite)[0])
