"""Linking as somebody meets it who starts the bridge in a terminal: the QR, and the other ways."""

import os
import re
import subprocess
import sys
import unittest

from harness import http, paths, terminal
from harness.bridge import clean_env, free_port
from harness.case import Case
from harness.process import poll

PHONE = "27820000001"


class TerminalQr(Case):
    def setUp(self):
        super().setUp()
        terminal.need("tmux", "zbarimg")

    def start(self, *args, columns=80, rows=24, **env):
        self.mock = self.start_mock()
        self.port = free_port()
        self.window = terminal.Terminal(self.directory, [
            paths.BRIDGE, "--phone", "+" + PHONE, "--store", os.path.join(self.directory, "store"), "--port", self.port,
            "--server-url", self.mock.url, "--root-key", self.mock.root_key, *args], columns, rows,
            clean_env(**{"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env}))
        self.addCleanup(self.window.close)

    def call(self, path):
        return http.request(self.port, "GET", path)

    def code(self):
        """What /api/qr says now."""
        def ask():
            reply = self.call("/api/qr")
            return reply.json["code"] if reply.status == 200 else None
        return poll(ask, 20, "a QR code", not_yet=(ConnectionError,), more=self.window.text)

    def wait_shown(self, code):
        """Until the window shows exactly this code, on dark paper and on light."""
        for paper in (terminal.BLACK, terminal.WHITE):
            poll(lambda paper=paper: self.window.codes(paper) == [code], 20, f"the code on paper {paper}",
                 more=self.window.text)

    def wait_paired(self):
        poll(lambda: self.call("/health").json["status"] == "ok", 20, "it is linked", more=self.window.text)

    def test_a_window_of_80_by_24_shows_all_of_it(self):
        """A QR as long as WhatsApp's own and the other ways to link, with nothing cut off; the next one is as
        good as the first."""
        self.start()
        first = self.code()
        self.assertGreaterEqual(len(first), 277)
        self.wait_shown(first)
        # The log's lines may push the picture out: then it is drawn again.
        self.window.wait_text(rf"(?s)Linked devices > Link a device.*http://127\.0\.0\.1:{self.port}/pair"
                              rf".*ssh -L {self.port}:127\.0\.0\.1:{self.port} HOST.*--pair-code")
        # The server wants no more of these: the next one is drawn below.
        self.mock.admin("POST", "/mock-phone/expire-refs")
        poll(lambda: self.call("/api/qr").status == 200 and self.code() != first, 20, "another code")
        second = self.code()
        self.wait_shown(second)
        self.window.wait_text(f"http://127.0.0.1:{self.port}/pair")
        self.mock.scan_qr(PHONE, second)
        self.wait_paired()
        self.assert_no_flags(self.mock)

    def test_a_large_window_has_half_blocks_that_every_font_has(self):
        self.start(rows=40)
        self.wait_shown(self.code())
        self.window.wait_text(f"(?s)[\u2580\u2584].*ssh -L {self.port}:127.0.0.1:{self.port} HOST")
        self.assertNotRegex(self.window.text(), "[\U0001fb00-\U0001fb3b]")

    def test_any_free_port_is_shown_as_the_one_that_it_is(self):
        # /health tells nobody the port: the first line of the log does.
        log = os.path.join(self.directory, "log")
        self.start("--port", "0", "--log-file", log, rows=40)
        self.window.wait_text("/pair")
        with open(log, encoding="utf-8") as file:
            port = re.search(r"API on .* port (\d+)", file.read())[1]
        self.window.wait_text(f"(?s)http://127\\.0\\.0\\.1:{port}/pair.*ssh -L {port}:127\\.0\\.0\\.1:{port} HOST")

    def test_a_tiny_window_has_the_other_ways_and_no_broken_picture(self):
        self.start(columns=60, rows=16)
        self.code()
        shown = self.window.wait_text(r"needs a window of \d+ lines")[0]
        text = self.window.text()
        self.assertNotRegex(text, "[\u2580-\u2590]|[\U0001fb00-\U0001fb3b]")
        self.assertIn(f"http://127.0.0.1:{self.port}/pair", text)
        self.assertIn(f"ssh -L {self.port}:127.0.0.1:{self.port} HOST", text)
        # What it says is right: in such a window the next one is there.
        self.window.resize(80, int(re.search(r"\d+", shown)[0]))
        before = self.code()
        self.mock.admin("POST", "/mock-phone/expire-refs")
        poll(lambda: self.call("/api/qr").status == 200 and self.code() != before, 20, "another code")
        self.wait_shown(self.code())

    def test_the_code_to_type_is_beside_the_picture(self):
        """--pair-code: the box has the code, and tells nobody to start with what was started with."""
        self.start("--pair-code")
        code = poll(lambda: self.call("/api/pair-code").json.get("code"), 20, "a code", not_yet=(ConnectionError,),
                    more=self.window.text)
        self.window.wait_text(rf"phone number instead, and type {code}")
        self.wait_shown(self.code())
        self.assertNotIn("--pair-code", self.window.text())
        again = http.request(self.port, "POST", "/api/pair-code").json["code"]
        self.window.wait_text(rf"phone number instead, and type {again}")


# A test that opens a window, says who runs, and is then killed.
KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from harness import terminal
window = terminal.Terminal(sys.argv[2], ["sh", "-c", "trap '' HUP TERM; echo up; exec sleep 600"])
window.wait_text("up")
print(window.server.pid, window.pid(), flush=True)
sys.stdin.read()
"""


class EndOfATerminal(Case):
    def test_a_test_that_is_killed_leaves_nothing_behind(self):
        terminal.need("tmux")
        with subprocess.Popen([sys.executable, "-c", KILLED, os.path.join(paths.SOURCE, "tests", "peers"), self.directory],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            try:
                pids = child.stdout.readline().split()
            finally:
                child.kill()
        self.assertEqual(len(pids), 2)
        poll(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 20, f"{pids} end")


if __name__ == "__main__":
    unittest.main()
