"""The page at /pair and the snippet that it shows, run by node: from the QR to the linked device."""

import json
import os
import unittest

from harness import paths
from harness.case import Case
from harness.passkey import Authenticator
from harness.process import Process

PHONE, FRIEND = "27820000001", "27820001000"
TIMEOUT = 30


class Page(Process):
    def __init__(self, directory, bridge):
        self.events = []
        super().__init__("page", [paths.node(), os.path.join(paths.SOURCE, "tests/peers/page/run_page.mjs"),
                                  f"http://127.0.0.1:{bridge.port}"], directory)

    def _on_line(self, line):
        with self._changed:
            self.events.append(json.loads(line))
        super()._on_line(line)

    def do(self, **command):
        self.write_line(json.dumps(command))

    def click(self, element):
        self.do(event=element, kind="click")

    def wait(self, kind):
        return self.wait_until(lambda: next((e[kind] for e in self.events if kind in e), None), TIMEOUT, kind)

    def now(self):
        return next((e["page"] for e in reversed(self.events) if "page" in e), {})

    def wait_page(self, look, what):
        return self.wait_until(lambda: (page := self.now()) and look(page) and page, TIMEOUT, what)

    def wait_shown(self, element):
        return self.wait_page(lambda page: not page[element]["hidden"], f"#{element} is shown")


class PasskeyPage(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.owner = Authenticator(b"owner")
        self.mock.admin("POST", "/mock-phone/passkey", {"phone": PHONE, **self.owner.registration()})
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.wait_qr()
        self.page = self._keep(Page(self.directory, self.bridge))

    def answer(self):
        """The owner's browser runs the snippet."""
        snippet = self.page.wait_page(lambda page: page["snippet"]["value"], "a snippet")["snippet"]["value"]
        self.page.do(snippet=snippet)
        request = self.page.wait("request")
        self.assertEqual(request["userVerification"], "required")
        self.page.do(credential={key: value for key, value in self.owner.get(request).items()
                                 if key in ("id", "rawId", "type", "response")})
        return self.page.wait("answer")

    def test_by_qr_with_a_code_to_compare(self):
        self.page.wait_page(lambda page: not page["scan"]["hidden"] and page["qr"]["src"], "a QR")
        self.mock.scan_qr(PHONE, self.bridge.wait_qr())
        page = self.page.wait_shown("passkey")
        self.assertTrue(page["scan"]["hidden"])
        self.assertIn("Time left", page["passkey-time"]["text"])
        self.page.do(set="answer", value="no JSON")
        self.page.do(event="answer-form", kind="submit")
        self.page.wait_page(lambda page: "begins with {" in page["problem"]["text"], "a hint")
        self.page.do(set="answer", value="{}")
        self.page.do(event="answer-form", kind="submit")
        self.page.wait_page(lambda page: "public-key" in page["problem"]["text"], "the bridge's words")
        self.page.do(set="answer", value=self.answer())
        self.page.do(check="compare")
        self.page.do(event="answer-form", kind="submit")
        shown = self.page.wait_shown("confirm")["passkey-code"]["text"]
        self.assertEqual(shown, self.mock.admin("GET", "/mock-phone/passkey?phone=" + PHONE)["code"])
        self.page.click("same")
        self.page.wait_shown("linked")
        self.bridge.wait_status("ok")
        self.assert_no_flags(self.mock)

    def test_by_code(self):
        self.page.wait_shown("scan")
        self.page.click("new-code")
        code = self.page.wait_shown("code-line")["code"]["text"]
        self.mock.enter_code(PHONE, code)
        self.page.wait_shown("passkey")
        self.page.do(set="answer", value=self.answer())
        self.page.do(event="answer-form", kind="submit")
        page = self.page.wait_shown("linked")
        self.assertTrue(page["passkey"]["hidden"] and page["problem"]["hidden"], page)
        self.assertEqual(page["jid"]["text"], "+27820000001")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
