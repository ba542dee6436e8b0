/* groups.h - groups as the server last described them. */
#ifndef STORE_SESSION_GROUPS_H
#define STORE_SESSION_GROUPS_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/session/limits.h"

enum store_group_rank { STORE_MEMBER, STORE_ADMIN, STORE_SUPERADMIN };
enum store_group_kind {
    STORE_GROUP_ORDINARY,     /* by itself, or linked to a community */
    STORE_GROUP_COMMUNITY,    /* the parent of such groups: nobody can write to it */
    STORE_GROUP_ANNOUNCEMENT, /* the group of a community that all of its people are in */
};
enum store_addressing { STORE_ADDRESSING_PN, STORE_ADDRESSING_LID };

struct store_group_member {
    struct jid lid; /* JID_NONE when unknown; at least one of both is set */
    struct jid pn;
    enum store_group_rank rank;
};

struct store_group {
    struct jid jid;
    char subject[STORE_NAME_MAX + 1];
    enum store_addressing addressing;
    uint32_t ephemeral_s; /* disappearing messages, 0: off */
    bool announce;        /* only admins write */
    bool left;            /* we are no longer in it */
    enum store_group_kind kind;
    struct jid parent;  /* the community that it is linked to; JID_NONE: none */
    char version[64];   /* the server's participant version or hash, "" when unknown */
    int64_t updated_at; /* unix seconds */
    struct store_group_member *members; /* in the arena; NULL and 0 from store_groups_list() */
    size_t nmembers;
};

/* NOT_FOUND. */
enum wb_err store_group_get(struct store *s, const struct jid *group, struct arena *a,
                            struct store_group *ret) WB_MUST_CHECK;
/* All but the members: NULL and 0. NOT_FOUND. */
enum wb_err store_group_get_info(struct store *s, const struct jid *group,
                                 struct store_group *ret) WB_MUST_CHECK;
/* Replaces group and members. INVALID: a member without LID and PN. */
enum wb_err store_group_put(struct store *s, const struct store_group *g) WB_MUST_CHECK;
/* All but the members. NOT_FOUND when the group is unknown. */
enum wb_err store_group_put_info(struct store *s, const struct store_group *g) WB_MUST_CHECK;
/* Adds a member, or changes the rank and fills in the missing form of a member that is there (found
 * by LID or PN). NOT_FOUND: unknown group. */
enum wb_err store_group_member_put(struct store *s, const struct jid *group,
                                   const struct store_group_member *m) WB_MUST_CHECK;
/* One member, by LID or PN. NOT_FOUND. */
enum wb_err store_group_member_get(struct store *s, const struct jid *group, const struct jid *user,
                                   struct store_group_member *ret) WB_MUST_CHECK;
enum wb_err store_group_member_remove(struct store *s, const struct jid *group,
                                      const struct jid *user) WB_MUST_CHECK;
/* All groups, by subject, members counted in nmembers but not loaded. */
enum wb_err store_groups_list(struct store *s, struct arena *a, struct store_group **ret,
                              size_t *ret_n) WB_MUST_CHECK;

#endif
