"""unittest's runner with the time of each test, and one way to name what to run."""

import time
import unittest


class _Result(unittest.TextTestResult):
    def startTest(self, test):
        self._started = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok {time.monotonic() - self._started:.1f} s")


def run(names, folder):
    """names: files, classes or tests; none: every test_*.py of the folder. The exit status."""
    loader = unittest.TestLoader()
    if names:
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.discover(str(folder), "test_*.py", str(folder))
    runner = unittest.TextTestRunner(verbosity=2, resultclass=_Result)
    return 0 if runner.run(suite).wasSuccessful() else 1
