"""Baileys and whatsmeow talk to each other through wa-mock, without our bridge: the mock serves any
multi-device client, and is not tuned to ours."""

import unittest

from harness.case import Case

ALICE, BOB, CAROL = "27820000011", "27820000012", "27820000013"


def pn(phone):
    return phone + "@s.whatsapp.net"


def user(jid):
    """'2782…:3@s.whatsapp.net' -> '2782…@s.whatsapp.net'"""
    left, _, server = jid.partition("@")
    return left.split(":")[0].split("_")[0] + "@" + server


class PeersThroughMock(Case):
    def pair(self, mock, kind, phone, by="qr", name=None):
        peer = self.start_peer(kind, mock, name)
        opened = peer.pair_by_qr(phone) if by == "qr" else peer.pair_by_code(phone)
        self.assertEqual(user(opened["jid"]), pn(phone))
        self.assertTrue(opened["lid"].endswith("@lid"), opened)
        return peer

    def exchange(self, sender, receiver, to, text, chat_is=None, **fields):
        """sender -> receiver, which must read the text once, from the right person."""
        sent = sender.send(to, text, **fields)
        got = receiver.wait_text(text)
        self.assertEqual(got["id"], sent)
        self.assertIn(user(got["from"]), (pn(sender.phone), user(sender.lid)))
        if chat_is:
            self.assertEqual(got["chat"], chat_is)
        else:
            self.assertIn(user(got["chat"]), (pn(sender.phone), user(sender.lid)))
        self.assertEqual(len(receiver.seen("message", id=sent)), 1)
        sender.wait("receipt", type="delivery", where=lambda e: sent in e["ids"])
        return got

    def talk(self, one, other, tag=""):
        """Several messages each way: the first sets up the session, later ones use it."""
        self.exchange(one, other, pn(other.phone), f"{tag} hello {other.phone}")
        self.exchange(other, one, pn(one.phone), f"{tag} hello back")
        self.exchange(one, other, pn(other.phone), f"{tag} again")
        self.exchange(other, one, pn(one.phone), f"{tag} and again \N{WAVING HAND SIGN}")

    def test_pair_by_qr_and_talk(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(alice, bob)
        self.assert_no_flags(mock)

    def test_baileys_writes_first(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(bob, alice)
        self.assert_no_flags(mock)

    def test_pair_by_code_and_talk(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE, by="code")
        bob = self.pair(mock, "baileys", BOB, by="code")
        self.talk(alice, bob)
        self.assert_no_flags(mock)

    def test_same_kind(self):
        mock = self.start_mock()
        for kind, one, other in (("whatsmeow", ALICE, BOB), ("baileys", CAROL, "27820000014")):
            with self.subTest(kind):
                self.talk(self.pair(mock, kind, one, name=f"{kind}-1"),
                          self.pair(mock, kind, other, name=f"{kind}-2"), kind)
        self.assert_no_flags(mock)

    def group_of_three(self, mock, owner_kind, *options):
        kinds = {ALICE: owner_kind, BOB: "baileys", CAROL: "whatsmeow"}
        people = [self.pair(mock, kind, phone, name=f"{kind}-{phone}")
                  for phone, kind in kinds.items()]
        owner, *others = people
        made = owner.call("createGroup", name="Field team",
                          participants=[pn(peer.phone) for peer in others])
        group = made["group"]
        for peer in others:
            peer.wait("group", group=group, action="joined")
        return people, group

    def talk_in_group(self, people, group, tag=""):
        for number in range(2):  # the first message hands out sender keys, the second does not
            for sender in people:
                text = f"{tag} {sender.phone} says {number}"
                sent = sender.send(group, text)
                for receiver in people:
                    if receiver is sender:
                        continue
                    got = receiver.wait_text(text, chat=group)
                    self.assertEqual(got["id"], sent)
                    self.assertIn(user(got["from"]), (pn(sender.phone), user(sender.lid)))

    def check_group(self, owner_kind, addressing):
        mock = self.start_mock()
        if addressing == "pn":
            mock.new_groups_pn()
        people, group = self.group_of_three(mock, owner_kind)
        info = people[0].call("groupInfo", group=group)
        self.assertEqual(info["addressing"] or "pn", addressing)
        self.talk_in_group(people, group)
        sender, reader, other = people
        form = pn if addressing == "pn" else (lambda phone: user(
            next(p.lid for p in people if p.phone == phone)))
        mention = form(reader.phone)
        text = f"@{mention.split('@')[0]} look at this"
        sender.send(group, text, mentions=[mention])
        for receiver in (reader, other):
            got = receiver.wait_text(text)
            self.assertEqual([user(jid) for jid in got["mentions"]], [mention])
        self.assert_no_flags(mock)

    def test_lid_group_of_whatsmeow(self):
        self.check_group("whatsmeow", "lid")

    def test_lid_group_of_baileys(self):
        self.check_group("baileys", "lid")

    def test_pn_group_of_whatsmeow(self):
        self.check_group("whatsmeow", "pn")

    def test_pn_group_of_baileys(self):
        self.check_group("baileys", "pn")

    def test_messages_to_somebody_offline(self):
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(alice, bob)
        made = alice.call("createGroup", name="Night shift", participants=[pn(BOB)])
        bob.wait("group", group=made["group"], action="joined")
        self.talk_in_group([alice, bob], made["group"])
        for away, here in ((bob, alice), (alice, bob)):
            with self.subTest(away=away.kind):
                away.call("disconnect")
                private = [f"while {away.kind} was away {n}" for n in range(5)]
                public = [f"group, while {away.kind} was away {n}" for n in range(5)]
                for one, two in zip(private, public):
                    here.send(pn(away.phone), one)
                    here.send(made["group"], two)
                away.reconnect()
                for text in private + public:
                    away.wait_text(text)
                for text in private + public:
                    self.assertEqual(len(away.seen("message", text=text)), 1, text)
                self.exchange(away, here, pn(here.phone), f"{away.kind} is back")
        self.assert_no_flags(mock)

    def test_restart_of_a_client(self):
        mock = self.start_mock()
        peers = [self.pair(mock, "whatsmeow", ALICE), self.pair(mock, "baileys", BOB)]
        self.talk(*peers)
        for number in range(2):
            stopped, here = peers[number], peers[1 - number]
            with self.subTest(stopped=stopped.kind):
                stopped.quit()
                here.send(pn(stopped.phone), f"for {stopped.kind}, stopped")
                again = self.start_peer(stopped.kind, mock, name=stopped.name)
                again.phone = stopped.phone
                again.connect()
                again.wait_open()
                again.wait_text(f"for {stopped.kind}, stopped")
                self.exchange(again, here, pn(here.phone), f"{stopped.kind} restarted")
                peers[number] = again
        self.assert_no_flags(mock)

    def test_retry_after_a_lost_session(self):
        """One side loses its sessions: it asks again, the other encrypts anew."""
        mock = self.start_mock()
        alice = self.pair(mock, "whatsmeow", ALICE)
        bob = self.pair(mock, "baileys", BOB)
        self.talk(alice, bob)
        alice.call("dropSessions", to=pn(BOB))
        alice.call("dropSessions", to=user(bob.lid))
        bob.send(pn(ALICE), "can you read this?")
        alice.wait_text("can you read this?", timeout=60)
        self.exchange(alice, bob, pn(BOB), "yes, again")
        self.assert_no_flags(mock)

    def test_leaving_members_do_not_read_on(self):
        mock = self.start_mock()
        people, group = self.group_of_three(mock, "whatsmeow")
        owner, stays, goes = people
        self.talk_in_group(people, group)
        owner.call("groupParticipants", group=group, action="remove",
                   participants=[pn(goes.phone)])
        stays.wait("group", group=group, action="remove")
        owner.send(group, "after the change")
        stays.wait_text("after the change")
        self.assertEqual(goes.seen("message", text="after the change"), [])
        owner.call("groupParticipants", group=group, action="add", participants=[pn(goes.phone)])
        self.talk_in_group(people, group, "together again")
        self.assert_no_flags(mock)


if __name__ == "__main__":
    unittest.main()
