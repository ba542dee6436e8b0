"""What befalls the files while the bridge uses them: a script removes or replaces them, or the disk
spoils them. The session and the messages outlive it, in the same process (R-401, R-405)."""

import glob
import os
import shutil
import signal
import threading
import unittest

from test_backups import FRIEND, PHONE, BackupsCase, random_bytes, tool


class Mishap(BackupsCase):
    def setUp(self):
        super().setUp()
        self.pair("--backup-every", "2s")
        self.talk("before")
        self.provoked = 0

    def again(self, text):
        """A new run in the same process; /health tells why."""
        health = self.bridge.poll(
            lambda: (h := self.bridge.health())["status"] == "ok" and text in h.get("repaired", "")
            and h, 60, f"a new run because of '{text}'")
        self.assertTrue(self.bridge.running())
        return health

    def provoke(self):
        """Something to store, so that it need not wait for its next look."""
        self.provoked += 1
        self.mock.contact_send(FRIEND, PHONE, f"provoked {self.provoked}")

    def test_removed_under_load(self):
        """Whatever is removed while messages come in: each is there once, and sends keep their keys."""
        self.assertEqual(self.bridge.send(FRIEND, "keyed", id="k1").status, 200)
        first = self.bridge.send(FRIEND, "keyed", id="k1").json
        sent, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                sent.append(f"load {len(sent)}")
                self.mock.contact_send(FRIEND, self.group, sent[-1])
        thread = threading.Thread(target=load)
        thread.start()
        try:
            for remove in (lambda: shutil.rmtree(self.store),
                           lambda: os.remove(self.path("whatsapp.db")),
                           lambda: [os.remove(f) for f in glob.glob(self.path("messages.db*"))],
                           lambda: [os.remove(f) for f in glob.glob(self.path("*.db-*"))]):
                before = len([line for line in self.bridge.lines if "starting anew" in line])
                remove()
                self.bridge.poll(lambda n=before: len(
                    [line for line in self.bridge.lines if "starting anew" in line]) > n, 30,
                    "it is noticed")
                self.bridge.wait_status("ok")
        finally:
            stop.set()
            thread.join()
        self.assertTrue(self.bridge.running())
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", sent[-1])
        rows = self.bridge.rows("SELECT content FROM messages WHERE content LIKE 'load %'"
                                " ORDER BY rowid")
        self.assertEqual([row["content"] for row in rows], sent)
        again = self.bridge.send(FRIEND, "keyed", id="k1").json
        self.assertEqual(again["message_id"], first["message_id"])
        self.talk("after")
        self.counts()
        self.bridge.stop()
        self.start(store=self.store).wait_status("ok")
        self.talk("another process")
        self.assert_no_flags(self.mock)

    def test_removed_and_stopped(self):
        """A recovery script: delete, then restart."""
        shutil.rmtree(self.store)
        self.bridge.signal(signal.SIGTERM)
        self.assertEqual(self.bridge.wait_exit(5), 0)
        self.start(store=self.store).wait_status("ok")
        self.assertEqual(len(self.bridge.rows("SELECT 1 FROM messages WHERE content LIKE 'before %'")),
                         4)
        self.talk("after")
        self.assert_no_flags(self.mock)

    def test_replaced(self):
        """An old copy is put in its place: the session that runs is the one that goes on."""
        tool(self.store, "create")
        copy = glob.glob(self.path("backups/*/whatsapp.db"))[-1]
        shutil.copy(copy, self.path("old"))
        self.talk("later")
        os.rename(self.path("old"), self.path("whatsapp.db"))
        self.provoke()
        self.again("the other is whatsapp.db.replaced-")
        self.talk("after")
        self.counts()
        self.assert_no_flags(self.mock)

    def spoiled(self, name):
        """Found malformed in use, by a statement or by a backup: restored, and the session goes on."""
        self.talk(f"{name} before")
        tool(self.store, "create")
        random_bytes(self.path(name))
        self.bridge.post("/api/reconnect")
        self.provoke()
        self.bridge.poll(lambda: "restored from the backup" in self.bridge.health().get("repaired", ""),
                         60, "it is repaired")
        self.bridge.wait_status("ok")
        self.assertTrue(glob.glob(self.path(name + ".damaged-*")))
        self.talk(f"{name} after")
        self.assert_no_flags(self.mock)

    def test_spoiled_messages(self):
        self.spoiled("messages.db")

    def test_spoiled_session(self):
        self.spoiled("whatsapp.db")

    def test_no_room_for_a_rescue(self):
        """Noticed without traffic, too. What cannot be written down stays open until it can."""
        shutil.rmtree(self.store)
        with open(self.store, "wb"):  # no folder can be made there
            pass
        self.bridge.wait_status("store_error")
        self.logged("DO NOT STOP")
        os.remove(self.store)
        self.again("whatsapp.db was removed while it was in use and was written anew; messages.db")
        self.talk("after")
        self.assert_no_flags(self.mock)

    def test_not_opened_again(self):
        """A bridge that was running waits for its disk, also between two runs."""
        for stop in (False, True):
            with self.subTest(stop=stop):
                os.mkdir(self.path("messages.db-journal"))  # SQLite cannot open a file with that beside
                os.remove(self.path("whatsapp.db"))
                self.provoke()
                self.bridge.poll(lambda: "messages.db cannot be opened" in self.bridge.stderr(), 30,
                                 "it says what is the matter")
                self.assertTrue(self.bridge.running())
                if stop:
                    self.bridge.signal(signal.SIGTERM)
                    self.assertEqual(self.bridge.wait_exit(5), 0)
                os.rmdir(self.path("messages.db-journal"))
                if not stop:
                    self.again("whatsapp.db was removed")
                    self.talk("after")
        self.start(store=self.store).wait_status("ok")
        self.talk("another process")
        self.counts()
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
