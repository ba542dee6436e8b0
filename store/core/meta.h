/* meta.h - small values of ours in whatsapp.db (bridge_meta): one text, number or blob per name.
 * They belong to the file, not to an account. */
#ifndef STORE_CORE_META_H
#define STORE_CORE_META_H

#include "base/buf.h"
#include "store/core/store.h"

/* All names, with those of restore.h and restored.h: docs/databases.md has a table of what sets and
 * what ends each, and tests/check_remembered.py holds it to this list. */
#define STORE_META_SCHEMA             "schema"      /* of our tables: whatsapp_schema.c */
#define STORE_META_FOREIGN            "foreign"     /* 1: another program wrote records since */
#define STORE_META_HANDED_BACK        "handed_back" /* unix seconds: handback.c */
#define STORE_META_LOGGED_OUT         "logged_out"  /* "<unix seconds> <reason>": account.c */
#define STORE_META_PREKEY_HIGH        "prekey_high" /* highest id ever used */
#define STORE_META_SIGNED_PREKEY_HIGH "signed_prekey_high"
#define STORE_META_HISTORY_SINCE      "history_gap_since" /* the stretch of history_gaps.c */
#define STORE_META_HISTORY_UNTIL      "history_gap_until"
#define STORE_META_CLOSED             "messages_closed"       /* closed_mark.c */
#define STORE_META_PROBE              "probe"                 /* a write that was tried: batch.c */
#define STORE_META_ROUTING_INFO       "routing_info"          /* blob of <ib><edge_routing> */
#define STORE_META_WA_VERSION         "wa_version"            /* "2.3000.N", the last good one */
#define STORE_META_VERSION_LOOKED_AT  "wa_version_at"         /* unix seconds: version_fetch.c */
#define STORE_META_VERSION_EXPIRING   "wa_version_expiring"   /* N of 2.3000.N */
#define STORE_META_VERSION_EXPIRES    "wa_version_expires_at" /* unix seconds; 0: withdrawn */
#define STORE_META_BANNED_UNTIL       "banned_until"          /* unix seconds (P-ER-03) */
#define STORE_META_BANNED_FOR         "banned_for"            /* seconds, as the server said */
#define STORE_META_OWN_NAME           "own_name" /* "<source> <name>": bridge/core/own_name.c */
#define STORE_META_PRESENCE           "presence" /* what was announced: bridge/people/presence.c */
#define STORE_META_TIME_LOCK          "time_lock_until" /* unix seconds; time_lock.h */
#define STORE_META_TIME_LOCK_NAMED    "time_lock_named" /* 1: WhatsApp's word; 0: our guess */
#define STORE_META_QUERY_PAUSES       "query_pauses"    /* bridge/core/iq_pause_keep.h */
#define STORE_META_MESSAGES           "messages_stored" /* of others, over all runs */
#define STORE_META_APP_STATE          "app_state"       /* bits, bridge/appstate/app_state.c */
#define STORE_META_GROUPS_AT          "groups_at" /* unix seconds of the last full group list */

/* At most STORE_META_MAX bytes (TOO_LARGE). SPAN_NULL removes. */
enum wb_err store_meta_put(struct store *s, const char *name, struct span value) WB_MUST_CHECK;
enum wb_err store_meta_put_int(struct store *s, const char *name, int64_t value) WB_MUST_CHECK;
/* Appends. NOT_FOUND. */
enum wb_err store_meta_get(struct store *s, const char *name, struct buf *out) WB_MUST_CHECK;
/* NOT_FOUND also for something that is no number. */
enum wb_err store_meta_get_int(struct store *s, const char *name, int64_t *ret) WB_MUST_CHECK;

/* Notes that our next commit is newer than what another program wrote. Private to store/. */
enum wb_err store_meta_not_foreign(struct store *s) WB_MUST_CHECK;

#endif
