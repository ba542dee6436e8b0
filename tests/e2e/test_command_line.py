"""What the programs say to people on the command line, and about unlinking: each message names what is so."""

import os
import re
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env, free_port, run_once
from harness.case import Case

PHONE = "27820000001"
PROGRAMS = {"whatsapp-bridge": 6, "bridge-backup": 6, "bridge-import": 4, "bridge-convert-timestamps": 4,
            "bridge-handback": 4}
NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)
# A message that was put together of parts, one of which was empty.
LOOSE_END = re.compile(r"\(\)|: *\.|[.:;,] *$|\. *\.", re.MULTILINE)


def run(name, *args):
    return subprocess.run([os.path.join(paths.BUILD, name), *args], capture_output=True, text=True, check=False,
                          timeout=20, env=clean_env())


class Help(Case):
    def test_h_is_help(self):
        for name in (*PROGRAMS, "wa-mock"):
            with self.subTest(name):
                short, long = run(name, "-h"), run(name, "--help")
                self.assertEqual((short.returncode, short.stdout, short.stderr), (0, long.stdout, ""))
                self.assertGreater(len(short.stdout), 200)
                self.assertIn("-h", short.stdout)
        # Behind an option that takes a value it is that value.
        self.assertIn("--role", run_once("--phone", PHONE, "--role", "-h.", *NOWHERE).stderr)

    def test_help_lists_every_exit_status(self):
        for name, statuses in PROGRAMS.items():
            with self.subTest(name):
                said = " ".join(run(name, "--help").stdout.split("Exit status:")[1].split())
                self.assertEqual([int(n) for n in re.findall(r"(?:^|[;,]) ?(\d) [a-z]", said)], list(range(statuses)),
                                 said)

    def test_each_setting_has_a_sentence_beside_it(self):
        """At one column, and whole without the option: "--x-interval SECONDS between ..." is read as one."""
        lines = run("whatsapp-bridge", "--help").stdout.split("\n\n")[2].splitlines()
        texts = []
        for option, text in zip(lines, lines[1:]):
            if option.startswith("  --"):
                texts.append(option[31:] if len(option) > 31 else text[31:])
                self.assertRegex(texts[-1], r"^[A-Za-z]", option)
                self.assertNotRegex(texts[-1], r"^(and|or|between|asked) ", option)
        self.assertGreater(len(texts), 30)
        self.assertIn("encrypt what the hook gets with the passphrase on the first line of this file", texts)

    def test_every_program_knows_its_version(self):
        said = run("whatsapp-bridge", "--version").stdout
        version = said.split()[1]
        for name in (*PROGRAMS, "bridge-handback", "wa-mock"):
            done = run(name, "--version")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{name} {version}\n", ""))
            self.assertIn("--version", run(name, "--help").stdout)

    def test_the_docs_list_the_same(self):
        with open(os.path.join(paths.SOURCE, "docs", "operations.md"), encoding="utf-8") as file:
            table = re.findall(r"^\| (\d) \| ", file.read(), re.MULTILINE)
        self.assertEqual([int(n) for n in table], list(range(PROGRAMS["whatsapp-bridge"])))


class Options(Case):
    def refused(self, *args):
        done = run_once("--phone", PHONE, "--store", os.path.join(self.directory, "store"), *NOWHERE, *args)
        self.assertEqual(done.returncode, 2, done)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "store")))
        return done.stderr

    def test_a_web_version_is_a_whole_one(self):
        for value in ("3", "1045649367", "2.3000.", "2.3000.x", "2.2413.1", "2.3000.0", "2.3000.1.1"):
            with self.subTest(value):
                self.assertIn(f"--wa-version: '{value}' is not a version of the web client, such as 2.3000.",
                              self.refused("--wa-version", value))

    def test_a_name_that_is_not_loopback_is_told_which_are(self):
        """Nobody has looked whether it is one: no address of it is asked for."""
        for bind in ("nosuch.invalid", "192.0.2.1"):
            self.assertIn(f"--bind: '{bind}' is not known as loopback (use localhost, 127.0.0.1 or ::1)",
                          self.refused("--bind", bind))

    def test_an_empty_value_is_none(self):
        """A script's variable that is not set: `--store ""` is not the root directory."""
        for name, rest, options in (
                ("bridge-backup", ("list",), ("--store", "--backups", "--db-path", "--whatsapp-db-path")),
                ("bridge-handback", ("--store", self.directory), ("--store", "--messages")),
                ("bridge-convert-timestamps", ("--store", self.directory, "--to", "text"), ("--store", "--messages", "--to")),
                ("bridge-import", ("baileys", self.directory), ("--store",))):
            for option in options:
                for empty in ((option, ""), (option + "=",)):
                    with self.subTest(name, empty=empty):
                        done = run(name, *rest, *empty)
                        self.assertEqual((done.returncode, done.stdout, done.stderr),
                                         (2, "", f"{name}: {option}: a value is missing\n"))
        done = run("bridge-backup", "--store", self.directory, "verify", "")
        self.assertEqual((done.returncode, done.stderr), (2, "bridge-backup: an argument is empty\n"))

    def test_the_last_of_two_counts(self):
        """Of options, and of configuration files."""
        files = []
        for role in ("first", "second"):
            files.append(os.path.join(self.directory, role + ".yaml"))
            with open(files[-1], "w", encoding="ascii") as file:
                file.write(f"role: {role}\n")
        program = self.start_bridge(None, PHONE, "--port", (port := free_port()), "--config", files[0],
                                    f"--config={files[1]}", "--log-level", "error", "--log-level=info",
                                    *NOWHERE)
        program.port = port
        program.wait_api()
        self.assertEqual(program.health()["role"], "second")
        self.assertIn("the last one counts", run_once("--help").stdout)

    def test_messages_are_whole_sentences(self):
        """No part of them is empty, and none is said twice."""
        store, file = os.path.join(self.directory, "x"), os.path.join(self.directory, "file")
        with open(file, "w", encoding="ascii") as out:
            out.write("x")
        for args in (("--store", "/proc/nope"), ("--store", file), ("--store", store, "--db-path", "/proc/nope/m.db"),
                     ("--store", store, "--whatsapp-db-path", file + "/w.db"), ("--store", store, "--log-file", "/proc/nope/x"),
                     ("--store", store, "--bind", "192.0.2.1", "--api-token-file", "/dev/null")):
            with self.subTest(args):
                done = run_once("--phone", PHONE, "--port", "0", *NOWHERE, *args)
                self.assertIn(done.returncode, (1, 2), done)
                self.assertTrue(done.stderr.startswith("whatsapp-bridge: "), done.stderr)
                self.assertIsNone(LOOSE_END.search(done.stderr), done.stderr)
                self.assertNotIn("input/output error", done.stderr)


class Tools(Case):
    def test_a_wrong_value_is_named_in_one_line(self):
        """The whole help would hide it."""
        convert, handback, taker = "bridge-convert-timestamps", "bridge-handback", "bridge-import"
        for name, words, said in (
                (convert, ("--store", "x", "--to", "integr"), "--to: 'integr' is not integer or text; see --help"),
                (convert, ("--store", "x"), "--to is missing; see --help"),
                (convert, (), "--store is missing; see --help"),
                (convert, ("--store", "x", "--to", "text", "y"), "y: one argument too many; see --help"),
                (handback, (), "--store is missing; see --help"),
                (taker, (), "what to import is missing: baileys DIR; see --help"),
                (taker, ("baileys", "x"), "--store is missing; see --help"),
                (taker, ("baileys", "--store", "x"), "baileys: DIR is missing; see --help"),
                (taker, ("whatsmeow", "x", "--store", "y"), "'whatsmeow' cannot be imported, only 'baileys'. The store of "
                 "a Go bridge needs no import: start whatsapp-bridge on it")):
            with self.subTest(name=name, words=words):
                done = run(name, *words)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"{name}: {said}\n"))
        for name in (convert, handback, taker):
            done = run(name, "--nonsense")
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done)
            self.assertIn("--nonsense", done.stderr)


class Unlinking(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.bridge = self.start_bridge(self.mock, PHONE)

    def unlink(self, status, error):
        reply = self.bridge.post("/api/unlink")
        self.assertEqual((reply.status, reply.json["error"]), (status, error), reply)
        return reply.json["message"]

    def test_words_fit_the_state(self):
        self.bridge.wait_qr()
        self.assertIn("nothing to unlink", self.unlink(503, "not_connected"))
        self.bridge.pair_by_qr()
        self.assertEqual(self.bridge.post("/api/unlink").status, 200)
        self.bridge.wait_status("logged_out")
        said = self.unlink(503, "not_connected")
        self.assertIn("unlinked already", said)
        self.assertNotIn("on the phone", said)


if __name__ == "__main__":
    unittest.main()
