/* WhatsApp may declare the ADV secret in the QR of a client that is not linked yet invalid; then a
 * new secret and QR are made (P-X2-16). */
#include "bridge/pair/pair_stanzas.h"
#include "bridge/pair/pairing.h"

static enum wb_err refresh_parse(const struct stanza *s, void **ret_parsed)
{
    (void)ret_parsed;
    return node_child(s->node, "companion_reg_refresh") ||
                   node_child(s->node, "pair-device-rotate-qr")
               ? WB_OK
               : WB_ERR_MALFORMED;
}

/* Is a phone linking us, by a typed code or a passkey? Then pair-success will be checked with the
 * present secret: a new one would make that check fail. */
static bool linking(const struct conn *c)
{
    return c->state != CONN_WAIT_PAIR_SCAN ||
           clock_mono_ms(c->b->clock) < c->pairing->finishing_until_ms;
}

bool pair_refresh_owed(struct conn *c)
{
    if (!c->pairing->refresh_owed || clock_mono_ms(c->b->clock) < c->pairing->finishing_until_ms)
        return false;
    c->pairing->refresh_owed = false;
    rng_fill(c->b->rng, c->account->keys.adv_secret, ADV_SECRET_BYTES);
    log_info(c->b->log, "pair", "no phone has linked us: the QR is made anew");
    return true;
}

static enum wb_err refresh_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct conn *c = b->conn;

    (void)s;
    (void)parsed;
    if (c->paired)
        return WB_ERR_STATE;
    if (linking(c)) {
        log_info(b->log, "pair", "WhatsApp wants another QR: not while a phone is linking us");
        c->pairing->refresh_owed = true;
        return WB_OK;
    }
    c->pairing->refresh_owed = false;
    rng_fill(b->rng, c->account->keys.adv_secret, ADV_SECRET_BYTES);
    log_info(b->log, "pair", "WhatsApp wants another QR: it is made anew");
    pairing_redraw_qr(c);
    return WB_OK;
}

const struct stanza_handler in_notification_reg_refresh_handler = {
    "companion_reg_refresh", STANZA_ACK_ALWAYS, refresh_parse, refresh_apply};
