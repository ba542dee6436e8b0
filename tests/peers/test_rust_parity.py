"""Stanza parity with whatsapp-rust, for what the pinned whatsmeow is too old for or does not do: how it asks
for what it cannot read and ends it, privacy tokens, the account's state, what a login consists of. See
docs/protocol/parity.md."""

import unittest

from parity import case, clients, compare, rust_scenarios


@case.with_tests
class RustParity(case.ParityCase):
    other = clients.WhatsappRust
    allowed = compare.LISTS["whatsapp-rust"]
    scenarios = rust_scenarios.ALL
    # It asks for each person's devices by number, and again after every private message, because its hash
    # of them leaves the sending device out; the bridge asks by LID, for all of them at once. The forms of
    # the bridge's questions are compared with whatsmeow's.
    left_out = ("iq usync",)


if __name__ == "__main__":
    unittest.main()
