"""Faults as files: tests/mutation/faults/<folder>/<name>.patch, read, checked, and put into a tree.

    Fault: one sentence: what is wrong with it, and which rule it breaks
    Noticed-by: ctest unit_bridge_in_message
    Noticed-by: e2e test_receiving.ReceivingTest.test_x
    --- a/bridge/receive/in_message.c
    +++ b/bridge/receive/in_message.c
    @@ -10,7 +10,7 @@
    ...

The lines around a change must be in the file exactly as in the patch, once, wherever they moved to: a
fault that lands in another place than the one it was written for would say nothing."""

import pathlib
import re

HEADER = re.compile(r"^(Fault|Noticed-by):\s*(.*\S)\s*$")
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
CTEST = re.compile(r"^[a-z][A-Za-z0-9_]+$")
E2E = re.compile(r"^test_\w+\.\w+\.test_\w+$")


class BadFault(Exception):
    """What is wrong with a fault's file, in words for its author."""


class Hunk:
    def __init__(self, line):
        self.line = line
        self.old = []
        self.new = []


class Fault:
    """One patch: its name (folder/name), sentence, tests as ("ctest" | "e2e", name), and hunks by file."""

    def __init__(self, folder, path):
        self.path = path
        self.name = str(path.relative_to(folder).with_suffix(""))
        self.sentence = None
        self.tests = []
        self.files = {}
        self._read(path.read_text().splitlines())

    def _read(self, lines):
        number = 0
        while number < len(lines) and not lines[number].startswith("--- "):
            line = lines[number]
            number += 1
            if line.strip():
                self._header(line)
        if not self.sentence:
            raise BadFault("has no line 'Fault: …'")
        if not self.tests:
            raise BadFault("has no line 'Noticed-by: …'")
        while number < len(lines):
            number = self._file(lines, number)
        if not self.files:
            raise BadFault("changes no file")

    def _header(self, line):
        match = HEADER.match(line)
        if not match:
            raise BadFault(f"has a line that is neither 'Fault:' nor 'Noticed-by:': {line}")
        if match.group(1) == "Fault":
            if self.sentence:
                raise BadFault("has two lines 'Fault:'")
            self.sentence = match.group(2)
            return
        kind, _, name = match.group(2).partition(" ")
        name = name.strip()
        if not ((kind == "ctest" and CTEST.match(name)) or (kind == "e2e" and E2E.match(name))):
            raise BadFault(f"'Noticed-by: {match.group(2)}' is neither 'ctest NAME' nor 'e2e test_x.Class.test_y'")
        self.tests.append((kind, name))

    def _file(self, lines, number):
        if not (lines[number].startswith("--- a/") and number + 1 < len(lines)
                and lines[number + 1].startswith("+++ b/")):
            raise BadFault(f"line {number + 1}: '--- a/FILE' and '+++ b/FILE' are expected")
        name = lines[number][6:].split("\t")[0]
        hunks = self.files.setdefault(name, [])
        number += 2
        while number < len(lines) and not lines[number].startswith("--- a/"):
            number = self._hunk(lines, number, hunks)
        if not hunks:
            raise BadFault(f"changes nothing in {name}")
        return number

    @staticmethod
    def _hunk(lines, number, hunks):
        match = HUNK.match(lines[number])
        if not match:
            raise BadFault(f"line {number + 1}: '@@ -N,N +N,N @@' is expected")
        hunk = Hunk(int(match.group(1)))
        olds, news = int(match.group(2) or 1), int(match.group(3) or 1)
        number += 1
        while len(hunk.old) < olds or len(hunk.new) < news:
            if number >= len(lines):
                raise BadFault("ends within a hunk")
            mark, text = lines[number][:1] or " ", lines[number][1:]
            if mark not in " -+":
                raise BadFault(f"line {number + 1}: neither ' ' nor '-' nor '+' in front")
            if mark in " -":
                hunk.old.append(text)
            if mark in " +":
                hunk.new.append(text)
            number += 1
        if hunk.old == hunk.new:
            raise BadFault("changes nothing")
        hunks.append(hunk)
        return number


def read_all(folder):
    """Every fault below the folder, by name, and a list of (name, what is wrong) of those that cannot be read."""
    found, bad = [], []
    for path in sorted(pathlib.Path(folder).rglob("*.patch")):
        try:
            found.append(Fault(pathlib.Path(folder), path))
        except (BadFault, UnicodeDecodeError) as error:
            bad.append((str(path.relative_to(folder)), str(error)))
    return found, bad


def _place(lines, hunk, name):
    """The index at which the hunk's old lines stand: the place nearest to the line that the patch
    names."""
    size = len(hunk.old)
    places = [at for at in range(len(lines) - size + 1) if lines[at:at + size] == hunk.old]
    if not places:
        raise BadFault(f"does not apply to {name}: the lines around line {hunk.line} are not there")
    wanted = hunk.line - 1
    if len(places) > 1 and wanted not in places:
        raise BadFault(f"does not apply to {name}: its lines stand there {len(places)} times")
    return wanted if wanted in places else places[0]


def applied(fault, tree):
    """The files that the fault changes as {path: new text}. Nothing is written."""
    changed = {}
    for name, hunks in fault.files.items():
        path = pathlib.Path(tree) / name
        if not path.is_file():
            raise BadFault(f"does not apply: there is no file {name}")
        lines = path.read_text().split("\n")
        shift = 0
        for hunk in hunks:
            hunk_here = Hunk(hunk.line + shift)
            hunk_here.old, hunk_here.new = hunk.old, hunk.new
            at = _place(lines, hunk_here, name)
            lines[at:at + len(hunk.old)] = hunk.new
            shift += len(hunk.new) - len(hunk.old)
        changed[path] = "\n".join(lines)
    return changed
