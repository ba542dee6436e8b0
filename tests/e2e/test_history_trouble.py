"""Offered history that cannot be read now, or never: what the phone is asked for, and how often."""

import unittest

from test_first_history import FRIEND, First, OTHER, PHONE

FILES = "SELECT tries, next_at - offered_at AS wait FROM bridge_history_files"


class TroubleTest(First):
    def asked_for(self):
        """How often the phone was asked to lay a file on the hosts anew."""
        return self.mock.traced('type="server-error"') // 2  # the receipt and its ack

    def pairs(self):
        return self.ours("SELECT count(*) n FROM whatsmeow_lid_map")[0]["n"]

    def wait_given_up(self, count=1):
        self.bridge.poll(lambda: len([1 for line in self.bridge.lines if "is given up" in line]) >= count, 30,
                         "a part is given up")

    def test_a_host_in_trouble_is_no_missing_file(self):
        self.begin(past={"files": True, "chats": 5, "tokens_from": [OTHER], "files_gone": 2, "files_status": 503})
        self.wait_ours(FILES + " WHERE tries = 2")
        self.go_offline()  # the next login tries it at once
        self.come_back()
        self.wait_read()
        self.assertEqual(self.asked_for(), 0)
        self.assert_no_flags(self.mock)

    def test_who_is_to_ask_less_asks_later_and_reads_it(self):
        self.mock = self.start_mock("--contacts", "2")
        self.mock.admin("POST", "/mock-phone/past", {"phone": PHONE, "files": True, "tokens_from": [OTHER]})
        self.mock.admin("POST", "/rate", {"query": "w:m set", "times": 1, "backoff": 4})
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        put_off = self.wait_ours(FILES + " WHERE tries > 0")
        self.assertGreaterEqual(put_off[0]["wait"], 4)
        health = self.bridge.health()["phone_history"]
        self.assertGreaterEqual(health["waiting"], 1)
        self.assertEqual(health["given_up"], 0)
        self.wait_read()
        self.assertNotIn("phone_history", self.bridge.health())
        self.assertEqual(self.asked_for(), 0)
        self.assertTrue(self.ours("SELECT 1 FROM whatsmeow_privacy_tokens WHERE length(token) > 0"))
        self.assert_no_flags(self.mock)

    def test_a_file_that_cannot_be_read_is_given_up(self):
        self.begin(past={"files": True, "broken": True, "chats": 5, "messages": 2, "tokens_from": [OTHER]})
        self.wait_given_up()
        self.assertEqual(self.ours(FILES), [])
        self.assertEqual(self.asked_for(), 0)
        self.assert_no_flags(self.mock)

    def test_the_phone_is_asked_once_for_a_file_that_stays_gone(self):
        self.begin(past={"files": True, "chats": 5, "tokens_from": [OTHER], "files_gone": 100})
        self.wait_given_up()
        self.assertEqual(self.asked_for(), 1)
        self.assertEqual(self.ours(FILES), [])
        self.assertEqual(self.ours("SELECT kind, chunk FROM bridge_history_lost"), [{"kind": 0, "chunk": 1}])
        self.assertEqual(self.bridge.health()["phone_history"], {"waiting": 0, "given_up": 1})
        self.mock.contact_send(FRIEND, PHONE, "still here")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'still here'")
        self.assert_no_flags(self.mock)

    def test_a_file_that_is_laid_anew_counts_as_lost_no_longer(self):
        self.begin(past={"files": True, "chats": 5, "tokens_from": [OTHER], "file_lost": True})
        self.wait_ours("SELECT 1 FROM bridge_history_lost")
        self.wait_ours("SELECT 1 FROM whatsmeow_privacy_tokens WHERE length(token) > 0", count=6)
        self.wait_read()
        self.assertEqual(self.ours("SELECT 1 FROM bridge_history_lost"), [])
        self.assertEqual(self.asked_for(), 1)
        self.assert_no_flags(self.mock)

    def test_a_new_link_reads_its_own_history(self):
        """Unlinked while a part is being stored: the part of the next link is another one."""
        self.begin(past={"files": True, "chats": 6000})
        self.bridge.poll(lambda: self.pairs() > 100, 30, "it is being stored")
        self.mock.admin("POST", "/mock-phone/unlink", {"phone": PHONE})
        self.bridge.wait_status("logged_out")
        self.assertLess(self.pairs(), 6000)  # else it was over before
        self.mock.admin("POST", "/mock-phone/past", {"phone": PHONE, "files": True, "tokens_from": [FRIEND, OTHER]})
        self.bridge.post("/api/pair", {})
        self.mock.scan_qr(PHONE, self.bridge.wait_qr())
        self.wait_ours("SELECT 1 FROM whatsmeow_privacy_tokens WHERE length(token) > 0", count=2)
        self.wait_read()
        self.assertEqual(self.ours("SELECT count(*) n FROM whatsmeow_privacy_tokens WHERE length(token) > 0"),
                         [{"n": 2}])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
