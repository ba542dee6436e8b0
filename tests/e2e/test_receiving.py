"""Messages of scripted people, as they stand in messages.db: whatever goes wrong on the way, each
one is there exactly once."""

import unittest

from harness.case import Case

PHONE = "27820000001"
ALL = "SELECT content FROM messages WHERE chat_jid = ? ORDER BY change_seq"
ONE = "SELECT * FROM messages WHERE content = ?"


def pn(phone):
    return phone + "@s.whatsapp.net"


class Receiving(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.friend = "27820001000"
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def arrives(self, text):
        row = self.bridge.wait_rows(ONE, text)
        self.assertEqual(len(row), 1, text)
        self.assertEqual((row[0]["sender"], row[0]["state"]), (self.friend, ""))
        return row[0]

    def chats(self):
        return ((PHONE, pn(self.friend)), (self.group, self.group))

    def test_private_and_group(self):
        for to, chat in self.chats():
            for number in range(3):
                self.mock.contact_send(self.friend, to, f"{chat} {number}")
                self.assertEqual(self.arrives(f"{chat} {number}")["chat_jid"], chat)
        self.assert_no_flags(self.mock)

    def test_newest_message_is_known_after_a_restart(self):
        self.mock.contact_send(self.friend, PHONE, "before the restart")
        stamp = self.arrives("before the restart")["timestamp"]
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.assertEqual(self.bridge.wait_status("ok")["last_message_at"], stamp)

    def test_unreadable_at_first(self):
        for to, chat in self.chats():
            with self.subTest(chat):
                self.mock.contact_send(self.friend, to, f"{chat} before")
                self.arrives(f"{chat} before")
                self.mock.admin("POST", "/contact/script", {"phone": self.friend, "corrupt": 1})
                self.mock.contact_send(self.friend, to, f"{chat} damaged on the way")
                self.arrives(f"{chat} damaged on the way")
                self.mock.contact_send(self.friend, to, f"{chat} after")
                self.arrives(f"{chat} after")
        self.assert_no_flags(self.mock)

    def test_new_phone(self):
        self.mock.contact_send(self.friend, PHONE, "old phone")
        self.arrives("old phone")
        self.mock.admin("POST", "/contact/reinstall", {"phone": self.friend})
        for to, chat in self.chats():
            self.mock.contact_send(self.friend, to, f"new phone, {chat}")
            self.arrives(f"new phone, {chat}")
        self.assert_no_flags(self.mock)

    def test_trouble_on_the_wire(self):
        for trouble in ({"chop_bytes": 7}, {"duplicate_stanzas": 2}, {"reorder_stanzas": 1}):
            with self.subTest(str(trouble)):
                self.mock.trouble(**trouble)
                name = next(iter(trouble))
                for number in range(4):
                    for to, chat in self.chats():
                        self.mock.contact_send(self.friend, to, f"{name} {number} {chat}")
                for number in range(4):
                    for _, chat in self.chats():
                        self.arrives(f"{name} {number} {chat}")
                self.mock.trouble(**{name: 0})

    def wait_all(self, name, count):
        for to, chat in self.chats():
            wanted = {f"{name} {to} {number}" for number in range(count)}

            def there(chat=chat, wanted=wanted):
                got = [row["content"] for row in self.bridge.rows(ALL, chat)]
                mine = [text for text in got if text.startswith(name + " ")]
                self.assertEqual(len(mine), len(set(mine)), "stored twice")
                return len(set(mine) & wanted)
            self.bridge.wait_growing(there, count, f"{name} in {chat}")

    def blast(self, name, count):
        for to, _ in self.chats():
            self.mock.admin("POST", "/contact/blast", {
                "from": self.friend, "to": to, "count": count, "text": f"{name} {to}"})

    def test_killed_in_the_middle(self):
        """kill -9 while messages stream in, three times: none is lost, none is doubled."""
        for turn in range(3):
            self.blast(f"turn {turn}", 150)
            self.bridge.kill()
            self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store,
                                            name=f"{self.bridge.name}+")
            self.bridge.wait_status("ok")
            self.wait_all(f"turn {turn}", 150)
        self.assertEqual(
            self.bridge.rows("SELECT count(*) AS n FROM messages WHERE state = 'waiting'")[0]["n"], 0)


if __name__ == "__main__":
    unittest.main()
