"""Numbers that others write, out of the range that they can have: nothing is lost, and nothing is the
newest of its kind for ever."""

import time
import unittest

from harness.case import Case
from test_authority import field

PHONE, FRIEND = "27820000001", "27820001000"


class Numbers(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def test_a_message_of_the_year_5138_is_of_now(self):
        """Monitors compare the newest timestamp with the clock."""
        started = int(time.time()) - 60
        times = ("100000000000", "253402300799", "9000000000000000000", "0", "-1", "4102444800")
        for number, written in enumerate(times):
            self.mock.contact_send(FRIEND, PHONE, f"text {number}", t=written)
            row = self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", f"text {number}")[0]
            self.assertLessEqual(row["timestamp"], time.time() + 60, written)
        self.mock.contact_send(FRIEND, PHONE, "in milliseconds", t=str(time.time_ns() // 1000000))
        self.bridge.wait_rows("SELECT 1 FROM messages", count=len(times) + 1)
        row = self.bridge.rows("SELECT min(timestamp) a, max(timestamp) z, max(server_time) s FROM messages")[0]
        self.assertGreaterEqual(row["a"], started)
        self.assertLessEqual(max(row["z"], row["s"]), time.time() + 60)
        chat = self.bridge.rows("SELECT last_message_time t FROM chats WHERE last_message_time > 0")
        self.assertLessEqual(max(row["t"] for row in chat), time.time() + 60)
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.assertLessEqual(self.bridge.wait_status("ok")["last_message_at"], time.time() + 60)

    def timer(self, text, seconds, set_at):
        """A text in a chat whose messages disappear says so itself: ContextInfo 25 and 26."""
        context = field(25, seconds) + field(26, set_at)
        extended = field(1, text) + field(17, context)
        self.mock.admin("POST", "/contact/send", {"from": FRIEND, "to": PHONE,
                                                  "message_hex": field(6, extended).hex()})
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", text)

    def timers(self):
        return [(row["expiration_s"], row["set_at"]) for row in self.bridge.rows(
            "SELECT expiration_s, set_at FROM bridge_chat_timers", name="whatsapp.db")]

    def test_a_timer_is_not_set_for_ever(self):
        self.timer("for ever", 4294967295, 9 * 10**18)
        ((seconds, first),) = self.bridge.poll(self.timers, 10, "a timer")
        self.assertEqual(seconds, 90 * 86400)
        self.assertLessEqual(first, time.time() + 60)
        self.bridge.poll(lambda: time.time() > first + 1, 10, "the next second")
        self.timer("a week", 604800, first + 1)
        self.bridge.poll(lambda: self.timers() == [(604800, first + 1)], 10, "what was set later counts")
        message = self.bridge.send(FRIEND, "a week").json["message_id"]
        sent = self.mock.admin("GET", f"/contact/messages?phone={FRIEND}&id={message}")["messages"]
        self.assertIn(field(25, 604800), bytes.fromhex(sent[0]["message"]))


if __name__ == "__main__":
    unittest.main()
