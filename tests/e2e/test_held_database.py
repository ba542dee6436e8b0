"""Another program that begins to write a database and does not end: it is named, and nobody else is held up by it."""

import os
import signal
import sqlite3
import threading
import time
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
# Well below the five seconds of one wait for a lock.
AT_ONCE_S, STOP_WITHIN_S = 3, 5
# Within this time a write is tried again.
PROBE_S = 5.5


class HeldDatabaseTest(Case):
    def start(self, name="messages.db"):
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.holder = sqlite3.connect(os.path.join(self.bridge.store, name), timeout=10, isolation_level=None)
        self.addCleanup(self.holder.close)
        self.holder.execute("BEGIN IMMEDIATE")

    def took(self, call):
        started = time.monotonic()
        answer = call()
        return time.monotonic() - started, answer

    def test_calls_are_answered_at_once_and_say_who_is_in_the_way(self):
        self.start()
        self.mock.contact_send(FRIEND, PHONE, "cannot be stored")
        health = self.bridge.wait_status("store_error", 20)
        self.assertEqual(health["reason"], "database_held")
        self.assertIn("messages.db is held by another program", health["detail"])
        self.assertNotIn("disk full", health["detail"])
        for wait_s in (0, 1):
            took, answer = self.took(lambda wait_s=wait_s: self.bridge.send(FRIEND, "not now", wait_s=wait_s))
            self.assertLess(took, AT_ONCE_S)
            self.assertGreaterEqual(answer.status, 202 if wait_s == 0 else 503, answer)
        until = time.monotonic() + PROBE_S
        longest = 0

        def over():
            nonlocal longest
            longest = max(longest, self.took(self.bridge.health)[0])
            return time.monotonic() > until
        self.bridge.poll(over, 4 * PROBE_S, "another write is tried")
        self.assertLess(longest, AT_ONCE_S, "/health was held up by the lock of another program")
        self.holder.execute("ROLLBACK")
        self.assertNotIn(self.bridge.wait_status("ok", 30)["reason"], ("database_held",))
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'cannot be stored'")

    def stops(self, name):
        self.start(name)
        self.mock.contact_send(FRIEND, PHONE, "the loop waits for the lock now")
        answers = []
        callers = [threading.Thread(target=lambda: answers.append(
            self.bridge.send(FRIEND, "waits", wait_s=30))) for _ in range(3)]
        for caller in callers:
            caller.start()
        self.bridge.signal(signal.SIGTERM)
        took, status = self.took(lambda: self.bridge.wait_exit(30))
        self.assertEqual(status, 0)
        self.assertLess(took, STOP_WITHIN_S)
        for caller in callers:
            caller.join(10)

    def test_a_stop_does_not_wait_for_the_lock_of_messages(self):
        self.stops("messages.db")

    def test_a_stop_does_not_wait_for_the_lock_of_the_session(self):
        self.stops("whatsapp.db")


if __name__ == "__main__":
    unittest.main()
