#include "bridge/people/tctoken.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "crypto/prim_hash.h"
#include "store/session/tokens.h"

/* Tokens on their way to the server. */
struct tctokens {
    struct bridge *b;
    struct {
        uint64_t key; /* 0: free */
        struct jid who;
        int64_t t;
    } pending[TCTOKEN_PENDING_MAX];
    uint64_t last_key;
};

enum wb_err tctokens_new(struct bridge *b, struct tctokens **ret_s)
{
    struct tctokens *s = calloc(1, sizeof *s);

    if (!s)
        return WB_ERR_NOMEM;
    s->b = b;
    *ret_s = s;
    return WB_OK;
}

void tctokens_free(struct tctokens *s)
{
    free(s);
}

/* WhatsApp's own announcements come from user 0, who takes no tokens. */
static bool takes_tokens(const struct jid *who)
{
    return (who->server == JID_LID || who->server == JID_PN) && strcmp(who->user, "0") != 0;
}

void cstoken_make(struct span salt, const struct jid *lid, uint8_t out[static 32])
{
    struct jid bare = jid_bare(*lid);
    char text[JID_TEXT_MAX];

    hmac_sha256(salt, span_cstr(jid_text(&bare, text)), out);
}

enum wb_err tctoken_add(struct bridge *b, struct arena *a, struct node *message,
                        const struct jid *lid)
{
    struct buf bytes = buf_new(STORE_TOKEN_MAX);
    uint8_t made[SHA256_BYTES];
    enum wb_err err;

    if (!takes_tokens(lid))
        return WB_OK;
    err = store_token_get(b->store, lid, bridge_server_now_s(b), &bytes);
    if (err == WB_OK && bytes.n) {
        node_set_bytes(a, node_child_new(a, message, "tctoken"), buf_span(&bytes));
    } else if (err == WB_ERR_NOT_FOUND && lid->server == JID_LID) {
        err = store_nct_salt_get(b->store, &bytes);
        if (err == WB_OK && bytes.n) {
            cstoken_make(buf_span(&bytes), lid, made);
            node_set_bytes(a, node_child_new(a, message, "cstoken"), SPAN_ARRAY(made));
        }
    }
    buf_free(&bytes);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static void on_issued(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct tctokens *s = b->tokens;

    for (size_t i = 0; i < TCTOKEN_PENDING_MAX; i++) {
        enum wb_err err = reply->err;

        if (s->pending[i].key != key)
            continue;
        s->pending[i].key = 0;
        if (err == WB_OK) {
            err = store_token_issued_put(b->store, &s->pending[i].who, s->pending[i].t);
            if (err != WB_OK)
                batch_fail(b, err);
        }
        if (err != WB_OK)
            log_debug(b->log, "send", "a privacy token was not issued: %s", wb_err_text(err));
        return;
    }
}

/* A free slot for giving `who` our token; TCTOKEN_PENDING_MAX: there is none, or the token is on
 * its way. */
static size_t free_slot(const struct tctokens *s, const struct jid *who)
{
    size_t slot = TCTOKEN_PENDING_MAX;

    for (size_t i = 0; i < TCTOKEN_PENDING_MAX; i++) {
        if (!s->pending[i].key)
            slot = i;
        else if (jid_same_user(&s->pending[i].who, who))
            return TCTOKEN_PENDING_MAX;
    }
    return slot;
}

static void send_token(struct tctokens *s, const struct jid *who, int64_t t)
{
    struct arena a = arena_new(16 * 1024);
    size_t slot = free_slot(s, who);
    struct node *iq, *token;

    if (slot == TCTOKEN_PENDING_MAX)
        return;
    iq = iq_new(&a, "set", "privacy", NULL);
    token = node_child_new(&a, node_child_new(&a, iq, "tokens"), "token");
    node_attr_jid(&a, token, "jid", who);
    node_attr_u64(&a, token, "t", (uint64_t)t);
    node_attr_text(&a, token, "type", "trusted_contact");
    s->pending[slot].key = ++s->last_key;
    s->pending[slot].who = *who;
    s->pending[slot].t = t;
    if (iq_send(&s->b->iq, &a, iq, 0, on_issued, s->pending[slot].key) != WB_OK)
        s->pending[slot].key = 0;
    arena_free(&a);
}

void tctoken_issue(struct tctokens *s, const struct jid *lid)
{
    struct bridge *b = s->b;
    const struct jid who = jid_bare(*lid);
    const int64_t now = bridge_server_now_s(b);
    int64_t issued = 0;

    if (!takes_tokens(&who) || bridge_is_self(b, &who))
        return;
    if (store_token_issued_get(b->store, &who, &issued) != WB_OK ||
        (issued > 0 && now / STORE_TOKEN_BUCKET_S <= issued / STORE_TOKEN_BUCKET_S))
        return;
    send_token(s, &who, now);
}

void tctoken_reissue(struct tctokens *s, const struct jid *lid)
{
    struct bridge *b = s->b;
    const struct jid who = jid_bare(*lid);
    int64_t issued = 0;

    if (!takes_tokens(&who) || bridge_is_self(b, &who) ||
        store_token_issued_get(b->store, &who, &issued) != WB_OK ||
        issued < store_token_cutoff(bridge_server_now_s(b)) || issued <= 0)
        return;
    send_token(s, &who, issued);
}
