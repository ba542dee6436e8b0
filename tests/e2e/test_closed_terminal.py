"""A bridge that was started in a terminal ends with it, unless it was to go on; elsewhere SIGHUP reads the settings."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import unittest

from harness import bridge, paths
from harness.case import Case

PHONE = "27820000001"
RELOADED, STOPPED = "settings read again", "the terminal that it was started on is closed"
# Takes the terminal that is its standard input as its own, and becomes the program.
OWN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class ClosedTerminalTest(Case):
    def start(self, *under, shell=""):
        """Nothing of it is in the terminal but its controlling terminal: the log is a file."""
        self.mock = self.start_mock()
        self.port = bridge.free_port()
        self.log = os.path.join(self.directory, "log")
        argv = [*under, paths.BRIDGE, "--phone", "+" + PHONE, "--store", os.path.join(self.directory, "store"),
                "--port", str(self.port), "--server-url", self.mock.url, "--root-key", self.mock.root_key,
                "--log-file", self.log]
        if shell:  # a shell that stays, with the program as its job
            argv = ["sh", "-c", shell, "sh", *argv]
        self.window, terminal = pty.openpty()
        out = open(os.path.join(self.directory, "out"), "wb")  # pylint: disable=consider-using-with
        self.addCleanup(out.close)
        self.child = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-c", OWN, *argv], env=bridge.clean_env(), stdin=terminal, stdout=out, stderr=out,
            start_new_session=True)
        self.addCleanup(self.end)
        os.close(terminal)
        self.says("API on")

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)  # the shell's job, too
        self.child.wait(10)

    def said(self, what):
        try:
            with open(self.log, encoding="utf-8") as file:
                return file.read().count(what)
        except FileNotFoundError:
            return 0

    def says(self, what, count=1):
        bridge.poll(lambda: self.said(what) >= count, 20, f"the log says {what!r}")

    def test_it_ends_with_the_terminal(self):
        self.start()
        os.kill(self.child.pid, signal.SIGHUP)
        self.says(RELOADED)  # as long as the terminal is there
        os.close(self.window)
        self.assertEqual(self.child.wait(10), 0)
        self.assertEqual((self.said(STOPPED), self.said(RELOADED)), (1, 1))

    def test_it_ends_with_the_terminal_of_the_shell_that_started_it(self):
        self.start(shell='"$@" & wait')
        os.close(self.window)
        self.says("ended with status 0")

    def test_with_nohup_it_goes_on_and_reloads(self):
        self.start("nohup")
        os.close(self.window)
        self.says(RELOADED)
        os.kill(self.child.pid, signal.SIGHUP)
        self.says(RELOADED, 2)
        self.assertEqual(self.said(STOPPED), 0)
        os.kill(self.child.pid, signal.SIGTERM)
        self.assertEqual(self.child.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
