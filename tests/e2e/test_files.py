"""Files that are none: pipes that nobody writes to, devices without an end. And modes that are too open."""

import os
import shutil
import sqlite3
import stat
import subprocess
import unittest

from harness import bridge, paths
from harness.case import Case

PHONE = "27820000001"
NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)
WITHIN_S = 20  # of a loaded machine; a program that waits for a pipe never ends
FAILED, USAGE, BAD_BACKUP = 1, 2, 4


class FilesTest(Case):
    def path(self, *names):
        return os.path.join(self.directory, *names)

    def pipe(self, *names):
        path = self.path(*names)
        os.mkfifo(path, 0o755)
        return path

    def run_program(self, program, *args):
        """It ends by itself, and not by our patience."""
        return subprocess.run([os.path.join(paths.BUILD, program), *map(str, args)], timeout=WITHIN_S,
                              env=bridge.clean_env(), capture_output=True, text=True, check=False)

    def store_with_backup(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        self.assertEqual(program.stop(), 0)
        done = self.run_program("bridge-backup", "--store", program.store, "create")
        self.assertEqual(done.returncode, 0, done)
        return mock, program.store

    def sets(self, store):
        backups = os.path.join(store, "backups")
        return [os.path.join(backups, name) for name in sorted(os.listdir(backups))
                if os.path.isdir(os.path.join(backups, name))]

    def open_to_all(self, store):
        os.chmod(store, 0o777)
        for name in ("whatsapp.db", "messages.db"):
            os.chmod(os.path.join(store, name), 0o666)
        os.chmod(os.path.join(store, "backups"), 0o777)

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_settings_name_plain_files(self):
        pipe = self.pipe("pipe")
        endless = self.path("endless")
        with open(endless, "wb") as file:
            file.truncate(1 << 40)
        for option in ("--config", "--api-token-file", "--ca-file"):
            with self.subTest(option=option, path=endless):
                done = self.run_program("whatsapp-bridge", "--phone", PHONE, "--store",
                                        self.path("store"), *NOWHERE, option, endless)
                self.assertEqual(done.returncode, USAGE, done)
                self.assertIn(endless, done.stderr)
        for option in ("--config", "--api-token-file", "--ca-file", "--backup-public-key",
                       "--backup-passphrase-file", "--backup-hook", "--log-file"):
            for path in (pipe, "/dev/zero"):
                if (option, path) == ("--log-file", "/dev/zero"):
                    continue  # a device is a place for a log
                with self.subTest(option=option, path=path):
                    store = self.path("store")
                    done = self.run_program("whatsapp-bridge", "--phone", PHONE, "--store", store,
                                            *NOWHERE, option, path)
                    self.assertEqual(done.returncode, USAGE, done)
                    self.assertIn(path, done.stderr)
                    shutil.rmtree(store, ignore_errors=True)

    def test_pipe_in_the_place_of_each_file_of_a_store(self):
        mock, store = self.store_with_backup()
        for name in ("whatsapp.db", "messages.db", "whatsapp.db-wal", "messages.db-wal",
                     "whatsapp.db-shm", "messages.db-journal", "whatsapp.db.lock",
                     "messages.db.lock"):
            with self.subTest(name):
                path = os.path.join(store, name)
                if os.path.exists(path):
                    os.rename(path, path + ".away")
                os.mkfifo(path)
                for _ in range(2):
                    program = self.start_bridge(mock, PHONE, name="pipe-" + name, store=store)
                    self.assertEqual(program.wait_exit(WITHIN_S), USAGE, program.tail())
                    self.assertIn("not a plain file", program.stderr())
                self.run_program("bridge-convert-timestamps", "--store", store, "--to", "text",
                                 "--dry-run")
                self.run_program("bridge-backup", "--store", store, "create")
                self.assertTrue(stat.S_ISFIFO(os.lstat(path).st_mode))
                os.unlink(path)
                if os.path.exists(path + ".away"):
                    os.rename(path + ".away", path)
        self.start_bridge(mock, PHONE, name="again", store=store).wait_status("ok")

    def test_pipe_in_a_backup(self):
        mock, store = self.store_with_backup()
        for name in ("manifest.json", "whatsapp.db", "messages.db"):
            with self.subTest(name):
                done = self.run_program("bridge-backup", "--store", store, "create")
                self.assertEqual(done.returncode, 0, done)
                newest = self.sets(store)[-1]
                os.unlink(os.path.join(newest, name))
                os.mkfifo(os.path.join(newest, name))
                done = self.run_program("bridge-backup", "--store", store, "verify",
                                        os.path.basename(newest))
                self.assertEqual(done.returncode, BAD_BACKUP, done)
                self.run_program("bridge-backup", "--store", store, "list")
                done = self.run_program("bridge-backup", "--store", store, "restore",
                                        os.path.basename(newest))
                self.assertEqual(done.returncode, BAD_BACKUP, done)
                shutil.rmtree(newest)
        for name in ("whatsapp.db", "manifest.json"):
            with self.subTest(endless=name):
                done = self.run_program("bridge-backup", "--store", store, "create")
                self.assertEqual(done.returncode, 0, done)
                newest = self.sets(store)[-1]
                os.truncate(os.path.join(newest, name), 1 << 40)  # to be read for an hour
                done = self.run_program("bridge-backup", "--store", store, "verify",
                                        os.path.basename(newest))
                self.assertEqual(done.returncode, BAD_BACKUP, done)
                shutil.rmtree(newest)
        bad = self.sets(store)[0]
        os.unlink(os.path.join(bad, "manifest.json"))
        os.mkfifo(os.path.join(bad, "manifest.json"))
        program = self.start_bridge(mock, PHONE, name="again", store=store)
        program.wait_status("ok")
        self.assertEqual(program.stop(), 0)

    def test_pipes_as_keys_and_sealed_files(self):
        _, store = self.store_with_backup()
        name = os.path.basename(self.sets(store)[0])
        pipe, out = self.pipe("pipe.sealed"), self.path("out")
        secret = self.path("secret")
        self.assertEqual(self.run_program("bridge-backup", "keygen", secret).returncode, 0)
        for args in (("seal", name, "--public-key-file", pipe),
                     ("seal", name, "--passphrase-file", "/dev/zero"),
                     ("unseal", pipe, out, "--secret-key-file", secret),
                     ("unseal", secret, out, "--secret-key-file", pipe),
                     ("keygen", pipe)):
            with self.subTest(args):
                done = self.run_program("bridge-backup", "--store", store, *args)
                self.assertIn(done.returncode, (FAILED, USAGE, BAD_BACKUP), done)
                self.assertFalse(os.path.exists(out))

    def test_pipes_to_be_imported(self):
        os.mkdir(self.path("baileys"))
        self.pipe("baileys", "creds.json")
        done = self.run_program("bridge-import", "baileys", self.path("baileys"), "--store",
                                self.path("store"))
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn("creds.json", done.stderr)

    def test_store_that_is_open_to_all_is_closed_and_named(self):
        mock, store = self.store_with_backup()
        self.open_to_all(store)
        log = self.path("log")
        program = self.start_bridge(mock, PHONE, "--log-file", log, "--backup-every", "1s", name="again",
                                    store=store)
        program.wait_status("ok")

        def backups_named():
            with open(log, encoding="utf-8") as file:
                return "backups could be changed by others (mode 0777); it is 0700 now" in file.read()

        program.poll(backups_named, WITHIN_S, "a backup names its directory")
        self.assertEqual(program.stop(), 0)
        for directory, _, files in os.walk(store):
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700, directory)
            for name in files:
                mode = os.stat(os.path.join(directory, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode), 0o600, name)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("could be changed by others (mode 0777); it is 0700 now", text)
        self.assertIn("whatsapp.db could be changed by others (mode 0666); it is 0600 now", text)

    def test_each_tool_closes_a_store_that_is_open_to_all_and_names_it(self):
        _, store = self.store_with_backup()
        both = ("", "whatsapp.db", "messages.db")
        for tool, closed in ((("bridge-backup", "--store", store, "create"), (*both, "backups")),
                             (("bridge-backup", "--store", store, "restore", "latest"), (*both, "backups")),
                             (("bridge-backup", "--store", store, "prune"), ("backups",)),
                             (("bridge-convert-timestamps", "--store", store, "--to", "text"), both)):
            with self.subTest(tool):
                self.open_to_all(store)
                done = self.run_program(*tool)
                self.assertEqual(done.returncode, 0, done)
                for name in closed:
                    path = os.path.join(store, name)
                    want = 0o700 if os.path.isdir(path) else 0o600
                    self.assertEqual(self.mode(path), want, (path, done))
                    self.assertIn(f"{path.rstrip('/')} could be changed by others (mode 0{0o777 if want == 0o700 else 0o666:o})",
                                  done.stderr)
                self.assertEqual(self.run_program(*tool).stderr, "")

    def test_a_dry_conversion_leaves_readers_alone(self):
        """As they are before a take-over; the conversion itself says what it does to them, as the bridge does."""
        _, store = self.store_with_backup()
        messages = os.path.join(store, "messages.db")
        convert = ("bridge-convert-timestamps", "--store", store, "--to", "text")
        os.chmod(store, 0o755)
        os.chmod(messages, 0o644)
        done = self.run_program(*convert, "--dry-run")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual((self.mode(store), self.mode(messages)), (0o755, 0o644))
        done = self.run_program(*convert)
        self.assertEqual((self.mode(store), self.mode(messages)), (0o700, 0o600))
        self.assertIn(f"other users could read {messages}, and cannot any more", done.stderr)
        self.assertIn("readers_group", done.stderr)
        os.chmod(store, 0o755)
        os.chmod(messages, 0o644)
        self.assertIn(f"other users could read {messages}", self.run_program("bridge-backup", "--store", store,
                                                                              "create").stderr)
        # Nor does it say that nothing was changed, when that is not so.
        os.chmod(store, 0o755)
        database = sqlite3.connect(messages)
        database.execute("DROP TABLE messages")
        database.close()
        done = self.run_program(*convert)
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn("No time was changed.", done.stderr)
        self.assertIn("Nothing was changed.", self.run_program(*convert).stderr)

    def test_tools_leave_a_shared_store_to_its_readers(self):
        mock, store = self.store_with_backup()
        readers = os.getegid() or 1
        shared = self.path("shared")
        os.mkdir(shared)
        os.chown(shared, -1, readers)
        os.chmod(shared, 0o2770)
        messages = os.path.join(shared, "messages.db")
        os.rename(os.path.join(store, "messages.db"), messages)
        os.chown(messages, -1, readers)
        for loosened in (0, 0o7):
            for program, *args in (("bridge-backup", "create"), ("bridge-backup", "restore", "latest",
                                                                 "--messages", "always"),
                                   ("bridge-convert-timestamps", "--to", "text")):
                with self.subTest(program=program, args=args, loosened=loosened):
                    os.chmod(shared, 0o2770 | loosened)
                    os.chmod(messages, 0o660 | loosened & 0o6)
                    done = self.run_program(program, "--store", store, "--messages" if
                                            program.endswith("timestamps") else "--db-path",
                                            messages, *args)
                    self.assertEqual(done.returncode, 0, done)
                    self.assertEqual((self.mode(shared), self.mode(messages)), (0o2770, 0o660))
                    self.assertEqual(os.stat(messages).st_gid, readers)
                    self.assertEqual(bool(done.stderr), bool(loosened), done)

    def test_directory_for_everybody_is_refused(self):
        store = self.path("everybody")
        os.mkdir(store)
        os.chmod(store, 0o1777)
        done = self.run_program("whatsapp-bridge", "--phone", PHONE, "--store", store, *NOWHERE)
        self.assertEqual(done.returncode, USAGE, done)
        self.assertIn("others may write in", done.stderr)
        self.assertEqual(os.listdir(store), [])


if __name__ == "__main__":
    unittest.main()
