#include "tools/mock/service/appstate.h"

#include <stdlib.h>

#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/service/service.h"

struct patch {
    struct patch *next;
    uint64_t version;
    size_t n;
    uint8_t bytes[];
};

struct kept_collection {
    uint64_t version;
    struct patch *patches, *last;
};

static void free_collection(void *value)
{
    struct kept_collection *col = value;

    while (col->patches) {
        struct patch *p = col->patches;

        col->patches = p->next;
        free(p);
    }
    free(col);
}

static bool known_name(const char *name)
{
    static const char *const names[] = {"critical_block", "critical_unblock_low", "regular_high",
                                        "regular", "regular_low"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static struct kept_collection *collection_of(struct mock_account *a, const char *name)
{
    struct kept_collection *col = map_get(&a->appstate, name);

    map_own(&a->appstate, free_collection);
    if (!col) {
        col = calloc(1, sizeof *col);
        if (!col || !map_put(&a->appstate, name, col)) {
            free(col);
            return NULL;
        }
    }
    return col;
}

/* Adds the patch as others get it: with its version in field 1, which the sender leaves out
 * (P-AS-26). */
static bool add_patch(struct kept_collection *col, struct span patch)
{
    struct buf b = buf_new(MOCK_STANZA_BYTES), version = buf_new(16);

    pb_put_u64(&version, 1, col->version + 1);
    pb_put_bytes(&b, 1, buf_span(&version));
    buf_append(&b, patch);
    struct patch *p = buf_err(&b) == WB_OK ? malloc(sizeof *p + b.n) : NULL;
    if (p) {
        *p = (struct patch){NULL, ++col->version, b.n};
        memcpy(p->bytes, b.p, b.n);
        if (col->last)
            col->last->next = p;
        else
            col->patches = p;
        col->last = p;
    }
    buf_free(&b);
    buf_free(&version);
    return p != NULL;
}

static void tell(struct mock *m, struct mock_account *a, const struct device *from,
                 const char *name, uint64_t version)
{
    for (size_t i = 0; i < a->ndevices; i++) {
        if (a->devices[i] == from || world_is_played(a->devices[i]))
            continue;
        struct node *n = deliver_notification(m, &a->pn, "server_sync");
        struct node *k = node_child_new(&m->a, n, "collection");
        node_attr_text(&m->a, k, "name", name);
        node_attr_u64(&m->a, k, "version", version);
        deliver(m, a->devices[i], n);
    }
}

uint64_t appstate_version(const struct mock_account *a, const char *name)
{
    const struct kept_collection *col = map_get(&a->appstate, name);

    return col != NULL ? col->version : 0;
}

bool appstate_add(struct mock *m, struct mock_account *a, const struct device *by, const char *name,
                  struct span patch)
{
    struct kept_collection *col = known_name(name) ? collection_of(a, name) : NULL;

    if (!col || !pb_valid(patch) || !add_patch(col, patch))
        return false;
    m->world.player->state_read(m, a, by, name, col->version, patch);
    tell(m, a, by, name, col->version);
    return true;
}

/* Gives a snapshot to a client that has nothing; if there is none, all patches say the same. */
static bool put_snapshot(struct mock *m, struct mock_account *a, const char *name,
                         const struct kept_collection *col, struct node *out)
{
    struct buf reference = buf_new(1024);
    bool there = m->world.player->state_snapshot(m, a, name, col->version, &reference);

    if (there)
        node_set_bytes(&m->a, node_child_new(&m->a, out, "snapshot"), buf_span(&reference));
    buf_free(&reference);
    return there;
}

static void put_patches(struct mock *m, struct node *out, const struct kept_collection *col,
                        uint64_t after)
{
    struct node *patches = NULL;

    for (const struct patch *p = col->patches; p != NULL; p = p->next) {
        if (p->version <= after)
            continue;
        if (!patches)
            patches = node_child_new(&m->a, out, "patches");
        node_set_bytes(&m->a, node_child_new(&m->a, patches, "patch"), SPAN(p->bytes, p->n));
    }
}

static int one(struct client *c, const struct node *k, struct node *sync)
{
    struct mock *m = c->m;
    const char *name = mock_attr(m, k, "name");
    uint64_t version = 0;
    bool has_version = node_attr_get_u64(k, "version", &version);
    struct kept_collection *col = known_name(name) ? collection_of(c->device->account, name) : NULL;
    struct span patch = node_content_bytes(node_child(k, "patch"));

    if (!col)
        return 400;
    struct node *out = node_child_new(&m->a, sync, "collection");
    node_attr_text(&m->a, out, "name", name);
    if (patch.p && (!has_version || version != col->version)) {
        node_attr_text(&m->a, out, "type", "error");
        struct node *e = node_child_new(&m->a, out, "error");
        node_attr_text(&m->a, e, "code", "409");
        node_attr_text(&m->a, e, "text", "conflict");
        put_patches(m, out, col, version);
    } else if (patch.p) {
        if (!appstate_add(m, c->device->account, c->device, name, patch))
            return 400;
    } else if (!node_attr_is(k, "return_snapshot", "true") ||
               !put_snapshot(m, c->device->account, name, col, out)) {
        put_patches(m, out, col, version);
    }
    node_attr_u64(&m->a, out, "version", col->version);
    return 0;
}

int iq_appstate(struct client *c, const struct node *iq, struct node *result)
{
    struct node *sync = node_child_new(&c->m->a, result, "sync");
    const struct node *in = node_child(iq, "sync");

    for (const struct node *k = node_child(in, "collection"); k != NULL;
         k = node_next(k, "collection")) {
        int code = one(c, k, sync);

        if (code != 0)
            return code;
    }
    return 0;
}
