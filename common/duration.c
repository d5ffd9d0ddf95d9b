#include "common/duration.h"

#include "common/number.h"

#include <stdio.h>

static const struct unit {
    char letter;
    int64_t seconds;
} units[] = {
    {'d', 86400},
    {'h', 3600},
    {'m', 60},
    {'s', 1},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool duration_parse(struct slice text, int64_t maximum_s, int64_t *seconds_r)
{
    if (text.length < 2)
        return false;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (text.data[text.length - 1] != units[i].letter)
            continue;
        int64_t number, maximum = maximum_s / units[i].seconds;
        if (!number_parse((struct slice){text.data, text.length - 1}, maximum, &number) ||
            number == 0)
            return false;
        *seconds_r = number * units[i].seconds;
        return true;
    }
    return false;
}

void duration_format(int64_t seconds, char out[static DURATION_TEXT_SIZE])
{
    size_t i = 0;
    if (seconds < 0)
        seconds = 0;
    while (i + 1 < UNIT_COUNT && seconds < units[i].seconds)
        i++;
    int length = snprintf(out, DURATION_TEXT_SIZE, "%lld%c",
                          (long long)(seconds / units[i].seconds), units[i].letter);
    int64_t rest = seconds % units[i].seconds;
    if (i + 1 < UNIT_COUNT && rest >= units[i + 1].seconds)
        snprintf(out + length, DURATION_TEXT_SIZE - (size_t)length, "%lld%c",
                 (long long)(rest / units[i + 1].seconds), units[i + 1].letter);
}
