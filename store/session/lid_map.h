/* lid_map.h - which LID is which phone number (P-US-14, P-DB-21): one to one, the newest pair wins.
 * A small cache answers most questions. */
#ifndef STORE_SESSION_LID_MAP_H
#define STORE_SESSION_LID_MAP_H

#include "proto/jid.h"
#include "store/core/store.h"

/* Devices and hosted forms are taken as their user. INVALID unless one is a PN and the other a LID
 * (in either order). *ret_changed (may be NULL): the pair is new, so chats may be re-keyed
 * (store_chat_rekey) and sessions migrated (store_signal_migrate). */
enum wb_err store_lid_put(struct store *s, const struct jid *lid, const struct jid *pn,
                          bool *ret_changed) WB_MUST_CHECK;
/* The other form, with the same device number. NOT_FOUND. */
enum wb_err store_lid_of_pn(struct store *s, const struct jid *pn,
                            struct jid *ret_lid) WB_MUST_CHECK;
enum wb_err store_pn_of_lid(struct store *s, const struct jid *lid,
                            struct jid *ret_pn) WB_MUST_CHECK;
/* The same for either form. NOT_FOUND, also when it is no person. */
enum wb_err store_other_form(struct store *s, const struct jid *who,
                             struct jid *ret_other) WB_MUST_CHECK;
/* The form under which sessions are kept (rule 4, one identity per person): the LID when it is
 * known, else as given; hosted servers become their plain ones. */
enum wb_err store_canonical(struct store *s, const struct jid *device,
                            struct jid *ret) WB_MUST_CHECK;

/* Private to store/. */
/* Forgets what was read inside a batch that is gone. */
void store_lids_clear(struct store *s);
/* Has this user (digits) been migrated while the store was open? Marks it. */
bool store_lids_migrated(struct store *s, const char *pn_user);

#endif
