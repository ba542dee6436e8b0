"""The server names another participant hash than ours: somebody is in the group, or has a device, that we
have not heard of. The group is asked for, not the world; and who was missed gets the message."""

import unittest

from harness.case import Case

PHONE = "27820000001"
PEOPLE = [f"2782000{number}" for number in range(1000, 1004)]
FRIEND, OTHER, NEWCOMER = PEOPLE[0], PEOPLE[1], PEOPLE[3]


class GroupHash(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", str(len(PEOPLE)))
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.jid = self.bridge.pair_by_qr()["jid"]
        self.group = self.mock.admin("POST", "/groups", {
            "subject": "Hash", "mode": "lid", "members": [*PEOPLE[:3], PHONE]})["jid"]
        self.bridge.poll(lambda: self.bridge.get("/api/groups").json["groups"], 20, "the group")
        self.send("first")
        self.start = self.mock.traced_bytes()

    def send(self, text):
        reply = self.bridge.send(self.group, text)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["message_id"]

    def asked(self, what):
        return sum(1 for line in self.mock.trace(self.start)
                   if line["dir"] == "in" and line["xml"].startswith("<iq ") and what in line["xml"])

    def asked_group(self):
        return self.asked("<query request=")

    def asked_devices(self):
        return self.asked("<usync ")

    def read(self, phone, text, device=0):
        def ask():
            found = self.mock.admin("GET", f"/contact/messages?phone={phone}&device={device}&brief=1")
            return text in [message["text"] for message in found["messages"]]
        self.bridge.poll(ask, 20, f"{phone}:{device} reads '{text}'")

    def quiet(self):
        """Until nothing more happens because of an ack."""
        self.mock.wait_read(self.jid)
        self.bridge.poll(lambda: self.asked_group() >= 1, 20, "the group is asked for")

    def test_a_hash_that_stays_different_asks_the_world_once(self):
        self.mock.trouble(ack_phash=6)
        for number in range(6):
            self.send(f"message {number}")
        self.quiet()
        self.bridge.poll(lambda: self.asked_devices() >= 1, 20, "the devices are asked for")
        self.send("last")
        self.read(FRIEND, "last")
        self.assertEqual((self.asked_group(), self.asked_devices()), (1, 1))
        # Nobody is given the key again.
        self.assertEqual(self.mock.traced("<participants><to"), 1)
        # A restart does not forget it.
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.mock.trouble(ack_phash=1)
        self.send("after the restart")
        self.read(FRIEND, "after the restart")
        self.assertEqual((self.asked_group(), self.asked_devices()), (1, 1))
        self.assert_no_flags(self.mock)

    def test_somebody_who_came_unheard_gets_the_message(self):
        self.mock.admin("POST", "/group/member", {
            "group": self.group, "phone": NEWCOMER, "action": "add", "quiet": True})
        self.send("who is new")
        self.read(NEWCOMER, "who is new")
        self.quiet()
        self.assertEqual(self.asked_group(), 1)
        self.send("next")
        for phone in PEOPLE:
            self.read(phone, "next")
        # Of the others nothing was asked.
        self.assertEqual((self.asked_group(), self.asked_devices()), (1, 1))
        self.assert_no_flags(self.mock)

    def test_a_device_that_came_unheard_gets_the_message(self):
        found = self.mock.admin("POST", "/contact/device",
                                {"phone": FRIEND, "action": "add", "quiet": True})
        device = max(found["devices"])
        message_id = self.send("a device is new")
        self.read(FRIEND, "a device is new", device)
        self.quiet()
        self.send("next")
        self.read(FRIEND, "next", device)
        # The device may have asked for it meanwhile, and then the server was asked about that person.
        self.assertEqual(self.asked_group(), 1)
        self.assertIn(self.asked_devices(), (1, 2))
        # It counts as one of those to whom the message went.
        self.bridge.poll(
            lambda: self.bridge.get(f"/api/outbox/{message_id}").json["state"] == "delivered", 20,
            "everybody has it")
        self.assertEqual(self.bridge.health()["refused"],
                         {"changes": 0, "receipts": 0, "retries": 0})
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
