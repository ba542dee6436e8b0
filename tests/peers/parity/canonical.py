"""The canonical form of what a client sent.

Two runs of one scenario have different ids, keys, ciphertexts and times. Each such value becomes
what it is ('<own message id #1 to GUEST@s.whatsapp.net>', '<32 bytes>', '<time>'), so that what is left
must be equal. An id keeps its identity: a receipt that names the wrong message differs.
"""

import collections
import json
import re
import xml.parsers.expat

from . import protobuf, schemas

HEX = re.compile(r"(?:[0-9a-f]{2})+")
DIGITS = re.compile(r"\d{6,}")
TIMES = {"t", "timestamp", "ts", "expiration", "creation"}
IDS = {"id", "sid", "stanza-id"}
# Lists whose order has no meaning on this wire: clients fill them from hash tables.
UNORDERED = {"participants", "list", "query", "item"}
SIGNAL_VERSION = 0x33
MAC_BYTES, SIGNATURE_BYTES = 8, 64


class Node:
    """A stanza or a part of one; protobufs inside stanzas become nodes as well."""

    def __init__(self, tag, attrs=None, text="", children=None):
        self.tag = tag
        self.attrs = attrs or {}
        self.text = text
        self.children = children or []

    def child(self, *path):
        node = self
        for tag in path:
            node = next((child for child in node.children if child.tag == tag), None)
            if node is None:
                return None
        return node

    def show(self):
        attrs = "".join(f" {name}={value}" for name, value in sorted(self.attrs.items()))
        inner = self.text + "".join(child.show() for child in self.children)
        return f"<{self.tag}{attrs}>{inner}</>" if inner else f"<{self.tag}{attrs}/>"


def parse(xml_text):
    """xmlns is an ordinary attribute here, and tags may hold a colon: no namespaces."""
    top, stack = [], []

    def start(tag, attrs):
        node = Node(tag, dict(attrs))
        (stack[-1].children if stack else top).append(node)
        stack.append(node)

    def text(data):
        stack[-1].text += data

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: stack.pop()
    parser.CharacterDataHandler = text
    parser.Parse(xml_text, True)
    return top[0]


class Stanza:
    """One line of wa-mock's trace. sent: by the client."""

    def __init__(self, sent, client, node):
        self.sent = sent
        self.client = client
        self.node = node


def read_trace(path, start=0, end=None):
    """Stanzas of whole lines from byte `start` on, and the byte after the last of them."""
    with open(path, "rb") as file:
        file.seek(start)
        data = file.read() if end is None else file.read(end - start)
    data = data[:data.rfind(b"\n") + 1]
    stanzas = []
    for line in data.splitlines():
        entry = json.loads(line)
        stanzas.append(Stanza(entry["dir"] == "in", entry["client"], parse(entry["xml"])))
    return stanzas, start + len(data)


def unhex(node):
    return bytes.fromhex(node.text)


def asks(node):
    """Does a server stanza want an answer? Its id is the server's; that of an iq's answer is not."""
    if node.tag == "iq":
        return node.attrs.get("type") in ("get", "set")
    return node.tag in ("message", "notification", "receipt", "call")


class Names:
    """Symbols for ids, JIDs and times, from both directions of one run."""

    def __init__(self, stanzas, roles):
        self.roles = roles
        self.from_server = {}
        self.server_times = {}
        self.own = {}
        self.requests = {}
        counts = collections.Counter()
        for stanza in stanzas:
            node = stanza.node
            number = node.attrs.get("id")
            if not number or number in self.from_server or number in self.own:
                continue
            if stanza.sent and node.tag == "message":
                to = self.people(node.attrs.get("to", ""))
                counts["own", to] += 1
                self.own[number] = f"own message #{counts['own', to]} to {to}"
            elif stanza.sent and node.tag == "iq" and node.attrs.get("type") in ("get", "set"):
                self.own[number] = "own iq"
            elif not stanza.sent and asks(node):
                what = self.describe(node)
                counts[what] += 1
                many = node.attrs.get("xmlns") == "urn:xmpp:ping"
                self.from_server[number] = what if many else f"{what} #{counts[what]}"
                self.requests[number] = what
                self.server_times[number] = node.attrs.get("t")

    def describe(self, node):
        words = [node.attrs[name] for name in ("type", "category", "xmlns") if name in node.attrs]
        if node.tag == "iq" and node.children:
            words.append(node.children[0].tag)
        sender = self.people(node.attrs.get("from", ""))
        return " ".join(["server's", node.tag, *words, "from", sender])

    def people(self, text):
        return DIGITS.sub(lambda found: self.roles.get(found.group(), found.group()), text)

    def id(self, value):
        if value in self.from_server:
            return f"<id of {self.from_server[value]}>"
        if value not in self.own:
            return "<id>"
        if self.own[value] == "own iq":
            return "<id of own iq>"
        form = "3EB0+18 hex digits" if re.fullmatch(r"3EB0[0-9A-F]{18}", value) else "other form"
        return f"<id of {self.own[value]}, {form}>"

    def time(self, node, name, value):
        if not value.isdigit():
            return value
        if node.tag == "retry" and name == "t":
            # The time of the message that is asked for again, not of the asking.
            same = self.server_times.get(node.attrs.get("id")) == value
            return "<t of that message>" if same else "<another time>"
        return "<time>"


def _protobuf_nodes(fields):
    return [Node(name, text=value) if isinstance(value, str)
            else Node(name, children=_protobuf_nodes(value)) for name, value in fields]


def _message_nodes(fields, names):
    nodes = _protobuf_nodes(fields)

    def rename(node):
        node.text = names.people(node.text)
        for child in node.children:
            rename(child)
    for node in nodes:
        rename(node)
    return nodes


class Canonical:
    def __init__(self, names):
        self.names = names

    def stanza(self, node):
        if node.tag == "client-payload":
            fields = protobuf.tree(unhex(node), schemas.CLIENT_PAYLOAD)
            return Node(node.tag, children=_message_nodes(fields, self.names))
        return self.node(node, ())

    def node(self, node, path):
        path = path + (node.tag,)
        attrs = {name: self.attr(node, name, value) for name, value in node.attrs.items()}
        made = Node(node.tag, attrs)
        if node.children:
            made.children = self.children(node, path)
        elif node.text:
            self.content(node, path, made)
        return made

    def attr(self, node, name, value):
        if name in TIMES:
            return self.names.time(node, name, value)
        if name == "phash":
            return re.sub(r"^(\d+):.{8}$", r"<\1:hash>", value)
        if name in IDS and node.tag != "item":
            return self.names.id(value)
        return self.names.people(value)

    def children(self, node, path):
        if path == ("iq", "list") and node.children[0].tag == "key":
            return self.prekeys(node)
        children = [self.node(child, path) for child in node.children]
        if node.tag in UNORDERED:
            children.sort(key=lambda child: (child.tag, child.attrs.get("jid", ""), child.show()))
        return children

    @staticmethod
    def prekeys(node):
        """812 uploaded prekeys are one fact: how many, from which id, without a gap, of which form."""
        ids = [int(key.child("id").text, 16) for key in node.children]
        sizes = {(len(unhex(key.child("id"))), len(unhex(key.child("value")))) for key in node.children}
        rising = ids == list(range(ids[0], ids[0] + len(ids)))
        return [Node("count", text=str(len(ids))), Node("first", text=str(ids[0])),
                Node("ids", text="each one more" if rising else "not in order"),
                Node("sizes", text=str(sorted(sizes)))]

    def content(self, node, path, made):
        text = node.text
        if not HEX.fullmatch(text):
            made.text = self.names.people(text)
        elif node.tag == "enc":
            made.children = enc_nodes(node.attrs.get("type"), unhex(node))
        elif node.tag == "device-identity":
            made.children = _protobuf_nodes(protobuf.tree(unhex(node), schemas.DEVICE_IDENTITY))
        elif path[-2:] == ("skey", "id") or node.tag == "type":
            made.text = "0x" + text
        else:
            made.text = self.plain(unhex(node))

    def plain(self, data):
        words = protobuf.printable(data)
        if words is not None and len(data) != 4:  # registration ids are 4 bytes of any value
            return repr(self.names.people(words))
        return f"<{len(data)} bytes>"


def enc_nodes(kind, data):
    """The parts of a ciphertext that are in the clear: versions, counters, key ids and sizes."""
    if data[0] != SIGNAL_VERSION:
        return [Node("version", text=hex(data[0]))]
    if kind == "pkmsg":
        fields = protobuf.fields(data[1:])
        inner = next(value for number, value in fields if number == 4)
        rest = [(name, value) for name, value in protobuf.tree(data[1:], schemas.PREKEY_MESSAGE)
                if name != "#4"]
        return _protobuf_nodes(rest) + [Node("message", children=enc_nodes("msg", inner))]
    if kind == "skmsg":
        return _protobuf_nodes(protobuf.tree(data[1:-SIGNATURE_BYTES], schemas.SENDER_KEY_MESSAGE))
    return _protobuf_nodes(protobuf.tree(data[1:-MAC_BYTES], schemas.SIGNAL_MESSAGE))


def exchange(node, names):
    """What a stanza belongs to. Order is compared within an exchange, not between them."""
    attrs = node.attrs
    if node.tag == "iq":
        if attrs.get("type") in ("result", "error"):
            return "answer to " + names.requests.get(attrs.get("id"), "an unknown iq")
        inner = node.children[0].tag if node.children else ""
        return " ".join(["iq", attrs.get("xmlns", ""), attrs.get("type", ""), inner]).strip()
    if node.tag == "message":
        return "message to " + names.people(attrs.get("to", ""))
    if node.tag == "receipt":
        return f"receipt {attrs.get('type', 'delivery')} to {names.people(attrs.get('to', ''))}"
    if node.tag == "ack":
        kind = " ".join(filter(None, [attrs.get("class"), attrs.get("type")]))
        return f"ack {kind} to {names.people(attrs.get('to', ''))}"
    return node.tag


def received(record, names):
    """What a scripted person read: the protobuf, and the attributes its phone saw."""
    fields = protobuf.tree(bytes.fromhex(record["message"]), schemas.MESSAGE)
    attrs = {name: names.people(record[name] or "") for name in ("chat", "type", "edit", "category")}
    attrs["id"] = names.id(record["id"])
    return Node("read", attrs, children=_message_nodes(fields, names))


# How many there are depends on how long a run takes: pings of ours, and answers to the server's.
KEEPALIVE = "iq w:p get"
# whatsmeow sends each receipt and ack from a goroutine of its own (receipt.go backgroundIfAsyncAck and
# maybeDeferredAck, SynchronousAck being off; message.go 'go cli.sendProtocolMessageReceipt' and 'go
# cli.sendRetryReceipt'): their order among themselves is that of Go's scheduler.
ANY_ORDER = ("receipt ", "ack ")
PONG = "answer to server's iq get urn:xmpp:ping from s.whatsapp.net"


def exchanges(stanzas, client, names):
    """{exchange: [canonical stanza]} of what the client (a predicate of labels) sent."""
    found = collections.OrderedDict()
    form = Canonical(names)
    for stanza in stanzas:
        if not stanza.sent or not client(stanza.client):
            continue
        name = exchange(stanza.node, names)
        if name == KEEPALIVE or (name == PONG and name in found):
            continue
        found.setdefault(name, []).append(form.stanza(stanza.node))
    for name in found:
        if name.startswith(ANY_ORDER):
            found[name].sort(key=Node.show)
    return found
