/* phone_requests.h - which messages our phone was asked for, and by which request: only what was
 * asked for is taken from an answer (P-RC-45, P-RC-46). */
#ifndef STORE_MESSAGES_PHONE_REQUESTS_H
#define STORE_MESSAGES_PHONE_REQUESTS_H

#include "proto/jid.h"
#include "store/core/store.h"

struct store_phone_request {
    struct jid chat, sender; /* as they were asked for */
    char id[STORE_MESSAGE_ID_MAX + 1];
};

/* request_id: of the stanza that asks; asked_at: unix seconds. Part of the batch, with the ratchet
 * that sealed it. */
enum wb_err store_phone_request_put(struct store *s, struct span request_id,
                                    const struct store_phone_request *r,
                                    int64_t asked_at) WB_MUST_CHECK;
/* NOT_FOUND: nobody asked, it is answered, or too long ago. */
enum wb_err store_phone_request_get(struct store *s, struct span request_id,
                                    struct store_phone_request *ret) WB_MUST_CHECK;
enum wb_err store_phone_request_done(struct store *s, struct span request_id) WB_MUST_CHECK;
/* Removes requests from before `before`, which are never answered any more; at most
 * STORE_PRUNE_ROWS. *ret_more: there may be more. */
enum wb_err store_phone_requests_prune(struct store *s, int64_t before,
                                       bool *ret_more) WB_MUST_CHECK;

#endif
