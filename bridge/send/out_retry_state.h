/* out_retry_state.h - resends that wait for prekeys; part of out_message_state. */
#ifndef BRIDGE_SEND_OUT_RETRY_STATE_H
#define BRIDGE_SEND_OUT_RETRY_STATE_H

struct out_message_state;

/* Forgets all waiting resends: the devices ask again. */
void out_retry_clear(struct out_message_state *s);
/* The connection is gone: requests that waited for a pause come again with the next connection. */
void out_retry_offline(struct out_message_state *s);

#endif
