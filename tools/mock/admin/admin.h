/* admin.h - the /admin calls, by which tests steer the mock; docs/wa-mock.md has a table of all
 * calls. This room knows nothing of the sockets: it gets requests and fills answers. */
#ifndef MOCK_ADMIN_ADMIN_H
#define MOCK_ADMIN_ADMIN_H

#include <jansson.h>

#include "tools/mock/core/http.h"
#include "tools/mock/core/mock.h"

/* One call. body is the JSON object that was sent ({} if none was, NULL for calls that take plain
 * text). Fills *ret_out (an object or array, a new reference) and returns the HTTP status. */
typedef int admin_call(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out);

/* admin_phone.c */
admin_call admin_phone_past;
admin_call admin_phone_history, admin_scan_qr, admin_enter_code, admin_unlink, admin_login_script,
    admin_expire_refs, admin_settings, admin_refresh, admin_client_prekeys;
/* admin_passkey.c */
admin_call admin_passkey_set, admin_passkey_get, admin_passkey_again;
/* admin_address.c */
admin_call admin_lid_migration, admin_contact_address;
/* admin_contact.c */
admin_call admin_contact_add, admin_contact_send, admin_contact_blast, admin_contact_messages,
    admin_contact_release, admin_contact_receipts, admin_contact_failures, admin_contact_clear,
    admin_contact_script, admin_contact_device, admin_contact_reinstall, admin_contact_receipt,
    admin_contact_retry, admin_token;
/* admin_forget.c */
admin_call admin_contact_forget;
/* admin_timelock.c */
admin_call admin_phone_timelock;
/* admin_sealed.c */
admin_call admin_contact_sealed, admin_contact_bot;
/* admin_unusual.c */
admin_call admin_contact_bare, admin_contact_status, admin_phone_manner;
/* admin_forge.c */
admin_call admin_forge;
/* admin_group.c */
admin_call admin_group_list, admin_group_add, admin_group_member, admin_group_set;
/* admin_community.c */
admin_call admin_community_add, admin_community_link;
/* admin_trouble.c */
admin_call admin_trouble_get, admin_trouble_set, admin_stream;
/* admin_server.c */
admin_call admin_rate, admin_web_pages, admin_offline;
/* admin_inject.c: sends the bytes of `hex` to the client, `times` times. how: "plain" (they are
 * sealed and framed), "frame" (framed only), "bytes" (sent as they are). False: the client cannot
 * take them in that way. */
struct client;
bool admin_inject(struct client *c, const char *how, const json_t *body);
/* admin_state.c */
admin_call admin_state, admin_flags, admin_flags_delete, admin_defaults;

/* Every HTTP request that is not a WebSocket upgrade: /admin, the media hosts, WhatsApp's pages. */
void admin_http(struct mock *m, const struct http_request *q, struct http_response *r);

/* 400 with a message. */
int admin_bad(json_t **ret_out, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int admin_ok(json_t **ret_out);
/* Members of the body; dflt or "" when the member is absent. */
const char *admin_text(const json_t *body, const char *key);
int64_t admin_int(const json_t *body, const char *key, int64_t dflt);
bool admin_bool(const json_t *body, const char *key, bool dflt);
/* Puts the member `key`, a text, or `key`_hex, bytes that need not be UTF-8, into out. False when
 * neither is there, or it is too long. */
bool admin_bytes(const json_t *body, const char *key, char *out, size_t size);
/* A text of the mock that may hold any bytes, as a JSON string, with '?' for every byte that is no
 * character. */
json_t *admin_shown(const char *text);
/* The account that `key` of the body or of the query names by number or JID. NULL: no such account,
 * and *ret_out says so. */
struct mock_account *admin_account(struct mock *m, const struct http_request *q, const json_t *body,
                                   const char *key, json_t **ret_out);
/* `to` of the body as a JID: a number (its LID; with `pn` the number itself), a person's or a
 * group's JID. False: nobody has this address, and *ret_out says so (admin_contact.c). */
bool admin_target(struct mock *m, const json_t *body, struct jid *ret_to, json_t **ret_out);
/* The Message protobuf of a send call: message_hex, or text with mentions and reply. False:
 * *ret_out says why not (admin_contact.c). */
bool admin_build_message(const json_t *body, struct buf *out, json_t **ret_out);
/* The device of a device JID; of a bare JID, its phone. NULL: no such device. */
struct device *admin_device(struct mock *m, const char *text);

#endif
