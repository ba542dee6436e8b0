#include "tools/mock/link/pair.h"

#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/address.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/link/passkey.h"
#include "tools/mock/service/login.h"
#include "tools/mock/service/names.h"

static bool take_bytes(struct span s, size_t n, uint8_t *out)
{
    if (s.n != n)
        return false;
    memcpy(out, s.p, n);
    return true;
}

static uint32_t be(struct span s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

/* Checks and keeps DevicePairingData: 1 regid, 2 key type, 3 identity, 4 skey id, 5 skey, 6
 * signature, 7 build hash, 8 DeviceProps. NULL when all is well, else what is wrong. */
static const char *take_registration(struct client *c, struct span d)
{
    struct registration *r = &c->reg;
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};
    struct span keytype = pb_bytes(d, 2);

    if (pb_bytes(d, 1).n != 4)
        return "registration id is not 4 bytes";
    r->registration_id = be(pb_bytes(d, 1));
    if (keytype.n != 1 || keytype.p[0] != DJB_TYPE)
        return "key type is not 05";
    if (!take_bytes(pb_bytes(d, 3), sizeof r->identity, r->identity))
        return "identity key is not 32 bytes";
    if (pb_bytes(d, 4).n != 3)
        return "signed prekey id is not 3 bytes";
    r->skey_id = be(pb_bytes(d, 4));
    if (!take_bytes(pb_bytes(d, 5), sizeof r->skey, r->skey))
        return "signed prekey is not 32 bytes";
    if (!take_bytes(pb_bytes(d, 6), sizeof r->skey_sig, r->skey_sig))
        return "signature is not 64 bytes";
    memcpy(signed_part + 1, r->skey, sizeof r->skey);
    if (xeddsa_verify(r->identity, SPAN_ARRAY(signed_part), r->skey_sig) != WB_OK)
        return "signed prekey does not verify";
    if (pb_bytes(d, 7).n != 16)
        return "build hash is not 16 bytes";
    if (pb_bytes(d, 8).p == NULL || !pb_valid(pb_bytes(d, 8)))
        return "no DeviceProps";
    r->platform = pb_u64(pb_bytes(d, 8), 3, 0);
    return NULL;
}

static void refs_expired(struct mock *m, void *arg)
{
    struct client *c = arg;

    if (c->state == CLIENT_REGISTERING && !c->pairing && !c->passkey) {
        mock_say(m, "refs of %s have expired", c->label);
        client_close(c);
    }
}

static void make_refs(struct client *c)
{
    for (size_t i = 0; i < CLIENT_REFS; i++) {
        uint8_t r[75]; /* as long as WhatsApp's: "2@" and 100 characters */
        struct buf text = buf_new(sizeof c->refs[0]);

        rng_fill(&c->m->rng, r, sizeof r);
        buf_append_cstr(&text, "2@");
        buf_b64url(&text, SPAN_ARRAY(r), false);
        (void)snprintf(c->refs[i], sizeof c->refs[i], "%s", buf_cstr(&text));
        buf_free(&text);
    }
}

void pair_start(struct client *c, struct span p)
{
    struct mock *m = c->m;
    const char *wrong = take_registration(c, pb_bytes(p, 19));

    if (wrong) {
        mock_flag(m, c->label, "bad-registration", NULL, "%s", wrong);
        login_failure(c, 400, 0, 0);
        return;
    }
    if (pb_u64(p, 3, 0) != 0)
        mock_flag(m, c->label, "bad-registration", NULL, "passive is true");
    struct span name = pb_bytes(p, 7);
    (void)snprintf(c->reg.name, sizeof c->reg.name, "%.*s", (int)name.n,
                   name.p != NULL ? (const char *)name.p : "");
    c->state = CLIENT_REGISTERING;
    make_refs(c);
    struct jid server = jid_server_only(JID_PN);
    struct node *iq = mock_node(m, "iq");
    node_attr_jid(&m->a, iq, "from", &server);
    node_attr_text(&m->a, iq, "type", "set");
    (void)snprintf(c->offer_iq, sizeof c->offer_iq, "%s", mock_id(m));
    node_attr_text(&m->a, iq, "id", c->offer_iq);
    node_attr_text(&m->a, iq, "xmlns", "md");
    struct node *pair = node_child_new(&m->a, iq, "pair-device");
    for (size_t i = 0; i < CLIENT_REFS; i++)
        node_set_bytes(&m->a, node_child_new(&m->a, pair, "ref"), span_cstr(c->refs[i]));
    client_send(c, iq);
    int64_t life = m->cfg.ref_first_ms + (CLIENT_REFS - 1) * m->cfg.ref_next_ms;
    (void)mock_timer(m, life, refs_expired, c, NULL);
}

/* ---- the phone's side ---- */

struct qr_parts {
    char ref[128];
    uint8_t noise[X25519_KEY_BYTES], identity[X25519_KEY_BYTES], adv[ADV_SECRET_BYTES];
};

static bool b64_field(struct span s, uint8_t out[static 32])
{
    size_t n;

    return b64_decode(s, out, 32, &n) == WB_OK && n == 32;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && s.p[s.n - 1] <= ' ')
        s.n--;
    while (s.n > 0 && s.p[0] <= ' ')
        s = span_skip(s, 1);
    return s;
}

static const char *parse_qr(struct span qr, struct qr_parts *q)
{
    static const char prefix[] = "https://wa.me/settings/linked_devices#";
    struct span part[6];
    size_t n = 0;

    qr = trim(qr);
    if (qr.n > sizeof prefix - 1 && memcmp(qr.p, prefix, sizeof prefix - 1) == 0)
        qr = span_skip(qr, sizeof prefix - 1);
    while (n < 6) {
        const uint8_t *comma = qr.n > 0 ? memchr(qr.p, ',', qr.n) : NULL;

        part[n++] = comma != NULL ? SPAN(qr.p, (size_t)(comma - qr.p)) : qr;
        if (!comma)
            break;
        qr = span_skip(qr, (size_t)(comma - qr.p) + 1);
    }
    if (n != 4 && n != 5)
        return "not a QR text: 4 or 5 fields wanted";
    if (part[0].n == 0 || part[0].n >= sizeof q->ref)
        return "bad ref";
    (void)snprintf(q->ref, sizeof q->ref, "%.*s", (int)part[0].n, (const char *)part[0].p);
    if (!b64_field(part[1], q->noise) || !b64_field(part[2], q->identity) ||
        !b64_field(part[3], q->adv))
        return "a key of the QR text is not 32 bytes of base64";
    if (n == 5 && (part[4].n != 1 || strchr("0123456789ce", part[4].p[0]) == NULL))
        return "unknown client type";
    return NULL;
}

static struct client *client_of_ref(struct mock *m, const char *ref)
{
    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->state != CLIENT_REGISTERING || c->close_when_sent)
            continue;
        for (size_t i = 0; i < CLIENT_REFS; i++) {
            if (strcmp(c->refs[i], ref) == 0)
                return c;
        }
    }
    return NULL;
}

struct pair_answer pair_scan_qr(struct mock *m, struct span qr, const char *digits)
{
    struct qr_parts q;
    const char *wrong = parse_qr(qr, &q);

    if (wrong)
        return (struct pair_answer){.status = 400, .message = wrong};
    struct client *c = client_of_ref(m, q.ref);
    if (!c)
        return (struct pair_answer){.status = 404, .message = "no client shows this ref"};
    if (c->pairing || c->passkey)
        return (struct pair_answer){.status = 409, .message = "this client is being paired"};
    if (memcmp(q.noise, c->noise_pub, sizeof q.noise) != 0 ||
        memcmp(q.identity, c->reg.identity, sizeof q.identity) != 0) {
        mock_flag(m, c->label, "bad-qr", NULL, "keys in the QR are not those of the handshake");
        return (struct pair_answer){.status = 422, .message = "QR keys differ from the client's"};
    }
    struct mock_account *a = m->cfg.phone_per_name && digits == NULL ? names_account(m, c->reg.name)
                                                                     : names_of_number(m, digits);
    if (!a)
        return (struct pair_answer){.status = 400, .message = "bad phone number"};
    return passkey_or_link(c, a, q.adv);
}

/* Whether this pairing is to go wrong; counts *left down. */
static bool goes_wrong(unsigned *left)
{
    if (*left == 0)
        return false;
    --*left;
    return true;
}

/* Signs the companion's identity (P-PR-09): ADVSignedDeviceIdentity{1 details, 2 account key, 3
 * account signature}, details = {1 raw id, 2 timestamp, 3 key index}. */
static enum wb_err sign_identity(struct mock *m, const struct mock_account *a,
                                 const struct device *d, struct buf *out)
{
    struct buf details = buf_new(256);
    uint8_t sig[XEDDSA_SIG_BYTES];
    enum wb_err err;

    pb_put_u64(&details, 1, a->adv_raw_id);
    pb_put_u64(&details, 2, mock_now_s(m));
    pb_put_u64(&details, 3, d->key_index);
    TRY(adv_make_account_signature(&a->identity, buf_span(&details), false, d->identity, &m->rng,
                                   sig));
    if (goes_wrong(&m->trouble.pair_bad_signature))
        sig[0] ^= 1;
    pb_put_bytes(out, 1, buf_span(&details));
    pb_put_bytes(out, 2, SPAN_ARRAY(a->identity.pub));
    pb_put_bytes(out, 3, SPAN_ARRAY(sig));
    err = buf_err(out);
out:
    buf_free(&details);
    return err;
}

static struct device *new_companion(struct client *c, struct mock_account *a)
{
    struct device *d = world_add_device(c->m, a);

    if (!d)
        return NULL;
    memcpy(d->noise, c->noise_pub, sizeof d->noise);
    memcpy(d->identity, c->reg.identity, sizeof d->identity);
    d->registration_id = c->reg.registration_id;
    d->skey_id = c->reg.skey_id;
    memcpy(d->skey, c->reg.skey, sizeof d->skey);
    memcpy(d->skey_sig, c->reg.skey_sig, sizeof d->skey_sig);
    return d;
}

static struct node *pair_success_node(struct client *c, const struct device *d,
                                      struct span hmac_msg)
{
    struct mock *m = c->m;
    struct jid server = jid_server_only(JID_PN), jid = device_jid(d, false);
    struct jid lid = device_jid(d, true);
    struct node *iq = mock_node(m, "iq");

    (void)snprintf(c->pair_iq, sizeof c->pair_iq, "%s", mock_id(m));
    node_attr_jid(&m->a, iq, "from", &server);
    node_attr_text(&m->a, iq, "type", "set");
    node_attr_text(&m->a, iq, "id", c->pair_iq);
    node_attr_u64(&m->a, iq, "t", mock_now_s(m));
    struct node *ps = node_child_new(&m->a, iq, "pair-success");
    node_set_bytes(&m->a, node_child_new(&m->a, ps, "device-identity"), hmac_msg);
    struct node *platform = node_child_new(&m->a, ps, "platform");
    node_attr_text(&m->a, platform, "name", "android");
    if (d->account->past.business[0] != '\0')
        node_attr_text(&m->a, node_child_new(&m->a, ps, "biz"), "name", d->account->past.business);
    struct node *device = node_child_new(&m->a, ps, "device");
    node_attr_jid(&m->a, device, "jid", &jid);
    node_attr_jid(&m->a, device, "lid", &lid);
    address_props(m, ps, d->account);
    return iq;
}

struct pair_answer pair_link(struct client *c, struct mock_account *a,
                             const uint8_t adv_secret[static ADV_SECRET_BYTES])
{
    struct mock *m = c->m;
    struct device *d = new_companion(c, a);

    if (!d)
        return (struct pair_answer){.status = 409, .message = "too many devices"};
    struct buf hmac_msg = buf_new(4096);
    uint8_t hmac[SHA256_BYTES];
    struct pair_answer answer = {.status = 500, .message = "cannot sign"};
    if (sign_identity(m, a, d, &d->adv) != WB_OK) {
        world_remove_device(m, d);
        goto out;
    }
    adv_make_hmac(adv_secret, buf_span(&d->adv), false, hmac);
    if (goes_wrong(&m->trouble.pair_bad_hmac))
        hmac[0] ^= 1;
    pb_put_bytes(&hmac_msg, 1, buf_span(&d->adv));
    pb_put_bytes(&hmac_msg, 2, SPAN_ARRAY(hmac));
    c->pairing = d;
    client_send(c, pair_success_node(c, d, buf_span(&hmac_msg)));
    answer = (struct pair_answer){.status = 200,
                                  .message = "paired",
                                  .jid = device_jid(d, false),
                                  .lid = device_jid(d, true)};
out:
    buf_free(&hmac_msg);
    return answer;
}

/* ---- the client's answer ---- */

/* Says what is wrong with the client's pair-device-sign (P-PR-13), NULL if nothing. On success
 * d->adv has all 4 fields. */
static const char *check_sign(struct client *c, const struct node *iq)
{
    struct device *d = c->pairing;
    const struct node *id = node_child(node_child(iq, "pair-device-sign"), "device-identity");
    struct span got = node_content_bytes(id), ours = buf_span(&d->adv);
    uint64_t key_index;

    if (!id || !got.p || !pb_valid(got))
        return "no device-identity in pair-device-sign";
    if (!node_attr_get_u64(id, "key-index", &key_index) || key_index != d->key_index)
        return "wrong key-index";
    if (!span_eq(pb_bytes(got, 1), pb_bytes(ours, 1)) ||
        !span_eq(pb_bytes(got, 3), pb_bytes(ours, 3)))
        return "details or account signature changed";
    if (pb_bytes(got, 2).n != 0 && !span_eq(pb_bytes(got, 2), pb_bytes(ours, 2)))
        return "account signature key changed";
    if (adv_check_device_signature(d->identity, pb_bytes(ours, 1), d->account->identity.pub,
                                   pb_bytes(got, 4)) != WB_OK)
        return "device signature does not verify";
    pb_put_bytes(&d->adv, 4, pb_bytes(got, 4));
    if (pb_bytes(got, 2).n != 0) /* P-PR-13: left out; whatsapp-rust sends it, and is linked */
        mock_flag(c->m, c->label, "account-key-sent-back", iq,
                  "account signature key was not left out");
    return NULL;
}

int iq_pair_ref(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    if (passkey_ref(c, result))
        return 0;
    if (c->state != CLIENT_REGISTERING)
        return 501;
    node_set_bytes(&c->m->a, node_child_new(&c->m->a, result, "ref"), span_cstr(c->refs[0]));
    return 0;
}

bool pair_answered(struct client *c, const struct node *iq)
{
    struct mock *m = c->m;
    const char *id = mock_attr(m, iq, "id");

    if (c->offer_iq[0] != '\0' && strcmp(id, c->offer_iq) == 0) {
        c->offer_iq[0] = '\0';
        if (!node_attr_is(iq, "type", "result"))
            mock_flag(m, c->label, "bad-iq-answer", iq, "pair-device wants an empty result");
        return true;
    }
    if (c->pair_iq[0] == '\0' || strcmp(id, c->pair_iq) != 0)
        return false;
    c->pair_iq[0] = '\0';
    if (!c->pairing)
        return true;
    const char *wrong = node_attr_is(iq, "type", "result") ? check_sign(c, iq) : "pairing refused";
    if (wrong) {
        mock_flag(m, c->label, "bad-pair-sign", iq, "%s", wrong);
        pair_gone(c);
        client_stream_error(c, "401", NULL);
        return true;
    }
    struct device *d = c->pairing;
    c->pairing = NULL;
    devices_changed(m, d->account, d, DEVICE_ADDED);
    mock_say(m, "%s is now device %u of %s", c->label, d->number, d->account->pn.user);
    client_stream_error(c, "515", NULL);
    return true;
}

void pair_gone(struct client *c)
{
    pair_codes_forget(c);
    passkey_gone(c);
    if (c->pairing) {
        struct device *d = c->pairing;

        c->pairing = NULL;
        world_remove_device(c->m, d);
    }
}
