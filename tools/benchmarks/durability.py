"""The price of losing nothing: messages a second with and without flushing, the time that a batch
waits for the disk, how soon a message is readable, and the cost of a backup of a large store."""

import os
import sqlite3
import subprocess
import threading
import time

from harness import paths
from harness.bridge import Bridge, clean_env

ROW = "SELECT max(rowid) FROM messages"
# Rows as the bridge makes them, without parts that only cost time here.
FILL = """INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, kind, server_time)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT printf('3EB0BENCH%012d', i), printf('1203630000%08d@g.us', i % 200), '27820001000',
'DR' || i || ' a report from the field, with a few more words in it', 1700000000 + i, 0, 'text',
1700000000 + i FROM n"""


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


def fill(store, count):
    database = sqlite3.connect(os.path.join(store, "messages.db"))
    with database:
        database.execute(FILL, (count,))
    database.close()


class Pauses(threading.Thread):
    """The longest time in which the bridge did not answer."""

    def __init__(self, bridge):
        super().__init__()
        self.bridge, self.longest, self.over = bridge, 0.0, threading.Event()

    def run(self):
        while not self.over.is_set():
            begin = time.monotonic()
            self.bridge.get("/health")
            self.longest = max(self.longest, time.monotonic() - begin)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def backup(bridge):
    """Seconds, bytes, longest pause during one backup of a bridge that runs, and without one."""
    with Pauses(bridge) as idle:
        time.sleep(2)
    begin = time.monotonic()
    with Pauses(bridge) as pauses:
        subprocess.run([os.path.join(paths.BUILD, "bridge-backup"), "--store", bridge.store, "create"],
                       check=True, capture_output=True)
    took = time.monotonic() - begin
    folder = os.path.join(bridge.store, "backups")
    sets = [entry.path for entry in os.scandir(folder) if entry.is_dir()]
    newest = max(sets, key=os.path.getmtime)
    size = sum(os.path.getsize(os.path.join(newest, name)) for name in os.listdir(newest))
    return took, size, pauses.longest, idle.longest


def report(directory, mock, bridge, phone, sender, count, rows, receive, line):
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
    fill(bridge.store, rows)
    filled = start(directory, mock, phone, bridge.store, "filled")
    took, size, pause, idle = backup(filled)
    line(f"backup of {rows} messages (s)", f"{took:.1f}")
    line("  its size (MB)", f"{size / 1e6:.0f}")
    line("  longest pause of the bridge meanwhile (ms)", f"{pause * 1000:.0f}",
         target=f"< 50; {idle * 1000:.0f} before it")
    filled.stop()
