"""A bridge that is killed at random moments and started again on the same files."""

import http.client
import random
import threading
import time
import traceback

from .bridge import Bridge


def seed_of(case, seed=None):
    """A random.Random. Its seed is printed when the test fails, so that the run can be repeated."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    case.addCleanup(lambda: case.failing() and print(f"seed: {seed}", flush=True))
    return random.Random(seed)


def respawn(case, bridge, kill=True, env=None):
    """Ends the bridge and starts it anew: same store, port, options and log. Returns the new
    bridge.

    The old process leaves the test's list: its standard error stands in the file to which the new
    process appends, so that a thousand restarts are looked through once."""
    if kill:
        bridge.kill()
    else:
        bridge.stop()
    new = Bridge(case.directory, bridge.mock, bridge.phone, *bridge.args, name=bridge.name,
                 store=bridge.store, port=bridge.port, env=env or bridge.env)
    case.replace(bridge, new)
    return new


class Killer(threading.Thread):
    """Kills the bridge between `between` seconds after each start, `kills` times or until it is left.

        with Killer(case, bridge, rng, kills=50) as killer:
            ... traffic ...; killer.bridge is the one that runs now
            killer.wait()           # until all kills are done
        # left: the bridge runs, and what went wrong in the thread is raised

    disturb(rng): called now and then in place of a kill (a cut connection, a lost ack).
    spawned(bridge): called after each start; env_of(n): the environment of start n (fault points)."""

    def __init__(self, case, bridge, rng, kills=None, between=(0.02, 1.2), disturb=None,
                 spawned=None, env_of=None):
        super().__init__(daemon=True)
        self.case, self.bridge, self.rng = case, bridge, rng
        self.wanted, self.between = kills, between
        self.disturb, self.spawned, self.env_of = disturb, spawned, env_of
        self.kills = 0
        self._left = threading.Event()
        self._done = threading.Event()
        self._trouble = None

    def _once(self):
        self._left.wait(self.rng.uniform(*self.between))
        if self._left.is_set():
            return
        if self.disturb and self.rng.random() < 0.3:
            self.disturb(self.rng)
            return
        env = self.env_of(self.kills + 1) if self.env_of else None
        self.bridge = respawn(self.case, self.bridge, env=env)
        self.kills += 1
        if self.spawned:
            self.spawned(self.bridge)

    def run(self):
        try:
            while not self._left.is_set() and (self.wanted is None or self.kills < self.wanted):
                self._once()
        except Exception:  # noqa: BLE001 - told to the test, which runs in another thread
            self._trouble = traceback.format_exc()
        self._done.set()

    def wait(self, stall=60):
        """Waits until the wanted number of kills is reached; not longer than `stall` seconds for
        each."""
        kills = -1
        while not self._done.is_set() and kills < self.kills:
            kills = self.kills
            deadline = time.monotonic() + stall
            while kills == self.kills and time.monotonic() < deadline and not self._done.wait(0.05):
                pass
        if not self._done.is_set():
            raise AssertionError(f"only {self.kills} of {self.wanted} kills: none in the last {stall} s")
        self.check()

    def done(self):
        return self._done.is_set()

    def check(self):
        if self._trouble:
            raise AssertionError(f"killing went wrong:\n{self._trouble}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self._left.set()
        self.join(60)
        if kind is None:
            self.check()


def patiently(call, timeout, pause=0.05):
    """Returns call(), and repeats it while nobody listens or the connection breaks: the bridge was
    killed just then."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return call()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
        time.sleep(pause)
