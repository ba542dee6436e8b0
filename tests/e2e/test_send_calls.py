"""Every form of a request to /api/send, its keys and its answers."""

import http.client
import json
import threading
import unittest

from harness.case import Case

PHONE, FRIEND, OTHER, NOBODY = "27820000001", "27820001000", "27820001001", "27829999999"
SEND = "/api/send"
SENT_ROW = "SELECT * FROM messages WHERE is_from_me = 1 AND content = ?"


def pn(phone):
    return phone + "@s.whatsapp.net"


def in_parallel(jobs):
    """Runs the jobs at the same time; what they returned, in their order."""
    answers = [None] * len(jobs)

    def one(number):
        answers[number] = jobs[number]()
    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return answers


class Sending(Case):
    contacts = 2
    settings = ()

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", str(self.contacts), "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE, *self.settings)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def texts(self, phone=FRIEND):
        return [m["text"] for m in self.mock.contact_messages(phone) if m["text"]]

    def wait_texts(self, phone, expected):
        self.bridge.poll(lambda: len(self.texts(phone)) >= len(expected), 30,
                         f"{phone} gets {expected}, has {self.texts(phone)}")
        self.assertEqual(self.texts(phone), expected)

    def assert_sent(self, reply):
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(set(reply.json), {"success", "message", "message_id", "timestamp"})
        self.assertIs(reply.json["success"], True)
        self.assertIsInstance(reply.json["timestamp"], int)
        return reply.json["message_id"]

    def assert_error(self, reply, status, code, **more):
        self.assertEqual(reply.status, status, reply)
        self.assertIs(reply.json["success"], False)
        self.assertEqual(reply.json["error"], code)
        self.assertTrue(reply.json["message"])
        for field, value in more.items():
            self.assertEqual(reply.json[field], value)

    def restart(self, name="again", kill=False):
        if kill:
            self.bridge.kill()
        else:
            self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
        return self.bridge


class WhoIsReached(Sending):
    def test_every_form_of_a_recipient(self):
        lid = self.mock.lid_of(FRIEND)
        forms = ("27820001000", "+27820001000", "+27 82 000-1000", "(27) 820 001 000", pn(FRIEND),
                 "27820001000@c.us", "27820001000:0@s.whatsapp.net", "27820001000:3@s.whatsapp.net", lid,
                 f" {FRIEND} ")
        expected = []
        for number, form in enumerate(forms):
            with self.subTest(form):
                message_id = self.assert_sent(self.bridge.send(form, f"to form {number}"))
                expected.append(f"to form {number}")
                row = self.bridge.rows(SENT_ROW, f"to form {number}")
                self.assertEqual([r["chat_jid"] for r in row], [pn(FRIEND)])
                self.assertEqual(row[0]["id"], message_id)
        self.wait_texts(FRIEND, expected)
        self.assert_sent(self.bridge.send(self.group, "to the group"))
        self.wait_texts(OTHER, ["to the group"])
        self.assert_no_flags(self.mock)

    def test_recipients_that_are_none(self):
        for form in ("", " ", "+", "abc", "0820001000", "0027820001000", "12", "2" * 16, "27820001000@",
                     "@s.whatsapp.net", "x@s.whatsapp.net", "status@broadcast", "1@newsletter",
                     "27820001000@s.whatsapp.net@g.us", "1@nowhere.example", "27820001000\u0660",
                     "27820001000,27820001001", "a" * 5000, "27820001000@g.us\n"):
            with self.subTest(form):
                self.assertEqual(self.bridge.send(form, "x").status, 400)
        self.assert_error(self.bridge.send(NOBODY, "x"), 404, "not_on_whatsapp")
        self.assert_error(self.bridge.send(pn(NOBODY), "x"), 404, "not_on_whatsapp")
        self.assert_error(self.bridge.send("120363999999999999@g.us", "x"), 404, "not_found")
        self.assertEqual(self.bridge.rows("SELECT 1 FROM messages WHERE is_from_me = 1"), [])
        self.assert_no_flags(self.mock)

    def test_a_note_to_ourselves(self):
        self.assert_sent(self.bridge.send(PHONE, "do not forget"))
        self.assertEqual([row["chat_jid"] for row in self.bridge.rows(SENT_ROW, "do not forget")],
                         [pn(PHONE)])
        self.assert_no_flags(self.mock)

    def test_what_is_stored(self):
        reply = self.bridge.send(FRIEND, "Gr\u00fc\u00dfe \U0001f600\n\"quoted\" \\ \u202e")
        message_id = self.assert_sent(reply)
        row = self.bridge.rows("SELECT * FROM messages WHERE id = ?", message_id)
        self.assertEqual(len(row), 1, "stored before the answer")
        self.assertEqual((row[0]["is_from_me"], row[0]["sender"], row[0]["content"]),
                         (1, PHONE, "Gr\u00fc\u00dfe \U0001f600\n\"quoted\" \\ \u202e"))
        self.assertEqual(row[0]["timestamp"], reply.json["timestamp"])
        self.assertEqual(row[0]["chat"], pn(FRIEND))
        chat = self.bridge.rows("SELECT * FROM chats WHERE jid = ?", pn(FRIEND))
        self.assertEqual(chat[0]["last_message_time"], reply.json["timestamp"])
        self.wait_texts(FRIEND, [row[0]["content"]])

    def test_reply(self):
        self.mock.contact_send(FRIEND, PHONE, "a question")
        question = self.bridge.wait_rows("SELECT id FROM messages WHERE content = 'a question'")[0]["id"]
        self.assert_sent(self.bridge.send(FRIEND, "an answer", reply_to=question))
        self.wait_texts(FRIEND, ["an answer"])
        self.assertEqual(self.mock.contact_messages(FRIEND)[-1]["reply_to"], question)
        self.assertEqual(self.bridge.rows(SENT_ROW, "an answer")[0]["quoted_id"], question)
        own = self.bridge.rows(SENT_ROW, "an answer")[0]["id"]
        lid = self.mock.lid_of(FRIEND)
        self.assert_sent(self.bridge.send(lid, "to my own", reply_to=own))
        self.assertEqual(self.mock.contact_messages(FRIEND)[-1]["reply_to"], own)
        self.assert_error(self.bridge.send(FRIEND, "x", reply_to="3EB0NOTTHERE"), 404, "not_found")
        self.assert_error(self.bridge.send(OTHER, "x", reply_to=question), 404, "not_found")
        self.assert_sent(self.bridge.send(FRIEND, "none", reply_to=None))
        self.mock.contact_send(OTHER, self.group, "in the group")
        asked = self.bridge.wait_rows("SELECT id FROM messages WHERE content = 'in the group'")[0]["id"]
        self.assert_sent(self.bridge.send(self.group, "answered", reply_to=asked))
        self.bridge.poll(lambda: "answered" in self.texts(FRIEND), 10, "the group's answer")
        got = self.mock.contact_messages(FRIEND)[-1]
        self.assertEqual((got["reply_to"], got["reply_participant"].split("@")[0]),
                         (asked, self.mock.lid_of(OTHER).split("@")[0]))
        self.assert_no_flags(self.mock)


class Bodies(Sending):
    def test_what_is_no_request(self):
        good = {"recipient": FRIEND, "message": "x"}
        bodies = [{**good, "message": value} for value in (1, True, {}, ["x"], None, "")]
        bodies += [{**good, "recipient": value} for value in (27820001000, None, [FRIEND], {})]
        bodies += [{**good, "wait_s": value} for value in (-1, 601, "1", 1.5, 1e300, True)]
        bodies += [{**good, "expires_s": value} for value in (-1, 604801, "x", 2 ** 63 - 1)]
        bodies += [{**good, "allow_absent_mentions": value} for value in ("yes", 1)]
        bodies += [{**good, "id": value} for value in (1, "k" * 129, "a\0b", ["a"])]
        bodies += [{**good, "reply_to": 1}, {**good, "message": "NUL \0 inside"},
                   {**good, "media_path": 1},
                   "{\"recipient\":\"%s\",\"message\":\"a\",\"message\":\"b\"}" % FRIEND,
                   "{\"recipient\":\"%s\",\"message\":\"x\"} trailing" % FRIEND,
                   "[" * 5000, "{\"a\":" * 3000, "\ufeff{}", "NaN",
                   json.dumps(good).encode("utf-16"), b"\0", b"recipient=27820001000&message=x"]
        for body in bodies:
            with self.subTest(str(body)[:80]):
                self.assert_error(self.bridge.post(SEND, body), 400, "bad_request")
        self.assert_error(self.bridge.post(SEND, {**good, "message": "y" * 65537}), 413, "too_large")
        self.assert_error(self.bridge.post(SEND, {**good, "pad": "y" * (2 << 20)}), 413, "too_large")
        self.assertEqual(self.texts(), [])
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            with self.subTest(method):
                reply = self.request(method)
                self.assertEqual(reply.status, 405)
                self.assertIn("POST", reply.headers.get("allow", reply.headers.get("Allow", "")))
                self.assertNotIn("access-control-allow-origin", {h.lower() for h in reply.headers})
        self.assertEqual(self.bridge.health()["status"], "ok")

    def request(self, method):
        from harness import http
        return http.request(self.bridge.port, method, SEND)

    def test_the_longest_text_and_empty_fields(self):
        longest = "\u00e4" * 65536
        self.assert_sent(self.bridge.send(FRIEND, longest, media_path="",
                                          mentioned_jid=[], reply_to="", wait_s=None, id=""))
        self.wait_texts(FRIEND, [longest])
        self.assert_no_flags(self.mock)


class OneRequestOneMessage(Sending):
    def test_keys(self):
        body = {"recipient": FRIEND, "message": "once", "id": "order-7"}
        first = self.assert_sent(self.bridge.post(SEND, body))
        second = self.bridge.post(SEND, {**body, "recipient": "+27 82 000 1000", "wait_s": 0})
        self.assertEqual(self.assert_sent(second), first)
        header = {"Idempotency-Key": "order-7"}
        plain = {"recipient": FRIEND, "message": "once"}
        self.assertEqual(self.assert_sent(self.bridge.post(SEND, plain, headers=header)), first)
        self.assertEqual(self.assert_sent(self.bridge.post(SEND, body, headers=header)), first)
        for other in ({**body, "message": "other"}, {**body, "recipient": OTHER},
                      {**body, "mentioned_jid": FRIEND}):
            self.assert_error(self.bridge.post(SEND, other), 409, "key_reused")
        self.assert_error(self.bridge.post(SEND, body, headers={"Idempotency-Key": "order-8"}), 400,
                          "bad_request")
        longest = {**plain, "message": "longest", "id": "\u00e4" * 128}
        self.assert_sent(self.bridge.post(SEND, longest))
        self.assert_error(self.bridge.post(SEND, {**longest, "id": "\u00e4" * 129}), 400,
                          "bad_request")
        self.restart(kill=True).wait_status("ok")
        self.assertEqual(self.assert_sent(self.bridge.post(SEND, body)), first)
        self.assert_error(self.bridge.post(SEND, {**body, "message": "x"}), 409, "key_reused")
        # A refusal of the request itself does not use up the key.
        key = {"id": "order-9", "message": "right at last"}
        self.assert_error(self.bridge.post(SEND, {**key, "recipient": "abc"}), 400, "bad_recipient")
        self.assert_sent(self.bridge.post(SEND, {**key, "recipient": FRIEND}))
        self.wait_texts(FRIEND, ["once", "longest", "right at last"])
        self.assert_no_flags(self.mock)

    def test_same_key_at_the_same_time(self):
        self.mock.trouble(ack_delay=1, ack_delay_ms=300)
        body = {"recipient": FRIEND, "message": "only once", "id": "k"}
        replies = in_parallel([lambda: self.bridge.post(SEND, body)] * 8)
        self.assertEqual(len({self.assert_sent(reply) for reply in replies}), 1)
        self.assertEqual(len({reply.json["timestamp"] for reply in replies}), 1)
        self.wait_texts(FRIEND, ["only once"])

    def test_not_connected(self):
        self.assert_sent(self.bridge.send(FRIEND, "before"))
        self.go_offline()
        self.assert_error(self.bridge.send(FRIEND, "never", wait_s=1), 503, "not_sent")
        expiring = self.bridge.send(FRIEND, "never, it expires", id="e", wait_s=30, expires_s=1)
        self.assert_error(expiring, 503, "expired")
        for fields in ({"id": "later", "wait_s": 1}, {"id": "later", "wait_s": 0}):
            reply = self.bridge.send(FRIEND, "later", **fields)
            self.assertEqual(reply.status, 202, reply)
            self.assertIs(reply.json["success"], True)
            self.assertTrue(reply.json["message_id"])
        keyless = self.bridge.send(FRIEND, "without a key", wait_s=0)
        self.assertEqual(keyless.status, 202, keyless)
        self.assertEqual(self.bridge.rows("SELECT 1 FROM messages WHERE content = 'later'"), [])
        waiting = in_parallel([lambda: self.bridge.send(FRIEND, "waits for it", id="w", wait_s=60),
                               self.come_back])
        self.assert_sent(waiting[0])
        done = self.bridge.send(FRIEND, "later", id="later")
        self.assertEqual(self.assert_sent(done), reply.json["message_id"])
        again = self.bridge.send(FRIEND, "never, it expires", id="e")
        self.assert_error(again, 503, "expired")
        self.assert_sent(self.bridge.send(FRIEND, "after"))
        self.wait_texts(FRIEND, ["before", "later", "without a key", "waits for it", "after"])
        self.assert_no_flags(self.mock)

    def test_queued_over_a_restart(self):
        self.go_offline()
        wanted = [f"queued {number}" for number in range(5)]
        for text in wanted:
            self.assertEqual(self.bridge.send(FRIEND, text, id=text, wait_s=0).status, 202)
        for kill in (True, False):
            self.restart(name=f"again-{kill}", kill=kill).wait_api()
        self.come_back()
        self.wait_texts(FRIEND, wanted)
        self.bridge.wait_rows("SELECT id FROM messages WHERE is_from_me = 1", count=5)
        self.assert_no_flags(self.mock)

    def silence(self, *phones):
        """These people's phones confirm nothing."""
        for phone in phones:
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})

    def test_stopped_while_a_caller_waits(self):
        """Without a key it is over with the connection to the caller; with one it goes out later."""
        for kill in (False, True):
            with self.subTest(kill=kill):
                self.go_offline()
                waiting = [threading.Thread(target=self.swallow, args=(f"never {kill}", {})),
                           threading.Thread(target=self.swallow, args=(f"later {kill}", {"id": str(kill)}))]
                for thread in waiting:
                    thread.start()
                self.bridge.poll(lambda: len(self.bridge.rows(
                    "SELECT 1 FROM bridge_outbox WHERE state = 0", name="whatsapp.db")) == 2, 10,
                    "both are in the outbox")
                self.restart(name=f"again-{kill}", kill=kill).wait_api()
                for thread in waiting:
                    thread.join(10)
                self.come_back()
                self.assert_sent(self.bridge.send(FRIEND, f"later {kill}", id=str(kill)))
                self.assert_sent(self.bridge.send(FRIEND, f"after {kill}"))
        self.assertEqual(self.texts(), ["later False", "after False", "later True", "after True"])
        self.assert_no_flags(self.mock)

    def swallow(self, text, fields):
        try:
            self.bridge.send(FRIEND, text, **fields)
        except (ConnectionError, http.client.HTTPException):
            pass  # the bridge went away, as it should

    def test_ack_is_lost_and_a_receipt_comes(self):
        """Who has received it proves that the server has it."""
        for number, to in enumerate((FRIEND, self.group)):
            with self.subTest(to):
                self.mock.trouble(ack_drop=1)
                message_id = self.assert_sent(self.bridge.send(to, f"delivered {number}", wait_s=20))
                row = self.bridge.rows(SENT_ROW, f"delivered {number}")
                self.assertEqual([r["id"] for r in row], [message_id])
        self.mock.drop(PHONE)
        self.bridge.poll(lambda: self.mock.logins(PHONE) >= 2, 20, "it logs in again")
        self.bridge.wait_status("ok")
        self.assert_sent(self.bridge.send(FRIEND, "after"))
        self.wait_texts(FRIEND, ["delivered 0", "delivered 1", "after"])
        self.assertEqual(self.bridge.rows(
            "SELECT state FROM bridge_outbox WHERE acked_at = 0", name="whatsapp.db"), [])
        self.assert_no_flags(self.mock)

    def test_ack_is_lost(self):
        self.assert_sent(self.bridge.send(FRIEND, "before"))
        self.silence(FRIEND)
        self.mock.trouble(ack_drop=2)
        reply = self.bridge.send(FRIEND, "unknown", wait_s=1)
        self.assert_error(reply, 504, "outcome_unknown")
        keyed = self.bridge.send(FRIEND, "keyed", id="k", wait_s=1)
        self.assertEqual(keyed.status, 202, keyed)
        self.assertEqual(self.bridge.rows(SENT_ROW, "unknown"), [], "stored before the ack")
        self.mock.drop(PHONE)
        for text, message_id in (("unknown", reply.json["message_id"]),
                                 ("keyed", keyed.json["message_id"])):
            row = self.bridge.wait_rows(SENT_ROW, text)
            self.assertEqual([r["id"] for r in row], [message_id])
        self.assertEqual(self.assert_sent(self.bridge.send(FRIEND, "keyed", id="k")),
                         keyed.json["message_id"])
        self.assert_sent(self.bridge.send(FRIEND, "after"))
        self.wait_texts(FRIEND, ["before", "unknown", "keyed", "after"])
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={FRIEND}")["failures"], [])
        self.assert_no_flags(self.mock)

    def test_ack_is_lost_and_the_bridge_is_killed(self):
        self.silence(FRIEND, OTHER)
        self.mock.trouble(ack_drop=1)
        reply = self.bridge.send(self.group, "unknown", wait_s=1)
        self.assert_error(reply, 504, "outcome_unknown")
        self.restart(kill=True).wait_status("ok")
        row = self.bridge.wait_rows(SENT_ROW, "unknown")
        self.assertEqual([r["id"] for r in row], [reply.json["message_id"]])
        self.wait_texts(FRIEND, ["unknown"])
        self.assert_no_flags(self.mock)

    def test_refused_by_the_server(self):
        self.assert_sent(self.bridge.send(FRIEND, "they know us"))
        for code in (463, 479, 400, 429, 500):
            with self.subTest(code):
                # 400 may mean the address: the message is sent by the other one, once
                self.mock.trouble(ack_error=code, ack_error_times=2 if code == 400 else 1)
                reply = self.bridge.send(FRIEND, f"refused {code}", id=f"r{code}")
                self.assert_error(reply, 502, "refused", server_code=code)
                again = self.bridge.send(FRIEND, f"refused {code}", id=f"r{code}")
                self.assert_error(again, 502, "refused", server_code=code)
                self.assert_sent(self.bridge.send(FRIEND, f"after {code}"))
        self.assertEqual(self.bridge.rows(
            "SELECT 1 FROM messages WHERE content LIKE 'refused%'"), [])
        self.assertEqual(self.texts(), ["they know us", *(f"after {code}"
                                                          for code in (463, 479, 400, 429, 500))])

    def test_many_at_once(self):
        """One chat keeps its order; other chats do not wait for it."""
        numbers = range(25)

        def mine():
            return [self.bridge.send(OTHER, f"in order {n}", wait_s=0).status for n in numbers]
        jobs = [mine] + [lambda n=n: self.bridge.send(FRIEND if n % 2 else self.group, f"any {n}")
                         for n in range(24)]
        ordered, *others = in_parallel(jobs)
        self.assertEqual(ordered, [202] * len(numbers))
        for reply in others:
            self.assert_sent(reply)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content LIKE 'in order%'", count=25)
        texts = self.texts(OTHER)
        self.assertEqual([t for t in texts if t.startswith("in order")],
                         [f"in order {n}" for n in numbers])
        self.assertEqual(len(texts), len(set(texts)))
        self.assertEqual(sorted(self.texts(FRIEND)), sorted(f"any {n}" for n in range(24)))
        self.assert_no_flags(self.mock)


class ManyChats(Sending):
    contacts = 30
    settings = ("--first-contact-interval", "0")

    def test_many_new_chats_at_once(self):
        people = [str(27820001000 + number) for number in range(30)]
        replies = in_parallel([lambda p=p: self.bridge.send(p, f"to {p}") for p in people])
        for reply in replies:
            self.assert_sent(reply)
        for person in people:
            self.wait_texts(person, [f"to {person}"])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
