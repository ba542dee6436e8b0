/* phash.h - the participant hash: a short name for the set of devices that a message was made for
 * (P-SD-22). */
#ifndef BRIDGE_PEOPLE_PHASH_H
#define BRIDGE_PEOPLE_PHASH_H

#include "proto/jid.h"

enum { PHASH_TEXT_BYTES = 2 + 8 + 1 };

/* "2:" + base64 of the first 6 bytes of SHA-256 over the sorted AD texts (JIDs with device number)
 * of the devices, ours included. NUL-terminated. The order of devices does not matter; NOMEM. */
enum wb_err phash_of(const struct jid *devices, size_t n,
                     char ret_text[static PHASH_TEXT_BYTES]) WB_MUST_CHECK;

#endif
