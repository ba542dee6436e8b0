#!/usr/bin/env python3
"""Every function of the product is reached from one of its programs.

A function that nothing but tests calls is a promise that nobody keeps: its tests pass, and the program does
without it. This reads the sources: the functions, what each names in its body, and what is named outside of
functions (tables, macros, headers), beginning at main(). What it does not reach fails, unless it stands in
WANTED with the reason why it is there all the same."""

import pathlib
import re
import sys

FOLDERS = ("api", "base", "bridge", "crypto", "proto", "store", "tools")

# The other side of what the program reads or writes: our tests write with it what peers, phones and servers
# send, or read what they are sent. It stands beside its counterpart, so that both change together.
OTHER_SIDE = """
    adv_identity_encode adv_key_list_encode adv_signed_hmac_encode adv_signed_key_list_encode
    app_state_key_request_decode app_state_keys_encode client_payload_decode
    content_encode_contact content_encode_edit content_encode_location content_encode_poll
    content_encode_reaction content_encode_revoke handshake_client_finish_decode handshake_client_hello_decode
    handshake_server_hello_encode history_notification_encode lid_mappings_encode msg_secret_seal
    peer_request_decode peer_response_encode peer_snapshot_request_encode web_message_encode
"""
WANTED = {
    **{name: "the other side, for tests" for name in OTHER_SIDE.split()},
    "admin_fields_call": "for the test that compares wa-mock's calls with their documentation",
    "content_edit_attribute": "of kinds of messages that nobody can ask for yet (P-SD-18)",
    "content_hides_decrypt_fail": "of kinds of messages that nobody can ask for yet (P-SD-19)",
    "fdatasync": "the C library's, counted by the benchmarks",
    "store_outbox_count": "how much is queued, for tests",
    "node_print_text": "a stanza as a failing test shows it",
}

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
HEAD = re.compile(r"(\w+)\s*\([^;{}]*\)\s*$")
MACRO = re.compile(r"^#define(?:[^\n]*\\\n)*[^\n]*", re.M)
WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def bare(text):
    """Without comments and strings."""
    return COMMENT_OR_STRING.sub(lambda m: '""' if m[0][0] == '"' else " ", text)


def pieces(text):
    """(name or None, text, is it static): functions, and what stands between them. As the project writes
    them: a body begins with a brace at the beginning of a line and ends with one."""
    rest = 0
    for match in re.finditer(r"^\{\n.*?^\}", text, re.M | re.S):
        before = text[rest:match.start()]
        cut = max(before.rfind(";\n"), before.rfind("\n\n"), before.rfind("}\n"), before.rfind("#endif\n"), -1) + 1
        head = HEAD.search(before[cut:])
        if not head:
            continue
        yield None, before[:cut], False
        yield head.group(1), before[cut:] + match.group(), bool(re.search(r"^static\b", before[cut:], re.M))
        rest = match.end()
    yield None, text[rest:], False


def named_outside(text):
    """Words of tables, macros and constants. A prototype names a function without using it."""
    words = set()
    for line in MACRO.findall(text):
        words.update(WORD.findall(line))
    for statement in MACRO.sub("", text).split(";"):
        if "(" not in statement or "=" in statement or "{" in statement:
            words.update(WORD.findall(statement))
    return words


class Program:
    def __init__(self):
        self.exported = {}  # name -> files that have such a function
        self.bodies = {}  # (file, name) -> words
        self.outside = {}  # file -> words outside of its functions

    def read(self, path, shown):
        outside = self.outside.setdefault(shown, set())
        for name, text, static in pieces(bare(path.read_text("utf-8"))):
            if name is None:
                outside |= named_outside(text)
                continue
            self.bodies.setdefault((shown, name), set()).update(set(WORD.findall(text)) - {name})
            if not static and name != "main":
                self.exported.setdefault(name, []).append(shown)

    def meant(self, file, word):
        """The functions that the word means in that file."""
        if (file, word) in self.bodies:
            return [(file, word)]
        return [(other, word) for other in self.exported.get(word, [])]

    def reached(self):
        todo = [(file, words | {"main"}) for file, words in self.outside.items()]
        done = set()
        while todo:
            file, words = todo.pop()
            new = {key for word in words for key in self.meant(file, word)} - done
            done |= new
            todo += [(key[0], self.bodies[key]) for key in new]
        return {name for _, name in done}


def main():
    root = pathlib.Path(sys.argv[1])
    program = Program()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            program.read(path, str(path.relative_to(root)))
    if len(program.exported) < 500:
        print(f"only {len(program.exported)} functions were found: the sources are not read rightly")
        return 1
    reached = program.reached()
    unused = sorted(set(program.exported) - reached - set(WANTED))
    for name in unused:
        print(f"{program.exported[name][0]}: {name}() is reached from no program: call it, or remove it")
    gone = sorted(set(WANTED) - set(program.exported))
    for name in gone:
        print(f"{name} stands in WANTED, and is no function any more")
    print(f"unused: {len(program.exported)} functions, {len(WANTED)} wanted for tests, {len(unused)} unused")
    return 1 if unused or gone else 0


if __name__ == "__main__":
    sys.exit(main())
