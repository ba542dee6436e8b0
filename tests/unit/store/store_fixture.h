/* store_fixture.h - a store in a directory of its own, and short ways to look into its files. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "store/core/batch.h"
#include "store/open/open.h"
#include "store/session/account.h"

struct fixture {
    char dir[64];
    char wa[128];
    char msg[128];
    struct store_config config;
    struct store_open_info info;
    struct store *s;
    struct rng_seeded seed;
    struct rng rng;
};

#define OK(expr) assert_int_equal((expr), WB_OK)

/* What a statement gave; it must be a whole number. */
long whole_number(const char *text);

/* The fixture's clock in seconds; a test moves it. */
extern int64_t fixture_time;

/* The fixture's clock in milliseconds, as a struct clock reads it. */
int64_t fixture_ms(void *ctx);

/* A clock that reads fixture_time. */
extern const struct clock fixture_clock;

/* The address that a text says. */
struct jid J(const char *text);

/* Opens the store; an error fails the test and is printed. */
void fixture_open(struct fixture *f);

/* A paired account with keys of its own, not stored yet. */
struct account fixture_account(struct fixture *f, const char *jid, const char *lid);

/* An empty directory and a configuration; the store is not opened yet. */
void fixture_new(struct fixture *f);

/* Opens a store with the account 27820000001:7. */
void fixture_ready(struct fixture *f);

/* Closes the store; its files stay. */
void fixture_close(struct fixture *f);

/* Closes the store if it is open, and removes its directory. */
void fixture_free(struct fixture *f);

/* Copies the files as a crash would leave them: without what is not committed. */
void fixture_crash_copy(struct fixture *f, struct fixture *copy);

/* Reads a file as another program would: first column of the first row as text, "" when there is
 * none. */
const char *peek_sql(const char *path, const char *sql);

/* Writes to a file as another program would. */
void poke_sql(const char *path, const char *sql);

#endif
