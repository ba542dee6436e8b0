/* prekey_upload.h - keeps the server's stock of our one-time prekeys filled (P-LG-04..08, P-NT-03;
 * rule 7: ids are never used again). */
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

/* After <success>: asks for the count, uploads when few are left; then CONN_EV_PREKEYS comes, also
 * after a failure (which is tried again later and does not keep us offline). */
void prekey_upload_login(struct prekey_upload *p);
/* The server says that few are left. One refill at a time. */
void prekey_upload_refill(struct prekey_upload *p, uint64_t server_count);
/* The server has none of our keys any more (P-LG-10): uploads some now. */
void prekey_upload_anew(struct prekey_upload *p);
/* How many uploads have left. Each upload names the signed prekey that is current at that time, so
 * a server's answer about another signed prekey means less after an upload. */
uint64_t prekey_upload_count(const struct prekey_upload *p);
/* The stream ended: an upload under way has an unknown outcome; its keys are never offered
 * again. */
void prekey_upload_stop(struct prekey_upload *p);

#endif
