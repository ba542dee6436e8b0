/* signal_pair.h - two people with a session, for the session tests. */
#ifndef TESTS_SIGNAL_PAIR_H
#define TESTS_SIGNAL_PAIR_H

#include "signal_fixture.h"

/* Two people; 'a' has a session with 'b' from a bundle with prekey 1. */
struct pair {
    struct person a, b;
};

/* For cmocka: makes the pair. */
int setup(void **state);

/* For cmocka: frees the pair. */
int teardown(void **state);

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
