#include "bridge/send/mention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/core/context.h"
#include "bridge/people/identity.h"
#include "bridge/people/lid_lookup.h"
#include "bridge/send/limits.h"

enum { DIGITS_MAX = 20 }; /* a LID has 15, a phone number at most 15 */
_Static_assert(DIGITS_MAX + sizeof "@s.whatsapp.net and 18446744073709551615 more" <=
                   MENTION_NAMES_MAX,
               "the first person always fits");

/* A person under both identities; JID_NONE where one is not known. */
struct mention_person {
    struct jid pn, lid;
    struct jid wire; /* as the chat writes them */
    bool in_text;
};

static bool all_digits(const char *s)
{
    if (!*s || strlen(s) > DIGITS_MAX)
        return false;
    for (; *s; s++)
        if (*s < '0' || *s > '9')
            return false;
    return true;
}

enum wb_err mention_parse(struct span text, struct jid *ret_person)
{
    struct jid j;

    if (text.n && text.p[0] == '@') /* "@2782..." is what people copy from a chat */
        text = span_skip(text, 1);
    if (!text.n || !memchr(text.p, '@', text.n))
        return jid_from_phone(text, ret_person);
    if (text.p[0] == '+')
        text = span_skip(text, 1);
    if (jid_parse(text, &j) != WB_OK)
        return WB_ERR_INVALID;
    j = jid_bare(jid_unhosted(j));
    if ((j.server != JID_PN && j.server != JID_LID) || !all_digits(j.user))
        return WB_ERR_INVALID;
    *ret_person = j;
    return WB_OK;
}

static enum wb_err both_forms(struct bridge *b, const struct jid *who, struct mention_person *ret_p)
{
    struct mention_person p = {0};
    enum wb_err err;

    if (who->server == JID_PN) {
        err = lid_lookup_named(b, who, &p.pn);
        if (err == WB_ERR_NOT_FOUND)
            p.pn = *who;
        else
            TRY(err);
        TRY(identity_other_form(b, &p.pn, &p.lid));
    } else {
        p.lid = *who;
        TRY(identity_other_form(b, who, &p.pn));
    }
    *ret_p = p;
out:
    return err;
}

static bool same_known(const struct jid *a, const struct jid *b)
{
    return !jid_is_none(a) && !jid_is_none(b) && jid_same_user(a, b);
}

static const struct store_group_member *find_member(const struct mention_chat *chat,
                                                    const struct mention_person *p)
{
    for (size_t i = 0; i < chat->nmembers; i++)
        if (same_known(&chat->members[i].lid, &p->lid) || same_known(&chat->members[i].pn, &p->pn))
            return &chat->members[i];
    return NULL;
}

/* The JID in the form that the chat needs, or else in the form that is known. */
static struct jid wire_form(enum store_addressing addressing, const struct mention_person *p)
{
    bool lid_wanted = addressing == STORE_ADDRESSING_LID;

    if (lid_wanted ? !jid_is_none(&p->lid) : jid_is_none(&p->pn))
        return jid_bare(p->lid);
    return jid_bare(p->pn);
}

/* Fills in what the group and the LID map together say of a member. */
static enum wb_err fill_member(struct bridge *b, const struct store_group_member *m,
                               struct mention_person *p)
{
    enum wb_err err = WB_OK;

    if (jid_is_none(&p->lid))
        p->lid = m->lid;
    if (jid_is_none(&p->pn))
        p->pn = m->pn;
    if (jid_is_none(&p->lid) && !jid_is_none(&p->pn))
        err = identity_other_form(b, &p->pn, &p->lid);
    else if (jid_is_none(&p->pn) && !jid_is_none(&p->lid))
        err = identity_other_form(b, &p->lid, &p->pn);
    return err;
}

/* Digits that are no member's number may be a member's LID: the Go bridge stored LID digits as the
 * sender, and callers read them there. *ret NULL: they are not. */
static enum wb_err member_by_lid_digits(struct bridge *b, const struct mention_chat *chat,
                                        const struct jid *who, struct mention_person *p,
                                        const struct store_group_member **ret)
{
    struct mention_person q = {.lid = *who};
    enum wb_err err;

    *ret = NULL;
    if (who->server != JID_PN)
        return WB_OK;
    q.lid.server = JID_LID;
    TRY(identity_other_form(b, &q.lid, &q.pn));
    *ret = find_member(chat, &q);
    if (*ret)
        *p = q;
out:
    return err;
}

/* Who is meant, and which member that is; NULL: no member. A phone number goes before a LID. */
static enum wb_err find_meant(struct bridge *b, const struct mention_chat *chat,
                              const struct jid *who, struct mention_person *p,
                              const struct store_group_member **ret)
{
    enum wb_err err;

    TRY(both_forms(b, who, p));
    *ret = find_member(chat, p);
    if (!*ret)
        err = member_by_lid_digits(b, chat, who, p, ret);
out:
    return err;
}

enum wb_err mention_unknown(struct bridge *b, struct arena *a, const struct mention_chat *chat,
                            const struct mention_request *r, struct jid **ret_pns, size_t *ret_n)
{
    struct jid *pns = arena_alloc(a, (r->nwho ? r->nwho : 1) * sizeof *pns);
    size_t n = 0;
    enum wb_err err = pns ? WB_OK : WB_ERR_NOMEM;

    for (size_t i = 0; i < r->nwho && err == WB_OK; i++) {
        const struct store_group_member *m;
        struct mention_person p;

        TRY(find_meant(b, chat, &r->who[i], &p, &m));
        if (jid_is_none(&p.lid) && !m)
            pns[n++] = p.pn;
    }
    if (err == WB_OK) {
        *ret_pns = pns;
        *ret_n = n;
    }
out:
    return err;
}

/* ---- the text ---- */

static struct mention_person *person_by_digits(struct mention_person *people, size_t n,
                                               struct span digits)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_cstr(digits, people[i].pn.user) || span_eq_cstr(digits, people[i].lid.user))
            return &people[i];
    return NULL;
}

static size_t digits_at(struct span s, size_t at)
{
    size_t n = 0;

    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

/* Writes every "@digits" (or "@+digits") of a mentioned person in the wire's form; the other text
 * stays as it is. */
static void rewrite(struct span text, struct mention_person *people, size_t n, struct buf *out)
{
    size_t i = 0, from = 0;

    while (i < text.n) {
        size_t start = i + 1, ndigits;
        struct mention_person *p;

        if (text.p[i] != '@') {
            i++;
            continue;
        }
        if (start < text.n && text.p[start] == '+')
            start++;
        ndigits = digits_at(text, start);
        p = ndigits ? person_by_digits(people, n, SPAN(text.p + start, ndigits)) : NULL;
        if (p) {
            buf_append(out, SPAN(text.p + from, i + 1 - from));
            buf_append_cstr(out, p->wire.user);
            p->in_text = true;
            from = start + ndigits;
        }
        i = start + ndigits;
    }
    buf_append(out, SPAN(text.p + from, text.n - from));
}

static enum wb_err make_text(struct arena *a, struct span text, struct mention_person *people,
                             size_t n, struct span *ret_text)
{
    struct buf body = buf_new(MENTION_TEXT_BYTES_MAX), whole = buf_new(MENTION_TEXT_BYTES_MAX);
    struct span made;
    enum wb_err err;

    rewrite(text, people, n, &body);
    for (size_t i = 0; i < n; i++) {
        if (people[i].in_text)
            continue;
        buf_append_cstr(&whole, "@");
        buf_append_cstr(&whole, people[i].wire.user);
        buf_append_cstr(&whole, body.n || i + 1 < n ? " " : "");
    }
    buf_append(&whole, buf_span(&body));
    TRY(buf_err(&body));
    TRY(buf_err(&whole));
    made = arena_copy(a, buf_span(&whole));
    if (whole.n && !made.p)
        err = WB_ERR_NOMEM;
    else
        *ret_text = made;
out:
    buf_free(&body);
    buf_free(&whole);
    return err;
}

/* ---- the list ---- */

struct list {
    struct arena *a;
    struct span *jids;
    size_t n;
    bool failed;
};

static void list_add(struct list *l, const struct jid *j)
{
    char text[JID_TEXT_MAX];

    l->jids[l->n] = arena_copy(l->a, span_cstr(jid_text(j, text)));
    l->failed |= l->jids[l->n].p == NULL;
    l->n++;
}

static int by_span(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int c = memcmp(x->p, y->p, n);

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Adds everybody but us behind the people who were named, once each. */
static enum wb_err add_everybody(struct bridge *b, const struct mention_chat *chat, struct list *l)
{
    size_t named = l->n;
    struct span *sorted = arena_alloc(l->a, (named ? named : 1) * sizeof *sorted);
    enum wb_err err = sorted ? WB_OK : WB_ERR_NOMEM;

    if (sorted && named) {
        memcpy(sorted, l->jids, named * sizeof *sorted);
        qsort(sorted, named, sizeof *sorted, by_span);
    }
    for (size_t i = 0; i < chat->nmembers && err == WB_OK; i++) {
        const struct store_group_member *m = &chat->members[i];
        struct mention_person p = {.pn = m->pn, .lid = m->lid};
        char text[JID_TEXT_MAX];
        struct span key;

        if (bridge_is_self(b, &m->pn) || bridge_is_self(b, &m->lid))
            continue;
        TRY(fill_member(b, m, &p));
        p.wire = wire_form(chat->addressing, &p);
        key = span_cstr(jid_text(&p.wire, text));
        if (!named || !bsearch(&key, sorted, named, sizeof *sorted, by_span))
            list_add(l, &p.wire);
    }
out:
    return err;
}

/* Finds who is meant, once each; people who are no members go to `absent`. */
static enum wb_err resolve(struct bridge *b, const struct mention_chat *chat,
                           const struct mention_request *r, struct mention_person *people,
                           size_t *ret_n, size_t *absent, size_t *ret_nabsent)
{
    size_t n = 0, nabsent = 0;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < r->nwho; i++) {
        const struct store_group_member *m;
        struct mention_person p;
        bool doubled = false;

        TRY(find_meant(b, chat, &r->who[i], &p, &m));
        if (m)
            TRY(fill_member(b, m, &p));
        else if (!r->allow_absent)
            absent[nabsent++] = i;
        p.wire = wire_form(chat->addressing, &p);
        for (size_t k = 0; k < n && !doubled; k++)
            doubled = jid_same_user(&people[k].wire, &p.wire);
        if (!doubled)
            people[n++] = p;
    }
    *ret_n = n;
    *ret_nabsent = nabsent;
out:
    return err;
}

enum wb_err mention_compile(struct bridge *b, struct arena *a, const struct mention_chat *chat,
                            const struct mention_request *r, struct mention_result *ret)
{
    struct mention_result v = {.text = r->text, .all = r->all};
    size_t nwho = r->nwho ? r->nwho : 1, npeople = 0;
    size_t nlist = nwho + (r->all ? chat->nmembers : 0);
    struct mention_person *people = arena_alloc(a, nwho * sizeof *people);
    size_t *absent = arena_alloc(a, nwho * sizeof *absent);
    struct list list = {.a = a, .jids = arena_alloc(a, nlist * sizeof *list.jids)};
    enum wb_err err;

    if (!people || !absent || !list.jids)
        return WB_ERR_NOMEM;
    TRY(resolve(b, chat, r, people, &npeople, absent, &v.nabsent));
    v.absent = absent;
    if (v.nabsent == 0) {
        if (npeople)
            TRY(make_text(a, r->text, people, npeople, &v.text));
        for (size_t i = 0; i < npeople; i++)
            list_add(&list, &people[i].wire);
        if (r->all)
            TRY(add_everybody(b, chat, &list));
        if (list.failed)
            return WB_ERR_NOMEM;
        v.mentioned = list.jids;
        v.nmentioned = list.n;
    }
    *ret = v;
out:
    return err;
}

void mention_names(const struct jid *who, const size_t *positions, size_t n,
                   char ret_text[static MENTION_NAMES_MAX])
{
    enum { REST_BYTES = sizeof " and 18446744073709551615 more" };
    size_t at = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char text[JID_TEXT_MAX];
        size_t need = strlen(jid_text(&who[positions[i]], text)) + (i ? 2 : 0);
        size_t rest = i + 1 < n ? REST_BYTES : 1;

        if (i > 0 && at + need + rest > MENTION_NAMES_MAX) {
            snprintf(ret_text + at, MENTION_NAMES_MAX - at, " and %zu more", n - i);
            return;
        }
        at += (size_t)snprintf(ret_text + at, MENTION_NAMES_MAX - at, "%s%s", i ? ", " : "", text);
    }
}
