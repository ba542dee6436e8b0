#!/usr/bin/env python3
"""Figures of the bridge beside a whatsmeow client doing the same job, against wa-mock, in one run.

Nothing here passes or fails: times depend on the machine. The ratios are what to look at."""

import argparse
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "peers"))
from harness import paths  # noqa: E402
from harness.bridge import Bridge, clean_env  # noqa: E402
from harness.mock import Mock  # noqa: E402
from harness.peer import Peer  # noqa: E402
from harness.process import Process  # noqa: E402

import durability  # noqa: E402

PHONE = "27820000001"
OTHER_PHONE = "27820000002"
FIRST_CONTACT = "27820001000"
IDLE_S = 8  # time without events before memory is read: both programs give back what a login needed
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class QuietMock(Mock):
    """wa-mock without a trace: writing it would be measured too."""

    def __init__(self, directory, *args):  # pylint: disable=super-init-not-called
        self.process = Process("wa-mock", [paths.MOCK, "--port", "0", *args], directory)
        self.root_key = self.process.wait_line("ROOT_KEY=", 20)
        self.url = self.process.wait_line("LISTENING=", 20)
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])
        self.trace_path = None


def memory_mb(pid):
    """Resident memory, and the private dirty part: the cost of one more process of this kind."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        fields[name.rstrip(":")] = int(value) / 1024
    return fields["Rss"], fields["Private_Dirty"]


def cpu_s(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / CLOCK_TICKS


def count_rows(bridge):
    connection = sqlite3.connect(f"file:{bridge.store}/messages.db?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute("SELECT COUNT(*) FROM messages").fetchone()[0]
    finally:
        connection.close()


def wait_rows(bridge, count, timeout=300):
    deadline = time.monotonic() + timeout
    while (have := count_rows(bridge)) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {have} of {count} messages arrived")
        time.sleep(0.01)
    return time.monotonic()


def start_bridge(directory, mock, phone, name="bridge"):
    return Bridge(directory, mock, phone, name=name, env=clean_env())


def start_whatsmeow(directory, mock):
    peer = Peer("whatsmeow", directory, mock)
    peer.connect(durable=True)  # its store flushes, as ours does
    mock.scan_qr(OTHER_PHONE, peer.wait("qr")["code"])
    peer.wait_open()
    return peer


def start_to_login(directory, mock, runs=5):
    """Milliseconds from exec to connected, for a paired store."""
    best = None
    for _ in range(runs):
        begin = time.monotonic()
        bridge = start_bridge(directory, mock, PHONE)
        while True:
            try:
                if bridge.get("/health").status == 200:
                    break
            except ConnectionError:
                pass
            time.sleep(0.002)
        took = (time.monotonic() - begin) * 1000
        best = took if best is None else min(best, took)
        bridge.stop()
    return best


def binary_size_mb(directory):
    stripped = os.path.join(directory, "stripped")
    subprocess.run(["strip", "-o", stripped, paths.BRIDGE], check=True)
    return os.path.getsize(stripped) / 1e6


def receive(bridge, mock, to, count, text):
    """Messages a second by the wall clock, and microseconds of the bridge's CPU for each."""
    before = count_rows(bridge)
    cpu = cpu_s(bridge.pid)
    begin_unix = time.time()
    answer = mock.admin("POST", "/contact/blast",
                        {"from": FIRST_CONTACT, "to": to, "count": count, "text": text})
    end = wait_rows(bridge, before + count)
    end_unix = time.time() - (time.monotonic() - end)
    started = max(begin_unix, answer.get("started_unix_ms", 0) / 1000)
    used = cpu_s(bridge.pid) - cpu
    return count / (end_unix - started), used / count * 1e6


def peer_receive(peer, mock, to, count, text):
    """Like receive(), for whatsmeow, which reports each message and stores only keys, no texts."""
    seen, at = 0, peer.mark()
    cpu = cpu_s(peer.pid)
    begin_unix = time.time()
    answer = mock.admin("POST", "/contact/blast",
                        {"from": FIRST_CONTACT, "to": to, "count": count, "text": text})
    deadline = time.monotonic() + 600
    while seen < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: whatsmeow told of {seen} of {count} messages")
        time.sleep(0.005)
        new = peer.events[at:]
        at += len(new)
        seen += sum(event.get("event") == "message" for event in new)
    end_unix = time.time()
    started = max(begin_unix, answer.get("started_unix_ms", 0) / 1000)
    return count / (end_unix - started), (cpu_s(peer.pid) - cpu) / count * 1e6


def crypto_us():
    """Microseconds of CPU for one signature check, and for one X3DH."""
    run = subprocess.run([os.path.join(paths.BUILD, "bench-crypto")], check=True,
                         capture_output=True, text=True)
    return [float(word) for word in run.stdout.split()]


def count_sessions(bridge):
    connection = sqlite3.connect(f"file:{bridge.store}/whatsapp.db?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute("SELECT COUNT(*) FROM whatsmeow_sessions").fetchone()[0]
    finally:
        connection.close()


def line(name, ours, theirs=None, target=""):
    their = f"{theirs:>12}" if theirs is not None else " " * 12
    print(f"{name:<52}{ours:>12}{their}  {target}", flush=True)


def cold_group_send(client_send, mock, creator, size, mode):
    """Seconds for the first text to a group with whose members nobody has a session."""
    first = int(FIRST_CONTACT) + 1
    members = [str(first + i) for i in range(size - 1)] + [creator]
    group = mock.admin("POST", "/groups", {"subject": f"cold {creator} {mode}", "mode": mode,
                                           "members": members, "creator": creator})["jid"]
    begin = time.monotonic()
    client_send(group, "first words to many")
    return time.monotonic() - begin


def idle_group(mock, phone, size):
    members = [str(int(FIRST_CONTACT) + i) for i in range(size - 1)] + [phone]
    return mock.admin("POST", "/groups", {"subject": "idle", "mode": "lid", "members": members,
                                          "creator": phone})["jid"]


def after_absence(directory, mock, bridge, count):
    """Prints the longest pause while the bridge stores what came during its absence: no caller may
    be kept waiting. Returns the bridge."""
    store, before = bridge.store, count_rows(bridge)
    bridge.stop()
    mock.admin("POST", "/contact/blast",
               {"from": FIRST_CONTACT, "to": PHONE, "count": count, "text": "in the meantime"})
    bridge = Bridge(directory, mock, PHONE, name="absence", store=store, env=clean_env())
    bridge.wait_api()
    with durability.Pauses(bridge) as pauses:
        wait_rows(bridge, before + count)
    pause = bridge.health()["longest_pause"]
    line(f"{count} messages after an absence: longest pause (ms)", f"{pause['ms']}",
         target=f"<= 100; most of it: {pause['in']}")
    line("  the longest answer of /health (ms)", f"{pauses.longest * 1000:.0f}")
    return bridge


def send_by_api(bridge):
    def send(to, text):
        reply = bridge.send(to, text, wait_s=300)
        if reply.status != 200:
            raise SystemExit(f"bench: {reply}")
    return send


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--without-whatsmeow", action="store_true")
    options = parser.parse_args()
    count = 2000 if options.quick else 20000
    members = 100 if options.quick else 500
    directory = tempfile.mkdtemp(prefix="bench-")
    mock = QuietMock(directory, "--contacts", str(max(members, 200) + 50))
    bridge = start_bridge(directory, mock, PHONE)
    peer = None
    try:
        bridge.pair_by_qr()
        idle_group(mock, PHONE, 200)
        if not options.without_whatsmeow:
            peer = start_whatsmeow(directory, mock)
            idle_group(mock, OTHER_PHONE, 200)
        print(f"{'':<52}{'bridge':>12}{'whatsmeow':>12}  target")
        report(directory, mock, bridge, peer, count, members)
    finally:
        for child in (bridge, peer, mock.process):
            if child:
                child.kill()
        shutil.rmtree(directory, ignore_errors=True)


def beside(name, ours, theirs, target=""):
    """Prints rate and CPU of each message, ours and whatsmeow's (None: whatsmeow does not run)."""
    ratio = f"{ours[0] / theirs[0]:.1f} times its rate" if theirs else ""
    line(name, f"{ours[0]:.0f}", f"{theirs[0]:.0f}" if theirs else None, "; ".join(filter(None, (target, ratio))))
    line("  CPU for each (us)", f"{ours[1]:.0f}", f"{theirs[1]:.0f}" if theirs else None,
         f"1/{theirs[1] / ours[1]:.0f} of its CPU" if theirs else "")


def report_receiving(mock, bridge, peer, count):
    ours = receive(bridge, mock, PHONE, count, "one to one")
    theirs = peer_receive(peer, mock, OTHER_PHONE, count // 10, "one to one") if peer else None
    beside("1:1 receive and store, full durability (messages/s)", ours, theirs, ">= 2000")
    group = idle_group(mock, PHONE, 3)
    receive(bridge, mock, group, 10, "first words")
    # Measured before and after: a core's speed depends on what its neighbours do.
    verify = crypto_us()[0]
    ours = receive(bridge, mock, group, count // 2, "to a group")
    verify = (verify + crypto_us()[0]) / 2
    if peer:
        group = idle_group(mock, OTHER_PHONE, 3)
        peer_receive(peer, mock, group, 10, "first words")
        theirs = peer_receive(peer, mock, group, count // 20, "to a group")
    beside("group receive and store (messages/s)", ours, theirs)
    line("  ours beside a signature check alone (us)", f"{verify:.0f}", target=f"ratio {ours[1] / verify:.2f} (<= 2)")


def report_cold_group(mock, bridge, peer, members):
    sessions = count_sessions(bridge)
    x3dh = crypto_us()[1]
    cold = cold_group_send(send_by_api(bridge), mock, PHONE, members, "lid")
    x3dh = (x3dh + crypto_us()[1]) / 2 * (count_sessions(bridge) - sessions) / 1e6
    theirs = cold_group_send(peer.send, mock, OTHER_PHONE, members, "lid") if peer else None
    line(f"first text to a {members}-member group (s)", f"{cold:.2f}", f"{theirs:.2f}" if peer else None,
         f"ratio {cold / theirs:.2f} (<= 0.33)" if peer else "")
    line("  of it the X3DHs with its devices alone (s)", f"{x3dh:.2f}", target=f"{x3dh / cold:.0%} of ours")


def report(directory, mock, bridge, peer, count, members):
    time.sleep(IDLE_S)
    ours, theirs = memory_mb(bridge.pid), memory_mb(peer.pid) if peer else None
    line("resident, idle, 200-member group known (MB)", f"{ours[0]:.1f}",
         f"{theirs[0]:.1f}" if theirs else None,
         "<= 20" + (f"; ratio {ours[0] / theirs[0]:.2f} (<= 0.25)" if theirs else ""))
    line("of it private and dirty (MB)", f"{ours[1]:.1f}", f"{theirs[1]:.1f}" if theirs else None,
         "<= 5" + (f"; ratio {ours[1] / theirs[1]:.2f} (<= 0.25)" if theirs else ""))
    line("stripped binary (MB)", f"{binary_size_mb(directory):.2f}", target="< 1.5")

    report_receiving(mock, bridge, peer, count)
    report_cold_group(mock, bridge, peer, members)
    bridge.stop()
    line("start to logged in, best of 5 (ms)", f"{start_to_login(directory, mock):.0f}",
         target="< 150")
    bridge = start_bridge(directory, mock, PHONE)
    bridge.wait_status("ok")
    bridge = after_absence(directory, mock, bridge, count)
    durability.report(directory, mock, bridge, PHONE, FIRST_CONTACT, count, 50 * count, receive, line)


if __name__ == "__main__":
    main()
