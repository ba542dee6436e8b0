#!/usr/bin/env python3
"""Runs the end-to-end tests: the real binaries, looked at from outside only.

run_e2e.py [test_cli test_health.HealthTest.test_x ...]   (default: all in this folder)
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "peers")]

from harness import runner  # noqa: E402

if __name__ == "__main__":
    sys.exit(runner.run(sys.argv[1:], HERE))
