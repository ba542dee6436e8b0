"""When a test may be skipped. A skipped test shows nothing: on a laptop the skip is reported and
counted, with CI=true it is a failure. Two kinds of skips are allowed in CI too, and are named
here."""

import os

CI = os.environ.get("CI") == "true"
# The beginning of the reason of a test that only tools/test --full runs.
FULL_ONLY = "only with WB_TEST_FULL=1: "
# Things that no package and no permission can provide: {class of tests: reason}.
MACHINE = {
    "test_secrets.SecretsTest": "where core files go, and whether there may be any, is for the host's kernel and the "
                                "container to say; these tests end with a skip after all that can be looked at",
}


def allowed(test_id, reason):
    """Whether CI accepts that this test is skipped."""
    return reason.startswith(FULL_ONLY) or any(test_id.startswith(name + ".") for name in MACHINE)
