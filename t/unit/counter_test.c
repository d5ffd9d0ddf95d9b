#include "common/counter.h"
#include "t/unit/tap.h"

#include <ctype.h>
#include <stdlib.h>

static struct counter_set set;

#define LABELS(...) ((const unsigned[COUNTER_LABELS_MAX]){__VA_ARGS__})

static int64_t get(enum counter counter, const unsigned *labels)
{
    return counter_get(&set, counter, labels);
}

/* The table */

static bool is_word(const char *text)
{
    bool is_good = islower((unsigned char)text[0]);
    for (; *text; text++)
        is_good = is_good && (islower((unsigned char)*text) || *text == '_');
    return is_good;
}

static void test_table(void)
{
    int next = 0;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_info *info = counter_info((enum counter)i);
        ok(is_word(info->name) && info->help[strlen(info->help) - 1] == '.' && info->processes,
           "%s: name, help, processes", info->name);
        ok((info->kind == COUNTER_HISTOGRAM) == (info->buckets != COUNTER_BUCKETS_NONE),
           "... has buckets if it is a histogram");
        ok(info->cell == next, "... has cells of its own");
        next += counter_combinations(info) * counter_spread(info);
        for (int j = 0; j < i; j++)
            if (strcmp(counter_info((enum counter)j)->name, info->name) == 0)
                ok(false, "%s: twice", info->name);
    }
    is_number(next, COUNTER_CELLS, "all cells are of some counter");
}

static void test_labels(void)
{
    for (int i = 1; i < COUNTER_LABEL_COUNT; i++) {
        const struct counter_label_info *info = counter_label_info((enum counter_label)i);
        bool is_good = is_word(info->name) && info->help[0] && info->size > 1;
        for (unsigned value = 0; value < (unsigned)info->size; value++) {
            const char *text = counter_label_text(&set, (enum counter_label)i, value);
            is_good = is_good && text && text[0] && !strpbrk(text, ",={}\"\\ \n");
        }
        ok(is_good, "label %s: its values need no escapes", info->name);
    }
}

static void test_buckets(void)
{
    for (int i = 1; i < COUNTER_BUCKETS_COUNT; i++) {
        int count;
        const int64_t *bounds = counter_bucket_bounds((enum counter_buckets)i, &count);
        bool is_rising = count > 0;
        for (int j = 1; j < count; j++)
            is_rising = is_rising && bounds[j] > bounds[j - 1];
        ok(is_rising, "buckets %d rise", i);
    }
}

/* Counting */

static void test_add(void)
{
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, SESSION_END_HUNG_UP), 1);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, SESSION_END_HUNG_UP), 2);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_TRUSTED, SESSION_END_LOST), 5);
    is_number(get(COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, SESSION_END_HUNG_UP)), 3, "adds");
    is_number(get(COUNTER_SESSIONS_ENDED, LABELS(CLASS_TRUSTED, SESSION_END_LOST)), 5,
              "the last combination");
    is_number(get(COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, SESSION_END_MAIL)), 0, "no other");
    is_number(get(COUNTER_SESSIONS_OPEN, LABELS(CLASS_BOT)), 0, "nor the next counter");
    static struct counter_set before;
    memcpy(&before, &set, sizeof(set));
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_COUNT, SESSION_END_MAIL), 1);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, COUNTER_ANY), 1);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_BOT, SESSION_END_MAIL, 1), 1);
    counter_add(&set, COUNTER_DECISION, LABELS(), 1);
    counter_set_gauge(&set, COUNTER_SESSIONS_ENDED, LABELS(), 1);
    counter_observe(&set, COUNTER_SESSIONS_ENDED, LABELS(), 1);
    ok(memcmp(&before, &set, sizeof(set)) == 0, "what makes no sense counts nowhere");
}

static void test_observe(void)
{
    static const struct {
        int64_t value;
        int bucket;
    } rows[] = {
        {-1, 0}, {0, 0}, {20, 0}, {21, 1}, {1000000, 14}, {1000001, 15}, {INT64_MAX / 2, 15}};
    int cell = counter_info(COUNTER_DECISION)->cell;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t before = set.cells[cell + rows[i].bucket], sum = set.cells[cell + 16];
        counter_observe(&set, COUNTER_DECISION, LABELS(), rows[i].value);
        ok(set.cells[cell + rows[i].bucket] == before + 1, "%lld is in bucket %d",
           (long long)rows[i].value, rows[i].bucket);
        ok(set.cells[cell + 16] - sum == (uint64_t)(rows[i].value > 0 ? rows[i].value : 0),
           "... and in the sum");
    }
    is_number(get(COUNTER_DECISION, LABELS()), 7, "how many there were");
}

static void test_gauge(void)
{
    int64_t value;
    int cell = counter_info(COUNTER_REDIS_UP)->cell;
    ok(!counter_gauge_of_cell(set.cells[cell], &value), "not set");
    counter_set_gauge(&set, COUNTER_REDIS_UP, LABELS(REDIS_USE_READ), 0);
    ok(counter_gauge_of_cell(set.cells[cell], &value) && value == 0, "set to 0");
    counter_set_gauge(&set, COUNTER_REDIS_UP, LABELS(REDIS_USE_READ), -7);
    is_number(get(COUNTER_REDIS_UP, LABELS(REDIS_USE_READ)), -7, "below 0");
    counter_unset_gauge(&set, COUNTER_REDIS_UP, LABELS(REDIS_USE_READ));
    ok(!counter_gauge_of_cell(set.cells[cell], &value), "not set any more");
}

static void test_names(void)
{
    struct slice zone = SLICE_LITERAL("zen.example");
    is_number(counter_name(&set, COUNTER_LABEL_LIST, zone), 1, "the first name");
    is_number(counter_name(&set, COUNTER_LABEL_SERVICE, SLICE_LITERAL("smtp")), 1,
              "each label");
    is_number(counter_name(&set, COUNTER_LABEL_LIST, zone), 1, "the same again");
    is_number(counter_name(&set, COUNTER_LABEL_LIST, SLICE_LITERAL("")), 0, "no name");
    is_number(counter_name(&set, COUNTER_LABEL_LIST, SLICE_LITERAL("other")), 0, "\"other\"");
    unsigned value = counter_name(&set, COUNTER_LABEL_LIST, SLICE_LITERAL("a b\"=}\n\xe4"));
    is_string(counter_label_text(&set, COUNTER_LABEL_LIST, value), "a_b_____", "cleaned");
    for (unsigned i = value; i < COUNTER_NAMES_MAX; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%u.example", i);
        value = counter_name(&set, COUNTER_LABEL_LIST, slice_from_string(text));
    }
    is_number(value, COUNTER_NAMES_MAX, "as many as there is room for");
    is_number(counter_name(&set, COUNTER_LABEL_LIST, SLICE_LITERAL("more")), 0,
              "the rest is \"other\"");
    is_string(counter_label_text(&set, COUNTER_LABEL_LIST, 0), "other", "... in words");
    is_string(counter_label_text(&set, COUNTER_LABEL_LIST, 1), "zen.example", "a name");
}

static void test_verdicts(void)
{
    static const struct {
        struct verdict verdict;
        enum counted_verdict counted;
    } rows[] = {
        {{.action = VERDICT_CONTINUE}, COUNTED_CONTINUE},
        {{.action = VERDICT_CONTINUE, .code = 521, .is_observed = true}, COUNTED_OBSERVED},
        {{.action = VERDICT_HANG_UP, .code = 421}, COUNTED_HANG_UP_421},
        {{.action = VERDICT_HANG_UP, .code = 521}, COUNTED_HANG_UP_521},
        {{.action = VERDICT_REPLY, .code = 554}, COUNTED_REPLY},
        {{.action = VERDICT_RESTRICTION, .code = 0}, COUNTED_RESTRICTION},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(counted_verdict_of(&rows[i].verdict) == rows[i].counted, "counts as %s",
           counted_verdict_name(rows[i].counted));
}

int main(void)
{
    test_table();
    test_labels();
    test_buckets();
    test_add();
    test_observe();
    test_gauge();
    test_names();
    test_verdicts();
    return done_testing();
}
