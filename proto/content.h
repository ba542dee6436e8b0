/* content.h - what a decrypted message says: the `Message` protobuf, unwrapped and made plain. One
 * call gives the kind, the text or caption, the media's place and keys, the message that it answers
 * and the people that it mentions, and what else it carries (sender key, secret, news for our own
 * devices). */
#ifndef PROTO_CONTENT_H
#define PROTO_CONTENT_H

#include "base/arena.h"
#include "base/buf.h"

/* X(name, word): the word is for logs and JSON, and never changes. */
#define CONTENT_KIND_LIST(X)                                                                       \
    X(NONE, "none")       /* nothing to show: only keys or context */                              \
    X(UNKNOWN, "unknown") /* content of a kind we do not know: see unknown_fields */               \
    X(TEXT, "text")                                                                                \
    X(EXTENDED_TEXT, "extended_text")                                                              \
    X(IMAGE, "image")                                                                              \
    X(VIDEO, "video")                                                                              \
    X(VIDEO_NOTE, "video_note")                                                                    \
    X(AUDIO, "audio") /* media.ptt: a voice note */                                                \
    X(DOCUMENT, "document")                                                                        \
    X(STICKER, "sticker")                                                                          \
    X(STICKER_PACK, "sticker_pack")                                                                \
    X(CONTACT, "contact")                                                                          \
    X(CONTACTS, "contacts")                                                                        \
    X(LOCATION, "location")                                                                        \
    X(LIVE_LOCATION, "live_location")                                                              \
    X(POLL, "poll")                                                                                \
    X(POLL_VOTE, "poll_vote")             /* key, sealed; opened: options */                       \
    X(POLL_ADD_OPTION, "poll_add_option") /* key; text: the new option */                          \
    X(POLL_RESULT, "poll_result")                                                                  \
    X(REACTION, "reaction")         /* key; text "" takes it back */                               \
    X(ENC_REACTION, "enc_reaction") /* key, sealed */                                              \
    X(COMMENT, "comment")           /* key; inner */                                               \
    X(ENC_COMMENT, "enc_comment")                                                                  \
    X(REVOKE, "revoke")                       /* key */                                            \
    X(EDIT, "edit")                           /* key; inner; timestamp_ms */                       \
    X(SECRET_EDIT, "secret_edit")             /* secretEncryptedMessage: key, sealed */            \
    X(EPHEMERAL_SETTING, "ephemeral_setting") /* seconds in number */                              \
    X(PROTOCOL, "protocol")                   /* else: protocol_type, protocol_payload */          \
    X(GROUP_INVITE, "group_invite")                                                                \
    X(LIST, "list")                                                                                \
    X(LIST_RESPONSE, "list_response")                                                              \
    X(BUTTONS, "buttons")                                                                          \
    X(BUTTONS_RESPONSE, "buttons_response")                                                        \
    X(TEMPLATE, "template")                                                                        \
    X(TEMPLATE_REPLY, "template_reply")                                                            \
    X(INTERACTIVE, "interactive")                                                                  \
    X(INTERACTIVE_RESPONSE, "interactive_response")                                                \
    X(PRODUCT, "product")                                                                          \
    X(ORDER, "order")                                                                              \
    X(ALBUM, "album")                                                                              \
    X(EVENT, "event")                                                                              \
    X(ENC_EVENT_RESPONSE, "enc_event_response") /* key, sealed */                                  \
    X(EVENT_RESPONSE, "event_response")         /* key; text */                                    \
    X(PIN, "pin")                               /* number: 1 pin, 2 unpin */                       \
    X(KEEP, "keep")                             /* number: 1 keep, 2 undo */                       \
    X(CALL, "call")                                                                                \
    X(CALL_LOG, "call_log")                                                                        \
    X(PAYMENT, "payment")                                                                          \
    X(INVOICE, "invoice")                                                                          \
    X(REQUEST_PHONE_NUMBER, "request_phone_number")                                                \
    X(NEWSLETTER_INVITE, "newsletter_invite")                                                      \
    X(HISTORY_NOTICE, "history_notice")                                                            \
    X(PLACEHOLDER, "placeholder") /* the phone may show content that we may not */

enum content_kind {
#define X(name, word) CONTENT_##name,
    CONTENT_KIND_LIST(X)
#undef X
        CONTENT_KIND_COUNT
};
const char *content_kind_word(enum content_kind k);

/* MessageKey (P-SD-45). id is null when there is no key. */
struct content_key {
    struct span remote_jid, id, participant;
    bool from_me;
};

/* A file (P-MD-18..22); a part that its kind does not have is null or 0. */
struct content_media {
    bool present;
    struct span mimetype, file_name, title, url, direct_path;
    struct span media_key, file_sha256, file_enc_sha256;
    uint64_t file_length;
    int64_t key_timestamp; /* unix seconds */
    uint32_t seconds, width, height, pages;
    bool ptt, gif, animated, lottie;
    struct span thumbnail, waveform;
};

/* ContextInfo (P-SD-39..43). */
struct content_context {
    bool present;
    struct span stanza_id, participant, remote_jid; /* the message that this one answers */
    struct span quoted;                             /* the quoted Message, encoded */
    const struct span *mentioned;                   /* JID texts */
    size_t nmentioned;
    bool mentions_all; /* nonJIDMentions */
    bool forwarded;
    uint32_t forwarding_score;
    bool has_expiration;
    uint32_t expiration; /* seconds; 0 off */
    int64_t ephemeral_setting_timestamp;
};

struct content_contact {
    struct span name, vcard;
};

/* SecretEncryptedMessage.secretEncType. */
enum content_sealed_type {
    SEALED_EVENT_EDIT = 1,
    SEALED_MESSAGE_EDIT = 2,
    SEALED_MESSAGE_SCHEDULE = 3,
    SEALED_POLL_EDIT = 4,
    SEALED_POLL_ADD_OPTION = 5,
};

/* Texts are as the peer wrote them, perhaps not UTF-8: see content_clean_text(). */
struct content {
    enum content_kind kind;
    bool ephemeral, view_once, edited; /* wrappers around the content */
    bool carries;      /* brings something for devices, such as keys; if the kind is NONE, there is
                        * nothing to show */
    struct span text;  /* text, caption, question, reaction, body ... */
    struct span title; /* of a link preview, list, event, invite, product ... */
    struct content_media media;
    struct content_context context;
    struct content_key key; /* the message that this one refers to */
    int64_t timestamp_ms;   /* of an edit, reaction, vote */
    int64_t number;         /* see the kinds */
    double latitude, longitude;
    struct span name, address;  /* of a place */
    const struct span *options; /* poll options, list rows, buttons */
    size_t noptions;
    const struct content_contact *contacts;
    size_t ncontacts;
    struct span sealed, sealed_iv;  /* opened with the message secret (P-RC-52) */
    int32_t sealed_type;            /* SECRET_EDIT: enum content_sealed_type */
    const char *unopened;           /* why `sealed` could not be opened: a static text, for the
                                     * reader */
    const struct content *inner;    /* EDIT: the new content; COMMENT: the comment */
    int32_t protocol_type;          /* ProtocolMessage.type; -1 when there is none */
    struct span protocol_payload;   /* the sub-message of that type: see peer_wire.h */
    struct span secret;             /* messageContextInfo.messageSecret */
    int32_t association_type;       /* 1: part of an album; 0 none */
    struct content_key association; /* the album */
    struct span skdm_group, skdm;   /* SenderKeyDistributionMessage with version byte */
    bool device_sent;               /* sent by one of our own devices (P-RC-17) */
    struct span destination;        /* device_sent: the chat's JID */
    const uint32_t *unknown_fields; /* numbers of content fields that we do not know */
    size_t nunknown;
    struct span message; /* the innermost encoded Message */
};

/* Decodes an unpadded plaintext; everything borrows from the plaintext or from a. MALFORMED when it
 * is no protobuf or a part that we read is broken, TOO_LARGE over MESSAGE_PLAINTEXT_MAX or a's
 * maximum (CONTENT_ARENA_MAX is enough for any real message), TOO_DEEP over the nesting limits.
 * Fields and kinds that we do not know are never an error. */
enum wb_err content_decode(struct span plain, struct arena *a, struct content *ret) WB_MUST_CHECK;

/* Is the kind of c one that is sealed with the secret of the message it refers to? */
bool content_is_sealed(const struct content *c);
/* Decodes what was inside the sealed content c: plain is its plaintext, *ret what it says. An edit
 * of a message, event or poll becomes an EDIT, a reaction a REACTION, a comment a COMMENT, an
 * answer to an event an EVENT_RESPONSE, a new option a POLL_ADD_OPTION, all with the key of c. The
 * options of a POLL_VOTE are SHA-256 hashes of the options' names. Everything borrows from c, plain
 * and a; errors as of content_decode(), and MALFORMED when the content does not fit its kind. */
enum wb_err content_open(const struct content *c, struct span plain, struct arena *a,
                         struct content *ret) WB_MUST_CHECK;

#endif
