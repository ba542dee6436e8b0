"""The canonical form and the comparison, without any client."""

import json
import pathlib
import unittest

from . import canonical, compare, protobuf, schemas

ROLES = {"27820000001": "ME", "100200300000001": "ME", "27820001000": "ANN", "1203630001": "GROUP"}
DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs" / "protocol" / "parity.md"
KEY, MAC = b"\x05" + 32 * b"k", 8 * b"m"


def field(number, value):
    """One field; everything in these tests is short enough for one byte, but for high numbers."""
    assert (value if isinstance(value, int) else len(value)) < 128
    key = number << 3 | (0 if isinstance(value, int) else 2)
    head = bytes([key]) if key < 128 else bytes([key & 0x7F | 0x80, key >> 7])
    return head + (bytes([value]) if isinstance(value, int) else bytes([len(value)]) + value)


def whisper(counter=0, previous=0, text=b"0123456789abcdef"):
    return (b"\x33" + field(1, KEY) + field(2, counter) + field(3, previous) + field(4, text) + MAC)


def names(*stanzas):
    return canonical.Names([canonical.Stanza(sent, "27820000001:1@s.whatsapp.net", canonical.parse(xml))
                            for sent, xml in stanzas], ROLES)


def shown(xml, *context):
    """The canonical text of a stanza that the client sent last."""
    made = canonical.Canonical(names(*context, (True, xml)))
    return made.stanza(canonical.parse(xml)).show()


class Parse(unittest.TestCase):
    def test_xmlns_and_colons_are_ordinary(self):
        node = canonical.parse('<stream:error xmlns="w:p" code="515"><a x="1&amp;2"/>t</stream:error>')
        self.assertEqual((node.tag, node.attrs["xmlns"], node.text), ("stream:error", "w:p", "t"))
        self.assertEqual(node.child("a").attrs["x"], "1&2")

    def test_half_a_line_of_a_trace_waits(self):
        path = pathlib.Path(self.enterContext(temporary()), "trace")
        line = json.dumps({"t": 1, "dir": "in", "client": "c", "xml": "<a/>"})
        path.write_text(line + "\n" + line[:10], encoding="utf-8")
        stanzas, end = canonical.read_trace(path)
        self.assertEqual(([s.node.tag for s in stanzas], end), (["a"], len(line) + 1))
        self.assertEqual(canonical.read_trace(path, end), ([], end))


def temporary():
    import tempfile  # noqa: PLC0415
    return tempfile.TemporaryDirectory()


class Symbols(unittest.TestCase):
    MESSAGE = (False, '<message from="27820001000@s.whatsapp.net" id="AB01" t="1700000000" type="text"/>')

    def test_numbers_become_people(self):
        self.assertEqual(shown('<presence to="27820001000:3@s.whatsapp.net" type="x"/>'),
                         "<presence to=ANN:3@s.whatsapp.net type=x/>")
        self.assertIn("to=27820009999@s.whatsapp.net", shown('<ack to="27820009999@s.whatsapp.net"/>'))

    def test_an_id_is_the_stanza_that_it_names(self):
        text = shown('<receipt id="AB01" to="27820001000@s.whatsapp.net"/>', self.MESSAGE)
        self.assertIn("id=<id of server's message text from ANN@s.whatsapp.net #1>", text)
        other = shown('<receipt id="AB02" to="27820001000@s.whatsapp.net"/>', self.MESSAGE)
        self.assertIn("id=<id>", other)

    def test_a_second_message_is_another(self):
        again = (False, self.MESSAGE[1].replace("AB01", "AB02"))
        self.assertIn("#2>", shown('<receipt id="AB02"/>', self.MESSAGE, again))

    def test_own_messages_keep_their_number_when_sent_again(self):
        first = (True, '<message id="3EB0000000000000000001" to="27820001000@s.whatsapp.net"/>')
        second = (True, '<message id="3EB0000000000000000002" to="27820001000@s.whatsapp.net"/>')
        self.assertIn("own message #1 to ANN@s.whatsapp.net, 3EB0+18 hex digits",
                      shown(first[1], first, second, first))
        self.assertIn("other form", shown('<message id="abc" to="27820001000@s.whatsapp.net"/>'))

    def test_the_answer_to_an_own_question_is_not_the_servers_id(self):
        answer = (False, '<iq id="1.2-3" type="result" from="s.whatsapp.net"/>')
        text = shown('<iq id="1.2-3" type="get" xmlns="encrypt"/>', answer)
        self.assertIn("id=<id of own iq>", text)

    def test_times(self):
        retry = '<receipt id="AB01" type="retry"><retry id="AB01" t="%s" v="1" count="1"/></receipt>'
        self.assertIn("t=<t of that message>", shown(retry % "1700000000", self.MESSAGE))
        self.assertIn("t=<another time>", shown(retry % "1700000001", self.MESSAGE))
        self.assertIn("t=<time>", shown('<receipt id="AB01" t="1700000009"/>', self.MESSAGE))

    def test_participant_hashes(self):
        self.assertIn("phash=<2:hash>", shown('<message id="x" phash="2:AbCdEfGh"/>'))
        self.assertIn("phash=2:AbC", shown('<message id="x" phash="2:AbC"/>'))


class Contents(unittest.TestCase):
    def test_bytes_by_size_and_text_as_it_is(self):
        self.assertEqual(shown(f"<iq><identity>{'ab' * 32}</identity></iq>"),
                         "<iq><identity><32 bytes></></>")
        self.assertEqual(shown(f"<iq><n>{b'Chrome (Linux)'.hex()}</n></iq>"),
                         "<iq><n>'Chrome (Linux)'</></>")
        self.assertEqual(shown(f"<iq><registration>{b'ABCD'.hex()}</registration></iq>"),
                         "<iq><registration><4 bytes></></>")

    def test_prekeys_are_one_fact(self):
        keys = "".join(f"<key><id>{n:06x}</id><value>{'cd' * 32}</value></key>" for n in (7, 8, 9))
        text = shown(f"<iq><list>{keys}</list></iq>")
        self.assertEqual(text, "<iq><list><count>3</><first>7</><ids>each one more</>"
                               "<sizes>[(3, 32)]</></></>")
        gap = keys.replace("000009", "00000a")
        self.assertIn("not in order", shown(f"<iq><list>{gap}</list></iq>"))

    def test_order_of_participants_does_not_matter_but_of_others_does(self):
        one, two = '<to jid="27820001000@s.whatsapp.net"/>', '<to jid="27820000001@s.whatsapp.net"/>'
        self.assertEqual(shown(f"<message id='a'><participants>{one}{two}</participants></message>"),
                         shown(f"<message id='a'><participants>{two}{one}</participants></message>"))
        self.assertNotEqual(shown("<message id='a'><b/><c/></message>"),
                            shown("<message id='a'><c/><b/></message>"))

    def enc(self, kind, data):
        return shown(f'<message id="a"><enc v="2" type="{kind}">{data.hex()}</enc></message>')

    def test_ciphertexts_show_counters_not_secrets(self):
        text = self.enc("msg", whisper(counter=3, previous=2))
        self.assertIn("<counter>3</><previousCounter>2</><ciphertext><secret></>", text)
        self.assertEqual(text, self.enc("msg", whisper(counter=3, previous=2, text=b"x" * 32)))
        self.assertNotEqual(text, self.enc("msg", whisper(counter=4, previous=2)))

    def test_prekey_messages(self):
        outer = (b"\x33" + field(1, 9) + field(2, KEY) + field(3, KEY) + field(4, whisper())
                 + field(5, 77) + field(6, 1))
        text = self.enc("pkmsg", outer)
        self.assertIn("<preKeyId>9</><baseKey><33 bytes></>", text)
        self.assertIn("<signedPreKeyId>1</><message><ratchetKey><33 bytes></><counter>0</>", text)

    def test_sender_key_messages(self):
        data = b"\x33" + field(1, 5) + field(2, 6) + field(3, b"0123456789abcdef") + 64 * b"s"
        self.assertIn("<id><secret></><iteration>6</><ciphertext><secret></>", self.enc("skmsg", data))

    def test_client_payload(self):
        version = field(1, 2) + field(2, 44)
        payload = field(3, 1) + field(5, field(1, 14) + field(2, version)) + field(9, 5) + b"\xf8\x01\x07"
        self.assertEqual(shown(f"<client-payload>{payload.hex()}</client-payload>"),
                         "<client-payload><passive>1</><userAgent><platform>14</><appVersion>"
                         "<primary>2</><secondary>44</></></><sessionId><secret></><#31>7</></>")


class Protobuf(unittest.TestCase):
    def test_cut_and_wrong_input_is_refused(self):
        for data in (b"\x0a\x05ab", b"\x08", b"\x08" + b"\xff" * 11, b"\x00\x01", b"\x0b", b"\x0d\x01"):
            with self.subTest(data=data), self.assertRaises(protobuf.Malformed):
                protobuf.fields(data)

    def test_sizes_that_must_be(self):
        good = protobuf.tree(field(2, 32 * b"k"), schemas.DEVICE_IDENTITY)
        bad = protobuf.tree(field(2, 31 * b"k"), schemas.DEVICE_IDENTITY)
        self.assertEqual((good, bad), ([("accountSignatureKey", "<32 bytes>")],
                                       [("accountSignatureKey", "<wrong size 31>")]))


    def test_a_short_random_id_is_no_difference(self):
        def carrier(key_id, iteration):
            key = (b"\x33" + key_id + field(2, iteration) + field(3, 32 * b"c")
                   + field(4, 33 * b"s"))
            return protobuf.tree(field(2, field(1, b"1@g.us") + field(2, key)), schemas.MESSAGE)
        short, long = field(1, 1), b"\x08\xff\xff\xff\xff\x0f"
        self.assertEqual(carrier(short, 4), carrier(long, 4))
        self.assertNotEqual(carrier(short, 4), carrier(short, 5))
        with self.assertRaises(protobuf.Malformed):
            protobuf.tree(field(2, field(2, b"")), schemas.MESSAGE)


class Exchanges(unittest.TestCase):
    def test_groups(self):
        ping = (False, '<iq id="P1" type="get" xmlns="urn:xmpp:ping" from="s.whatsapp.net"/>')
        made = names(ping)
        for xml, wanted in (
                ('<iq id="P1" type="result"/>',
                 "answer to server's iq get urn:xmpp:ping from s.whatsapp.net"),
                ('<iq id="7" type="get" xmlns="encrypt"><count/></iq>', "iq encrypt get count"),
                ('<message id="7" to="1203630001@g.us"/>', "message to GROUP@g.us"),
                ('<receipt id="7" to="27820001000@s.whatsapp.net" type="read"/>',
                 "receipt read to ANN@s.whatsapp.net"),
                ('<ack id="7" class="message" to="1203630001@g.us"/>', "ack message to GROUP@g.us"),
                ('<presence type="available"/>', "presence")):
            with self.subTest(xml=xml):
                self.assertEqual(canonical.exchange(canonical.parse(xml), made), wanted)


    def test_how_often_somebody_pings_does_not_matter(self):
        label = "27820000001:1@s.whatsapp.net"
        stanzas = []
        for number in range(3):
            stanzas += [(False, f'<iq id="P{number}" type="get" xmlns="urn:xmpp:ping" from="s"/>'),
                        (True, f'<iq id="P{number}" type="result" to="s"/>'),
                        (True, f'<iq id="K{number}" type="get" xmlns="w:p"/>')]
        trace = [canonical.Stanza(sent, label, canonical.parse(xml.replace('"s"', '"s.whatsapp.net"')))
                 for sent, xml in stanzas]
        made = canonical.exchanges(trace, label.__eq__, canonical.Names(trace, ROLES))
        self.assertEqual({name: [node.show() for node in nodes] for name, nodes in made.items()},
                         {canonical.PONG: ["<iq id=<id of server's iq get urn:xmpp:ping from "
                                           "s.whatsapp.net> to=s.whatsapp.net type=result/>"]})

    def test_receipts_and_acks_are_in_any_order_requests_are_not(self):
        def shown_in_order(*xmls):
            trace = [canonical.Stanza(True, "us", canonical.parse(xml)) for xml in xmls]
            return {name: [node.show() for node in nodes] for name, nodes in
                    canonical.exchanges(trace, "us".__eq__, names()).items()}
        for form in ('<receipt id="x" to="27820001000@s.whatsapp.net" participant="%s"/>',
                     '<ack id="x" class="receipt" to="27820001000@s.whatsapp.net" participant="%s"/>'):
            self.assertEqual(shown_in_order(form % "1@lid", form % "2@lid"),
                             shown_in_order(form % "2@lid", form % "1@lid"))
            self.assertNotEqual(shown_in_order(form % "1@lid", form % "2@lid"),
                                shown_in_order(form % "2@lid", form % "2@lid"))
        query = '<iq id="x" type="get" xmlns="usync" mode="%s"/>'
        self.assertNotEqual(shown_in_order(query % "own", query % "other", query % "own"),
                            shown_in_order(query % "own", query % "own", query % "other"))

    def test_only_the_client_is_looked_at(self):
        trace = [canonical.Stanza(True, "somebody", canonical.parse("<presence/>")),
                 canonical.Stanza(False, "us", canonical.parse("<presence/>"))]
        self.assertEqual(canonical.exchanges(trace, "us".__eq__, names()), {})

    def test_what_people_read(self):
        text = field(1, b"@27820001000 look")
        record = {"id": "3EB0000000000000000001", "chat": "1203630001@g.us", "type": "text", "edit": "",
                  "category": None, "message": field(31, field(1, b"100200300000001@lid")
                                                     + field(2, text)).hex()}
        self.assertEqual(canonical.received(record, names()).show(),
                         "<read category= chat=GROUP@g.us edit= id=<id> type=text><deviceSent>"
                         "<destinationJid>ME@lid</><message><conversation>@ANN look</></></></>")


def found(ours, theirs):
    parsed = [[canonical.parse(xml) for xml in side] for side in (ours, theirs)]
    return compare.list_differences(*parsed)


class Compare(unittest.TestCase):
    def test_equal_is_nothing(self):
        self.assertEqual(found(['<a x="1"><b/></a>'], ['<a x="1"><b/></a>']), [])

    def test_attributes_texts_and_children_are_named(self):
        self.assertEqual(found(['<a x="1" z="3"><b/>t</a>'], ['<a x="2" y="3"><c/>u</a>']),
                         [("a@x", "1", "2"), ("a@y", "nothing", "3"), ("a@z", "3", "nothing"),
                          ("a", "t", "u"), ("a/b", "<b/>", "nothing"), ("a/c", "nothing", "<c/>")])

    def test_children_are_matched_by_their_jid(self):
        self.assertEqual(found(['<a><to jid="1"/><to jid="2" x="y"/></a>'], ['<a><to jid="2"/></a>']),
                         [("a/to[1]", "<to jid=1/>", "nothing"), ("a/to[2]@x", "y", "nothing")])

    def test_order_of_children(self):
        self.assertEqual(found(["<a><b/><c/></a>"], ["<a><c/><b/></a>"]), [("a (order)", "b c", "c b")])

    def test_a_missing_stanza_does_not_shift_the_rest(self):
        self.assertEqual(found(['<a x="1"/>', '<a x="3"/>'], ['<a x="1"/>', '<a x="2"/>', '<a x="3"/>']),
                         [("a", "nothing", "<a x=2/>")])

    def test_order_within_an_exchange_matters(self):
        self.assertNotEqual(found(['<a x="1"/>', '<a x="2"/>'], ['<a x="2"/>', '<a x="1"/>']), [])

    def test_reasons_explain_only_what_they_name(self):
        one = compare.Difference("s", "iq a", "iq@x", "1", "2")
        entry = compare.Allowed("s", "iq *", "iq@x", "*", "2", "because")
        other = compare.Allowed("s", "iq *", "iq@y", "*", "2", "because")
        self.assertEqual(compare.judge([one], [entry]), ([], []))
        self.assertEqual(compare.judge([one], [other]), ([one], [other]))
        self.assertEqual(compare.judge([], [entry]), ([], [entry]))


class ListOfDifferences(unittest.TestCase):
    @staticmethod
    def entries():
        return [entry for path in compare.LISTS.values() for entry in compare.load(path)]

    def test_every_entry_has_a_reason_and_stands_in_the_document(self):
        document = DOCS.read_text(encoding="utf-8")
        for entry in self.entries():
            with self.subTest(entry=entry):
                self.assertIn(compare.row(entry), document)

    def test_the_document_has_no_other_rows(self):
        rows = {line for line in DOCS.read_text(encoding="utf-8").splitlines()
                if line.startswith("| ") and line.count("|") == 6 and not line.startswith("| scenario")
                and not set(line) <= set("| -")}
        self.assertEqual(rows - {compare.row(entry) for entry in self.entries()}, set())

    def test_an_entry_must_not_explain_everything(self):
        path = pathlib.Path(self.enterContext(temporary()), "list.json")
        entry = {"scenario": "*", "exchange": "*", "where": "*", "ours": "*", "theirs": "*",
                 "reason": "any"}
        for change in ({}, {"where": "iq@x"}, {"reason": " "}):
            path.write_text(json.dumps([{**entry, **change}]), encoding="utf-8")
            with self.subTest(change=change), self.assertRaises(ValueError):
                compare.load(path)


if __name__ == "__main__":
    unittest.main()
