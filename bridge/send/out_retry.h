/* out_retry.h - others could not read a message of ours and ask for it again (P-RC-39..44). */
#ifndef BRIDGE_SEND_OUT_RETRY_H
#define BRIDGE_SEND_OUT_RETRY_H

#include "bridge/core/stanza.h"

/* Handles a <receipt type=retry>, unparsed: resends the message and acks the receipt (the caller
 * does neither). The receipt is only acked when the message is not known any more or was asked for
 * too often. When prekeys must be fetched first, the ack comes with the resend: if the connection
 * breaks before, the server delivers the request again. Errors of class PEER: an odd stanza, to be
 * acked by the caller; everything else as in stanza.h. */
enum wb_err out_retry_request(struct bridge *b, const struct stanza *s) WB_MUST_CHECK;

#endif
