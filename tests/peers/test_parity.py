"""Stanza parity with whatsmeow: each scenario is run with whatsmeow and with the bridge, and what the
two sent is compared attribute by attribute. See docs/protocol/parity.md."""

import unittest

from parity import case, clients, compare, scenarios


@case.with_tests
class Parity(case.ParityCase):
    other = clients.Whatsmeow
    allowed = compare.LIST
    scenarios = scenarios.ALL


if __name__ == "__main__":
    unittest.main()
