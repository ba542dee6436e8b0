"""WhatsApp takes back the QR or the code that waits for a phone: another one is shown, and links."""

import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"


class Refresh(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.qr = self.bridge.wait_qr()

    def code(self):
        return self.bridge.get("/api/pair-code").json.get("code")

    def other(self, ask, old, what):
        return self.bridge.poll(lambda: (now := ask()) and now != old and now, 20, what)

    def shown_qr(self):
        return self.bridge.get("/api/qr").json.get("code")

    def linked(self):
        self.bridge.wait_status("ok")
        self.mock.contact_send(FRIEND, PHONE, "after pairing")
        self.bridge.wait_rows("SELECT id FROM messages WHERE content = 'after pairing'")
        self.assert_no_flags(self.mock)

    def test_another_qr(self):
        self.assertEqual(self.mock.admin("POST", "/mock-phone/refresh")["clients"], 1)
        new = self.other(self.shown_qr, self.qr, "another QR")
        old_parts, new_parts = self.qr.split(","), new.split(",")
        self.assertNotEqual(old_parts[3], new_parts[3], "the secret is another one")
        self.assertEqual(old_parts[:3] + old_parts[4:], new_parts[:3] + new_parts[4:])
        self.mock.scan_qr(PHONE, new)
        self.linked()

    def test_another_code(self):
        first = self.bridge.post("/api/pair-code").json["code"]
        self.mock.admin("POST", "/mock-phone/refresh", {"phone": PHONE})
        second = self.other(self.code, first, "another code")
        self.mock.enter_code(PHONE, second)
        self.refused("typed already|no client asked", "/mock-phone/enter-code?phone=" + PHONE, second)
        self.linked()
        self.refused("no client asked", "/mock-phone/enter-code?phone=" + PHONE, second)
        self.refused("what: retry or identity", "/forge", {"as": PHONE, "to": PHONE, "what": "x"})
        self.refused("skey_back: this client has not", "/prekeys",
                     {"jid": self.bridge.health()["jid"], "skey_back": True})

    def test_another_code_when_the_last_one_was_typed(self):
        self.mock.enter_code(PHONE, self.bridge.post("/api/pair-code").json["code"])
        self.mock.admin("POST", "/mock-phone/refresh", {"phone": PHONE})
        self.bridge.poll(lambda: any("wants another pairing code, but none is on show" in line
                                     for line in list(self.bridge.lines)), 20, "it is said in words")
        self.assertFalse([line for line in self.bridge.lines if "dispatch" in line])

    def refused(self, words, path, body):
        with self.assertRaisesRegex(AssertionError, words):
            self.mock.admin("POST", path, body)


if __name__ == "__main__":
    unittest.main()
