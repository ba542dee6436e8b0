"""Backups, restores and damage, as an operator meets them (R-401, R-403 to R-406)."""

import contextlib
import errno
import glob
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import threading
import time
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case
from harness.disk import CHANGES, CREATE, FOREVER, RENAME, SYNC, Shim, UNLINK, WRITE
from harness.killing import seed_of
from harness.skips import FULL_ONLY

PHONE, OTHER, FRIEND = "27820000001", "27820000002", "27820001000"
DONE, FAILED, USAGE, LOCKED, BAD, WRONG_NUMBER = range(6)
FULL = bool(os.environ.get("WB_TEST_FULL"))
FAULTS = 150 if FULL else 10
READY_S = 10  # from the start of a small store to "ok", also when it is repaired first


def tool(store, *args, status=DONE, json_out=True, env=None):
    """Runs bridge-backup on a store; its JSON, or its whole result."""
    argv = [paths.BACKUP, "--store", store, *map(str, args), *(["--json"] if json_out else [])]
    end = time.monotonic() + 30
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=env)
        # A bridge that runs makes backups of its own; who asks for one then asks again.
        busy = done.returncode == LOCKED and args[:1] == ("create",) and "another backup" in done.stderr
        if status != DONE or not busy or time.monotonic() > end:
            break
        time.sleep(0.1)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{argv}: {done}")
    return json.loads(done.stdout) if json_out and done.stdout.strip() else done


class BackupsCase(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.starts = 0

    def start(self, *args, store=None, phone=PHONE, **env):
        self.starts += 1
        name = f"bridge{self.starts}"
        self.bridge = self.start_bridge(self.mock, phone, *args, name=name, store=store,
                                        env=clean_env(**env))
        return self.bridge

    def pair(self, *args):
        self.start(*args).pair_by_qr()
        self.store = self.bridge.store

    def path(self, *names):
        return os.path.join(self.store, *names)

    def talk(self, tag):
        """Both directions, one to one and in the group."""
        for to, name in ((PHONE, "person"), (self.group, "group")):
            self.mock.contact_send(FRIEND, to, f"{tag} from {name}")
        for name in ("person", "group"):
            self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ? AND state = ''",
                                  f"{tag} from {name}")
        for to, name in ((FRIEND, "person"), (self.group, "group")):
            self.assertEqual(self.bridge.send(to, f"{tag} to {name}").status, 200)
        self.bridge.poll(lambda: {f"{tag} to person", f"{tag} to group"} <= self.friend_has(), 20,
                         "the friend reads both")

    def logged(self, text):
        self.bridge.poll(lambda: any(text in line for line in self.bridge.lines), 10, f"'{text}'")

    def friend_has(self):
        return {m["text"] for m in self.mock.contact_messages(FRIEND)}

    def counts(self):
        """Nothing twice, nothing unreadable."""
        rows = self.bridge.rows("SELECT content, count(*) AS n FROM messages GROUP BY 1 HAVING n > 1")
        self.assertEqual(rows, [])
        self.assertEqual(self.bridge.rows("SELECT id FROM messages WHERE state <> ''"), [])


class Making(BackupsCase):
    def test_under_load(self):
        """By themselves, with a hook, while messages come in; all of them are good."""
        hook, log = os.path.join(self.directory, "hook"), os.path.join(self.directory, "hook.log")
        with open(hook, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho "$#:$1" >> "{log}"\n')
        os.chmod(hook, 0o700)
        self.pair("--backup-every", "1s", "--backup-hook", hook, "--backup-keep", "3")
        stop = threading.Event()

        def load():
            while not stop.is_set():
                self.mock.contact_send(FRIEND, self.group, "load")
        thread = threading.Thread(target=load)
        thread.start()
        try:
            self.bridge.poll(lambda: os.path.exists(log) and len(self.hooked(log)) >= 4, 40,
                             "four backups")
            by_hand = tool(self.store, "create", "--reason", "by-hand", status=None)
        finally:
            stop.set()
            thread.join()
        if by_hand.get("error") == "LOCKED":  # it met one of the bridge's own, and says so
            by_hand = tool(self.store, "create", "--reason", "by-hand", status=None)
        self.bridge.poll(lambda: self.bridge.health()["backup"]["at"], 10, "/health tells of it")
        self.assertIsNone(self.bridge.health()["backup"]["error"])
        self.bridge.stop()
        self.assertTrue(all(line.startswith("1:" + self.path("backups")) for line in
                            self.hooked(log)), self.hooked(log))
        verified = tool(self.store, "verify")["verified"]
        self.assertGreaterEqual(len(verified), 3)
        self.assertTrue(all(one["good"] for one in verified), verified)
        scheduled = [one for one in verified if one["name"].endswith("-scheduled")]
        self.assertLessEqual(len(scheduled), 4, "pruned to three and today's newest")
        newest = tool(self.store, "list")["backups"][0]
        self.assertEqual(newest["phone"], PHONE)
        self.assertGreater(newest["messages"], 0)
        for folder, folders, files in os.walk(self.path("backups")):
            for name in folders:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o700)
            for name in files:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600)
        self.assert_no_flags(self.mock)

    @staticmethod
    def hooked(log):
        with open(log, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]

    def test_failing_hook_is_told(self):
        self.pair("--backup-every", "1s", "--backup-hook", "/bin/false")
        health = self.bridge.poll(lambda: self.bridge.health()["backup"]["error"], 20, "an error")
        self.assertIn("status 1", health)
        self.assertIsNotNone(self.bridge.health()["backup"]["at"])
        self.assertEqual(self.bridge.health()["status"], "ok")

    def test_none_by_themselves(self):
        """What was repaired is backed up also where none are scheduled."""
        self.pair("--backup-every", "0")
        tool(self.store, "create")
        self.bridge.stop()
        empty(self.path("whatsapp.db"))
        self.start("--backup-every", "0", store=self.store).wait_status("ok")
        self.bridge.poll(lambda: self.reasons() == ["damage", "manual"], 10, "a backup of the repair")

    def test_before_what_is_risky(self):
        self.pair()
        self.mock.logout(PHONE)
        self.bridge.wait_status("logged_out")
        self.bridge.poll(lambda: self.reasons() == ["logout"], 10, "a backup of the logout")
        self.assertEqual(self.bridge.post("/api/pair").status, 200)
        self.bridge.pair_by_qr()
        self.assertEqual(self.reasons(), ["before-unlink", "logout"])
        self.assertEqual(self.bridge.post("/api/unlink").status, 200)
        self.assertEqual(self.reasons(), ["before-unlink", "before-unlink", "logout"])
        # What was given up does not come back by itself.
        self.bridge.stop()
        os.remove(self.path("whatsapp.db"))
        self.start(store=self.store).wait_status("pairing")

    def reasons(self):
        return [one["reason"] for one in tool(self.store, "list")["backups"]]


class Restoring(BackupsCase):
    expected_flags = {}

    def test_by_hand(self):
        """With traffic after the backup: nothing of the old state is used again, nothing is lost."""
        self.pair()
        self.talk("before")
        name = tool(self.store, "create")["name"]
        self.talk("later")
        refused = tool(self.store, "restore", name, status=LOCKED)
        self.assertIn("stop it first", refused["message"])
        self.bridge.stop()
        plan = tool(self.store, "restore", name, "--dry-run")
        self.assertEqual((plan["whatsapp_db"], plan["messages_db"]), (True, False))
        self.assertEqual(glob.glob(self.path("*.replaced-*")), [])
        done = tool(self.store, "restore", name)
        self.assertTrue(os.path.exists(done["whatsapp_aside"]))
        self.assertGreater(done["sessions_receive_only"], 0)
        self.assertTrue(done["backup_before"].endswith("-before-restore"))
        began = time.monotonic()
        self.start(store=self.store).wait_status("ok")
        self.assertLess(time.monotonic() - began, READY_S, "ready after the restore")
        self.logged("this session was restored at")
        self.assertEqual(self.bridge.health()["restored"]["backup"], name)
        self.talk("after")
        self.counts()
        texts = {row["content"] for row in self.bridge.rows("SELECT content FROM messages")}
        self.assertLessEqual({"later from group", "later to person", "before from person"}, texts)
        self.assert_no_flags(self.mock)

    def test_messages_too(self):
        """messages.db put back as it was: what came later is gone from it, and asked of the phone."""
        self.pair()
        self.talk("before")
        name = tool(self.store, "create")["name"]
        self.talk("later")
        self.bridge.stop()
        done = tool(self.store, "restore", name, "--messages", "always")
        self.assertTrue(done["messages_db"])
        second = int(time.time()) + 1
        # The disk takes nothing at the start: the gap is noted once it does.
        self.start(store=self.store, WB_FAULT="commit.ratchets:1:io").wait_status("ok")
        self.assertEqual(self.bridge.rows("SELECT 1 FROM messages WHERE content LIKE 'later%'"), [])
        self.logged("cannot be noted yet")
        self.logged("may lack messages")
        # Times are whole seconds, and what comes now is to be newer than the gap.
        self.bridge.poll(lambda: time.time() >= second, 5, "the next second")
        self.talk("after")
        for name in ("person", "group"):
            self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ? AND state = ''",
                                  f"later from {name}")
        self.counts()
        self.assert_no_flags(self.mock)

    def test_killed(self):
        """Creating and restoring may be killed at any moment: there is a whole store and whole sets."""
        self.pair()
        self.talk("before")
        name = tool(self.store, "create")["name"]
        self.talk("later")
        self.bridge.stop()
        for number in range(40 if FULL else 12):
            args = ("create",) if number % 3 == 0 else ("restore", name, "--messages", "always")
            running = subprocess.Popen([paths.BACKUP, "--store", self.store, *args],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.3))  # there is no event to wait for: any moment is meant
            running.kill()
            running.wait()
            for file in ("whatsapp.db", "messages.db"):
                check = sqlite3.connect(f"file:{self.path(file)}?mode=ro", uri=True)
                self.assertEqual(check.execute("PRAGMA quick_check").fetchone(), ("ok",))
                check.close()
        tool(self.store, "restore", name, "--messages", "always")
        self.assertTrue(all(one["good"] for one in tool(self.store, "verify")["verified"]))
        self.assertEqual(glob.glob(self.path("*.restoring")), [])
        self.start(store=self.store).wait_status("ok")
        self.talk("after")
        self.assert_no_flags(self.mock)

    # Without the copies no restore is possible: a fault at any of these calls fails it for certain. Of the
    # copy that SQLite works on only one that lasts: it tries some things twice.
    COPIES = (("messages.db.restoring", 1), ("messages.db.restoring", FOREVER),
              (".restoring/whatsapp.db", FOREVER))

    def calls_of(self, shim, kinds, suffix, command):
        """How many calls of these kinds an undisturbed restore makes on files whose names end so."""
        many = 1 << 40
        shim.fail(kinds, skip=many, suffix=suffix)
        tool(self.store, *command, env=shim.env())
        shim.heal()
        return many - shim.skip

    def test_all_or_nothing(self):
        """A call on some file fails while both databases are put back, once or from then on: either
        both are replaced and the gap is noted, or both are what they were."""
        rng = seed_of(self, int(os.environ.get("WB_SEED", 0)) or None)
        self.pair("--backup-every", "0")
        self.talk("one")
        tool(self.store, "create")
        self.talk("two")
        self.bridge.stop()
        origin = self.store + ".origin"
        shutil.copytree(self.store, origin)
        shim = Shim(self.directory, self.store)
        before = self.picture()
        wanted = ("restore", "latest", "--messages", "always")
        tool(self.store, *wanted, env=shim.env())
        after = self.picture()
        self.assertTrue(after["gap"])
        self.assertNotEqual(after["messages"], before["messages"])
        # A disk on which no name can be changed any more cannot be put back either.
        kinds = {1: CHANGES, FOREVER: CHANGES & ~(RENAME | UNLINK)}
        certain = WRITE | SYNC | CREATE
        counts = {}
        for key in ((kinds[1], ""), (kinds[FOREVER], ""), *((certain, suffix) for suffix, _ in self.COPIES)):
            shutil.rmtree(self.store)
            shutil.copytree(origin, self.store)
            counts[key] = self.calls_of(shim, *key, wanted)
            self.assertGreater(counts[key], 2, key)
        outcomes = {"certain": set(), "anywhere": set()}
        for number in range(FAULTS):
            shutil.rmtree(self.store)
            shutil.copytree(origin, self.store)
            error, times = rng.choice([errno.EIO, errno.ENOSPC]), rng.choice([1, FOREVER])
            where = "certain" if number % 2 == 0 else "anywhere"
            key = (kinds[times], "")
            if where == "certain":
                suffix, times = rng.choice(self.COPIES)
                key = (certain, suffix)
            calls = counts[key]
            # The places of the files are changed at the end: half of the others are there.
            at = rng.randrange(calls) if number % 4 != 3 else calls - 1 - rng.randrange(min(calls, 30))
            shim.fail(key[0], error, suffix=key[1], skip=at, times=times)
            done = tool(self.store, *wanted, status=None, json_out=False, env=shim.env())
            failed = shim.failed
            shim.heal()
            with self.subTest(f"{errno.errorcode[error]} x {times} at {at} of {calls} of {key}: {done}"):
                self.assertGreater(failed, 0, "the fault hit no call")
                self.assertIn(done.returncode, (FAILED,) if where == "certain" else (DONE, FAILED, BAD))
                now = self.picture()
                expected = after if done.returncode == DONE else before
                self.assertEqual(bool(now.pop("gap")), bool(expected["gap"]))
                self.assertEqual(now, {k: v for k, v in expected.items() if k != "gap"})
            outcomes[where].add(done.returncode)
        self.assertEqual(outcomes["certain"], {FAILED})

    def picture(self):
        """What the two files are."""
        def ask(name, sql):
            with contextlib.closing(sqlite3.connect(self.path(name))) as db:
                return db.execute(sql).fetchall()
        return {"messages": ask("messages.db", "SELECT id, content FROM messages ORDER BY 1"),
                "sessions": ask("whatsapp.db", "SELECT their_id FROM whatsmeow_sessions ORDER BY 1"),
                "gap": ask("whatsapp.db", "SELECT value FROM bridge_meta WHERE name = 'gap'")}

    def test_sealed(self):
        self.pair()
        key = os.path.join(self.directory, "key")
        public = tool(self.store, "keygen", key, json_out=False).stdout.strip()
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        with open(key + ".pub", "w", encoding="utf-8") as file:
            file.write(public + "\n")
        name = tool(self.store, "create")["name"]
        sealed = tool(self.store, "seal", name, "--public-key-file", key + ".pub")["path"]
        with open(sealed, "rb") as file:
            content = file.read()
        self.assertNotIn(b"SQLite format", content)
        self.assertNotIn(PHONE.encode(), content)
        away = os.path.join(self.directory, "away.sealed")
        shutil.move(sealed, away)
        self.assertTrue(tool(self.store, "verify", away, "--secret-key-file", key)
                        ["verified"][0]["good"])
        for command in (("verify", away), ("restore", away), ("unseal", away, self.path("new"))):
            said = tool(self.store, *command, status=USAGE, json_out=False).stderr
            self.assertIn("--secret-key-file", said)
        tool(self.store, "unseal", away, self.store, "--secret-key-file", key, status=FAILED)
        tool(self.store, "keygen", key, status=FAILED)
        short = os.path.join(self.directory, "short")
        with open(short, "w", encoding="utf-8") as file:
            file.write("eleven char\n")
        said = tool(self.store, "seal", name, "--passphrase-file", short, status=USAGE,
                    json_out=False).stderr
        self.assertIn(short, said)
        self.bridge.stop()
        shutil.rmtree(self.store)
        restored = tool(self.store, "restore", away, "--secret-key-file", key)
        self.assertTrue(restored["whatsapp_db"] and restored["messages_db"])
        self.start(store=self.store).wait_status("ok")
        self.talk("after")
        self.bridge.stop()
        self.assertEqual(glob.glob(self.path("*restor*")) + glob.glob(away + ".*"), [])
        for at in (3, 100, len(content) // 2, len(content) - 1):  # one bit of it
            with self.subTest(at):
                with open(away, "wb") as file:
                    file.write(content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
                tool(self.store, "verify", away, "--secret-key-file", key, status=BAD)
        with open(away, "wb") as file:
            file.write(content[:-1])
        tool(self.store, "verify", away, "--secret-key-file", key, status=BAD)
        self.assert_no_flags(self.mock)

    def test_wrong_use(self):
        for args in ((), ("dance",), ("restore",), ("create", "--colour"), ("list", "--keep"),
                     ("list", "surplus"), ("verify", "x", "y"), ("seal", "x"),
                     ("restore", "x", "--messages", "perhaps")):
            with self.subTest(str(args)):
                self.assertEqual(tool(self.directory, *args, status=USAGE, json_out=False).stdout, "")
        self.assertEqual(tool(self.directory, "list")["backups"], [])
        tool(self.directory, "create", status=FAILED)
        tool(self.directory, "restore", "latest", status=FAILED)
        tool(self.directory, "restore", "20260101T000000Z-manual", status=FAILED)
        self.assertNotIn("whatsapp.db", os.listdir(self.directory))


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)


def zero_page(path):
    with open(path, "r+b") as file:
        file.write(b"\0" * 4096)


def random_bytes(path):
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(os.path.getsize(path) - 4096))


def empty(path):
    with open(path, "wb"):
        pass


class Damage(BackupsCase):
    DAMAGES = (os.remove, cut, zero_page, random_bytes, empty)

    def damage_and_start(self, name, damage):
        self.talk(f"{name} {damage.__name__} before")
        tool(self.store, "create")
        if damage is not cut:  # later traffic for most
            self.talk(f"{name} {damage.__name__} later")
        self.bridge.stop()
        damage(self.path(name))
        began = time.monotonic()
        health = self.start(store=self.store).wait_status("ok")
        self.assertLess(time.monotonic() - began, READY_S, f"ready after {damage.__name__} of {name}")
        self.assertIn(name, health["repaired"])
        self.assertIn("restored from the backup", health["repaired"])
        self.logged("restored from the backup")
        if damage is not os.remove:
            self.assertTrue(glob.glob(self.path(name + ".damaged-*")))
        self.talk(f"{name} {damage.__name__} after")
        self.assert_no_flags(self.mock)

    def test_session(self):
        self.pair()
        for damage in self.DAMAGES if FULL else self.DAMAGES[:4:2] + (random_bytes,):
            with self.subTest(damage.__name__):
                self.damage_and_start("whatsapp.db", damage)
        self.counts()

    def test_messages(self):
        self.pair()
        for damage in self.DAMAGES if FULL else (os.remove, random_bytes):
            with self.subTest(damage.__name__):
                self.damage_and_start("messages.db", damage)

    def test_clock_was_wrong(self):
        """Backups of a time when the clock was years ahead, or behind, hide no newer one."""
        self.pair()
        shim, made = Shim(self.directory), []
        for years, tag in ((20, "ahead"), (-20, "behind"), (0, "right")):
            self.talk(tag)
            shim.clock_offset_s = years * 365 * 86400
            made.append(tool(self.store, "create", env=clean_env(**shim.env()))["name"])
        self.assertEqual([s["name"] for s in tool(self.store, "list")["backups"]], made[::-1])
        self.bridge.stop()
        os.remove(self.path("whatsapp.db"))
        os.remove(self.path("messages.db"))
        health = self.start(store=self.store).wait_status("ok")
        self.assertEqual(health["repaired"].count(made[-1]), 2, health)
        self.assertTrue(self.bridge.rows("SELECT 1 FROM messages WHERE content = 'right from person'"))
        self.talk("after")
        self.assert_no_flags(self.mock)

    def test_swapped_with_another_number(self):
        """A good file of another number is no damage: it is refused, and the tool puts ours back."""
        other = self.start_bridge(self.mock, OTHER, name="other")
        other.pair_by_qr()
        other.stop()
        self.pair()
        self.talk("before")
        tool(self.store, "create")
        self.bridge.stop()
        for name in ("whatsapp.db", "messages.db"):
            with self.subTest(name):
                good = self.path(name + ".mine")
                shutil.copy(self.path(name), good)
                shutil.copy(os.path.join(other.store, name), self.path(name))
                if name == "messages.db":  # whose it is was noted at a start with an account
                    owned = sqlite3.connect(self.path(name))
                    owned.executescript("CREATE TABLE IF NOT EXISTS bridge_owner (one INTEGER PRIMARY "
                                        "KEY, phone TEXT); DELETE FROM bridge_owner;"
                                        f"INSERT INTO bridge_owner VALUES (1, '{OTHER}')")
                    owned.close()
                self.assertEqual(self.start(store=self.store).wait_exit(20), WRONG_NUMBER)
                if name == "whatsapp.db":
                    refused = tool(self.store, "restore", "latest", status=WRONG_NUMBER)
                    self.assertIn("another number", refused["message"])
                tool(self.store, "restore", "latest", "--phone", PHONE, "--messages",
                     "always" if name == "messages.db" else "if-needed")
                self.start(store=self.store).wait_status("ok")
                self.talk(f"after {name}")
                self.bridge.stop()
        self.assert_no_flags(self.mock)

    @unittest.skipUnless(FULL, FULL_ONLY + "100 MB")
    def test_large_store(self):
        """100 MB: both files are gone, and it is ready again within ten seconds."""
        self.pair()
        self.talk("before")
        self.bridge.stop()
        db = sqlite3.connect(self.path("messages.db"))
        db.executemany("INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me)"
                       " VALUES (?, ?, '27820001000', ?, ?, 0)",
                       ((f"old{n}", self.group, f"{n} " + "x" * 800, 1700000000 + n)
                        for n in range(100000)))
        db.commit()
        db.close()
        self.assertGreater(os.path.getsize(self.path("messages.db")), 100e6)
        tool(self.store, "create")
        for name in ("whatsapp.db", "messages.db"):
            os.remove(self.path(name))
        began = time.monotonic()
        self.start(store=self.store).wait_status("ok")
        self.assertLess(time.monotonic() - began, 60 if "dev" in paths.BUILD else 10,
                        "ready after the loss of a store of 100 MB")
        self.talk("after")
        self.assert_no_flags(self.mock)

    def test_no_backup_is_good(self):
        self.pair()
        tool(self.store, "create")
        self.bridge.stop()
        for copy in glob.glob(self.path("backups/*/whatsapp.db")):
            random_bytes(copy)
        random_bytes(self.path("whatsapp.db"))
        with open(self.path("whatsapp.db"), "rb") as file:
            before = file.read()
        again = self.start(store=self.store)
        self.assertEqual(again.wait_exit(20), BAD)
        self.assertIn("no good backup", again.stderr() + "\n".join(again.lines))
        with open(self.path("whatsapp.db"), "rb") as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    unittest.main()
