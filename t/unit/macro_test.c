#include "common/macro.h"
#include "t/unit/tap.h"

#include <stdlib.h>

/* Names a, b and so on, by number; "none" has an empty value. */
static const struct {
    const char *name, *value;
} values[] = {
    {"a", "alpha"}, {"b", "beta"}, {"none", ""},
    {"n7", "7"},    {"n10", "10"}, {"wild", "$a${b}\t\x01\xc3\xa9\n{}%n"},
    {"_x", "x"},
};
#define VALUE_COUNT (sizeof(values) / sizeof(values[0]))

static bool resolve(struct slice name, unsigned *id_r)
{
    for (unsigned i = 0; i < VALUE_COUNT; i++) {
        if (slice_equals(name, slice_from_string(values[i].name))) {
            *id_r = i;
            return true;
        }
    }
    return false;
}

static struct slice value_of(const void *context, unsigned id)
{
    (void)context;
    return slice_from_string(values[id].value);
}

/* The expansion, or "error: ..."; static. */
static const char *expand(struct slice template, size_t maximum)
{
    static char text[8192];
    struct error error;
    struct macro *macro = macro_compile(template, resolve, &error);
    if (!macro) {
        snprintf(text, sizeof(text), "error: %s", error.text);
        return text;
    }
    struct buffer out = BUFFER_WITH_MAXIMUM(maximum);
    macro_expand(macro, value_of, NULL, &out);
    slice_copy_string((struct slice){out.data, out.length}, text, sizeof(text));
    buffer_free(&out);
    macro_free(macro);
    return text;
}

static const struct {
    const char *template, *expected;
} cases[] = {
    /* text */
    {"", ""},
    {"plain text.", "plain text."},
    {"a$$b", "a$b"},
    {"$$", "$"},
    {"$$$$a", "$$a"},
    {"$$${a}$$", "$alpha$"},
    {"}{)(", "}{)("},
    /* values */
    {"$a", "alpha"},
    {"${a}", "alpha"},
    {"$(a)", "alpha"},
    {"$a$b", "alphabeta"},
    {"$a.$b", "alpha.beta"},
    {"${a}b", "alphab"},
    {"[$none]", "[]"},
    {"$_x", "x"},
    {"${ a }", "alpha"},
    {"$( a\t)", "alpha"},
    {"$wild", "$a${b}\t____{}%n"},
    /* conditions */
    {"${a?yes}", "yes"},
    {"${a:no}", ""},
    {"${none?yes}", ""},
    {"${none:no}", "no"},
    {"${absent?yes}", ""},
    {"${absent:no}", "no"},
    {"${absent?{$a}:{$b}}", "beta"},
    {"${a?$b}", "beta"},
    {"${a?}", ""},
    {"${a? x }", " x "},
    {"${a ?x}", "x"},
    {"${ a ? {x} }", "x"},
    {"${a?{yes}:{no}}", "yes"},
    {"${none?{yes}:{no}}", "no"},
    {"${a ? {yes} : {no} }", "yes"},
    {"${a?{yes}:no}", "yes"},
    {"${none?{yes}: no}", " no"},
    {"${a?{ yes }}", " yes "},
    {"$(a?yes)", "yes"},
    {"$(a?{(})", "error: no end of the macro at \"$(a?{(})\""},
    {"${a?{x}${b?{y}:{z}}}", "error: no \":\" at \"${b?{y}:{z}}\""},
    {"${a?{x${b?{y}:{z}}}}", "xy"},
    /* what 2.11 had: everything behind the first ? or : is text */
    {"${a??x}", "?x"},
    {"${none::x}", ":x"},
    {"${a?x:y}", "x:y"},
    {"${a?x{y}z}", "x{y}z"},
    {"${a??x:{b}r}", "?x:{b}r"},
    {"${?x}", ""},
    {"${:x}", "x"},
    /* comparisons */
    {"${{a} == {a}}", "true"},
    {"[${{a} == {b}}]", "[]"},
    {"${{$a} == {alpha}?yes}", "yes"},
    {"${{$a}=={alpha}?{yes}:{no}}", "yes"},
    {"${{$a} != {alpha} ? {yes} : {no}}", "no"},
    {"${ {$a} == {alpha} ? {yes} : {no} }", "yes"},
    {"${{$a} == {alpha} : {no}}", ""},
    {"${{$a} == {x} : {no}}", "no"},
    {"${{$none} == {} ? {empty}}", "empty"},
    {"${{7} < {10}}", "true"},
    {"${{$n7} < {$n10}}", "true"},
    {"[${{$n10} < {$n7}}]", "[]"},
    {"${{007} == {7}}", "true"},
    {"${{00} == {0}}", "true"},
    {"${{x7} > {x10}}", "true"},
    {"${{7} > {x}}${{7} < {x}}", "true"},
    {"${{99999999999999999999999} > {99999999999999999999998}}", "true"},
    {"${{a} <= {a}}${{a} >= {a}}", "truetrue"},
    {"${{a} < {a}}${{a} > {a}}", ""},
    {"${{b} > {a}}", "true"},
    {"${{a} < {ab}}", "true"},
    {"${{} < {a}}", "true"},
    {"${{} == {}}", "true"},
    {"${{${{$a} == {alpha} ? {x} : {y}}} == {x} ? {deep}}", "deep"},
    {"before ${{$a$b} == {alphabeta}?{same}} after", "before same after"},
    {"${{$wild} == {$$a$${b}\t____{}%n}?{same}:{other}}", "same"},
    {"${{\xc3\xa9} > {z}}", "true"},
    /* mistakes */
    {"$", "error: $ without a name at \"$\""},
    {"5$ each", "error: $ without a name at \"$ each\""},
    {"${}", "error: $ without a name at \"${}\""},
    {"$()", "error: $ without a name at \"$()\""},
    {"${ }", "error: unknown name at \"\""},
    {"$absent", "error: unknown name at \"absent\""},
    {"${a?$absent}", "error: unknown name at \"absent\""},
    {"${none?{$absent}}", "error: unknown name at \"absent\""},
    {"${{$absent} == {}}", "error: unknown name at \"absent\""},
    {"${a", "error: no end of the macro at \"${a\""},
    {"$(a", "error: no end of the macro at \"$(a\""},
    {"${a)", "error: no end of the macro at \"${a)\""},
    {"${a b}", "error: not a name at \"a b\""},
    {"${a-b}", "error: not a name at \"a-b\""},
    {"${a{x}}", "error: not a name at \"a{x}\""},
    {"${a?{x}y}", "error: no \":\" at \"y\""},
    {"${a?{x}:{y}z}", "error: text after the last alternative at \"z\""},
    {"${a?{x}?{y}}", "error: no \":\" at \"?{y}\""},
    {"${{a}}", "error: no \"==\", \"!=\", \"<\", \"<=\", \">=\" or \">\" at \"\""},
    {"${{a} = {a}}", "error: no \"==\", \"!=\", \"<\", \"<=\", \">=\" or \">\" at \"= {a}\""},
    {"${{a} <> {a}}", "error: no \"==\", \"!=\", \"<\", \"<=\", \">=\" or \">\" at \"<> {a}\""},
    {"${{a} ==level {a}}", "error: no {text} to compare with at \"level {a}\""},
    {"${{a} == a}", "error: no {text} to compare with at \"a\""},
    {"${{a} == {a}x}", "error: no \"?\" or \":\" at \"x\""},
    {"${{a} == {a} ? {b} c}", "error: no \":\" at \"c\""},
    {"${none?{a${{1}}}:{b}}",
     "error: no \"==\", \"!=\", \"<\", \"<=\", \">=\" or \">\" at \"\""},
    {"tab\t$ and a very long rest", "error: $ without a name at \"$ and a very long re\""},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_string(expand(slice_from_string(cases[i].template), 4096), cases[i].expected,
                  cases[i].template);
}

static void test_cut(void)
{
    is_string(expand(SLICE_LITERAL("12345"), 3), "123", "text is cut");
    is_string(expand(SLICE_LITERAL("12$a"), 4), "12al", "a value is cut");
    is_string(expand(SLICE_LITERAL("12$a$b${b?x}"), 4), "12al", "nothing follows the cut");
    is_string(expand(SLICE_LITERAL("1${{$a}=={alpha}?{x}:{y}}"), 11), "1x",
              "operands that just fit");
    is_string(expand(SLICE_LITERAL("x"), 0), "", "no room");
}

/* depth conditions in one another around text. */
static const char *nested(int depth)
{
    static char text[MACRO_TEXT_MAX + 1];
    size_t length = 0;
    for (int i = 0; i < depth; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "${a?");
    length += (size_t)snprintf(text + length, sizeof(text) - length, "x");
    for (int i = 0; i < depth; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "}");
    return text;
}

static void test_limits(void)
{
    static char text[MACRO_TEXT_MAX + 1];
    is_string(expand(slice_from_string(nested(99)), 10), "x", "nested deep");
    is_string(expand(slice_from_string(nested(100)), 10), "error: nested too deeply at \"x\"",
              "... too deep");
    memset(text, 'x', sizeof(text));
    ok(strlen(expand((struct slice){text, MACRO_TEXT_MAX}, 8000)) == MACRO_TEXT_MAX,
       "the longest template");
    is_string(expand((struct slice){text, MACRO_TEXT_MAX + 1}, 8000),
              "error: 4097 bytes, allowed: at most 4096", "... and one that is too long");
    memset(text, '$', sizeof(text));
    ok(strlen(expand((struct slice){text, MACRO_TEXT_MAX}, 8000)) == MACRO_TEXT_MAX / 2,
       "as many nodes as can be");
    is_string(expand((struct slice){"a\0b", 3}, 8), "a", "a zero byte is text");
    is_string(expand((struct slice){NULL, 0}, 8), "", "no text at all");
}

static void test_uses(void)
{
    struct error error;
    struct macro *macro =
        macro_compile(SLICE_LITERAL("${b?{x}:{${{$n7}=={7}?{$n10}}}}"), resolve, &error);
    ok(macro != NULL, "compiled");
    if (!macro)
        return;
    ok(!macro_uses(macro, 0), "a is not used");
    ok(macro_uses(macro, 1), "b is, as a condition");
    ok(macro_uses(macro, 3), "n7 is, in a comparison");
    ok(macro_uses(macro, 4), "n10 is, in a branch");
    ok(!macro_uses(macro, 64) && !macro_uses(macro, 1000), "there are no more names");
    ok(slice_equals(macro_text(macro), SLICE_LITERAL("${b?{x}:{${{$n7}=={7}?{$n10}}}}")),
       "the text is as given");
    macro_free(macro);
    macro_free(NULL);
}

static void test_append(void)
{
    struct error error;
    struct buffer out = BUFFER_WITH_MAXIMUM(64);
    struct macro *macro = macro_compile(SLICE_LITERAL("${{$a}=={alpha}?$b}"), resolve, &error);
    if (!macro)
        abort();
    buffer_append(&out, "\x01> ", 3);
    macro_expand(macro, value_of, NULL, &out);
    macro_expand(macro, value_of, NULL, &out);
    ok(slice_equals((struct slice){out.data, out.length}, SLICE_LITERAL("\x01> betabeta")),
       "appends, and leaves alone what is there");
    buffer_free(&out);
    macro_free(macro);
}

int main(void)
{
    test_cases();
    test_cut();
    test_limits();
    test_uses();
    test_append();
    return done_testing();
}
