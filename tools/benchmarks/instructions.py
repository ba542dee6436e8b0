#!/usr/bin/env python3
"""How many instructions the bridge needs for a message, counted by valgrind (callgrind) against
wa-mock.

Unlike times, instructions do not depend on what else the machine does, so two builds can be
compared to within a percent. Nothing here passes or fails. For another build than build/release:
WB_BUILD_DIR=DIR tools/benchmarks/instructions.py"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "peers"))
from harness import paths  # noqa: E402
from harness.bridge import Bridge, clean_env  # noqa: E402

from bench import FIRST_CONTACT, PHONE, QuietMock, idle_group, line, wait_rows, count_rows  # noqa: E402

# What whatsapp-rust counted of itself (its pull request 501): decrypting and decoding one message, or sealing it, with keys in
# memory. The bridge's figures have everything in them: stream, database, receipts, and for a send the HTTP call.
RUST_DM, RUST_GROUP, RUST_SEND = "190 K", "12.7 M", "178 K"
SENDS = 100
SLOW = 60  # how many times slower under valgrind; waits are that much longer


class Counter:
    """Counts the instructions of a process under callgrind between begin() and end()."""

    def __init__(self, bridge, directory):
        self.bridge, self.directory = bridge, directory

    def control(self, what):
        subprocess.run(["callgrind_control", what, str(self.bridge.pid)], check=True, capture_output=True,
                       timeout=60)

    def dumps(self):
        return set(pathlib.Path(self.directory).glob("callgrind.*"))

    def begin(self):
        self.control("-z")

    def end(self):
        before = self.dumps()
        self.control("-d")
        new = self.dumps() - before
        text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in new)
        counted = sum(int(total) for total in re.findall(r"^totals: (\d+)", text, re.M))
        if not counted:
            raise SystemExit("instructions: callgrind has counted nothing")
        return counted


def received(bridge, mock, counter, to, count, text):
    """Instructions for each of count messages, from the socket to the database and the receipts."""
    before = count_rows(bridge)
    counter.begin()
    # All messages wait in the socket: how many come at once does not depend on the mock's speed
    # today.
    bridge.signal(signal.SIGSTOP)
    mock.admin("POST", "/contact/blast", {"from": FIRST_CONTACT, "to": to, "count": count, "text": text})
    bridge.signal(signal.SIGCONT)
    wait_rows(bridge, before + count, timeout=10 * SLOW)
    bridge.wait_api(timeout=SLOW)  # the batch's acks leave before any caller gets an answer
    return counter.end() / count


def sent(bridge, counter, to, count):
    counter.begin()
    for number in range(count):
        reply = bridge.send(to, f"message {number}", wait_s=SLOW)
        if reply.status != 200:
            raise SystemExit(f"instructions: {reply}")
    return counter.end() / count


def short(number):
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} K"


def measure(directory, count):
    mock = QuietMock(directory, "--contacts", "50")
    clock = os.path.join(paths.BUILD, "libbench-clock.so")
    bridge = Bridge(directory, mock, PHONE, env=clean_env(LD_PRELOAD=clock),
                    under=("valgrind", "--quiet", "--tool=callgrind", "--combine-dumps=no",
                           f"--callgrind-out-file={directory}/callgrind.%p"))
    try:
        bridge.wait_api(timeout=SLOW)
        mock.scan_qr(PHONE, bridge.wait_qr(SLOW))
        bridge.wait_status("ok", timeout=2 * SLOW)
        counter = Counter(bridge, directory)
        group = idle_group(mock, PHONE, 3)
        for to in (PHONE, group):  # sessions and keys are made, caches are filled
            received(bridge, mock, counter, to, 20, "first words")
        sent(bridge, counter, FIRST_CONTACT, 2)
        return (received(bridge, mock, counter, PHONE, count, "one to one"),
                received(bridge, mock, counter, group, count, "to a group"),
                sent(bridge, counter, FIRST_CONTACT, SENDS))
    finally:
        for child in (bridge, mock.process):
            child.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="the median of so many is printed")
    parser.add_argument("--count", type=int, default=1000, help="messages of each kind")
    options = parser.parse_args()
    if not shutil.which("callgrind_control"):
        raise SystemExit("instructions: valgrind is missing: tools/setup-debian bench installs it")
    runs = []
    for _ in range(options.runs):
        directory = tempfile.mkdtemp(prefix="instructions-")
        try:
            runs.append(measure(directory, options.count))
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    direct, group, out = (statistics.median(column) for column in zip(*runs))
    print(f"instructions for one message ({os.path.basename(paths.BUILD)}, median of {options.runs})")
    print(f"{'':<48}{'whole bridge':>16}{'rust, keys':>12}")
    line(f"1:1 received, {options.count} of them", short(direct), RUST_DM)
    line(f"to a group received, {options.count} of them", short(group), RUST_GROUP)
    line(f"1:1 sent by POST /api/send, {SENDS} of them", short(out), RUST_SEND)
    print(f"exact: {direct:.0f} {group:.0f} {out:.0f}")


if __name__ == "__main__":
    main()
