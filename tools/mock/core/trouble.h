/* trouble.h - what the mock does wrong on a test's order (POST /admin/trouble). */
#ifndef MOCK_CORE_TROUBLE_H
#define MOCK_CORE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

enum cert_trouble {
    CERT_GOOD,
    CERT_BAD_ROOT_SIGNATURE,
    CERT_BAD_LEAF_SIGNATURE,
    CERT_KEY_MISMATCH,
    CERT_EXPIRED,
    CERT_NOT_YET,
    CERT_WRONG_SERIAL,
    CERT_GARBAGE,
};

/* What is wrong with the statements (<device-identity>) of scripted people's linked devices. */
enum adv_trouble {
    ADV_TROUBLE_NONE,
    ADV_TROUBLE_MISSING,
    ADV_TROUBLE_GARBAGE,
    ADV_TROUBLE_OTHER_ACCOUNT,
    ADV_TROUBLE_ACCOUNT_SIGNATURE,
    ADV_TROUBLE_DEVICE_SIGNATURE,
};

struct trouble {
    enum adv_trouble adv;
    unsigned bad_key_lists;      /* the next so many <key-index-list>s are signed wrongly */
    unsigned foreign_phone_keys; /* the next so many bundles of phones carry somebody else's keys */
    enum cert_trouble cert;
    uint32_t min_version;     /* least third part of the client's version; below it: failure 405 */
    uint32_t client_revision; /* revision that / and /sw.js name; 0: these pages are missing */
    unsigned pair_bad_hmac;   /* the next so many pairing phones have seen another QR */
    unsigned pair_bad_signature; /* ... have signed for another client */
    int upgrade_status;          /* != 0: HTTP status at the WebSocket upgrade */
    int64_t upgrade_until_ms;    /* mono clock; 0: until changed */
    bool ignore_pings;
    bool ignore_iqs;            /* no answer to any iq */
    unsigned drop_frames;       /* the next so many outgoing frames are lost after encryption */
    unsigned truncate_frames;   /* the next so many outgoing frames lose their last byte */
    unsigned duplicate_stanzas; /* the next so many delivered stanzas go out twice */
    unsigned reorder_stanzas; /* the next so many delivered stanzas swap places with the next one */
    int64_t delay_ms;         /* every outgoing frame is delayed by this */
    unsigned fragment_bytes;  /* frames leave in WebSocket fragments of this size; 0: whole */
    unsigned chop_bytes;      /* frames leave cut over several WebSocket messages; 0: whole */
    /* troubles of acks for messages, counted down */
    unsigned ack_error_times;
    int ack_error;
    unsigned ack_drop;  /* message delivered, no ack */
    unsigned ack_delay; /* how many acks are late */
    int64_t ack_delay_ms;
    unsigned ack_phash;   /* how many acks carry a wrong participant hash */
    unsigned refuse_drop; /* messages swallowed: neither delivered nor acked */
};

#endif
