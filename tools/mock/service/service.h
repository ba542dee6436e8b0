/* service.h - what a client asks the server for: lists of devices, groups and communities, app
 * state, files, profiles, settings. This room knows nothing of how a device is linked, nor of the
 * people that the mock plays; it asks these through struct player. */
#ifndef MOCK_SERVICE_SERVICE_H
#define MOCK_SERVICE_SERVICE_H

#include "tools/mock/wire/iq_handler.h"

/* usync.c */
iq_handler iq_usync;
/* group_iq.c */
iq_handler iq_group_get, iq_group_set;
/* appstate.c */
iq_handler iq_appstate;
/* iq_account.c */
iq_handler iq_passive, iq_md, iq_ping, iq_privacy_get, iq_privacy_set, iq_blocklist_get,
    iq_blocklist_set, iq_props, iq_props_w, iq_dirty, iq_push_config, iq_push_set, iq_stats,
    iq_bots, iq_disappearing, iq_business, iq_mex, iq_newsletter, iq_tos, iq_qr;
/* profile.c */
iq_handler iq_picture_get, iq_picture_set, iq_status_get, iq_status_set;
/* media.c */
iq_handler iq_media_conn;

#endif
