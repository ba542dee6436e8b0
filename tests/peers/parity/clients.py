"""The clients under test behind one face: whatsmeow, whatsapp-rust, and the bridge."""

from harness.process import poll

from . import canonical

DIGEST_S = 30


class Whatsmeow:
    kind = "whatsmeow"

    def __init__(self, case, mock, phone):
        self.case, self.mock, self.phone = case, mock, phone
        self.peer = None

    def start(self):
        self.peer = self.case.start_peer(self.kind, self.mock, "under-test")
        self.peer.phone = self.phone

    def pair_by_qr(self):
        self.start()
        self.peer.pair_by_qr(self.phone)

    def pair_by_code(self):
        self.start()
        self.peer.pair_by_code(self.phone)

    def stop(self):
        self.peer.quit()

    def start_again(self):
        self.start()
        self.peer.connect()
        self.peer.wait_open()

    def send(self, to, text, mentions=()):
        """whatsmeow of 2026-08 turns the number of a private chat into its LID (P-SD-05), as the
        bridge does; the pinned one sends where it is told to."""
        if to.endswith("@s.whatsapp.net"):
            to = self.mock.lid_of(to.split("@")[0])
        return self.peer.send(to, text, mentions=list(mentions))


class WhatsappRust(Whatsmeow):
    kind = "whatsapp-rust"

    def digests(self):
        stanzas, _ = canonical.read_trace(self.mock.trace_path)
        return sum(one.sent and one.node.tag == "iq" and one.node.child("digest") is not None for one in stanzas)

    def and_digest(self, connect):
        """Its last step at a login is a question (P-LG-10), which comes after it has made and sent its keys:
        a silence of which nobody knows how long it takes."""
        before = self.digests()
        connect()
        poll(lambda: self.digests() > before, DIGEST_S, "whatsapp-rust asks for the digest of its keys")

    def pair_by_qr(self):
        self.and_digest(super().pair_by_qr)

    def start_again(self):
        self.and_digest(super().start_again)

    def send(self, to, text, mentions=()):
        return self.peer.send(to, text, mentions=list(mentions))


class OurBridge:
    kind = "bridge"

    def __init__(self, case, mock, phone):
        self.case, self.mock, self.phone = case, mock, phone
        self.bridge = None
        self.runs = 0

    def start(self):
        self.runs += 1
        store = self.bridge.store if self.bridge else None
        self.bridge = self.case.start_bridge(self.mock, self.phone, name=f"under-test-{self.runs}",
                                             store=store)
        self.bridge.wait_api()

    def pair_by_qr(self):
        self.start()
        self.bridge.pair_by_qr()

    def pair_by_code(self):
        self.start()
        self.bridge.wait_qr()
        code = self.bridge.post("/api/pair-code").json["code"]
        self.mock.enter_code(self.phone, code)
        self.bridge.wait_status("ok")

    def stop(self):
        self.bridge.stop()

    def start_again(self):
        self.start()
        self.bridge.wait_status("ok")

    def send(self, to, text, mentions=()):
        reply = self.bridge.send(to, text, **({"mentioned_jid": list(mentions)} if mentions else {}))
        if reply.status != 200:
            raise AssertionError(f"send to {to}: {reply}")
        return reply.json["message_id"]
