"""messages.db when the Go bridge and ours write in it by turns: what its readers see (R-201)."""

import os
import sqlite3
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
CHAT = FRIEND + "@s.whatsapp.net"


class GoRows(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, name="first")
        self.bridge.pair_by_qr()

    def path(self, name="messages.db"):
        return os.path.join(self.bridge.store, name)

    def write(self, statement, *values):
        """As another program does."""
        database = sqlite3.connect(self.path(), timeout=20)
        database.execute(statement, values)
        database.commit()
        database.close()

    def write_as_go(self, message_id, time, chat=CHAT, sender=FRIEND):
        self.write("INSERT OR REPLACE INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, "
                   "media_type, filename, url, file_length) VALUES (?, ?, ?, 'of Go', ?, 0, '', '', '', 0)",
                   message_id, chat, sender, time)

    def wait_said(self, words):
        self.bridge.poll(lambda: words in self.bridge.stderr() + "\n".join(self.bridge.lines), 20, words)

    def again(self, name, *args):
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, *args, name=name, store=self.bridge.store)
        return self.bridge

    def test_times_keep_the_form_of_the_file(self):
        self.mock.contact_send(FRIEND, PHONE, "before")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before'")
        self.bridge.stop()
        self.write_as_go("GO1", "2026-03-01 10:00:00+02:00")
        self.write("UPDATE chats SET last_message_time = '2026-03-01 10:00:00+02:00' WHERE jid = ?", CHAT)
        self.again("again").wait_status("ok")
        self.wait_said("1 messages and 1 chats with their times as text")
        self.mock.contact_send(FRIEND, PHONE, "after")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'after'")
        self.assertEqual(self.bridge.rows("SELECT DISTINCT typeof(timestamp) AS t FROM messages"),
                         [{"t": "integer"}])
        self.assertEqual(self.bridge.rows("SELECT timestamp AS t FROM messages WHERE id = 'GO1'"),
                         [{"t": 1772352000}])
        # The drop monitor's statements, as they stand.
        newest = self.bridge.rows("SELECT MAX(timestamp) AS t FROM messages WHERE chat = ?", CHAT)[0]["t"]
        self.assertIsInstance(newest, int)
        self.assertEqual(self.bridge.rows("SELECT COUNT(*) AS n FROM messages WHERE timestamp > "
                                          "strftime('%s','now','-1 hour')"), [{"n": 2}])


if __name__ == "__main__":
    unittest.main()
