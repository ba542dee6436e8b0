"""A small limit on open files and sockets (RLIMIT_NOFILE), and callers that use it up."""

import contextlib
import socket
import threading
import unittest
from http.client import HTTPException

from harness.case import Case
from harness.process import poll

PHONE = "27820000001"
HELD = 320
PER_ADDRESS = 8
WINDOW_S = 2
# Of one processor, in the sanitizer build: a loop that spins takes all of it.
SHARE_MAX = 0.2
FAILED = 1


def limited(soft, hard=None):
    return ("prlimit", f"--nofile={soft}:{hard or soft}")


class Crowd:
    """Callers that connect from many addresses and say nothing. Those that are sent away come again."""

    def __init__(self, port, size):
        self.port = port
        self.places = [None] * size
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.full = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        if not self.full.wait(20):
            raise AssertionError("the crowd could not connect")
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for connection in filter(None, self.places):
            connection.close()

    def _connect(self, number):
        connection = socket.socket()
        connection.settimeout(2)
        with contextlib.suppress(OSError):
            connection.bind((f"127.0.1.{1 + number // PER_ADDRESS}", 0))
            connection.connect(("127.0.0.1", self.port))
            connection.setblocking(False)
            return connection
        connection.close()
        return None

    @staticmethod
    def _open(connection):
        try:
            return connection.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def counted(self):
        with self.lock:
            return sum(1 for connection in self.places if connection and self._open(connection))

    def _run(self):
        while not self.stop.is_set():
            with self.lock:
                for number, connection in enumerate(self.places):
                    if connection is None or not self._open(connection):
                        if connection:
                            connection.close()
                        self.places[number] = self._connect(number)
            self.full.set()
            self.stop.wait(0.5)


class DescriptorsTest(Case):
    def cpu_share(self, process):
        before = process.cpu_seconds()
        threading.Event().wait(WINDOW_S)
        return (process.cpu_seconds() - before) / WINDOW_S

    def crowded(self, soft, hard=None):
        """The bridge with that limit, while more callers connect than it may have descriptors."""
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE, under=limited(soft, hard))
        program.pair_by_qr()
        with Crowd(program.port, HELD) as crowd:
            logins = mock.logins(PHONE)
            mock.drop(PHONE)
            program.poll(lambda: mock.logins(PHONE) > logins, 20,
                         "WhatsApp is reached again while callers take all that is left for them")
            poll(lambda: program.get("/health").status == 200, 10,
                 "/health answers in the middle of them", not_yet=(OSError, HTTPException))
            share, held = self.cpu_share(program), crowd.counted()
        print(f"limit {soft}:{hard or soft}: {held} of {HELD} callers held, "
              f"{share * 100:.0f} % of a processor")
        self.assertLess(share, SHARE_MAX)
        program.wait_status("ok")
        return held

    def test_256_files(self):
        held = self.crowded(256)
        self.assertGreater(held, 100, "few callers of many that there is room for")
        self.assertLess(held, 256)

    def test_smallest_limit(self):
        """The one it names is enough; with one less it says so and ends."""
        mock = self.start_mock()
        refused = self.start_bridge(mock, PHONE, name="refused", under=limited(24))
        self.assertEqual(refused.wait_exit(10), FAILED)
        said = refused.stderr()
        self.assertIn("only 24 files and sockets", said)
        least = int(said.split("at once, and ")[1].split()[0])
        print("the smallest limit is", least)
        below = self.start_bridge(mock, PHONE, name="below", under=limited(least - 1))
        self.assertEqual(below.wait_exit(10), FAILED)
        held = self.crowded(least)
        self.assertGreaterEqual(held, 8)

    def test_soft_limit_is_raised(self):
        self.assertGreater(self.crowded(32, 1024), 250)

    def test_mock_does_not_spin(self):
        mock = self.start_mock(under=limited(64))
        with Crowd(mock.port, 100) as crowd:
            share, held = self.cpu_share(mock.process), crowd.counted()
        print(f"wa-mock: {held} of 100 held, {share * 100:.0f} % of a processor")
        self.assertLess(share, SHARE_MAX)
        poll(lambda: mock.admin("GET", "/state"), 20, "wa-mock answers again", mock.process.running,
             (ConnectionError,))


if __name__ == "__main__":
    unittest.main()
