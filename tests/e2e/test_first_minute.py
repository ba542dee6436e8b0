"""What the log says in the first minute is what a newcomer understands: pairing is no error."""

import re
import unittest

from harness.case import Case

PHONE, FRIEND, STRANGER = "27820000001", "27820001000", "27820008888"


class FirstMinute(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def line(self, *words):
        return self.bridge.poll(lambda: next((x for x in self.bridge.lines if all(w in x for w in words)), None), 10,
                                words)

    def test_linking_is_told_as_what_it_is(self):
        self.bridge.wait_status("ok")
        self.assertIn(" INFO ", self.line("conn: WhatsApp asks for a new connection after linking (515)"))
        self.assertRegex(self.line(" INFO ", "prekeys: uploading "), r"uploading \d+ one-time keys$")
        self.assertEqual([x for x in self.bridge.lines if re.search(r"stream error|prekeys: (uploaded|\d+ on the server)", x)],
                         [])
        self.mock.stream_error(PHONE, code=515)
        self.line("conn: WhatsApp asks for a new connection (515)")

    def test_one_character_is_one(self):
        self.assertEqual(self.bridge.send(FRIEND, "✓").status, 200)
        self.line("message: sent text (1 character) to 2782…1000")
        self.mock.contact_send(FRIEND, PHONE, "x")
        self.line("message: stored text (1 character) from 2782…1000")

    def test_what_was_not_sent_says_to_whom_and_why(self):
        group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.bridge.wait_status("ok")
        reply = self.bridge.send(group, "hello", mentioned_jid=STRANGER, id="K")
        self.assertEqual((reply.status, reply.json["error"]), (422, "absent_mention"), reply)
        said = self.line("send: ", " was not sent: ")
        self.assertIn(" INFO ", said)
        self.assertIn(f" to {group} was not sent: absent_mention: not in this chat: 2782…8888", said)
        self.assertIn("Set allow_absent_mentions to send all the same", said)
        self.assertNotIn(STRANGER, said)


if __name__ == "__main__":
    unittest.main()
