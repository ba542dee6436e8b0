"""What /health says of a bridge that shows a QR: why it is not connected, and nothing that is over."""

import unittest

from harness.case import Case

PHONE, OTHER = "27820000001", "27820000002"


class PairingReason(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.bridge = self.start_bridge(self.mock, PHONE)

    def another(self, before):
        """The QR after that one."""
        def ask():
            reply = self.bridge.get("/api/qr")
            return reply.status == 200 and reply.json["code"] != before
        self.bridge.poll(ask, 20, "another QR")
        return self.bridge.get("/api/qr").json["code"]

    def assert_reason(self, reason):
        health = self.bridge.wait_status("pairing")
        self.assertEqual(health["reason"], reason, health)
        return health["detail"]

    def test_reason_while_a_qr_is_shown(self):
        code = self.bridge.wait_qr()
        first = self.assert_reason("not_linked")
        self.assertEqual(self.bridge.post("/api/pair-code", {"phone": OTHER}).status, 400)
        self.assert_reason("not_linked")
        # WhatsApp has no code for us: the connection ends before it answers.
        self.bridge.post("/api/pair-code")
        self.mock.admin("POST", "/stream", {"client": "all", "do": "error", "code": 503})
        code = self.another(code)
        self.assertEqual(self.bridge.get("/api/pair-code").status, 404)
        self.assertEqual(self.assert_reason("not_linked"), first, "what ended the connection before is over")
        self.mock.admin("POST", "/mock-phone/expire-refs")
        self.another(code)
        self.assert_reason("qr_not_scanned")
        self.mock.scan_qr(OTHER, self.bridge.wait_qr())
        self.bridge.poll(lambda: self.bridge.health()["reason"] == "wrong_number", 20, "it says so")
        self.bridge.wait_qr()
        self.assert_reason("wrong_number")
        self.bridge.pair_by_qr()
        self.assertIsNone(self.bridge.health()["reason"])


if __name__ == "__main__":
    unittest.main()
