/* What the numbers of a report call for: a row each. */
#include "common/counter_select.h"
#include "common/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define ANY            COUNTER_ANY
#define STRESSED_SHARE 0.01 /* of the time: less is a burst */
#define BAD_SLOT_SHARE 0.25 /* of the slot time, of suspects and bots */
#define FAILED_SHARE   0.05 /* of questions */
#define ENOUGH         100  /* of whatever a share is taken of */

typedef bool advice_fits(const struct report_facts *facts, const struct report_numbers *numbers,
                         char text[REPORT_TEXT_SIZE]);

__attribute__((format(printf, 2, 3))) static bool say(char text[REPORT_TEXT_SIZE],
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, REPORT_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return true;
}

static double bad_slot_share(const struct report_numbers *numbers)
{
    double bad = numbers->slot_s_of[CLASS_SUSPECT] + numbers->slot_s_of[CLASS_BOT];
    return numbers->slot_s > 0 ? bad / numbers->slot_s : 0;
}

static bool observes(const struct report_facts *facts, const struct report_numbers *numbers,
                     char text[REPORT_TEXT_SIZE])
{
    return facts->mode == MODE_OBSERVE && numbers->observed > 0 &&
           say(text,
               "%" PRId64 " hang-ups were only observed. If the log names the right clients, "
               "set mode to enforce.",
               numbers->observed);
}

static bool hangs_up_on_good(const struct report_facts *facts,
                             const struct report_numbers *numbers, char text[REPORT_TEXT_SIZE])
{
    (void)facts;
    return numbers->good_hung_up > 0 &&
           say(text,
               "%" PRId64 " times a client known as good was hung up on, since every slot was "
               "taken. Raise the process limit in master.cf, or lower "
               "admission.ceiling.unknown "
               "and admission.ceiling.suspect.",
               numbers->good_hung_up);
}

static bool lacks_slots(const struct report_facts *facts, const struct report_numbers *numbers,
                        char text[REPORT_TEXT_SIZE])
{
    (void)facts;
    return numbers->stressed_share > STRESSED_SHARE &&
           bad_slot_share(numbers) < BAD_SLOT_SHARE && numbers->slot_s > 0 &&
           say(text,
               "Stressed for %.0f %% of the time, and suspects and bots had %.0f %% of the "
               "slot "
               "time: it was honest mail. Raise the process limit in master.cf.",
               100 * numbers->stressed_share, 100 * bad_slot_share(numbers));
}

static bool lets_bad_in(const struct report_facts *facts, const struct report_numbers *numbers,
                        char text[REPORT_TEXT_SIZE])
{
    (void)facts;
    return numbers->stressed_share > STRESSED_SHARE &&
           bad_slot_share(numbers) >= BAD_SLOT_SHARE &&
           say(text,
               "Stressed for %.0f %% of the time, and suspects and bots had %.0f %% of the "
               "slot "
               "time. Lower admission.ceiling.suspect and reclaim.silent_s, and consider a DNS "
               "list (rbl.checks).",
               100 * numbers->stressed_share, 100 * bad_slot_share(numbers));
}

static bool does_not_reclaim(const struct report_facts *facts,
                             const struct report_numbers *numbers, char text[REPORT_TEXT_SIZE])
{
    if (numbers->stressed_share <= STRESSED_SHARE || numbers->reclaimed > 0 ||
        numbers->silent < ENOUGH)
        return false;
    return say(text, "%" PRId64 " sessions held a slot in silence, and none was taken back: %s",
               numbers->silent,
               facts->is_reclaim_enabled
                   ? "does the milter have CAP_NET_ADMIN? See postvalve-milter(8)."
                   : "set reclaim.enabled.");
}

static bool history_is_doubtful(const struct report_facts *facts,
                                const struct report_numbers *numbers,
                                char text[REPORT_TEXT_SIZE])
{
    (void)numbers;
    return facts->events.history_cap_count > 0 &&
           say(text,
               "The safety rail for the history was active %" PRId64
               " times. Without a flood of "
               "known bots that means that the history is wrong: look for a lookup table that "
               "failed, and forget whom it hit (postvalvectl forget).",
               facts->events.history_cap_count);
}

static bool redis_fails(const struct report_facts *facts, const struct report_numbers *numbers,
                        char text[REPORT_TEXT_SIZE])
{
    int64_t asked =
        counter_select_sum(facts->counters, COUNTER_SELECT(REDIS_REQUESTS, ANY, ANY));
    int64_t answered = counter_select_sum(facts->counters,
                                          COUNTER_SELECT(REDIS_REQUESTS, ANY, LOOKUP_ANSWERED));
    (void)numbers;
    return asked >= ENOUGH && (double)(asked - answered) > FAILED_SHARE * (double)asked &&
           say(text,
               "Redis did not answer %.0f %% of what it was asked: decisions were made from "
               "memory, and not shared. See its log, and redis.deadline_ms.",
               100 * (double)(asked - answered) / (double)asked);
}

static const struct {
    const char *name;
    advice_fits *fits;
} advice_table[] = {
    {"good", hangs_up_on_good},    {"slots", lacks_slots},           {"bots", lets_bad_in},
    {"reclaim", does_not_reclaim}, {"history", history_is_doubtful}, {"redis", redis_fails},
    {"observe", observes},
};

/* A list of which many questions get no usable answer. */
static bool advise_list(const struct report_facts *facts, unsigned process, unsigned list,
                        char text[REPORT_TEXT_SIZE])
{
    int64_t of[COUNTED_LISTING_COUNT], all = 0;
    for (unsigned result = 0; result < COUNTED_LISTING_COUNT; result++) {
        of[result] = counter_select_sum(facts->counters,
                                        COUNTER_SELECT(RBL_ANSWERS, process, list, result));
        all += of[result];
    }
    int64_t bad = all - of[LISTING_LISTED] - of[LISTING_NOT_LISTED];
    return all >= ENOUGH && (double)bad > FAILED_SHARE * (double)all &&
           say(text,
               "The DNS list %.200s gave no usable answer to %.0f %% of the queries: see "
               "postvalvectl rbl, and take it out of rbl.checks if that lasts.",
               counter_label_text(&facts->counters->sets[process], COUNTER_LABEL_LIST, list),
               100 * (double)bad / (double)all);
}

int report_advise(const struct report_facts *facts, const struct report_numbers *numbers,
                  report_print *print, void *context)
{
    struct report_line line = {.part = REPORT_ADVICE};
    int count = 0;
    for (size_t i = 0; i < sizeof(advice_table) / sizeof(advice_table[0]); i++) {
        if (!advice_table[i].fits(facts, numbers, line.text))
            continue;
        snprintf(line.label, sizeof(line.label), "%s", advice_table[i].name);
        print(context, &line);
        count++;
    }
    snprintf(line.label, sizeof(line.label), "list");
    for (unsigned process = 0; process < COUNTER_PROCESS_COUNT; process++) {
        for (unsigned list = 0; list <= COUNTER_NAMES_MAX; list++) {
            if (!advise_list(facts, process, list, line.text))
                continue;
            print(context, &line);
            count++;
        }
    }
    return count;
}
