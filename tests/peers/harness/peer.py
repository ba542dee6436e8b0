"""An independent client (Baileys, whatsmeow or whatsapp-rust) behind one JSON-lines protocol.

Commands: connect pairCode sendText sendSealed (whatsmeow) createGroup groupParticipants groupInfo groups
onWhatsApp devices usersInfo prekeys (whatsmeow) presence markRead setName dropSessions disconnect logout quit.
Of whatsapp-rust alone: edit editSealed revoke react reactSealed comment poll vote event answerEvent. They name the message
that they are about by msgId, and its sender where that is not ourselves.
connect's options: noReconnect, history (Baileys), durable (whatsmeow: flush as the Go bridge does), buffer
(whatsmeow: plaintexts are stored until they have been handled), dieOn (whatsmeow: a text at whose arrival the
process ends with status 7), rows (whatsmeow-v6: messages.db as the Go bridge keeps it).
Events: ready qr paired open offlineDone close message undecryptable receipt group stub reply.
"""

import itertools
import json
import os

from . import paths
from .process import Process, Timeout

COMMAND_TIMEOUT = 30
EVENT_TIMEOUT = 30


class CommandFailed(AssertionError):
    pass


class Peer(Process):
    def __init__(self, kind, directory, mock, name=None):
        self.kind = kind
        self.mock = mock
        self.events = []
        self._ids = itertools.count(1)
        name = name or kind
        self.directory = directory
        self.store = os.path.join(directory, name + ".store")
        self.log_path = os.path.join(directory, name + ".log")
        self.jid = self.lid = self.phone = ""
        super().__init__(name, self._argv(kind), directory, env=self._env())
        self.wait("ready")

    @staticmethod
    def _argv(kind):
        if kind == "whatsmeow":
            return [paths.WHATSMEOW]
        if kind == "whatsapp-rust":
            return [paths.WHATSAPP_RUST]
        if kind == "whatsmeow-v6":  # an old build: connect, sendText and quit only
            return [paths.WHATSMEOW_V6]
        return [paths.node(), os.path.join(paths.BAILEYS, "client.mjs")]

    @staticmethod
    def _env():
        # Proxies set in the environment must not carry a test's traffic anywhere.
        return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}

    def _on_line(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            event = {"event": "noise", "line": line}
        with self._changed:
            self.events.append(event)
        super()._on_line(line)

    def mark(self):
        """A place in the stream of events, for wait(since=...)."""
        with self._changed:
            return len(self.events)

    def wait(self, event, timeout=EVENT_TIMEOUT, since=0, where=None, **fields):
        """The first event of that name (after the mark) with these fields; where: a predicate."""
        def look():
            for candidate in self.events[since:]:
                if candidate.get("event") != event:
                    continue
                if any(candidate.get(key) != value for key, value in fields.items()):
                    continue
                if where is None or where(candidate):
                    return candidate
            return None
        return self.wait_until(look, timeout, f"{event} {fields or ''}")

    def seen(self, event, **fields):
        """All events of that name with these fields, so far."""
        with self._changed:
            return [e for e in self.events if e.get("event") == event
                    and all(e.get(key) == value for key, value in fields.items())]

    def call(self, command, timeout=COMMAND_TIMEOUT, **fields):
        number = next(self._ids)
        self.write_line(json.dumps({"cmd": command, "id": number, **fields}))
        reply = self.wait("reply", timeout, id=number)
        if not reply["ok"]:
            raise CommandFailed(f"{self.name}: {command} {fields}: {reply.get('error')}\n{self.tail()}")
        return reply

    def connect(self, **options):
        self.call("connect", url=self.mock.url, rootKey=self.mock.root_key, store=self.store,
                  log=self.log_path, name=self.name, **options)

    def wait_open(self, since=0):
        """Logged in, and done with what waited for it and with its own phone's first messages.

        A command given earlier would run into a race of whatsmeow (v0.0.0-20251217143725): it decrypts
        (message.go decryptDM: libsignal's Cipher loads the session, steps it and stores it) under no
        lock that SendMessage knows of. What send.go encryptMessageForDevices does between that load and
        that store is overwritten, and the next send to the own phone uses the same message keys for
        other texts: wa-mock's message-key-reuse. With a PutSession that takes longer it happens always."""
        opened = self.wait("open", since=since)
        self.jid, self.lid = opened["jid"], opened["lid"]
        self.wait("offlineDone", since=since)
        self.mock.wait_read(self.jid)
        if self.kind == "whatsapp-rust":
            # It reports the connection before it has made its keys. Until the server has the keys,
            # others cannot write to it.
            self.mock.wait_prekeys(self.jid)
        return opened

    def pair_by_qr(self, phone):
        self.phone = phone
        self.connect()
        self.mock.scan_qr(phone, self.wait("qr")["code"])
        return self.wait_open()

    def pair_by_code(self, phone):
        self.phone = phone
        self.connect()
        self.wait("qr")
        code = self.call("pairCode", phone=phone)["code"]
        self.mock.enter_code(phone, code)
        return self.wait_open()

    def reconnect(self):
        since = self.mark()
        self.connect()
        return self.wait_open(since)

    def send(self, to, text, **fields):
        return self.call("sendText", to=to, text=text, **fields)["msgId"]

    def send_sealed(self, to, text, **fields):
        """Sends a message about a secret. Without an action: a text, or with options a poll, that
        brings its secret along. With an action: an edit, reaction, comment or vote, sealed with the
        secret of the message msgId of sender."""
        return self.call("sendSealed", to=to, text=text, **fields)["msgId"]

    def wait_text(self, text, timeout=EVENT_TIMEOUT, since=0, **fields):
        return self.wait("message", timeout, since, text=text, **fields)

    def quit(self):
        if self.running():
            try:
                self.call("quit", timeout=10)
            except (Timeout, BrokenPipeError):
                pass
        try:
            self.wait_exit(10)
        finally:
            self.kill()
