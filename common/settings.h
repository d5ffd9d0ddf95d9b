/*
 * settings - the one table of settings: a row gives parser, range check, default,
 * --print-config and the option list of the manual page.
 *
 * To add a setting: a field in struct config and a row in settings_table.c. A new kind of value
 * is a row in setting_type.c.
 *
 * Values in a file are addressed by dotted key paths ("policyd.socket.mode"); an item of a list
 * as "policyd.listen[1]", counted from 0. The items of a list of objects have a table of their
 * own; their values are addressed as "services[1].port".
 */
#ifndef POSTVALVE_COMMON_SETTINGS_H
#define POSTVALVE_COMMON_SETTINGS_H

#include "common/config.h"
#include "common/error_list.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum setting_type {                        /* type of the field in struct config: */
                    SETTING_BOOLEAN,       /* bool */
                    SETTING_INTEGER,       /* int64_t */
                    SETTING_NUMBER,        /* double */
                    SETTING_STRING,        /* char * */
                    SETTING_PATH,          /* char * */
                    SETTING_REPLY,         /* char * */
                    SETTING_ENUM,          /* an enum, as wide as int */
                    SETTING_MODE,          /* int64_t; octal text in the file */
                    SETTING_SLOT_LIMIT,    /* int64_t; "auto" is SLOT_LIMIT_AUTO */
                    SETTING_ENDPOINT,      /* struct endpoint */
                    SETTING_ENDPOINT_LIST, /* struct endpoint_list */
                    SETTING_NETWORK_LIST,  /* struct network_list */
                    SETTING_STRING_LIST,   /* struct string_list */
                    SETTING_OBJECT_LIST,   /* struct object_list, of what its rows say */
                    SETTING_TYPE_COUNT
};

struct setting;
struct setting_rows {
    const struct setting *rows;
    size_t count;
    size_t size; /* of the struct that they describe */
};

/* As every list of objects begins; the items are of the size that its rows say. */
struct object_list {
    void *items;
    size_t count;
};

struct setting {
    const char *key; /* dotted path */
    enum setting_type type;
    size_t offset; /* of the field in struct config, or in the item of a list of objects */
    /* Numbers: the value as in the file. Strings: bytes; a minimum of 0 allows "". Endpoint: 0
     * allows "". Lists: items. Modes, booleans, enums, slot limit: not used / maximum only. */
    double minimum, maximum;
    const char *default_text; /* JSON */
    const char *inherits;     /* in items: the setting whose value is the default instead */
    const struct setting_rows *item; /* SETTING_OBJECT_LIST: the table of its items */
    const char *unit;                /* plural: "seconds"; NULL: none */
    int64_t scale;            /* integers: the field is the value times this; 0: as it is */
    const char *const *names; /* SETTING_ENUM: by enum value, NULL at the end */
    const char *characters;   /* SETTING_STRING: allowed besides letters and digits; NULL: any
                                 printable ASCII */
    char reply_class;         /* SETTING_REPLY: first digit of the enhanced status code */
    bool is_secret;           /* printed as "***" */
    const char *help;         /* what it does, and why the default */
};

extern const struct setting settings_table[];
extern const size_t settings_count;
extern const struct setting_rows setting_rows_service; /* items of "services" */

struct setting_group { /* a heading of the manual page */
    const char *key;   /* first part of the keys in it; "": keys of one part */
    const char *title;
};
extern const struct setting_group setting_groups[];
extern const size_t setting_groups_count;

#define SETTING_SECRET_MASK "***"
#define SETTING_KEY_SIZE    64 /* of every key in the table, with the terminating zero */

/* NULL: no setting has this key. */
const struct setting *setting_find(const char *key);
/* Whether settings lie below this key: "policyd", "policyd.socket". */
bool setting_is_group(const char *key);
/* The key of a setting or group that a wrong key was perhaps meant to be; empty: none. */
struct slice setting_nearest_key(const char *key);

/* Where problems go, and which file they are in. */
struct setting_problems {
    const char *file;
    struct error_list *errors;
    const char *prefix; /* of keys, "services[1]."; NULL: none */
};

/* Takes the values of a whole file over, and gives lists of objects that it does not have their
 * defaults. Every problem is reported; a setting with a problem keeps its value. */
void settings_read(struct config *config, json_t *root,
                   const struct setting_problems *problems);
/* The table's defaults, but for lists of objects; a problem here is a mistake in the table. */
void settings_read_defaults(struct config *config, const struct setting_problems *problems);
/* All effective values as JSON, a new reference; secrets masked. */
json_t *settings_write(const struct config *config);

/* Reads the files that the configuration names. */
typedef void config_read_files(struct config *config, const struct setting_problems *problems);
/* As config_load_text(), with those files (NULL: without). For config*.c. */
struct config *config_load_with(const char *name, struct slice text,
                                config_read_files *read_files, struct error_list *errors);

/* base: the struct config, or the item of a list of objects, that the setting is of. */

/* Takes one value over. */
void setting_read(const struct setting *setting, void *base, const json_t *value,
                  const struct setting_problems *problems);
/* As settings_write(), one value. */
json_t *setting_write(const struct setting *setting, const void *base);
/* Frees what the field owns. */
void setting_release(const struct setting *setting, void *base);

#define SETTING_ALLOWED_SIZE 256
/* What the file may say: "an integer from 1 to 60 (seconds)". */
void setting_format_allowed(const struct setting *setting,
                            char out[static SETTING_ALLOWED_SIZE]);

/* The option list of postvalve.json(5), in roff (man macros). */
void settings_print_man(FILE *stream);

#endif
