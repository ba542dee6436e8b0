#!/usr/bin/env python3
"""Keeps docs/protocol/conformance.md true: every row names code that exists and a test that exists.

A row is `| P-XX-NN | what | code | test |`. Code is a list of `folder/file.c` separated by spaces.
A test is `path::name`, several separated by spaces. The name is a method test_… of a Python file, a
cmocka test in the list of its C file, a scenario of tests/peers/parity, or `main` of a program of
tests/differential that has no list. A row whose test column begins with "not built:" states a gap
with its reason, and is counted. Code that only a unit test shows may never be called by the
program: so one test at least of each row goes through the running program (tests/e2e, tests/peers),
unless the column ends with "without the program: " and the reason; such rows are counted too.
docs/protocol/conformance-ids.txt lists the ids that must have a row.

Tests must be easy to find: a test program says in its first line what it shows, and no file of the
tests is longer than LINES_MAX."""
import pathlib
import re
import sys

ROW = re.compile(r"^\|\s*(P-[A-Z0-9]+-\d+)\s*\|([^|]*)\|([^|]*)\|([^|]*)\|\s*$")


LINES_MAX = 650
PROGRAMS = ("unit/**/test_*.c", "differential/test_*.c", "fuzz/fuzz_*.c", "e2e/*.py", "peers/*.py")
OPENING = {".c": re.compile(r"/\*(?:(?!\*/)\W)+\w+(?:(?:(?!\*/)\W)+\w+){2}"), ".py": re.compile(r'(#!.*\n)?""" *\w+(?:(?:(?!""")\W)+\w+){2}')}

CMOCKA_LIST = re.compile(r"struct CMUnitTest \w+\[\] = \{(.*?)\};", re.S)
SCENARIOS = re.compile(r"^ALL = \[(.*?)\]", re.M | re.S)


def listed(pattern, text, name):
    return any(name in re.findall(r"\w+", names) for names in pattern.findall(text))


def is_test(path, text, name):
    """Whether the name is a test that runs with the tests of that file, and not only a word in the
    file."""
    if path.startswith("tests/peers/parity/"):
        return listed(SCENARIOS, text, name)
    if path.endswith(".py"):
        return bool(re.search(rf"^    def {re.escape(name)}\(self\b", text, re.M)) and name.startswith("test_")
    if name == "main":
        return path.startswith("tests/differential/") and "CMUnitTest" not in text
    return bool(re.search(rf"^static void {re.escape(name)}\(void \*\*", text, re.M)) and listed(CMOCKA_LIST, text, name)


def check_test(root, word):
    path, _, name = word.partition("::")
    file = root / path
    if not file.is_file():
        return f"no test file {path}"
    if not name:
        return f"{word}: name the test as path::name"
    if not is_test(path, file.read_text(), name):
        return f"{path} has no test {name}"
    return None


def check_program(words, reason):
    """Whether a test of the row goes through the running program, or a reason says why none can."""
    through = any(word.startswith(("tests/e2e/", "tests/peers/")) for word in words)
    if reason is None and not through:
        return ["no test of it goes through the running program (tests/e2e, tests/peers)"]
    if reason is not None and through:
        return ["a test of it does go through the program: no reason is needed"]
    if reason is not None and len(reason.split()) < 4:
        return ["'without the program:' gives no reason"]
    return []


def check_row(root, ident, what, code, test):
    bad = []
    if not what.strip():
        bad.append("says nothing")
    if test.strip().startswith("not built:"):
        return bad, "gap"
    test, mark, reason = test.partition("without the program:")
    reason = reason if mark else None
    for word in code.replace(",", " ").replace("`", "").split():
        if not (root / word).is_file():
            bad.append(f"no code file {word}")
    if not code.strip():
        bad.append("names no code")
    words = test.replace(",", " ").replace("`", "").split()
    if not words:
        bad.append("names no test")
    bad += [problem for word in words if (problem := check_test(root, word))]
    bad += check_program(words, reason)
    return bad, "unit" if reason else None


def check_form(root):
    """Test programs that do not say what they show, and files that are too long."""
    tests = root / "tests"
    programs = {path for pattern in PROGRAMS for path in tests.glob(pattern)}
    files = {path for pattern in ("**/*.[ch]", "**/*.py") for path in tests.glob(pattern)
             if "node_modules" not in path.parts}
    for path in sorted(programs):
        if not OPENING[path.suffix].match(path.read_text()):
            yield f"{path.relative_to(root)}: the first line is no comment that says what the program shows"
    for path in sorted(files):
        lines = len(path.read_text().splitlines())
        if lines > LINES_MAX:
            yield f"{path.relative_to(root)}: {lines} lines, more than {LINES_MAX}: cut it by topic"


def main():
    root = pathlib.Path(sys.argv[1])
    wanted = (root / "docs/protocol/conformance-ids.txt").read_text().split()
    seen, kinds, bad = set(), [], []
    for line in (root / "docs/protocol/conformance.md").read_text().splitlines():
        m = ROW.match(line)
        if not m:
            continue
        ident = m.group(1)
        if ident in seen:
            bad.append(f"{ident}: two rows")
        seen.add(ident)
        problems, kind = check_row(root, *m.groups())
        kinds.append(kind)
        bad += [f"{ident}: {p}" for p in problems]
    bad += check_form(root)
    bad += [f"{ident}: no row" for ident in wanted if ident not in seen]
    for line in bad:
        print(line)
    print(f"conformance: {len(seen)} ids, {kinds.count('gap')} stated gaps, "
          f"{kinds.count('unit')} that no program shows, {len(bad)} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
