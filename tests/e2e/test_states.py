"""Every state of /health, and how the bridge reacts to each failure of the server (area ER)."""

import socket
import threading
import time
import unittest

from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820000002"
NEWER = 1999999000  # of 2.3000.N: newer than any that is built in
REFUSED_405 = '<failure reason="405"'


class StatesTest(Case):
    def paired(self, *args):
        mock = self.start_mock("--contacts", "2", "--groups", "1")
        program = self.start_bridge(mock, PHONE, *args)
        program.pair_by_qr()
        return mock, program

    def logins(self, mock):
        """How often a login was tried, by the trace of the server."""
        return mock.logins(PHONE)

    def still_captures(self, mock, program, text):
        mock.contact_send(FRIEND, PHONE, text)
        program.wait_rows("SELECT id FROM messages WHERE content = ?", text)

    def test_monitored_groups(self):
        """Each is told with whether we are in it; unknown only as long as nobody has said."""
        mock = self.start_mock("--contacts", "2", "--groups", "1")
        ours, other = mock.admin("GET", "/groups")["groups"][0]["jid"], "120363099999999999@g.us"
        program = self.start_bridge(mock, PHONE, "--monitored-groups", f"{ours}=Ours,{other}=Other")

        def members():
            return {group["name"]: group["member"] for group in program.health()["groups"]}
        program.wait_qr()
        self.assertEqual(members(), {"Ours": None, "Other": None})
        program.pair_by_qr()
        program.poll(lambda: members() == {"Ours": True, "Other": False}, 20, "the list was read")

    def test_names_that_are_no_utf8(self):
        """They are shown as well as can be; nothing else is missing because of them."""
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE, "--monitored-groups",
                                    b"120363099999999999@g.us=Gr\xffup".decode("utf-8", "surrogateescape"))
        program.wait_api()
        self.assertEqual([group["name"] for group in program.health()["groups"]], ["Gr?up"])

    def test_pairing_then_ok(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_api()
        health = program.wait_status("pairing")
        self.assertFalse(health["connected"])
        self.assertEqual(program.get("/health").status, 503)
        svg, png = program.get("/api/qr.svg"), program.get("/api/qr.png")
        self.assertIn(b"<svg", svg.body)
        self.assertTrue(png.body.startswith(b"\x89PNG"))
        self.assertGreater(program.get("/api/qr").json["expires_in"], 0)
        health = program.pair_by_qr()
        self.assertEqual(program.get("/health").status, 200)
        self.assertTrue(health["connected"])
        self.assertIn(PHONE, health["jid"])
        for field in ("role", "phone", "uptime_s", "last_message_at", "groups"):
            self.assertIn(field, health)
        self.assert_no_flags(mock)

    def test_starting_or_connecting_when_nobody_answers(self):
        """A server that accepts and says nothing: the API is up, and says so."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            url = f"ws://127.0.0.1:{server.getsockname()[1]}/ws/chat"
            program = self.start_bridge(None, PHONE, "--server-url", url, "--root-key", "ab" * 32)
            program.wait_api()
            self.assertIn(program.health()["status"], ("starting", "connecting"))
            self.assertEqual(program.get("/health").status, 503)

    def test_qr_codes_rotate_and_come_again(self):
        mock = self.start_mock("--ref-ms", "600,300", "--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        seen = []

        def more():
            reply = program.get("/api/qr")
            if reply.status == 200 and reply.json["code"] not in seen:
                seen.append(reply.json["code"])
            return len(seen) >= 3  # each from refs of a new connection
        program.poll(more, 30, "new QR codes")
        program.pair_by_qr()
        self.still_captures(mock, program, "paired with a later code")

    def test_disconnected_and_back(self):
        mock, program = self.paired()
        for number in range(3):
            mock.drop(PHONE)
            program.poll(lambda: self.logins(mock) > number + 1, 20, "it logs in again")
            program.wait_status("ok")
            self.still_captures(mock, program, f"after drop {number}")
        self.assert_no_flags(mock)

    def test_restart_asked_for(self):
        mock, program = self.paired()
        before = self.logins(mock)
        started = time.monotonic()
        mock.stream_error(PHONE, code=515)
        program.poll(lambda: self.logins(mock) > before, 10, "it logs in again")
        program.wait_status("ok")
        self.assertLess(time.monotonic() - started, 5, "515 is no reason to wait")
        self.still_captures(mock, program, "after the restart")
        self.assertEqual(self.logins(mock), before + 1, "one restart is one login")
        self.assert_no_flags(mock)

    def test_server_down_for_a_while(self):
        mock, program = self.paired()
        self.go_offline(mock, program)
        self.come_back(mock, program)
        self.still_captures(mock, program, "after the server was down")

    def test_replaced_does_not_fight(self):
        mock, program = self.paired()
        mock.stream_error(PHONE, conflict="replaced")
        program.wait_status("replaced")
        logins = self.logins(mock)
        refused = program.send(FRIEND, "x", wait_s=0)
        self.assertIn(refused.status, (202, 503))
        self.assertEqual(program.health()["status"], "replaced")
        self.assertEqual(self.logins(mock), logins, "it fights")
        self.assertEqual(program.post("/api/reconnect").status // 100, 2)
        program.wait_status("ok")
        self.still_captures(mock, program, "after the conflict")

    def test_logged_out_by_the_phone(self):
        mock, program = self.paired()
        mock.logout(PHONE)
        program.wait_status("logged_out")
        self.assertTrue(program.rows("SELECT jid FROM whatsmeow_device", name="whatsapp.db"),
                        "credentials were deleted")
        self.assertTrue(program.running())
        program.stop()
        again = self.start_bridge(mock, PHONE, name="again", store=program.store)
        again.wait_api()
        again.wait_status("logged_out")
        self.assertEqual(again.post("/api/pair").status // 100, 2)
        again.pair_by_qr()
        self.still_captures(mock, again, "paired anew")

    def test_login_failures(self):
        for reason, status in ((401, "logged_out"), (403, "logged_out"), (406, "logged_out"),
                               (402, "banned"), (405, "outdated")):
            with self.subTest(reason):
                mock = self.start_mock(name=f"mock-{reason}")
                program = self.start_bridge(mock, PHONE, name=f"bridge-{reason}")
                program.pair_by_qr()
                mock.fail_logins(PHONE, reason, times=100, code=101, expire=3600)
                mock.drop(PHONE)
                program.wait_status(status)
                tried = self.logins(mock)
                self.assertTrue(program.rows("SELECT jid FROM whatsmeow_device",
                                             name="whatsapp.db"), "credentials were deleted")
                self.assertEqual(self.logins(mock), tried, "it keeps trying")
                self.assertEqual(program.get("/health").status, 503)

    def test_outdated_version_is_replaced(self):
        """405: the page's version is used at once, remembered, and never given up for an older one."""
        mock, program = self.paired()
        built_in = program.health()["wa_version"]
        mock.trouble(min_version=NEWER, client_revision=NEWER)
        mock.drop(PHONE)
        program.poll(lambda: program.health()["wa_version"] == f"2.3000.{NEWER}", 20,
                     "it takes the newer version")
        program.wait_status("ok")
        self.assertEqual(mock.traced(REFUSED_405), 1)
        self.still_captures(mock, program, "with the newer version")
        program.stop()
        mock.trouble(client_revision=1)  # an older one on the page is not believed
        again = self.start_bridge(mock, PHONE, name="again", store=program.store)
        again.wait_status("ok")
        self.assertEqual(mock.traced(REFUSED_405), 1, "it was not remembered")
        again.stop()
        # The operator's word counts more, also when it is wrong; what was good is not forgotten.
        forced = self.start_bridge(mock, PHONE, "--wa-version", built_in, name="forced",
                                   store=program.store)
        forced.wait_status("outdated")
        self.assertEqual(forced.health()["wa_version"], built_in)
        self.assertEqual(mock.traced(REFUSED_405), 2)
        forced.stop()
        mock.trouble(min_version=0)
        forced = self.start_bridge(mock, PHONE, "--wa-version", built_in, name="forced-2",
                                   store=program.store)
        forced.wait_status("ok")
        forced.stop()
        last = self.start_bridge(mock, PHONE, name="last", store=program.store)
        self.assertEqual(last.wait_status("ok")["wa_version"], f"2.3000.{NEWER}")
        self.assert_no_flags(mock)

    def test_outdated_before_pairing(self):
        mock = self.start_mock()
        mock.trouble(min_version=NEWER, client_revision=NEWER)
        program = self.start_bridge(mock, PHONE)
        self.assertEqual(program.pair_by_qr()["wa_version"], f"2.3000.{NEWER}")
        self.assert_no_flags(mock)

    def test_outdated_and_nothing_helps(self):
        """The newer version is refused as well: no third attempt, the operator is told."""
        mock, program = self.paired()
        mock.trouble(min_version=NEWER + 1, client_revision=NEWER)
        mock.drop(PHONE)
        program.poll(lambda: program.health().get("next_attempt_in_s", 0) > 1800, 20, "it waits")
        health = program.health()
        self.assertEqual(health["status"], "outdated")
        self.assertEqual(mock.traced(REFUSED_405), 2)
        self.assertIn("--wa-version", health["detail"])
        said = program.stderr() + "\n".join(program.lines)
        self.assertIn(f"WhatsApp refuses web version 2.3000.{NEWER}", said)
        self.assertEqual(program.get("/health").status, 503)
        # A page that names a newer one at every look is not followed for ever.
        mock.trouble(client_revision=NEWER + 2, min_version=NEWER + 3)
        self.assertEqual(program.post("/api/reconnect").status // 100, 2)
        program.poll(lambda: mock.traced(REFUSED_405) == 4, 20, "one attempt and one more")
        program.poll(lambda: program.health().get("next_attempt_in_s", 0) > 1800, 20, "it waits again")
        mock.trouble(client_revision=NEWER + 4)
        self.assertEqual(program.post("/api/reconnect").status // 100, 2)
        program.wait_status("ok")
        self.assertEqual(mock.traced(REFUSED_405), 5)
        self.still_captures(mock, program, "up to date again")

    def test_pairing_is_refused(self):
        """Who does not prove to be the phone that scanned is refused, and nothing is kept."""
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        for setting, text in (("pair_bad_hmac", "hmac-mismatch"),
                              ("pair_bad_signature", "signature-mismatch"),
                              (None, "not-authorized")):
            with self.subTest(text):
                if setting:
                    mock.trouble(**{setting: 1})
                mock.scan_qr(PHONE if setting else OTHER, program.wait_qr())
                refusal = f'<error code="401" text="{text}"/>'
                program.poll(lambda: mock.traced(refusal) == 1, 10, "it refuses")
                self.assertEqual(program.rows("SELECT jid FROM whatsmeow_device",
                                              name="whatsapp.db"), [])
                self.assertFalse(program.health()["connected"])
        program.pair_by_qr()
        self.still_captures(mock, program, "paired after all")

    def test_ban_ends(self):
        mock, program = self.paired()
        mock.fail_logins(PHONE, 402, times=1, code=104, expire=2)
        mock.drop(PHONE)
        program.wait_status("banned")
        program.wait_status("ok", timeout=20)
        self.still_captures(mock, program, "after the ban")

    def test_server_errors_at_login(self):
        for reason in (500, 503):
            with self.subTest(reason):
                mock = self.start_mock(name=f"mock-{reason}")
                program = self.start_bridge(mock, PHONE, name=f"bridge-{reason}")
                program.pair_by_qr()
                mock.fail_logins(PHONE, reason, times=1)
                mock.drop(PHONE)
                program.poll(lambda: self.logins(mock) >= 3, 30, "it tries again by itself")
                program.wait_status("ok")

    def test_bad_certificates_are_refused(self):
        for kind in ("bad-root-signature", "bad-leaf-signature", "key-mismatch", "expired",
                     "wrong-serial", "garbage"):
            with self.subTest(kind):
                mock = self.start_mock(name=f"mock-{kind}")
                mock.trouble(cert=kind)
                program = self.start_bridge(mock, PHONE, name=f"bridge-{kind}")
                program.wait_api()
                program.poll(lambda: "cert" in (program.stderr() + "\n".join(program.lines)), 20,
                             "it says what is wrong")
                self.assertNotEqual(program.get("/api/qr").status, 200)
                program.stop()

    def test_two_clients_at_once(self):
        """Many callers at the same time: each gets its own answer."""
        mock, program = self.paired()
        answers = []

        def one(number):
            answers.append((number, program.send(FRIEND, f"parallel {number}")))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([reply.status for _, reply in answers], [200] * 10)
        ids = {reply.json["message_id"] for _, reply in answers}
        self.assertEqual(len(ids), 10)
        texts = sorted(m["text"] for m in mock.contact_messages(FRIEND))
        self.assertEqual(texts, sorted(f"parallel {n}" for n in range(10)))
        self.assert_no_flags(mock)



if __name__ == "__main__":
    unittest.main()
