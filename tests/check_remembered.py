#!/usr/bin/env python3
"""The documents say when each thing ends that the bridge remembers over a restart:
docs/databases.md has one row for each name in bridge_meta and for each table bridge_..., and the
code has no others.

A row of the first table there is `| name | meaning | what sets it | what ends it |`; none of the
four may be empty. Names are spelled once, as STORE_META_... macros; SQL that spells a name itself
is checked too."""
import pathlib
import re
import sys

MACRO = re.compile(r'#define (STORE_META_\w+)\s+"(\w+)"')
CALL = re.compile(r"\bstore_meta_(?:put|get)(?:_int)?\(\s*[\w>\-.]+,\s*([\w\"]+)")
SQL = re.compile(r"bridge_meta\b[^;]*?(?:name = |VALUES \()'(\w+)'")
# Of whatsapp.db: the tables of messages.db have a section of their own, and remember no state.
TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (bridge_\w+)")
SECTION = "### What is remembered, and what ends it"
FOLDERS = ("store", "bridge", "api", "tools")


def sources(root):
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.[ch]"))


def names_in_code(root):
    """The set of names, and a list of wrong spellings."""
    macros, used, bad = {}, set(), []
    for path in sources(root):
        text = path.read_text()
        macros.update(MACRO.findall(text))
        if path.name not in ("meta.c", "meta.h"):
            for argument in CALL.findall(text):
                if not argument.startswith("STORE_META_"):
                    bad.append(f"{path.relative_to(root)}: {argument} is no STORE_META_... name")
                used.add(argument)
        used.update(SQL.findall(text.replace('"\n', "").replace('"', "")))
    for macro, name in macros.items():
        if macro not in used and name not in used and \
                not any(re.search(rf"\b{macro}\b", path.read_text()) for path in sources(root) if path.suffix == ".c"):
            bad.append(f"{macro} is used nowhere")
    names = set(macros.values())
    bad += [f"{name} is in SQL only: give it a STORE_META_... name" for name in used
            if name not in names and not name.startswith("STORE_META_")]
    return names, bad


def rows_in_docs(root):
    """[[cell, ...], ...] of the section's table of names, and the text of the file."""
    text = (root / "docs" / "databases.md").read_text()
    if SECTION not in text:
        return [], text
    section = text.split(SECTION)[1].split("\n#")[0]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in section.splitlines() if re.match(r"\|\s*`", line)]
    return rows, text


def check(root):
    names, bad = names_in_code(root)
    rows, docs = rows_in_docs(root)
    told = set()
    for row in rows:
        if len(row) != 4 or not all(row):
            bad.append(f"docs/databases.md: four cells are wanted: {' | '.join(row)}")
            continue
        told.update(re.findall(r"`(\w+)`", row[0]))
    bad += [f"docs/databases.md does not say what ends {name}" for name in sorted(names - told)]
    bad += [f"docs/databases.md names {name}, which the code does not" for name in sorted(told - names)]
    schema = (root / "store/session/whatsapp_schema.c").read_text()
    bad += [f"docs/databases.md lacks the table {table}" for table in TABLE.findall(schema)
            if not re.search(rf"^\|[^|]*`{table}`", docs, re.MULTILINE)]
    return bad, len(names)


def main():
    bad, count = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    for line in bad:
        print(line)
    print(f"{count} remembered names")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
