#include "proto/jid.h"

static const struct {
    enum jid_server server;
    const char *name;
} servers[] = {
    {JID_PN, "s.whatsapp.net"},
    {JID_LID, "lid"},
    {JID_GROUP, "g.us"},
    {JID_BROADCAST, "broadcast"},
    {JID_HOSTED, "hosted"},
    {JID_HOSTED_LID, "hosted.lid"},
    {JID_NEWSLETTER, "newsletter"},
    {JID_BOT, "bot"},
    {JID_MSGR, "msgr"},
    {JID_INTEROP, "interop"},
    {JID_CALL, "call"},
    {JID_PN, "c.us"}, /* legacy name (P-BN-21); only read, so it stands behind the name that is
                       * written */
};

enum { SERVER_COUNT = sizeof servers / sizeof *servers };

const char *jid_server_name(enum jid_server s)
{
    for (size_t i = 0; i < SERVER_COUNT; i++)
        if (servers[i].server == s)
            return servers[i].name;
    return "";
}

enum jid_server jid_server_parse(struct span name)
{
    for (size_t i = 0; i < SERVER_COUNT; i++)
        if (span_eq_cstr(name, servers[i].name))
            return servers[i].server;
    return JID_NONE;
}

/* Can the text form carry this user and give it back? It must have none of the form's own
 * separators, and nothing that could break a log line. */
static bool user_ok(struct span user)
{
    for (size_t i = 0; i < user.n; i++) {
        uint8_t c = user.p[i];

        if (c <= 0x20 || c == 0x7F || c == '@' || c == ':' || c == '.')
            return false;
    }
    return true;
}

enum wb_err jid_make(struct span user, enum jid_server server, uint16_t device, struct jid *ret_jid)
{
    struct jid j = {.server = server, .device = device};

    if (server == JID_NONE || !user_ok(user))
        return WB_ERR_INVALID;
    if (user.n > JID_USER_MAX)
        return WB_ERR_TOO_LARGE;
    if (user.n)
        memcpy(j.user, user.p, user.n);
    *ret_jid = j;
    return WB_OK;
}

struct jid jid_server_only(enum jid_server server)
{
    return (struct jid){.server = server};
}

/* The index of the last c, or s.n. */
static size_t find_last(struct span s, char c)
{
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == (uint8_t)c)
            return i - 1;
    return s.n;
}

/* Cuts "<sep>digits" off the end of *s; false if sep is there but no number of at most max. */
static bool cut_number(struct span *s, char sep, uint64_t max, uint64_t *ret_v)
{
    size_t at = find_last(*s, sep);
    uint64_t v;

    if (at == s->n)
        return true;
    if (!span_to_u64(span_skip(*s, at + 1), &v) || v > max)
        return false;
    *ret_v = v;
    *s = span_first(*s, at);
    return true;
}

enum wb_err jid_parse(struct span text, struct jid *ret_jid)
{
    size_t at = find_last(text, '@');
    struct span user = at < text.n ? span_first(text, at) : SPAN_NULL;
    struct span server = at < text.n ? span_skip(text, at + 1) : text;
    uint64_t agent = 0, device = 0;
    enum jid_server s = jid_server_parse(server);
    size_t whole = user.n;
    struct jid j;

    if (s == JID_NONE || !cut_number(&user, ':', UINT16_MAX, &device) ||
        !cut_number(&user, '.', UINT8_MAX, &agent))
        return WB_ERR_MALFORMED;
    /* "@server" means the bare server (Baileys writes it so); ":3@server" has no user and is
     * refused. */
    if ((user.n == 0 && whole > 0) || jid_make(user, s, (uint16_t)device, &j) != WB_OK)
        return WB_ERR_MALFORMED;
    j.agent = (uint8_t)agent;
    *ret_jid = j;
    return WB_OK;
}

enum wb_err jid_parse_cstr(const char *text, struct jid *ret_jid)
{
    return jid_parse(span_cstr(text), ret_jid);
}

/* These texts are made many times for each message, where snprintf() would cost too much. The
 * longest: "user.255:65535@s.whatsapp.net". */
_Static_assert(JID_TEXT_MAX >= JID_USER_MAX + sizeof ".255:65535@s.whatsapp.net", "JID text");

static char *put(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

/* Writes the separator and the number. */
static char *put_number(char *p, char sep, unsigned v)
{
    unsigned unit = 1;

    while (v / unit >= 10)
        unit *= 10;
    *p++ = sep;
    for (; unit > 0; unit /= 10)
        *p++ = (char)('0' + v / unit % 10);
    return p;
}

const char *jid_text(const struct jid *j, char buf[static JID_TEXT_MAX])
{
    char *p = put(buf, j->user);

    if (j->agent > 0)
        p = put_number(p, '.', j->agent);
    if (j->agent > 0 || j->device > 0)
        p = put_number(p, ':', j->device);
    if (p > buf) /* a bare server has no "@" */
        *p++ = '@';
    *put(p, jid_server_name(j->server)) = '\0';
    return buf;
}

const char *jid_ad_text(const struct jid *j, char buf[static JID_TEXT_MAX])
{
    char *p = put_number(put_number(put(buf, j->user), '.', j->agent), ':', j->device);

    *p++ = '@';
    *put(p, jid_server_name(j->server)) = '\0';
    return buf;
}

static const struct {
    enum jid_server server;
    uint8_t domain;
} domains[] = {{JID_PN, 0}, {JID_LID, 1}, {JID_HOSTED, 128}, {JID_HOSTED_LID, 129}};

enum { DOMAIN_COUNT = sizeof domains / sizeof *domains };

uint8_t jid_domain(const struct jid *j)
{
    for (size_t i = 0; i < DOMAIN_COUNT; i++)
        if (domains[i].server == j->server)
            return domains[i].domain;
    return 0;
}

const char *jid_signal_address(const struct jid *j, char buf[static JID_TEXT_MAX])
{
    uint8_t domain = jid_domain(j);
    char *p = put(buf, j->user);

    if (domain)
        p = put_number(p, '_', domain);
    *put_number(p, ':', j->device) = '\0';
    return buf;
}

enum wb_err jid_from_signal_address(struct span text, struct jid *ret_jid)
{
    struct span user = text;
    uint64_t device = UINT64_MAX, domain = 0;
    size_t with_domain;

    if (!cut_number(&user, ':', UINT16_MAX, &device) || device == UINT64_MAX)
        return WB_ERR_MALFORMED;
    with_domain = user.n;
    if (!cut_number(&user, '_', UINT8_MAX, &domain) || user.n == 0 ||
        (domain == 0 && user.n < with_domain)) /* domain 0 is never written */
        return WB_ERR_MALFORMED;
    for (size_t i = 0; i < DOMAIN_COUNT; i++)
        if (domains[i].domain == domain)
            return jid_make(user, domains[i].server, (uint16_t)device, ret_jid) == WB_OK
                       ? WB_OK
                       : WB_ERR_MALFORMED;
    return WB_ERR_MALFORMED;
}

bool jid_same_user(const struct jid *a, const struct jid *b)
{
    return a->server == b->server && strcmp(a->user, b->user) == 0;
}

bool jid_eq(const struct jid *a, const struct jid *b)
{
    return jid_cmp(a, b) == 0;
}

static int cmp_int(unsigned a, unsigned b)
{
    return a < b ? -1 : a > b;
}

int jid_cmp(const struct jid *a, const struct jid *b)
{
    int c = cmp_int(a->server, b->server);

    if (c == 0)
        c = strcmp(a->user, b->user);
    if (c == 0)
        c = cmp_int(a->agent, b->agent);
    if (c == 0)
        c = cmp_int(a->device, b->device);
    if (c == 0)
        c = cmp_int(a->integrator, b->integrator);
    return c;
}

struct jid jid_bare(struct jid j)
{
    j.device = 0;
    j.agent = 0;
    return j;
}

struct jid jid_with_device(struct jid j, uint16_t device)
{
    j.device = device;
    return j;
}

struct jid jid_unhosted(struct jid j)
{
    if (j.server == JID_HOSTED)
        j.server = JID_PN;
    else if (j.server == JID_HOSTED_LID)
        j.server = JID_LID;
    return j;
}

bool jid_is_person(const struct jid *j)
{
    return j->user[0] && (j->server == JID_PN || j->server == JID_LID || j->server == JID_HOSTED ||
                          j->server == JID_HOSTED_LID);
}

enum wb_err jid_from_phone(struct span text, struct jid *ret_pn)
{
    enum { PHONE_MIN = 7, PHONE_MAX = 15 }; /* E.164: at most 15 digits */
    char digits[PHONE_MAX];
    size_t n = 0;
    bool plus = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];

        if (c >= '0' && c <= '9') {
            if (n == PHONE_MAX)
                return WB_ERR_INVALID;
            digits[n++] = c;
        } else if (c == '+' && n == 0 && !plus) {
            plus = true;
        } else if (!c || !strchr(" -.()", c)) {
            return WB_ERR_INVALID;
        }
    }
    if (n < PHONE_MIN || digits[0] == '0')
        return WB_ERR_INVALID;
    return jid_make(SPAN(digits, n), JID_PN, 0, ret_pn);
}
