/* backup_seal.h - one encrypted file of a backup set, for places that are not ours: the manifest
 * and both databases, `<name>.sealed` beside the set. */
#ifndef STORE_BACKUP_BACKUP_SEAL_H
#define STORE_BACKUP_BACKUP_SEAL_H

#include "base/rng.h"
#include "crypto/prim_x25519.h"
#include "store/backup/backup.h"
#include "store/files/limits.h"

/* Exactly one of the two. A public key file holds 64 hexadecimal digits (as keygen prints them), a
 * passphrase file one line. */
struct backup_seal_to {
    const char *public_key_file;
    const char *passphrase_file;
};
struct backup_seal_with {
    const char *secret_key_file;
    const char *passphrase_file;
};

/* A key pair: the secret key goes into a new file (0600), the public one (hex) into ret_public.
 * EXISTS. */
enum wb_err store_backup_keygen(const char *secret_key_file, const struct rng *rng,
                                char ret_public[2 * X25519_KEY_BYTES + 1]) WB_MUST_CHECK;
/* Does the file hold what it should? INVALID: no key, or a passphrase that is too short or too long
 * (SEAL_PASSPHRASE_MIN). Also errors of reading the file. */
enum wb_err store_backup_seal_check(const struct backup_seal_to *to) WB_MUST_CHECK;
/* Encrypts a set. INVALID: no such key or passphrase in the file. ret_path: the sealed file,
 * written under another name and renamed; an existing one is replaced. */
enum wb_err store_backup_seal(const char *dir, const char *name, const struct backup_seal_to *to,
                              char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;
/* Decrypts a sealed file into a new directory (0700), which is then a set. MALFORMED: no sealed
 * file; BAD_KEY, BAD_MAC: sealed for another key or passphrase, or damaged; TRUNCATED. Nothing is
 * left after a failure. */
enum wb_err store_backup_unseal(const char *path, const struct backup_seal_with *with,
                                const char *to_dir) WB_MUST_CHECK;

#endif
