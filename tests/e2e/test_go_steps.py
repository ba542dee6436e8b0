"""The steps that docs/operations.md gives for the times of a Go bridge's store, done as they stand there."""

import os
import re
import shlex
import sqlite3
import subprocess
import unittest

import test_takeover
from harness import paths
from harness.bridge import clean_env
from harness.case import Case
from test_takeover import FRIEND, PHONE

WHERE = "/path/to/whatsapp-bridge/store"
ZONE = "Africa/Johannesburg"


class Steps(Case):
    paired_store, go_store = test_takeover.TakeOver.paired_store, test_takeover.TakeOver.go_store
    change = staticmethod(test_takeover.TakeOver.change)

    def section(self):
        with open(os.path.join(paths.SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
            return file.read().split("## From the Go bridge, and back\n")[1].split("\n## ")[0]

    def times(self, store):
        database = sqlite3.connect(os.path.join(store, "messages.db"))
        try:
            return database.execute("SELECT id, typeof(timestamp), timestamp FROM messages "
                                    "WHERE id IN ('A1', 'A2', 'B1', 'B2') ORDER BY id").fetchall()
        finally:
            database.close()

    def convert(self, command, store):
        name, *args = shlex.split(command.replace(WHERE, store))
        done = subprocess.run([os.path.join(paths.BUILD, name), *args], env=clean_env(TZ=ZONE), capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def test_times_become_numbers_and_text_again(self):
        """Before the bridge's first start, which is when somebody who changes over would do it."""
        steps, back = self.section().split("\nBack:")
        self.assertIn("make its times text if they are numbers", back)
        dry, = re.findall(r"`(bridge-convert-timestamps [^`]*)`", steps)
        self.assertIn(WHERE, dry)
        self.mock = self.start_mock("--contacts", "1", "--groups", "1")
        store = self.go_store()
        before = self.times(store)
        self.assertEqual({kind for _, kind, _ in before}, {"text"})
        self.assertIn("Would convert", self.convert(dry, store))
        self.assertEqual(self.times(store), before)
        real = dry.replace(" --dry-run", "")
        self.assertIn("before-convert", self.convert(real, store))
        self.assertEqual({kind for _, kind, _ in self.times(store)}, {"integer"})
        bridge = self.start_bridge(self.mock, PHONE, store=store, name="converted", env=clean_env(TZ=ZONE))
        bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "a number")
        row = bridge.wait_rows("SELECT timestamp FROM messages WHERE content = 'a number'")[0]
        self.assertIsInstance(row["timestamp"], int)
        self.assertEqual(bridge.stop(), 0)
        self.convert(real.replace("--to integer", "--to text"), store)
        self.assertEqual(self.times(store), before)
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
