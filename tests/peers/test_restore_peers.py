"""After a restore the bridge is old: Baileys and whatsmeow, who went on, must notice nothing but a new
session, and no key may be used a second time."""

import os
import subprocess
import unittest

from harness import paths
from harness.case import Case
from harness.people import ALICE, BOB, pn

BRIDGE = "27820000001"
ONE_MESSAGE = "SELECT * FROM messages WHERE id = ? AND state = ''"


class RestorePeers(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.bridge = self.start_bridge(self.mock, BRIDGE)
        self.bridge.pair_by_qr()

    def talk(self, tag):
        """Everybody says something to the bridge and in the group, and reads what it says."""
        for peer in self.people:
            for chat in (pn(BRIDGE), self.group):
                sent = peer.send(chat, f"{tag} {peer.kind}")
                self.assertEqual(len(self.bridge.wait_rows(ONE_MESSAGE, sent)), 1)
        for to, readers in ((ALICE, self.people[:1]), (BOB, self.people[1:]),
                            (self.group, self.people)):
            reply = self.bridge.send(to, f"{tag} from the bridge")
            self.assertEqual(reply.status, 200, reply)
            for peer in readers:
                peer.wait("message", id=reply.json["message_id"])

    def backup(self, *args):
        done = subprocess.run([paths.BACKUP, "--store", self.bridge.store, *args],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done)

    def test_with_later_traffic(self):
        self.people = []
        for kind, phone in (("whatsmeow", ALICE), ("baileys", BOB)):
            self.people.append(self.start_peer(kind, self.mock, f"{kind}-{phone}"))
            self.people[-1].pair_by_qr(phone)
        made = self.people[0].call("createGroup", name="Field team",
                                   participants=[pn(BOB), pn(BRIDGE)])
        self.group = made["group"]
        self.people[1].wait("group", group=self.group, action="joined")
        self.talk("before")
        self.backup("create")
        self.talk("later")
        self.talk("later still")
        for again in range(2):  # the second one restores a copy whose sessions were never used
            self.bridge.stop()
            self.backup("restore", "latest")
            self.bridge = self.start_bridge(self.mock, BRIDGE, store=self.bridge.store,
                                            name=f"bridge-restored-{again}")
            self.bridge.wait_status("ok")
            # Those who write first use what they have: their newest chains, unknown to the copy.
            self.talk(f"after {again}")
        self.assertEqual(os.listdir(self.bridge.store + "/backups").count(".unfinished"), 0)
        self.assert_no_flags(self.mock, BRIDGE)


if __name__ == "__main__":
    unittest.main()
