"""Strangers send far more than they should: nobody else waits for it, and no limit is passed."""

import collections
import os
import re
import time
import unittest

from harness.case import Case
from harness.watch import WALL_MAX_S, Watch

PHONE, STRANGER, FRIEND = "27820000001", "27820001000", "27820001001"
FULL = bool(os.environ.get("WB_TEST_FULL"))
MESSAGES = 20000 if FULL else 5000
PART = 500
SLOTS = 64  # requests to the phone that may wait for their acks
ROUND_S = 5  # between two rounds of them
FRIEND_WORK_MAX_S = 2.5  # 500 of the stranger's messages are before the friend's
ANSWERED = 20  # of them the stranger sends again, unreadable again
RETRY = re.compile(r'<receipt [^>]*type="retry"[^>]*>')
ID = re.compile(r' id="([^"]*)"')


class UndecryptableFlood(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.friend_s = self.friend_work_s = 0.0
        for who in (STRANGER, FRIEND):
            self.mock.contact_send(who, PHONE, f"{who} before")
            self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", f"{who} before")

    def script(self, **fields):
        self.mock.admin("POST", "/contact/script", {"phone": STRANGER, **fields})

    def blast(self, count):
        self.mock.admin("POST", "/contact/blast",
                        {"from": STRANGER, "to": PHONE, "count": count, "text": "noise"})

    def waiting(self):
        return self.bridge.rows("SELECT count(*) AS n FROM messages WHERE state = 'waiting'")[0]["n"]

    def friend_writes(self, text):
        """Keeps in mind how long the message takes at most, and how much the bridge computes meanwhile."""
        begin, computed = time.monotonic(), self.bridge.loop_seconds()
        self.mock.contact_send(FRIEND, PHONE, text)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", text, timeout=60)
        self.friend_s = max(self.friend_s, time.monotonic() - begin)
        self.friend_work_s = max(self.friend_work_s, self.bridge.loop_seconds() - computed)

    def flood(self):
        for part in range(MESSAGES // PART):
            self.blast(PART)
            self.friend_writes(f"friend {part}")

    def talk_on(self):
        """A friend writes for as long as the bridge takes to look again whether it may ask for more."""
        begin, number = time.monotonic(), 0
        while time.monotonic() - begin < ROUND_S + 1:
            self.friend_writes(f"friend meanwhile {number}")
            number += 1

    def asked(self):
        """What the bridge asked for, by the trace: retry receipts for each id, the most requests to the
        phone that waited for their acks at the same time, and all of these requests."""
        receipts, out, most, total = collections.Counter(), set(), 0, 0
        for stanza in self.mock.trace():
            xml = stanza["xml"]
            if PHONE not in stanza["client"]:
                continue
            if xml.startswith("<success"):
                out.clear()
            if stanza["dir"] == "in":
                receipts.update(ID.search(r)[1] for r in RETRY.findall(xml))
                if xml.startswith("<message") and 'category="peer"' in xml:
                    out.add(ID.search(xml)[1])
                    total += 1
                    most = max(most, len(out))
            elif xml.startswith("<ack"):
                out.discard(ID.search(xml)[1])
        return receipts, most, total

    def requests(self, count):
        self.bridge.poll(lambda: self.asked()[2] >= count, 90, f"{count} requests to the phone")

    def test_unreadable_messages_keep_nobody_waiting(self):
        watch = Watch(self.bridge)
        self.script(corrupt=10 * MESSAGES, ignore_retries=True)
        self.mock.trouble(ack_drop=10 * MESSAGES)  # no request to the phone is ever over
        self.flood()
        self.script(ignore_retries=False)
        self.blast(ANSWERED)
        self.script(ignore_retries=True)
        total = MESSAGES // PART * PART + ANSWERED
        self.bridge.poll(lambda: self.waiting() == total, 120, f"{total} placeholders")
        self.requests(SLOTS)
        self.talk_on()
        self.assertEqual(set(watch.states), {"ok"})
        self.assertEqual(self.mock.logins(PHONE), 1, "the bridge stayed connected")
        # What went down with its connection is asked for again, and then the others in their turn.
        self.mock.drop(PHONE)
        self.requests(2 * SLOTS)
        self.mock.trouble(ack_drop=0)
        self.mock.drop(PHONE)
        self.requests(4 * SLOTS)
        self.friend_writes("friend after it")
        seen = watch.end()
        receipts, most, requests = self.asked()
        print(f"\n{total} unreadable messages: {seen}, a friend's message took"
              f" {self.friend_s * 1000:.0f} ms at most ({self.friend_work_s * 1000:.0f} ms of work);"
              f" {sum(receipts.values())} retry receipts, {requests} requests to the phone, {most} at once")
        watch.judge(self)
        self.assertLess(self.friend_s, WALL_MAX_S)
        self.assertLess(self.friend_work_s, FRIEND_WORK_MAX_S)
        self.assert_no_flags(self.mock)
        self.assertEqual(len(receipts), total, "each is asked for")
        self.assertLessEqual(max(receipts.values()), 4, "and not more often than peers answer")
        self.assertLessEqual(most, SLOTS)


if __name__ == "__main__":
    unittest.main()
