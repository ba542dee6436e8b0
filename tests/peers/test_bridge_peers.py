"""The bridge against Baileys and whatsmeow through wa-mock, both ways."""

import os
import sqlite3
import unittest

from harness.people import ALICE, BRIDGE, KINDS, BridgeCase, pn, user


class BridgeAndPeers(BridgeCase):
    def setUp(self):
        super().setUp()
        self.lid = self.mock.lid_of(BRIDGE)

    def from_bridge(self, readers, text, recipient, **fields):
        reply = self.bridge.send(recipient, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        sent = reply.json["message_id"]
        for peer in readers:
            got = peer.wait("message", id=sent)
            self.assertIn(user(got["from"]), (pn(BRIDGE), self.lid))
            self.assertEqual(len(peer.seen("message", id=sent)), 1)
        return sent

    def assert_bridge_behaved(self):
        """What the peers do wrong among themselves is the affair of test_mock_peers."""
        self.assert_no_flags(self.mock, BRIDGE)

    def test_private_chats_both_ways(self):
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.to_bridge(peer, f"{kind} writes first")
                self.from_bridge([peer], "the bridge answers", phone)
                self.to_bridge(peer, f"{kind} again \N{WAVING HAND SIGN}")
                self.from_bridge([peer], "and again", pn(phone))
        self.assert_bridge_behaved()

    def test_bridge_writes_first(self):
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.from_bridge([peer], f"first word to {kind}", "+" + phone)
                self.to_bridge(peer, f"{kind} answers")
                self.from_bridge([peer], "third word", phone)
        self.assert_bridge_behaved()

    def signed_prekey(self, number):
        """The month is over; the bridge comes back and has its next one at the server."""
        self.bridge.stop()
        database = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        database.execute("UPDATE bridge_signed_prekeys SET made_at = 0")
        database.commit()
        database.close()
        self.start_again()
        self.bridge.poll(lambda: any(device["skey_id"] == number and device["connected"]
                                     for device in self.mock.account(BRIDGE)["devices"]),
                         30, f"signed prekey {number} at the server")

    def test_sessions_with_the_next_signed_prekey(self):
        """Peers check its signature and set up a session with it."""
        self.bridge.wait_rows("SELECT 1 FROM bridge_signed_prekeys", name="whatsapp.db")
        self.signed_prekey(2)
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.to_bridge(peer, f"{kind} writes first")
                self.from_bridge([peer], "welcome", phone)
        self.assertEqual(self.bridge.rows("SELECT DISTINCT signed_prekey_id AS id FROM"
                                          " bridge_base_keys ORDER BY id DESC LIMIT 1",
                                          name="whatsapp.db")[0]["id"], 2)
        self.assert_bridge_behaved()

    def check_group(self, addressing):
        if addressing == "pn":
            self.mock.new_groups_pn()
        people, group = self.group_with_bridge()
        for number in range(2):
            for peer in people:
                self.to_bridge(peer, f"{peer.kind} in the group {number}", group, people)
            self.from_bridge(people, f"the bridge in the group {number}", group)
        self.check_mentions_out(people, group, addressing)
        self.check_mentions_in(people, group, addressing)
        self.assert_bridge_behaved()

    def form(self, phone, addressing):
        return pn(phone) if addressing == "pn" else self.mock.lid_of(phone)

    def check_mentions_out(self, people, group, addressing):
        """Whatever form the caller uses, the wire has the one that the group needs (R-109)."""
        wanted = self.form(ALICE, addressing)
        digits = wanted.split("@")[0]
        for given in (ALICE, "+" + ALICE, pn(ALICE), self.mock.lid_of(ALICE)):
            with self.subTest(given=given):
                sent = self.from_bridge(people, "please look", group, mentioned_jid=given)
                for peer in people:
                    got = peer.wait("message", id=sent)
                    self.assertEqual([user(jid) for jid in got["mentions"]], [wanted])
                    self.assertEqual(got["text"], f"@{digits} please look")
        reply = self.bridge.post("/send-message", {
            "group_jid": group, "recipient_jid": pn(ALICE), "message": "DR1234567 - correct it"})
        got = people[0].wait("message", id=reply.json["message_id"])
        self.assertEqual(got["text"], f"@{digits} DR1234567 - correct it")
        absent = self.bridge.send(group, "hello", mentioned_jid="27820009999")
        self.assertEqual((absent.status, absent.json["error"]), (422, "absent_mention"))
        self.assertIn("27820009999", absent.json["message"])

    def check_mentions_in(self, people, group, addressing):
        mine = self.form(BRIDGE, addressing)
        for peer in people:
            row = self.to_bridge(peer, f"@{mine.split('@')[0]} from {peer.kind}", group,
                                 people, mentions=[mine])
            self.assertIn(BRIDGE, row["mentions"])
            self.assertEqual(row["mentions_me"], 1)

    def test_lid_group(self):
        self.check_group("lid")

    def test_pn_group(self):
        self.check_group("pn")

    def test_restarts_and_messages_while_off(self):
        people, group = self.group_with_bridge()
        for peer in people:
            self.to_bridge(peer, f"{peer.kind} before")
            self.to_bridge(peer, f"{peer.kind} before, group", group, people)
        self.from_bridge(people, "before, group", group)
        for how in ("stopped", "killed"):
            if how == "stopped":
                self.bridge.stop()
            else:
                self.bridge.kill()
            sent = []
            for peer in people:
                for number in range(5):
                    for chat in (pn(BRIDGE), group):
                        text = f"{peer.kind}, bridge {how}, {number}"
                        sent.append((peer.send(chat, text), text,
                                     pn(peer.phone) if chat != group else group))
            self.start_again()
            for message_id, text, chat in sent:
                self.assertEqual(self.captured(message_id, chat)["content"], text)
            for peer in people:
                self.from_bridge([peer], f"back after being {how}", peer.phone)
                self.to_bridge(peer, f"{peer.kind} after {how}")
            self.from_bridge(people, f"back in the group, {how}", group)
        self.assert_bridge_behaved()

    def test_restart_of_the_peers(self):
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.to_bridge(peer, "before")
                peer.quit()
                reply = self.bridge.send(phone, "while you were away")
                self.assertEqual(reply.status, 200)
                again = self.restart(peer)
                again.wait("message", id=reply.json["message_id"], text="while you were away")
                self.to_bridge(again, "after")
        self.assert_bridge_behaved()

    def test_peer_lost_its_session(self):
        """The peer cannot read us: its retry request is answered, also after our restart."""
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.to_bridge(peer, "before")
                self.from_bridge([peer], "before", phone)
                peer.call("dropSessions", to=pn(BRIDGE))
                peer.call("dropSessions", to=self.lid)
                peer.call("disconnect")
                sent = self.bridge.send(phone, "you lost me").json["message_id"]
                self.bridge.stop()
                self.start_again()
                peer.reconnect()
                peer.wait("message", timeout=60, id=sent, text="you lost me")
                self.to_bridge(peer, "found you")

    def test_pairing_by_code(self):
        other = self.start_bridge(self.mock, "27820000005", "--pair-code", name="by-code")
        code = other.poll(lambda: (other.get("/api/pair-code").json or {}).get("code"), 20,
                          "a pairing code")
        self.assertRegex(code, r"^[1-9A-Z]{4}-[1-9A-Z]{4}$")
        self.mock.enter_code("27820000005", code)
        other.wait_status("ok")
        peer = self.join("whatsmeow", ALICE)
        peer.send(pn("27820000005"), "hello, coded one")
        other.wait_rows("SELECT id FROM messages WHERE content = 'hello, coded one'")
        self.assert_no_flags(self.mock, "27820000005")
        self.assert_bridge_behaved()


if __name__ == "__main__":
    unittest.main()
