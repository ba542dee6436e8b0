/* history_download.h - the file that a history notification names, or another reference of our
 * phone (app state): host list, GET, checks, decryption (P-MD-01..03, P-MD-11, P-MD-13, P-HI-02,
 * P-AS-07). What comes out is still deflated; whoever wants only a little of it has that taken out
 * on the worker. */
#ifndef BRIDGE_MEDIA_HISTORY_DOWNLOAD_H
#define BRIDGE_MEDIA_HISTORY_DOWNLOAD_H

#include "proto/peer_wire.h"

struct bridge;

/* On a worker: appends to out what is wanted of the file. */
typedef enum wb_err history_work_fn(struct span packed, struct buf *out);

/* On the loop, once; not when the bridge is shutting down. result: GONE only where every host says
 * that it does not have the file; an error of reading (BAD_MAC, MALFORMED, TRUNCATED, ...) where it
 * is not what was promised; all others say nothing about the file. content: the deflated file, or
 * what the work made of it; it lives during the call, or is taken away and an empty buffer left
 * behind. */
typedef void history_file_fn(struct bridge *b, struct span request_id, enum wb_err result,
                             struct buf *content);

struct history_fetch {
    const char *info;     /* MEDIA_INFO_... */
    const char *mms_type; /* what the media host calls it */
    size_t file_max;      /* bytes of the file */
    long timeout_ms;      /* of one attempt */
    size_t out_max;       /* bytes that the work may make; 0 without work */
    history_work_fn *work;
    history_file_fn *done;
};

/* request_id is copied and handed back. With work, a notification that brings its content itself
 * (inline_payload) is handled in the same way, without a download. MALFORMED: the notification
 * names no file that can be fetched; TOO_LARGE: over file_max; STATE: too many at once;
 * RATE_LIMITED: IQ_KIND_MEDIA is paused. */
enum wb_err history_download_start(struct bridge *b, const struct history_notification *n,
                                   struct span request_id,
                                   const struct history_fetch *how) WB_MUST_CHECK;

#endif
