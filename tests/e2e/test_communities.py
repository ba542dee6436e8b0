"""Communities: a parent that takes messages and shows them to nobody, its announcement group, and the
groups that are linked to it."""

import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class Communities(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "2")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()

    def community(self, creator, *members):
        made = self.mock.admin("POST", "/communities", {
            "subject": f"of {creator}", "creator": creator, "members": members})
        self.bridge.poll(lambda: self.listed(made["announcement"]), 20, "it is known")
        return made["community"], made["announcement"]

    def listed(self, jid):
        groups = self.bridge.get("/api/groups").json["groups"]
        return next((group for group in groups if group["jid"] == jid), None)

    def reads(self, phone, text):
        self.bridge.poll(lambda: text in self.mock.short_texts(phone), 20, f"'{text}' is read")

    def test_the_parent_of_a_community_is_not_written_to(self):
        community, announcement = self.community(PHONE, FRIEND, OTHER)
        reply = self.bridge.send(community, "nobody sees this", id="in vain")
        self.assertEqual((reply.status, reply.json.get("error")), (422, "is_community"), reply)
        self.assertIn(announcement, reply.json["message"])
        again = self.bridge.send(community, "nobody sees this", id="in vain")
        self.assertEqual((again.status, again.json), (422, reply.json))
        queued = self.bridge.send(community, "nobody sees this either", wait_s=0)
        self.assertEqual(queued.status, 202)
        path = f"/api/outbox/{queued.json['message_id']}"
        self.bridge.poll(lambda: self.bridge.get(path).json["state"] == "failed", 20, "it has failed")
        entry = self.bridge.get(path).json
        self.assertEqual(entry["reason"], "is_community")
        self.assertEqual(self.bridge.send(announcement, "everybody sees this").status, 200)
        self.reads(FRIEND, "everybody sees this")
        self.assertEqual(self.mock.traced("nobody sees"), 0)
        self.assert_no_flags(self.mock)

    def test_groups_tell_what_they_are(self):
        community, announcement = self.community(FRIEND, PHONE, OTHER)
        plain = self.mock.admin("POST", "/groups", {
            "subject": "by itself", "mode": "lid", "members": [FRIEND, PHONE]})["jid"]
        self.bridge.poll(lambda: self.listed(plain), 20, "the group is known")

        def what(jid):
            group = self.listed(jid)
            return group["kind"], group["community"], group.get("announcement_group")
        self.assertEqual(what(community), ("community", None, announcement))
        self.assertEqual(what(announcement), ("announcement", community, None))
        self.assertEqual(what(plain), ("group", None, None))
        for parent in (community, None):
            self.mock.admin("POST", "/community/link",
                            {"group": plain, **({"community": parent} if parent else {})})
            self.bridge.poll(lambda: what(plain) == ("group", parent, None), 20,
                             f"the group is linked to {parent}")
            self.assertEqual(what(announcement), ("announcement", community, None))
            text = "linked" if parent else "alone"
            self.assertEqual(self.bridge.send(plain, text).status, 200)
            self.reads(FRIEND, text)
        # It is remembered, and what the list of groups says is the same.
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, store=self.bridge.store, name="again")
        self.bridge.wait_status("ok")
        self.assertEqual(what(community), ("community", None, announcement))
        self.assert_no_flags(self.mock)

    def test_announcements_come_in_and_only_admins_write_them(self):
        community, announcement = self.community(FRIEND, PHONE)
        told = self.mock.contact_send(FRIEND, announcement, "an announcement")["id"]
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", told)[0]
        self.assertEqual((row["chat_jid"], row["sender"], row["content"]),
                         (announcement, FRIEND, "an announcement"))
        reply = self.bridge.send(announcement, "not by us")
        self.assertEqual((reply.status, reply.json["error"]), (502, "refused"))
        self.assertIn("admins", reply.json["message"])
        self.assertEqual(self.bridge.send(community, "not there").status, 422)
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
