"""The demo that tools/run --demo runs: its story is told to the end, in words that a person would see."""

import os
import re
import subprocess
import sys
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case


class Demo(Case):
    def test_story(self):
        done = subprocess.run([sys.executable, os.path.join(paths.SOURCE, "tools/demo.py"), "--build", paths.BUILD,
                               "--home", os.path.join(self.directory, "demo"), "--once"], env=clean_env(),
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"captured: \d+: DR1234567 done")
        shown = re.search("their phone shows: (.*)", done.stdout)[1]
        self.assertEqual(shown, "@Contact 0 DR1234567 - needs correction")


if __name__ == "__main__":
    unittest.main()
