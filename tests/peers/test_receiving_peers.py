"""What the bridge could not read at first: Baileys and whatsmeow are asked again, and answer."""

import contextlib
import os
import sqlite3
import unittest

from harness.people import KINDS, BridgeCase


class Receiving(BridgeCase):
    MESSAGE = BridgeCase.MESSAGE + " AND content <> ''"  # not the placeholder before it

    def restart_without(self, *tables):
        """Keys are lost while the bridge is off, as by a restore of an old file."""
        self.bridge.stop()
        path = os.path.join(self.bridge.store, "whatsapp.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            for table in tables:
                db.execute(f"DELETE FROM {table}")
            db.commit()
        self.start_again()

    def owed(self):
        return len(self.bridge.rows("SELECT * FROM bridge_retry_owed", name="whatsapp.db"))

    def test_lost_sessions(self):
        for kind, phone in KINDS:
            with self.subTest(kind):
                peer = self.join(kind, phone)
                self.to_bridge(peer, f"{kind} before")
                self.restart_without("whatsmeow_sessions")
                self.to_bridge(peer, f"{kind}, read at the second try")
                self.to_bridge(peer, f"{kind} goes on")
                self.bridge.poll(lambda: self.owed() == 0, 10, "nothing is owed any more")

    def test_lost_sender_keys(self):
        people, group = self.group_with_bridge()
        for peer in people:
            self.to_bridge(peer, f"{peer.kind} before", group, people)
        self.restart_without("whatsmeow_sender_keys")
        for peer in people:
            with self.subTest(peer.kind):
                self.to_bridge(peer, f"{peer.kind}, read at the second try", group, people)
                self.to_bridge(peer, f"{peer.kind} goes on", group, people)
        self.bridge.poll(lambda: self.owed() == 0, 10, "nothing is owed any more")


if __name__ == "__main__":
    unittest.main()
