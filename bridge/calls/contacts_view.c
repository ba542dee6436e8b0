#include "bridge/calls/contacts_view.h"

#include "bridge/core/context.h"
#include "store/messages/contacts.h"
#include "store/session/identity_log.h"
#include "store/session/lid_map.h"

static struct span copy(struct arena *a, const char *text)
{
    return text[0] ? arena_copy(a, span_cstr(text)) : SPAN_NULL;
}

/* Finds both identities of a row. *ret_second: the person is listed by the other row already. */
static enum wb_err both_of(struct bridge *b, const struct jid *row, struct contact_entry *e,
                           bool *ret_second)
{
    enum wb_err err;

    e->jid = *row;
    if (row->server == JID_PN) {
        err = store_lid_of_pn(b->store, row, &e->lid);
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    }
    if (row->server != JID_LID)
        return WB_OK;
    e->lid = *row;
    err = store_pn_of_lid(b->store, row, &e->jid);
    if (err == WB_OK)
        return store_people_has(b->store, &e->jid, ret_second);
    e->jid = *row;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static enum wb_err fill(struct bridge *b, struct arena *a, struct contact_entry *e)
{
    struct store_identity_change change;
    struct store_contact c;
    enum wb_err err = store_contact_get(b->store, &e->jid, &c);

    if (err == WB_OK) {
        e->full_name = copy(a, c.full_name);
        e->first_name = copy(a, c.first_name);
        e->push_name = copy(a, c.push_name);
        e->business_name = copy(a, c.business_name);
    } else if (err != WB_ERR_NOT_FOUND) {
        return err;
    }
    err = store_identity_change_get(b->store, &e->jid, &change);
    if (err == WB_OK)
        e->identity_changed_at = change.changed_at;
    return err;
}

static enum wb_err list(struct bridge *b, const struct contacts_query *q, struct arena *a,
                        const char *beyond, struct contact_entry *entries, size_t *ret_n,
                        struct jid *ret_next)
{
    char at[JID_TEXT_MAX];
    struct jid row = {0};
    size_t looked = 0, n = 0;
    enum wb_err err = WB_OK;

    memcpy(at, beyond, strlen(beyond) + 1);
    for (; looked < q->limit; looked++) {
        struct contact_entry e = {.identity_changed_at = 0};
        bool second = false;

        err = store_people_next(b->store, at, q->backwards, at);
        if (err == WB_ERR_NOT_FOUND)
            break;
        TRY(err);
        if (jid_parse_cstr(at, &row) != WB_OK)
            continue; /* another program stored something that is no address */
        TRY(both_of(b, &row, &e, &second));
        if (second || bridge_is_self(b, &row))
            continue;
        TRY(fill(b, a, &e));
        entries[n++] = e;
    }
    *ret_n = n;
    *ret_next = looked == q->limit ? row : (struct jid){0};
    err = WB_OK;
out:
    return err;
}

/* The list has a person once, under one of two forms: a caller may name the other form as the place
 * to go on. */
static enum wb_err place_of(struct bridge *b, struct jid *who)
{
    struct jid other;
    bool has = false;
    enum wb_err err;

    TRY(store_people_has(b->store, who, &has));
    if (has)
        return WB_OK;
    err = store_other_form(b->store, who, &other);
    if (err == WB_OK)
        err = store_people_has(b->store, &other, &has);
    if (err == WB_OK && has)
        *who = other;
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

enum cmd_result bridge_contacts_list(struct bridge *b, const struct contacts_query *q,
                                     struct arena *a, struct contact_entry **ret_entries,
                                     size_t *ret_n, struct jid *ret_next)
{
    struct contact_entry *entries = arena_alloc(a, (q->limit + 1) * sizeof *entries);
    char beyond[JID_TEXT_MAX] = "";
    struct jid jid;
    enum wb_err err = WB_OK;

    if (!entries)
        return CMD_INTERNAL;
    if (!span_is_null(q->beyond)) {
        if (jid_parse(q->beyond, &jid) != WB_OK || !jid.user[0])
            return CMD_BAD_REQUEST;
        err = place_of(b, &jid);
        jid_text(&jid, beyond);
    }
    if (err == WB_OK)
        err = list(b, q, a, beyond, entries, ret_n, ret_next);
    if (err == WB_ERR_STATE) { /* not paired */
        *ret_n = 0;
        *ret_next = (struct jid){0};
        err = WB_OK;
    }
    if (err != WB_OK)
        return CMD_INTERNAL;
    *ret_entries = entries;
    return CMD_OK;
}
