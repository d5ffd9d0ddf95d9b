#include "common/escape.h"
#include "t/unit/tap.h"

static const struct {
    const char *text;
    size_t size;
    const char *expected;
} cases[] = {
    {"plain.example", 64, "plain.example"},
    {"", 64, "-"},
    {"a b", 64, "a\\x20b"},
    {"x=1 rule=bot", 64, "x\\x3d1\\x20rule\\x3dbot"},
    {"\r\nroot: owned\"", 64, "\\x0d\\x0aroot:\\x20owned\\x22"},
    {"back\\slash", 64, "back\\x5cslash"},
    {"\xc3\xa9\x7f\x1b[31m", 64, "\\xc3\\xa9\\x7f\\x1b[31m"},
    {"12345678901234567890", 12, "12345678..."},
    {"1234567\x01\x01", 12, "1234567..."},
    {"12345678901", 12, "12345678901"},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64];
        memset(out, 'Z', sizeof(out));
        size_t length = escape_text(slice_from_string(cases[i].text), out, cases[i].size);
        is_string(out, cases[i].expected, cases[i].expected);
        ok(length == strlen(out) && length < cases[i].size, "  its length");
    }
    char out[64];
    escape_text((struct slice){"a\0b", 3}, out, sizeof(out));
    is_string(out, "a\\x00b", "a NUL does not end the text");
    escape_words(SLICE_LITERAL("a \"b\" = \\c\n\x7f"), out, sizeof(out));
    is_string(out, "a \"b\" = \\x5cc\\x0a\\x7f", "words");
    is_number(escape_words(SLICE_LITERAL(""), out, sizeof(out)), 0, "no words");
    return done_testing();
}
