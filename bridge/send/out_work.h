/* out_work.h - what is known of one message while it is prepared and sealed. */
#ifndef BRIDGE_SEND_OUT_WORK_H
#define BRIDGE_SEND_OUT_WORK_H

#include "bridge/send/out_request.h"
#include "store/session/groups.h"

/* One preparation; everything it points to lives in its arena. */
struct out_work {
    struct arena arena;
    struct out_request request;
    struct jid to;            /* address of the stanza: LID or number (private_address.h), or
                               * group */
    struct jid lid, pn;       /* 1:1: the person's two forms, JID_NONE when not known */
    struct store_group group; /* members and all; .jid JID_NONE in a 1:1 chat */
    bool group_fresh;
    bool lids_asked; /* of mentioned numbers: the server was asked for their LIDs */
    bool relisted;   /* the devices were asked for anew because some were gone */
    struct mention_result mentions;
    struct buf plain; /* the encoded Message, unpadded */
    struct jid *devices;
    size_t ndevices;
};

void out_work_free(struct out_work *w); /* NULL-safe */

#endif
