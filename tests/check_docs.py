#!/usr/bin/env python3
"""Every file that README.md or docs/ names is in the tree, and a function that is named behind a file of ours
("conn_read.c: conn_on_receive()") occurs in it. CHANGELOG.md is history and not read.

check_docs.py SOURCE"""

import pathlib
import re
import sys

# Folders of the tree: a word that begins with one of them and a '/' is a path.
FOLDERS = (".ci", "api", "base", "bridge", "cmake", "crypto", "docs", "proto", "store", "tests", "tools")
# A word that ends like this is the name of a file of ours, also without a folder.
ENDINGS = r"[\w*>}]\.(?:c|h|py|sh|cmake|md|mjs|patch|proto)"
# Words that look like a file of the tree and are none, each with the reason. A '*' stands for any part of a name, '**' also
# for folders.
EXCEPTIONS = {
    "store/*.db": "the databases in the store directory of a user",
    "store/backups**": "the backups in the store directory of a user",
    "server.py": "a program of somebody else, in an example",
    "a/bridge/**": "a line of a patch",
    "b/bridge/**": "a line of a patch",
    "bridge/x.c": "a file in an example",
    "tests/mutation/faults/bridge/name.patch": "a file in an example",
    "bridge/ack_before_commit": "the name of a fault, as tests/mutation/run_mutation.py takes it",
    "bridge/device_sent": "how names of faults begin, as tests/mutation/run_mutation.py takes it",
}
WORD = re.compile(r"(?:[\w.*/<>~$@:-]|\{[\w,]+\})*[\w*/>]")
FUNCTION = re.compile(r"([\w./*-]+\.[ch]):[\s`]+([a-z_]\w*)\(\)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def tree(root):
    """All files and folders, as paths from the root."""
    there = {path.name for path in root.iterdir() if path.is_file()}
    for name in FOLDERS:
        paths = [path.relative_to(root) for path in (root / name).rglob("*") if "node_modules" not in path.parts]
        there |= {name} | {str(path) for path in paths if "__pycache__" not in path.parts}
    return there


def documents(root):
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def pattern(word):
    """'tests/unit/<folder>/test_*.c' as an expression for the end of a path."""
    parts = re.split(r"(\*\*?|<[^>]*>)", word)
    return re.compile("(?:.*/)?" + "".join(re.escape(part) if i % 2 == 0 else ".*" if part == "**" else "[^/]*"
                                           for i, part in enumerate(parts)) + "$")


def spelled_out(word):
    """'test_{a,b}.c' as 'test_a.c', 'test_b.c'."""
    match = re.search(r"\{([^}]*)\}", word)
    return [word[:match.start()] + one + word[match.end():] for one in match.group(1).split(",")] if match else [word]


def named(text):
    """The words of a text that name a file or a folder of ours, each with its line."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in WORD.findall(LINK.sub("]", line)):
            if "://" in word or word[0] in "/~$@":
                continue
            word = re.sub(r"^(?:\./|:)", "", re.split(r":(?=[\d:]|$)", word)[0]).rstrip("/.")
            if word.split("/")[0] in FOLDERS and "/" in word or re.search(ENDINGS + "$", word):
                yield from ((number, one) for one in spelled_out(word))


def found(word, there):
    if "*" in word or "<" in word:
        return any(pattern(word).match(path) for path in there)
    return word in there or any(path.endswith("/" + word) for path in there)


def check_text(text, place, root, there, exceptions, used):
    """What one document says wrongly. place: its path from the root."""
    bad = []
    for number, word in named(text):
        reasons = [name for name in exceptions if pattern(name).match(word)]
        used.update(reasons)
        if not reasons and not found(word, there):
            bad.append(f"{place}:{number}: there is no {word}")
    for match in LINK.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        if not (root / place).parent.joinpath(match.group(1)).exists():
            bad.append(f"{place}:{number}: the link to {match.group(1)} leads nowhere")
    for match in FUNCTION.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        files = [path for path in there if pattern(match.group(1)).match(path)]
        name = re.compile(rf"\b{match.group(2)}\b")
        if files and not any(name.search((root / path).read_text()) for path in files):
            bad.append(f"{place}:{number}: {match.group(1)} has no {match.group(2)}()")
    return bad


def check(root, exceptions):
    there, used, bad = tree(root), set(), []
    for path in documents(root):
        bad += check_text(path.read_text(), path.relative_to(root), root, there, exceptions, used)
    bad += [f"EXCEPTIONS: no document says {name}" for name in exceptions if name not in used]
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]), EXCEPTIONS)
    for line in bad:
        print(line)
    print(f"document check: {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
