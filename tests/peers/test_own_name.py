"""Another companion of the same account (Baileys, whatsmeow) writes its name into app state: the bridge reads what
they have sealed, and so does the phone of wa-mock, which flags a wrong MAC."""

import unittest

from harness.people import ALICE, PeersCase


class OwnName(PeersCase):
    def test_a_companion_sets_the_name(self):
        mock = self.start_mock()
        bridge = self.start_bridge(mock, ALICE)
        bridge.pair_by_qr()
        for kind in ("whatsmeow", "baileys"):
            peer = self.pair(mock, kind, ALICE)
            for number in range(2):  # the second replaces a value
                name = f"{kind} \N{LATIN SMALL LETTER E WITH ACUTE} {number}"
                with self.subTest(name):
                    peer.call("setName", name=name)
                    bridge.poll(lambda: bridge.health().get("push_name") == name, 30, f"the name {name}")
        self.assert_no_flags(mock)


if __name__ == "__main__":
    unittest.main()
