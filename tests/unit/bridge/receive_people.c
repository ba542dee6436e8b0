/* receive_people.c - see receive_people.h. */
#include "tests/unit/bridge/receive_people.h"

int setup(void **state)
{
    struct receiver *r = malloc(sizeof *r);

    fixture_time = 1790000000;
    mono_now = 1000;
    receiver_init(r);
    *state = r;
    return 0;
}

int teardown(void **state)
{
    receiver_free(*state);
    free(*state);
    return 0;
}

void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

void hasnt(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in: %s", part, text);
}

struct node *group_stanza(struct receiver *r, const char *who, const char *id)
{
    struct node *n = stanza(r, GROUP, id);

    attr_jid(r, n, "participant", who);
    return n;
}
