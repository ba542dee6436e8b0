"""messages.db when the Go bridge and ours write in it by turns: what its readers see (R-201)."""

import os
import sqlite3
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
CHAT = FRIEND + "@s.whatsapp.net"


def field(number, value):
    """A protobuf field of bytes or text."""
    value = value.encode() if isinstance(value, str) else value

    def varint(n):
        return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])
    return varint(number << 3 | 2) + varint(len(value)) + value


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

    def wait_said(self, words, timeout=20):
        self.bridge.poll(lambda: words in self.bridge.stderr() + "\n".join(self.bridge.lines), timeout, words)

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

    def test_what_the_setting_changes_is_no_other_programs_doing(self):
        self.mock.contact_send(FRIEND, PHONE, "before")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before'")
        self.again("again", "--timestamp-format", "text").wait_status("ok")
        self.wait_said("1 messages and 1 chats had their times as numbers: they were brought to text, as "
                       "timestamp_format says")
        self.assertNotIn("another program", self.bridge.stderr() + "\n".join(self.bridge.lines))

    def test_content_is_what_somebody_wrote(self):
        """Who counts drop numbers in `content` finds no file names, as in the Go bridge's rows."""
        group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

        def document(caption):
            name = field(8, "DR1000002 plan.pdf") + field(2, "application/pdf")
            return field(7, name + (field(20, caption) if caption else b"")).hex()
        said = [self.mock.contact_send(FRIEND, group, "", message_hex=document(words))["id"]
                for words in ("", "DR1000003 as built")]
        poll = field(2, "DR1000004?") + field(3, field(1, "yes")) + field(3, field(1, "no"))
        said.append(self.mock.contact_send(FRIEND, group, "", message_hex=field(49, poll).hex())["id"])
        for message_id, content, summary in zip(said, ("", "DR1000003 as built", ""), (
                "[document] DR1000002 plan.pdf", None, "[poll] DR1000004?: yes / no")):
            row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", message_id)[0]
            self.assertEqual((row["content"], row["summary"]), (content, summary))
        self.assertEqual(self.bridge.send(group, "DR1000003 was seen").status, 200)
        drops = self.bridge.rows("SELECT content FROM messages WHERE chat_jid = ? AND is_from_me = 0 "
                                 "AND content <> '' AND content LIKE '%DR%'", group)
        self.assertEqual(drops, [{"content": "DR1000003 as built"}])

    def test_private_chats_have_names(self):
        self.mock.contact_send(FRIEND, PHONE, "hello")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'hello'")
        name = self.bridge.wait_rows("SELECT push_name AS n FROM whatsmeow_contacts WHERE push_name <> '' AND "
                                     "their_jid IN (?, ?)", CHAT, self.mock.lid_of(FRIEND),
                                     name="whatsapp.db")[0]["n"]
        self.assertEqual(self.bridge.rows("SELECT name FROM chats WHERE jid = ?", CHAT), [{"name": name}])
        # What an older version, or another program, left without one.
        self.bridge.stop()
        self.write("UPDATE chats SET name = ? WHERE jid = ?", FRIEND, CHAT)
        self.again("again")
        self.bridge.wait_rows("SELECT 1 FROM chats WHERE jid = ? AND name = ?", CHAT, name)

    def test_readers_of_other_users_are_told_of(self):
        self.bridge.stop()
        self.assertNotIn("other users could read", self.bridge.stderr() + "\n".join(self.bridge.lines))
        os.chmod(self.bridge.store, 0o755)
        os.chmod(self.path(), 0o644)
        self.again("again").wait_api()
        self.wait_said("other users could read", timeout=8)  # said before the API answers
        self.wait_said("readers_group", timeout=8)
        self.assertEqual(os.stat(self.path()).st_mode & 0o777, 0o600)
        self.again("once more").wait_api()
        self.assertNotIn("other users could read", self.bridge.stderr() + "\n".join(self.bridge.lines))


if __name__ == "__main__":
    unittest.main()
