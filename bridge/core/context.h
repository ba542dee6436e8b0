/* context.h - the room core/: the words that all rooms of bridge/ share. This file is everything
 * that belongs to one paired number: what main.c gives, where the parts are, who we are and what
 * time the server has. Passed in, never global. The room knows nothing of what the parts do, nor of
 * sockets and logins. Included by bridge/ only; api/ sees the bridge through calls/ and the
 * *_calls.h, passkey.h, qr.h and saved_file.h of other rooms. */
#ifndef BRIDGE_CORE_CONTEXT_H
#define BRIDGE_CORE_CONTEXT_H

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "bridge/core/command.h"
#include "bridge/core/events.h"
#include "bridge/core/iq.h"
#include "bridge/core/link.h"
#include "bridge/core/outgoing.h"
#include "bridge/platform/loop.h"
#include "bridge/settings/config.h"
#include "proto/jid.h"

struct account;
struct store;
struct backups;
struct conn;
struct jobs;
struct keepalive;
struct prekey_upload;
struct version_fetch;
struct identity_news;
struct in_message_state;
struct lid_refresh;
struct machine;
struct out_message_state;
struct device_sync;
struct group_info;
struct group_list;
struct group_limits;
struct history_download;
struct history_offered;
struct messages_tidy;
struct own_message;
struct mishap;
struct history_request;
struct app_state;
struct person_limits;
struct presence;
struct prekey_fetch;
struct signed_prekey;
struct shared_query;
struct stanza;
struct tctokens;
struct time_lock;

/* The batch that is open (batch.c). */
struct batch {
    unsigned stanzas;  /* since the last commit */
    int64_t opened_ms; /* monotonic time of the first of these stanzas */
};

struct bridge {
    /* Given by main.c or a test; outlive the bridge. */
    struct config *config;
    struct log *log;
    const struct clock *clock;
    const struct rng *rng;
    const struct machine *machine; /* workers and the socket */
    struct loop *loop;
    struct timers *timers;
    struct pauses *pauses;
    struct store *store;
    uint16_t api_port; /* the API's port, also when any free one was asked for; 0: none */

    /* Parts with their state inline. */
    struct events events;
    struct iq_table iq;
    struct outgoing outgoing;
    struct link link; /* filled in by conn_new() */
    /* What a stanza of the server means, given by bridge_new(): dispatch_stanza(). An error means
     * that the connection cannot go on. */
    enum wb_err (*on_stanza)(struct bridge *b, const struct stanza *s);
    struct batch batch;
    struct loop_deferred checkpoint; /* runs in a turn of its own */
    struct {
        command_done_fn *done; /* NULL: no unlink is under way */
        void *ctx;
    } unlinking;

    /* Ports: functions of upper rooms that lower rooms call; set by bridge_new(). */
    /* Called at <success>, in the open batch: our own JIDs are known. */
    enum wb_err (*on_login)(struct bridge *b);
    /* Called in the open batch: the list of this group's members was stored; none: no list will
     * come, because we are not in the group. NULL: nobody waits for lists. */
    enum wb_err (*on_group_list)(struct bridge *b, const struct jid *group, bool none);
    /* A protocol message of one of our own devices (own_message.h). */
    enum wb_err (*on_own_message)(struct bridge *b, const struct own_message *o);

    /* Parts with their state behind a pointer: made by bridge_new(), NULL when absent. */
    struct jobs *jobs;
    struct conn *conn;
    struct keepalive *keepalive;
    struct prekey_upload *prekeys;
    struct version_fetch *version;
    struct identity_news *identity_news; /* NULL: nobody is told (identity_change.h) */
    struct in_message_state *in_message;
    struct out_message_state *out_message;
    struct device_sync *devices;
    struct group_info *groups;
    struct group_list *group_list;
    struct group_limits *group_limits;
    struct shared_query *lids;
    struct tctokens *tokens;
    struct time_lock *time_lock;
    struct lid_refresh *lid_refresh;
    struct person_limits *person_limits;
    struct prekey_fetch *prekey_fetch;
    struct signed_prekey *signed_prekey;
    struct history_request *history;
    struct history_offered *history_offered;
    struct messages_tidy *messages_tidy;
    struct history_download *history_downloads; /* that wait for the list of media hosts */
    struct backups *backups;
    struct mishap *mishap;
    struct presence *presence;
    struct app_state *app_state; /* NULL at the end: events and files still come */

    /* Who we are. Device JIDs (with :n); JID_NONE when unpaired / not yet told. */
    struct jid own_pn, own_lid;
    const struct account *account; /* keys and ADV identity; NULL while unpaired */
    /* Server time minus our monotonic clock, once the server has told it (P-LG-01: <success> names
     * it): with it a wall clock that jumps makes no message too old. */
    int64_t server_offset_ms;
    bool server_time_known;
    bool presence_available;  /* we announced ourselves available: receipts are active (P-RC-24) */
    bool phone_session_asked; /* on this connection (out_peer.h) */
    bool own_name_changed;    /* in the open batch (own_name.h) */
    bool store_failed;        /* the last commit failed; cleared by the next good one */
    char store_trouble[400];  /* why it failed, for people */
    bool store_held;          /* the commit failed because another program holds a database */
    bool store_probing;       /* the commit under way writes to both databases */
    bool store_moved;         /* a database was moved away and is not rescued yet (mishap.h) */
    struct timer store_probe; /* tries a write while store_failed */
    bool store_probe_failed;  /* a test write has failed, too: the disk is really full, and not only
                                 for one batch */

    int64_t started_ms;      /* monotonic */
    int64_t last_stanza_ms;  /* wall clock */
    int64_t last_message_ms; /* wall clock, of arrival */
    uint64_t messages_stored, reconnects;
    /* Requests of others that they had no right to, since the start. */
    struct {
        uint64_t receipts; /* receipts for messages that their sender was not sent */
        uint64_t retries;  /* retries of messages that their sender was not sent */
        uint64_t changes;  /* deletions or edits of other people's messages */
    } refused;
    /* Keys and statements that were not believed, since the start (trust.h). */
    struct {
        uint64_t codes_changed;     /* security codes of other people (identity_change.h) */
        uint64_t foreign_keys;      /* keys "of our own phone or device" that are not */
        uint64_t unvouched_devices; /* devices that their account does not vouch for */
        uint64_t unvouched_refused; /* of these devices, refused */
        uint64_t unasked_answers;   /* messages that "our phone" handed on, unasked */
    } trust;
    uint64_t group_resends_held; /* since the start (group_limits.h) */
    uint64_t last_ticket;
    bool finishing; /* nothing new is accepted */
    struct timer shutdown_timer;
};

/* Server time wherever a stanza carries one (P-LG-30), and for ages; our wall clock until the
 * server has told its time. */
static inline int64_t bridge_server_now_ms(const struct bridge *b)
{
    return b->server_time_known ? clock_mono_ms(b->clock) + b->server_offset_ms
                                : clock_unix_ms(b->clock);
}

static inline int64_t bridge_server_now_s(const struct bridge *b)
{
    return bridge_server_now_ms(b) / 1000;
}

static inline void bridge_server_time(struct bridge *b, int64_t server_s)
{
    b->server_offset_ms = server_s * 1000 - clock_mono_ms(b->clock);
    b->server_time_known = true;
}

/* One log line at info, also on standard output when the log goes elsewhere: what the operator at
 * the terminal waits for. */
void bridge_say(struct bridge *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Is it us, under either identity, any device? */
bool bridge_is_self(const struct bridge *b, const struct jid *j);

#endif
