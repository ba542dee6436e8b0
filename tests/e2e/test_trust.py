"""Whose keys are believed, on the running program: nobody but our phone speaks for our phone, a changed security
code is told once, and linked devices that their account does not vouch for are seen."""

import os
import sqlite3
import unittest

from harness.bridge import clean_env
from harness.case import Case

PHONE = "27820000001"
FRIEND = "27820001000"
EVENTS = "SELECT * FROM messages WHERE kind = 'event' ORDER BY change_seq"


def pn(phone):
    return phone + "@s.whatsapp.net"


def field(number, value):
    """One protobuf field: a number, or bytes."""
    def varint(n):
        return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def protocol_message(kind, number, payload):
    return field(12, field(2, kind) + field(number, payload)).hex()


def app_state_key(key_id):
    data = field(1, b"k" * 32) + field(2, field(1, 1)) + field(3, 1)
    return protocol_message(6, 7, field(1, field(1, field(1, key_id)) + field(2, data)))


def resent(request, chat, message_id, text):
    """What a phone answers when it is asked for a message (P-RC-46)."""
    web = (field(1, field(1, chat.encode()) + field(3, message_id.encode())) + field(2, field(1, text.encode()))
           + field(3, 1790000000))
    response = field(1, 4) + field(2, request.encode()) + field(3, field(4, field(1, web)))
    return protocol_message(17, 17, response)


class Trust(Case):
    forges = True

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.friend_lid = self.mock.lid_of(FRIEND)

    def trust(self):
        return self.bridge.health()["trust"]

    def wait_trust(self, what, value):
        self.bridge.poll(lambda: self.trust()[what] >= value, 30, f"{what} is {value}")
        self.assertEqual(self.trust()[what], value)

    def wa(self, statement, *values):
        return self.bridge.rows(statement, *values, name="whatsapp.db")

    def forge(self, **fields):
        return self.mock.admin("POST", "/forge", {"to": PHONE, "text": "forged", **fields})

    def read(self):
        """Until the bridge has acked all it was sent."""
        self.mock.wait_read(self.bridge.health()["jid"])

    def arrives(self, text):
        rows = self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", text)
        self.assertEqual(len(rows), 1, text)
        return rows[0]

    def again(self, *args, **env):
        self.bridge.stop()
        return self.once_more(*args, **env)

    def once_more(self, *args, **env):
        old = self.bridge
        self.bridge = self.start_bridge(self.mock, PHONE, *args, store=old.store, name=old.name + "+",
                                        env=clean_env(**env))
        self.bridge.wait_status("ok")

    def phone_identities(self):
        users = [self.mock.lid_of(PHONE).split("@")[0] + "_1", PHONE]
        return self.wa("SELECT hex(identity) AS identity FROM whatsmeow_identity_keys WHERE their_id IN (?, ?)",
                       *(user + ":0" for user in users))

    def account_key(self):
        return self.wa("SELECT hex(adv_account_sig_key) AS k FROM whatsmeow_device")[0]["k"]

    def assert_pinned(self):
        self.assertEqual(self.phone_identities(), [{"identity": self.account_key()}])


class OwnPhone(Trust):
    def setUp(self):
        super().setUp()
        self.read()  # what the phone sends to a new device

    def keys(self):
        return self.wa("SELECT count(*) AS n FROM whatsmeow_app_state_sync_keys")[0]["n"]

    def genuine_still_works(self):
        self.mock.contact_send(PHONE, FRIEND, "from the phone itself")
        self.assertEqual(self.arrives("from the phone itself")["is_from_me"], 1)
        self.assert_pinned()

    def test_a_foreign_key_does_not_speak_for_our_phone(self):
        before = self.keys()
        number = 0
        for by_number in (False, True):
            for content in ({"sent_to": self.friend_lid, "recipient": self.friend_lid},
                            {"message_hex": app_state_key(b"forged"), "peer": True}):
                number += 1
                self.forge(**{"as": PHONE, "pn": by_number, **content})
                self.wait_trust("foreign_keys", number)
        self.read()
        self.assertEqual(self.keys(), before)
        self.assertEqual(self.bridge.rows("SELECT content FROM messages WHERE content <> ''"), [])
        # The friend's number is among those that the phone has handed over.
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE chat_jid = ? AND is_from_me", FRIEND + "@s.whatsapp.net",
                              count=2)
        waiting = self.bridge.rows("SELECT chat_jid, is_from_me FROM messages WHERE state = 'waiting'")
        self.assertEqual(waiting, [{"chat_jid": FRIEND + "@s.whatsapp.net", "is_from_me": 1}] * 2)
        # Nobody is asked for what was forged, and it does not come again.
        self.assertEqual(self.wa("SELECT count(*) AS n FROM bridge_retry_owed")[0]["n"], 0)
        self.again()
        self.assertEqual(self.trust()["foreign_keys"], 0)
        self.genuine_still_works()

    def test_the_server_cannot_change_our_phones_key(self):
        sessions = self.wa("SELECT count(*) AS n FROM whatsmeow_sessions")
        for by_number in (False, True):
            self.forge(**{"as": PHONE, "pn": by_number, "what": "identity"})
        self.wait_trust("foreign_keys", 2)
        self.read()
        self.assertEqual(self.wa("SELECT count(*) AS n FROM whatsmeow_sessions"), sessions)
        self.genuine_still_works()

    def test_keys_in_a_retry_receipt_are_not_our_phones(self):
        sent = self.bridge.send(FRIEND, "for the friend").json["message_id"]
        self.forge(**{"as": PHONE, "what": "retry", "id": sent, "recipient": self.friend_lid})
        self.wait_trust("foreign_keys", 1)
        self.read()
        self.genuine_still_works()
        # Nothing was sealed for the forger: the true phone would have been sent it, and could not read it.
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={PHONE}")["failures"], [])

    def test_prekeys_of_our_phone_are_its_own(self):
        self.bridge.stop()
        with sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db")) as db:
            db.execute("DELETE FROM whatsmeow_sessions")
        db.close()
        self.mock.trouble(foreign_phone_keys=2)
        self.once_more()
        self.assertEqual(self.bridge.send(FRIEND, "first").status, 200)
        self.bridge.poll(lambda: self.trust()["foreign_keys"] > 0, 30, "the foreign keys were seen")
        self.assert_pinned()
        self.mock.trouble(foreign_phone_keys=0)
        self.assertEqual(self.bridge.send(FRIEND, "second").status, 200)
        self.assert_pinned()

    def test_a_file_with_a_foreign_key_is_put_right(self):
        self.bridge.stop()
        with sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db")) as db:
            db.execute("UPDATE whatsmeow_identity_keys SET identity = ? WHERE their_id LIKE '%:0'",
                       (b"\x09" + bytes(31),))
        db.close()
        self.once_more()
        self.wait_trust("foreign_keys", 1)
        self.genuine_still_works()

    def test_only_the_phone_hands_over_keys_and_only_what_was_asked_for(self):
        self.mock.admin("POST", "/contact/device", {"phone": PHONE, "action": "add"})
        devices = self.mock.account(PHONE)["devices"]
        number = max(int(device["jid"].split(":")[1].split("@")[0]) for device in devices if ":" in device["jid"])
        before = self.keys()
        self.mock.contact_send(PHONE, PHONE, "", device=number, peer=True, message_hex=app_state_key(b"other"))
        self.read()
        self.assertEqual(self.keys(), before)
        self.mock.contact_send(PHONE, PHONE, "", peer=True, message_hex=app_state_key(b"phone"))
        self.bridge.poll(lambda: self.keys() == before + 1, 30, "the phone's key is taken")
        self.mock.contact_send(PHONE, PHONE, "", peer=True,
                               message_hex=resent("3EB0NOBODY", pn(FRIEND), "3EB0PLANTED", "planted"))
        self.wait_trust("unasked_answers", 1)
        self.read()
        self.assertEqual(self.bridge.rows("SELECT content FROM messages"), [])
        # Another linked device may write, as a person may; its account vouches for it.
        self.mock.contact_send(PHONE, FRIEND, "from the tablet", device=number)
        self.assertEqual(self.arrives("from the tablet")["is_from_me"], 1)
        self.assertEqual(self.trust()["unvouched_devices"], 0)


class Codes(Trust):
    def contact(self):
        people = self.bridge.get("/api/contacts").json["contacts"]
        return next(person for person in people if person["jid"] == pn(FRIEND))

    def test_a_changed_code_is_told_once(self):
        self.mock.contact_send(FRIEND, PHONE, "first contact")
        first = self.arrives("first contact")
        self.assertEqual(self.bridge.rows(EVENTS), [], "the first key is no change")
        self.assertIsNone(self.contact()["identity_changed_at"])
        self.mock.admin("POST", "/contact/reinstall", {"phone": FRIEND})
        for text in ("new phone", "new phone again"):
            self.mock.contact_send(FRIEND, PHONE, text)
            self.arrives(text)
        events = self.bridge.rows(EVENTS)
        self.assertEqual(len(events), 1)
        event = events[0]
        self.assertEqual((event["chat_jid"], event["sender"], event["is_from_me"], event["state"]),
                         (pn(FRIEND), first["sender"], 0, ""))
        self.assertEqual(event["content"], "", "nobody wrote it")
        self.assertEqual(event["summary"], f"Security code with {first['push_name']} changed")
        self.assertEqual(self.contact()["identity_changed_at"], event["timestamp"])
        self.assertEqual(self.trust()["codes_changed"], 1)
        # The chat's own time is that of its messages.
        last = self.bridge.rows("SELECT last_message_time AS t FROM chats WHERE jid = ?", pn(FRIEND))[0]["t"]
        self.assertEqual(last, self.bridge.rows("SELECT max(timestamp) AS t FROM messages"
                                                " WHERE kind <> 'event'")[0]["t"])
        self.again()
        self.assertEqual(len(self.bridge.rows(EVENTS)), 1)
        self.assertEqual(self.contact()["identity_changed_at"], event["timestamp"])
        self.assert_no_flags(self.mock)

    def test_each_way_in_which_a_key_changes_is_told(self):
        self.mock.contact_send(FRIEND, PHONE, "first contact")
        self.arrives("first contact")
        self.forge(**{"as": FRIEND, "text": "another key"})
        self.arrives("another key")
        self.assertEqual(len(self.bridge.rows(EVENTS)), 1, "by a message")
        sent = self.bridge.send(FRIEND, "for the friend").json["message_id"]
        self.forge(**{"as": FRIEND, "what": "retry", "id": sent})
        self.bridge.wait_rows(EVENTS, count=2)
        # The friend cannot read what was sealed for a forger and asks with the true key: changes as well.
        self.bridge.poll(lambda: len(self.bridge.rows(EVENTS)) == self.trust()["codes_changed"], 30, "each is told")
        ids = [row["id"] for row in self.bridge.rows(EVENTS)]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertTrue(all(" " in name for name in ids), "no stanza can have such an id")

    def test_a_crash_between_the_commits_tells_it_once(self):
        self.mock.contact_send(FRIEND, PHONE, "first contact")
        self.arrives("first contact")
        self.bridge.stop()
        self.forge(**{"as": FRIEND, "text": "another key"})
        # Which commit it is depends on what the login has to write: killed at one after the other.
        for number in range(1, 20):
            killed = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name=f"killed{number}",
                                       env=clean_env(WB_FAULT=f"commit.between:{number}"))
            killed.wait_exit(60)
            told = len(self.bridge.rows(EVENTS))
            if told:
                break
        self.assertEqual(told, 1)
        self.assertEqual(self.wa("SELECT changes FROM bridge_identity_changes"), [], "not between the commits")
        self.once_more()
        self.arrives("another key")
        self.read()
        self.assertEqual(len(self.bridge.rows(EVENTS)), 1)
        self.assertEqual(self.wa("SELECT changes FROM bridge_identity_changes"), [{"changes": 1}])


class Devices(Trust):
    """Linked devices of a friend."""

    def setUp(self):
        super().setUp()
        self.mock.contact_send(FRIEND, PHONE, "from the phone")
        self.arrives("from the phone")

    def new_device(self):
        account = self.mock.admin("POST", "/contact/device", {"phone": FRIEND, "action": "add"})
        return max(account["devices"])

    def writes(self, text, device):
        self.mock.contact_send(FRIEND, PHONE, text, device=device)

    def test_genuine_devices_raise_no_alarm(self):
        for number in range(2):
            self.writes(f"device {number}", self.new_device())
            self.arrives(f"device {number}")
        self.assertEqual(self.bridge.send(FRIEND, "to all of them").status, 200)
        self.writes("answer", self.new_device())
        self.arrives("answer")
        self.assertEqual(self.trust()["unvouched_devices"], 0)
        self.assert_no_flags(self.mock)

    def test_each_fault_is_counted_and_nothing_is_lost(self):
        faults = ("missing", "garbage", "other-account", "account-signature", "device-signature")
        for number, fault in enumerate(faults, 1):
            self.mock.trouble(adv=fault)
            self.writes(fault, self.new_device())
            self.arrives(fault)
            self.assertEqual(self.trust()["unvouched_devices"], number, fault)
        self.mock.trouble(adv="good")
        # A device that Alice never linked, with a statement of an account that nobody knows.
        self.forge(**{"as": FRIEND, "device": 99, "text": "device 99", "statement": True})
        self.arrives("device 99")
        self.assertEqual(self.trust()["unvouched_devices"], len(faults) + 1)
        self.assertEqual(self.trust()["unvouched_refused"], 0)
        self.mock.trouble(bad_key_lists=1)
        self.assertEqual(self.bridge.send(FRIEND, "to all of them").status, 200)
        self.assertEqual(self.trust()["unvouched_devices"], len(faults) + 2)

    def test_refused_by_the_setting(self):
        self.again("--adv-check", "refuse")
        self.forge(**{"as": FRIEND, "device": 99, "text": "device 99", "id": "FORGED99", "statement": True})
        self.wait_trust("unvouched_refused", 1)
        self.read()
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = 'FORGED99'")[0]
        self.assertEqual((row["content"], row["state"]), ("", "waiting"))
        self.writes("a device of hers", self.new_device())
        self.arrives("a device of hers")
        self.assertEqual(self.trust()["unvouched_refused"], 1)

    def test_not_looked_at_by_the_setting(self):
        self.again("--adv-check", "off")
        self.forge(**{"as": FRIEND, "device": 99, "text": "device 99", "statement": True})
        self.arrives("device 99")
        self.assertEqual(self.trust()["unvouched_devices"], 0)


if __name__ == "__main__":
    unittest.main()
