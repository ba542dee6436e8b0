/* lsc_store.h - the in-memory stores behind an oracle's party. */
#ifndef TESTS_LSC_STORE_H
#define TESTS_LSC_STORE_H

#include "lsc_provider.h"

/* Fills p->store; 0 or one of SG_ERR_*. */
int lsc_store_open(struct lsc_party *p);

#endif
