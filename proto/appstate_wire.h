/* appstate_wire.h - the protobufs of app state as the server hands it over (P-AS-05, P-AS-08,
 * P-AS-10). Spans borrow from the input, lists live in the arena. Errors of all functions:
 * TRUNCATED, MALFORMED; TOO_LARGE when the arena is exhausted. */
#ifndef PROTO_APPSTATE_WIRE_H
#define PROTO_APPSTATE_WIRE_H

#include "base/arena.h"

struct appstate_record {
    bool remove; /* the record is removed; otherwise set */
    struct span index_mac, value, key_id;
};

/* A SyncdPatch, or a SyncdSnapshot (its records are all set, and it has no external part and no
 * patch MAC). */
struct appstate_patch {
    uint64_t version;
    const struct appstate_record *records;
    size_t n;
    struct span external; /* an appstate_blob that holds the records instead; null: none */
    struct span snapshot_mac, patch_mac, key_id;
};
enum wb_err appstate_patch_decode(struct span in, struct arena *a,
                                  struct appstate_patch *ret) WB_MUST_CHECK;
enum wb_err appstate_snapshot_decode(struct span in, struct arena *a,
                                     struct appstate_patch *ret) WB_MUST_CHECK;
/* Decodes the file behind `external`: fills records and n. */
enum wb_err appstate_mutations_decode(struct span in, struct arena *a,
                                      struct appstate_patch *patch) WB_MUST_CHECK;

/* ExternalBlobReference. */
struct appstate_blob {
    struct span media_key, direct_path, file_sha256, file_enc_sha256;
    uint64_t size;
};
enum wb_err appstate_blob_decode(struct span in, struct appstate_blob *ret) WB_MUST_CHECK;

/* SyncActionData: the plaintext of a record. */
struct appstate_action {
    struct span index; /* JSON array text: the kind of setting, then what it applies to */
    struct span value; /* SyncActionValue; null: none */
};
enum wb_err appstate_action_decode(struct span in, struct appstate_action *ret) WB_MUST_CHECK;

/* Fields of SyncActionValue that have a meaning here, and the field within each. */
enum { APPSTATE_PUSH_NAME = 7, APPSTATE_NCT_SALT = 80 };
/* Field 1 of such a part. NOT_FOUND: the value has no such part, or it is empty. */
enum wb_err appstate_value_part(struct span value, uint32_t field, struct span *ret) WB_MUST_CHECK;

#endif
