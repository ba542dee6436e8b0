"""Messages of a kind that nobody expects: each leaves a row that a person can read, or a placeholder."""

import hashlib
import unittest

from harness.case import Case

PHONE = "27820000001"
ONE, TWO, THREE, FOUR = (f"2782000100{n}" for n in range(4))
ALL = "SELECT * FROM messages ORDER BY change_seq"


def field(number, value):
    """A protobuf field of bytes, or of text."""
    value = value.encode() if isinstance(value, str) else value
    size, length = len(value), b""
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    key = number << 3 | 2
    tag = bytes([key]) if key < 0x80 else bytes([key & 0x7F | 0x80, key >> 7])
    return tag + length + bytes([size]) + value


class Odd(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "4", "--groups", "1")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("GET", "/groups")["groups"][0]["jid"]

    def raw(self, message, to=PHONE, sender=ONE, **fields):
        return self.mock.admin("POST", "/contact/send", {
            "from": sender, "to": to, "message_hex": message.hex(), **fields})["id"]

    def row(self, message_id, where=""):
        return self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?" + where, message_id)[0]

    def still_there(self, text="and after it"):
        self.mock.contact_send(ONE, PHONE, text)
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", text)
        self.assertEqual(self.mock.logins(PHONE), 1, "the connection stayed up")

    def nacks(self):
        return self.mock.traced('error="500"') + self.mock.traced('error="487"')


class SameId(Odd):
    def contents(self):
        rows = self.bridge.rows("SELECT sender, content FROM messages WHERE chat_jid = ?", self.group)
        return sorted((row["sender"], row["content"]) for row in rows)

    def test_any_number_of_people_may_use_one_id(self):
        """Also when somebody takes the id under which the next one's row would be kept beside it."""
        self.mock.contact_send(ONE, self.group, "of one", id="SAME")
        for taken in (THREE, FOUR, self.mock.lid_of(THREE).split("@")[0]):
            self.mock.contact_send(TWO, self.group, f"takes {taken}", id=f"SAME~{taken}")
        self.mock.contact_send(TWO, self.group, "of two", id="SAME")
        for sender, text in ((THREE, "of three"), (FOUR, "of four")):
            self.mock.contact_send(sender, self.group, text, id="SAME")
        wanted = sorted([(ONE, "of one"), (TWO, "of two"), (THREE, "of three"), (FOUR, "of four")] +
                        [(TWO, f"takes {t}") for t in (THREE, FOUR,
                                                       self.mock.lid_of(THREE).split("@")[0])])
        self.bridge.poll(lambda: len(self.contents()) >= len(wanted), 30, "a row for each")
        self.assertEqual(self.contents(), wanted)
        # Delivered again after the acks were lost, or sent again by the same people: no new row.
        self.mock.trouble(duplicate_stanzas=2)
        for sender in (THREE, FOUR):
            self.mock.contact_send(sender, self.group, "again", id="SAME")
        self.still_there()
        self.assertEqual(self.contents(), wanted)
        originals = self.bridge.rows("SELECT id FROM messages WHERE original_id = 'SAME'")
        self.assertEqual(len(originals), 3)
        self.assertEqual(self.nacks(), 0)
        self.assert_no_flags(self.mock)

    def test_unreadable_ones_as_well(self):
        """A placeholder for each, which the readable copy fills."""
        self.mock.contact_send(ONE, self.group, "of one", id="SAME")
        self.mock.contact_send(TWO, self.group, "takes it", id=f"SAME~{THREE}")
        self.bridge.poll(lambda: len(self.contents()) == 2, 30, "both")
        self.mock.admin("POST", "/contact/script", {"phone": THREE, "corrupt": 1})
        self.mock.contact_send(THREE, self.group, "of three", id="SAME")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'of three'")
        self.assertEqual(self.contents(), sorted([(ONE, "of one"), (TWO, "takes it"),
                                                  (THREE, "of three")]))
        self.assert_no_flags(self.mock)


class Contents(Odd):
    def test_bytes_that_are_no_text(self):
        big = b"\xff" * 3_500_000
        cases = {
            "3.5 MB of them": (field(1, big), lambda t: t.startswith("\ufffd" * 1000)
                               and t.endswith("[cut]") and len(t.encode()) <= 4 << 20),
            "in a text": (field(1, b"caf\xe9 \x00 end"), lambda t: t == "caf\ufffd \ufffd end"),
            "in a longer one": (field(6, field(1, b"a\xc3(b")), lambda t: t == "a\ufffd(b"),
            "in a caption": (field(3, field(3, b"hi\xff") + field(2, "image/jpeg")),
                             lambda t: t == "hi\ufffd"),
            "in a file's name": (field(7, field(8, b"\xfe\xff\x00.pdf")), lambda t: "document" in t),
            "in mentions": (field(6, field(1, "hello") + field(17, field(15, b"\xff\xff") * 3000 +
                                                               field(15, "x" * 100_000))),
                            lambda t: t == "hello"),
            "in a name of a contact": (field(4, field(1, b"\x80\x81")), lambda t: "\ufffd" in t),
        }
        for name, (message, right) in cases.items():
            with self.subTest(name):
                row = self.row(self.raw(message))
                self.assertEqual(row["state"], "")
                text = row["content"] or row["summary"]
                self.assertTrue(right(text), text[:100])
        self.still_there()
        self.assertEqual(self.nacks(), 0)

    def test_what_is_no_message_or_an_empty_one(self):
        cases = {
            "empty": (b"", "unknown", "[empty message]"),
            "cut off": (field(1, "hello")[:-1], "unreadable", "[unreadable message]"),
            "no protobuf": (b"\xff" * 50, "unreadable", "[unreadable message]"),
            "too deep": (b"", "unreadable", "[unreadable message]"),
            "of a kind that is not known": (field(1999, "x"), "unknown", "[unknown message] 1999"),
            "reaction to nothing": (field(46, field(2, "!")), "reaction", None),
        }
        deep = field(1, "inside")
        for _ in range(30):
            deep = field(40, field(1, deep))
        cases["too deep"] = (deep, *cases["too deep"][1:])
        for name, (message, kind, text) in cases.items():
            for to in (PHONE, self.group):
                with self.subTest(name, to=to):
                    row = self.row(self.raw(message, to))
                    self.assertEqual((row["kind"], row["state"]), (kind, ""))
                    if text:
                        self.assertEqual((row["content"], row["summary"]), ("", text))
        self.still_there()
        self.assertEqual(self.mock.traced('error="500"'), 0)

    def test_too_large(self):
        """Above what is decrypted at all: a placeholder."""
        message_id = self.raw(field(1, "x" * (4 << 20) ) [: (4 << 20) - 8])
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE id = ?", message_id)
        self.still_there()

    def test_ids_that_cannot_be_stored(self):
        for message_id in ("I" * 200, "with a blank", "caf\u00e9", "I" * 129):
            with self.subTest(message_id):
                stored = hashlib.sha256(message_id.encode()).hexdigest() + "#"
                for _ in range(2):
                    self.mock.contact_send(ONE, PHONE, "hello " + message_id, id=message_id)
                self.assertEqual(self.row(stored)["content"], "hello " + message_id)
        self.still_there()
        self.assertEqual(len(self.bridge.rows(ALL)), 5)
        self.assertEqual(self.nacks(), 0)
        self.assert_no_flags(self.mock)


class Names(Odd):
    def test_a_persons_and_a_groups(self):
        self.mock.admin("POST", "/contact/script", {
            "phone": ONE, "name_hex": b"J\xf6rg".hex()})
        self.mock.contact_send(ONE, PHONE, "with a name")
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE content = 'with a name'")[0]
        self.assertEqual(row["push_name"], "J\ufffdrg")
        self.mock.admin("POST", "/group/set", {
            "group": self.group, "subject_hex": b"caf\xe9 \xff".hex()})
        self.bridge.wait_rows("SELECT 1 FROM chats WHERE jid = ? AND name = ?", self.group,
                              "caf\ufffd \ufffd")
        self.assertIn("caf\ufffd \ufffd", self.bridge.get("/api/groups").text)
        self.still_there()


if __name__ == "__main__":
    unittest.main()
