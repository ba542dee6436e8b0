"""The scenarios that are run with whatsapp-rust and with the bridge: some of whatsmeow's, and what only
newer clients do."""

from . import scenarios
from .scenarios import ANN, ME


def login_again(run):
    """A restart, with messages that came meanwhile."""
    scenarios.login_again(run)


# It comes online while it works off what waited for it: which of the receipts still say 'inactive' is chance.
login_again.left_out = ("receipt ",)


# More often than any client asks again.
TRIES_OF_NOBODY = 20


def own_copy_unreadable(run):
    """Our own phone writes to somebody; the copy for us cannot be read, however often it is sealed anew."""
    run.paired()
    run.mock.contact_send(ME, ANN, "before")
    run.settle()
    run.from_here()
    run.script(ME, corrupt=TRIES_OF_NOBODY)
    sent = run.mock.contact_send(ME, ANN, "can you read this?")["id"]
    run.wait_receipt(sent, "sender")


ALL = [login_again, scenarios.private_out, scenarios.group_out_lid, scenarios.group_out_pn,
       scenarios.they_cannot_read_keys, scenarios.they_cannot_read_group, scenarios.we_cannot_read_twice,
       own_copy_unreadable]
