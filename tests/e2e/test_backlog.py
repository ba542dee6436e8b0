"""More than a line or a turn of the loop takes: large sends by the hundred, a slow uplink, a long absence."""

import contextlib
import os
import time
import unittest

from harness.case import Case
from harness.relay import Relay
from harness.skips import FULL_ONLY
from harness.watch import Watch

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"
FULL = os.environ.get("WB_TEST_FULL") == "1"
QUEUED, SEALED, FAILED = 0, 1, 5  # states of bridge_outbox
WAIT_S = 900 if FULL else 120


class Load(Case):
    @contextlib.contextmanager
    def watched(self, bridge, what):
        watch, begin = Watch(bridge), time.monotonic()
        try:
            yield
        finally:
            seen = watch.end()
        print(f"\n{what}: {time.monotonic() - begin:.1f} s, {seen}, "
              f"longest pause {bridge.health().get('longest_pause')}", flush=True)
        watch.judge(self)

    def start(self, server_of=lambda mock: mock):
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.server = server_of(self.mock)
        self.bridge = self.start_bridge(self.server, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.assertEqual(self.bridge.send(self.group, "first words").status, 200)

    def queue(self, to, texts):
        for text in texts:
            reply = self.bridge.send(to, text, wait_s=0)
            self.assertEqual(reply.status, 202, reply)

    def in_state(self, *states):
        return sum(self.bridge.rows("SELECT count(*) AS n FROM bridge_outbox WHERE state = ?", state,
                                    name="whatsapp.db")[0]["n"] for state in states)

    def wait_confirmed(self):
        self.wait_all("all are confirmed", lambda: self.in_state(QUEUED, SEALED) == 0)
        self.assertEqual(self.in_state(FAILED), 0)

    def receive_now(self, text):
        """What a person writes is here at once; its id."""
        message_id = self.mock.contact_send(FRIEND, PHONE, text)["id"]
        self.bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)
        return message_id

    def wait_all(self, what, done):
        self.bridge.poll(done, WAIT_S, what)

    def assert_got(self, phone, texts):
        shown = self.mock.short_texts(phone)
        self.assertEqual([text.split()[0] for text in shown if " x" in text],
                         [text.split()[0] for text in texts])

    def assert_nothing_sealed_twice(self):
        """Every re-send was the same bytes; a note, which assert_no_flags() passes over."""
        flags = self.mock.admin("GET", "/flags?notes=1")["flags"]
        self.assertEqual([f for f in flags if f["what"] in ("same-id-other-bytes",
                                                            "message-key-reuse")], [])
        self.assert_no_flags(self.mock)


class FullQueue(Load):
    COUNT = 4000 if FULL else 540  # 35 MB: more than the socket's queue takes
    SIZE = 65000

    def test_all_go_out_once_and_in_order_and_nothing_else_waits(self):
        self.start()
        for phone in (FRIEND, OTHER):  # a receipt would count as the ack
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        texts = [f"{i:05d} " + "x" * self.SIZE for i in range(self.COUNT)]
        self.go_offline()
        self.queue(self.group, texts)
        self.mock.trouble(ack_drop=self.COUNT)
        with self.watched(self.bridge, f"{self.COUNT} messages of {self.SIZE} bytes, twice"):
            self.come_back()
            reconnects = self.bridge.health()["reconnects"]
            self.receive_now("while they are sealed")
            self.wait_all("all are sealed", lambda: self.in_state(SEALED) == self.COUNT)
            self.wait_all("all have arrived",
                          lambda: len(self.mock.short_texts(FRIEND)) >= self.COUNT + 1)
            self.assertEqual(self.bridge.health()["reconnects"], reconnects)
            self.mock.drop(PHONE)
            self.bridge.poll(lambda: self.bridge.health()["reconnects"] > reconnects, 30, "the cut")
            self.bridge.wait_status("ok", timeout=60)
            self.receive_now("while they are sent again")
            self.wait_confirmed()
        self.assertEqual(self.bridge.health()["reconnects"], reconnects + 1)
        self.assert_got(FRIEND, texts)
        self.assert_got(OTHER, texts)
        self.assert_nothing_sealed_twice()


class SlowUplink(Load):
    RATE = 400 * 1000
    COUNT = 16
    CHARACTERS = 65536 - 7  # of four bytes each: every stanza is larger than SEND_ROOM_BYTES

    def texts(self):
        return [f"{i:05d} x" + "\N{GRINNING FACE}" * self.CHARACTERS for i in range(self.COUNT)]

    def slow_start(self):
        self.start(lambda mock: Relay(mock, up_bytes_s=10 ** 8))
        self.addCleanup(self.server.close)

    def test_answers_and_other_chats_do_not_wait_for_a_backlog(self):
        self.slow_start()
        texts = self.texts()
        self.server.slow(self.RATE)
        with self.watched(self.bridge, f"{self.COUNT} messages at {self.RATE} bytes/s"):
            reconnects = self.bridge.health()["reconnects"]
            self.queue(self.group, texts)
            message_id = self.receive_now("while the line is busy")
            self.bridge.poll(lambda: self.mock.admin(
                "GET", f"/contact/receipts?phone={FRIEND}&id={message_id}")["receipts"], WAIT_S,
                "the receipt")
            self.assertEqual(self.bridge.send(OTHER, "to another chat", wait_s=120).status, 200)
            still = self.COUNT + 1 - len(self.mock.short_texts(FRIEND))
            self.assertGreater(still, self.COUNT // 3, "a receipt and another chat waited for all")
            self.server.slow(None)
            self.wait_confirmed()
        self.assertEqual(self.bridge.health()["reconnects"], reconnects)
        self.assert_got(FRIEND, texts)
        self.assert_nothing_sealed_twice()

    @unittest.skipUnless(FULL, FULL_ONLY + "a minute of real time")
    def test_a_slow_line_is_not_a_dead_one(self):
        self.slow_start()
        texts = self.texts()[:1]
        reconnects = self.bridge.health()["reconnects"]
        self.server.slow(4000)  # 65 s for one message: twice the silence of a dead socket
        with self.watched(self.bridge, "one message in more than a minute"):
            self.queue(self.group, texts)
            self.wait_confirmed()
        self.assertEqual(self.bridge.health()["reconnects"], reconnects)
        self.assert_got(FRIEND, texts)
        self.assert_nothing_sealed_twice()


class LongAbsence(Load):
    COUNT = 20000 if FULL else 3000

    def test_health_is_answered_while_the_backlog_is_stored(self):
        self.start()
        self.receive_now("before")
        store = self.bridge.store
        self.bridge.stop()
        self.mock.admin("POST", "/contact/blast", {"from": FRIEND, "to": PHONE, "count": self.COUNT,
                                                   "text": "in the meantime"})
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=store)
        self.bridge.wait_api()
        with self.watched(self.bridge, f"{self.COUNT} messages that had waited"):
            def stored():
                return self.bridge.rows("SELECT count(*) AS n FROM messages WHERE content LIKE "
                                        "'in the meantime%'")[0]["n"] == self.COUNT
            self.wait_all("all are stored", stored)
            pause = self.bridge.health()["longest_pause"]
        # The build of the tests is some ten times slower, the machine may be busy: what is meant is
        # that it does not grow with the backlog.
        self.assertLess(pause["ms"], 5000)
        self.assertTrue(pause["in"])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
