"""What the tests wait with: whoever waits in vain says so soon."""

import contextlib
import io
import shutil
import threading
import time
import unittest

from harness import case, killing
from harness.bridge import Bridge
from harness.process import Timeout, poll


class Counted:
    """As a bridge whose rows become more for a while."""

    def __init__(self, until):
        self.rows, self.until = 0, until

    def count(self):
        self.rows = min(self.rows + 1, self.until)
        return self.rows

    def poll(self, ask, timeout, what):
        return poll(ask, timeout, what)

    def wait(self, wanted, stall):
        Bridge.wait_growing(self, self.count, wanted, "rows", stall)


class Cases(case.Case):
    tried = []

    def three(self):
        for number in range(3):
            with self.subTest(number):
                self.tried.append(number)
                self.assertEqual(number, 1)


class Harness(unittest.TestCase):
    def test_what_grows_is_waited_for_as_long_as_it_grows(self):
        Counted(30).wait(30, stall=0.5)

    def test_what_grows_no_more_fails_soon(self):
        start = time.monotonic()
        with self.assertRaisesRegex(Timeout, "rows: 3 of 30"):
            Counted(3).wait(30, stall=0.3)
        self.assertLess(time.monotonic() - start, 5)

    def tried(self, slow_s):
        self.addCleanup(setattr, case, "SLOW_CASE_S", case.SLOW_CASE_S)
        case.SLOW_CASE_S = slow_s
        Cases.tried = []
        cases = Cases("three")
        with contextlib.redirect_stdout(io.StringIO()):
            cases.run(unittest.TestResult())
        shutil.rmtree(cases.directory)
        return Cases.tried

    def test_cases_behind_one_that_waited_in_vain_are_not_tried(self):
        self.assertEqual(self.tried(slow_s=0), [0])

    def test_cases_that_fail_at_once_are_all_tried(self):
        self.assertEqual(self.tried(slow_s=10), [0, 1, 2])

    def test_a_killer_that_does_not_get_on_is_noticed(self):
        killer = killing.Killer(None, None, None, kills=5)
        killer.kills = 2
        with self.assertRaisesRegex(AssertionError, "only 2 of 5 kills"):
            killer.wait(stall=0.2)
        threading.Timer(0.3, killer._done.set).start()
        killer.wait(stall=20)


if __name__ == "__main__":
    unittest.main()
