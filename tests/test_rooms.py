#!/usr/bin/env python3
"""The order of the rooms holds: a forbidden include fails check_includes.py, a forbidden call does not link, and code that
no target builds fails check_built.py.

test_rooms.py [CMAKE]"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import check_built  # noqa: E402
import check_includes  # noqa: E402

CMAKE = sys.argv.pop(1) if len(sys.argv) > 1 else "cmake"

# Two rooms and a file above them, built by the CMake functions that build the real rooms.
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(two_rooms LANGUAGES C)
include(%s/cmake/Rooms.cmake)
add_library(wb_options INTERFACE)
target_include_directories(wb_options INTERFACE ${PROJECT_SOURCE_DIR})
add_library(wb_warnings INTERFACE)
wb_room(house low)
wb_room(house high USES low)
wb_above_rooms(house)
add_executable(program main.c)
target_link_libraries(program PRIVATE house)
wb_check_rooms()
""" % ROOT
FILES = {
    "CMakeLists.txt": PROJECT,
    "house/low/low.h": "int low(void);\n",
    "house/low/low.c": '#include "house/low/low.h"\nint low(void)\n{\n    return 1;\n}\n',
    "house/high/high.h": "int high(void);\n",
    "house/high/high.c": '#include "house/high/high.h"\n#include "house/low/low.h"\nint high(void)\n{\n    return low();\n}\n',
    "house/house.c": '#include "house/high/high.h"\nint house(void);\nint house(void)\n{\n    return high();\n}\n',
    "main.c": "int house(void);\nint main(void)\n{\n    return house() - 1;\n}\n",
}
# Declared by hand, so that no include shows the call.
CALL_UP = "int high(void);\nint up(void);\nint up(void)\n{\n    return high();\n}\n"


class Scratch(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="wb-rooms-"))
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Links(Scratch):
    def setUp(self):
        super().setUp()
        for name, text in FILES.items():
            self.write(name, text)

    def configure(self):
        return self.run_cmake("-S", self.root, "-B", self.root / "build", "-G", "Ninja")

    def run_cmake(self, *args):
        return subprocess.run([CMAKE, *args], capture_output=True, text=True, check=False, timeout=60)

    def build(self, *args):
        done = self.run_cmake("--build", self.root / "build", *args)
        return done.returncode, done.stdout + done.stderr

    def test_a_call_upward_does_not_link(self):
        self.assertEqual(self.configure().returncode, 0)
        code, said = self.build()
        self.assertEqual(code, 0, said)
        self.write("house/low/up.c", CALL_UP)
        self.assertEqual(self.configure().returncode, 0)
        code, said = self.build()
        self.assertNotEqual(code, 0)
        self.assertRegex(said, r"undefined reference to [`']high'")
        self.assertIn("links_house_low", said)
        self.assertEqual(self.build("--target", "program")[0], 0)  # hence a link of each room

    def test_a_room_without_code_and_one_that_uses_what_is_not_below_it(self):
        for line, said in (("wb_room(house cellar)", "no source file"),
                           ("wb_room(house high USES attic)", "no target and no room below it")):
            self.write("CMakeLists.txt", PROJECT.replace("wb_room(house high USES low)", line))
            done = self.configure()
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, " ".join(done.stderr.split()))


class Includes(Scratch):
    """Checks on a copy of the real sources."""

    def setUp(self):
        super().setUp()
        for folder in check_includes.ORDER:
            shutil.copytree(ROOT / folder, self.root / folder,
                            ignore=lambda where, names: [name for name in names if (pathlib.Path(where) / name).is_file()
                                                         and not name.endswith((".c", ".h"))])
        for name in check_includes.LINKS:
            self.write(name, (ROOT / name).read_text(encoding="utf-8"))

    def include(self, name, header):
        path = self.root / name
        path.write_text(f"#include {header}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")

    def test_what_may_not_be_included(self):
        self.assertEqual(check_includes.check(self.root), [])
        for name, header in (("bridge/platform/timers.c", '"bridge/conn/conn.h"'),
                             ("bridge/recovery/backups.c", '"bridge/conn/conn.h"'),
                             ("bridge/send/mention.c", '"bridge/receive/in_message.h"'),
                             ("tools/mock/people/actor.c", '"tools/mock/link/pair.h"'),
                             ("api/call/query.c", '"bridge/dispatch/dispatch.h"'),
                             ("bridge/calls/health.c", '"bridge/receive/in_message_private.h"'),
                             ("bridge/calls/health.c", '"bridge/send/out_wait.h"'),
                             ("bridge/bridge.c", '"bridge/pair/pairing.h"'),
                             ("api/http/http_head.c", '"api/route/route.h"'),
                             ("store/db/db.c", '"bridge/platform/timers.h"'),
                             ("bridge/core/iq.c", "<yaml.h>")):
            with self.subTest(name):
                before = (self.root / name).read_text(encoding="utf-8")
                self.include(name, header)
                bad = check_includes.check(self.root)
                self.assertEqual(len(bad), 1, bad)
                self.assertTrue(bad[0].startswith(f"{name}:1: "), bad)
                self.write(name, before)

    def test_lines_of_the_build_that_are_not_the_rooms(self):
        for name, line, put, said in (
                ("CMakeLists.txt", "wb_room(bridge media USES core)\n", "",
                 ["bridge/media: ROOMS has it, and no wb_room line"]),
                ("tools/mock/CMakeLists.txt", "wb_room(tools/mock devices ", "wb_room(tools/mock attic ",
                 ["tools/mock/CMakeLists.txt: wb_room(tools/mock attic): no room of that name (ROOMS)",
                  "tools/mock/devices: ROOMS has it, and no wb_room line"]),
                ("CMakeLists.txt", "wb_room(store core USES db)\nwb_room(store session USES core)\n",
                 "wb_room(store session USES core)\nwb_room(store core USES db)\n",
                 ["store/: the wb_room lines have another order than ROOMS"])):
            with self.subTest(line):
                before = (self.root / name).read_text(encoding="utf-8")
                self.assertIn(line, before)
                self.write(name, before.replace(line, put))
                self.assertEqual(check_includes.check(self.root), said)
                self.write(name, before)

    def test_rooms_and_fences_that_are_none(self):
        self.write("bridge/attic/attic.h", "\n")
        self.assertEqual(check_includes.check(self.root), ["bridge/attic: no room of that name (ROOMS)"])
        shutil.rmtree(self.root / "bridge/attic")
        path = self.root / "bridge/pair/qr.c"
        path.write_text(path.read_text(encoding="utf-8").replace("#include <qrencode.h>\n", ""), encoding="utf-8")
        self.assertEqual(check_includes.check(self.root), ["FENCES: no file of bridge/pair/qr.c includes qrencode.h"])


class Built(Scratch):
    def test_what_no_target_builds(self):
        for folder in check_built.FOLDERS:
            self.write(f"{folder}/a.c", "\n")
            self.write(f"{folder}/a.h", "\n")
        compiled = [self.root / folder / "a.c" for folder in check_built.FOLDERS]
        self.assertEqual(check_built.not_built(self.root, compiled), [])
        self.write("bridge/attic/attic.c", "\n")
        self.write("tests/unit/cellar/test_wine.c", "\n")
        self.write("store/empty/empty.h", "\n")
        self.write("tests/vectors/data.h", "\n")
        self.assertEqual(check_built.not_built(self.root, compiled), [
            "bridge/attic/attic.c: no target compiles it", "tests/unit/cellar/test_wine.c: no target compiles it",
            "store/empty/: has headers, and no file that a target compiles"])


if __name__ == "__main__":
    unittest.main()
