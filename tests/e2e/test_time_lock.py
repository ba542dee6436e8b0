"""WhatsApp restricts an account: for a time it may not write to people first. The bridge says so, keeps what
can wait, refuses what cannot, and goes on with everybody else."""

import time
import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, STRANGER, OTHER, TRUSTING = "27820001000", "27820001001", "27820001002", "27820001003"
HOUR = 3600


class TimeLock(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "4", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.jid = self.bridge.health()["jid"]
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.mock.contact_send(FRIEND, PHONE, "hello")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'hello'")

    def restrict(self, **fields):
        return self.mock.admin("POST", "/mock-phone/timelock", {"phone": PHONE, **fields})["ends"]

    def lift(self):
        self.restrict(active=False)

    def until(self):
        return self.bridge.health().get("restricted_until")

    def wait_until(self, ends):
        self.bridge.poll(lambda: self.until() == ends, 20, f"/health names {ends}")

    def sent(self, to, text):
        self.assertEqual(self.bridge.send(to, text).status, 200, text)

    def waits(self, to, text, ends, **fields):
        """It is kept, and its caller is told at once until when."""
        started = time.monotonic()
        reply = self.bridge.send(to, text, id=text, **fields)
        self.assertEqual((reply.status, reply.json["state"], reply.json["restricted_until"]),
                         (202, "queued", ends), reply)
        self.assertLess(time.monotonic() - started, 15)

    def refused(self, to, text, ends, **fields):
        started = time.monotonic()
        reply = self.bridge.send(to, text, **fields)
        self.assertEqual((reply.status, reply.json["error"], reply.json["restricted_until"]),
                         (409, "restricted", ends), reply)
        self.assertIn(time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ends)), reply.json["message"])
        self.assertLess(time.monotonic() - started, 15)

    def reads(self, phone, *texts):
        self.bridge.poll(lambda: self.mock.short_texts(phone) == list(texts), 30, f"{texts} are read")

    def state(self, key):
        return self.bridge.get(f"/api/outbox/{key}").json.get("state")

    def test_a_restricted_account_writes_to_nobody_first(self):
        ends = self.restrict(seconds=HOUR)
        self.wait_until(ends)
        self.assertEqual(self.bridge.health()["status"], "ok")
        self.assertIn("restricted", self.bridge.health()["detail"])
        self.refused(STRANGER, "nobody waits so long", ends)
        self.refused(STRANGER, "nor so long", ends, id="short", expires_s=HOUR // 2)
        self.assertEqual(self.bridge.get("/api/outbox/short").status, 404)
        self.waits(STRANGER, "first", ends)
        self.waits(STRANGER, "second", ends, wait_s=0)
        # Everybody who knows us.
        self.mock.admin("POST", "/token", {"from": TRUSTING, "to": PHONE})
        self.mock.wait_read(self.jid)
        for to in (FRIEND, TRUSTING, self.group):
            self.sent(to, "as ever")
        # It lasts beyond this process.
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.assertEqual(self.until(), ends)
        self.sent(FRIEND, "still")
        self.assertEqual((self.state("first"), self.state("second")), ("queued", "queued"))
        self.lift()
        self.reads(STRANGER, "as ever", "first", "second")
        self.assertIsNone(self.until())
        self.assert_no_flags(self.mock)

    def test_a_refusal_is_one_too(self):
        """463: WhatsApp is asked until when. The refused message is not sent again."""
        ends = self.restrict(seconds=HOUR, quiet=True)
        reply = self.bridge.send(STRANGER, "refused", id="refused")
        self.assertEqual((reply.status, reply.json["server_code"]), (502, 463))
        self.wait_until(ends)
        self.waits(OTHER, "another", ends)
        self.refused(TRUSTING, "one more", ends)
        self.sent(FRIEND, "as ever")
        self.mock.drop(PHONE)
        self.sent(FRIEND, "after a reconnect")
        self.lift()
        self.reads(OTHER, "another")
        self.assertEqual((self.state("refused"), self.mock.short_texts(STRANGER)), ("failed", []))
        self.assert_no_flags(self.mock)

    def test_without_an_end(self):
        """Neither the refusal nor the answer to the question names one: a minute, then it is asked again."""
        self.mock.trouble(ack_error=463, ack_error_times=1)
        before = int(time.time())
        self.assertEqual(self.bridge.send(STRANGER, "refused").json["server_code"], 463)
        self.assertTrue(before + 50 <= self.until() <= before + 80)
        self.waits(OTHER, "later", self.until())
        self.restrict()
        self.mock.wait_read(self.jid)
        self.assertTrue(before + 50 <= self.until() <= time.time() + 80)
        self.lift()
        self.reads(OTHER, "later")
        self.assert_no_flags(self.mock)

    def test_the_end_comes(self):
        ends = self.restrict(seconds=4)
        self.wait_until(ends)
        self.waits(STRANGER, "patience", ends, wait_s=1)
        self.reads(STRANGER, "patience")
        self.assertGreaterEqual(time.time(), ends)
        self.assertIsNone(self.until())
        self.assertEqual(self.bridge.rows("SELECT 1 FROM bridge_meta WHERE name = 'time_lock_until'",
                                          name="whatsapp.db"), [])
        self.assert_no_flags(self.mock)

    def test_news_that_waited_at_the_server(self):
        """Nobody is written to first before they are read; what cannot wait for the end is refused."""
        self.go_offline()
        for key, seconds in (("short", HOUR // 2), ("long", 2 * HOUR)):
            self.assertEqual(self.bridge.send(STRANGER if key == "short" else OTHER, key, id=key,
                                              wait_s=0, expires_s=seconds).status, 202)
        self.restrict(seconds=HOUR)
        self.come_back()
        self.bridge.poll(lambda: self.state("short") == "failed", 20, "it is refused")
        entry = self.bridge.get("/api/outbox/short").json
        self.assertEqual(entry["reason"], "restricted")
        self.assertIn("UTC", entry["detail"])
        self.assertEqual(self.state("long"), "queued")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
