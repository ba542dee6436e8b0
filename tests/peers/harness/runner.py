"""unittest's runner with the time of each test, one way to name the tests to run, and a count of
skipped tests."""

import time
import unittest

from . import skips

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class _Result(unittest.TextTestResult):
    passed = 0

    def startTest(self, test):
        self._started = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.passed += 1
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok {time.monotonic() - self._started:.1f} s")

    def addSkip(self, test, reason):
        if skips.CI and not skips.allowed(test.id(), reason):
            error = AssertionError(f"skipped, which is a failure with CI=true: {reason}")
            self.addFailure(test, (AssertionError, error, None))
        else:
            super().addSkip(test, reason)


def run(names, folder):
    """names: files, classes or tests; none: every test_*.py of the folder. The exit status: 77 when all were skipped."""
    loader = unittest.TestLoader()
    if names:
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.discover(str(folder), "test_*.py", str(folder))
    return run_suite(suite)


def run_suite(suite, stream=None):
    result = unittest.TextTestRunner(stream=stream, verbosity=2, resultclass=_Result).run(suite)
    skipped = len(result.skipped)
    if skipped:
        # tests/ctest_counts.py reads this line.
        result.stream.writeln(f"SKIPPED: {skipped} tests")
    if not result.wasSuccessful():
        return 1
    if not result.passed:
        return SKIPPED if skipped else 1  # a run without any test is no success
    return 0
