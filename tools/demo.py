#!/usr/bin/env python3
"""The bridge against wa-mock: pairs by QR code, captures a group's messages, sends with a mention.

Run by tools/run --demo. The mock plays WhatsApp, the phone that scans, and the people who write.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

PHONE = "27820000001"
START_TIMEOUT_S = 20
EVENT_TIMEOUT_S = 30
POLL_S = 0.05


class DemoFailed(Exception):
    """The message is for the user."""


def say(text):
    print(f"demo: {text}", flush=True)


def call(port, method, path, body=None):
    """(status, answer); the answer is parsed if it is JSON."""
    headers = {}
    if isinstance(body, (dict, list)):
        body, headers = json.dumps(body), {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        raw = reply.read()
    finally:
        connection.close()
    try:
        return reply.status, json.loads(raw)
    except ValueError:
        return reply.status, raw.decode("utf-8", "replace")


def must(port, method, path, body=None):
    status, answer = call(port, method, path, body)
    if status // 100 != 2:
        raise DemoFailed(f"{method} {path} was answered {status}: {answer}")
    return answer


def wait_for(what, ask, children, timeout=EVENT_TIMEOUT_S):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for name, child in children.items():
            if child.poll() is not None:
                raise DemoFailed(f"{name} ended with status {child.returncode}")
        with contextlib.suppress(ConnectionError, sqlite3.OperationalError):
            found = ask()
            if found:
                return found
        time.sleep(POLL_S)
    raise DemoFailed(f"{what}: not within {timeout} s")


def free_port(wanted):
    """The wanted port if it is free, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
    raise DemoFailed("no free port on 127.0.0.1")


class Demo:
    def __init__(self, build, home=None):
        self.build = pathlib.Path(build)
        self.home = pathlib.Path(home) if home else self.build / "demo"
        if not home:
            shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.children = {}
        self.mock_port = self.port = None
        self.group = None

    def start(self, name, argv):
        with open(self.home / f"{name}.log", "wb") as log:
            self.children[name] = subprocess.Popen(
                argv, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def start_mock(self):
        self.start("wa-mock", [self.build / "wa-mock", "--contacts", "5",
                               "--groups", "2", "--phone", PHONE,
                               "--trace", self.home / "stanzas.jsonl"])

        def announced():
            lines = (self.home / "wa-mock.log").read_text().splitlines()
            values = dict(line.split("=", 1) for line in lines if "=" in line)
            return values if {"ROOT_KEY", "LISTENING"} <= values.keys() else None
        values = wait_for("wa-mock listens", announced, self.children, START_TIMEOUT_S)
        self.mock_port = int(values["LISTENING"].rsplit(":", 1)[1].split("/")[0])
        say(f"wa-mock plays WhatsApp at {values['LISTENING']}")
        return values

    def start_bridge(self, values):
        self.port = free_port(8080)
        self.start("whatsapp-bridge", [
            self.build / "whatsapp-bridge", "--phone", "+" + PHONE, "--store", self.home / "store",
            "--port", str(self.port), "--server-url", values["LISTENING"],
            "--root-key", values["ROOT_KEY"]])
        wait_for("the bridge's API", lambda: call(self.port, "GET", "/health"), self.children,
                 START_TIMEOUT_S)
        say(f"the bridge's API is up at http://127.0.0.1:{self.port}")

    def pair(self):
        def code():
            status, answer = call(self.port, "GET", "/api/qr")
            return answer["code"] if status == 200 else None
        qr = wait_for("a QR code", code, self.children)
        say(f"QR code {qr[:24]}…; a phone scans it")
        must(self.mock_port, "POST", f"/admin/mock-phone/scan-qr?phone={PHONE}", qr)

        def healthy():
            status, answer = call(self.port, "GET", "/health")
            return answer if status == 200 and answer.get("connected") else None
        health = wait_for("the bridge is connected", healthy, self.children)
        say(f"paired and connected as {health['jid']}")

    def rows(self):
        path = self.home / "store" / "messages.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(
                "SELECT sender, content FROM messages WHERE chat_jid = ? AND is_from_me = 0"
                " ORDER BY change_seq", (self.group["jid"],)).fetchall()

    def capture(self):
        groups = wait_for("the list of groups",
                          lambda: must(self.port, "GET", "/api/groups").get("groups"),
                          self.children)
        self.group = groups[0]
        say(f"in {len(groups)} groups; people write in \"{self.group['name']}\"")
        texts = ["DR1234567 done, photos follow", "DR1234568 done", "good morning \N{WAVING HAND SIGN}"]
        for number, text in enumerate(texts):
            must(self.mock_port, "POST", "/admin/contact/send",
                 {"from": f"2782000100{number}", "to": self.group["jid"], "text": text})
        rows = wait_for("their messages in messages.db",
                        lambda: len(self.rows()) >= len(texts) and self.rows(), self.children)
        for sender, content in rows:
            say(f"  captured: {sender}: {content}")

    def mention(self):
        answer = must(self.port, "POST", "/send-message", {
            "group_jid": self.group["jid"], "recipient_jid": "27820001000@s.whatsapp.net",
            "message": "DR1234567 - needs correction"})
        say(f"sent with a mention, id {answer['message_id']}: the server acknowledged it")
        path = f"/admin/contact/messages?phone=27820001000&id={answer['message_id']}"
        got = wait_for("the mentioned person's phone shows it",
                       lambda: must(self.mock_port, "GET", path).get("messages"), self.children)[0]
        say(f"  their phone shows: {self.as_shown(got)}")

    def as_shown(self, message):
        """The text as people see it. A mention travels as digits, of a number or of a LID that
        stands for one; phones show a name."""
        accounts = must(self.mock_port, "GET", "/admin/state")["accounts"]
        text = message["text"]
        for mentioned in message["mentions"]:
            user = mentioned.split("@")[0]
            who = next((a for a in accounts if user in (a["phone"], a["lid"].split("@")[0])), None)
            if who:
                text = text.replace("@" + user, "@" + (who["name"] or "+" + who["phone"]))
        return text

    def hints(self):
        base, group = f"http://127.0.0.1:{self.port}", self.group["jid"]
        print(f"""
Everything stays up until Ctrl-C. Try:

  curl {base}/health
  curl {base}/api/groups
  curl -d '{{"recipient":"27820001001","message":"hello"}}' {base}/api/send
  curl -d '{{"recipient":"{group}","message":"@27820001002 please look","mentioned_jid":"27820001002"}}' {base}/api/send
  curl -d '{{"group_jid":"{group}","recipient_jid":"27820001000@s.whatsapp.net","message":"DR1 - fixed"}}' {base}/send-message
  curl -d '{{"from":"27820001001","to":"{group}","text":"DR7654321 done"}}' http://127.0.0.1:{self.mock_port}/admin/contact/send
  sqlite3 -readonly {self.home}/store/messages.db 'SELECT sender, content FROM messages'

Logs, store and every decrypted stanza are in {self.home}.
""", flush=True)

    def stop(self):
        for child in reversed(list(self.children.values())):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder with the built programs")
    parser.add_argument("--once", action="store_true", help="end when the story is told")
    parser.add_argument("--home", help="a new folder for logs and store (default: beside the programs)")
    options = parser.parse_args()
    demo = Demo(os.path.realpath(options.build), options.home)
    # A stop signal must reach stop(): an orphaned bridge would keep the port.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        demo.start_bridge(demo.start_mock())
        demo.pair()
        demo.capture()
        demo.mention()
        if not options.once:
            demo.hints()
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    signal.pause()
    except DemoFailed as err:
        print(f"demo: failed: {err}\ndemo: logs are in {demo.home}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.stop()
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
