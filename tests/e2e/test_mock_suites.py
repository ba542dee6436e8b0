"""What tests/peers/run_suites.py makes of a suite's outcome: which failures it lets pass."""

import contextlib
import io
import unittest

import run_suites


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

    def test_what_passes_though_it_is_left_out_is_named(self):
        good, said = self.judge(Played({"newsletter::join": "ok"}))
        self.assertTrue(good)
        self.assertIn("left out, but passes: newsletter::join", said)

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
