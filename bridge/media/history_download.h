/* history_download.h - the room media/: files on WhatsApp's media hosts, and those that the Go
 * bridge has saved. It knows nothing of what the files mean. This file fetches what a history
 * notification names, or another reference of our phone (app state): host list, GET, checks,
 * decryption (P-MD-01..03, P-MD-11, P-MD-13, P-HI-02, P-AS-07). The result is still deflated; a
 * caller that needs only a little of it gives a work function, which runs on the worker. */
#ifndef BRIDGE_MEDIA_HISTORY_DOWNLOAD_H
#define BRIDGE_MEDIA_HISTORY_DOWNLOAD_H

#include "proto/peer_wire.h"

struct bridge;

/* Runs on a worker: appends to out the part of the deflated file that the caller needs. */
typedef enum wb_err history_work_fn(struct span packed, struct buf *out);

/* Called on the loop, once; not when the bridge is shutting down. result: GONE only if every host
 * says that it does not have the file; an error of reading (BAD_MAC, MALFORMED, TRUNCATED, ...) if
 * the file is not the promised one; every other error says nothing about the file. content: the
 * deflated file, or the output of the work; it lives during the call, unless the callee takes it
 * and leaves an empty buffer. */
typedef void history_file_fn(struct bridge *b, struct span request_id, enum wb_err result,
                             struct buf *content);

struct history_fetch {
    const char *info;     /* MEDIA_INFO_... */
    const char *mms_type; /* the media host's word for this kind of file */
    size_t file_max;      /* bytes of the file */
    long timeout_ms;      /* of one attempt */
    size_t out_max;       /* most bytes that the work may append; 0 without work */
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
