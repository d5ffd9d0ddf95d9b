/*
 * setting_type - the kinds of values a setting can have: how each is read from JSON, written
 * back, released and described. For setting_*.c alone; everybody else uses common/settings.h.
 */
#ifndef POSTVALVE_COMMON_SETTING_TYPE_H
#define POSTVALVE_COMMON_SETTING_TYPE_H

#include "common/settings.h"

#define SETTING_NO_ITEM    SIZE_MAX /* the setting itself, not an item of its list */
#define SETTING_SHOWN_SIZE 64       /* of a wrong value, in a message */

struct setting_reader {
    const struct setting *setting;
    const struct setting_problems *problems;
    size_t item;
};

struct setting_type_row {
    /* What is wrong goes to setting_report(); the field is written only when nothing is. */
    void (*read)(const struct setting_reader *reader, const json_t *value, void *field);
    json_t *(*write)(const struct setting *setting, const void *field);
    void (*release)(void *field); /* NULL: owns nothing */
    void (*format_allowed)(const struct setting *setting, char *out, size_t out_size);
    const char *item_allowed; /* lists */
};

extern const struct setting_type_row setting_type_boolean, setting_type_integer,
    setting_type_number, setting_type_slot_limit, setting_type_enum, setting_type_mode;
extern const struct setting_type_row setting_type_string, setting_type_path, setting_type_reply;
extern const struct setting_type_row setting_type_endpoint, setting_type_endpoint_list,
    setting_type_network_list, setting_type_string_list;
extern const struct setting_type_row setting_type_object_list;
void setting_object_list_release(const struct setting *setting, void *field);

/* Reads, writes, releases all that a table of items describes; base: the item, config: where
 * its defaults may come from. */
void setting_rows_read(const struct setting_rows *rows, void *base, json_t *object,
                       const struct config *config, const struct setting_problems *problems);
json_t *setting_rows_write(const struct setting_rows *rows, const void *base);
void setting_rows_release(const struct setting_rows *rows, void *base);

/* "FILE: KEY[ITEM]: WHAT, allowed: ...". */
void setting_report(const struct setting_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A list with as many items as the row allows. */
bool setting_check_list(const struct setting_reader *reader, const json_t *value);
/* Reports the type that the value has unless is_expected, which it returns. */
bool setting_expect(const struct setting_reader *reader, const json_t *value, bool is_expected);
/* A wrong string as a message may show it: escaped, cut, and never a secret. Returns out. */
const char *setting_show_text(const struct setting_reader *reader, const json_t *string,
                              char out[static SETTING_SHOWN_SIZE]);

#endif
