#include <ctype.h>
#include <stdlib.h>

#include "tools/mock/devices/deliver.h"
#include "tools/mock/link/passkey.h"
#include "tools/mock/service/names.h"

/* A companion that has said hello and waits for its code to be typed. */
struct code_wait {
    struct client *c;
    struct jid phone;
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES];
    struct x25519_pair ephemeral; /* the phone's, made once the code was typed */
    uint8_t companion_ephemeral[X25519_KEY_BYTES];
    bool typed;
};

void pair_codes_free(struct mock *m)
{
    map_free(&m->pair_codes, free);
}

void pair_codes_forget(struct client *c)
{
    size_t at = 0;
    struct map_slot *s;

    while ((s = map_next(&c->m->pair_codes, &at)) != NULL) {
        struct code_wait *w = s->value;

        if (w->c == c) {
            s->value = NULL;
            free(w);
        }
    }
}

/* Whether the name is "Browser (OS)" with a common browser and system (P-PR-17). */
static bool display_name_known(struct span s)
{
    static const char *const browsers[] = {"Chrome", "Firefox", "IE",       "Opera",
                                           "Safari", "Edge",    "Chromium", "Desktop"};
    static const char *const systems[] = {"Linux",  "Mac OS", "Windows", "Ubuntu", "macOS",
                                          "Debian", "Fedora", "Android", "iOS"};

    for (size_t b = 0; b < sizeof browsers / sizeof browsers[0]; b++) {
        for (size_t o = 0; o < sizeof systems / sizeof systems[0]; o++) {
            char text[64];

            (void)snprintf(text, sizeof text, "%s (%s)", browsers[b], systems[o]);
            if (span_eq_cstr(s, text))
                return true;
        }
    }
    return false;
}

static const char *check_hello(struct client *c, const struct node *reg)
{
    struct span wrapped =
        node_content_bytes(node_child(reg, "link_code_pairing_wrapped_companion_ephemeral_pub"));
    struct span noise = node_content_bytes(node_child(reg, "companion_server_auth_key_pub"));

    if (wrapped.n != LINK_CODE_WRAPPED_KEY_BYTES)
        return "wrapped ephemeral key is not 80 bytes";
    if (!span_eq(noise, SPAN_ARRAY(c->noise_pub)))
        return "companion_server_auth_key_pub is not the Noise key";
    if (node_content_bytes(node_child(reg, "companion_platform_id")).n != 1)
        return "companion_platform_id is not one character";
    if (!display_name_known(node_content_bytes(node_child(reg, "companion_platform_display"))))
        return "companion_platform_display is not 'Browser (OS)'";
    if (node_content_bytes(node_child(reg, "link_code_pairing_nonce")).n != 1)
        return "link_code_pairing_nonce is missing";
    return NULL;
}

static int hello(struct client *c, const struct node *reg, struct node *result)
{
    struct mock *m = c->m;
    struct jid phone;
    const char *wrong = check_hello(c, reg);

    if (!wrong && (!node_attr_get_jid(reg, "jid", &phone) || phone.server != JID_PN ||
                   phone.user[0] == '\0' || phone.user[0] == '0'))
        wrong = "jid is not a phone number";
    if (wrong) {
        mock_flag(m, c->label, "bad-companion-hello", reg, "%s", wrong);
        return 400;
    }
    pair_codes_forget(c);
    struct code_wait *w = calloc(1, sizeof *w);
    const char *ref = mock_id(m);
    if (!w || !map_put(&m->pair_codes, ref, w)) {
        free(w);
        return 500;
    }
    w->c = c;
    w->phone = phone;
    memcpy(
        w->wrapped,
        node_content_bytes(node_child(reg, "link_code_pairing_wrapped_companion_ephemeral_pub")).p,
        sizeof w->wrapped);
    struct node *r = node_child_new(&m->a, result, "link_code_companion_reg");
    node_attr_text(&m->a, r, "stage", "companion_hello");
    node_set_bytes(&m->a, node_child_new(&m->a, r, "link_code_pairing_ref"), span_cstr(ref));
    return 0;
}

struct link_later {
    uint64_t client_number;
    struct mock_account *a;
    uint8_t adv_secret[ADV_SECRET_BYTES];
};

/* Links the client, after the result of companion_finish has left. */
static void link_now(struct mock *m, void *arg)
{
    struct link_later *l = arg;

    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->number == l->client_number && c->state == CLIENT_REGISTERING && !c->pairing)
            (void)passkey_or_link(c, l->a, l->adv_secret);
    }
    free(l);
}

static int finish(struct client *c, const struct node *reg)
{
    struct mock *m = c->m;
    struct span ref = node_content_bytes(node_child(reg, "link_code_pairing_ref"));
    struct span bundle =
        node_content_bytes(node_child(reg, "link_code_pairing_wrapped_key_bundle"));
    struct span identity = node_content_bytes(node_child(reg, "companion_identity_public"));
    char *key = arena_cstr(&m->a, ref);
    struct code_wait *w = key != NULL ? map_get(&m->pair_codes, key) : NULL;

    if (!w || w->c != c || !w->typed) {
        mock_flag(m, c->label, "bad-companion-finish", reg, "unknown link_code_pairing_ref");
        return 400;
    }
    struct mock_account *a = world_account(&m->world, &w->phone);
    struct link_later *l = calloc(1, sizeof *l);
    if (!a || !l) {
        free(l);
        return 500;
    }
    enum wb_err err = WB_ERR_MALFORMED;
    if (span_eq(identity, SPAN_ARRAY(c->reg.identity)))
        err = link_code_finish_phone(&w->ephemeral, &a->identity, w->companion_ephemeral,
                                     c->reg.identity, bundle, l->adv_secret);
    if (err != WB_OK) {
        mock_flag(m, c->label, "bad-companion-finish", reg, "%s", wb_err_text(err));
        free(l);
        return 400;
    }
    pair_codes_forget(c);
    l->client_number = c->number;
    l->a = a;
    return mock_timer(m, 0, link_now, l, free) ? 0 : 500;
}

int iq_pair_code(struct client *c, const struct node *iq, struct node *result)
{
    const struct node *reg = node_child(iq, "link_code_companion_reg");

    if (c->state != CLIENT_REGISTERING)
        return 403;
    if (node_attr_is(reg, "stage", "companion_hello"))
        return hello(c, reg, result);
    if (node_attr_is(reg, "stage", "companion_finish"))
        return finish(c, reg);
    return 400;
}

/* Cleans a typed code: XXXX-XXXX or XXXXXXXX, any case -> 8 upper-case characters. */
static bool clean_code(const char *text, char out[static LINK_CODE_CHARS + 1])
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '-' || isspace((unsigned char)*text))
            continue;
        if (n == LINK_CODE_CHARS || !isalnum((unsigned char)*text))
            return false;
        out[n++] = (char)toupper((unsigned char)*text);
    }
    out[n] = '\0';
    return n == LINK_CODE_CHARS;
}

static struct map_slot *waiting_for(struct mock *m, const struct jid *phone)
{
    size_t at = 0;
    struct map_slot *s;

    while ((s = map_next(&m->pair_codes, &at)) != NULL) {
        const struct code_wait *w = s->value;

        if (jid_same_user(&w->phone, phone))
            return s;
    }
    return NULL;
}

struct pair_answer pair_enter_code(struct mock *m, const char *code, const char *digits)
{
    char clean[LINK_CODE_CHARS + 1];
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES];

    if (!clean_code(code, clean))
        return (struct pair_answer){.status = 400, .message = "a code has 8 characters"};
    struct mock_account *a = names_of_number(m, digits);
    if (!a)
        return (struct pair_answer){.status = 400, .message = "bad phone number"};
    struct map_slot *slot = waiting_for(m, &a->pn);
    if (!slot)
        return (struct pair_answer){.status = 404, .message = "no client asked for this number"};
    struct code_wait *w = slot->value;
    if (w->typed)
        return (struct pair_answer){.status = 409,
                                    .message = "a code of this client was typed already"};
    x25519_generate(&m->rng, &w->ephemeral);
    if (link_code_unwrap_key(clean, SPAN_ARRAY(w->wrapped), w->companion_ephemeral) != WB_OK ||
        link_code_wrap_key(clean, w->ephemeral.pub, &m->rng, wrapped) != WB_OK)
        return (struct pair_answer){.status = 500, .message = "cannot unwrap the key"};
    w->typed = true;
    struct jid server = jid_server_only(JID_PN);
    struct node *n = deliver_notification(m, &server, "link_code_companion_reg");
    struct node *reg = node_child_new(&m->a, n, "link_code_companion_reg");
    node_attr_text(&m->a, reg, "stage", "primary_hello");
    node_set_bytes(&m->a, node_child_new(&m->a, reg, "link_code_pairing_ref"),
                   span_cstr(slot->key));
    node_set_bytes(&m->a,
                   node_child_new(&m->a, reg, "link_code_pairing_wrapped_primary_ephemeral_pub"),
                   SPAN_ARRAY(wrapped));
    node_set_bytes(&m->a, node_child_new(&m->a, reg, "primary_identity_pub"),
                   SPAN_ARRAY(a->identity.pub));
    client_send(w->c, n);
    return (struct pair_answer){
        .status = 200, .message = "code entered", .jid = a->pn, .lid = a->lid};
}

struct pair_answer pair_refresh_code(struct mock *m, const char *digits)
{
    struct mock_account *a = names_of_number(m, digits);

    if (!a)
        return (struct pair_answer){.status = 400, .message = "bad phone number"};
    struct map_slot *slot = waiting_for(m, &a->pn);
    if (!slot)
        return (struct pair_answer){.status = 404, .message = "no client asked for this number"};
    struct code_wait *w = slot->value;
    struct jid server = jid_server_only(JID_PN);
    struct node *n = deliver_notification(m, &server, "link_code_companion_reg");
    struct node *reg = node_child_new(&m->a, n, "link_code_companion_reg");
    node_attr_text(&m->a, reg, "stage", "refresh_code");
    node_set_bytes(&m->a, node_child_new(&m->a, reg, "link_code_pairing_ref"),
                   span_cstr(slot->key));
    client_send(w->c, n);
    pair_codes_forget(w->c);
    return (struct pair_answer){.status = 200, .message = "refreshed", .jid = a->pn, .lid = a->lid};
}
