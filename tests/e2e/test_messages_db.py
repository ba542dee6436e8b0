"""messages.db as its readers see it while the bridge writes (R-201), and through crashes."""

import glob
import os
import re
import sqlite3
import stat
import time
import unittest

from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"
DAMAGED = 4


def pn(phone):
    return phone + "@s.whatsapp.net"


def field(number, value):
    """A protobuf field: bytes, text or a small number."""
    def varint(n):
        return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def edit_of(chat, message_id, text, at_ms):
    key = field(1, chat) + field(2, 0) + field(3, message_id)
    return field(12, field(1, key) + field(2, 14) + field(14, field(1, text)) + field(15, at_ms)).hex()


def revoke_of(chat, message_id):
    return field(12, field(1, field(1, chat) + field(2, 0) + field(3, message_id)) + field(2, 0)).hex()


class MessagesDb(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def path(self, name="messages.db"):
        return os.path.join(self.bridge.store, name)

    def blast(self, count, text="blast", to=None, sender=FRIEND):
        return self.mock.admin("POST", "/contact/blast", {"from": sender, "to": to or self.group,
                                                          "count": count, "text": text})

    def start_again(self, name):
        self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
        return self.bridge

    def count(self, like):
        return self.bridge.rows("SELECT count(*) AS n, count(DISTINCT content) AS d FROM messages "
                                "WHERE content LIKE ?", like)[0]

    def test_statements_of_the_drop_monitor_while_messages_come(self):
        reader = sqlite3.connect(f"file:{self.path()}?mode=ro", uri=True, timeout=5)
        holder = sqlite3.connect(f"file:{self.path()}?mode=ro", uri=True, timeout=5,
                                 isolation_level=None)
        holder.execute("BEGIN")
        held = holder.execute("SELECT count(*) FROM messages").fetchone()
        started = int(time.time())
        self.blast(300)
        seen, last_seq, seqs = 0, 0, []

        def look():
            nonlocal seen, last_seq
            self.assertEqual(reader.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            newest = reader.execute("SELECT MAX(timestamp) FROM messages WHERE chat = ?",
                                    (self.group,)).fetchone()[0]
            if newest is not None:
                self.assertIsInstance(newest, int)
                self.assertLess(abs(newest - started), 60)
            seen = reader.execute("SELECT COUNT(*) FROM messages WHERE timestamp > "
                                  "strftime('%s','now','-1 hour')").fetchone()[0]
            rows = reader.execute("SELECT change_seq, chat_jid, sender, content, is_from_me, "
                                  "media_type, chat FROM messages WHERE change_seq > ? "
                                  "ORDER BY change_seq", (last_seq,)).fetchall()
            for seq, chat_jid, sender, _, mine, media, chat in rows:
                self.assertEqual((chat_jid, chat, sender, mine, media or ""),
                                 (self.group, self.group, FRIEND, 0, ""))
                seqs.append(seq)
            last_seq = max([last_seq, *seqs[-1:]])
            return seen >= 300
        self.bridge.poll(look, 30, "300 messages")
        self.assertEqual(holder.execute("SELECT count(*) FROM messages").fetchone(), held)
        holder.execute("COMMIT")
        self.assertEqual(len(seqs), len(set(seqs)))
        self.assertEqual(seqs, sorted(seqs))
        self.assertEqual(self.count("blast%")["n"], 300)
        chat = self.bridge.rows("SELECT * FROM chats WHERE jid = ?", self.group)[0]
        self.assertTrue(chat["name"])
        self.assertEqual(chat["last_message_time"], self.bridge.rows(
            "SELECT MAX(timestamp) AS t FROM messages WHERE chat = ?", self.group)[0]["t"])
        with self.assertRaises(sqlite3.OperationalError):
            reader.execute("DELETE FROM messages")
        reader.close()
        holder.close()
        self.assert_no_flags(self.mock)

    def test_messages_while_it_was_off(self):
        self.bridge.stop()
        for number in range(3):
            self.mock.contact_send(FRIEND, PHONE, f"private {number}")
            self.mock.contact_send(OTHER, self.group, f"group {number}")
        self.start_again("again").wait_status("ok")
        for number in range(3):
            for text, chat in ((f"private {number}", pn(FRIEND)), (f"group {number}", self.group)):
                row = self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", text)
                self.assertEqual([r["chat_jid"] for r in row], [chat])
        self.assert_no_flags(self.mock)

    def test_killed_in_the_middle(self):
        """Nothing is missing and nothing is there twice."""
        for round_ in range(3):
            self.blast(200, f"round {round_}")
            self.blast(50, f"round {round_} private", to=PHONE, sender=OTHER)
            self.bridge.wait_rows("SELECT 1 FROM messages WHERE content LIKE ?", f"round {round_}%",
                                  count=10 + 60 * round_)
            self.bridge.kill()
            self.start_again(f"again-{round_}").wait_status("ok", timeout=60)
        for round_ in range(3):
            self.bridge.wait_rows("SELECT 1 FROM messages WHERE content LIKE ?", f"round {round_}%",
                                  count=250)
        self.mock.contact_send(FRIEND, self.group, "after it all")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'after it all'")
        self.assertEqual(self.count("round%"), {"n": 750, "d": self.count("round%")["d"]})
        self.assertEqual(self.bridge.rows("SELECT count(*) AS n FROM messages "
                                          "WHERE state = 'waiting'"), [{"n": 0}])
        self.assertEqual(self.bridge.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])
        self.assert_no_flags(self.mock)

    def test_change_seq_rises_when_a_placeholder_is_filled(self):
        self.mock.contact_send(FRIEND, PHONE, "before")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before'")
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "corrupt": 1,
                                                    "ignore_retries": True})
        sent = self.mock.contact_send(FRIEND, PHONE, "late")
        waiting = self.bridge.wait_rows("SELECT * FROM messages WHERE state = 'waiting'")[0]
        self.assertEqual((waiting["id"], waiting["content"], waiting["chat_jid"]),
                         (sent["id"], "", pn(FRIEND)))
        self.mock.contact_send(FRIEND, PHONE, "in between")
        between = self.bridge.wait_rows("SELECT * FROM messages WHERE content = 'in between'")[0]
        self.assertGreater(between["change_seq"], waiting["change_seq"])
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "ignore_retries": False})
        self.mock.contact_send(FRIEND, PHONE, "late", id=sent["id"])
        filled = self.bridge.wait_rows("SELECT * FROM messages WHERE content = 'late'")
        self.assertEqual(len(filled), 1)
        self.assertEqual((filled[0]["id"], filled[0]["state"]), (sent["id"], ""))
        self.assertGreater(filled[0]["change_seq"], between["change_seq"])

    def test_change_seq_rises_with_edits(self):
        for to, chat in ((PHONE, pn(FRIEND)), (self.group, self.group)):
            with self.subTest(chat):
                sent = self.mock.contact_send(FRIEND, to, "furst")
                where = "SELECT * FROM messages WHERE id = ? AND content = ?"
                first = self.bridge.wait_rows(where, sent["id"], "furst")[0]
                now = int(time.time() * 1000)
                for number, text in enumerate(("first", "the first")):
                    self.mock.contact_send(FRIEND, to, "", message_hex=edit_of(
                        chat, sent["id"], text, now + number * 1000))
                    changed = self.bridge.wait_rows(where, sent["id"], text)[0]
                    self.assertGreater(changed["change_seq"], first["change_seq"])
                    self.assertEqual(changed["timestamp"], first["timestamp"])
                    first = changed
                self.mock.contact_send(OTHER, self.group, "", message_hex=edit_of(
                    chat, sent["id"], "by somebody else", now + 9000))
                self.mock.contact_send(FRIEND, to, "", message_hex=revoke_of(chat, sent["id"]))
                revoked = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ? AND "
                                                "revoked_at IS NOT NULL", sent["id"])
                self.assertEqual([r["content"] for r in revoked], ["the first"])
                self.assertGreater(revoked[0]["change_seq"], first["change_seq"])

    def test_killed_while_sending(self):
        """Keyed requests, repeated after the crash by their caller: each is there once."""
        names = [f"order {number}" for number in range(30)]
        for number, name in enumerate(names):
            to = self.group if number % 3 else FRIEND
            self.assertEqual(self.bridge.send(to, name, id=name, wait_s=0).status, 202)
            if number in (12, 29):
                self.bridge.kill()
                self.start_again(f"again-{number}").wait_status("ok", timeout=60)
        for number, name in enumerate(names):
            to = self.group if number % 3 else FRIEND
            reply = self.bridge.send(to, name, id=name)
            self.assertEqual(reply.status, 200, reply)
            row = self.bridge.rows("SELECT id FROM messages WHERE content = ?", name)
            self.assertEqual([r["id"] for r in row], [reply.json["message_id"]])
        got = [m["text"] for m in self.mock.contact_messages(FRIEND) if m["text"]]
        self.assertEqual(sorted(got), sorted(names))
        self.assert_no_flags(self.mock)

    def test_damaged_session(self):
        """whatsapp.db damaged and no backup: it refuses, and touches neither file."""
        self.bridge.stop()
        for backup in glob.glob(self.path("backups/*")):
            os.remove(backup)
        for name in ("zeros", "cut", "text"):
            with self.subTest(name):
                with open(self.path("whatsapp.db"), "r+b") as file:
                    if name == "zeros":
                        file.seek(4096)
                        file.write(b"\0" * 16384)
                    elif name == "cut":
                        file.truncate(10000)
                    else:
                        file.truncate(0)
                        file.write(b"this is no database at all\n" * 100)
                before = self.contents()
                again = self.start_again("again-" + name)
                self.assertEqual(again.wait_exit(20), DAMAGED, again.tail())
                self.assertIn("whatsapp.db", again.stderr() + "\n".join(again.lines))
                self.assertEqual(self.contents(), before)

    def contents(self):
        found = {}
        for name in ("whatsapp.db", "messages.db"):
            with open(self.path(name), "rb") as file:
                found[name] = file.read()
        return found

    def test_damaged_messages(self):
        self.mock.contact_send(FRIEND, PHONE, "before the damage")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before the damage'")
        jid = self.bridge.health()["jid"]
        self.bridge.stop()
        for backup in glob.glob(self.path("backups/*")):
            os.remove(backup)
        with open(self.path(), "r+b") as file:
            file.write(b"garbage " * 4096)
        with open(self.path(), "rb") as file:
            damaged = file.read()
        self.assertEqual(self.start_again("again").wait_status("ok")["jid"], jid)
        aside = [name for name in glob.glob(self.path("messages.db.*")) +
                 glob.glob(self.path("backups/messages.db*"))
                 if not re.search(r"-(wal|shm)$|\.lock$", name)]
        self.assertEqual(len(aside), 1, os.listdir(self.bridge.store))
        with open(aside[0], "rb") as file:
            self.assertEqual(file.read(), damaged)
        self.mock.contact_send(FRIEND, PHONE, "after the damage")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'after the damage'")
        self.assert_no_flags(self.mock)

    def test_only_the_owner_reads(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.bridge.store).st_mode), 0o700)
        for folder, folders, files in os.walk(self.bridge.store):
            for name in folders:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o700)
            for name in files:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode, 0o600, name)

    def test_what_is_logged(self):
        self.mock.contact_send(FRIEND, PHONE, "incoming marmalade")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'incoming marmalade'")
        self.bridge.send(FRIEND, "outgoing marmalade", id="key-marmalade")
        self.bridge.send(self.group, f"marmalade @{FRIEND}", mentioned_jid=FRIEND)
        self.bridge.send("27829999999", "marmalade to nobody")
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "corrupt": 1})
        self.mock.contact_send(FRIEND, self.group, "damaged marmalade")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'damaged marmalade'")
        self.mock.admin("POST", "/contact/reinstall", {"phone": FRIEND})
        self.mock.contact_send(FRIEND, PHONE, "new marmalade")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'new marmalade'")
        self.bridge.stop()
        said = "\n".join(line for line in self.bridge.lines) + self.bridge.stderr()
        self.assertNotIn("marmalade", said)
        for phone in (PHONE, FRIEND, "27829999999", self.mock.lid_of(FRIEND).split("@")[0]):
            self.assertNotIn(phone, said)
        self.assertIsNone(re.search(r"[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=", said), "a key in the log")


if __name__ == "__main__":
    unittest.main()
