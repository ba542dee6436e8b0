/* login.h - the login payload, <success>, <failure>, and the switch to active (P-LG-01, P-LG-09).
 */
#ifndef MOCK_SERVICE_LOGIN_H
#define MOCK_SERVICE_LOGIN_H

#include "tools/mock/wire/client.h"

void login_start(struct client *c, struct span client_payload);
/* Sends <failure reason [code] [expire]>, then closes. */
void login_failure(struct client *c, int reason, uint32_t code, uint32_t expire);
/* The client sent <active/>: delivers all that waits for the device, between offline_preview and
 * offline. */
void login_active(struct client *c);

#endif
