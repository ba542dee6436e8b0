"""The scenarios, each written once and run with either client.

The other people are wa-mock's scripted contacts, and its randomness is seeded: both runs meet the
same people, numbers and server stanzas. A scenario ends when all has been quiet for a while
(what a client did not send cannot be waited for), after everything it names has happened.
"""

import os
import time

from harness.people import pn
from harness.process import poll

from . import canonical

ME, ANN, BEN = "27820000001", "27820001000", "27820001001"
PEOPLE = {ME: "ME", ANN: "ANN", BEN: "BEN"}
MOCK_ARGS = ("--seed", "7", "--contacts", "2")
QUIET_S, POLL_S, PATIENCE_S = 1.0, 0.1, 20


def receipt_ids(node):
    """The messages of a receipt: its own id, and those of its list."""
    items = node.child("list")
    return [node.attrs.get("id"), *(item.attrs.get("id") for item in (items.children if items else ()))]


class Run:
    """One client in one scenario."""

    def __init__(self, case, client_class, *mock_args):
        self.case = case
        self.mock = case.start_mock(*MOCK_ARGS, *mock_args, name="wa-mock-" + client_class.kind)
        self.client = client_class(case, self.mock, ME)
        self.begin = 0
        self.groups = {}
        self.read_before = {}

    # ---- what happens around the client -----------------------------------------------------------

    def unread(self):
        """What the client was sent and has not acked: it is busy, however quiet the wire is."""
        accounts = self.mock.admin("GET", "/state")["accounts"]
        return sum(device["queued"] for account in accounts if account["phone"] == ME
                   for device in account["devices"] if device["connected"])

    def settle(self):
        deadline = time.monotonic() + PATIENCE_S
        before, since = None, time.monotonic()
        while time.monotonic() < deadline:
            now = (os.path.getsize(self.mock.trace_path),
                   [len(self.messages(phone)) for phone in PEOPLE])
            if now != before or self.unread():
                before, since = now, time.monotonic()
            elif time.monotonic() - since > QUIET_S:
                return
            time.sleep(POLL_S)
        raise AssertionError("the client never falls silent")

    def poll(self, ask, what):
        return poll(ask, PATIENCE_S, f"{self.client.kind}: {what}")

    def paired(self):
        """A paired and settled client; what it did for that is another scenario's."""
        self.client.pair_by_qr()
        self.settle()
        self.from_here()

    def from_here(self):
        _, self.begin = canonical.read_trace(self.mock.trace_path)
        self.read_before = {phone: len(self.messages(phone)) for phone in PEOPLE}

    def messages(self, phone):
        try:
            return self.mock.contact_messages(phone)
        except AssertionError:
            return []  # the account is made by its pairing

    def wait_read(self, phone, message_id):
        self.poll(lambda: any(one["id"] == message_id for one in self.messages(phone)),
                  f"{PEOPLE[phone]} reads {message_id}")

    def sent(self, predicate):
        """Stanzas from the client that were seen since the scenario's begin."""
        stanzas, _ = canonical.read_trace(self.mock.trace_path, self.begin)
        return [one.node for one in stanzas if one.sent and predicate(one.node)]

    def wait_sent(self, predicate, what, count=1):
        self.poll(lambda: len(self.sent(predicate)) >= count, what)

    def wait_receipt(self, message_id, kind="delivery", count=1):
        """delivery: what phones show as two ticks; 'inactive' is its form while not 'available'."""
        kinds = (None, "inactive") if kind == "delivery" else (kind,)
        self.wait_sent(lambda node: node.tag == "receipt" and node.attrs.get("type") in kinds
                       and message_id in receipt_ids(node), f"{count} {kind} receipts for {message_id}",
                       count)

    def contact_writes(self, phone, to, text, kind="delivery", count=1, **fields):
        sent = self.mock.contact_send(phone, to, text, **fields)["id"]
        self.wait_receipt(sent, kind, count)
        return sent

    def client_writes(self, to, text, readers, mentions=()):
        sent = self.client.send(to, text, mentions)
        for phone in readers:
            self.wait_read(phone, sent)
        return sent

    def new_group(self, mode):
        made = self.mock.admin("POST", "/groups", {"subject": "Field team", "mode": mode,
                                                   "creator": ANN, "members": [ME, ANN, BEN]})
        self.groups[made["jid"].split("@")[0]] = "GROUP"
        self.settle()
        return made["jid"]

    def script(self, phone, **fields):
        self.mock.admin("POST", "/contact/script", {"phone": phone, **fields})

    # ---- what came of it ----------------------------------------------------------------------------

    def result(self):
        """{exchange: [canonical stanza]} of the scenario. Ends the client, and then its server."""
        self.settle()
        found = self.collect()
        self.client.stop()
        self.mock.process.stop()
        return found

    def collect(self):
        whole, _ = canonical.read_trace(self.mock.trace_path)
        part, _ = canonical.read_trace(self.mock.trace_path, self.begin)
        names = canonical.Names(whole, self.roles())
        found = canonical.exchanges(
            part, lambda label: label.startswith("new-") or label.split(":")[0] == ME, names)
        for phone, role in PEOPLE.items():
            news = self.messages(phone)[self.read_before.get(phone, 0):]
            if news:
                found[f"what {role} reads"] = [canonical.received(one, names) for one in news]
        return found

    def roles(self):
        roles = dict(PEOPLE)
        for phone, role in PEOPLE.items():
            roles[self.mock.lid_of(phone).split("@")[0]] = role
        roles.update(self.groups)
        return roles


# ---- pairing and logins --------------------------------------------------------------------------------


def pair_by_qr(run):
    """Registration, pairing, first login: everything until the client falls silent."""
    run.client.pair_by_qr()


def pair_by_code(run):
    run.client.pair_by_code()


def login_again(run):
    """A restart, with messages that came meanwhile: private, and in a group."""
    run.paired()
    group = run.new_group("lid")
    run.contact_writes(ANN, ME, "before")
    run.contact_writes(ANN, group, "before, to all")
    run.settle()
    run.client.stop()
    waiting = [run.mock.contact_send(ANN, ME, "while away 1")["id"],
               run.mock.contact_send(BEN, ME, "while away 2")["id"],
               run.mock.contact_send(ANN, group, "while away 3")["id"]]
    run.settle()
    run.from_here()
    run.client.start_again()
    for one in waiting:
        run.wait_receipt(one)


# ---- private messages --------------------------------------------------------------------------------


def private_out(run):
    """The first message to somebody sets up a session; then they answer, then it is used."""
    run.paired()
    run.client_writes(pn(ANN), "first", [ANN, ME])
    run.settle()
    run.client_writes(pn(ANN), "second", [ANN, ME])
    run.contact_writes(ANN, ME, "answer")
    run.client_writes(pn(ANN), "third", [ANN, ME])


def private_in(run):
    """Somebody writes first; then we answer."""
    run.paired()
    run.contact_writes(ANN, ME, "first")
    run.contact_writes(ANN, ME, "second")
    run.settle()
    run.client_writes(pn(ANN), "answer", [ANN, ME])


def private_in_pn(run):
    """The same, from somebody whom the server still addresses by phone number."""
    run.paired()
    run.contact_writes(ANN, ME, "first", pn=True)
    run.settle()
    run.client_writes(pn(ANN), "answer", [ANN, ME])


# ---- groups ------------------------------------------------------------------------------------------


def _group_out(run, mode):
    run.paired()
    group = run.new_group(mode)
    run.client_writes(group, "first", [ANN, BEN])
    run.settle()
    run.client_writes(group, "second", [ANN, BEN])


def group_out_lid(run):
    _group_out(run, "lid")


def group_out_pn(run):
    _group_out(run, "pn")


def _group_in(run, mode):
    run.paired()
    group = run.new_group(mode)
    run.contact_writes(ANN, group, "first")
    run.contact_writes(ANN, group, "second")
    run.contact_writes(BEN, group, "another")


def group_in_lid(run):
    _group_in(run, "lid")


def group_in_pn(run):
    _group_in(run, "pn")


def _mention(run, mode):
    run.paired()
    group = run.new_group(mode)
    person = pn(ANN) if mode == "pn" else run.mock.lid_of(ANN)
    run.client_writes(group, f"@{person.split('@')[0]} please look", [ANN, BEN], [person])


def mention_lid(run):
    _mention(run, "lid")


def mention_pn(run):
    _mention(run, "pn")


# ---- what the network does ---------------------------------------------------------------------------


def delivered_twice_private(run):
    """The server delivers a stanza again, as it does when an ack was lost."""
    run.paired()
    run.contact_writes(ANN, ME, "before")
    run.settle()
    run.mock.trouble(duplicate_stanzas=1)
    run.contact_writes(ANN, ME, "twice", count=2)


def delivered_twice_group(run):
    run.paired()
    group = run.new_group("lid")
    run.contact_writes(ANN, group, "before")
    run.settle()
    run.mock.trouble(duplicate_stanzas=1)
    run.contact_writes(ANN, group, "twice", count=2)


def server_ping(run):
    """The server asks whether we are there."""
    run.paired()
    run.poll(lambda: any(one.node.attrs.get("xmlns") == "urn:xmpp:ping" and not one.sent
                         for one in canonical.read_trace(run.mock.trace_path, run.begin)[0]),
             "the server's ping")


server_ping.mock_args = ("--ping-ms", "3000")


# ---- retries -----------------------------------------------------------------------------------------


def they_cannot_read_private(run):
    """A new reader asks again for our first message, and gets it."""
    run.paired()
    run.script(ANN, refuse=1)
    run.client_writes(pn(ANN), "can you read this?", [ANN])


def they_cannot_read_keys(run):
    """The same with a new key bundle in the receipt."""
    run.paired()
    run.client_writes(pn(ANN), "before", [ANN])
    run.settle()
    run.script(ANN, refuse=1, refuse_with_keys=True)
    run.client_writes(pn(ANN), "can you read this?", [ANN])


def they_cannot_read_group(run):
    run.paired()
    group = run.new_group("lid")
    run.script(ANN, refuse=1)
    run.client_writes(group, "can you read this?", [ANN, BEN])


def we_cannot_read_private(run):
    run.paired()
    run.contact_writes(ANN, ME, "before")
    run.script(ANN, corrupt=1)
    sent = run.contact_writes(ANN, ME, "can you read this?", kind="retry")
    run.wait_receipt(sent)


def we_cannot_read_twice(run):
    """The second request brings new keys, so that the sender can set up the session anew."""
    run.paired()
    run.contact_writes(ANN, ME, "before")
    run.script(ANN, corrupt=2)
    sent = run.contact_writes(ANN, ME, "can you read this?", kind="retry", count=2)
    run.wait_receipt(sent)


def we_cannot_read_group(run):
    run.paired()
    group = run.new_group("lid")
    run.contact_writes(ANN, group, "before")
    run.script(ANN, corrupt=1)
    sent = run.contact_writes(ANN, group, "can you read this?", kind="retry")
    run.wait_receipt(sent)


ALL = [pair_by_qr, pair_by_code, login_again, private_out, private_in, private_in_pn, group_out_lid,
       group_out_pn, group_in_lid, group_in_pn, mention_lid, mention_pn, delivered_twice_private,
       delivered_twice_group, server_ping, they_cannot_read_private,
       they_cannot_read_keys, they_cannot_read_group, we_cannot_read_private, we_cannot_read_twice,
       we_cannot_read_group]
