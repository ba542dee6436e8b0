"""The wall clock jumps by hours and years, both ways: an open connection survives, a new one that
fails on dates says so."""

import time
import unittest

from harness.case import Case
from harness.disk import Shim

PHONE, FRIEND = "27820000001", "27820001000"
WAITED_S = 30  # for the row of what was sent, at most
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
JUMPS = (HOUR, -HOUR, YEAR, -YEAR, 20 * YEAR, -20 * YEAR)


class ClockTest(Case):
    def paired(self, *options):
        self.mock = self.start_mock("--contacts", "1", "--groups", "1", *options)
        self.shim = Shim(self.directory)
        ca = [line[8:] for line in self.mock.process.lines if line.startswith("CA_FILE=")]
        self.bridge = self.start_bridge(self.mock, PHONE, *(["--ca-file", ca[0]] if ca else []),
                                        env=self.shim.env())
        self.bridge.pair_by_qr()
        self.count = 0

    def works(self):
        """In both directions; the peer's time counts for what it wrote."""
        self.count += 1
        text = f"message {self.count}"
        sent = self.mock.contact_send(FRIEND, PHONE, text)
        row = self.bridge.wait_rows("SELECT timestamp FROM messages WHERE content = ?", text)[0]
        self.assertEqual(row["timestamp"], sent["t"])
        began = time.monotonic()
        answer = self.bridge.send(FRIEND, "answer to " + text)
        self.assertEqual(answer.status, 200, answer)
        # The server's time counts, whole seconds, and not ours.
        later = answer.json["timestamp"] - sent["t"]
        self.assertTrue(0 <= later <= time.monotonic() - began + WAITED_S, later)
        self.bridge.poll(lambda: "answer to " + text in {m["text"] for m in self.mock.contact_messages(FRIEND)},
                         20, "the friend reads the answer")

    def test_open_connection_survives(self):
        self.paired()
        self.works()
        logins = self.mock.logins(PHONE)
        up, since = self.bridge.health()["uptime_s"], time.monotonic()
        for jump in JUMPS:
            with self.subTest(jump):
                self.shim.clock_offset_s = jump
                self.works()
                health = self.bridge.health()
                self.assertEqual(health["status"], "ok")
                self.assertAlmostEqual(health["uptime_s"] - up, time.monotonic() - since, delta=2)
        self.assertEqual(self.mock.logins(PHONE), logins, "it connected anew")
        self.assert_no_flags(self.mock)

    def refused_then_back(self, offset):
        lines = len(self.bridge.lines)
        self.shim.clock_offset_s = offset
        self.mock.drop(PHONE)
        self.bridge.poll(lambda: self.bridge.health()["reason"] == "clock", 20,
                         "/health says that it is the clock")
        health = self.bridge.health()
        self.assertEqual(health["status"], "disconnected")
        self.assertIn("clock", health["detail"])
        self.assertTrue([line for line in self.bridge.lines[lines:] if "clock" in line], "nothing in the log")
        # It is tried again every minute, and at once when somebody asks for it.
        logins = self.mock.logins(PHONE)
        self.shim.clock_offset_s = 0
        self.assertEqual(self.bridge.post("/api/reconnect").status, 200)
        self.bridge.wait_status("ok")
        self.assertEqual(self.mock.logins(PHONE), logins + 1)
        self.works()

    def test_new_connection_says_clock(self):
        self.paired()
        for offset in (20 * YEAR, -20 * YEAR):
            with self.subTest(offset):
                self.refused_then_back(offset)
        self.assert_no_flags(self.mock)

    def test_new_tls_connection_says_clock(self):
        self.paired("--tls")
        for offset in (50 * YEAR, -50 * YEAR):
            with self.subTest(offset):
                self.refused_then_back(offset)
        self.assert_no_flags(self.mock)

    def test_restart_at_another_time(self):
        """What the store remembers of other times does not stop anything."""
        self.paired()
        self.works()
        for jump in (HOUR, -HOUR, 20 * 86400, -20 * HOUR):
            with self.subTest(jump):
                self.bridge.stop()
                self.shim.clock_offset_s = jump
                self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store,
                                                name=f"at {jump}", env=self.shim.env())
                self.bridge.wait_status("ok")
                self.works()
        self.assert_no_flags(self.mock)

    def state(self, key):
        reply = self.bridge.get("/api/outbox/" + key)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["state"], reply.json["reason"]

    def queue(self, key, expires_s):
        reply = self.bridge.send(FRIEND, f"text of {key}", id=key, wait_s=0, expires_s=expires_s)
        self.assertEqual((reply.status, reply.json["state"]), (202, "queued"), reply)

    def test_queued_messages_keep_their_time(self):
        """A keyed send waits as long as its caller said: not for less, not for more, and leaves once."""
        self.paired()
        self.go_offline()
        self.queue("first", HOUR)
        self.shim.clock_offset_s = 20 * DAY
        self.queue("ahead", HOUR)
        self.queue("short", 2)
        self.shim.clock_offset_s = -20 * DAY
        self.bridge.poll(lambda: self.state("short") == ("failed", "expired"), 20,
                         "the time of the short one is over")
        self.queue("behind", HOUR)
        self.assertEqual([self.state(key)[0] for key in ("first", "ahead", "behind")], ["queued"] * 3)
        self.bridge.kill()
        self.shim.clock_offset_s = 20 * DAY
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="later",
                                        env=self.shim.env())
        self.bridge.wait_status("disconnected")
        self.queue("last", HOUR) # the outbox has been read by now
        self.shim.clock_offset_s = -20 * HOUR
        self.assertEqual([self.state(key)[0] for key in ("first", "ahead", "behind")], ["queued"] * 3)
        self.come_back()
        texts = [f"text of {key}" for key in ("first", "ahead", "behind", "last")]
        self.bridge.poll(lambda: [m["text"] for m in self.mock.contact_messages(FRIEND) if m["text"]] == texts,
                         20, "all of them in their order, each once")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
