#!/usr/bin/env python3
"""Every source file is compiled, and every folder with code is part of some target. Code that no
target builds would look like code for ever, while nothing tests it.

check_built.py SOURCE BUILD"""

import json
import pathlib
import sys

FOLDERS = ("api", "base", "bridge", "crypto", "proto", "store", "tools", "tests")
ELSEWHERE = {"tests/fuzz/replay.c": "with clang, libFuzzer brings a main() instead"}


def code(root, pattern):
    return sorted(path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob(pattern)
                  if "node_modules" not in path.parts)


def not_built(root, compiled):
    """Files, and folders of the product that hold headers only, that are in no target. compiled:
    the source files of all targets. (Headers of tests that hold only data lie in a folder of their
    own.)"""
    compiled = {pathlib.Path(name).resolve() for name in compiled}
    files = [path for path in code(root, "*.c") if str(path) not in ELSEWHERE and (root / path).resolve() not in compiled]
    with_code = {folder for path in code(root, "*.c") for folder in path.parents}
    bad = [f"{path}: no target compiles it" for path in files]
    bad += [f"{folder}/: has headers, and no file that a target compiles"
            for folder in sorted({path.parent for path in code(root, "*.h") if path.parts[0] != "tests"} - with_code)]
    return bad


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    commands = json.loads((build / "compile_commands.json").read_text())
    bad = not_built(root, [pathlib.Path(one["directory"], one["file"]) for one in commands])
    for line in bad:
        print(line)
    print(f"build check: {len(bad)} not built")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
