"""What whatsapp-rust seals with the secret of a message, the bridge opens.

Its encryptor shares nothing with ours (crypto/msg_secret.c): derivation, associated data and encoding are its own."""

import unittest

from harness.people import ALICE, BRIDGE, CAROL, BridgeCase, pn, user

RUST = "whatsapp-rust"


class SealedByRust(BridgeCase):
    ROWS = "SELECT * FROM messages WHERE chat_jid = ? ORDER BY rowid"

    def setUp(self):
        super().setUp()
        self.rust = self.join(RUST, CAROL)

    def wait_edited(self, row, text):
        """The row has the new text, and the edit is no message of its own."""
        now = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ? AND content = ?", row["id"], text)[0]
        self.assertGreater(now["edited_at"], 0)
        self.assertEqual(now["chat_jid"], row["chat_jid"])

    def contents(self, chat):
        return [row["content"] for row in self.bridge.rows(self.ROWS, chat)]

    def test_edits_of_a_private_message(self):
        row = self.to_bridge(self.rust, "tpyo")
        for text in ("typo", "typo, twice edited \N{WAVING HAND SIGN}"):
            self.rust.call("editSealed", to=pn(BRIDGE), msgId=row["id"], text=text)
            self.wait_edited(row, text)
        self.to_bridge(self.rust, "and on")
        self.assertEqual(self.contents(pn(CAROL)), ["typo, twice edited \N{WAVING HAND SIGN}", "and on"])
        self.assert_no_flags(self.mock)

    def check_group(self, addressing):
        """Carol writes, edits and asks; Alice answers all of it."""
        if addressing == "pn":
            self.mock.new_groups_pn()
        alice = self.join(RUST, ALICE)
        group = self.rust.call("createGroup", name="Field team", participants=[pn(BRIDGE), pn(ALICE)])["group"]
        alice.wait("group", group=group, action="joined")
        self.bridge.poll(lambda: any(one["jid"] == group for one in self.bridge.get("/api/groups").json["groups"]),
                         20, "the bridge knows the group")
        carol = pn(CAROL) if addressing == "pn" else user(self.rust.lid)
        row = self.to_bridge(self.rust, "at eihgt", group, [alice])
        self.rust.call("editSealed", to=group, msgId=row["id"], text="at eight")
        self.wait_edited(row, "at eight")
        self.check_answers(alice, group, carol)
        self.check_reaction_and_comment(alice, group, row["id"], carol)
        self.assert_no_flags(self.mock)

    def asked(self, kind, group, **fields):
        """A question of Carol's that Alice and the bridge have."""
        question = self.rust.call(kind, to=group, **fields)["msgId"]
        self.captured(question, group)
        return question

    def answer(self, command, alice, group, about, author, **fields):
        """The row of what Alice says about a message."""
        said = alice.call(command, to=group, msgId=about, sender=author, **fields)["msgId"]
        row = self.captured(said, group)
        self.assertEqual((row["sender"], row["target_id"]), (ALICE, about))
        return row

    def check_answers(self, alice, group, carol):
        poll = self.asked("poll", group, text="When?", options=["at eight", "at nine"])
        row = self.answer("vote", alice, group, poll, carol, options=["at nine"])
        self.assertEqual((row["kind"], row["summary"]), ("poll_vote", f"[poll vote] at nine to {poll}"))
        event = self.asked("event", group, text="Braai")
        row = self.answer("answerEvent", alice, group, event, carol)
        self.assertEqual((row["kind"], row["summary"]), ("event_response", f"[event response] going to {event}"))

    def check_reaction_and_comment(self, alice, group, message, carol):
        row = self.answer("comment", alice, group, message, carol, text="too early")
        self.assertEqual((row["kind"], row["summary"]), ("comment", f"[comment] to {message} too early"))
        alice.call("reactSealed", to=group, msgId=message, sender=carol, text="\N{THUMBS UP SIGN}")
        self.bridge.wait_rows("SELECT 1 FROM reactions WHERE message_id = ? AND reaction = ? AND sender = ?", message,
                              "\N{THUMBS UP SIGN}", ALICE)

    def test_lid_group(self):
        self.check_group("lid")

    def test_pn_group(self):
        self.check_group("pn")


if __name__ == "__main__":
    unittest.main()
