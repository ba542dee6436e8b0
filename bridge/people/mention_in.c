#include "bridge/people/mention_in.h"

#include "bridge/core/context.h"
#include "proto/content.h"
#include "store/session/lid_map.h"

/* As many as the largest groups have members; more would only serve to fill a database. */
enum { MENTIONS_IN_MAX = 1024 };

/* A person's JID has digits for its user, which makes it safe in JSON, too. */
static bool is_person(const struct jid *j)
{
    if (!jid_is_person(j) || !j->user[0])
        return false;
    for (const char *c = j->user; *c; c++)
        if (*c < '0' || *c > '9')
            return false;
    return true;
}

enum wb_err mention_in_person(struct bridge *b, struct span text, struct jid *ret_person)
{
    struct jid j, pn;
    enum wb_err err;

    *ret_person = (struct jid){0};
    if (jid_parse(text, &j) != WB_OK || !is_person(&j))
        return WB_OK;
    j = jid_bare(jid_unhosted(j));
    if (j.server == JID_LID) {
        err = store_pn_of_lid(b->store, &j, &pn);
        if (err == WB_OK)
            j = jid_bare(pn);
        else if (err != WB_ERR_NOT_FOUND)
            return err;
    }
    *ret_person = j;
    return WB_OK;
}

static void put_text(struct buf *out, const char *text)
{
    buf_append_cstr(out, out->n ? ",\"" : "[\"");
    buf_append_cstr(out, text);
    buf_append_cstr(out, "\"");
}

enum wb_err mention_in_list(struct bridge *b, const struct content_context *context,
                            struct buf *out, bool *ret_me)
{
    size_t n = context->nmentioned < MENTIONS_IN_MAX ? context->nmentioned : MENTIONS_IN_MAX;
    bool me = context->mentions_all;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < n; i++) {
        char text[JID_TEXT_MAX];
        struct jid j;

        TRY(mention_in_person(b, context->mentioned[i], &j));
        if (jid_is_none(&j))
            continue;
        me |= bridge_is_self(b, &j);
        put_text(out, jid_text(&j, text));
    }
    if (context->mentions_all)
        put_text(out, "all");
    if (out->n)
        buf_append_cstr(out, "]");
    TRY(buf_err(out));
    *ret_me = me;
out:
    return err;
}
