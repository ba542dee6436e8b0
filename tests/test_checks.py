#!/usr/bin/env python3
"""The checks that read the sources notice what they are there for (check_unused.py, check_conformance.py,
check_dialect.py, check_docs.py, check_tags.py, tools/style.py)."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tools"))

import check_conformance  # noqa: E402
import check_dialect  # noqa: E402
import check_docs  # noqa: E402
import check_tags  # noqa: E402
import check_unused  # noqa: E402
import style  # noqa: E402

PRODUCT = """
void used(void)
{
}

void for_the_mock(void)
{
}

void for_tests(void)
{
}

int main(void)
{
    used();
}
"""
MOCK = """
int main(void)
{
    for_the_mock();
}
"""


class Unused(unittest.TestCase):
    def judged(self, wanted, mocks):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for name, text in (("base/a.c", PRODUCT), ("tools/mock/main.c", MOCK)):
                (root / name).parent.mkdir(parents=True)
                (root / name).write_text(text)
            folders = (check_unused.SHIPPED, check_unused.SHIPPED + check_unused.OTHERS)
            return check_unused.judged(*(check_unused.read(root, names) for names in folders), wanted, mocks)

    def test_what_no_program_of_users_reaches_needs_a_reason(self):
        self.assertEqual(self.judged({"for_tests": "x"}, {"for_the_mock": "x"}), [])
        self.assertRegex(self.judged({}, {"for_the_mock": "x"})[0], r"for_tests\(\) is reached from no program:")
        self.assertRegex(self.judged({"for_tests": "x"}, {})[0], r"for_the_mock\(\) is reached from no program that users get")

    def test_a_reason_that_is_true_no_more_fails(self):
        for wanted, mocks, line in (({"used": "x"}, {}, "used stands in WANTED, and is reached"),
                                    ({"for_the_mock": "x"}, {}, "for_the_mock stands in WANTED, and is reached"),
                                    ({}, {"used": "x"}, "used stands in MOCKS, and is reached"),
                                    ({"gone": "x"}, {}, "gone stands in WANTED, and is no function any more")):
            lines = self.judged({"for_tests": "x", **wanted}, {"for_the_mock": "x", **mocks})
            self.assertTrue(any(one.startswith(line) for one in lines), lines)


class Conformance(unittest.TestCase):
    PYTHON = "class A:\n    def test_one(self):\n        self.helper('word')\n\n    def helper(self, word):\n        pass\n"
    C = ("static void one(void **state)\n{\n}\n\nstatic void left_out(void **state)\n{\n}\n\nstatic int helper(void);\n"
         "const struct CMUnitTest tests[] = {\n    cmocka_unit_test(one),\n};\n")

    def test_a_word_in_a_file_is_no_test(self):
        for path, text, good, bad in (
                ("tests/e2e/test_x.py", self.PYTHON, ["test_one"], ["helper", "word", "A", "test_on"]),
                ("tests/unit/base/test_x.c", self.C, ["one"], ["left_out", "helper", "state", "main", "cmocka_unit_test"]),
                ("tests/differential/test_x.c", "int main(void)\n", ["main"], ["life"]),
                ("tests/peers/parity/scenarios.py", "def a(run):\ndef b(run):\nALL = [a,\n       more.c]\n", ["a", "c"], ["b", "run"])):
            for name in good + bad:
                self.assertEqual(check_conformance.is_test(path, text, name), name in good, (path, name))

    def test_a_program_says_what_it_shows_and_is_not_too_long(self):
        fine_c, fine_python = "/* What a lock keeps out. */\n", '#!/usr/bin/env python3\n"""What a lock keeps out."""\n'
        for path, text, complaint in (
                ("tests/unit/base/test_x.c", fine_c, None), ("tests/e2e/test_x.py", fine_python, None),
                ("tests/unit/base/deep/test_x.c", "#include <a.h>\n" + fine_c, "first line"),
                ("tests/fuzz/fuzz_x.c", "/* fuzz_x.c */\n", "first line"), ("tests/peers/test_x.py", "import os\n", "first line"),
                ("tests/unit/base/fixture.h", "#ifndef A\n", None),
                ("tests/unit/base/fixture.c", "\n" * (check_conformance.LINES_MAX + 1), "cut it by topic"),
                ("tests/peers/node_modules/a.py", "\n" * (check_conformance.LINES_MAX + 1), None)):
            with tempfile.TemporaryDirectory() as scratch:
                file = pathlib.Path(scratch) / path
                file.parent.mkdir(parents=True)
                file.write_text(text)
                lines = list(check_conformance.check_form(pathlib.Path(scratch)))
            self.assertEqual(len(lines), 1 if complaint else 0, (path, lines))
            self.assertRegex("".join(lines), complaint or "^$")


class Dialect(unittest.TestCase):
    def faults(self, path, text, exceptions=None):
        with tempfile.TemporaryDirectory() as scratch:
            file = pathlib.Path(scratch) / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return check_dialect.check(pathlib.Path(scratch), exceptions or {})

    def test_words_of_sqlite_are_refused_outside_its_room(self):
        for word, sql in (("INSERT OR", "INSERT OR REPLACE INTO t (a) VALUES (1)"), ("INSERT OR", "REPLACE INTO t (a) VALUES (1)"),
                          ("UPDATE OR", "UPDATE OR REPLACE t SET a = 1"), ("sqlite_master", "SELECT 1 FROM sqlite_master"),
                          ("PRAGMA", "PRAGMA user_version"), ("PRAGMA", "SELECT 1 FROM pragma_table_info('t')"),
                          ("strftime", "SELECT strftime('%s', a) FROM t"), ("strftime", "SELECT datetime('now')"),
                          ("rowid", "SELECT rowid FROM t"), ("INDEXED", "SELECT a FROM t INDEXED BY i"),
                          ("INDEXED", "SELECT a FROM t NOT INDEXED"), ("max(a, b)", "UPDATE t SET a = max(a, coalesce(b, 1))"),
                          ("ON CONFLICT", "INSERT INTO t (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 1")):
            text = f'void f(void)\n{{\n    run("{sql}");\n}}\n'
            lines = self.faults("store/session/a.c", text)
            self.assertEqual(len(lines), 1, (sql, lines))
            self.assertTrue(lines[0].startswith(f"store/session/a.c:3: {word} is SQLite's own"), lines)
            self.assertEqual(self.faults("store/db/a.c", text), [])
            self.assertEqual(self.faults("bridge/core/a.c", text), [])

    def test_words_that_stand_apart_are_put_together(self):
        self.assertEqual(len(self.faults("store/session/a.h", '#define A \\\n    "INSERT OR" \\\n    " REPLACE INTO t (a)"\n')), 1)

    def test_what_another_database_reads_is_no_fault(self):
        for text in ('run("SELECT max(a), coalesce(max(b), 0) FROM t");', 'run("INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING");',
                     'run("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = excluded.a");',
                     'strftime(text, sizeof text, "%z", &tm); /* "SELECT rowid FROM sqlite_master" */',
                     'row->rowid = 1;', 'run("SELECT a FROM t" SQL_BY_INDEX("i") " WHERE " SQL_ROW_NUMBER " = 1");',
                     'run("SELECT a FROM t WHERE prowid = 1");', 'say("INSERTED OR NOT");'):
            self.assertEqual(self.faults("store/session/a.c", text), [], text)

    def test_an_exception_is_for_one_word_and_must_be_needed(self):
        text = 'run("SELECT rowid FROM sqlite_master");'
        self.assertEqual(self.faults("store/open/a.c", text, {"store/open/a.c": ({"rowid", "sqlite_master"}, "x")}), [])
        self.assertRegex(self.faults("store/open/a.c", text, {"store/open/a.c": ({"rowid"}, "x")})[0], "sqlite_master is SQLite's own")
        self.assertEqual(self.faults("store/open/a.c", "", {"store/open/a.c": ({"rowid"}, "x")}),
                         ["EXCEPTIONS: store/open/a.c needs no rowid"])


class Documents(unittest.TestCase):
    def wrong(self, text, exceptions=None):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for name, inside in (("bridge/conn/conn_read.c", "void conn_on_receive(void)\n{\n}\n"), ("tools/run", ""),
                                 ("docs/api.md", ""), ("README.md", "See [calls](docs/api.md#send)."), ("docs/a.md", text)):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(inside)
            return check_docs.check(root, exceptions or {})

    def test_what_is_there_may_be_named(self):
        self.assertEqual(self.wrong("`bridge/conn/conn_read.c: conn_on_receive()`, `conn_read.c`, conn/conn_read.c:1,\n"
                                    "`bridge/conn/`, tools/run, `bridge/<room>/*.c`, `conn_{read}.c`, [calls](api.md).\n"
                                    "Not ours: `/var/store/x.c`, https://host/bridge/x.c, `messages.db`, `send.go`."), [])

    def test_a_file_that_is_gone_fails(self):
        for word in ("bridge/conn_read.c", "conn_write.c", "tools/walk", "bridge/*.c", "tests/test_x.py::test_y",
                     "conn_{read,x}.c"):
            with self.subTest(word):
                self.assertRegex(self.wrong(f"First line.\nSee `{word}`.")[0], r"docs/a\.md:2: there is no ")
        self.assertRegex(self.wrong("See [calls](docs/api.md).")[0], "the link to docs/api.md leads nowhere")

    def test_a_function_that_is_gone_fails_also_on_the_next_line(self):
        self.assertRegex(self.wrong("First.\n`conn_read.c:\n  conn_receive()`")[0],
                         r"docs/a\.md:2: conn_read\.c has no conn_receive\(\)")

    def test_an_exception_must_be_needed(self):
        self.assertEqual(self.wrong("`bridge/x.c`", {"bridge/x.c": "an example"}), [])
        self.assertEqual(self.wrong("", {"bridge/x.c": "an example"}), ["EXCEPTIONS: no document says bridge/x.c"])
class Tags(unittest.TestCase):
    def test_a_name_of_two_types_is_found(self):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for name, text in (("base/a.h", "struct one {\n};\nstruct two *use(struct one *o);\n"),
                               ("tools/mock/b.c", "static const struct two {\n} rows[] = {};\nstruct one;\n"),
                               ("tests/unit/c.c", "struct one {\n};\n")):
                (root / name).parent.mkdir(parents=True)
                (root / name).write_text(text)
            self.assertEqual(check_tags.check(root), [])
            (root / "base/d.c").write_text("enum two { A };\nunion one {\n};\n")
            self.assertEqual(check_tags.check(root), ["one is the name of 2 types: base/a.h, base/d.c",
                                                      "two is the name of 2 types: base/d.c, tools/mock/b.c"])


class Style(unittest.TestCase):
    def mended(self, source, *wrong):
        better, found = style.fixed(source)
        self.assertEqual([what for _, what in found], list(wrong))
        self.assertEqual(style.fixed(better), (better, []))
        return better

    def test_declarations_end_with_a_blank_line(self):
        blank = "a blank line separates declarations from statements"
        self.assertEqual(self.mended("void f(void)\n{\n    struct a *b = c(); /* d,\n * e */\n    b->g = 1;\n}\n", blank),
                         "void f(void)\n{\n    struct a *b = c(); /* d,\n * e */\n\n    b->g = 1;\n}\n")
        self.mended("void f(void)\n{\n    enum { A = 1 };\n    int b = A;\n    use(b);\n}\n", blank)
        self.mended("    if (a) {\n        EVP_PKEY *k = NULL;\n        use(k);\n    }\n", blank)
        for good in ("void f(void)\n{\n    int a;\n\n    use(a);\n}\n", "void f(void)\n{\n    int a = 1;\n}\n",
                     "struct s {\n    int a;\n    char b;\n};\n", "void f(void)\n{\n    use(1);\n    int a = 2;\n}\n",
                     "void f(void)\n{\n    jid_text(j, t);\n    use(t);\n}\n",
                     "void f(void)\n{\n    batch_note_trouble(b);\n    use(b);\n}\n",
                     "#define M(x) \\\n    do { \\\n        int a = x; \\\n        use(a); \\\n    } while (0)\n"):
            self.mended(good)

    def test_conditions_test_pointers_as_they_are(self):
        self.assertEqual(self.mended("if (a->b == NULL || c[i] != NULL)", "a condition says !a->b",
                                     "a condition says c[i]"), "if (!a->b || c[i])")
        for good in ("if (f(x).p == NULL)", "if (f(x)->p == NULL)", "if (!a == NULL)", "return a == NULL;", "while ((e = readdir(d)) != NULL)", "if (f(x) != NULL)", "ok = a != NULL && b;",
                     'if (strcmp(a, "b == NULL"))', "if (a ? b != NULL : b == NULL)", "if (!a)"):
            self.mended(good)

    def test_rulers_are_short(self):
        self.assertEqual(self.mended("/* ---- a b ------------\n */\n", "a ruler is /* ---- a b ---- */"),
                         "/* ---- a b ---- */\n")
        self.mended("/* ---- a b\n * ------- */\n", "a ruler is /* ---- a b ---- */")
        self.mended("/* ---- a b ---- */\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
