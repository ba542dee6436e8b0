"""Databases that lie where the bridge looks for them, or elsewhere: how they get there, and who may read them."""

import grp
import os
import re
import shlex
import sqlite3
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env, run_once
from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)
USAGE = 2
READER, READERS = 65534, grp.getgrgid(1)  # nobody; a group that each system has


class Moved(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, name="first")
        self.bridge.pair_by_qr()
        self.mock.contact_send(FRIEND, PHONE, "before")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'before'")
        self.store = self.bridge.store

    def in_store(self, name):
        return os.path.join(self.store, name)

    def test_the_statement_of_the_readme(self):
        """As it stands there; and without datetime() where the times are text."""
        with open(os.path.join(paths.SOURCE, "README.md"), encoding="utf-8") as file:
            reading = file.read().split("## Reading\n")[1].split("\n## ")[0]
        statement = re.search(r'"(SELECT [^"]*)"', reading).group(1).replace("120363000000000001@g.us",
                                                                             FRIEND + "@s.whatsapp.net")
        document = bytes.fromhex("3a0c420a") + b"a plan.pdf"  # a document with a name
        sent = self.mock.contact_send(FRIEND, PHONE, "", message_hex=document.hex())["id"]
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE id = ?", sent)
        rows = [tuple(row.values()) for row in self.bridge.rows(statement)]
        self.assertEqual([row[1:] for row in rows], [(FRIEND, "[document] a plan.pdf"), (FRIEND, "before")])
        self.assertRegex(rows[0][0], r"^20\d\d-\d\d-\d\d \d\d:")
        self.assertEqual(self.bridge.stop(), 0)
        self.assertEqual(self.run_tool("bridge-convert-timestamps", "--store", self.store, "--to", "text").returncode, 0)
        self.assertIn("without `datetime()`", reading)
        rows = [tuple(row.values()) for row in self.bridge.rows(statement.replace("datetime(timestamp,'unixepoch')",
                                                                                  "timestamp"))]
        self.assertRegex(rows[0][0], r"^20\d\d-\d\d-\d\d \d\d:")

    def run_tool(self, name, *args):
        return subprocess.run([os.path.join(paths.BUILD, name), *args], env=clean_env(), capture_output=True, text=True,
                              timeout=30, check=False)

    def test_a_new_store_is_named(self):
        """Else a mistyped --store shows a QR code, and nothing says why."""
        def said(program):
            return [line for line in program.lines if "whatsapp.db is new: this number has to be linked" in line]
        self.assertEqual(len(said(self.bridge)), 1, self.bridge.lines)
        self.assertIn("INFO", said(self.bridge)[0])
        self.assertIn(self.in_store("whatsapp.db"), said(self.bridge)[0])
        self.assertEqual(self.bridge.stop(), 0)
        again = self.start_bridge(self.mock, PHONE, name="again", store=self.store)
        again.wait_status("ok")
        self.assertEqual(said(again), [])

    def test_a_database_that_was_left_behind_is_named(self):
        """It is not begun anew, nor put back from a backup."""
        self.bridge.kill()  # so that there is a log as well
        self.assertTrue(os.path.exists(self.in_store("messages.db-wal")))
        away = os.path.join(self.directory, "a way")  # the commands are for a shell
        for option, name in (("--whatsapp-db-path", "whatsapp.db"), ("--db-path", "messages.db")):
            path = os.path.join(away, name)
            done = run_once("--phone", PHONE, "--store", self.store, *NOWHERE, option, path)
            self.assertEqual(done.returncode, USAGE, done)
            self.assertIn(f"{option}: {path} is not there, but {self.in_store(name)} is: stop the bridge and move it there",
                          done.stderr)
            self.assertFalse(os.path.exists(path))
        # What it says helps.
        subprocess.run(["sh", "-ec", re.search(r"\((mkdir -p .*)\)", done.stderr).group(1)], check=True)
        again = self.start_bridge(self.mock, PHONE, "--db-path", path, name="again", store=self.store)
        again.wait_status("ok")
        self.assertEqual(again.stop(), 0)
        database = sqlite3.connect(path)
        self.assertEqual(database.execute("SELECT count(*) FROM messages WHERE content = 'before'").fetchone(), (1,))
        database.close()
        self.assertFalse(os.path.exists(self.in_store("messages.db")))

    def read_as_reader(self, path, table="messages"):
        """As another user, who is in the group of readers only: the number of rows, or why there is none."""
        said, says = os.pipe()
        child = os.fork()  # the interpreter itself may lie where that user cannot get
        if child == 0:
            try:
                os.setgroups([READERS.gr_gid])
                os.setgid(READER)
                os.setuid(READER)
                database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
                answer = str(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            except Exception as error:  # pylint: disable=broad-except
                answer = str(error)
            os.write(says, answer.encode())
            os._exit(0)
        os.close(says)
        with os.fdopen(said, encoding="utf-8") as answer:
            text = answer.read()
        os.waitpid(child, 0)
        return text

    def documented(self, away):
        """The commands of docs/databases.md, which docs/operations.md points to."""
        docs = {}
        for name in ("databases.md", "operations.md"):
            with open(os.path.join(paths.SOURCE, "docs", name), encoding="utf-8") as file:
                docs[name] = file.read()
        steps = docs["operations.md"].split("## From the Go bridge, and back\n")[1].split("\nBack:")[0]
        self.assertIn("(databases.md#readers-under-another-user)", steps)
        section = docs["databases.md"].split("### Readers under another user\n")[1].split("\n## ")[0]
        commands = [line[4:] for line in section.splitlines() if line.startswith("    ")]
        self.assertEqual(len(commands), 2)
        return "\n".join(commands).replace("/var/lib/messages", away).replace(" store/", f" {self.store}/").replace(
            "GROUP", READERS.gr_name)

    def test_readers_of_the_group_read(self):
        """After what docs/databases.md says, and after less: a directory that was just made."""
        self.assertEqual(self.bridge.stop(), 0)
        os.chmod(self.directory, 0o755)
        away = os.path.join(self.directory, "away")
        subprocess.run(["sh", "-ec", self.documented(away)], check=True)
        self.assertEqual(os.stat(away).st_mode & 0o7777, 0o2770)
        os.chown(away, -1, 0)
        os.chmod(away, 0o700)
        path = os.path.join(away, "messages.db")
        again = self.start_bridge(self.mock, PHONE, "--db-path", path, "--readers-group", READERS.gr_name,
                                  name="again", store=self.store)
        again.wait_status("ok")
        self.assertEqual(self.read_as_reader(path), "1", again.tail())
        self.assertEqual(again.stop(), 0)
        # Beside whatsapp.db, which stays closed.
        os.rename(path, self.in_store("messages.db"))
        again = self.start_bridge(self.mock, PHONE, "--readers-group", READERS.gr_name, name="beside", store=self.store)
        again.wait_status("ok")
        self.assertEqual(self.read_as_reader(self.in_store("messages.db")), "1", again.tail())
        self.assertIn("unable to open", self.read_as_reader(self.in_store("whatsapp.db"), "whatsmeow_device"))
        self.assertEqual(again.stop(), 0)
        # What is not ours to open is named.
        os.rename(self.in_store("messages.db"), path)
        os.chown(away, -1, 0)
        os.chmod(away, 0o700)
        with open(os.path.join(away, "other"), "w", encoding="ascii"):
            pass
        again = self.start_bridge(self.mock, PHONE, "--db-path", path, "--readers-group", READERS.gr_name,
                                  name="closed", store=self.store)
        again.wait_api()
        wanted = f"the group {READERS.gr_name} cannot enter {away} (mode 0700): chgrp {READERS.gr_name} {away}; chmod 2770 {away}"
        again.poll(lambda: wanted in again.stderr() + "\n".join(again.lines), 20, wanted)

    def test_tools_find_databases_that_lie_elsewhere(self):
        """By the options that the bridge has for it."""
        self.assertEqual(self.bridge.stop(), 0)
        away = os.path.join(self.directory, "away")
        os.mkdir(away, 0o700)
        for name in ("whatsapp.db", "messages.db"):
            os.rename(self.in_store(name), os.path.join(away, name))
        where = ("--store", self.store, "--whatsapp-db-path", os.path.join(away, "whatsapp.db"))
        for option, tool, *args in (("--db-path", "bridge-handback"),
                                    ("--db-path", "bridge-convert-timestamps", "--to", "text"),
                                    ("--messages", "bridge-handback", "--dry-run"),
                                    ("--messages", "bridge-convert-timestamps", "--to", "integer")):
            done = self.run_tool(tool, *where, option, os.path.join(away, "messages.db"), *args)
            self.assertEqual(done.returncode, 0, done)
        self.assertEqual([name for name in os.listdir(self.store) if name.endswith(".db")], [])

    def test_the_way_back_names_times_that_are_numbers(self):
        """With the command that makes them text, after which it is silent."""
        self.assertEqual(self.bridge.stop(), 0)
        messages = os.path.join(self.directory, "a name", "messages.db")
        os.mkdir(os.path.dirname(messages), 0o700)
        os.rename(self.in_store("messages.db"), messages)
        done = self.run_tool("bridge-handback", "--store", self.store, "--db-path", messages)
        self.assertEqual(done.returncode, 0, done)
        told, command = done.stdout.split("The times in messages.db are numbers; ")[1].splitlines()[:2]
        self.assertIn("text", told)
        tool, *args = shlex.split(command)
        self.assertEqual((tool, args), ("bridge-convert-timestamps", ["--store", self.store, "--db-path", messages, "--to", "text"]))
        self.assertEqual(self.run_tool(tool, *args).returncode, 0)
        done = self.run_tool("bridge-handback", "--store", self.store, "--db-path", messages)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn("numbers; ", done.stdout)


if __name__ == "__main__":
    unittest.main()
