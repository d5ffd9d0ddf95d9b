/* The status for programs. Keys are an interface, documented in postvalvectl(1). */
#include "ctl/status.h"

#include "ctl/commands.h"
#include "view/host_view_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
    return text && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *reachable_json(const struct reachable *reachable)
{
    return json_pack("{s:s, s:b, s:o}", "endpoint", reachable->endpoint, "reachable",
                     reachable->is_answering, "error", text_or_null(reachable->error.text));
}

static json_t *published_value(const struct published *published, enum published_field field)
{
    const char *text = published->text[field];
    enum published_type type = published_table[field].type;
    double number;
    if (text[0] == '\0')
        return json_null();
    if (type == PUBLISHED_TEXT)
        return json_string(text);
    if (type == PUBLISHED_YES_OR_NO)
        return json_boolean(strcmp(text, "yes") == 0);
    if (!published_number(published, field, &number) || number < -1e15 || number > 1e15)
        return json_null();
    return type == PUBLISHED_INTEGER ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *published_json(const struct published *published)
{
    if (!published->is_known)
        return json_null();
    json_t *object = json_object();
    for (enum published_field field = 0; field < PUBLISHED_FIELD_COUNT; field++)
        json_object_set_new(object, published_table[field].name,
                            published_value(published, field));
    return object;
}

static json_t *sensor_json(const struct status *status)
{
    const struct pressure *pressure = &status->pressure;
    json_t *limit = pressure->slot_limit > 0 ? json_integer(pressure->slot_limit) : json_null();
    if (!pressure->is_known)
        return json_pack("{s:n, s:n, s:n, s:n, s:o, s:o, s:o}", "level", "pressure", "busy",
                         "waiting", "slot_limit", limit, "error",
                         text_or_null(status->pressure_error.text), "warning",
                         text_or_null(status->slot_warning.text));
    enum level level =
        level_of_pressure(&status->config->services.items[0].level, pressure->value, false);
    return json_pack("{s:s, s:f, s:i, s:i, s:o, s:n, s:o}", "level", level_name(level),
                     "pressure", pressure->value, "busy", pressure->busy, "waiting",
                     pressure->waiting, "slot_limit", limit, "error", "warning",
                     text_or_null(status->slot_warning.text));
}

static json_t *policyd_json(const struct status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->policyd_count; i++)
        json_array_append_new(list, reachable_json(&status->policyd[i]));
    return list;
}

void status_print_json(const struct status *status, bool is_well)
{
    json_t *redis = status->has_redis ? reachable_json(&status->redis) : json_null();
    json_t *root = json_pack(
        "{s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "ok", is_well, "host", status->host, "mode",
        mode_name(status->config->admission.mode), "sensor", sensor_json(status), "published",
        published_json(&status->published), "policyd", policyd_json(status), "milter",
        reachable_json(&status->milter), "redis", redis);
    json_object_set_new(root, "forced", host_view_forced_json(&status->view));
    json_object_set_new(root, "cluster", host_view_cluster_json(&status->view));
    command_print_json(root);
}
