/* GET /api/contacts: people by name, and when their security code changed last. */
#include "bridge/calls/contacts_view.h"

#include "api/route/route.h"

static json_t *jid_or_null(const struct jid *j)
{
    char text[JID_TEXT_MAX];

    return jid_is_none(j) ? json_null() : json_string(jid_text(j, text));
}

static json_t *entry_json(const struct contact_entry *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "jid", jid_or_null(&e->jid), "lid",
                     jid_or_null(&e->lid), "full_name", api_text_or_null(e->full_name),
                     "first_name", api_text_or_null(e->first_name), "push_name",
                     api_text_or_null(e->push_name), "business_name",
                     api_text_or_null(e->business_name), "identity_changed_at",
                     e->identity_changed_at ? json_integer(e->identity_changed_at) : json_null());
}

static void bad(struct api_request *r, const char *what)
{
    api_reply_error(r, CMD_BAD_REQUEST, what);
}

/* False: the request was answered. */
static bool parse_query(struct api_request *r, struct contacts_query *q)
{
    static const char *const known[] = {"limit", "before", "after", NULL};
    uint64_t limit = API_CONTACTS_PAGE;
    struct span text;

    if (!api_query_known(r, known))
        return false;
    if (api_query(r, "limit", &text) &&
        (!span_to_u64(text, &limit) || limit < 1 || limit > CONTACTS_PAGE_MAX)) {
        bad(r, "'limit' must be a whole number from 1 to 500");
        return false;
    }
    q->limit = (size_t)limit;
    q->backwards = api_query(r, "before", &q->beyond);
    if (api_query(r, "after", &text)) {
        if (q->backwards) {
            bad(r, "'before' and 'after' cannot both be given: one is for each direction");
            return false;
        }
        q->beyond = text;
    }
    return true;
}

static void handle_contacts(struct api_request *r)
{
    struct contacts_query q = {.beyond = SPAN_NULL};
    struct contact_entry *entries = NULL;
    struct jid next;
    enum cmd_result result;
    size_t n = 0;

    if (!parse_query(r, &q))
        return;
    result = bridge_contacts_list(r->bridge, &q, &r->arena, &entries, &n, &next);
    if (result == CMD_BAD_REQUEST) {
        bad(r, "'before' and 'after' must be a JID, as 'next' of an answer");
    } else if (result != CMD_OK) {
        api_reply_error(r, result, "The contacts cannot be read now; see the log");
    } else {
        json_t *people = json_array();

        for (size_t i = 0; i < n; i++)
            json_array_append_new(people, entry_json(&entries[i]));
        api_reply_json(r, 200,
                       json_pack("{s:b, s:o, s:o}", "success", 1, "contacts", people, "next",
                                 jid_or_null(&next)));
    }
}

const struct api_route route_contacts = {API_GET, "/api/contacts", handle_contacts};
