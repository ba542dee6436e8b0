"""What the bridge could not read at first: Baileys and whatsmeow are asked again, and answer."""

import contextlib
import os
import sqlite3
import unittest

from harness.case import Case

BRIDGE, ALICE, BOB = "27820000001", "27820000011", "27820000012"
KINDS = (("whatsmeow", ALICE), ("baileys", BOB))
ROW = "SELECT * FROM messages WHERE id = ? AND content <> ''"


def pn(phone):
    return phone + "@s.whatsapp.net"


class Receiving(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.bridge = self.start_bridge(self.mock, BRIDGE)
        self.bridge.pair_by_qr()

    def pair(self, kind, phone):
        peer = self.start_peer(kind, self.mock, f"{kind}-{phone}")
        peer.pair_by_qr(phone)
        return peer

    def to_bridge(self, peer, text, chat=None):
        sent = peer.send(chat or pn(BRIDGE), text)
        rows = self.bridge.wait_rows(ROW, sent)
        self.assertEqual([row["content"] for row in rows], [text])
        self.assertEqual(rows[0]["state"], "")
        self.assertEqual(rows[0]["sender"], peer.phone)
        return rows[0]

    def restart_without(self, *tables):
        """Keys are lost while the bridge is off, as by a restore of an old file."""
        self.bridge.stop()
        path = os.path.join(self.bridge.store, "whatsapp.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            for table in tables:
                db.execute(f"DELETE FROM {table}")
            db.commit()
        self.bridge = self.start_bridge(self.mock, BRIDGE, store=self.bridge.store,
                                        name=self.bridge.name + "+")
        self.bridge.wait_status("ok")

    def owed(self):
        path = os.path.join(self.bridge.store, "whatsapp.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM bridge_retry_owed").fetchone()[0]

    def test_lost_sessions(self):
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.pair(kind, phone)
                self.to_bridge(peer, f"{kind} before")
                self.restart_without("whatsmeow_sessions")
                self.to_bridge(peer, f"{kind}, read at the second try")
                self.to_bridge(peer, f"{kind} goes on")
                self.bridge.poll(lambda: self.owed() == 0, 10, "nothing is owed any more")

    def test_lost_sender_keys(self):
        people = [self.pair(kind, phone) for kind, phone in KINDS]
        made = people[0].call("createGroup", name="Field team",
                              participants=[pn(BOB), pn(BRIDGE)])["group"]
        people[1].wait("group", group=made, action="joined")
        for peer in people:
            self.to_bridge(peer, f"{peer.kind} before", made)
        self.restart_without("whatsmeow_sender_keys")
        for peer in people:
            with self.subTest(peer.kind):
                self.to_bridge(peer, f"{peer.kind}, read at the second try", made)
                self.to_bridge(peer, f"{peer.kind} goes on", made)
        self.bridge.poll(lambda: self.owed() == 0, 10, "nothing is owed any more")


if __name__ == "__main__":
    unittest.main()
