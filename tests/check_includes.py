#!/usr/bin/env python3
"""Fails on an include that goes to the left of the folder order, on one of a room that the target of the including room
does not link, on a private header of another room, on a third-party header outside the files that fence it in, on a fence
that nobody needs, and on a socket that listens without base/listen.c (docs/ARCHITECTURE.md)."""
import pathlib
import re
import sys

ORDER = ["tools", "api", "bridge", "store", "crypto", "proto", "base"]
# The rooms of a folder, lowest first. What a room may include of others is what its target links (LINKS). Files that lie
# in the folder itself stand above all rooms.
ROOMS = {
    "api": ["call", "http", "route"],
    "bridge": ["platform", "settings", "core", "conn", "recovery", "media", "pair", "people", "sessions", "groups",
               "appstate", "receive", "history", "send", "dispatch", "calls"],
    "store": ["files", "db", "core", "session", "messages", "outbox", "backup", "open"],
    "tools/mock": ["core", "wire", "devices", "route", "service", "link", "people", "admin"],
}
# The files that declare rooms: wb_room(<folder> <room> USES <rooms or targets>...), lowest first.
LINKS = ("CMakeLists.txt", "tools/mock/CMakeLists.txt")
WB_ROOM = re.compile(r"^\s*wb_room\((\S+)\s+([^\s)]+)([^)]*)\)", re.M)
# What the first comment of a header says of its users: "private to send/", "private to store/ and tools/".
PRIVATE_TO = re.compile(r"private to ([\w/]+/)(?: and ([\w/]+/))?", re.I)
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
    """The room that the file lies in, as "bridge/conn"; None: it stands above all rooms, or in a folder without any."""
    inside = house(path)
    return str(path.parent) if inside and path.parent != pathlib.PurePath(inside) else None


def linked_rooms(root):
    """{room: the rooms that its target links, itself too}, and what is wrong with the lines that say so."""
    linked, bad, declared = {}, [], {name: [] for name in ROOMS}
    targets = {}  # what a name in USES stands for
    for path in LINKS:
        for inside, name, rest in WB_ROOM.findall((root / path).read_text()):
            if name not in ROOMS.get(inside, ()):
                bad.append(f"{path}: wb_room({inside} {name}): no room of that name (ROOMS)")
                continue
            own, prefix = f"{inside}/{name}", pathlib.PurePath(inside).name
            declared[inside].append(name)
            linked[own] = {own}
            for used in rest.split("PRIVATE_USES")[0].split():
                linked[own] |= targets.get(f"{prefix}_{used}", targets.get(used, set()))
            targets[f"{prefix}_{name}"] = linked[own]
            targets[prefix] = targets.get(prefix, set()) | linked[own]
    bad += [f"{inside}/{name}: ROOMS has it, and no wb_room line" for inside, names in ROOMS.items() for name in names
            if name not in declared[inside]]
    if not bad:
        bad = [f"{inside}/: the wb_room lines have another order than ROOMS" for inside, names in ROOMS.items()
               if names != declared[inside]]
    return linked, bad


def private_to(root, header):
    """The folders whose files alone may include the header, as its first comment says; none: it says nothing."""
    path = root / header
    if not path.is_file():
        return []
    first = re.match(r"/\*.*?\*/", path.read_text(), re.S)
    said = PRIVATE_TO.search(re.sub(r"\s*\n \* ?", " ", first[0])) if first else None
    inside = pathlib.PurePath(house(pathlib.PurePath(header)) or ".")
    return [inside / name if (root / inside / name).is_dir() else pathlib.PurePath(name)
            for name in (said.groups() if said else ()) if name]


def rooms_broken(root, rel, header, linked):
    """What is wrong with this include, among rooms; None: nothing."""
    to = pathlib.PurePath(header)
    if room(rel) and room(to) and room(to) not in linked[room(rel)]:
        return f"{room(rel)} may not include {header}"
    if str(rel.parent) in PRIVATE_FROM.get(header, ()):
        return None
    owners = private_to(root, header) + [to.parent] * to.stem.endswith("_private")
    if owners and not any(owner in rel.parents for owner in owners):
        return f"{header} is private to {' and '.join(map(str, owners))}"
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
    used_fences = set()
    linked, bad = linked_rooms(root)
    bad += unknown_rooms(root)
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
                    continue
            broken = rooms_broken(root, rel, header, linked)
            if broken:
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
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]))
    for line in bad:
        print(line)
    print(f"include check: {len(bad)} forbidden")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
