/* The text of --help, made from the table of settings. */
#include <stdio.h>
#include <string.h>

#include "bridge/settings/config_private.h"

enum { OPTION_COLUMNS = 28 };

void config_help(struct buf *out)
{
    buf_append_cstr(out,
                    "usage: whatsapp-bridge --phone NUMBER [options]\n"
                    "\n"
                    "Links a WhatsApp number as a companion device, stores its messages in\n"
                    "messages.db and sends over HTTP. Each setting can be given in the YAML file\n"
                    "(key), in the environment, or on the command line; the later beats the\n"
                    "earlier. Of an option that is given twice the last one counts.\n"
                    "\n");
    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", s->option, s->argument ? " " : "",
                 s->argument ? s->argument : "");
        if (strlen(left) > OPTION_COLUMNS) /* too long for its column: the help begins a new line */
            buf_printf(out, "  %s\n  %-*s %s\n", left, OPTION_COLUMNS, "", s->help);
        else
            buf_printf(out, "  %-*s %s\n", OPTION_COLUMNS, left, s->help);
        buf_printf(out, "  %-*s   ", OPTION_COLUMNS, "");
        if (s->yaml[0])
            buf_printf(out, "key %s, ", s->yaml);
        buf_printf(out, "variable %s", s->env);
        if (s->fallback[0])
            buf_printf(out, ", default %s", s->fallback);
        buf_append_cstr(out, "\n");
    }
    buf_append_cstr(
        out,
        "  -h, --help                   this text\n"
        "  --version                    the version\n"
        "\n"
        "Exit status: 0 asked to stop; 1 the machine (memory, sockets, disk; the log says\n"
        "what); 2 bad usage or settings; 3 the store is in use by another process;\n"
        "4 whatsapp.db is damaged and there is no good backup; 5 the store belongs to another\n"
        "number.\n");
}
