/* The status for people. */
#include "ctl/status.h"

#include "common/duration.h"
#include "ctl/override_text.h"
#include "ctl/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* By the words of the daemons, which know the past; or of this moment, where they say none. */
static void print_level(const struct status *status)
{
    const struct published *published = &status->published;
    double updated_s;
    if (published->is_known && published_number(published, PUBLISHED_UPDATED, &updated_s)) {
        double age_s = (double)status->now_s - updated_s;
        row_print("level", "%s, as the %s published %.0f s ago",
                  published->text[PUBLISHED_LEVEL], published->text[PUBLISHED_PUBLISHER],
                  age_s > 0 ? age_s : 0);
    } else if (status->pressure.is_known) {
        row_print("level", "%s by the pressure of this moment; no daemon published one",
                  level_name(level_of_pressure(&status->config->services.items[0].level,
                                               status->pressure.value, false)));
    } else {
        row_print("level", "unknown");
    }
}

static void print_pressure(const struct status *status)
{
    const struct pressure *pressure = &status->pressure;
    const struct published *published = &status->published;
    if (pressure->is_known) {
        row_print("pressure", "%.2f", pressure->value);
        row_print("slots", "%d of %d busy, %d waiting for one", pressure->busy,
                  pressure->slot_limit, pressure->waiting);
    } else {
        row_print("pressure", "unknown: %s", status->pressure_error.text);
    }
    if (published->is_known)
        row_print("published", "pressure %s, %s of %s busy, %s waiting, Postfix stress: %s",
                  published->text[PUBLISHED_PRESSURE], published->text[PUBLISHED_BUSY],
                  published->text[PUBLISHED_SLOT_LIMIT], published->text[PUBLISHED_WAITING],
                  published->text[PUBLISHED_POSTFIX_STRESS]);
    if (status->slot_warning.text[0] != '\0')
        row_print("warning", "%s", status->slot_warning.text);
}

static void print_level_reason(const struct published *published)
{
    double age_s;
    char age[DURATION_TEXT_SIZE];
    if (!published->is_known || published->text[PUBLISHED_DRIVER][0] == '\0')
        return;
    if (!published_number(published, PUBLISHED_LEVEL_AGE, &age_s) || age_s < 0 || age_s > 1e12)
        age_s = 0;
    duration_format((int64_t)age_s, age);
    const char *source = published->text[PUBLISHED_LEVEL_SOURCE];
    row_print("since", "%s; the level is that of the %s, the pressure that of the sensor %s",
              age, source[0] ? source : "sensors", published->text[PUBLISHED_DRIVER]);
}

static void print_overrides(const struct override_view *overrides)
{
    char text[OVERRIDE_TEXT_MAX];
    for (enum override_aspect aspect = OVERRIDE_LEVEL; aspect <= OVERRIDE_MODE; aspect++) {
        override_text_describe(overrides, aspect, text);
        if (text[0] != '\0')
            row_print("forced", "%s", text);
    }
}

static void print_cluster(const struct host_view *view)
{
    if (view->other_count == 0)
        return;
    row_print("cluster",
              "%d other host%s, %d stressed; the highest level is %s, the highest "
              "pressure %.2f",
              view->cluster.hosts, view->cluster.hosts == 1 ? "" : "s", view->cluster.stressed,
              level_name(view->cluster.highest), view->cluster.highest_pressure);
    for (size_t i = 0; i < view->other_count; i++) {
        const struct other_host *other = &view->others[i];
        char pressure[32] = "unknown";
        if (other->pressure >= 0)
            snprintf(pressure, sizeof(pressure), "%.2f", other->pressure);
        row_print("", "%s: %s, pressure %s, %.1f s ago", other->name, level_name(other->level),
                  pressure, (double)other->age_ms / 1000);
    }
}

static void print_reachable(const char *label, const struct reachable *reachable)
{
    if (reachable->is_answering)
        row_print(label, "%s answers", reachable->endpoint);
    else
        row_print(label, "NOT REACHABLE: %s", reachable->error.text);
}

void status_print_text(const struct status *status)
{
    row_print("host", "%s", status->host);
    row_print("mode", "%s", mode_name(status->config->admission.mode));
    print_level(status);
    print_level_reason(&status->published);
    print_overrides(&status->view.overrides);
    print_pressure(status);
    print_cluster(&status->view);
    for (size_t i = 0; i < status->policyd_count; i++)
        print_reachable("policyd", &status->policyd[i]);
    print_reachable("milter", &status->milter);
    if (status->has_redis)
        print_reachable("redis", &status->redis);
    else
        row_print("redis", "none configured");
}
