#include "common/report.h"

#include "common/counter_select.h"
#include "common/duration.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ANY COUNTER_ANY

struct writer {
    const struct report_facts *facts;
    report_print *print;
    void *context;
};

/* -- numbers ------------------------------------------------------------------------------ */

static double level_time_s(const struct counter_snapshot *counters, unsigned process,
                           unsigned service, enum level level)
{
    return (double)counter_select_sum(counters, COUNTER_SELECT(LEVEL_TIME, process, service,
                                                               (unsigned)level, ANY, ANY)) /
           1000;
}

static double whole_time_s(const struct counter_snapshot *counters, unsigned process,
                           unsigned service)
{
    double seconds = 0;
    for (enum level level = 0; level < LEVEL_COUNT; level++)
        seconds += level_time_s(counters, process, service, level);
    return seconds;
}

/* Values of dynamic labels are numbered by each process for itself. */
static unsigned find_service(const struct counter_snapshot *counters, unsigned process,
                             const char *name)
{
    for (unsigned service = 0; service <= COUNTER_NAMES_MAX; service++)
        if (strcmp(counter_label_text(&counters->sets[process], COUNTER_LABEL_SERVICE, service),
                   name) == 0)
            return service;
    return 0;
}

/* Both daemons see the same service: the one that has seen it longer tells. */
static bool is_witness(const struct counter_snapshot *counters, unsigned process,
                       unsigned service)
{
    const char *name =
        counter_label_text(&counters->sets[process], COUNTER_LABEL_SERVICE, service);
    double whole = whole_time_s(counters, process, service);
    for (unsigned other = 0; other < COUNTER_PROCESS_COUNT; other++) {
        double its = whole_time_s(counters, other, find_service(counters, other, name));
        if (other != process && (its > whole || (its == whole && other < process)))
            return false;
    }
    return whole > 0;
}

static double stressed_share(const struct counter_snapshot *counters, unsigned process,
                             unsigned service)
{
    return (level_time_s(counters, process, service, LEVEL_STRESSED) +
            level_time_s(counters, process, service, LEVEL_CRITICAL)) /
           whole_time_s(counters, process, service);
}

static struct report_numbers count(const struct report_facts *facts)
{
    const struct counter_snapshot *counters = facts->counters;
    struct report_numbers numbers = {
        .sessions = counter_select_sum(counters, COUNTER_SELECT(SESSIONS_STARTED, ANY, ANY)),
        .hung_up = counter_select_sum(counters, COUNTER_SELECT(HANG_UPS, ANY, ANY, ANY)),
        .good_hung_up =
            counter_select_sum(counters, COUNTER_SELECT(HANG_UPS, ANY, CLASS_GOOD, ANY)) +
            counter_select_sum(counters, COUNTER_SELECT(HANG_UPS, ANY, CLASS_TRUSTED, ANY)),
        .observed = counter_select_sum(
            counters, COUNTER_SELECT(VERDICTS, ANY, ANY, ANY, COUNTED_OBSERVED, ANY)),
        .reclaimed = counter_select_sum(counters, COUNTER_SELECT(RECLAIMED, ANY, ANY)),
        .silent = counter_select_sum(
            counters, COUNTER_SELECT(SESSIONS_ENDED, ANY, ANY, SESSION_END_SILENT)),
    };
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        numbers.slot_s_of[class] =
            (double)counter_select_sum(counters, COUNTER_SELECT(SLOT_TIME, ANY, class)) / 1000;
        numbers.slot_s += numbers.slot_s_of[class];
    }
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
        for (unsigned service = 0; service <= COUNTER_NAMES_MAX; service++)
            if (is_witness(counters, process, service) &&
                stressed_share(counters, process, service) > numbers.stressed_share)
                numbers.stressed_share = stressed_share(counters, process, service);
    return numbers;
}

/* -- events ------------------------------------------------------------------------------- */

static void close_episode(struct report_events *events, struct report_episode *episode,
                          int64_t time_s)
{
    if (time_s - episode->since_s > events->stress_longest_s)
        events->stress_longest_s = time_s - episode->since_s;
    *episode = (struct report_episode){.since_s = 0};
}

void report_add_level(struct report_events *events, const char *service, enum level to,
                      int64_t time_s)
{
    struct report_episode *found = NULL, *unused = NULL;
    for (int i = 0; i < REPORT_SERVICES_MAX; i++) {
        if (events->open[i].since_s == 0)
            unused = &events->open[i];
        else if (strcmp(events->open[i].service, service) == 0)
            found = &events->open[i];
    }
    if (found && to < LEVEL_STRESSED) {
        close_episode(events, found, time_s);
    } else if (!found && to >= LEVEL_STRESSED) {
        events->stress_count++;
        if (unused) {
            snprintf(unused->service, sizeof(unused->service), "%s", service);
            unused->since_s = time_s;
        }
    }
}

void report_end_events(struct report_events *events, int64_t now_s)
{
    for (int i = 0; i < REPORT_SERVICES_MAX; i++)
        if (events->open[i].since_s != 0)
            close_episode(events, &events->open[i], now_s);
}

/* -- lines -------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void put(const struct writer *writer,
                                                      enum report_part part, const char *label,
                                                      const char *format, ...)
{
    struct report_line line = {.part = part};
    va_list arguments;
    snprintf(line.label, sizeof(line.label), "%s", label);
    va_start(arguments, format);
    vsnprintf(line.text, sizeof(line.text), format, arguments);
    va_end(arguments);
    writer->print(writer->context, &line);
}

/* "half within 20 ms, 99 % within 500 ms"; milliseconds_each: of the counter's unit. */
static void put_quantiles(const struct writer *writer, const char *label,
                          struct counter_selection selection, double milliseconds_each)
{
    static const struct {
        double share;
        const char *name;
    } shares[] = {{0.5, "half"}, {0.99, ", 99 %"}};
    char text[128];
    size_t length = 0;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        int64_t bound =
            counter_select_quantile(writer->facts->counters, selection, shares[i].share);
        if (bound < 0)
            return;
        length += (size_t)(bound == INT64_MAX ? snprintf(text + length, sizeof(text) - length,
                                                         "%s later", shares[i].name)
                                              : snprintf(text + length, sizeof(text) - length,
                                                         "%s within %g ms", shares[i].name,
                                                         (double)bound * milliseconds_each));
    }
    put(writer, REPORT_FACT, label, "%s", text);
}

static void put_service(const struct writer *writer, unsigned process, unsigned service)
{
    const struct counter_snapshot *counters = writer->facts->counters;
    char text[REPORT_TEXT_SIZE], spent[DURATION_TEXT_SIZE];
    size_t length = 0;
    for (enum level level = LEVEL_COUNT; level-- > 0;) {
        double seconds = level_time_s(counters, process, service, level);
        if (seconds < 1)
            continue;
        duration_format((int64_t)seconds, spent);
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s for %s",
                                   length ? ", " : "", level_name(level), spent);
    }
    put(writer, REPORT_FACT,
        counter_label_text(&counters->sets[process], COUNTER_LABEL_SERVICE, service), "%s",
        length ? text : "calm");
}

static void put_stress(const struct writer *writer)
{
    const struct report_facts *facts = writer->facts;
    char longest[DURATION_TEXT_SIZE];
    put(writer, REPORT_HEADING, "", "What stress there was");
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++)
        for (unsigned service = 0; service <= COUNTER_NAMES_MAX; service++)
            if (is_witness(facts->counters, process, service))
                put_service(writer, process, service);
    duration_format(facts->events.stress_longest_s, longest);
    if (facts->events.stress_count > 0)
        put(writer, REPORT_FACT, "Stressed", "%" PRId64 " times, the longest for %s",
            facts->events.stress_count, longest);
    else
        put(writer, REPORT_FACT, "Stressed", "never");
}

static void put_done(const struct writer *writer, const struct report_numbers *numbers)
{
    const struct counter_snapshot *counters = writer->facts->counters;
    put(writer, REPORT_HEADING, "", "What was done");
    put(writer, REPORT_FACT, "Sessions", "%" PRId64, numbers->sessions);
    put(writer, REPORT_FACT, "Hung up on",
        "%" PRId64 " times: %" PRId64 " with 421 (come back), %" PRId64 " with 521",
        numbers->hung_up,
        counter_select_sum(counters,
                           COUNTER_SELECT(VERDICTS, ANY, ANY, ANY, COUNTED_HANG_UP_421, ANY)),
        counter_select_sum(counters,
                           COUNTER_SELECT(VERDICTS, ANY, ANY, ANY, COUNTED_HANG_UP_521, ANY)));
    if (numbers->observed > 0)
        put(writer, REPORT_FACT, "Only observed", "%" PRId64, numbers->observed);
    put(writer, REPORT_FACT, "Slots taken back", "%" PRId64, numbers->reclaimed);
    put(writer, REPORT_FACT, "Messages", "%" PRId64 " accepted",
        counter_select_sum(counters, COUNTER_SELECT(MESSAGES_ACCEPTED, ANY, ANY)));
}

static void put_columns(const struct writer *writer, const char *label, bool is_head,
                        const char *const fields[static REPORT_COLUMNS])
{
    struct report_line line = {.part = REPORT_COLUMN, .is_head = is_head};
    snprintf(line.label, sizeof(line.label), "%s", label);
    for (int i = 0; i < REPORT_COLUMNS; i++)
        snprintf(line.fields[i], sizeof(line.fields[i]), "%s", fields[i]);
    writer->print(writer->context, &line);
}

static void put_class(const struct writer *writer, const struct report_numbers *numbers,
                      unsigned class)
{
    const struct counter_snapshot *counters = writer->facts->counters;
    char texts[REPORT_COLUMNS][REPORT_FIELD_SIZE];
    const char *fields[REPORT_COLUMNS];
    const struct counter_selection counts[] = {
        COUNTER_SELECT(SESSIONS_STARTED, ANY, class),
        COUNTER_SELECT(HANG_UPS, ANY, class, ANY),
        COUNTER_SELECT(RECLAIMED, ANY, class),
        COUNTER_SELECT(MESSAGES_ACCEPTED, ANY, class),
    };
    const int count = (int)(sizeof(counts) / sizeof(counts[0]));
    int64_t first_ms =
        counter_select_quantile(counters, COUNTER_SELECT(FIRST_MESSAGE, ANY, class), 0.99);
    for (int i = 0; i < count; i++)
        snprintf(texts[i], sizeof(texts[i]), "%" PRId64,
                 counter_select_sum(counters, counts[i]));
    snprintf(texts[count], sizeof(texts[count]), "%.0f %%",
             numbers->slot_s > 0 ? 100 * numbers->slot_s_of[class] / numbers->slot_s : 0);
    if (first_ms < 0 || first_ms == INT64_MAX)
        snprintf(texts[count + 1], sizeof(texts[0]), "%s", first_ms < 0 ? "-" : ">5 min");
    else
        snprintf(texts[count + 1], sizeof(texts[0]), "%g s", (double)first_ms / 1000);
    for (int i = 0; i < REPORT_COLUMNS; i++)
        fields[i] = texts[i];
    put_columns(writer, client_class_name((enum client_class) class), false, fields);
}

static void put_affected(const struct writer *writer, const struct report_numbers *numbers)
{
    static const char *const head[REPORT_COLUMNS] = {"sessions", "hung up on", "reclaimed",
                                                     "messages", "slot time",  "99 % within"};
    put(writer, REPORT_HEADING, "", "Who was affected");
    put_columns(writer, "class", true, head);
    for (unsigned class = CLASS_COUNT; class -- > 0;)
        put_class(writer, numbers, class);
    put(writer, REPORT_TEXT, "",
        "\"99 %% within\" is from CONNECT to the first message accepted, of sessions with "
        "one.");
}

static void put_itself(const struct writer *writer)
{
    const struct counter_snapshot *counters = writer->facts->counters;
    int64_t asked = counter_select_sum(counters, COUNTER_SELECT(REDIS_REQUESTS, ANY, ANY));
    int64_t answered =
        counter_select_sum(counters, COUNTER_SELECT(REDIS_REQUESTS, ANY, LOOKUP_ANSWERED));
    put(writer, REPORT_HEADING, "", "Postvalve itself");
    put_quantiles(writer, "Decisions", COUNTER_SELECT(DECISION, ANY, ANY), 0.001);
    put(writer, REPORT_FACT, "Redis", "%" PRId64 " of %" PRId64 " requests answered", answered,
        asked);
    put_quantiles(writer, "Redis answers", COUNTER_SELECT(REDIS_LATENCY, ANY, ANY), 0.001);
    put_quantiles(writer, "DNS answers", COUNTER_SELECT(DNS_LATENCY, ANY, ANY), 1);
}

void report_make(const struct report_facts *facts, report_print *print, void *context)
{
    const struct writer writer = {facts, print, context};
    const struct report_numbers numbers = count(facts);
    char since[DURATION_TEXT_SIZE];
    duration_format(facts->seconds, since);
    put(&writer, REPORT_TITLE, "", "Postvalve on %s, the last %s", facts->host, since);
    put_stress(&writer);
    put_done(&writer, &numbers);
    put_affected(&writer, &numbers);
    put_itself(&writer);
    put(&writer, REPORT_HEADING, "", "What to change");
    if (report_advise(facts, &numbers, print, context) == 0)
        put(&writer, REPORT_TEXT, "", "Nothing that the numbers call for.");
}
