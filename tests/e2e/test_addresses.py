"""By which of a person's addresses private messages go: the account decides, and the server has the last
word on numbers, LIDs and devices."""

import re
import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class Addresses(Case):
    def start(self, **phone):
        """phone: what POST /admin/mock-phone/lid-migration is told before the bridge pairs."""
        self.mock = self.start_mock("--contacts", "2")
        if phone:
            self.phone(**phone)
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.lid = self.mock.lid_of(FRIEND)

    def phone(self, **fields):
        self.mock.admin("POST", "/mock-phone/lid-migration", {"phone": PHONE, **fields})

    def restart(self, name):
        self.bridge.stop()
        self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
        self.bridge.wait_status("ok")

    def person(self, phone=FRIEND, **fields):
        return self.mock.admin("POST", "/contact/address", {"phone": phone, **fields})

    def sent(self, to, text, **fields):
        """Sends, and waits for what the friend reads; the id."""
        reply = self.bridge.send(to, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        self.shown(text)
        return reply.json["message_id"]

    def shown(self, text, phone=FRIEND, devices=(0,)):
        """The message that these devices of a person show, each once."""
        def ask():
            found = [[m for m in self.mock.admin(
                "GET", f"/contact/messages?phone={phone}&device={device}")["messages"]
                      if m.get("text") == text] for device in devices]
            return found if all(found) else None
        found = self.bridge.poll(ask, 20, f"'{text}' is read")
        self.assertEqual([len(of_device) for of_device in found], [1] * len(found))
        return found[0][0]

    def wire(self, message_id):
        """To whom the stanzas of that id went, in order, and what the server said of each."""
        to, said = [], []
        for line in self.mock.trace():
            xml = line["xml"]
            if f'id="{message_id}"' not in xml or PHONE not in line["client"]:
                continue
            if line["dir"] == "in" and xml.startswith("<message"):
                to.append(re.search(r' to="([^"]+)"', xml)[1])
            elif line["dir"] == "out" and xml.startswith("<ack"):
                error = re.search(r' error="(\d+)"', xml)
                said.append(int(error[1]) if error else 0)
        return to, said

    def by_number(self, message_id, refused=0):
        number = f"{FRIEND}@s.whatsapp.net"
        self.assertEqual(self.wire(message_id), ([f"{self.lid}"] * refused + [number], [400] * refused + [0]))

    def outbox(self, message_id, state):
        def ask():
            row = self.bridge.rows("SELECT * FROM bridge_outbox WHERE message_id = ?", message_id,
                                   name="whatsapp.db")[0]
            return row if row["state"] == state else None
        return self.bridge.poll(ask, 20, f"state {state} in the outbox")

    def row(self, message_id):
        rows = self.bridge.rows("SELECT * FROM messages WHERE id = ?", message_id)
        self.assertEqual(len(rows), 1)
        return rows[0]

    # ---- accounts whose chats are not kept under LIDs -------------------------------------------

    def test_an_account_without_lid_chats_is_written_from_by_number(self):
        """The phone says so at pairing; it holds for every send, and until the phone says otherwise."""
        self.start(migrated=False)
        self.mock.contact_send(FRIEND, PHONE, "from a LID")
        got = self.bridge.wait_rows("SELECT * FROM messages WHERE content = 'from a LID'")[0]
        for to, text, fields in ((FRIEND, "to the number", {}), (self.lid, "to the LID", {}),
                                 (FRIEND, "a reply", {"reply_to": got["id"]}),
                                 (FRIEND, f"hello @{FRIEND}", {"mentioned_jid": self.lid})):
            message_id = self.sent(to, text, **fields)
            self.by_number(message_id)
            row = self.row(message_id)
            self.assertEqual((row["chat_jid"], row["addressing"]), (f"{FRIEND}@s.whatsapp.net", "pn"))
            self.outbox(message_id, 3)
        self.assertEqual(self.shown("a reply")["reply_participant"], f"{FRIEND}@s.whatsapp.net")
        self.assertEqual(self.shown(f"hello @{FRIEND}")["mentions"], [f"{FRIEND}@s.whatsapp.net"])
        self.assertEqual(self.shown("a reply", PHONE)["sent_to"], f"{FRIEND}@s.whatsapp.net")
        self.mock.admin("POST", "/contact/script", {"phone": FRIEND, "refuse": 1})
        self.sent(FRIEND, "asked for again")
        self.restart("again")
        self.by_number(self.sent(FRIEND, "after a restart"))
        self.phone(migrated=True, tell=True)
        self.bridge.poll(lambda: self.bridge.rows(
            "SELECT 1 FROM bridge_private_address WHERE address = 1", name="whatsapp.db"), 10, "the news")
        self.assertEqual(self.wire(self.sent(FRIEND, "by LID")), ([self.lid], [0]))
        self.assert_no_flags(self.mock)

    def test_a_refused_lid_is_followed_by_the_number_once(self):
        """Nobody has said how the account is addressed: the first refusal does, for all that follow."""
        self.start(migrated=False, silent=True)
        message_id = self.sent(FRIEND, "refused first", id="key")
        self.by_number(message_id, refused=1)
        self.assertEqual(self.row(message_id)["addressing"], "pn")
        self.assertEqual(self.outbox(message_id, 3)["recipients"], 1)
        self.by_number(self.sent(FRIEND, "not refused"))
        self.restart("again")
        self.by_number(self.sent(FRIEND, "remembered"))
        again = self.bridge.send(FRIEND, "refused first", id="key")
        self.assertEqual((again.status, again.json["message_id"]), (200, message_id))
        self.shown("refused first")
        self.phone(migrated=True)
        self.mock.trouble(ack_error=400, ack_error_times=1)
        to, said = self.wire(self.sent(FRIEND, "moved unheard"))
        self.assertEqual((to, said), ([f"{FRIEND}@s.whatsapp.net", self.lid], [400, 0]))
        self.mock.trouble(ack_error=400, ack_error_times=2)
        self.assertEqual(self.bridge.send(FRIEND, "wrong in any form").json["server_code"], 400)
        self.assertEqual(self.wire(self.sent(FRIEND, "still by LID")), ([self.lid], [0]))
        self.assert_no_flags(self.mock)

    def test_several_messages_that_are_refused_keep_their_order(self):
        self.start(migrated=False, silent=True)
        self.mock.trouble(delay_ms=150)
        ids = [self.bridge.send(FRIEND, f"in order {n}", wait_s=0).json["message_id"] for n in range(6)]
        for number, message_id in enumerate(ids):
            self.shown(f"in order {number}")
            self.outbox(message_id, 3)
        texts = [text for text in self.mock.short_texts(FRIEND) if text.startswith("in order")]
        self.assertEqual(texts, [f"in order {n}" for n in range(6)])
        self.assert_no_flags(self.mock)


if __name__ == "__main__":
    unittest.main()
