#include "common/macro_start.h"
#include "t/unit/tap.h"

#include <stdlib.h>

/* exact "554", some: never empty, any: may be empty; any2 likewise. */
enum { ID_EXACT, ID_SOME, ID_ANY, ID_ANY2, ID_COUNT };
static const struct {
    const char *name;
    enum macro_knowledge knowledge;
    const char *value;
} names[ID_COUNT] = {
    [ID_EXACT] = {"exact", MACRO_EXACT, "554"},
    [ID_SOME] = {"some", MACRO_NOT_EMPTY, "S"},
    [ID_ANY] = {"any", MACRO_ANY, "A"},
    [ID_ANY2] = {"any2", MACRO_ANY, "B"},
};

static bool resolve(struct slice name, unsigned *id_r)
{
    for (unsigned i = 0; i < ID_COUNT; i++) {
        if (slice_equals(name, slice_from_string(names[i].name))) {
            *id_r = i;
            return true;
        }
    }
    return false;
}

static enum macro_knowledge know(const void *context, unsigned id, struct slice *value_r)
{
    (void)context;
    *value_r = slice_from_string(names[id].value);
    return names[id].knowledge;
}

/* All starts, "|" after each. */
static bool collect(void *context, struct slice start)
{
    char *text = context;
    size_t length = strlen(text);
    if (length + start.length + 2 > 4096)
        return false;
    slice_copy_string(start, text + length, 16);
    length += start.length;
    memcpy(text + length, "|", 2);
    return true;
}

static const struct {
    const char *template, *starts;
} cases[] = {
    {"", "|"},
    {"554 text", "554 |"},
    {"55", "55|"},
    {"$exact $any", "554 |"},
    {"${exact}x", "554x|"},
    {"$some text", "S te|"},
    {"$any text", "A te| tex|"},
    {"${any?521 }554 x", "521 |554 |"},
    {"${some?521 }554 x", "521 |"},
    {"${exact?521 }554 x", "521 |"},
    {"${any?{521}:{554}} x", "521 |554 |"},
    /* the same question has the same answer */
    {"${any?521 }${any:554 }x", "521 |554 |"},
    {"${any?{5}:{4}}${any2?{5}:{2}}${any?{4}:{1}} x", "554 |524 |451 |421 |"},
    {"${{$any} == {}?{4}:{5}}${any?{54}:{50}} x", "554 |450 |"},
    {"${{} != {$any}?{5}:{4}}${any?{54}:{50}} x", "554 |450 |"},
    {"${{$any} == {x}?{5}:{4}}${{$any} != {x}?{21}:{54}} x", "554 |421 |"},
    {"${{$any} < {x}?{5}:{4}}${{$any} >= {x}?{21}:{54}} x", "554 |421 |"},
    {"${{$any} <= {x}?{5}:{4}}${{$any} > {x}?{21}:{54}} x", "554 |421 |"},
    {"${{$any} == {x}?{5}:{4}}${{$any} == {y}?{21}:{54}} x", "521 |554 |421 |454 |"},
    /* what is known is decided */
    {"${{$exact} == {554}?{554 }:{no}}", "554 |"},
    {"${{$exact} > {99}?{554 }:{no}}", "554 |"},
    {"${{$some} == {}?{no}:{554 }}", "554 |"},
    {"${{x} == {y}?{no}:{554 }}", "554 |"},
    {"${{$exact} == {554}}", "true|"},
    {"${any?{${{$any}$exact} == {554}?{a}:{b}}}", NULL},
    {"${any:{${{$any$exact} == {554}?{a}:{b}}}}", "|a|"},
    {"${absent?{no}:{554 }}", "554 |"},
    /* what comes behind the start does not matter */
    {"554 ${any?a}${any2?b}$some", "554 |"},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char starts[4096] = "";
        struct error error;
        struct macro *macro =
            macro_compile(slice_from_string(cases[i].template), resolve, &error);
        if (!macro || !cases[i].starts) {
            ok(!macro && !cases[i].starts, "malformed: %s", cases[i].template);
            macro_free(macro);
            continue;
        }
        ok(macro_start_each(macro, 4, know, NULL, collect, starts), "%s", cases[i].template);
        is_string(starts, cases[i].starts, "... starts with");
        macro_free(macro);
    }
}

static bool refuse(void *context, struct slice start)
{
    (void)start;
    ++*(int *)context;
    return false;
}

static bool accept(void *context, struct slice start)
{
    (void)start;
    ++*(int *)context;
    return true;
}

/* A condition for each of count different texts, and nothing written. */
static struct macro *many_conditions(int count)
{
    char text[2048];
    size_t length = 0;
    struct error error;
    for (int i = 0; i < count; i++)
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "${{$any}=={x%d}?{}:{}}", i);
    return macro_compile((struct slice){text, length}, resolve, &error);
}

static void test_limits(void)
{
    struct error error;
    int visits = 0;
    struct macro *macro = macro_compile(SLICE_LITERAL("${any?a}"), resolve, &error);
    ok(macro && !macro_start_each(macro, 4, know, NULL, refuse, &visits) && visits == 1,
       "a visitor may end it");
    macro_free(macro);

    macro = many_conditions(12);
    visits = 0;
    ok(macro && macro_start_each(macro, 4, know, NULL, accept, &visits), "twelve conditions");
    is_number(visits, 4096, "... are as many ways");
    macro_free(macro);
    macro = many_conditions(13);
    visits = 0;
    ok(macro && !macro_start_each(macro, 4, know, NULL, accept, &visits), "more are refused");
    is_number(visits, 0, "... at once");
    macro_free(macro);

    char starts[4096] = "";
    macro = macro_compile(SLICE_LITERAL("123456789012"), resolve, &error);
    ok(macro && macro_start_each(macro, 100, know, NULL, collect, starts), "a long start");
    is_string(starts, "12345678|", "... is not longer than it can be");
    macro_free(macro);
}

int main(void)
{
    test_cases();
    test_limits();
    return done_testing();
}
