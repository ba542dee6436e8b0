#!/usr/bin/env python3
"""Fails on SQL that only SQLite understands, in store/ outside of store/db.

The session file may one day be kept in another database: PostgreSQL must be able to read its
statements, and what only SQLite says has a name in store/db (dialect.h, db_schema.h). The check
reads the string literals of the sources as they stand, so the use of such a name is no fault. A
file that needs such a word stands in EXCEPTIONS with its reason; a reason that no file needs fails
too.

    check_dialect.py SOURCE_DIR
"""
import pathlib
import re
import sys

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')', re.S)
PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:[\s\\]*"(?:[^"\\\n]|\\.)*")*')
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|PRAGMA|FROM|WHERE|CONFLICT|ORDER BY|INDEXED|strftime|rowid)\b")
# Word -> what it looks like, and what is written instead.
WORDS = {
    "INSERT OR": (r"\bINSERT OR \w+|\bREPLACE INTO\b", "INSERT ... ON CONFLICT (key) DO UPDATE SET ... / DO NOTHING"),
    "UPDATE OR": (r"\bUPDATE OR \w+", "a DELETE of what stands in the way, then the UPDATE"),
    "sqlite_master": (r"\bsqlite_(master|schema)\b", "db_has_table() and its like (store/db/db_schema.h)"),
    "PRAGMA": (r"\bPRAGMA\b|\bpragma_\w+", "db_has_column() and its like (store/db/db_schema.h)"),
    "strftime": (r"\b(strftime|datetime|julianday|unixepoch)\s*\(", "bind the time, or SQL_TEXT_SECONDS (store/db/dialect.h)"),
    "rowid": (r"\b_?rowid_?\b", "the primary key, or SQL_ROW_NUMBER (store/db/dialect.h)"),
    "INDEXED": (r"\bINDEXED BY\b|\bNOT INDEXED\b", "SQL_BY_INDEX (store/db/dialect.h)"),
    "ON CONFLICT": (r"\bON CONFLICT DO UPDATE\b", "name the columns: ON CONFLICT (key) DO UPDATE"),
}
GREATER = "max(a, b)"  # the form with more than one argument
GREATER_INSTEAD = "SQL_GREATER (store/db/dialect.h)"

_MESSAGES = "rows of messages.db, the file that other programs read: it stays SQLite"
_REPAIR = "mends an SQLite file from its own lists; another database is not mended by us"
_MOVES = "rows change their key; another database needs a DELETE of the row in the way before it"
# File -> the words it may have, and why.
EXCEPTIONS = {
    "store/backup/backup_copy.c": ({"PRAGMA"}, "copies the pages of an SQLite file"),
    "store/messages/chats.c": ({"UPDATE OR"}, _MESSAGES),
    "store/messages/fork_columns.c": ({"rowid"}, _MESSAGES),
    "store/messages/message_changes.c": ({"rowid"}, _MESSAGES),
    "store/messages/message_row.c": ({"rowid", "INSERT OR"}, _MESSAGES + "; OR IGNORE leaves out a chat that a fork's table does not take"),
    "store/messages/messages.c": ({"rowid", "INSERT OR"}, _MESSAGES + "; OR FAIL spares a journal for each message"),
    "store/messages/messages_schema.c": ({"rowid", "INSERT OR", "sqlite_master", GREATER}, _MESSAGES),
    "store/messages/messages_summary.c": ({"rowid"}, _MESSAGES),
    "store/messages/messages_tidy.c": ({"rowid"}, _MESSAGES),
    "store/backup/indexes_anew.c": ({"sqlite_master"}, _REPAIR),
    "store/open/time_convert.c": ({"sqlite_master"}, _MESSAGES),
    "store/session/devices.c": ({"UPDATE OR"}, _MOVES),
    "store/session/identity_gone.c": ({"UPDATE OR"}, _MOVES),
    "store/session/retry_owed.c": ({"UPDATE OR"}, _MOVES),
    "store/session/same_keys.c": ({"sqlite_master", "PRAGMA", "rowid", "INDEXED", GREATER}, _REPAIR),
}


def has_greater(sql):
    """Whether there is a max() or min() with more than one argument."""
    for m in re.finditer(r"\b(max|min)\s*\(", sql, re.I):
        depth = 1
        for c in sql[m.end():]:
            depth += {"(": 1, ")": -1}.get(c, 0)
            if depth == 0:
                break
            if c == "," and depth == 1:
                return True
    return False


def pieces(text):
    """(line, SQL) of each group of adjacent literals, without comments and without literals that
    are no SQL."""
    text = COMMENT.sub(lambda m: m[1] or re.sub(r"[^\n]", " ", m[0]), text)
    for m in PIECE.finditer(text):
        sql = "".join(LITERAL.findall(m[0]))
        if SQL.search(sql) or has_greater(sql):
            yield text.count("\n", 0, m.start()) + 1, sql


def words_of(sql):
    for word, (look, instead) in WORDS.items():
        if re.search(look, sql):
            yield word, instead
    if has_greater(sql):
        yield GREATER, GREATER_INSTEAD


def check(root, exceptions):
    bad, used = [], set()
    for path in sorted((root / "store").rglob("*.[ch]")):
        rel = str(path.relative_to(root))
        if rel.startswith("store/db/"):
            continue
        for line, sql in pieces(path.read_text()):
            for word, instead in words_of(sql):
                if word in exceptions.get(rel, ((), ""))[0]:
                    used.add((rel, word))
                else:
                    bad.append(f"{rel}:{line}: {word} is SQLite's own, write {instead}: {' '.join(sql.split())[:100]!r}")
    bad += [f"EXCEPTIONS: {rel} needs no {word}" for rel, (words, _) in exceptions.items()
            for word in sorted(words) if (rel, word) not in used]
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]), EXCEPTIONS)
    for line in bad:
        print(line)
    print(f"dialect check: {len(bad)} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
