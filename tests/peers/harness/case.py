"""Base class of the tests: one directory per test, kept only when the test failed."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from http.client import HTTPException

from .bridge import Bridge
from .mock import Mock
from .peer import Peer


SLOW_CASE_S = 10


def succeeds(*argv, timeout=240):
    """Runs a program that must end with status 0; returns its output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError((done.stdout + done.stderr)[-8000:])
    return done.stdout.strip()


class Case(unittest.TestCase):
    # Flags of wa-mock that a test provokes or that its clients are known for: {what: reason}.
    expected_flags = {}
    # Whether the test plays devices that nobody vouches for, or keys that are not our phone's. In
    # all other tests the bridge must report none: there are no false alarms.
    forges = False
    maxDiff = None

    def run(self, result=None):
        result = result or self.defaultTestResult()
        self._result, self._bad_before = result, len(result.errors) + len(result.failures)
        self.directory = tempfile.mkdtemp(prefix=f"wb-{self._testMethodName}-",
                                          dir=os.environ.get("WB_TEST_TMP"))
        self._running = []
        super().run(result)
        if self.failing():
            print(f"\nlogs kept in {self.directory}", flush=True)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        return result

    @contextlib.contextmanager
    def subTest(self, *args, **params):
        """One of several cases. If it fails by waiting in vain, the later cases would wait just as
        long: they are not tried."""
        bad = len(self._result.errors) + len(self._result.failures)
        start = time.monotonic()
        with super().subTest(*args, **params):
            yield
        if (len(self._result.errors) + len(self._result.failures) > bad
                and time.monotonic() - start > SLOW_CASE_S):
            self.fail("a case has failed after a long wait: those behind it are not tried")

    def setUp(self):
        self.addCleanup(self._stop_all)

    def _alarms(self):
        """What running bridges report about keys and devices, unless it is all zeros."""
        found = []
        for bridge in self._running:
            if self.forges or not isinstance(bridge, Bridge) or not bridge.running():
                continue
            try:
                trust = bridge.health().get("trust", {})
            except (OSError, HTTPException, ValueError):
                continue
            if any(number for what, number in trust.items() if what != "codes_changed"):
                found.append(AssertionError(f"{bridge.name} raised a false alarm: {trust}"))
        return found

    def _stop_all(self):
        """Ends all processes; if ending one fails, the others are ended too."""
        trouble = [] if self.failing() else self._alarms()
        for process in reversed(self._running):
            try:
                if isinstance(process, Peer):
                    process.quit()
                elif process.running():
                    process.stop()
            except (AssertionError, OSError) as err:
                trouble.append(err)
            finally:
                process.kill()
        for process in self._running:
            process.check_sanitizers()
        if trouble:
            raise trouble[0]

    def _keep(self, process):
        self._running.append(process)
        return process

    def replace(self, old, new):
        """new takes the place of old, which has ended and shares its files."""
        self._running[self._running.index(old)] = new

    def failing(self):
        """Whether the test has failed so far. Cleanups may ask too."""
        return len(self._result.errors) + len(self._result.failures) > self._bad_before

    def start_mock(self, *args, **options):
        mock = Mock(self.directory, *args, **options)
        self._keep(mock.process)
        return mock

    def start_peer(self, kind, mock, name=None):
        return self._keep(Peer(kind, self.directory, mock, name))

    def start_bridge(self, mock, phone, *args, **options):
        return self._keep(Bridge(self.directory, mock, phone, *args, **options))

    def go_offline(self, mock=None, bridge=None):
        """The server (self.mock) is away for the bridge (self.bridge) until come_back()."""
        mock, bridge = mock or self.mock, bridge or self.bridge
        mock.trouble(upgrade_status=503)
        mock.drop(bridge.phone)
        bridge.wait_status("disconnected")

    def come_back(self, mock=None, bridge=None):
        mock, bridge = mock or self.mock, bridge or self.bridge
        mock.trouble(upgrade_status=0)
        bridge.post("/api/reconnect")
        bridge.wait_status("ok", timeout=60)

    def assert_no_flags(self, mock, phone=""):
        """Fails if wa-mock has flagged a client. phone: only clients of that number count, and
        clients without a login so far: wa-mock names a client by its JID only from its login on."""
        def concerns(client):
            return not phone or "@" not in client or client.split(":")[0] == phone
        unexpected = [flag for flag in mock.flags()
                      if flag["what"] not in self.expected_flags and concerns(flag["client"])]
        self.assertEqual(unexpected, [], "wa-mock flagged a client")
