/* iq.h - one table from a request to the function that answers it. */
#ifndef MOCK_IQ_H
#define MOCK_IQ_H

#include "tools/mock/wire/conn.h"

/* Fills result, or returns the code of the error to send (400, 403, 404, ...). */
typedef int iq_handler(struct conn *c, const struct node *iq, struct node *result);

enum { IQ_SENT = -1 }; /* the handler sent its answer itself, or wants none sent */

/* prekeys.c */
iq_handler iq_prekey_count, iq_prekey_digest, iq_prekey_fetch, iq_prekey_upload, iq_prekey_rotate;
/* usync.c */
iq_handler iq_usync;
/* group_iq.c, group_change.c */
iq_handler iq_group_get, iq_group_set;
/* appstate.c */
iq_handler iq_appstate;
/* iq_account.c */
iq_handler iq_passive, iq_md, iq_md_get, iq_ping, iq_privacy_get, iq_privacy_set, iq_blocklist_get,
    iq_blocklist_set, iq_props, iq_props_w, iq_dirty, iq_push_config, iq_push_set, iq_stats,
    iq_bots, iq_disappearing, iq_business, iq_mex, iq_newsletter, iq_tos, iq_qr;
/* profile.c */
iq_handler iq_picture_get, iq_picture_set, iq_status_get, iq_status_set;
/* media.c */
iq_handler iq_media_conn;

#endif
