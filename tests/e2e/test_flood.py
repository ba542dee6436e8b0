"""Strangers send far more than they should: nobody else waits for it, and no limit is passed."""

import collections
import json
import os
import re
import threading
import time
import unittest

from harness.case import Case

PHONE, STRANGER, FRIEND = "27820000001", "27820001000", "27820001001"
FULL = bool(os.environ.get("WB_TEST_FULL"))
MESSAGES = 20000 if FULL else 5000
PART = 500
SLOTS = 64  # requests to the phone that may wait for their acks
ROUND_S = 5  # between two rounds of them
ANSWERED = 20  # of them the stranger sends again, unreadable again
RETRY = re.compile(r'<receipt [^>]*type="retry"[^>]*>')
ID = re.compile(r' id="([^"]*)"')


class Watch(threading.Thread):
    """Asks /health again and again: how long does the longest answer take, how much did the bridge compute
    meanwhile (which is what keeps the answer, however busy the machine is), how large does it get, and
    was it ever not connected?"""

    def __init__(self, bridge):
        super().__init__(daemon=True)
        self.bridge = bridge
        self.longest, self.busiest, self.rss_kb = 0.0, 0.0, 0
        self.states = collections.Counter()
        self.failed = None
        self.over = threading.Event()
        self.start()

    def computed(self):
        """Seconds of processor time of the bridge so far."""
        with open(f"/proc/{self.bridge.pid}/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[0]) / 1e9

    def run(self):
        try:
            self.watch()
        except Exception as e:  # end() tells the test
            self.failed = e

    def watch(self):
        while not self.over.is_set():
            begin, computed = time.monotonic(), self.computed()
            health = self.bridge.health()
            self.longest = max(self.longest, time.monotonic() - begin)
            self.busiest = max(self.busiest, self.computed() - computed)
            self.states[health["status"]] += 1
            with open(f"/proc/{self.bridge.pid}/status", encoding="ascii") as status:
                self.rss_kb = max(self.rss_kb, int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]))
            self.over.wait(0.02)

    def end(self):
        self.over.set()
        self.join(60)
        if self.failed:
            raise self.failed


class UndecryptableFlood(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
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
        """Returns how long the message takes."""
        begin = time.monotonic()
        self.mock.contact_send(FRIEND, PHONE, text)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", text, timeout=60)
        return time.monotonic() - begin

    def flood(self):
        """Returns the longest time that a friend's message between them took."""
        longest = 0.0
        for part in range(MESSAGES // PART):
            self.blast(PART)
            longest = max(longest, self.friend_writes(f"friend {part}"))
        return longest

    def talk_on(self):
        """A friend writes for as long as the bridge takes to look again whether it may ask for more."""
        longest, begin, number = 0.0, time.monotonic(), 0
        while time.monotonic() - begin < ROUND_S + 1:
            longest = max(longest, self.friend_writes(f"friend meanwhile {number}"))
            number += 1
        return longest

    def asked(self):
        """What the bridge asked for, by the trace: retry receipts for each id, the most requests to the
        phone that waited for their acks at the same time, and all of these requests."""
        receipts, out, most, total = collections.Counter(), set(), 0, 0
        with open(self.mock.trace_path, encoding="utf-8") as trace:
            for line in trace:
                stanza = json.loads(line) if line.endswith("\n") else {"client": "", "xml": ""}
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
        longest = self.flood()
        self.script(ignore_retries=False)
        self.blast(ANSWERED)
        self.script(ignore_retries=True)
        total = MESSAGES // PART * PART + ANSWERED
        self.bridge.poll(lambda: self.waiting() == total, 120, f"{total} placeholders")
        self.requests(SLOTS)
        longest = max(longest, self.talk_on())
        self.assertEqual(set(watch.states), {"ok"})
        self.assertEqual(self.mock.logins(PHONE), 1, "the bridge stayed connected")
        # What went down with its connection is asked for again, and then the others in their turn.
        self.mock.drop(PHONE)
        self.requests(2 * SLOTS)
        self.mock.trouble(ack_drop=0)
        self.mock.drop(PHONE)
        self.requests(4 * SLOTS)
        longest = max(longest, self.friend_writes("friend after it"))
        watch.end()
        receipts, most, requests = self.asked()
        print(f"\n{total} unreadable messages: longest /health {watch.longest * 1000:.0f} ms"
              f" ({watch.busiest * 1000:.0f} ms of work), RSS {watch.rss_kb // 1024} MB, a friend's"
              f" message took {longest * 1000:.0f} ms at most; {sum(receipts.values())} retry receipts,"
              f" {requests} requests to the phone, {most} at once")
        self.assertLess(watch.busiest, 1.5)
        self.assertLess(watch.longest, 30)
        self.assertLess(longest, 30)
        self.assert_no_flags(self.mock)
        self.assertEqual(len(receipts), total, "each is asked for")
        self.assertLessEqual(max(receipts.values()), 4, "and not more often than peers answer")
        self.assertLessEqual(most, SLOTS)


if __name__ == "__main__":
    unittest.main()
