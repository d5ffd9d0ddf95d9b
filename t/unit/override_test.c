/* Overrides: the hash with distrust, what counts for a host now, numbers from outside. */
#include "common/override.h"

#include "common/number.h"
#include "t/unit/tap.h"

#define NOW_S 1800000000

static struct override parse(const char *const texts[][2], size_t count)
{
    struct redis_field fields[8];
    struct override override;
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct redis_field){slice_from_string(texts[i][0]),
                                         slice_from_string(texts[i][1])};
    override_parse(fields, count, &override);
    return override;
}
#define PARSE(...)                                                                             \
    parse((const char *const[][2]){__VA_ARGS__},                                               \
          sizeof((const char *const[][2]){__VA_ARGS__}) / (2 * sizeof(char *)))

static void test_effect(void)
{
    struct override none = {.has_level = false};
    struct override level = PARSE({"level", "critical"}, {"level_until", "1800000060"});
    struct override off = PARSE({"mode", "off"}, {"mode_until", "1800000010"}, {"by", "root"});
    struct override_effect effect = override_effect(&none, &none, NOW_S);
    ok(!effect.is_level_forced && !effect.is_off, "nothing is forced");
    effect = override_effect(&level, &none, NOW_S);
    ok(effect.is_level_forced && effect.level == LEVEL_CRITICAL && !effect.is_off, "a level");
    ok(effect.level_until_s == NOW_S + 60 && !effect.is_level_for_all, "... until when");
    effect = override_effect(&level, &off, NOW_S);
    ok(effect.is_level_forced && effect.is_off && effect.is_off_for_all,
       "the host's level, and off for all");
    is_string(off.by, "root", "by whom");
    ok(!override_effect(&level, &off, NOW_S + 10).is_off, "off is over");
    ok(!override_effect(&level, &off, NOW_S + 60).is_level_forced, "the level is too");

    struct override calm = PARSE({"level", "calm"}, {"level_until", "1800000020"});
    effect = override_effect(&calm, &level, NOW_S);
    ok(effect.is_level_forced && effect.level == LEVEL_CALM && !effect.is_level_for_all,
       "the host's own comes before that of all");
    effect = override_effect(&calm, &level, NOW_S + 20);
    ok(effect.level == LEVEL_CRITICAL && effect.is_level_for_all, "... until it is over");
    struct override_effect same = effect;
    ok(override_effect_equals(&same, &effect), "equal");
    same.level = LEVEL_CALM;
    ok(!override_effect_equals(&same, &effect), "not equal");
}

static void test_distrust(void)
{
    static const char *const wrong[][3][2] = {
        {{"level", "panic"}, {"level_until", "1800000060"}},
        {{"level", "critical"}, {"other", "1800000060"}},
        {{"level", "critical"}, {"level_until", ""}},
        {{"level", "critical"}, {"level_until", "-1"}},
        {{"level", "critical"}, {"level_until", "1800000060.5"}},
        {{"level", "critical"}, {"level_until", "0x7fffffff"}},
        {{"level", "critical"}, {"level_until", "9223372036854775807"}},
        {{"level", "critical"}, {"level_until", "9223372036854775808"}},
        {{"level", "critical"}, {"level_until", "1802678401"}}, /* 31 days, a second */
        {{"mode", "observe"}, {"mode_until", "1800000060"}},
        {{"mode", "OFF"}, {"mode_until", "1800000060"}},
        {{"mode", "off"}, {"mode_until", "1800000000"}},
    };
    struct override none = {.has_level = false};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct override override = parse(wrong[i], 2);
        struct override_effect effect = override_effect(&override, &none, NOW_S);
        ok(!effect.is_level_forced && !effect.is_off, "%s %s, %s %s: does not count",
           wrong[i][0][0], wrong[i][0][1], wrong[i][1][0], wrong[i][1][1]);
    }
    char text[4096];
    memset(text, 'x', sizeof(text));
    struct redis_field field = {SLICE_LITERAL("note"), {text, sizeof(text)}};
    struct override override;
    override_parse(&field, 1, &override);
    is_number(strlen(override.note), OVERRIDE_TEXT_SIZE - 1, "a note is cut");
}

static void test_command(void)
{
    char buffer[4096];
    struct redis_command command = REDIS_COMMAND(buffer);
    override_command(&command, SLICE_LITERAL("pv:override:*"), OVERRIDE_LEVEL,
                     SLICE_LITERAL("stressed"), 1000000000, SLICE_LITERAL("root"),
                     SLICE_LITERAL("a b"));
    ok(!command.is_overflown && strncmp(buffer, "*9\r\n$4\r\nEVAL\r\n", 14) == 0, "EVAL");
    buffer[command.length] = '\0';
    ok(strstr(buffer, "$5\r\nlevel\r\n$8\r\nstressed\r\n$7\r\n2678400\r\n$4\r\nroot\r\n") !=
           NULL,
       "arguments, with a time that is bounded");
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        int64_t maximum, number; /* -1: none */
    } whole[] = {
        {"0", 9, 0},
        {"10", 9, -1},
        {"9", 9, 9},
        {"9", 5, -1},
        {"007", 9, 7},
        {"", 9, -1},
        {" 1", 9, -1},
        {"+1", 9, -1},
        {"1\n", 9, -1},
        {"9223372036854775807", INT64_MAX, INT64_MAX},
        {"9223372036854775808", INT64_MAX, -1},
        {"99999999999999999999999", INT64_MAX, -1},
    };
    static const struct {
        const char *text;
        double number; /* -1: none */
    } fractions[] = {
        {"0", 0},    {"1.50", 1.5},  {"1.", 1},    {".5", -1},  {"", -1},
        {".", -1},   {"1.2.3", -1},  {"-1", -1},   {"1e2", -1}, {"nan", -1},
        {"inf", -1}, {"100.01", -1}, {"100", 100},
    };
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        int64_t number = -1;
        ok(number_parse(slice_from_string(whole[i].text), whole[i].maximum, &number) ==
               (whole[i].number >= 0),
           "\"%s\"", whole[i].text);
        ok(number == whole[i].number, "... %lld", (long long)number);
    }
    for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
        double number = -1;
        ok(number_parse_fraction(slice_from_string(fractions[i].text), 100, &number) ==
               (fractions[i].number >= 0),
           "\"%s\"", fractions[i].text);
        is_number(number, fractions[i].number, "... its value");
    }
}

int main(void)
{
    test_effect();
    test_distrust();
    test_command();
    test_numbers();
    return done_testing();
}
