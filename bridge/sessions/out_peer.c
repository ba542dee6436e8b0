#include "bridge/sessions/out_peer.h"

#include "bridge/conn/conn.h"
#include "bridge/conn/own_keys.h"
#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/people/identity.h"
#include "bridge/sessions/pairwise.h"
#include "bridge/sessions/prekey_fetch.h"
#include "proto/peer_wire.h"

enum wb_err out_peer_seal(struct bridge *b, struct arena *a, struct span message,
                          const char *push_priority, struct node **ret_n)
{
    const struct jid to = jid_bare(b->own_pn);
    struct jid address; /* the address under which the phone's messages are decrypted */
    char id[MSGID_BYTES];
    struct node *n, *child, *enc = NULL;
    bool pkmsg = false;
    enum wb_err err;

    TRY(identity_session_address(b, &to, &address));
    TRY(pairwise_encrypt(b, a, &address, message, &enc, &pkmsg));
    msgid_new(bridge_server_now_s(b), &b->own_pn, b->rng, id);
    n = node_new(a, "message");
    node_attr_text(a, n, "id", id);
    node_attr_text(a, n, "type", "text");
    node_attr_text(a, n, "category", "peer");
    node_attr_jid(a, n, "to", &to);
    node_attr_text(a, n, "push_priority", push_priority);
    child = node_child_new(a, n, "meta");
    node_attr_text(a, child, "appdata", "default");
    node_add(n, enc);
    if (pkmsg)
        node_add(n, own_device_identity_node(a, b->account));
    if (!n)
        err = WB_ERR_NOMEM;
    else
        *ret_n = n;
out:
    return err;
}

static void on_session(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    (void)key;
    if (r->err == WB_ERR_RATE_LIMITED) /* the next caller that wants the session asks again */
        b->phone_session_asked = false;
    if (r->err != WB_OK || r->missing) {
        log_info(b->log, "signal", "no session with our own phone: %s",
                 r->err != WB_OK ? wb_err_text(r->err) : "the server has no keys of it");
        return;
    }
    events_emit_kind(&b->events, BRIDGE_EV_PHONE_READY);
}

enum wb_err out_peer_want_session(struct bridge *b)
{
    const struct jid phone = jid_bare(jid_is_none(&b->own_lid) ? b->own_pn : b->own_lid);

    if (b->phone_session_asked || !b->prekey_fetch || !conn_online(b->conn))
        return WB_OK;
    b->phone_session_asked = true;
    return prekey_fetch(b, &phone, 1, false, on_session, 0);
}

enum wb_err out_peer_ask_message(struct bridge *b, struct arena *a, const struct out_peer_wanted *w,
                                 struct node **ret_n)
{
    const struct jid sender = jid_bare(w->sender);
    char chat_text[JID_TEXT_MAX], sender_text[JID_TEXT_MAX];
    struct content_key key = {
        .remote_jid = span_cstr(jid_text(&w->chat, chat_text)), .id = w->id, .from_me = w->from_me};
    struct buf message = buf_new(4096);
    enum wb_err err;

    if (!w->from_me && !jid_is_person(&w->chat))
        key.participant = span_cstr(jid_text(&sender, sender_text));
    TRY(peer_placeholder_request_encode(&key, 1, &message));
    TRY(out_peer_seal(b, a, buf_span(&message), NULL, ret_n));
out:
    buf_free(&message);
    return err;
}
