#include "tools/mock/core/records.h"

static void free_records(void *value)
{
    json_decref(value);
}

void records_add(struct mock_account *a, const char *kind, json_t *entry)
{
    if (!a->records.value)
        a->records = (struct part){json_object(), free_records};
    json_t *list = json_object_get(a->records.value, kind);
    if (!list && a->records.value) {
        list = json_array();
        (void)json_object_set_new(a->records.value, kind, list);
    }
    if (!list || json_array_size(list) >= MOCK_RECORDS_MAX) {
        json_decref(entry);
        return;
    }
    (void)json_array_append_new(list, entry);
}

json_t *records_get(const struct mock_account *a, const char *kind)
{
    json_t *list = json_object_get(a->records.value, kind);

    return list != NULL ? json_incref(list) : json_array();
}

void records_clear(struct mock_account *a)
{
    if (a->records.value)
        (void)json_object_clear(a->records.value);
}
