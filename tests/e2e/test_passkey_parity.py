"""What the bridge sends in the passkey step is what whatsmeow of 2026-08 sent for the same demand
(docs/protocol/parity.md: how its stanzas were recorded)."""

import json
import os
import unittest

from harness import paths
from parity import passkey
from test_passkey import PHONE, PasskeyCase

RECORDED = os.path.join(paths.SOURCE, "tests", "peers", "parity", "passkey_whatsmeow.json")


class PasskeyParity(PasskeyCase):
    def setUp(self):
        super().setUp()
        with open(RECORDED, encoding="utf-8") as file:
            self.recorded = json.load(file)

    def assert_same(self, name):
        self.assert_linked()
        ours = passkey.by_kind(passkey.sent(self.mock.trace_path, self.owner.id))
        self.maxDiff = None
        self.assertEqual(ours, self.recorded[name])

    def test_by_qr(self):
        self.assertEqual(self.respond(self.owner.get(self.scan())).status, 200)
        self.assert_same("proved")

    def test_by_code(self):
        self.bridge.wait_qr()
        self.mock.enter_code(PHONE, self.bridge.post("/api/pair-code").json["code"])
        options = self.wait_state("requested")["options"]
        self.assertEqual(self.respond(self.owner.get(options)).status, 200)
        self.assert_same("proved")

    def test_with_a_code_to_compare(self):
        self.respond(self.owner.get(self.scan()), compare_code=True)
        code = self.wait_state("confirm")["code"]
        self.assertEqual(self.confirm(code).status, 200)
        self.assert_same("late")


if __name__ == "__main__":
    unittest.main()
