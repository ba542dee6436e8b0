#include "tools/mock/core/mock.h"

#include <stdarg.h>
#include <stdlib.h>

void mock_enter(struct mock *m)
{
    m->depth++;
}

/* The played devices read a few stanzas at a time: a group message for 500 of them must not keep
 * its sender's ack waiting. */
enum { INBOX_SLICE = 16 };

static void read_inbox(struct mock *m, void *arg)
{
    (void)arg;
    m->inbox_timer = false;
    for (int n = 0; n < INBOX_SLICE && m->inbox != NULL; n++) {
        struct inbox_item *i = m->inbox;
        struct node *node;

        m->inbox = i->next;
        if (!m->inbox)
            m->inbox_last = NULL;
        if (node_unpack(SPAN(i->packed, i->n), &m->a, &node) == WB_OK)
            m->world.player->receive(m, i->to, node);
        free(i);
        arena_reset(&m->a);
    }
}

void mock_leave(struct mock *m)
{
    if (--m->depth > 0)
        return;
    arena_reset(&m->a);
    if (m->inbox && !m->inbox_timer)
        m->inbox_timer = mock_timer(m, 0, read_inbox, NULL, NULL);
}

uint64_t mock_now_s(const struct mock *m)
{
    return (uint64_t)clock_unix_s(m->clock);
}

const char *mock_id(struct mock *m)
{
    char *id = arena_alloc(&m->a, 40);

    if (!id)
        return "";
    (void)snprintf(id, 40, "%08X%016llX", rng_u32(&m->rng), (unsigned long long)++m->next_id);
    return id;
}

/* ---- timers ---- */

bool mock_timer(struct mock *m, int64_t delay_ms, void (*fire)(struct mock *, void *), void *arg,
                void (*drop)(void *))
{
    struct mock_timer *t = malloc(sizeof *t);

    if (!t) {
        if (drop)
            drop(arg);
        return false;
    }
    *t = (struct mock_timer){NULL, clock_mono_ms(m->clock) + delay_ms, m->next_timer++, fire, arg,
                             drop};
    struct mock_timer **at = &m->timers;
    while (*at && (*at)->at_ms <= t->at_ms)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    return true;
}

int64_t mock_timer_wait(const struct mock *m)
{
    if (!m->timers)
        return -1;
    int64_t wait = m->timers->at_ms - clock_mono_ms(m->clock);
    return wait > 0 ? wait : 0;
}

void mock_timers_run(struct mock *m)
{
    int64_t now = clock_mono_ms(m->clock);
    uint64_t newest = m->next_timer; /* timers set by a timer wait for the next round */

    for (;;) {
        struct mock_timer *t = m->timers;

        if (!t || t->at_ms > now || t->seq >= newest)
            return;
        m->timers = t->next;
        mock_enter(m);
        t->fire(m, t->arg);
        mock_leave(m);
        free(t);
    }
}

void mock_timer_cancel(struct mock *m, const void *arg)
{
    struct mock_timer **at = &m->timers;

    while (*at) {
        struct mock_timer *t = *at;

        if (t->arg != arg) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        if (t->drop)
            t->drop(t->arg);
        free(t);
    }
}

/* ---- flags and trace ---- */

static char *xml_of(const struct node *n)
{
    struct buf b = buf_new(MOCK_STANZA_BYTES);

    node_print(n, &b);
    char *text = strdup(buf_cstr(&b));
    buf_free(&b);
    return text;
}

/* Baileys or whatsmeow do this every day: worth a note, not an offence. */
static bool tolerated(const char *what)
{
    static const char *const notes[] = {
        "sent-to-self", "sender-key-not-rotated", "needless-device-identity", "same-id-other-bytes",
        "no-origin",    "account-key-sent-back",  "duplicate-own-device",     "presence-again"};

    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (strcmp(notes[i], what) == 0)
            return true;
    }
    return false;
}

void mock_flag(struct mock *m, const char *client, const char *what, const struct node *node,
               const char *fmt, ...)
{
    struct flag *f = m->nflags < MOCK_FLAGS_MAX ? calloc(1, sizeof *f) : NULL;

    if (!f)
        return;
    f->id = ++m->next_flag;
    f->t_ms = clock_unix_ms(m->clock);
    (void)snprintf(f->client, sizeof f->client, "%s", client);
    (void)snprintf(f->what, sizeof f->what, "%s", what);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(f->detail, sizeof f->detail, fmt, ap);
    va_end(ap);
    f->note = tolerated(what);
    f->stanza = node != NULL ? xml_of(node) : NULL;
    if (m->last_flag)
        m->last_flag->next = f;
    else
        m->flags = f;
    m->last_flag = f;
    m->nflags++;
    mock_say(m, "flag %s from %s: %s", f->what, f->client, f->detail);
}

void mock_flags_clear(struct mock *m)
{
    while (m->flags) {
        struct flag *f = m->flags;

        m->flags = f->next;
        free(f->stanza);
        free(f);
    }
    m->last_flag = NULL;
    m->nflags = 0;
}

void mock_say(const struct mock *m, const char *fmt, ...)
{
    if (!m->cfg.verbose)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("wa-mock: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
}

static void put_json(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c < 0x20)
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

void mock_trace(struct mock *m, const char *dir, const char *client, const struct node *n)
{
    if (!m->trace)
        return;
    char *xml = xml_of(n);
    int64_t t = clock_unix_ms(m->clock);
    (void)fprintf(m->trace, "{\"t\":%lld.%03lld,\"dir\":\"%s\",\"client\":", (long long)(t / 1000),
                  (long long)(t % 1000), dir);
    put_json(m->trace, client);
    (void)fputs(",\"xml\":", m->trace);
    put_json(m->trace, xml != NULL ? xml : "");
    (void)fputs("}\n", m->trace);
    (void)fflush(m->trace);
    free(xml);
}

struct node *mock_node(struct mock *m, const char *tag)
{
    return node_new(&m->a, tag);
}

const char *mock_attr(struct mock *m, const struct node *n, const char *key)
{
    struct span s = node_attr_str(n, key, &m->a);
    const char *text = s.n > 0 ? arena_cstr(&m->a, s) : NULL;

    return text != NULL ? text : "";
}
