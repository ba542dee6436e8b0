#include "tools/mock/service/names.h"

#include <stdlib.h>

#include "tools/mock/core/mock.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/service/group.h"

/* The first number of --phone-per-name. */
#define FIRST_PHONE 27830000000ull

/* Codes of WhatsApp's experiments: 1:1 chats are addressed by LID, a privacy token goes with each
 * 1:1 message, and first contacts carry one made of the salt. */
enum {
    PROP_LID_CHATS = 9435,
    PROP_SEND_TCTOKEN = 10518,
    PROP_SEND_CSTOKEN = 24941,
    HISTORY_SALT = 19,
    ACTION_SALT = 80,
};

/* Sets a trait by a flag ("=0": clears it); flags without a trait are known and change nothing
 * here. */
static void set_flag(struct traits *t, const char *flag, bool on)
{
    if (strcmp(flag, "restricted") == 0)
        t->restricted = on;
    else if (strcmp(flag, "tc_enabled") == 0)
        t->no_tctoken = !on;
    else if (strcmp(flag, "cs_enabled") == 0)
        t->no_cstoken = !on;
    else if (strcmp(flag, "nct_send_ab") == 0)
        t->sends_cstoken = on;
    else if (strcmp(flag, "nct_history_delivery") == 0)
        t->salted = on;
    else if (strcmp(flag, "nct_syncd_delivery") == 0)
        t->salt_in_state = on;
}

/* The phone has written the salt to its app state: SyncActionValue{80 {1 salt}}. */
static void write_salt(struct mock *m, struct mock_account *a)
{
    struct buf action = buf_new(64), value = buf_new(64);
    uint8_t salt[PRIVACY_SALT_BYTES];

    privacy_salt(a, salt);
    pb_put_bytes(&action, 1, SPAN_ARRAY(salt));
    pb_put_bytes(&value, ACTION_SALT, buf_span(&action));
    (void)m->world.player->state_write(m, a, "regular_high", "[\"nct_salt_sync\"]",
                                       buf_span(&value));
    buf_free(&action);
    buf_free(&value);
}

/* Reads FLAG[=0|=1],… up to end. */
static void read_flags(struct traits *t, const char *at, const char *end)
{
    while (at < end) {
        char flag[32];
        size_t n = strcspn(at, ",:");

        (void)snprintf(flag, sizeof flag, "%.*s", (int)n, at);
        char *value = strchr(flag, '=');
        if (value)
            *value++ = '\0';
        set_flag(t, flag, value == NULL || strcmp(value, "0") != 0);
        at += n + 1;
    }
}

static void read_traits(struct traits *t, const char *name)
{
    static const char restricted[] = "restricted:", scenario[] = "scenario:";
    const char *flags = name + sizeof scenario - 1;

    *t = (struct traits){.by_name = true, .salted = true, .sends_cstoken = true};
    if (strncmp(name, restricted, sizeof restricted - 1) == 0)
        t->restricted = true;
    else if (strncmp(name, scenario, sizeof scenario - 1) == 0 && strchr(flags, ':') != NULL)
        read_flags(t, flags, strchr(flags, ':'));
}

struct mock_account *names_of_number(struct mock *m, const char *digits)
{
    struct jid pn;

    if (!digits || digits[0] == '\0')
        digits = m->cfg.phone;
    if (jid_from_phone(span_cstr(digits), &pn) != WB_OK)
        return NULL;
    struct mock_account *a = world_account_phone(&m->world, pn.user);
    if (!a) {
        char name[64];

        (void)snprintf(name, sizeof name, "User %s",
                       pn.user + (strlen(pn.user) > 4 ? strlen(pn.user) - 4 : 0));
        a = world_add_account(m, pn.user, name, false);
        if (a)
            group_welcome(m, a);
    }
    return a;
}

struct mock_account *names_account(struct mock *m, const char *name)
{
    struct mock_account *a = name[0] != '\0' ? map_get(&m->named, name) : NULL;
    char digits[32];

    if (a)
        return a;
    do
        (void)snprintf(digits, sizeof digits, "%llu",
                       (unsigned long long)(FIRST_PHONE + m->next_named++));
    while (world_account_phone(&m->world, digits) != NULL);
    a = names_of_number(m, digits);
    if (!a)
        return NULL;
    a->silent = true;
    read_traits(&a->traits, name);
    if (a->traits.salt_in_state)
        write_salt(m, a);
    if (name[0] != '\0') {
        (void)snprintf(a->name, sizeof a->name, "%s", name);
        (void)map_put(&m->named, name, a);
    }
    return a;
}

void names_free(struct mock *m)
{
    map_free(&m->named, NULL);
}

static void put_prop(struct mock *m, struct node *props, uint64_t code)
{
    struct node *p = node_child_new(&m->a, props, "prop");

    node_attr_u64(&m->a, p, "config_code", code);
    node_attr_text(&m->a, p, "config_value", "1");
}

void names_put_props(struct mock *m, struct node *props, const struct mock_account *a)
{
    if (!a || !a->traits.by_name)
        return;
    put_prop(m, props, PROP_LID_CHATS);
    put_prop(m, props, PROP_SEND_TCTOKEN);
    if (a->traits.sends_cstoken)
        put_prop(m, props, PROP_SEND_CSTOKEN);
}

void names_put_salt(const struct mock_account *a, struct buf *history)
{
    uint8_t salt[PRIVACY_SALT_BYTES];

    if (!a->traits.by_name || !a->traits.salted)
        return;
    privacy_salt(a, salt);
    pb_put_bytes(history, HISTORY_SALT, SPAN_ARRAY(salt));
}
