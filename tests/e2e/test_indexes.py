"""Indexes that lack rows: the bridge makes them anew at its start and goes on with the same session."""

import contextlib
import glob
import sqlite3

from test_backups import BackupsCase, PHONE


def behind_its_back(path, index, sql):
    """Runs sql while the file's schema does not name that index."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        row = db.execute("SELECT * FROM sqlite_master WHERE name = ?", [index]).fetchone()
    for step in ((("PRAGMA writable_schema = ON", ()),
                  ("DELETE FROM sqlite_master WHERE name = ?", [index])),
                 ((sql, ()),),
                 (("PRAGMA writable_schema = ON", ()),
                  ("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row))):
        db = sqlite3.connect(path)  # each reads the schema anew
        for statement, values in step:
            db.execute(statement, values)
        db.commit()
        db.close()


class Indexes(BackupsCase):
    def kept(self):
        """What a restore would change: sessions, prekeys, sends that are under way."""
        return [self.bridge.rows(sql, name="whatsapp.db") for sql in (
            "SELECT their_id, session FROM whatsmeow_sessions ORDER BY 1",
            "SELECT key_id, key FROM whatsmeow_pre_keys ORDER BY 1",
            "SELECT message_id, state FROM bridge_outbox ORDER BY 1")]

    def test_made_anew_with_the_session_kept(self):
        self.pair()
        self.talk("before")
        self.bridge.stop()
        kept = self.kept()
        behind_its_back(
            self.path("whatsapp.db"), "idx_whatsmeow_privacy_tokens_our_jid_timestamp",
            "INSERT INTO whatsmeow_privacy_tokens (our_jid, their_jid, token, timestamp)"
            f" VALUES ('{PHONE}:1@s.whatsapp.net', '999@lid', x'00', 1)")
        behind_its_back(
            self.path("messages.db"), "bridge_messages_chat_time",
            "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, sender_lid)"
            f" VALUES ('HIDDEN', '{self.group}', '999', 'x', 1790000000, 0, '999@lid')")
        # Killed while it keeps a copy: the next start makes one anew, and nothing unfinished stays.
        killed = self.start(store=self.store, WB_FAULT="reindex.copied:1", ASAN_OPTIONS="detect_leaks=0")
        self.assertIsNotNone(killed.wait_exit(30))
        self.assertEqual(len(glob.glob(self.path("*.damaged-unfinished"))), 1)
        health = self.start(store=self.store).wait_status("ok")
        self.assertEqual(glob.glob(self.path("*.damaged-unfinished")), [])
        for name in ("whatsapp.db", "messages.db"):
            self.assertIn(f"{name} had damaged indexes", health["repaired"])
            self.assertEqual(len(glob.glob(self.path(name + ".damaged-*"))), 1)
        self.assertNotIn("restored from the backup", health["repaired"])
        self.logged("no row was changed")
        self.assertEqual(
            self.bridge.rows("SELECT id FROM messages INDEXED BY bridge_messages_chat_time"
                             " WHERE chat_jid = ? AND sender_lid = '999@lid'", self.group), [{"id": "HIDDEN"}])
        self.assertEqual(self.kept(), kept)
        self.talk("after")
        self.counts()
        self.assert_no_flags(self.mock)
        self.bridge.stop()
        for name in ("whatsapp.db", "messages.db"):
            with contextlib.closing(sqlite3.connect(self.path(name))) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertNotIn("repaired", {k for k, v in
                                      self.start(store=self.store).wait_status("ok").items() if v})
