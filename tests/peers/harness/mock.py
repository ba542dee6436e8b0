"""wa-mock: the server to which all clients of these tests connect."""

import json

from . import http, paths
from .process import Process, poll

START_TIMEOUT = 20


class Mock:
    def __init__(self, directory, *args, name="wa-mock", under=()):
        trace = f"{directory}/{name}.trace"
        self.trace_path = trace
        self.process = Process(name, [paths.MOCK, "--port", "0", "--trace", trace, *args],
                               directory, under=under)
        self.root_key = self.process.wait_line("ROOT_KEY=", START_TIMEOUT)
        self.url = self.process.wait_line("LISTENING=", START_TIMEOUT)
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])

    def admin(self, method, path, body=None):
        """A call that must succeed; returns its JSON (None for an empty answer)."""
        reply = http.request(self.port, method, "/admin" + path, body,
                             tls=self.url.startswith("wss"))
        if reply.status // 100 != 2:
            raise AssertionError(f"{method} /admin{path}: {reply}")
        return reply.json if reply.body else None

    # ---- phones -------------------------------------------------------------------------------

    def scan_qr(self, phone, code):
        return self.admin("POST", f"/mock-phone/scan-qr?phone={phone}", code)

    def enter_code(self, phone, code):
        return self.admin("POST", f"/mock-phone/enter-code?phone={phone}", code)

    def logout(self, phone):
        """The owner unlinks the companions of that phone."""
        return self.admin("POST", "/mock-phone/unlink", {"phone": phone})

    def fail_logins(self, phone, reason, times, code=0, expire=0):
        return self.admin("POST", "/login", {"phone": phone, "reason": reason, "times": times,
                                             "code": code, "expire": expire})

    # ---- people -------------------------------------------------------------------------------

    def contact_send(self, sender, to, text, **fields):
        """A scripted person writes to a number or a group."""
        return self.admin("POST", "/contact/send", {"from": sender, "to": to, "text": text, **fields})

    def contact_messages(self, phone):
        """What a scripted person's phone shows."""
        return self.admin("GET", f"/contact/messages?phone={phone}")["messages"]

    def short_texts(self, phone):
        """The beginning of each text that a scripted person's phone shows, in order."""
        found = self.admin("GET", f"/contact/messages?phone={phone}&brief=1")["messages"]
        return [message["text"] for message in found if message["text"]]

    def account(self, phone):
        accounts = self.admin("GET", "/state")["accounts"]
        return next(account for account in accounts if account["phone"] == phone)

    def lid_of(self, phone):
        return self.account(phone)["lid"]

    def device(self, jid):
        """What the server knows of that client; {} if nothing."""
        devices = self.account(jid.split("@")[0].split(":")[0])["devices"]
        return next((device for device in devices if device["jid"] == jid), {})

    def unread(self, jid):
        """How many stanzas that client has not acked."""
        return self.device(jid).get("queued")

    def wait_read(self, jid, timeout=30):
        """Waits until that client has acked all stanzas that it was sent."""
        poll(lambda: self.unread(jid) == 0, timeout, f"{jid} reads all it was sent")

    def wait_prekeys(self, jid, timeout=30):
        """Waits until others can get keys of that client."""
        poll(lambda: self.device(jid).get("prekeys"), timeout, f"{jid} has uploaded keys")

    def new_groups_pn(self):
        """Groups that clients create from now on are addressed by phone number."""
        return self.admin("POST", "/defaults?new_groups=pn")

    # ---- trouble ------------------------------------------------------------------------------

    def trouble(self, **fields):
        return self.admin("POST", "/trouble", fields)

    def drop(self, phone):
        """The connection of that account's companions breaks."""
        return self.admin("POST", "/stream", {"phone": phone, "do": "drop"})

    def stream_error(self, phone, **fields):
        return self.admin("POST", "/stream", {"phone": phone, **fields})

    def trace(self, start=0):
        """The trace's lines so far, from byte `start` on. Read at once: of a line that is just
        being written, a second read would give the rest as a line of its own."""
        with open(self.trace_path, "rb") as file:
            file.seek(start)
            lines = file.read().split(b"\n")
        return map(json.loads, lines[:-1])

    def traced_bytes(self):
        """The offset of the next line, for trace() to start from."""
        with open(self.trace_path, "rb") as file:
            return file.read().rfind(b"\n") + 1

    def logins(self, phone):
        """How many logins of that account's companions were answered so far, by the trace."""
        return sum(1 for line in self.trace() if phone in line["client"]
                   and line["xml"].startswith(("<success", "<failure")))

    def traced(self, text):
        """How many stanzas with that text went over the wire so far, in either direction."""
        return sum(1 for line in self.trace() if text in line["xml"])

    # ---- what went wrong ------------------------------------------------------------------------

    def flags(self):
        """What wa-mock found wrong with its clients' behaviour."""
        return self.admin("GET", "/flags")["flags"]
