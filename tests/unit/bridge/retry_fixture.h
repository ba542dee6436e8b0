/* retry_fixture.h - retry receipts, and how the bridge reacts to them. */
#ifndef TESTS_RETRY_FIXTURE_H
#define TESTS_RETRY_FIXTURE_H

#include "tests/unit/bridge/send_fixture.h"

#include "base/reader.h"
#include "bridge/send/out_retry.h"

struct asked {
    const char *from, *participant, *recipient, *id;
    unsigned count;
    struct peer *with_keys; /* the receipt brings this device's key bundle */
};

/* Gives the bridge the request and runs all its effects, up to the commit. */
enum wb_err ask_again(const struct asked *q);

/* The waiting stanza with this tag; NULL when there is none. */
const struct node *queued(const char *tag);

/* The device has lost its session. */
void forget(struct peer *p);

/* The listed device with this address. */
struct peer *peer_named(const char *device);

/* Sends a text and acks it; returns the message's id. */
const char *sent_to(const char *recipient, const char *text);

#endif
