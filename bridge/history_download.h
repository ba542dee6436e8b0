/* history_download.h - the file that a history notification names: host list, GET, checks,
 * decryption (P-MD-01..03, P-MD-11, P-MD-13, P-HI-02). What comes out is still deflated. */
#ifndef BRIDGE_HISTORY_DOWNLOAD_H
#define BRIDGE_HISTORY_DOWNLOAD_H

#include "proto/peer_wire.h"

struct bridge;

/* On the loop, once; not when the bridge is shutting down. packed lives during the call. */
typedef void history_file_fn(struct bridge *b, struct span request_id, enum wb_err result,
                             struct span packed);

/* request_id is copied and handed back. MALFORMED: the notification names no file that can be
 * fetched; TOO_LARGE: over HISTORY_FILE_MAX; STATE: too many at once. */
enum wb_err history_download_start(struct bridge *b, const struct history_notification *n,
                                   struct span request_id, history_file_fn *done) WB_MUST_CHECK;

#endif
