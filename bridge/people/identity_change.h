/* identity_change.h - people whose security code changes: noted durably with the identity itself, a
 * row of kind "event" in their chat, BRIDGE_EV_IDENTITY when both are committed. The first key of a
 * device is no change, and one change is told once, whatever brings it (a message, prekeys, keys in
 * a retry receipt, the server's <identity/>) and however often. */
#ifndef BRIDGE_PEOPLE_IDENTITY_CHANGE_H
#define BRIDGE_PEOPLE_IDENTITY_CHANGE_H

#include "crypto/prim_x25519.h"
#include "proto/jid.h"

struct bridge;
struct identity_news;

/* Call it when the bridge's events exist; tells BRIDGE_EV_IDENTITY from then on. NOMEM. */
enum wb_err identity_news_new(struct bridge *b, struct identity_news **ret_w) WB_MUST_CHECK;
void identity_news_free(struct identity_news *w); /* NULL-safe */

/* Stores, in the open batch, that the device at this canonical address owns this identity, as it
 * has proven or the server says. An identity that differs from the stored one is taken over, as by
 * all clients (P-SG-22); then no device of that person counts as having our sender keys any more.
 * at: unix seconds of the server, now if that is earlier. *ret_changed (may be NULL): it was a
 * change. The caller has asked trust_own(). Errors of the store. */
enum wb_err identity_note(struct bridge *b, const struct jid *address,
                          const uint8_t identity[static X25519_KEY_BYTES], int64_t at,
                          bool *ret_changed) WB_MUST_CHECK;

/* How much of what is stored belongs to an installation that is gone. */
enum reinstall {
    REINSTALL_NEW,      /* all that is stored of the person */
    REINSTALL_OF_PHONE, /* what is stored of the phone: a linked device has a newer key, which stays
                         */
    REINSTALL_KNOWN,    /* nothing: the phone's key has changed since, or at that time */
};
/* The server says that this person has installed WhatsApp anew (P-NT-04); call it before anything
 * stored about the person is forgotten. Records newer than `at` belong to the new installation, and
 * stay: otherwise an old notification would make us forget the key that a forger has to match. The
 * change of a linked device's key says nothing of the phone. */
enum wb_err identity_note_reinstalled(struct bridge *b, const struct jid *user, int64_t at,
                                      enum reinstall *ret) WB_MUST_CHECK;

#endif
