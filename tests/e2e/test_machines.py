"""The scripts that set a machine up, and the tests' other Debian: what they do when something is not to be had."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness.case import Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534

# Has what dpkg-query is asked for once apt-get has installed it; cannot install what stands in `missing`.
FAKE_APT = """#!/bin/bash
here=$(dirname "$0")
[[ " $* " == *" install "* ]] || exit 0
for word; do
    case $word in
        -* | install) ;;
        *) grep -qx "$word" "$here/missing" && { echo "E: Unable to locate package $word" >&2; exit 100; }
           packages+=("$word") ;;
    esac
done
printf '%s\\n' "${packages[@]}" >> "$here/installed"
"""
FAKE_DPKG = """#!/bin/bash
grep -qx -- "${!#}" "$(dirname "$0")/installed" && echo -n installed
"""


class SetUpDebian(Case):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.directory) / "path"
        self.path.mkdir()
        for name in ("bash", "grep", "sort", "head", "dirname", "tr"):
            (self.path / name).symlink_to(shutil.which(name))
        for name, text in (("apt-get", FAKE_APT), ("dpkg-query", FAKE_DPKG), ("sudo", '#!/bin/bash\n"$@"\n')):
            (self.path / name).write_text(text)
            (self.path / name).chmod(0o755)
        self.state("installed", "")
        self.state("missing", "")

    def state(self, name, text):
        (self.path / name).write_text(text)

    def installed(self):
        return (self.path / "installed").read_text().split()

    def run_setup(self, *args, release="13"):
        return subprocess.run([ROOT / "tools/setup-debian", *args], capture_output=True, text=True, timeout=60,
                              check=False, env={"PATH": str(self.path), "WB_DEBIAN": release})

    def names(self, release, *groups):
        done = self.run_setup("--list", *groups, release=release)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.installed(), [])
        return done.stdout.split()

    def test_knows_the_names_of_both_releases(self):
        self.assertIn("libclang-rt-14-dev", self.names("12", "test"))
        self.assertIn("libclang-rt-dev", self.names("13", "test"))
        self.assertEqual(self.names("12", "build"), self.names("13", "build"))

    def test_a_browser_is_in_a_group_of_its_own(self):
        """What only the tests of screens need keeps nobody from running the others."""
        self.assertEqual(self.names("12", "screens"), ["tmux", "zbar-tools", "chromium"])
        self.assertEqual(set(self.names("12", "screens")) & set(self.names("12", "build", "test", "peers")), set())

    def test_a_package_that_cannot_be_had_stops_no_other(self):
        self.state("missing", "golang-go\nlibcmocka-dev\n")
        done = self.run_setup("peers", "test", "build")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be had on Debian 13: golang-go (peers)", done.stderr)
        self.assertIn("cannot be had on Debian 13: libcmocka-dev (test)", done.stderr)
        wanted = set(self.names_of_all()) - {"golang-go", "libcmocka-dev"}
        self.assertEqual(wanted - set(self.installed()), set())

    def names_of_all(self):
        done = self.run_setup("--list", "build", "test", "peers")
        return done.stdout.split()

    def test_what_is_there_is_not_installed_again(self):
        self.assertEqual(self.run_setup("build").returncode, 0)
        once = self.installed()
        self.assertIn("libwebsockets-dev", once)
        self.assertEqual(self.run_setup("build").stdout, "")
        self.assertEqual(self.installed(), once)

    def test_an_unknown_group_installs_nothing(self):
        done = self.run_setup("build", "nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown group 'nonsense'", done.stderr)
        self.assertEqual(self.installed(), [])


def run_release(*args, uid=None, root=ROOT, **env):
    return subprocess.run([root / "tools/test", *args], capture_output=True, text=True, timeout=120, check=False,
                          user=uid, env={**os.environ, **env})


class OtherRelease(Case):
    def test_a_release_that_is_not_known_is_refused(self):
        for release in ("", "sid"):
            done = run_release("--release", release, WB_CHROOT_DIR=f"{self.directory}/kept")
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage", done.stderr)
        self.assertFalse(os.path.exists(f"{self.directory}/kept"))

    @unittest.skipUnless(os.geteuid() == 0, "becomes another user")
    def test_without_root_nothing_is_done(self):
        os.chmod(self.directory, 0o777)
        # The tree may lie below a directory that lets nobody in but its owner: its scripts are enough here.
        copy = pathlib.Path(self.directory, "tree")
        (copy / "tools").mkdir(parents=True)
        for path in (ROOT / "tools").iterdir():
            if path.is_file():
                shutil.copy(path, copy / "tools")
        done = run_release("--release", "trixie", uid=NOBODY, root=copy, WB_CHROOT_DIR=f"{self.directory}/kept")
        self.assertEqual(done.returncode, 2)
        self.assertIn("takes root: nothing was done", done.stderr)
        self.assertFalse(os.path.exists(f"{self.directory}/kept"))


class Arm64(Case):
    """tools/test-arm64 with the programs that would make its chroot in the test's hands."""
    DEBOOTSTRAP = '#!/bin/bash\necho "${@: -1}" >"$HERE/mirror"\nmkdir -p "${@: -2:1}"\n'
    CHROOT = '#!/bin/bash\n[[ $* != *"apt-get -qq -y"* ]] || { echo "E: no such package" >&2; exit 100; }\n'

    @unittest.skipUnless(os.geteuid() == 0, "it demands root")
    def test_a_chroot_that_lacks_packages_is_not_complete(self):
        path = pathlib.Path(self.directory) / "path"
        path.mkdir()
        for name, text in (("debootstrap", self.DEBOOTSTRAP), ("chroot", self.CHROOT), ("unshare", "#!/bin/bash\nexit 1\n")):
            (path / name).write_text(text)
            (path / name).chmod(0o755)
        done = subprocess.run([ROOT / "tools/test-arm64"], capture_output=True, text=True, timeout=60, check=False, env={
            **os.environ, "PATH": f"{path}:{os.environ['PATH']}", "HERE": self.directory,
            "WB_BUILD_DIR": self.directory, "WB_DEBIAN_MIRROR": "http://127.0.0.1:9/debian"})
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("the chroot cannot be made", done.stderr)
        self.assertIn("E: no such package", done.stderr)
        self.assertFalse(os.path.exists(f"{self.directory}/arm64/root/complete"))
        with open(f"{self.directory}/mirror", encoding="ascii") as file:
            self.assertEqual(file.read(), "http://127.0.0.1:9/debian\n")

    def test_every_shipped_program_is_built(self):
        text = (ROOT / "tools/test-arm64").read_text()
        for name in ("whatsapp-bridge", "bridge-backup", "bridge-import", "bridge-handback", "bridge-convert-timestamps"):
            self.assertRegex(text, rf"--target [^&]*\b{name}\b")


class Tidy(Case):
    def test_a_build_directory_is_seen_from_where_one_stands(self):
        path = pathlib.Path(self.directory) / "path"
        path.mkdir()
        (path / "clang-tidy").write_text('#!/bin/bash\n[[ $1 != --version ]] && echo "$3" || echo "version 14.0.6"\n')
        (path / "clang-tidy").chmod(0o755)
        done = subprocess.run([ROOT / "tools/check-tidy", "base/log.c"], capture_output=True, text=True, timeout=60,
                              check=False, cwd=self.directory,
                              env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "WB_BUILD_DIR": "builds"})
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.directory}/builds/dev\n"), done)
