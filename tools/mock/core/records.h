/* records.h - what scripted people (and phones) received: read by tests through /admin. */
#ifndef MOCK_CORE_RECORDS_H
#define MOCK_CORE_RECORDS_H

#include <jansson.h>

#include "tools/mock/core/mock.h"

/* Adds an entry (an object; the reference is taken over). kind: "messages" or "receipts". */
void records_add(struct mock_account *a, const char *kind, json_t *entry);
/* A new reference to the array of that kind. */
json_t *records_get(const struct mock_account *a, const char *kind);
void records_clear(struct mock_account *a);

#endif
