/* request.h - one call: its caller, the request, and the answer. It knows no sockets, and not which
 * calls there are. A handler answers at once or keeps the request and answers later; if the caller
 * goes away first, `gone` is called and the request must not be touched any more. */
#ifndef API_CALL_REQUEST_H
#define API_CALL_REQUEST_H

#include <jansson.h>
#include <strings.h>

#include "api/call/limits.h"
#include "base/arena.h"
#include "base/buf.h"
#include "bridge/calls/commands.h"

struct bridge;
struct config;

enum api_method {
    API_GET,
    API_HEAD,
    API_POST,
    API_PUT,
    API_PATCH,
    API_DELETE,
    API_OPTIONS,
    API_OTHER
};

struct api_request {
    /* The bridge and its API: api.c sets these before the first handler sees the request. */
    struct bridge *bridge;
    const struct config *config;
    uint16_t port; /* where the API listens */
    enum api_method method;
    char path[API_PATH_MAX];
    const char *param;           /* what stands for the '*' of the route's path; "" without one */
    char query[API_QUERY_MAX];   /* "name=value" each, decoded, NUL-terminated; "" ends them */
    char local[API_ADDRESS_MAX]; /* our address that the caller connected to, as text; or "" */
    bool from_here;              /* the caller's own address is a loopback one */
    char host[API_HEADER_VALUE_MAX];
    char origin[API_HEADER_VALUE_MAX];
    char authorization[API_HEADER_VALUE_MAX];
    char content_type[API_HEADER_VALUE_MAX];
    char idempotency_key[API_HEADER_VALUE_MAX];
    bool header_too_long; /* one of these headers did not fit */
    bool bad_query;       /* the query is too long, or has a NUL in it */
    struct buf body;      /* kept until the handler has returned */
    struct arena arena;

    /* The answer. */
    bool answered;
    int status;
    const char *reply_type; /* static */
    char allow[40];         /* the Allow header of a 405, else "" */
    const char *policy;     /* static; Content-Security-Policy of a page */
    const char *location;   /* static; where a 302 leads */
    bool retry_later;       /* an error because of too many requests: answered with Retry-After */
    struct buf reply;

    void (*gone)(void *ctx);
    void *gone_ctx;
    uint64_t ticket;     /* of bridge_send() */
    const char *sent_to; /* the recipient as the caller wrote it, in the arena */

    /* The server's on_request sets these from the head alone; handle is NULL until then, and stays
     * NULL for a call that is refused. */
    void (*handle)(struct api_request *r);
    const char *call; /* static: the call's name in the log of long pauses of the loop */
    bool takes_body;  /* the handler reads the body */
    bool is_quick;    /* the call costs next to nothing: it is served however many others wait */

    /* Ways to the server, set from the beginning. send_answer: the answer in r is complete; it is
     * sent when the socket takes it, then r is freed. may_hold: is there room for an answer of n
     * bytes, beside the answers that callers have not taken yet? */
    void (*send_answer)(struct api_request *r);
    bool (*may_hold)(struct api_request *r, size_t n);
};

/* Sends the answer; exactly one of these functions is called per request. */
void api_reply(struct api_request *r, int status, const char *static_type, struct span body);
/* Takes over the reference; NULL (no memory) becomes a plain 500. */
void api_reply_json(struct api_request *r, int status, json_t *new_body);
/* A text as JSON. Bytes that are no UTF-8 (a text that was cut, an old name) become '?': otherwise
 * the whole field would be missing. A new reference; NULL: no memory. */
json_t *api_text(struct span text);
/* The same of a field that may be missing: SPAN_NULL is null. */
json_t *api_text_or_null(struct span text);
/* {"success":false,"error":code,"message":text} with the code's status. */
void api_reply_error(struct api_request *r, enum cmd_result result, const char *text);
/* Answers RATE_LIMITED, with Retry-After. */
void api_reply_busy(struct api_request *r, const char *text);
/* {"success":true,"message":text}. */
void api_reply_done(struct api_request *r, int status, const char *text);

/* For commands that answer by callback: holds the request while its caller is there, then NULL. The
 * callback frees the struct. NULL from api_wait(): no memory, and the request was answered. */
struct api_waiting {
    struct api_request *request;
};
struct api_waiting *api_wait(struct api_request *r) WB_MUST_CHECK;

/* Gets a parameter of the query; false when it is not given. */
bool api_query(const struct api_request *r, const char *name, struct span *ret_value);
/* Is every parameter one of `known` (ends with NULL), and given once? False: the request was
 * answered with bad_request. */
bool api_query_known(struct api_request *r, const char *const *known) WB_MUST_CHECK;

#endif
