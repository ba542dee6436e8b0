"""What it costs that nothing is lost: messages a second with and without flushing, the time that a
batch waits for the disk, and how soon a message is readable."""

import os
import sqlite3
import time

from harness import paths
from harness.bridge import Bridge, clean_env

ROW = "SELECT max(rowid) FROM messages"


def start(directory, mock, phone, store, name, **env):
    bridge = Bridge(directory, mock, phone, name=name, store=store, env=clean_env(**env))
    bridge.wait_status("ok")
    return bridge


def flushing(directory, mock, phone, store, count, receive):
    """(messages/s, flushes, seconds in them) with flushing, then messages/s without."""
    said = os.path.join(directory, "flushes")
    preload = {"LD_PRELOAD": os.path.join(paths.BUILD, "libbench-sync.so"), "BENCH_SYNC_FILE": said}
    bridge = start(directory, mock, phone, store, "flushing", **preload)
    with_rate = receive(bridge, mock, phone, count, "to be kept")[0]
    bridge.stop()
    with open(said, encoding="ascii") as file:
        flushes, nanoseconds = map(int, file.read().split())
    bridge = start(directory, mock, phone, store, "not-flushing", BENCH_NO_SYNC="1", **preload)
    without = receive(bridge, mock, phone, count, "perhaps kept")[0]
    bridge.stop()
    return with_rate, flushes, nanoseconds / 1e9, without


def latencies(bridge, mock, sender, phone, count):
    """Seconds from asking a contact to send until another process reads the row."""
    database = sqlite3.connect(f"file:{bridge.store}/messages.db?mode=ro", uri=True, timeout=10)
    last = database.execute(ROW).fetchone()[0]
    took = []
    for number in range(count):
        begin = time.monotonic()
        mock.contact_send(sender, phone, f"how soon {number}")
        while (row := database.execute(ROW).fetchone()[0]) == last:
            if time.monotonic() - begin > 30:
                raise SystemExit("bench: a message did not arrive")
        took.append(time.monotonic() - begin)
        last = row
    database.close()
    return sorted(took)


def report(directory, mock, bridge, phone, sender, count, receive, line):
    took = latencies(bridge, mock, sender, phone, max(100, count // 20))
    line("contact sends -> row is readable, p50 (ms)", f"{took[len(took) // 2] * 1000:.1f}")
    line("  p99 (ms)", f"{took[len(took) * 99 // 100] * 1000:.1f}", target="< 15")
    bridge.stop()
    rate, flushes, seconds, without = flushing(directory, mock, phone, bridge.store, count, receive)
    batches = max(1, flushes // 2)  # each flushes both files
    line("1:1 receive and store, flushing (messages/s)", f"{rate:.0f}")
    line("  the same without flushing", f"{without:.0f}", target=f"ratio {rate / without:.2f}")
    line("  batches; messages in each", f"{batches}; {count / batches:.0f}")
    line("  time that flushing adds to a batch (ms)", f"{seconds / batches * 1000:.2f}")
