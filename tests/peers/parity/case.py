"""Runs scenarios with the bridge and with another client, and demands that both send the same."""

from harness.case import Case

from . import clients, compare, scenarios


class ParityCase(Case):
    """other: the client that the bridge is compared with; allowed: the list of differences that are meant;
    left_out: beginnings of the names of exchanges that are not compared."""

    other = None
    allowed = None
    left_out = ()
    scenarios = []
    found = ran = None

    @classmethod
    def setUpClass(cls):
        cls.found, cls.ran = [], set()

    def both(self, scenario):
        name = scenario.__name__
        results = []
        for client in (clients.OurBridge, self.other):
            run = scenarios.Run(self, client, *getattr(scenario, "mock_args", ()))
            scenario(run)
            results.append({exchange: stanzas for exchange, stanzas in run.result().items()
                            if not exchange.startswith((*self.left_out, *getattr(scenario, "left_out", ())))})
        found = compare.differences(name, *results)
        self.found.extend(found)
        self.ran.add(name)
        unexplained, _ = compare.judge(found, compare.load(self.allowed))
        if unexplained:
            self.fail(f"{len(unexplained)} differences without a reason:\n  "
                      + "\n  ".join(map(str, unexplained)))

    @classmethod
    def tearDownClass(cls):
        """A reason for a difference that is gone hides the next one."""
        if cls.ran != {scenario.__name__ for scenario in cls.scenarios}:
            return
        _, stale = compare.judge(cls.found, compare.load(cls.allowed))
        if stale:
            raise AssertionError(f"{cls.allowed.name} explains what does not happen:\n  "
                                 + "\n  ".join(map(str, stale)))


def with_tests(case):
    """Gives a ParityCase one test per scenario."""
    def test_of(scenario):
        def test(self):
            self.both(scenario)
        test.__doc__ = scenario.__doc__
        return test
    for scenario in case.scenarios:
        setattr(case, "test_" + scenario.__name__, test_of(scenario))
    return case
