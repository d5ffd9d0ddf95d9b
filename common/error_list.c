#include "common/error_list.h"

#include <stdarg.h>

void error_list_init(struct error_list *list)
{
    list->count = 0;
    list->omitted = 0;
}

void error_list_add(struct error_list *list, const char *format, ...)
{
    if (list->count == ERROR_LIST_SIZE) {
        list->omitted++;
        return;
    }
    struct error *error = &list->errors[list->count++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
}

bool error_list_is_empty(const struct error_list *list)
{
    return list->count == 0;
}

void error_list_print(const struct error_list *list, const char *prefix, FILE *stream)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(stream, "%s: %s\n", prefix, list->errors[i].text);
    if (list->omitted > 0)
        fprintf(stream, "%s: and %zu more problems\n", prefix, list->omitted);
}
