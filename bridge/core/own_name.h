/* own_name.h - the name by which others see us. Without one no presence can be sent, and whoever
 * has not saved our number sees "-" (P-LG-13, P-X2-04).
 *
 * The setting --push-name comes first. Without it the name is learned and kept in whatsapp.db where
 * whatsmeow keeps it, with a note of ours that names its source. */
#ifndef BRIDGE_CORE_OWN_NAME_H
#define BRIDGE_CORE_OWN_NAME_H

#include "base/err.h"
#include "base/span.h"
#include "store/core/limits.h"

struct bridge;

/* From the weakest to the strongest: a weaker source never replaces what a stronger one has said,
 * and of the same source the last word counts. */
enum own_name_source {
    OWN_NAME_UNKNOWN,
    OWN_NAME_NOTIFY,   /* `notify` of a message that our own phone wrote */
    OWN_NAME_BUSINESS, /* the business name in pair-success */
    OWN_NAME_HISTORY,  /* our own entry among the push names that the phone hands over */
    /* The phone names it as ours: app state (setting_pushName), account_sync. Also a name that
     * another program or an older bridge has left in the file. */
    OWN_NAME_PHONE,
    OWN_NAME_SETTING, /* --push-name; never stored */
};

/* A source has told our name; stored in the open batch. Empty names, "-", and what is not UTF-8 are
 * passed over; long ones are cut at a character. Once the batch is committed, presence.h announces
 * a name that has changed. Returns the store's errors; OK, and nothing is done, while no account is
 * stored. */
enum wb_err own_name_learned(struct bridge *b, struct span name,
                             enum own_name_source source) WB_MUST_CHECK;

/* The name that counts now, "" while there is none. Returns its source; UNKNOWN also when the store
 * cannot be read. */
enum own_name_source own_name_get(struct bridge *b, char ret_name[static STORE_NAME_MAX + 1]);

#endif
