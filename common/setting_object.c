/* Kind of setting: a list of objects, each read by the table of its items. */
#include "common/setting_type.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_SIZE (SETTING_KEY_SIZE + 32)

/* The field is a struct of the item's own type: pointer and count, as struct object_list. */
static struct object_list load(const void *field)
{
    struct object_list list;
    memcpy(&list, field, sizeof(list));
    return list;
}

void setting_object_list_release(const struct setting *setting, void *field)
{
    struct object_list list = load(field);
    for (size_t i = 0; i < list.count; i++)
        setting_rows_release(setting->item, (char *)list.items + i * setting->item->size);
    free(list.items);
    memset(field, 0, sizeof(list));
}

static void read_item(const struct setting_reader *reader, json_t *value, void *base,
                      const struct config *config)
{
    char prefix[PREFIX_SIZE];
    snprintf(prefix, sizeof(prefix), "%s[%zu].", reader->setting->key, reader->item);
    const struct setting_problems problems = {reader->problems->file, reader->problems->errors,
                                              prefix};
    if (setting_expect(reader, value, json_is_object(value)))
        setting_rows_read(reader->setting->item, base, value, config, &problems);
}

static void read_object_list(const struct setting_reader *reader, const json_t *value,
                             void *field)
{
    const struct setting *setting = reader->setting;
    const struct error_list *errors = reader->problems->errors;
    size_t errors_before = errors->count + errors->omitted;
    if (!setting_check_list(reader, value))
        return;
    struct object_list list = {NULL, json_array_size(value)};
    list.items = memory_allocate(list.count, setting->item->size);
    const struct config *config = (const void *)((const char *)field - setting->offset);
    for (size_t i = 0; i < list.count; i++) {
        struct setting_reader item = {setting, reader->problems, i};
        read_item(&item, json_array_get(value, i), (char *)list.items + i * setting->item->size,
                  config);
    }
    if (errors->count + errors->omitted > errors_before) {
        setting_object_list_release(setting, &list);
        return;
    }
    setting_object_list_release(setting, field);
    memcpy(field, &list, sizeof(list));
}

static json_t *write_object_list(const struct setting *setting, const void *field)
{
    struct object_list list = load(field);
    json_t *array = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(array,
                              setting_rows_write(setting->item, (const char *)list.items +
                                                                    i * setting->item->size));
    return array;
}

static void allow_object_list(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "a list of %.15g to %.15g objects", setting->minimum,
             setting->maximum);
}

const struct setting_type_row setting_type_object_list = {read_object_list, write_object_list,
                                                          NULL, allow_object_list, "an object"};
