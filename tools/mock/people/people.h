/* people.h - whom the mock plays itself: the phone of every account, and the scripted contacts with
 * all their devices. They write, read and answer through the server's rooms, as real clients do.
 * This room knows nothing of /admin, and nothing of the sockets. */
#ifndef MOCK_PEOPLE_PEOPLE_H
#define MOCK_PEOPLE_PEOPLE_H

#include "tools/mock/core/world.h"

/* The functions that the rooms below call (struct player). */
extern const struct player people_player;

#endif
