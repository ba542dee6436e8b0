"""Who may do what with whose messages: strangers, people who are not in the group, devices that nobody
has. wa-mock passes on what WhatsApp's server would perhaps refuse."""

import contextlib
import sqlite3
import unittest

from harness.case import Case

def field(number, value):
    """One field of a protobuf: bytes, text or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def revoke(chat, target, author=None):
    """A Message that deletes another one: one's own, or the author's."""
    key = field(1, chat) + field(2, int(author is None)) + field(3, target)
    if author:
        key += field(4, author)
    return field(12, field(1, key) + field(2, 0)).hex()


PHONE, FRIEND, OTHER, STRANGER = "27820000001", "27820001000", "27820001001", "27820001002"


class Authority(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--contacts", "3")
        self.bridge = self.start_bridge(self.mock, PHONE)
        self.bridge.pair_by_qr()
        self.group = self.mock.admin("POST", "/groups", {
            "subject": "Ours", "creator": FRIEND, "members": [PHONE, FRIEND, OTHER]})["jid"]
        health = self.bridge.health()
        self.jid, self.lid = health["jid"], health["lid"]

    def sent(self, to, text, **fields):
        reply = self.bridge.send(to, text, **fields)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["message_id"]

    def read_by(self, phone, message, device=0):
        """What a device of a scripted person got of a message of ours, first or again."""
        return [entry["text"] for entry in self.mock.admin(
            "GET", f"/contact/messages?phone={phone}&id={message}&device={device}")["messages"]]

    def asks(self, phone, message, device=0, group=None):
        self.mock.admin("POST", "/contact/retry", {
            "phone": phone, "device": device, "to": PHONE, "id": message, "group": group or ""})

    def handled(self):
        self.mock.wait_read(self.jid)

    def all_answered(self, count):
        """So many requests of devices are acked; what is sent again goes out before its ack."""
        self.bridge.poll(lambda: self.mock.traced('type="retry"/>') >= count, 20,
                         f"{count} requests are acked")

    def refused(self, kind):
        return self.bridge.health()["refused"][kind]

    def hidden(self, phone):
        return self.mock.admin("POST", "/contact/device", {"phone": phone, "action": "hide"})["device"]

    # ---- asking again ---------------------------------------------------------------------------

    def test_only_those_it_was_sent_to_get_a_message_again(self):
        hidden = self.hidden(FRIEND)
        private = self.sent(FRIEND, "private")
        to_all = self.sent(self.group, "to all")
        for number in (self.hidden(STRANGER), 0):
            self.asks(STRANGER, to_all, number, self.group)
        self.asks(STRANGER, private)
        self.asks(FRIEND, private, hidden)
        self.asks(FRIEND, to_all, hidden, self.group)
        self.all_answered(5)
        self.assertEqual(self.read_by(STRANGER, to_all), [])
        self.assertEqual(self.read_by(STRANGER, private), [])
        self.assertEqual(self.read_by(FRIEND, private, hidden), [])
        self.assertEqual(self.read_by(FRIEND, to_all, hidden), [])
        self.assertEqual(self.refused("retries"), 5)
        # A device that was linked since is in the server's list.
        devices = self.mock.admin("POST", "/contact/device", {"phone": OTHER, "action": "add"})["devices"]
        self.asks(OTHER, to_all, devices[-1], self.group)
        self.bridge.poll(lambda: self.read_by(OTHER, to_all, devices[-1]) == ["to all"], 20,
                         "a new device has the message")
        # Who was sent it gets it again, also after a restart.
        self.bridge.kill()
        self.start_again("again")
        before = len(self.read_by(FRIEND, private))
        self.asks(FRIEND, private)
        self.bridge.poll(lambda: len(self.read_by(FRIEND, private)) == before + 1, 20,
                         "the message came once more")
        self.asks(STRANGER, to_all, 0, self.group)
        self.all_answered(8)
        self.assertEqual(self.read_by(STRANGER, to_all), [])
        self.assert_no_flags(self.mock, PHONE)

    # ---- confirming -----------------------------------------------------------------------------

    def confirms(self, phone, message, kind):
        self.mock.admin("POST", "/contact/receipt", {
            "phone": phone, "to": self.group, "participant": self.lid, "id": message, "type": kind})

    def test_only_those_it_was_sent_to_confirm_a_message(self):
        for phone in (FRIEND, OTHER):
            self.mock.admin("POST", "/contact/script", {"phone": phone, "silent": True})
        message = self.sent(self.group, "to all", id="key")

        def row():
            entry = self.bridge.get("/api/outbox/key").json
            return entry["recipients"], entry["delivered_to"], entry["read_by"], entry["state"]
        self.assertEqual(row(), (2, 0, 0, "sent"))
        for kind in ("", "read"):
            self.confirms(STRANGER, message, kind)
        self.handled()
        self.assertEqual(row(), (2, 0, 0, "sent"))
        self.assertEqual(self.refused("receipts"), 2)
        self.confirms(FRIEND, message, "read")
        self.confirms(OTHER, message, "")
        self.handled()
        self.assertEqual(row(), (2, 2, 1, "delivered"))

    # ---- deleting -------------------------------------------------------------------------------

    def writes(self, phone, text):
        message = self.mock.contact_send(phone, self.group, text)["id"]
        self.bridge.wait_rows("SELECT 1 FROM messages WHERE content = ?", text)
        return message

    def revokes(self, phone, target, author=None, to=None):
        """With the mark of an admin, whoever it is."""
        author = author and self.mock.lid_of(author)
        return self.mock.admin("POST", "/contact/send", {
            "from": phone, "to": to or self.group, "edit": "8",
            "message_hex": revoke(to or self.group, target, author)})["id"]

    def deleted(self, message):
        return self.bridge.rows("SELECT revoked_at FROM messages WHERE id = ?", message)[0][
            "revoked_at"] is not None

    def wait_refused(self, request, target):
        """What was wanted is in a row of its own."""
        row = self.bridge.wait_rows("SELECT * FROM messages WHERE id = ?", request)[0]
        self.assertEqual((row["kind"], row["target_id"]), ("revoke", target))

    def test_only_authors_and_admins_delete(self):
        self.mock.admin("POST", "/contact/script", {"phone": STRANGER, "unruly": True})
        target = self.writes(FRIEND, "of an admin")
        other = self.writes(OTHER, "of a member")
        ours = self.sent(FRIEND, "ours")
        refused = [self.revokes(OTHER, target, FRIEND), self.revokes(STRANGER, target, FRIEND)]
        refused_ours = self.revokes(FRIEND, ours, PHONE, to=PHONE)
        self.writes(OTHER, "behind them")
        for message in (target, ours):
            self.assertFalse(self.deleted(message))
        for request in refused:
            self.wait_refused(request, target)
        self.wait_refused(refused_ours, ours)
        self.assertEqual(self.refused("changes"), 3)
        self.revokes(FRIEND, other, OTHER)  # who made the group
        self.bridge.poll(lambda: self.deleted(other), 20, "an admin deletes a member's message")
        self.revokes(FRIEND, target)
        self.bridge.poll(lambda: self.deleted(target), 20, "an author deletes his own")

    def test_in_an_unknown_group_the_list_decides(self):
        """The list cannot be had at first, and the bridge ends meanwhile."""
        target, other = self.writes(FRIEND, "of an admin"), self.writes(OTHER, "of a member")
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(self.bridge.store + "/whatsapp.db")) as db:
            db.executescript("DELETE FROM bridge_groups; DELETE FROM bridge_group_members;")
        self.start_again("forgetful")
        self.mock.trouble(ignore_iqs=True)
        refused = self.revokes(OTHER, target, FRIEND)
        self.revokes(FRIEND, other, OTHER)
        self.writes(OTHER, "behind them")
        self.assertFalse(self.deleted(target) or self.deleted(other))
        self.bridge.wait_rows("SELECT 1 FROM bridge_revokes", count=2, name="whatsapp.db")
        self.bridge.kill()
        self.mock.trouble(ignore_iqs=False)
        self.start_again("knowing")
        self.bridge.poll(lambda: self.deleted(other), 20, "the list names the admin")
        self.wait_refused(refused, target)
        self.assertFalse(self.deleted(target))
        self.assertEqual(self.bridge.rows("SELECT * FROM bridge_revokes", name="whatsapp.db"), [])

    def start_again(self, name):
        self.bridge = self.start_bridge(self.mock, PHONE, name=name, store=self.bridge.store)
        self.bridge.wait_status("ok")


if __name__ == "__main__":
    unittest.main()
