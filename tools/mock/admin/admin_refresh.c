/* admin_refresh.c - WhatsApp withdraws the QR or link code that clients show before they are linked
 * (P-X2-16). */
#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/link/pair.h"
#include "tools/mock/wire/client.h"

/* Tells every client that shows a QR to make a new secret. */
static int refresh_qr(struct mock *m, json_t **ret_out)
{
    json_int_t told = 0;

    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->state != CLIENT_REGISTERING || c->pairing)
            continue;
        struct jid server = jid_server_only(JID_PN);
        struct node *n = deliver_notification(m, &server, "companion_reg_refresh");
        (void)node_child_new(&m->a, n, "companion_reg_refresh");
        client_send(c, n);
        told++;
    }
    *ret_out = json_pack("{s:b,s:I}", "ok", 1, "clients", told);
    return 200;
}

int admin_refresh(struct mock *m, const struct http_request *q, const json_t *body,
                  json_t **ret_out)
{
    (void)q;
    const char *phone = admin_text(body, "phone");
    if (phone[0] == '\0')
        return refresh_qr(m, ret_out);
    struct pair_answer a = pair_refresh_code(m, phone);
    return a.status == 200 ? admin_ok(ret_out) : admin_bad(ret_out, a.status, "%s", a.message);
}
