#include "milter/reply.h"
#include "t/unit/tap.h"

static const struct row {
    const char *name;
    int code;
    const char *text;
    const char *expected_code, *expected_enhanced_code, *expected_text;
} table[] = {
    {"both parts", 421, "4.3.2 try again later", "421", "4.3.2", "try again later"},
    {"no enhanced code", 421, "try again later", "421", "", "try again later"},
    {"only an enhanced code", 521, "5.7.1", "521", "5.7.1", ""},
    {"long numbers", 521, "5.100.100 no", "521", "5.100.100", "no"},
    {"too long numbers", 521, "5.1000.1 no", "521", "", "5.1000.1 no"},
    {"two parts only", 521, "5.7 no", "521", "", "5.7 no"},
    {"no digit after a dot", 521, "5..1 no", "521", "", "5..1 no"},
    {"four parts", 521, "5.7.1.9 no", "521", "", "5.7.1.9 no"},
    {"glued to the text", 521, "5.7.1no", "521", "", "5.7.1no"},
    {"the code gives the class", 421, "5.7.1 later", "421", "4.7.1", "later"},
    {"percent signs", 521, "5.7.1 100% of %{bots}", "521", "5.7.1", "100%% of %%{bots}"},
    {"line ends", 521, "5.7.1 a\r\nb\tc\x7f.", "521", "5.7.1", "a  b c ."},
    {"UTF-8 stays", 521, "5.7.1 d\xc3\xa9sol\xc3\xa9", "521", "5.7.1", "d\xc3\xa9sol\xc3\xa9"},
    {"empty", 521, "", "521", "", ""},
};

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct reply reply;
        reply_format(table[i].code, table[i].text, &reply);
        is_string(reply.code, table[i].expected_code, table[i].name);
        is_string(reply.enhanced_code, table[i].expected_enhanced_code, table[i].name);
        is_string(reply.text, table[i].expected_text, table[i].name);
    }
}

static void test_long_text(void)
{
    char text[2 * REPLY_TEXT_SIZE];
    struct reply reply;
    memset(text, '%', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    reply_format(421, text, &reply);
    ok(strlen(reply.text) < REPLY_TEXT_SIZE && strlen(reply.text) % 2 == 0,
       "a long text is cut, never between two percent signs");
    memset(text, 'x', sizeof(text) - 1);
    reply_format(421, text, &reply);
    ok(strlen(reply.text) >= REPLY_TEXT_SIZE - 3, "... and no more than needed");
}

int main(void)
{
    test_table();
    test_long_text();
    return done_testing();
}
