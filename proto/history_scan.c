#include "proto/history_scan.h"

#include <string.h>

#include "proto/inflate.h"
#include "proto/wire_field.h"

enum state { TAG, VALUE, LENGTH, BYTES };

/* The messages whose fields are read. */
enum message { SYNC, CONVERSATION, PUSH_NAME, MAPPING, SETTINGS };

enum slot { SLOT_JID, SLOT_PN, SLOT_LID, SLOT_BYTES, NO_SLOT = HISTORY_SCAN_SLOTS };

/* Fields of bytes in waHistorySync.proto: where their bytes go, or which message they hold. */
static const struct known {
    enum message in;
    uint32_t field;
    enum slot slot;
    enum message opens; /* SYNC: none */
} bytes_fields[] = {
    {SYNC, 2, NO_SLOT, CONVERSATION},     {SYNC, 7, NO_SLOT, PUSH_NAME},
    {SYNC, 8, NO_SLOT, SETTINGS},         {SYNC, 15, NO_SLOT, MAPPING},
    {SYNC, 19, SLOT_BYTES, SYNC},         {CONVERSATION, 1, SLOT_JID, SYNC},
    {CONVERSATION, 21, SLOT_BYTES, SYNC}, {CONVERSATION, 39, SLOT_PN, SYNC},
    {CONVERSATION, 42, SLOT_LID, SYNC},   {PUSH_NAME, 1, SLOT_JID, SYNC},
    {PUSH_NAME, 2, SLOT_BYTES, SYNC},     {MAPPING, 1, SLOT_PN, SYNC},
    {MAPPING, 2, SLOT_LID, SYNC},
};
enum { TOKEN_TIME = 22, TOKEN_SENDER_TIME = 28, LID_MIGRATION_TIME = 20 };

static const struct known *find_known(const struct history_scan *s)
{
    for (size_t i = 0; i < sizeof bytes_fields / sizeof bytes_fields[0]; i++)
        if ((int)bytes_fields[i].in == s->message && bytes_fields[i].field == s->field)
            return &bytes_fields[i];
    return NULL;
}

static void forget(struct history_scan *s)
{
    for (size_t i = 0; i < HISTORY_SCAN_SLOTS; i++) {
        s->text[i].there = false;
        s->text[i].n = 0;
    }
    s->t = s->sender_t = 0;
}

void history_scan_init(struct history_scan *s, history_fact_fn *fn, void *ctx)
{
    memset(s, 0, sizeof *s);
    s->fn = fn;
    s->ctx = ctx;
    s->state = TAG;
    s->message = SYNC;
    s->slot = NO_SLOT;
}

static struct span text_of(const struct history_scan *s, enum slot slot)
{
    return s->text[slot].there ? SPAN(s->text[slot].p, s->text[slot].n) : SPAN_NULL;
}

static void tell(struct history_scan *s, enum history_fact_kind kind)
{
    const struct history_fact f = {.kind = kind,
                                   .jid = text_of(s, SLOT_JID),
                                   .pn = text_of(s, SLOT_PN),
                                   .lid = text_of(s, SLOT_LID),
                                   .bytes = text_of(s, SLOT_BYTES),
                                   .t = s->t,
                                   .sender_t = s->sender_t};

    s->fn(s->ctx, &f);
}

/* The inner message that was being read is complete. */
static void leave(struct history_scan *s)
{
    const bool pn = s->text[SLOT_PN].there, lid = s->text[SLOT_LID].there;
    const bool jid = s->text[SLOT_JID].there, bytes = s->text[SLOT_BYTES].there;

    switch ((enum message)s->message) {
    case CONVERSATION:
        if (jid)
            tell(s, HISTORY_FACT_CHAT);
        break;
    case PUSH_NAME:
        if (jid && bytes)
            tell(s, HISTORY_FACT_NAME);
        break;
    case MAPPING:
        if (pn && lid)
            tell(s, HISTORY_FACT_PAIR);
        break;
    case SETTINGS:
        if (s->t)
            tell(s, HISTORY_FACT_MIGRATED);
        break;
    case SYNC:
        break;
    }
    s->message = SYNC;
    forget(s);
}

/* A field has ended, and perhaps the message around it. */
static void field_done(struct history_scan *s)
{
    if (s->slot != NO_SLOT) {
        s->text[s->slot].there = true;
        s->slot = NO_SLOT;
        if (s->message == SYNC) {
            tell(s, HISTORY_FACT_SALT);
            forget(s);
        }
    }
    s->state = TAG;
    if (s->message != SYNC && s->left == 0)
        leave(s);
}

static void take_value(struct history_scan *s)
{
    if (s->message == CONVERSATION && s->field == TOKEN_TIME)
        s->t = s->varint;
    else if (s->message == CONVERSATION && s->field == TOKEN_SENDER_TIME)
        s->sender_t = s->varint;
    else if (s->message == SETTINGS && s->field == LID_MIGRATION_TIME)
        s->t = s->varint;
    field_done(s);
}

static enum wb_err take_tag(struct history_scan *s)
{
    const uint64_t number = s->varint >> 3;

    if (number == 0 || number > 0x1fffffff)
        return WB_ERR_MALFORMED;
    s->field = (uint32_t)number;
    switch (s->varint & 7) {
    case WIRE_VARINT:
        s->state = VALUE;
        return WB_OK;
    case WIRE_BYTES:
        s->state = LENGTH;
        return WB_OK;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        s->want = (s->varint & 7) == WIRE_FIXED64 ? 8 : 4;
        s->state = BYTES;
        return s->message != SYNC && s->want > s->left ? WB_ERR_MALFORMED : WB_OK;
    default:
        return WB_ERR_MALFORMED;
    }
}

static enum wb_err take_length(struct history_scan *s)
{
    const struct known *k = find_known(s);

    if (s->message != SYNC && s->varint > s->left)
        return WB_ERR_MALFORMED;
    if (k && k->opens != SYNC) {
        s->message = (int)k->opens;
        s->left = s->varint;
        field_done(s);
        return WB_OK;
    }
    s->want = s->varint;
    if (k && s->want <= HISTORY_SCAN_TEXT_MAX) {
        s->slot = k->slot;
        s->text[s->slot].n = 0;
    }
    s->state = BYTES;
    if (s->want == 0)
        field_done(s);
    return WB_OK;
}

static enum wb_err take_byte(struct history_scan *s, uint8_t c)
{
    if (s->message != SYNC) {
        if (s->left == 0)
            return WB_ERR_MALFORMED; /* the number goes on after its message has ended */
        s->left--;
    }
    if (s->shift > 63 || (s->shift == 63 && (c & 0x7f) > 1))
        return WB_ERR_MALFORMED;
    s->varint |= (uint64_t)(c & 0x7f) << s->shift;
    s->shift += 7;
    if (c & 0x80)
        return WB_OK;
    s->shift = 0;
    enum wb_err err = WB_OK;
    if (s->state == TAG)
        err = take_tag(s);
    else if (s->state == LENGTH)
        err = take_length(s);
    else
        take_value(s);
    s->varint = 0;
    return err;
}

static struct span take_bytes(struct history_scan *s, struct span in)
{
    const size_t n = in.n < s->want ? in.n : (size_t)s->want;

    if (s->slot != NO_SLOT && n) {
        memcpy(s->text[s->slot].p + s->text[s->slot].n, in.p, n);
        s->text[s->slot].n += n;
    }
    s->want -= n;
    if (s->message != SYNC)
        s->left -= n;
    if (s->want == 0)
        field_done(s);
    return span_skip(in, n);
}

enum wb_err history_scan_feed(struct history_scan *s, struct span in)
{
    enum wb_err err = WB_OK;

    while (in.n && err == WB_OK) {
        if (s->state == BYTES) {
            in = take_bytes(s, in);
        } else {
            err = take_byte(s, in.p[0]);
            in = span_skip(in, 1);
        }
    }
    return err;
}

enum wb_err history_scan_end(const struct history_scan *s)
{
    return s->message == SYNC && s->state == TAG && s->shift == 0 ? WB_OK : WB_ERR_TRUNCATED;
}

static enum wb_err feed(void *ctx, struct span part)
{
    return history_scan_feed(ctx, part);
}

enum wb_err history_scan_packed(struct span packed, uint64_t max, history_fact_fn *fn, void *ctx)
{
    struct history_scan s;
    enum wb_err err;

    history_scan_init(&s, fn, ctx);
    TRY(inflate_each(packed, max, feed, &s));
    err = history_scan_end(&s);
out:
    return err;
}
