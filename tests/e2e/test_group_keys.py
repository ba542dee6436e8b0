"""Who has our sender key of a group: those to whom an accepted message gave it, until they say that they
cannot read us."""

import contextlib
import sqlite3
import unittest

from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"


class GroupKeys(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.jid = self.bridge.health()["jid"]
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def start_again(self, name):
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name=name)
        self.bridge.wait_status("ok")

    def failures(self, phone):
        return self.mock.admin("GET", f"/contact/failures?phone={phone}")["failures"]

    def all_read(self, text, *people, to=None):
        """Each of them reads it at once: none asks for it again."""
        reply = self.bridge.send(to or self.group, text)
        self.assertEqual(reply.status, 200, reply)
        for phone in people or (FRIEND, OTHER):
            self.bridge.poll(lambda phone=phone: text in self.mock.short_texts(phone)
                             or self.failures(phone), 20, f"{phone} has '{text}'")
            self.assertEqual(self.failures(phone), [], f"{phone}, '{text}'")
        return reply.json["message_id"]

    def refused(self, text, code):
        self.mock.trouble(ack_error=code, ack_error_times=1)
        reply = self.bridge.send(self.group, text)
        self.assertEqual((reply.status, reply.json["server_code"]), (502, code))

    # ---- accepted or not ------------------------------------------------------------------------

    def test_a_message_that_is_refused_gives_nobody_the_key(self):
        for code in (403, 429, 500):
            with self.subTest(code):
                self.refused("refused", code)
        self.all_read("the next")
        # Somebody who comes later: of them alone it is not known.
        self.mock.admin("POST", "/contact/device", {"phone": FRIEND, "action": "add"})
        self.refused("refused, too", 500)
        self.all_read("one more")
        self.assertEqual(self.mock.traced('type="retry"'), 0)
        self.assert_no_flags(self.mock)

    def lost(self, text):
        """On its way, and the server does not have it."""
        self.mock.trouble(refuse_drop=1)
        reply = self.bridge.send(self.group, text, wait_s=0)
        self.assertEqual(reply.status, 202, reply)
        self.bridge.poll(lambda: self.mock.trouble()["refuse_drop"] == 0, 20, f"'{text}' is lost")
        self.mock.trouble(ack_error=500, ack_error_times=1)  # when it is sent again

    def test_nor_does_one_that_is_lost(self):
        self.lost("lost with the connection")
        self.mock.drop(PHONE)
        self.all_read("after the connection")
        self.mock.admin("POST", "/contact/device", {"phone": OTHER, "action": "add"})
        self.lost("lost with the process")
        self.bridge.kill()
        self.start_again("again")
        self.all_read("after the process")
        self.assertEqual(self.mock.trouble()["ack_error_times"], 0)
        self.assertEqual(self.mock.traced('type="retry"'), 0)
        self.assert_no_flags(self.mock)

    # ---- asked for what is gone -----------------------------------------------------------------

    def asks(self, message, **fields):
        """The friend's phone cannot read us, and says so; the bridge has heard it."""
        self.mock.admin("POST", "/contact/forget", {"phone": FRIEND, "of": PHONE})
        self.mock.admin("POST", "/contact/retry", {
            "phone": FRIEND, "to": PHONE, "id": message, "count": 2, "keys": True, **fields})
        self.mock.wait_read(self.jid)

    def test_who_asks_for_what_is_gone_reads_the_next(self):
        private = self.all_read("private", FRIEND, to=FRIEND)
        common = self.all_read("to all")
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(f"{self.bridge.store}/whatsapp.db")) as database:
            database.execute("DELETE FROM whatsmeow_retry_buffer")
            database.commit()
        self.start_again("again")
        self.asks(private)
        self.all_read("private again", FRIEND, to=FRIEND)
        self.asks(common, group=self.group)
        self.all_read("to all again")
        self.assert_no_flags(self.mock)

    def test_also_of_an_id_that_nobody_knows(self):
        self.all_read("to all")
        self.asks("3EB0NOSUCHMESSAGE", group=self.group)
        self.all_read("to all again")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
