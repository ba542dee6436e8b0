/* prekey_upload.h - the server's stock of our one-time prekeys (P-LG-04..08, P-NT-03, rule 8). */
#ifndef BRIDGE_CONN_PREKEY_UPLOAD_H
#define BRIDGE_CONN_PREKEY_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bridge/core/stanza.h"

struct bridge;
struct prekey_upload;

enum wb_err prekey_upload_new(struct bridge *b, struct prekey_upload **ret_p) WB_MUST_CHECK;
void prekey_upload_free(struct prekey_upload *p);

/* After <success>: asks for the count, uploads when few are left; CONN_EV_PREKEYS when it is over,
 * however it ended (a failure is tried again later, it does not keep us offline). */
void prekey_upload_login(struct prekey_upload *p);
/* The server says that few are left. One refill at a time. */
void prekey_upload_refill(struct prekey_upload *p, uint64_t server_count);
/* The server has none of our keys any more (P-LG-10): some are uploaded now. */
void prekey_upload_anew(struct prekey_upload *p);
/* How many uploads have left. Each names the signed prekey that is the current one then, so an
 * answer about another one means less after it. */
uint64_t prekey_upload_count(const struct prekey_upload *p);
/* The stream ended: what was under way has an unknown outcome; its keys are never offered again. */
void prekey_upload_stop(struct prekey_upload *p);

#endif
