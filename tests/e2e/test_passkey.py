"""Accounts that demand a passkey at linking: what goes wrong on the way, and the page that leads a
person through it. Linking by code: test_passkey_parity.py."""

import copy
import json
import re
import unittest

from harness import http
from harness.case import Case
from harness.passkey import PRESENT, Authenticator, b64, unb64

PHONE, FRIEND = "27820000001", "27820001000"


class PasskeyCase(Case):
    mock_args = ()
    bridge_args = ()

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1", *self.mock_args)
        self.owner = Authenticator()
        self.demand(**self.owner.registration())
        self.bridge = self.start_bridge(self.mock, PHONE, *self.bridge_args)
        self.bridge.wait_api()

    def demand(self, **fields):
        self.mock.admin("POST", "/mock-phone/passkey", {"phone": PHONE, **fields})

    def phone(self):
        return self.mock.admin("GET", "/mock-phone/passkey?phone=" + PHONE)

    def passkey(self):
        return self.bridge.get("/api/passkey").json

    def wait_state(self, state, timeout=20):
        last = {}

        def ask():
            last.update(self.passkey())
            return dict(last) if last["state"] == state else None
        return self.bridge.poll(ask, timeout, f"/api/passkey says {state}")

    def scan(self):
        """The phone scans; the challenge is there."""
        self.mock.scan_qr(PHONE, self.bridge.wait_qr())
        return self.wait_state("requested")["options"]

    def respond(self, credential, **fields):
        body = {"credential": credential, **fields} if fields else credential
        return self.bridge.post("/api/passkey/response", body)

    def confirm(self, code):
        return self.bridge.post("/api/passkey/confirm", {"code": code})

    def assert_error(self, reply, status, code):
        self.assertEqual((reply.status, reply.json["error"]), (status, code), reply)
        self.assertIs(reply.json["success"], False)
        self.assertTrue(reply.json["message"])

    def assert_linked(self):
        self.bridge.wait_status("ok")
        self.assertEqual(self.passkey(), {"success": True, "state": "none"})
        self.mock.contact_send(FRIEND, PHONE, "hello")
        self.bridge.wait_rows("SELECT id FROM messages WHERE content = 'hello'")
        self.assertEqual(self.bridge.send(FRIEND, "hello back").status, 200)
        self.assert_no_flags(self.mock)


class Linking(PasskeyCase):
    def test_by_qr(self):
        self.assertEqual(self.passkey(), {"success": True, "state": "none"})
        self.assert_error(self.respond({}), 409, "conflict")
        self.assert_error(self.confirm("ABCD-EFGH"), 409, "conflict")
        options = self.scan()
        asked = self.passkey()
        self.assertEqual(options["rpId"], "whatsapp.com")
        self.assertEqual(len(unb64(options["challenge"])), 32)
        self.assertEqual(options["allowCredentials"][0]["id"], b64(self.owner.id))
        self.assertTrue(250 < asked["expires_in"] <= 300, asked)
        self.assertIn(json.dumps(options, separators=(",", ":")), asked["snippet"])
        health = self.bridge.health()
        self.assertEqual((health["status"], health["passkey"]), ("pairing", "requested"))
        self.assertIn("passkey", health["detail"])
        for path in ("/api/qr", "/api/pair-code"):
            self.assert_error(self.bridge.get(path), 404, "not_found")
        self.assert_error(self.bridge.post("/api/pair-code"), 409, "conflict")
        self.assert_error(self.confirm("ABCD-EFGH"), 409, "conflict")
        reply = self.respond(self.owner.get(options))
        self.assertEqual(reply.status, 200, reply)
        self.assert_linked()
        text = "\n".join(self.bridge.lines)
        for step in ("PASSKEY WANTED", "requested -> sending", "finishing -> none: linked"):
            self.assertIn(step, text)
        self.assertNotIn(options["challenge"], text)

    def test_with_a_code_to_compare(self):
        self.owner.user_handle = b"owner"
        options = self.scan()
        self.assertEqual(self.respond(self.owner.get(options), compare_code=True).status, 200)
        shown = self.wait_state("confirm")
        on_phone = self.bridge.poll(lambda: self.phone()["code"], 20, "the phone shows a code")
        self.assertIs(self.phone()["proof"], False)
        self.assertEqual(shown["code"], on_phone)
        self.assertEqual(self.bridge.health()["passkey"], "confirm")
        self.assert_error(self.respond(self.owner.get(options)), 409, "conflict")
        self.assert_error(self.bridge.post("/api/passkey/confirm", {}), 400, "bad_request")
        self.assert_error(self.confirm("12345"), 400, "bad_request")
        wrong = "".join("2" if c == "1" else "1" for c in on_phone.replace("-", ""))
        self.assert_error(self.confirm(wrong), 422, "wrong_code")
        self.assertEqual(self.phone()["stage"], "revealed")
        reply = self.confirm(on_phone.replace("-", " ").lower())
        self.assertEqual(reply.status, 200, reply)
        self.assert_linked()

    def test_codes_that_differ(self):
        options = self.scan()
        self.respond(self.owner.get(options), compare_code=True)
        code = self.wait_state("confirm")["code"].replace("-", "")
        wrong = "".join("2" if c == "1" else "1" for c in code)
        for _ in range(3):
            self.assert_error(self.confirm(wrong), 422, "wrong_code")
        self.assertIn("differ", self.wait_state("none")["problem"])
        self.assert_error(self.confirm(code), 409, "conflict")
        options = self.scan()
        self.assertNotIn("problem", self.passkey())
        self.assertEqual(self.respond(self.owner.get(options)).status, 200)
        self.assert_linked()

    def test_answers_that_are_none(self):
        options = self.scan()
        good = self.owner.get(options)
        for body in ("", "[]", "{", "\xff", {}, {"credential": 1}, {"credential": good, "compare_code": 1},
                     "[" * 100000, {"credential": {"response": {}}}):
            self.assert_error(self.bridge.post("/api/passkey/response", body), 400, "bad_request")
        for path, value in ((("id",), "other"), (("rawId",), ""), (("rawId",), "a/b+"), (("type",), "x"),
                            (("response",), None), (("response", "signature"), 7),
                            (("response", "clientDataJSON"), "%%"), (("response", "userHandle"), 3),
                            (("response", "authenticatorData"), "AAAA"), (("id",), "A" * 2000)):
            bad = copy.deepcopy(good)
            place = bad
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            self.assert_error(self.respond(bad), 400, "bad_request")
        self.assert_error(self.respond({**good, "extra": "x" * 70000}), 400, "bad_request")
        self.assert_error(self.bridge.post("/api/passkey/response", "x" * (1 << 21)), 413, "too_large")
        stranger = Authenticator()
        for wrong in (stranger.get(options), self.owner.get(options, challenge="AAAA"),
                      self.owner.get(options, origin="https://whatsapp.com.evil.example"),
                      self.owner.get(options, origin="http://web.whatsapp.com"),
                      self.owner.get(options, origin="https://notwhatsapp.com"),
                      self.owner.get(options, rp_id="example.com"), self.owner.get(options, flags=PRESENT),
                      self.owner.get(options, kind="webauthn.create")):
            self.assert_error(self.respond(wrong), 422, "bad_passkey")
        self.assertEqual(self.phone()["refused"], "", "wrong answers went to WhatsApp")
        reply = self.respond(self.owner.get(options, spoil=True))
        self.assert_error(reply, 502, "refused")
        self.assertEqual(reply.json["server_code"], 401)
        self.assertIn("signature", self.phone()["refused"])
        self.assertIn("refuses", self.wait_state("requested")["problem"])
        self.assertEqual(self.respond(good).status, 200)
        self.assert_linked()

    def test_the_connection_breaks(self):
        options = self.scan()
        self.mock.admin("POST", "/stream", {"client": "all", "do": "drop"})
        self.assertIn("connection", self.wait_state("none")["problem"])
        self.assert_error(self.respond(self.owner.get(options)), 409, "conflict")
        self.demand(silent=True)
        again = self.scan()
        self.assertNotEqual(again["challenge"], options["challenge"])
        self.assert_error(self.respond(self.owner.get(options)), 422, "bad_passkey")
        self.assertEqual(self.respond(self.owner.get(again)).status, 200)
        self.assertEqual(self.wait_state("phone")["state"], "phone")
        self.mock.admin("POST", "/stream", {"client": "all", "do": "drop"})
        self.wait_state("none")
        self.demand(silent=False)
        self.assertEqual(self.respond(self.owner.get(self.scan())).status, 200)
        self.assert_linked()

    def test_killed_in_the_middle(self):
        options = self.scan()
        self.respond(self.owner.get(options), compare_code=True)
        code = self.wait_state("confirm")["code"]
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_api()
        self.assertEqual(self.passkey()["state"], "none")
        self.assert_error(self.confirm(code), 409, "conflict")
        self.assertEqual(self.respond(self.owner.get(self.scan())).status, 200)
        self.assert_linked()
        self.assertEqual(self.bridge.rows("SELECT count(*) AS n FROM whatsmeow_device",
                                          name="whatsapp.db"), [{"n": 1}])

    def test_options_that_must_be_fetched_and_another_challenge(self):
        self.demand(omit_options=True)
        first = self.scan()
        self.demand(omit_options=False)
        self.mock.admin("POST", "/mock-phone/passkey-again", {"phone": PHONE})
        second = self.bridge.poll(
            lambda: (o := self.passkey().get("options")) and o != first and o, 20, "another challenge")
        self.assert_error(self.respond(self.owner.get(first)), 422, "bad_passkey")
        self.assertEqual(self.respond(self.owner.get(second)).status, 200)
        self.assert_linked()

    def test_somebody_starts_anew(self):
        self.scan()
        self.assertEqual(self.bridge.post("/api/reconnect").status, 200)
        self.wait_state("none")
        self.assertEqual(self.respond(self.owner.get(self.scan())).status, 200)
        self.assert_linked()


class Expiry(PasskeyCase):
    mock_args = ("--ref-ms", "1500,500")  # all refs are over after four seconds

    def test_refs_run_out_but_the_step_goes_on(self):
        options = self.scan()
        self.bridge.poll(lambda: self.passkey()["expires_in"] <= 294, 20, "the refs are over")
        self.assertEqual(self.passkey()["options"], options)
        self.assertEqual(self.respond(self.owner.get(options)).status, 200)
        self.assert_linked()

    def test_nobody_answers(self):
        """The server ends it; the bridge's own patience is a matter of minutes (unit tests)."""
        self.demand(timeout_ms=1000)
        options = self.scan()
        self.assertEqual(options["timeout"], 1000)
        self.assertIn("ended", self.wait_state("none")["problem"])
        self.assert_error(self.respond(self.owner.get(options)), 409, "conflict")
        health = self.bridge.health()
        self.assertEqual((health["status"], health["reason"]), ("pairing", "passkey_not_done"), health)
        self.assertNotIn("passkey", health)
        self.demand(timeout_ms=300000)
        self.assertEqual(self.respond(self.owner.get(self.scan())).status, 200)
        self.assert_linked()


class Page(PasskeyCase):
    def test_page(self):
        page = self.bridge.get("/pair")
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
            self.assertIn(part, policy)
        self.assertNotIn("unsafe", policy)
        used = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        self.assertEqual(sorted(used), ["/pair.css", "/pair.js", "https://web.whatsapp.com"])
        self.assertNotRegex(page.text, r"<script>|<style|\son[a-z]+=|style=")
        for path, kind in (("/pair.js", "text/javascript"), ("/pair.css", "text/css")):
            asset = self.bridge.get(path)
            self.assertEqual((asset.status, asset.headers["content-type"].split(";")[0]), (200, kind))
        script = self.bridge.get("/pair.js").text
        self.assertNotRegex(script, r"innerHTML|outerHTML|document\.write|insertAdjacentHTML|eval\(")
        named = set(re.findall(r"part\('([^']+)'\)", script)) | set(re.findall(r"show\('([^']+)'", script))
        self.assertLessEqual(named, set(re.findall(r'id="([^"]+)"', page.text)))
        self.assertEqual(self.bridge.post("/pair", "").status, 405)

    def test_who_may_call(self):
        for path in ("/api/passkey/response", "/api/passkey/confirm"):
            for origin in ("https://web.whatsapp.com", "null", "http://evil.example"):
                self.assert_error(self.bridge.post(path, {}, headers={"Origin": origin}), 403,
                                  "forbidden_origin")
        self.assert_error(self.bridge.get("/api/passkey", headers={"Origin": "https://web.whatsapp.com"}),
                          403, "forbidden_origin")
        reply = self.bridge.get("/pair", headers={"Host": "evil.example"})
        self.assert_error(reply, 403, "forbidden_origin")
        ours = f"http://127.0.0.1:{self.bridge.port}"
        reply = self.bridge.get("/api/passkey", headers={"Origin": ours})
        self.assertEqual(reply.status, 200)
        self.assertNotIn("access-control-allow-origin", {name.lower() for name in reply.headers})


class PageWithToken(PasskeyCase):
    def setUp(self):
        Case.setUp(self)
        path = self.directory + "/token"
        with open(path, "w", encoding="ascii") as file:
            file.write("a-token-of-some-length-0123456789\n")
        self.bridge_args = ("--api-token-file", path)
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, *self.bridge_args)
        self.bridge.wait_api()

    def test_the_page_is_open_and_the_calls_are_not(self):
        for path in ("/pair", "/pair.js", "/pair.css"):
            self.assertEqual(self.bridge.get(path).status, 200)
            self.assertEqual(http.request(self.bridge.port, "HEAD", path).status, 200)
        for method, path in (("GET", "/api/passkey"), ("POST", "/api/passkey/response"),
                             ("POST", "/api/passkey/confirm"), ("GET", "/api/qr.svg"), ("GET", "/health")):
            self.assertEqual(http.request(self.bridge.port, method, path).status, 401, path)
        token = {"Authorization": "Bearer a-token-of-some-length-0123456789"}
        self.assertEqual(self.bridge.get("/api/passkey", headers=token).status, 200)


if __name__ == "__main__":
    unittest.main()
