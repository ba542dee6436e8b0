"""Clients that talk to each other: what tests with several of them share."""

from .case import Case

ALICE, BOB, CAROL, DAVE = "27820000011", "27820000012", "27820000013", "27820000014"


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
