"""A receipt of delivery may say that the message could not be taken: then nothing was delivered."""

import unittest

from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"


class NotDelivered(Case):
    def receipt(self, phone, message, **fields):
        self.mock.admin("POST", "/contact/receipt", {"phone": phone, "id": message, **fields})
        self.mock.wait_read(self.jid)

    def counted(self, message):
        entry = self.bridge.get(f"/api/outbox/{message}").json
        return entry["state"], entry["recipients"], entry["delivered_to"]

    def test_a_receipt_of_what_cannot_be_taken_delivers_nothing(self):
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.jid, lid = self.bridge.health()["jid"], self.bridge.health()["lid"]
        group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        for phone in (FRIEND, OTHER):
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        private = self.bridge.send(FRIEND, "private").json["message_id"]
        self.receipt(FRIEND, private, to=PHONE, error="feature-incapable")
        self.assertEqual(self.counted(private), ("sent", 1, 0))
        self.assertTrue([line for line in self.bridge.lines
                         if private in line and "was not delivered" in line])
        self.receipt(FRIEND, private, to=PHONE, error="something-else")
        self.assertEqual(self.counted(private), ("delivered", 1, 1))
        common = self.bridge.send(group, "to all").json["message_id"]
        self.receipt(FRIEND, common, to=group, participant=lid)
        self.receipt(OTHER, common, to=group, participant=lid, error="feature-incapable")
        self.assertEqual(self.counted(common), ("sent", 2, 1))
        self.receipt(OTHER, common, to=group, participant=lid, type="read", error="feature-incapable")
        self.assertEqual(self.counted(common), ("delivered", 2, 2))
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
