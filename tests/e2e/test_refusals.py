"""What WhatsApp refuses, announces and asks for patience with, and what the bridge does about it."""

import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"


class LoginFailureTest(Case):
    """A <failure> in place of <success>: only one that means 'unlinked' ends the attempts."""

    def test_every_failure_of_500_and_above_passes(self):
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        for reason in (502, 504):
            with self.subTest(reason):
                before = mock.logins(PHONE)
                mock.fail_logins(PHONE, reason, times=1)
                mock.drop(PHONE)
                program.poll(lambda: mock.logins(PHONE) >= before + 2, 20, "it tries again by itself")
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


if __name__ == "__main__":
    unittest.main()
