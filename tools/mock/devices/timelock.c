#include "tools/mock/devices/timelock.h"

#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/privacy.h"

/* A message that was on its way when its client was told is no fault of the client. */
enum { ON_ITS_WAY_MS = 1000 };

#define QUERY "23983697327930364"

static bool is_active(struct mock *m, const struct mock_account *a)
{
    return a->lock.active && (a->lock.ends_s == 0 || a->lock.ends_s > (int64_t)mock_now_s(m));
}

static struct span state_json(struct mock *m, const struct mock_account *a, const char *name)
{
    struct buf text = buf_new(1024);
    struct span copy;
    char ends[24] = "";

    if (a->lock.active && a->lock.ends_s != 0)
        (void)snprintf(ends, sizeof ends, "%lld", (long long)a->lock.ends_s);
    buf_printf(&text, "{\"data\":{\"%s\":{\"is_active\":%s,", name,
               is_active(m, a) ? "true" : "false");
    if (ends[0] != '\0')
        buf_printf(&text, "\"time_enforcement_ends\":\"%s\",", ends);
    buf_printf(&text, "\"enforcement_type\":\"%s\"}}}", is_active(m, a) ? a->lock.type : "DEFAULT");
    copy = arena_copy(&m->a, buf_span(&text));
    buf_free(&text);
    return copy;
}

static void tell(struct mock *m, struct mock_account *a)
{
    const struct jid server = jid_server_only(JID_PN);

    for (size_t i = 0; i < a->ndevices; i++) {
        if (world_is_played(a->devices[i]))
            continue;
        struct node *n = deliver_notification(m, &server, "mex");
        struct node *update = node_child_new(&m->a, n, "update");
        node_attr_text(&m->a, update, "op_name", "NotificationUserReachoutTimelockUpdate");
        node_set_bytes(&m->a, update, state_json(m, a, "xwa2_notify_account_reachout_timelock"));
        deliver(m, a->devices[i], n);
    }
}

void timelock_set(struct mock *m, struct mock_account *a, bool active, int64_t ends_s,
                  const char *type, bool tell_clients)
{
    a->lock = (struct account_lock){.active = active, .ends_s = ends_s, .told = tell_clients};
    (void)snprintf(a->lock.type, sizeof a->lock.type, "%s", type);
    if (tell_clients)
        tell(m, a);
}

static bool knows(struct mock *m, const struct device *from)
{
    const struct account_lock *l = &from->account->lock;
    const struct jid server = jid_server_only(JID_PN);

    return (l->told && !deliver_waiting(from, "notification", "mex", &server)) ||
           (l->refused_ms != 0 && clock_mono_ms(m->clock) - l->refused_ms > ON_ITS_WAY_MS);
}

int timelock_refuses(struct mock *m, struct device *from, struct mock_account *to,
                     const char *label, const struct node *message)
{
    struct mock_account *own = from->account;

    if (own == to || own->contact || !is_active(m, own) ||
        map_get(&own->met, to->lid.user) != NULL || privacy_gave(to, own))
        return 0;
    if (knows(m, from))
        mock_flag(m, label, "first-contact-in-lock", message,
                  "%s does not know this account, which is restricted", to->pn.user);
    own->lock.refused_ms = clock_mono_ms(m->clock);
    return 463;
}

void timelock_met(struct mock_account *a, struct mock_account *b)
{
    (void)map_put(&a->met, b->lid.user, b);
    (void)map_put(&b->met, a->lid.user, a);
}

struct span timelock_answer(struct mock *m, const struct mock_account *a, const char *query_id)
{
    return strcmp(query_id, QUERY) == 0 ? state_json(m, a, "xwa2_fetch_account_reachout_timelock")
                                        : SPAN_NULL;
}
