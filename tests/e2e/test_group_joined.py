"""Who is added to a group is told of it with <create> and the whole group, the others with <add>
(P-GR-15): the bridge knows the group from that alone."""

from harness.case import Case

PHONE, OTHER, ANNA, BERT = "27820000001", "27820000002", "27820001000", "27820001001"


class GroupJoined(Case):
    def news(self, phone):
        return [line["xml"] for line in self.mock.trace()
                if line["dir"] == "out" and line["client"].startswith(phone) and 'type="w:gp2"' in line["xml"]]

    def asked(self, start):
        """Questions about groups that the bridge asked since that byte of the trace."""
        return [line["xml"] for line in self.mock.trace(start)
                if line["dir"] == "in" and line["client"].startswith(PHONE) and 'xmlns="w:g2"' in line["xml"]]

    def group(self, jid):
        return next((g for g in self.bridge.get("/api/groups").json["groups"] if g["jid"] == jid), None)

    def test_added_to_a_group_later(self):
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        member = self.start_bridge(self.mock, OTHER, name="member")
        for bridge in (self.bridge, member):
            bridge.pair_by_qr()
        jid = self.mock.admin("POST", "/groups", {"subject": "older than us", "mode": "lid", "creator": ANNA,
                                                  "members": [ANNA, BERT, OTHER]})["jid"]
        member.poll(lambda: any(g["jid"] == jid for g in member.get("/api/groups").json["groups"]), 20,
                    "the member knows the group")
        self.assertIsNone(self.group(jid))
        start = self.mock.traced_bytes()
        self.mock.admin("POST", "/group/member", {"group": jid, "phone": PHONE, "action": "add", "by": ANNA})
        known = self.bridge.poll(lambda: self.group(jid), 20, "the group we were added to")
        self.assertEqual(known["name"], "older than us")
        self.assertEqual(self.asked(start), [])  # all of it was in the news

        self.assertEqual(self.bridge.send(jid, "glad to be here").status, 200)
        self.assertEqual(self.asked(start), [])
        for phone in (ANNA, BERT):
            self.bridge.poll(lambda phone=phone: "glad to be here" in self.mock.short_texts(phone), 20,
                             f"{phone} reads it")
        member.wait_rows("SELECT 1 FROM messages WHERE content = ?", "glad to be here")

        ours, theirs = self.news(PHONE)[-1], self.news(OTHER)[-1]
        self.assertIn("<create", ours)
        self.assertEqual(ours.count("<participant "), 4)
        self.assertNotIn("<add", ours)
        self.assertIn("<add", theirs)
        self.assertNotIn("<create", theirs)
        self.assert_no_flags(self.mock)
