/* import.h - makes a whatsapp.db of a Baileys directory (its multi-file auth state). Knows nothing
 * of the bridge and its connection. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/clock.h"
#include "base/rng.h"
#include "tools/import/creds.h"
#include "tools/import/file_name.h"

struct import_options {
    const char *from;  /* the Baileys directory: only read */
    const char *store; /* gets whatsapp.db; made when it is missing */
    bool dry_run;      /* everything is read and checked, nothing is written */
    const struct clock *clock;
    const struct rng *rng;
};

/* What became of the files of one kind. */
struct import_count {
    size_t carried;
    size_t lost;                          /* there, but not usable */
    char first_lost[IMPORT_NAME_MAX + 1]; /* the first such file */
    enum wb_err first_why;
};

struct import_report {
    struct jid jid, lid; /* the linked device */
    struct import_count counts[FILE_KIND_COUNT];
    uint32_t prekey_high;
    char text[512]; /* of a failure: one sentence with what to do */
};

/* Reads the directory and makes `<store>/whatsapp.db` in one step: under another name first, then
 * renamed. EXISTS: there is one already, and nothing was touched. LOCKED: a bridge runs on that
 * store. STATE: the directory is not that of a linked device, or its program still runs.
 * ret is always filled. */
enum wb_err import_baileys(const struct import_options *o, struct import_report *ret) WB_MUST_CHECK;

#endif
