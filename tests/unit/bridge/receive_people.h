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

/* For cmocka: a bridge for each test. */
int setup(void **state);

/* For cmocka: frees the bridge. */
int teardown(void **state);

/* The text must contain the part. */
void has(const char *text, const char *part);

/* The text must not contain the part. */
void hasnt(const char *text, const char *part);

/* A <message> of the group from this participant. */
struct node *group_stanza(struct receiver *r, const char *who, const char *id);

#endif
