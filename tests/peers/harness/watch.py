"""Asks /health again and again while something is done to a bridge."""

import collections
import http.client
import threading
import time

# The longest time that an answer may take, on any machine. Tests limit the bridge by its own
# processor time: it is not to blame for the time that other programs keep the processor.
WALL_MAX_S = 30
# The longest processor time of the loop during one answer, in the sanitizer build, beside other
# programs that use the caches: the longest piece of work takes 0.2 s.
WORK_MAX_S = 1.5


class Watch:
    """Measures the longest answer, the most that the bridge's loop computed during one answer (that
    is what keeps an answer, however busy the machine is), the bridge's size, and what /health said.

    headers: of each request; within: a network namespace to ask in; pause_s: between two requests;
    crowded: there are more callers than places, so that a caller whose request is still on its way
    may be sent away (it asks again)."""

    def __init__(self, bridge, headers=None, within=None, pause_s=0.02, crowded=False):
        self.bridge = bridge
        self.longest_s, self.busiest_s, self.rss_mb = 0.0, 0.0, 0.0
        self.states = collections.Counter()
        self._headers, self._pause_s, self._tries = headers, pause_s, 5 if crowded else 1
        self._trouble = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=within.call if within else self._run,
                                        args=(self._run,) if within else (), daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._over.is_set():
                self._ask()
                self._over.wait(self._pause_s)
        except Exception as err:  # end() tells the test
            self._trouble = err

    def _ask(self):
        begin, computed = time.monotonic(), self.bridge.loop_seconds()
        reply = self._answer()
        self.busiest_s = max(self.busiest_s, self.bridge.loop_seconds() - computed)
        self.longest_s = max(self.longest_s, time.monotonic() - begin)
        self.rss_mb = max(self.rss_mb, self.bridge.memory_mb())
        self.states[reply.json["status"]] += 1

    def _answer(self):
        for left in reversed(range(self._tries)):
            try:
                return self.bridge.get("/health", headers=self._headers)
            except (http.client.RemoteDisconnected, ConnectionResetError):
                if not left:
                    raise

    def end(self):
        """Ends the watch and returns what it saw, in words. Fails when a request failed, or when
        there was none."""
        self._over.set()
        self._thread.join(2 * WALL_MAX_S)
        if self._trouble:
            raise AssertionError(f"/health: {self._trouble!r}") from self._trouble
        count = sum(self.states.values())
        if self._thread.is_alive() or not count:
            raise AssertionError(f"/health does not answer any more, after {count} answers")
        return (f"longest of {count} /health answers {self.longest_s * 1000:.0f} ms "
                f"({self.busiest_s * 1000:.0f} ms of work), RSS at most {self.rss_mb:.0f} MB")

    def judge(self, case):
        case.assertLess(self.busiest_s, WORK_MAX_S, "the loop computes for too long")
        case.assertLess(self.longest_s, WALL_MAX_S, "/health waits")
