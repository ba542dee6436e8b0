/* db_check.h - is a file whole, and if not, is it its indexes alone? Private to store/. */
#ifndef STORE_DB_DB_CHECK_H
#define STORE_DB_DB_CHECK_H

#include "store/db/db.h"

enum {
    /* Up to this size a file's indexes are compared with their tables at every check (about a
     * second); in a larger one only if asked for, or as far as SQLite's quick_check does it, which
     * depends on its version: 3.40 does not, 3.46 counts the entries. */
    DB_CHECK_INDEXES_BYTES = 64 << 20,
    /* Findings that are read. Further ones are seen by the check that follows a repair. */
    DB_FINDINGS_MAX = 10000,
    /* Memory of a check, which looks into every index in the order of its table. The usual check
     * runs beside a bridge's own memory at each start and scheduled backup, the thorough one after
     * damage. */
    DB_CHECK_CACHE_KB = 4 << 10,
    DB_CHECK_THOROUGH_CACHE_KB = 64 << 10,
};

struct db_found {
    /* Findings that indexes differ from their tables, where nothing else is wrong, so that new
     * indexes mend the file (store/backup/indexes_anew.h); 0: none, or the file itself is damaged.
     */
    size_t indexes;
    /* A complaint that only SQLite's full check has, and that new indexes would not mend: the file
     * is used as it is, as a large one would be, which gets no full check. "": none. */
    char ignored[160];
};

/* Checks a file: about 3 s per GB. thorough (and for small files, see above) also checks that each
 * index has each row, which takes several times as long. DB_CORRUPT with the first finding in
 * d->error. ret is always filled. */
enum wb_err db_check(struct db *d, bool thorough, struct db_found *ret) WB_MUST_CHECK;

/* What is wrong with the indexes of a file in which db_check() found nothing but indexes at fault.
 * The findings that db_check() ignored say nothing about old rows. */
struct db_faulty_index {
    char name[128];
    int64_t missing; /* rows of its table that it lacks */
    int64_t entries; /* entries that it has */
};
enum { DB_FAULTY_MAX = 64 /* whatsmeow's schema and ours have some 60 indexes */ };
struct db_faulty {
    struct db_faulty_index list[DB_FAULTY_MAX];
    size_t n;
    size_t findings;
    bool lack_rows; /* missing rows alone may explain what was found */
};
enum wb_err db_faulty_look(struct db *d, struct db_faulty *ret) WB_MUST_CHECK;
/* After REINDEX: did the indexes merely lack rows (*ret)? Otherwise an index had an entry whose row
 * is gone or is another one: the table may be older than its index was. Entries are counted with
 * SQLite's table dbstat: DB where a build lacks it. */
enum wb_err db_faulty_lacked_rows(struct db *d, const struct db_faulty *f, bool *ret) WB_MUST_CHECK;

#endif
