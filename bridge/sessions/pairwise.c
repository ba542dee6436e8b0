#include "bridge/sessions/pairwise.h"

#include "bridge/core/context.h"
#include "crypto/signal.h"
#include "proto/padding.h"
#include "store/session/signal_store.h"

enum wb_err pairwise_pad(struct bridge *b, struct span plain, struct buf *out)
{
    uint8_t random;

    rng_fill(b->rng, &random, 1);
    buf_clear(out);
    buf_append(out, plain);
    return padding_add(out, random);
}

enum wb_err pairwise_encrypt(struct bridge *b, struct arena *a, const struct jid *address,
                             struct span plain, struct node **ret_enc, bool *ret_pkmsg)
{
    struct signal_session *session = NULL, *moved;
    struct buf padded = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct buf sealed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    enum signal_message_kind kind;
    struct node *enc;
    enum wb_err err;

    TRY(pairwise_pad(b, plain, &padded));
    TRY(store_session_for_sending(b->store, address, &session));
    TRY(signal_encrypt(session, buf_span(&padded), &kind, &sealed));
    enc = node_new(a, "enc");
    node_attr_text(a, enc, "v", "2");
    node_attr_text(a, enc, "type", kind == SIGNAL_PKMSG ? "pkmsg" : "msg");
    node_set_bytes(a, enc, buf_span(&sealed));
    if (!enc || enc->failed) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    moved = session;
    session = NULL;
    TRY(store_session_save(b->store, address, moved));
    *ret_enc = enc;
    *ret_pkmsg = kind == SIGNAL_PKMSG;
out:
    signal_session_free(session);
    buf_free(&padded);
    buf_free(&sealed);
    return err;
}
