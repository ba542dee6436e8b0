/* history_scan.h - reads what a HistorySync says about people (P-HI-04, P-HI-06, P-HI-07, P-HI-11),
 * while it is inflated. A first history is hundreds of megabytes of messages, in conversations of
 * many megabytes each: so it is read byte by byte, and only the texts of the entry that is being
 * read are kept. That takes a few kilobytes whatever the phone sends. */
#ifndef PROTO_HISTORY_SCAN_H
#define PROTO_HISTORY_SCAN_H

#include "base/err.h"
#include "base/span.h"

enum history_fact_kind {
    HISTORY_FACT_CHAT,     /* jid, pn, lid, bytes = the token, t, sender_t */
    HISTORY_FACT_PAIR,     /* pn, lid */
    HISTORY_FACT_NAME,     /* jid, bytes = the push name */
    HISTORY_FACT_SALT,     /* bytes = the NCT salt */
    HISTORY_FACT_MIGRATED, /* t: since when the phone keeps its chats under LIDs */
};

/* One fact. Parts that are not told are null or 0. JIDs are text as the phone writes it, not
 * checked. */
struct history_fact {
    enum history_fact_kind kind;
    struct span jid, pn, lid, bytes; /* borrowed during the call */
    uint64_t t, sender_t;            /* unix seconds: of the token, and of our own token for that
                                      * person */
};
typedef void history_fact_fn(void *ctx, const struct history_fact *f);

enum {
    HISTORY_SCAN_SLOTS = 4,
    /* Addresses are below 64 bytes, tokens some 20, names below 256. A longer text is passed
     * over. */
    HISTORY_SCAN_TEXT_MAX = 1024,
};

/* Private to history_scan.c. */
struct history_scan {
    history_fact_fn *fn;
    void *ctx;
    int state, message;    /* what is expected next; the message it belongs to */
    uint64_t left;         /* bytes left of that message, unless it is the whole history */
    uint64_t varint, want; /* the number being read; bytes of the field that are still to come */
    unsigned shift;
    uint32_t field;
    size_t slot; /* where its bytes go */
    struct {
        bool there;
        size_t n;
        uint8_t p[HISTORY_SCAN_TEXT_MAX];
    } text[HISTORY_SCAN_SLOTS];
    uint64_t t, sender_t;
};

void history_scan_init(struct history_scan *s, history_fact_fn *fn, void *ctx);
/* Takes the next bytes of the protobuf, cut anywhere. MALFORMED; after that nothing more may be
 * fed. */
enum wb_err history_scan_feed(struct history_scan *s, struct span in) WB_MUST_CHECK;
/* TRUNCATED: the history ended within a field. */
enum wb_err history_scan_end(const struct history_scan *s) WB_MUST_CHECK;

/* Scans a whole history, from the zlib stream that the phone sends. Facts may have been told before
 * an error is found. TOO_LARGE over max inflated bytes; TRUNCATED, MALFORMED, TRAILING, NOMEM. */
enum wb_err history_scan_packed(struct span packed, uint64_t max, history_fact_fn *fn,
                                void *ctx) WB_MUST_CHECK;

#endif
