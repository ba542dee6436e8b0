"""The first backup of a new link is made a minute after it, however long the phone let us wait."""

import os
import unittest

from harness.case import Case
from harness.disk import Shim

PHONE = "27820000001"
MINUTE_MS = 61 * 1000


class FirstBackupTest(Case):
    def backups(self):
        directory = os.path.join(self.bridge.store, "backups")
        return [name for name in os.listdir(directory) if name.endswith("-scheduled")] \
            if os.path.isdir(directory) else []

    def test_a_minute_after_pairing_also_when_that_took_long(self):
        mock = self.start_mock()
        shim = Shim(self.directory)
        self.bridge = self.start_bridge(mock, PHONE, env=shim.env())
        first = self.bridge.wait_qr()
        for _ in range(3):  # nobody scans; the bridge lives through these minutes
            shim.mono_offset_ms += MINUTE_MS
            uptime = shim.mono_offset_ms // 1000
            self.bridge.poll(lambda: self.bridge.health()["uptime_s"] >= uptime, 10, "the time has passed")
            self.bridge.poll(lambda: self.bridge.wait_qr() != first, 20, "another QR")
            first = self.bridge.wait_qr()
        self.bridge.pair_by_qr()
        self.assertEqual(self.backups(), [])
        shim.mono_offset_ms += MINUTE_MS
        self.bridge.poll(self.backups, 20, "a backup of the new link")
        self.assertEqual(self.bridge.poll(lambda: self.bridge.health()["backup"], 10, "told")["error"], None)


if __name__ == "__main__":
    unittest.main()
