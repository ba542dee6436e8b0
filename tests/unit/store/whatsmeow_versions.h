/* whatsmeow_versions.h - whatsapp.db as whatsmeow's versions 6 to 14 leave it (P-DB-26). */
#ifndef TESTS_WHATSMEOW_VERSIONS_H
#define TESTS_WHATSMEOW_VERSIONS_H

#include "tests/unit/store/store_fixture.h"

enum { OLDEST = 6, LATEST = 15 };
#define JID1 "27820000001:7@s.whatsapp.net"
#define JID2 "27820000002:3@s.whatsapp.net"

/* One more row of whatsmeow_device. */
#define DEVICE_ROW(jid, name)                                                                      \
    "INSERT INTO whatsmeow_device (jid, registration_id, noise_key, identity_key, signed_pre_key," \
    " signed_pre_key_id, signed_pre_key_sig, adv_key, adv_details, adv_account_sig,"               \
    " adv_account_sig_key, adv_device_sig, platform, push_name) VALUES ('" jid "', 4000000000,"    \
    " randomblob(32), randomblob(32), randomblob(32), 1, randomblob(64), randomblob(32), x'0801'," \
    " randomblob(64), randomblob(32), randomblob(64), 'android', '" name "');"

/* Makes the file's keys valid: the identity key signs the signed prekey. */
void make_keys(const char *path);

/* Makes a file as a whatsmeow of that version left it, over one connection: flushing each statement
 * takes long. */
void make_version(const char *path, int version);

#endif
