/*
 * redis_tool - what redis_link_tool and redis_async_tool share: settings from NAME=VALUE
 * arguments, commands of one line, answers of one line of NAME=VALUE pairs.
 */
#ifndef POSTVALVE_T_TOOLS_REDIS_TOOL_H
#define POSTVALVE_T_TOOLS_REDIS_TOOL_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/config.h"
#include "common/redis_command.h"

#include <stdbool.h>
#include <stddef.h>

#define TOOL_WORDS_MAX  64
#define TOOL_EXPIRE_S   1000
#define TOOL_FIELDS_MAX 32

struct tool_words {
    size_t count;
    char *words[TOOL_WORDS_MAX];
};

/* server=ENDPOINT, deadline_ms, retry_ms, pool_size, database, username, password, prefix;
 * exits on anything else. */
struct redis_settings tool_settings(int argc, char **argv);
/* Splits a line in place. */
struct tool_words tool_split(char *line);
struct client_key tool_key(const char *text);
/* Words from `from` on: EVIDENCE=AMOUNT, "hung_up", "shared". */
struct session_outcome tool_outcome(const struct tool_words *words, size_t from);
/* Words from `from` on as fields: NAME=VALUE. Returns how many. */
size_t tool_fields(struct tool_words *words, size_t from, struct redis_field *fields);
long tool_number(const struct tool_words *words, size_t index);
const char *tool_state_name(enum history_state state);
/* "accepted=1.000 ..." without an end of line. */
void tool_print_record(const struct client_record *record);
/* Monotonic, with fractions. */
double tool_now_ms(void);

#endif
