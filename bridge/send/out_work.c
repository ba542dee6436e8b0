#include "bridge/send/out_work.h"

#include <stdlib.h>

void out_work_free(struct out_work *w)
{
    if (!w)
        return;
    buf_free(&w->plain);
    arena_free(&w->arena);
    free(w);
}
