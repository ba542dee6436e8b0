"""Stanza parity with whatsmeow: each scenario is run with whatsmeow and with the bridge, and what the
two sent is compared attribute by attribute. See docs/protocol/parity.md."""

import unittest

from harness.case import Case
from parity import clients, compare, scenarios


class Parity(Case):
    found = []
    ran = set()

    def both(self, scenario):
        name = scenario.__name__
        results = []
        for client in (clients.OurBridge, clients.Whatsmeow):
            run = scenarios.Run(self, client, *getattr(scenario, "mock_args", ()))
            scenario(run)
            results.append(run.result())
        found = compare.differences(name, *results)
        Parity.found += found
        Parity.ran.add(name)
        unexplained, _ = compare.judge(found, compare.load())
        if unexplained:
            self.fail(f"{len(unexplained)} differences without a reason:\n  "
                      + "\n  ".join(map(str, unexplained)))

    @classmethod
    def tearDownClass(cls):
        """A reason for a difference that is gone hides the next one."""
        if cls.ran != {scenario.__name__ for scenario in scenarios.ALL}:
            return
        _, stale = compare.judge(cls.found, compare.load())
        if stale:
            raise AssertionError("differences.json explains what does not happen:\n  "
                                 + "\n  ".join(map(str, stale)))


def _test(scenario):
    def test(self):
        self.both(scenario)
    test.__doc__ = scenario.__doc__
    return test


for _scenario in scenarios.ALL:
    setattr(Parity, "test_" + _scenario.__name__, _test(_scenario))


if __name__ == "__main__":
    unittest.main()
