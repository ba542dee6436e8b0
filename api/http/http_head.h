/* http_head.h - the head of an HTTP/1 request (RFC 9112, 2 to 5), read by ourselves: what
 * libwebsockets makes of one differs from version to version, and it answers what it does not like
 * with a page of its own. Pure: bytes in, spans of them out. */
#ifndef API_HTTP_HTTP_HEAD_H
#define API_HTTP_HTTP_HEAD_H

#include "base/buf.h"

/* Where the head ends, found while it comes in. All zero at the start. */
struct http_head_scan {
    size_t at;   /* bytes looked at */
    size_t line; /* of them in this line, but for CR */
    bool begun;  /* something other than an empty line has come */
};

/* `in`: all that has come so far. How many bytes the head has, with the empty line that ends it; 0:
 * it is not complete. Each byte is looked at once. */
size_t http_head_length(struct http_head_scan *s, struct span in);

/* Can a head begin with these bytes? False as soon as they are those of another protocol. */
bool http_head_possible(struct span in);

/* What a request says, as it was sent: spans of its bytes. SPAN_NULL: the header is not there. */
struct http_head {
    struct span method;
    struct span path, query; /* not decoded; query without '?' */
    bool may_have_interim;   /* HTTP/1.1: the caller knows answers of 1xx */
    struct span host;        /* of an absolute target, or the header */
    struct span origin, authorization, content_type, idempotency_key;
    struct span content_length, transfer_encoding, expect;
};

/* head: as long as http_head_length() says. MALFORMED, and *ret_problem is a sentence for the
 * caller: a line that is none, a version other than HTTP/1, a header twice that may be there once.
 */
enum wb_err http_head_parse(struct span head, struct http_head *ret,
                            const char **ret_problem) WB_MUST_CHECK;

/* Decodes %XX into out, with a NUL at the end. False: it does not fit, or holds a NUL or a '%' that
 * is followed by something else. */
bool http_path_decode(struct span path, char *out, size_t room) WB_MUST_CHECK;
/* Cuts at '&', then decodes %XX and '+' (a space): "name=value" each with a NUL, and an empty one
 * ends them. */
bool http_query_decode(struct span query, char *out, size_t room) WB_MUST_CHECK;

#endif
