"""GET /api/contacts: everybody who is known, once, page by page in both directions."""

import contextlib
import sqlite3
import unittest

from harness.case import Case

PHONE = "27820000001"


class Contacts(Case):
    def get(self, query=""):
        reply = self.bridge.get("/api/contacts" + query)
        self.assertEqual(reply.status, 200, reply)
        self.assertTrue(reply.json["success"])
        return reply.json

    def pages(self, word, start=""):
        """All entries, two rows at a time."""
        found, query = [], f"?limit=2{start}"
        for _ in range(20):
            page = self.get(query)
            found += [person["jid"] for person in page["contacts"]]
            if page["next"] is None:
                return found
            query = f"?limit=2&{word}={page['next'].replace(':', '%3A').replace('@', '%40')}"
        self.fail("the list does not end")

    def test_page_by_page(self):
        mock = self.start_mock("--contacts", "5")
        self.bridge = self.start_bridge(mock, PHONE)
        self.bridge.wait_api()
        self.assertEqual(self.get(), {"success": True, "contacts": [], "next": None}, "before pairing")
        self.bridge.pair_by_qr()
        people = [f"2782000100{number}" for number in range(5)]
        for person in people:
            mock.contact_send(person, PHONE, f"from {person}")
            self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", f"from {person}")
        # Names come under the LID here; each person is one entry, by the number.
        wanted = sorted(person + "@s.whatsapp.net" for person in people)
        everybody = self.get()
        self.assertIsNone(everybody["next"])
        self.assertEqual(sorted(person["jid"] for person in everybody["contacts"]), wanted)
        for person in everybody["contacts"]:
            self.assertTrue(person["lid"].endswith("@lid"))
            self.assertTrue(person["push_name"])
            self.assertIsNone(person["identity_changed_at"])
        forwards = self.pages("after")
        self.assertEqual(sorted(forwards), wanted)
        self.assertEqual(self.pages("before", "&before=zz%40lid"), forwards[::-1])
        first = self.get("?limit=3")  # a place may be named by either address of a person
        rest = [self.get(f"?after={jid.replace('@', '%40')}")["contacts"]
                for jid in (first["contacts"][-1]["jid"], first["contacts"][-1]["lid"], first["next"])]
        self.assertEqual(len(first["contacts"]) + len(rest[0]), len(people))
        self.assertEqual(rest, [rest[0]] * 3)
        for query in ("?limit=0", "?limit=501", "?limit=x", "?after=", "?before=nobody%40nowhere",
                      "?after=1%40lid&before=2%40lid", "?colour=red"):
            reply = self.bridge.get("/api/contacts" + query)
            self.assertEqual((reply.status, reply.json["error"]), (400, "bad_request"), query)

    def test_a_name_that_is_no_text_hides_nobody(self):
        """Of a row that another program wrote: bytes that are no UTF-8 become '?'."""
        mock = self.start_mock("--contacts", "1")
        self.bridge = self.start_bridge(mock, PHONE)
        self.bridge.pair_by_qr()
        mock.contact_send("27820001000", PHONE, "hello")
        self.bridge.wait_rows("SELECT * FROM messages WHERE content = ?", "hello")
        person = self.get()["contacts"][0]
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(self.bridge.store + "/whatsapp.db")) as db:
            for column in ("full_name", "first_name", "push_name", "business_name"):
                done = db.execute("UPDATE whatsmeow_contacts SET %s = CAST(x'4af6726700' AS TEXT)" % column)
                self.assertGreater(done.rowcount, 0)
            db.commit()
        self.bridge = self.start_bridge(mock, PHONE, name="again", store=self.bridge.store)
        self.bridge.wait_api()
        for column in ("full_name", "first_name", "push_name", "business_name"):
            person[column] = "J?rg"
        self.assertEqual(self.get()["contacts"], [person])


if __name__ == "__main__":
    unittest.main()
