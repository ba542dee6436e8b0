/* group_parse.h - reads the server's stanzas about groups into values (P-GR-03..05, P-GR-14). No
 * effects. */
#ifndef BRIDGE_GROUPS_GROUP_PARSE_H
#define BRIDGE_GROUPS_GROUP_PARSE_H

#include "proto/node.h"
#include "store/session/groups.h"

/* A <group>: attributes, flags, members. Members without a readable address are left out and
 * counted in *ret_odd. MALFORMED: no readable id; TOO_LARGE over STORE_GROUP_MEMBERS_MAX; NOMEM.
 * updated_at and left are not set. */
enum wb_err group_parse(const struct node *group, struct arena *a, struct store_group *ret_group,
                        size_t *ret_odd) WB_MUST_CHECK;

/* One <participant>, with LID and number as far as the stanza has them. MALFORMED: no person. */
enum wb_err group_parse_member(const struct node *participant,
                               struct store_group_member *ret_member) WB_MUST_CHECK;

/* The <participant>s below n, in the arena; unreadable ones are left out and counted in
 * *ret_odd. */
enum wb_err group_parse_members(const struct node *n, struct arena *a,
                                struct store_group_member **ret_members, size_t *ret_n,
                                size_t *ret_odd) WB_MUST_CHECK;

/* A subject as the store keeps it: cut at a character, "" when it is not UTF-8. */
void group_parse_subject(struct span text, char out[static STORE_NAME_MAX + 1]);
/* Seconds of <ephemeral expiration=>; 0 (off) when n is NULL or has none. */
uint32_t group_parse_ephemeral(const struct node *ephemeral);

#endif
