"""What the phone hands over when the bridge is linked: privacy tokens, the NCT salt, pairs of
addresses, names; and our own name, with what follows from it."""

import os
import signal
import sqlite3
import unittest

from harness.bridge import clean_env
from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"
OWN = "User 0001"  # what wa-mock calls that account


class First(Case):
    def begin(self, *options, past=None, bridge=(), env=None, name="bridge"):
        """A mock whose phone has that past, and a bridge that is linked with it."""
        self.mock = self.start_mock("--contacts", "2", *options)
        if past is not None:
            self.mock.admin("POST", "/mock-phone/past", {"phone": PHONE, **past})
        self.bridge = self.start_bridge(self.mock, PHONE, *bridge, env=env, name=name)
        self.bridge.pair_by_qr()

    def ours(self, statement, *values):
        return self.bridge.rows(statement, *values, name="whatsapp.db")

    def wait_ours(self, statement, *values, **options):
        return self.bridge.wait_rows(statement, *values, name="whatsapp.db", **options)

    def wait_read(self):
        """All that was offered has been read."""
        self.bridge.poll(lambda: self.ours("SELECT 1 FROM whatsmeow_contacts WHERE push_name <> ''") and
                         not self.ours("SELECT 1 FROM bridge_history_files"), 30,
                         "the offered history is read")

    def wait_name(self, name):
        return self.bridge.poll(lambda: self.bridge.health()["push_name"] == name, 30, f"our name is {name!r}")

    def notes(self):
        return [flag for flag in self.mock.admin("GET", "/flags?notes=1")["flags"] if flag["what"] == "presence-again"]

    def sent(self, recipient, text):
        return self.bridge.send("+" + recipient, text)


class TokensTest(First):
    def test_a_restricted_account_writes_in_an_old_chat(self):
        """Known by the token that the friend gave long before this device was linked."""
        for form in (False, True):
            with self.subTest(by_number=form):
                self.begin("--require-tctoken", past={"tokens_from": [FRIEND], "messages": 5, "by_number": form},
                           name=f"bridge-{form}")
                self.wait_read()
                answer = self.sent(FRIEND, "hello again")
                self.assertEqual(answer.status, 200, answer.body)
                self.assertTrue(self.mock.traced("<tctoken>"))
                answer = self.sent(OTHER, "nice to meet you")  # who gave none
                self.assertNotEqual(answer.status, 200, answer.body)
                self.assert_no_flags(self.mock)
                self.bridge.stop()

    def test_the_salt_opens_chats_that_have_no_token(self):
        self.begin("--require-tctoken", past={"salt": True})
        self.wait_read()
        answer = self.sent(OTHER, "by the salt")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(self.mock.traced("<cstoken>"))
        self.assert_no_flags(self.mock)

    def test_many_large_parts_as_files(self):
        """Tens of megabytes, in parts: the loop answers all the time, and all of it is read."""
        people, messages, parts = (8000, 100, 12) if os.environ.get("WB_TEST_FULL") else (400, 40, 3)
        self.begin("--require-tctoken", past={"tokens_from": [FRIEND], "salt": True, "files": True,
                                              "chats": people, "messages": messages, "parts": parts,
                                              "files_gone": 1, "file_lost": True})
        self.bridge.wait_growing(
            lambda: self.ours("SELECT count(*) n FROM whatsmeow_privacy_tokens WHERE length(token) > 0")[0]["n"],
            people + 1, "tokens")
        self.wait_read()
        pairs = self.ours("SELECT count(*) n FROM whatsmeow_lid_map WHERE pn LIKE '2783%'")[0]["n"]
        self.assertEqual(pairs, people)
        self.assertEqual(self.sent(FRIEND, "hello again").status, 200)
        health = self.bridge.health()
        print(f"\n{people} people in {parts} parts: longest pause {health['longest_pause']}", flush=True)
        self.assertEqual(self.mock.traced('type="server-error"'), 2)  # the receipt and its ack
        self.assertEqual(self.bridge.rows("SELECT 1 FROM messages WHERE content LIKE 'old message%'"), [])
        self.assert_no_flags(self.mock)

    def test_killed_before_it_is_read(self):
        """What the phone has offered is known after a crash, though the phone does not repeat it."""
        self.begin("--require-tctoken", past={"tokens_from": [FRIEND], "salt": True},
                   env=clean_env(WB_FAULT="history.slice:1"))
        self.bridge.wait_exit(30)
        offered = self.mock.traced("hist_sync")
        self.assertTrue(self.ours("SELECT 1 FROM bridge_history_files"))
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.wait_read()
        self.assertEqual(self.sent(FRIEND, "hello again").status, 200)
        self.assertEqual(self.mock.traced("hist_sync"), offered)
        self.assert_no_flags(self.mock)

    def test_a_part_that_is_broken_costs_nothing_else(self):
        self.begin(past={"broken": True, "chats": 5, "messages": 2, "parts": 3, "tokens_from": [OTHER]})
        self.wait_ours("SELECT 1 FROM whatsmeow_privacy_tokens WHERE length(token) > 0", count=3)
        self.wait_name(OWN)
        left = self.wait_ours("SELECT tries FROM bridge_history_files WHERE tries > 0")
        self.assertEqual(len(left), 1)
        self.mock.contact_send(FRIEND, PHONE, "still here")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'still here'")
        self.assert_no_flags(self.mock)

    def test_names_and_addresses_are_learned(self):
        self.begin()
        self.wait_read()
        for phone in (FRIEND, OTHER):
            name = self.ours("SELECT push_name FROM whatsmeow_contacts WHERE their_jid = ?", self.mock.lid_of(phone))
            self.assertEqual(name, [{"push_name": self.mock.account(phone)["name"]}])
        pairs = {row["pn"] for row in self.ours("SELECT pn FROM whatsmeow_lid_map")}
        self.assertLessEqual({FRIEND, OTHER}, pairs)
        self.assert_no_flags(self.mock)


class OwnNameTest(First):
    def presences(self):
        return [line["xml"] for line in self.mock.trace() if line["xml"].startswith('<presence type="available"')]

    def wait_presence(self, count=1):
        self.bridge.poll(lambda: len(self.presences()) >= count, 30, f"{count} presences")

    def test_from_the_history(self):
        self.begin()
        self.wait_name(OWN)
        self.wait_presence()
        self.assertIn(f'name="{OWN}"', self.presences()[0])
        self.assertNotIn("warnings", self.bridge.health())
        self.assertEqual(self.ours("SELECT push_name FROM whatsmeow_device")[0]["push_name"], OWN)
        self.assert_no_flags(self.mock)

    def test_unknown_is_a_warning_until_the_phone_writes(self):
        self.begin(past={"nameless": True})
        self.wait_read()
        health = self.bridge.health()
        self.assertIsNone(health["push_name"])
        self.assertEqual(len(health["warnings"]), 1)
        self.assertIn("name", health["warnings"][0])
        self.assertEqual(self.presences(), [])
        self.mock.contact_send(PHONE, FRIEND, "from the phone")
        self.wait_name(OWN)
        self.wait_presence()
        self.assertNotIn("warnings", self.bridge.health())
        self.assert_no_flags(self.mock)

    def test_the_business_name_comes_with_the_pairing(self):
        self.begin(past={"nameless": True, "business": "Harbour Depot"})
        self.wait_name("Harbour Depot")
        self.wait_presence()
        self.mock.contact_send(PHONE, FRIEND, "from the phone")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'from the phone'")
        self.assertEqual(self.bridge.health()["push_name"], "Harbour Depot")
        self.assert_no_flags(self.mock)

    def test_the_setting_counts_before_all(self):
        self.begin(bridge=("--push-name", "Field desk"))
        self.wait_presence()
        self.wait_read()
        self.assertEqual(self.bridge.health()["push_name"], "Field desk")
        self.assertEqual({'name="Field desk"' in one for one in self.presences()}, {True})
        self.assertEqual(self.ours("SELECT push_name FROM whatsmeow_device")[0]["push_name"], OWN)

    def test_presence_is_not_repeated_at_each_login(self):
        named = ("--push-name", "Field desk")
        self.begin(bridge=named)
        self.wait_presence()
        for _ in range(2):
            self.go_offline()
            self.come_back()
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, *named, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "all is read")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'all is read'")
        self.assertEqual((len(self.presences()), len(self.notes())), (1, 0))
        self.bridge.stop()  # a day later: the note of it is old
        connection = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        with connection:
            connection.execute("UPDATE bridge_meta SET value = CAST(replace(CAST(value AS TEXT),"
                               " substr(CAST(value AS TEXT), 1, 10), '1600000000') AS BLOB) WHERE name = 'presence'")
        connection.close()
        self.bridge = self.start_bridge(self.mock, PHONE, *named, store=self.bridge.store, name="daily")
        self.bridge.wait_status("ok")
        self.wait_presence(2)

    def test_a_new_name_is_announced_at_once(self):
        self.begin(bridge=("--config", self.settings("Field desk")))
        self.wait_presence()
        self.settings("Night desk")
        self.bridge.signal(signal.SIGHUP)
        self.bridge.poll(lambda: [one for one in self.presences() if 'name="Night desk"' in one], 30, "the new name")

    def settings(self, name):
        path = os.path.join(self.directory, "bridge.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"push_name: {name}\n")
        return path


if __name__ == "__main__":
    unittest.main()
