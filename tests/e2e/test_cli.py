"""Command line, settings and exit status, as a user meets them."""

import os
import stat
import unittest

from harness import bridge
from harness.case import Case

PHONE = "27820000001"
OPTIONS = ("--phone", "--config", "--store", "--role", "--bind", "--port", "--api-token-file",
           "--pair-code", "--log-file", "--log-level", "--log-format", "--server-url", "--root-key",
           "--ca-file", "--wa-version", "--help", "--version")
USAGE_ERROR = 2
# A server that nobody listens on: a test of settings must not get as far as connecting.
NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)


class SettingsTest(Case):
    def refuse(self, *args, culprit, env=None, config=None):
        """The bridge ends with status 2, names the culprit, and has made nothing."""
        store = os.path.join(self.directory, "store")
        argv = ["--store", store, *NOWHERE, *args]
        if config is not None:
            path = os.path.join(self.directory, "bridge.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            argv += ["--config", path]
        done = bridge.run_once(*argv, env=bridge.clean_env(**(env or {})), cwd=self.directory)
        self.assertEqual(done.returncode, USAGE_ERROR, done)
        self.assertIn(culprit, done.stderr)
        self.assertFalse(os.path.exists(store), "made before the settings were checked")
        return done.stderr

    def test_help(self):
        done = bridge.run_once("--help")
        self.assertEqual(done.returncode, 0)
        for option in OPTIONS:
            self.assertIn(option, done.stdout)
        for name in ("WHATSAPP_PHONE", "WHATSAPP_DB_PATH", "DB_PATH"):
            self.assertIn(name, done.stdout)
        for default in ("8080", "127.0.0.1", "./store"):
            self.assertIn(default, done.stdout)
        for key in ("phone_number", "whatsapp_db_path", "log_path", "monitored_groups"):
            self.assertIn(key, done.stdout)

    def test_version(self):
        done = bridge.run_once("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^whatsapp-bridge \d+\.\d+\.\d+")

    def test_unknown_option(self):
        self.refuse("--phone", PHONE, "--colour", culprit="--colour")

    def test_left_over_argument(self):
        self.refuse("--phone", PHONE, "surplus", culprit="surplus")

    def test_no_phone(self):
        self.refuse(culprit="--phone")

    def test_bad_phones(self):
        for number in ("0820000001", "12", "+2782000000x", "", "278200000012345678"):
            with self.subTest(number):
                self.refuse("--phone", number, culprit="phone")

    def test_bad_values(self):
        for option, value in (("--port", "0x50"), ("--port", "70000"), ("--port", ""),
                              ("--log-level", "loud"), ("--log-format", "xml"),
                              ("--root-key", "abcd"), ("--root-key", "zz" * 32),
                              ("--server-url", "http://127.0.0.1/"), ("--bind", "no/address"),
                              ("--wa-version", "three"), ("--api-token-file", "/nonexistent/token"),
                              ("--ca-file", "/nonexistent/ca.pem")):
            with self.subTest(option=option, value=value):
                self.refuse("--phone", PHONE, option, value, culprit=option[2:])

    def test_keys_for_backups_are_looked_at_before_the_first_backup(self):
        path = os.path.join(self.directory, "key")
        for option, text in (("--backup-public-key", "victim\n"), ("--backup-public-key", ""),
                             ("--backup-public-key", "ab" * 31), ("--backup-passphrase-file", "short\n"),
                             ("--backup-passphrase-file", "\nsecond line of more than twelve\n")):
            with self.subTest(option=option, text=text):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
                self.refuse("--phone", PHONE, option, path, culprit=option[2:])

    def test_missing_value(self):
        self.refuse("--phone", PHONE, "--port", culprit="--port")

    def test_config_file(self):
        for text, culprit in (("phone_number: \"+27820000001\"\ncolour: red\n", "colour"),
                              ("phone_number: [1, 2]\n", "phone_number"),
                              ("phone_number: \"+27820000001\"\nport: many\n", "port"),
                              ("phone_number: \"+27820000001\"\n  port: 1\n", "bridge.yaml")):
            with self.subTest(text):
                self.refuse(config=text, culprit=culprit)
        self.refuse("--phone", PHONE, "--config", "/nonexistent/bridge.yaml",
                    culprit="/nonexistent/bridge.yaml")

    def test_many_wrong_settings(self):
        """More faults than anybody wants to read: the first ones are shown."""
        said = self.refuse("--phone", PHONE, *("--port", "many") * 2000, culprit="--port: 'many'")
        self.assertTrue(said.endswith(" ..."), said[-200:])

    def test_environment(self):
        self.refuse(env={"WHATSAPP_PHONE": "12"}, culprit="WHATSAPP_PHONE")
        self.refuse("--phone", PHONE, env={"WHATSAPP_PORT": "many"}, culprit="WHATSAPP_PORT")

    def test_outside_needs_a_token(self):
        self.refuse("--phone", PHONE, "--bind", "0.0.0.0", culprit="token")

    def test_order_of_settings(self):
        """The command line beats the environment, which beats the file."""
        mock = self.start_mock()
        path = os.path.join(self.directory, "bridge.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("phone_number: \"+27820000003\"\nrole: from-file\n")
        program = self.start_bridge(mock, PHONE, "--config", path,
                                    env=bridge.clean_env(WHATSAPP_PHONE="27820000002",
                                                         WHATSAPP_ROLE="from-env"))
        program.wait_api()
        health = program.health()
        self.assertEqual(health["role"], "from-env")
        self.assertIn(PHONE, health["phone"])

    def test_files_are_private(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()
        self.assertEqual(stat.S_IMODE(os.stat(program.store).st_mode), 0o700)
        for name in os.listdir(program.store):
            path = os.path.join(program.store, name)
            mode = stat.S_IMODE(os.stat(path).st_mode)
            self.assertEqual(mode, 0o700 if os.path.isdir(path) else 0o600, name)


if __name__ == "__main__":
    unittest.main()
