"""The log has one line for each message that is stored and each that is sent; its text only where asked for."""

import json
import re
import unittest

from harness.case import Case

PHONE, FRIEND = "27820000001", "27820001000"
SECRET, ANSWER = "meet me at nine ✓", "I come at nine"


class MessageLogTest(Case):
    def talk(self, *args):
        self.mock = self.start_mock("--contacts", "1", "--groups", "1")
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]
        self.bridge = self.start_bridge(self.mock, PHONE, *args)
        self.bridge.pair_by_qr()
        for to in (PHONE, self.group):
            self.mock.contact_send(FRIEND, to, SECRET)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", SECRET, count=2)
        self.assertEqual(self.bridge.send(FRIEND, ANSWER).status, 200)
        self.bridge.poll(lambda: len(self.told()) == 3, 10, "three lines")
        return self.told()

    def told(self):
        """The lines of messages that were stored or sent, in either format."""
        return [line for line in self.bridge.lines
                if re.search(r"message(: |\",\"msg\":\")(stored|sent) ", line)]

    def test_each_message_has_a_line_without_its_text(self):
        lines = self.talk()
        for line in lines:
            self.assertIn(" INFO ", line)
        said = [line.split("message: ")[1].split(", id ")[0] for line in lines]
        self.assertEqual(sorted(said), sorted((
            "stored text (17 characters) from 2782…1000",
            f"stored text (17 characters) from 2782…1000 in {self.group}",
            "sent text (14 characters) to 2782…1000")))
        everything = "\n".join(self.bridge.lines)
        for text in (SECRET, ANSWER, FRIEND):
            self.assertNotIn(text, everything)

    def test_with_log_messages_it_has_the_text(self):
        lines = self.talk("--log-messages", "--log-format", "json")
        said = [json.loads(line) for line in lines]
        self.assertEqual([line["level"] for line in said], 3 * ["INFO"])
        self.assertEqual(sorted(line["msg"].rsplit(": ", 1)[1] for line in said),
                         sorted((SECRET, SECRET, ANSWER)))

    def test_what_needs_somebody_is_loud_and_the_rest_is_not(self):
        """replaced and lost connections warn and say what to do; a ban is an error; states are for debugging."""
        mock = self.start_mock("--contacts", "1")
        program = self.start_bridge(mock, PHONE)
        program.pair_by_qr()

        def level_of(words):
            return program.poll(lambda: next((line.split()[1] for line in program.lines
                                              if all(word in line for word in words)), None), 10, words)
        mock.drop(PHONE)
        self.assertEqual(level_of(("conn: closed; next attempt", "opened again by itself")), "WARN")
        program.wait_status("ok")
        mock.stream_error(PHONE, conflict="replaced")
        self.assertEqual(level_of(("conn: replaced; next attempt", "stop it", "POST /api/reconnect")), "WARN")
        mock.fail_logins(PHONE, 402, times=1, code=104, expire=3600)
        program.post("/api/reconnect")
        self.assertEqual(level_of(("conn: banned; next attempt", "same message to too many people")), "ERROR")
        self.assertFalse([line for line in program.lines if "conn: WAIT_" in line and " -> " in line])


if __name__ == "__main__":
    unittest.main()
