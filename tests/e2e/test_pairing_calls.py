"""The calls around pairing: QR pictures, link codes, unlinking, and what each says in each state."""

import os
import re
import stat
import struct
import subprocess
import unittest
import zlib

from harness import terminal
from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"


def png_pixels(data):
    """Rows of dark/light of a one-bit grey PNG without interlacing."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n"), data[:8]
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
            assert tuple(body[8:]) == (1, 0, 0, 0, 0), body
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height = size
    raw, step, rows = zlib.decompress(packed), 1 + (width + 7) // 8, []
    for y in range(height):
        line = bytearray(raw[y * step:(y + 1) * step])
        assert line[0] == 0, "filtered line"
        rows.append([not line[1 + x // 8] >> (7 - x % 8) & 1 for x in range(width)])
    return rows


def svg_modules(text):
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', text)[1])
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", text)}
    return side, dark


class PairingCalls(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)

    def assert_error(self, reply, status, code):
        self.assertEqual(reply.status, status, reply)
        self.assertIs(reply.json["success"], False)
        self.assertEqual(reply.json["error"], code)
        self.assertTrue(reply.json["message"])

    def assert_done(self, reply):
        self.assertEqual(reply.status, 200, reply)
        self.assertIs(reply.json["success"], True)
        self.assertTrue(reply.json["message"])

    def captures(self, text):
        self.mock.contact_send(FRIEND, PHONE, text)
        self.bridge.wait_rows("SELECT id FROM messages WHERE content = ?", text)

    def test_the_pictures_show_the_code(self):
        code = self.bridge.wait_qr()
        png, svg = self.bridge.get("/api/qr.png"), self.bridge.get("/api/qr.svg")
        self.assertEqual(self.bridge.get("/api/qr").json["code"], code, "it changed meanwhile")
        self.assertEqual((png.headers["content-type"], svg.headers["content-type"]),
                         ("image/png", "image/svg+xml"))
        rows, (side, dark) = png_pixels(png.body), svg_modules(svg.text)
        scale = len(rows) // side
        self.assertEqual({(x, y) for y in range(side) for x in range(side)
                          if rows[y * scale + scale // 2][x * scale + scale // 2]}, dark)
        head = self.bridge_head("/api/qr.png")
        self.assertEqual((head.status, head.body), (200, b""))
        terminal.need("zbarimg")
        path = os.path.join(self.directory, "qr.png")
        with open(path, "wb") as file:
            file.write(png.body)
        read = subprocess.run(["zbarimg", "--raw", "-q", path], capture_output=True, text=True, check=True,
                              timeout=20)
        self.assertEqual(read.stdout.strip(), code)

    def bridge_head(self, path):
        from harness import http
        return http.request(self.bridge.port, "HEAD", path)

    def test_while_pairing(self):
        self.bridge.wait_qr()
        self.assert_error(self.bridge.get("/api/pair-code"), 404, "not_found")
        self.assert_error(self.bridge.post("/api/pair-code", {"phone": "27820000002"}), 400, "bad_request")
        self.assert_error(self.bridge.post("/api/pair-code", {"phone": 7}), 400, "bad_request")
        self.assert_error(self.bridge.post("/api/pair-code", "["), 400, "bad_request")
        self.assert_error(self.bridge.send(FRIEND, "x"), 503, "not_connected")
        self.assert_error(self.bridge.send(FRIEND, "x", id="k", wait_s=0), 503, "not_connected")
        self.assert_error(self.bridge.post("/api/unlink"), 503, "not_connected")
        self.assert_done(self.bridge.post("/api/pair"))
        self.assertEqual(self.bridge.get("/api/groups").json, {"success": True, "groups": []})
        reply = self.bridge.post("/api/pair-code", {"phone": "+27 82 000 0001"})
        self.assertEqual(reply.status, 200, reply)
        code = reply.json["code"]
        self.assertRegex(code, r"^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$")
        self.assertEqual(self.bridge.get("/api/pair-code").json["code"], code)
        again = self.bridge.post("/api/pair-code").json["code"]
        self.assertNotEqual(again, code)
        self.mock.enter_code(PHONE, again)
        self.bridge.wait_status("ok")
        self.assert_error(self.bridge.get("/api/pair-code"), 404, "not_found")
        self.captures("paired by code")
        self.assert_no_flags(self.mock)

    def test_while_connected(self):
        self.bridge.pair_by_qr()
        for path in ("/api/qr", "/api/qr.svg", "/api/qr.png", "/api/pair-code"):
            self.assert_error(self.bridge.get(path), 404, "not_found")
        self.assert_error(self.bridge.post("/api/pair"), 409, "conflict")
        self.assertEqual(self.bridge.post("/api/pair-code").status, 409)
        self.assert_done(self.bridge.post("/api/reconnect"))
        self.bridge.wait_status("ok")
        self.assert_error(self.bridge.post("/api/download", {"message_id": "A", "chat_jid": "1@g.us"}),
                          422, "not_yet")
        for value in ("x", {}, [], b"\xff"):
            self.assertLess(self.bridge.post("/api/reconnect", value).status, 500)
        self.bridge.wait_status("ok")
        self.captures("still there")
        self.assert_no_flags(self.mock)

    def test_unlink_and_pair_again(self):
        self.bridge.pair_by_qr()
        self.captures("before")
        self.assertEqual(self.bridge.send(FRIEND, "sent before", id="k").status, 200)
        self.assert_done(self.bridge.post("/api/unlink"))
        health = self.bridge.wait_status("logged_out")
        self.assertIs(health["connected"], False)
        self.assertEqual([d for d in self.mock.account(PHONE).get("devices", []) if d.get("connected")], [])
        for path in ("/api/qr", "/api/pair-code"):
            self.assert_error(self.bridge.get(path), 404, "not_found")
        self.assert_error(self.bridge.send(FRIEND, "x"), 503, "not_connected")
        self.assertEqual(self.bridge.post("/api/unlink").status, 503)
        self.assertEqual(self.bridge.post("/api/reconnect").status, 409)
        aside = [n for n in os.listdir(self.bridge.store)
                 if n.startswith("whatsapp.db.unlinked") and not re.search(r"-(wal|shm)$", n)]
        self.assertEqual(len(aside), 1, os.listdir(self.bridge.store))
        mode = os.stat(os.path.join(self.bridge.store, aside[0])).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assert_done(self.bridge.post("/api/pair"))
        self.bridge.pair_by_qr()
        self.captures("after")
        self.assertEqual(self.bridge.send(FRIEND, "sent after").status, 200)
        self.assertEqual([r["content"] for r in self.bridge.rows(
            "SELECT content FROM messages ORDER BY change_seq")],
            ["before", "sent before", "after", "sent after"])
        self.assert_no_flags(self.mock)

    def test_what_was_queued_stays_with_its_link(self):
        """Sends that were not over at a logout are in the file that is set aside; the new link is not
        troubled by them."""
        self.bridge.pair_by_qr()
        self.go_offline()
        queued = self.bridge.send(FRIEND, "queued", id="q", wait_s=0)
        self.assertEqual(queued.status, 202, queued)
        self.mock.logout(PHONE)
        self.mock.trouble(upgrade_status=0)
        self.bridge.post("/api/reconnect")
        self.bridge.wait_status("logged_out")
        for wait_s in (0, 30):
            self.assert_error(self.bridge.send(FRIEND, "queued", id="q", wait_s=wait_s), 503,
                              "not_connected")
        self.assert_done(self.bridge.post("/api/pair"))
        self.bridge.pair_by_qr()
        self.captures("paired anew")
        reconnects = self.bridge.health()["reconnects"]
        self.assert_error(self.bridge.get("/api/outbox/q"), 404, "not_found")
        self.assertEqual(self.bridge.send(FRIEND, "the same key", id="q", wait_s=5).status, 200)
        self.assertEqual(self.bridge.send(FRIEND, "and again").status, 200)
        health = self.bridge.health()
        self.assertEqual((health["status"], health["reconnects"]), ("ok", reconnects))
        self.assertEqual([m["text"] for m in self.mock.contact_messages(FRIEND) if m["text"]],
                         ["the same key", "and again"])

    def test_logged_out_by_the_phone_and_restarted(self):
        self.bridge.pair_by_qr()
        self.mock.logout(PHONE)
        self.bridge.wait_status("logged_out")
        for fields in ({}, {"id": "k"}, {"wait_s": 0}):  # in vain: it is told at once
            self.assert_error(self.bridge.send(FRIEND, "x", **fields), 503,
                              "not_connected")
        self.assertEqual(self.bridge.post("/api/reconnect").status, 409)
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_status("logged_out")
        self.assert_error(self.bridge.get("/api/qr"), 404, "not_found")
        reply = self.bridge.send(FRIEND, "x", id="k", wait_s=0)
        self.assert_error(reply, 503, "not_connected")
        self.assert_done(self.bridge.post("/api/pair"))
        self.bridge.pair_by_qr()
        self.captures("paired anew")
        self.assertEqual(self.bridge.send(FRIEND, "sent anew").status, 200)
        self.assertEqual([m["text"] for m in self.mock.contact_messages(FRIEND) if m["text"]],
                         ["sent anew"])


if __name__ == "__main__":
    unittest.main()
