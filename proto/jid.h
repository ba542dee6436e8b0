/* jid.h - WhatsApp addresses (P-BN-13..22). A jid is a small value that owns its text: it is copied
 * freely. */
#ifndef PROTO_JID_H
#define PROTO_JID_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum jid_server {
    JID_NONE = 0, /* the zero jid: "no address" */
    JID_PN,       /* s.whatsapp.net: phone numbers (c.us is read as this) */
    JID_LID,      /* lid: hidden identities */
    JID_GROUP,    /* g.us */
    JID_BROADCAST,
    JID_HOSTED,     /* hosted: a PN device run by Meta for a business */
    JID_HOSTED_LID, /* hosted.lid */
    JID_NEWSLETTER,
    JID_BOT,
    JID_MSGR,
    JID_INTEROP,
    JID_CALL, /* call */
};

enum { JID_USER_MAX = 63 }; /* longest seen: old group ids, 31 characters; newsletters, 18 */
enum { JID_TEXT_MAX = JID_USER_MAX + 32 };

struct jid {
    enum jid_server server;
    uint16_t device;             /* 0: the phone, or no particular device */
    uint8_t agent;               /* raw agent, almost always 0 */
    uint16_t integrator;         /* interop only */
    char user[JID_USER_MAX + 1]; /* "" for a bare server such as s.whatsapp.net or g.us */
};

/* Parses "user[.agent][:device]@server", "server" or "@server" (P-BN-19). MALFORMED on anything
 * else. */
enum wb_err jid_parse(struct span text, struct jid *ret_jid) WB_MUST_CHECK;
enum wb_err jid_parse_cstr(const char *text, struct jid *ret_jid) WB_MUST_CHECK;
/* Makes the JID of a user (digits, or any text without '@', ':', '.', blanks and control
 * characters: INVALID) at a server. TOO_LARGE over JID_USER_MAX. */
enum wb_err jid_make(struct span user, enum jid_server server, uint16_t device,
                     struct jid *ret_jid) WB_MUST_CHECK;
struct jid jid_server_only(enum jid_server server);

/* Text form (P-BN-19), NUL-terminated; returns buf. */
const char *jid_text(const struct jid *j, char buf[static JID_TEXT_MAX]);
/* Always "user.agent:device@server": input of phash (P-BN-20). */
const char *jid_ad_text(const struct jid *j, char buf[static JID_TEXT_MAX]);
/* Signal address "user[_domain]:device" (P-SG-33). */
const char *jid_signal_address(const struct jid *j, char buf[static JID_TEXT_MAX]);
enum wb_err jid_from_signal_address(struct span text, struct jid *ret_jid) WB_MUST_CHECK;
/* The server's name ("s.whatsapp.net"); "" for JID_NONE. */
const char *jid_server_name(enum jid_server s);
/* The server of that name ("c.us" is JID_PN); JID_NONE when unknown. */
enum jid_server jid_server_parse(struct span name);

static inline bool jid_is_none(const struct jid *j)
{
    return j->server == JID_NONE;
}
bool jid_eq(const struct jid *a, const struct jid *b);        /* all parts */
bool jid_same_user(const struct jid *a, const struct jid *b); /* user and server, any device */
int jid_cmp(const struct jid *a, const struct jid *b);        /* total order for sorting */
struct jid jid_bare(struct jid j);                            /* without device and agent */
struct jid jid_with_device(struct jid j, uint16_t device);
/* hosted -> s.whatsapp.net, hosted.lid -> lid, others unchanged (P-RC-06). */
struct jid jid_unhosted(struct jid j);
/* Is it one person (PN, LID, hosted forms)? */
bool jid_is_person(const struct jid *j);
/* The AD_JID domain byte (P-BN-14); 0 for PN and everything else. */
uint8_t jid_domain(const struct jid *j);

/* Parses a phone number as people write it: optional '+', digits, spaces, dashes, dots,
 * parentheses; 7..15 digits, no leading 0 (international form). INVALID otherwise. */
enum wb_err jid_from_phone(struct span text, struct jid *ret_pn) WB_MUST_CHECK;

#endif
