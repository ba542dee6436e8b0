/* state.h - the inside of struct store; private to store/. */
#ifndef STORE_CORE_STATE_H
#define STORE_CORE_STATE_H

#include "base/buf.h"
#include "proto/jid.h"
#include "store/core/batch.h"
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
    bool lost_rows;               /* messages.db lost rows, as its indexes showed */
    enum store_file moved;        /* store_check_names() found it so; never taken back */
    bool wa_rescued, msg_rescued;
    bool mark;              /* between store_mark() and its end */
    int64_t mark_row;       /* messages: inserted under the mark, before any savepoint; 0: none */
    char our[JID_TEXT_MAX]; /* jid column of the selected account, "" before */
    struct jid our_jid;
    struct jid our_lid;
    struct {
        const struct batch_listener *to;
        void *ctx;
    } listeners[BATCH_LISTENERS_MAX]; /* of the batch */
    size_t nlisteners;
    struct record_cache *sessions;
    struct record_cache *sender_keys;
    struct lid_cache *lids;
    bool receive_rows; /* bridge_sessions_receive is not empty */
    enum { PN_KEYS_UNKNOWN, PN_KEYS_NONE, PN_KEYS_SOME } pn_sender_keys;
    bool unreadable; /* the last record loaded was there but not readable */
    struct buf json; /* scratch for one record, wiped after use */
    /* In the open transaction the chats row of touched_chat exists, and its time is touched_at or
     * later. Most messages of a burst are of one chat. */
    struct jid touched_chat;
    int64_t touched_at;
    char error[600];
};

/* STATE before an account was selected. */
#define NEED_ACCOUNT(s)                                                                            \
    do {                                                                                           \
        if (!(s)->our[0])                                                                          \
            return WB_ERR_STATE;                                                                   \
    } while (0)

#endif
