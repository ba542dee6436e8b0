/* GET /api/groups: the groups this number is in, as known since login. */
#include <string.h>

#include "api/route/route.h"

static json_t *jid_or_null(const struct jid *j)
{
    char text[JID_TEXT_MAX];

    return jid_is_none(j) ? json_null() : json_string(jid_text(j, text));
}

static json_t *group_json(const struct group_summary *g)
{
    char jid[JID_TEXT_MAX];
    json_t *o =
        json_pack("{s:s, s:o, s:I, s:s, s:b, s:b, s:b, s:s, s:o}", "jid", jid_text(&g->jid, jid),
                  "name", api_text(g->name), "participants", (json_int_t)g->members,
                  "addressing_mode", g->lid_addressing ? "lid" : "pn", "announce_only",
                  (int)g->announce_only, "we_are_admin", (int)g->we_are_admin, "monitored",
                  (int)g->monitored, "kind", g->kind, "community", jid_or_null(&g->community));

    if (o && strcmp(g->kind, "community") == 0)
        json_object_set_new(o, "announcement_group", jid_or_null(&g->announcement));
    return o;
}

static void handle_groups(struct api_request *r)
{
    struct group_summary *groups = NULL;
    size_t n = 0;
    json_t *list;

    if (bridge_groups(r->bridge, &r->arena, &groups, &n) != WB_OK) {
        api_reply_error(r, CMD_INTERNAL, "The group list could not be read");
        return;
    }
    list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, group_json(&groups[i]));
    api_reply_json(r, 200, json_pack("{s:b, s:o}", "success", 1, "groups", list));
}

const struct api_route route_groups = {API_GET, "/api/groups", handle_groups};
