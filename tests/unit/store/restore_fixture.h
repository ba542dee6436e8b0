/* restore_fixture.h - a store with a bit of everything and a backup of it. */
#ifndef TESTS_RESTORE_FIXTURE_H
#define TESTS_RESTORE_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "store/backup/backup.h"

#define GROUP "120363000000000001@g.us"
#define PEER  "555:0@lid"

struct set {
    char dir[160];
    struct backup_result made;
};

/* A store with a bit of everything, closed, and a backup of it. */
void with_backup(struct fixture *f, struct set *set);

/* Runs a shell command with two texts filled in; it must succeed. */
void run_command(const char *fmt, const char *a, const char *b);

#endif
