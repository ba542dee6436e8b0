"""messages.db in a directory of its own: how it gets there, and who may read it."""

import os
import re
import sqlite3
import subprocess
import unittest

from harness.bridge import run_once
from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)
USAGE = 2


class Moved(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, name="first")
        self.bridge.pair_by_qr()
        self.mock.contact_send(FRIEND, PHONE, "before")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before'")
        self.store = self.bridge.store

    def in_store(self, name):
        return os.path.join(self.store, name)

    def test_a_database_that_was_left_behind_is_named(self):
        """It is not begun anew, nor put back from a backup."""
        self.bridge.kill()  # so that there is a log as well
        self.assertTrue(os.path.exists(self.in_store("messages.db-wal")))
        away = os.path.join(self.directory, "away")
        for option, name in (("--whatsapp-db-path", "whatsapp.db"), ("--db-path", "messages.db")):
            path = os.path.join(away, name)
            done = run_once("--phone", PHONE, "--store", self.store, *NOWHERE, option, path)
            self.assertEqual(done.returncode, USAGE, done)
            self.assertIn(f"{option}: {path} is not there, but {self.in_store(name)} is: stop the bridge and move it there",
                          done.stderr)
            self.assertFalse(os.path.exists(path))
        # What it says helps.
        subprocess.run(["sh", "-ec", re.search(r"\((mkdir -p .*)\)", done.stderr).group(1)], check=True)
        again = self.start_bridge(self.mock, PHONE, "--db-path", path, name="again", store=self.store)
        again.wait_status("ok")
        self.assertEqual(again.stop(), 0)
        database = sqlite3.connect(path)
        self.assertEqual(database.execute("SELECT count(*) FROM messages WHERE content = 'before'").fetchone(), (1,))
        database.close()
        self.assertFalse(os.path.exists(self.in_store("messages.db")))


if __name__ == "__main__":
    unittest.main()
