/* The outcomes of commands as words and HTTP statuses. */
#include "bridge/core/command.h"

const char *cmd_result_code(enum cmd_result r)
{
    static const char *const codes[] = {
#define X(name, code, status) [CMD_##name] = code,
        CMD_RESULT_LIST(X)
#undef X
    };

    return codes[r];
}

int cmd_result_http_status(enum cmd_result r)
{
    static const int statuses[] = {
#define X(name, code, status) [CMD_##name] = (status),
        CMD_RESULT_LIST(X)
#undef X
    };

    return statuses[r];
}
