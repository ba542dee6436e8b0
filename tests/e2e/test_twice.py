"""Two programs on one session: the lock holds over containers and stale files, another program with the
file open is noticed, and nobody fights (R-112)."""

import os
import shutil
import sqlite3
import subprocess
import unittest

from harness.arrivals import Arrivals
from harness.bridge import clean_env, free_port
from harness.case import Case
from harness.killing import seed_of
from harness.process import Process

PHONE, PEOPLE = "27820000001", ["27820001000"]
LOCKED = 3
CONTAINER = ["unshare", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c",
             'hostname other-container && exec "$@"', "sh"]


def containers_can_be_made():
    return shutil.which("unshare") and subprocess.run(
        [*CONTAINER, "true"], capture_output=True, check=False).returncode == 0


class TwiceTest(Case):
    def paired(self, *args):
        self.mock = self.start_mock("--contacts", "1", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, *args)
        self.bridge.pair_by_qr()
        groups = [group["jid"] for group in self.mock.admin("GET", "/groups")["groups"]]
        self.traffic = Arrivals(self, self.mock, PHONE, PEOPLE, groups)

    def refused(self, program, *words):
        self.assertEqual(program.wait_exit(10), LOCKED)
        for word in words:
            self.assertIn(word, program.stderr())
        self.assertEqual(self.bridge.health()["status"], "ok", "the first one was disturbed")

    def in_container(self, name):
        """The same program on the same store, where our processes cannot be seen."""
        argv = list(self.bridge.argv)
        argv[argv.index("--port") + 1] = str(free_port())
        return self._keep(Process(name, [*CONTAINER, *argv], self.directory, env=clean_env()))

    @unittest.skipUnless(containers_can_be_made(), "no right to make containers here")
    def test_lock_from_another_container(self):
        self.paired()
        self.refused(self.in_container("second"), f"process {self.bridge.pid} on ", "whatsapp-bridge")
        self.bridge.stop()
        first = self.in_container("inside")
        first.wait_line("", 10)
        outside = self.start_bridge(self.mock, PHONE, name="outside", store=self.bridge.store)
        self.assertEqual(outside.wait_exit(10), LOCKED)
        self.assertIn("on other-container", outside.stderr())
        first.kill()  # unshare waits for its child and takes no other signal

    @unittest.skipUnless(containers_can_be_made(), "no right to make containers here")
    def test_file_open_in_another_container(self):
        self.paired()
        self.bridge.stop()
        other = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        program = self.in_container("second")
        self.assertEqual(program.wait_exit(10), LOCKED)
        self.assertIn("another container", program.stderr())
        other.close()

    def test_stale_files_lock_nobody_out(self):
        self.paired()
        for text in ("1\n2026-01-01T00:00:00Z\n/sbin/init\nelsewhere\n", f"{os.getpid()}\n", "\0" * 600):
            self.bridge.kill()
            for name in ("whatsapp.db.lock", "messages.db.lock"):
                with open(os.path.join(self.bridge.store, name), "w", encoding="ascii") as file:
                    file.write(text)
            self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
            self.bridge.wait_status("ok")

    def test_messages_elsewhere(self):
        """Two stores, but one messages.db."""
        shared = os.path.join(self.directory, "shared", "messages.db")
        self.paired()
        self.bridge.stop()
        os.mkdir(os.path.dirname(shared), 0o700)
        os.rename(os.path.join(self.bridge.store, "messages.db"), shared)
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="first",
                                        env=clean_env(DB_PATH=shared))
        self.bridge.wait_status("ok")
        second = self.start_bridge(self.mock, "27820000002", name="second",
                                   env=clean_env(DB_PATH=shared))
        self.refused(second, shared, str(self.bridge.pid))

    def test_open_in_another_program(self):
        self.paired()
        self.bridge.stop()
        other = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        other.execute("SELECT count(*) FROM whatsmeow_device").fetchall()
        second = self.start_bridge(self.mock, PHONE, name="second", store=self.bridge.store)
        self.assertEqual(second.wait_exit(10), LOCKED)
        self.assertIn(str(os.getpid()), second.stderr())
        other.close()

    def test_written_by_another_program(self):
        """While we run: what we hold decoded is dropped, the server delivers again, nothing is lost."""
        self.paired()
        rng = seed_of(self)
        self.traffic.burst(rng, 10)
        self.traffic.wait(self.bridge)
        other = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"), timeout=10)
        for number in range(3):
            with other:
                other.execute("INSERT OR REPLACE INTO bridge_meta VALUES ('other', ?)", (number,))

            def told(wanted=number + 1):
                self.traffic.burst(rng, 2)
                return sum("another program has written whatsapp.db" in line
                           for line in self.bridge.lines) >= wanted
            self.bridge.poll(told, 20, "it is noticed")
            self.bridge.post("/api/reconnect")
            self.bridge.wait_status("ok")
        other.close()
        self.traffic.wait(self.bridge)
        self.traffic.judge(self.bridge)

    def test_copy_of_the_store(self):
        """Somebody starts a copy: the first one steps back, says who it may be, and does not fight."""
        self.paired()
        self.bridge.stop()
        copy = os.path.join(self.directory, "copy.store")
        shutil.copytree(self.bridge.store, copy)
        self.bridge = self.start_bridge(self.mock, PHONE, name="first", store=self.bridge.store)
        self.bridge.wait_status("ok")
        other = sqlite3.connect(os.path.join(self.bridge.store, "whatsapp.db"))
        other.execute("SELECT count(*) FROM whatsmeow_device").fetchall()
        second = self.start_bridge(self.mock, PHONE, name="second", store=copy)
        second.wait_status("ok")
        self.bridge.wait_status("replaced")
        self.bridge.poll(lambda: str(os.getpid()) in self.bridge.health()["detail"], 10, "who it is")
        other.close()
        logins = self.mock.logins(PHONE)
        self.traffic.burst(seed_of(self), 10)
        self.traffic.wait(second)
        self.assertEqual(self.bridge.health()["status"], "replaced")
        self.assertGreater(self.bridge.health()["next_attempt_in_s"], 10)
        self.assertEqual(self.mock.logins(PHONE), logins, "it fights")


if __name__ == "__main__":
    unittest.main()
