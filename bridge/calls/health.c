#include "bridge/calls/health.h"

#include <stdio.h>

#include "bridge/conn/conn.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/history/history_request.h"
#include "bridge/pair/passkey.h"
#include "bridge/people/time_lock.h"
#include "bridge/recovery/backups.h"
#include "proto/client_payload.h"
#include "store/core/meta.h"
#include "store/messages/history_files.h"
#include "store/messages/messages.h"
#include "store/session/groups.h"

/* The sentence about a restriction of the account; only for a working connection. */
static const char *restriction(struct bridge *b)
{
    if (time_lock_guessed(b->time_lock))
        return "WhatsApp has restricted this number: people who do not know it are not written to "
               "before 'restricted_until', which is our guess: WhatsApp has not said when it ends, "
               "and is asked then";
    return time_lock_until_s(b->time_lock)
               ? "WhatsApp has restricted this number: people who do not know it "
                 "are not written to before 'restricted_until'"
               : "";
}

/* text must be static: it is not copied. */
static void health_warn(struct health *h, const char *text)
{
    if (h->nwarnings < HEALTH_WARNINGS_MAX)
        h->warnings[h->nwarnings++] = text;
}

static const char *print_jid(struct arena *a, const struct jid *j)
{
    char text[JID_TEXT_MAX];
    const char *copy;

    if (jid_is_none(j))
        return "";
    copy = arena_cstr(a, span_cstr(jid_text(j, text)));
    return copy ? copy : "";
}

static enum wb_err fill_name(struct bridge *b, struct arena *a, struct health *h)
{
    char name[STORE_NAME_MAX + 1];

    if (own_name_get(b, name) == OWN_NAME_UNKNOWN && b->account)
        health_warn(h, "our own name is not known yet: people who have not saved this number see "
                       "'-' instead; set push_name, or write a message on the phone");
    h->push_name = arena_cstr(a, span_cstr(name));
    return h->push_name ? WB_OK : WB_ERR_NOMEM;
}

static enum wb_err fill_texts(struct bridge *b, struct arena *a, struct health *h)
{
    struct passkey_view passkey;
    enum wb_err err;
    char text[HEALTH_DETAIL_MAX];

    h->reason = b->store_held ? "database_held"
                : conn_health_reason_is_old(b->conn, h->status)
                    ? "not_linked"
                    : conn_reason_name(conn_reason(b->conn));
    h->conn_state = conn_state_name(conn_state(b->conn));
    bridge_passkey(b, &passkey);
    h->passkey = passkey_phase_word(passkey.phase);
    h->role = b->config->role;
    h->jid = print_jid(a, &b->own_pn);
    h->lid = print_jid(a, &b->own_lid);
    TRY(fill_name(b, a, h));
    snprintf(text, sizeof text, "+%s",
             jid_is_none(&b->own_pn) ? b->config->phone.user : b->own_pn.user);
    h->phone = text[1] ? arena_cstr(a, span_cstr(text)) : "";
    snprintf(text, sizeof text, "2.3000.%u", version_current(b->version));
    h->wa_version = arena_cstr(a, span_cstr(text));
    h->detail = arena_cstr(
        a, span_cstr(h->status == HEALTH_OK ? restriction(b) : conn_health_detail(b, text)));
    err = h->phone && h->wa_version && h->detail ? WB_OK : WB_ERR_NOMEM;
out:
    return err;
}

static enum wb_err fill_groups(struct bridge *b, struct arena *a, struct health *h)
{
    size_t n = b->config->ngroups;
    struct health_group *groups = n ? arena_alloc(a, n * sizeof *groups) : NULL;
    int64_t read_at;
    bool list_read = store_meta_get_int(b->store, STORE_META_GROUPS_AT, &read_at) == WB_OK;

    if (n && !groups)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct monitored_group *m = &b->config->groups[i];
        struct store_group g;
        struct store_chat chat;

        groups[i].jid = &m->jid;
        groups[i].name = m->name;
        groups[i].known = list_read; /* not in the list: not a member */
        if (store_group_get(b->store, &m->jid, a, &g) == WB_OK) {
            groups[i].known = true;
            groups[i].member = !g.left;
        }
        if (store_chat_get(b->store, &m->jid, &chat) == WB_OK)
            groups[i].last_message_at_s = chat.last_message_time;
    }
    h->groups = groups;
    h->ngroups = n;
    return WB_OK;
}

/* Read errors are passed over: other parts of /health report a failing store. */
static void fill_gaps(struct bridge *b, struct health *h)
{
    struct store_history_gaps sum;

    if (!b->account || history_request_sum(b, &sum) != WB_OK)
        return;
    h->gap_since_s = sum.all ? sum.since : 0;
    h->gap_until_s = sum.all ? sum.until : 0;
    h->gap_chats = sum.open;
    h->gap_quiet = sum.quiet;
    h->gap_filled = sum.filled;
}

static void fill_history(struct bridge *b, struct health *h)
{
    size_t waiting = 0, lost = 0;

    if (!b->account || store_history_files_count(b->store, &waiting) != WB_OK ||
        store_history_lost_count(b->store, &lost) != WB_OK)
        return;
    h->history_waiting = waiting;
    h->history_given_up = lost;
}

static void fill_backups(const struct bridge *b, struct health *h)
{
    struct backups_state s = {.name = "", .error = "", .repaired = "", .restored_name = ""};

    if (b->backups)
        backups_state(b->backups, &s);
    h->backup_name = s.name;
    h->backup_at_s = s.at_s;
    h->backup_error = s.error;
    h->repaired = s.repaired;
    h->restored_name = s.restored_name;
    h->restored_at_s = s.restored_at_s;
    h->restored_backup_at_s = s.restored_backup_at_s;
}

static enum wb_err fill_query_pauses(const struct bridge *b, struct arena *a, struct health *h)
{
    for (size_t i = 0; i < b->iq.pauses.n; i++) {
        const struct iq_pause *p = &b->iq.pauses.list[i];
        const int64_t left = p->until_ms - clock_mono_ms(b->clock);
        const char *kind = left > 0 ? arena_cstr(a, span_cstr(p->kind)) : "";

        if (!kind)
            return WB_ERR_NOMEM;
        if (kind[0])
            h->query_pauses[h->nquery_pauses++] =
                (struct health_query_pause){kind, (left + 999) / 1000};
    }
    return WB_OK;
}

enum wb_err bridge_health(struct bridge *b, struct arena *a, struct health *ret_h)
{
    struct health h = {.status = conn_health(b)};
    struct conn_report conn;
    enum wb_err err;

    conn_report(b->conn, &conn);
    h.connected = h.status == HEALTH_OK;
    TRY(fill_texts(b, a, &h));
    h.uptime_s = (clock_mono_ms(b->clock) - b->started_ms) / 1000;
    h.connected_since_s = conn.connected_at_ms / 1000;
    h.last_message_at_s = b->last_message_ms / 1000;
    h.last_stanza_at_s = b->last_stanza_ms / 1000;
    h.next_attempt_in_s = conn.next_attempt_in_s;
    h.banned_until_s = conn.banned_until_s;
    h.restricted_until_s = time_lock_until_s(b->time_lock);
    h.restricted_guessed = time_lock_guessed(b->time_lock);
    h.wa_version_expires_at_s = version_expires_at(b->version);
    h.reconnects = b->reconnects;
    h.messages_stored = b->messages_stored;
    h.refused_receipts = b->refused.receipts;
    h.refused_retries = b->refused.retries;
    h.refused_changes = b->refused.changes;
    h.group_resends_held = b->group_resends_held;
    h.codes_changed = b->trust.codes_changed;
    h.foreign_keys = b->trust.foreign_keys;
    h.unvouched_devices = b->trust.unvouched_devices;
    h.unvouched_refused = b->trust.unvouched_refused;
    h.unasked_answers = b->trust.unasked_answers;
    h.pause_ms = b->pauses->longest_ms;
    h.pause_who = b->pauses->longest_who;
    fill_gaps(b, &h);
    fill_history(b, &h);
    fill_backups(b, &h);
    TRY(fill_groups(b, a, &h));
    TRY(fill_query_pauses(b, a, &h));
    *ret_h = h;
out:
    return err;
}
