"""What the bridge remembers over a restart ends when it is over, and not before."""

import unittest

from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"
BANNED_S, PAUSED_S = 3600, 600


class RememberedTest(Case):
    def paired(self, *args):
        self.mock = self.start_mock("--contacts", "3")
        self.bridge = self.start_bridge(self.mock, PHONE, *args)
        self.bridge.pair_by_qr()

    def restart(self):
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, name=self.bridge.name + "+",
                                        store=self.bridge.store)
        self.bridge.wait_api()

    def meta(self, name):
        return [row["value"] for row in self.bridge.rows(
            "SELECT value FROM bridge_meta WHERE name = ?", name, name="whatsapp.db")]

    def test_a_ban_that_was_lifted_is_over(self):
        """A ban is waited for, also after a restart; a login that succeeds ends it for good."""
        self.paired()
        self.mock.fail_logins(PHONE, 402, times=1, code=104, expire=BANNED_S)
        self.mock.drop(PHONE)
        self.bridge.wait_status("banned")
        self.assertEqual(self.meta("banned_for"), [BANNED_S])
        self.restart()
        self.bridge.wait_status("banned")
        self.bridge.post("/api/reconnect")
        self.assertNotIn("banned_until", self.bridge.wait_status("ok"))
        self.assertEqual((self.meta("banned_until"), self.meta("banned_for")), ([], []))
        logins = self.mock.logins(PHONE)
        self.restart()
        self.bridge.wait_status("ok", timeout=10)
        self.assertEqual(self.mock.logins(PHONE), logins + 1)

    def test_a_pause_between_questions_goes_on_after_a_restart(self):
        self.paired()
        self.mock.admin("POST", "/rate", {"query": "usync get", "times": 1, "backoff": PAUSED_S})
        self.bridge.send(OTHER, "waits", id="waits", wait_s=0)
        self.bridge.poll(lambda: self.bridge.health().get("query_pauses"), 10, "the pause began")
        self.restart()
        self.bridge.wait_status("ok")
        pauses = self.bridge.health().get("query_pauses", [])
        self.assertEqual([pause["query"] for pause in pauses], ["usync get"])
        self.assertIn(pauses[0]["for_s"], range(PAUSED_S - 60, PAUSED_S + 1))
        impatient = self.bridge.send("27820001002", "no key", wait_s=1)
        self.assertEqual((impatient.status, impatient.json["error"]), (429, "rate_limited"))
        self.assertEqual(self.mock.traced('xmlns="usync"'), 1, "it asked again within the pause")

    def test_a_pause_that_is_over_is_not_remembered(self):
        self.paired()
        self.mock.admin("POST", "/rate", {"query": "usync get", "times": 1, "backoff": 1})
        self.bridge.send(OTHER, "waits", id="waits", wait_s=0)
        self.bridge.poll(lambda: self.mock.short_texts(OTHER) == ["waits"], 15, "it was sent after all")
        self.assertEqual(self.meta("query_pauses"), [])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
