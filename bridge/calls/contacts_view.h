/* contacts_view.h - people as api/ shows them: names, and when their security code changed. Called
 * on the loop's thread. */
#ifndef BRIDGE_CALLS_CONTACTS_VIEW_H
#define BRIDGE_CALLS_CONTACTS_VIEW_H

#include "bridge/calls/commands.h"

struct bridge;

enum { CONTACTS_PAGE_MAX = 500 };

/* One person. Spans live in the caller's arena, SPAN_NULL: not known. */
struct contact_entry {
    struct jid jid; /* the phone number where it is known, else the LID */
    struct jid lid; /* JID_NONE: not known */
    struct span full_name, first_name, push_name, business_name;
    int64_t identity_changed_at; /* unix seconds, 0: not since we know them */
};

struct contacts_query {
    struct span beyond; /* the list goes on behind this JID; SPAN_NULL: from the beginning */
    bool backwards;
    size_t limit; /* 1..CONTACTS_PAGE_MAX */
};

/* In the order of the JIDs under which people are stored, without ourselves; `beyond` may be either
 * JID of a person. At most limit rows are read; a person with a row under each identity is listed
 * once, so there may be fewer entries. *ret_next: `beyond` of the next page, JID_NONE: this was the
 * last one. BAD_REQUEST: beyond is no JID; INTERNAL. Before pairing the list is empty. */
enum cmd_result bridge_contacts_list(struct bridge *b, const struct contacts_query *q,
                                     struct arena *a, struct contact_entry **ret_entries,
                                     size_t *ret_n, struct jid *ret_next) WB_MUST_CHECK;

#endif
