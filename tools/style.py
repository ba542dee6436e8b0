#!/usr/bin/env python3
"""Rules for the C files that clang-format does not know: blank lines after declarations, tests for
NULL, rulers.

- The declarations at the beginning of a block are followed by a blank line when statements follow.
- A pointer in a condition is tested as `p` or `!p`. `== NULL` stays where the result is a value
  (`return p == NULL;`), or where the left side is an assignment.
- A ruler between the parts of a file is `/* ---- text ---- */`: the formatter breaks longer ones.

tools/check-format runs it over all files.   style.py [--fix] FILE..."""
import pathlib
import re
import sys

RULER = re.compile(r"/\* -{2,} +(\S(?:[^\n]*?\S)?)(?: +|\s*\n \* *)-{2,}\s*(?:\n \*\s*)?\*/")
TYPE_WORD = (r"(?:static|const|volatile|extern|register|unsigned|signed|long|short|int|char|bool|float|double|void|"
             r"size_t|ssize_t|va_list|FILE|DIR|jmp_buf|sqlite3\w*|[a-z]\w*_t|[a-z]\w*_fn|"
             r"(?:struct|enum|union)\s+\w+)\b(?!\s*\()")
# Names of libraries' types begin with a capital letter: a pointer, or a value that is initialized
# or just named.
LIBRARY_TYPE = r"[A-Z]\w*\s*\*+\s*\w+\s*[=;,]|[A-Z]\w*\s+\w+\s*[=;,\[]"
DECLARATION = re.compile(rf"(?:{TYPE_WORD}\s*(?:\*\s*(?:const\s*)?)*\s*)+[\w*(\[]|(?:const\s+)?(?:{LIBRARY_TYPE})|"
                         r"(?:static\s+)?(?:const\s+)?(?:enum|struct|union)(?:\s+\w+)?\s*\{")
COMPARED = re.compile(r"(?<![\w)\].>])(!?)((?:\*?[A-Za-z_]\w*)(?:(?:->|\.)\w+|\[\w+(?:(?:->|\.)\w+)*\])*) ([!=])= NULL\b")
CONDITION = re.compile(r"\b(?:if|while)\s*\(")


def blank_out(text):
    """The text with spaces in place of comments, strings and characters: all remaining braces and
    semicolons are code."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', spaces, text, flags=re.S)


def statement_end(code, start):
    """Just behind the statement or declaration that begins at start."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth < 0:
                return None
        elif code[at] == ";" and depth == 0:
            return at + 1
    return None


def is_block(code, brace):
    """Whether this brace opens a block of statements (not an initializer, struct, enum)."""
    before = code[:brace].rstrip()
    return before.endswith(")") and not before.endswith("sizeof)") or re.search(r"\b(?:else|do)$", before) is not None


def missing_blanks(text):
    """Offsets of the statements that need a blank line before them."""
    code = blank_out(text)
    found = []
    for match in re.finditer(r"\{", code):
        brace = match.start()
        line_end = code.find("\n", brace)
        if not is_block(code, brace) or code[brace + 1:line_end].strip(" \\"):
            continue
        at, last = brace + 1, None
        while True:
            start = re.compile(r"\s*").match(code, at).end()
            if not DECLARATION.match(code, start) or re.match(r"(?:return|goto|else|case|sizeof)\b", code[start:start + 8]):
                break
            end = statement_end(code, start)
            if end is None:
                break
            at = last = end
        if last is None or code.startswith("}", start):
            continue
        # A comment that begins on the declaration's own line belongs to it.
        comment = re.compile(r"[ \t]*/\*.*?\*/", re.S).match(text, last)
        if comment:
            last = comment.end()
        lines = text[last:start].split("\n")
        if len(lines) < 2 or lines[0].endswith("\\") or any(not line.strip(" \t\\") for line in lines[1:-1]):
            continue
        found.append(last + len(lines[0]) + 1)
    return found


def conditions(code):
    """(start, end) of the inside of each if (…) and while (…)."""
    for match in CONDITION.finditer(code):
        depth, at = 1, match.end()
        while at < len(code) and depth:
            depth += (code[at] == "(") - (code[at] == ")")
            at += 1
        yield match.end(), at - 1


def null_tests(text):
    """(start, end, what it should be) of each comparison with NULL in a condition."""
    code = blank_out(text)
    found = []
    for start, end in conditions(code):
        for match in COMPARED.finditer(code, start, end):
            around = code[match.end():end].lstrip()
            if match.group(1) or around.startswith("?") or around[:2] in ("==", "!=") or re.search(r"(?:[!=]=|[?:]) ?$", code[start:match.start()]):
                continue
            found.append((match.start(), match.end(), ("!" if match.group(3) == "=" else "") + match.group(2)))
    return found


def fixed(text):
    """The corrected text, and (line, what was wrong) of each place."""
    wrong = []

    def line(at, of):
        return of.count("\n", 0, at) + 1

    for match in RULER.finditer(text):
        want = f"/* ---- {match.group(1).rstrip('- ')} ---- */"
        if match.group() != want:
            wrong.append((line(match.start(), text), f"a ruler is {want}"))
    tests = null_tests(text)
    wrong += [(line(start, text), f"a condition says {want}") for start, _, want in tests]
    blanks = missing_blanks(text)
    wrong += [(line(at, text), "a blank line separates declarations from statements") for at in blanks]
    edits = [(start, end, want) for start, end, want in tests] + [(at, at, "\n") for at in blanks]
    for start, end, want in sorted(edits, reverse=True):
        text = text[:start] + want + text[end:]
    text = RULER.sub(lambda m: f"/* ---- {m.group(1).rstrip('- ')} ---- */", text)
    return text, sorted(wrong)


def main():
    fix = "--fix" in sys.argv[1:2]
    bad = 0
    for name in sys.argv[2 if fix else 1:]:
        path = pathlib.Path(name)
        text = path.read_text(encoding="utf-8")
        better, wrong = fixed(text)
        if fix:
            if better != text:
                path.write_text(better, encoding="utf-8")
            continue
        bad += len(wrong)
        for number, what in wrong:
            print(f"{name}:{number}: {what}")
    if bad:
        print(f"style: {bad} places; tools/check-format --fix mends them")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
