/* receive_people.h - what all tests of receiving share: who writes, a bridge for each test, looks
 * at what it sent. */
#ifndef TESTS_RECEIVE_PEOPLE_H
#define TESTS_RECEIVE_PEOPLE_H

#include "tests/unit/bridge/receive_fixture.h"

#define ALICE     "27820000011@s.whatsapp.net"
#define ALICE_LID "222000222@lid"
#define BOB       "27820000012@s.whatsapp.net"
#define BOB_LID   "333000333@lid"
#define GROUP     "120363000000000001@g.us"
#define OWN_PHONE "27820000001@s.whatsapp.net"

static inline int setup(void **state)
{
    struct receiver *r = malloc(sizeof *r);

    fixture_time = 1790000000;
    mono_now = 1000;
    receiver_init(r);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    receiver_free(*state);
    free(*state);
    return 0;
}

static inline void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static inline void hasnt(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in: %s", part, text);
}

static inline struct node *group_stanza(struct receiver *r, const char *who, const char *id)
{
    struct node *n = stanza(r, GROUP, id);

    attr_jid(r, n, "participant", who);
    return n;
}

#endif
