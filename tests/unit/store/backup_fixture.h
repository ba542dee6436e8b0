/* backup_fixture.h - sets of backups that are made, damaged and looked at. */
#ifndef TESTS_BACKUP_FIXTURE_H
#define TESTS_BACKUP_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "store/backup/backup.h"

struct paths {
    char dir[160], set[256], file[300];
};

/* The path of a file in a set; valid until the next call. */
const char *file_of(struct paths *p, const char *name, const char *file);

/* How a backup of the fixture is made, in a directory beside its files. */
struct backup_job backup_job_for(struct fixture *f, struct paths *p, const char *reason);

/* Makes a backup; an error fails the test and is printed. */
struct backup_result made(struct fixture *f, struct paths *p, const char *reason);

/* Overwrites some bytes of a file at this place. */
void damage(const char *path, long at);

#endif
