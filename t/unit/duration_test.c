/* Durations: as typed, as shown. */
#include "common/duration.h"

#include "t/unit/tap.h"

int main(void)
{
    static const struct {
        const char *text;
        int64_t maximum, seconds; /* -1: none */
    } parsed[] = {
        {"30s", 86400, 30},
        {"10m", 86400, 600},
        {"2h", 86400, 7200},
        {"1d", 86400, 86400},
        {"2d", 86400, -1},
        {"86400s", 86400, 86400},
        {"86401s", 86400, -1},
        {"0s", 86400, -1},
        {"10", 86400, -1},
        {"", 86400, -1},
        {"m", 86400, -1},
        {"1w", 86400, -1},
        {"-1m", 86400, -1},
        {"1.5h", 86400, -1},
        {"1h30m", 86400, -1},
        {" 1m", 86400, -1},
        {"99999999999999999999d", INT64_MAX, -1},
        {"31d", 2678400, 2678400},
    };
    for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
        int64_t seconds = -1;
        bool is_parsed =
            duration_parse(slice_from_string(parsed[i].text), parsed[i].maximum, &seconds);
        ok(is_parsed == (parsed[i].seconds >= 0) && seconds == parsed[i].seconds, "'%s'",
           parsed[i].text);
    }

    static const struct {
        int64_t seconds;
        const char *text;
    } formatted[] = {
        {-5, "0s"},   {0, "0s"},    {59, "59s"},    {60, "1m"},      {598, "9m58s"},
        {7200, "2h"}, {7205, "2h"}, {7260, "2h1m"}, {90000, "1d1h"}, {INT64_MAX, ""},
    };
    for (size_t i = 0; i < sizeof(formatted) / sizeof(formatted[0]); i++) {
        char text[DURATION_TEXT_SIZE];
        duration_format(formatted[i].seconds, text);
        if (i + 1 < sizeof(formatted) / sizeof(formatted[0]))
            is_string(text, formatted[i].text, formatted[i].text);
        else
            ok(strlen(text) < sizeof(text), "the longest fits");
    }
    return done_testing();
}
