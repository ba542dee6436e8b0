"""The page at /pair in a browser, as a person meets it: words for people in every state, and what to do."""

import contextlib
import datetime
import errno
import os
import re
import signal
import socket
import threading
import unittest
from zoneinfo import ZoneInfo

from harness import disk, paths, terminal
from harness.bridge import clean_env
from harness.case import Case
from harness.chromium import Browser
from harness.passkey import Authenticator

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820000002"
ZONE = "Africa/Johannesburg"  # the browser's; the bridge is told of none
# What only programs say.
FOR_PROGRAMS = re.compile(r"\b(GET|POST) /|/api/|/health|stream error|<\w+|\bconflict\b|\b(40\d|50\d|515)\b|\b\w+_error\b|"
                          r"WAIT_\w+|no_network|\b1[5-9]\d{8}\b|undefined|null|NaN|\[object")


class PairPage(Case):
    browser = None

    @classmethod
    def setUpClass(cls):
        terminal.need("chromium", "zbarimg")
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")

    def open(self, *args, path="/pair", **options):
        self.bridge = self.start_bridge(self.mock, PHONE, *args, **options)
        self.bridge.wait_api()
        self.browser.open(self.address(path), zone=ZONE)

    def address(self, path="/pair"):
        return f"http://127.0.0.1:{self.bridge.port}{path}"

    def looks(self, pattern, timeout=20):
        """The page shows that, in words for people, and fits a phone's width."""
        text = self.browser.wait_text(pattern, timeout)
        self.assertIsNone(FOR_PROGRAMS.search(text), text)
        self.browser.resize(360, 1200)
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), 360, text)
        self.browser.resize(1000, 1200)
        self.assertEqual(self.browser.complaints, [])
        self.assert_accessible()
        return text

    def assert_accessible(self):
        """Each field has its label, each picture its text, each button its words, and news are announced."""
        nameless = self.browser.run("""[...document.querySelectorAll('input, textarea, button, img')].filter(e =>
            e.offsetParent && !((e.labels && e.labels.length) || e.alt || e.textContent.trim())).map(e => e.id)""")
        self.assertEqual(nameless, [])
        self.assertEqual(self.browser.run("document.getElementById('status').closest('[aria-live]').ariaLive"), "polite")
        self.assertEqual(self.browser.run("document.documentElement.lang"), "en")

    def codes(self):
        return terminal.read_codes(self.browser.picture(), self.directory)

    def test_linking(self):
        """From the address without a path to the linked device: the QR, codes that others asked for, reloads."""
        self.open(path="/")
        self.looks(r"Number \+27820000001.*Ready to be linked.*Scan with the phone.*Another one follows in \d+ s")
        self.assertTrue(self.browser.run("location.pathname") == "/pair")
        self.assertEqual(self.bridge.get("/").status, 302)
        self.bridge.poll(lambda: self.codes() == [self.bridge.get("/api/qr").json["code"]], 20, "the QR is shown")
        code = self.bridge.post("/api/pair-code").json["code"]  # another caller
        self.looks(rf"Type this code on the phone\s+{code}.*Good for one use, for another (\d\d s|[23] minutes)")
        self.browser.reload()
        self.looks(rf"Type this code on the phone\s+{code}")
        self.browser.click("new-code")
        self.bridge.poll(lambda: code not in self.browser.text() and "Type this code" in self.browser.text(), 20,
                         "the new code is shown")
        again = self.bridge.get("/api/pair-code").json["code"]
        self.looks(again)
        self.mock.trouble(delay_ms=700)
        self.mock.enter_code(PHONE, again)
        self.looks(r"A phone is linking this bridge.*Keep WhatsApp open on the phone")
        self.mock.trouble(delay_ms=0)
        text = self.looks(r"Linked and connected.*Connected since \d\d:\d\d.*linked device of \+27820000001")
        since = datetime.datetime.fromtimestamp(self.bridge.health()["connected_since"], ZoneInfo(ZONE))
        self.assertIn(since.strftime("Connected since %I:%M %p"), text)
        self.assertNotIn(again, text)
        self.assertFalse(self.browser.run("Boolean(document.querySelector('#qr').offsetParent)"))
        self.browser.reload()
        self.looks("Linked and connected")
        self.assert_no_flags(self.mock)

    def test_code_asked_for_at_the_start(self):
        """--pair-code: the page shows the code that the terminal shows; what is wrong with asking for more is said."""
        self.open("--pair-code")
        self.bridge.poll(lambda: self.bridge.get("/api/pair-code").status == 200, 20, "a code")
        self.browser.wait_text("Type this code|Scan")
        # The page has shown what it knew: one of its next looks at the bridge brings the code.
        shown = self.looks(r"Type this code on the phone\s+[0-9A-Z]{4}-[0-9A-Z]{4}", timeout=8)
        self.assertIn(self.bridge.get("/api/pair-code").json["code"], shown)
        self.mock.trouble(ignore_iqs=True)
        asking = threading.Thread(target=self.bridge.post, args=("/api/pair-code",), daemon=True)
        asking.start()
        self.bridge.poll(lambda: self.bridge.get("/api/pair-code").status == 404, 20, "another caller asks for one")
        self.browser.wait_text("was used, or is too old")  # the button has its new place
        self.browser.click("new-code")
        self.looks("not possible now. Look at what this page says, and try again in a moment")
        self.assertEqual(self.bridge.health()["reason"], "not_linked")

    def test_wrong_phone_and_passkey(self):
        self.mock.admin("POST", "/mock-phone/passkey", {"phone": PHONE, **Authenticator(b"owner").registration()})
        self.open()
        self.mock.scan_qr(OTHER, self.bridge.wait_qr())
        self.looks(r"A phone with another number was used.*phone that has the number above")
        self.mock.scan_qr(PHONE, self.bridge.wait_qr())
        self.looks(r"WhatsApp waits for the passkey.*only the account's owner can.*Time left: \d+ s")
        self.mock.admin("POST", "/stream", {"client": "all", "do": "error", "code": 503})
        self.looks(r"The connection to WhatsApp ended during the passkey step\.")
        self.looks(r"Scan with the phone")

    def test_states_of_a_linked_bridge(self):
        shim = disk.Shim(self.directory, os.path.join(self.directory, "bridge.store"))
        self.open(env=shim.env())
        self.bridge.pair_by_qr()
        self.looks("Linked and connected")
        self.mock.stream_error(PHONE, conflict="replaced")
        self.looks(r"Another program uses this link.*Stop the other one.*Next attempt in \d+ s")
        self.browser.click("again")
        self.looks("Linked and connected")
        self.mock.admin("POST", "/mock-phone/timelock", {"phone": PHONE, "active": True, "seconds": 3 * 86400})
        self.looks(r"restricted this number until \w+, .*20\d\d.*\d\d:\d\d.*nothing to do but to wait")
        self.mock.admin("POST", "/mock-phone/timelock", {"phone": PHONE, "active": False})
        self.bridge.poll(lambda: "restricted" not in self.browser.text(), 20, "it is over")
        self.go_offline()
        self.looks(r"(WhatsApp (has closed|does not answer|cannot be reached|has trouble)|No connection to WhatsApp"
                   r"|What answers refuses the connection).*tries again by itself.*Next attempt in \d+ s")
        self.mock.trouble(upgrade_status=0, delay_ms=1000)
        self.browser.click("again")
        self.looks("Connecting to WhatsApp")
        self.mock.trouble(delay_ms=0)
        self.looks("Linked and connected")
        for reason, fields, words in (
                (402, {"code": 101, "expire": 7200}, r"suspended this number for a while.*The suspension ends: .*\d\d:\d\d.*"
                                                     r"in (2 hours|1[12]\d minutes)"),
                (405, {}, r"too old for WhatsApp.*Update the bridge"),
                (418, {}, r"WhatsApp refuses to let the bridge in.*tried again by itself, at most once an hour")):
            self.mock.fail_logins(PHONE, reason, 100, **fields)
            self.assertEqual(self.bridge.post("/api/reconnect").status, 200)
            self.looks(words)
        self.mock.admin("POST", "/login", {"phone": PHONE, "reason": 0})
        self.browser.click("again")
        self.looks("Linked and connected")
        shim.fail(disk.CHANGES, error=errno.ENOSPC)
        self.mock.contact_send(FRIEND, PHONE, "no room for this")
        self.looks(r"cannot write its files.*disk is full or damaged.*Make room.*goes on by itself")
        shim.heal()
        self.browser.click("again")
        self.looks("Linked and connected")
        self.mock.logout(PHONE)
        self.looks(r"Not linked any more.*messages that were stored are kept")
        self.browser.click("pair")
        self.looks("Scan with the phone")
        os.kill(self.bridge.pid, signal.SIGTERM)
        text = self.looks("The bridge does not answer.*Is it running")
        self.assertNotIn("Scan with", text)

    def test_every_state_and_reason_has_words(self):
        """Of those that the bridge knows, none is shown as a word for programs."""
        def known(file, macro, unless=()):
            with open(os.path.join(paths.SOURCE, "bridge", file), encoding="utf-8") as source:
                macro = source.read().split(f"#define {macro}(X)")[1].split("\n\n")[0]
            return set(re.findall(r'X\(\w+, "(\w+)"\)', macro)) - set(unless)
        self.open()
        self.looks("Scan with the phone")
        reasons = known("core/link.h", "CONN_REASON_LIST", (
            "starting", "connecting", "restart", "asked", "stopping",  # on the way
            "qr_not_scanned", "wrong_number", "passkey_not_done",  # while pairing
            "replaced", "outdated", "banned", "logged_out", "login_failure", "store_error"))  # a status of their own
        for what, words in ((known("conn/conn_health.h", "HEALTH_STATUS_LIST"), "STATES"), (reasons, "REASONS")):
            with self.subTest(words):
                self.assertGreater(len(what), 8)
                self.assertEqual(what - set(self.browser.run(f"Object.keys({words})")), set())
        for group in ("STATES", "REASONS", "PAIRING", "PASSKEY_WORDS", "REFUSALS"):
            for words in self.browser.run(f"Object.values({group})"):
                self.assertIsNone(FOR_PROGRAMS.search(" ".join(words) if isinstance(words, list) else words), words)

    def test_a_server_that_says_nothing(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            self.bridge = self.start_bridge(None, PHONE, "--server-url", f"ws://127.0.0.1:{server.getsockname()[1]}/ws/chat",
                                            "--root-key", "ab" * 32,
                                            # When it is stopped, a worker still waits for the version page.
                                            env=clean_env(ASAN_OPTIONS="detect_leaks=0"))
            self.bridge.wait_api()
            self.browser.open(self.address(), zone=ZONE)
            self.looks("The bridge is starting.*This takes a few seconds")

    def test_a_server_that_hangs_up_and_then_says_nothing(self):
        """Attempts that wait for an answer take nearly all the time: what was wrong before is said meanwhile."""
        again, kept = threading.Event(), []

        def serve():
            attempts = 0
            with contextlib.suppress(OSError):
                while True:
                    caller = server.accept()[0]
                    if b"GET /ws/chat" not in caller.recv(4096):
                        kept.append(caller)  # it asks for the version page
                        continue
                    attempts += 1
                    if attempts == 1:
                        caller.close()
                    else:
                        kept.append(caller)
                        again.set()

        def read_while_connecting():
            health = self.bridge.health()
            text = self.browser.text()
            same = self.bridge.health()["status"] == health["status"] == "connecting"
            return text if same and health["reason"] in ("refused", "no_answer") and "Asking" not in text else None

        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(lambda: [held.close() for held in (server, *kept)])
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=serve, daemon=True).start()
        self.bridge = self.start_bridge(None, PHONE, "--server-url", f"ws://127.0.0.1:{server.getsockname()[1]}/ws/chat",
                                        "--root-key", "ab" * 32, env=clean_env(ASAN_OPTIONS="detect_leaks=0"))
        self.bridge.wait_api()
        self.assertTrue(again.wait(30), "the second attempt has begun")
        self.browser.open(self.address(), zone=ZONE)
        text = self.bridge.poll(read_while_connecting, 30, "the page is read during an attempt")
        self.assertRegex(text, r"(?s)What answers refuses the connection.*tries again by itself")

    def test_before_whatsapp_has_answered(self):
        """A server that is not there, one that is not WhatsApp, and the token that the API may want."""
        token = os.path.join(self.directory, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write("correct-horse-battery")
        os.chmod(token, 0o600)
        self.mock.trouble(cert="bad-root-signature")
        self.open("--api-token-file", token, path="/")
        self.looks("asks for its API token.*setting api_token_file")
        self.browser.type("token", "wrong")
        self.browser.run("document.querySelector('#token-form button').click()")
        self.looks("That is not the API token")
        # What no header can carry, and what an earlier page may have kept of that kind, locks nobody out.
        self.browser.run("document.getElementById('token').value = ''")
        self.browser.type("token", "correct\u2011horse\u2011battery")
        self.browser.run("document.querySelector('#token-form button').click()")
        self.assertEqual(self.browser.run("sessionStorage.getItem('token')"), "wrong")
        self.looks("That is not the API token")
        self.browser.run("sessionStorage.setItem('token', '\u2026')")
        self.browser.reload()
        self.looks("asks for its API token.*setting api_token_file")
        self.browser.type("token", "correct-horse-battery")
        self.browser.run("document.querySelector('#token-form button').click()")
        self.looks(r"What answers is not WhatsApp.*certificate")
        self.browser.reload()
        self.looks(r"What answers is not WhatsApp.*certificate")
        bearer = {"Authorization": "Bearer correct-horse-battery"}
        self.mock.trouble(cert="expired")
        self.bridge.post("/api/reconnect", headers=bearer)
        self.looks(r"The clock is wrong.*Set date and time")
        self.mock.process.kill()
        self.bridge.post("/api/reconnect", headers=bearer)
        self.looks(r"WhatsApp (does not answer|cannot be reached).*tries again by itself")


if __name__ == "__main__":
    unittest.main()
