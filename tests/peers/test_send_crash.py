"""Keyed sends to everybody, while the bridge is killed, its connection cut and acks are lost.

Callers repeat a request with its key until they have a final answer. Afterwards everybody has got each
message once, in order per chat; every answer to a key was the same; wa-mock flagged nothing.
WB_TEST_FULL=1: more messages and many more kills. WB_SEED: the same moments again."""

import collections
import http.client
import os
import random
import threading
import time
import unittest

from harness.bridge import clean_env
from harness.killing import Killer, patiently, seed_of
from harness.people import ALICE, BOB, PeersCase, pn

BRIDGE = "27820000001"
CONTACTS = ["27820001000", "27820001001", "27820001002"]
FULL = os.environ.get("WB_TEST_FULL") == "1"
KILLS = 400 if FULL else 15
AT_LEAST = 500 if FULL else 40   # messages of each caller
AT_MOST = 3000 if FULL else 80   # they stop with the killing
CALLERS = 4
FINAL_S = 120
# Where a started bridge may end by itself, besides being killed from outside (base/fault.h).
POINTS = ("outbox.row", "outbox.queued", "seal.made", "seal.stored", "skdm.marked", "ratchet.saved",
          "commit.begin", "commit.between", "commit.ratchets", "commit.done", "answer.queued",
          "answer.leaves", "socket.write", "socket.written", "login.success")


class Caller(threading.Thread):
    """Sends its messages one after the other to chats of its choice; never gives up on one."""

    def __init__(self, number, killer, chats, rng):
        super().__init__(daemon=True)
        self.number, self.killer, self.chats, self.rng = number, killer, chats, rng
        self.sent = []  # (key, chat, text), in the order of acceptance
        self.ids = collections.defaultdict(set)    # key -> message ids that it was answered with
        self.times = collections.defaultdict(set)  # key -> timestamps
        self.wrong = []

    def ask(self, key, chat, text, wait_s, patience=40):
        """One call; None when there was no answer. Otherwise: is it the final one?"""
        try:
            reply = self.killer.bridge.post(
                "/api/send", {"recipient": chat, "message": text, "wait_s": wait_s},
                headers={"Idempotency-Key": key}, timeout=patience)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
            return None
        if reply.status not in (200, 202):
            self.wrong.append((key, reply))
            return True
        self.ids[key].add(reply.json["message_id"])
        if reply.status == 200:
            self.times[key].add(reply.json["timestamp"])
        return reply.status == 200

    def until(self, good, *request, **options):
        deadline = time.monotonic() + FINAL_S
        while time.monotonic() < deadline:
            if good(self.ask(*request, **options)):
                return
        self.wrong.append((request, f"no answer in {FINAL_S} s"))

    def next_message(self):
        count = len(self.sent)
        if self.wrong or count >= AT_MOST or (count >= AT_LEAST and self.killer.done()):
            return None
        return (f"{self.number}-{count}", self.rng.choice(self.chats),
                f"caller {self.number} message {count:04}")

    def run(self):
        while (message := self.next_message()):
            # Some wait for the ack, some until it is accepted, some hang up first and come again.
            if self.rng.random() < 0.2:
                self.ask(*message, wait_s=5, patience=self.rng.uniform(0.001, 0.05))
            self.until(lambda final: final is not None, *message, wait_s=self.rng.choice((0, 0, 2)))
            self.sent.append(message)
        for message in self.sent:
            self.until(bool, *message, wait_s=10)


class SendingWhileKilled(PeersCase):
    def setUp(self):
        super().setUp()
        self.rng = seed_of(self, int(os.environ["WB_SEED"]) if "WB_SEED" in os.environ else None)
        self.mock = self.start_mock("--contacts", str(len(CONTACTS)))
        self.bridge = self.start_bridge(self.mock, BRIDGE)
        self.bridge.pair_by_qr()
        self.peers = {ALICE: self.pair(self.mock, "whatsmeow", ALICE),
                      BOB: self.pair(self.mock, "baileys", BOB)}
        people = [*CONTACTS, ALICE, BOB]
        self.groups = {}  # JID -> members
        for subject, mode, members in (("By LID", "lid", people), ("By number", "pn", people[1:])):
            made = self.mock.admin("POST", "/groups", {"subject": subject, "mode": mode,
                                                       "members": [BRIDGE, *members]})
            self.groups[made["jid"]] = members
        self.bridge.poll(lambda: len(self.bridge.get("/api/groups").json["groups"]) == 2, 20,
                         "the bridge knows both groups")

    def disturb(self, rng):
        kind = rng.choice(("drop", "ack_drop", "ack_delay", "delay"))
        if kind == "drop":
            self.mock.drop(BRIDGE)
        elif kind == "ack_drop":
            self.mock.trouble(ack_drop=rng.randint(1, 5))
            self.mock.drop(BRIDGE)
        elif kind == "ack_delay":
            self.mock.trouble(ack_delay=rng.randint(1, 5), ack_delay_ms=rng.randint(10, 400))
        else:
            self.mock.trouble(delay_ms=rng.choice((0, 0, 5)))

    def env_of(self, start):
        """Every other bridge ends at a point in the middle of its work, unless it is killed before."""
        if start % 2 or start == KILLS:
            return clean_env()
        return clean_env(WB_FAULT=f"{self.rng.choice(POINTS)}:{self.rng.randint(1, 12)}")

    def received(self, phone, chat):
        """The texts that a person's phone shows in that chat with us, in their order."""
        shown = (self.peers[phone].seen("message") if phone in self.peers
                 else self.mock.contact_messages(phone))
        return [m["text"] for m in shown if (m.get("text") or "").startswith("caller ")
                and (m["chat"] == chat if chat in self.groups else not m["chat"].endswith("@g.us"))]

    def wait_received(self, phone, chat, count):
        deadline = time.monotonic() + 60
        while len(self.received(phone, chat)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.received(phone, chat)

    def check_chat(self, phone, chat, callers):
        wanted = {caller.number: [text for _, to, text in caller.sent if to == chat]
                  for caller in callers}
        everything = sorted(text for texts in wanted.values() for text in texts)
        got = self.wait_received(phone, chat, len(everything))
        self.assertEqual(sorted(got), everything, f"{phone} in {chat}")
        for number, texts in wanted.items():
            mine = [text for text in got if text.startswith(f"caller {number} ")]
            self.assertEqual(mine, texts, f"order of caller {number} for {phone} in {chat}")

    def check_answers(self, callers, bridge):
        rows = {row["key"]: row for row in bridge.rows(
            "SELECT key, message_id, state, server_time FROM bridge_outbox", name="whatsapp.db")}
        for caller in callers:
            self.assertEqual(caller.wrong, [])
            for key, _, text in caller.sent:
                self.assertEqual(caller.ids[key], {rows[key]["message_id"]}, key)
                self.assertEqual(caller.times[key], {rows[key]["server_time"]}, key)
                stored = bridge.rows("SELECT id FROM messages WHERE is_from_me = 1 AND content = ?",
                                     text)
                self.assertEqual([row["id"] for row in stored], [rows[key]["message_id"]])
        open_ones = [row for row in rows.values() if row["state"] in (0, 1, 5)]
        self.assertEqual(open_ones, [])
        listed = bridge.get("/api/outbox?limit=500").json["messages"]
        self.assertEqual({entry["state"] for entry in listed} - {"sent", "delivered", "read"}, set())

    def test_everybody_gets_everything_once(self):
        chats = [*CONTACTS, pn(ALICE), BOB, *self.groups]
        killer = Killer(self, self.bridge, self.rng, kills=KILLS, between=(0.02, 0.8),
                        disturb=self.disturb, env_of=self.env_of)
        callers = [Caller(number, killer, chats, random.Random(self.rng.random()))
                   for number in range(CALLERS)]
        with killer:
            for caller in callers:
                caller.start()
            killer.wait()
        self.mock.trouble(reset=True)
        patiently(lambda: killer.bridge.post("/api/reconnect"), 20)
        killer.bridge.wait_status("ok", timeout=60)
        for caller in callers:
            caller.join(FINAL_S)
            self.assertFalse(caller.is_alive(), f"caller {caller.number} still waits")
        self.check_answers(callers, killer.bridge)
        for chat in chats:
            for phone in self.groups.get(chat, [chat.split("@")[0]]):
                self.check_chat(phone, chat, callers)
        self.assert_no_flags(self.mock, BRIDGE)


if __name__ == "__main__":
    unittest.main()
