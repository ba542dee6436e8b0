"""wa-mock: the server that everything in these tests talks to."""

from . import http, paths
from .process import Process

START_TIMEOUT = 20


class Mock:
    def __init__(self, directory, *args, name="wa-mock"):
        trace = f"{directory}/{name}.trace"
        self.trace_path = trace
        self.process = Process(name, [paths.MOCK, "--port", "0", "--trace", trace, *args], directory)
        self.root_key = self.process.wait_line("ROOT_KEY=", START_TIMEOUT)
        self.url = self.process.wait_line("LISTENING=", START_TIMEOUT)
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])

    def admin(self, method, path, body=None):
        """A call that must succeed; returns its JSON (None for an empty answer)."""
        reply = http.request(self.port, method, "/admin" + path, body)
        if reply.status // 100 != 2:
            raise AssertionError(f"{method} /admin{path}: {reply}")
        return reply.json if reply.body else None

    def scan_qr(self, phone, code):
        return self.admin("POST", f"/mock-phone/scan-qr?phone={phone}", code)

    def enter_code(self, phone, code):
        return self.admin("POST", f"/mock-phone/enter-code?phone={phone}", code)

    def flags(self):
        """What wa-mock found wrong with its clients' behaviour."""
        return self.admin("GET", "/flags")["flags"]
