/* backup_manifest.h - manifest.json of a backup set: what the set holds and how to tell that it
 * still does. We write it, but read it back from a disk or from far away: every field is checked.
 */
#ifndef STORE_BACKUP_BACKUP_MANIFEST_H
#define STORE_BACKUP_BACKUP_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/prim_hash.h"
#include "proto/jid.h"

enum {
    BACKUP_FORMAT = 1,
    BACKUP_REASON_MAX = 24,  /* "scheduled", "before-upgrade" */
    BACKUP_NAME_MAX = 47,    /* "20261121T150000Z-" and the reason */
    BACKUP_PROGRAM_MAX = 63, /* "whatsapp-bridge 1.0" */
    /* Two files of numbers and hashes are some 700 bytes. */
    BACKUP_MANIFEST_MAX = 16 * 1024,
};

/* The end of the year 9999: what names can hold. */
#define BACKUP_TIME_MAX INT64_C(253402300799)

struct backup_file {
    bool present;
    uint64_t size;
    uint8_t sha256[SHA256_BYTES];
};

struct backup_manifest {
    int64_t created_at; /* unix seconds: when the copy of whatsapp.db was begun, by our clock */
    /* Which of two sets is newer, whatever the clock said: the unix seconds of created_at, or one
     * more than the highest in the directory when that is later. Sets from before this field
     * existed have created_at. */
    int64_t sequence;
    char reason[BACKUP_REASON_MAX + 1];
    char program[BACKUP_PROGRAM_MAX + 1];
    char sqlite[16];
    char phone[JID_USER_MAX + 1]; /* digits of the first account; "" when none is paired */
    struct backup_file whatsapp, messages;
    int64_t schema; /* whatsmeow's, of whatsapp.db */
    int64_t accounts, sessions, prekeys;
    int64_t message_rows, chat_rows;
    /* Not in the file, seen when the set is verified: server time of its newest message, 0: it has
     * none, or only such of other programs. */
    int64_t newest_message;
    /* Not in the file either: a database needs new indexes, which it gets when it is restored
     * (store/open/reindex.h). */
    bool indexes;
};

/* Messages that came after this time may be missing in the messages.db of a verified set. It is a
 * time of the server where one is known: created_at is too late when our clock was ahead. */
static inline int64_t backup_manifest_since(const struct backup_manifest *m)
{
    return m->newest_message > 0 && m->newest_message < m->created_at ? m->newest_message
                                                                      : m->created_at;
}

/* Appends the JSON text. */
void backup_manifest_write(const struct backup_manifest *m, struct buf *out);
/* MALFORMED, VERSION (a format that we do not know), TOO_LARGE; NOMEM. */
enum wb_err backup_manifest_read(struct span json, struct backup_manifest *ret) WB_MUST_CHECK;

/* `<UTC time>-<reason>`; INVALID for a reason of other than lower-case letters, digits and dashes.
 */
enum wb_err backup_name(int64_t unix_s, const char *reason,
                        char ret_name[BACKUP_NAME_MAX + 1]) WB_MUST_CHECK;
/* The time in a valid name, unix seconds. */
int64_t backup_name_time(const char *name);
/* Is this the name of a set? Anything else in the directory is never touched by list, prune or
 * restore. */
bool backup_name_valid(const char *name);

#endif
