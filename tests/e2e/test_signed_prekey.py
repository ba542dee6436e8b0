"""Our signed prekey gets a successor every month, whatever happens on the way; and a message that sets
up a session opens once, also when its session is gone."""

import os
import signal
import sqlite3
import unittest

from harness.bridge import clean_env
from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"
DAY = 24 * 3600


class SignedPrekey(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.jid = self.bridge.health()["jid"]
        self.bridge.wait_rows("SELECT 1 FROM bridge_signed_prekeys", name="whatsapp.db")

    def change(self, *statements):
        """While the bridge is off."""
        db = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()

    def restart(self, *statements, ends=False, **env):
        """ends: it is killed on the way, by a fault point."""
        if self.bridge.running():
            self.bridge.stop()
        self.change(*statements)
        new = self.start_bridge(self.mock, PHONE, store=self.bridge.store,
                                name=self.bridge.name + "+", env=clean_env(**env))
        self.bridge = new
        if ends:
            self.assertEqual(new.wait_exit(30), -signal.SIGKILL)
        else:
            new.wait_status("ok")

    def age(self, days):
        return f"UPDATE bridge_signed_prekeys SET made_at = made_at - {days * DAY}"

    def server_has(self):
        devices = self.mock.account(PHONE)["devices"]
        return next(device["skey_id"] for device in devices if device["jid"] == self.jid)

    def ours(self):
        return self.bridge.rows("SELECT signed_pre_key_id AS id FROM whatsmeow_device",
                                name="whatsapp.db")[0]["id"]

    def wait_id(self, number):
        self.bridge.poll(lambda: (self.server_has(), self.ours()) == (number, number), 30,
                         f"signed prekey {number} here and there")

    def writes(self, sender, text, **fields):
        return self.mock.contact_send(sender, PHONE, text, **fields)["id"]

    def arrives(self, text):
        self.assertEqual(len(self.bridge.wait_rows(
            "SELECT * FROM messages WHERE content = ?", text)), 1)

    def asked_again(self, sender):
        """How often the bridge could not read what the person wrote."""
        receipts = self.mock.admin("GET", f"/contact/receipts?phone={sender}")["receipts"]
        return sum(receipt.get("type") == "retry" for receipt in receipts)

    def once(self, text):
        rows = self.bridge.rows("SELECT id FROM messages WHERE content = ?", text)
        self.assertEqual(len(rows), 1, rows)

    def release(self, sender=FRIEND, **fields):
        self.mock.admin("POST", "/contact/release", {"phone": sender, **fields})

    def test_successor_every_month(self):
        self.assertEqual(self.server_has(), 1)
        for sender in (FRIEND, OTHER):  # made with the first key
            self.writes(sender, f"early mail of {sender}", fresh=True, hold=True)
        self.restart(self.age(29))
        self.writes(FRIEND, "not yet")
        self.arrives("not yet")
        self.assertEqual((self.server_has(), self.ours()), (1, 1))
        self.restart(self.age(2))
        self.wait_id(2)
        self.release()
        self.arrives(f"early mail of {FRIEND}")
        self.writes(FRIEND, "with the second", fresh=True)
        self.arrives("with the second")
        self.restart()
        self.bridge.post("/api/reconnect")
        self.release(OTHER)
        self.arrives(f"early mail of {OTHER}")
        self.assertEqual((self.server_has(), self.ours()), (2, 2))
        self.assertEqual([self.asked_again(FRIEND), self.asked_again(OTHER)], [0, 0])
        self.assert_no_flags(self.mock)

    def test_old_key_is_forgotten_in_the_end(self):
        self.writes(FRIEND, "hello")
        self.arrives("hello")
        self.writes(FRIEND, "much too late", fresh=True, hold=True)
        self.restart(self.age(31))
        self.wait_id(2)
        self.restart(f"UPDATE bridge_signed_prekeys SET replaced_at = replaced_at - {46 * DAY}"
                     " WHERE replaced_at > 0")
        self.bridge.poll(lambda: self.bridge.rows(
            "SELECT group_concat(id) AS ids FROM bridge_signed_prekeys",
            name="whatsapp.db")[0]["ids"] == "2", 30, "the first key is gone")
        self.assertEqual(self.bridge.rows(
            "SELECT * FROM bridge_base_keys WHERE signed_prekey_id = 1", name="whatsapp.db"), [])
        # A retry receipt with the new keys: it is read all the same.
        self.release()
        self.arrives("much too late")
        self.assertEqual(self.asked_again(FRIEND), 1)
        self.assert_no_flags(self.mock)

    def test_killed_on_the_way(self):
        """Stored and not sent, sent and not in use, in use: one successor, and everybody can write."""
        number = 1
        for point in ("rotate.stored", "rotate.answered", "rotate.used"):
            with self.subTest(point):
                self.restart(self.age(31), ends=True, WB_FAULT=point + ":1",
                             ASAN_OPTIONS="detect_leaks=0")
                number += 1
                self.restart()
                self.wait_id(number)
                self.writes(FRIEND, f"after {point}", fresh=True)
                self.arrives(f"after {point}")
        self.assertEqual(self.asked_again(FRIEND), 0)
        self.assert_no_flags(self.mock)

    def test_server_with_another_key(self):
        self.restart(self.age(31))
        self.wait_id(2)
        self.mock.admin("POST", "/prekeys", {"jid": self.jid, "skey_back": True})
        self.writes(FRIEND, "with the key before", fresh=True)
        self.arrives("with the key before")
        self.assertEqual(self.server_has(), 1)
        self.mock.admin("POST", "/prekeys", {"jid": self.jid, "compare": True})
        self.wait_id(2)
        self.mock.admin("POST", "/prekeys", {"jid": self.jid, "compare": True})
        self.writes(FRIEND, "with ours", fresh=True)
        self.arrives("with ours")
        self.assertEqual((self.server_has(), self.ours()), (2, 2))
        self.assert_no_flags(self.mock)

    def test_clock_that_jumps(self):
        """A time of making in the future is no reason for anything but to begin to count."""
        self.restart(self.age(-400))
        self.writes(FRIEND, "years ago")
        self.arrives("years ago")
        self.assertEqual(self.bridge.rows(
            "SELECT count(*) AS n FROM bridge_signed_prekeys WHERE made_at > strftime('%s') + 60",
            name="whatsapp.db")[0]["n"], 0)
        self.assertEqual((self.server_has(), self.ours()), (1, 1))

    def test_used_base_key_sets_up_nothing(self):
        """A pkmsg without a one-time prekey, delivered again under another id when its session is gone:
        after <identity/>, and after its record was lost."""
        self.mock.admin("POST", "/prekeys", {"jid": self.jid, "withhold": True})
        for how in ("identity", "record"):
            with self.subTest(how):
                text, name = f"only once, {how}", f"REPLAYED{how}".upper()
                sent = self.writes(FRIEND, text, fresh=True, hold=True)
                self.release(again=True)
                self.arrives(text)
                if how == "identity":
                    self.mock.admin("POST", "/contact/reinstall", {"phone": FRIEND})
                    self.bridge.poll(lambda: not self.bridge.rows(
                        "SELECT 1 FROM whatsmeow_identity_keys WHERE their_id = ?",
                        self.mock.lid_of(FRIEND).split("@")[0] + "_1:0", name="whatsapp.db"),
                        30, "the identity is forgotten")
                else:
                    self.restart("DELETE FROM whatsmeow_sessions")
                self.release(id=name, again=True)
                row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", name)[0]
                self.assertEqual((row["content"] or "", row["state"]), ("", "waiting"))
                self.release()
                # Whatever comes after it shows that the copies have been dealt with.
                self.writes(OTHER, f"after {how}", fresh=True)
                self.arrives(f"after {how}")
                self.once(text)
                self.assertEqual(self.bridge.rows(
                    "SELECT state FROM messages WHERE id = ?", sent)[0]["state"], "")
        # The friend, whose session we do not have, is told and writes in a new one.
        self.writes(FRIEND, "in a new session")
        self.arrives("in a new session")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
