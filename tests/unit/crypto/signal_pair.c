/* signal_pair.c - see signal_pair.h. */
#include "tests/unit/crypto/signal_pair.h"

int setup(void **state)
{
    static struct pair p;

    if (secret_init() != WB_OK)
        return -1;
    person_init(&p.a, 1);
    person_init(&p.b, 2);
    person_start(&p.a, &p.b, 1);
    *state = &p;
    return 0;
}

int teardown(void **state)
{
    struct pair *p = *state;

    person_free(&p->a);
    person_free(&p->b);
    return 0;
}
