"""Somebody has a new phone: what the old one had sent before arrives late, and what we write is for the
new one."""

import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class NewPhone(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.bridge.poll(lambda: self.bridge.get("/api/groups").json["groups"], 20, "groups")

    def stored(self, text):
        rows = self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", text)
        self.assertEqual(len(rows), 1, text)
        return rows[0]

    def identity(self):
        rows = self.bridge.rows(
            "SELECT hex(identity) AS k FROM whatsmeow_identity_keys WHERE their_id = ?",
            self.mock.lid_of(FRIEND).split("@")[0] + "_1:0", name="whatsapp.db")
        return rows[0]["k"]

    def reads(self, to, text):
        """The friend's phone, as it is now, can read it at once."""
        self.assertEqual(self.bridge.send(to, text).status, 200)

        def shown():
            return [m for m in self.mock.contact_messages(FRIEND) if m.get("text") == text]
        self.bridge.poll(shown, 30, f"'{text}' is read")
        failures = self.mock.admin("GET", f"/contact/failures?phone={FRIEND}")["failures"]
        self.assertEqual(failures, [])

    def talk(self):
        """Both directions, so that the session is one without pkmsgs; and our group key is known."""
        self.mock.contact_send(FRIEND, PHONE, "hello")
        self.stored("hello")
        self.reads(FRIEND, "hello yourself")
        self.mock.contact_send(FRIEND, PHONE, "fine")
        self.stored("fine")
        self.reads(self.group, "to all")

    def new_phone(self, quiet):
        old = self.identity()
        self.mock.admin("POST", "/contact/reinstall", {"phone": FRIEND, "quiet": quiet})
        self.mock.contact_send(FRIEND, PHONE, "my new phone")
        self.stored("my new phone")
        self.bridge.poll(lambda: self.identity() != old, 20, "the new identity")
        return self.identity()

    def test_late_message_of_the_old_phone(self):
        self.talk()
        self.mock.contact_send(FRIEND, PHONE, "sent before", hold=True)
        new = self.new_phone(quiet=True)
        self.mock.admin("POST", "/contact/release", {"phone": FRIEND})
        self.stored("sent before")
        self.assertEqual(self.identity(), new)
        self.reads(FRIEND, "to the new phone")
        self.reads(self.group, "to all, once more")
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.reads(FRIEND, "after a restart")
        self.assert_no_flags(self.mock)

    def test_late_new_session_of_the_old_phone(self):
        """The old phone began another session just before: we know its identity as one of the past,
        also after the server has told us that it is."""
        self.talk()
        # Told first: of two changes in one second the server's word on the later one is an old one.
        for quiet in (False, True):
            with self.subTest(quiet=quiet):
                self.mock.admin("POST", "/contact/send", {
                    "from": FRIEND, "to": PHONE, "text": f"new session {quiet}", "hold": True,
                    "fresh": True})
                if quiet:
                    new = self.new_phone(quiet)
                else:
                    self.mock.admin("POST", "/contact/reinstall", {"phone": FRIEND})
                self.mock.admin("POST", "/contact/release", {"phone": FRIEND})
                self.stored(f"new session {quiet}")
                if quiet:
                    self.assertEqual(self.identity(), new)
                self.reads(FRIEND, f"to the new phone {quiet}")
                self.reads(self.group, f"to all {quiet}")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
