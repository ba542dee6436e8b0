/* signed_prekey.h - our signed prekey gets a successor every month (P-LG-11, P-DB-08).
 *
 * Whoever has the private half of it, and of the identity, can read the first messages of sessions
 * that were set up with it, and a pkmsg without a one-time prekey is guarded by it alone. So it
 * does not stay for ever: the next one is made and stored, uploaded, and put into use when the
 * server has it; the one before is accepted for the messages that may still come, and then
 * forgotten. */
#ifndef BRIDGE_SESSIONS_SIGNED_PREKEY_H
#define BRIDGE_SESSIONS_SIGNED_PREKEY_H

#include "base/err.h"

struct bridge;
struct signed_prekey;

/* Works by itself from then on: looks when we come online and some times a day. */
enum wb_err signed_prekey_new(struct bridge *b, struct signed_prekey **ret_p) WB_MUST_CHECK;
void signed_prekey_free(struct signed_prekey *p); /* NULL-safe */

/* The server asks us to compare what it has of our keys (P-NT-03, P-LG-10): it is asked, and told
 * again when it has another signed prekey than ours, or none. NULL-safe. */
void signed_prekey_verify(struct signed_prekey *p);

#endif
