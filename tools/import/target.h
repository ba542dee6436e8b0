/* target.h - the whatsapp.db that is being made: in a directory of its own inside the store, so
 * that no half-made file ever has the name whatsapp.db in the store. */
#ifndef IMPORT_TARGET_H
#define IMPORT_TARGET_H

#include "store/core/store.h"
#include "store/files/lock.h"

struct target {
    struct store *s;
    struct store_lock lock; /* of the final file */
    char final[STORE_PATH_MAX];
    char dir[STORE_PATH_MAX]; /* temporary; "" when there is none */
};

/* EXISTS: `<store>/whatsapp.db` is there. LOCKED, IO, ...; text says what, in a sentence. */
enum wb_err target_open(const char *store, const struct clock *clock, struct target *ret,
                        char text[512]) WB_MUST_CHECK;
/* After store_commit(): closes, flushes and renames. Still needs target_close(). */
enum wb_err target_finish(struct target *t, char text[512]) WB_MUST_CHECK;
/* Closes and removes the temporary files, and releases the lock. */
void target_close(struct target *t);

#endif
