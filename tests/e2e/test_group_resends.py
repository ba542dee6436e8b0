"""Many devices of a group that cannot read a message: WhatsApp locks accounts that answer all of them at
once, so some wait for the next message, which brings them the key."""

import time
import unittest

from harness.case import Case

PHONE = "27820000001"
PEOPLE = [f"2782000{number}" for number in range(1000, 1026)]
BURST = 20
TRUSTING = 5  # of these, so many leave in the session that there is


class GroupResends(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", str(len(PEOPLE)), "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.jid = self.bridge.pair_by_qr()["jid"]
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.bridge.poll(lambda: self.bridge.get("/api/groups").json["groups"], 20, "groups")

    def nobody_reads(self, people):
        """Each of them asks for the next message again instead of reading it."""
        for phone in people:
            self.mock.admin("POST", "/contact/script", {"phone": phone, "refuse": 1})

    def send(self, text, expected_requests):
        """Who has read it when all requests are answered."""
        start = self.mock.traced_bytes()
        reply = self.bridge.send(self.group, text)
        self.assertEqual(reply.status, 200, reply)

        def asked():
            return sum(1 for line in self.mock.trace(start)
                       if line["dir"] == "out" and 'type="retry"' in line["xml"]) >= expected_requests
        self.bridge.poll(asked, 30, "they have asked for it")
        self.mock.wait_read(self.jid)
        resent = sum(1 for line in self.mock.trace(start) if line["dir"] == "in"
                     and line["xml"].startswith("<message ") and " count=" in line["xml"])
        return resent, sum(1 for phone in PEOPLE if text in self.mock.short_texts(phone))

    def told(self):
        return sum("ask for messages again" in line for line in list(self.bridge.lines))

    def all_read(self, text):
        self.assertEqual(self.bridge.send(self.group, text).status, 200)
        self.bridge.poll(lambda: all(text in self.mock.short_texts(phone) for phone in PEOPLE),
                         30, f"everybody reads '{text}'")

    def test_a_group_is_not_sent_more_again_than_whatsapp_bears(self):
        self.all_read("before")
        self.nobody_reads(PEOPLE)
        began = time.monotonic()
        resent, read = self.send("unreadable", len(PEOPLE))
        # One more may go out each 6 s.
        later = int((time.monotonic() - began) // 6 + 1)
        self.assertIn(resent, range(BURST, min(BURST + later, len(PEOPLE) - 1) + 1))
        self.assertEqual(read, resent)
        held = len(PEOPLE) - resent
        self.assertEqual(self.bridge.health()["group_resends_held"], held)
        self.bridge.poll(lambda: self.told() == 1, 20, "the log says so, once")
        self.all_read("next")
        # The rate holds after a restart, too.
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.nobody_reads(PEOPLE)
        resent, read = self.send("unreadable again", len(PEOPLE))
        self.assertLess(resent, BURST)
        self.assertEqual(read, resent)
        self.all_read("last")
        self.assert_no_flags(self.mock)
        self.assertEqual(self.told(), 0)

    def test_whoever_is_held_back_reads_the_next_message(self):
        """All have lost their sessions, and their first requests have no keys."""
        self.all_read("before")
        for phone in PEOPLE:
            self.mock.admin("POST", "/contact/forget", {"phone": phone, "of": PHONE})
        start = self.mock.traced_bytes()
        self.assertEqual(self.bridge.send(self.group, "unreadable").status, 200)

        def all_asked():
            """Also those that could not read the resend either."""
            lines = list(self.mock.trace(start))
            asked = [line["xml"] for line in lines if line["dir"] == "out" and 'type="retry"' in line["xml"]]
            resent = sum(line["dir"] == "in" and line["xml"].startswith("<message ") and " count=" in line["xml"]
                         for line in lines)
            first = sum('<retry count="1"' in xml for xml in asked)
            read = sum("unreadable" in self.mock.short_texts(phone) for phone in PEOPLE)
            return (first == len(PEOPLE) and resent == read + len(asked) - first
                    and len(asked) == resent + self.bridge.health()["group_resends_held"])
        self.bridge.poll(all_asked, 30, "each has asked, and was answered or held back")
        self.mock.wait_read(self.jid)
        self.assertGreaterEqual(self.bridge.health()["group_resends_held"], len(PEOPLE) - BURST)
        # Few of the resends are wasted on sessions that are lost.
        read = sum("unreadable" in self.mock.short_texts(phone) for phone in PEOPLE)
        self.assertGreaterEqual(read, BURST - TRUSTING)
        self.all_read("next")
        self.all_read("last")


if __name__ == "__main__":
    unittest.main()
