/* empty_value.h - an option's value that is empty: mostly a script's variable that is not set. Of
 * --store it would mean the root directory. */
#ifndef TOOLS_EMPTY_VALUE_H
#define TOOLS_EMPTY_VALUE_H

#include <stdbool.h>
#include <stdio.h>

/* option: without its "--"; value: NULL if it takes none. True: told on standard error. */
static inline bool empty_value(const char *program, const char *option, const char *value)
{
    if (!value || value[0])
        return false;
    fprintf(stderr, "%s: --%s: a value is missing\n", program, option);
    return true;
}

#endif
