#include "tools/mock/devices/privacy.h"

#include <stdlib.h>

#include "crypto/prim_hash.h"
#include "tools/mock/devices/deliver.h"

void privacy_salt(const struct mock_account *a, uint8_t out[static PRIVACY_SALT_BYTES])
{
    hkdf_sha256(SPAN_ARRAY(a->identity.priv), SPAN_NULL, SPAN_LIT("mock nct salt"), out,
                PRIVACY_SALT_BYTES);
}

static const struct token *token_of(const struct mock_account *giver,
                                    const struct mock_account *peer)
{
    for (const struct token *t = giver->tokens; t != NULL; t = t->next) {
        if (t->peer == peer)
            return t;
    }
    return NULL;
}

bool privacy_gave(const struct mock_account *giver, const struct mock_account *peer)
{
    return token_of(giver, peer) != NULL;
}

/* Whether n carries the token that `giver` gave to `who`. */
static bool has_token(const struct mock_account *giver, const struct mock_account *who,
                      const struct node *n)
{
    const struct token *t = token_of(giver, who);

    return t != NULL && span_eq(node_content_bytes(node_child(n, "tctoken")), SPAN_ARRAY(t->bytes));
}

/* Whether n carries HMAC-SHA256 of the recipient's LID under the account's salt (P-SD-29). */
static bool good_cstoken(const struct mock_account *from, const struct mock_account *to,
                         struct span cs)
{
    uint8_t salt[PRIVACY_SALT_BYTES], mac[SHA256_BYTES];
    char lid[JID_TEXT_MAX];

    privacy_salt(from, salt);
    hmac_sha256(SPAN_ARRAY(salt), span_cstr(jid_text(&to->lid, lid)), mac);
    return span_eq(cs, SPAN_ARRAY(mac));
}

int privacy_refuses(struct mock *m, struct mock_account *from, struct mock_account *to,
                    const struct node *message)
{
    if (from == to || map_get(&to->blocked, from->lid.user) != NULL)
        return 0; /* the server accepts what a blocked sender writes; the other side drops it */
    if ((!m->cfg.require_tctoken && !to->traits.restricted) || from->contact)
        return 0;
    struct span cs = node_content_bytes(node_child(message, "cstoken"));
    if (!to->traits.no_tctoken && has_token(to, from, message))
        return 0;
    if (!to->traits.no_cstoken && cs.n > 0 && good_cstoken(from, to, cs))
        return 0;
    return 463;
}

bool privacy_shows(const struct mock_account *of, const struct mock_account *who,
                   const struct node *ask)
{
    return of == who || !of->traits.restricted || has_token(of, who, ask);
}

struct token *privacy_give(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                           uint64_t t)
{
    struct token *tok = giver->tokens;

    while (tok && tok->peer != peer)
        tok = tok->next;
    if (!tok) {
        tok = calloc(1, sizeof *tok);
        if (!tok)
            return NULL;
        tok->peer = peer;
        tok->next = giver->tokens;
        giver->tokens = tok;
    }
    tok->t = t;
    rng_fill(&m->rng, tok->bytes, sizeof tok->bytes);
    return tok;
}

void privacy_issue(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                   uint64_t t)
{
    const struct token *tok = privacy_give(m, giver, peer, t);

    if (!tok)
        return;
    for (size_t i = 0; i < peer->ndevices; i++) {
        if (world_is_played(peer->devices[i]))
            continue;
        struct node *n = deliver_notification(m, &giver->pn, "privacy_token");
        node_attr_jid(&m->a, n, "sender_lid", &giver->lid);
        struct node *tokens = node_child_new(&m->a, n, "tokens");
        struct node *one = node_child_new(&m->a, tokens, "token");
        node_attr_text(&m->a, one, "type", "trusted_contact");
        node_attr_u64(&m->a, one, "t", t);
        node_set_bytes(&m->a, one, SPAN_ARRAY(tok->bytes));
        deliver(m, peer->devices[i], n);
    }
}
