/* session.h - what a client's payload and stanzas mean: the first level of dispatch. */
#ifndef MOCK_SESSION_H
#define MOCK_SESSION_H

#include "tools/mock/wire/client.h"

extern const struct client_ops session_ops;

#endif
