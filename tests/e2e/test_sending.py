"""What people read of what the bridge was asked to send, and what its callers are told, when the
server and the connection make trouble."""

import threading
import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class Sending(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.bridge.poll(lambda: self.bridge.get("/api/groups").json["groups"], 20, "groups")

    def read(self, text):
        """How often the friend's phone shows it, once it does."""
        def ask():
            shown = [m for m in self.mock.contact_messages(FRIEND) if m.get("text") == text]
            return len(shown) or None
        return self.bridge.poll(ask, 30, f"'{text}' is read")

    def outbox(self, message_id):
        rows = self.bridge.rows("SELECT state FROM bridge_outbox WHERE message_id = ?", message_id,
                                name="whatsapp.db")
        return rows[0]["state"]

    def wait_sent(self, message_id):
        self.bridge.poll(lambda: self.outbox(message_id) in (2, 3, 4), 30, "the ack")

    def test_private_and_group(self):
        for number in range(3):
            for to in (FRIEND, self.group):
                text = f"{to} {number}"
                reply = self.bridge.send(to, text)
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(self.read(text), 1)
                row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?",
                                            reply.json["message_id"])[0]
                self.assertEqual((row["content"], row["is_from_me"], row["sender"]),
                                 (text, 1, PHONE))
        self.assert_no_flags(self.mock)

    def test_missing_ack(self):
        """Delivered, but not confirmed: unknown to the caller, repeated under the same id."""
        for phone in (FRIEND, OTHER):  # a receipt of theirs would say enough
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        for to in (FRIEND, self.group):
            with self.subTest(to):
                self.mock.trouble(ack_drop=1)
                reply = self.bridge.send(to, f"unsure {to}", wait_s=2)
                self.assertEqual((reply.status, reply.json["error"]), (504, "outcome_unknown"))
                self.mock.drop(PHONE)
                self.wait_sent(reply.json["message_id"])
                self.assertEqual(self.read(f"unsure {to}"), 1)
        self.assert_no_flags(self.mock)

    def test_lost_message(self):
        """The server never had it: the same bytes go out after the reconnect."""
        for to in (FRIEND, self.group):
            with self.subTest(to):
                self.mock.trouble(refuse_drop=1)
                reply = self.bridge.send(to, f"lost {to}", id=f"key {to}", wait_s=2)
                self.assertEqual(reply.status, 202, reply)
                self.mock.drop(PHONE)
                self.assertEqual(self.read(f"lost {to}"), 1)
                again = self.bridge.send(to, f"lost {to}", id=f"key {to}")
                self.assertEqual((again.status, again.json["message_id"]),
                                 (200, reply.json["message_id"]))
                self.assertEqual(self.read(f"lost {to}"), 1)
        self.assert_no_flags(self.mock)

    def test_killed_before_the_ack(self):
        self.mock.trouble(refuse_drop=1)
        reply = self.bridge.send(FRIEND, "survives", id="survivor", wait_s=1)
        self.assertEqual(reply.status, 202, reply)
        self.bridge.kill()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.assertEqual(self.read("survives"), 1)
        self.wait_sent(reply.json["message_id"])
        self.assert_no_flags(self.mock)

    def test_refusals(self):
        self.assertEqual(self.bridge.send(FRIEND, "they know us").status, 200)
        for code in (463, 479, 400, 500):
            with self.subTest(code):
                # 400 may mean the address: the message is sent by the other one, once
                self.mock.trouble(ack_error=code, ack_error_times=2 if code == 400 else 1)
                reply = self.bridge.send(FRIEND, f"refused {code}")
                self.assertEqual((reply.status, reply.json["error"], reply.json["server_code"]),
                                 (502, "refused", code))
                self.assertEqual(self.bridge.send(FRIEND, f"after {code}").status, 200)
                self.assertEqual(self.read(f"after {code}"), 1)
        self.assertEqual(self.bridge.rows("SELECT * FROM messages WHERE content LIKE 'refused%'"),
                         [])

    def test_wrong_hash(self):
        """The server knows of other devices: members and devices are asked for, keys given anew."""
        self.bridge.send(self.group, "first")
        self.mock.trouble(ack_phash=1)
        self.assertEqual(self.bridge.send(self.group, "with a wrong hash").status, 200)
        self.assertEqual(self.bridge.send(self.group, "next").status, 200)
        for text in ("first", "with a wrong hash", "next"):
            self.assertEqual(self.read(text), 1)
        self.assert_no_flags(self.mock)

    def test_a_group_is_written_to_when_what_was_missed_is_read(self):
        """Who was removed meanwhile has our sender key, who was added lacks it: the notice of that
        stands behind everything else that waits."""
        for action, people in (("remove", [FRIEND, OTHER]), ("add", [FRIEND])):
            with self.subTest(action):
                group = self.mock.admin("POST", "/groups", {
                    "subject": action, "mode": "lid", "members": [*people, PHONE]})["jid"]
                self.assertEqual(self.bridge.send(group, f"before {action}").status, 200)
                self.go_offline()
                for number in range(200):
                    self.mock.contact_send(FRIEND, PHONE, f"{action} {number}")
                self.mock.admin("POST", "/group/member",
                                {"group": group, "phone": OTHER, "action": action})
                sent = [self.bridge.send(group, f"{action} sent {number}", wait_s=0).json["message_id"]
                        for number in range(3)]
                self.come_back()
                for message_id in sent:
                    self.wait_sent(message_id)
                texts = [m.get("text") for m in self.mock.contact_messages(OTHER)
                         if str(m.get("text")).startswith(f"{action} sent")]
                self.assertEqual(len(texts), 3 if action == "add" else 0, texts)
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={OTHER}")["failures"], [])
        self.assertEqual(self.mock.admin("GET", "/flags?notes=1")["flags"], [])

    def test_many_callers_at_once(self):
        answers = {}

        def send(number):
            to = FRIEND if number % 2 else self.group
            answers[number] = self.bridge.send(to, f"crowd {number}", id=f"crowd-{number // 2}-{to}")

        threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({reply.status for reply in answers.values()}, {200})
        self.assertEqual(len({reply.json["message_id"] for reply in answers.values()}), 16)
        for number in range(16):
            self.assertEqual(self.read(f"crowd {number}"), 1)
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
