#include "bridge/calls/health.h"

#include <stdio.h>

#include "base/text.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/history/history_request.h"
#include "bridge/pair/pairing.h"
#include "bridge/people/time_lock.h"
#include "bridge/recovery/backups.h"
#include "proto/client_payload.h"
#include "store/core/meta.h"
#include "store/messages/history_files.h"
#include "store/messages/messages.h"
#include "store/session/groups.h"

const char *health_status_word(enum health_status s)
{
    static const char *const words[] = {
#define X(name, word) [HEALTH_##name] = word,
        HEALTH_STATUS_LIST(X)
#undef X
    };

    return words[s];
}

/* A QR is shown, or the next set of them is on its way. */
static bool shows_qr(const struct conn *c)
{
    return c->state == CONN_WAIT_PAIR_SCAN || c->state == CONN_WAIT_PASSKEY ||
           c->state == CONN_WAIT_PAIR_STORE || c->state == CONN_WAIT_PAIR_RESTART ||
           (!c->paired && c->pair_wanted &&
            (c->why == CONN_WHY_REFS_OVER || c->why == CONN_WHY_PASSKEY ||
             c->why == CONN_WHY_WRONG_NUMBER));
}

static enum health_status status_of(const struct bridge *b)
{
    const struct conn *c = b->conn;

    if (b->store_failed || (c->state == CONN_STOPPED && c->why == CONN_WHY_STORE))
        return HEALTH_STORE_ERROR;
    if (c->state == CONN_ONLINE)
        return HEALTH_OK;
    if (c->why == CONN_WHY_LOGGED_OUT)
        return HEALTH_LOGGED_OUT;
    if (shows_qr(c))
        return HEALTH_PAIRING;
    if (c->why == CONN_WHY_REPLACED)
        return HEALTH_REPLACED;
    if (c->why == CONN_WHY_BANNED)
        return HEALTH_BANNED;
    if (c->why == CONN_WHY_OUTDATED)
        return HEALTH_OUTDATED;
    if (c->why == CONN_WHY_FAILURE)
        return HEALTH_LOGIN_FAILURE;
    if (c->why == CONN_WHY_START)
        return HEALTH_STARTING;
    if (c->state == CONN_WAIT_BACKOFF || c->state == CONN_STOPPED || c->state == CONN_WAIT_CLOSE)
        return HEALTH_DISCONNECTED;
    return HEALTH_CONNECTING;
}

/* The same while no device is linked yet. */
static const char *pairing_advice(const struct conn *c)
{
    if (c->state == CONN_WAIT_PASSKEY)
        return "WhatsApp asks for the account's passkey: open /pair in a browser, or GET "
               "/api/passkey";
    if (c->state == CONN_WAIT_PAIR_STORE)
        return "a phone is linking this device; the session before it is backed up first";
    if (c->why == CONN_WHY_WRONG_NUMBER)
        return "a phone with another number scanned the QR; scan with the right one";
    if (c->why == CONN_WHY_PASSKEY)
        return "the passkey step was not finished; scan the QR again";
    return "scan the QR (GET /api/qr) or type a code (POST /api/pair-code) on the phone";
}

/* While a QR is on show the end of the connection before says something only if it was pairing's.
 */
static bool reason_is_old(const struct conn *c, enum health_status s)
{
    return s == HEALTH_PAIRING && c->why != CONN_WHY_REFS_OVER && c->why != CONN_WHY_PASSKEY &&
           c->why != CONN_WHY_WRONG_NUMBER;
}

/* Of a connection that is there. */
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

/* Why there is no connection now. */
static const char *reason_advice(enum conn_reason why)
{
    switch (why) {
    case CONN_WHY_NETWORK:
    case CONN_WHY_NAME:
    case CONN_WHY_UNREACHABLE:
    case CONN_WHY_SILENT:
    case CONN_WHY_TLS:
        return "WhatsApp cannot be reached; it is tried again by itself";
    case CONN_WHY_REFUSED:
        return "what answers at WhatsApp's address refuses the connection; it is tried again by "
               "itself";
    case CONN_WHY_CERT:
        return "what answers is not WhatsApp: somebody stands between; it is tried again by itself";
    case CONN_WHY_CLOCK:
        return "this machine's clock is wrong: the server's certificate is not valid at its time";
    case CONN_WHY_CLOSED:
        return "WhatsApp has closed the connection, as it often does; it is opened again by itself";
    case CONN_WHY_SERVER:
        return "WhatsApp has ended the connection with an error; it is opened again by itself";
    case CONN_WHY_PROTOCOL:
        return "what came from WhatsApp made no sense; the connection is opened again by itself";
    case CONN_WHY_RATE:
        return "WhatsApp says that this number connects too often; it is tried again by itself";
    case CONN_WHY_NONE:
    case CONN_WHY_START:
    case CONN_WHY_REFS_OVER:
    case CONN_WHY_PASSKEY:
    case CONN_WHY_RESTART:
    case CONN_WHY_REPLACED:
    case CONN_WHY_OUTDATED:
    case CONN_WHY_BANNED:
    case CONN_WHY_LOGGED_OUT:
    case CONN_WHY_FAILURE:
    case CONN_WHY_STORE:
    case CONN_WHY_WRONG_NUMBER:
    case CONN_WHY_OPERATOR:
    case CONN_WHY_SHUTDOWN:
    case CONN_WHY_COUNT:
        break;
    }
    return "WhatsApp does not let us in now; it is tried again by itself";
}

/* What the operator should know or do. */
static const char *advice(struct bridge *b, enum health_status s)
{
    const struct conn *c = b->conn;

    switch (s) {
    case HEALTH_OK:
        return restriction(b);
    case HEALTH_STARTING:
    case HEALTH_CONNECTING:
        return "connecting to WhatsApp";
    case HEALTH_PAIRING:
        return pairing_advice(c);
    case HEALTH_REPLACED:
        return c->state == CONN_STOPPED
                   ? "another program keeps using this device; stop it, then POST /api/reconnect"
                   : "another program uses this device: stop it; waiting before the next attempt "
                     "(POST /api/reconnect tries at once)";
    case HEALTH_OUTDATED:
        return "WhatsApp refuses this web version; update the bridge or set --wa-version";
    case HEALTH_BANNED:
        return "WhatsApp has banned this number for a time; nothing is tried before its end";
    case HEALTH_LOGIN_FAILURE:
        return "WhatsApp refuses the login for a reason of its own; it is tried again by itself, "
               "at most hourly; POST /api/reconnect tries at once";
    case HEALTH_LOGGED_OUT:
        return "WhatsApp has ended this link; the data is kept; see on the phone why, then POST "
               "/api/pair links anew";
    case HEALTH_STORE_ERROR:
        if (b->store_held)
            return "another program is in the way of writing: stop it, or make it end its "
                   "transaction; WhatsApp keeps what is not stored";
        return "the databases cannot be written (disk full?); WhatsApp keeps what is not stored";
    case HEALTH_DISCONNECTED:
    case HEALTH_STATUS_COUNT:
        break;
    }
    return reason_advice(c->why);
}

const char *health_detail(struct bridge *b, char out[static HEALTH_DETAIL_MAX])
{
    const struct conn *c = b->conn;
    const enum health_status status = status_of(b);
    const bool said = status != HEALTH_OK && !reason_is_old(c, status);
    const char *why = !said ? "" : b->store_failed ? b->store_trouble : c->detail;

    if (status == HEALTH_CONNECTING && !why[0])
        why = c->before;
    snprintf(out, HEALTH_DETAIL_MAX, "%s%s%s", advice(b, status), why[0] ? ": " : "", why);
    utf8_clean(out);
    return out;
}

/* Static texts only. */
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
    const struct conn *c = b->conn;
    enum wb_err err;
    char text[HEALTH_DETAIL_MAX];

    h->reason = b->store_held                 ? "database_held"
                : reason_is_old(c, h->status) ? "not_linked"
                                              : conn_reason_name(c->why);
    h->conn_state = conn_state_name(c->state);
    h->passkey = passkey_phase_word(c->pairing->passkey.phase);
    h->role = b->config->role;
    h->jid = print_jid(a, &b->own_pn);
    h->lid = print_jid(a, &b->own_lid);
    TRY(fill_name(b, a, h));
    snprintf(text, sizeof text, "+%s",
             jid_is_none(&b->own_pn) ? b->config->phone.user : b->own_pn.user);
    h->phone = text[1] ? arena_cstr(a, span_cstr(text)) : "";
    snprintf(text, sizeof text, "2.3000.%u", version_current(b->version));
    h->wa_version = arena_cstr(a, span_cstr(text));
    h->detail = arena_cstr(a, span_cstr(health_detail(b, text)));
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

/* A store that cannot be read says so elsewhere. */
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
    const struct conn *c = b->conn;
    struct health h = {.status = status_of(b), .next_attempt_in_s = -1};
    enum wb_err err;

    h.connected = h.status == HEALTH_OK;
    TRY(fill_texts(b, a, &h));
    h.uptime_s = (clock_mono_ms(b->clock) - b->started_ms) / 1000;
    h.connected_since_s = c->connected_at_ms / 1000;
    h.last_message_at_s = b->last_message_ms / 1000;
    h.last_stanza_at_s = b->last_stanza_ms / 1000;
    if (c->state == CONN_WAIT_BACKOFF)
        h.next_attempt_in_s = timer_left_ms(b->timers, &c->step_timer) / 1000;
    h.banned_until_s = c->banned_until_s;
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
