#include "proto/content_slots.h"

#define AT(member) offsetof(struct content, member)
#define S(n, type, member)                                                                         \
    {                                                                                              \
        n, SLOT_##type, AT(member), NULL                                                           \
    }
#define NEST(n, table)                                                                             \
    {                                                                                              \
        n, SLOT_NESTED, 0, table                                                                   \
    }
#define KEY(n)                                                                                     \
    {                                                                                              \
        n, SLOT_NESTED, AT(key), content_key_slots                                                 \
    }
#define END                                                                                        \
    {                                                                                              \
        0, SLOT_SPAN, 0, NULL                                                                      \
    }
#define SLOTS(name) static const struct wire_slot name[]
#define ROW(n, kind, ctx, tab)                                                                     \
    {                                                                                              \
        n, CONTENT_##kind, ctx, tab                                                                \
    }

const struct wire_slot content_key_slots[] = {
    {1, SLOT_SPAN, offsetof(struct content_key, remote_jid), NULL},
    {2, SLOT_BOOL, offsetof(struct content_key, from_me), NULL},
    {3, SLOT_SPAN, offsetof(struct content_key, id), NULL},
    {4, SLOT_SPAN, offsetof(struct content_key, participant), NULL},
    END,
};

#define C(n, type, member)                                                                         \
    {                                                                                              \
        n, SLOT_##type, offsetof(struct content_context, member), NULL                             \
    }
const struct wire_slot content_context_slots[] = {
    C(1, SPAN, stanza_id),
    C(2, SPAN, participant),
    C(3, SPAN, quoted),
    C(4, SPAN, remote_jid),
    C(21, U32, forwarding_score),
    C(22, BOOL, forwarded),
    C(25, U32, expiration),
    C(25, SEEN, has_expiration),
    C(26, I64, ephemeral_setting_timestamp),
    C(70, BOOL, mentions_all),
    END,
};
#undef C

SLOTS(association) = {
    S(1, I32, association_type), {2, SLOT_NESTED, AT(association), content_key_slots}, END};
const struct wire_slot content_secret_slots[] = {S(3, SPAN, secret), NEST(10, association), END};
const struct wire_slot content_skdm_slots[] = {S(1, SPAN, skdm_group), S(2, SPAN, skdm), END};
const struct wire_slot content_device_sent_slots[] = {S(1, SPAN, destination), S(2, SPAN, message),
                                                      END};

/* ---- texts and files (P-MD-18..22) ---- */

SLOTS(extended_text) = {S(1, SPAN, text), S(6, SPAN, title), S(16, SPAN, media.thumbnail), END};
SLOTS(image) = {
    S(1, SPAN, media.url),
    S(2, SPAN, media.mimetype),
    S(3, SPAN, text),
    S(4, SPAN, media.file_sha256),
    S(5, U64, media.file_length),
    S(6, U32, media.height),
    S(7, U32, media.width),
    S(8, SPAN, media.media_key),
    S(9, SPAN, media.file_enc_sha256),
    S(11, SPAN, media.direct_path),
    S(12, I64, media.key_timestamp),
    S(16, SPAN, media.thumbnail),
    S(25, BOOL, view_once),
    END,
};
SLOTS(video) = {
    S(1, SPAN, media.url),
    S(2, SPAN, media.mimetype),
    S(3, SPAN, media.file_sha256),
    S(4, U64, media.file_length),
    S(5, U32, media.seconds),
    S(6, SPAN, media.media_key),
    S(7, SPAN, text),
    S(8, BOOL, media.gif),
    S(9, U32, media.height),
    S(10, U32, media.width),
    S(11, SPAN, media.file_enc_sha256),
    S(13, SPAN, media.direct_path),
    S(14, I64, media.key_timestamp),
    S(16, SPAN, media.thumbnail),
    S(20, BOOL, view_once),
    END,
};
SLOTS(audio) = {
    S(1, SPAN, media.url),
    S(2, SPAN, media.mimetype),
    S(3, SPAN, media.file_sha256),
    S(4, U64, media.file_length),
    S(5, U32, media.seconds),
    S(6, BOOL, media.ptt),
    S(7, SPAN, media.media_key),
    S(8, SPAN, media.file_enc_sha256),
    S(9, SPAN, media.direct_path),
    S(10, I64, media.key_timestamp),
    S(19, SPAN, media.waveform),
    S(21, BOOL, view_once),
    END,
};
SLOTS(document) = {
    S(1, SPAN, media.url),
    S(2, SPAN, media.mimetype),
    S(3, SPAN, media.title),
    S(4, SPAN, media.file_sha256),
    S(5, U64, media.file_length),
    S(6, U32, media.pages),
    S(7, SPAN, media.media_key),
    S(8, SPAN, media.file_name),
    S(9, SPAN, media.file_enc_sha256),
    S(10, SPAN, media.direct_path),
    S(11, I64, media.key_timestamp),
    S(16, SPAN, media.thumbnail),
    S(20, SPAN, text),
    END,
};
SLOTS(sticker) = {
    S(1, SPAN, media.url),
    S(2, SPAN, media.file_sha256),
    S(3, SPAN, media.file_enc_sha256),
    S(4, SPAN, media.media_key),
    S(5, SPAN, media.mimetype),
    S(6, U32, media.height),
    S(7, U32, media.width),
    S(8, SPAN, media.direct_path),
    S(9, U64, media.file_length),
    S(10, I64, media.key_timestamp),
    S(13, BOOL, media.animated),
    S(16, SPAN, media.thumbnail),
    S(21, BOOL, media.lottie),
    END,
};
SLOTS(sticker_pack) = {S(2, SPAN, title), S(10, SPAN, text), END};

/* ---- places, people, polls ---- */

SLOTS(location) = {S(1, DOUBLE, latitude), S(2, DOUBLE, longitude), S(3, SPAN, name),
                   S(4, SPAN, address),    S(11, SPAN, text),       END};
SLOTS(live_location) = {S(1, DOUBLE, latitude), S(2, DOUBLE, longitude), S(6, SPAN, text), END};
SLOTS(contacts) = {S(1, SPAN, title), END};
SLOTS(poll) = {S(2, SPAN, text), S(4, I64, number), END};
SLOTS(vote) = {S(1, SPAN, sealed), S(2, SPAN, sealed_iv), END};
SLOTS(poll_vote) = {KEY(1), NEST(2, vote), S(4, I64, timestamp_ms), END};
SLOTS(option) = {S(1, SPAN, text), END};
SLOTS(poll_add_option) = {KEY(1), NEST(2, option), END};
SLOTS(poll_result) = {S(1, SPAN, text), END};
/* Where an event is; the comment about its place is not the event's text. */
SLOTS(event_place) = {S(1, DOUBLE, latitude), S(2, DOUBLE, longitude), S(3, SPAN, name),
                      S(4, SPAN, address), END};
SLOTS(event) = {S(3, SPAN, title), S(4, SPAN, text), NEST(5, event_place), S(7, I64, number), END};
SLOTS(event_invite) = {S(3, SPAN, title), S(5, I64, number), S(6, SPAN, text), END};

/* ---- about other messages ---- */

SLOTS(reaction) = {KEY(1), S(2, SPAN, text), S(4, I64, timestamp_ms), END};
SLOTS(sealed) = {KEY(1), S(2, SPAN, sealed), S(3, SPAN, sealed_iv), END};
SLOTS(secret_edit) = {KEY(1), S(2, SPAN, sealed), S(3, SPAN, sealed_iv), S(4, I32, sealed_type),
                      END};
SLOTS(comment) = {KEY(2), END};
SLOTS(answer) = {KEY(1), S(2, SPAN, text), END};
SLOTS(pin_or_keep) = {KEY(1), S(2, I64, number), S(3, I64, timestamp_ms), END};
SLOTS(keyed) = {KEY(1), END};
SLOTS(protocol) = {
    KEY(1),
    S(2, I32, protocol_type),
    S(4, I64, number),
    S(5, I64, context.ephemeral_setting_timestamp),
    S(15, I64, timestamp_ms),
    END,
};

/* ---- business, calls, payments ---- */

SLOTS(invite) = {S(1, SPAN, name), S(4, SPAN, title), S(6, SPAN, text), END};
SLOTS(newsletter) = {S(1, SPAN, name), S(2, SPAN, title), S(4, SPAN, text), END};
SLOTS(list) = {S(1, SPAN, title), S(2, SPAN, text), END};
SLOTS(row_id) = {S(1, SPAN, name), END};
SLOTS(list_response) = {S(1, SPAN, text), NEST(3, row_id), END};
SLOTS(buttons) = {S(1, SPAN, title), S(6, SPAN, text), END};
SLOTS(button_reply) = {S(1, SPAN, name), S(2, SPAN, text), END};
SLOTS(just_title) = {S(1, SPAN, title), END};
SLOTS(just_text) = {S(1, SPAN, text), END};
SLOTS(interactive) = {NEST(1, just_title), NEST(2, just_text), END};
SLOTS(hydrated) = {S(2, SPAN, title), S(6, SPAN, text), END};
SLOTS(template) = {NEST(2, hydrated), NEST(4, hydrated), NEST(5, interactive), END};
SLOTS(flow_name) = {S(1, SPAN, name), END};
SLOTS(interactive_response) = {NEST(1, just_text), NEST(2, flow_name), END};
SLOTS(product_body) = {S(3, SPAN, title), S(4, SPAN, text), END};
SLOTS(product) = {NEST(1, product_body), S(5, SPAN, text), END};
SLOTS(order) = {S(1, SPAN, name), S(3, I64, number), S(6, SPAN, text), S(7, SPAN, title), END};
SLOTS(scheduled_call) = {S(1, I64, timestamp_ms), S(3, SPAN, title), END};
SLOTS(group_call) = {S(4, SPAN, text), END};
SLOTS(call_log) = {S(2, I64, number), S(3, U32, media.seconds), END};
SLOTS(payment_request) = {S(1, SPAN, title), S(2, I64, number), END};
SLOTS(nothing) = {END};

static const struct content_row rows[] = {
    ROW(MSG_CONVERSATION, TEXT, 0, NULL),
    ROW(MSG_IMAGE, IMAGE, SUB_CONTEXT, image),
    ROW(MSG_CONTACT, CONTACT, 17, nothing),
    ROW(MSG_LOCATION, LOCATION, 17, location),
    ROW(MSG_EXTENDED_TEXT, EXTENDED_TEXT, SUB_CONTEXT, extended_text),
    ROW(MSG_DOCUMENT, DOCUMENT, SUB_CONTEXT, document),
    ROW(MSG_AUDIO, AUDIO, SUB_CONTEXT, audio),
    ROW(MSG_VIDEO, VIDEO, SUB_CONTEXT, video),
    ROW(10, CALL, 7, nothing),
    ROW(MSG_PROTOCOL, PROTOCOL, 0, protocol),
    ROW(13, CONTACTS, 17, contacts),
    ROW(14, TEMPLATE, 0, nothing),
    ROW(16, PAYMENT, 0, nothing),
    ROW(18, LIVE_LOCATION, 17, live_location),
    ROW(22, PAYMENT, 0, payment_request),
    ROW(23, PAYMENT, 0, keyed),
    ROW(24, PAYMENT, 0, keyed),
    ROW(25, TEMPLATE, 3, template),
    ROW(MSG_STICKER, STICKER, SUB_CONTEXT, sticker),
    ROW(28, GROUP_INVITE, 7, invite),
    ROW(29, TEMPLATE_REPLY, 3, button_reply),
    ROW(30, PRODUCT, 17, product),
    ROW(36, LIST, 8, list),
    ROW(38, ORDER, 17, order),
    ROW(39, LIST_RESPONSE, 4, list_response),
    ROW(41, INVOICE, 0, just_text),
    ROW(42, BUTTONS, 8, buttons),
    ROW(43, BUTTONS_RESPONSE, 3, button_reply),
    ROW(44, PAYMENT, 0, nothing),
    ROW(45, INTERACTIVE, 15, interactive),
    ROW(MSG_REACTION, REACTION, 0, reaction),
    ROW(48, INTERACTIVE_RESPONSE, 15, interactive_response),
    ROW(MSG_POLL, POLL, 5, poll),
    ROW(50, POLL_VOTE, 0, poll_vote),
    ROW(51, KEEP, 0, pin_or_keep),
    ROW(54, REQUEST_PHONE_NUMBER, 1, nothing),
    ROW(56, ENC_REACTION, 0, sealed),
    ROW(60, POLL, 5, poll),
    ROW(61, CALL, 0, scheduled_call),
    ROW(63, PIN, 0, pin_or_keep),
    ROW(MSG_POLL_V3, POLL, 5, poll),
    ROW(65, CALL, 0, keyed),
    ROW(66, VIDEO_NOTE, SUB_CONTEXT, video),
    ROW(69, CALL_LOG, 0, call_log),
    ROW(70, HISTORY_NOTICE, 7, nothing),
    ROW(71, ENC_COMMENT, 0, sealed),
    ROW(72, CALL, 0, group_call),
    ROW(75, EVENT, 1, event),
    ROW(76, ENC_EVENT_RESPONSE, 0, sealed),
    ROW(77, COMMENT, 0, comment),
    ROW(78, NEWSLETTER_INVITE, 6, newsletter),
    ROW(80, PLACEHOLDER, 0, nothing),
    ROW(82, SECRET_EDIT, 0, secret_edit),
    ROW(83, ALBUM, 17, nothing),
    ROW(86, STICKER_PACK, 11, sticker_pack),
    ROW(88, POLL_RESULT, 3, poll_result),
    ROW(102, HISTORY_NOTICE, 1, nothing),
    ROW(107, COMMENT, 0, answer),
    ROW(111, POLL, 5, poll),
    ROW(113, NEWSLETTER_INVITE, 5, newsletter),
    ROW(115, POLL_RESULT, 3, poll_result),
    ROW(119, POLL, 5, poll),
    ROW(121, POLL_ADD_OPTION, 0, poll_add_option),
    ROW(122, EVENT, 1, event_invite),
    ROW(124, PAYMENT, 0, nothing),
    ROW(125, PAYMENT, 17, nothing),
    ROW(128, PAYMENT, 0, nothing),
};

const struct content_row *content_row_of(uint32_t number)
{
    size_t low = 0;
    size_t high = sizeof rows / sizeof rows[0];

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rows[middle].number == number)
            return &rows[middle];
        if (rows[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
