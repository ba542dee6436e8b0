#!/usr/bin/env python3
"""Fails on an include that goes to the left of the folder order or up the order of a folder's
rooms, on a private header of another room, on a third-party header outside the files that may
include it, on a fence that no file needs, and on a socket that listens without base/listen.c
(docs/ARCHITECTURE.md)."""
import pathlib
import re
import sys

ORDER = ["tools", "api", "bridge", "store", "crypto", "proto", "base"]
# The rooms of a folder, lowest first: a room includes itself and the rooms before it. Files that
# lie in the folder itself stand above all rooms.
ROOMS = {
    "api": ["call", "http", "route"],
    "bridge": ["platform", "settings", "core", "conn", "recovery", "media", "pair", "people", "sessions", "groups",
               "appstate", "receive", "history", "send", "dispatch", "calls"],
    "store": ["files", "db", "core", "session", "messages", "outbox", "backup", "open"],
    "tools/mock": ["core", "wire", "devices", "route", "service", "link", "people", "admin"],
}
# pair/ is the inside of a connection that is not logged in yet.
PRIVATE_FROM = {"bridge/conn/conn_private.h": ("bridge/pair",)}
# Only these files may include headers that begin so. An entry that ends with '/' or '_' is the
# beginning of their paths. An entry that no file needs is an error: some day it would let a file
# in.
FENCES = {
    "libwebsockets.h": ("bridge/platform/loop.c", "bridge/platform/ws_client.c", "api/http/", "tools/mock/server.c"),
    "sqlite3.h": ("store/db/",),
    "sodium": ("crypto/prim_", "base/secret.c", "base/rng.c", "base/text.c"),
    "openssl/": ("crypto/prim_", "bridge/platform/ws_client.c", "bridge/platform/ws_tls.c", "tools/mock/wire/tls.c",
                 "tools/mock/core/p256.c", "tools/mock/core/sha1.c"),
    "schema/": ("proto/",),
    "protobuf-c": ("proto/",),
    "qrencode.h": ("bridge/pair/qr.c",),
    "curl/": ("bridge/platform/http_client.c",),
    "jansson.h": ("api/call/", "store/backup/backup_manifest.c", "tools/", "bridge/people/mex.c", "bridge/pair/webauthn.c"),
    "yaml.h": ("bridge/settings/config_yaml.c",),
    "zlib.h": ("proto/inflate.c", "tools/mock/"),
    "png.h": ("api/route/route_qr.c",),
}

# Only base/listen.c makes a socket listen or tells libwebsockets to do so. (The port in
# bridge/platform/ws_client.c is the port that it connects to.)
LISTENS = re.compile(r"(^|[^_.>\w])(bind|listen)\s*\(|[.>]iface\s*=|"
                     r"(^\s*\.|info\.)port\s*=(?!\s*(CONTEXT_PORT_NO_LISTEN|c->url\.port))")
# Python code listens on loopback only.
SERVES = re.compile(r"(create_server|HTTPServer|\.bind)\((?!\(f?\"127\.[^\"]*\", |path\))")


def folder(path):
    return path.parts[0]


def house(path):
    """The folder with rooms that holds the file; None: the file is in no such folder."""
    return next((name for name in ROOMS if pathlib.PurePath(name) in path.parents), None)


def room(path):
    """The height of the file's room, and the room's name; None as the name of a file above all
    rooms."""
    order, inside = ROOMS[house(path)], path.relative_to(house(path)).parts
    if len(inside) < 2:
        return len(order), None
    return order.index(inside[0]), inside[0]


def rooms_broken(rel, header):
    """What is wrong with this include, among the rooms of one folder; None: it is allowed."""
    to = pathlib.PurePath(header)
    if house(rel) is None or house(rel) != house(to):
        return None
    (from_height, from_room), (height, name) = room(rel), room(to)
    if height > from_height:
        return f"{house(rel)}/{from_room} may not include {header}"
    if to.stem.endswith("_private") and name != from_room and str(rel.parent) not in PRIVATE_FROM.get(header, ()):
        return f"{header} is private to {house(to)}/{name}"
    return None


def unknown_rooms(root):
    """Folders that are no room, and rooms that have no folder."""
    bad = []
    for inside, names in ROOMS.items():
        there = {path.parent.name for path in (root / inside).glob("*/*.[ch]")}
        bad += [f"{inside}/{name}: no room of that name (ROOMS)" for name in sorted(there - set(names))]
        bad += [f"{inside}/{name}: ROOMS has it, and there is no such folder" for name in names if name not in there]
    return bad


def inside_fence(rel, entry):
    return str(rel).startswith(entry) if entry[-1] in "/_" else str(rel) == entry


def check(root):
    excepted = set((root / "tests/upward_includes.txt").read_text().splitlines())
    needed = set()
    used_fences = set()
    bad = unknown_rooms(root)
    if bad:
        return bad
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
            broken = rooms_broken(rel, header)
            if broken:
                needed.add(f"{rel} {header}")
                if f"{rel} {header}" not in excepted:
                    bad.append(f"{where}: {broken}")
            if first == "tests":
                bad.append(f"{where}: nobody includes tests/")
            for prefix, allowed in FENCES.items():
                by = {(prefix, entry) for entry in allowed if inside_fence(rel, entry)}
                if header.startswith(prefix):
                    used_fences |= by
                    if not by:
                        bad.append(f"{where}: {header} is fenced in ({', '.join(allowed)})")
    for path in sorted([*root.glob("tools/**/*.py"), *root.glob("tests/**/*.py")]):
        if "node_modules" in path.parts or path.name in ("check_includes.py", "test_network.py", "test_libraries.py"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if SERVES.search(line):
                bad.append(f"{path.relative_to(root)}:{number}: listens elsewhere than on loopback")
    bad += [f"FENCES: no file of {entry} includes {prefix}" for prefix, allowed in FENCES.items() for entry in allowed
            if (prefix, entry) not in used_fences]
    bad += [f"tests/upward_includes.txt: {line}: is not there any more, strike it out" for line in sorted(excepted - needed)]
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]))
    for line in bad:
        print(line)
    print(f"include check: {len(bad)} forbidden")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
