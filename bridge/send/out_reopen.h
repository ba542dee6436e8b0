/* out_reopen.h - a message that the server refused for its form goes out once more. Private to
 * send/. */
#ifndef BRIDGE_SEND_OUT_REOPEN_H
#define BRIDGE_SEND_OUT_REOPEN_H

#include "bridge/send/out_queue.h"

/* The server has refused the item with this code. *ret_again: the item is REOPENING, and that is no
 * failure; in any case, what we wrongly believed of the chat is dropped. In the open batch. Store
 * errors. */
enum wb_err out_reopen(struct out_item *it, uint32_t code, bool *ret_again) WB_MUST_CHECK;

#endif
