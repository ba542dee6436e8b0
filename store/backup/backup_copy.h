/* backup_copy.h - a consistent copy of one database that may be in use; private to store/. */
#ifndef STORE_BACKUP_BACKUP_COPY_H
#define STORE_BACKUP_BACKUP_COPY_H

#include "store/backup/backup.h"
#include "store/db/db.h"

/* A connection that only reads, with its snapshot taken: what is committed later is not seen. It
 * never checkpoints (rule 5: only one writer does), and a log beside the file stays as it is.
 * NOT_FOUND (also for NULL). */
enum wb_err backup_snapshot(struct db *d, const char *path) WB_MUST_CHECK;

/* Copies all pages of the snapshot into a new file at `to` (0600), in journal mode DELETE, flushed.
 * CANCELLED when job->cancelled() says so. */
enum wb_err backup_copy(struct db *from, const char *to,
                        const struct backup_job *job) WB_MUST_CHECK;

#endif
