/* people_fixture.c - see people_fixture.h. */
#include "tests/unit/bridge/people_fixture.h"

static int64_t desk_ms(void *ctx)
{
    return ((struct desk *)ctx)->now_ms;
}

static int64_t desk_wall_ms(void *ctx)
{
    struct desk *d = ctx;

    return d->now_ms + d->jumped_ms;
}

/* Keeps a stanza that leaves, after a round through the wire's encoding. */
static enum wb_err desk_send(struct bridge *b, const struct node *n)
{
    struct desk *d = (struct desk *)b;
    struct buf packed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    struct span kept;

    if (!d->connected)
        return WB_ERR_STATE;
    assert_true(d->nsent < SENT_MAX);
    OK(node_pack(n, &packed));
    kept = arena_copy(&d->arena, buf_span(&packed));
    OK(node_unpack(kept, &d->arena, &d->sent[d->nsent++]));
    buf_free(&packed);
    return WB_OK;
}

static void desk_account(struct desk *d)
{
    struct account *a = &d->account;

    a->jid = J("27820000001:5@s.whatsapp.net");
    a->lid = J("900001:5@lid");
    x25519_generate(&d->rng, &a->keys.noise);
    x25519_generate(&d->rng, &a->keys.identity);
    x25519_generate(&d->rng, &a->keys.signed_prekey);
    a->keys.signed_prekey_id = 1;
    a->keys.registration_id = 77;
    a->adv_details_n = 20;
    OK(store_account_save(d->b.store, a));
    OK(store_commit(d->b.store));
    d->b.own_pn = a->jid;
    d->b.own_lid = a->lid;
}

int desk_setup(void **state)
{
    static const uint8_t seed[32] = {42};
    struct desk *d = calloc(1, sizeof *d);
    char wa[128], msg[128];
    struct store_open_info info;

    OK(secret_init());
    d->now_ms = 1790000000000;
    d->connected = true;
    d->clock = (struct clock){desk_ms, desk_wall_ms, d};
    d->arena = arena_new(256 << 20);
    d->rng = rng_from_seed(&d->seed, seed);
    snprintf(d->dir, sizeof d->dir, "/tmp/wb-people-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(wa, sizeof wa, "%s/whatsapp.db", d->dir);
    snprintf(msg, sizeof msg, "%s/messages.db", d->dir);
    struct store_config sc = {
        .whatsapp_path = wa, .messages_path = msg, .command = "test", .clock = &d->clock};
    OK(store_open(&sc, &d->b.store, &info));
    OK(log_open(&d->log, &d->clock, "/dev/null"));
    d->log.level = LOG_TRACE; /* so that the arguments of every log line are used */
    loop_turn_init(&d->loop, &d->clock);
    d->b.config = &d->config;
    d->b.log = &d->log;
    d->b.clock = &d->clock;
    d->b.rng = &d->rng;
    d->b.loop = &d->loop;
    d->b.timers = loop_timers(&d->loop);
    d->b.pauses = loop_pauses(&d->loop);
    events_init(&d->b.events);
    outgoing_init(&d->b.outgoing);
    iq_init(&d->b.iq, (struct iq_port){desk_send, &d->b}, &d->loop.timers);
    iq_new_connection(&d->b.iq, &d->rng);
    desk_account(d);
    OK(device_sync_new(&d->b, &d->b.devices));
    OK(lid_lookup_new(&d->b, &d->b.lids));
    OK(lid_refresh_new(&d->b.lid_refresh));
    OK(tctokens_new(&d->b, &d->b.tokens));
    OK(prekey_fetch_new(&d->b, &d->b.prekey_fetch));
    OK(group_info_new(&d->b, &d->b.groups));
    OK(group_list_new(&d->b, &d->b.group_list));
    *state = d;
    return 0;
}

int desk_teardown(void **state)
{
    struct desk *d = *state;
    char command[128];

    iq_free(&d->b.iq);
    group_list_free(d->b.group_list);
    group_info_free(d->b.groups);
    prekey_fetch_free(d->b.prekey_fetch);
    tctokens_free(d->b.tokens);
    lid_refresh_free(d->b.lid_refresh);
    shared_query_delete(d->b.lids);
    device_sync_free(d->b.devices);
    outgoing_free(&d->b.outgoing);
    events_free(&d->b.events);
    account_wipe(&d->account);
    OK(store_close(d->b.store));
    log_close(&d->log);
    arena_free(&d->arena);
    snprintf(command, sizeof command, "rm -rf %s", d->dir);
    assert_int_equal(system(command), 0);
    free(d);
    return 0;
}

/* ---- stanzas as text ---- */

static char *xml_word(struct arena *a, const char **p, const char *stop)
{
    size_t n = strcspn(*p, stop);
    char *word = arena_cstr(a, SPAN(*p, n));

    *p += n;
    return word;
}

static struct node *xml_node(struct arena *a, const char **p)
{
    assert_int_equal(*(*p)++, '<');
    struct node *n = node_new(a, xml_word(a, p, " />"));
    while (**p == ' ') {
        (*p)++;
        char *key = xml_word(a, p, "=");
        *p += 2;
        node_attr_text(a, n, key, xml_word(a, p, "'"));
        (*p)++;
    }
    if (**p == '/') {
        *p += 2;
        return n;
    }
    assert_int_equal(*(*p)++, '>');
    while ((*p)[0] == '<' && (*p)[1] != '/')
        node_add(n, xml_node(a, p));
    if (**p != '<') {
        char *text = xml_word(a, p, "<");

        node_set_bytes(a, n, span_cstr(text));
    }
    *p += strcspn(*p, ">") + 1;
    return n;
}

struct node *xml(struct desk *d, const char *text)
{
    return xml_node(&d->arena, &text);
}

struct node *bytes_node(struct desk *d, const char *tag, const void *p, size_t n)
{
    struct node *node = node_new(&d->arena, tag);

    node_set_bytes(&d->arena, node, SPAN(p, n));
    return node;
}

const char *print(struct desk *d, const struct node *n)
{
    struct buf out = buf_new(1 << 20);

    node_print_text(n, &out);
    const char *text = arena_cstr(&d->arena, buf_span(&out));
    buf_free(&out);
    return text;
}

/* ---- the server's part ---- */

struct node *desk_sent(struct desk *d)
{
    assert_true(d->ntaken < d->nsent);
    return d->sent[d->ntaken++];
}

void assert_none_sent(struct desk *d)
{
    assert_int_equal(d->nsent - d->ntaken, 0);
}

void desk_reply(struct desk *d, const struct node *request, const char *type, struct node *child)
{
    struct span id = node_attr_str(request, "id", &d->arena);
    struct node *iq = node_new(&d->arena, "iq");

    node_attr_span(&d->arena, iq, "id", id);
    node_attr_text(&d->arena, iq, "type", type);
    if (child)
        node_add(iq, child);
    assert_true(iq_handle(&d->b.iq, iq, &d->arena));
}

void desk_error(struct desk *d, const struct node *request, const char *code)
{
    struct node *error = node_new(&d->arena, "error");

    node_attr_text(&d->arena, error, "code", code);
    desk_reply(d, request, "error", error);
}

enum wb_err desk_notify(struct desk *d, const char *text)
{
    struct stanza s = {xml(d, text), &d->arena, d->now_ms};

    return stanza_handler_run(&d->b, &in_notification_handler, &s);
}

void desk_later(struct desk *d, int64_t ms)
{
    d->now_ms += ms;
    timers_run(&d->loop.timers);
}
