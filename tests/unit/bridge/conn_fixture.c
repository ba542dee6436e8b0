/* conn_fixture.c - see conn_fixture.h. */
#include "tests/unit/bridge/conn_fixture.h"

/* ---- the server ---- */

char no_text[1];

static void count_event(void *ctx, const struct bridge_event *e)
{
    ((struct line *)ctx)->events[e->kind]++;
}

static void line_wake(struct line *t)
{
    struct bridge_deps d = {.config = &t->config,
                            .log = &t->log,
                            .clock = &hand_clock,
                            .rng = &t->f.rng,
                            .loop = &the_loop,
                            .machine = &hand_machine,
                            .store = t->f.s};

    platform_forget();
    OK(bridge_new(&d, &t->b));
    memset(t->events, 0, sizeof t->events);
    for (int kind = 0; kind < BRIDGE_EV_COUNT; kind++)
        OK(events_on(&t->b->events, (enum bridge_event_kind)kind, count_event, t));
}

char backups_dir[sizeof((struct fixture *)0)->dir + 16];

static void say_where_files_are(struct line *t)
{
    snprintf(backups_dir, sizeof backups_dir, "%s/backups", t->f.dir);
    t->config.whatsapp_db_path = t->f.wa;
    t->config.db_path = t->f.msg;
    t->config.backups_dir = backups_dir;
    t->config.backup_hook = t->config.backup_public_key = no_text;
    t->config.backup_passphrase_file = no_text;
    t->config.backup_keep = 5;
}

struct line *line_new(bool paired)
{
    struct line *t = calloc(1, sizeof *t);

    assert_non_null(t);
    now_ms = 1000000;
    wall_jump_ms = 0;
    web_page = web_document = NULL;
    page_visits = 0;
    jobs_held = false;
    fixture_new(&t->f);
    t->f.config.clock = &hand_clock;
    fixture_open(&t->f);
    OK(log_open(&t->log, &hand_clock, getenv("WB_TEST_LOG") ? NULL : "/dev/null"));
    t->config = (struct config){.config_file = no_text,
                                .role = no_text,
                                .server_url = no_text,
                                .ca_file = no_text,
                                .push_name = no_text,
                                .device_name = no_text,
                                .log_level = LOG_DEBUG,
                                .has_root_key = true,
                                .wa_version = 1045649367};
    say_where_files_are(t);
    if (paired) {
        t->account = fixture_account(&t->f, OWN_PN, OWN_LID);
        t->account.push_name[0] = '\0';
        OK(device_keys_generate(&t->f.rng, &t->account.keys));
        OK(store_account_save(t->f.s, &t->account));
        OK(store_commit(t->f.s));
    }
    x25519_generate(&t->f.rng, &t->server.root);
    x25519_generate(&t->f.rng, &t->server.intermediate);
    x25519_generate(&t->f.rng, &t->server.key);
    memcpy(t->config.root_key, t->server.root.pub, X25519_KEY_BYTES);
    t->server.not_before_s = START_S - DAY_S;
    t->server.not_after_s = START_S + 365 * DAY_S;
    t->server.frames = frame_reader_new(FRAME_PAYLOAD_MAX);
    t->server.arena = arena_new(256 << 20);
    line_wake(t);
    return t;
}

void line_restart(struct line *t)
{
    bridge_free(t->b);
    fixture_close(&t->f);
    fixture_open(&t->f);
    line_wake(t);
}

static void server_forget(struct server *s)
{
    if (s->step == SERVER_FINISH || s->step == SERVER_STREAM)
        noise_handshake_free(&s->hs);
    if (s->step == SERVER_STREAM)
        noise_transport_free(&s->transport);
    frame_reader_free(&s->frames);
    s->frames = frame_reader_new(FRAME_PAYLOAD_MAX);
    s->step = SERVER_INTRO;
}

void line_free(struct line *t)
{
    bridge_free(t->b);
    server_forget(&t->server);
    frame_reader_free(&t->server.frames);
    arena_free(&t->server.arena);
    log_close(&t->log);
    fixture_free(&t->f);
    free(t);
}

void server_write(struct span payload)
{
    struct buf b = buf_new(32 << 20);

    OK(frame_write(&b, payload));
    the_ws.cb.receive(the_ws.cb.ctx, buf_span(&b));
    buf_free(&b);
}

static void server_hello(struct line *t, struct span frame)
{
    struct server *s = &t->server;
    struct handshake_client_hello hello;
    struct handshake_server_hello answer = {{0}, SPAN_NULL, SPAN_NULL};
    struct noise_cert_params cert = {
        s->root, s->intermediate, {0}, s->not_before_s, s->not_after_s};
    struct buf chain = buf_new(4096), st = buf_new(4096), ct = buf_new(8192), out = buf_new(16384);

    if (s->foreign_root)
        x25519_generate(&t->f.rng, &cert.root);
    memcpy(cert.server_static, s->key.pub, X25519_KEY_BYTES);
    OK(handshake_client_hello_decode(frame, &s->arena, &hello));
    assert_true(span_is_null(hello.static_ct));
    OK(noise_handshake_init(&s->hs, false, SPAN(wa_intro, WA_INTRO_BYTES), &s->key, &t->f.rng));
    s->step = SERVER_FINISH;
    OK(noise_read_1(&s->hs, SPAN_ARRAY(hello.ephemeral)));
    OK(noise_cert_issue(&cert, &t->f.rng, &chain));
    OK(noise_write_2(&s->hs, buf_span(&chain), answer.ephemeral, &st, &ct));
    answer.static_ct = buf_span(&st);
    answer.payload_ct = buf_span(&ct);
    OK(handshake_server_hello_encode(&answer, &out));
    server_write(buf_span(&out));
    buf_free(&chain);
    buf_free(&st);
    buf_free(&ct);
    buf_free(&out);
}

static void server_finish(struct line *t, struct span frame)
{
    struct server *s = &t->server;
    struct handshake_client_finish fin;
    struct buf payload = buf_new(8192);

    OK(handshake_client_finish_decode(frame, &s->arena, &fin));
    OK(noise_read_3(&s->hs, fin.static_ct, fin.payload_ct, &payload));
    OK(client_payload_decode(arena_copy(&s->arena, buf_span(&payload)), &s->arena, &s->payload));
    OK(noise_split(&s->hs, &s->transport));
    s->step = SERVER_STREAM;
    s->handshakes++;
    buf_free(&payload);
}

static void server_stanza(struct line *t, struct span frame)
{
    struct server *s = &t->server;
    struct buf plain = buf_new(32 << 20), xml = buf_new(32 << 20);
    struct heard *h = &s->heard[s->nheard];

    assert_true(s->nheard < HEARD_MAX);
    OK(noise_transport_open(&s->transport, frame, &plain));
    OK(node_unpack(arena_copy(&s->arena, buf_span(&plain)), &s->arena, &h->n));
    node_print(h->n, &xml);
    snprintf(h->xml, sizeof h->xml, "%s", buf_cstr(&xml));
    s->nheard++;
    buf_free(&plain);
    buf_free(&xml);
}

void server_read(struct line *t)
{
    struct server *s = &t->server;
    struct buf *in = &the_ws.out;
    struct span frame;

    if (s->step == SERVER_INTRO && in->n >= WA_INTRO_BYTES) {
        assert_memory_equal(in->p, "WA\x06\x03", WA_INTRO_BYTES);
        buf_consume(in, WA_INTRO_BYTES);
        s->step = SERVER_HELLO;
    }
    OK(frame_reader_push(&s->frames, buf_span(in)));
    buf_clear(in);
    for (;;) {
        OK(frame_reader_next(&s->frames, &frame));
        if (span_is_null(frame) || (s->step == SERVER_HELLO && s->silent))
            return;
        frame = arena_copy(&s->arena, frame);
        if (s->step == SERVER_HELLO)
            server_hello(t, frame);
        else if (s->step == SERVER_FINISH)
            server_finish(t, frame);
        else
            server_stanza(t, frame);
        if (the_ws.out.n > 0) { /* an answer to what the server has just said */
            OK(frame_reader_push(&s->frames, buf_span(&the_ws.out)));
            buf_clear(&the_ws.out);
        }
    }
}

void server_end_http(struct line *t, enum ws_end how, int http_status)
{
    struct ws_end_info info = {.end = how, .text = "gone", .http_status = http_status};

    server_forget(&t->server);
    the_ws.active = the_ws.established = the_ws.closing = false;
    the_ws.cb.ended(the_ws.cb.ctx, &info);
}

void server_end(struct line *t, enum ws_end how)
{
    server_end_http(t, how, how == WS_END_HTTP ? 503 : 0);
}

void turn(struct line *t)
{
    for (int i = 0; i < 8; i++) {
        if (the_jobs.work && !jobs_held) {
            struct hand_jobs j = hand_jobs_take();

            j.work(j.ctx);
            j.done(j.ctx, true);
        }
        server_read(t);
        loop_turn_deferred(&the_loop);
        loop_turn_end(&the_loop);
        server_read(t);
        if (the_ws.closing && (!server_dead || the_ws.aborted))
            server_end(t, WS_END_CLOSED);
    }
}

void line_pass(struct line *t, int64_t ms)
{
    int64_t until = now_ms + ms;

    for (;;) {
        int64_t due = timers_next_ms(&the_loop.timers);

        if (due < 0 || due > until)
            break;
        if (due > now_ms)
            now_ms = due;
        timers_run(&the_loop.timers);
        turn(t);
    }
    now_ms = until;
    turn(t);
}

void server_accept(struct line *t)
{
    assert_true(the_ws.active && !the_ws.established);
    the_ws.established = true;
    the_ws.cb.open(the_ws.cb.ctx);
    turn(t);
}

int64_t until_next_dial(struct line *t)
{
    unsigned before = dials;
    int64_t since = now_ms;

    while (dials == before && now_ms - since < DAY_S * INT64_C(1000)) {
        int64_t due = timers_next_ms(&the_loop.timers);

        if (due < 0)
            return -1;
        line_pass(t, due > now_ms ? due - now_ms : 0);
    }
    return dials > before ? now_ms - since : -1;
}

/* ---- stanzas of the server ---- */

struct node *el(struct line *t, const char *tag, ...)
{
    struct node *n = node_new(&t->server.arena, tag);
    const char *key, *value;
    struct jid j;
    va_list ap;

    va_start(ap, tag);
    while ((key = va_arg(ap, const char *)) != NULL) {
        value = va_arg(ap, const char *);
        if ((strchr(value, '@') || strchr(value, '.')) && jid_parse_cstr(value, &j) == WB_OK)
            node_attr_jid(&t->server.arena, n, key, &j);
        else
            node_attr_text(&t->server.arena, n, key, value);
    }
    va_end(ap);
    return n;
}

struct node *with(struct node *parent, struct node *child)
{
    node_add(parent, child);
    return parent;
}

struct node *bytes_el(struct line *t, const char *tag, struct span bytes)
{
    struct node *n = node_new(&t->server.arena, tag);

    node_set_bytes(&t->server.arena, n, bytes);
    return n;
}

void server_send(struct line *t, const struct node *n)
{
    struct buf packed = buf_new(32 << 20), sealed = buf_new(32 << 20);

    assert_int_equal(t->server.step, SERVER_STREAM);
    OK(node_pack(n, &packed));
    OK(noise_transport_seal(&t->server.transport, buf_span(&packed), &sealed));
    server_write(buf_span(&sealed));
    buf_free(&packed);
    buf_free(&sealed);
    turn(t);
}

struct heard *maybe_hear(struct line *t, const char *text)
{
    struct server *s = &t->server;

    for (size_t i = s->taken; i < s->nheard; i++)
        if (strstr(s->heard[i].xml, text)) {
            s->taken = i + 1;
            return &s->heard[i];
        }
    return NULL;
}

struct heard *hear(struct line *t, const char *text)
{
    struct heard *h = maybe_hear(t, text);

    for (size_t i = t->server.taken; !h && i < t->server.nheard; i++)
        print_error("heard: %.200s\n", t->server.heard[i].xml);
    if (!h)
        fail_msg("no stanza with %s", text);
    return h;
}

void deaf(struct line *t)
{
    t->server.nheard = t->server.taken = 0;
}

void answer(struct line *t, const struct heard *h, struct node *child)
{
    struct node *n = el(t, "iq", "from", "s.whatsapp.net", "type", "result", NULL);

    node_copy_attr(&t->server.arena, n, h->n, "id");
    if (child)
        node_add(n, child);
    server_send(t, n);
}

void log_in(struct line *t)
{
    struct heard *h;

    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", "lid", OWN_LID, NULL));
    h = hear(t, "<count/>");
    answer(t, h, el(t, "count", "value", "700", NULL));
    h = maybe_hear(t, "<registration>");
    if (h)
        answer(t, h, NULL);
    h = hear(t, "<active/>");
    answer(t, h, NULL);
    assert_true(conn_online(t->b->conn));
}

enum conn_state state_of(const struct line *t)
{
    return conn_state(t->b->conn);
}

enum conn_reason why_of(const struct line *t)
{
    return conn_reason(t->b->conn);
}
