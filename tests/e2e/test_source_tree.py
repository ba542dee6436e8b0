"""tools/run as a user types it, and a source tree that is only read."""

import os
import stat
import subprocess
import sys
import unittest

from harness import paths
from harness.bridge import clean_env
from harness.case import Case

PHONE = "+27820000001"
RUN = os.path.join(paths.SOURCE, "tools", "run")
# A namespace in which the source tree is there a second time, read-only.
READ_ONLY = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-ec",
             'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"', "sh"]
# In the place of a build of minutes: says what it was asked for, and "builds" a bridge that says the same.
CMAKE = """#!/bin/sh
echo "$*" >>"$ASKED"
for word in "$@"; do
    [ "$before" = --build ] && mkdir -p "$word" && cp "$BRIDGE" "$word/whatsapp-bridge"
    before=$word
done
"""
INSTALLED = "#!/bin/sh\necho installed\n"  # what setup-debian asks for each package
BRIDGE = '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n'


def can_mount(directory):
    return subprocess.run([*READ_ONLY, paths.SOURCE, directory, "true"], capture_output=True,
                          check=False).returncode == 0


class Scripts(Case):
    def test_what_names_its_interpreter_can_be_run(self):
        found = 0
        for folder in ("tests", "tools", ".ci"):
            for place, folders, names in os.walk(os.path.join(paths.SOURCE, folder)):
                folders[:] = [name for name in folders if name not in ("node_modules", "__pycache__", "target")]
                for path in (os.path.join(place, name) for name in names):
                    with open(path, "rb") as file:
                        if file.read(3) != b"#!/":
                            continue
                    found += 1
                    self.assertTrue(os.stat(path).st_mode & stat.S_IXUSR, path)
        self.assertGreater(found, 10)


class ToolsRun(Case):
    def setUp(self):
        super().setUp()
        self.asked = os.path.join(self.directory, "asked")
        self.builds = os.path.join(self.directory, "builds")
        self.config = os.path.join(self.directory, "bridge.yaml")
        for name, text in (("cmake", CMAKE), ("dpkg-query", INSTALLED), ("bridge", BRIDGE)):
            path = os.path.join(self.directory, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, stat.S_IRWXU)

    def run_it(self, *args, run=RUN, under=(), status=0, **env):
        env = {"WB_BUILD_DIR": self.builds, **env}
        done = subprocess.run([*under, run, *args], capture_output=True, text=True, check=False, timeout=60,
                              env=clean_env(PATH=self.directory + ":" + os.environ["PATH"], ASKED=self.asked,
                                            BRIDGE=os.path.join(self.directory, "bridge"), **env))
        self.assertEqual(done.returncode, status, done)
        return done

    def given(self, *args, **options):
        """What the bridge was started with."""
        program, *words = self.run_it(*args, **options).stdout.splitlines()
        self.assertEqual(program, os.path.join(self.builds, "release", "whatsapp-bridge"))
        return words

    def test_options_come_in_any_order(self):
        data = os.path.join(paths.SOURCE, "data")
        self.assertEqual(self.given("--phone", PHONE), ["--store", data, "--phone", PHONE])
        self.assertEqual(self.given(f"--phone={PHONE}"), ["--store", data, f"--phone={PHONE}"])
        for words in (["--store", "X", "--phone", PHONE], ["--phone", PHONE, "--store", "X"],
                      ["--port", "8081", "--store=X", "--phone", PHONE], ["--pair-code", "--store", "X", f"--phone={PHONE}"]):
            self.assertEqual(self.given(*words), words)
        self.assertEqual(self.given("--pair-code", WHATSAPP_PHONE=PHONE), ["--store", data, "--pair-code"])
        self.assertEqual(self.given("--phone", PHONE, WHATSAPP_STORE="X"), ["--phone", PHONE])

    def test_a_config_file_without_a_store_does_not_use_the_sources_folder(self):
        """./store, the default, is a folder of sources there."""
        for text, store in (("phone_number: \"+27820000001\"\n", ["--store", os.path.join(paths.SOURCE, "data")]),
                            ("store: /var/lib/x\n", [])):
            with open(self.config, "w", encoding="ascii") as file:
                file.write(text)
            for words in (["--config", self.config], [f"--config={self.config}"], ["--port", "0", "--config", self.config]):
                self.assertEqual(self.given(*words), store + words)

    def test_usage(self):
        for words in ((), ("--store", "X"), ("--port", "8081")):
            self.assertIn("tools/run --phone", self.run_it(*words, status=2).stderr)
        for word in ("-h", "--help"):
            for words in ((word,), ("--demo", word), ("--demo", "--once", word), ("--phone", PHONE, word),
                          (f"--phone={PHONE}", word), ("--store=X", word)):
                self.assertIn("tools/run --phone", self.run_it(*words).stdout)
        self.assertFalse(os.path.exists(self.asked), "built for nothing")

    def test_help_behind_an_option_is_its_value(self):
        self.assertEqual(self.given("--phone", PHONE, "--store=X", "--push-name", "-h"),
                         ["--phone", PHONE, "--store=X", "--push-name", "-h"])

    def test_the_first_build_does_not_look_like_a_hang(self):
        said = f"building (some minutes the first time); its output goes to {self.builds}/run-build.log"
        self.assertIn(said, self.run_it("--phone", PHONE, "--store", "X").stderr)
        self.assertNotIn("building", self.run_it("--phone", PHONE, "--store", "X").stderr)

    def test_a_users_build_takes_warnings(self):
        self.run_it("--phone", PHONE, "--store", "X")
        with open(self.asked, encoding="utf-8") as file:
            self.assertIn("-DWB_WERROR=OFF", file.read())

    def test_a_source_tree_that_is_only_read(self):
        tree = os.path.join(self.directory, "tree")
        os.makedirs(tree)
        if not can_mount(tree):
            self.skipTest("no right to mount here")
        under, run = [*READ_ONLY, paths.SOURCE, tree], os.path.join(tree, "tools", "run")
        self.assertEqual(self.given("--phone", PHONE, "--store", "X", run=run, under=under),
                         ["--phone", PHONE, "--store", "X"])
        said = self.run_it("--phone", PHONE, "--store", "X", run=run, under=under, status=1, WB_BUILD_DIR="").stderr
        self.assertIn("WB_BUILD_DIR=DIR", said)
        said = self.run_it("--phone", PHONE, run=run, under=under, status=1).stderr
        self.assertIn("--store DIR", said)
        said = self.run_it(run=os.path.join(tree, "tools", "test"), under=under, status=1, WB_BUILD_DIR="").stderr
        self.assertIn("WB_BUILD_DIR=DIR", said)

        # The real one: what is generated and compiled lands in the builds.
        build = os.path.join(self.directory, "real")
        done = subprocess.run([*under, "sh", "-ec", 'cd "$1" && cmake --preset release -B "$2" -DBUILD_TESTING=OFF && cmake --build "$2" '
                               '--target wa_schema', "sh", tree, build],
                              capture_output=True, text=True, check=False, timeout=300,
                              env={**os.environ, "CMAKE_C_COMPILER_LAUNCHER": ""})
        self.assertEqual(done.returncode, 0, done.stderr[-4000:] + done.stdout[-4000:])

    def test_the_peers_are_built_beside_the_builds(self):
        """Without npm, which would fetch packages: what comes before it writes nothing into the tree."""
        tree = os.path.join(self.directory, "tree")
        os.makedirs(tree)
        if not can_mount(tree):
            self.skipTest("no right to mount here")
        npm = os.path.join(self.directory, "npm")
        with open(npm, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\n[ -f package-lock.json ] && [ -f .npmrc ] && [ -f client.mjs ] || exit 3\npwd >"$ASKED"\nexit 4\n')
        os.chmod(npm, stat.S_IRWXU)
        done = subprocess.run([*READ_ONLY, paths.SOURCE, tree, sys.executable,
                               os.path.join(tree, "tests", "peers", "run_peers.py"), "--prepare"],
                              capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "WB_BUILD_DIR": self.builds, "ASKED": self.asked, "CI": "",
                                   "PATH": self.directory + ":" + os.environ["PATH"], "WB_PEERS_BUILD": os.path.join(self.builds, "peers")})
        self.assertEqual(done.returncode, 77, done)  # "npm ci" has failed
        with open(self.asked, encoding="utf-8") as file:
            self.assertEqual(file.read().strip(), os.path.join(self.builds, "peers", "baileys"))


if __name__ == "__main__":
    unittest.main()
