"""The API under callers that mean no good, or are many: memory, and the longest answer of /health."""

import contextlib
import http.client
import json
import os
import re
import resource
import select
import socket
import subprocess
import threading
import time
import unittest

from harness import http as api
from harness import netns
from harness.bridge import OPEN_TO_ALL, clean_env
from harness.case import Case
from harness.process import poll
from harness.watch import WALL_MAX_S, Watch

PHONE, FRIEND = "27820000001", "27820001000"
TOKEN = "correct-horse-battery-staple"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
FULL = bool(os.environ.get("WB_TEST_FULL"))
HEAD = "%s %s HTTP/1.1\r\nHost: localhost\r\n"
SLOTS = 640     # all that the loop has
REQUESTS = 512  # that may be under way
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ([A-Z][A-Za-z -]+)\r\n")


def read_all(link):
    try:
        return b"".join(iter(lambda: link.recv(65536), b""))
    except ConnectionResetError:
        return b""


class LoadTest(Case):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
        self.links = []
        self.addCleanup(lambda: [link.close() for link in self.links])

    def start(self, *args):
        program = self.start_bridge(None, PHONE, "--server-url", "ws://127.0.0.1:9/ws/chat",
                                    "--root-key", "ab" * 32, *args, env=self.env())
        program.wait_api()
        return program

    @staticmethod
    def env():
        """The sanitizer keeps up to 256 MB of freed memory otherwise: that is not what is looked at."""
        return clean_env(ASAN_OPTIONS="quarantine_size_mb=1", **OPEN_TO_ALL)

    def start_with_token(self):
        path = os.path.join(self.directory, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write(TOKEN)
        os.chmod(path, 0o600)
        return self.start("--api-token-file", path)

    def connect(self, program, small=False):
        link = socket.socket()
        self.links.append(link)
        if small:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(40)
        link.connect(("127.0.0.1", program.port))
        return link

    def post(self, program, size, sent, headers=""):
        link = self.connect(program)
        link.sendall((HEAD % ("POST", "/api/send") +
                      f"{headers}Content-Length: {size}\r\n\r\n").encode())
        link.sendall(b"{" + b" " * (sent - 1))
        return link

    def test_bodies_without_the_token_are_not_kept(self):
        program = self.start_with_token()
        count, size = (512 if FULL else 160), 1000000
        before, health = program.memory_mb(), Watch(program, AUTHORIZED)
        held = [self.post(program, size, size - 1) for _ in range(count)]
        self.settle(program)
        grown = program.memory_mb() - before
        told = health.end()
        answers = []
        for link in held:
            with contextlib.suppress(ConnectionError):
                link.sendall(b"}")
                answers.append(read_all(link))
        told_so = [x for x in answers if x.startswith(b"HTTP/1.1 401 Unauthorized\r\n")]
        # Of one address, the oldest beyond so many go without a word.
        self.assertGreaterEqual(len(told_so), min(count, 250))
        self.assertEqual([x for x in answers if x and x not in told_so], [])
        print(f"\n{count} bodies of 1 MB without token: memory grew by {grown:.0f} MB, {told}",
              flush=True)
        self.assertLess(grown, 40)  # libwebsockets' and the sanitizer's, of so many connections

    def settle(self, program):
        """What was sent before is read: a later connection's request is answered."""
        for _ in range(3):
            program.get("/health", headers=AUTHORIZED)

    def test_refused_by_the_head_alone(self):
        """The answer to a body that will never come is there before it."""
        program = self.start_with_token()
        for method, path, headers, status in (
                ("POST", "/api/send", "", 401), ("POST", "/api/send", "Authorization: Bearer x\r\n", 401),
                ("POST", "/nothing", f"Authorization: Bearer {TOKEN}\r\n", 404),
                ("POST", "/health", f"Authorization: Bearer {TOKEN}\r\n", 405),
                ("POST", "/api/send", f"Authorization: Bearer {TOKEN}\r\nOrigin: http://a.b\r\n", 403)):
            with self.subTest(path=path, status=status):
                link = self.connect(program)
                # More than is ever read off for the answer's sake.
                link.sendall((HEAD % (method, path) +
                              f"{headers}Content-Length: 99000000\r\n\r\n").encode())
                self.assertEqual(int(link.recv(4096).split()[1]), status)

    def test_chunks_are_kept_and_bounded_as_bodies_of_a_length_are(self):
        program = self.start_with_token()
        chunks = b"f0000\r\n" + b" " * 0xf0000 + b"\r\n"
        head = (HEAD % ("POST", "/api/send") + "Transfer-Encoding: chunked\r\n").encode()
        right = f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        before = program.memory_mb()
        link = self.connect(program)
        link.sendall(head + b"\r\n" + 3 * chunks + b"0\r\n\r\n")  # more than may be kept
        self.assertTrue(read_all(link).startswith(b"HTTP/1.1 401 Unauthorized\r\n"))
        held = []
        for _ in range(60):
            link = self.connect(program)
            held.append(link)
            with contextlib.suppress(ConnectionError):  # told in the middle, and cut off
                link.sendall(head + right + chunks)

        def unanswered():
            return [link for link in held if not select.select([link], [], [], 0)[0]]
        poll(lambda: len(unanswered()) <= 17, 20, "all but those that fit are told so")
        grown, waiting = program.memory_mb() - before, unanswered()
        print(f"\n60 bodies of 1 MB in chunks: {len(waiting)} taken, memory grew by {grown:.0f} MB",
              flush=True)
        self.assertLess(grown, 80)
        self.assertGreaterEqual(len(waiting), 8)
        for link in waiting:
            link.sendall(b"0\r\n\r\n")
            self.assertTrue(read_all(link).startswith(b"HTTP/1.1 400 Bad Request\r\n"))

    def test_bodies_with_the_token_have_a_bound_together(self):
        program = self.start_with_token()
        count, size = 100, 1000000
        before, health = program.memory_mb(), Watch(program, AUTHORIZED)
        token = f"Authorization: Bearer {TOKEN}\r\n"
        held = [self.post(program, size, size - 1, token) for _ in range(count)]
        self.settle(program)
        grown = program.memory_mb() - before
        usual = program.post("/api/send", {"recipient": FRIEND, "message": "x" * 4000},
                             headers=AUTHORIZED)
        self.assertEqual(usual.json["error"], "not_connected", "a usual send finds no room")
        told = health.end()
        answers = []
        for link in held:
            link.sendall(b"}")
            answers.append(read_all(link))
        busy = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429 Too Many Requests")]
        print(f"\n{count} bodies of 1 MB with token: {count - len(busy)} taken, memory grew by "
              f"{grown:.0f} MB, {told}", flush=True)
        self.assertGreater(len(busy), count // 2)
        self.assertGreaterEqual(count - len(busy), 8)
        for answer in busy:
            self.assertIn(b"\r\nretry-after: 1\r\n", answer)
        for answer in answers:
            self.assertRegex(answer, rb"HTTP/1.1 (429|400) ")
        self.assertLess(grown, 80)
        # They are gone: there is room again.
        link = self.post(program, size, size, token)
        self.assertTrue(read_all(link).startswith(b"HTTP/1.1 400 Bad Request\r\n"))

    def test_bodies_that_are_only_announced_take_no_room(self):
        """Neither of callers without a token, who may have the page, nor of one with it."""
        program = self.start_with_token()
        token = f"Authorization: Bearer {TOKEN}\r\n"
        for method, path, headers in (("GET", "/pair", ""), ("GET", "/pair.js", ""),
                                      ("HEAD", "/pair.css", ""), ("GET", "/api/outbox", token),
                                      ("POST", "/api/send", token)):
            with self.subTest(method=method, path=path):
                links = [self.connect(program) for _ in range(17)]
                for link in links:
                    link.sendall((HEAD % (method, path) +
                                  f"{headers}Content-Length: {1 << 20}\r\n\r\n").encode())
                self.settle(program)
                usual = program.post("/api/send", {"recipient": FRIEND, "message": "x" * 20000},
                                     headers=AUTHORIZED)
                self.assertEqual(usual.json["error"], "not_connected", "a usual send finds no room")
                for link in links:
                    link.close()

    def test_bodies_of_calls_that_have_none_are_read_and_dropped(self):
        program = self.start_with_token()
        count, size = 60, 1000000
        before = program.memory_mb()
        links = [self.connect(program) for _ in range(count)]
        for link in links:
            link.sendall((HEAD % ("GET", "/pair.js") + f"Content-Length: {size}\r\n\r\n").encode())
            link.sendall(b"x" * (size - 1))
        self.settle(program)
        grown = program.memory_mb() - before
        print(f"\n{count} bodies of 1 MB for a page: memory grew by {grown:.0f} MB", flush=True)
        for link in links:
            link.sendall(b"x")
            self.assertTrue(read_all(link).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertLess(grown, 30)

    def test_silent_connections_end_and_are_in_nobodys_way(self):
        program = self.start()
        idle = program.descriptors()
        health = Watch(program)
        started = time.monotonic()
        silent = [self.connect(program) for _ in range(SLOTS)]
        opened = time.monotonic() - started
        # Many requests of a local page at the same time.
        failed = []

        def ask():
            reply = api.request(program.port, "GET", "/api/outbox")
            if reply.status != 200:
                failed.append(reply)
        pages = [threading.Thread(target=ask) for _ in range(100)]
        for page in pages:
            page.start()
        for page in pages:
            page.join()
        self.assertEqual(failed, [])
        for link in silent:
            self.assertEqual(read_all(link), b"")
        lasted = time.monotonic() - started - opened
        told = health.end()
        print(f"\n{SLOTS} silent connections: the last one ended after {lasted:.1f} s, {told}",
              flush=True)
        self.assertLess(lasted, WALL_MAX_S)  # 5, where there is nothing else to do
        health.judge(self)
        poll(lambda: program.descriptors() <= idle + 1, 10, "all are closed")

    def test_health_is_answered_beside_as_many_requests_as_there_may_be(self):
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE, env=self.env())
        program.pair_by_qr()
        self.go_offline(mock, program)
        for number in range(REQUESTS + 8):
            link = self.connect(program)
            body = json.dumps({"recipient": FRIEND, "message": "x", "id": f"k{number}", "wait_s": 90})
            link.sendall((HEAD % ("POST", "/api/send") +
                          f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        program.wait_rows("SELECT 1 FROM bridge_outbox", count=REQUESTS, name="whatsapp.db")
        health, links = Watch(program), self.links[:]

        def answered():
            return select.select(links, [], [], 0)[0]
        poll(lambda: len(answered()) >= 8, 20, "the others are refused")
        refused = answered()
        for link in refused:
            self.assertTrue(read_all(link).startswith(b"HTTP/1.1 429 Too Many Requests\r\n"))
        links = [link for link in links if link not in refused]
        self.assertEqual((len(refused), answered()), (8, []), "they wait")
        silent = [self.connect(program) for _ in range(200)]  # neither do these matter
        self.assertEqual(read_all(silent[0]), b"")
        self.assertEqual(program.get("/api/outbox").status, 429)
        self.assertEqual(program.health()["status"], "disconnected")
        self.assertEqual(answered(), [], "they still wait")
        print(f"\n{REQUESTS} requests that wait, and 200 silent connections: {health.end()}",
              flush=True)
        health.judge(self)

    def test_heads_that_trickle_in_end_too(self):
        """A byte now and then is no reason to stay."""
        program = self.start()
        started = time.monotonic()
        links = [self.connect(program) for _ in range(50)]
        for link in links:
            link.sendall((HEAD % ("GET", "/health")).encode())
        ends = {}
        while links and time.monotonic() - started < WALL_MAX_S:
            for link in select.select(links, [], [], 0.1)[0]:
                if link not in ends and read_all(link) == b"":
                    ends[link] = time.monotonic() - started
            for link in links:
                if link not in ends:
                    try:
                        link.sendall(b"X")
                    except OSError:
                        ends[link] = time.monotonic() - started
            links = [link for link in links if link not in ends]
        self.assertEqual(len(ends), 50, "some are still there")
        print(f"\nheads that trickle in: ended after {min(ends.values()):.1f} to "
              f"{max(ends.values()):.1f} s", flush=True)
        self.assertGreater(min(ends.values()), 4)
        self.assertLess(max(ends.values()), WALL_MAX_S)

    def test_without_descriptors_the_loop_rests(self):
        """As with a low `ulimit -n`: newcomers wait for the silent ones' places."""
        program = self.start()
        idle = program.descriptors()
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (idle + 12, idle + 12))
        health, busy = Watch(program, pause_s=0.2, crowded=True), program.cpu_seconds()
        silent = [self.connect(program) for _ in range(60)]
        for link in silent:
            self.assertEqual(read_all(link), b"")
        busy = program.cpu_seconds() - busy
        print(f"\n60 silent connections, descriptors for 12: {busy:.1f} s of CPU, {health.end()}",
              flush=True)
        self.assertLess(busy, 1)
        health.judge(self)

    def test_slow_readers_cost_little(self):
        """They read the answer a byte at a time, or never."""
        netns.need(self)  # elsewhere sockets hold all that is written to them, and nobody is slow
        self.enclosed = netns.Namespace(self.directory, "small")
        self._keep(self.enclosed.holder)
        subprocess.run([*self.enclosed.prefix(), "sh", "-c",
                        "echo 4096 8192 16384 > /proc/sys/net/ipv4/tcp_wmem"], check=True)
        self.enclosed.call(self.slow_readers)

    def slow_readers(self):
        prefix = self.enclosed.prefix()
        mock = self.start_mock("--contacts", "1", under=prefix)
        program = self.start_bridge(mock, PHONE, env=self.env(), under=prefix)
        program.pair_by_qr()
        for number in range(200):
            mock.admin("POST", "/groups", {"subject": f"{number} " + "x" * 100,
                                           "members": [PHONE, FRIEND]})
        program.poll(lambda: len(program.get("/api/groups").json["groups"]) == 200, 30, "all groups")
        size = len(program.get("/api/groups").body)
        idle, before = program.descriptors(), program.memory_mb()
        health, peak = Watch(program, within=self.enclosed), 0
        links = [self.connect(program, small=True) for _ in range(30)]
        for link in links:
            link.sendall((HEAD % ("GET", "/api/groups") + "\r\n").encode())
        statuses, started = [], time.monotonic()
        for link in links:
            statuses.append(int(link.recv(64).split()[1]))
        while program.descriptors() > idle + 1 and time.monotonic() - started < 40:
            for link in links[:20]:
                try:
                    link.recv(1)
                except OSError:
                    pass
            peak = max(peak, program.memory_mb() - before)
            time.sleep(0.05)
        told = health.end()
        print(f"\n30 slow readers of {size / 1000:.0f} kB: {statuses.count(200)} answered, "
              f"{statuses.count(429)} told to come later, memory grew by {peak:.0f} MB, all gone "
              f"after {time.monotonic() - started:.1f} s, {told}", flush=True)
        self.assertLess(peak, 60)
        health.judge(self)
        self.assertLessEqual(program.descriptors(), idle + 1, "some are still there")

    def test_every_answer_has_its_reason_phrase(self):
        program = self.start_with_token()
        mock = self.start_mock("--contacts", "1")
        token = f"Authorization: Bearer {TOKEN}\r\n"
        get, post = HEAD % ("GET", "%s"), HEAD % ("POST", "%s")
        seen = {}
        later = json.dumps({"recipient": FRIEND, "message": "x", "media_path": "/x"})
        requests = [
            get % "/health" + token, get % "/api/outbox" + token, get % "/api/outbox",
            get % "/pair", get % "/nothing" + token, post % "/health" + token,
            get % "/api/outbox?limit=x" + token, get % "/api/outbox" + token + "Origin: http://a.b\r\n",
            post % "/api/send" + token + "Content-Length: 99000000\r\n",
            post % "/api/send" + token + "Content-Length: x\r\n",
            post % "/api/send" + token + "Transfer-Encoding: gzip\r\n",
            post % "/api/send" + token + "Content-Length: %d\r\n\r\n%s" % (len(later), later),
            "GET /health HTTP/1.0\r\n" + token, "HEAD /health HTTP/1.1\r\nHost: localhost\r\n" + token,
            # What libwebsockets itself may answer.
            "FOO / HTTP/1.1\r\nHost: localhost\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n",
            "GET /../../x HTTP/1.1\r\nHost: localhost\r\n", "GET /%00%ff HTTP/1.1\r\n",
            "GET /" + "x" * 9000 + " HTTP/1.1\r\n", "GET /?" + "&" * 3000 + " HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nX: " + "y" * 9000 + "\r\n", "CONNECT a.b:1 HTTP/1.1\r\nHost: a.b\r\n",
            get % "/health" + token + "Upgrade: nonsense\r\nConnection: upgrade\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n", "GET\r\n",
        ]
        for request in requests:
            link = self.connect(program)
            link.sendall((request + "\r\n").encode())
            self.look_at(read_all(link), request[:60], seen)
        for path, body in (("/admin/state", None), ("/admin/nothing", None), ("/admin/flags", "{}"),
                           ("/admin/contacts", "x"), ("/admin/mock-phone/scan-qr", "x"),
                           ("/admin/contacts", json.dumps({"phone": FRIEND, "name": "x"}))):
            with socket.create_connection(("127.0.0.1", mock.port), timeout=20) as link:
                link.sendall((HEAD % ("POST" if body else "GET", path) + "Connection: close\r\n" +
                              (f"Content-Length: {len(body)}\r\n\r\n{body}" if body else "\r\n")).encode())
                self.look_at(read_all(link), path, seen)
        mock.trouble(upgrade_status=429)
        with socket.create_connection(("127.0.0.1", mock.port), timeout=20) as link:
            link.sendall((HEAD % ("GET", "/ws/chat") + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                          "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
            self.look_at(link.recv(4096), "upgrade", seen)
        print("\nstatus lines seen: " + ", ".join(f"{k} {v}" for k, v in sorted(seen.items())),
              flush=True)
        self.assertTrue({200, 400, 401, 403, 404, 405, 409, 413, 422, 429, 503} <= set(seen), seen)

    def look_at(self, answer, what, seen):
        if not answer:  # closed without a word
            return
        line = STATUS_LINE.match(answer)
        with self.subTest(what):
            self.assertTrue(line, answer[:80])
            status, phrase = int(line[1]), line[2].decode()
            seen[status] = phrase
            new = {413: "Content Too Large", 422: "Unprocessable Content", 414: "URI Too Long"}
            self.assertEqual(phrase, new.get(status, http.client.responses[status]))


if __name__ == "__main__":
    unittest.main()
