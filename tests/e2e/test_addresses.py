"""By which of a person's addresses private messages go: the account decides, and the server has the last
word on numbers, LIDs and devices."""

import re
import unittest

from harness.case import Case

PHONE = "27820000001"
FRIEND, OTHER = "27820001000", "27820001001"


class Addresses(Case):
    def start(self, *options, **phone):
        """options: of wa-mock; phone: what POST /admin/mock-phone/lid-migration is told before the bridge pairs."""
        self.mock = self.start_mock("--contacts", "2", *options)
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

    # ---- what the server says of numbers and LIDs ------------------------------------------------

    def newcomer(self, phone, **fields):
        """A person of whom the bridge has heard nothing."""
        lid = self.mock.admin("POST", "/contacts", {"phone": phone, "name": "Newcomer"})["lid"]
        self.person(phone, **fields)
        return lid

    def asked(self):
        """How often the server was asked whose number it is."""
        return sum(1 for line in self.mock.trace()
                   if line["dir"] == "in" and "<usync" in line["xml"] and "<contact>" in line["xml"])

    def test_a_number_of_which_no_lid_is_told(self):
        self.start()
        lid = self.newcomer("27820005000", no_lid=True)
        for number in range(2):
            reply = self.bridge.send("27820005000", f"hello {number}")
            self.assertEqual((reply.status, reply.json["message"]),
                             (200, "Message sent to 27820005000"))
            self.shown(f"hello {number}", "27820005000")
            message_id = reply.json["message_id"]
            self.assertEqual(self.wire(message_id), (["27820005000@s.whatsapp.net"], [0]))
            self.assertEqual(self.row(message_id)["chat_jid"], "27820005000@s.whatsapp.net")
            self.assertEqual(self.outbox(message_id, 3)["recipients"], 1)
        self.assertEqual(self.asked(), 1)
        self.mock.contact_send("27820005000", PHONE, "and this is my LID")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'and this is my LID'")
        message_id = self.bridge.send("27820005000", "thank you").json["message_id"]
        self.shown("thank you", "27820005000")
        self.assertEqual(self.wire(message_id), ([lid], [0]))
        self.assertEqual(self.bridge.send("27820005001", "nobody").json["error"], "not_on_whatsapp")
        self.assertEqual(self.mock.admin("GET", "/contact/failures?phone=27820005000")["failures"], [])
        self.assert_no_flags(self.mock)

    def test_a_number_that_leads_to_another_one(self):
        """Brazil's ninth digit: the account has the number without it."""
        typed, named = "5511987654321", "551187654321"
        told = f"{named}@s.whatsapp.net"
        self.start()
        self.newcomer(named, also=typed)
        first = self.bridge.send(f"+{typed}", "to the typed number", id="key")
        self.assertEqual((first.status, first.json["message"]), (200, f"Message sent to {told}"))
        self.shown("to the typed number", named)
        message_id = first.json["message_id"]
        self.assertEqual(self.row(message_id)["chat_jid"], f"{named}@s.whatsapp.net")
        self.assertEqual(self.outbox(message_id, 3)["chat_jid"], f"{named}@s.whatsapp.net")
        again = self.bridge.send(f"+{typed}", "to the typed number", id="key")
        self.assertEqual(again.json, first.json)
        self.restart("again")
        for to in (typed, named):
            reply = self.bridge.send(to, f"answer to {to}", reply_to=message_id)
            self.assertEqual((reply.status, reply.json["message"]),
                             (200, f"Message sent to {told if to == typed else named}"))
            self.shown(f"answer to {to}", named)
        self.assertEqual(self.asked(), 1)
        chats = self.bridge.rows("SELECT jid FROM chats WHERE jid LIKE '55%'")
        self.assertEqual([chat["jid"] for chat in chats], [f"{named}@s.whatsapp.net"])
        unknown = self.bridge.send("5511987654322", "nobody")
        self.assertEqual((unknown.status, unknown.json["error"]), (404, "not_on_whatsapp"))
        self.assert_no_flags(self.mock)

    def test_a_lid_that_the_server_calls_out_of_date_is_asked_for(self):
        self.start()
        self.assertEqual(self.wire(self.sent(FRIEND, "to the first LID")), ([self.lid], [0]))
        lid = self.person(new_lid=True)["lid"]
        self.assertNotEqual(lid, self.lid)
        for text in ("out of date", "still unheard"):
            self.sent(FRIEND, text)
        self.bridge.poll(lambda: self.bridge.rows(
            "SELECT 1 FROM whatsmeow_lid_map WHERE lid = ? AND pn = ?", lid.split("@")[0], FRIEND,
            name="whatsapp.db"), 10, "the LID that the person has now")
        message_id = self.sent(FRIEND, "to the LID of now")
        self.assertEqual(self.wire(message_id), ([lid], [0]))
        self.outbox(message_id, 3)
        self.mock.contact_send(FRIEND, PHONE, "and back")
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = 'and back'")
        self.assertEqual(len(self.bridge.rows("SELECT DISTINCT chat_jid FROM messages")), 1)
        self.assertEqual(sum(1 for line in self.mock.trace() if line["dir"] == "in" and "<usync" in line["xml"]
                             and 'context="background"' in line["xml"]), 1)
        self.assert_no_flags(self.mock)

    # ---- devices that the server knows of and we do not ------------------------------------------

    def device(self, phone, device):
        self.mock.admin("POST", "/contact/device", {"phone": phone, "action": "add", "quiet": True})
        self.assertEqual(self.mock.account(phone)["devices"][-1]["jid"].split("@")[0], f"{phone}:{device}")

    def revealed(self, phone, number, migrated=True):
        """A device that nobody was told of: the hash in the ack shows that there is one."""
        self.start(migrated=migrated)
        to = self.lid if migrated else f"{FRIEND}@s.whatsapp.net"
        self.sent(FRIEND, "before")
        self.device(phone, number)
        message_id = self.sent(FRIEND, "revealed")
        self.shown("revealed", phone, (0, number))
        self.shown("revealed", FRIEND)
        self.bridge.poll(lambda: self.wire(message_id)[1] == [0, 0], 10, "both acks")
        self.assertEqual(self.wire(message_id)[0], [to, to])
        self.assertEqual(self.outbox(message_id, 3)["recipients"], 1)
        ((devices,),) = (row.values() for row in self.bridge.rows(
            "SELECT l.devices FROM bridge_sealed AS m JOIN bridge_sealed_lists AS l USING (list)"
            " WHERE message_id = ?", message_id, name="whatsapp.db"))
        whose = {FRIEND: to, PHONE: self.mock.lid_of(PHONE) if migrated else f"{PHONE}@s.whatsapp.net"}
        self.assertIn(f"{whose[phone]}:0,{number}\n", devices)
        next_id = self.sent(FRIEND, "next")
        self.shown("next", phone, (0, number))
        self.assertEqual(self.wire(next_id), ([to], [0]))
        self.assertEqual(len(self.bridge.rows("SELECT 1 FROM messages WHERE content = 'revealed'")), 1)
        self.assert_no_flags(self.mock)

    def test_a_device_that_the_ack_reveals_has_the_message_too(self):
        self.revealed(FRIEND, 1)

    def test_a_device_of_ours_that_the_ack_reveals_has_the_message_too(self):
        self.revealed(PHONE, 2)

    def test_a_device_that_is_revealed_is_written_to_by_number(self):
        self.revealed(FRIEND, 1, migrated=False)

    def test_a_wrong_hash_is_no_reason_to_send_twice(self):
        self.start()
        self.mock.trouble(ack_phash=1)
        message_id = self.sent(FRIEND, "with a wrong hash")
        self.sent(FRIEND, "next")
        self.assertEqual(self.wire(message_id), ([self.lid], [0]))
        self.assertEqual(self.mock.admin("GET", "/flags?notes=1")["flags"], [])

    def test_hashes_that_nothing_explains_are_asked_about_once(self):
        self.start()
        self.sent(FRIEND, "first")
        before = self.mock.traced('xmlns="usync"')
        self.mock.trouble(ack_phash=10)
        for number in range(10):
            self.sent(FRIEND, f"with a wrong hash {number}")
        self.assertEqual(self.mock.traced('xmlns="usync"'), before + 1)

    def test_a_hash_without_our_own_device_is_no_news(self):
        """Clients differ in whether the sending device counts: neither form may cost a question per message."""
        self.start("--phash-without-sender")
        self.sent(FRIEND, "first")
        before = self.mock.traced('xmlns="usync"')
        for text in ("second", "third"):
            self.sent(FRIEND, text)
        self.assertEqual(self.mock.traced('xmlns="usync"'), before)


if __name__ == "__main__":
    unittest.main()
