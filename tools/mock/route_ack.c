#include "tools/mock/deliver.h"
#include "tools/mock/session.h"

static bool known_class(const char *cls)
{
    static const char *const classes[] = {"message", "receipt", "notification", "call"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strcmp(cls, classes[i]) == 0)
            return true;
    }
    return false;
}

void session_ack(struct conn *c, const struct node *ack)
{
    struct mock *m = c->m;
    const char *cls = mock_attr(m, ack, "class"), *id = mock_attr(m, ack, "id");
    const char *wrong = NULL;
    if (!known_class(cls) || id[0] == '\0')
        wrong = "class and id are needed";
    else if (!node_has_attr(ack, "to"))
        wrong = "no to";
    else if (node_attr_is(ack, "type", "delivery"))
        wrong = "type=delivery does not exist (P-RC-27)";
    else if (!deliver_acked(c->device, cls, id))
        wrong = "nothing with this id was sent";
    if (wrong == NULL)
        return;
    mock_flag(m, c->label, "wrong-ack", ack, "%s", wrong);
    if (m->cfg.strict_close)
        conn_stream_error(c, "500", NULL);
}
