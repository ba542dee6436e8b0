#include "tools/mock/core/records.h"

void records_add(struct account *a, const char *kind, json_t *entry)
{
    if (a->records == NULL)
        a->records = json_object();
    json_t *list = json_object_get(a->records, kind);
    if (list == NULL && a->records != NULL) {
        list = json_array();
        (void)json_object_set_new(a->records, kind, list);
    }
    if (list == NULL || json_array_size(list) >= MOCK_RECORDS_MAX) {
        json_decref(entry);
        return;
    }
    (void)json_array_append_new(list, entry);
}

json_t *records_get(const struct account *a, const char *kind)
{
    json_t *list = a->records != NULL ? json_object_get(a->records, kind) : NULL;
    return list != NULL ? json_incref(list) : json_array();
}

void records_clear(struct account *a)
{
    if (a->records != NULL)
        (void)json_object_clear(a->records);
}

void records_free(struct account *a)
{
    json_decref(a->records);
    a->records = NULL;
}
