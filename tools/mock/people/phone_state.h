/* phone_state.h - the phone's side of app state: it reads the patches that the server only keeps,
 * flags a companion's mistakes, hands out snapshots, and writes settings of its own
 * (P-AS-02..26). */
#ifndef MOCK_PEOPLE_PHONE_STATE_H
#define MOCK_PEOPLE_PHONE_STATE_H

#include "tools/mock/core/mock.h"

/* Reads a patch that was added to the collection as this version. by: the companion that wrote it
 * and is flagged for mistakes; NULL: the phone itself. */
void phone_state_read(struct mock *m, struct mock_account *a, const struct device *by,
                      const char *name, uint64_t version, struct span patch);
/* Appends the ExternalBlobReference of a snapshot of the collection at this version, which is put
 * on the media host. False: the collection is empty, or the phone cannot read it any more. */
bool phone_state_snapshot(struct mock *m, struct mock_account *a, const char *name,
                          uint64_t version, struct buf *out);
/* The phone sets or removes the entry that index names. value: SyncActionValue without its time;
 * SPAN_NULL removes. False: no memory. */
bool phone_state_write(struct mock *m, struct mock_account *a, const char *name, const char *index,
                       struct span value);
/* From now on the phone seals with another key, which no companion has been given. */
void phone_state_new_key(struct mock_account *a);
/* Shares the first key with a companion. A companion that asks for a later key gets it:
 * phone_state_asked() is true when the peer message was such a request. */
void phone_state_share(struct mock *m, struct device *to);
bool phone_state_asked(struct mock *m, struct device *by, struct span plain);

#endif
