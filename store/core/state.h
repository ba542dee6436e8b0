/* state.h - the inside of struct store; private to store/. */
#ifndef STORE_CORE_STATE_H
#define STORE_CORE_STATE_H

#include "base/buf.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/db/db.h"
#include "store/db/record_cache.h"
#include "store/files/lock.h"

enum { LID_CACHE_SLOTS = STORE_LID_CACHE_MAX, MIGRATED_SLOTS = STORE_MIGRATED_CACHE_MAX };

struct lid_slot {
    char lid[JID_USER_MAX + 1]; /* "": empty slot */
    char pn[JID_USER_MAX + 1];
};

struct lid_cache {
    struct lid_slot by_lid[LID_CACHE_SLOTS];
    struct lid_slot by_pn[LID_CACHE_SLOTS];
    uint64_t migrated[MIGRATED_SLOTS]; /* hashes of users whose records were moved already */
};

struct store {
    struct db wa;
    struct db msg;
    struct store_lock wa_lock;
    struct store_lock msg_lock;
    char *wa_path;
    char *msg_path;
    const struct clock *clock;
    enum store_time_format time_format;
    bool time_format_changed;
    gid_t readers_group;
    int wait_ms;           /* for locks of other programs */
    bool (*hurried)(void); /* of the configuration */
    struct {
        bool quoted, deleted;
    } fork;                       /* columns that messages.db has (fork_columns.h) */
    bool wa_used;                 /* whatsapp.db passed all checks: it is ours to write */
    bool thorough;                /* of the configuration */
    bool wa_indexes, msg_indexes; /* found damaged by store_open(), the rest whole */
    bool keep_modes;              /* of the configuration */
    bool lost_rows;               /* of messages.db, as its indexes told */
    enum store_file moved;        /* store_check_names() found it so; never taken back */
    bool wa_rescued, msg_rescued;
    bool mark;              /* between store_mark() and its end */
    int64_t mark_row;       /* messages: inserted under the mark, before any savepoint; 0: none */
    char our[JID_TEXT_MAX]; /* jid column of the selected account, "" before */
    struct jid our_jid;
    struct jid our_lid;
    struct record_cache *sessions;
    struct record_cache *sender_keys;
    struct lid_cache *lids;
    bool receive_rows; /* bridge_sessions_receive is not empty */
    enum { PN_KEYS_UNKNOWN, PN_KEYS_NONE, PN_KEYS_SOME } pn_sender_keys;
    bool unreadable;         /* the last record loaded was there but not readable */
    struct buf json;         /* scratch for one record, wiped after use */
    struct jid touched_chat; /* of the open transaction: its chats row is there and at least */
    int64_t touched_at;      /* as new as this; most messages of a burst are of one chat */
    char error[600];
};

/* STATE before an account was selected. */
#define NEED_ACCOUNT(s)                                                                            \
    do {                                                                                           \
        if (!(s)->our[0])                                                                          \
            return WB_ERR_STATE;                                                                   \
    } while (0)

/* whatsapp_schema.c: checks the version (DB_SCHEMA; *ret_version is what was found, 0: an empty
 * file) without writing. */
enum wb_err whatsapp_schema_check(struct db *d, int *ret_version) WB_MUST_CHECK;
/* *ret: a file of another program, which whatsapp_schema_apply() would change. */
enum wb_err whatsapp_schema_taken_over(struct db *d, int version, bool *ret) WB_MUST_CHECK;
/* Makes what is missing: whatsmeow's tables in an empty file, the steps from an older version, ours
 * in any. In one transaction. */
enum wb_err whatsapp_schema_apply(struct db *d, int version) WB_MUST_CHECK;
/* Forgets what is only true while nobody else uses the file (device lists, who has our sender
 * keys), in a transaction of its own. */
enum wb_err whatsapp_drop_caches(struct db *d) WB_MUST_CHECK;
/* Rule 9: *ret_used, and the caches that have become worthless are dropped. */
enum wb_err whatsapp_used_without_us(struct db *d, bool *ret_used) WB_MUST_CHECK;

/* messages_schema.c: makes or extends the tables; existing rows are not rewritten but for
 * change_seq. */
enum wb_err messages_schema_check(struct db *d) WB_MUST_CHECK;
enum wb_err messages_schema_apply(struct db *d) WB_MUST_CHECK;
/* *ret: tables of another program, which messages_schema_apply() would extend. */
enum wb_err messages_schema_taken_over(struct db *d, bool *ret) WB_MUST_CHECK;
/* How the file keeps its times: as was asked for, else as it remembers, else (once) as its first
 * row has it, or where there is none the program that made its tables. From then on the file
 * remembers it, whoever writes in it. *ret_changed: what was asked for is not what the file had.
 * After messages_schema_apply(). */
enum wb_err messages_time_format(struct db *d, enum store_time_format asked,
                                 enum store_time_format *ret, bool *ret_changed) WB_MUST_CHECK;
/* For whoever has brought the whole file to the other form. The table must be there. */
enum wb_err messages_remember_format(struct db *d, enum store_time_format f) WB_MUST_CHECK;

/* lid_map.c, record stores: forget what was read inside a batch that is gone. */
void store_lids_clear(struct store *s);
void store_chats_clear(struct store *s); /* message_row.c */
/* Has this user (digits) been migrated while the store was open? Marks it. */
bool store_lids_migrated(struct store *s, const char *pn_user);
/* account.c: all rows of store/ are those of this device from now on. */
enum wb_err store_select(struct store *s, const struct jid *jid,
                         const struct jid *lid) WB_MUST_CHECK;
/* The device JIDs in a whatsapp.db, at most max; *ret_n is how many there are in all. */
enum wb_err account_list(struct db *d, struct jid *ret, size_t max, size_t *ret_n) WB_MUST_CHECK;
/* closed_mark.c: a large messages.db is not read through at every start, only when it is not as we
 * left it. With messages.db closed and whatsapp.db still open: notes how it is. */
enum wb_err messages_closed_put(struct store *s) WB_MUST_CHECK;
/* Is messages.db still as noted? No for a small one. */
bool messages_closed_holds(struct store *s);
extern const struct record_ops store_session_ops;
extern const struct record_ops store_sender_key_ops;

#endif
