"""What bridge-backup says to people: each message says what is so, and what to do."""

import os
import re
import subprocess
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case

PHONE = "27820000001"
DONE, FAILED, USAGE = range(3)
NO_SUCH = "there is no backup of this name; 'bridge-backup list' shows them"


class BackupWords(Case):
    def setUp(self):
        super().setUp()
        self.store = os.path.join(self.directory, "store")
        self.key = os.path.join(self.directory, "key")

    def tool(self, *args, status=DONE):
        done = subprocess.run([paths.BACKUP, "--store", self.store, *args], capture_output=True, text=True, timeout=60,
                              check=False, env=clean_env())
        self.assertEqual(done.returncode, status, done)
        return done

    def paired(self):
        bridge = self.start_bridge(self.start_mock("--contacts", "1"), PHONE, store=self.store)
        bridge.pair_by_qr()
        bridge.wait_status("ok")
        bridge.stop()
        return re.match(r"\S+", self.tool("create").stdout)[0]

    def test_what_is_missing_is_asked_for(self):
        for words, said in (
                (("restore",), "restore: name a backup (see list), 'latest', or a file"),
                (("seal", "--passphrase-file", "x"), "seal: name a backup (see list)"),
                (("unseal",), "unseal: name a sealed file and a new directory"),
                (("unseal", "x.sealed"), "unseal: name a sealed file and a new directory"),
                (("keygen",), "keygen: name a new file for the secret key"),
                (("seal", "x"), "seal: give --public-key-file or --passphrase-file"),
                (("seal", "x", "--public-key-file", "a", "--passphrase-file", "b"),
                 "seal: give only one of --public-key-file and --passphrase-file"),
                (("restore", "x.sealed"), "x.sealed: is sealed: give --secret-key-file or --passphrase-file")):
            with self.subTest(words):
                self.assertEqual(self.tool(*words, status=USAGE).stderr, f"bridge-backup: {said}\n")

    def test_nothing_is_overwritten(self):
        self.tool("keygen", self.key)
        self.assertEqual(self.tool("keygen", self.key, status=FAILED).stderr,
                         f"bridge-backup: {self.key} is there already and is not overwritten: name another file\n")

    def test_names_and_results(self):
        name = self.paired()
        for wrong in ("nonsense", "20260101T000000Z-manual"):
            self.assertEqual(self.tool("verify", wrong, status=FAILED).stdout, f"{wrong}: {NO_SUCH}\n")
            self.assertEqual(self.tool("restore", wrong, status=FAILED).stderr, f"bridge-backup: {wrong}: {NO_SUCH}\n")
        kept = len(self.tool("list").stdout.splitlines())
        self.assertEqual(self.tool("prune").stdout,
                         f"nothing to remove: {kept} backup{' is' if kept == 1 else 's are'} kept\n")
        said = self.tool("restore", name, "--dry-run", "--messages", "never").stdout
        self.assertIn("messages.db would be left as it is: --messages never\n", said)
        said = self.tool("restore", name, "--dry-run", "--only", "messages", "--messages", "always").stdout
        self.assertIn("whatsapp.db would be left as it is: --only messages\n", said)
        said = self.tool("restore", name).stdout
        self.assertIn("messages.db was left as it is: it is good, and may know more than the backup "
                      "(--messages always replaces it)\n", said)
        self.assertRegex(said, r"Sessions: \d+, each set up anew with the next message to that device\. "
                               r"Group keys: \d+, made anew\. Sends whose outcome is not known: 0 \(restored_unknown\)\n")


if __name__ == "__main__":
    unittest.main()
