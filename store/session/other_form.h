/* other_form.h - one person, two addresses: what a lookup tries; private to store/. */
#ifndef STORE_SESSION_OTHER_FORM_H
#define STORE_SESSION_OTHER_FORM_H

#include "store/session/lid_map.h"

/* forms[0] is the JID itself without device, forms[1] its other identity; *ret_n is 1 when that is
 * not known (or it is no person). */
static inline enum wb_err both_forms(struct store *s, const struct jid *who, struct jid forms[2],
                                     size_t *ret_n)
{
    enum wb_err err;

    forms[0] = jid_unhosted(jid_bare(*who));
    err = store_other_form(s, &forms[0], &forms[1]);
    *ret_n = err == WB_OK ? 2 : 1;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

#endif
