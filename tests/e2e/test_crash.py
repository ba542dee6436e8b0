"""The bridge is killed at random moments and at every fault point (base/fault.h), its connections are
cut at any byte: afterwards every message is there once, in order. WB_SEED=N repeats a run."""

import http.client
import os
import re
import signal
import sqlite3
import threading
import time
import unittest

from harness import paths
from harness.arrivals import Arrivals
from harness.bridge import clean_env
from harness.case import Case
from harness.killing import respawn, seed_of
from harness.people import pn
from harness.process import Timeout
from harness.relay import DOWN, UP, Relay

PHONE = "27820000001"
PEOPLE = ["27820001000", "27820001001", "27820001002"]
FULL = bool(os.environ.get("WB_TEST_FULL"))
RANDOM_KILLS, CUTS = (700, 150) if FULL else (20, 8)
POINT_ROUNDS = 15 if FULL else 1
CHECKPOINT_MESSAGES, CHECKPOINT_PADDING = 100, 50_000  # 5 MB: more than the log holds
GONE = (OSError, http.client.HTTPException)  # it was killed just now
# What is passed only while a device is linked or its files are made or moved.
LINKING = ("pair.", "schema.", "aside.", "history.")
# What bridge-handback passes, and the bridge after it: test_handback.py; damaged indexes: test_indexes.py.
ELSEWHERE = ("handback.", "reindex.")


def fault_points():
    """All names in the source that a bridge passes by itself."""
    names = set()
    for source in paths.product_sources():
        names.update(re.findall(r'\bFAULT_(?:POINT|ERROR)\("([a-z._]+)"\)', source))
    return sorted(name for name in names if not name.startswith(ELSEWHERE))


def quiet_env(**extra):
    """Killed processes cannot report leaks, and need not look for them at each of 50 ends."""
    return clean_env(ASAN_OPTIONS="detect_leaks=0", **extra)


class CrashCase(Case):
    def start(self, *args):
        seed = os.environ.get("WB_SEED")
        self.rng = seed_of(self, int(seed) if seed else None)
        mock = self.start_mock("--contacts", str(len(PEOPLE)), "--groups", "2", *args)
        self.mock = Relay(mock)
        self.addCleanup(self.mock.close)
        self.log = os.path.join(self.directory, "points")

    def pair(self):
        self.bridge = self.start_bridge(self.mock, PHONE, env=quiet_env(WB_FAULT_LOG=self.log))
        self.bridge.pair_by_qr()
        self.mock.admin("POST", "/groups", {"subject": "by number", "mode": "pn",
                                            "members": [*PEOPLE, PHONE], "creator": PEOPLE[0]})
        groups = [group["jid"] for group in self.mock.admin("GET", "/groups")["groups"]]
        self.traffic = Arrivals(self, self.mock, PHONE, PEOPLE, groups)

    def age_signed_prekey(self):
        """While the bridge is off: the month is over."""
        database = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        database.execute("UPDATE bridge_signed_prekeys SET made_at = 0")
        database.commit()
        database.close()

    def again(self, fault=None, kill=True):
        if fault and fault.startswith("rotate."):
            self.bridge.kill()
            self.age_signed_prekey()
        env = quiet_env(WB_FAULT_LOG=self.log, **({"WB_FAULT": fault} if fault else {}))
        self.bridge = respawn(self, self.bridge, kill=kill, env=env)

    def finish(self):
        """A last start without trouble, and the judgement."""
        self.again()
        self.bridge.wait_status("ok")
        self.traffic.wait(self.bridge)
        self.traffic.judge(self.bridge)


class CrashTest(CrashCase):
    def send_some(self, number):
        """Requests of callers who do not wait: private and to a group."""
        for to in (PEOPLE[number % len(PEOPLE)], self.traffic.groups[-1]):
            try:
                self.bridge.post("/api/send", {"recipient": to, "message": f"out {number}",
                                               "id": f"key {number} {to}", "wait_s": 0})
            except GONE:
                return  # it was killed just now

    def provoke(self, point, number, must):
        """What makes the bridge pass the point, beside messages. must: at any price."""
        jid = self.bridge_jid
        if point.startswith("prekeys."):
            self.mock.admin("POST", "/prekeys", {"jid": jid, "keep": 3})
        if point.startswith("skdm."):
            self.traffic.new_group()
            self.traffic.send(PEOPLE[0], self.traffic.groups[-1])
        if point.startswith(("seal.", "outbox.")) or point == "skdm.marked":
            self.send_some(number)
        if point.startswith("checkpoint.") and must:
            for _ in range(CHECKPOINT_MESSAGES):
                self.traffic.send(PEOPLE[0], padding=CHECKPOINT_PADDING)

    def wait_end(self, seconds):
        try:
            return self.bridge.wait_exit(seconds) is not None
        except Timeout:
            return False

    def test_killed_at_random_moments(self):
        self.start()
        self.pair()
        pause = threading.Event()
        for number in range(RANDOM_KILLS):
            size = self.rng.randrange(1, 15)
            if self.rng.random() < 0.15:
                self.traffic.new_group()  # sender keys come with the next messages
            if self.rng.random() < 0.5:
                self.traffic.burst(self.rng, size)  # while it is off or comes up
            pause.wait(self.rng.uniform(0, 0.9))
            self.traffic.burst(self.rng, size)
            if self.rng.random() < 0.3:
                self.send_some(number)
            pause.wait(self.rng.uniform(0, 0.1))
            self.again()
        self.finish()

    def test_cut_at_any_byte(self):
        self.start()
        self.pair()
        for _ in range(CUTS):
            done = self.mock.cuts
            self.mock.cut_after(self.rng.choice((UP, DOWN)), self.rng.randrange(1, 6000))
            end = time.monotonic() + 30
            while self.mock.cuts == done:
                self.assertLess(time.monotonic(), end, "nothing was cut")
                self.traffic.burst(self.rng, 5)
                self.bridge.post("/api/reconnect")
        self.bridge.post("/api/reconnect")
        self.bridge.wait_status("ok")
        self.traffic.wait(self.bridge)
        self.traffic.judge(self.bridge)

    def passes(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read().split()

    def assert_answers_follow_commits(self):
        """At the moment at which the answer to a message is handed over, the message is in the file: a kill
        cannot tell, because what is handed over has not left the process yet."""
        self.again()
        self.bridge.wait_status("ok")
        self.traffic.wait(self.bridge)
        for number in range(1, 20):
            self.bridge.kill()
            self.traffic.send(PEOPLE[0])
            before = len(self.passes())
            self.again(f"answer.leaves:{number}")
            self.assertTrue(self.wait_end(30), f"no answer {number} left")
            if "message.handled" in self.passes()[before:]:
                break
        text = self.traffic.sent[pn(PEOPLE[0])][-1]
        self.assertEqual(self.bridge.rows("SELECT count(*) AS n FROM messages WHERE content = ?", text)[0]["n"], 1,
                         "a message was answered before it was stored")

    def test_an_answer_says_that_it_is_stored(self):
        self.start()
        self.pair()
        self.assert_answers_follow_commits()
        self.finish()

    def test_killed_at_every_fault_point(self):
        """Each point in turn; and the test knows when a point is never passed."""
        self.start()
        self.pair()
        self.bridge_jid = self.bridge.health()["jid"]
        self.assert_answers_follow_commits()
        points = [name for name in fault_points() if not name.startswith(LINKING)]
        struck = set()
        for number in range(POINT_ROUNDS * len(points)):
            point = points[number % len(points)]
            # Every point must be struck once; later rounds try later passes, if there are any.
            must = number < len(points)
            passes = 1 if must else self.rng.randrange(1, 4)
            self.again(f"{point}:{passes}")
            self.traffic.burst(self.rng, 6, damage=point == "retry.owed")
            try:
                if not point.startswith(("login.", "commit.", "socket.", "message.")):
                    self.bridge.wait_status("ok", 10)
                self.provoke(point, number, must)
                self.traffic.burst(self.rng, 6, damage=point == "retry.owed")
            except (Timeout, *GONE):
                pass  # it has ended on the way
            if self.wait_end(30 if must else 3):
                struck.add(point)
        self.finish()
        self.assertEqual(struck, set(points), "points at which nothing was killed")

    def told_after_traffic(self):
        self.traffic.burst(self.rng, 2)
        return any("cannot store" in line for line in self.bridge.lines)

    def test_commits_that_fail(self):
        """A step of a commit fails: nothing of the batch is acknowledged, and it comes again."""
        self.start()
        self.pair()
        for point in ("commit.begin", "commit.between", "commit.ratchets"):
            for how in ("io", "space"):
                with self.subTest(f"{point} {how}"):
                    self.again(f"{point}:{self.rng.randrange(4, 8)}:{how}")
                    self.bridge.wait_status("ok")
                    self.bridge.poll(self.told_after_traffic, 20, "the failure is told")
                    self.bridge.post("/api/reconnect")
                    self.traffic.wait(self.bridge)
                    self.bridge.wait_status("ok")
                if self.failing():
                    return  # what is lost would be missed by all that follow
        self.traffic.judge(self.bridge)

    def test_killed_while_linking(self):
        """A new store, its tables, the account, and the move aside of a file that is replaced."""
        for point in [name for name in fault_points() if name.startswith(LINKING)]:
            with self.subTest(point):
                self.linking(point)

    def linking(self, point):
        mock = self.start_mock("--contacts", "1", name="mock " + point)
        bridge = self.start_bridge(mock, PHONE, name="bridge " + point,
                                   env=quiet_env(WB_FAULT=point + ":1"))
        try:
            if not point.startswith("schema."):
                bridge.pair_by_qr()
            if point.startswith("aside."):
                bridge.post("/api/unlink")
        except (Timeout, *GONE):
            pass  # it has ended on the way
        self.assertEqual(bridge.wait_exit(10), -signal.SIGKILL, "the point was not passed")
        bridge = respawn(self, bridge, env=quiet_env())
        status = bridge.poll(lambda: (bridge.health()["status"] in ("ok", "pairing", "logged_out")
                                      and bridge.health()["status"]), 20, "it is clear what follows")
        if status == "logged_out":
            bridge.post("/api/pair")
        if status != "ok":
            bridge.pair_by_qr()
        mock.contact_send(PEOPLE[0], PHONE, "after " + point)
        bridge.wait_rows("SELECT id FROM messages WHERE content = ?", "after " + point)
        bridge.poll(lambda: bridge.health()["push_name"], 20, "the history that the phone offered is read")
        bridge.stop()
        self.assert_no_flags(mock)


if __name__ == "__main__":
    unittest.main()
