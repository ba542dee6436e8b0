#!/usr/bin/env python3
"""Runs the end-to-end suites of other people's clients, from checkouts of them, against wa-mock.

run_suites.py [--baileys DIR] [--whatsapp-rust DIR] [--only TEXT] [--limit SECONDS] [--keep DIR]

Nothing of the suites is changed. Before they run they are made ready, which asks the package registries
for what is missing: Baileys by yarn, whatsapp-rust by cargo. They run in a network namespace that has a
loopback only. A case that fails is tried once more by itself, since both suites have short limits of
time. What still fails is compared with the cases left out in docs/wa-mock.md. A case that fails and is not
named there makes the status 1, and so does one that is named there and passes. --only takes the cases whose
name (file::case) has that text in it. What wa-mock flagged is shown, and kept with --keep.
"""

import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import paths  # noqa: E402
from harness.mock import Mock  # noqa: E402

DOCS = pathlib.Path(paths.SOURCE) / "docs" / "wa-mock.md"
RESULT = re.compile(r"^\| (Baileys|whatsapp-rust) [^|]*, `[^`]+` \|")
LEFT_OUT = re.compile(r"^\| (Baileys|whatsapp-rust) \| `([^`]+)` \|")
LEFT_OUT_TITLE = "#### Cases left out"
RUST_CASE = re.compile(r"^test (\S+) \.\.\. (ok|FAILED|ignored)", re.M)
REVISION = 1030000000
# What whatsapp-rust makes 812 of at each login: unoptimized, its prekeys come too late for its own suite.
FAST_CURVE = "profile.dev.package.curve25519-dalek.opt-level=3"
# As far away as a server is: with answers at once, the suite asks for keys that are still being made.
FAR_MS = 60
# The name under which a suite fails that ended without results.
NOTHING_RAN = "all::jest"
YARN = ("npx", "--yes", "@yarnpkg/cli-dist@4.9.2")


def stop(text):
    sys.exit(f"run_suites: {text}")


def run(argv, cwd, **env):
    try:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, check=False, text=True,
                              capture_output=True)
    except FileNotFoundError:
        stop(f"{argv[0]} is needed, and is not installed (docs/testing.md says what the suites need)")
    if done.returncode != 0:
        stop(f"{' '.join(map(str, argv))}: {(done.stderr or done.stdout)[-3000:]}")
    return done.stdout


class Suite:
    """One client's suite. prepare() installs and builds; cases(chosen) runs those cases, all for None,
    and tells {"file::case": "ok" or "failed"}; named(text) are the cases that --only means."""

    mock_args = ("--tls", "--phone-per-name")
    shown_by = "."  # a file or directory that every checkout has

    def __init__(self, checkout, limit):
        self.checkout, self.limit = pathlib.Path(checkout).resolve(), limit
        self.directory = None
        self.deadline = 0
        self.flags = []
        self.cut_short = False

    def check(self):
        """Says what is missing, before anything is fetched or built."""
        if not (self.checkout / self.shown_by).exists():
            stop(f"{self.checkout} is no checkout of {self.name}: there is no {self.shown_by} in it")

    def begin(self, directory):
        """Its logs go there; its time runs from now on."""
        self.directory = directory
        self.deadline = time.monotonic() + self.limit

    def left(self):
        return max(1, self.deadline - time.monotonic())

    def command(self, argv, cwd, name, **env):
        """Its output; ends with the suite's time."""
        path = os.path.join(self.directory, f"{self.name}-{name}.log")
        with open(path, "w", encoding="utf-8") as log:
            try:
                subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, stdout=log, check=False,
                               stderr=subprocess.STDOUT, timeout=self.left())
            except subprocess.TimeoutExpired:
                self.cut_short = True
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")

    def start_mock(self, name, *args):
        return Mock(self.directory, *self.mock_args, *args, name=f"{self.name}-{name}-wa-mock")

    def end_mock(self, mock):
        self.flags += mock.flags()
        mock.process.stop()
        mock.process.check_sanitizers()


class Baileys(Suite):
    name = "Baileys"
    shown_by = "src/__tests__/e2e"
    file_end = ".test-e2e.ts"

    def check(self):
        super().check()
        if not paths.node():
            stop("node 20 or newer is needed (docs/testing.md)")

    def prepare(self):
        if not (self.checkout / "node_modules" / ".bin" / "jest").exists():
            run([*YARN, "install", "--immutable"], self.checkout, YARN_ENABLE_SCRIPTS="0",
                YARN_ENABLE_TELEMETRY="0")
        made = self.checkout / "WAProto" / "index.js"
        if not made.exists():  # it is large; some mirrors leave it out
            run([*YARN, "gen:protobuf"], self.checkout, YARN_ENABLE_TELEMETRY="0")

    def cases(self, chosen):
        """Jest takes files and names of cases apart, and one pattern of names for all files."""
        if chosen is None:
            return self._run("all", [], [])
        parts = [case.split("::", 1) for case in chosen]
        whole = sorted({file for file, name in parts if not name})
        rest = [(file, name) for file, name in parts if name and file not in whole]
        found = self._run("files", whole, []) if whole else {}
        if rest:
            names = self._run("names", sorted({file for file, _ in rest}), sorted({name for _, name in rest}))
            found.update(names)
        return found

    def _run(self, title, files, names):
        mock = self.start_mock(title, "--contacts", "1", "--groups", "1")
        group = mock.admin("GET", "/groups")["groups"][0]["jid"]
        # The group that the suite looks for by its name, and the version page that it asks for.
        mock.admin("POST", "/group/set", {"group": group, "subject": "Baileys Group Test"})
        mock.trouble(client_revision=REVISION)
        result = os.path.join(self.directory, "baileys.json")
        matches = [f"**/{file}{self.file_end}" for file in files] or ["**/*" + self.file_end]
        pathlib.Path(result).unlink(missing_ok=True)
        self.command([paths.node(), "--experimental-vm-modules", "node_modules/.bin/jest", "--runInBand",
                      "--forceExit", "--testMatch", *matches, "--setupFilesAfterEnv",
                      str(HERE / "suites" / "baileys_setup.mjs"), "--json", "--outputFile", result,
                      *(["--testNamePattern", "|".join(map(re.escape, names))] if names else [])],
                     self.checkout, "jest-" + title, BAILEYS_DIR=str(self.checkout), SOCKET_URL=mock.url,
                     WA_MOCK_ROOT_KEY=mock.root_key, NODE_TLS_REJECT_UNAUTHORIZED="0",
                     WA_MOCK_HTTP=mock.url.replace("wss", "https").removesuffix("/ws/chat"))
        self.end_mock(mock)
        if not os.path.exists(result):
            return {NOTHING_RAN: "failed"}
        return dict(self._read(json.loads(pathlib.Path(result).read_text(encoding="utf-8"))))

    def named(self, text):
        """The names of cases are known to jest alone: "file::" is all of a file, "file::text" the cases
        there that have the text in their names."""
        files = sorted(path.name.removesuffix(self.file_end)
                       for path in self.checkout.glob(f"src/**/*{self.file_end}"))
        file_part, colons, name_part = text.partition("::")
        if colons:
            return [f"{file}::{name_part}" for file in files if file.endswith(file_part)]
        return [f"{file}::" if text in file else f"{file}::{text}" for file in files]

    @staticmethod
    def _read(result):
        for file in result["testResults"]:
            stem = pathlib.Path(file["name"]).name.removesuffix(Baileys.file_end)
            if not file["assertionResults"]:  # it could not even be loaded
                yield f"{stem}::load", "failed"
            for case in file["assertionResults"]:
                if case["status"] != "pending":
                    yield f"{stem}::{case['fullName']}", "ok" if case["status"] == "passed" else "failed"


class WhatsappRust(Suite):
    name = "whatsapp-rust"
    shown_by = "tests/e2e/Cargo.toml"
    mock_args = (*Suite.mock_args, "--phash-without-sender", "--chatstate-ttl-ms", "3000")
    programs = ()

    def prepare(self):
        """With the stable compiler, not the one of some night that the checkout asks for; RUSTFLAGS stand
        above the flags of that one."""
        os.environ.setdefault("RUSTUP_TOOLCHAIN", "stable")
        out = run(["cargo", "test", "--locked", "--config", FAST_CURVE, "-p", "e2e-tests", "--no-run",
                   "--message-format", "json"], self.checkout,
                  RUSTFLAGS="-Cdebuginfo=0", CARGO_INCREMENTAL="0", CARGO_PROFILE_DEV_DEBUG="0",
                  CARGO_PROFILE_TEST_DEBUG="0", CARGO_BUILD_JOBS=os.environ.get("CARGO_BUILD_JOBS", "2"))
        found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        self.programs = sorted((made["target"]["name"], made["executable"]) for made in found
                               if made.get("executable") and made["target"]["kind"] == ["test"])

    def cases(self, chosen):
        found = {}
        for name, program in self.programs:
            mine = None if chosen is None else [c.split("::", 1)[1] for c in chosen if c.startswith(name + "::")]
            if mine == []:
                continue
            mock = self.start_mock(name)
            mock.trouble(delay_ms=FAR_MS)
            # Never 1 thread: libtest then writes the verdict apart from the name.
            out = self.command([program, f"--test-threads={4 if mine is None else 2}",
                                *(["--exact", *mine] if mine else [])],
                               self.checkout / "tests" / "e2e", name, MOCK_SERVER_URL=mock.url,
                               RUST_LOG="warn", RUST_BACKTRACE="0")
            self.end_mock(mock)
            found.update({f"{name}::{case}": "ok" if verdict == "ok" else "failed"
                          for case, verdict in RUST_CASE.findall(out) if verdict != "ignored"})
            if self.cut_short:
                break
        return found

    def named(self, text):
        listed = [f"{name}::{line.removesuffix(': test')}" for name, program in self.programs
                  for line in run([program, "--list"], self.checkout).splitlines() if line.endswith(": test")]
        return [case for case in listed if text in case]


def documented(suite, text=None):
    """The patterns of cases that docs/wa-mock.md leaves out. Where it says something twice, one of both
    may be out of date: nobody should go by it."""
    lines = (DOCS.read_text(encoding="utf-8") if text is None else text).splitlines()
    if lines.count(LEFT_OUT_TITLE) != 1:
        stop(f"{DOCS.name}: '{LEFT_OUT_TITLE}' must stand there once")
    results = [found.group(1) for found in map(RESULT.match, lines) if found]
    if results.count(suite) > 1:
        stop(f"{DOCS.name}: two rows with the results of {suite}")
    patterns = [found.group(2) for found in map(LEFT_OUT.match, lines) if found and found.group(1) == suite]
    for pattern in patterns:
        if patterns.count(pattern) > 1:
            stop(f"{DOCS.name}: {suite}'s {pattern} is left out twice")
    return patterns


def show_flags(suite):
    """What wa-mock flagged, each kind of fault once; all of them, with their stanzas, beside the logs."""
    kinds = collections.Counter((flag["what"], flag["detail"]) for flag in suite.flags)
    for (what, detail), times in sorted(kinds.items()):
        print(f"  flag: {what}: {detail}" + (f" ({times} times)" if times > 1 else ""), flush=True)
    if suite.directory:
        path = pathlib.Path(suite.directory) / f"{suite.name}-flags.json"
        path.write_text(json.dumps(suite.flags, indent=1), encoding="utf-8")


def judge(suite, only):
    """Runs the suite and prints its line; False when something failed that should not."""
    known = documented(suite.name)
    cases = suite.cases(None if only is None else suite.named(only))
    failed = sorted(case for case, verdict in cases.items() if verdict != "ok")
    unexpected = [case for case in failed if not any(fnmatch.fnmatchcase(case, p) for p in known)]
    again = []
    if unexpected and not suite.cut_short:
        second = suite.cases(unexpected)
        again = [case for case in unexpected if second.get(case) == "ok"]
        unexpected = [case for case in unexpected if case not in again]
        failed = [case for case in failed if case not in again]
    passing = sorted(case for case in cases if case not in failed)
    stale = [case for case in passing if any(fnmatch.fnmatchcase(case, p) for p in known)]
    print(f"{suite.name}: {len(passing)} of {len(cases)} passed, {len(failed) - len(unexpected)} left out, "
          f"{len(unexpected)} failed unexpectedly; {len(suite.flags)} flags", flush=True)
    for title, names in (("FAILED", unexpected), ("at the second try", again),
                         (f"FAILED: {DOCS.name} leaves it out, but it passes; strike it there", stale)):
        for name in names:
            print(f"  {title}: {name}", flush=True)
    show_flags(suite)
    if suite.cut_short:
        print(f"  FAILED: {suite.name} took longer than --limit", flush=True)
    if not cases:
        print(f"  FAILED: no case of {suite.name} ran", flush=True)
    return bool(cases) and not unexpected and not stale and not suite.cut_short


def confined():
    """This program again, where nothing but a loopback is."""
    if os.environ.get("WB_CONFINED") == "1":
        return
    os.environ.update(WB_CONFINED="1", CARGO_NET_OFFLINE="true")
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    argv = ["unshare", "--net", *root, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable,
            str(HERE / "run_suites.py"), *sys.argv[1:]]
    if not shutil.which("unshare") or not shutil.which("ip"):
        stop("unshare and ip are needed: the suites must reach nothing but a loopback")
    os.execvp(argv[0], argv)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--baileys", metavar="DIR", help="a checkout of WhiskeySockets/Baileys")
    parser.add_argument("--whatsapp-rust", metavar="DIR", help="a checkout of oxidezap/whatsapp-rust")
    parser.add_argument("--only", metavar="TEXT", help="cases whose name (file::case) has this in it")
    parser.add_argument("--limit", type=int, default=900, metavar="SECONDS", help="for each suite (900)")
    parser.add_argument("--keep", metavar="DIR", help="where logs and traces stay")
    args = parser.parse_args()
    suites = [kind(checkout, args.limit)
              for kind, checkout in ((Baileys, args.baileys), (WhatsappRust, args.whatsapp_rust)) if checkout]
    if not suites:
        parser.error("name a checkout")
    if not os.access(paths.MOCK, os.X_OK):
        stop(f"there is no {paths.MOCK}: build it with `cmake --preset dev && cmake --build --preset dev`")
    for suite in suites:
        suite.check()
        documented(suite.name)
    for suite in suites:
        suite.prepare()
    confined()
    directory = args.keep or tempfile.mkdtemp(prefix="wb-suites-")
    os.makedirs(directory, exist_ok=True)
    good = []
    for suite in suites:
        suite.begin(directory)
        good.append(judge(suite, args.only))
    if all(good) and not args.keep:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"logs and traces: {directory}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
