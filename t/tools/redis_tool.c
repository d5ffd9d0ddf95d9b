#include "t/tools/redis_tool.h"

#include "common/endpoint.h"
#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static void die(const char *what)
{
    fprintf(stderr, "usage: wrong argument: %s\n", what);
    exit(EX_USAGE);
}

static bool set_number(struct redis_settings *settings, const char *name, const char *value)
{
    int64_t number = strtoll(value, NULL, 10);
    if (strcmp(name, "deadline_ms") == 0)
        settings->deadline_ms = number;
    else if (strcmp(name, "retry_ms") == 0)
        settings->retry_ms = number;
    else if (strcmp(name, "pool_size") == 0)
        settings->pool_size = number;
    else if (strcmp(name, "database") == 0)
        settings->database = number;
    else
        return false;
    return true;
}

static bool set_text(struct redis_settings *settings, const char *name, char *value)
{
    struct error error;
    if (strcmp(name, "username") == 0)
        settings->username = value;
    else if (strcmp(name, "password") == 0)
        settings->password = value;
    else if (strcmp(name, "prefix") == 0)
        settings->prefix = value;
    else if (strcmp(name, "server") == 0)
        return endpoint_parse(slice_from_string(value), &settings->server, &error);
    else
        return false;
    return true;
}

struct redis_settings tool_settings(int argc, char **argv)
{
    static char default_prefix[] = "pv:";
    struct redis_settings settings = {
        .deadline_ms = 100, .retry_ms = 200, .pool_size = 4, .prefix = default_prefix};
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            die(argv[i]);
        *value++ = '\0';
        if (!set_number(&settings, argv[i], value) && !set_text(&settings, argv[i], value))
            die(argv[i]);
    }
    return settings;
}

struct tool_words tool_split(char *line)
{
    struct tool_words words = {0};
    char *rest = line, *word;
    while (words.count < TOOL_WORDS_MAX && (word = strsep(&rest, " \n")))
        if (*word)
            words.words[words.count++] = word;
    return words;
}

struct client_key tool_key(const char *text)
{
    struct address address;
    if (!address_parse(slice_from_string(text), &address))
        die(text);
    return client_key_from_address(&address);
}

struct session_outcome tool_outcome(const struct tool_words *words, size_t from)
{
    struct session_outcome outcome = {0};
    for (size_t i = from; i < words->count; i++) {
        const char *word = words->words[i];
        if (strcmp(word, "hung_up") == 0)
            outcome.is_hung_up = true;
        if (strcmp(word, "shared") == 0)
            outcome.is_shared = true;
        for (int kind = 0; kind < EVIDENCE_COUNT; kind++) {
            size_t length = strlen(evidence_table[kind].field);
            if (strncmp(word, evidence_table[kind].field, length) == 0 && word[length] == '=')
                outcome.counts[kind] = strtof(word + length + 1, NULL);
        }
    }
    return outcome;
}

size_t tool_fields(struct tool_words *words, size_t from, struct redis_field *fields)
{
    size_t count = 0;
    for (size_t i = from; i < words->count && count < TOOL_FIELDS_MAX; i++) {
        char *value = strchr(words->words[i], '=');
        if (!value)
            die(words->words[i]);
        *value++ = '\0';
        fields[count++] =
            (struct redis_field){slice_from_string(words->words[i]), slice_from_string(value)};
    }
    return count;
}

long tool_number(const struct tool_words *words, size_t index)
{
    return index < words->count ? strtol(words->words[index], NULL, 10) : 0;
}

const char *tool_state_name(enum history_state state)
{
    return state == HISTORY_KNOWN ? "known" : state == HISTORY_NONE ? "none" : "missing";
}

void tool_print_record(const struct client_record *record)
{
    printf("first=%lld last=%lld hung_up=%lld shared=%lld", (long long)record->first_seen_s,
           (long long)record->last_seen_s, (long long)record->hung_up_at_s,
           (long long)record->shared_at_s);
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        printf(" %s=%.3f", evidence_table[kind].field, (double)record->counts[kind]);
}

double tool_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
