"""The people whom wa-mock plays, against Baileys and whatsmeow: what a scripted contact writes is read,
what it is sent arrives, and its scripts (retries, new devices, a new phone) do what they say."""

import unittest

from harness.people import ALICE, PeersCase
from harness.process import poll

FRIEND, OTHER = "27820001000", "27820001001"
KINDS = ("whatsmeow", "baileys")


class PeopleOfMock(PeersCase):
    def each(self):
        for kind in KINDS:
            with self.subTest(kind):
                mock = self.start_mock("--contacts", "3", "--groups", "1", name=f"mock-{kind}")
                yield mock, self.pair(mock, kind, ALICE)

    def arrives(self, mock, phone, message_id, text, device=0):
        def look():
            got = mock.admin("GET", f"/contact/messages?phone={phone}&id={message_id}&device={device}")
            return got["messages"]
        messages = poll(look, 20, f"{phone} reads {text}")
        self.assertEqual([m["text"] for m in messages], [text])
        return messages[0]

    def group(self, mock):
        return mock.admin("GET", "/groups")["groups"][0]["jid"]

    def test_private(self):
        for mock, peer in self.each():
            for number, pn in enumerate((False, True, False)):
                text = f"hello {number} by {'PN' if pn else 'LID'}"
                sent = mock.contact_send(FRIEND, ALICE, text, pn=pn)["id"]
                self.assertEqual(peer.wait_text(text)["id"], sent)
                poll(lambda: [r for r in mock.admin(
                    "GET", f"/contact/receipts?phone={FRIEND}")["receipts"] if r["id"] == sent],
                    20, "a delivery receipt")
                back = peer.send(FRIEND + "@s.whatsapp.net", f"answer {number}")
                self.arrives(mock, FRIEND, back, f"answer {number}")
                peer.wait("receipt", type="delivery", where=lambda e: back in e["ids"])
            self.assert_no_flags(mock)

    def test_group(self):
        for mock, peer in self.each():
            group, mention = self.group(mock), mock.lid_of(ALICE)
            for number in range(2):
                for who in (FRIEND, OTHER):
                    text = f"{who} says {number} @{mention.split('@')[0]}"
                    mock.contact_send(who, group, text, mentions=[mention])
                    got = peer.wait_text(text, chat=group)
                    self.assertEqual(got["mentions"], [mention])
                sent = peer.send(group, f"answer {number}")
                for who in (FRIEND, OTHER):
                    self.arrives(mock, who, sent, f"answer {number}")
            self.assert_no_flags(mock)

    def test_echo(self):
        for mock, peer in self.each():
            mock.admin("POST", "/contact/script", {"phone": FRIEND, "echo": True})
            peer.send(FRIEND + "@s.whatsapp.net", "anybody?")
            peer.wait_text("echo: anybody?")
            peer.send(self.group(mock), "and here?")
            peer.wait_text("echo: and here?", chat=self.group(mock))
            self.assert_no_flags(mock)

    def test_contact_asks_again(self):
        for mock, peer in self.each():
            for to in (FRIEND + "@s.whatsapp.net", self.group(mock)):
                for keys in (False, True):
                    mock.admin("POST", "/contact/script",
                               {"phone": FRIEND, "refuse": 1, "refuse_with_keys": keys})
                    sent = peer.send(to, f"please read {to} {keys}")
                    self.arrives(mock, FRIEND, sent, f"please read {to} {keys}")
            self.assert_no_flags(mock)

    def test_client_asks_again(self):
        for mock, peer in self.each():
            for to in (ALICE, self.group(mock)):
                mock.contact_send(FRIEND, to, f"good {to}")
                peer.wait_text(f"good {to}")
                mock.admin("POST", "/contact/script", {"phone": FRIEND, "corrupt": 1})
                mock.contact_send(FRIEND, to, f"broken {to}")
                peer.wait_text(f"broken {to}")
                mock.contact_send(FRIEND, to, f"good again {to}")
                peer.wait_text(f"good again {to}")
            self.assert_no_flags(mock)

    def test_contact_gets_a_device(self):
        for mock, peer in self.each():
            to, group = FRIEND + "@s.whatsapp.net", self.group(mock)
            peer.send(to, "before")
            peer.send(group, "group before")
            made = mock.admin("POST", "/contact/device", {"phone": FRIEND, "action": "add"})
            number = made["devices"][-1]
            for place in (to, group):
                def send(place=place):
                    sent = peer.send(place, "for both devices")
                    return mock.admin("GET", f"/contact/messages?phone={FRIEND}&id={sent}"
                                             f"&device={number}")["messages"]
                poll(send, 20, "the new device reads")
            mock.contact_send(FRIEND, ALICE, "from the second device", device=number)
            peer.wait_text("from the second device")
            mock.contact_send(FRIEND, group, "from the second device, group", device=number)
            peer.wait_text("from the second device, group")
            mock.admin("POST", "/contact/device",
                       {"phone": FRIEND, "action": "remove", "device": number})
            sent = peer.send(to, "after")
            self.arrives(mock, FRIEND, sent, "after")

    def test_contact_sets_up_a_new_phone(self):
        for mock, peer in self.each():
            to = FRIEND + "@s.whatsapp.net"
            self.arrives(mock, FRIEND, peer.send(to, "one"), "one")
            mock.contact_send(FRIEND, ALICE, "old phone")
            peer.wait_text("old phone")
            mock.admin("POST", "/contact/reinstall", {"phone": FRIEND})
            mock.contact_send(FRIEND, ALICE, "new phone")
            peer.wait_text("new phone")
            self.arrives(mock, FRIEND, peer.send(to, "two"), "two")
            mock.contact_send(FRIEND, self.group(mock), "new phone, group")
            peer.wait_text("new phone, group")

    def test_members_change(self):
        for mock, peer in self.each():
            group = self.group(mock)
            self.arrives(mock, FRIEND, peer.send(group, "all three"), "all three")
            since = peer.mark()
            mock.admin("POST", "/group/member", {"group": group, "phone": FRIEND, "action": "remove"})
            peer.wait("group", since=since, group=group, action="remove")
            sent = peer.send(group, "without")
            self.arrives(mock, OTHER, sent, "without")
            self.assertEqual(mock.admin(
                "GET", f"/contact/messages?phone={FRIEND}&id={sent}")["messages"], [])
            since = peer.mark()
            mock.admin("POST", "/group/member", {"group": group, "phone": FRIEND, "action": "add"})
            peer.wait("group", since=since, group=group, action="add")
            self.arrives(mock, FRIEND, peer.send(group, "together"), "together")
            self.assert_no_flags(mock)

    def test_two_clients_of_one_phone(self):
        mock = self.start_mock("--contacts", "2", "--groups", "1")
        one = self.pair(mock, "whatsmeow", ALICE, name="one")
        two = self.pair(mock, "baileys", ALICE, name="two")
        mock.contact_send(FRIEND, ALICE, "to both")
        mock.contact_send(FRIEND, self.group(mock), "to both, group")
        for peer in (one, two):
            peer.wait_text("to both")
            peer.wait_text("to both, group")
        for sender, reader in ((one, two), (two, one)):
            text = f"written on {sender.name}"
            sent = sender.send(FRIEND + "@s.whatsapp.net", text)
            self.arrives(mock, FRIEND, sent, text)
            got = reader.wait_text(text)
            self.assertTrue(got["fromMe"])
            # and the phone shows it
            self.arrives(mock, ALICE, sent, text)
        self.assert_no_flags(mock)

    def test_many_at_once(self):
        for mock, peer in self.each():
            for to in (ALICE, self.group(mock)):
                done = mock.admin("POST", "/contact/blast",
                                  {"from": FRIEND, "to": to, "count": 200, "text": f"load {to}"})
                self.assertEqual(done["sent"], 200)
                for number in range(200):
                    peer.wait_text(f"load {to} {number}")
            self.assert_no_flags(mock)

    def test_trouble_on_the_wire(self):
        for mock, peer in self.each():
            for trouble in ({"chop_bytes": 7}, {"fragment_bytes": 5}, {"delay_ms": 50},
                            {"duplicate_stanzas": 2}, {"reorder_stanzas": 1}):
                if peer.kind == "whatsmeow" and "chop_bytes" in trouble:
                    continue  # it miscounts frames whose length field is cut (P-WS-08)
                with self.subTest(str(trouble)):
                    mock.trouble(**trouble)
                    name = next(iter(trouble))
                    for number in range(3):
                        mock.contact_send(FRIEND, ALICE, f"{name} {number}")
                    for number in range(3):
                        # soon: not when the client's next ping happens to wake the server
                        peer.wait_text(f"{name} {number}", timeout=12)
                    mock.trouble(reset=True)

    def test_few_prekeys_left(self):
        for mock, peer in self.each():
            mock.admin("POST", "/prekeys", {"jid": peer.jid, "keep": 2})
            poll(lambda: any(
                device["prekeys"] > 4 for device in mock.account(ALICE)["devices"]
                if not device["played"]), 20, "prekeys are uploaded")
            self.assert_no_flags(mock)


if __name__ == "__main__":
    unittest.main()
