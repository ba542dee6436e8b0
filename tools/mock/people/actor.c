#include "tools/mock/people/actor.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/pair_crypt.h"
#include "tools/mock/core/pb.h"

static void free_pair(void *p)
{
    secret_free_sized(p, sizeof(struct x25519_pair));
}

static void free_session(void *s)
{
    signal_session_free(s);
}

static void free_record(void *r)
{
    sender_key_record_free(r);
}

/* Makes the companion's ADV identity, which the account and the device both sign (P-PR-09..11). */
static enum wb_err make_identity(struct mock *m, struct device *d, const struct x25519_pair *own)
{
    struct mock_account *a = d->account;
    struct buf details = buf_new(256);
    uint8_t sig[XEDDSA_SIG_BYTES], own_sig[XEDDSA_SIG_BYTES];
    enum wb_err err;

    pb_put_u64(&details, 1, a->adv_raw_id);
    pb_put_u64(&details, 2, mock_now_s(m));
    pb_put_u64(&details, 3, d->key_index);
    TRY(adv_make_account_signature(&a->identity, buf_span(&details), false, own->pub, &m->rng,
                                   sig));
    TRY(adv_make_device_signature(own, buf_span(&details), a->identity.pub, &m->rng, own_sig));
    buf_clear(&d->adv);
    pb_put_bytes(&d->adv, 1, buf_span(&details));
    pb_put_bytes(&d->adv, 2, SPAN_ARRAY(a->identity.pub));
    pb_put_bytes(&d->adv, 3, SPAN_ARRAY(sig));
    pb_put_bytes(&d->adv, 4, SPAN_ARRAY(own_sig));
    err = buf_err(&d->adv);
out:
    buf_free(&details);
    return err;
}

bool actor_attach(struct mock *m, struct device *d, const struct x25519_pair *identity)
{
    struct actor *a = calloc(1, sizeof *a);
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};

    if (!a)
        return false;
    a->device = d;
    a->next_prekey = 1;
    if (identity)
        a->local.identity = *identity;
    else
        x25519_generate(&m->rng, &a->local.identity);
    a->local.registration_id = rng_below(&m->rng, 16380) + 1;
    x25519_generate(&m->rng, &a->skey);
    memcpy(signed_part + 1, a->skey.pub, sizeof a->skey.pub);
    memcpy(d->identity, a->local.identity.pub, sizeof d->identity);
    memcpy(d->skey, a->skey.pub, sizeof d->skey);
    d->registration_id = a->local.registration_id;
    d->skey_id = 1;
    if (xeddsa_sign(a->local.identity.priv, SPAN_ARRAY(signed_part), &m->rng, d->skey_sig) !=
            WB_OK ||
        (!identity && make_identity(m, d, &a->local.identity) != WB_OK)) {
        free(a);
        return false;
    }
    d->actor = a;
    return true;
}

void actor_detach(struct device *d)
{
    struct actor *a = d->actor;

    if (!a)
        return;
    map_free(&a->prekeys, free_pair);
    map_free(&a->sessions, free_session);
    map_free(&a->sender_keys, free_record);
    map_free(&a->given, NULL);
    map_free(&a->sent, free);
    secret_free_sized(a, sizeof *a);
    d->actor = NULL;
}

bool actor_next_prekey(struct mock *m, struct device *d, struct prekey *ret_k)
{
    struct actor *a = d->actor;
    char id[16];

    if (d->account->no_prekeys)
        return false;
    struct x25519_pair *pair = malloc(sizeof *pair);
    if (!pair)
        return false;
    x25519_generate(&m->rng, pair);
    (void)snprintf(id, sizeof id, "%u", a->next_prekey);
    if (!map_put(&a->prekeys, id, pair)) {
        free(pair);
        return false;
    }
    ret_k->id = a->next_prekey++;
    memcpy(ret_k->pub, pair->pub, sizeof ret_k->pub);
    return true;
}

struct signal_session *actor_session(struct actor *a, const struct device *with)
{
    char text[JID_TEXT_MAX];
    struct jid j = device_jid(with, true);
    struct signal_session *s = map_get(&a->sessions, jid_signal_address(&j, text));

    if (!s) {
        s = signal_session_new();
        if (s && !map_put(&a->sessions, text, s)) {
            signal_session_free(s);
            s = NULL;
        }
    }
    return s;
}

const char *actor_group_address(const struct jid *group, const struct device *d,
                                char text[static ACTOR_GROUP_ADDRESS_MAX])
{
    char a[JID_TEXT_MAX];
    struct jid j = device_jid(d, true);

    (void)snprintf(text, ACTOR_GROUP_ADDRESS_MAX, "%s|%s", group->user, jid_signal_address(&j, a));
    return text;
}

struct sender_key_record *actor_sender_key(struct actor *a, const struct jid *group,
                                           const struct device *sender)
{
    char text[ACTOR_GROUP_ADDRESS_MAX];
    struct sender_key_record *r =
        map_get(&a->sender_keys, actor_group_address(group, sender, text));

    if (!r) {
        r = sender_key_record_new();
        if (r && !map_put(&a->sender_keys, text, r)) {
            sender_key_record_free(r);
            r = NULL;
        }
    }
    return r;
}

void actor_forget_sessions(struct device *from, const struct mock_account *with)
{
    for (size_t i = 0; world_is_played(from) && i < with->ndevices; i++) {
        struct signal_session *s = actor_session(from->actor, with->devices[i]);

        if (s)
            signal_session_archive_current(s);
    }
}
