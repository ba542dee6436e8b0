/* person_limits.h - how often the acks of private messages may make us ask for a person's devices:
 * such an ack has another hash of the devices than ours (P-SD-23), and a server may go on sending
 * such hashes whatever its lists say. Kept in memory: a restart costs one question. */
#ifndef BRIDGE_PEOPLE_PERSON_LIMITS_H
#define BRIDGE_PEOPLE_PERSON_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/jid.h"

struct bridge;
struct person_limits;

enum wb_err person_limits_new(struct bridge *b, struct person_limits **ret_l) WB_MUST_CHECK;
void person_limits_free(struct person_limits *l); /* NULL-safe */
/* Another account is linked, or none: forgets everybody. */
void person_limits_forget(struct person_limits *l);

/* An ack has a hash that is not ours; its message was sealed at sealed_at (server time). May this
 * person's list be dropped and asked for? Once per PERSON_REFRESH_S, and for PERSON_LIMIT_SLOTS
 * people in that time; but at once if the message was sealed after an answer that explained the
 * earlier hash, because then the hash is new. *ret_compare, when false is returned: the message was
 * sealed before the last question, and may lack devices that are known by now. person: bare, any
 * form. */
bool person_limit_ask(struct person_limits *l, const struct jid *person, int64_t sealed_at,
                      bool *ret_compare);
/* The answer has shown this device, which lacked the message and now gets it: the hash is
 * explained. */
void person_limit_explained(struct person_limits *l, const struct jid *device);

#endif
