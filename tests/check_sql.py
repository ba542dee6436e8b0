#!/usr/bin/env python3
"""Fails on a statement that SQLite would run with a sort or by reading a whole table that grows.

The check reads SQL where it cannot hide: every string literal of the product, after the
preprocessor has put it together from its macros. Each statement, also inside triggers, is explained
(EXPLAIN QUERY PLAN) against the databases as the bridge makes them, without statistics, as in
production. These fail: a plan that reads more than it is asked for, unless tests/sql_reasons.py
says why it may; a reason whose statement is gone; SQL that is put together at run time, which
nobody could check; an INSERT that does not name its columns, because the table may have one column
more when an older program has the file again. SQL for a table whose name is put in at run time
needs a reason in RUN_TIME and a test.

    check_sql.py SOURCE_DIR BUILD_DIR STORE_SCHEMA_PROGRAM [--list]
"""
import json
import pathlib
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile

from sql_reasons import READERS, REASONS, RUN_TIME, SMALL

FOLDERS = ("store", "tools")  # tests/check_includes.py keeps SQLite out of all others
VERB = re.compile(r"\s*(/\*.*?\*/\s*)?(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|CREATE|ALTER|DROP)\s")
PIECE = re.compile(r"\b(CREATE TABLE|SELECT|INSERT (OR \w+ )?INTO|DELETE FROM|WHERE|ORDER BY|GROUP BY|LEFT JOIN)\b")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Tokens of C as far as they matter: comments are gone after the preprocessor.
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[^"\'\n]+|\n')


def squeeze(sql):
    return " ".join(sql.split())


def unescape(text):
    simple = {"n": "\n", "t": "\t", "0": "\0", '"': '"', "\\": "\\", "'": "'", "r": "\r"}
    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|.)",
                  lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" else simple.get(m[1], m[1]),
                  text)


def literals(command, directory, source):
    """(file:line, text) of every string literal of our own files: the source and its includes."""
    words = shlex.split(command)
    keep = [w for i, w in enumerate(words)
            if w not in ("-c", "-o") and words[i - 1] != "-o" and not w.endswith(".c")]
    keep = [w for w in keep if "ccache" not in w]
    text = subprocess.run(keep + ["-E", str(source)], cwd=directory, check=True,
                          capture_output=True, text=True).stdout
    path, line, where, parts = None, 0, None, []
    for row in text.split("\n"):
        mark = re.match(r'# (\d+) "([^"]*)"', row)
        if mark:
            path, line = mark[2], int(mark[1])
            continue
        for m in TOKEN.finditer(row):
            token = m[0]
            if token[0] == '"':
                if not parts:
                    where = f"{path}:{line}"
                parts.append(unescape(token[1:-1]))
            elif token.strip():
                if parts:
                    yield where, "".join(parts)
                parts = []
        line += 1


def product_literals(root, build):
    seen = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        try:
            folder = source.resolve().relative_to(root).parts[0]
        except ValueError:
            continue
        # The mock and the benchmarks are no part of the product; they have no databases of ours.
        if folder not in FOLDERS or "/tools/bench/" in str(source) or "/tools/mock/" in str(source):
            continue
        for where, text in literals(entry["command"], entry["directory"], source):
            if str(root) in where and PIECE.search(text):
                seen.setdefault(text, where.replace(str(root) + "/", ""))
    return seen


def statements(sql):
    """The single statements of a text; the statements of a trigger's body follow the trigger."""
    rest = sql
    while rest.strip():
        cut = len(rest)
        for i, c in enumerate(rest):
            if c == ";" and sqlite3.complete_statement(rest[:i + 1]):
                cut = i + 1
                break
        one, rest = rest[:cut].strip().rstrip(";"), rest[cut:]
        yield one
        body = re.search(r"\bBEGIN\b(.*)\bEND\s*$", one, re.S) if "TRIGGER" in one else None
        if body:
            yield from statements(re.sub(r"\b(NEW|OLD)\.\w+", "?", body[1]))


def open_both(program, directory):
    subprocess.run([program, directory], check=True)
    both = []
    for name in ("whatsapp.db", "messages.db"):
        db = sqlite3.connect(f"{directory}/{name}")
        db.create_function("host_time", 1, lambda t: t)
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'sqlite_stat%'").fetchall()
        both.append(db)
    # A messages.db that came from a fork of the Go bridge (store/messages/fork_columns.h).
    fork = sqlite3.connect(":memory:")
    both[1].backup(fork)
    for column in ("quoted_message_id TEXT", "deleted_at TIMESTAMP"):
        fork.execute(f"ALTER TABLE messages ADD COLUMN {column}")
    return [*both, fork]


def parameters(sql):
    sql = re.sub(r"'[^']*'", "''", sql)
    numbers = [int(n) for n in re.findall(r"\?(\d+)", sql)]
    return [None] * (len(re.findall(r"\?(?!\d)", sql)) + max(numbers, default=0))


def plan(dbs, sql):
    """The first database that has the statement's tables, and the steps of the plan there; or the
    errors of both."""
    errors = []
    for db in dbs:
        try:
            rows = db.execute("EXPLAIN QUERY PLAN " + sql, parameters(sql))
            return db, [row[3] for row in rows], None
        except sqlite3.Error as e:
            errors.append(str(e))
    return None, None, " / ".join(errors)


def key_columns(db, table, index):
    """How many columns the index, or the table's own key, has if it is unique; else 0."""
    if index is None:
        return sum(1 for row in db.execute(f"PRAGMA table_info({table})") if row[5])
    for row in db.execute(f"PRAGMA index_list({table})"):
        if row[1] == index:
            return len(db.execute(f"PRAGMA index_info({index})").fetchall()) if row[2] else 0
    return 0


def faults(db, sql, steps):
    """The steps of a plan that read or sort more than was asked for."""
    for step in steps:
        m = re.match(r"(SCAN|SEARCH) (\S+)(?: USING (?:COVERING )?(?:INDEX (\S+)|PRIMARY KEY))?"
                     r"(?: \((.*)\))?$", step)
        if "USE TEMP B-TREE" in step:
            yield step
        if not m or m[2] in SMALL or m[2].startswith("pragma_") or step == "SCAN CONSTANT ROW":
            continue
        if m[1] == "SCAN":
            yield step
        elif m[4] and re.fullmatch(r"\w+=\?( AND \w+=\?)*", m[4]):
            # A part of a unique key: all rows of an account (there is one in a file, so these are all
            # rows), of a chat, or of a group.
            names = [m[2], *re.findall(rf"\b(\w+) (?:AS )?{m[2]}\b", sql)]
            table = next(n for n in names if db.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [n]).fetchall())
            if m[4].count("=") < key_columns(db, table, m[3]):
                yield step


def check_product(dbs, found, listed):
    """(faults, statements seen): what is wrong with the statements of the product."""
    bad, used, count = [], set(), 0
    bad += [f"a reason for SQL that is not there: {text}" for text in RUN_TIME.keys() - {squeeze(t) for t in found}]
    for text, where in sorted(found.items(), key=lambda x: x[1]):
        if squeeze(text) in RUN_TIME:
            continue
        if not VERB.match(text):
            bad.append(f"{where}: a piece of SQL, or not SQL: {squeeze(text)!r}")
            continue
        for sql in statements(text):
            if re.match(r"(CREATE|ALTER|DROP)\b", sql):
                continue
            count += 1
            if re.search(r"\bINTO bridge_\w+\s+(VALUES|SELECT|DEFAULT)\b", sql):
                bad.append(f"{where}: names no columns: {squeeze(sql)!r}")
            db, steps, error = plan(dbs, sql)
            if error:
                bad.append(f"{where}: cannot be prepared: {squeeze(sql)!r}: {error}")
                continue
            if listed:
                print(f"{where}\n    {squeeze(sql)}\n        " + "\n        ".join(steps))
            wrong = list(faults(db, sql, steps))
            if wrong and squeeze(sql) in REASONS:
                used.add(squeeze(sql))
            elif wrong:
                bad.append(f"{where}: {squeeze(sql)}\n        " + "\n        ".join(wrong))
    bad += [f"a reason for what is not there or needs none: {sql}"
            for sql in REASONS if sql not in used]
    return bad, count


def main():
    root, build, program = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as directory:
        dbs = open_both(str(program), directory)
        found = product_literals(root, build)
        for text in found:  # a table that is made only when it is needed
            if text.startswith("CREATE TABLE IF NOT EXISTS bridge_owner"):
                dbs[1].execute(text)
        bad, count = check_product(dbs, found, "--list" in sys.argv)
        for sql, wanted in READERS.items():
            _, steps, error = plan(dbs[1:], sql)
            if steps != [wanted]:
                bad.append(f"a reader's statement: {sql}\n        {error or steps}")
    for b in bad:
        print(b)
    print(f"{count} statements, {len(bad)} faults")
    return 1 if bad or count < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
