"""What whatsmeow seals with the secrets of messages: the bridge reads it."""

import unittest

from harness.case import Case
from harness.people import ALICE, BOB, BRIDGE, BridgeCase, pn


class Sealed(BridgeCase):
    def row(self, message_id, content):
        return self.bridge.wait_rows("SELECT * FROM messages WHERE id = ? AND coalesce(summary, content) = ?",
                                     message_id, content)[0]

    def test_edits_in_a_private_chat(self):
        """With the number as its address, and with the LID."""
        peer = self.join("whatsmeow", ALICE)
        own_lid = self.mock.lid_of(BRIDGE)
        for to, name in ((pn(BRIDGE), "number"), (own_lid, "LID")):
            with self.subTest(name):
                sent = peer.send_sealed(to, f"frist, to the {name}")
                self.row(sent, f"frist, to the {name}")
                peer.send_sealed(to, f"first, to the {name}", action="edit", msgId=sent,
                                 sender=peer.jid if to == pn(BRIDGE) else peer.lid)
                self.assertTrue(self.row(sent, f"first, to the {name}")["edited_at"])
        self.assertEqual(len(self.bridge.rows("SELECT * FROM messages")), 2)
        self.assert_no_flags(self.mock)

    def test_votes_reactions_and_comments_in_a_group(self):
        people, group = self.group_with_bridge()
        alice = people[0]
        bob = people[1]
        self.assertEqual(bob.phone, BOB)
        news = alice.send_sealed(group, "news")
        self.row(news, "news")
        alice.send_sealed(group, "news indeed", action="edit", msgId=news, sender=alice.lid)
        self.row(news, "news indeed")
        poll = alice.send_sealed(group, "Lunch?", options=["Pizza", "Sushi"])
        self.row(poll, "[poll] Lunch?: Pizza / Sushi")
        vote = alice.send_sealed(group, "", action="vote", msgId=poll, sender=alice.lid,
                                 options=["Sushi"])
        self.row(vote, f"[poll vote] Sushi to {poll}")
        comment = alice.send_sealed(group, "good news", action="comment", msgId=news,
                                    sender=alice.lid)
        self.row(comment, f"[comment] to {news} good news")
        alice.send_sealed(group, "\U0001F44D", action="reaction", msgId=news, sender=alice.lid)
        self.bridge.wait_rows("SELECT 1 FROM reactions WHERE message_id = ? AND reaction = ?", news,
                              "\U0001F44D")
        self.assert_no_flags(self.mock)


class HandedOver(Case):
    """The secrets stand in whatsmeow's own table, under its keys."""

    def test_secrets_go_from_whatsmeow_to_the_bridge_and_back(self):
        self.mock = self.start_mock()
        go = self.start_peer("whatsmeow", self.mock, "go")
        go.pair_by_qr(BRIDGE)
        alice = self.start_peer("whatsmeow", self.mock, "alice")
        alice.pair_by_qr(ALICE)
        first = alice.send_sealed(pn(BRIDGE), "frist")
        go.wait_text("frist")
        go.quit()
        bridge = self.start_bridge(self.mock, BRIDGE, store=go.store)
        bridge.wait_status("ok")
        # Its text came to whatsmeow, and so did its secret.
        alice.send_sealed(pn(BRIDGE), "first", action="edit", msgId=first, sender=alice.jid)
        bridge.wait_rows("SELECT 1 FROM messages WHERE id = ? AND content = 'first'", first)
        second = alice.send_sealed(pn(BRIDGE), "for the bridge")
        bridge.wait_rows("SELECT 1 FROM messages WHERE id = ?", second)
        bridge.stop()
        go = self.start_peer("whatsmeow", self.mock, "go")
        go.phone = BRIDGE
        go.reconnect()
        # whatsmeow refuses to seal without the secret of the message.
        sent = go.send_sealed(pn(ALICE), "\U0001F44D", action="reaction", msgId=second, sender=alice.jid)
        alice.wait("message", id=sent)


if __name__ == "__main__":
    unittest.main()
