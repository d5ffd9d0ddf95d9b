/*
 * Fuzzer of the configuration loader: a file is either taken or refused with a reason, and what
 * is taken is printed in a form that is taken too and means the same.
 */
#include "common/config.h"
#include "common/error_list.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_printable(const struct error_list *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        for (const char *text = errors->errors[i].text; *text; text++)
            require(*text >= ' ' && *text <= '~');
}

static char *print_to_string(const struct config *config, size_t *length_r)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, length_r);
    require(stream != NULL);
    config_print(config, stream);
    require(fclose(stream) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct error_list errors;
    size_t length, length_again;

    error_list_init(&errors);
    struct config *config = config_load_text("f", (const char *)bytes, size, &errors);
    require((config == NULL) != error_list_is_empty(&errors));
    require_printable(&errors);
    if (!config)
        return 0;

    char *text = print_to_string(config, &length);
    struct config *again = config_load_text("f", text, length, &errors);
    require(again && error_list_is_empty(&errors));
    char *text_again = print_to_string(again, &length_again);
    require(length == length_again && memcmp(text, text_again, length) == 0);
    free(text);
    free(text_again);
    config_free(config);
    config_free(again);
    return 0;
}
