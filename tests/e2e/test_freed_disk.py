"""A disk that was full and has room again is noticed within seconds; until then sends say what is wrong."""

import errno
import os
import unittest

from harness import disk
from harness.bridge import run_once
from harness.case import Case
from harness.disk import Shim

PHONE, FRIEND = "27820000001", "27820001000"
# Tries to connect until the pause between them is minutes long.
ATTEMPTS, LONG_MS = 14, 200 * 1000


class FreedDiskTest(Case):
    def start(self):
        self.mock = self.start_mock("--contacts", "1")
        self.shim = Shim(self.directory)
        self.shim.watch(os.path.join(self.directory, "bridge.store"))
        self.bridge = self.start_bridge(self.mock, PHONE, env=self.shim.env())
        self.bridge.pair_by_qr()

    def fill(self):
        self.shim.fail(disk.WRITE, errno.ENOSPC, "")
        self.mock.contact_send(FRIEND, PHONE, "finds no room")
        return self.bridge.wait_status("store_error", 10)

    def test_freed_room_is_noticed_within_seconds(self):
        """However long the disk was full."""
        self.start()
        self.fill()
        for _ in range(ATTEMPTS):  # the pauses grow
            before = len(self.tried())
            self.shim.mono_offset_ms += LONG_MS
            self.bridge.poll(lambda: self.bridge.health() and len(self.tried()) > before, 10, "another try")
        self.shim.heal()
        self.bridge.poll(lambda: any("writing works again" in line for line in self.bridge.lines), 9, "it is noticed")
        self.bridge.wait_status("ok", 9)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'finds no room'")

    def test_backups_that_is_a_file_is_the_culprit(self):
        store = os.path.join(self.directory, "store")
        os.mkdir(store, 0o700)
        with open(os.path.join(store, "backups"), "w", encoding="ascii"):
            pass
        done = run_once("--phone", PHONE, "--store", store, "--port", "0", "--server-url", "ws://127.0.0.1:9/ws/chat",
                        "--root-key", "ab" * 32)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"{store}/backups is not a directory", done.stderr)
        self.assertNotIn("whatsapp.db", done.stderr)
        self.assertEqual(os.listdir(store), ["backups"])

    def tried(self):
        return [line for line in self.bridge.lines if "store_error; next attempt" in line]

    def test_sends_say_why(self):
        self.start()
        health = self.fill()
        where = "no space left in " + self.bridge.store
        self.assertIn(where, health["detail"])
        for fields in ({}, {"id": "kept"}, {"wait_s": 0}):
            answer = self.bridge.send(FRIEND, "not now", **fields)
            self.assertEqual((answer.status, answer.json["error"]), (503, "store_error"), answer)
            self.assertIn(where, answer.json["message"])
        self.shim.heal()
        self.shim.mono_offset_ms += 5000
        self.bridge.wait_status("ok", 20)
        self.assertEqual(self.bridge.send(FRIEND, "now", id="kept2").status, 200)
        self.assertEqual(self.mock.short_texts(FRIEND), ["now"])


if __name__ == "__main__":
    unittest.main()
