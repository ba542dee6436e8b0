/* mishap.h - the open databases can be used no longer (store/backup/rescue.h): what is only open
 * any more is rescued, then this run ends and main.c begins a new one in the same process, whose
 * start checks everything and restores what is damaged. */
#ifndef BRIDGE_RECOVERY_MISHAP_H
#define BRIDGE_RECOVERY_MISHAP_H

#include "bridge/platform/timers.h"

struct bridge;

struct mishap {
    struct timer timer;
    bool begin_anew, damaged, pending; /* pending: a rescue failed and is tried again */
    /* The start of this run has checked everything because of damage, and found none. That is not
     * done again so soon: meanwhile damage is trouble like that with a full disk. */
    bool checked;
    char text[600]; /* for people */
};

void mishap_start(struct bridge *b);
void mishap_stop(struct bridge *b);
/* A backup says that a file is damaged, as text has it. Believed unless this run is a checked one:
 * then it may be the backup's own disk. */
void mishap_suspected(struct bridge *b, const char *text);
/* After each iteration of the loop; costs nothing. */
void mishap_look(struct bridge *b);

#endif
