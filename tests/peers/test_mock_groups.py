"""Baileys and whatsmeow talk in groups through wa-mock, without our bridge: the mock serves any
multi-device client, and is not tuned to ours."""

import unittest

from harness.people import ALICE, BOB, PeersCase, pn, user


class GroupsThroughMock(PeersCase):
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
