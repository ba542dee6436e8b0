/* command.h - the outcome of a command that a caller of the API gives, the same for every part. It
 * declares no commands: the rooms that answer them do. */
#ifndef BRIDGE_CORE_COMMAND_H
#define BRIDGE_CORE_COMMAND_H

/* Outcome of a command. X(name, code in the JSON, HTTP status); ACCEPTED is 'queued'. */
#define CMD_RESULT_LIST(X)                                                                         \
    X(OK, "", 200)                                                                                 \
    X(ACCEPTED, "", 202)                                                                           \
    X(BAD_REQUEST, "bad_request", 400)                                                             \
    X(BAD_RECIPIENT, "bad_recipient", 400)                                                         \
    X(UNAUTHORIZED, "unauthorized", 401)                                                           \
    X(FORBIDDEN_ORIGIN, "forbidden_origin", 403)                                                   \
    X(NOT_FOUND, "not_found", 404)                                                                 \
    X(NOT_ON_WHATSAPP, "not_on_whatsapp", 404)                                                     \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405)                                               \
    X(KEY_REUSED, "key_reused", 409)                                                               \
    X(CONFLICT, "conflict", 409)                                                                   \
    X(NOT_QUEUED, "not_queued", 409)                                                               \
    X(CANCELLED, "cancelled", 409)                                                                 \
    X(RESTRICTED, "restricted", 409)                                                               \
    X(TOO_LARGE, "too_large", 413)                                                                 \
    X(UNSUPPORTED_MEDIA, "unsupported_media_type", 415)                                            \
    X(ABSENT_MENTION, "absent_mention", 422)                                                       \
    X(IS_COMMUNITY, "is_community", 422)                                                           \
    X(BAD_PASSKEY, "bad_passkey", 422)                                                             \
    X(WRONG_CODE, "wrong_code", 422)                                                               \
    X(NOT_YET, "not_yet", 422)                                                                     \
    X(RATE_LIMITED, "rate_limited", 429)                                                           \
    X(INTERNAL, "internal", 500)                                                                   \
    X(REFUSED, "refused", 502)                                                                     \
    X(STORE_ERROR, "store_error", 503)                                                             \
    X(NOT_CONNECTED, "not_connected", 503)                                                         \
    X(NOT_SENT, "not_sent", 503)                                                                   \
    X(EXPIRED, "expired", 503)                                                                     \
    X(OUTCOME_UNKNOWN, "outcome_unknown", 504)

enum cmd_result {
#define X(name, code, status) CMD_##name,
    CMD_RESULT_LIST(X)
#undef X
        CMD_RESULT_COUNT
};
const char *cmd_result_code(enum cmd_result r);
int cmd_result_http_status(enum cmd_result r);

typedef void command_done_fn(void *ctx, enum cmd_result r, const char *text);

#endif
