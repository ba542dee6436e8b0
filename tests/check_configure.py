#!/usr/bin/env python3
"""How CMake behaves at the edges: a missing library, an install, warnings.

check_configure.py SOURCE CMAKE
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, CMAKE = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
# pkg-config as if some modules were not installed.
WITHOUT = """#!/bin/sh
for word in "$@"; do
    case " %s " in *" ${word%%%% *} "*) exit 1 ;; esac
done
exec %s "$@"
"""


def configure(build, *args, env=None):
    return subprocess.run([CMAKE, "-S", SOURCE, "-B", build, "-G", "Ninja", *args], capture_output=True,
                          text=True, check=False, timeout=120, env={**os.environ, **(env or {})})


class Configure(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wb-configure-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def without(self, *modules):
        path = self.directory / "pkg-config"
        path.write_text(WITHOUT % (" ".join(modules), shutil.which("pkg-config")), encoding="ascii")
        path.chmod(0o755)
        return f"-DPKG_CONFIG_EXECUTABLE={path}"

    def test_what_is_missing_is_told_with_its_group(self):
        for module, group in (("libwebsockets", "build"), ("libprotobuf-c", "build"), ("cmocka", "test"),
                              ("libsignal-protocol-c", "test")):
            with self.subTest(module):
                build = self.directory / module
                done = configure(build, self.without(module))
                said = " ".join(done.stderr.split())  # CMake breaks lines
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(module, said)
                self.assertIn(f"tools/setup-debian {group}`", said)

    def test_nothing_is_looked_for_without_its_group(self):
        """Libraries are looked for by cmake/Need.cmake, which names the group; exceptions stand
        here with their reason."""
        reasons = {"CMakeLists.txt": 1,  # clang, before CMake looks for it itself
                   "tests/CMakeLists.txt": 1}  # Python3, with wb_missing() behind it
        found = {}
        for path in (*SOURCE.glob("*/CMakeLists.txt"), *SOURCE.glob("tools/*/CMakeLists.txt"),
                     *SOURCE.glob("cmake/*.cmake"), SOURCE / "CMakeLists.txt"):
            if path.name == "Need.cmake":
                continue
            calls = re.findall(r"^\s*(?:pkg_check_modules|pkg_search_module|find_package|find_program|"
                               r"find_library)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
            if calls:
                found[str(path.relative_to(SOURCE))] = len(calls)
        self.assertEqual(found, reasons)

    def flags(self, build):
        with open(build / "compile_commands.json", encoding="utf-8") as file:
            return {"-Werror" in entry["command"].split() for entry in json.load(file)
                    if "/schema/" not in entry["file"] and "/assets/" not in entry["file"]}

    def test_a_users_build_takes_warnings_and_installs_nothing_silently(self):
        build = self.directory / "user"
        done = configure(build, "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.flags(build), {False}, "warnings are errors in a user's build")
        prefix = self.directory / "prefix"
        done = subprocess.run([CMAKE, "--install", build, "--prefix", prefix], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0, "an install that installs nothing")
        self.assertIn("nothing was installed", " ".join(done.stderr.split()))
        self.assertFalse(prefix.exists())

    def test_in_our_own_presets_warnings_are_errors(self):
        with open(SOURCE / "CMakePresets.json", encoding="utf-8") as file:
            presets = {preset["name"]: preset.get("cacheVariables", {}) for preset in json.load(file)["configurePresets"]}
        for name in ("dev", "fuzz", "coverage"):
            self.assertEqual(presets[name].get("WB_WERROR"), "ON", name)
        self.assertNotIn("WB_WERROR", presets["release"])
        build = self.directory / "ours"
        self.assertEqual(configure(build, "-DWB_WERROR=ON").returncode, 0)
        self.assertEqual(self.flags(build), {True}, "some of our own files are not held to it")
        self.assertRegex((SOURCE / "tools" / "test").read_text(encoding="utf-8"),
                         r"build_preset release .*-DWB_WERROR=ON")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
