/* signal_pair.h - the stage of the session tests. */
#ifndef TESTS_SIGNAL_PAIR_H
#define TESTS_SIGNAL_PAIR_H

#include "signal_fixture.h"

/* Two people; 'a' has a session with 'b' from a bundle with prekey 1. */
struct pair {
    struct person a, b;
};

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct pair *p = *state;

    person_free(&p->a);
    person_free(&p->b);
    return 0;
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
