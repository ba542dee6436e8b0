"""The HTTP API from outside: what it refuses, and that a refused request sends nothing."""

import http.client
import json
import os
import socket
import time
import unittest

from harness import bridge
from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
SEND = "/api/send"


class ApiTest(Case):
    def program(self, *args):
        mock = self.start_mock("--contacts", "2", "--groups", "1")
        program = self.start_bridge(mock, PHONE, *args)
        program.pair_by_qr()
        return mock, program

    def assert_error(self, reply, status, code=None):
        self.assertEqual(reply.status, status, reply)
        self.assertIs(reply.json["success"], False)
        self.assertTrue(reply.json["message"])
        if code:
            self.assertEqual(reply.json["error"], code)

    def test_bad_requests_send_nothing(self):
        mock, program = self.program()
        good = {"recipient": FRIEND, "message": "hello"}
        for body in ("", "{", "[]", "null", "\"text\"", "{\"recipient\":\"" + FRIEND + "\"}",
                     "{\"message\":\"x\"}", "{\"recipient\":12,\"message\":\"x\"}",
                     "{\"recipient\":\"" + FRIEND + "\",\"message\":[\"x\"]}",
                     b"{\"recipient\":\"27820001000\",\"message\":\"\xff\xfe\"}"):
            with self.subTest(body):
                self.assert_error(program.post(SEND, body), 400)
        for recipient in ("abc", "0820001000", "12@g.us@g.us", "1@nowhere.example",
                          "27820001000@s.whatsapp.net\n", "+"):
            with self.subTest(recipient=recipient):
                self.assert_error(program.send(recipient, "x"), 400, "bad_recipient")
        self.assert_error(program.send("", "x"), 400)
        self.assert_error(program.send(FRIEND, "x" * 70000), 413, "too_large")
        self.assert_error(program.post(SEND, "{" + " " * (8 << 20) + "}"), 413)
        self.assert_error(program.post(SEND, {**good, "mentioned_jid": 7}), 400)
        self.assert_error(program.post(SEND, {**good, "media_path": "/tmp/x.jpg"}), 422, "not_yet")
        self.assert_error(program.post(SEND, {**good, "id": "a"},
                                       headers={"Idempotency-Key": "b"}), 400)
        self.assert_error(program.post(SEND, {**good, "id": "k" * 129}), 400)
        self.assertEqual(mock.contact_messages(FRIEND), [])
        self.assertEqual(program.rows("SELECT id FROM messages WHERE is_from_me = 1"), [])

    def test_unknown_number(self):
        mock, program = self.program()
        self.assert_error(program.send("27829999999", "x"), 404, "not_on_whatsapp")
        self.assert_no_flags(mock)

    def test_a_post_without_a_body_is_carried_out_once(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_qr()
        reply = program.post("/api/pair-code")
        self.assertEqual(reply.status, 200, reply)
        mock.enter_code(PHONE, reply.json["code"])
        program.wait_status("ok")

    def test_wrong_method_and_path(self):
        _, program = self.program()
        for reply, words in ((program.get(SEND), "Use POST"), (program.post("/health"), "Use GET or HEAD")):
            self.assert_error(reply, 405, "method_not_allowed")
            self.assertEqual(reply.json["message"], words)
        self.assert_error(program.get("/api/nothing"), 404, "not_found")
        self.assert_error(program.get("/../../etc/passwd"), 404)

    def test_web_pages_are_kept_out(self):
        mock, program = self.program()
        body = {"recipient": FRIEND, "message": "from a web page"}
        self.assert_error(program.post(SEND, body, headers={"Origin": "https://evil.example"}),
                          403, "forbidden_origin")
        self.assert_error(program.post(SEND, body, headers={"Host": "evil.example"}),
                          403, "forbidden_origin")
        self.assertEqual(mock.contact_messages(FRIEND), [])
        own = f"http://127.0.0.1:{program.port}"
        self.assertEqual(program.post(SEND, body, headers={"Origin": own}).status, 200)

    def test_no_websocket(self):
        """Browsers let pages of any origin open one, and ask nobody."""
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_api()
        for origin in ("", "Origin: https://evil.example\r\n"):
            with self.subTest(origin), \
                    socket.create_connection(("127.0.0.1", program.port), timeout=10) as link:
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                             b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
                             origin.encode() +
                             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                self.assertNotIn(b"101 ", link.recv(4096))
        self.assertEqual(program.get("/health").status, 503)

    def test_callers_of_the_go_bridge(self):
        """text/plain, no Content-Type, no mentioned_jid: taken all the same."""
        mock, program = self.program()
        text = "{\"recipient\":\"%s\",\"message\":\"%s\"}"
        for number, headers in enumerate(({"Content-Type": "text/plain"}, {},
                                          {"Content-Type": "application/json; charset=utf-8"})):
            reply = program.post(SEND, text % (FRIEND, f"call {number}"), headers=headers)
            self.assertEqual(reply.status, 200, reply)
            self.assertIs(reply.json["success"], True)
            self.assertIn(FRIEND, reply.json["message"])
            self.assertIsInstance(reply.json["timestamp"], int)
        self.assertEqual([m["text"] for m in mock.contact_messages(FRIEND)],
                         [f"call {n}" for n in range(3)])
        self.assert_no_flags(mock)

    def test_same_key_sends_once(self):
        mock, program = self.program()
        body = {"recipient": FRIEND, "message": "once", "id": "order-7"}
        first, second = program.post(SEND, body), program.post(SEND, body)
        self.assertEqual(first.status, 200)
        self.assertEqual(first.json["message_id"], second.json["message_id"])
        by_header = program.post(SEND, {"recipient": FRIEND, "message": "once"},
                                 headers={"Idempotency-Key": "order-7"})
        self.assertEqual(by_header.json["message_id"], first.json["message_id"])
        self.assert_error(program.post(SEND, {**body, "message": "twice"}), 409, "key_reused")
        self.assertEqual(len(mock.contact_messages(FRIEND)), 1)

    def test_token(self):
        path = os.path.join(self.directory, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write("correct-horse-battery-staple\n")
        os.chmod(path, 0o600)
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE, "--api-token-file", path)
        program.poll(lambda: program.get("/api/groups").status == 401, 20, "refused without token")
        for given in ("Bearer wrong", "Bearer correct-horse-battery-staple2", "correct-horse"):
            self.assert_error(program.get("/api/groups", headers={"Authorization": given}), 401,
                              "unauthorized")
        right = {"Authorization": "Bearer correct-horse-battery-staple"}
        self.assertNotEqual(program.get("/api/qr", headers=right).status, 401)

    def test_not_connected(self):
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_qr()
        self.assert_error(program.send(FRIEND, "too early"), 503, "not_connected")

    def test_slow_and_broken_clients(self):
        """Half a request, nonsense and many connections do not stop others from being served."""
        _, program = self.program()
        half = []
        for _ in range(20):
            link = socket.create_connection(("127.0.0.1", program.port))
            link.sendall(b"POST /api/send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            half.append(link)
        with socket.create_connection(("127.0.0.1", program.port)) as link:
            link.sendall(b"\x00\xff\x16\x03\x01 nonsense\r\n\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=10)
        connection.request("GET", "/health")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        for link in half:
            link.close()
        self.assertEqual(program.health()["status"], "ok")

    def test_body_in_chunks(self):
        """As clients send it that do not know its length beforehand; also cut into single bytes."""
        mock, program = self.program()
        head = f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: %s\r\n\r\n"

        def ask(request, step=10 ** 6):
            with socket.create_connection(("127.0.0.1", program.port), timeout=20) as link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(request), step):
                    link.sendall(request[at:at + step])
                return b"".join(iter(lambda: link.recv(65536), b"")).decode()
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
        for text in ("one", "x" * 60000):
            body = json.dumps({"recipient": FRIEND, "message": text}).encode()
            connection.request("POST", SEND, iter([body[:1], body[1:50], body[50:]]),
                               encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
            self.assertEqual(json.loads(connection.getresponse().read())["success"], True)
        connection.close()
        body = json.dumps({"recipient": FRIEND, "message": "two"})
        chunks = f"{len(body):X};x=y\r\n{body}\r\n0\r\nT: 1\r\n\r\n"
        self.assertIn(" 200 ", ask((head % "Chunked" + chunks).encode(), 1))
        self.assertIn(" 200 ", ask((head % "chunked" + chunks.replace("two", "six") +
                                    "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").encode()))
        program.poll(lambda: [m["text"][:3] for m in mock.contact_messages(FRIEND)] ==
                     ["one", "xxx", "two", "six"], 10, "all have come, once each")
        for bad in (head % "chunked" + "zz\r\n", head % "gzip, chunked" + chunks,
                    head.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n") % "chunked" + chunks,
                    head.replace("POST " + SEND, "GET /health") % "chunked" + chunks):
            self.assertIn('"bad_request"', ask(bad.encode()))
        self.assertIn('"too_large"', ask((head % "chunked" + "200000\r\n" + "x" * 0x110000).encode()))
        self.assertEqual(program.health()["status"], "ok")

    def test_requests_in_one_go(self):
        """The first is answered and the connection ends; the others are not half understood."""
        mock, program = self.program()
        mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": True})
        mock.trouble(ack_delay=1, ack_delay_ms=1500)

        def post(text):
            body = "{\"recipient\":\"%s\",\"message\":\"%s\",\"id\":\"k\"}" % (FRIEND, text)
            return (f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        health = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        cut = post("x" * 4000)[:200]
        for first, second in ((health, post("never")), (post("once"), post("once") + health),
                              (post("once"), cut), (health, cut)):
            with socket.create_connection(("127.0.0.1", program.port), timeout=20) as link:
                busy = program.cpu_seconds()
                link.sendall(first + second)
                reply = b"".join(iter(lambda: link.recv(65536), b""))
                self.assertEqual(reply.count(b"HTTP/1.1 200 OK"), 1, reply)
                self.assertIn(b"\r\nconnection: close\r\n", reply)
                self.assertLess(program.cpu_seconds() - busy, 0.7)
        self.assertEqual([m["text"] for m in mock.contact_messages(FRIEND)], ["once"])
        # Many requests of a client that keeps its connections: it makes a new one each time.
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
        for _ in range(3):
            connection.request("POST", SEND, post("once").split(b"\r\n\r\n")[1])
            self.assertEqual(json.loads(connection.getresponse().read())["success"], True)
        connection.close()

    def test_caller_that_hangs_up(self):
        """What it asked for without a key, and could not be sent yet, is not sent any more."""
        mock, program = self.program()
        mock.trouble(upgrade_status=503)
        mock.admin("POST", "/stream", {"client": "all", "do": "drop"})
        program.wait_status("disconnected")
        body = json.dumps({"recipient": FRIEND, "message": "never", "wait_s": 60})
        with socket.create_connection(("127.0.0.1", program.port)) as link:
            link.sendall(f"POST {SEND} HTTP/1.1\r\nHost: localhost\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            program.poll(lambda: self.sent(program) == ["queued"], 20, "it is accepted")
        program.poll(lambda: self.sent(program) == ["failed"], 20, "it is cancelled")

    def sent(self, program):
        return [entry["state"] for entry in program.get("/api/outbox").json["messages"]]

    def test_many_callers_that_wait(self):
        """A hundred calls under way and as many idle connections: others are still answered."""
        mock, program = self.program()
        mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": True})
        mock.trouble(ack_drop=100)
        links = []
        for number in range(200):
            link = socket.create_connection(("127.0.0.1", program.port), timeout=10)
            links.append(link)
            if number < 100:
                body = json.dumps({"recipient": FRIEND, "message": f"m{number}", "wait_s": 60})
                link.sendall(f"POST {SEND} HTTP/1.1\r\nHost: localhost\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        program.wait_rows("SELECT 1 FROM bridge_outbox", count=100, name="whatsapp.db")
        asked = time.monotonic()
        self.assertEqual(program.health()["status"], "ok")
        self.assertLess(time.monotonic() - asked, 5)  # they wait for a minute
        for link in links:
            link.close()

    def test_address_of_this_machine(self):
        """On all addresses, a caller may name the one that it reached."""
        path = os.path.join(self.directory, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write("correct-horse-battery-staple\n")
        os.chmod(path, 0o600)
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE, "--api-token-file", path, "--bind", "0.0.0.0")
        program.wait_api()
        for address, status in (("127.0.0.2", 200), ("127.0.0.3", 403)):
            link = http.client.HTTPConnection("127.0.0.2", program.port, timeout=10)
            link.request("GET", "/api/groups", headers={
                "Host": f"{address}:{program.port}",
                "Authorization": "Bearer correct-horse-battery-staple"})
            self.assertEqual(link.getresponse().status, status)
            link.close()

    def test_port_taken(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            done = bridge.run_once("--phone", PHONE, "--store", os.path.join(self.directory, "s"),
                                   "--port", port, "--server-url", "ws://127.0.0.1:9/ws/chat",
                                   "--root-key", "ab" * 32)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(port), done.stderr)


if __name__ == "__main__":
    unittest.main()
