/* meta.h - small values of ours in whatsapp.db (bridge_meta): one text, number or blob per name.
 * They belong to the file, not to an account. */
#ifndef STORE_META_H
#define STORE_META_H

#include "base/buf.h"
#include "store/store.h"

/* Names that bridge/ uses, besides those of conn_private.h and version_fetch.c. store/ has its own:
 * schema, foreign, logged_out, prekey_high, signed_prekey_high, restored, gap, messages_closed, the
 * stretch of history_gaps.c, and probe. */
#define STORE_META_ROUTING_INFO    "routing_info"    /* blob of <ib><edge_routing> */
#define STORE_META_WA_VERSION      "wa_version"      /* "2.3000.N", the last good one */
#define STORE_META_OWN_NAME        "own_name"        /* "<source> <name>": bridge/own_name.c */
#define STORE_META_PRESENCE        "presence"        /* what was announced: bridge/presence.c */
#define STORE_META_TIME_LOCK       "time_lock_until" /* unix seconds; time_lock.h */
#define STORE_META_TIME_LOCK_NAMED "time_lock_named" /* 1: WhatsApp's word; 0: our guess */
#define STORE_META_APP_STATE       "app_state"       /* bits, bridge/app_state.c */
#define STORE_META_GROUPS_AT       "groups_at"       /* unix seconds of the last full group list */

/* At most STORE_META_MAX bytes (TOO_LARGE). SPAN_NULL removes. */
enum wb_err store_meta_put(struct store *s, const char *name, struct span value) WB_MUST_CHECK;
enum wb_err store_meta_put_int(struct store *s, const char *name, int64_t value) WB_MUST_CHECK;
/* Appends. NOT_FOUND. */
enum wb_err store_meta_get(struct store *s, const char *name, struct buf *out) WB_MUST_CHECK;
/* NOT_FOUND also for something that is no number. */
enum wb_err store_meta_get_int(struct store *s, const char *name, int64_t *ret) WB_MUST_CHECK;

#endif
