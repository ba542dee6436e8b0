"""The HTTP API as its callers meet it: what they send in, however they cut it, gets one answer."""

import contextlib
import json
import os
import socket
import sqlite3
import sys
import time
import unittest

from harness import bridge, netns
from harness.case import Case
from harness.process import Process, poll

PHONE, FRIEND = "27820000001", "27820001000"
SEND = "/api/send"
# libwebsockets' own timers end a connection after five seconds.
LONG_S = 6


class Wire(Case):
    """Bytes on a connection of their own."""

    def program(self, *args):
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE, *args)
        program.pair_by_qr()
        return mock, program

    def link(self, program):
        link = socket.create_connection(("127.0.0.1", program.port), timeout=20)
        self.addCleanup(link.close)
        return link

    @staticmethod
    def rest(link):
        return b"".join(iter(lambda: link.recv(65536), b""))

    def ask(self, program, request, half_close=False):
        link = self.link(program)
        link.sendall(request)
        if half_close:
            link.shutdown(socket.SHUT_WR)
        return self.rest(link)

    def assert_one(self, answer, status, code=None):
        """One answer of ours, and nothing else."""
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), answer)
        self.assertIn(b"\r\nconnection: close", head)
        told = json.loads(body)
        if code:
            self.assertEqual(told["error"], code)
        return told


class WaitingTest(Wire):
    def test_long_waits_in_every_form_get_their_answer(self):
        """A body with its length and in chunks, and callers that say that they send nothing more."""
        mock, program = self.program()
        mock.admin("POST", "/contact/script", {"phone": FRIEND, "silent": True})
        mock.trouble(ack_drop=100)
        body = json.dumps({"recipient": FRIEND, "message": "slow", "wait_s": LONG_S}).encode()
        told = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (
            SEND.encode(), len(body), body)
        chunked = (b"POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"%x\r\n%s\r\n0\r\n\r\n" % (SEND.encode(), len(body), body))
        began = time.monotonic()
        links = []
        for request, half_close in ((told, False), (chunked, False), (chunked, True)):
            link = self.link(program)
            link.sendall(request)
            if half_close:
                link.shutdown(socket.SHUT_WR)
            links.append(link)
        answers = [self.rest(link) for link in links]
        waited = time.monotonic() - began
        for answer in answers:
            final = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertTrue(self.assert_one(final, 504, "outcome_unknown")["message_id"])
        self.assertGreater(waited, LONG_S - 0.5)
        print(f"answered after {waited:.1f} s: {[len(a) for a in answers]} bytes")


    def test_without_a_connection_a_send_without_a_key_is_told_soon(self):
        """After five seconds; a caller that names its wait_s has it."""
        mock, program = self.program()
        self.go_offline(mock, program)
        links = []
        for wait in ({}, {"wait_s": 8}, {"wait_s": 1}):
            body = json.dumps({"recipient": FRIEND, "message": "now", **wait}).encode()
            link = self.link(program)
            link.sendall(b"POST /api/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(body), body))
            links.append(link)
        began, took = time.monotonic(), []
        for number in (2, 0, 1):
            told = self.assert_one(self.rest(links[number]), 503, "not_sent")
            self.assertIn("not connected", told["message"])
            took.append(time.monotonic() - began)
        print("answered after " + ", ".join(f"{seconds:.1f}" for seconds in took) + " s")
        for seconds, least, most in zip(took, (0.9, 4.5, 7.5), (4, 7, 15)):
            self.assertGreater(seconds, least)
            self.assertLess(seconds, most)


class FormsTest(Wire):
    def test_heads_that_cannot_be_read_get_our_own_answer(self):
        _, program = self.program()
        for bad in (b"BROKEN\r\n\r\n", b"GET /health\r\n\r\n", b"GET health HTTP/1.1\r\n\r\n",
                    b"GET /health HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nno colon\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nX: a\x00b\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                    b"GET /%zz HTTP/1.1\r\n\r\n", b"GET /%00 HTTP/1.1\r\n\r\n",
                    b"GET /" + b"x" * 700 + b" HTTP/1.1\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
                    b"GET ftp://127.0.0.1/health HTTP/1.1\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01", b"\x00\xff nonsense",
                    b"POST /api/send HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
            with self.subTest(bad[:60]):
                self.assert_one(self.ask(program, bad), 400, "bad_request")
        self.assert_one(self.ask(program, b"BREW /health HTTP/1.1\r\n\r\n"), 405)
        for cut in (b"GET /heal", b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
                    b"POST /api/send HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
            with self.subTest(cut):
                self.assert_one(self.ask(program, cut, half_close=True), 400, "bad_request")
        for good in (b"\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"GET /health HTTP/1.0\n\n",
                     b"GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n"):
            with self.subTest(good):
                self.assert_one(self.ask(program, good), 200)
        self.assert_one(self.ask(program, b"GET http://evil.example/health HTTP/1.1\r\n"
                                          b"Host: localhost\r\n\r\n"), 403)

    def test_requests_in_any_cut_get_one_answer_each(self):
        """Two requests in one go, byte by byte, and with a large rest behind the first one."""
        _, program = self.program()
        listed = b"GET /api/outbox HTTP/1.1\r\nHost: localhost\r\n\r\n"
        again = b"POST /api/reconnect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        for request in (listed * 2, listed + b"x" * 100_000, again + listed, again + again):
            with self.subTest(request[:40]):
                self.assert_one(self.ask(program, request), 200)
        link = self.link(program)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in listed:
            link.send(bytes([byte]))
        self.assert_one(self.rest(link), 200)

    def test_expect_100_continue_is_answered(self):
        """curl asks so before it sends a large body, and else waits for a second."""
        mock, program = self.program()
        body = json.dumps({"recipient": FRIEND, "message": "x" * 2000}).encode()
        head = (b"POST %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                b"Content-Length: %d\r\n\r\n")
        link = self.link(program)
        link.sendall(head % (SEND.encode(), len(body)))
        link.settimeout(8)
        self.assertEqual(link.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
        link.settimeout(20)
        link.sendall(body)
        self.assert_one(self.rest(link), 200)
        self.assertEqual(len(mock.contact_messages(FRIEND)), 1)
        # What is refused by its head is refused before the body is sent.
        self.assert_one(self.ask(program, head % (b"/api/nothing", 100)), 404, "not_found")
        self.assert_one(self.ask(program, head % (SEND.encode(), 5 << 20)), 413, "too_large")
        self.assert_one(self.ask(program, head % (SEND.encode(), len(body)) + body), 200)

    def test_a_caller_that_says_no_more_gets_its_answer(self):
        """shutdown(SHUT_WR) behind the request, as some clients do: it is no hanging up."""
        mock, program = self.program()
        mock.trouble(ack_delay=1, ack_delay_ms=1500)
        body = json.dumps({"recipient": FRIEND, "message": "half closed"}).encode()
        for version, interim in ((b"1.1", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"1.0", b"")):
            answer = self.ask(program, b"POST /api/send HTTP/%s\r\nHost: localhost\r\n"
                                       b"Content-Length: %d\r\n\r\n%s" % (version, len(body), body),
                              half_close=True)
            self.assertTrue(answer.startswith(interim), answer)
            self.assert_one(answer[len(interim):], 200)
        self.assertEqual([m["text"] for m in mock.contact_messages(FRIEND)], ["half closed"] * 2)


class BodiesTest(Wire):
    def assert_refused(self, reply, *words):
        self.assertEqual((reply.status, reply.json["error"]), (400, "bad_request"), reply)
        for word in words:
            self.assertIn(word, reply.json["message"])

    def test_unknown_names_are_refused_with_the_nearest_known_one(self):
        """In every call with a body, and of parameters: nothing is dropped silently."""
        mock, program = self.program()
        good = {"recipient": FRIEND, "message": "hello"}
        self.assert_refused(program.post(SEND, {**good, "mentions": [FRIEND]}),
                            "unknown field 'mentions'; did you mean 'mentioned_jid'?")
        self.assert_refused(program.post(SEND, {"to": FRIEND, "message": "x"}), "'to'", "'recipient'")
        self.assert_refused(program.post(SEND, {**good, "zzz": None}), "'zzz'", "wait_s")
        self.assert_refused(program.post("/send-message", {"group_jid": "1@g.us", "message": "x",
                                                           "recipient": FRIEND}), "'recipient_jid'")
        for call in ("/api/reconnect", "/api/pair", "/api/unlink"):
            self.assert_refused(program.post(call, {"force": True}), "'force'", "has none")
            self.assert_refused(program.post(call, "x"), "JSON")
        self.assert_refused(program.post("/api/pair-code", {"phone_number": PHONE}), "'phone'")
        self.assert_refused(program.post("/api/download", {"id": "A", "chat_jid": "b"}),
                            "'message_id'")
        self.assert_refused(program.post("/api/passkey/confirm", {"pin": "A"}), "'code'")
        self.assert_refused(program.post("/api/passkey/response",
                                         {"credential": {}, "comparecode": True}), "'compare_code'")
        for path, word in (("/api/outbox?stat=queued", "'state'"), ("/api/contacts?lim=1", "'limit'"),
                           ("/api/outbox?limit=1&limit=2", "more than once"),
                           ("/api/groups?monitored=1", "has none"),
                           ("/api/pair-code?phone=1", "has none")):
            self.assert_refused(program.get(path), word)
        self.assert_refused(program.post(SEND + "?wait_s=1", good), "'wait_s'", "has none")
        for path in ("/health?t=1", "/pair?x=1"):
            self.assertEqual(program.get(path).status, 200)
        self.assertEqual(mock.contact_messages(FRIEND), [])
        self.assertEqual(program.health()["status"], "ok")
        # What the Go bridge's callers and the sender send.
        self.assertEqual(program.post(SEND, {"recipient": FRIEND, "message": "mine",
                                             "media_path": ""}).status, 200)

    def test_an_empty_body_is_told_what_is_missing(self):
        _, program = self.program()
        for path, word in ((SEND, "'recipient' and 'message'"), ("/send-message", "'group_jid'"),
                           ("/api/download", "'message_id'"), ("/api/passkey/confirm", "code"),
                           ("/api/passkey/response", "credential")):
            for body in ("", " \r\n"):
                with self.subTest(path=path, body=body):
                    reply = program.post(path, body)
                    self.assert_refused(reply, "The body is empty", word)
                    self.assertNotIn("-1", reply.json["message"])
        for body in ("", "{}", "\n"):
            self.assertEqual(program.post("/api/reconnect", body).status, 200)

    def test_half_a_character_is_sent_as_the_replacement_character(self):
        """JavaScript cuts texts through emoji, and says the half as an escape."""
        mock, program = self.program()
        text = '{"recipient":"%s","message":"%s"}'
        for message in ("cut \\ud83d", "whole \\ud83d\\ude00", "text \\\\\\\\ud83d",
                        "turned \\ude00\\ud83d"):
            self.assertEqual(program.post(SEND, text % (FRIEND, message)).status, 200, message)
        self.assertEqual([m["text"] for m in mock.contact_messages(FRIEND)],
                         ["cut \ufffd", "whole \U0001f600", "text \\\\ud83d", "turned \ufffd\ufffd"])


class DownloadTest(Wire):
    """Files that the Go bridge has saved: <store>/<chat_jid, '_' for ':'>/<filename>."""

    GROUP = "120363000000000001@g.us"

    def add(self, messages, message_id, chat, media_type, filename):
        messages.execute("INSERT OR IGNORE INTO chats (jid, name) VALUES (?, 'chat')", (chat,))
        messages.execute("INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me,"
                         " media_type, filename) VALUES (?, ?, ?, '', 1700000000, 0, ?, ?)",
                         (message_id, chat, FRIEND, media_type, filename))

    @staticmethod
    def write(store, *path):
        path = os.path.join(store, *path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write("saved")
        return os.path.realpath(path)

    def test_a_file_that_the_go_bridge_saved_is_named(self):
        mock, first = self.program()
        lid = mock.lid_of(FRIEND)
        self.assertEqual(first.send(FRIEND, "so that both identities are known").status, 200)
        first.stop()
        store, person = first.store, FRIEND + "@s.whatsapp.net"
        with contextlib.closing(sqlite3.connect(os.path.join(store, "messages.db"))) as messages:
            for number, name in enumerate(("picture.jpg", "../secret", "..", "a/b", "link", "gone.jpg",
                                           "")):
                self.add(messages, f"M{number}", self.GROUP, "image", name)
            self.add(messages, "TEXT", self.GROUP, "", "picture.jpg")
            self.add(messages, "P", person, "document", "pl\u00e4n.pdf")
            self.add(messages, "L", person, "audio", "old.ogg")
            messages.commit()
        saved = self.write(store, self.GROUP, "picture.jpg")
        self.write(store, "secret")
        self.write(store, self.GROUP, "a", "b")
        os.symlink("/etc/passwd", os.path.join(store, self.GROUP, "link"))
        plan = self.write(store, person, "pl\u00e4n.pdf")
        old = self.write(store, lid, "old.ogg")  # from before the number was known
        program = self.start_bridge(mock, PHONE, store=store, name="second")
        program.wait_status("ok")

        def ask(message_id, chat):
            return program.post("/api/download", {"message_id": message_id, "chat_jid": chat})
        for message_id, chat, filename, path in (("M0", self.GROUP, "picture.jpg", saved),
                                                 ("P", person, "pl\u00e4n.pdf", plan),
                                                 ("L", person, "old.ogg", old),
                                                 ("L", lid, "old.ogg", old)):
            reply = ask(message_id, chat)
            self.assertEqual(reply.status, 200, (message_id, chat, reply))
            self.assertEqual((reply.json["success"], reply.json["filename"], reply.json["path"]),
                             (True, filename, path))
        for message_id, chat in (*((f"M{n}", self.GROUP) for n in range(1, 7)), ("TEXT", self.GROUP),
                                 ("M0", person), ("M9", self.GROUP)):
            reply = ask(message_id, chat)
            self.assertEqual((reply.status, reply.json["error"]), (422, "not_yet"), (message_id, reply))
        for body in ({"message_id": "M0"}, {"message_id": "", "chat_jid": self.GROUP},
                     {"message_id": 7, "chat_jid": self.GROUP},
                     *({"message_id": "M0", "chat_jid": chat} for chat in
                       ("..", "../../etc", "27820000001", "s.whatsapp.net", "a@b"))):
            reply = program.post("/api/download", body)
            self.assertEqual((reply.status, reply.json["error"]), (400, "bad_request"), (body, reply))


class ListeningTest(Case):
    NOWHERE = ("--server-url", "ws://127.0.0.1:9/ws/chat", "--root-key", "ab" * 32)

    @staticmethod
    def listening(port):
        """The addresses that somebody listens on with this port, as the kernel says it."""
        found = set()
        for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
            with open("/proc/net/" + name, encoding="ascii") as file:
                for line in list(file)[1:]:
                    address, at = line.split()[1].split(":")
                    if int(at, 16) == port and line.split()[3] == "0A":
                        words = bytes.fromhex(address)
                        found.add(socket.inet_ntop(family, b"".join(
                            words[i:i + 4][::-1] for i in range(0, len(words), 4))))
        return found

    def test_both_loopback_addresses_and_nothing_else(self):
        """Without --bind: 'localhost' is one or the other to callers."""
        if not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("no IPv6 on this machine")
        mock = self.start_mock()
        program = self.start_bridge(mock, PHONE)
        program.wait_api()
        self.assertEqual(self.listening(program.port), {"127.0.0.1", "::1"})
        for address in ("127.0.0.1", "::1"):
            for host in ("localhost", "127.0.0.1", "[::1]"):
                with socket.create_connection((address, program.port), timeout=10) as link:
                    link.sendall(f"GET /api/outbox HTTP/1.1\r\nHost: {host}:{program.port}\r\n\r\n"
                                 .encode())
                    self.assertIn(b" 200 ", link.recv(4096), (address, host))
        explicit = self.start_bridge(mock, PHONE, "--bind", "127.0.0.1", name="explicit")
        explicit.wait_api()
        self.assertEqual(self.listening(explicit.port), {"127.0.0.1"})

    def test_without_ipv6_it_says_so_and_goes_on(self):
        netns.need(self)
        script = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; exec \"$@\""
        program = self.start_bridge(None, PHONE, *self.NOWHERE,
                                    under=("unshare", "-n", "sh", "-c", script, "sh"))
        program.poll(lambda: any("API on 127.0.0.1 port" in x for x in program.lines) and
                     any("does not listen on ::1: this machine does not have it" in x
                         for x in program.lines), 20, "both lines are in the log")

    def refused(self, *args):
        return bridge.run_once("--phone", PHONE, "--store", os.path.join(self.directory, "s"), *args,
                               *self.NOWHERE)

    def test_who_holds_the_port_is_named(self):
        """By its program and the file that this runs; an argument may be a secret."""
        code = ('import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen();'
                'print(f"PORT={s.getsockname()[1]}", flush=True); time.sleep(60)')
        script = os.path.join(self.directory, "the-holder.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(code)
        holder = self._keep(Process("holder", [sys.executable, "-u", script, "--token", "hunter2"],
                                    self.directory))
        port = poll(lambda: next((x[5:] for x in holder.lines if x.startswith("PORT=")), None), 10,
                    "it listens")
        for args in (("--port", port), ("--port", port, "--bind", "127.0.0.1")):
            done = self.refused(*args)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, rf"Address already in use, by pid {holder.pid} "
                                          rf"\({sys.executable} /\S+(the-holder\.py|…)\)")
            self.assertNotIn("hunter2", done.stderr)

    def test_an_address_of_a_group_is_refused_with_the_settings(self):
        for address in ("224.0.0.1", "ff02::1", "255.255.255.255"):
            done = self.refused("--bind", address)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--bind", done.stderr)
            self.assertNotIn("token", done.stderr)


if __name__ == "__main__":
    unittest.main()
