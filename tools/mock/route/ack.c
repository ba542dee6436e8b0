#include "tools/mock/route/ack.h"

#include "tools/mock/devices/deliver.h"

/* A client may ask for the copy of its own message so often before it must end it with a receipt.
 * The real server waits some 50 minutes before it closes the stream. */
enum { OWN_COPY_TRIES = 4 };

static bool known_class(const char *cls)
{
    static const char *const classes[] = {"message", "receipt", "notification", "call", "status"};

    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strcmp(cls, classes[i]) == 0)
            return true;
    }
    return false;
}

void ack_from_client(struct client *c, const struct node *ack)
{
    struct mock *m = c->m;
    const char *cls = mock_attr(m, ack, "class"), *id = mock_attr(m, ack, "id");
    const char *wrong = NULL;
    unsigned acks = 0;

    if (!known_class(cls) || id[0] == '\0')
        wrong = "class and id are needed";
    else if (!node_has_attr(ack, "to"))
        wrong = "no to";
    else if (node_attr_is(ack, "type", "delivery"))
        wrong = "type=delivery does not exist (P-RC-27)";
    else if (strcmp(cls, "message") == 0 && !node_has_attr(ack, "error") &&
             deliver_own_copy_acked(c->device, id, &acks))
        wrong = acks > OWN_COPY_TRIES ? "an own copy is ended by a receipt of type sender" : NULL;
    else if (!deliver_acked(c->device, cls, id))
        wrong = "nothing with this id was sent";
    if (!wrong)
        return;
    mock_flag(m, c->label, "wrong-ack", ack, "%s", wrong);
    if (m->cfg.strict_close || acks > OWN_COPY_TRIES)
        client_stream_error(c, "500", NULL);
}
