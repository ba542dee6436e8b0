"""Bare digits of a LID, as the Go bridge stored them in `sender`, mean the person whose LID it is."""

import unittest

from harness.case import Case

PHONE, ANNA, BERT, STRANGER = "27820000001", "27820001000", "27820001001", "27820001002"


def pn(phone):
    return phone + "@s.whatsapp.net"


def user(jid):
    return jid.split("@")[0].split(":")[0]


class LidDigits(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "3")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def got(self, phone, end):
        def look():
            return [m for m in self.mock.contact_messages(phone) if m["text"].endswith(end)]
        found = self.bridge.poll(look, 20, f"{phone} gets …{end}")
        self.assertEqual(len(found), 1)
        return found[0]

    def test_a_member_is_mentioned(self):
        digits = user(self.mock.lid_of(ANNA))
        for mode in ("lid", "pn"):
            with self.subTest(mode):
                group = self.mock.admin("POST", "/groups", {
                    "subject": f"addressed by {mode}", "mode": mode, "members": [PHONE, ANNA, BERT],
                    "creator": ANNA})["jid"]
                self.bridge.poll(lambda: any(g["jid"] == group for g in
                                             self.bridge.get("/api/groups").json["groups"]), 20, group)
                wire = self.mock.lid_of(ANNA) if mode == "lid" else pn(ANNA)
                reply = self.bridge.send(group, f"see {mode}", mentioned_jid=digits)
                self.assertEqual(reply.status, 200, reply)
                got = self.got(BERT, f"see {mode}")
                self.assertEqual((got["mentions"], got["text"]), ([wire], f"@{user(wire)} see {mode}"))
                reply = self.bridge.post("/send-message", {"group_jid": group, "recipient_jid": digits,
                                                           "message": f"is complete {mode}"})
                self.assertEqual(reply.status, 200, reply)
                got = self.got(BERT, f"is complete {mode}")
                self.assertEqual((got["mentions"], got["text"]),
                                 ([wire], f"@{user(wire)} is complete {mode}"))
                # Of somebody who is not there: as before.
                reply = self.bridge.send(group, "x", mentioned_jid=user(self.mock.lid_of(STRANGER)))
                self.assertEqual((reply.status, reply.json["error"]), (422, "absent_mention"))
        self.assert_no_flags(self.mock)

    def test_a_person_is_written_to(self):
        self.mock.contact_send(ANNA, PHONE, "hello")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'hello'")
        reply = self.bridge.send(user(self.mock.lid_of(ANNA)), "hello to you")
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(self.got(ANNA, "hello to you")["id"], reply.json["message_id"])
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", reply.json["message_id"])[0]
        self.assertEqual(row["chat_jid"], pn(ANNA))
        # Numbers go first, and digits that are nobody's stay an error.
        self.assertEqual(self.bridge.send(BERT, "a number").status, 200)
        self.got(BERT, "a number")
        self.assertEqual(self.bridge.send("27829999999", "nobody").json["error"], "not_on_whatsapp")
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
