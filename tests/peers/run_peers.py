#!/usr/bin/env python3
"""Builds the independent clients and runs tests with them.

run_peers.py --prepare [test_mock_peers ...]  only build the clients (default: those of all tests)
run_peers.py [test_mock_peers ...]            run these test files (default: all in this folder)

Ends with status 77 (skipped, for ctest) when a toolchain is missing; with CI=true that is a failure.
"""

import fcntl
import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import paths, runner, skips  # noqa: E402

SETUP = "tools/setup-debian peers installs it"
# whatsmeow asks for Go 1.24. From 1.21 on, go fetches a newer toolchain by itself.
OLDEST_GO = (1, 21)
TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.25.5.linux-{arch}"
# whatsapp-rust asks for it (rust-version in its Cargo.toml). Debian 12's cargo-web is newer, its cargo is older.
OLDEST_RUST = (1, 94)


class Missing(Exception):
    """A toolchain that is not on this machine."""


def run(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Missing(f"{' '.join(map(str, argv))}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def prepare_baileys():
    """In the build directory: nothing is written into the source tree."""
    place = pathlib.Path(paths.BAILEYS)
    place.mkdir(exist_ok=True)
    for source in pathlib.Path(paths.BAILEYS_SOURCE).iterdir():
        if source.suffix in (".mjs", ".json") or source.name == ".npmrc":
            copy = place / source.name
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                copy.write_bytes(source.read_bytes())
    stamp, lock = place / "node_modules" / ".package-lock.json", place / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        if not shutil.which("npm"):
            raise Missing(f"npm is not installed ({SETUP})")
        run(["npm", "ci", "--no-progress"], cwd=place)
        stamp.touch()
    if not paths.node():
        raise Missing("no node of version 20 or newer, and npm's package has none for this machine")


def go_version(go):
    word = run([go, "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"}).strip()
    major, minor = word.removeprefix("go").split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()))


def newer_go(go):
    """Debian 12's go is older than toolchain switching: fetch the toolchain as the module it is."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    where = pathlib.Path(paths.PEERS_BUILD) / "go"
    if not (where / "bin" / "go").exists():
        module = TOOLCHAIN.format(arch=arch)
        run([go, "mod", "download", module], cwd="/")
        cache = run([go, "env", "GOMODCACHE"]).strip()
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(pathlib.Path(cache) / module, where)
        run(["chmod", "-R", "u+w", where])
        # A module zip has neither modes nor nested go.mod files (they are stored as _go.mod).
        for folder in (where / "bin", where / "pkg" / "tool"):
            for file in folder.rglob("*"):
                file.chmod(0o755)
        for file in where.rglob("_go.mod"):
            file.rename(file.with_name("go.mod"))
    return str(where / "bin" / "go")


def prepare_whatsmeow(old_too):
    go = shutil.which("go")
    if not go:
        raise Missing(f"go is not installed ({SETUP})")
    env = dict(os.environ)
    if go_version(go) < OLDEST_GO:
        go = newer_go(go)
        env["GOROOT"] = str(pathlib.Path(go).parent.parent)
    # libsqlite3: Debian's SQLite instead of compiling the driver's own copy of it.
    for program, package in ((paths.WHATSMEOW, "."), (paths.WHATSMEOW_NODES, "./nodecodec")):
        run([go, "build", "-tags", "libsqlite3", "-o", program, package], cwd=HERE / "whatsmeow",
            env=env)
    if old_too:
        run([go, "build", "-tags", "libsqlite3", "-o", paths.WHATSMEOW_V6, "."],
            cwd=HERE / "whatsmeow-v6", env=env)


def rust_version(cargo):
    """cargo is numbered as the compiler it belongs to: "cargo 1.95.0 (f2d3ce0bd 2026-03-21)"."""
    major, minor = run([cargo, "--version"], cwd="/").split()[1].split(".")[:2]
    return int(major), int(minor)


def prepare_whatsapp_rust():
    cargo = shutil.which("cargo")
    if not cargo:
        raise Missing(f"cargo is not installed ({SETUP})")
    found = rust_version(cargo)
    if found < OLDEST_RUST:
        raise Missing(f"cargo {found[0]}.{found[1]} is too old, {OLDEST_RUST[0]}.{OLDEST_RUST[1]} is needed"
                      f" ({SETUP})")
    run([cargo, "build", "--locked", "--quiet", "--target-dir", paths.WHATSAPP_RUST_TARGET],
        cwd=HERE / "whatsapp-rust")


def needed(names, word):
    """Does a test file of these (none: all) have the word in its name?"""
    return not names or any(word in name for name in names)


def prepare(names):
    try:
        os.makedirs(paths.PEERS_BUILD, exist_ok=True)
    except OSError as err:
        raise Missing(f"{err.strerror}: {paths.PEERS_BUILD}; WB_BUILD_DIR names another directory") from err
    with open(os.path.join(paths.PEERS_BUILD, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare_baileys()
        # Few test files need these builds, which take a while.
        prepare_whatsmeow(needed(names, "hand") or needed(names, "readers"))
        if needed(names, "rust"):
            prepare_whatsapp_rust()


def main():
    names = [name for name in sys.argv[1:] if name != "--prepare"]
    try:
        prepare(names)
    except Missing as err:
        if skips.CI:
            print(f"FAILED: the peers cannot be built: {err}")
            return 1
        print(f"SKIPPED: tests with independent clients: {err}")
        return runner.SKIPPED
    if "--prepare" in sys.argv:
        return 0
    return runner.run(names, HERE)


if __name__ == "__main__":
    sys.exit(main())
