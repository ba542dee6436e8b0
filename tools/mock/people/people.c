#include "tools/mock/people/people.h"

#include "tools/mock/people/actor.h"
#include "tools/mock/people/phone.h"
#include "tools/mock/people/phone_past.h"
#include "tools/mock/people/phone_state.h"

const struct player people_player = {
    .attach = actor_attach,
    .detach = actor_detach,
    .receive = actor_receive,
    .next_prekey = actor_next_prekey,
    .greet = phone_greet,
    .file_missing = phone_past_file_missing,
    .state_read = phone_state_read,
    .state_snapshot = phone_state_snapshot,
    .state_write = phone_state_write,
};
