"""The WebSocket as the server sees it: the upgrade, the first bytes, text, pings, the close."""

import base64
import hashlib
import os
import socket
import struct
import time
import unittest

from harness.case import Case

PHONE = "27820000001"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
INTRO = bytes([0x57, 0x41, 6, 3])
WAIT_S = 20


class Server:
    """One listening socket that speaks just enough WebSocket."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_S)
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/ws/chat"
        self.peer = None
        self.got = b""

    def accept(self, status=None):
        """Takes a connection and its upgrade; the request line and the headers, names in lower case."""
        line = ""
        while "/ws/chat" not in line:  # the page with the web version is not served
            self.hang_up()
            self.peer, _ = self.listener.accept()
            self.peer.settimeout(WAIT_S)
            self.got = b""
            line, *rest = self._until(b"\r\n\r\n").decode().split("\r\n")
        headers = {name.strip().lower(): value.strip()
                   for name, _, value in (row.partition(":") for row in rest if row)}
        if status:
            self.peer.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            self.hang_up()
        else:
            key = headers["sec-websocket-key"].encode()
            answer = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
            self.peer.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               f"Connection: Upgrade\r\nSec-WebSocket-Accept: {answer}\r\n\r\n"
                               ).encode())
        return line, headers

    def _more(self):
        chunk = self.peer.recv(65536)
        if not chunk:
            raise EOFError
        self.got += chunk

    def _until(self, mark):
        while mark not in self.got:
            self._more()
        head, self.got = self.got.split(mark, 1)
        return head

    def _take(self, count):
        while len(self.got) < count:
            self._more()
        part, self.got = self.got[:count], self.got[count:]
        return part

    def send(self, kind, payload, final=True):
        assert len(payload) < 126
        self.peer.sendall(bytes([(0x80 if final else 0) | kind, len(payload)]) + payload)

    def receive(self):
        """(opcode, unmasked payload) of the next frame of the client."""
        first, second = self._take(2)
        size = second & 127
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        assert second & 0x80, "frames of clients are masked"
        mask = self._take(4)
        body = self._take(size)
        return first & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))

    def receive_until(self, kind):
        while True:
            opcode, payload = self.receive()
            if opcode == kind:
                return payload

    def hang_up(self):
        if self.peer:
            self.peer.close()
            self.peer = None

    def close(self):
        self.hang_up()
        self.listener.close()


class SocketTest(Case):
    def serve(self):
        server = Server()
        self.addCleanup(server.close)
        bridge = self.start_bridge(None, PHONE, "--server-url", server.url, "--root-key", "ab" * 32)
        return server, bridge

    def hello(self, server):
        """The first frame: the intro, a length, a ClientHello with 32 bytes of key."""
        data = server.receive_until(BINARY)
        self.assertEqual(data[:4], INTRO)
        size = int.from_bytes(data[4:7], "big")
        self.assertEqual(len(data), 7 + size)
        self.assertEqual(data[7:11], bytes([0x12, 34, 0x0A, 32]))  # {2: {1: 32 bytes}}
        return data[11:]

    def test_upgrade_and_first_bytes(self):
        server, bridge = self.serve()
        line, headers = server.accept()
        self.assertEqual(line, "GET /ws/chat HTTP/1.1")
        self.assertEqual(headers["origin"], "https://web.whatsapp.com")
        self.assertEqual(headers["cache-control"], "no-cache")
        self.assertEqual(headers["pragma"], "no-cache")
        self.assertNotIn("sec-websocket-protocol", headers)
        first = self.hello(server)
        server.send(TEXT, b"\0\0\1x")  # no frame: text carries nothing
        server.send(PING, b"are you there")
        self.assertEqual(server.receive_until(PONG), b"are you there")
        self.assertEqual(bridge.health()["status"], "starting")
        server.hang_up()
        server.accept()
        self.assertNotEqual(self.hello(server), first, "the ephemeral key is a new one")

    def test_lengths_are_believed_only_so_far(self):
        """A frame that is no ServerHello, cut over messages and fragments, ends the attempt."""
        server, _ = self.serve()
        server.accept()
        self.hello(server)
        server.send(BINARY, b"\0")
        server.send(BINARY, b"\0", final=False)
        server.send(0, b"\3ab")
        server.send(BINARY, b"c")
        code = server.receive_until(CLOSE)
        self.assertEqual(struct.unpack(">H", code[:2])[0], 1000)
        server.accept()
        self.hello(server)

    def test_refused_upgrades_are_tried_again(self):
        server, bridge = self.serve()
        for status in (503, 408, 404):
            server.accept(status)
            bridge.poll(lambda status=status: str(status) in bridge.health().get("detail", ""), 10,
                        f"/health says {status}")
            self.assertEqual(bridge.post("/api/reconnect").status // 100, 2)
        server.accept()
        self.hello(server)

    def test_our_close_is_a_normal_one(self):
        server, bridge = self.serve()
        server.accept()
        self.hello(server)
        started = time.monotonic()
        bridge.signal(15)
        code = server.receive_until(CLOSE)
        self.assertEqual(struct.unpack(">H", code[:2])[0], 1000)
        server.send(CLOSE, code[:2])
        server.hang_up()
        self.assertEqual(bridge.wait_exit(6), 0)
        self.assertLess(time.monotonic() - started, 5)

    def test_tls_certificates_are_verified(self):
        """wss with a certificate that nobody signed is refused; with its own CA it is good."""
        ca_file = os.path.join(self.directory, "ca.pem")
        mock = self.start_mock("--tls", "--ca-file", ca_file)
        stranger = self.start_bridge(mock, PHONE, name="stranger")
        stranger.wait_api()
        stranger.poll(lambda: stranger.health().get("reason") == "tls", 20, "the certificate is bad")
        self.assertNotEqual(stranger.get("/api/qr").status, 200)
        stranger.stop()
        friend = self.start_bridge(mock, PHONE, "--ca-file", ca_file, name="friend")
        friend.wait_qr()


if __name__ == "__main__":
    unittest.main()
