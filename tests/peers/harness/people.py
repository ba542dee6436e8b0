"""Clients that talk to each other: shared by the tests with several clients."""

from .case import Case

ALICE, BOB, CAROL, DAVE = "27820000011", "27820000012", "27820000013", "27820000014"
BRIDGE = "27820000001"
# One client of each kind; both write to the bridge.
KINDS = (("whatsmeow", ALICE), ("baileys", BOB))


def pn(phone):
    return phone + "@s.whatsapp.net"


def user(jid):
    """'2782…:3@s.whatsapp.net' -> '2782…@s.whatsapp.net'"""
    left, _, server = jid.partition("@")
    return left.split(":")[0].split("_")[0] + "@" + server


class PeersCase(Case):
    def pair(self, mock, kind, phone, by="qr", name=None):
        peer = self.start_peer(kind, mock, name)
        opened = peer.pair_by_qr(phone) if by == "qr" else peer.pair_by_code(phone)
        self.assertEqual(user(opened["jid"]), pn(phone))
        self.assertTrue(opened["lid"].endswith("@lid"), opened)
        return peer

    def restart(self, peer):
        """A new process with the store of a client that has ended."""
        again = self.start_peer(peer.kind, peer.mock, peer.name)
        again.phone = peer.phone
        again.connect()
        again.wait_open()
        return again

    def exchange(self, sender, receiver, to, text, chat_is=None, **fields):
        """sender -> receiver, which must read the text once, from the right person."""
        sent = sender.send(to, text, **fields)
        got = receiver.wait_text(text)
        self.assertEqual(got["id"], sent)
        self.assertIn(user(got["from"]), (pn(sender.phone), user(sender.lid)))
        if chat_is:
            self.assertEqual(got["chat"], chat_is)
        else:
            self.assertIn(user(got["chat"]), (pn(sender.phone), user(sender.lid)))
        self.assertEqual(len(receiver.seen("message", id=sent)), 1)
        sender.wait("receipt", type="delivery", where=lambda e: sent in e["ids"])
        return got

    def talk(self, one, other, tag=""):
        """Several messages each way: the first sets up the session, later ones use it."""
        self.exchange(one, other, pn(other.phone), f"{tag} hello {other.phone}")
        self.exchange(other, one, pn(one.phone), f"{tag} hello back")
        self.exchange(one, other, pn(other.phone), f"{tag} again")
        self.exchange(other, one, pn(one.phone), f"{tag} and again \N{WAVING HAND SIGN}")

    def group_of_three(self, mock, owner_kind, *options):
        kinds = {ALICE: owner_kind, BOB: "baileys", CAROL: "whatsmeow"}
        people = [self.pair(mock, kind, phone, name=f"{kind}-{phone}")
                  for phone, kind in kinds.items()]
        owner, *others = people
        made = owner.call("createGroup", name="Field team",
                          participants=[pn(peer.phone) for peer in others])
        group = made["group"]
        for peer in others:
            peer.wait("group", group=group, action="joined")
        return people, group

    def talk_in_group(self, people, group, tag=""):
        for number in range(2):  # the first message hands out sender keys, the second does not
            for sender in people:
                text = f"{tag} {sender.phone} says {number}"
                sent = sender.send(group, text)
                for receiver in people:
                    if receiver is sender:
                        continue
                    got = receiver.wait_text(text, chat=group)
                    self.assertEqual(got["id"], sent)
                    self.assertIn(user(got["from"]), (pn(sender.phone), user(sender.lid)))


class BridgeCase(PeersCase):
    """The bridge, paired, and peers around it."""

    MESSAGE = "SELECT * FROM messages WHERE id = ? AND chat_jid = ?"

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.bridge = self.start_bridge(self.mock, BRIDGE)
        self.bridge.pair_by_qr()

    def join(self, kind, phone):
        return self.pair(self.mock, kind, phone, name=f"{kind}-{phone}")

    def group_with_bridge(self):
        """A group of one client of each kind and the bridge; all of them know of it."""
        people = [self.join(*one) for one in KINDS]
        group = people[0].call("createGroup", name="Field team",
                               participants=[pn(BOB), pn(BRIDGE)])["group"]
        people[1].wait("group", group=group, action="joined")
        self.bridge.poll(lambda: any(one["jid"] == group
                                     for one in self.bridge.get("/api/groups").json["groups"]),
                         20, "the bridge knows the group")
        return people, group

    def start_again(self):
        self.bridge = self.start_bridge(self.mock, BRIDGE, store=self.bridge.store,
                                        name=self.bridge.name + "+")
        self.bridge.wait_status("ok")

    def captured(self, message_id, chat):
        """The one row of a message in messages.db."""
        rows = self.bridge.wait_rows(self.MESSAGE, message_id, chat)
        self.assertEqual(len(rows), 1)
        return rows[0]

    def to_bridge(self, peer, text, chat=None, readers=(), **fields):
        """peer -> the bridge, and the other people of the chat.

        All must have read it before anybody writes again: Baileys (7.0.0-rc14) that gets somebody's first
        message while it sets up a session to them for a send loses that session. libsignal's
        queue_job.js runs the send's initOutgoing in the async context of the decryption, so that
        auth-utils.js puts the session into the decryption's transaction; the send has noted 'no session'
        and leaves the device out (messages-send.js createParticipantNodes: 'Failed to encrypt for
        recipient', 'No sessions'), which wa-mock sees as forgotten-device."""
        sent = peer.send(chat or pn(BRIDGE), text, **fields)
        row = self.captured(sent, chat or pn(peer.phone))
        self.assertEqual(row["content"], text)
        self.assertEqual((row["sender"], row["is_from_me"], row["state"]), (peer.phone, 0, ""))
        peer.wait("receipt", where=lambda e: sent in e["ids"] and e["type"] == "delivery")
        for reader in readers:
            if reader is not peer:
                reader.wait("message", id=sent, text=text)
        return row
