/* What one frame may cost, measured: bombs end at the budget, the largest real stanzas fit in. Each
 * frame is decoded in a process of its own, whose peak of resident memory is read afterwards. */
#include "node_fixture.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "proto/content.h"
#include "proto/node_wire.h"

enum {
    MB = 1 << 20,
    FRAME_COST_MAX = 64 * MB, /* ciphertext, plaintext, and what is made of it */
#ifdef __SANITIZE_ADDRESS__
    RESIDENT_MAX = FRAME_COST_MAX / 4 * 5, /* the sanitizer's own memory for it */
#else
    RESIDENT_MAX = FRAME_COST_MAX,
#endif
    MEMBERS = 60000,
    LONGEST_LIST = 65535,
};

/* ---- frames ---- */

static void list16(struct buf *b, size_t n)
{
    buf_u8(b, WIRE_LIST_16);
    buf_u16be(b, (uint16_t)n);
}

static void times(struct buf *b, struct span s, size_t n)
{
    while (n--)
        buf_append(b, s);
}

/* <a><b><c/><c/>...</b>...</a>, three bytes each */
static void small_nodes(struct buf *b)
{
    buf_append(b, SPAN_LIT("\xf8\x02\x05"));
    list16(b, 250);
    for (int i = 0; i < 250; i++) {
        buf_append(b, SPAN_LIT("\xf8\x02\x05"));
        list16(b, 20000);
        times(b, SPAN_LIT("\xf8\x01\x05"), 20000);
    }
}

/* Nodes with as many attributes as a list can hold. */
static void many(struct buf *b, size_t nodes, struct span attr)
{
    buf_append(b, SPAN_LIT("\xf8\x02\x05"));
    list16(b, nodes);
    for (size_t i = 0; i < nodes; i++) {
        list16(b, LONGEST_LIST);
        buf_u8(b, 5);
        times(b, attr, LONGEST_LIST / 2);
    }
}

static void small_attributes(struct buf *b)
{
    many(b, 60, SPAN_LIT("\x05\x06"));
}

static void small_addresses(struct buf *b) /* 1@s.whatsapp.net and the like */
{
    many(b, 60, SPAN_LIT("\x05\xfa\xff\x81\x1f\x03"));
}

static void packed_texts(struct buf *b)
{
    uint8_t text[129] = {5, WIRE_HEX_8, 126};

    many(b, 4, SPAN_ARRAY(text));
}

static void one_large_text(struct buf *b)
{
    buf_append(b, SPAN_LIT("\xf8\x02\x05\xfe"));
    buf_u32be(b, 15 * MB);
    (void)memset(buf_extend(b, 15 * MB), 0, 15 * MB);
}

/* What inflates to 100 MB: more than it is long is never looked at. */
static void zip_bomb(struct buf *b)
{
    buf_append(b, SPAN_LIT("\xf8\x02\x05\xfe"));
    buf_u32be(b, 100 * MB);
    (void)memset(buf_extend(b, 100 * MB), 0, 100 * MB);
}

static void digits(struct buf *b, unsigned n) /* 12 of them, packed */
{
    static const uint8_t head[] = {WIRE_NIBBLE_8, 6, 0x27, 0x82};

    buf_append(b, SPAN_ARRAY(head));
    for (int shift = 100000; shift > 0; shift /= 100)
        buf_u8(b, (uint8_t)(n / (unsigned)shift % 10 << 4 | n / (unsigned)shift / 10 % 10));
    buf_u8(b, (uint8_t)(n & 0x77));
}

static void key(struct buf *b, const char *text)
{
    buf_u8(b, WIRE_BINARY_8);
    buf_u8(b, (uint8_t)strlen(text));
    buf_append_cstr(b, text);
}

static void address(struct buf *b, const char *name, const char *server, unsigned n)
{
    key(b, name);
    buf_u8(b, WIRE_JID_PAIR);
    digits(b, n);
    key(b, server);
}

/* <group><participant jid phone_number lid type username/>...</group>. Nothing is a token: real
 * ones are shorter. */
static void large_group(struct buf *b)
{
    list16(b, 2);
    key(b, "group");
    list16(b, MEMBERS);
    for (unsigned i = 0; i < MEMBERS; i++) {
        list16(b, 11);
        key(b, "participant");
        address(b, "jid", "lid", i);
        address(b, "phone_number", "s.whatsapp.net", i);
        address(b, "lid", "lid", i);
        key(b, "type");
        key(b, "admin");
        key(b, "username");
        key(b, "somebody");
    }
}

/* <list><user jid><devices><device-list><device id/></device-list></devices></user>...</list> */
static void all_devices(struct buf *b)
{
    list16(b, 2);
    key(b, "list");
    list16(b, MEMBERS);
    for (unsigned i = 0; i < MEMBERS; i++) {
        list16(b, 4);
        key(b, "user");
        address(b, "jid", "lid", i);
        list16(b, 1);
        list16(b, 2);
        key(b, "devices");
        list16(b, 1);
        list16(b, 2);
        key(b, "device-list");
        list16(b, 1);
        list16(b, 3);
        key(b, "device");
        key(b, "id");
        key(b, "0");
    }
}

/* ---- measuring ---- */

/* A line of /proc/self/status in bytes. */
static size_t status(const char *name)
{
    char line[128];
    size_t kb = 0;
    FILE *f = fopen("/proc/self/status", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtoul(line + strlen(name) + 1, NULL, 10);
    fclose(f);
    return kb * 1024;
}

struct cost {
    enum wb_err err;
    size_t resident, arena, again;
};

/* In a process of its own: what one frame of these bytes costs at its peak. */
static struct cost cost_of(struct span plain)
{
    struct cost c = {.err = WB_ERR_BUG};
    int ends[2];
    pid_t child;

#ifdef __GLIBC__
    (void)malloc_trim(0); /* else the child would find pages that it need not ask for */
#endif
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct arena a = arena_new(NODE_ARENA_MAX);
        size_t before = status("VmRSS");
        struct node *n;

        c.err = node_unpack(plain, &a, &n);
        c.resident = status("VmHWM") - before + 2 * plain.n; /* the ciphertext, too */
        c.arena = a.used;
        /* What is left of the arena serves handlers; the next frame may be a good one. */
        c.again = a.max - a.used;
        _exit(write(ends[1], &c, sizeof c) == sizeof c ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, sizeof c), sizeof c);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return c;
}

static struct buf frame_of(void (*fill)(struct buf *b), bool deflated)
{
    struct buf plain = buf_new(128 * MB), b = buf_new(128 * MB);

    uLongf n;

    fill(&plain);
    assert_int_equal(buf_err(&plain), WB_OK);
    buf_u8(&b, deflated ? WIRE_FLAG_ZLIB : 0);
    if (!deflated) {
        buf_append(&b, buf_span(&plain));
    } else {
        n = compressBound(plain.n);
        uint8_t *to = buf_extend(&b, n);

        assert_int_equal(compress2(to, &n, plain.p, plain.n, 9), Z_OK);
        b.n = 1 + n;
    }
    buf_free(&plain);
    return b;
}

static void check(const char *name, void (*fill)(struct buf *b), bool deflated, enum wb_err wanted)
{
    struct buf b = frame_of(fill, deflated);
    struct cost c = cost_of(buf_span(&b));

    print_message("%s%s: %zu bytes on the wire, %zu kB resident at the peak, %zu kB of nodes: %s\n",
                  name, deflated ? ", deflated" : "", b.n, c.resident / 1024, c.arena / 1024,
                  wb_err_text(c.err));
    assert_int_equal(c.err, wanted);
    assert_in_range(2 * b.n + c.arena, 0, FRAME_COST_MAX);
    assert_in_range(c.resident, 0, RESIDENT_MAX);
    assert_true(c.again >= 8 * MB); /* for the handlers */
    buf_free(&b);
}

static void bombs_end_at_the_budget(void **state)
{
    static const struct {
        const char *name;
        void (*fill)(struct buf *b);
    } bombs[] = {
        {"small nodes", small_nodes},
        {"small attributes", small_attributes},
        {"small addresses", small_addresses},
        {"packed texts", packed_texts},
        {"zip bomb", zip_bomb},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++)
        check(bombs[i].name, bombs[i].fill, true, WB_ERR_TOO_LARGE);
    check(bombs[0].name, bombs[0].fill, false, WB_ERR_TOO_LARGE);
    check(bombs[2].name, bombs[2].fill, false, WB_ERR_TOO_LARGE);
}

static void the_largest_real_stanzas_fit(void **state)
{
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        check("60,000 members", large_group, deflated, WB_OK);
        check("devices of 60,000 people", all_devices, deflated, WB_OK);
        check("one text of 15 MB", one_large_text, deflated, WB_OK);
    }
}

/* A stanza that a full arena cannot take is the peer's too much: NOMEM would end the connection,
 * and the same stanza would come again. */
static void a_full_arena_is_no_lack_of_memory(void **state)
{
    struct buf plain = frame_of(all_devices, true);

    (void)state;
    for (size_t max = 100; max < 20 * MB; max = max * 3 / 2) {
        struct arena a = arena_new(max);
        struct node *n;

        assert_int_equal(node_unpack(buf_span(&plain), &a, &n), WB_ERR_TOO_LARGE);
        arena_free(&a);
    }
    buf_free(&plain);
}

/* A field around the bytes; its tag has one or two bytes. */
static struct buf field(struct span tag, const struct buf *body)
{
    struct buf b = buf_new(MESSAGE_PLAINTEXT_MAX);
    size_t n = body->n;

    buf_append(&b, tag);
    for (; n >= 0x80; n >>= 7)
        buf_u8(&b, (uint8_t)(n | 0x80));
    buf_u8(&b, (uint8_t)n);
    buf_append(&b, buf_span(body));
    assert_int_equal(buf_err(&b), WB_OK);
    return b;
}

/* The message inside: as many empty parts as it can hold, of kinds that become lists. What they
 * leave of the arena is enough to answer the stanza. */
static void message_bombs_end_at_the_budget(void **state)
{
    static const struct {
        const char *name, *outer, *part; /* tags of the kind and of its empty parts */
    } bombs[] = {
        {"contacts", "\x6a", "\x12"},        /* contactsArrayMessage = 13 {contacts = 2} */
        {"options", "\x8a\x03", "\x1a"},     /* pollCreationMessage = 49 {options = 3} */
        {"members", "\x6a", "\x0a"},         /* not a list: the last one counts */
        {"unknown", "\xfa\x7f", "\xfa\x7f"}, /* a kind that nobody knows */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        struct arena a = arena_new(NODE_ARENA_MAX);
        struct buf body = buf_new(MESSAGE_PLAINTEXT_MAX), b;
        struct content c;
        enum wb_err err;

        while (body.n + 16 < MESSAGE_PLAINTEXT_MAX) {
            buf_append_cstr(&body, bombs[i].part);
            buf_u8(&body, 0);
        }
        b = field(span_cstr(bombs[i].outer), &body);
        err = content_decode(buf_span(&b), &a, &c);
        print_message("%s: %zu bytes, %zu kB made of them: %s\n", bombs[i].name, b.n, a.used / 1024,
                      wb_err_text(err));
        assert_true(err == WB_OK || err == WB_ERR_TOO_LARGE);
        assert_true(a.used <= CONTENT_ARENA_MAX);
        assert_true(a.max == NODE_ARENA_MAX && a.max - a.used >= 4 * MB);
        arena_free(&a);
        buf_free(&body);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bombs_end_at_the_budget),
        cmocka_unit_test(the_largest_real_stanzas_fit),
        cmocka_unit_test(a_full_arena_is_no_lack_of_memory),
        cmocka_unit_test(message_bombs_end_at_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
