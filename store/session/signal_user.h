/* signal_user.h - all Signal addresses of one user as a range of texts; private to store/.
 * LIKE is not used: '_' is a wildcard there and stands in every LID address (P-DB-23). */
#ifndef STORE_SESSION_SIGNAL_USER_H
#define STORE_SESSION_SIGNAL_USER_H

#include <string.h>

#include "proto/jid.h"

struct signal_user {
    char from[JID_TEXT_MAX]; /* "user:" or "user_1:", the prefix itself */
    char to[JID_TEXT_MAX];   /* the first text behind all that begin with it */
};

static inline struct signal_user signal_user_of(const struct jid *user)
{
    struct signal_user u;
    struct jid bare = jid_unhosted(jid_bare(*user));

    memset(&u, 0, sizeof u);
    jid_signal_address(&bare, u.from);
    char *colon = strrchr(u.from, ':');
    if (colon)
        colon[1] = 0;
    memcpy(u.to, u.from, sizeof u.to);
    colon = strrchr(u.to, ':');
    if (colon)
        *colon = ';'; /* the character behind ':' */
    return u;
}

#endif
