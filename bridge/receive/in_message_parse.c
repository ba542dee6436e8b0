/* Reads the attributes and children of <message> (P-RC-02..11: who, where, when, which <enc>s). */
#include <string.h>

#include "base/text.h"
#include "bridge/core/msgid.h"
#include "bridge/receive/in_message.h"
#include "crypto/prim_hash.h"
#include "proto/wire_field.h"
#include "store/core/limits.h"

bool in_message_is_status(const struct in_message *m)
{
    return m->chat.server == JID_BROADCAST && strcmp(m->chat.user, "status") == 0;
}

bool in_message_can_ask(const struct in_message *m)
{
    return m->id.p == m->stanza_id.p;
}

/* m->id is the stanza's id, or its hash when the id cannot be stored: the same id gives the same
 * row. */
static enum wb_err read_id(struct arena *a, struct in_message *m)
{
    uint8_t hash[SHA256_BYTES];
    struct buf id = buf_new(STORE_MESSAGE_ID_MAX);

    m->id = m->stanza_id;
    if (msgid_valid(m->stanza_id))
        return WB_OK;
    sha256(m->stanza_id, hash);
    buf_hex(&id, SPAN_ARRAY(hash));
    buf_append_cstr(&id, "#");
    m->id = arena_copy(a, buf_span(&id));
    buf_free(&id);
    return m->id.p ? WB_OK : WB_ERR_NOMEM;
}

static struct jid jid_of(const struct node *n, const char *key)
{
    struct jid j;

    return node_attr_get_jid(n, key, &j) ? j : (struct jid){0};
}

static bool is_own(const struct jid *j, const struct jid *own_pn, const struct jid *own_lid)
{
    struct jid plain = jid_unhosted(*j);

    return plain.user[0] && (jid_same_user(&plain, own_pn) || jid_same_user(&plain, own_lid));
}

/* A message in a group or broadcast (P-RC-03). */
static enum wb_err read_group(const struct node *n, struct in_message *m)
{
    m->group = true;
    m->chat = m->from;
    m->sender = jid_unhosted(m->participant);
    if (!jid_is_person(&m->sender) && m->sender.server != JID_BOT)
        return WB_ERR_MALFORMED;
    if (!m->sender.user[0])
        return WB_ERR_MALFORMED;
    m->sender_alt = jid_of(n, m->sender.server == JID_LID ? "participant_pn" : "participant_lid");
    return WB_OK;
}

/* A message that another device of our own account sent (P-RC-04). */
static enum wb_err read_own(const struct node *n, struct in_message *m)
{
    /* A server is no chat: such a row could be found by nobody. */
    if (!jid_is_none(&m->recipient) && !m->recipient.user[0])
        return WB_ERR_MALFORMED;
    m->sender = jid_unhosted(m->from);
    m->chat = jid_bare(jid_unhosted(jid_is_none(&m->recipient) ? m->from : m->recipient));
    m->chat_alt = jid_of(n, m->chat.server == JID_LID ? "peer_recipient_pn" : "peer_recipient_lid");
    return WB_OK;
}

/* A private message of somebody else or of a bot (P-RC-05, P-RC-09). */
static void read_other(const struct node *n, struct in_message *m)
{
    m->sender = jid_unhosted(m->from);
    m->chat = jid_bare(m->sender);
    if (m->bot) {
        const struct node *meta = node_child(n, "meta");
        struct jid target = meta ? jid_of(meta, "target_chat_jid") : (struct jid){0};

        if (target.user[0])
            m->chat = jid_bare(jid_unhosted(target));
        return;
    }
    m->sender_alt = jid_of(n, m->sender.server == JID_LID ? "sender_pn" : "sender_lid");
}

static enum wb_err read_source(const struct node *n, const struct jid *own_pn,
                               const struct jid *own_lid, struct in_message *m)
{
    enum wb_err err = WB_OK;

    if (!node_attr_get_jid(n, "from", &m->from) || !m->from.user[0])
        return WB_ERR_MALFORMED;
    m->participant = jid_of(n, "participant");
    m->recipient = jid_of(n, "recipient");
    m->lid_addressing = node_attr_is(n, "addressing_mode", "lid");
    m->bot = m->from.server == JID_BOT;
    if (m->from.server == JID_GROUP || m->from.server == JID_BROADCAST) {
        TRY(read_group(n, m));
        m->from_me = is_own(&m->sender, own_pn, own_lid);
        m->bot = m->sender.server == JID_BOT;
    } else if (m->from.server == JID_NEWSLETTER) {
        m->newsletter = true;
        m->chat = m->sender = m->from;
    } else if (is_own(&m->from, own_pn, own_lid)) {
        m->from_me = true;
        TRY(read_own(n, m));
    } else {
        read_other(n, m);
    }
    m->sender_alt = jid_unhosted(m->sender_alt);
    m->chat_alt = jid_bare(jid_unhosted(m->chat_alt));
    if (!jid_is_person(&m->sender_alt) || m->sender_alt.server == m->sender.server)
        m->sender_alt = (struct jid){0};
    else if (m->sender_alt.device == 0)
        m->sender_alt.device = m->sender.device; /* the other form names no device (P-RC-06) */
    if (m->sender.server == JID_LID || m->chat.server == JID_LID)
        m->lid_addressing = true;
out:
    return err;
}

static enum in_enc_type enc_type(const struct node *n)
{
    static const char *const names[] = {[IN_ENC_MSG] = "msg",
                                        [IN_ENC_PKMSG] = "pkmsg",
                                        [IN_ENC_SKMSG] = "skmsg",
                                        [IN_ENC_MSMSG] = "msmsg"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (node_attr_is(n, "type", names[i]))
            return (enum in_enc_type)i;
    return IN_ENC_OTHER;
}

static void read_enc(const struct node *n, struct in_message *m)
{
    struct in_enc e = {.type = enc_type(n), .bytes = node_content_bytes(n), .version = 2};
    uint64_t count;

    if (e.bytes.n == 0 || m->nenc == IN_ENC_MAX || e.type == IN_ENC_OTHER ||
        (e.type == IN_ENC_SKMSG && !m->group)) {
        m->unknown_enc = true;
        return;
    }
    if (!node_attr_get_u64(n, "v", &e.version))
        e.version = 2;
    if (node_attr_get_u64(n, "count", &count) && count < UINT32_MAX)
        e.count = (uint32_t)count;
    e.hide_fail = node_attr_is(n, "decrypt-fail", "hide");
    m->enc[m->nenc++] = e;
}

/* VerifiedNameCertificate{1 details{4 verifiedName}} (P-RC-07). A broken certificate gives no
 * name. */
static struct span verified_name(const struct node *n)
{
    struct span details, name;

    if (wire_find(node_content_bytes(n), 1, &details) != WB_OK ||
        wire_find(details, 4, &name) != WB_OK)
        return SPAN_NULL;
    return name;
}

static void read_children(const struct node *n, struct arena *a, struct in_message *m)
{
    if (n->content != NODE_CHILDREN)
        return;
    for (const struct node *c = n->first; c; c = c->next) {
        m->children++;
        if (node_is(c, "enc")) {
            read_enc(c, m);
        } else if (node_is(c, "unavailable")) {
            m->unavailable = true;
            m->unavailable_type = node_attr_str(c, "type", a);
        } else if (node_is(c, "verified_name")) {
            m->business_name = verified_name(c);
        } else if (node_is(c, "plaintext")) {
            m->plaintext = node_content_bytes(c);
        } else if (node_is(c, "device-identity")) {
            m->statement = node_content_bytes(c);
        } else if (node_is(c, "meta")) {
            m->target_id = node_attr_str(c, "target_id", a);
            m->target_sender = jid_of(c, "target_sender_jid");
            m->target_chat = jid_bare(jid_unhosted(jid_of(c, "target_chat_jid")));
        } else if (node_is(c, "bot")) {
            m->bot_edit = node_attr_str(c, "edit", a);
            m->bot_edit_target = node_attr_str(c, "edit_target_id", a);
        }
    }
}

enum wb_err in_message_parse(const struct node *n, struct arena *a, const struct jid *own_pn,
                             const struct jid *own_lid, struct in_message *ret_m)
{
    struct in_message m;
    uint64_t t;
    enum wb_err err;

    memset(&m, 0, sizeof m);
    m.arena = a;
    m.stanza_id = node_attr_str(n, "id", a);
    if (m.stanza_id.n == 0 || !node_has_attr(n, "t"))
        return WB_ERR_MALFORMED;
    TRY(read_id(a, &m));
    /* An impossible time does not make a message unreadable: message_apply() corrects it
     * (peer_time.h). */
    m.t = node_attr_get_u64(n, "t", &t) && t <= INT64_MAX ? (int64_t)t : 0;
    TRY(read_source(n, own_pn, own_lid, &m));
    m.type = node_attr_str(n, "type", a);
    m.edit = node_attr_str(n, "edit", a);
    m.push_name = node_attr_str(n, "notify", a);
    if (span_eq_cstr(m.push_name, "-"))
        m.push_name = SPAN_NULL;
    m.peer = node_attr_is(n, "category", "peer");
    m.offline = node_has_attr(n, "offline");
    read_children(n, a, &m);
    *ret_m = m;
out:
    return err;
}
