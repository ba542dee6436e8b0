/* db_check.h - is a file whole, and if not, is it its indexes alone? Private to store/. */
#ifndef STORE_DB_DB_CHECK_H
#define STORE_DB_DB_CHECK_H

#include "store/db/db.h"

enum {
    /* Up to this size a file's indexes are compared with their tables at every check (about a
     * second); in a larger one only if asked for, or as far as SQLite's quick_check does it, which
     * depends on its version: 3.40 does not, 3.46 counts the entries. */
    DB_CHECK_INDEXES_BYTES = 64 << 20,
    /* Findings that are read. What is behind them is seen by the check that follows a repair. */
    DB_FINDINGS_MAX = 10000,
    /* Every index is looked into in the order of its table. The usual check is made beside a
     * bridge's own memory at each start and scheduled backup, the thorough one after damage. */
    DB_CHECK_CACHE_KB = 4 << 10,
    DB_CHECK_THOROUGH_CACHE_KB = 64 << 10,
};

struct db_found {
    /* Findings that indexes do not have what is in their tables, so that new indexes would do
     * (store/backup/indexes_anew.h), and nothing else is wrong; 0: none, or the file is damaged. */
    size_t indexes;
    /* What only SQLite's full check complains of, and new indexes would not mend: the file is used
     * as it is, as a large one would be. "": nothing. */
    char ignored[160];
};

/* About 3 s per GB; thorough (and for small files, see above) also that each index has each row:
 * several times as long. DB_CORRUPT with the first finding in d->error. ret is always filled. */
enum wb_err db_check(struct db *d, bool thorough, struct db_found *ret) WB_MUST_CHECK;

/* What is wrong with the indexes of a file of which db_check() says that it is they. Findings of
 * another kind, which it ignored, say nothing about rows that are old. */
struct db_faulty_index {
    char name[128];
    int64_t missing; /* rows that it lacks */
    int64_t entries; /* that it has */
};
enum { DB_FAULTY_MAX = 64 /* whatsmeow's schema and ours have some 60 indexes */ };
struct db_faulty {
    struct db_faulty_index list[DB_FAULTY_MAX];
    size_t n;
    size_t findings;
    bool lack_rows; /* what was found may be rows that are missing, and nothing else */
};
enum wb_err db_faulty_look(struct db *d, struct db_faulty *ret) WB_MUST_CHECK;
/* After REINDEX: did they merely lack rows (*ret)? Otherwise an entry stood there whose row is gone
 * or is another one: the table may be older than its index was. Their entries are counted with
 * SQLite's table dbstat: DB where a build lacks it. */
enum wb_err db_faulty_lacked_rows(struct db *d, const struct db_faulty *f, bool *ret) WB_MUST_CHECK;

#endif
