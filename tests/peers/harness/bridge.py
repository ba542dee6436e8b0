"""The real whatsapp-bridge binary, its HTTP API and its databases."""

import os
import random
import socket
import sqlite3
import subprocess
from http.client import HTTPException

from . import http, paths
from .process import Process, poll

START_TIMEOUT = 20
# For clean_env(): the tests' user, who need not be root, may see all that the system knows of the
# bridge.
OPEN_TO_ALL = {"WHATSAPP_CORE_DUMPS": "true"}


_claims = []


def free_port():
    """A port that nobody listens on now, and that no other test takes while this process lives:
    until the bridge listens on it, the port is claimed by an abstract socket with its name, in the
    same network namespace. The ports lie below those of outgoing connections, of which the system
    may give one away."""
    for _ in range(100):
        port = random.SystemRandom().randrange(20000, 32000)
        path = f"\0whatsapp-bridge-test-port-{port}"
        claim = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                claim.bind(path)
                probe.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        _claims.append(claim)
        return port
    raise AssertionError("no free port")


def clean_env(**extra):
    """The environment without settings for the bridge."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith("WHATSAPP_") and key != "DB_PATH"
           and not key.lower().endswith("_proxy")}
    env.update(extra)
    return env


def run_once(*args, env=None, cwd=None, timeout=20, under=()):
    """Runs the bridge with arguments that make it end by itself."""
    return subprocess.run([*under, paths.BRIDGE, *map(str, args)], env=env or clean_env(), cwd=cwd,
                          capture_output=True, text=True, timeout=timeout, check=False)


class Bridge(Process):
    def __init__(self, directory, mock, phone, *args, name="bridge", store=None, port=None, env=None,
                 under=()):
        self.mock = mock
        self.phone = phone
        self.args, self.env = args, env
        self.store = store or os.path.join(directory, name + ".store")
        self.port = port or free_port()
        argv = [paths.BRIDGE, "--phone", "+" + phone, "--store", self.store, "--port", self.port]
        if mock is not None:
            argv += ["--server-url", mock.url, "--root-key", mock.root_key]
        super().__init__(name, [*argv, *args], directory, env=env or clean_env(), under=under)

    def get(self, path, **options):
        return http.request(self.port, "GET", path, **options)

    def post(self, path, body=None, **options):
        return http.request(self.port, "POST", path, body, **options)

    def poll(self, ask, timeout, what):
        return poll(ask, timeout, what, self.running,
                    (ConnectionError, HTTPException, sqlite3.OperationalError), self.tail)

    def wait_api(self, timeout=START_TIMEOUT):
        return self.poll(lambda: self.get("/health"), timeout, "the API answers")

    def health(self):
        return self.get("/health").json

    def wait_status(self, status, timeout=30):
        last = {}

        def ask():
            last.update(self.health())
            return last if last.get("status") == status else None
        return self.poll(ask, timeout, f"/health says {status}")

    def wait_qr(self, timeout=START_TIMEOUT):
        def ask():
            reply = self.get("/api/qr")
            return reply.json["code"] if reply.status == 200 else None
        return self.poll(ask, timeout, "a QR code")

    def pair_by_qr(self):
        self.mock.scan_qr(self.phone, self.wait_qr())
        return self.wait_status("ok")

    def send(self, recipient, message, **fields):
        return self.post("/api/send", {"recipient": recipient, "message": message, **fields})

    def database(self, name="messages.db"):
        path = os.path.join(self.store, name)
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        return connection

    def rows(self, statement, *values, name="messages.db"):
        connection = self.database(name)
        try:
            return [dict(row) for row in connection.execute(statement, values)]
        finally:
            connection.close()

    def wait_growing(self, count, wanted, what, stall=20):
        """Waits until count() is `wanted` or more. Fails when nothing was added for `stall`
        seconds: a busy machine is slow but gets on, and a lost row never comes."""
        seen = -1

        def more():
            nonlocal seen
            before, seen = seen, count()
            return seen > before or seen >= wanted
        while seen < wanted:
            self.poll(more, stall, f"{what}: {max(seen, 0)} of {wanted}")

    def wait_rows(self, statement, *values, timeout=30, count=1, name="messages.db"):
        def ask():
            found = self.rows(statement, *values, name=name)
            return found if len(found) >= count else None
        return self.poll(ask, timeout, f"{count} rows of {statement} {values}")
