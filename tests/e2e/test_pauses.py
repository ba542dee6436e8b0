"""What takes long does not keep the bridge from answering: a session that is being set aside."""

import concurrent.futures
import fcntl
import glob
import os
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"


class SettingAside(Case):
    """A backup comes first, by a worker. Another program holds the directory of backups, so that it lasts
    until the test lets go."""

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        self.submit = pool.submit

    def hold_backups(self):
        directory = os.path.join(self.bridge.store, "backups")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lock = open(os.path.join(directory, "backups.lock"), "a", encoding="utf-8")
        self.addCleanup(lock.close)
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return lock

    def aside(self, reason):
        return [n for n in os.listdir(self.bridge.store) if n.startswith(f"whatsapp.db.{reason}-")]

    def backups(self, reason):
        return glob.glob(os.path.join(self.bridge.store, "backups", "*-" + reason))

    def works(self, text):
        self.mock.contact_send(FRIEND, PHONE, text)
        self.bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)
        self.assertEqual(self.bridge.send(FRIEND, text).status, 200)
        self.assert_no_flags(self.mock)

    def test_unlink(self):
        lock = self.hold_backups()
        reply = self.submit(self.bridge.post, "/api/unlink")
        self.bridge.wait_status("logged_out")
        for path in ("/api/unlink", "/api/pair", "/api/reconnect"):
            self.assertEqual(self.bridge.post(path).status, 409, path)
        self.assertFalse(reply.done())
        self.assertEqual(self.aside("unlinked"), [])
        lock.close()
        self.assertEqual(reply.result(20).status, 200)
        self.assertEqual((len(self.aside("unlinked")), len(self.backups("before-unlink"))), (1, 1))
        self.assertEqual(self.bridge.post("/api/pair").status, 200)
        self.bridge.pair_by_qr()
        self.works("after it")

    def test_stopped_in_between(self):
        lock = self.hold_backups()
        reply = self.submit(self.bridge.post, "/api/unlink")
        self.bridge.wait_status("logged_out")
        self.bridge.stop()
        try:  # the answer may still have left
            self.assertEqual(reply.result(20).status, 500)
        except OSError:
            pass
        self.assertEqual(self.aside("unlinked"), [])
        lock.close()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_status("logged_out")
        self.assertEqual(self.bridge.post("/api/pair").status, 200)
        self.bridge.pair_by_qr()
        self.assertEqual((len(self.aside("re-paired")), len(self.backups("before-unlink"))), (1, 1))
        self.works("after it")

    def test_pairing_anew(self):
        self.mock.logout(PHONE)
        self.bridge.wait_status("logged_out")
        self.bridge.poll(lambda: self.backups("logout"), 10, "the backup of the logout")
        lock = self.hold_backups()
        self.assertEqual(self.bridge.post("/api/pair").status, 200)
        self.mock.scan_qr(PHONE, self.bridge.wait_qr())
        self.bridge.poll(lambda: self.bridge.health()["state"] == "WAIT_PAIR_STORE", 20, "it waits")
        self.assertEqual(self.aside("re-paired"), [])
        lock.close()
        self.bridge.wait_status("ok")
        self.assertEqual((len(self.aside("re-paired")), len(self.backups("before-unlink"))), (1, 1))
        self.works("after it")


if __name__ == "__main__":
    unittest.main()
