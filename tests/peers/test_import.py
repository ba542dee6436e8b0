"""A linked device of Baileys goes on as one of the bridge: tools/bridge-import."""

import json
import os
import re
import shutil
import subprocess
import unittest

from harness import paths
from harness.peer import CommandFailed
from harness.people import ALICE, BOB, PeersCase, pn

DESK = "27820000001"
IMPORT = os.path.join(paths.BUILD, "bridge-import")
# A prekey message in hex: version, perhaps the one-time prekey's id, and the base key of the session.
BASE_KEY = re.compile(r'type="pkmsg">33(?:08(?:[89a-f].)*[0-7].)?1221([0-9a-f]{66})')
NOWHERE = "ws://127.0.0.1:1/ws/chat"
ONE_MESSAGE = "SELECT * FROM messages WHERE id = ? AND chat_jid = ?"


class ImportFromBaileys(PeersCase):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.store = os.path.join(self.directory, "imported")

    def run_import(self, source, *args):
        return subprocess.run([IMPORT, "baileys", source, "--store", self.store, *args],
                              capture_output=True, text=True, timeout=30, check=False)

    def stanzas(self):
        """What the device under test and the server said to each other so far."""
        return [line for line in self.mock.trace() if DESK in line["client"]]

    def captured(self, bridge, message_id, chat, text):
        rows = bridge.wait_rows(ONE_MESSAGE, message_id, chat)
        self.assertEqual([row["content"] for row in rows], [text])

    def both_ways(self, bridge, people, group):
        for peer in people:
            text = f"{peer.kind} writes on"
            self.captured(bridge, peer.send(pn(DESK), text), pn(peer.phone), text)
            text = f"{peer.kind} writes on in the group"
            self.captured(bridge, peer.send(group, text), group, text)
            reply = bridge.send(peer.phone, f"the bridge to {peer.kind}")
            self.assertEqual(reply.status, 200, reply)
            peer.wait("message", id=reply.json["message_id"], text=f"the bridge to {peer.kind}")
        for number in range(2):
            reply = bridge.send(group, f"the bridge to all {number}")
            self.assertEqual(reply.status, 200, reply)
            for peer in people:
                peer.wait("message", id=reply.json["message_id"], chat=group)

    def whatsmeow_offers_new_ids(self, source):
        """On a copy: whatsmeow would go on behind every prekey that Baileys has offered."""
        with open(os.path.join(source, "creds.json"), encoding="utf-8") as creds:
            next_id = json.load(creds)["nextPreKeyId"]
        go = self.start_peer("whatsmeow", self.mock, "go")
        shutil.copytree(self.store, go.store)
        with self.assertRaises(CommandFailed):  # the file is opened first: that is all it is for
            go.call("connect", url=NOWHERE, rootKey=self.mock.root_key, store=go.store,
                    log=go.log_path, name=go.name)
        ids = go.call("prekeys", count=3)["ids"]
        go.quit()
        self.assertEqual(len(ids), 3)
        self.assertGreaterEqual(min(ids), next_id)

    def test_the_same_device_goes_on(self):
        alice = self.pair(self.mock, "whatsmeow", ALICE)
        bob = self.pair(self.mock, "baileys", BOB, name="bob")
        desk = self.pair(self.mock, "baileys", DESK, name="desk")
        self.talk(desk, alice)
        self.talk(bob, desk)
        made = desk.call("createGroup", name="Field team", participants=[pn(ALICE), pn(BOB)])
        group = made["group"]
        for peer in (alice, bob):
            peer.wait("group", group=group, action="joined")
        self.talk_in_group([desk, alice, bob], group)
        jid = desk.jid
        desk.quit()
        waiting = bob.send(pn(DESK), "while nobody was there")
        waiting_in_group = alice.send(group, "while nobody was there, to all")

        tried = self.run_import(desk.store, "--dry-run")
        self.assertEqual(tried.returncode, 0, tried.stderr)
        self.assertFalse(os.path.exists(self.store))
        done = self.run_import(desk.store)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sessions", done.stdout)
        self.assertIn("must\nnever be started again", done.stdout)
        self.assertEqual(sorted(os.listdir(self.store)), ["whatsapp.db", "whatsapp.db.lock"])

        self.whatsmeow_offers_new_ids(desk.store)

        before = self.stanzas()
        bridge = self.start_bridge(self.mock, DESK, store=self.store)
        bridge.wait_status("ok")
        self.assertEqual(bridge.health()["jid"], jid)
        self.captured(bridge, waiting, pn(BOB), "while nobody was there")
        self.captured(bridge, waiting_in_group, group, "while nobody was there, to all")
        again = self.run_import(desk.store)
        self.assertEqual(again.returncode, 1)
        self.assertIn("is there already", again.stderr)
        self.both_ways(bridge, [alice, bob], group)

        seen = self.stanzas()[len(before):]
        self.assertTrue(any("<success" in line["xml"] for line in seen))
        for never in ("pair-device", "pair-success", 'type="retry"'):
            self.assertEqual([line for line in seen if never in line["xml"]], [], never)
        # Phones that have never answered still get prekey messages: those of the same sessions.
        old, new = (set(BASE_KEY.findall("".join(line["xml"] for line in lines if line["dir"] == "in")))
                    for lines in (before, seen))
        self.assertTrue(new)
        self.assertEqual(new - old, set())
        to_group = [line["xml"] for line in seen if line["dir"] == "in"
                    and line["xml"].startswith("<message") and f'to="{group}"' in line["xml"]]
        self.assertEqual(len(to_group), 2)
        for xml in to_group:  # everybody has the sender key already
            self.assertNotIn("<participants>", xml)
        self.assert_no_flags(self.mock, DESK)


if __name__ == "__main__":
    unittest.main()
