/* Kinds of settings: endpoint, lists of endpoints, of networks and of strings. A list is taken
 * over whole or not at all, but every wrong item of it is reported. */
#include "common/setting_type.h"

#include "common/endpoint.h"
#include "common/memory.h"

#include <stdlib.h>

#define STRING_MAX      1023 /* bytes of an item */
#define STRING_ALLOWED  "a string of 1 to 1023 printable ASCII characters"
#define NETWORK_ALLOWED "\"192.0.2.0/24\" or \"2001:db8::/32\""

static bool parse_endpoint(const struct setting_reader *reader, const json_t *value,
                           struct endpoint *endpoint_r)
{
    struct error error;
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return false;
    struct slice text = {json_string_value(value), json_string_length(value)};
    if (endpoint_parse(text, endpoint_r, &error))
        return true;
    setting_report(reader, "\"%s\": %s", setting_show_text(reader, value, shown), error.text);
    return false;
}

static void read_endpoint(const struct setting_reader *reader, const json_t *value, void *field)
{
    struct endpoint endpoint = {.type = ENDPOINT_NONE};
    bool is_none = reader->setting->minimum <= 0 && json_is_string(value) &&
                   json_string_length(value) == 0;
    if (!is_none && !parse_endpoint(reader, value, &endpoint))
        return;
    endpoint_release(field);
    *(struct endpoint *)field = endpoint;
}

static json_t *write_endpoint(const struct setting *setting, const void *field)
{
    const struct endpoint *endpoint = field;
    (void)setting;
    return json_string(endpoint->type == ENDPOINT_NONE ? "" : endpoint->text);
}

static void release_endpoint(void *field)
{
    endpoint_release(field);
}

static void allow_endpoint(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "%s%s", ENDPOINT_ALLOWED, setting->minimum > 0 ? "" : ", or \"\"");
}

bool setting_check_list(const struct setting_reader *reader, const json_t *value)
{
    const struct setting *setting = reader->setting;
    if (!setting_expect(reader, value, json_is_array(value)))
        return false;
    double count = (double)json_array_size(value);
    bool is_allowed = count >= setting->minimum && count <= setting->maximum;
    if (!is_allowed)
        setting_report(reader, "has %.0f items", count);
    return is_allowed;
}

static void release_endpoint_list(void *field)
{
    struct endpoint_list *list = field;
    for (size_t i = 0; i < list->count; i++)
        endpoint_release(&list->items[i]);
    free(list->items);
    *list = (struct endpoint_list){NULL, 0};
}

static bool list_has_endpoint(const struct endpoint_list *list, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < list->count; i++)
        if (endpoint_equals(&list->items[i], endpoint))
            return true;
    return false;
}

static void read_endpoint_list(const struct setting_reader *reader, const json_t *value,
                               void *field)
{
    if (!setting_check_list(reader, value))
        return;
    size_t size = json_array_size(value);
    struct endpoint_list list = {memory_allocate(size, sizeof(*list.items)), 0};
    for (size_t i = 0; i < size; i++) {
        struct setting_reader item = {reader->setting, reader->problems, i};
        struct endpoint endpoint;
        if (!parse_endpoint(&item, json_array_get(value, i), &endpoint))
            continue;
        if (list_has_endpoint(&list, &endpoint)) {
            setting_report(&item, "\"%s\" is in the list twice", endpoint.text);
            endpoint_release(&endpoint);
            continue;
        }
        list.items[list.count++] = endpoint;
    }
    if (list.count < size) {
        release_endpoint_list(&list);
        return;
    }
    release_endpoint_list(field);
    *(struct endpoint_list *)field = list;
}

static json_t *write_endpoint_list(const struct setting *setting, const void *field)
{
    const struct endpoint_list *list = field;
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, write_endpoint(setting, &list->items[i]));
    return array;
}

static void allow_endpoint_list(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "a list of %.15g to %.15g of %s", setting->minimum,
             setting->maximum, ENDPOINT_ALLOWED);
}

static void release_network_list(void *field)
{
    struct network_list *list = field;
    free(list->items);
    *list = (struct network_list){NULL, 0};
}

static bool parse_network(const struct setting_reader *reader, const json_t *value,
                          struct network *network_r)
{
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return false;
    struct slice text = {json_string_value(value), json_string_length(value)};
    bool is_parsed = network_parse(text, network_r);
    if (!is_parsed)
        setting_report(reader, "\"%s\" is no network, or has host bits set",
                       setting_show_text(reader, value, shown));
    return is_parsed;
}

static void read_network_list(const struct setting_reader *reader, const json_t *value,
                              void *field)
{
    if (!setting_check_list(reader, value))
        return;
    size_t size = json_array_size(value);
    struct network_list list = {memory_allocate(size, sizeof(*list.items)), 0};
    for (size_t i = 0; i < size; i++) {
        struct setting_reader item = {reader->setting, reader->problems, i};
        if (parse_network(&item, json_array_get(value, i), &list.items[list.count]))
            list.count++;
    }
    if (list.count < size) {
        release_network_list(&list);
        return;
    }
    release_network_list(field);
    *(struct network_list *)field = list;
}

static json_t *write_network_list(const struct setting *setting, const void *field)
{
    const struct network_list *list = field;
    json_t *array = json_array();
    (void)setting;
    for (size_t i = 0; i < list->count; i++) {
        char address[ADDRESS_TEXT_SIZE], text[ADDRESS_TEXT_SIZE + 4];
        address_format(&list->items[i].address, address);
        snprintf(text, sizeof(text), "%s/%u", address, list->items[i].prefix_length);
        json_array_append_new(array, json_string(text));
    }
    return array;
}

static void allow_network_list(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "a list of at most %.15g networks such as %s", setting->maximum,
             NETWORK_ALLOWED);
}

static void release_string_list(void *field)
{
    struct string_list *list = field;
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct string_list){NULL, 0};
}

static bool check_string_item(const struct setting_reader *reader, const json_t *value)
{
    char shown[SETTING_SHOWN_SIZE];
    if (!setting_expect(reader, value, json_is_string(value)))
        return false;
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    bool is_printable = true;
    for (size_t i = 0; i < length; i++)
        is_printable = is_printable && text[i] >= ' ' && text[i] <= '~';
    if (length == 0 || length > STRING_MAX)
        setting_report(reader, "has %zu bytes", length);
    else if (!is_printable)
        setting_report(reader, "\"%s\" has other characters",
                       setting_show_text(reader, value, shown));
    return length > 0 && length <= STRING_MAX && is_printable;
}

static void read_string_list(const struct setting_reader *reader, const json_t *value,
                             void *field)
{
    if (!setting_check_list(reader, value))
        return;
    size_t size = json_array_size(value);
    struct string_list list = {memory_allocate(size, sizeof(*list.items)), 0};
    for (size_t i = 0; i < size; i++) {
        struct setting_reader item = {reader->setting, reader->problems, i};
        const json_t *string = json_array_get(value, i);
        if (check_string_item(&item, string))
            list.items[list.count++] = memory_copy_string(json_string_value(string));
    }
    if (list.count < size) {
        release_string_list(&list);
        return;
    }
    release_string_list(field);
    *(struct string_list *)field = list;
}

static json_t *write_string_list(const struct setting *setting, const void *field)
{
    const struct string_list *list = field;
    json_t *array = json_array();
    (void)setting;
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static void allow_string_list(const struct setting *setting, char *out, size_t out_size)
{
    snprintf(out, out_size, "a list of at most %.15g strings", setting->maximum);
}

const struct setting_type_row setting_type_endpoint = {read_endpoint, write_endpoint,
                                                       release_endpoint, allow_endpoint, NULL};
const struct setting_type_row setting_type_endpoint_list = {
    read_endpoint_list, write_endpoint_list, release_endpoint_list, allow_endpoint_list,
    ENDPOINT_ALLOWED};
const struct setting_type_row setting_type_network_list = {
    read_network_list, write_network_list, release_network_list, allow_network_list,
    "a network such as " NETWORK_ALLOWED};
const struct setting_type_row setting_type_string_list = {read_string_list, write_string_list,
                                                          release_string_list,
                                                          allow_string_list, STRING_ALLOWED};
