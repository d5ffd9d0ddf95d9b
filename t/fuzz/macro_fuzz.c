/*
 * Fuzzer of the template compiler: a template is refused with a reason, or can be expanded; and
 * every expansion begins in one of the ways that were foreseen without the values.
 */
#include "common/macro.h"
#include "common/macro_start.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define NAMES        4
#define START_LENGTH 4
#define STARTS_MAX   5000
#define RESULT_MAX   20000

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const struct {
    const char *name;
    enum macro_knowledge knowledge;
    const char *value;
} names[NAMES] = {
    {"code", MACRO_EXACT, "554"},
    {"some", MACRO_NOT_EMPTY, "a\xff$b"},
    {"any", MACRO_ANY, "7"},
    {"x", MACRO_ANY, "yz"},
};

static bool resolve(struct slice name, unsigned *id_r)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (slice_equals(name, slice_from_string(names[i].name))) {
            *id_r = i;
            return true;
        }
    }
    return false;
}

/* Bit: the name has its value; else it is empty. */
static struct slice value_of(const void *context, unsigned id)
{
    const unsigned *present = context;
    require(id < NAMES);
    if (names[id].knowledge == MACRO_ANY && (*present >> id & 1) == 0)
        return (struct slice){"", 0};
    return slice_from_string(names[id].value);
}

static enum macro_knowledge know(const void *context, unsigned id, struct slice *value_r)
{
    (void)context;
    require(id < NAMES);
    *value_r = slice_from_string(names[id].value);
    return names[id].knowledge;
}

struct starts {
    size_t count;
    struct {
        char text[START_LENGTH];
        size_t length;
    } items[STARTS_MAX];
};

static bool add_start(void *context, struct slice start)
{
    struct starts *starts = context;
    require(start.length <= START_LENGTH && starts->count < STARTS_MAX);
    memcpy(starts->items[starts->count].text, start.data, start.length);
    /* values are filtered when they are written, examples are not */
    for (size_t i = 0; i < start.length; i++)
        if (start.data[i] == '\xff')
            starts->items[starts->count].text[i] = '_';
    starts->items[starts->count++].length = start.length;
    return true;
}

static bool has_start(const struct starts *starts, struct slice text)
{
    size_t length = text.length < START_LENGTH ? text.length : START_LENGTH;
    for (size_t i = 0; i < starts->count; i++)
        if (starts->items[i].length == length &&
            (length == 0 || memcmp(starts->items[i].text, text.data, length) == 0))
            return true;
    return false;
}

static void check_expansion(const struct macro *macro, unsigned present,
                            const struct starts *starts)
{
    struct buffer out = BUFFER_WITH_MAXIMUM(RESULT_MAX), cut = BUFFER_WITH_MAXIMUM(10);
    macro_expand(macro, value_of, &present, &out);
    macro_expand(macro, value_of, &present, &cut);
    require(out.length <= RESULT_MAX && cut.length <= 10);
    bool has_high_byte =
        memchr(macro_text(macro).data, '\xff', macro_text(macro).length) != NULL;
    if (starts && out.length < RESULT_MAX && !has_high_byte)
        require(has_start(starts, (struct slice){out.data, out.length}));
    buffer_free(&out);
    buffer_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct starts starts;
    struct error error = {""};
    struct macro *macro =
        macro_compile((struct slice){(const char *)bytes, size}, resolve, &error);
    require((macro == NULL) == (error.text[0] != '\0'));
    for (const char *c = error.text; *c; c++)
        require(*c >= ' ' && *c <= '~');
    if (!macro)
        return 0;
    require(size <= MACRO_TEXT_MAX && macro_text(macro).length == size);
    starts.count = 0;
    bool are_known = macro_start_each(macro, START_LENGTH, know, NULL, add_start, &starts);
    require(!are_known || starts.count > 0);
    for (unsigned present = 0; present < 1U << NAMES; present += 4)
        check_expansion(macro, present, are_known ? &starts : NULL);
    macro_free(macro);
    return 0;
}
