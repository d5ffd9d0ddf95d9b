#include "common/rbl_value.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE   (RBL_ZONE_MAX + 16)
#define LINE_SIZE   (3 * RBL_ZONE_MAX + 200)
#define MATCHED_MIN 100 /* clients from which on numbers tell something */

/* Fields of struct rbl_list_value. */
static const struct number_row {
    const char *name;
    size_t offset;
} number_table[] = {
    {"clients", offsetof(struct rbl_list_value, clients)},
    {"matched", offsetof(struct rbl_list_value, matched)},
    {"unique", offsetof(struct rbl_list_value, unique)},
    {"needed", offsetof(struct rbl_list_value, needed)},
    {"lookups", offsetof(struct rbl_list_value, lookups)},
    {"failures", offsetof(struct rbl_list_value, failures)},
    {"waited_ms", offsetof(struct rbl_list_value, waited_ms)},
};
#define NUMBER_COUNT (sizeof(number_table) / sizeof(number_table[0]))

/* ... and its numbers about another list: "both:other.example". */
static const struct number_row pair_table[] = {
    {"both", offsetof(struct rbl_list_value, both)},
    {"shared", offsetof(struct rbl_list_value, shared)},
};
#define PAIR_COUNT (sizeof(pair_table) / sizeof(pair_table[0]))

static uint64_t *number_of(struct rbl_list_value *list, size_t offset)
{
    return (uint64_t *)(void *)((char *)list + offset);
}

static uint64_t read_number(const struct rbl_list_value *list, size_t offset)
{
    uint64_t number;
    memcpy(&number, (const char *)list + offset, sizeof(number));
    return number;
}

static bool has(uint32_t mask, size_t list)
{
    return (mask >> list & 1) != 0;
}

void rbl_value_add_client(struct rbl_value *value, size_t list_count,
                          const struct rbl_involved *involved)
{
    for (size_t i = 0; i < list_count; i++) {
        struct rbl_list_value *list = &value->lists[i];
        list->clients += has(involved->answered, i);
        if (!has(involved->matched, i))
            continue;
        list->matched++;
        list->unique += involved->matched == (1U << i);
        list->needed += has(involved->needed, i);
        for (size_t j = 0; j < list_count; j++) {
            list->shared[j] += j != i && has(involved->answered, j);
            list->both[j] += j != i && has(involved->matched, j);
        }
    }
}

void rbl_value_add_lookup(struct rbl_value *value, size_t list, const struct rbl_answer *answer,
                          int64_t latency_ms)
{
    value->lists[list].lookups++;
    value->lists[list].failures += answer->state == RBL_UNKNOWN;
    value->lists[list].waited_ms += latency_ms > 0 ? (uint64_t)latency_ms : 0;
}

/* One number, where it has grown. */
struct each {
    const struct rbl_list_value *list, *since;
    const char *zone;
    rbl_value_field *field;
    void *context;
};

static void give(const struct each *each, const char *name, size_t offset)
{
    uint64_t now = read_number(each->list, offset);
    uint64_t before = each->since ? read_number(each->since, offset) : 0;
    if (now > before)
        each->field(each->context, each->zone, name, now - before);
}

void rbl_value_each(const struct rbl_value *value, const struct rbl_value *since,
                    const struct rbl_plan *plan, rbl_value_field *field, void *context)
{
    for (size_t i = 0; i < plan->list_count; i++) {
        struct each each = {&value->lists[i], since ? &since->lists[i] : NULL,
                            plan->lists[i].zone, field, context};
        for (size_t row = 0; row < NUMBER_COUNT; row++)
            give(&each, number_table[row].name, number_table[row].offset);
        for (size_t row = 0; row < PAIR_COUNT; row++) {
            for (size_t j = 0; j < plan->list_count; j++) {
                char name[NAME_SIZE];
                snprintf(name, sizeof(name), "%s:%s", pair_table[row].name,
                         plan->lists[j].zone);
                give(&each, name, pair_table[row].offset + j * sizeof(uint64_t));
            }
        }
    }
}

static bool find_pair(const struct rbl_plan *plan, const char *name, size_t *offset_r)
{
    const char *colon = strchr(name, ':');
    if (!colon)
        return false;
    struct slice kind = {name, (size_t)(colon - name)};
    for (size_t row = 0; row < PAIR_COUNT; row++) {
        if (!slice_equals(kind, slice_from_string(pair_table[row].name)))
            continue;
        for (size_t j = 0; j < plan->list_count; j++) {
            if (strcmp(colon + 1, plan->lists[j].zone) == 0) {
                *offset_r = pair_table[row].offset + j * sizeof(uint64_t);
                return true;
            }
        }
    }
    return false;
}

bool rbl_value_add(struct rbl_value *value, const struct rbl_plan *plan, size_t list,
                   const char *name, uint64_t number)
{
    size_t offset;
    if (list >= plan->list_count)
        return false;
    for (size_t row = 0; row < NUMBER_COUNT; row++) {
        if (strcmp(name, number_table[row].name) == 0) {
            *number_of(&value->lists[list], number_table[row].offset) += number;
            return true;
        }
    }
    if (!find_pair(plan, name, &offset))
        return false;
    *number_of(&value->lists[list], offset) += number;
    return true;
}

/* What a report is written with. */
struct report {
    const struct rbl_value *value;
    const struct rbl_plan *plan;
    rbl_value_line *line;
    void *context;
};

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void report_numbers(const struct report *report, size_t list)
{
    const struct rbl_list_value *numbers = &report->value->lists[list];
    char line[LINE_SIZE];
    snprintf(line, sizeof(line),
             "%s: %llu clients, %llu listed (%.1f %%), %llu by no other list; %llu lookups, "
             "%llu failed, %.1f ms on average",
             report->plan->lists[list].zone, (unsigned long long)numbers->clients,
             (unsigned long long)numbers->matched, percent(numbers->matched, numbers->clients),
             (unsigned long long)numbers->unique, (unsigned long long)numbers->lookups,
             (unsigned long long)numbers->failures,
             numbers->lookups ? (double)numbers->waited_ms / (double)numbers->lookups : 0.0);
    report->line(report->context, line);
    snprintf(line, sizeof(line), "%s: without it %llu clients would have been let in",
             report->plan->lists[list].zone, (unsigned long long)numbers->needed);
    report->line(report->context, line);
}

static void report_overlap(const struct report *report, size_t list, size_t other)
{
    const struct rbl_list_value *numbers = &report->value->lists[list];
    char line[LINE_SIZE];
    if (numbers->shared[other] == 0)
        return;
    snprintf(line, sizeof(line), "%s: %.1f %% of what it lists is in %s too",
             report->plan->lists[list].zone,
             percent(numbers->both[other], numbers->shared[other]),
             report->plan->lists[other].zone);
    report->line(report->context, line);
}

/* Whether everything that the one lists is in the other, which is the more useful one: the list
 * with more, and of two that are equal the earlier one. */
static bool is_contained(const struct rbl_value *value, size_t list, size_t other)
{
    const struct rbl_list_value *numbers = &value->lists[list];
    const struct rbl_list_value *others = &value->lists[other];
    bool is_smaller = others->matched > numbers->matched ||
                      (others->matched == numbers->matched && other < list);
    return numbers->shared[other] >= MATCHED_MIN &&
           numbers->both[other] == numbers->shared[other] && is_smaller;
}

static void report_conclusion(const struct report *report, size_t list)
{
    const struct rbl_list_value *numbers = &report->value->lists[list];
    const char *zone = report->plan->lists[list].zone;
    char line[LINE_SIZE];
    for (size_t other = 0; other < report->plan->list_count; other++) {
        if (other == list || !is_contained(report->value, list, other))
            continue;
        snprintf(line, sizeof(line), "%s adds nothing to %s: all %llu clients are there too",
                 zone, report->plan->lists[other].zone,
                 (unsigned long long)numbers->shared[other]);
        report->line(report->context, line);
        return;
    }
    if (numbers->clients >= MATCHED_MIN && numbers->matched == 0) {
        snprintf(line, sizeof(line), "%s lists nobody of %llu clients", zone,
                 (unsigned long long)numbers->clients);
        report->line(report->context, line);
    } else if (numbers->matched >= MATCHED_MIN && numbers->needed == 0) {
        snprintf(line, sizeof(line),
                 "%s changes nothing: other checks list its %llu clients without it", zone,
                 (unsigned long long)numbers->matched);
        report->line(report->context, line);
    }
}

void rbl_value_report(const struct rbl_value *value, const struct rbl_plan *plan,
                      rbl_value_line *line, void *context)
{
    const struct report report = {value, plan, line, context};
    for (size_t i = 0; i < plan->list_count; i++) {
        if (!plan->lists[i].has_reject)
            continue;
        report_numbers(&report, i);
        for (size_t j = 0; j < plan->list_count; j++)
            if (j != i && plan->lists[j].has_reject)
                report_overlap(&report, i, j);
    }
    for (size_t i = 0; i < plan->list_count; i++)
        if (plan->lists[i].has_reject)
            report_conclusion(&report, i);
}
