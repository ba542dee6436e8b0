#!/usr/bin/env python3
"""Fails on an include that goes to the left of the folder order, and on a third-party header
outside the files that fence it in (docs/ARCHITECTURE.md)."""
import pathlib
import re
import sys

ORDER = ["tools", "api", "bridge", "store", "crypto", "proto", "base"]
# header prefix -> path patterns that may include it
FENCES = {
    "libwebsockets.h": r"^(bridge/(loop|ws_client)\.c|api/http_server\.c|tools/mock/server\.c|tools/.*bench.*\.c)$",
    "sqlite3.h": r"^(store/|tools/bench/)",
    "sodium": r"^(crypto/prim_|base/(secret|rng|text)\.c)",
    "openssl/": r"^(crypto/prim_|bridge/(loop|ws_client)\.c$|tools/mock/(tls|p256)\.c$)",
    "schema/": r"^(proto/|crypto/|tools/mock/)",
    "protobuf-c": r"^(proto/|crypto/|tools/mock/)",
    "qrencode.h": r"^bridge/qr\.c$",
    "curl/": r"^bridge/http_client\.c$",
    "jansson.h": r"^(api/|store/|tools/|bridge/(outgoing_json|webauthn)\.c$)",
    "yaml.h": r"^bridge/config_yaml\.c$",
    "zlib.h": r"^(proto/inflate\.c|tools/mock/)",
    "png.h": r"^api/",
}


def folder(path):
    return path.parts[0]


def check(root):
    bad = []
    for path in sorted(root.rglob("*.[ch]")):
        rel = path.relative_to(root)
        if folder(rel) not in ORDER:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
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
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]))
    for line in bad:
        print(line)
    print(f"include check: {len(bad)} forbidden")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
