"""bridge-handback as an operator meets it: what it says and refuses, and that the bridge goes on after it.
With the program that it is for: tests/peers/test_handback.py."""

import os
import re
import signal
import sqlite3
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case
from harness.process import poll

PHONE, FRIEND = "27820000001", "27820001000"
HANDBACK = os.path.join(paths.BUILD, "bridge-handback")
FAILED, USAGE, LOCKED = 1, 2, 3


class Handback(Case):
    def start_with_friend(self):
        self.mock = self.start_mock()
        made = self.mock.admin("POST", "/contacts", {"phone": FRIEND, "name": "Thandi"})
        self.lid = made["lid"].split("@")[0]

    def run_tool(self, *args, env=None):
        return subprocess.run([HANDBACK, *args], env=env or clean_env(), capture_output=True, text=True, timeout=30,
                              check=False)

    def sessions(self, store):
        """The addresses that there are sessions for, of that person."""
        database = sqlite3.connect(os.path.join(store, "whatsapp.db"))
        try:
            return {address for (address,) in database.execute(
                "SELECT their_id FROM whatsmeow_sessions WHERE their_id IN (?, ?)",
                (f"{FRIEND}:0", f"{self.lid}_1:0"))}
        finally:
            database.close()

    def talk(self, bridge, tag):
        for number in range(2):
            text = f"{tag} {number} to ours"
            self.mock.contact_send(FRIEND, PHONE, text)
            bridge.wait_rows("SELECT id FROM messages WHERE content = ? AND state = ''", text)
            self.assertEqual(bridge.send(FRIEND, f"{tag} {number} from ours").status, 200)

    def test_the_bridge_goes_on_where_it_was(self):
        self.start_with_friend()
        bridge = self.start_bridge(self.mock, PHONE)
        bridge.pair_by_qr()
        self.talk(bridge, "before")
        refused = self.run_tool("--store", bridge.store)
        self.assertEqual((refused.returncode, refused.stdout), (LOCKED, ""))
        self.assertIn(f"process {bridge.pid}", refused.stderr)
        self.assertIn("Nothing was changed.", refused.stderr)
        self.assertEqual(bridge.stop(), 0)

        tried = self.run_tool("--store", bridge.store, "--dry-run")
        self.assertEqual(tried.returncode, 0, tried.stderr)
        self.assertIn("Would file under phone numbers: 2 sessions, 2 identities, 0 sender keys\n", tried.stdout)
        self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0"})
        marked = self.mock.traced_bytes()
        done = self.run_tool("--store", bridge.store)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("-before-handback", done.stdout)
        self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0", f"{FRIEND}:0"})

        again = self.start_bridge(self.mock, PHONE, store=bridge.store, name="again")
        again.wait_status("ok")
        self.talk(again, "after")
        self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0"})
        said = [line for line in again.lines if "the store was handed back (bridge-handback)" in line]
        self.assertEqual(len(said), 1, again.tail())
        sent = [line["xml"] for line in self.mock.trace(marked)]
        self.assertEqual([xml for xml in sent if 'type="retry"' in xml], [])
        kinds = re.findall(f'<to jid="{self.lid}@lid"><enc[^>]*type="(\\w+)"', "".join(sent))
        self.assertEqual(set(kinds), {"msg"}, "the same session goes on")
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={FRIEND}")["failures"], [])
        self.assert_no_flags(self.mock)

    def test_what_waits_to_be_sent_stays_ours(self):
        self.start_with_friend()
        self.bridge = bridge = self.start_bridge(self.mock, PHONE)
        bridge.pair_by_qr()
        self.talk(bridge, "before")
        self.go_offline()
        queued = bridge.send(FRIEND, "written while there was no connection", id="later", wait_s=0)
        self.assertEqual(queued.status, 202, queued)
        self.assertEqual(bridge.stop(), 0)
        done = self.run_tool("--store", bridge.store)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  1 message waits to be sent: only whatsapp-bridge knows of it, and sends it when it\n", done.stdout)
        self.mock.trouble(upgrade_status=0)
        again = self.start_bridge(self.mock, PHONE, store=bridge.store, name="again")
        again.wait_status("ok")
        found = poll(lambda: self.mock.admin("GET", f"/contact/messages?phone={FRIEND}&id="
                                             f"{queued.json['message_id']}")["messages"], 30, "it arrives")
        self.assertEqual([message["text"] for message in found], ["written while there was no connection"])
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={FRIEND}")["failures"], [])
        self.assert_no_flags(self.mock)

    def test_a_disk_that_fails_then_keeps_nobody_waiting(self):
        self.start_with_friend()
        bridge = self.start_bridge(self.mock, PHONE)
        bridge.pair_by_qr()
        self.talk(bridge, "before")
        self.assertEqual(bridge.stop(), 0)
        self.assertEqual(self.run_tool("--store", bridge.store).returncode, 0)
        marked = self.mock.traced_bytes()
        for name, env, said in (("fails", clean_env(WB_FAULT="handback.again:1:io"), 1), ("then", None, 0)):
            bridge = self.start_bridge(self.mock, PHONE, store=bridge.store, name=name, env=env)
            bridge.wait_status("ok")
            self.talk(bridge, name)
            self.assertEqual(len([line for line in bridge.lines if "not all records could be moved" in line]), said)
            self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0"})
            self.assertEqual(bridge.stop(), 0)
        self.assertTrue(any("records moved to LIDs" in line for line in bridge.lines), bridge.tail())
        self.assertEqual([line for line in self.mock.trace(marked) if 'type="retry"' in line["xml"]], [])
        self.assert_no_flags(self.mock)

    def test_killed_at_every_step(self):
        """Of the tool, and of the bridge that takes the store again."""
        self.start_with_friend()
        bridge = self.start_bridge(self.mock, PHONE)
        bridge.pair_by_qr()
        self.talk(bridge, "before")
        self.assertEqual(bridge.stop(), 0)
        marked = self.mock.traced_bytes()
        points = sorted(name for source in paths.product_sources() for name in
                        re.findall(r'\bFAULT_(?:POINT|ERROR)\("(handback\.[a-z]+)"\)', source))
        self.assertTrue(points)
        for point in points:
            with self.subTest(point):
                fault = clean_env(WB_FAULT=point + ":1", ASAN_OPTIONS="detect_leaks=0")
                tool = self.run_tool("--store", bridge.store, env=fault)
                if tool.returncode == 0:
                    killed = self.start_bridge(self.mock, PHONE, store=bridge.store, name=point, env=fault)
                    self.assertEqual(killed.wait_exit(20), -signal.SIGKILL, "the point is not passed")
                else:
                    self.assertEqual(tool.returncode, -signal.SIGKILL, tool.stderr)
                    self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0"}, "all or nothing")
                bridge = self.start_bridge(self.mock, PHONE, store=bridge.store, name=point + "-then")
                bridge.wait_status("ok")
                self.talk(bridge, point)
                self.assertEqual(self.sessions(bridge.store), {f"{self.lid}_1:0"})
                self.assertEqual(bridge.stop(), 0)
        self.assertEqual([line for line in self.mock.trace(marked) if 'type="retry"' in line["xml"]], [])
        self.assert_no_flags(self.mock)

    def test_what_is_refused(self):
        missing = os.path.join(self.directory, "nowhere")
        for args, status, words in (((), USAGE, "bridge-handback: --store is missing; see --help\n"),
                                    (("--store",), USAGE, "requires an argument"),
                                    (("--store", missing, "more"), USAGE, "more: one argument too many; see --help\n"),
                                    (("--store", missing), FAILED, f"there is no {missing}/whatsapp.db"),
                                    (("--store", missing, "--dry-run"), FAILED, "Nothing was changed.")):
            with self.subTest(args=args):
                done = self.run_tool(*args)
                self.assertEqual((done.returncode, done.stdout), (status, ""))
                self.assertIn(words, done.stderr)
        self.assertFalse(os.path.exists(missing))
        for option in ("--help", "-h"):
            shown = self.run_tool(option)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertIn("Exit status: 0 done, 1 failed, 2 wrong usage, 3 in use", shown.stdout)


if __name__ == "__main__":
    unittest.main()
