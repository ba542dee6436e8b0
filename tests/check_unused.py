#!/usr/bin/env python3
"""Every function of the product is reached from one of the programs that users get.

If only tests call a function, its tests pass, and the program works without it. The check reads the
sources: the functions, the names in each body, and the names outside of functions (tables, macros,
headers), beginning at main(). A function that is not reached fails, unless it stands with its
reason in WANTED (only tests call it) or in MOCKS (only wa-mock and tests call it). A name that
stands there and is reached fails too: the reason is no longer true."""

import pathlib
import re
import sys

# whatsapp-bridge, bridge-backup, bridge-import, bridge-handback, bridge-convert-timestamps.
SHIPPED = ("api", "base", "bridge", "crypto", "proto", "store", "tools/backup", "tools/convert", "tools/handback",
           "tools/import")
OTHERS = ("tools/mock", "tools/benchmarks")

# The other side of what the program reads or writes: with these functions our tests write what
# peers, phones and servers send, or read what these get. Each stands beside its counterpart, so
# that both change together.
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
    "node_print_text": "a stanza as a failing test shows it",
}
SERVER = "what WhatsApp's server does, beside its counterpart"
PHONE = "what an account owner's phone does, beside its counterpart"
MOCKS = {
    "adv_make_account_signature": PHONE,
    "appstate_value_seal": PHONE,
    "link_code_finish_phone": PHONE,
    "cert_wire_chain_encode": SERVER,
    "cert_wire_details_encode": SERVER,
    "noise_cert_issue": SERVER,
    "noise_read_1": SERVER,
    "noise_read_3": SERVER,
    "noise_write_2": SERVER,
    "rng_from_seed": "random numbers that come again in another run; the product has none",
}

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
HEAD = re.compile(r"(\w+)\s*\([^;{}]*\)\s*$")
MACRO = re.compile(r"^#define(?:[^\n]*\\\n)*[^\n]*", re.M)
WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def bare(text):
    """The text without comments and strings."""
    return COMMENT_OR_STRING.sub(lambda m: '""' if m[0][0] == '"' else " ", text)


def pieces(text):
    """(name or None, text, is it static) of each function, and of the text between functions.
    Functions are found by the project's style: a body begins with a brace at the beginning of a
    line and ends with one."""
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
        """The functions that the word names in that file."""
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


def read(root, folders):
    program = Program()
    for folder in folders:
        for path in sorted((root / folder).rglob("*.[ch]")):
            program.read(path, str(path.relative_to(root)))
    return program


def judged(shipped, everything, wanted, mocks):
    """The faults, a line each. shipped: the programs that users get; everything: also wa-mock and
    the benchmarks."""
    by_users, by_any = shipped.reached(), everything.reached()
    lines = []
    for name in sorted(set(everything.exported) - by_any - set(wanted)):
        lines.append(f"{everything.exported[name][0]}: {name}() is reached from no program: call it, or remove it")
    for name in sorted((set(shipped.exported) & by_any) - by_users - set(mocks) - set(wanted)):
        lines.append(f"{shipped.exported[name][0]}: {name}() is reached from no program that users get: call it, move it to "
                     "tools/mock, or say in MOCKS why it is there")
    for title, names, reached in (("WANTED", wanted, by_any), ("MOCKS", mocks, by_users)):
        lines += [f"{name} stands in {title}, and is no function any more" for name in sorted(names)
                  if name not in everything.exported]
        lines += [f"{name} stands in {title}, and is reached: take it out" for name in sorted(set(names) & reached)]
    return lines


def main():
    root = pathlib.Path(sys.argv[1])
    shipped, everything = read(root, SHIPPED), read(root, SHIPPED + OTHERS)
    if len(shipped.exported) < 500 or len(everything.exported) < len(shipped.exported) + 100:
        print(f"only {len(everything.exported)} functions were found: the sources are not read rightly")
        return 1
    lines = judged(shipped, everything, WANTED, MOCKS)
    print(*lines, sep="\n", end="\n" if lines else "")
    print(f"unused: {len(everything.exported)} functions, {len(WANTED)} wanted for tests, {len(MOCKS)} for wa-mock, "
          f"{len(lines)} problems")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
