/* group.h - groups as clients see them: metadata, membership changes and the news of them
 * (P-GR-01..16). */
#ifndef MOCK_SERVICE_GROUP_H
#define MOCK_SERVICE_GROUP_H

#include "tools/mock/core/mock.h"

/* Adds <group> with its participants to parent. */
struct node *group_node(struct mock *m, struct node *parent, const struct group *g);

enum group_change { GROUP_ADD, GROUP_REMOVE, GROUP_PROMOTE, GROUP_DEMOTE };

/* Changes membership and tells all members (and a removed one). by: who did it, NULL: nobody in
 * particular. Returns 0, or the 403/404/409 that WhatsApp puts into the participant's `error`. */
int group_change_member(struct mock *m, struct group *g, struct mock_account *by,
                        struct mock_account *who, enum group_change change);
/* Makes a group with members and tells them (w:gp2 create). NULL: no memory. */
struct group *group_create(struct mock *m, const char *subject, bool lid,
                           struct mock_account *creator, struct mock_account **members, size_t n);
/* group_create() in two steps: the first makes the group, the second tells its members. */
struct group *group_make(struct mock *m, const char *subject, bool lid,
                         struct mock_account *creator, struct mock_account **members, size_t n);
void group_tell_created(struct mock *m, struct group *g, struct mock_account *creator);
/* Sends <notification type=w:gp2> with one child to every member's devices. by may be NULL. */
void group_tell(struct mock *m, struct group *g, struct mock_account *by, struct node *child);
/* Adds a new account to the groups of --groups. */
void group_welcome(struct mock *m, struct mock_account *a);
/* Adds <participant> of one member to parent. */
struct node *group_participant(struct mock *m, struct node *parent, const struct group *g,
                               const struct mock_account *a, uint8_t rank);

#endif
