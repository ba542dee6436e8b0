/* mention_in.h - whom a received message mentions (P-RC-56). */
#ifndef BRIDGE_PEOPLE_MENTION_IN_H
#define BRIDGE_PEOPLE_MENTION_IN_H

#include "proto/jid.h"

struct bridge;
struct content_context;

/* Appends a JSON array of JIDs, phone numbers where they are known, "all" for everyone; nothing at
 * all when nobody is mentioned. *ret_me: we are mentioned, under either identity or as part of all.
 * Addresses that are no person's are passed over. Errors of the store, out's error. */
enum wb_err mention_in_list(struct bridge *b, const struct content_context *context,
                            struct buf *out, bool *ret_me) WB_MUST_CHECK;

/* An address from inside a message in the form that rows use: without device, and the phone number
 * where it is known. JID_NONE: it is no person's address. */
enum wb_err mention_in_person(struct bridge *b, struct span text,
                              struct jid *ret_person) WB_MUST_CHECK;

#endif
