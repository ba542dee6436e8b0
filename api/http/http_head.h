/* http_head.h - the head of an HTTP/1 request (RFC 9112, 2 to 5), read by ourselves: libwebsockets
 * reads heads differently from version to version, and answers those that it rejects with a page of
 * its own. Pure: bytes in, spans of them out. */
#ifndef API_HTTP_HTTP_HEAD_H
#define API_HTTP_HTTP_HEAD_H

#include "base/buf.h"

/* Finds where the head ends, while it comes in. All zero at the start. */
struct http_head_scan {
    size_t at;   /* bytes looked at so far */
    size_t line; /* bytes of the current line, without CR */
    bool begun;  /* something other than an empty line has come */
};

/* `in`: everything that has come so far. Returns how many bytes the head has, with the empty line
 * that ends it; 0: the head is not complete. Each byte is looked at once. */
size_t http_head_length(struct http_head_scan *s, struct span in);

/* Can a head begin with these bytes? False as soon as they belong to another protocol. */
bool http_head_possible(struct span in);

/* A request's head as it was sent: spans of its bytes. SPAN_NULL: the header is not there. */
struct http_head {
    struct span method;
    struct span path, query; /* not decoded; query without '?' */
    bool may_have_interim;   /* HTTP/1.1: the caller understands 1xx answers */
    struct span host;        /* from an absolute target, else from the header */
    struct span origin, authorization, content_type, idempotency_key;
    struct span content_length, transfer_encoding, expect;
};

/* head: as long as http_head_length() says. MALFORMED, with a sentence for the caller in
 * *ret_problem: a malformed line, a version other than HTTP/1, or a header twice that may be there
 * once. */
enum wb_err http_head_parse(struct span head, struct http_head *ret,
                            const char **ret_problem) WB_MUST_CHECK;

/* Decodes %XX into out, with a NUL at the end. False: the path does not fit, or holds a NUL or a
 * '%' without two hex digits. */
bool http_path_decode(struct span path, char *out, size_t room) WB_MUST_CHECK;
/* Cuts at '&', then decodes %XX and '+' (a space): a "name=value" with a NUL for each, and an empty
 * one at the end. False as above. */
bool http_query_decode(struct span query, char *out, size_t room) WB_MUST_CHECK;

#endif
