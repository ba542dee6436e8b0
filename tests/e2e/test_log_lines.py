"""Lines of the log that people read: from the first one on with the role, with times that can be read, with no
line breaks spelled out; what is unsafe is said; numbers of /health that count go on counting."""

import os
import re
import signal
import unittest

from harness.bridge import clean_env
from harness.case import Case

PHONE, FRIEND, STRANGER = "27820000001", "27820001000", "27820001001"
UNIX_TIME = re.compile(r"(?<![\d.:-])1[6-9]\d{8}(?!\d)")


class LogLinesTest(Case):
    def start(self, *args, name="bridge", **options):
        self.bridge = self.start_bridge(self.mock, PHONE, *args, name=name, **options)
        self.bridge.wait_api()
        return self.bridge

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")

    def line(self, *words):
        return self.bridge.poll(lambda: next((x for x in self.bridge.lines if all(w in x for w in words)), None), 10,
                                words)

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def test_every_line_has_the_role(self):
        """Also those of what is found before the bridge begins: a store that others could read."""
        self.start("--role", "standby").pair_by_qr()
        self.bridge.stop()
        os.chmod(self.bridge.store, 0o755)
        self.start("--role", "standby", name="again", store=self.bridge.store)
        self.line("store: ", "0755")
        self.bridge.stop()
        self.assertEqual([x for x in self.bridge.lines if "[STANDBY]" not in x], [])

    def test_a_bad_setting_at_sighup_is_a_clean_line(self):
        config = self.file("config.yaml", "log_level: info\n")
        self.start("--config", config)
        for text, words in (("log_level: [\n", ("config.yaml:",)),
                            ("log_level: loud\nadv_check: perhaps\n", ("config.yaml:1: log_level: 'loud'",)),
                            ("log_level: loud\nadv_check: perhaps\n", ("config.yaml:2: adv_check: 'perhaps'",))):
            self.file("config.yaml", text)
            self.bridge.signal(signal.SIGHUP)
            self.line("ERROR", "the settings were not read again: ", *words)
        self.assertEqual([x for x in self.bridge.lines if "\\x0a" in x], [])

    def test_what_is_unsafe_is_said(self):
        token = self.file("token", "correct-horse-battery-staple\n", 0o644)
        self.start("--api-token-file", token, "--core-dumps")
        self.line("WARN", "core_dumps is on")
        self.line("WARN", f"api_token_file: '{token}' can be read or changed by other users (mode 0644)", "chmod 600")
        os.chmod(token, 0o600)
        self.bridge.stop()
        self.start("--api-token-file", token, name="safe", env=clean_env())
        self.bridge.stop()
        self.assertEqual([x for x in self.bridge.lines if "core_dumps" in x or "api_token_file" in x], [])

    def test_times_for_people_are_no_unix_times(self):
        self.start().pair_by_qr()
        self.mock.fail_logins(PHONE, 402, times=1, code=104, expire=3600)
        self.mock.drop(PHONE)
        health = self.bridge.wait_status("banned")
        wanted = r"until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        self.assertRegex(health["detail"], wanted)
        self.assertRegex(self.line("ERROR", "conn: banned; next attempt"), wanted)
        self.bridge.stop()
        self.start(name="again", store=self.bridge.store)
        self.assertRegex(self.bridge.wait_status("banned")["detail"], wanted)
        self.assertEqual([x for x in self.bridge.lines if UNIX_TIME.search(x)], [])

    def test_a_guess_is_called_a_guess(self):
        """The end of a restriction that WhatsApp has not named is not told as WhatsApp's word."""
        self.start().pair_by_qr()
        self.mock.trouble(ack_error=463, ack_error_times=1)
        self.assertEqual(self.bridge.send(STRANGER, "refused").json["server_code"], 463)
        health = self.bridge.health()
        self.assertEqual((health["status"], health["restricted_until_guessed"]), ("ok", True))
        self.assertIn("our guess", health["detail"])
        self.line("WARN", "nobody is written to for the first time before", "our guess")
        reply = self.bridge.send("27820001002", "not before", expires_s=1, id="short")
        self.assertIn("our guess", reply.json["message"])
        ends = self.mock.admin("POST", "/mock-phone/timelock", {"phone": PHONE, "seconds": 3600})["ends"]
        self.bridge.poll(lambda: self.bridge.health().get("restricted_until") == ends, 10, "WhatsApp names it")
        health = self.bridge.health()
        self.assertFalse(health["restricted_until_guessed"])
        self.assertNotIn("guess", health["detail"])

    def test_messages_stored_goes_on_after_a_restart(self):
        self.start().pair_by_qr()
        for number in range(3):
            self.mock.contact_send(FRIEND, PHONE, f"number {number}")
        self.bridge.wait_rows("SELECT 1 FROM messages", count=3)
        self.bridge.poll(lambda: self.bridge.health()["messages_stored"] == 3, 10, "three are counted")
        self.bridge.stop()
        self.start(name="again", store=self.bridge.store)
        self.assertEqual(self.bridge.health()["messages_stored"], 3)
        self.bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "one more")
        self.bridge.poll(lambda: self.bridge.health()["messages_stored"] == 4, 10, "four are counted")


if __name__ == "__main__":
    unittest.main()
