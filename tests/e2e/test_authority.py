"""Who may do what with whose messages: strangers, people who are not in the group, devices that nobody
has. wa-mock passes on what WhatsApp's server would perhaps refuse."""

import unittest

from harness.case import Case

PHONE, FRIEND, OTHER, STRANGER = "27820000001", "27820001000", "27820001001", "27820001002"


class Authority(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "3")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("POST", "/groups", {
            "subject": "Ours", "creator": FRIEND, "members": [PHONE, FRIEND, OTHER]})["jid"]
        health = self.bridge.health()
        self.jid, self.lid = health["jid"], health["lid"]

    def sent(self, to, text, **fields):
        reply = self.bridge.send(to, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["message_id"]

    def read_by(self, phone, message, device=0):
        """What a device of a scripted person got of a message of ours, first or again."""
        return [entry["text"] for entry in self.mock.admin(
            "GET", f"/contact/messages?phone={phone}&id={message}&device={device}")["messages"]]

    def asks(self, phone, message, device=0, group=None):
        self.mock.admin("POST", "/contact/retry", {
            "phone": phone, "device": device, "to": PHONE, "id": message, "group": group or ""})

    def handled(self):
        self.mock.wait_read(self.jid)

    def all_answered(self, count):
        """So many requests of devices are acked; what is sent again goes out before its ack."""
        self.bridge.poll(lambda: self.mock.traced('type="retry"/>') >= count, 20,
                         f"{count} requests are acked")

    def refused(self, kind):
        return self.bridge.health()["refused"][kind]

    def hidden(self, phone):
        return self.mock.admin("POST", "/contact/device", {"phone": phone, "action": "hide"})["device"]

    # ---- asking again ---------------------------------------------------------------------------

    def test_only_those_it_was_sent_to_get_a_message_again(self):
        hidden = self.hidden(FRIEND)
        private = self.sent(FRIEND, "private")
        to_all = self.sent(self.group, "to all")
        for number in (self.hidden(STRANGER), 0):
            self.asks(STRANGER, to_all, number, self.group)
        self.asks(STRANGER, private)
        self.asks(FRIEND, private, hidden)
        self.asks(FRIEND, to_all, hidden, self.group)
        self.all_answered(5)
        self.assertEqual(self.read_by(STRANGER, to_all), [])
        self.assertEqual(self.read_by(STRANGER, private), [])
        self.assertEqual(self.read_by(FRIEND, private, hidden), [])
        self.assertEqual(self.read_by(FRIEND, to_all, hidden), [])
        self.assertEqual(self.refused("retries"), 4)
        # A device that was linked since is in the server's list.
        devices = self.mock.admin("POST", "/contact/device", {"phone": OTHER, "action": "add"})["devices"]
        self.asks(OTHER, to_all, devices[-1], self.group)
        self.bridge.poll(lambda: self.read_by(OTHER, to_all, devices[-1]) == ["to all"], 20,
                         "a new device has the message")
        # Who was sent it gets it again, also after a restart.
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_status("ok")
        before = len(self.read_by(FRIEND, private))
        self.asks(FRIEND, private)
        self.bridge.poll(lambda: len(self.read_by(FRIEND, private)) == before + 1, 20,
                         "the message came once more")
        self.asks(STRANGER, to_all, 0, self.group)
        self.all_answered(8)
        self.assertEqual(self.read_by(STRANGER, to_all), [])
        self.assert_no_flags(self.mock, PHONE)

    # ---- confirming -----------------------------------------------------------------------------

    def confirms(self, phone, message, kind):
        self.mock.admin("POST", "/contact/receipt", {
            "phone": phone, "to": self.group, "participant": self.lid, "id": message, "type": kind})

    def test_only_those_it_was_sent_to_confirm_a_message(self):
        for phone in (FRIEND, OTHER):
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        message = self.sent(self.group, "to all", id="key")

        def row():
            entry = self.bridge.get("/api/outbox/key").json
            return entry["recipients"], entry["delivered_to"], entry["read_by"], entry["state"]
        self.assertEqual(row(), (2, 0, 0, "sent"))
        for kind in ("", "read"):
            self.confirms(STRANGER, message, kind)
        self.handled()
        self.assertEqual(row(), (2, 0, 0, "sent"))
        self.assertEqual(self.refused("receipts"), 2)
        self.confirms(FRIEND, message, "read")
        self.confirms(OTHER, message, "")
        self.handled()
        self.assertEqual(row(), (2, 2, 1, "delivered"))


if __name__ == "__main__":
    unittest.main()
