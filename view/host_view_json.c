#include "view/host_view_json.h"

#include "common/escape.h"

static json_t *number_or_null(double number)
{
    return number < 0 ? json_null() : json_real(number);
}

static json_t *count_or_null(int count)
{
    return count < 0 ? json_null() : json_integer(count);
}

json_t *service_json(const struct service_state *service)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:s, s:o, s:o, s:o, s:b}", "name", service->name, "level",
        level_name(service->level), "level_source", level_source_name(service->level_source),
        "level_age_s", (json_int_t)service->level_age_s, "pressure",
        number_or_null(service->pressure), "driver", sensor_name(service->driver), "busy",
        count_or_null(service->busy), "waiting", count_or_null(service->waiting), "slot_limit",
        count_or_null(service->slot_limit), "postfix_stress", service->is_postfix_stressed);
}

json_t *host_view_services_json(const struct host_view *view)
{
    json_t *services = json_array();
    for (size_t i = 0; view->is_published && i < view->state.service_count; i++)
        json_array_append_new(services, service_json(&view->state.services[i]));
    return services;
}

static json_t *override_json(const struct override_view *view, enum override_aspect aspect)
{
    char by[4 * OVERRIDE_TEXT_SIZE], note[4 * OVERRIDE_TEXT_SIZE];
    int64_t until_s;
    const struct override *override = override_view_effective(view, aspect, &until_s);
    if (!override)
        return json_null();
    escape_words(slice_from_string(override->by), by, sizeof(by));
    escape_words(slice_from_string(override->note), note, sizeof(note));
    json_t *object = json_pack("{s:I, s:I, s:b, s:s, s:s}", "until", (json_int_t)until_s,
                               "seconds_left", (json_int_t)(until_s - view->now_s), "all",
                               override == &view->all, "by", by, "note", note);
    if (aspect == OVERRIDE_LEVEL)
        json_object_set_new(object, "level", json_string(level_name(override->level)));
    return object;
}

static json_t *other_json(const struct other_host *other)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:I}", "host", other->name, "publisher",
                     publisher_name(other->publisher), "level", level_name(other->level),
                     "pressure", other->pressure < 0 ? json_null() : json_real(other->pressure),
                     "age_ms", (json_int_t)other->age_ms);
}

json_t *host_view_cluster_json(const struct host_view *view)
{
    if (view->now_ms == 0)
        return json_null();
    json_t *others = json_array();
    for (size_t i = 0; i < view->other_count; i++)
        json_array_append_new(others, other_json(&view->others[i]));
    return json_pack("{s:i, s:i, s:s, s:f, s:o}", "hosts", view->cluster.hosts, "stressed",
                     view->cluster.stressed, "highest_level", level_name(view->cluster.highest),
                     "highest_pressure", view->cluster.highest_pressure, "others", others);
}

json_t *host_view_forced_json(const struct host_view *view)
{
    if (view->now_ms == 0)
        return json_null();
    return json_pack("{s:o, s:o}", "level", override_json(&view->overrides, OVERRIDE_LEVEL),
                     "off", override_json(&view->overrides, OVERRIDE_MODE));
}
