"""A mention reaches the person whatever the group's addressing: the list on the wire and the digits
in the text are of the same form, and the form is the group's (R-108, R-109)."""

import re
import unittest

from harness.case import Case

PHONE, ANNA, BERT, STRANGER = "27820000001", "27820001000", "27820001001", "27820001002"
SEND = "/api/send"


def pn(phone):
    return phone + "@s.whatsapp.net"


def user(jid):
    return jid.split("@")[0].split(":")[0]


class Mentions(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "3")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.groups = {mode: self.mock.admin("POST", "/groups", {
            "subject": f"addressed by {mode}", "mode": mode, "members": [PHONE, ANNA, BERT],
            "creator": ANNA})["jid"] for mode in ("lid", "pn")}
        self.bridge.poll(lambda: len(self.bridge.get("/api/groups").json["groups"]) == 2, 20,
                         "both groups are known")

    def wire(self, phone, mode):
        return self.mock.lid_of(phone) if mode == "lid" else pn(phone)

    def last(self, text_end, phone=BERT):
        """The message that ends so, as the phone of that person shows it."""
        def look():
            return [m for m in self.mock.contact_messages(phone) if m["text"].endswith(text_end)]
        found = self.bridge.poll(look, 20, f"{phone} gets …{text_end}")
        self.assertEqual(len(found), 1)
        return found[0]

    def send(self, to, text, **fields):
        reply = self.bridge.send(to, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        return reply

    def test_every_form_of_a_mention(self):
        forms = [ANNA, "+" + ANNA, "+27 82 000-1000", pn(ANNA), self.mock.lid_of(ANNA), [ANNA], [pn(ANNA)],
                 ANNA + ":4@s.whatsapp.net", [self.mock.lid_of(ANNA), ANNA], ["", ANNA], "@" + ANNA]
        for mode, group in self.groups.items():
            expected = self.wire(ANNA, mode)
            for number, form in enumerate(forms):
                with self.subTest(mode=mode, form=form):
                    self.send(group, f"look {number} {mode}", mentioned_jid=form)
                    got = self.last(f"look {number} {mode}")
                    self.assertEqual(got["mentions"], [expected])
                    self.assertEqual(got["text"], f"@{user(expected)} look {number} {mode}")
        self.assert_no_flags(self.mock)

    def test_digits_in_the_text(self):
        lid = self.mock.lid_of(ANNA)
        for mode, group in self.groups.items():
            wire = user(self.wire(ANNA, mode))
            both = user(self.wire(BERT, mode))
            for number, (text, who, made, nmentions) in enumerate((
                    (f"see @{ANNA}, please", ANNA, f"see @{wire}, please", 1),
                    (f"see @{user(lid)}!", ANNA, f"see @{wire}!", 1),
                    (f"@{ANNA} and @{ANNA}", pn(ANNA), f"@{wire} and @{wire}", 1),
                    (f"@{ANNA}@{BERT}", [ANNA, BERT], f"@{wire}@{both}", 2),
                    (f"@{BERT} first", [ANNA, BERT], f"@{wire} @{both} first", 2),
                    (f"@+{ANNA} plus", ANNA, f"@{wire} plus", 1),
                    (f"@{ANNA}9 is another", ANNA, f"@{wire} @{ANNA}9 is another", 1),
                    (f"{ANNA} is no mention", ANNA, f"@{wire} {ANNA} is no mention", 1),
                    (f"mail anna@{ANNA}.example", [], f"mail anna@{ANNA}.example", 0),
                    (f"@{ANNA} without a list", None, f"@{ANNA} without a list", 0),
                    (f"@{ANNA} empty", "", f"@{ANNA} empty", 0))):
                with self.subTest(mode=mode, text=text):
                    end = f" {mode}-{number}"
                    self.send(group, text + end, mentioned_jid=who)
                    got = self.last(end)
                    self.assertEqual(got["text"], made + end)
                    self.assertEqual(len(got["mentions"]), nmentions)
                    row = self.bridge.rows("SELECT * FROM messages WHERE content LIKE ?", "%" + end)
                    self.assertEqual(len(row), 1)
        self.assert_no_flags(self.mock)

    def test_everybody(self):
        for mode, group in self.groups.items():
            with self.subTest(mode):
                self.send(group, f"all of you {mode}", mentioned_jid="all")
                got = self.last(f"all of you {mode}")
                self.assertEqual(sorted(got["mentions"]),
                                 sorted(self.wire(p, mode) for p in (ANNA, BERT)))
                self.send(group, f"and you {mode}", mentioned_jid=["all", ANNA])
                got = self.last(f"and you {mode}")
                self.assertEqual(len(got["mentions"]), 2)
                self.assertTrue(got["text"].startswith("@" + user(self.wire(ANNA, mode))))
        self.assertEqual(self.bridge.send(ANNA, "x", mentioned_jid="all").status, 400)

    def test_somebody_who_is_not_there(self):
        for mode, group in self.groups.items():
            with self.subTest(mode):
                reply = self.bridge.send(group, f"absent {mode}", mentioned_jid=[ANNA, STRANGER])
                self.assertEqual((reply.status, reply.json["error"]), (422, "absent_mention"))
                self.assertIn(STRANGER, reply.json["message"])
                self.assertNotIn(ANNA, reply.json["message"])
                self.send(group, f"allowed {mode}", mentioned_jid=STRANGER, allow_absent_mentions=True)
                got = self.last(f"allowed {mode}")
                self.assertEqual(got["text"], f"@{user(got['mentions'][0])} allowed {mode}")
                self.mock.admin("POST", "/group/member", {"group": group, "phone": STRANGER,
                                                          "action": "add", "by": ANNA})
                self.send(group, f"joined {mode}", mentioned_jid=STRANGER)
                got = self.last(f"joined {mode}")
                self.assertEqual(got["mentions"], [self.wire(STRANGER, mode)])
        for bad in ("nobody", "12@g.us", ["27820001000@nowhere"], "+", "x" * 3000):
            with self.subTest(bad):
                self.assertEqual(self.bridge.send(self.groups["pn"], "x", mentioned_jid=bad).status,
                                 400)
        self.assert_no_flags(self.mock)

    def test_many_who_are_not_there(self):
        """All are named, or the first ones and how many more there are."""
        group = self.groups["pn"]
        for count in (1, 4, 5, 6, 40, 1023):
            with self.subTest(count):
                absent = [f"2782{number:07}" for number in range(5000000, 5000000 + count)]
                reply = self.bridge.send(group, "x", mentioned_jid=[ANNA, *absent])
                self.assertEqual((reply.status, reply.json["error"]), (422, "absent_mention"))
                named = [who for who in absent if who in reply.json["message"]]
                more = re.search(r" and (\d+) more\.", reply.json["message"])
                self.assertGreaterEqual(len(named), min(count, 4), reply.json["message"])
                self.assertEqual(len(named) + (int(more[1]) if more else 0), count)
                self.assertIn("allow_absent_mentions", reply.json["message"])
        self.assert_no_flags(self.mock)

    def test_the_senders_old_call(self):
        for mode, group in self.groups.items():
            for form in (pn(ANNA), self.mock.lid_of(ANNA), ANNA):
                with self.subTest(mode=mode, form=form):
                    end = f"DR1234567 - needs correction {mode} {form}"
                    reply = self.bridge.post("/send-message", {
                        "group_jid": group, "recipient_jid": form, "message": end})
                    self.assertEqual(reply.status, 200, reply)
                    self.assertIs(reply.json["success"], True)
                    for phone in (ANNA, BERT):
                        got = self.last(end, phone)
                        wire = self.wire(ANNA, mode)
                        self.assertEqual((got["text"], got["mentions"]), (f"@{user(wire)} {end}", [wire]))
        good = {"group_jid": self.groups["pn"], "recipient_jid": pn(ANNA), "message": "x"}
        for field in good:
            for value in ("", None, 7):
                self.assertEqual(self.bridge.post("/send-message", {**good, field: value}).status, 400)
        for group in (ANNA, pn(ANNA), "x@g.us"):
            self.assertEqual(self.bridge.post("/send-message", {**good, "group_jid": group}).status, 400)
        reply = self.bridge.post("/send-message", {**good, "recipient_jid": pn(STRANGER)})
        self.assertEqual((reply.status, reply.json["error"]), (422, "absent_mention"))
        self.assert_no_flags(self.mock)

    def test_mentions_that_come_in(self):
        me = {"lid": self.mock.lid_of(PHONE), "pn": pn(PHONE)}
        for mode, group in self.groups.items():
            self.mock.contact_send(ANNA, group, f"@{user(me[mode])} hello {mode}", mentions=[me[mode]])
            row = self.bridge.wait_rows("SELECT * FROM messages WHERE content LIKE ?",
                                        f"%hello {mode}")[0]
            self.assertEqual(row["mentions_me"], 1)
            self.assertEqual(row["sender"], ANNA)


if __name__ == "__main__":
    unittest.main()
