"""When a test may be skipped. A skipped test shows nothing: on a laptop that is said and counted, with CI=true it is a
failure. Two kinds of skips are none of CI's business, and are named here."""

import os

CI = os.environ.get("CI") == "true"
# The beginning of the reason of a test that only tools/test --full runs.
FULL_ONLY = "only with WB_TEST_FULL=1: "
# What no package and no right brings about: {class of tests: reason}.
MACHINE = {
    "test_secrets.SecretsTest": "where core files go, and whether there may be any, is for the host's kernel and the "
                                "container to say; these tests end with a skip after all that can be looked at",
}


def allowed(test_id, reason):
    """May CI go without it?"""
    return reason.startswith(FULL_ONLY) or any(test_id.startswith(name + ".") for name in MACHINE)
