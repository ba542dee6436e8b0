"""Messages that are missing are asked for from the phone: after a restore, chat by chat."""

import os
import sqlite3
import time
import unittest

from harness.case import Case

PHONE = "27820000001"
CONTACT = "27820001000"
PAGE = 50


class HistoryTest(Case):
    def setUp(self):
        super().setUp()
        self.until = 0  # of the gap
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.contact = CONTACT
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def write(self, to, *texts):
        for text in texts:
            self.mock.contact_send(self.contact, to, text)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", texts[-1])

    def change(self, name, *statements):
        """Another program's hand in a database of the stopped bridge."""
        connection = sqlite3.connect(os.path.join(self.bridge.store, name))
        with connection:
            for statement in statements:
                connection.execute(*statement)
        connection.close()

    def lose(self):
        """As after a restore: what begins with 'lost' is not there, and the bridge knows when."""
        lost = self.bridge.rows("SELECT min(server_time) a, max(server_time) z FROM messages"
                                " WHERE content LIKE 'lost%'")[0]
        self.bridge.stop()
        self.change("messages.db", ("DELETE FROM messages WHERE content LIKE 'lost%'",))
        self.change("whatsapp.db", ("INSERT INTO bridge_meta VALUES ('history_gap_since', ?)", (lost["a"],)),
                    ("INSERT INTO bridge_meta VALUES ('history_gap_until', ?)", (lost["z"],)))

        self.until = lost["z"]

    def start_again(self):
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store,
                                        name=self.bridge.name + "+")
        self.bridge.wait_status("ok")
        self.wait_behind_the_gap()

    def wait_behind_the_gap(self):
        """Times are whole seconds, and what comes now is to be newer."""
        self.bridge.poll(lambda: time.time() >= self.until + 1, 5, "the next second")

    def wait_gap(self, **fields):
        def ask():
            gap = self.bridge.health().get("history_gap") or {}
            return gap if all(gap.get(key) == value for key, value in fields.items()) else None
        return self.bridge.poll(ask, 30, f"/health tells of a gap with {fields}")

    def requests(self):
        """Peer messages of the bridge to its own phone."""
        return self.mock.traced('category="peer" to="' + PHONE + '@s.whatsapp.net"')

    def test_pages_in_a_group_and_a_private_chat(self):
        lost = [f"lost {number}" for number in range(2 * PAGE + 20)]
        self.write(self.group, "before")
        self.write(PHONE, "before, to you")
        self.write(self.group, *lost)
        self.write(PHONE, "lost to you")
        self.lose()
        self.start_again()
        kept = self.bridge.rows("SELECT id, change_seq FROM messages ORDER BY change_seq")
        self.write(self.group, "after")
        self.write(PHONE, "after, to you")
        self.wait_gap(filled=len(lost) + 1, chats_open=0)
        rows = self.bridge.rows("SELECT content, sender, is_from_me FROM messages WHERE chat_jid = ?"
                                " AND content LIKE 'lost%' ORDER BY id", self.group)
        self.assertEqual(sorted(row["content"] for row in rows), sorted(lost))
        self.assertEqual({row["sender"] for row in rows}, {self.contact})
        self.assertEqual({row["is_from_me"] for row in rows}, {0})
        private = self.bridge.rows("SELECT content FROM messages WHERE chat_jid = ? ORDER BY change_seq",
                                   self.contact + "@s.whatsapp.net")
        self.assertEqual([row["content"] for row in private],
                         ["before, to you", "after, to you", "lost to you"])
        now = {row["id"]: row["change_seq"] for row in self.bridge.rows("SELECT id, change_seq FROM messages")}
        self.assertEqual([now[row["id"]] for row in kept], [row["change_seq"] for row in kept],
                         "rows that were there have been changed")
        self.assert_no_flags(self.mock)

    def test_history_that_comes_as_a_file(self):
        self.mock.admin("POST", "/mock-phone/history", {"phone": PHONE, "answers": "file"})
        self.write(self.group, "before", "lost 1", "lost 2")
        self.lose()
        self.start_again()
        self.write(self.group, "after")
        self.wait_gap(filled=2, chats_open=0)
        rows = self.bridge.rows("SELECT content FROM messages ORDER BY change_seq")
        self.assertEqual(sorted(row["content"] for row in rows), ["after", "before", "lost 1", "lost 2"])
        self.assert_no_flags(self.mock)

    def test_without_a_session_with_the_phone(self):
        """As after a restore, whose owner writes nothing: the bridge begins."""
        self.write(self.group, "before", "lost 1", "lost 2")
        self.lose()
        self.change("whatsapp.db", ("DELETE FROM whatsmeow_sessions",))
        self.start_again()
        self.write(self.group, "after")
        self.wait_gap(filled=2, chats_open=0)
        self.assert_no_flags(self.mock)

    def test_a_new_messages_db(self):
        """Damaged, and no backup of it: what was there comes back, chat by chat."""
        self.write(self.group, "once 1", "once 2")
        self.write(PHONE, "once, to you")
        self.bridge.stop()
        with open(os.path.join(self.bridge.store, "messages.db"), "wb") as file:
            file.write(os.urandom(20000))
        self.start_again()
        self.assertEqual(self.bridge.rows("SELECT * FROM messages"), [])
        gap = self.wait_gap(filled=0)
        self.assertEqual(gap["chats_open"], 0)
        self.until = gap["until"]
        self.wait_behind_the_gap()
        self.write(self.group, "after")
        self.wait_gap(filled=2, chats_open=0)
        self.assertEqual(self.texts(), ["after", "once 1", "once 2"])
        self.write(PHONE, "after, to you")
        self.wait_gap(filled=3, chats_open=0)
        self.assertEqual(self.texts(), ["after", "after, to you", "once 1", "once 2", "once, to you"])
        self.assert_no_flags(self.mock)

    def texts(self):
        return sorted(row["content"] for row in self.bridge.rows("SELECT content FROM messages"))

    def test_a_phone_that_does_not_answer(self):
        self.mock.admin("POST", "/mock-phone/history", {"phone": PHONE, "answers": "silent"})
        self.write(PHONE, "before, to you")
        self.write(self.group, "before", "lost")
        self.lose()
        asked = self.requests()
        self.start_again()
        self.write(self.group, "after")
        gap = self.wait_gap(chats_open=1)
        self.assertEqual((gap["filled"], gap["chats_quiet"]), (0, 1))  # nobody wrote to us alone
        self.assertGreaterEqual(gap["until"], gap["since"])
        self.bridge.poll(lambda: self.requests() == asked + 1, 10, "the phone is asked")
        # It is not pestered: neither by the next message nor after a restart.
        self.write(self.group, "one more")
        self.bridge.stop()
        self.start_again()
        self.bridge.poll(lambda: any("may be missing" in line for line in self.bridge.lines), 10,
                         "what is missing is looked at again")
        self.write(self.group, "and one more")
        self.wait_gap(chats_open=1)
        self.assertEqual(self.requests(), asked + 1)
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
