#include "proto/appstate_wire.h"

#include "proto/wire_field.h"
#include "proto/wire_map.h"

#define AT(n, type, of, member)                                                                    \
    {                                                                                              \
        n, SLOT_##type, offsetof(struct of, member), NULL                                          \
    }
#define IN(n, table)                                                                               \
    {                                                                                              \
        n, SLOT_NESTED, 0, table                                                                   \
    }
#define END                                                                                        \
    {                                                                                              \
        0, SLOT_SPAN, 0, NULL                                                                      \
    }

/* ---- records ---- */

static const struct wire_slot index_slots[] = {AT(1, SPAN, appstate_record, index_mac), END};
static const struct wire_slot value_slots[] = {AT(1, SPAN, appstate_record, value), END};
static const struct wire_slot record_key_slots[] = {AT(1, SPAN, appstate_record, key_id), END};
static const struct wire_slot record_slots[] = {
    IN(1, index_slots),
    IN(2, value_slots),
    IN(3, record_key_slots),
    END,
};

struct mutation {
    uint64_t operation;
    struct span record;
};
static const struct wire_slot mutation_slots[] = {
    AT(1, U64, mutation, operation),
    AT(2, SPAN, mutation, record),
    END,
};

static enum wb_err read_record(struct span in, bool is_mutation, struct appstate_record *r)
{
    struct mutation m = {.record = in};
    enum wb_err err = WB_OK;

    if (is_mutation) {
        m.record = SPAN_NULL;
        TRY(wire_map_read(mutation_slots, in, &m));
        if (m.operation > 1 || span_is_null(m.record))
            return WB_ERR_MALFORMED;
    }
    *r = (struct appstate_record){.remove = m.operation == 1};
    TRY(wire_map_read(record_slots, m.record, r));
    if (r->index_mac.n == 0 || r->value.n == 0 || r->key_id.n == 0)
        err = WB_ERR_MALFORMED;
out:
    return err;
}

static enum wb_err read_records(struct span in, uint32_t field, bool are_mutations, struct arena *a,
                                struct appstate_patch *patch)
{
    const struct span *parts = NULL;
    struct appstate_record *records = NULL;
    size_t n = 0;
    enum wb_err err;

    TRY(wire_collect(in, field, a, &parts, &n));
    records = n ? arena_alloc(a, n * sizeof *records) : NULL;
    TRY(n && !records ? WB_ERR_TOO_LARGE : WB_OK);
    for (size_t i = 0; i < n; i++)
        TRY(read_record(parts[i], are_mutations, &records[i]));
    patch->records = records;
    patch->n = n;
out:
    return err;
}

/* ---- patches ---- */

static const struct wire_slot version_slots[] = {AT(1, U64, appstate_patch, version), END};
static const struct wire_slot key_slots[] = {AT(1, SPAN, appstate_patch, key_id), END};

enum wb_err appstate_patch_decode(struct span in, struct arena *a, struct appstate_patch *ret)
{
    static const struct wire_slot slots[] = {
        IN(1, version_slots),
        AT(3, SPAN, appstate_patch, external),
        AT(4, SPAN, appstate_patch, snapshot_mac),
        AT(5, SPAN, appstate_patch, patch_mac),
        IN(6, key_slots),
        END,
    };
    struct appstate_patch p = {.version = 0};
    enum wb_err err;

    TRY(wire_map_read(slots, in, &p));
    TRY(read_records(in, 2, true, a, &p));
    *ret = p;
out:
    return err;
}

enum wb_err appstate_snapshot_decode(struct span in, struct arena *a, struct appstate_patch *ret)
{
    static const struct wire_slot slots[] = {
        IN(1, version_slots),
        AT(3, SPAN, appstate_patch, snapshot_mac),
        IN(4, key_slots),
        END,
    };
    struct appstate_patch p = {.version = 0};
    enum wb_err err;

    TRY(wire_map_read(slots, in, &p));
    TRY(read_records(in, 2, false, a, &p));
    *ret = p;
out:
    return err;
}

enum wb_err appstate_mutations_decode(struct span in, struct arena *a, struct appstate_patch *patch)
{
    return read_records(in, 1, true, a, patch);
}

/* ---- the rest ---- */

enum wb_err appstate_blob_decode(struct span in, struct appstate_blob *ret)
{
    static const struct wire_slot slots[] = {
        AT(1, SPAN, appstate_blob, media_key),
        AT(2, SPAN, appstate_blob, direct_path),
        AT(4, U64, appstate_blob, size),
        AT(5, SPAN, appstate_blob, file_sha256),
        AT(6, SPAN, appstate_blob, file_enc_sha256),
        END,
    };
    struct appstate_blob b = {.size = 0};
    enum wb_err err;

    TRY(wire_map_read(slots, in, &b));
    *ret = b;
out:
    return err;
}

enum wb_err appstate_action_decode(struct span in, struct appstate_action *ret)
{
    static const struct wire_slot slots[] = {
        AT(1, SPAN, appstate_action, index),
        AT(2, SPAN, appstate_action, value),
        END,
    };
    struct appstate_action action = {.index = SPAN_NULL};
    enum wb_err err;

    TRY(wire_map_read(slots, in, &action));
    if (action.index.n == 0)
        return WB_ERR_MALFORMED;
    *ret = action;
out:
    return err;
}

enum wb_err appstate_value_part(struct span value, uint32_t field, struct span *ret)
{
    struct span part;
    enum wb_err err;

    TRY(wire_find(value, field, &part));
    TRY(wire_find(part, 1, ret));
    if (ret->n == 0)
        err = WB_ERR_NOT_FOUND;
out:
    return err;
}
