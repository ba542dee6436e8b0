#include "tools/mock/link/passkey.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/passkey_crypt.h"
#include "crypto/prim_aead.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"

#define RP_ID "whatsapp.com"

enum stage { ASKED, ANSWERED, REVEALED, FINISHED };

/* One client's link under way. */
struct passkey_link {
    struct mock_account *account;
    enum stage stage;
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    int64_t expires_ms; /* of the challenge, monotonic */
    uint8_t handoff_key[PASSKEY_KEY_BYTES];
    char ref[64]; /* "": the client has asked for none since the challenge */
    struct buf identity;
    uint8_t commitment[PASSKEY_HASH_BYTES], companion[X25519_KEY_BYTES];
    bool proof;
    struct x25519_pair ephemeral; /* the phone's */
    uint8_t nonce[PASSKEY_NONCE_BYTES];
    char code[LINK_CODE_CHARS + 2];
    const char *refused;
    uint8_t adv_secret[ADV_SECRET_BYTES];
};

enum { IDENTITY_MAX = 1024 };

bool passkey_register(struct mock_account *a, struct span id, struct span key)
{
    if (id.n == 0 || id.n > sizeof a->passkey.id || !p256_key_valid(key))
        return false;
    memcpy(a->passkey.id, id.p, id.n);
    a->passkey.nid = id.n;
    memcpy(a->passkey.key, key.p, key.n);
    a->passkey.demanded = true;
    return true;
}

/* ---- the demand ---- */

static int64_t timeout_of(const struct passkey_link *l)
{
    return l->account->passkey.timeout_ms > 0 ? l->account->passkey.timeout_ms : 300000;
}

static json_t *b64_json(struct span s)
{
    struct buf text = buf_new(4096);

    buf_b64url(&text, s, false);
    json_t *v = json_string(buf_cstr(&text));
    buf_free(&text);
    return v;
}

static void put_options(struct mock *m, const struct passkey_link *l, struct node *parent)
{
    const struct mock_account *a = l->account;
    json_t *o =
        json_pack("{s:o,s:I,s:s,s:[{s:o,s:s,s:[s,s]}],s:s,s:{}}", "challenge",
                  b64_json(SPAN_ARRAY(l->challenge)), "timeout",
                  (json_int_t)(a->passkey.timeout_ms > 0 ? a->passkey.timeout_ms : 300000), "rpId",
                  RP_ID, "allowCredentials", "id", b64_json(SPAN(a->passkey.id, a->passkey.nid)),
                  "type", "public-key", "transports", "internal", "hybrid", "userVerification",
                  "required", "extensions");
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

    node_set_bytes(&m->a, node_child_new(&m->a, parent, "passkey_request_options"),
                   span_cstr(text != NULL ? text : "{}"));
    free(text);
    json_decref(o);
}

/* Ends a challenge that nobody has answered. */
static void challenge_expired(struct mock *m, void *arg)
{
    struct client *c = arg;
    const struct passkey_link *l = c->passkey;

    if (!l || l->stage != ASKED || clock_mono_ms(m->clock) < l->expires_ms)
        return;
    mock_say(m, "the passkey challenge of %s has expired", c->label);
    client_close(c);
}

static void demand(struct client *c)
{
    struct mock *m = c->m;
    struct passkey_link *l = c->passkey;
    struct jid server = jid_server_only(JID_PN);
    struct node *n = deliver_notification(m, &server, "passkey_prologue_request");

    rng_fill(&m->rng, l->challenge, sizeof l->challenge);
    l->stage = ASKED;
    l->ref[0] = l->code[0] = '\0';
    if (!l->account->passkey.omit_options)
        put_options(m, l, n);
    client_send(c, n);
    l->expires_ms = clock_mono_ms(m->clock) + timeout_of(l);
    (void)mock_timer(m, timeout_of(l), challenge_expired, c, NULL);
    mock_say(m, "%s is asked for a passkey", c->label);
}

struct pair_answer passkey_or_link(struct client *c, struct mock_account *a,
                                   const uint8_t adv_secret[static ADV_SECRET_BYTES])
{
    if (!a->passkey.demanded)
        return pair_link(c, a, adv_secret);
    struct passkey_link *l = calloc(1, sizeof *l);
    if (!l)
        return (struct pair_answer){.status = 500, .message = "out of memory"};
    passkey_gone(c);
    l->account = a;
    l->identity = buf_new(IDENTITY_MAX);
    l->refused = "";
    passkey_handoff_key(adv_secret, l->handoff_key);
    c->passkey = l;
    demand(c);
    return (struct pair_answer){
        .status = 200, .message = "a passkey is asked for", .jid = a->pn, .lid = a->lid};
}

bool passkey_ask_again(struct client *c)
{
    if (!c->passkey)
        return false;
    demand(c);
    return true;
}

/* ---- the prologue ---- */

static bool take(struct span s, uint8_t *out, size_t n)
{
    if (s.n != n)
        return false;
    memcpy(out, s.p, n);
    return true;
}

/* Keeps the companion's identity and commitment (P-PR-31). NULL when they fit, else what is
 * wrong. */
static const char *take_payload(struct client *c, struct span p)
{
    struct passkey_link *l = c->passkey;
    struct span identity = pb_bytes(p, 1);

    if (!pb_valid(p) || !pb_valid(identity) || identity.n > IDENTITY_MAX)
        return "prologue_payload is not understood";
    if (!take(pb_bytes(identity, 1), l->companion, sizeof l->companion))
        return "the companion's ephemeral key is not 32 bytes";
    if (!pb_has(identity, 2) || pb_u64(identity, 2, 0) != c->reg.platform)
        return "deviceType is not the platformType of the registration";
    if (l->ref[0] == '\0' || !span_eq_cstr(pb_bytes(identity, 3), l->ref))
        return "ref is not the one that was given";
    if (!take(pb_bytes(pb_bytes(p, 2), 1), l->commitment, sizeof l->commitment))
        return "the commitment is not 32 bytes";
    buf_clear(&l->identity);
    buf_append(&l->identity, identity);
    return NULL;
}

static const char *check_order(const struct node *prologue)
{
    static const char *const order[] = {"credential_id", "webauthn_assertion", "prologue_payload",
                                        "pairing_handoff_proof"};
    size_t at = 0;

    for (const struct node *n = prologue->first; n != NULL; n = n->next, at++) {
        if (at == sizeof order / sizeof order[0] || !node_is(n, order[at]) ||
            node_content_bytes(n).n == 0)
            return "the children are others than P-PR-32 names, or empty";
    }
    return at < 3 ? "children are missing" : NULL;
}

static bool proof_fits(const struct passkey_link *l, struct span payload, struct span proof)
{
    uint8_t want[PASSKEY_HASH_BYTES];

    passkey_handoff_proof(l->handoff_key, payload, want);
    return span_eq(proof, SPAN_ARRAY(want));
}

/* The phone sees the prologue and answers with its own key and nonce (P-PR-33). */
static void phone_continues(struct mock *m, void *arg)
{
    struct client *c = arg;
    struct passkey_link *l = c->passkey;
    struct jid server = jid_server_only(JID_PN);
    struct buf identity = buf_new(128);

    if (!l || l->stage != ANSWERED || l->account->passkey.silent)
        return;
    x25519_generate(&m->rng, &l->ephemeral);
    rng_fill(&m->rng, l->nonce, sizeof l->nonce);
    pb_put_bytes(&identity, 1, SPAN_ARRAY(l->ephemeral.pub));
    pb_put_bytes(&identity, 2, SPAN_ARRAY(l->nonce));
    struct node *n = deliver_notification(m, &server, "crsc_continuation");
    node_set_bytes(&m->a, node_child_new(&m->a, n, "primary_ephemeral_identity"),
                   buf_span(&identity));
    client_send(c, n);
    buf_free(&identity);
}

static int prologue(struct client *c, const struct node *p)
{
    struct mock *m = c->m;
    struct passkey_link *l = c->passkey;
    struct span id = node_content_bytes(node_child(p, "credential_id"));
    struct span payload = node_content_bytes(node_child(p, "prologue_payload"));
    struct span proof = node_content_bytes(node_child(p, "pairing_handoff_proof"));
    const struct webauthn_want want = {RP_ID, SPAN_ARRAY(l->challenge),
                                       SPAN(l->account->passkey.id, l->account->passkey.nid),
                                       l->account->passkey.key};
    const char *wrong = l->stage != ASKED ? "it was answered already" : check_order(p);

    if (!wrong)
        wrong = take_payload(c, payload);
    if (!wrong && proof.p && !proof_fits(l, payload, proof))
        wrong = "pairing_handoff_proof does not verify";
    if (wrong) {
        mock_flag(m, c->label, "bad-passkey-prologue", p, "%s", wrong);
        return 400;
    }
    /* A wrong assertion is the person's fault or the authenticator's, not the client's. */
    l->refused = "";
    if (!span_eq(id, want.credential_id))
        l->refused = "another credential";
    wrong = webauthn_check(&want, node_content_bytes(node_child(p, "webauthn_assertion")), &m->a);
    if (wrong)
        l->refused = wrong;
    if (l->refused[0] != '\0') {
        mock_say(m, "%s: assertion refused: %s", c->label, l->refused);
        return 401;
    }
    l->proof = proof.p != NULL;
    l->stage = ANSWERED;
    return mock_timer(m, 0, phone_continues, c, NULL) ? 0 : 500;
}

/* ---- nonce and pairing request ---- */

static int reveal(struct client *c, const struct node *n)
{
    struct passkey_link *l = c->passkey;
    struct span nonce = node_content_bytes(n);
    uint8_t hash[PASSKEY_HASH_BYTES];
    char code[LINK_CODE_CHARS + 1];
    const char *wrong = NULL;

    if (l->stage != ANSWERED)
        wrong = "companion_nonce at the wrong time";
    else if (nonce.n != PASSKEY_NONCE_BYTES)
        wrong = "companion_nonce is not 32 bytes";
    else
        passkey_commitment(buf_span(&l->identity), nonce.p, hash);
    if (!wrong && memcmp(hash, l->commitment, sizeof hash) != 0)
        wrong = "companion_nonce is not what was committed to";
    if (wrong) {
        mock_flag(c->m, c->label, "bad-companion-nonce", n, "%s", wrong);
        return 400;
    }
    passkey_code(nonce.p, l->ephemeral.pub, l->nonce, code);
    (void)snprintf(l->code, sizeof l->code, "%.4s-%.4s", code, code + 4);
    l->stage = REVEALED;
    return 0;
}

/* Opens the pairing request. NULL when it names this companion, else what is wrong. */
static const char *open_request(struct client *c, struct span sealed)
{
    struct passkey_link *l = c->passkey;
    struct span ciphertext = pb_bytes(sealed, 1), iv = pb_bytes(sealed, 2);
    struct buf plain = buf_new(1024);
    uint8_t key[PASSKEY_KEY_BYTES];
    const char *wrong = NULL;

    if (!pb_valid(sealed) || iv.n != GCM_IV_BYTES)
        wrong = "not understood";
    else if (passkey_request_key(&l->ephemeral, l->companion, (uint32_t)c->reg.platform, l->ref,
                                 key) != WB_OK ||
             aes_gcm_open(key, iv.p, SPAN_NULL, ciphertext, &plain) != WB_OK)
        wrong = "it does not open";
    else if (!span_eq(pb_bytes(buf_span(&plain), 1), SPAN_ARRAY(c->noise_pub)) ||
             !span_eq(pb_bytes(buf_span(&plain), 2), SPAN_ARRAY(c->reg.identity)))
        wrong = "keys are not those of the registration";
    else if (!take(pb_bytes(buf_span(&plain), 3), l->adv_secret, sizeof l->adv_secret))
        wrong = "the ADV secret is not 32 bytes";
    secret_wipe(key, sizeof key);
    buf_free(&plain);
    return wrong;
}

static void link_now(struct mock *m, void *arg)
{
    (void)m;
    struct client *c = arg;
    if (c->passkey && c->passkey->stage == FINISHED && !c->pairing)
        (void)pair_link(c, c->passkey->account, c->passkey->adv_secret);
}

static int request(struct client *c, const struct node *n)
{
    struct passkey_link *l = c->passkey;
    uint8_t key[PASSKEY_KEY_BYTES];
    const char *wrong = l->stage != REVEALED ? "encrypted_pairing_request at the wrong time"
                                             : open_request(c, node_content_bytes(n));

    if (!wrong) {
        passkey_handoff_key(l->adv_secret, key);
        if (memcmp(key, l->handoff_key, sizeof key) == 0)
            wrong = "the ADV secret is still the one of the QR or the code";
    }
    if (wrong) {
        mock_flag(c->m, c->label, "bad-pairing-request", n, "%s", wrong);
        return 400;
    }
    l->stage = FINISHED;
    return mock_timer(c->m, 0, link_now, c, NULL) ? 0 : 500;
}

/* ---- the companion's requests: each is refused when no passkey is demanded ---- */

bool passkey_ref(struct client *c, struct node *result)
{
    struct mock *m = c->m;
    struct passkey_link *l = c->passkey;

    if (!l)
        return false;
    (void)snprintf(l->ref, sizeof l->ref, "%.60s", mock_id(m));
    node_set_bytes(&m->a, node_child_new(&m->a, result, "ref"), span_cstr(l->ref));
    return true;
}

int iq_passkey_options(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    if (!c->passkey)
        return 501;
    put_options(c->m, c->passkey, result);
    return 0;
}

int iq_passkey_prologue(struct client *c, const struct node *iq, struct node *result)
{
    (void)result;
    return c->passkey != NULL ? prologue(c, node_child(iq, "passkey_prologue")) : 501;
}

int iq_passkey_nonce(struct client *c, const struct node *iq, struct node *result)
{
    (void)result;
    return c->passkey != NULL ? reveal(c, node_child(iq, "companion_nonce")) : 501;
}

int iq_passkey_request(struct client *c, const struct node *iq, struct node *result)
{
    (void)result;
    return c->passkey != NULL ? request(c, node_child(iq, "encrypted_pairing_request")) : 501;
}

/* ---- what tests can look at ---- */

struct client *passkey_client(const struct mock *m, const struct mock_account *a)
{
    struct client *c = m->clients;

    while (c && (!c->passkey || c->passkey->account != a))
        c = c->next;
    return c;
}

bool passkey_view(const struct mock *m, const struct mock_account *a,
                  struct passkey_link_view *ret_v)
{
    static const char *const stages[] = {"asked", "answered", "revealed", "finished"};
    const struct client *c = passkey_client(m, a);

    if (!c)
        return false;
    *ret_v = (struct passkey_link_view){stages[c->passkey->stage], c->passkey->refused,
                                        c->passkey->code, c->passkey->proof};
    return true;
}

void passkey_gone(struct client *c)
{
    struct passkey_link *l = c->passkey;

    c->passkey = NULL;
    if (!l)
        return;
    buf_free(&l->identity);
    secret_free_sized(l, sizeof *l);
}
