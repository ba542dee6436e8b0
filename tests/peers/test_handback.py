"""A store goes back to the Go bridge's pinned build, which knows no LIDs: tools/handback (R-504, P-DB-22).

The pinned whatsmeow (schema 6) files everything under the address that a stanza names, and writes to
numbers; our bridge has it all under LIDs. What counts is that nobody asks for a message again."""

import os
import re
import signal
import sqlite3
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case
from harness.people import ALICE, BOB, CAROL, DAVE, pn
from harness.process import poll

BRIDGE = "27820000001"
HANDBACK = os.path.join(paths.BUILD, "bridge-handback")
LOCKED = 3
# Whose 1:1 chat goes by number, and whose by LID; all have two devices.
BY_NUMBER, BY_LID = (ALICE, CAROL), (BOB, DAVE)
PEOPLE = BY_NUMBER + BY_LID
ONE = "SELECT * FROM messages WHERE content = ?"
# Between which steps it is killed: everything is filed, nothing is committed; the commits.
POINTS = ("handback.filed", "commit.begin", "commit.between", "ratchet.saved", "commit.done")


class HandbackCase(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.go = self.start_peer("whatsmeow-v6", self.mock, "go")
        self.store = self.go.store
        self.round = 0
        self.marked = 0

    # ---- who holds the session ------------------------------------------------------------------

    def go_again(self):
        self.go = self.start_peer("whatsmeow-v6", self.mock, "go")
        self.go.phone = BRIDGE
        self.go.reconnect()

    def ours(self):
        self.round += 1
        bridge = self.start_bridge(self.mock, BRIDGE, store=self.store, name=f"ours-{self.round}")
        bridge.wait_status("ok")
        return bridge

    def hand_back(self, *args, fault=None):
        env = clean_env(WB_FAULT=fault) if fault else clean_env()
        return subprocess.run([HANDBACK, "--store", self.store, *args], env=env, capture_output=True, text=True,
                              timeout=60, check=False)

    def handed_back(self):
        done = self.hand_back()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Filed under phone numbers: ", done.stdout)
        return done.stdout

    def sql(self, statement, *values):
        database = sqlite3.connect(os.path.join(self.store, "whatsapp.db"))
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    # ---- the wire -------------------------------------------------------------------------------

    def mark(self):
        self.marked = self.mock.traced_bytes()

    def asked_again(self):
        """Retry receipts of ours, and those for what ours or Go sent, since the mark."""
        return [(line["dir"], line["xml"][:300]) for line in self.mock.trace(self.marked)
                if BRIDGE in line["client"] and line["xml"].startswith("<receipt")
                and 'type="retry"' in line["xml"]]

    def new_sessions(self):
        """Devices of others that our device began a session with since the mark."""
        found = set()
        for line in self.mock.trace(self.marked):
            if line["dir"] == "in" and line["client"].startswith(BRIDGE) and "<message" in line["xml"]:
                found.update(re.findall(r'<to jid="([^"]*)"[^>]*><enc[^>]*type="pkmsg"', line["xml"]))
        return sorted(device for device in found if BRIDGE not in device)

    def sent(self, bridge, to, text):
        reply = bridge.send(to, text)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["message_id"]


class WithPeople(HandbackCase):
    """People with two devices each, who write by number or by LID, in private and in groups."""

    def setUp(self):
        super().setUp()
        for phone in PEOPLE:
            self.mock.admin("POST", "/contacts", {"phone": phone, "name": phone, "devices": 2})
        self.go.pair_by_qr(BRIDGE)
        self.groups = {}
        for mode, members in (("pn", BY_NUMBER), ("lid", (*BY_LID, ALICE))):
            made = self.mock.admin("POST", "/groups", {"subject": mode, "mode": mode, "creator": members[0],
                                                       "members": [BRIDGE, *members[1:]]})
            self.groups[mode] = made["jid"]

    # ---- talking --------------------------------------------------------------------------------

    def written(self, tag):
        """Both devices of everybody write, in private and to their group; what they wrote."""
        texts = []
        for mode, people in (("pn", BY_NUMBER), ("lid", BY_LID)):
            for phone in people:
                for device in (0, 1):
                    for to, where in ((BRIDGE, "in private"), (self.groups[mode], "to the group")):
                        text = f"{tag}: {phone}/{device} {where}"
                        self.mock.contact_send(phone, to, text, device=device, pn=mode == "pn")
                        texts.append(text)
        if self.round:  # the pinned build alone asks for the first message that ALICE writes under her LID
            texts.append(f"{tag}: {ALICE} to the group that goes by LID")
            self.mock.contact_send(ALICE, self.groups["lid"], texts[-1])
        return texts

    def heard(self, phone, message_id, text):
        """By both devices of that person."""
        for device in (0, 1):
            found = poll(lambda d=device: self.mock.admin(
                "GET", f"/contact/messages?phone={phone}&device={d}&id={message_id}")["messages"],
                         30, f"{phone}/{device} reads {text!r}")
            self.assertEqual([message["text"] for message in found], [text])

    def go_reads(self, texts):
        for text in texts:
            self.go.wait_text(text)
        self.assertEqual(self.go.seen("undecryptable"), [])

    def go_writes(self, tag, people):
        """To numbers; in the LID group the server takes nothing from this build."""
        for phone in people:
            text = f"{tag}: go to {phone}"
            self.heard(phone, self.go.send(pn(phone), text), text)
        text = f"{tag}: go to the group"
        sent = self.go.send(self.groups["pn"], text)
        for phone in BY_NUMBER:
            self.heard(phone, sent, text)

    def ours_reads(self, bridge, texts):
        for text in texts:
            rows = bridge.wait_rows(ONE, text)
            self.assertEqual([row["state"] for row in rows], [""])

    def ours_writes(self, bridge, tag):
        for phone in PEOPLE:
            text = f"{tag}: ours to {phone}"
            self.heard(phone, self.sent(bridge, pn(phone), text), text)
        for mode, people in (("pn", BY_NUMBER), ("lid", BY_LID)):
            text = f"{tag}: ours to the {mode} group"
            sent = self.sent(bridge, self.groups[mode], text)
            for phone in people:
                self.heard(phone, sent, text)

    def assert_nothing_asked_again(self):
        self.assertEqual(self.asked_again(), [])
        for phone in PEOPLE:
            self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={phone}")["failures"], [])

    def stay_with_ours(self, tag):
        """One stay: what was written meanwhile is read, and both sides write, twice."""
        waiting = self.written(f"{tag} meanwhile")
        bridge = self.ours()
        self.ours_reads(bridge, waiting)
        for number in range(2):
            self.ours_writes(bridge, f"{tag} {number}")
            self.ours_reads(bridge, self.written(f"{tag} {number}"))
        return bridge

    def stay_with_go(self, tag, people):
        waiting = self.written(f"{tag} meanwhile")
        self.go_again()
        self.go_reads(waiting)
        for number in range(2):
            self.go_writes(f"{tag} {number}", people)
            self.go_reads(self.written(f"{tag} {number}"))

    # ---- tests ----------------------------------------------------------------------------------

    def test_nobody_is_asked_again(self):
        """Go, ours, Go, ours, Go, ours: messages wait at each change, some changes follow a kill."""
        self.go_reads(self.written("first"))
        self.go_writes("first", BY_NUMBER)
        self.go_reads(self.written("first again"))
        self.go.quit()
        self.mark()
        for stay in ("one", "two"):
            bridge = self.stay_with_ours(f"ours {stay}")
            refused = self.hand_back()
            self.assertEqual((refused.returncode, refused.stdout), (LOCKED, ""))
            self.assertIn(str(bridge.pid), refused.stderr)
            bridge.kill()
            self.assertEqual(self.hand_back("--dry-run").returncode, 0)
            self.assertEqual(self.sql("SELECT their_id FROM whatsmeow_sessions WHERE their_id LIKE ?",
                                      ALICE + ":%"), [])
            self.handed_back()
            self.stay_with_go(f"go {stay}", PEOPLE)
            self.go.kill() if stay == "one" else self.go.quit()
        bridge = self.stay_with_ours("ours at last")
        self.assert_nothing_asked_again()
        self.assertEqual(self.new_sessions(), [])
        left = self.sql("SELECT their_id FROM whatsmeow_sessions WHERE their_id LIKE '2782%' UNION ALL "
                        "SELECT sender_id FROM whatsmeow_sender_keys WHERE sender_id LIKE '2782%'")
        self.assertEqual(left, [], "what ours holds is under LIDs")
        self.assert_no_flags(self.mock, BRIDGE)
        print(f"retry receipts: 0, messages read: {len(self.go.seen('message'))} in the last stay with Go,"
              f" {bridge.rows('SELECT count(*) AS n FROM messages')[0]['n']} in messages.db")

    def killed_at_the_return(self, point):
        """Our bridge dies while it takes the store again."""
        bridge = self.start_bridge(self.mock, BRIDGE, store=self.store, name=f"killed-{point}",
                                   env=clean_env(WB_FAULT=f"{point}:1"))
        self.assertEqual(bridge.wait_exit(20), -signal.SIGKILL)

    def test_killed_at_any_step(self):
        """The store is then still ours, or handed back; the next run does it, and both programs go on."""
        self.go_reads(self.written("first"))
        self.go.quit()
        self.mark()
        for number, point in enumerate(POINTS):
            bridge = self.stay_with_ours(f"ours {number}") if number % 2 == 0 else self.ours()
            self.assertEqual(bridge.stop(), 0)
            self.assertEqual(self.hand_back(fault=f"{point}:1").returncode, -signal.SIGKILL, point)
            if number % 2:
                self.handed_back()
                self.stay_with_go(f"go {number}", PEOPLE)
                self.go.quit()
                self.killed_at_the_return(("commit.between", "commit.done")[number // 2])
        self.stay_with_ours("ours at last")
        self.assert_nothing_asked_again()
        self.assert_no_flags(self.mock, BRIDGE)


class WithClients(HandbackCase):
    """Baileys and today's whatsmeow at the other end, each with its own idea of addresses."""

    def go_talks(self, people, group, tag):
        for peer in people:
            for mine, theirs in ((pn(peer.phone), pn(BRIDGE)), (group, group)):
                text = f"{tag}: {peer.kind} to go in {theirs}"
                peer.send(theirs, text)
                self.go.wait_text(text)
                text = f"{tag}: go to {peer.kind} in {mine}"
                self.go.send(mine, text)
                peer.wait_text(text)

    def ours_talks(self, bridge, people, group, tag):
        for peer in people:
            for mine, theirs in ((pn(peer.phone), pn(BRIDGE)), (group, group)):
                text = f"{tag}: ours to {peer.kind} in {mine}"
                peer.wait_text(text, id=self.sent(bridge, mine, text))
                text = f"{tag}: {peer.kind} to ours in {theirs}"
                peer.send(theirs, text)
                bridge.wait_rows(ONE, text)

    def test_other_clients_are_not_asked_either(self):
        self.mock.new_groups_pn()
        people = [self.start_peer("baileys", self.mock), self.start_peer("whatsmeow", self.mock)]
        for peer, phone in zip(people, (ALICE, BOB)):
            peer.pair_by_qr(phone)
        self.go.pair_by_qr(BRIDGE)
        group = people[0].call("createGroup", name="Field team", participants=[pn(BOB), pn(BRIDGE)])["group"]
        people[1].wait("group", group=group, action="joined")
        self.go_talks(people, group, "first")
        self.go.quit()
        self.mark()
        for stay in ("one", "two"):
            bridge = self.ours()
            for number in range(2):
                self.ours_talks(bridge, people, group, f"ours {stay} {number}")
            self.assertEqual(bridge.stop(), 0)
            self.handed_back()
            waiting = []
            for peer in people:
                for to in (pn(BRIDGE), group):
                    waiting.append(f"{stay}: {peer.kind} in {to}, nobody is there")
                    peer.send(to, waiting[-1])
            self.go_again()
            for text in waiting:
                self.go.wait_text(text)
            for number in range(2):
                self.go_talks(people, group, f"go {stay} {number}")
            self.go.quit()
        bridge = self.ours()
        self.ours_talks(bridge, people, group, "ours at last")
        self.assertEqual(self.asked_again(), [])
        self.assert_no_flags(self.mock, BRIDGE)


if __name__ == "__main__":
    unittest.main()
