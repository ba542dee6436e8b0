"""whatsapp-rust talks with Baileys and whatsmeow through wa-mock, and with the bridge."""

import unittest

from harness.people import ALICE, BOB, BRIDGE, CAROL, DAVE, BridgeCase, PeersCase, pn, user

RUST = "whatsapp-rust"


class RustThroughMock(PeersCase):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()

    def join(self, kind, phone, by="qr"):
        return self.pair(self.mock, kind, phone, by, name=f"{kind}-{phone}")

    def test_private_chats(self):
        """Each way of pairing; each side writes first to one."""
        rust = self.join(RUST, CAROL)
        coded = self.join(RUST, DAVE, by="code")
        whatsmeow, baileys = self.join("whatsmeow", ALICE), self.join("baileys", BOB)
        self.talk(rust, whatsmeow, "rust first")
        self.talk(baileys, rust, "baileys first")
        # To the LID, as whatsmeow of 2026-08 sends: the pinned one, once it wrote to a number, cannot read what comes
        # from the LID (message.go: only sessions of a sender that is a number are moved to its LID).
        self.exchange(whatsmeow, coded, self.mock.lid_of(DAVE), "whatsmeow first")
        self.exchange(coded, whatsmeow, pn(ALICE), "and rust, paired by code")
        self.exchange(whatsmeow, coded, self.mock.lid_of(DAVE), "whatsmeow again")
        self.talk(coded, rust, "both rust")
        self.assert_no_flags(self.mock)

    def check_group(self, addressing, owner):
        if addressing == "pn":
            self.mock.new_groups_pn()
        people = [self.join(RUST, CAROL), self.join("whatsmeow", ALICE), self.join("baileys", BOB)]
        people.sort(key=lambda peer: peer.kind != owner)
        made = people[0].call("createGroup", name="Field team", participants=[pn(peer.phone) for peer in people[1:]])
        for peer in people[1:]:
            peer.wait("group", group=made["group"], action="joined")
        self.assertEqual(people[0].call("groupInfo", group=made["group"])["addressing"] or "pn", addressing)
        self.talk_in_group(people, made["group"])
        for sender in people:
            self.check_mention(sender, people, made["group"], addressing)
        self.assert_no_flags(self.mock)

    def check_mention(self, sender, people, group, addressing):
        """sender answers a message of the next one, and names him."""
        named = people[(people.index(sender) + 1) % len(people)]
        who = pn(named.phone) if addressing == "pn" else self.mock.lid_of(named.phone)
        asked = named.send(group, f"{sender.kind}, what is it?")
        sender.wait("message", id=asked)
        said = sender.send(group, f"@{who.split('@')[0]} this", mentions=[who],
                           quoted={"id": asked, "sender": who, "text": f"{sender.kind}, what is it?"})
        for reader in people:
            if reader is not sender:
                got = reader.wait("message", id=said)
                self.assertEqual([user(jid) for jid in got["mentions"]], [who])
                self.assertEqual(got["quoted"], asked)

    def test_lid_group_of_rust(self):
        self.check_group("lid", RUST)

    def test_pn_group_of_whatsmeow(self):
        self.check_group("pn", "whatsmeow")

    def test_restart(self):
        rust, whatsmeow = self.join(RUST, CAROL), self.join("whatsmeow", ALICE)
        self.talk(rust, whatsmeow)
        rust.quit()
        whatsmeow.send(pn(CAROL), "for you, stopped")
        again = self.restart(rust)
        again.wait_text("for you, stopped")
        self.exchange(again, whatsmeow, pn(ALICE), "here again")
        again.call("disconnect")
        whatsmeow.send(pn(CAROL), "for you, disconnected")
        again.reconnect()
        again.wait_text("for you, disconnected")
        self.exchange(whatsmeow, again, pn(CAROL), "and again")
        self.assert_no_flags(self.mock)

    def test_retry_after_a_lost_session(self):
        """It asks again, and the others seal anew.

        Not the other way round: after each private message whatsapp-rust drops the devices of that person, because
        its hash of them leaves the sending device out (wacore/src/send/resolved_devices.rs), unlike whatsmeow's and
        the mock's; and it ignores requests of devices it does not know that bring no keys (src/retry.rs)."""
        rust, whatsmeow, baileys = self.join(RUST, CAROL), self.join("whatsmeow", ALICE), self.join("baileys", BOB)
        for other in (whatsmeow, baileys):
            with self.subTest(other.kind):
                self.talk(rust, other, other.kind)
                rust.call("dropSessions", to=pn(other.phone))
                other.send(pn(CAROL), f"can you read this, says {other.kind}")
                rust.wait_text(f"can you read this, says {other.kind}", timeout=60)
                self.exchange(rust, other, pn(other.phone), f"yes, {other.kind}")
        self.assert_no_flags(self.mock)


class RustAndBridge(BridgeCase):
    def setUp(self):
        super().setUp()
        self.rust = self.join(RUST, CAROL)

    def from_bridge(self, text, recipient, *readers, **fields):
        reply = self.bridge.send(recipient, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        sent = reply.json["message_id"]
        for peer in (self.rust, *readers):
            got = peer.wait("message", id=sent)
            self.assertIn(user(got["from"]), (pn(BRIDGE), self.mock.lid_of(BRIDGE)))
        return got

    def test_private_chat(self):
        """Each side writes first once, and the client loses its sessions in between."""
        self.from_bridge("first word", CAROL)
        self.to_bridge(self.rust, "second word")
        self.rust.call("dropSessions", to=pn(BRIDGE))
        self.from_bridge("you lost me", CAROL)
        self.to_bridge(self.rust, "found you \N{WAVING HAND SIGN}")
        other = self.join(RUST, DAVE)
        self.to_bridge(other, "another one writes first")
        self.rust.quit()
        sent = self.bridge.send(CAROL, "while you were away").json["message_id"]
        self.rust = self.restart(self.rust)
        self.rust.wait("message", id=sent, text="while you were away")
        self.to_bridge(self.rust, "back")
        self.assert_no_flags(self.mock)

    def check_group(self, addressing):
        if addressing == "pn":
            self.mock.new_groups_pn()
        whatsmeow = self.join("whatsmeow", ALICE)
        group = self.rust.call("createGroup", name="Field team", participants=[pn(ALICE), pn(BRIDGE)])["group"]
        whatsmeow.wait("group", group=group, action="joined")
        self.bridge.poll(lambda: any(one["jid"] == group for one in self.bridge.get("/api/groups").json["groups"]),
                         20, "the bridge knows the group")
        people = [self.rust, whatsmeow]
        form = pn if addressing == "pn" else self.mock.lid_of
        for number in range(2):
            row = self.to_bridge(self.rust, f"@{form(BRIDGE).split('@')[0]} {number}", group, people,
                                 mentions=[form(BRIDGE)])
            self.assertEqual((row["mentions_me"], BRIDGE in row["mentions"]), (1, True))
            got = self.from_bridge(f"answer {number}", group, whatsmeow, mentioned_jid=CAROL)
            self.assertEqual([user(jid) for jid in got["mentions"]], [form(CAROL)])
            self.to_bridge(whatsmeow, f"and whatsmeow {number}", group, people)
        self.assert_no_flags(self.mock)

    def test_lid_group(self):
        self.check_group("lid")

    def test_pn_group(self):
        self.check_group("pn")

    def test_what_is_done_to_a_message(self):
        """Edited, answered, reacted to, read, revoked: by whatsapp-rust, in the bridge's books."""
        row = self.to_bridge(self.rust, "a tpyo")
        self.rust.call("edit", to=pn(BRIDGE), msgId=row["id"], text="a typo")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE id = ? AND content = 'a typo' AND edited_at > 0", row["id"])
        said = self.from_bridge("how is it?", CAROL)["id"]
        reply = self.rust.send(pn(BRIDGE), "well", quoted={"id": said, "sender": pn(BRIDGE), "text": "how is it?"})
        self.assertEqual(self.captured(reply, pn(CAROL))["quoted_id"], said)
        self.rust.call("react", to=pn(BRIDGE), msgId=said, sender=pn(BRIDGE), text="\N{THUMBS UP SIGN}")
        self.bridge.wait_rows("SELECT 1 FROM reactions WHERE message_id = ? AND reaction = ? AND sender = ?", said,
                              "\N{THUMBS UP SIGN}", CAROL)
        self.rust.call("markRead", to=pn(BRIDGE), sender=pn(BRIDGE), ids=[said])
        self.bridge.poll(lambda: self.bridge.get(f"/api/outbox/{said}").json["state"] == "read", 20,
                         "the bridge knows that it was read")
        self.rust.call("revoke", to=pn(BRIDGE), msgId=row["id"])
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE id = ? AND revoked_at > 0", row["id"])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
