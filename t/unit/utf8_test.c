#include "common/utf8.h"
#include "t/unit/tap.h"

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t size, length; /* of the first character; 0: malformed */
} cases[] = {
    {BYTES(""), 0},
    {BYTES("a"), 1},
    {BYTES("\0"), 1},
    {BYTES("\x7f"), 1},
    {BYTES("\x80"), 0},
    {BYTES("\xbf"), 0},
    {BYTES("\xc0\x80"), 0},
    {BYTES("\xc1\xbf"), 0},
    {BYTES("\xc2\x80"), 2},
    {BYTES("\xc3\xbcx"), 2},
    {BYTES("\xc3"), 0},
    {BYTES("\xc3x"), 0},
    {BYTES("\xc3\xc0"), 0},
    {BYTES("\xdf\xbf"), 2},
    {BYTES("\xe0\x9f\xbf"), 0},
    {BYTES("\xe0\xa0\x80"), 3},
    {BYTES("\xe2\x82\xac"), 3},
    {BYTES("\xe2\x82"), 0},
    {BYTES("\xe2\x82x"), 0},
    {BYTES("\xed\x9f\xbf"), 3},
    {BYTES("\xed\xa0\x80"), 0},
    {BYTES("\xee\x80\x80"), 3},
    {BYTES("\xef\xbf\xbf"), 3},
    {BYTES("\xf0\x8f\xbf\xbf"), 0},
    {BYTES("\xf0\x90\x80\x80"), 4},
    {BYTES("\xf3\xbf\xbf\xbf"), 4},
    {BYTES("\xf4\x8f\xbf\xbf"), 4},
    {BYTES("\xf4\x90\x80\x80"), 0},
    {BYTES("\xf5\x80\x80\x80"), 0},
    {BYTES("\xff"), 0},
    {BYTES("\xf0\x90\x80"), 0},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = {cases[i].bytes, cases[i].size};
        is_number(utf8_character_length(text), cases[i].length, "length of a character");
    }
    ok(utf8_is_valid((struct slice){BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac")}), "valid text");
    ok(utf8_is_valid((struct slice){NULL, 0}), "no text");
    ok(!utf8_is_valid((struct slice){BYTES("gr\xfc\xdf")}), "text in another character set");
    ok(!utf8_is_valid((struct slice){BYTES("gr\xc3")}), "text that is cut");
    return done_testing();
}
