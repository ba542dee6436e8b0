#!/usr/bin/env python3
"""Fails on an include that goes to the left of the folder order, and on a third-party header
outside the files that fence it in, and on a socket that listens without base/listen.c
(docs/ARCHITECTURE.md)."""
import pathlib
import re
import sys

ORDER = ["tools", "api", "bridge", "store", "crypto", "proto", "base"]
# header prefix -> path patterns that may include it
FENCES = {
    "libwebsockets.h": r"^(bridge/(loop|ws_client)\.c|api/http_\w+\.c|tools/mock/server\.c|tools/.*bench.*\.c)$",
    "sqlite3.h": r"^(store/|tools/bench/)",
    "sodium": r"^(crypto/prim_|base/(secret|rng|text)\.c)",
    "openssl/": r"^(crypto/prim_|bridge/(loop|ws_client|ws_tls)\.c$|tools/mock/(tls|p256|sha1)\.c$)",
    "schema/": r"^(proto/|crypto/|tools/mock/)",
    "protobuf-c": r"^(proto/|crypto/|tools/mock/)",
    "qrencode.h": r"^bridge/qr\.c$",
    "curl/": r"^bridge/http_client\.c$",
    "jansson.h": r"^(api/|store/|tools/|bridge/(outgoing_json|mex|webauthn)\.c$)",
    "yaml.h": r"^bridge/config_yaml\.c$",
    "zlib.h": r"^(proto/inflate\.c|tools/mock/)",
    "png.h": r"^api/",
}

# What makes a socket listen, or has libwebsockets do it, is base/listen.c's alone. (The port in
# bridge/ws_client.c is the one that it calls.)
LISTENS = re.compile(r"(^|[^_.>\w])(bind|listen)\s*\(|[.>]iface\s*=|"
                     r"(^\s*\.|info\.)port\s*=(?!\s*(CONTEXT_PORT_NO_LISTEN|c->url\.port))")
# In Python it does so on loopback.
SERVES = re.compile(r"(create_server|HTTPServer|\.bind)\((?!\(f?\"127\.[^\"]*\", |path\))")


def folder(path):
    return path.parts[0]


def check(root):
    bad = []
    for path in sorted(root.rglob("*.[ch]")):
        rel = path.relative_to(root)
        if folder(rel) not in ORDER:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if LISTENS.search(line) and not line.lstrip().startswith(("*", "/*")) and \
                    str(rel) != "base/listen.c":
                bad.append(f"{rel}:{number}: sockets that listen are made by base/listen.c")
            m = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if not m:
                continue
            header = m.group(1)
            first = header.split("/")[0]
            where = f"{rel}:{number}"
            if first in ORDER and "/" in header:
                if ORDER.index(first) < ORDER.index(folder(rel)) and str(rel) != "bridge/main.c":
                    bad.append(f"{where}: {folder(rel)}/ may not include {header}")
            if first == "tests":
                bad.append(f"{where}: nobody includes tests/")
            for prefix, allowed in FENCES.items():
                if header.startswith(prefix) and not re.match(allowed, str(rel)):
                    bad.append(f"{where}: {header} is fenced in ({allowed})")
    for path in sorted([*root.glob("tools/**/*.py"), *root.glob("tests/**/*.py")]):
        if "node_modules" in path.parts or path.name in ("check_includes.py", "test_network.py", "test_libraries.py"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if SERVES.search(line):
                bad.append(f"{path.relative_to(root)}:{number}: listens elsewhere than on loopback")
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]))
    for line in bad:
        print(line)
    print(f"include check: {len(bad)} forbidden")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
