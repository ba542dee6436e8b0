/* presence.h - tells WhatsApp our name, and whether we are there (P-LG-12..16, P-X2-04).
 *
 * Others see '-' as our name until a presence with it was sent, and the server keeps the name. So a
 * presence is sent when the name has changed and once a day, not at each of many reconnects: we do
 * not want to look like a person who opens and leaves WhatsApp every minute. By default we are
 * `available` for that moment and `unavailable` again, so that phones keep notifying. With
 * `presence: available` each connection begins with a presence, because the server forgets it when
 * the connection ends. */
#ifndef BRIDGE_PEOPLE_PRESENCE_H
#define BRIDGE_PEOPLE_PRESENCE_H

#include "base/err.h"

struct bridge;
struct presence;

enum wb_err presence_new(struct bridge *b, struct presence **ret) WB_MUST_CHECK;
void presence_free(struct presence *p); /* NULL-safe */

/* Sends a presence if one is due. Call it when the connection has become active and when the
 * settings were read again; a changed name and the end of the day are noticed by presence.c
 * itself. */
void presence_look(struct bridge *b);

#endif
