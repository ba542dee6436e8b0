"""What the outbox says, and taking messages back."""

import contextlib
import http.client as http_client
import json
import socket
import sqlite3
import threading
import unittest
import urllib.parse

from harness import http
from harness.case import Case

PHONE, FRIEND, OTHER = "27820000001", "27820001000", "27820001001"
OPEN_MAX = 4096  # SEND_OPEN_MAX
FIELDS = {"seq", "message_id", "id", "recipient", "state", "reason", "detail", "created_at", "expires_at",
          "sealed_at", "timestamp", "failed_at", "recipients", "delivered_to", "read_by"}


def quoted(name):
    return "/api/outbox/" + urllib.parse.quote(name, safe="")


class Outbox(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)

    def paired(self):
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def delete(self, name):
        return http.request(self.bridge.port, "DELETE", quoted(name))

    def one(self, name):
        reply = self.bridge.get(quoted(name))
        self.assertEqual(reply.status, 200, reply)
        self.assertIs(reply.json["success"], True)
        return reply.json

    def listed(self, query=""):
        reply = self.bridge.get("/api/outbox" + query)
        self.assertEqual(reply.status, 200, reply)
        for entry in reply.json["messages"]:
            self.assertLessEqual(FIELDS, set(entry))
        return reply.json

    def keys(self, query=""):
        return [entry["id"] for entry in self.listed(query)["messages"]]

    def wait_state(self, name, state):
        return self.bridge.poll(lambda: self.one(name)["state"] == state and self.one(name), 20,
                                f"{name} is {state}")

    def restart(self, name):
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
        self.bridge.wait_api()

    def change(self, statement, *rows):
        """Another program's write, while the bridge is stopped."""
        with contextlib.closing(sqlite3.connect(self.bridge.store + "/whatsapp.db")) as db:
            db.executemany(statement, rows)
            db.commit()

    def queue(self, key, to=FRIEND, **fields):
        reply = self.bridge.send(to, f"text of {key}", id=key, wait_s=0, **fields)
        self.assertEqual((reply.status, reply.json["state"]), (202, "queued"), reply)
        return reply.json["message_id"]

    def texts(self, phone=FRIEND):
        return [m["text"] for m in self.mock.contact_messages(phone) if m["text"]]

    def assert_error(self, reply, status, code):
        self.assertEqual((reply.status, reply.json["error"]), (status, code), reply)
        self.assertIs(reply.json["success"], False)
        self.assertTrue(reply.json["message"])


class States(Outbox):
    def receipt(self, phone, to, message_id, kind, **fields):
        self.mock.admin("POST", "/contact/receipt",
                        {"phone": phone, "to": to, "id": message_id, "type": kind, **fields})

    def test_from_queued_to_read(self):
        self.bridge.wait_api()
        self.assertEqual(self.listed(), {"success": True, "messages": [], "next": None})
        self.assert_error(self.bridge.get(quoted("nothing")), 404, "not_found")
        self.assert_error(self.delete("nothing"), 404, "not_found")
        self.paired()
        self.go_offline()
        message_id = self.queue("k1")
        entry = self.one("k1")
        self.assertEqual((entry["state"], entry["text"], entry["message_id"], entry["recipients"]),
                         ("queued", "text of k1", message_id, 0))
        self.assertEqual(entry["expires_at"], entry["created_at"] + 24 * 3600)
        self.assertIsNone(entry["timestamp"])
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": True})
        self.mock.trouble(ack_drop=1)
        self.come_back()
        self.assertEqual(self.wait_state("k1", "sealed")["recipients"], 1)
        kept = self.bridge.send(FRIEND, "text of k1", id="k1", wait_s=0)
        self.assertEqual((kept.status, kept.json["state"]), (202, "sealed"))
        self.mock.drop(PHONE)
        entry = self.wait_state(message_id, "sent")
        self.assertNotIn("text", entry)
        self.assertEqual(self.bridge.send(FRIEND, "text of k1", id="k1").json["timestamp"],
                         entry["timestamp"])
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": False})
        self.receipt(FRIEND, PHONE, message_id, "")
        entry = self.wait_state("k1", "delivered")
        self.assertEqual((entry["delivered_to"], entry["read_by"]), (1, 0))
        self.receipt(FRIEND, PHONE, message_id, "read")
        entry = self.wait_state("k1", "read")
        self.assertEqual((entry["delivered_to"], entry["read_by"]), (1, 1))
        self.assertEqual(self.texts(), ["text of k1"])
        self.assert_no_flags(self.mock)

    def test_a_group_is_counted_by_people(self):
        self.paired()
        self.mock.admin("POST", "/contact/script", {"phone": OTHER, "silent": True})
        message_id = self.bridge.send(self.group, "to all", id="g").json["message_id"]
        self.bridge.poll(lambda: self.one("g")["delivered_to"] == 1, 20, "one person has it")
        entry = self.one("g")
        self.assertEqual((entry["state"], entry["recipients"]), ("sent", 2))
        self.mock.admin("POST", "/contact/script", {"phone": OTHER, "silent": False})
        self.receipt(OTHER, self.group, message_id, "read", participant=PHONE + "@s.whatsapp.net")
        entry = self.wait_state("g", "delivered")
        self.assertEqual((entry["delivered_to"], entry["read_by"]), (2, 1))
        self.receipt(FRIEND, self.group, message_id, "read", participant=PHONE + "@s.whatsapp.net")
        self.wait_state("g", "read")

    def test_failures_have_their_reason(self):
        self.paired()
        self.assertEqual(self.bridge.send(FRIEND, "they know us").status, 200)
        self.mock.trouble(ack_error=463, ack_error_times=1)
        self.assertEqual(self.bridge.send(FRIEND, "no", id="refused").status, 502)
        entry = self.one("refused")
        self.assertEqual((entry["state"], entry["reason"], entry["server_code"]),
                         ("failed", "refused", 463))
        self.assertTrue(entry["detail"])
        self.bridge.send(self.group, "x", mentioned_jid="27829999999", id="absent")
        self.assertEqual(self.one("absent")["reason"], "absent_mention")
        self.go_offline()
        self.queue("late", expires_s=1)
        self.assertEqual(self.wait_state("late", "failed")["reason"], "expired")
        self.bridge.stop()
        self.change("UPDATE bridge_outbox SET reason = 'restored_unknown', answer = NULL"
                    " WHERE key = ?", ["late"])
        self.restart("restored")
        entry = self.one("late")
        self.assertEqual((entry["state"], entry["reason"]), ("failed", "restored_unknown"))
        self.assertIn("backup", entry["detail"])
        again = self.bridge.send(FRIEND, "text of late", id="late")
        self.assert_error(again, 504, "outcome_unknown")
        self.assertEqual(self.keys("?state=failed"), ["late", "absent", "refused"])


class Pages(Outbox):
    def test_filters_and_pages(self):
        self.paired()
        self.go_offline()
        for number in range(7):
            self.queue(f"k{number}", self.group if number % 3 == 2 else FRIEND)
        everything = [f"k{number}" for number in range(7)]
        self.assertEqual(self.keys(), everything[::-1])
        self.assertEqual(self.keys("?after=0"), everything)
        self.assertEqual(self.keys("?state=queued&limit=2"), ["k6", "k5"])
        self.assertEqual(self.keys("?state=sent"), [])
        self.assertEqual(self.keys(f"?chat={self.group}"), ["k5", "k2"])
        for form in (FRIEND, "%2B" + FRIEND, FRIEND + "@s.whatsapp.net"):
            self.assertEqual(self.keys(f"?chat={form}&after=0"), ["k0", "k1", "k3", "k4", "k6"])
        for query, expected in (("?limit=3", everything[::-1]), ("?limit=3&after=0", everything)):
            found, page = [], self.listed(query)
            while True:
                found += [entry["id"] for entry in page["messages"]]
                if page["next"] is None:
                    break
                key = "after" if "after" in query else "before"
                page = self.listed(f"?limit=3&{key}={page['next']}")
            self.assertEqual(found, expected)
        # Sent, the person's other form means the same chat.
        self.come_back()
        self.wait_state("k6", "delivered")
        self.assertEqual(len(self.keys(f"?chat={self.mock.lid_of(FRIEND)}")), 5)
        for group, numbers in ((True, (2, 5)), (False, (0, 1, 3, 4, 6))):
            texts = [m["text"] for m in self.mock.contact_messages(FRIEND)
                     if m["text"] and (m["chat"] == self.group) == group]
            self.assertEqual(texts, [f"text of k{number}" for number in numbers])

    def test_what_is_no_question(self):
        self.paired()
        for query in ("state=", "state=QUEUED", "state=done", "limit=0", "limit=501", "limit=-1", "limit=x",
                      "limit=99999999999999999999", "limit=1e3", "limit=", "before=0", "before=x", "after=-1",
                      "after=9223372036854775808", "before=3&after=3", "limit=1&limit=2", "unknown=1",
                      "state", "="):
            with self.subTest(query):
                self.assert_error(self.bridge.get("/api/outbox?" + query), 400, "bad_request")
        self.assert_error(self.bridge.get("/api/outbox?chat"), 400, "bad_recipient")
        for chat in ("", "abc", "12", "status@broadcast", "%ff", "a" * 500):
            with self.subTest(chat):
                self.assert_error(self.bridge.get("/api/outbox?chat=" + chat), 400, "bad_recipient")
        for query in ("chat=" + "1" * 2000, "limit=1&" * 5):
            self.assert_error(self.bridge.get("/api/outbox?" + query), 400, "bad_request")
        for query in ("chat=%00", "x" * 5000, "limit=1&" * 400):
            self.is_refused("GET", "/api/outbox?" + query)
        for name in ("%00", "%ff", "a%00b", "%25", "..%2f..", "'%20OR%201=1--", "x" * 700, "%F0%9F%92%A9",
                     "%0d%0aX:1", "%3Fa", "a%2Fb"):
            with self.subTest(name):
                for method in ("GET", "DELETE"):
                    self.is_refused(method, "/api/outbox/" + name)
        for path, method in (("/api/outbox", "DELETE"), ("/api/outbox", "POST"), ("/api/outbox/x", "POST"),
                             ("/api/outbox/x", "PUT")):
            reply = http.request(self.bridge.port, method, path)
            self.assertEqual(reply.status, 405, reply)
            self.assertIn("GET", reply.headers.get("allow", reply.headers.get("Allow")))
        foreign = self.bridge.get("/api/outbox", headers={"Origin": "http://evil.example"})
        self.assertEqual(foreign.status, 403)
        self.assertEqual(self.bridge.health()["status"], "ok")

    def is_refused(self, method, path):
        """What no HTTP server takes may also end the connection."""
        try:
            reply = http.request(self.bridge.port, method, path)
            self.assertIn(reply.status, (400, 403, 404), reply)
        except http_client.RemoteDisconnected:
            pass

    def test_odd_keys_are_found(self):
        self.paired()
        self.go_offline()
        for key in ("a b", "a/b", "\u00e4\u00f6", "50%", "a&b=c", "a+b", "?x", "'; DROP TABLE x;--", "k" * 128,
                    "\U0001f4a9" * 128, "#1"):
            with self.subTest(key):
                message_id = self.queue(key)
                self.assertEqual(self.one(key)["message_id"], message_id)
                self.assertEqual(self.delete(key).json["state"], "failed")


    def test_keys_that_no_path_can_name_are_refused(self):
        """Clients and proxies would make the path of another key out of it."""
        self.paired()
        self.go_offline()
        kept = self.queue("A")
        for key in ("x/../A", "./A", "/A", "A//", "a//b", "..", ".", "a/.", "A/.."):
            with self.subTest(key):
                self.assert_error(self.bridge.send(FRIEND, "text", id=key, wait_s=0), 400, "bad_request")
        self.assertEqual(self.one("A")["state"], "queued")
        for key in ("a/", "...", ".a/b..", "A/x"):
            with self.subTest(key):
                message_id = self.queue(key)
                self.assertEqual(self.one(key)["message_id"], message_id)
        self.assertEqual(self.one("A")["message_id"], kept)


class TakingBack(Outbox):
    def test_what_is_queued(self):
        self.paired()
        self.go_offline()
        kept, gone = self.queue("kept"), self.queue("gone")
        last = self.queue("last")
        answers = []
        caller = threading.Thread(target=lambda: answers.append(
            self.bridge.send(FRIEND, "text of gone", id="gone", wait_s=60)))
        caller.start()
        for attempt in range(2):  # once more is no error
            reply = self.delete(gone if attempt else "gone")
            self.assertEqual((reply.status, reply.json["success"]), (200, True), reply)
            self.assertEqual((reply.json["state"], reply.json["reason"]), ("failed", "cancelled"))
        caller.join(20)
        self.assert_error(answers[0], 409, "cancelled")
        self.restart("killed")
        self.assertEqual(self.one("gone")["reason"], "cancelled")
        self.assertEqual(self.delete(last).status, 200)
        self.come_back()
        self.wait_state(kept, "delivered")
        self.assert_error(self.delete("kept"), 409, "not_queued")
        self.assertEqual(self.delete("kept").json["state"], "delivered")
        self.assert_error(self.bridge.send(FRIEND, "text of gone", id="gone"), 409, "cancelled")
        self.assertEqual(self.bridge.send(FRIEND, "after").status, 200)
        self.assertEqual(self.texts(), ["text of kept", "after"])
        self.assert_no_flags(self.mock)

    def test_what_is_sealed_cannot_be_taken_back(self):
        self.paired()
        for phone in (FRIEND, OTHER):
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        self.mock.trouble(ack_drop=1)
        self.assertEqual(self.bridge.send(FRIEND, "on its way", id="s", wait_s=0).status, 202)
        self.wait_state("s", "sealed")
        self.assert_error(self.delete("s"), 409, "not_queued")
        self.assertEqual(self.one("s")["state"], "sealed")
        self.mock.drop(PHONE)
        self.wait_state("s", "sent")
        self.assertEqual(self.texts(), ["on its way"])


class Bounds(Outbox):
    def test_a_full_queue_says_so(self):
        self.paired()
        self.go_offline()
        self.queue("first")
        self.bridge.stop()
        self.change(
            "INSERT INTO bridge_outbox (our_jid, message_id, key, body_hash, chat_jid, state, request,"
            " created_at, expires_at) SELECT our_jid, ?, ?, body_hash, chat_jid, 0, request, created_at,"
            " expires_at FROM bridge_outbox WHERE key = 'first'",
            *((f"3EB0{number:016X}", f"many {number}") for number in range(OPEN_MAX - 1)))
        self.restart("full")
        self.assert_error(self.bridge.send(FRIEND, "too many", id="new"), 429, "rate_limited")
        self.assert_error(self.bridge.get(quoted("new")), 404, "not_found")
        # What is known already is no new message, and one that is taken back makes room.
        self.assertEqual(self.bridge.send(FRIEND, "text of first", id="first", wait_s=0).status, 202)
        self.assertEqual(self.delete("many 7").status, 200)
        self.queue("new")
        self.assert_error(self.bridge.send(FRIEND, "again too many", wait_s=0), 429, "rate_limited")
        self.assertEqual(len(self.keys("?limit=500")), 500)
        # A slow reader gets all of a long answer, too.
        with socket.socket() as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            link.settimeout(20)
            link.connect(("127.0.0.1", self.bridge.port))
            link.sendall(b"GET /api/outbox?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, body = b"".join(iter(lambda: link.recv(512), b"")).split(b"\r\n\r\n", 1)
        self.assertIn(b"content-length: %d\r\n" % len(body), head + b"\r\n")
        self.assertEqual(len(json.loads(body)["messages"]), 500)


if __name__ == "__main__":
    unittest.main()
