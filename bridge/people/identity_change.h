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

/* After the events are there: tells BRIDGE_EV_IDENTITY from then on. */
enum wb_err identity_news_new(struct bridge *b, struct identity_news **ret_w) WB_MUST_CHECK;
void identity_news_free(struct identity_news *w); /* NULL-safe */

/* The device at this canonical address has proven to own this identity, or the server says so:
 * stored, in the open batch. A new one in the place of another is taken over, as by all clients
 * (P-SG-22); nobody of that person is trusted to have our sender keys any more. at: unix seconds
 * of the server, now if that is earlier. *ret_changed (may be NULL). The caller has asked
 * trust_own(). Errors of the store. */
enum wb_err identity_note(struct bridge *b, const struct jid *address,
                          const uint8_t identity[static X25519_KEY_BYTES], int64_t at,
                          bool *ret_changed) WB_MUST_CHECK;

/* What is of an installation that is gone. */
enum reinstall {
    REINSTALL_NEW,      /* all that is stored of the person */
    REINSTALL_OF_PHONE, /* what is stored of the phone: a linked device has a newer key, which stays
                         */
    REINSTALL_KNOWN,    /* nothing: the phone's key has changed since, or at that time */
};
/* The server says that this person has installed WhatsApp anew (P-NT-04), before anything of them
 * is forgotten. What is stored since that time is of the new installation, and stays: otherwise an
 * old notification would make us forget the key that a forger has to match. A linked device's
 * change says nothing of the phone. */
enum wb_err identity_note_reinstalled(struct bridge *b, const struct jid *user, int64_t at,
                                      enum reinstall *ret) WB_MUST_CHECK;

#endif
