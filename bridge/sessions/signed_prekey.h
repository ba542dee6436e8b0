/* signed_prekey.h - our signed prekey gets a successor every month (P-LG-11, P-DB-08).
 *
 * Somebody who gets the private halves of a signed prekey and of our identity can read the first
 * messages of sessions that were set up with it, and it alone guards a pkmsg without a one-time
 * prekey. So no signed prekey stays for ever: the next one is made and stored, uploaded, and put
 * into use when the server has it; the one before is accepted for the messages that may still come,
 * and then forgotten. */
#ifndef BRIDGE_SESSIONS_SIGNED_PREKEY_H
#define BRIDGE_SESSIONS_SIGNED_PREKEY_H

#include "base/err.h"

struct bridge;
struct signed_prekey;

/* From then on it works by itself: it checks when we come online and some times a day. NOMEM. */
enum wb_err signed_prekey_new(struct bridge *b, struct signed_prekey **ret_p) WB_MUST_CHECK;
void signed_prekey_free(struct signed_prekey *p); /* NULL-safe */

/* The server wants us to compare the keys that it has of us (P-NT-03, P-LG-10): asks it for their
 * digest, and sends our signed prekey again if it has another one or none. NULL-safe. */
void signed_prekey_verify(struct signed_prekey *p);

#endif
