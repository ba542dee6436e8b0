/* usync.h - asking the server about people: their devices, their other identity, whether a number
 * is on WhatsApp (P-US-01..09). Builds the question and reads the answer; the caller keeps the
 * state. */
#ifndef BRIDGE_PEOPLE_USYNC_H
#define BRIDGE_PEOPLE_USYNC_H

#include "proto/node.h"
#include "store/session/devices.h"

struct bridge;
struct iq_reply;

enum usync_kind {
    USYNC_DEVICES, /* mode query, context message: device lists (P-US-02) */
    USYNC_INFO,    /* mode full, context background: devices and the LID (P-US-03) */
    /* mode query, context interactive: is the number registered, and which account is it (P-US-04,
     * P-X2-22) */
    USYNC_CONTACT,
};

enum usync_contact {
    USYNC_CONTACT_UNKNOWN, /* the answer does not say */
    USYNC_CONTACT_IN,
    USYNC_CONTACT_OUT,
    USYNC_CONTACT_FAILED, /* an <error> in the place of the answer */
};

/* One <user> of an answer. */
struct usync_user {
    struct jid jid; /* bare; in the form that was asked, but for USYNC_CONTACT */
    struct jid lid; /* lid and pn: other forms in the answer; JID_NONE: none */
    struct jid pn;
    enum usync_contact contact;
    struct span contact_text; /* the number as it was asked ("+2782..."), SPAN_NULL: none */
    bool has_devices;         /* false: nothing was said of devices, keep what is known (P-US-05) */
    struct store_device_list devices; /* hosted ones are marked, unlisted ones removed (P-US-07) */
    bool failed;          /* an <error> instead of what was asked about this person, for now */
    struct span key_list; /* content of <key-index-list>, SPAN_NULL: none */
};

/* The question about n users (1..USYNC_USERS_MAX, any device, PN or LID; PN for USYNC_CONTACT),
 * ready for iq_send(). NULL on no memory, which iq_send() reports. sid must be unique on this
 * connection. tokens: NULL, or a privacy token per user for USYNC_INFO (SPAN_NULL: none). */
struct node *usync_new(struct arena *a, enum usync_kind kind, const char *sid,
                       const struct jid *users, const struct span *tokens, size_t n);

/* The users of an <iq type=result>; odd entries are left out and counted. A result may hold errors,
 * too: <error code= backoff=/> in a protocol of <result>, which is about everybody, or of a <user>
 * (P-X2-05). Only errors of the protocols that the question needs count: */
struct usync_answer {
    struct usync_user *users;
    size_t n, odd;
    /* WB_OK, or the worst: RATE_LIMITED: a 429, or 500 and above with a `backoff`. TIMEOUT: 500 and
     * above. REFUSED: another code about everybody. Answers about other people still hold. */
    enum wb_err err;
    bool pauses; /* one of the errors is a 429 or has a `backoff` */
    uint64_t backoff_s;
};
/* In the arena. PROTOCOL: no list in it and no error either; TOO_LARGE: over
 * USYNC_ANSWER_USERS_MAX. */
enum wb_err usync_parse(const struct node *iq, enum usync_kind kind, struct arena *a,
                        struct usync_answer *ret) WB_MUST_CHECK;
/* usync_parse() of a reply; a pause that the reply asks for begins. */
enum wb_err usync_read(struct bridge *b, enum usync_kind kind, const struct iq_reply *reply,
                       struct usync_answer *ret) WB_MUST_CHECK;

/* Why a question about people failed: reply->err, but TIMEOUT where the server says that it is in
 * trouble itself (500 and above): such an error says nothing about a person, and passes. */
enum wb_err usync_failure(const struct iq_reply *reply);

/* <device-list>, and next to it <key-index-list>, as in <devices> of usync (P-US-02, 06, 07).
 * NOT_FOUND without a list; TOO_LARGE over STORE_DEVICES_MAX. checked_at is left 0. */
enum wb_err usync_parse_devices(const struct node *devices, struct arena *a,
                                struct store_device_list *ret_list) WB_MUST_CHECK;

/* The device JID of one entry of a user's list: hosted ones at hosted / hosted.lid. */
struct jid usync_device_jid(const struct jid *user, const struct store_device *d);

#endif
