#include "t/bench/flood/report.h"

#include "t/bench/flood/flood.h"
#include "t/bench/flood/kind.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static const struct counter_row {
    const char *name;
    const char *help;
} counter_table[COUNTER_COUNT] = {
    [COUNTER_ATTEMPTS] = {"attempts", "connections tried"},
    [COUNTER_CONNECTED] = {"connected", "... that the kernel made"},
    [COUNTER_BANNERS] = {"banners", "... that were greeted with 220"},
    [COUNTER_HUNG_UP_421] = {"hung_up_421", "sessions ended by 421"},
    [COUNTER_HUNG_UP_521] = {"hung_up_521", "sessions ended by 521"},
    [COUNTER_REFUSED_554] = {"refused_554", "554 instead of a banner"},
    [COUNTER_REPLIES_4XX] = {"replies_4xx", "other 4xx replies"},
    [COUNTER_REPLIES_5XX] = {"replies_5xx", "other 5xx replies"},
    [COUNTER_TIMEOUTS] = {"timeouts", "no connection, banner or reply in time"},
    [COUNTER_LOST] = {"lost",
                      "connections refused, or ended by the server, as after a hang-up"},
    [COUNTER_MESSAGES] = {"messages", "messages that came to be sent"},
    [COUNTER_SKIPPED] = {"skipped", "... that did not: too many in flight"},
    [COUNTER_DELIVERED] = {"delivered", "messages accepted"},
    [COUNTER_RETRIES] = {"retries", "further attempts for a message"},
    [COUNTER_REJECTED] = {"rejected", "messages refused for good, by a 5xx"},
    [COUNTER_GIVEN_UP] = {"given_up", "messages given up after many attempts"},
};

static const struct counter_row gauge_table[GAUGE_COUNT] = {
    [GAUGE_OPEN] = {"open", "connections, those being made included"},
    [GAUGE_WAITING] = {"waiting", "... for the first reply"},
    [GAUGE_ADMITTED] = {"admitted", "... that got a banner"},
    [GAUGE_PENDING] = {"pending", "messages neither accepted nor refused yet"},
};

static double round_to_us(double ms)
{
    return round(ms * 1000) / 1000;
}

static void set_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(round(value * 1000) / 1000));
}

static json_t *milliseconds(const struct histogram *histogram)
{
    double p50_ns = (double)histogram_percentile_ns(histogram, 0.50);
    double p99_ns = (double)histogram_percentile_ns(histogram, 0.99);

    return json_pack("{s:I, s:f, s:f, s:f}", "count", (json_int_t)histogram->count, "p50",
                     round_to_us(p50_ns / 1e6), "p99", round_to_us(p99_ns / 1e6), "max",
                     round_to_us((double)histogram->max_ns / 1e6));
}

static json_t *describe_group(const struct group *group, const uint64_t *counters)
{
    json_t *object = json_pack("{s:s, s:s}", "name", group->settings->name, "kind",
                               group->settings->kind->name);

    for (int i = 0; i < GAUGE_COUNT; i++)
        json_object_set_new(object, gauge_table[i].name, json_integer(group->tally.gauge[i]));
    for (int i = 0; i < COUNTER_COUNT; i++)
        json_object_set_new(object, counter_table[i].name,
                            json_integer((json_int_t)counters[i]));
    return object;
}

static bool print_line(json_t *object, FILE *out)
{
    bool is_printed = json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;

    json_decref(object);
    return is_printed && fputc('\n', out) != EOF && fflush(out) == 0;
}

bool report_second(struct flood *flood, FILE *out)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < flood->group_count; i++) {
        struct group *group = &flood->groups[i];
        struct tally *tally = &group->tally;
        json_t *object = describe_group(group, tally->second);

        tally_advance(tally, flood_now_ns());
        set_real(object, "slot_s", tally->slot_second_s);
        tally->slot_second_s = 0;
        json_object_set_new(object, "banner_ms", milliseconds(&tally->banner_second));
        json_array_append_new(groups, object);
        memset(tally->second, 0, sizeof tally->second);
        histogram_reset(&tally->banner_second);
    }
    return print_line(json_pack("{s:i, s:o}", "second", (int)flood->second, "groups", groups),
                      out);
}

static json_t *describe_in_time(const struct flood *flood, const struct tally *tally)
{
    double share =
        tally->in_time_of == 0 ? 0 : (double)tally->in_time / (double)tally->in_time_of;

    return json_pack("{s:f, s:I, s:I, s:f}", "within_s", flood->scenario->within_s, "messages",
                     (json_int_t)tally->in_time_of, "delivered", (json_int_t)tally->in_time,
                     "share", share);
}

static json_t *describe_within(const struct flood *flood, const struct tally *tally)
{
    const double *limits_s = flood->scenario->limits_s;
    json_t *list = json_array();

    for (size_t i = 0; i < SCENARIO_LIMITS_MAX && limits_s[i] > 0; i++)
        json_array_append_new(list, json_pack("{s:f, s:I}", "seconds", limits_s[i], "delivered",
                                              (json_int_t)tally->within[i]));
    return list;
}

bool report_summary(const struct flood *flood, FILE *out)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < flood->group_count; i++) {
        const struct group *group = &flood->groups[i];
        const struct tally *tally = &group->tally;
        json_t *object = describe_group(group, tally->total);

        set_real(object, "slot_s", tally->slot_s);
        set_real(object, "longest_hold_s", (double)tally->longest_hold_ns / 1e9);
        json_object_set_new(object, "banner_ms", milliseconds(&tally->banner));
        if (group->settings->kind->is_arriving) {
            json_object_set_new(object, "delivery_ms", milliseconds(&tally->delivery));
            json_object_set_new(object, "in_time", describe_in_time(flood, tally));
            json_object_set_new(object, "within", describe_within(flood, tally));
        }
        json_array_append_new(groups, object);
    }
    return print_line(json_pack("{s:{s:f, s:o}}", "summary", "seconds",
                                round_to_us(flood_elapsed_s(flood)), "groups", groups),
                      out);
}

void report_print_help(FILE *out)
{
    fprintf(out, "Counted for each group:\n");
    for (int i = 0; i < GAUGE_COUNT; i++)
        fprintf(out, "  %-18s %s\n", gauge_table[i].name, gauge_table[i].help);
    for (int i = 0; i < COUNTER_COUNT; i++)
        fprintf(out, "  %-18s %s\n", counter_table[i].name, counter_table[i].help);
    fprintf(out,
            "  %-18s connect to banner; attempts without one count with the time they waited,\n"
            "  %-18s those turned away by a reply do not count\n"
            "  %-18s first attempt to acceptance\n"
            "  %-18s messages accepted within_s after their first attempt, of those that had\n"
            "  %-18s the time\n"
            "  %-18s messages accepted within the scenario's limits_s after the first attempt\n"
            "  %-18s slots held, in seconds of all sessions together, from banner to close\n"
            "  %-18s ... by the session that held it longest\n",
            "banner_ms", "", "delivery_ms", "in_time", "", "within", "slot_s",
            "longest_hold_s");
}
