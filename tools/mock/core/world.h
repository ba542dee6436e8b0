/* world.h - what WhatsApp's servers know: accounts, their devices, groups.
 *
 * Every account has a PN and a LID. Device 0 is the phone, which the mock plays itself (actor.h);
 * the devices above are companions: real clients that paired, or further devices of a scripted
 * contact. */
#ifndef MOCK_CORE_WORLD_H
#define MOCK_CORE_WORLD_H

#include "base/buf.h"
#include "crypto/prim_x25519.h"
#include "crypto/prim_xeddsa.h"
#include "proto/jid.h"
#include "tools/mock/core/limits.h"
#include "tools/mock/core/map.h"
#include "tools/mock/core/webauthn.h"

struct mock;
struct client;
struct actor;
struct mock_account;
struct node;

/* What a room above keeps for a device or an account. The world frees it with the function that its
 * owner has put beside it. */
struct part {
    void *value; /* NULL: nothing is kept */
    void (*free)(void *value);
};

/* A stanza that a device has not acknowledged yet. */
struct queued {
    struct queued *next;
    char id[MOCK_ID_MAX];
    char cls[16]; /* message, receipt, notification, call */
    char type[24];
    struct jid from;
    bool sent;      /* it was sent on the current connection */
    bool own_copy;  /* another device of the same account wrote it: only a receipt ends it (P-X2-08)
                     */
    bool acked;     /* an own copy: an ack came for it on the current connection, and it stays */
    unsigned nacks; /* an own copy: how many acks came so far */
    size_t n;
    uint8_t packed[]; /* flag byte and node: the same bytes on every delivery */
};

struct prekey {
    uint32_t id;
    uint8_t pub[X25519_KEY_BYTES];
};

struct device {
    struct mock_account *account;
    uint16_t number; /* 0: the phone */
    uint8_t noise[X25519_KEY_BYTES];
    uint8_t identity[X25519_KEY_BYTES];
    uint32_t registration_id;
    uint32_t skey_id;
    uint8_t skey[X25519_KEY_BYTES];
    uint8_t skey_sig[XEDDSA_SIG_BYTES];
    struct {
        uint32_t id;
        uint8_t pub[X25519_KEY_BYTES];
        uint8_t sig[XEDDSA_SIG_BYTES];
    } skey_before; /* the signed prekey before the last rotation; id 0: none */
    uint32_t key_index;
    struct prekey *prekeys; /* not yet handed out, oldest first */
    size_t nprekeys;
    struct map prekeys_seen;   /* "id" -> non-NULL: was uploaded once */
    struct buf adv;            /* ADVSignedDeviceIdentity with all four fields; empty for phones */
    bool available;            /* last presence */
    char announced[64];        /* the name in the device's last presence that had one */
    uint64_t announced_s;      /* when that was */
    uint64_t announced_client; /* and on which connection */
    bool announced_again;  /* this connection sent the name that an earlier one had sent less than a
                           day  before */
    struct map subscribed; /* LID user -> its JID in the form in which it asked for the presence */
    struct part chatstates; /* 'is typing' that came while it was away (route/chatstate.c) */
    bool greeted;           /* the phone has sent it keys and history (people/phone.c) */
    bool low_told;          /* 'few prekeys left' was sent since the last upload */
    bool withheld;          /* a script keeps its one-time prekeys back: bundles come without one */
    bool unannounced;       /* nobody was told of it, and nobody has asked for the list since */
    struct client *client;  /* logged in on it, or NULL */
    struct actor *actor;    /* of a device that the mock plays (people/actor.h); or NULL */
    uint64_t to_mark;       /* the last stanza that addressed this device (route/message.c) */
    const struct node *to; /* ... and its <to> in that stanza: not to be used with another number */
    struct queued *first, *last;
    size_t nqueued;
    uint64_t recent[MOCK_RECENT_ACKS]; /* hashes of ids already acknowledged */
    size_t recent_at;
};

/* A privacy token that an account gave to `peer` (P-SD-27..31: whoever has one may write to the
 * giver first). */
struct token {
    struct token *next;
    struct mock_account *peer;
    uint8_t bytes[16];
    uint64_t t;
};

/* The only passkey of an account, and how the account demands it at linking (link/passkey.c). */
struct account_passkey {
    bool demanded;
    bool omit_options; /* the request comes without its options */
    bool silent;       /* the phone never continues */
    int64_t timeout_ms;
    uint8_t id[WEBAUTHN_ID_MAX];
    size_t nid; /* 0: none was registered */
    uint8_t key[P256_POINT_BYTES];
};

struct login_script {
    int reason; /* 0: none */
    uint32_t code, expire;
    unsigned times; /* how many logins fail; UINT32_MAX: all */
};

/* What the push name asks for with --phone-per-name (service/names.c); all zero for accounts
 * without such a name. */
struct traits {
    bool by_name;
    bool restricted; /* strangers need a privacy token for anything (P-SD-27) */
    bool no_tctoken; /* ... and a privacy token that this account gave out itself does not count */
    bool no_cstoken; /* ... and a token made of the salt does not count */
    bool sends_cstoken; /* its clients are told to make such tokens */
    bool salted;        /* its history carries the salt */
    bool salt_in_state; /* its app state does */
};

enum { PAST_PARTS_MAX = 200 };
/* What the phone hands over when it links a companion (people/phone_past.c). */
struct phone_past {
    char business[64]; /* the account's business name, in pair-success; "": none */
    bool nameless;     /* our own push name is not among those handed over */
    bool salt;         /* the NCT salt is handed over */
    bool files;        /* parts come as files, not inline */
    bool by_number;    /* chats are named by phone number */
    bool lost; /* the first part's file is missing on the host until the phone is asked for it */
    struct {
        uint8_t key[32];
        unsigned part;
    } laid[8]; /* the last files */
    size_t nlaid;
    bool asked[PAST_PARTS_MAX]; /* parts that a client has found missing */
    bool broken;                /* the first part is cut off in the middle */
    unsigned chats, messages;   /* made-up chats, and messages in each of them */
    unsigned parts;             /* 0: only names are handed over */
};

/* Whether the account may write to people who do not know it (devices/timelock.h). */
struct account_lock {
    bool active;
    bool told;          /* a notification told its clients */
    int64_t ends_s;     /* unix seconds; 0: no end is named */
    int64_t refused_ms; /* last refusal of a message for this (monotonic clock); 0: never */
    char type[48];
};

struct mock_account {
    struct jid pn, lid;
    char name[MOCK_NAME_MAX];
    bool contact;                /* a scripted person; false: an account that links clients */
    bool gone;                   /* the account was deleted */
    bool unmigrated;             /* its private chats still go by phone number, not by LID */
    bool props_silent;           /* pair-success does not say whether its chats go by LID */
    bool no_lid;                 /* usync names no LID of this person */
    char also[JID_USER_MAX + 1]; /* another number under which it is found as well; "": none */
    struct x25519_pair identity; /* of the phone; signs the companions */
    uint32_t adv_raw_id;
    uint32_t next_key_index;
    uint64_t devices_t; /* when its device list changed last */
    struct device *devices[MOCK_DEVICES_MAX];
    size_t ndevices;
    struct device *unlisted[MOCK_UNLISTED_MAX]; /* have keys and can write; no list names them */
    size_t nunlisted;
    uint16_t next_number;
    struct token *tokens; /* given out by this account */
    struct map blocked;   /* LID text -> non-NULL */
    struct map met;       /* LID texts of people who wrote or were written to -> non-NULL */
    struct account_lock lock;
    struct map appstate;    /* collection -> struct kept_collection (service/appstate.c) */
    struct map phone_state; /* collection -> struct view (people/phone_state.c) */
    unsigned state_epoch;   /* of the phone's newest app state key */
    bool state_snapshots;   /* its companions get snapshots: the phone has written by itself */
    struct login_script login;
    struct account_passkey passkey;
    struct traits traits;
    char about[MOCK_ABOUT_MAX];
    uint64_t picture_id;   /* 0: it shows none */
    char picture_hash[64]; /* of the picture, a file of service/media.c */
    enum { PHONE_HISTORY_INLINE, PHONE_HISTORY_FILE, PHONE_HISTORY_SILENT } history; /* answers */
    struct phone_past past;
    bool resends;        /* the phone hands on what its clients could not read (phone_resend.c) */
    bool told_by_server; /* its clients hear of its devices from s.whatsapp.net */
    struct part records; /* what the person received (records.c) */
    struct part held;    /* what the person wrote and the server keeps back (route/held.c) */
    bool unheard;        /* devices were added to it without telling anybody (devices/unheard.c) */
    struct map heard;    /* device JIDs of the clients that have asked for its devices since */
    /* scripts of a played account */
    bool echo;             /* answers texts of clients */
    bool silent;           /* sends no delivery receipts */
    bool no_prekeys;       /* has run out of one-time prekeys */
    bool ignore_retries;   /* does not answer requests to send again */
    bool unruly;           /* writes in groups that the person is not in */
    bool refuse_with_keys; /* its requests carry a key bundle from the first one on */
    unsigned refuse;       /* it does not read the next so many stanzas, but asks for them again */
    unsigned corrupt;      /* the next so many messages leave with a wrong MAC or signature */
};

struct member {
    struct mock_account *account;
    uint8_t rank; /* 0 member, 1 admin, 2 superadmin */
};

/* One sender key of one device, as the stanzas of that device show it. */
struct group_key {
    uint32_t id;
    struct map holders; /* device address -> non-NULL */
    bool stale;         /* a member left since its last message: it must not be used any more */
};

struct group {
    struct jid jid;
    char subject[128];
    bool lid; /* addressing mode */
    bool announcement, locked;
    bool approval;  /* new members must be let in by an admin */
    bool community; /* the parent of a community: accepts messages but shows them to nobody */
    bool default_sub_group; /* its announcement group */
    bool general_chat;      /* its group for everybody */
    struct group *parent;   /* the community that it is linked to, or NULL */
    struct jid creator;
    uint64_t created_s, subject_s;
    uint64_t version; /* of the participant list */
    char topic[512];
    char topic_id[MOCK_ID_MAX];
    uint32_t ephemeral;
    struct member *members;
    size_t nmembers;
    struct map keys;       /* sender device address -> struct group_key */
    struct map mismatches; /* sender device JID -> which hash it was told (devices/unheard.c) */
    struct map resends;    /* sender device JID -> how much it sent again (devices/resends.c) */
    bool readdressed;      /* its addressing mode has changed since it was made */
    struct map refused;    /* "device|id" of messages in the wrong form (devices/addressing.c) */
};

/* What the server asks of the devices that it plays itself. The people room gives the functions
 * (people/people.h). The rooms below it recognize a played device by world_is_played(). */
struct player {
    /* Starts to play the device. identity NULL: a fresh one is made (of a companion, signed by its
     * account). False: no memory. */
    bool (*attach)(struct mock *m, struct device *d, const struct x25519_pair *identity);
    void (*detach)(struct device *d);
    /* Gives the device a stanza: message, receipt or notification. */
    void (*receive)(struct mock *m, struct device *d, const struct node *n);
    /* Makes a fresh one-time prekey. False when the script says that the account has run out of
     * them. */
    bool (*next_prekey)(struct mock *m, struct device *d, struct prekey *ret_k);
    /* The phone sends a companion what it needs, when the companion is active for the first time.
     */
    void (*greet)(struct mock *m, struct device *companion);
    /* A companion could not find a file that its phone named. False: the phone knows no such
     * file. */
    bool (*file_missing)(struct mock *m, struct device *companion, const char *label,
                         const struct node *receipt);
    /* The phone's side of app state (people/phone_state.h). */
    void (*state_read)(struct mock *m, struct mock_account *a, const struct device *by,
                       const char *name, uint64_t version, struct span patch);
    bool (*state_snapshot)(struct mock *m, struct mock_account *a, const char *name,
                           uint64_t version, struct buf *out);
    bool (*state_write)(struct mock *m, struct mock_account *a, const char *name, const char *index,
                        struct span value);
};

struct world {
    const struct player *player;
    struct map by_pn, by_lid; /* user digits -> struct mock_account */
    struct mock_account **accounts;
    size_t naccounts;
    struct map groups; /* group user part -> struct group */
    struct group **group_list;
    size_t ngroups;
    uint64_t next_lid, next_group;
};

void world_free(struct world *w);

/* The account of a PN or LID (of any device), NULL when there is none or it is gone. */
struct mock_account *world_account(const struct world *w, const struct jid *user);
struct mock_account *world_account_phone(const struct world *w, const char *digits);
/* Makes an account with a phone that the mock plays. NULL: bad number, number taken or no
 * memory. */
struct mock_account *world_add_account(struct mock *m, const char *digits, const char *name,
                                       bool contact);

/* Adds a device under the account's next free number, played by nobody yet. */
struct device *world_add_device(struct mock *m, struct mock_account *a);
/* Takes the device off all device lists. False: the account has no room for more such devices. */
bool world_unlist_device(struct mock *m, struct device *d);
/* Frees the device; the caller has closed its connection before. */
void world_remove_device(struct mock *m, struct device *d);
struct device *world_device(const struct mock_account *a, uint16_t number);
/* Whether the mock itself plays the device. */
bool world_is_played(const struct device *d);
/* The device of a device JID (PN or LID form), NULL when there is none. */
struct device *world_device_jid(const struct world *w, const struct jid *j);

/* The JID of a device or user, in the LID or the PN form. */
struct jid device_jid(const struct device *d, bool lid);
struct jid account_jid(const struct mock_account *a, bool lid);
bool world_is_lid(const struct jid *j);

struct group *world_group(const struct world *w, const struct jid *j);
struct group *world_add_group(struct mock *m, const char *subject, bool lid);
struct member *world_find_member(const struct group *g, const struct mock_account *a);
bool world_add_member(struct group *g, struct mock_account *a, uint8_t rank);
bool world_remove_member(struct group *g, const struct mock_account *a);

/* The participant hash of P-SD-22 over n device JIDs (sorted in place). */
enum { PHASH_CHARS = 10 };
void world_phash(struct jid *devices, size_t n, char ret_text[static PHASH_CHARS + 1]);

#endif
