/* batch.h - the batch: what arrived together commits together (rule 3), messages first (rule 1).
 *
 * A batch opens by itself with the first write to either file and ends with store_commit() or
 * store_rollback(). store_commit() commits messages.db first, then writes the changed session
 * and sender-key records back and commits whatsapp.db: a crash between the two is repaired by the
 * server's redelivery, because the ratchet has then not moved. There is no way to commit
 * whatsapp.db before messages.db, so a send, a retry or a notification that needs its ratchet on
 * disk calls the same store_commit() (rule 1: message, then ratchet): one
 * session record holds the ratchets of both directions.
 *
 * Acks, receipts and sealed stanzas leave only after store_commit() returned WB_OK. */
#ifndef STORE_CORE_BATCH_H
#define STORE_CORE_BATCH_H

#include "store/core/store.h"

/* Is anything uncommitted? */
bool store_batch_open(const struct store *s);

/* Makes the batch durable (synchronous=FULL); nothing to do: WB_OK. On failure both files are
 * rolled back as far as they were not committed, the decoded caches are dropped, the error is
 * returned: the caller closes its connection to the server so that it delivers again. */
enum wb_err store_commit(struct store *s) WB_MUST_CHECK;

/* Copies what a log has gathered into its file: work for a moment in which nothing else is to be
 * done, between two batches. Each call does one file; true: something is due. */
bool store_checkpoint_due(const struct store *s);
void store_checkpoint(struct store *s);

/* Writes a little into both files, which may lie on different disks: fails when one of them cannot
 * be written now. now: any number that was not written before. Needs store_commit() as any write.
 */
enum wb_err store_probe(struct store *s, int64_t now) WB_MUST_CHECK;

/* Forgets the batch and the decoded caches. Never fails. */
void store_rollback(struct store *s);

/* A mark inside the batch, so that the effects of one stanza can be undone alone. Not nested
 * (STATE). Costs nothing until something is written under it. */
enum wb_err store_mark(struct store *s) WB_MUST_CHECK;
/* Keeps what was done since the mark (it still needs the commit). */
enum wb_err store_mark_keep(struct store *s) WB_MUST_CHECK;
/* Undoes what was done since the mark, decoded records included; the batch goes on. On failure the
 * whole batch has been rolled back. */
enum wb_err store_mark_undo(struct store *s) WB_MUST_CHECK;

/* A listener keeps something beside the databases (decoded records, a cache) that has to follow
 * what becomes of the batch. A function that it does not need is NULL. ctx: as given to
 * store_on_batch(). Private to store/. */
struct batch_listener {
    /* Is something changed that is not written yet? */
    bool (*dirty)(const void *ctx);
    /* write: writes the changes into whatsapp.db, which commits next; written: after that commit.
     */
    enum wb_err (*write)(void *ctx);
    void (*written)(void *ctx);
    /* messages.db has committed. */
    void (*messages_committed)(void *ctx);
    /* The batch is gone: so is all that was read or changed in it. */
    void (*forget)(void *ctx);
    void (*mark)(void *ctx);
    void (*mark_keep)(void *ctx);
    /* The databases have undone their part. */
    enum wb_err (*mark_undo)(void *ctx);
    /* Another program has written whatsapp.db; after forget. */
    enum wb_err (*written_by_others)(void *ctx);
    /* Writes something into messages.db that no reader notices. */
    enum wb_err (*probe)(void *ctx);
};
enum { BATCH_LISTENERS_MAX = 8 /* session/ has four, messages/ one */ };
/* l and ctx live as long as the store. Listeners are called in the order in which they were added.
 */
void store_on_batch(struct store *s, const struct batch_listener *l, void *ctx);

#endif
