"""Groups that call their members by another identity than they did, and tell nobody: the server refuses
what is in the old form with 421."""

import re
import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class GroupAddressing(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def group(self, mode):
        """A group of that addressing that the bridge knows and has written to."""
        group = self.mock.admin("POST", "/groups", {
            "subject": mode, "mode": mode, "members": [FRIEND, OTHER, PHONE]})["jid"]
        self.bridge.poll(lambda: self.mode_known(group) == mode, 20, f"{group} is known")
        self.assertEqual(self.bridge.send(group, f"first by {mode}").status, 200)
        return group

    def mode_known(self, group):
        found = [g for g in self.bridge.get("/api/groups").json["groups"] if g["jid"] == group]
        return found and found[0]["addressing_mode"]

    def set_mode(self, group, mode):
        self.mock.admin("POST", "/group/set", {"group": group, "mode": mode})

    def shown(self, text, phone=FRIEND):
        """Whatever that person's phone shows with this text, once it does."""
        def ask():
            return [m for m in self.mock.contact_messages(phone) if text in str(m.get("text"))]
        return self.bridge.poll(ask, 30, f"'{text}' is read")

    def sent(self, message_id, start=0):
        """The addressing_mode of each stanza with which the bridge sent that message."""
        found = []
        for line in self.mock.trace(start):
            if line["dir"] == "in" and line["xml"].startswith("<message ") \
                    and f'id="{message_id}"' in line["xml"]:
                mode = re.search(r'addressing_mode="(\w+)"', line["xml"].split(">")[0])
                found.append(mode.group(1) if mode else "pn")
        return found

    def refusals(self, start=0):
        return sum(1 for line in self.mock.trace(start)
                   if line["xml"].startswith("<ack ") and 'error="421"' in line["xml"])

    def queries(self, group, start=0):
        return sum(1 for line in self.mock.trace(start)
                   if line["dir"] == "in" and "w:g2" in line["xml"] and group in line["xml"])

    def test_a_message_in_the_old_form_goes_out_in_the_new_one_once(self):
        for before, after in (("lid", "pn"), ("pn", "lid")):
            with self.subTest(f"{before} to {after}"):
                group = self.group(before)
                start = self.mock.traced_bytes()
                self.set_mode(group, after)
                reply = self.bridge.send(group, f"new by {after} @{FRIEND}",
                                         mentioned_jid=f"{FRIEND}@s.whatsapp.net")
                self.assertEqual((reply.status, reply.json.get("error")), (200, None), reply)
                message_id = reply.json["message_id"]
                self.assertEqual(self.sent(message_id, start), [before, after])
                shown = self.shown(f"new by {after}", OTHER)
                self.assertEqual([m["id"] for m in shown], [message_id])
                # Whom it mentions is named as the group names people now.
                user = FRIEND if after == "pn" else self.mock.lid_of(FRIEND).split("@")[0]
                self.assertIn(f"@{user}", shown[0]["text"])
                self.assertEqual(self.bridge.send(group, f"next by {after}").status, 200)
                self.assertEqual(len(self.shown(f"next by {after}", OTHER)), 1)
                self.assertEqual((self.refusals(start), self.queries(group, start)), (1, 1))
                self.assertEqual(self.mode_known(group), after)
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={OTHER}")["failures"], [])
        self.assertEqual(self.mock.admin("GET", "/flags?notes=1")["flags"], [])

    def test_a_queue_of_messages_keeps_its_order(self):
        group = self.group("lid")
        self.go_offline()
        self.set_mode(group, "pn")
        sent = [self.bridge.send(group, f"queued {n:02}", wait_s=0).json["message_id"]
                for n in range(12)]
        self.come_back()
        self.bridge.poll(lambda: len(self.texts("queued")) >= 12, 60, "what waited is read")
        # Several are on their way when the first of them is refused. One change at a time: a message
        # is sent again once.
        self.set_mode(group, "lid")
        sent += [self.bridge.send(group, f"queued {n:02}", wait_s=0).json["message_id"]
                 for n in range(12, 24)]
        self.bridge.poll(lambda: len(self.texts("queued")) >= 24, 60, "all are read")
        self.assertEqual(self.texts("queued"), [f"queued {n:02}" for n in range(24)])
        rows = self.bridge.wait_rows("SELECT state FROM bridge_outbox WHERE state IN (2, 3, 4)",
                                     count=25, name="whatsapp.db")
        self.assertEqual(len(rows), 25)
        self.assertTrue(all(self.bridge.get(f"/api/outbox/{i}").json["state"] != "failed" for i in sent))
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={OTHER}")["failures"], [])
        self.assert_no_flags(self.mock)

    def texts(self, word):
        return [text for text in self.mock.short_texts(OTHER) if word in text]

    def test_what_was_sealed_before_a_restart_goes_out_in_the_new_form(self):
        group = self.group("lid")
        self.mock.trouble(refuse_drop=3)
        sent = [self.bridge.send(group, f"old {n}", id=f"key {n}", wait_s=0).json["message_id"]
                for n in range(3)]
        self.bridge.poll(lambda: all(self.sent(i) for i in sent), 20, "all were sent, in vain")
        self.bridge.kill()
        self.set_mode(group, "pn")
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.bridge.poll(lambda: len(self.texts("old")) == 3, 30, "all are read")
        self.assertEqual(self.texts("old"), ["old 0", "old 1", "old 2"])
        for number, message_id in enumerate(sent):
            self.assertEqual(self.sent(message_id), ["lid", "lid", "pn"])
            again = self.bridge.send(group, f"old {number}", id=f"key {number}")
            self.assertEqual((again.status, again.json["message_id"]), (200, message_id))
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={OTHER}")["failures"], [])
        self.assert_no_flags(self.mock)

    def test_a_second_refusal_is_a_failure_that_says_what_happened(self):
        group = self.group("lid")
        start = self.mock.traced_bytes()
        self.mock.trouble(ack_error=421, ack_error_times=2)
        reply = self.bridge.send(group, "refused twice", id="twice")
        self.assertEqual((reply.status, reply.json["error"], reply.json["server_code"]),
                         (502, "refused", 421))
        self.assertIn("addressing", reply.json["message"])
        self.assertEqual(self.refusals(start), 2)
        again = self.bridge.send(group, "refused twice", id="twice")
        self.assertEqual((again.status, again.json["server_code"]), (502, 421))
        self.assertEqual(self.refusals(start), 2)
        self.assertEqual(self.bridge.send(group, "after it").status, 200)
        self.assertEqual(len(self.shown("after it", OTHER)), 1)
        self.assert_no_flags(self.mock)

    def test_a_message_that_shows_the_new_form_is_believed(self):
        for before, after in (("lid", "pn"), ("pn", "lid")):
            with self.subTest(f"{before} to {after}"):
                group = self.group(before)
                start = self.mock.traced_bytes()
                self.set_mode(group, after)
                told = self.mock.contact_send(FRIEND, group, f"by {after} now")["id"]
                self.bridge.wait_rows("SELECT id FROM messages WHERE id = ?", told)
                reply = self.bridge.send(group, f"answer by {after}")
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(self.sent(reply.json["message_id"], start), [after])
                self.assertEqual(len(self.shown(f"answer by {after}", OTHER)), 1)
                self.assertEqual((self.refusals(start), self.queries(group, start)), (0, 1))
        self.assertEqual(self.mock.admin("GET", f"/contact/failures?phone={OTHER}")["failures"], [])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
