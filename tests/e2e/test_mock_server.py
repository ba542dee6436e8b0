"""wa-mock as clients of other people meet it: what callers of /admin may send, and what it only notes."""

import base64
import hashlib
import os
import socket

from harness import http
from harness.case import Case

CONTACT = "27820001000"


class MockServer(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")

    def call(self, raw, pieces=()):
        """The bytes of a request, in pieces that arrive one by one; the whole answer until the end."""
        with socket.create_connection(("127.0.0.1", self.mock.port), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(raw)
            for piece in pieces:
                connection.sendall(piece)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer.decode()

    def chunked(self, path, *chunks):
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n\r\n").encode()
        return self.call(head, [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks] + [b"0\r\n\r\n"])

    def test_a_body_in_chunks_is_taken(self):
        answer = self.chunked("/admin/contact/send", b'{"from":"', CONTACT.encode(), b'","to":"' +
                              CONTACT.encode(), b'","text":"', b"x" * 20000, b'"}')
        self.assertTrue(answer.startswith("HTTP/1.1 200 "), answer)
        self.assertIn('"ok":true', answer)
        answer = self.chunked("/admin/mock-phone/scan-qr", b"2@no", b"such,ref")
        self.assertTrue(answer.startswith("HTTP/1.1 400 "), answer)  # the text was read, and is no QR

    def test_broken_chunks_end_the_connection(self):
        answer = self.call(b"POST /admin/contacts HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
        self.assertEqual(answer, "")
        self.assertTrue(self.mock.process.running())
        self.mock.admin("GET", "/state")

    def test_media_in_chunks_is_kept(self):
        payload = os.urandom(70000)
        name = base64.urlsafe_b64encode(hashlib.sha256(payload).digest()).decode().rstrip("=")
        answer = self.chunked(f"/mms/image/{name}?auth=mock-auth&token={name}", payload[:30000], payload[30000:])
        self.assertTrue(answer.startswith("HTTP/1.1 200 "), answer)
        self.assertEqual(http.request(self.mock.port, "GET", f"/mms/image/{name}").body, payload)

    def upgrade(self, *headers):
        key = base64.b64encode(os.urandom(16)).decode()
        with socket.create_connection(("127.0.0.1", self.mock.port), timeout=20) as connection:
            connection.sendall(("GET /ws/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                                "Sec-WebSocket-Version: 13\r\n" + "".join(h + "\r\n" for h in headers) +
                                "\r\n").encode())
            return connection.recv(4096).decode().split("\r\n")[0]

    def test_no_origin_is_a_note_and_another_one_is_refused(self):
        self.assertIn(" 101 ", self.upgrade())
        self.assertEqual(self.mock.flags(), [])
        notes = self.mock.admin("GET", "/flags?notes=1")["flags"]
        self.assertEqual([flag["what"] for flag in notes], ["no-origin"])
        self.assertIn(" 403 ", self.upgrade("Origin: https://example.org"))
        self.assertEqual([flag["what"] for flag in self.mock.flags()], ["wrong-origin"])

    def page(self, path, **headers):
        sent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Sec-Fetch-Site": "none"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return http.request(self.mock.port, "GET", path, headers=sent)

    def test_the_version_pages_are_there_once_a_revision_is_set(self):
        self.assertEqual(self.page("/sw.js").status, 404)
        self.mock.trouble(client_revision=1030000000)
        self.assertIn("1030000000", self.page("/sw.js").text)
        self.assertIn("1030000000", self.page("/sw.js", Sec_Fetch_Dest="document").text)
        self.assertIn("1030000000", self.page("/", Sec_Fetch_Dest="document").text)
        self.assertEqual(self.mock.flags(), [])
        self.assertEqual(self.page("/").status, 400)
        self.assertEqual(self.page("/sw.js", Sec_Fetch_Dest="script").status, 400)
        self.assertEqual([flag["what"] for flag in self.mock.flags()], ["bad-page-request"] * 2)
