"""The tools of a store, pointed at what is not there, is a file, may not be read, or is empty; and the
rehearsal of a restore while the bridge runs."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import paths
from harness.bridge import clean_env, run_once
from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
DONE, FAILED, USAGE, LOCKED, BAD = range(5)
NOBODY = 65534
NAME = "20260101T000000Z-manual"


def tool(*args, status=DONE, name="bridge-backup", nobody=False):
    """Runs a tool of the build, as a user without rights when asked to."""
    program = os.path.join(paths.BUILD, name)
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if nobody and os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as reachable:
        if as_nobody:  # the build may lie below a directory that lets nobody in but its owner
            os.chmod(reachable, 0o755)
            program = shutil.copy(program, reachable)
        done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=60, check=False,
                              env=clean_env(), **as_nobody)
    if done.returncode != status:
        raise AssertionError(f"{args}: {status} expected: {done}")
    return done


def picture(directory):
    """All files below, with a hash of what is in them."""
    found = {}
    for folder, folders, files in os.walk(directory):
        for name in folders:
            found[os.path.join(folder, name)] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.join(folder, name)] = hashlib.sha256(file.read()).hexdigest()
    return found


class WrongPaths(Case):
    def setUp(self):
        super().setUp()
        self.nope = self.path("nope")
        self.file = self.path("file")
        self.empty = self.path("empty")
        with open(self.file, "w", encoding="ascii") as file:
            file.write("x\n")
        os.makedirs(self.empty)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def commands(self):
        """Every subcommand that looks into a store."""
        return (("list",), ("verify",), ("verify", NAME), ("prune",), ("prune", "--dry-run"), ("create",),
                ("restore", "latest"), ("restore", NAME), ("restore", NAME, "--dry-run"),
                ("seal", NAME, "--public-key-file", self.file))

    def test_a_store_that_is_not_there_is_an_error(self):
        for command in self.commands():
            for store, words in ((self.nope, ("not there", "No such file")),
                                 (self.file, ("is not a directory", "Not a directory"))):
                with self.subTest(command=command, store=store):
                    done = tool("--store", store, *command, status=FAILED)
                    self.assertIn(store, done.stderr)
                    self.assertTrue(any(word in done.stderr for word in words), done.stderr)
                    self.assertEqual(done.stdout, "")
                    self.assertFalse(os.path.exists(self.nope), "it was made")

    def test_so_it_is_for_scripts(self):
        for command in ("list", "verify", "prune", "create"):
            with self.subTest(command):
                done = tool("--store", self.nope, command, "--json", status=FAILED)
                said = json.loads(done.stdout)
                self.assertEqual((said["success"], said["error"]), (False, "NOT_FOUND"))
                self.assertIn(self.nope, said["message"])

    def test_a_store_without_backups_says_so(self):
        backups = self.path("with", "backups")
        os.makedirs(backups)
        for store in (self.empty, self.path("with")):
            with self.subTest(store):
                self.assertIn(f"no backups in {store}", tool("--store", store, "list").stdout)
                self.assertIn(f"no backups in {store}", tool("--store", store, "prune").stdout)
                self.assertIn(f"no backups in {store}", tool("--store", store, "verify", status=FAILED).stderr)
                for command in (("verify", NAME), ("restore", "latest"), ("restore", NAME)):
                    self.assertIn("no backups in", tool("--store", store, *command, status=FAILED).stderr)
                self.assertEqual(json.loads(tool("--store", store, "list", "--json").stdout), {"backups": []})
        self.assertEqual(picture(self.empty), {}, "looking made something")

    def test_backups_that_are_named_must_be_there(self):
        for command in ("list", "verify", "prune"):
            said = tool("--store", self.empty, "--backups", self.nope, command, status=FAILED).stderr
            self.assertIn(f"{self.nope} is not there", said)

    def test_what_may_not_be_read_is_called_that(self):
        shut = self.path("shut")
        os.makedirs(shut)
        os.chmod(self.directory, 0o755)
        os.chmod(shut, 0)
        try:
            for command in self.commands():
                if command[0] != "seal":
                    with self.subTest(command):
                        said = tool("--store", shut, *command, status=FAILED, nobody=True).stderr
                        self.assertIn("Permission denied", said)
                        self.assertIn(shut, said)
            said = tool("--store", shut, "--to", "integer", status=FAILED, nobody=True,
                        name="bridge-convert-timestamps").stderr
            self.assertIn("Permission denied", said)
            said = tool("baileys", shut, "--store", self.path("new"), status=FAILED, nobody=True,
                        name="bridge-import").stderr
            self.assertIn("Permission denied", said)
        finally:
            os.chmod(shut, 0o700)

    def test_keys_and_sealed_files_that_are_not_there(self):
        sealed = self.path("x.sealed")
        for command, culprit in ((("keygen", self.path("nope", "key")), self.nope),
                                 (("unseal", sealed, self.path("new"), "--secret-key-file", self.file), sealed),
                                 (("verify", sealed, "--secret-key-file", self.file), sealed),
                                 (("restore", sealed, "--secret-key-file", self.file), sealed),
                                 (("seal", NAME, "--public-key-file", self.nope), self.nope),
                                 (("seal", NAME, "--passphrase-file", self.nope), self.nope)):
            with self.subTest(command):
                said = tool("--store", self.empty, *command, status=FAILED).stderr
                self.assertIn(f"{culprit} is not there", said)
        self.assertFalse(os.path.exists(self.path("new")))

    def test_a_set_that_is_not_there(self):
        for path, words in ((self.path("nope", "set"), "is not there"), (self.file, "is not a directory")):
            for command in ("verify", "restore"):
                with self.subTest(command=command, path=path):
                    done = tool("--store", self.path("new"), command, path, status=FAILED)
                    self.assertIn(words, done.stdout + done.stderr)
                    self.assertFalse(os.path.exists(self.path("new")), "a store was made for nothing")

    def test_the_other_tools(self):
        """bridge-import and bridge-convert-timestamps."""
        for source, words in ((self.nope, "No such file"), (self.file, "Not a directory"),
                              (self.empty, "no creds.json")):
            said = tool("baileys", source, "--store", self.path("new"), status=FAILED, name="bridge-import").stderr
            self.assertIn(words, said)
            self.assertIn(source, said)
            self.assertFalse(os.path.exists(self.path("new")))
        for store, words in ((self.nope, "there is no"), (self.file, "Not a directory"), (self.empty, "there is no")):
            said = tool("--store", store, "--to", "integer", status=FAILED, name="bridge-convert-timestamps").stderr
            self.assertIn(words, said)
            self.assertIn(os.path.join(store, "messages.db"), said)

    def test_the_bridge_names_what_is_in_its_way(self):
        occupied = self.path("occupied")
        os.makedirs(occupied)
        shutil.copy(self.file, os.path.join(occupied, "backups"))
        for store, words in (("/proc/nope", "the directory /proc/nope cannot be made: No such file or directory\n"),
                             (self.file, f"{self.file} is not a directory\n"),
                             (occupied, os.path.join(occupied, "backups") + " is not a directory, and backups go there: "
                              "move it away, or use another --store\n")):
            with self.subTest(store):
                done = run_once("--phone", "+" + PHONE, "--store", store, "--port", "0",
                                "--server-url", "ws://127.0.0.1:9/ws/chat")
                self.assertEqual(done.returncode, FAILED, done)
                self.assertTrue(done.stderr.endswith(words), done.stderr)
        self.assertEqual(os.listdir(occupied), ["backups"])


class WhileTheBridgeRuns(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.store = self.bridge.store

    def test_a_restore_can_be_rehearsed(self):
        name = json.loads(tool("--store", self.store, "create", "--json").stdout)["name"]
        self.mock.contact_send(FRIEND, PHONE, "later")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'later'")
        before = picture(self.store).keys()
        for which in (name, "latest", os.path.join(self.store, "backups", name)):
            plan = json.loads(tool("--store", self.store, "restore", which, "--dry-run", "--json").stdout)
            self.assertEqual((plan["whatsapp_db"], plan["messages_db"], plan["dry_run"]), (True, False, True))
            self.assertIn(str(self.bridge.pid), plan["in_use"])
        said = tool("--store", self.store, "restore", name, "--dry-run").stdout
        self.assertIn("nothing was changed", said)
        self.assertIn("stop the bridge", said)
        self.assertIn(str(self.bridge.pid), said)
        self.assertEqual(picture(self.store).keys(), before, "it left or removed something")
        # The real one needs the bridge stopped, and the bridge was not disturbed.
        self.assertIn("stop it first", tool("--store", self.store, "restore", name, status=LOCKED).stderr)
        self.assertEqual(self.bridge.health()["status"], "ok")
        self.assertEqual(self.bridge.send(FRIEND, "still here").status, 200)
        self.bridge.stop()
        plan = json.loads(tool("--store", self.store, "restore", name, "--dry-run", "--json").stdout)
        self.assertEqual(plan["in_use"], "")
        self.assert_no_flags(self.mock)

    def test_a_rehearsal_leaves_every_file_as_it_was(self):
        name = json.loads(tool("--store", self.store, "create", "--json").stdout)["name"]
        self.bridge.stop()
        before = picture(self.store)
        tool("--store", self.store, "restore", name, "--messages", "always", "--dry-run")
        self.assertEqual(picture(self.store), before)

    def test_status_4_names_the_way_out(self):
        self.bridge.stop()
        path = os.path.join(self.store, "whatsapp.db")
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.write(b"\0" * size)
        done = run_once(*self.bridge.argv[1:])
        self.assertEqual(done.returncode, BAD, done)
        for word in (f"bridge-backup --store {self.store} list", f"bridge-backup --store {self.store} restore",
                     "docs/operations.md", "no good backup"):
            self.assertIn(word, done.stderr)
        self.assertEqual(os.path.getsize(path), size)
        with open(os.path.join(paths.SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
            self.assertIn("### Damage", file.read())

    def test_who_holds_the_store_is_said_once(self):
        second = run_once(*self.bridge.argv[1:])
        self.assertEqual(second.returncode, LOCKED, second)
        self.assertEqual(second.stderr.count(f"--store {self.store}"), 1, second.stderr)
        self.assertEqual(second.stderr.count(str(self.bridge.pid)), 1, second.stderr)
        self.assertRegex(second.stderr, r"store of its own\n\Z")


if __name__ == "__main__":
    unittest.main()
