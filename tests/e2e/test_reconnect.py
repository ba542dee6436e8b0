"""A server cuts connections every few minutes, in many ways, and that is normal (R-113): after a minute
online the bridge is back at once, every time, and /health says what it was."""

import datetime
import os
import re
import threading
import time
import unittest

from harness.case import Case
from harness.disk import Shim

FULL = os.environ.get("WB_TEST_FULL") == "1"
CUTS = 20 if FULL else 4
MINUTE_S = 61
NEXT_ATTEMPT_S = 2.0  # from the end of a connection to the next attempt
PLAN_MAX_S = 1.11     # the first delay, and the tenth by which it is varied
# What the bridge plans. What it takes beyond that is the machine's part, which runs all these bridges in
# the sanitizer build at the same time; where there is time for it, all of it is within the promise.
PAUSE_MAX_S = NEXT_ATTEMPT_S if FULL else 10.0
FRIEND = "27820001000"

# name: (the server's part, the reason that /health gives)
PLAIN = {
    "RST": ({"do": "reset"}, "closed"),
    "FIN": ({"do": "fin"}, "closed"),
    "TCP close": ({"do": "drop"}, "closed"),
    "close frame": ({"do": "close"}, "closed"),
    "close frame 1011": ({"do": "close", "code": 1011}, "closed"),
    "xmlstreamend": ({"do": "end"}, "closed"),
    "stream:error 503": ({"code": 503}, "server_error"),
    "stream:error 503, left open": ({"code": 503, "deaf": True}, "server_error"),
    "stream:error 500": ({"code": 500}, "server_error"),
    "dead server": ({"do": "deaf"}, "no_network"),
}
TLS = {
    "TLS close": ({"do": "drop"}, "closed"),
    "TLS, RST": ({"do": "reset"}, "closed"),
    "TLS, FIN": ({"do": "fin"}, "closed"),
}

ENDED = re.compile(r"conn: (?:the socket ended|closing): ")
PLANNED = re.compile(r"conn: (\w+); next attempt in ([\d.]+) s")
DIALS = re.compile(r"conn: connecting to ")
ONLINE = re.compile(r"conn: WAIT_ACTIVE -> ONLINE")


def stamp(line):
    return datetime.datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp()


class Cutting(threading.Thread):
    """One bridge, cut again and again in one way."""

    def __init__(self, case, mock, number, kind):
        super().__init__(daemon=True)
        self.name, (self.how, self.reason) = kind
        self.mock, self.phone = mock, f"2782000{number:04}"
        self.dead = self.how.get("do") == "deaf"
        name = f"bridge-{number}"
        directory = os.path.join(case.directory, name)
        os.mkdir(directory)
        self.shim = Shim(directory)
        ca = [line[8:] for line in mock.process.lines if line.startswith("CA_FILE=")]
        self.bridge = case.start_bridge(mock, self.phone, "--log-level", "debug",
                                        *(["--ca-file", ca[0]] if ca else []),
                                        name=name, env=self.shim.env())
        self.plans, self.pauses, self.outages, self.reasons, self.error = [], [], [], set(), None

    def after(self, place, pattern, timeout):
        """The first line behind that place that fits, and its place."""
        def look():
            return next(((at, line) for at, line in enumerate(self.bridge.lines[place:], place)
                         if pattern.search(line)), None)
        return self.bridge.wait_until(look, timeout, pattern.pattern)

    def pass_time(self, seconds):
        """Or makes the bridge believe it; /health wakes it up, as any event would."""
        if not FULL:
            self.shim.mono_offset_ms += seconds * 1000
            self.bridge.health()
            return
        until = time.monotonic() + seconds
        self.bridge.poll(lambda: time.monotonic() > until, seconds + 60, "time passes")

    def cut(self):
        seen = len(self.bridge.lines)
        if not self.dead:
            self.pass_time(MINUTE_S)
            self.mock.stream_error(self.phone, **self.how)
        else:
            # A ping at the latest after 30 s, 20 s of silence, one more ping, 10 s of silence: it is
            # noticed after 30 s at the earliest, and the minute is full.
            self.pass_time(MINUTE_S - 30)
            self.mock.stream_error(self.phone, **self.how)
            for seconds in (31, 21, 11) if not FULL else ():
                self.pass_time(seconds)
        at, ended = self.after(seen, ENDED, 90)
        self.watch_reason()
        _, planned = self.after(at, PLANNED, 30)
        at, dials = self.after(at, DIALS, 30)
        _, online = self.after(at, ONLINE, 60)
        self.reasons.add(PLANNED.search(planned)[1])
        self.plans.append(float(PLANNED.search(planned)[2]))
        self.pauses.append(stamp(dials) - stamp(ended))
        self.outages.append(stamp(online) - stamp(ended))

    def watch_reason(self):
        """Whatever /health says until it is connected again."""
        def connected():
            health = self.bridge.health()
            if not health["connected"] and health["status"] == "disconnected":
                self.reasons.add(health["reason"])
            return health["connected"]
        self.bridge.poll(connected, 60, "it is back")

    def run(self):
        try:
            self.bridge.pair_by_qr()
            for _ in range(CUTS):
                self.cut()
            text = f"after {self.name}"
            self.mock.contact_send(FRIEND, self.phone, text)
            self.bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)
        except (AssertionError, OSError, KeyError) as err:
            self.error = err


class ReconnectTest(Case):
    def test_cuts_after_a_minute_are_back_at_once(self):
        servers = ((self.start_mock("--contacts", "1"), PLAIN),
                   (self.start_mock("--contacts", "1", "--tls", name="wa-mock-tls"), TLS))
        cuttings = []
        for mock, kinds in servers:
            for kind in kinds.items():
                cuttings.append(Cutting(self, mock, len(cuttings) + 1, kind))
        for cutting in cuttings:
            cutting.start()
        for cutting in cuttings:
            cutting.join(CUTS * 180 + 120)
            self.assertFalse(cutting.is_alive(), cutting.name)
        for cutting in cuttings:
            print(f"{cutting.name}: {len(cutting.pauses)} cuts, next attempt planned within "
                  f"{max(cutting.plans, default=0):.3f} s, made within "
                  f"{max(cutting.pauses, default=0):.3f} s, online again after "
                  f"{max(cutting.outages, default=0):.3f} s at the latest", flush=True)
        for cutting in cuttings:
            with self.subTest(cutting.name):
                if cutting.error:
                    raise cutting.error
                self.assertLess(max(cutting.plans), PLAN_MAX_S)
                self.assertLess(max(cutting.pauses), PAUSE_MAX_S)
                self.assertEqual(cutting.reasons, {cutting.reason})

    def test_short_connections_wait_longer(self):
        """Let in and cut at once, each time: no hammering."""
        mock = self.start_mock("--contacts", "1")
        cutting = Cutting(self, mock, 1, ("RST", PLAIN["RST"]))
        cutting.bridge.pair_by_qr()
        pauses = []
        for _ in range(4):
            seen = len(cutting.bridge.lines)
            mock.stream_error(cutting.phone, do="reset")
            at, line = cutting.after(seen, PLANNED, 30)
            pauses.append(float(PLANNED.search(line)[2]))
            self.assertEqual(PLANNED.search(line)[1], "closed")
            cutting.after(at, ONLINE, 60)
        for pause, seconds in zip(pauses, (1, 1, 2, 3)):
            self.assertTrue(seconds * 0.89 < pause < seconds * 1.11, pauses)


if __name__ == "__main__":
    unittest.main()
