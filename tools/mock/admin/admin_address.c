/* admin_address.c - the address (LID or number) by which people are written to, and what the server
 * says of numbers. */
#include "proto/jid.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/service/names.h"

enum { PROTOCOL_MESSAGE = 12, TYPE_LID_MIGRATION = 22, LID_MIGRATION = 23 };

static uint64_t digits_of(const struct jid *j)
{
    uint64_t v = 0;

    (void)span_to_u64(span_cstr(j->user), &v);
    return v;
}

/* The phone tells its companions the LIDs of numbers (P-RC-54): ProtocolMessage{2 type, 23 {1
 * payload}}; payload {1 {1 number, 2 LID}.., 2 time}. */
static void tell_clients(struct mock *m, struct mock_account *a)
{
    struct buf payload = buf_new(4096), wrapped = buf_new(4096), protocol = buf_new(4096);
    struct buf message = buf_new(4096), pair = buf_new(64);

    pb_put_u64(&pair, 1, digits_of(&a->pn));
    pb_put_u64(&pair, 2, digits_of(&a->lid));
    pb_put_bytes(&payload, 1, buf_span(&pair));
    pb_put_u64(&payload, 2, mock_now_s(m));
    pb_put_bytes(&wrapped, 1, buf_span(&payload));
    pb_put_u64(&protocol, 2, TYPE_LID_MIGRATION);
    pb_put_bytes(&protocol, LID_MIGRATION, buf_span(&wrapped));
    pb_put_bytes(&message, PROTOCOL_MESSAGE, buf_span(&protocol));
    for (size_t i = 1; i < a->ndevices; i++) {
        if (!world_is_played(a->devices[i]))
            actor_send_peer(m, a->devices[0], a->devices[i], buf_span(&message));
    }
    buf_free(&pair);
    buf_free(&payload);
    buf_free(&wrapped);
    buf_free(&protocol);
    buf_free(&message);
}

int admin_lid_migration(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    (void)q;
    struct mock_account *a = names_of_number(m, admin_text(body, "phone"));
    if (!a)
        return admin_bad(ret_out, 400, "phone: bad phone number");
    a->unmigrated = !admin_bool(body, "migrated", !a->unmigrated);
    a->props_silent = admin_bool(body, "silent", a->props_silent);
    if (admin_bool(body, "tell", false))
        tell_clients(m, a);
    return admin_ok(ret_out);
}

/* The server gives the person another LID. Clients that still write to the old LID are told so with
 * the ack. */
static bool other_lid(struct mock *m, struct mock_account *a)
{
    (void)snprintf(a->lid.user, sizeof a->lid.user, "%llu",
                   (unsigned long long)(100200300000007ull + 7919 * ++m->world.next_lid));
    return map_put(&m->world.by_lid, a->lid.user, a);
}

int admin_contact_address(struct mock *m, const struct http_request *q, const json_t *body,
                          json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    char lid[JID_TEXT_MAX];

    if (!a)
        return 404;
    if (!a->contact)
        return admin_bad(ret_out, 409, "only scripted contacts");
    a->no_lid = admin_bool(body, "no_lid", a->no_lid);
    if (json_object_get(body, "also") != NULL)
        (void)snprintf(a->also, sizeof a->also, "%s", admin_text(body, "also"));
    if (admin_bool(body, "new_lid", false) && !other_lid(m, a))
        return admin_bad(ret_out, 500, "no memory");
    *ret_out = json_pack("{s:b,s:s}", "ok", 1, "lid", jid_text(&a->lid, lid));
    return 200;
}
