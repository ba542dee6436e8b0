"""A session goes from whatsmeow to the bridge and back, on the same files (R-504, P-DB-32)."""

import json
import os
import re
import shutil
import sqlite3
import unittest

from harness.case import Case
from harness.peer import CommandFailed
from harness.people import ALICE, BOB, pn, user

BRIDGE = "27820000001"
NOWHERE = "ws://127.0.0.1:1/ws/chat"


class Handover(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.marked = 0

    def pair(self, kind, phone, name=None):
        peer = self.start_peer(kind, self.mock, name or f"{kind}-{phone}")
        peer.pair_by_qr(phone)
        return peer

    # ---- who holds the session ------------------------------------------------------------------

    def go_bridge(self, kind="whatsmeow"):
        """The program that the session comes from, and goes back to; its store is the bridge's."""
        go = self.start_peer(kind, self.mock, "go")
        go.phone = BRIDGE
        return go

    def go_again(self, kind="whatsmeow"):
        go = self.go_bridge(kind)
        go.reconnect()
        return go

    def bridge_on(self, store, name):
        bridge = self.start_bridge(self.mock, BRIDGE, store=store, name=name)
        bridge.wait_status("ok")
        return bridge

    # ---- talking --------------------------------------------------------------------------------

    def people(self):
        return [self.pair("baileys", ALICE), self.pair("whatsmeow", BOB)]

    def go_talks(self, go, people, group, tag):
        """Each way, in private and in the group; whatsmeow holds the session. The others begin: the
        pinned whatsmeow looks up the LIDs of a number's devices in its database without their device
        numbers, and then writes to the phone's session for each of them."""
        for peer in people:
            for chat_of_go, chat_of_peer in ((pn(peer.phone), pn(BRIDGE)), (group, group)):
                text = f"{tag}: {peer.phone} to go in {chat_of_peer}"
                peer.send(chat_of_peer, text)
                go.wait_text(text)
                text = f"{tag}: go to {peer.phone} in {chat_of_go}"
                go.send(chat_of_go, text)
                peer.wait_text(text)

    def bridge_talks(self, bridge, people, group, tag):
        for peer in people:
            for chat, to in ((pn(peer.phone), pn(BRIDGE)), (group, group)):
                text = f"{tag}: bridge to {peer.phone} in {chat}"
                reply = bridge.send(chat, text)
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(peer.wait_text(text)["id"], reply.json["message_id"])
                text = f"{tag}: {peer.phone} to bridge in {to}"
                sent = peer.send(to, text)
                row = bridge.wait_rows("SELECT * FROM messages WHERE id = ?", sent)
                self.assertEqual([(r["content"], r["chat_jid"], r["sender"]) for r in row],
                                 [(text, chat, peer.phone)])

    def sent_while_off(self, people, group, tag):
        sent = []
        for peer in people:
            for to in (pn(BRIDGE), group):
                text = f"{tag}: {peer.phone} in {to}, nobody is there"
                peer.send(to, text)
                sent.append(text)
        return sent

    # ---- the wire -------------------------------------------------------------------------------

    def mark(self):
        """What goes over the wire from here on is looked at by assert_no_new_sessions()."""
        self.marked = self.mock.traced_bytes()

    def new_sessions(self):
        """(client, address) of the prekey messages since the mark between our device and others'. Phones
        (device 0) are left out: they never write here, so that sessions with them stay half open at
        whatsmeow, too; so is whatsmeow's session with itself."""
        found = set()
        ours = (pn(BRIDGE), self.mock.lid_of(BRIDGE))
        for stanza in self.mock.trace(self.marked):
            if stanza["dir"] != "in" or 'type="pkmsg"' not in stanza["xml"]:
                continue
            addresses = re.findall(r'<to jid="([^"]*)"[^>]*><enc[^>]*type="pkmsg"', stanza["xml"])
            self.assertTrue(addresses, stanza)
            for address in addresses:
                if ":" in address and ((user(stanza["client"]) in ours) != (user(address) in ours)):
                    found.add((stanza["client"], address))
        return sorted(found)

    def assert_no_new_sessions(self):
        self.assertEqual(self.new_sessions(), [])

    @staticmethod
    def query(store, statement, *values, name="whatsapp.db"):
        database = sqlite3.connect(os.path.join(store, name))
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    def backup(self, store, name):
        """The path of that file in the one backup that was made."""
        sets = os.listdir(os.path.join(store, "backups"))
        self.assertEqual(len([s for s in sets if s.endswith("-before-upgrade")]), 1, sets)
        made = next(s for s in sets if s.endswith("-before-upgrade"))
        return os.path.join("backups", made, name)

    def own_sender_key(self, store, group):
        """The id of the key that we write to the group with."""
        lid = self.mock.lid_of(BRIDGE).split("@")[0]
        rows = self.query(store, "SELECT sender_key FROM whatsmeow_sender_keys WHERE chat_id = ? "
                          "AND sender_id LIKE ? ESCAPE '!'", group, f"{lid}!_1:%")
        self.assertEqual(len(rows), 1)
        return json.loads(rows[0][0])["SenderKeyStates"][0]["KeyID"]

    def lose(self, peer, *chats):
        """Messages that never come leave skipped keys in the session and in the sender key."""
        for chat in chats:
            self.mock.trouble(refuse_drop=1)
            peer.send(chat, "lost on the way")

    def skipped_keys(self, store):
        """How many there are in all sessions, and in all sender keys."""
        sessions = self.query(store, "SELECT session FROM whatsmeow_sessions")
        sender_keys = self.query(store, "SELECT sender_key FROM whatsmeow_sender_keys")
        return (sum(record.count(b'"MacKey"') for (record,) in sessions),
                sum(record.count(b'"Seed"') for (record,) in sender_keys))

    def test_to_the_bridge_and_back(self):
        people = self.people()
        go = self.go_bridge()
        go.pair_by_qr(BRIDGE)
        group = people[0].call("createGroup", name="Field team",
                               participants=[pn(BOB), pn(BRIDGE)])["group"]
        go.wait("group", group=group, action="joined")
        self.go_talks(go, people, group, "before")
        for number in range(6):  # the lost one may have begun a session of its own, which leaves no gap
            self.lose(people[0], pn(BRIDGE), group)
            self.go_talks(go, people, group, f"before again {number}")
            if all(self.skipped_keys(go.store)):
                break
        go.quit()
        skipped = self.skipped_keys(go.store)
        self.assertTrue(all(skipped), skipped)
        version = self.query(go.store, "SELECT version FROM whatsmeow_version")[0][0]
        self.assertIn(version, range(8, 15), "the pinned whatsmeow writes an older schema than ours")
        key = self.own_sender_key(go.store, group)
        identity = self.query(go.store, "SELECT jid, lid, identity_key FROM whatsmeow_device")
        missed = self.sent_while_off(people, group, "first")
        self.mark()

        bridge = self.bridge_on(go.store, "taken-over")
        for text in missed:
            bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)
        self.bridge_talks(bridge, people, group, "taken over")
        self.assert_no_new_sessions()
        kept = self.skipped_keys(go.store)
        self.assertTrue(kept[0] >= skipped[0] and kept[1] >= skipped[1], (skipped, kept))
        bridge.kill()
        bridge = self.bridge_on(go.store, "after-a-crash")
        self.bridge_talks(bridge, people, group, "after a crash")
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(self.query(go.store, "PRAGMA journal_mode"), [("delete",)])
        self.assertEqual(self.query(go.store, "SELECT version, compat FROM whatsmeow_version"), [(15, 8)])
        self.assertEqual(self.own_sender_key(go.store, group), key)

        missed = self.sent_while_off(people, group, "second")
        go = self.go_again()
        for text in missed:
            go.wait_text(text)
        self.go_talks(go, people, group, "given back")
        go.quit()
        self.assertEqual(self.query(go.store, "SELECT jid, lid, identity_key FROM whatsmeow_device"),
                         identity)

        bridge = self.bridge_on(go.store, "once-more")
        self.bridge_talks(bridge, people, group, "once more")
        bridge.kill()
        go = self.go_again()  # without a clean stop of the bridge in between
        self.go_talks(go, people, group, "and back")
        self.assert_no_new_sessions()
        self.assert_no_flags(self.mock)

    def test_crashed_before_it_was_handled(self):
        """whatsmeow has decrypted a message and dies in its handler: the key is used up, but the content
        waits in whatsmeow_event_buffer for the redelivery, which the bridge gets."""
        bob = self.pair("whatsmeow", BOB)
        go = self.go_bridge()
        go.pair_by_qr(BRIDGE)
        group = bob.call("createGroup", name="Field team", participants=[pn(BRIDGE)])["group"]
        go.wait("group", group=group, action="joined")
        self.go_talks(go, [bob], group, "before")
        go.quit()
        for number, to in enumerate((pn(BRIDGE), group)):
            text = f"the last thing it saw {number}"
            go = self.go_bridge()
            go.connect(buffer=True, dieOn=text)
            go.wait_open()
            bob.send(to, text)
            self.assertEqual(go.wait_exit(20), 7)
            go.kill()
            self.assertEqual(self.query(go.store, "SELECT count(*) FROM whatsmeow_event_buffer"
                                        " WHERE plaintext IS NOT NULL"), [(1,)])
            bridge = self.bridge_on(go.store, f"after-crash-{number}")
            row = bridge.wait_rows("SELECT * FROM messages WHERE content = ?", text)
            self.assertEqual([(r["sender"], r["state"]) for r in row], [(BOB, "")])
            self.assertEqual(bridge.rows("SELECT id FROM messages WHERE state <> ''"), [])
            self.assertEqual(bridge.stop(), 0)
            # In the group a second state of the sender key, which whatsmeow keeps, may read it again.
            if to != group:
                self.assertEqual(self.query(go.store, "SELECT count(*) FROM whatsmeow_event_buffer"
                                            " WHERE plaintext IS NOT NULL"), [(0,)])
        self.assert_no_flags(self.mock)

    def test_a_session_of_schema_6(self):
        """What the Go bridge's pinned build writes: no LIDs, sessions under phone numbers."""
        self.mock.new_groups_pn()
        people = self.people()
        go = self.go_bridge("whatsmeow-v6")
        go.pair_by_qr(BRIDGE)
        group = people[0].call("createGroup", name="Field team",
                               participants=[pn(BOB), pn(BRIDGE)])["group"]
        self.go_talks(go, people, group, "before")
        go.quit()
        self.assertEqual(self.query(go.store, "SELECT * FROM whatsmeow_version"), [(6,)])
        identity = self.query(go.store, "SELECT jid, identity_key, registration_id FROM whatsmeow_device")
        missed = self.sent_while_off(people, group, "first")
        self.mark()

        bridge = self.bridge_on(go.store, "taken-over")
        for text in missed:
            bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)
        self.bridge_talks(bridge, people, group, "taken over")
        self.assert_no_new_sessions()
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(self.query(go.store, "SELECT version, compat FROM whatsmeow_version"), [(15, 8)])
        self.assertEqual(self.query(go.store, "SELECT version FROM whatsmeow_version",
                                    name=self.backup(go.store, "whatsapp.db")), [(6,)])
        self.assertEqual(self.query(go.store, "SELECT jid, identity_key, registration_id "
                                    "FROM whatsmeow_device"), identity)
        lid = self.mock.lid_of(BRIDGE).split("@")[0]
        self.assertEqual(self.query(go.store, "SELECT lid FROM whatsmeow_device"), [(f"{lid}:1@lid",)])

        left = self.query(go.store, "SELECT their_id FROM whatsmeow_sessions WHERE their_id LIKE ? OR "
                          "their_id LIKE ?", ALICE + ":%", BOB + ":%")
        self.assertEqual(left, [], "sessions go on under LIDs only")
        go = self.go_bridge("whatsmeow-v6")
        go.reconnect()
        self.go_talks(go, people, group, "given back")
        self.assert_no_flags(self.mock, BRIDGE)
        self.steps_of_both(go.store)

    def steps_of_both(self, store):
        """The bridge's steps from 6 to 15, and whatsmeow's from 6 on with ours behind, give one schema."""
        peer = self.start_peer("whatsmeow", self.mock, "steps")
        os.makedirs(peer.store)
        shutil.copy(os.path.join(store, self.backup(store, "whatsapp.db")), peer.store)
        with self.assertRaises(CommandFailed):  # the file is opened first: that is all it is for
            peer.call("connect", url=NOWHERE, rootKey=self.mock.root_key, store=peer.store,
                      log=peer.log_path, name=peer.name)
        peer.quit()
        version = self.query(peer.store, "SELECT version FROM whatsmeow_version")[0][0]
        self.assertIn(version, range(8, 15))
        bridge = self.start_bridge(None, BRIDGE, "--server-url", NOWHERE, "--root-key",
                                   self.mock.root_key, store=peer.store, name="steps-bridge")
        bridge.wait_api()
        self.assertEqual(bridge.stop(), 0)
        columns = ("SELECT m.name, i.name, i.type, i.\"notnull\", i.dflt_value, i.pk FROM sqlite_master m, "
                   "pragma_table_info(m.name) i WHERE m.type = 'table' ORDER BY m.name, i.name")
        indexes = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY name"
        for statement in (columns, indexes, "SELECT version, compat FROM whatsmeow_version"):
            self.assertEqual(self.query(peer.store, statement), self.query(store, statement))


if __name__ == "__main__":
    unittest.main()
