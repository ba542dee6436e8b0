#include "tools/mock/assembly.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/plain_file.h"
#include "tools/mock/link/pair.h"
#include "tools/mock/people/people.h"
#include "tools/mock/service/media.h"
#include "tools/mock/service/names.h"

enum wb_err mock_init(struct mock *m, const struct mock_config *cfg, const struct clock *clock)
{
    memset(m, 0, sizeof *m);
    m->cfg = *cfg;
    m->clock = clock;
    m->world.player = &people_player;
    m->rng = cfg->has_seed ? rng_from_seed(&m->seeded, cfg->seed) : rng_system;
    m->a = arena_new(MOCK_ARENA_MAX);
    if (cfg->has_root_seed)
        x25519_from_private(cfg->root_seed, &m->root);
    else
        x25519_generate(&m->rng, &m->root);
    x25519_generate(&m->rng, &m->intermediate);
    x25519_generate(&m->rng, &m->noise_static);
    if (cfg->trace_path) {
        enum wb_err err =
            plain_stream(cfg->trace_path, O_WRONLY | O_CREAT | O_TRUNC, 0666, &m->trace);

        if (err != WB_OK)
            return err;
    }
    return WB_OK;
}

void mock_free(struct mock *m)
{
    while (m->timers) {
        struct mock_timer *t = m->timers;

        m->timers = t->next;
        if (t->drop)
            t->drop(t->arg);
        free(t);
    }
    while (m->inbox) {
        struct inbox_item *i = m->inbox;

        m->inbox = i->next;
        free(i);
    }
    mock_flags_clear(m);
    pair_codes_free(m);
    names_free(m);
    media_free(m);
    world_free(&m->world);
    map_free(&m->used_keys, NULL);
    arena_free(&m->a);
    if (m->trace)
        (void)fclose(m->trace);
    m->trace = NULL;
}

enum wb_err mock_populate(struct mock *m)
{
    enum wb_err err = WB_OK;

    mock_enter(m);
    for (unsigned i = 0; i < m->cfg.contacts && err == WB_OK; i++) {
        char digits[24], name[32];

        (void)snprintf(digits, sizeof digits, "2782000%04u", 1000 + i);
        (void)snprintf(name, sizeof name, "Contact %u", i);
        if (world_add_account(m, digits, name, true) == NULL)
            err = WB_ERR_NOMEM;
    }
    for (unsigned i = 0; i < m->cfg.groups && err == WB_OK; i++) {
        char subject[32];

        (void)snprintf(subject, sizeof subject, "Group %u", i);
        struct group *g = world_add_group(m, subject, !m->cfg.groups_pn);
        if (!g) {
            err = WB_ERR_NOMEM;
            break;
        }
        for (size_t k = 0; k < m->world.naccounts && err == WB_OK; k++) {
            if (!world_add_member(g, m->world.accounts[k], k == 0 ? 2 : 0))
                err = WB_ERR_NOMEM;
        }
        if (m->world.naccounts > 0)
            g->creator = account_jid(m->world.accounts[0], g->lid);
    }
    mock_leave(m);
    return err;
}
