/* signal_file.h - Signal records of Baileys (libsignal for Node) as ours.
 *
 * A session file:
 *     {"_sessions": {<base key>: {registrationId,
 *         currentRatchet: {ephemeralKeyPair: {pubKey, privKey}, lastRemoteEphemeralKey,
 *                          previousCounter, rootKey},
 *         indexInfo: {baseKey, baseKeyType, closed (-1: open), used, created, remoteIdentityKey},
 *         _chains: {<ratchet key>: {chainType 1 sending / 2 receiving,
 *                                   chainKey: {counter: last index made, key: absent when closed},
 *                                   messageKeys: {<index>: seed}}},
 *         pendingPreKey: {signedKeyId, baseKey, preKeyId}}}, "version": "v1"}
 * A sender key file holds bytes that are JSON themselves: an array, newest last, of
 *     {senderKeyId, senderChainKey: {iteration, seed}, senderSigningKey: {public, private},
 *      senderMessageKeys: [{iteration, seed}]} */
#ifndef IMPORT_SIGNAL_FILE_H
#define IMPORT_SIGNAL_FILE_H

#include "crypto/signal.h"

/* The open state becomes the current one, closed ones the archive, last used first; of many old
 * receiving chains the newest stay. A chain that Node closed gets a random chain key: its skipped
 * keys work, and no later key does. MALFORMED and the like: nothing in the file can be used. */
enum wb_err session_file_read(struct span json, const struct signal_local *local,
                              const struct rng *rng, struct signal_session **ret) WB_MUST_CHECK;
enum wb_err sender_key_file_read(struct span json, struct sender_key_record **ret) WB_MUST_CHECK;

#endif
