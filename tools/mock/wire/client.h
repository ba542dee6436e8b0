/* client.h - one client's connection: bytes, frames, Noise, stanzas in and out. This room knows
 * nothing of what the stanzas mean, nor of the sockets: both come as functions. */
#ifndef MOCK_WIRE_CLIENT_H
#define MOCK_WIRE_CLIENT_H

#include "crypto/noise.h"
#include "proto/frame.h"
#include "tools/mock/core/mock.h"

enum client_state {
    CLIENT_INTRO,       /* waiting for 'W' 'A' 6 3, perhaps with edge routing before it */
    CLIENT_HELLO,       /* waiting for ClientHello */
    CLIENT_FINISH,      /* waiting for ClientFinish */
    CLIENT_REGISTERING, /* a new device: QR refs shown, waiting for a phone */
    CLIENT_LOGGED_IN,
    CLIENT_CLOSED,
};

/* One WebSocket message on its way out. */
struct out_msg {
    struct out_msg *next;
    bool more;  /* a fragment that others follow */
    bool start; /* first fragment */
    size_t n;
    uint8_t bytes[];
};

/* What a device said about itself when it registered (P-HS-21). */
struct registration {
    uint32_t registration_id;
    uint8_t identity[X25519_KEY_BYTES];
    uint32_t skey_id;
    uint8_t skey[X25519_KEY_BYTES];
    uint8_t skey_sig[XEDDSA_SIG_BYTES];
    uint64_t platform;        /* DeviceProps.platformType */
    char name[MOCK_NAME_MAX]; /* push name, "" when it told none */
};

struct passkey_link;

enum { CLIENT_REFS = 6 };

struct client;

/* What a connection does for the rooms above: the opener of the connection gives the functions. */
struct client_ops {
    /* The handshake has ended; the payload (ClientPayload, P-HS-14..21) came with its last
     * message. */
    void (*payload)(struct client *c, struct span payload);
    /* A stanza of a client that is logged in or registers. */
    void (*stanza)(struct client *c, const struct node *n);
    /* The connection ends. */
    void (*gone)(struct client *c);
};

struct client {
    struct mock *m;
    const struct client_ops *ops;
    struct client *next;
    uint64_t number;
    void *socket; /* NULL once gone */
    enum client_state state;
    char label[JID_TEXT_MAX]; /* in traces and flags: the device JID, or new-<n> */
    struct buf intro;
    struct frame_reader reader;
    struct noise_handshake hs;
    struct noise_transport tr;
    bool tr_ready;
    struct out_msg *out, *out_last;
    bool ending; /* its last stanza was sent; the client has a moment to close by itself */
    /* The last delayed frame leaves at this time; until then later frames queue behind it. */
    int64_t late_until_ms;
    size_t nlate;
    bool close_when_sent;
    unsigned close_code; /* code of the WebSocket close; 0: 1000 */
    uint8_t noise_pub[X25519_KEY_BYTES];
    /* for a client that registers */
    struct registration reg;
    char refs[CLIENT_REFS][128];
    struct device *pairing; /* made by the phone, waiting for pair-device-sign */
    char offer_iq[48];      /* of <pair-device>: its answer may come after the phone has scanned */
    char pair_iq[48];
    struct passkey_link *passkey; /* the account demands one (passkey.c); NULL: no */
    /* for a client that is logged in */
    struct device *device;
    bool offline_waits; /* its queue was announced and waits until the client asks (offline.c) */
    size_t offline_sent;
    bool active; /* after <active/>: the queue flows */
    uint32_t version;
    char ping_id[48];
    uint64_t rate_count;
    int64_t rate_since_ms;
    bool rate_told;
};

struct client *client_new(struct mock *m, void *socket, const struct client_ops *ops);
/* Takes the bytes of a binary WebSocket message, cut anywhere. May mark the connection for
 * closing. */
void client_receive(struct client *c, struct span bytes);
/* The socket is gone: frees c. */
void client_gone(struct client *c);

/* Sends a stanza; does nothing before the handshake has ended. */
void client_send(struct client *c, const struct node *n);
/* Sends one frame: a handshake message, or ciphertext. */
void client_send_frame(struct client *c, struct span payload);
/* Sends one WebSocket message as it is, without a frame around it. */
void client_send_bytes(struct client *c, struct span bytes);
/* Sends a flag byte and a packed node as they are. */
void client_send_packed(struct client *c, struct span packed);
/* Closes once everything queued has been sent. */
void client_close(struct client *c);
/* Like client_close(), but gives the client time to read the last stanza and to close by itself. */
void client_end(struct client *c);
/* Closes now, dropping what is queued. */
void client_abort(struct client *c);
/* Sends <stream:error code> [<conflict type>], then closes. */
void client_stream_error(struct client *c, const char *code, const char *conflict);

/* Takes the next WebSocket message to write; NULL when there is none. The caller frees it. */
struct out_msg *client_next_out(struct client *c);

#endif
