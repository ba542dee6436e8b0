"""The store of a Go bridge becomes ours: its messages, its readers, several numbers, what is refused."""

import glob
import hashlib
import os
import sqlite3
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env, run_once
from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820000009"
WRONG_NUMBER, USAGE, LOCKED = 5, 2, 3
GROUP = "120363000000000777@g.us"

# The layout of lharries/whatsapp-mcp (P-MC-12) and rows as it writes them (P-MC-13..17).
GO_MESSAGES = f"""
CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);
CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
  is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, media_key BLOB, file_sha256 BLOB,
  file_enc_sha256 BLOB, file_length INTEGER, PRIMARY KEY (id, chat_jid),
  FOREIGN KEY (chat_jid) REFERENCES chats(jid));
INSERT INTO chats VALUES
  ('{FRIEND}@s.whatsapp.net', 'Thandi', '2026-03-01 10:00:05+02:00'),
  ('{GROUP}', 'North', '2026-03-02 09:30:00+02:00');
INSERT INTO messages VALUES
  ('A1', '{FRIEND}@s.whatsapp.net', '{FRIEND}', 'good morning', '2026-03-01 10:00:00+02:00', 0,
   '', '', '', NULL, NULL, NULL, 0),
  ('A2', '{FRIEND}@s.whatsapp.net', '{PHONE}', 'morning', '2026-03-01 10:00:05+02:00', 1,
   '', '', '', NULL, NULL, NULL, 0),
  ('B1', '{GROUP}', '{FRIEND}@s.whatsapp.net', 'DR1234567', '2026-03-02 09:00:00+02:00', 0,
   '', '', '', NULL, NULL, NULL, 0),
  ('B2', '{GROUP}', '{FRIEND}', '', '2026-03-02 09:30:00+02:00', 0,
   'image', 'image_20260302_093000.jpg', 'https://mmg.whatsapp.net/v/x', x'01', x'02', x'03', 1234);
"""

# What whatsapp-mcp's reader asks of a database: pages of messages with the chat's name, by time, text or
# sender; the neighbours of a message; chats with their last message (joined on the same time); a contact's
# chats and last interaction.
READER = {
    "messages": ("SELECT m.timestamp, m.sender, c.name, m.content, m.is_from_me, c.jid, m.id, m.media_type "
                 "FROM messages m JOIN chats c ON m.chat_jid = c.jid WHERE m.timestamp > ? AND "
                 "m.timestamp < ? ORDER BY m.timestamp DESC LIMIT 20 OFFSET 0",
                 ("2026-02-28 00:00:00", "2026-03-03 00:00:00")),
    "text": ("SELECT m.id, c.name FROM messages m JOIN chats c ON m.chat_jid = c.jid WHERE "
             "LOWER(m.content) LIKE LOWER(?) ORDER BY m.timestamp DESC", ("%MORNING%",)),
    "before": ("SELECT m.id FROM messages m JOIN chats c ON m.chat_jid = c.jid WHERE m.chat_jid = ? AND "
               "m.timestamp < ? ORDER BY m.timestamp DESC LIMIT 5", (GROUP, "2026-03-02 09:30:00+02:00")),
    "chats": ("SELECT c.jid, c.name, c.last_message_time, m.content, m.sender, m.is_from_me FROM chats c "
              "LEFT JOIN messages m ON c.jid = m.chat_jid AND c.last_message_time = m.timestamp "
              "WHERE c.jid IN (?, ?) ORDER BY c.last_message_time DESC", (f"{FRIEND}@s.whatsapp.net", GROUP)),
    "contacts": ("SELECT DISTINCT jid, name FROM chats WHERE (LOWER(name) LIKE LOWER(?) OR LOWER(jid) LIKE "
                 "LOWER(?)) AND jid NOT LIKE '%@g.us' ORDER BY name, jid LIMIT 50", ("%thandi%", "%thandi%")),
    "last": ("SELECT m.timestamp, m.id FROM messages m JOIN chats c ON m.chat_jid = c.jid WHERE "
             "(m.sender = ? OR c.jid = ?) AND m.timestamp < '2026-04' ORDER BY m.timestamp DESC LIMIT 1",
             (FRIEND, f"{FRIEND}@s.whatsapp.net")),
}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class TakeOver(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1", "--groups", "1")

    def paired_store(self):
        """A session that is linked and at rest, without messages."""
        bridge = self.start_bridge(self.mock, PHONE, name="first")
        bridge.pair_by_qr()
        self.assertEqual(bridge.stop(), 0)
        os.unlink(os.path.join(bridge.store, "messages.db"))
        return bridge.store

    @staticmethod
    def change(path, script):
        database = sqlite3.connect(path)
        database.executescript(script)
        database.close()

    @staticmethod
    def look(path, statement):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    @staticmethod
    def read_as_whatsapp_mcp(store):
        database = sqlite3.connect(os.path.join(store, "messages.db"))
        try:
            return {name: database.execute(*query).fetchall() for name, query in READER.items()}
        finally:
            database.close()

    def go_store(self):
        """As if a Go bridge had written it: no table of ours in whatsapp.db."""
        store = self.paired_store()
        database = sqlite3.connect(os.path.join(store, "whatsapp.db"))
        ours = database.execute("SELECT type, name FROM sqlite_master WHERE name LIKE 'bridge%' AND "
                                "type IN ('trigger', 'table') ORDER BY type DESC").fetchall()
        for kind, name in ours:
            database.execute(f"DROP {kind} {name}")
        database.commit()
        database.close()
        self.change(os.path.join(store, "messages.db"), GO_MESSAGES)
        return store

    def convert(self, store, *args):
        return subprocess.run([os.path.join(paths.BUILD, "bridge-convert-timestamps"), "--store", store,
                               *args], env=clean_env(TZ="Africa/Johannesburg"), capture_output=True,
                              text=True, timeout=30, check=False)

    def test_messages_and_readers_of_the_go_bridge(self):
        store = self.go_store()
        before = self.read_as_whatsapp_mcp(store)
        self.assertEqual([len(rows) for rows in before.values()], [4, 2, 1, 2, 1, 1])
        bridge = self.start_bridge(self.mock, PHONE, store=store, name="taken-over",
                                   env=clean_env(TZ="Africa/Johannesburg"))
        bridge.wait_status("ok")
        self.assertEqual(self.read_as_whatsapp_mcp(store), before)
        self.mock.contact_send(FRIEND, PHONE, "and a new one")
        row = bridge.wait_rows("SELECT * FROM messages WHERE content = 'and a new one'")[0]
        self.assertRegex(row["timestamp"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+02:00$")
        last = bridge.rows("SELECT m.content FROM chats c JOIN messages m ON c.jid = m.chat_jid AND "
                           "c.last_message_time = m.timestamp WHERE c.name = 'Thandi'")
        self.assertEqual(last, [{"content": "and a new one"}])
        self.assertEqual(self.convert(store, "--to", "integer").returncode, LOCKED)
        self.assertEqual(bridge.stop(), 0)
        made = os.listdir(os.path.join(store, "backups"))
        self.assertEqual([name.split("-", 1)[1] for name in made if name[0] == "2"], ["before-upgrade"])

        # The operator converts: the statements of the drop monitors work, then back.
        dry = self.convert(store, "--to", "integer", "--dry-run")
        self.assertIn("Would convert to integer: 5 messages, 2 chats", dry.stdout)
        done = self.convert(store, "--to", "integer")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("before-convert", done.stdout)
        database = sqlite3.connect(os.path.join(store, "messages.db"))
        self.assertEqual(database.execute("SELECT MAX(timestamp) FROM messages WHERE chat = ?",
                                          (GROUP,)).fetchone(), (1772436600,))
        self.assertEqual(database.execute("SELECT COUNT(*) FROM messages WHERE timestamp > "
                                          "strftime('%s','now','-1 hour')").fetchone(), (1,))
        database.close()
        bridge = self.start_bridge(self.mock, PHONE, store=store, name="converted")
        bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "a number now")
        row = bridge.wait_rows("SELECT * FROM messages WHERE content = 'a number now'")[0]
        self.assertIsInstance(row["timestamp"], int)
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(self.convert(store, "--to", "text").returncode, 0)
        after = self.read_as_whatsapp_mcp(store)
        # Two of the same second are both the last.
        self.assertIn("a number now", [row[3] for row in after.pop("chats")])
        before.pop("chats")
        self.assertEqual(after, before)
        self.assert_no_flags(self.mock)

    def test_bad_use_of_the_conversion(self):
        for args in ((), ("--to", "seconds"), ("--to", "text", "more")):
            self.assertEqual(self.convert(self.directory, *args).returncode, USAGE, args)
        missing = self.convert(self.directory, "--to", "text")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("there is no", missing.stderr)

    def test_numbers_in_one_file(self):
        """--phone picks its own device; a number that is not there gets the list, and nothing changes."""
        store = self.go_store()
        path = os.path.join(store, "whatsapp.db")
        self.change(path, f"""
            CREATE TEMP TABLE t AS SELECT * FROM whatsmeow_device;
            UPDATE t SET jid = '{OTHER}:4@s.whatsapp.net', lid = NULL;
            INSERT INTO whatsmeow_device SELECT * FROM t;
            UPDATE whatsmeow_device SET rowid = rowid + 10 WHERE jid NOT LIKE '{OTHER}%';""")
        sums = [sha256(os.path.join(store, name)) for name in ("whatsapp.db", "messages.db")]
        refused = run_once("--phone", "+27820000555", "--store", store, "--port", "0")
        self.assertEqual(refused.returncode, WRONG_NUMBER)
        self.assertIn(f"+{OTHER} (device 4), +{PHONE} (device 1)", refused.stderr)
        self.assertEqual(sums, [sha256(os.path.join(store, n)) for n in ("whatsapp.db", "messages.db")])
        bridge = self.start_bridge(self.mock, PHONE, store=store, name="ours")
        self.assertEqual(bridge.wait_status("ok")["phone"].lstrip("+"), PHONE)
        # Both would set the file aside, and the other number's session with it.
        for route in ("/api/unlink", "/api/pair"):
            reply = bridge.post(route, {})
            self.assertEqual((reply.status, reply.json["error"]), (409, "conflict"), route)
            self.assertIn("other numbers", reply.json["message"])
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(len(self.look(path, "SELECT jid FROM whatsmeow_device")), 2)

    def test_an_upgrade_that_fails_or_is_killed(self):
        """All of it or nothing: the next start finds the file as it was, and brings it up to date."""
        store = self.go_store()
        path = os.path.join(store, "whatsapp.db")
        self.change(path, "ALTER TABLE whatsmeow_device DROP COLUMN companion_meta_nonce;"
                          "UPDATE whatsmeow_version SET version = 14, compat = 8")
        before = sha256(path)
        for how in ("io", "space", "kill"):
            with self.subTest(how):
                env = clean_env(WB_FAULT=f"schema.whatsapp:1:{how}", ASAN_OPTIONS="detect_leaks=0")
                ended = run_once("--phone", "+" + PHONE, "--store", store, "--port", "0", "--server-url",
                                 self.mock.url, "--root-key", self.mock.root_key, env=env)
                self.assertEqual(ended.returncode, -9 if how == "kill" else 1, ended)
                if how != "kill":  # a killed one leaves SQLite's journal to be rolled back
                    self.assertIn("schema version 14 up to date failed", ended.stderr)
                    self.assertFalse(glob.glob(path + "-*"))
                    self.assertEqual(sha256(path), before)
        bridge = self.start_bridge(self.mock, PHONE, store=store, name="at-last")
        bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "still here")
        bridge.wait_rows("SELECT id FROM messages WHERE content = 'still here'")
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(self.look(path, "SELECT version, compat FROM whatsmeow_version"), [(15, 8)])
        made = sorted(name for name in os.listdir(os.path.join(store, "backups")) if name[0] == "2")
        self.assertEqual(len(made), 4)
        for name in made:
            copy = os.path.join(store, "backups", name, "whatsapp.db")
            self.assertEqual(self.look(copy, "SELECT version FROM whatsmeow_version"), [(14,)])

    def test_what_is_not_taken_over(self):
        store = self.go_store()
        path = os.path.join(store, "whatsapp.db")
        for change, word in (("UPDATE whatsmeow_version SET version = 5, compat = NULL", "5 is too old"),
                             ("UPDATE whatsmeow_version SET version = 99, compat = 99", "99 is too new")):
            self.change(path, change)
            before = sha256(path)
            refused = run_once("--phone", "+" + PHONE, "--store", store, "--port", "0")
            self.assertEqual(refused.returncode, USAGE, refused)
            self.assertIn(word, refused.stderr)
            self.assertEqual(sha256(path), before)
        self.assertFalse(os.path.exists(os.path.join(store, "backups")))


if __name__ == "__main__":
    unittest.main()
