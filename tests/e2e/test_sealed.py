"""What is sealed with the secret of another message: wa-mock's people seal it with code of their own."""

import contextlib
import os
import sqlite3
import unittest

from harness.case import Case

PHONE = "27820000001"
ONE, TWO = "27820001000", "27820001001"
SECRET = "5e" * 32


class Sealed(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.lid = {phone: self.mock.lid_of(phone) for phone in (PHONE, ONE, TWO)}
        self.pn = {phone: phone + "@s.whatsapp.net" for phone in (PHONE, ONE, TWO)}

    def seal(self, what, sender, to, text="", **fields):
        return self.mock.admin("POST", "/contact/sealed", {
            "what": what, "from": sender, "to": to, "text": text, "secret": SECRET, **fields})["id"]

    def row(self, message_id, content):
        return self.bridge.wait_rows("SELECT * FROM messages WHERE id = ? AND coalesce(summary, content) = ?",
                                     message_id, content)[0]

    def count(self):
        return self.bridge.rows("SELECT count(*) AS n FROM messages")[0]["n"]

    def test_edits_change_the_message(self):
        """Under every pair of addresses: clients do not agree about them while accounts become LIDs."""
        me = {"pn": self.pn[PHONE], "lid": self.lid[PHONE]}
        for form in ("lid", "pn"):
            for author in (self.lid[ONE], self.pn[ONE]):
                for editor in (self.lid[ONE], self.pn[ONE]):
                    with self.subTest(to=form, author=author, editor=editor):
                        sent = self.seal("text", ONE, me[form], "frist")
                        self.row(sent, "frist")
                        self.seal("edit", ONE, me[form], "first", **{"as": editor}, target={
                            "id": sent, "author": author, "from_me": True, "chat": me[form]})
                        # What comes later is stored later: nothing else has to be waited for.
                        self.row(self.seal("text", ONE, me[form], "next"), "next")
                        edited = self.bridge.rows("SELECT * FROM messages WHERE id = ?", sent)[0]
                        self.assertEqual(edited["content"], "first")
                        self.assertTrue(edited["edited_at"])
        self.assertEqual(self.count(), 16, "no row beside the messages")
        self.assert_no_flags(self.mock)

    def test_edits_of_our_own_phone(self):
        """What our owner edits on the phone comes as a copy, sealed with our own addresses."""
        sent = self.seal("text", PHONE, self.lid[ONE], "frist")
        self.assertEqual(self.row(sent, "frist")["is_from_me"], 1)
        self.seal("edit", PHONE, self.lid[ONE], "first", **{"as": self.lid[PHONE]}, target={
            "id": sent, "author": self.lid[PHONE], "from_me": True, "chat": self.lid[ONE]})
        self.row(sent, "first")
        self.assertEqual(self.count(), 1)
        self.assert_no_flags(self.mock)

    def test_in_groups(self):
        """Votes, reactions, comments, answers and new options, of another member than the author."""
        def of(kind, sent, text="", sender=TWO, **fields):
            return self.seal(kind, sender, self.group, text, **{"as": self.lid[sender]}, target={
                "id": sent, "author": self.lid[ONE], "chat": self.group,
                "from_me": sender == ONE, "participant": self.lid[ONE]}, **fields)

        poll = self.seal("poll", ONE, self.group, "Lunch?", options=["Pizza", "Sushi"])
        self.row(poll, "[poll] Lunch?: Pizza / Sushi")
        self.row(of("vote", poll, options=["Sushi", "Pizza"]), f"[poll vote] Sushi / Pizza to {poll}")
        self.row(of("vote", poll), f"[poll vote] taken back to {poll}")
        self.row(of("add-option", poll, "Soup"), f"[new poll option] Soup to {poll}")
        of("poll-edit", poll, "Dinner?", ONE, options=["Pasta"])
        self.row(poll, "[poll] Dinner?: Pasta")
        event = self.seal("event", ONE, self.group, "Picnic")
        self.row(of("answer", event, answer=1, guests=2),
                 f"[event response] going, with 2 more to {event}")
        of("event-edit", event, "Picnic at two", ONE)
        self.row(event, "[event] Picnic at two")
        news = self.seal("text", ONE, self.group, "news")
        self.row(of("comment", news, "good news"), f"[comment] to {news} good news")
        of("reaction", news, "\U0001F44D")
        self.bridge.wait_rows("SELECT 1 FROM reactions WHERE message_id = ? AND reaction = ?", news,
                              "\U0001F44D")
        # Somebody who has the secret, as all members have, edits nothing that is not theirs.
        self.row(of("edit", news, "bad news"),
                 f"[edited] to {news} (cannot be read: what it is about is not here)")
        self.row(news, "news")
        self.assert_no_flags(self.mock)

    def test_a_bots_answer(self):
        """To what our owner asked it on the phone; it comes bit by bit."""
        chat, me = self.lid[ONE], self.lid[PHONE]
        asked = self.seal("text", PHONE, chat, "@Meta AI how far is the moon?")
        self.row(asked, "@Meta AI how far is the moon?")

        def answer(text, message_id, edit, target=asked):
            self.mock.admin("POST", "/contact/bot", {
                "to": PHONE, "secret": SECRET, "text": text, "id": message_id, "edit": edit,
                "edit_target": "BOT1", "target": {"id": target, "sender": me, "chat": chat}})

        answer("It is", "BOT1", "first")
        self.assertEqual(self.row("BOT1", "It is")["chat_jid"], self.pn[ONE])
        answer("It is some", "BOT2", "inner")
        answer("It is some 384,000 km", "BOT3", "last")
        self.row("BOT1", "It is some 384,000 km")
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.mock.traced('<receipt id="BOT'), 0, "a bot among people is not told")
        # The question went from our phone to the bot alone, as in groups.
        answer("nobody knows", "BOT4", "first", "ELSEWHERE")
        self.row("BOT4", "[open WhatsApp on the phone to see this message]"
                         " (a bot's answer to a message that is not here)")
        self.assert_no_flags(self.mock)

    def test_an_edit_that_comes_first(self):
        """Its row says what it is; when the original comes, both are right."""
        me = self.lid[PHONE]
        edit = self.seal("edit", ONE, me, "first", **{"as": self.lid[ONE]}, target={
            "id": "LATE1", "author": self.lid[ONE], "from_me": True, "chat": me})
        self.row(edit, "[edited] to LATE1 (cannot be read: what it is about is not here)")
        self.seal("text", ONE, me, "frist", id="LATE1")
        self.row("LATE1", "first")
        self.row(edit, "[edited] first")
        self.assertEqual(self.bridge.rows("SELECT * FROM bridge_secret_waits", name="whatsapp.db"), [])
        self.assert_no_flags(self.mock)

    def test_the_phones_copy_brings_the_secret(self):
        """The message is here without its secret; what our phone hands on has it."""
        me = self.lid[PHONE]
        self.mock.admin("POST", "/mock-phone/manner", {"phone": PHONE, "resends": True})
        sent = self.seal("text", ONE, me, "frist")
        self.row(sent, "frist")
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))) as db:
            db.execute("DELETE FROM whatsmeow_message_secrets")
            db.commit()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.seal("edit", ONE, me, "first", **{"as": self.lid[ONE]}, target={
            "id": sent, "author": self.lid[ONE], "from_me": True, "chat": me})
        self.row(sent, "first")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
