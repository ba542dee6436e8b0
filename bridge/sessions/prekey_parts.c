#include "bridge/sessions/prekey_parts.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/core/shared_query.h"

enum wb_err prekey_part_push(struct prekey_part **list, const struct jid *devices, size_t n)
{
    struct prekey_part *p;

    if (n == 0)
        return WB_OK;
    p = calloc(1, sizeof *p + n * sizeof *devices);
    if (!p)
        return WB_ERR_NOMEM;
    p->n = n;
    memcpy(p->devices, devices, n * sizeof *devices);
    p->next = *list;
    *list = p;
    return WB_OK;
}

void prekey_part_drop(struct prekey_part **list)
{
    struct prekey_part *p = *list;

    *list = p->next;
    free(p);
}

void prekey_part_free_all(struct prekey_part **list)
{
    while (*list)
        prekey_part_drop(list);
}

enum wb_err prekey_part_split(struct prekey_part **list)
{
    struct prekey_part *p = *list;
    const size_t half = p->n / 2;
    enum wb_err err;

    *list = p->next;
    TRY(prekey_part_push(list, p->devices + half, p->n - half));
    TRY(prekey_part_push(list, p->devices, half));
out:
    free(p);
    return err;
}

void prekey_parts_keep(struct prekey_part **kept, struct prekey_part **list)
{
    struct prekey_part **end = kept;
    size_t n = 0;

    while (*end)
        end = &(*end)->next;
    *end = *list;
    *list = NULL;
    for (const struct prekey_part *p = *kept; p; p = p->next)
        n++;
    for (; n > PREKEY_KEPT_PARTS; n--)
        prekey_part_drop(kept);
}

static bool has(const struct prekey_part *p, const struct jid *device)
{
    return bsearch(device, p->devices, p->n, sizeof *device, shared_query_cmp) != NULL;
}

/* Moves the devices that are also in p from devices to common; returns how many are left. */
static size_t move_common(const struct prekey_part *p, struct jid *devices, size_t n,
                          struct jid *common, size_t *ret_ncommon)
{
    size_t left = 0, got = 0;

    for (size_t i = 0; i < n; i++) {
        if (has(p, &devices[i]))
            common[got++] = devices[i];
        else
            devices[left++] = devices[i];
    }
    *ret_ncommon = got;
    return left;
}

static void reverse(struct prekey_part **list)
{
    struct prekey_part *in = *list;

    *list = NULL;
    while (in) {
        struct prekey_part *next = in->next;

        in->next = *list;
        *list = in;
        in = next;
    }
}

enum wb_err prekey_parts_make(struct prekey_part **kept, const struct prekey_stale *stale,
                              int64_t now_ms, const struct jid *devices, size_t n,
                              struct prekey_part **ret_list, bool *ret_halved)
{
    struct jid *others = calloc(2 * n, sizeof *others), *common = others + n;
    struct prekey_part *list = NULL, **at = kept; /* built backwards, and turned round at the end */
    size_t nothers = 0, ncommon;
    enum wb_err err = others ? WB_OK : WB_ERR_NOMEM;

    *ret_halved = false;
    TRY(err);
    for (size_t i = 0; i < n; i++)
        if (!prekey_stale_has(stale, &devices[i], now_ms, NULL))
            others[nothers++] = devices[i];
    while (*at) {
        nothers = move_common(*at, others, nothers, common, &ncommon);
        TRY(prekey_part_push(&list, common, ncommon));
        if (ncommon > 0)
            prekey_part_drop(at);
        else
            at = &(*at)->next;
    }
    *ret_halved = list != NULL;
    TRY(prekey_part_push(&list, others, nothers));
    for (size_t i = 0; i < n; i++)
        if (prekey_stale_has(stale, &devices[i], now_ms, NULL))
            TRY(prekey_part_push(&list, &devices[i], 1));
    reverse(&list);
    *ret_list = list;
    list = NULL;
out:
    prekey_part_free_all(&list);
    free(others);
    return err;
}
