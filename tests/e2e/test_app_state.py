"""Settings of the phone (app state): our own name and the salt for tokens, as a snapshot, as changes, after an
absence, and under a key that has to be asked for."""

import contextlib
import sqlite3
import unittest

from harness.case import Case
from harness.disk import Shim

PHONE, FRIEND = "27820000001", "27820001000"


class AppState(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")

    def settings(self, **fields):
        self.mock.admin("POST", "/mock-phone/settings", {"phone": PHONE, **fields})

    def paired(self):
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def wait_name(self, name):
        self.bridge.poll(lambda: self.bridge.health().get("push_name") == name, 30, f"the name {name}")

    def wait_salt(self, salt, timeout=30):
        self.bridge.wait_rows("SELECT salt FROM whatsmeow_nct_salt WHERE hex(salt) = ?", salt.upper(),
                              name="whatsapp.db", timeout=timeout)

    def versions(self):
        return {row["name"]: row["version"] for row in self.bridge.rows(
            "SELECT name, version FROM whatsmeow_app_state_version", name="whatsapp.db")}

    def test_snapshot_then_changes(self):
        for name in ("Depot 6", "Depot 7"):
            self.settings(push_name=name, nct_salt_hex="00112233445566778899aabbccddeeff")
        self.paired()
        self.wait_name("Depot 7")
        self.bridge.poll(lambda: self.versions() == {"critical_block": 2, "regular_high": 2}, 20, "versions")
        self.wait_salt("00112233445566778899aabbccddeeff", timeout=5)  # committed with its version
        self.settings(push_name="Depot 8")
        self.wait_name("Depot 8")
        self.settings(nct_salt_hex="")
        self.bridge.poll(lambda: not self.bridge.rows("SELECT 1 FROM whatsmeow_nct_salt",
                                                      name="whatsapp.db"), 20, "no salt")
        self.assertEqual(self.versions(), {"critical_block": 3, "regular_high": 3})
        self.assert_no_flags(self.mock)

    def test_changed_while_away(self):
        self.settings(push_name="Depot 7")
        self.paired()
        self.wait_name("Depot 7")
        self.bridge.stop()
        self.settings(push_name="Depot 9")
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.wait_name("Depot 9")
        self.assert_no_flags(self.mock)

    def test_a_fetch_that_failed_is_made_up_for(self):
        """The server is silent when it is asked; after the next login it is asked again."""
        self.settings(push_name="Depot 7")
        self.paired()
        self.wait_name("Depot 7")
        self.mock.trouble(ignore_iqs=True)
        self.settings(push_name="Depot 8")
        self.bridge.poll(lambda: self.mock.traced("w:sync:app:state"), 20, "the question")
        self.mock.trouble(ignore_iqs=False)
        self.mock.drop(PHONE)
        self.wait_name("Depot 8")
        self.assertFalse([line for line in self.bridge.lines if "cannot store" in line])
        self.assert_no_flags(self.mock)

    def test_links_of_before_are_read_once(self):
        """Of an older bridge: keys and nothing read. Of whatsmeow: read to a version, and its name and salt are its own."""
        self.settings(push_name="Depot 7", nct_salt_hex="00112233445566778899aabbccddeeff")
        self.paired()
        self.wait_salt("00112233445566778899aabbccddeeff")
        self.wait_name("Depot 7")
        forgotten = ("DELETE FROM bridge_meta WHERE name IN ('app_state', 'own_name');"
                     "UPDATE whatsmeow_device SET push_name = ''; DELETE FROM whatsmeow_nct_salt;")
        for name, more in (("older", "DELETE FROM whatsmeow_app_state_version;"), ("whatsmeow", "")):
            with self.subTest(name):
                self.bridge.stop()
                with contextlib.closing(sqlite3.connect(self.bridge.store + "/whatsapp.db")) as database:
                    database.executescript("PRAGMA foreign_keys = ON;" + forgotten + more)
                self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
                self.wait_name("Depot 7")
                self.wait_salt("00112233445566778899aabbccddeeff")
                self.bridge.stop()
                asked = self.mock.traced("w:sync:app:state")
                self.bridge = self.start_bridge(self.mock, PHONE, name=name + "-again", store=self.bridge.store)
                self.bridge.wait_status("ok")
                self.mock.contact_send(FRIEND, PHONE, "after " + name)
                self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", "after " + name)
                self.assertEqual(self.mock.traced("w:sync:app:state"), asked, "it is read once")

    def test_a_refusal_is_made_up_for_on_the_same_connection(self):
        self.settings(push_name="Depot 7")
        shim = Shim(self.directory)
        self.bridge = self.start_bridge(self.mock, PHONE, env=shim.env())
        self.bridge.pair_by_qr()
        self.wait_name("Depot 7")
        self.mock.admin("POST", "/rate", {"query": "w:sync:app:state set", "times": 1, "backoff": 1})
        self.settings(push_name="Depot 8")
        self.bridge.poll(lambda: self.bridge.health().get("query_pauses"), 20, "a pause")
        self.bridge.poll(lambda: not self.bridge.health().get("query_pauses"), 20, "its end")
        shim.mono_offset_ms += 61_000
        self.wait_name("Depot 8")
        self.assertEqual(self.mock.logins(PHONE), 1)
        self.assert_no_flags(self.mock)

    def test_missing_key(self):
        self.settings(push_name="Depot 7")
        self.paired()
        self.wait_name("Depot 7")
        self.settings(push_name="Depot 8", new_key=True)
        self.wait_name("Depot 8")
        self.assertEqual(len(self.bridge.rows("SELECT key_id FROM whatsmeow_app_state_sync_keys",
                                              name="whatsapp.db")), 2)
        said = [line for line in self.bridge.lines if "appstate:" in line]
        self.assertEqual(len([line for line in said if " INFO " in line and "asked for a key" in line]), 1, said)
        self.assertFalse([line for line in said if " WARN " in line], said)
        self.assert_no_flags(self.mock)

    def test_state_that_does_not_fit_is_fetched_anew(self):
        self.settings(push_name="Depot 7")
        self.paired()
        self.wait_name("Depot 7")
        self.bridge.stop()
        with sqlite3.connect(self.bridge.store + "/whatsapp.db") as database:
            database.execute("UPDATE whatsmeow_app_state_version SET hash = zeroblob(128)")
        database.close()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_status("ok")
        self.settings(push_name="Depot 8")
        self.wait_name("Depot 8")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
