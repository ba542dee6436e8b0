/* presence.h - tells WhatsApp our name, and whether we are there (P-LG-12..16, P-X2-04).
 *
 * Others see '-' as our name until a presence with it was sent, and the server keeps the name. So
 * it is sent when the name has changed and once a day, not at each of many reconnects: a person who
 * opens and leaves WhatsApp every minute is not what we want to look like. By default we are
 * `available` for that moment and `unavailable` again, so that phones keep notifying. With
 * `presence: available` each connection begins with one, because the server forgets it with the
 * connection. */
#ifndef BRIDGE_PEOPLE_PRESENCE_H
#define BRIDGE_PEOPLE_PRESENCE_H

#include "base/err.h"

struct bridge;
struct presence;

enum wb_err presence_new(struct bridge *b, struct presence **ret) WB_MUST_CHECK;
void presence_free(struct presence *p); /* NULL-safe */

/* Sends what is due, if anything: when the connection has become active, and when the settings were
 * read again. A name that has changed and the day that is over are looked after here. */
void presence_look(struct bridge *b);

#endif
