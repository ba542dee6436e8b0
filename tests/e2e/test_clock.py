"""The wall clock jumps by hours and years, both ways: an open connection survives, a new one that
fails on dates says so."""

import unittest

from harness.case import Case
from harness.disk import Shim

PHONE, FRIEND = "27820000001", "27820001000"
HOUR, YEAR = 3600, 365 * 86400
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
        answer = self.bridge.send(FRIEND, "answer to " + text)
        self.assertEqual(answer.status, 200, answer)
        self.assertLess(abs(answer.json["timestamp"] - sent["t"]), 60)

    def test_open_connection_survives(self):
        self.paired()
        self.works()
        logins = self.mock.logins(PHONE)
        for jump in JUMPS:
            with self.subTest(jump):
                self.shim.clock_offset_s = jump
                self.works()
                health = self.bridge.health()
                self.assertEqual(health["status"], "ok")
                self.assertTrue(0 <= health["uptime_s"] < 600)
        self.assertEqual(self.mock.logins(PHONE), logins, "it connected anew")
        self.assert_no_flags(self.mock)

    def refused_then_back(self, offset):
        self.shim.clock_offset_s = offset
        self.mock.drop(PHONE)
        self.bridge.poll(lambda: self.bridge.health()["reason"] == "clock", 20,
                         "/health says that it is the clock")
        health = self.bridge.health()
        self.assertEqual(health["status"], "disconnected")
        self.assertIn("clock", health["detail"])
        self.assertTrue([line for line in self.bridge.lines if "clock" in line])
        self.shim.clock_offset_s = 0
        self.bridge.post("/api/reconnect")
        self.bridge.wait_status("ok")
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


if __name__ == "__main__":
    unittest.main()
