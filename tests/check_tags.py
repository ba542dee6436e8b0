#!/usr/bin/env python3
"""No two structs, unions or enums of the project have one name, so that a name that is searched for leads to one thing.
Tests have names of their own."""
import pathlib
import re
import sys

FOLDERS = ("api", "base", "bridge", "crypto", "proto", "store", "tools")
TAG = re.compile(r"^[ \t]*(?:(?:static|const|typedef)\s+)*(?:struct|union|enum)\s+(\w+)\s*\{", re.M)


def check(root):
    places = {}
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]")):
        for name in TAG.findall(path.read_text(encoding="utf-8")):
            places.setdefault(name, []).append(str(path.relative_to(root)))
    return [f"{name} is the name of {len(found)} types: {', '.join(found)}" for name, found in places.items() if len(found) > 1]


if __name__ == "__main__":
    faults = check(pathlib.Path(sys.argv[1]))
    print(*faults, f"tags: {len(faults)} names of more than one type", sep="\n")
    sys.exit(1 if faults else 0)
