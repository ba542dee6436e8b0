"""What an answer says when there is nothing to give: the caller's slip, or the state, in words for people."""

import contextlib
import os
import sqlite3
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
GROUP = "120363000000000001@g.us"


class Answers(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def test_a_text_with_a_nul_is_refused_in_our_words(self):
        reply = self.bridge.post("/api/send", '{"recipient":"%s",\n"message":"a\\u0000b"}' % FRIEND)
        self.assertEqual((reply.status, reply.json["error"]), (400, "bad_request"))
        self.assertRegex(reply.json["message"], r"^The body has a NUL character \(\\u0000\), which no text may hold "
                                                r"\(line 2, column \d+\)$")

    def test_a_code_asked_for_while_linked_is_answered_as_a_qr_is(self):
        code, qr = (self.bridge.get(path) for path in ("/api/pair-code", "/api/qr"))
        self.assertEqual((code.status, code.json), (404, qr.json))
        self.assertEqual(code.json["message"], "this bridge is paired already")

    def test_a_path_that_json_cannot_say_is_none_of_a_file(self):
        store = self.bridge.store
        os.makedirs(os.path.join(store, GROUP))
        for name in (b"\xff.jpg", b"?.jpg"):
            with open(os.path.join(os.fsencode(os.path.join(store, GROUP)), name), "wb") as file:
                file.write(name)
        with contextlib.closing(sqlite3.connect(os.path.join(store, "messages.db"))) as messages:
            messages.execute("INSERT OR IGNORE INTO chats (jid, name) VALUES (?, 'chat')", (GROUP,))
            for key, name in (("RAW", b"\xff.jpg"), ("PLAIN", b"?.jpg")):
                messages.execute("INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, media_type,"
                                 " filename) VALUES (?, ?, ?, '', 1700000000, 0, 'image', CAST(? AS TEXT))",
                                 (key, GROUP, FRIEND, name))
            messages.commit()
        reply = self.bridge.post("/api/download", {"message_id": "RAW", "chat_jid": GROUP})
        self.assertEqual((reply.status, reply.json["error"]), (422, "not_yet"))
        self.assertIn("not UTF-8", reply.json["message"])
        self.assertEqual(self.bridge.post("/api/download", {"message_id": "PLAIN", "chat_jid": GROUP}).status, 200)


if __name__ == "__main__":
    unittest.main()
