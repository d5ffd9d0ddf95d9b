/* What the hosts say of a DNS list, and what follows for those who make no tests. */
#include "common/rbl_words.h"
#include "t/unit/tap.h"

#define ON  "state=on reason=none lookups=1 updated=1000"
#define OFF "state=off reason=everybody updated=1000"

static void test_word(void)
{
    static const struct {
        const char *word;
        unsigned said, off;
    } rows[] = {
        {OFF, 1, 1},
        {ON, 1, 0},
        {"state=trial reason=errors updated=941", 1, 0},
        {"state=off reason=errors updated=1059 new=1", 1, 1},
        {"state=off reason=errors updated=940", 0, 0},
        {"state=off reason=errors updated=1060", 0, 0},
        {"state=off reason=errors", 0, 0},
        {"state=off updated=x", 0, 0},
        {"state=off updated=9999999999999999999999", 0, 0},
        {"reason=off updated=1000", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rbl_words words = {.said = 0};
        rbl_words_add(&words, slice_from_string(rows[i].word), false, 1000);
        ok(words.said == rows[i].said && words.off == rows[i].off, "word: %s", rows[i].word);
    }
}

static void test_all(void)
{
    static const struct {
        const char *here, *others[3];
        bool is_off;
    } rows[] = {
        {NULL, {NULL}, false},        {OFF, {NULL}, true},
        {OFF, {ON, ON, ON}, true},    {ON, {OFF, OFF, OFF}, false},
        {"x", {OFF}, true},           {NULL, {OFF}, true},
        {NULL, {OFF, ON}, false},     {NULL, {OFF, ON, OFF}, true},
        {NULL, {OFF, "", ON}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rbl_words words = {.said = 0};
        for (size_t j = 0; j < 3 && rows[i].others[j]; j++)
            rbl_words_add(&words, slice_from_string(rows[i].others[j]), false, 1000);
        if (rows[i].here)
            rbl_words_add(&words, slice_from_string(rows[i].here), true, 1000);
        ok(rbl_words_say_off(&words) == rows[i].is_off, "hosts, row %zu", i);
    }
}

int main(void)
{
    test_word();
    test_all();
    return done_testing();
}
