"""What WhatsApp refuses, announces and asks for patience with, and what the bridge does about it."""

import time
import unittest

from harness.case import Case
from harness.disk import Shim

PHONE, FRIEND = "27820000001", "27820001000"
NEWER = 1999999000  # of 2.3000.N: newer than any that is built in
DAY_S = 24 * 3600


class LoginFailureTest(Case):
    """A <failure> in place of <success>: only one that means 'unlinked' ends the attempts."""

    def test_a_failure_of_500_and_above_passes(self):
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        mock.fail_logins(PHONE, 502, times=1)
        mock.drop(PHONE)
        program.poll(lambda: mock.logins(PHONE) >= 3, 20, "it tries again by itself")
        program.wait_status("ok")
        self.assert_no_flags(mock)

    def test_a_failure_without_a_name_is_tried_again_slowly(self):
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        mock.fail_logins(PHONE, 418, times=1)
        mock.drop(PHONE)
        program.wait_status("login_failure")
        program.poll(lambda: "next_attempt_in_s" in program.health(), 10, "it waits")
        health = program.health()
        self.assertIn(health["next_attempt_in_s"], range(40, 67))
        self.assertEqual(health["reason"], "login_failure")
        self.assertIn("failure 418", health["detail"])
        self.assertEqual(program.get("/health").status, 503)
        self.assertTrue(program.rows("SELECT jid FROM whatsmeow_device", name="whatsapp.db"))
        self.assertEqual(program.post("/api/reconnect").status // 100, 2)
        program.wait_status("ok")
        mock.contact_send(FRIEND, PHONE, "still there")
        program.wait_rows("SELECT id FROM messages WHERE content = ?", "still there")


class PauseTest(Case):
    """An <error code=429 backoff=N> is one pause of the whole account for queries of that kind."""

    BACKOFF = 3  # seconds: longer than the pause after which a send is prepared anew by itself

    def start(self, *mock_args):
        mock = self.start_mock("--contacts", "5", *mock_args)
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        return mock, program

    def queue(self, program, recipient, text):
        reply = program.send(recipient, text, id=text, wait_s=0)
        self.assertEqual((reply.status, reply.json["state"]), (202, "queued"))

    def paused(self, program, query):
        def ask():
            return [p for p in program.health().get("query_pauses", []) if p["query"] == query]
        return program.poll(ask, 10, f"{query} pauses")[0]

    def arrives(self, mock, program, people, text, timeout=20):
        for phone in people:
            program.poll(lambda who=phone: text in mock.short_texts(who), timeout, f"{text} at {phone}")

    def test_chats_that_wait_share_one_pause_across_reconnects(self):
        mock, program = self.start()
        people = ["27820001001", "27820001002", "27820001003"]
        self.assertEqual(program.send(FRIEND, "known before").status, 200)
        mock.admin("POST", "/rate", {"query": "usync get", "times": 1, "backoff": self.BACKOFF})
        for phone in people:
            self.queue(program, phone, f"to {phone}")
        self.assertIn(self.paused(program, "usync get")["for_s"], range(1, self.BACKOFF + 1))
        self.assertEqual(program.health()["status"], "ok")
        # Whoever needs no such question goes on; who does not want to wait is told why.
        self.assertEqual(program.send(FRIEND, "in the pause").status, 200)
        impatient = program.send("27820001004", "no key", wait_s=1)
        self.assertEqual((impatient.status, impatient.json["error"]), (429, "rate_limited"))
        mock.drop(PHONE)
        program.wait_status("ok")
        for phone in people:
            self.arrives(mock, program, [phone], f"to {phone}")
        self.assertNotIn("query_pauses", program.health())
        self.assertEqual(mock.short_texts("27820001004"), [])
        self.assert_no_flags(mock)

    def test_a_group_message_waits_for_the_keys_of_all(self):
        mock, program = self.start("--groups", "1")
        group = mock.admin("GET", "/groups")["groups"][0]["jid"]
        people = [f"2782000100{n}" for n in range(5)]
        mock.admin("POST", "/rate", {"query": "encrypt get", "times": 1, "backoff": self.BACKOFF})
        self.queue(program, group, "for everybody")
        self.paused(program, "encrypt get")
        self.assertEqual(program.get("/api/outbox/for%20everybody").json["state"], "queued")
        self.arrives(mock, program, people, "for everybody")
        for phone in people:
            self.assertEqual(mock.admin("GET", f"/contact/failures?phone={phone}")["failures"], [])
        self.assertEqual(mock.traced('type="retry"'), 0, "somebody had to ask again")
        self.assert_no_flags(mock)

    def test_a_group_message_waits_for_the_devices_of_all(self):
        """The server's own trouble, without a time to wait: no word about anybody's devices."""
        mock, program = self.start("--groups", "1")
        group = mock.admin("GET", "/groups")["groups"][0]["jid"]
        people = [f"2782000100{n}" for n in range(5)]
        self.assertEqual(program.send(FRIEND, "known before").status, 200)
        mock.admin("POST", "/rate", {"query": "usync get", "times": 1, "code": 503})
        self.queue(program, group, "for everybody")
        self.arrives(mock, program, people, "for everybody")
        self.assertEqual(mock.traced('type="retry"'), 0, "somebody had to ask again")

    def test_who_asks_again_has_the_message_after_the_pause(self):
        """Keys for a new session may not be fetched now; without an answer the device would have nothing until the next login."""
        mock, program = self.start()
        known = program.send(FRIEND, "known before").json["message_id"]
        self.arrives(mock, program, [FRIEND], "known before")
        mock.admin("POST", "/rate", {"query": "encrypt get", "times": 1, "backoff": self.BACKOFF})
        mock.admin("POST", "/contact/retry", {"phone": FRIEND, "to": PHONE, "id": known, "count": 2})
        self.paused(program, "encrypt get")
        program.poll(lambda: mock.short_texts(FRIEND).count("known before") == 2, 20, "it is sent again")
        program.poll(lambda: not mock.unread(program.health()["jid"]), 10, "the request is acked")
        self.assertEqual(mock.logins(PHONE), 1)
        self.assert_no_flags(mock)

    def test_a_login_goes_on_although_our_keys_cannot_be_counted(self):
        mock = self.start_mock("--contacts", "1")
        mock.admin("POST", "/rate", {"query": "encrypt get", "times": 1, "backoff": self.BACKOFF})
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        self.paused(program, "encrypt get")
        mock.drop(PHONE)  # the next login is within the pause
        program.poll(lambda: mock.logins(PHONE) >= 2, 10, "it is back")
        program.wait_status("ok")
        program.poll(lambda: mock.traced("<registration>") == 1, 20, "the keys follow after the pause")
        self.assert_no_flags(mock)

    def test_keys_are_not_offered_before_they_may_leave(self):
        """The kind is every request, not only what sends ask: here the upload of our own keys."""
        mock = self.start_mock()
        mock.admin("POST", "/rate", {"query": "encrypt set", "times": 1, "backoff": self.BACKOFF})
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        self.paused(program, "encrypt set")

        def offered():
            return program.rows("SELECT count(*) AS n FROM whatsmeow_pre_keys WHERE uploaded = 1",
                                name="whatsapp.db")[0]["n"]
        first = offered()
        program.poll(lambda: mock.traced("<registration>") == 2, 20, "they are uploaded after the pause")
        self.assertEqual(offered(), first + 50, "keys were used up in the pause")
        self.assert_no_flags(mock)


class StaleDeviceTest(Case):
    """406 to a prekey query: a device is gone, and the list that named it is out of date."""

    def test_one_stale_device_costs_nobody_else_their_keys(self):
        for refused in ("batch", "device"):
            with self.subTest(refused):
                mock = self.start_mock("--contacts", "6", "--groups", "1", name=f"mock-{refused}")
                program = self.start_bridge(mock, PHONE, name=f"bridge-{refused}")
                program.pair_by_qr()
                group = mock.admin("GET", "/groups")["groups"][0]["jid"]
                stale, people = "27820001003", [f"2782000100{n}" for n in range(6)]
                self.assertEqual(program.send(stale, "so that the list is known").status, 200)
                mock.admin("POST", "/contact/device", {"phone": stale, "action": "add"})
                program.poll(lambda: mock.traced('type="devices"') >= 2, 10, "the news is acknowledged")
                mock.admin("POST", "/contact/device",
                           {"phone": stale, "action": "lose", "device": 1, "refused": refused})
                self.assertEqual(program.send(group, "for all six").status, 200)
                for phone in people:
                    program.poll(lambda who=phone: "for all six" in mock.short_texts(who), 10,
                                 f"it is read by {phone}")
                self.assertGreater(mock.traced('<error code="406"'), 0, "the stale device was asked about")
                self.assertEqual(mock.traced('type="retry"'), 0, "somebody had to ask again")
                self.assert_no_flags(mock)


class VersionTest(Case):
    """Where the web version comes from, and when it is looked for."""

    def test_the_second_source_serves_when_the_first_does_not(self):
        """Both are asked as clients that work ask; the server gives 400 to others, and flags them."""
        for worker in (True, False):
            with self.subTest(worker=worker):
                mock = self.start_mock(name=f"mock-{worker}")
                mock.trouble(min_version=NEWER, client_revision=NEWER)
                mock.admin("POST", "/web-pages", {"worker": worker})
                program = self.start_bridge(mock, PHONE, name=f"bridge-{worker}")
                self.assertEqual(program.pair_by_qr()["wa_version"], f"2.3000.{NEWER}")
                said = "\n".join(program.lines)
                self.assertEqual("no web version at" in said and "/sw.js: " in said, not worker)
                self.assert_no_flags(mock)

    @staticmethod
    def looks(program):
        """How often it looked and found nothing, at the last source."""
        return sum(1 for line in program.lines if " INFO " in line and "pages that name the web version" in line)

    def test_an_announced_end_makes_it_look_every_day(self):
        mock = self.start_mock("--contacts", "1")
        shim = Shim(self.directory)
        program = self.start_bridge(mock, PHONE, env=shim.env())
        built_in = program.pair_by_qr()["wa_version"]
        self.assertNotIn("wa_version_expires_at", program.health())
        end = int(time.time()) + 14 * DAY_S
        mock.admin("POST", "/stream", {"phone": PHONE, "do": "client_expiration", "t": end})
        program.poll(lambda: program.health().get("wa_version_expires_at") == end, 10, "it is announced")
        warned = [line for line in program.lines if " WARN " in line and built_in in line]
        self.assertEqual(len(warned), 1, warned)
        self.assertIn(time.strftime("%Y-%m-%d", time.gmtime(end)), warned[0])
        # Nothing is published yet: one look at the start, one now, then none before tomorrow.
        program.wait_until(lambda: self.looks(program) == 2, 20, "it looks at once")
        program.health()  # that look is over, not only told
        mock.trouble(client_revision=NEWER)
        shim.mono_offset_ms += (DAY_S - 600) * 1000
        program.health()  # wakes it up, as any event would
        mock.contact_send(FRIEND, PHONE, "hours later")
        program.wait_rows("SELECT id FROM messages WHERE content = ?", "hours later")
        self.assertEqual(self.looks(program), 2)
        self.assertFalse([line for line in program.lines if "no web version" in line])
        shim.mono_offset_ms += 600 * 1000
        program.health()
        program.wait_until(lambda: any(f"the web version is 2.3000.{NEWER}" in line
                                       for line in program.lines), 20, "it looks the day after")
        mock.drop(PHONE)
        program.poll(lambda: program.health()["wa_version"] == f"2.3000.{NEWER}", 20, "it is used")
        program.wait_status("ok", timeout=60)
        self.assertNotIn("wa_version_expires_at", program.health())


class OfflineQueueTest(Case):
    """What waits on the server is announced, and may have to be asked for."""

    def test_what_is_announced_and_does_not_come_is_asked_for_once(self):
        mock = self.start_mock("--contacts", "1")
        shim = Shim(self.directory)
        program = self.start_bridge(mock, PHONE, env=shim.env())
        program.pair_by_qr()
        mock.admin("POST", "/offline", {"pull": True})
        mock.trouble(upgrade_status=503)
        mock.drop(PHONE)
        program.poll(lambda: not program.health()["connected"], 10, "it is away")
        for n in range(3):
            mock.contact_send(FRIEND, PHONE, f"waits {n}")
        mock.trouble(upgrade_status=0)
        self.assertEqual(program.post("/api/reconnect").status // 100, 2)
        program.wait_status("ok")
        program.poll(lambda: mock.traced("<offline_preview") == 1, 10, "it is announced")
        self.assertEqual(mock.traced("<offline_batch"), 0)
        shim.mono_offset_ms += 10 * 1000
        for n in range(3):
            program.poll(lambda: program.rows("SELECT id FROM messages WHERE content = ?", f"waits {n}"),
                         20, f"message {n}")
        shim.mono_offset_ms += 30 * 1000
        mock.contact_send(FRIEND, PHONE, "and live")
        program.wait_rows("SELECT id FROM messages WHERE content = ?", "and live")
        self.assertEqual(mock.traced("<offline_batch"), 1)
        self.assert_no_flags(mock)


if __name__ == "__main__":
    unittest.main()
