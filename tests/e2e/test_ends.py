"""What the real server sends and few expect, and the answer that ends its delivery."""

import unittest

from harness.case import Case

PHONE = "27820000001"
ONE = "27820001000"


class Ends(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.me = self.bridge.health()["jid"]
        # Both sides have a session, and our phone's first messages are through.
        self.mock.admin("POST", "/contact/send", {"from": PHONE, "to": ONE, "text": "of our phone"})
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'of our phone'")
        self.read_all()

    def read_all(self):
        self.bridge.poll(lambda: self.mock.account(PHONE)["devices"][1]["queued"] == 0, 20,
                         "the server has nothing left for the bridge")

    def traced(self, *parts, dir=None):
        """How many stanzas with all of these went over the wire so far."""
        return sum(1 for line in self.mock.trace() if dir in (None, line["dir"])
                   and all(part in line["xml"] for part in parts))

    def again_online(self):
        logins = self.mock.logins(PHONE)
        self.mock.admin("POST", "/stream", {"phone": PHONE, "do": "drop"})
        self.bridge.poll(lambda: self.mock.logins(PHONE) > logins, 30, "it logs in again")
        self.bridge.wait_status("ok")

    def test_an_own_message_that_stays_unreadable_is_ended(self):
        """The server keeps such a copy until a receipt of type sender comes, and repeats it till then."""
        self.mock.admin("POST", "/contact/script", {"phone": PHONE, "corrupt": 6})
        sent = self.mock.admin("POST", "/contact/send", {"from": PHONE, "to": ONE, "text": "?"})["id"]
        self.bridge.poll(lambda: self.traced('type="sender"', sent, dir="in") == 1, 30, "the copy is ended")
        self.assertEqual(self.traced('type="retry"', sent, dir="in"), 4)
        self.read_all()
        before = self.traced("<message", sent, dir="out")
        self.again_online()
        self.read_all()
        self.assertEqual(self.traced("<message", sent, dir="out"), before, "nothing is repeated")
        self.assertEqual(self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", sent)[0]["state"],
                         "waiting")
        self.assert_no_flags(self.mock)

    def test_a_message_without_a_sealed_part(self):
        """As advertisements make them: our phone has it, and is asked for it."""
        self.mock.admin("POST", "/mock-phone/manner", {"phone": PHONE, "resends": True})
        for kind in ("", "unknown_fanout"):
            with self.subTest(unavailable=kind):
                sent = self.mock.admin("POST", "/contact/bare", {
                    "from": ONE, "to": PHONE, "text": f"by an advertisement {kind}",
                    "unavailable": kind})["id"]
                row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ? AND state = ''", sent)[0]
                self.assertEqual((row["content"], row["sender"]), (f"by an advertisement {kind}", ONE))
        self.assertEqual(self.traced("<ack", "error="), 0)
        self.read_all()
        self.assert_no_flags(self.mock)

    def test_a_message_without_a_sealed_part_that_nobody_has(self):
        """A placeholder says that there was one."""
        sent = self.mock.admin("POST", "/contact/bare", {"from": ONE, "to": PHONE})["id"]
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", sent)[0]
        self.assertEqual((row["state"], row["sender"], row["chat_jid"]),
                         ("waiting", ONE, ONE + "@s.whatsapp.net"))
        self.assertEqual(self.traced("<ack", "error="), 0)
        self.read_all()

    def test_a_status_under_its_own_name(self):
        """<status> is a message of status@broadcast, and gets an ack of its own class."""
        sent = self.mock.admin("POST", "/contact/status", {
            "from": ONE, "to": PHONE, "text": "on holiday"})["id"]
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", sent)[0]
        self.assertEqual((row["chat_jid"], row["sender"], row["content"]),
                         ("status@broadcast", ONE, "on holiday"))
        self.read_all()
        self.assertEqual(self.traced("<ack", 'class="status"', sent), 1)
        self.assertEqual(self.traced("<receipt", 'context="status"', sent), 1)
        self.again_online()
        self.assertEqual(self.traced("<status", sent, dir="out"), 1)
        self.assert_no_flags(self.mock)

    def test_our_devices_are_told_of_by_the_server(self):
        """A companion of ours that is linked meanwhile gets what is sent next, without a question."""
        own = self.me.split(":")[0].split("@")[0]
        self.assertEqual(self.bridge.send(ONE, "first").status, 200)
        self.mock.admin("POST", "/mock-phone/manner", {"phone": PHONE, "told_by_server": True})
        self.mock.admin("POST", "/contact/device", {"phone": PHONE, "action": "add"})
        devices = lambda: self.bridge.rows(  # noqa: E731
            "SELECT devices FROM bridge_devices WHERE user LIKE ?", own + "@%", name="whatsapp.db")
        self.read_all()
        self.bridge.poll(lambda: any("2:" in row["devices"] for row in devices()), 10,
                         "our own list has the new device")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
