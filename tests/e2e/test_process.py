"""One process per store, stopping, and what survives a restart."""

import os
import signal
import socket
import threading
import time
import unittest

from harness.bridge import clean_env
from harness.case import Case

PHONE, OTHER, FRIEND = "27820000001", "27820000002", "27820001000"
STOP_WITHIN_S = 5
LOCKED, ANOTHER_NUMBER = 3, 5


class ProcessTest(Case):
    def paired(self, *args):
        mock = self.start_mock("--contacts", "2", "--groups", "1")
        program = self.start_bridge(mock, PHONE, *args)
        program.pair_by_qr()
        return mock, program

    def stop(self, program, number=signal.SIGTERM):
        started = time.monotonic()
        program.signal(number)
        self.assertEqual(program.wait_exit(STOP_WITHIN_S + 1), 0)
        self.assertLess(time.monotonic() - started, STOP_WITHIN_S)

    def test_second_process_on_the_store(self):
        mock, program = self.paired()
        second = self.start_bridge(mock, PHONE, name="second", store=program.store)
        self.assertEqual(second.wait_exit(10), LOCKED)
        said = second.stderr() + "\n".join(second.lines)
        self.assertIn(str(program.pid), said)
        self.assertIn("whatsapp-bridge", said)
        self.assertEqual(program.health()["status"], "ok", "the first one was disturbed")

    def test_stop_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                mock = self.start_mock(name=f"mock-{number}")
                program = self.start_bridge(mock, PHONE, name=f"bridge-{number}")
                program.pair_by_qr()
                self.stop(program, number)
                leftover = [name for name in os.listdir(program.store)
                            if name.startswith("whatsapp.db-")]
                self.assertEqual(leftover, [], "whatsapp.db was not closed cleanly")

    def test_callers_are_answered_at_the_end(self):
        """An ack that is on its way is waited for; who waits for more gets the answer for now."""
        mock, program = self.paired()
        mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": True})
        offline = {"upgrade_status": 503}
        for trouble, fields, status, error in (
                ({"ack_delay": 1, "ack_delay_ms": 600}, {}, 200, None),
                ({"ack_drop": 1}, {}, 504, "outcome_unknown"),
                ({"ack_drop": 1}, {"id": "sealed"}, 202, None),
                (offline, {}, 503, "not_sent"),
                (offline, {"id": "queued"}, 202, None)):
            with self.subTest(trouble=trouble, fields=fields):
                mock.trouble(**trouble)
                if trouble is offline:
                    mock.admin("POST", "/stream", {"client": "all", "do": "drop"})
                    program.wait_status("disconnected")
                before = len(program.rows("SELECT 1 FROM bridge_outbox", name="whatsapp.db"))
                replies = []
                caller = threading.Thread(target=lambda: replies.append(
                    program.send(FRIEND, "last words", **fields)))
                caller.start()
                program.wait_rows("SELECT 1 FROM bridge_outbox", count=before + 1,
                                  name="whatsapp.db")
                self.stop(program)
                caller.join(10)
                self.assertEqual(replies[0].status, status, replies)
                self.assertEqual(replies[0].json.get("error"), error)
                mock.trouble(reset=True)
                program = self.start_bridge(mock, PHONE, name=f"next-{status}-{len(fields)}",
                                            store=program.store)
                program.wait_status("ok")

    def test_stop_while_pairing_and_while_unreachable(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_qr()
        self.stop(program)
        mock.process.kill()
        lonely = self.start_bridge(mock, PHONE, name="lonely", store=program.store)
        lonely.wait_api()
        self.assertFalse(lonely.health()["connected"])
        self.stop(lonely)

    def test_messages_of_another_number(self):
        """They are not mixed with those of a number that is linked to a store without a session."""
        mock, program = self.paired()
        self.stop(program)
        os.rename(os.path.join(program.store, "whatsapp.db"),
                  os.path.join(program.store, "away"))
        wrong = self.start_bridge(mock, OTHER, name="wrong", store=program.store)
        self.assertEqual(wrong.wait_exit(10), ANOTHER_NUMBER)
        self.assertIn(PHONE, wrong.stderr() + "\n".join(wrong.lines))
        right = self.start_bridge(mock, PHONE, name="right", store=program.store)
        right.wait_qr()
        self.stop(right)

    def test_a_slip_in_the_number_of_a_new_store(self):
        mock = self.start_mock()
        slip = self.start_bridge(mock, OTHER)
        slip.wait_qr()
        self.stop(slip)
        right = self.start_bridge(mock, PHONE, name="right", store=slip.store)
        right.pair_by_qr()

    def test_restart_needs_no_qr(self):
        mock, program = self.paired()
        jid = program.health()["jid"]
        self.stop(program)
        again = self.start_bridge(mock, PHONE, name="again", store=program.store)
        self.assertEqual(again.wait_status("ok")["jid"], jid)
        self.assertEqual(again.get("/api/qr").status, 404)
        self.assert_no_flags(mock)

    def test_killed_and_restarted(self):
        mock, program = self.paired()
        program.kill()
        again = self.start_bridge(mock, PHONE, name="again", store=program.store)
        again.wait_status("ok")
        self.assert_no_flags(mock)

    def test_store_of_another_number(self):
        mock, program = self.paired()
        self.stop(program)
        wrong = self.start_bridge(mock, OTHER, name="wrong", store=program.store)
        self.assertEqual(wrong.wait_exit(10), ANOTHER_NUMBER)
        said = wrong.stderr() + "\n".join(wrong.lines)
        self.assertIn(PHONE, said)
        right = self.start_bridge(mock, PHONE, name="right", store=program.store)
        right.wait_status("ok")

    def test_systemd_is_told(self):
        """Ready, the status word, signs of life from the loop, and the end."""
        path = os.path.join(self.directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(path)
            systemd.settimeout(20)

            def wait(text, count=1):
                while count:
                    count -= systemd.recv(256).decode() == text
            mock = self.start_mock()
            program = self.start_bridge(mock, PHONE, env=clean_env(
                NOTIFY_SOCKET=path, WATCHDOG_USEC="200000"))
            wait("READY=1")
            program.pair_by_qr()  # nobody reads meanwhile: the bridge does not wait for that
            wait("WATCHDOG=1", count=20)
            program.post("/api/reconnect")
            wait("STATUS=ok")
            program.signal(signal.SIGTERM)
            wait("STOPPING=1")
            self.assertEqual(program.wait_exit(STOP_WITHIN_S), 0)

    def test_hangup_reopens_the_log(self):
        log = os.path.join(self.directory, "bridge.log")
        _, program = self.paired("--log-file", log)
        os.rename(log, log + ".1")
        program.signal(signal.SIGHUP)
        program.poll(lambda: os.path.exists(log), 5, "the log file is opened anew")
        self.assertEqual(program.health()["status"], "ok")
        self.stop(program)
        with open(log, encoding="utf-8") as file:
            self.assertTrue(file.read().strip(), "nothing is written to the new file")

    def test_log_keeps_secrets(self):
        """Neither a message's text nor a whole phone number at the default level (R-111)."""
        log = os.path.join(self.directory, "bridge.log")
        mock, program = self.paired("--log-file", log, "--role", "BACKUP")
        mock.contact_send("27820001000", PHONE, "the secret word is marmalade")
        program.wait_rows("SELECT id FROM messages WHERE content LIKE '%marmalade%'")
        self.stop(program)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("[BACKUP]", text)
        self.assertNotIn("marmalade", text)
        self.assertNotIn("27820001000", text)


if __name__ == "__main__":
    unittest.main()
