"""Disks that are full, read-only or broken, and power that goes: nothing is acknowledged that is not
stored, and everything is there once when the disk works again. WB_SEED=N repeats a run."""

import errno
import os
import threading
import time
import unittest

from harness import disk
from harness.arrivals import Arrivals
from harness.case import Case
from harness.disk import CHANGES, CREATE, PowerLoss, READ, Shim, SYNC, TRUNCATE, WRITE
from harness.killing import respawn, seed_of

PHONE = "27820000001"
PEOPLE = ["27820001000", "27820001001", "27820001002"]
FULL = bool(os.environ.get("WB_TEST_FULL"))
POWER_LOSSES = 200 if FULL else 20
SINGLE_FAULTS = 150 if FULL else 12
FLOOD, FLOOD_PADDING = 300, 2000
GROWTH_MAX_MB = 40

# (calls, errno, files, only half of a write reaches the disk)
LASTING = [
    (WRITE, errno.ENOSPC, "messages.db-wal", False),
    (WRITE, errno.ENOSPC, "whatsapp.db-wal", True),
    (WRITE, errno.EIO, "messages.db-wal", True),
    (SYNC, errno.EIO, "messages.db-wal", False),
    (SYNC, errno.EIO, "whatsapp.db-wal", False),
    (CHANGES, errno.EROFS, "", False),
    (CHANGES, errno.EDQUOT, "", False),
]


class DiskCase(Case):
    def start(self, record=False):
        seed = os.environ.get("WB_SEED")
        self.rng = seed_of(self, int(seed) if seed else None)
        self.mock = self.start_mock("--contacts", str(len(PEOPLE)), "--groups", "2")
        self.shim = Shim(self.directory)
        store = os.path.join(self.directory, "bridge.store")
        self.shim.watch(store)
        self.power = PowerLoss(store)
        self.bridge = self.start_bridge(self.mock, PHONE, env=self.shim.env(record))
        self.bridge.pair_by_qr()
        groups = [group["jid"] for group in self.mock.admin("GET", "/groups")["groups"]]
        self.traffic = Arrivals(self, self.mock, PHONE, PEOPLE, groups)
        self.traffic.burst(self.rng, 10)
        self.traffic.wait(self.bridge)

    def finish(self):
        self.traffic.wait(self.bridge)
        self.traffic.judge(self.bridge)


class FailingDiskTest(DiskCase):
    def trouble(self):
        """Traffic until the bridge says that it cannot store; its /health."""
        def told():
            self.traffic.burst(self.rng, 2)
            health = self.bridge.health()
            return health if health["status"] == "store_error" else None
        return self.bridge.poll(told, 20, "/health says store_error")

    def heal(self):
        self.shim.heal()
        self.bridge.post("/api/reconnect")
        self.bridge.wait_status("ok")
        self.finish()

    def test_lasting_trouble(self):
        self.start()
        for calls, error, suffix, partly in LASTING:
            with self.subTest(f"{errno.errorcode[error]} {suffix} {calls} {partly}"):
                self.shim.fail(calls, error, suffix, partly=partly)
                health = self.trouble()
                self.assertFalse(health["connected"])
                self.assertIn("no space left" if error in (errno.ENOSPC, errno.EDQUOT)
                              else "input/output error", health["detail"])
                self.assertGreater(self.shim.failed, 0)
                self.heal()

    def test_trouble_and_a_restart(self):
        """Killed while nothing can be stored: what failed is not half there afterwards."""
        self.start()
        for calls, error, suffix, partly in LASTING[:5]:
            with self.subTest(f"{errno.errorcode[error]} {suffix} {calls} {partly}"):
                self.shim.fail(calls, error, suffix, partly=partly)
                self.trouble()
                self.shim.heal()
                self.bridge = respawn(self, self.bridge)
                self.bridge.wait_status("ok")
                self.finish()

    def test_no_room(self):
        """The disk fills up under traffic; with room again the bridge goes on by itself, and it does
        not keep in memory what it cannot store."""
        self.start()
        self.shim.room = 20_000
        self.trouble()
        before = self.bridge.memory_mb()
        for _ in range(FLOOD):
            self.traffic.send(PEOPLE[0], padding=FLOOD_PADDING)
        self.bridge.post("/api/reconnect")  # in vain
        self.assertEqual(self.bridge.health()["status"], "store_error")
        self.assertLess(self.bridge.memory_mb() - before, GROWTH_MAX_MB)
        stored = sum(map(len, self.traffic.stored(self.bridge).values()))
        self.assertLess(stored, self.traffic.count - FLOOD)
        self.shim.room = disk.FOREVER
        self.bridge.wait_status("ok", 20)
        self.finish()

    def test_single_faults(self):
        """One call somewhere fails, once: in a log, in a checkpoint, while opening."""
        self.start()
        for _ in range(SINGLE_FAULTS):
            calls = self.rng.choice((WRITE, SYNC, READ, CREATE | TRUNCATE, CHANGES))
            error = self.rng.choice((errno.EIO, errno.ENOSPC))
            self.shim.fail(calls, error, skip=self.rng.randrange(80), times=1,
                           partly=self.rng.random() < 0.5)
            for _ in range(6):
                self.traffic.burst(self.rng, 4)
                # A short read looks like damage: then it begins anew, with a full check.
                self.bridge.poll(self.bridge.health, 20, "it lives")
            if self.rng.random() < 0.3:
                self.traffic.burst(self.rng, 30)
            self.shim.heal()
            if self.rng.random() < 0.5:
                self.bridge = respawn(self, self.bridge)
            else:
                self.bridge.poll(lambda: self.bridge.post("/api/reconnect"), 20, "it lives")
            self.bridge.wait_status("ok")
        self.finish()

    def test_start_without_a_disk(self):
        """It does not start on a disk that takes nothing, says why, and has not changed anything."""
        self.start()
        self.bridge.stop()
        for error, word in ((errno.EROFS, "Read-only file system"),
                            (errno.ENOSPC, "no space left")):
            with self.subTest(word):
                self.shim.fail(CHANGES, error)
                failed = self.start_bridge(self.mock, PHONE, name=errno.errorcode[error],
                                           store=self.bridge.store, env=self.shim.env())
                self.assertEqual(failed.wait_exit(10), 1)
                self.assertIn(word, failed.stderr())
                self.assertIn("whatsapp.db", failed.stderr())
                self.shim.heal()
        self.traffic.burst(self.rng, 5)
        self.bridge = respawn(self, self.bridge, kill=False)
        self.finish()


class PowerLossTest(DiskCase):
    def test_power_goes(self):
        self.start(record=True)
        pause = threading.Event()
        for _ in range(POWER_LOSSES):
            if self.rng.random() < 0.2:  # and a flush fails before: what it had is lost too
                self.shim.fail(SYNC, skip=self.rng.randrange(10), times=1)
            if self.rng.random() < 0.6:  # between two calls; else at any time
                self.shim.kill_at = self.shim.seen + self.rng.randrange(1, 60)
                end = time.monotonic() + 20
                while self.bridge.running() and time.monotonic() < end:
                    self.traffic.burst(self.rng, 2)
            else:
                self.traffic.burst(self.rng, 5)
                pause.wait(self.rng.uniform(0, 0.05))
            self.strike()
            starting = self.rng.random() < 0.3  # and again while it starts
            self.shim.kill_at = self.shim.seen + self.rng.randrange(1, 120) if starting else 0
            self.bridge = respawn(self, self.bridge, env=self.shim.env(record=True))
            if not starting:
                self.bridge.wait_status("ok")
        self.strike()
        self.bridge = respawn(self, self.bridge, env=self.shim.env())
        self.bridge.wait_status("ok")
        self.finish()

    def strike(self):
        self.bridge.kill()
        self.shim.kill_at = 0
        self.shim.heal()
        self.power.strike(self.shim.record, self.rng)
        self.power = PowerLoss(self.bridge.store)


if __name__ == "__main__":
    unittest.main()
