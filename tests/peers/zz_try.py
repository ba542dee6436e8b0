import unittest
from harness.case import Case
from test_bridge_peers import *
import test_bridge_peers as T

class Try(T.BridgeAndPeers):
    def from_bridge(self, *a, **k):
        pass
    def check_mentions_out(self, *a): pass
    def test_private(self):
        for kind, phone in (("whatsmeow", ALICE), ("baileys", BOB)):
            with self.subTest(kind):
                peer = self.pair(kind, phone)
                self.to_bridge(peer, f"{kind} writes first")
                self.to_bridge(peer, f"{kind} again \N{WAVING HAND SIGN}")
                self.to_bridge(peer, f"{kind} again 3")
        self.assert_no_flags(self.mock)
del T.BridgeAndPeers, BridgeAndPeers
