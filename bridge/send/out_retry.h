/* out_retry.h - others could not read a message of ours and ask for it again (P-RC-39..44). */
#ifndef BRIDGE_SEND_OUT_RETRY_H
#define BRIDGE_SEND_OUT_RETRY_H

#include "bridge/core/stanza.h"

/* A <receipt type=retry>, unparsed. Answers it and acks it (the caller does neither): the ack alone
 * when the message is not known any more or was asked for too often. When prekeys must be fetched
 * first, the ack comes with the answer: with the connection gone, the request comes again. Class
 * PEER: an odd stanza, to be acked by the caller; everything else as in stanza.h. */
enum wb_err out_retry_request(struct bridge *b, const struct stanza *s) WB_MUST_CHECK;

#endif
