#include "host/slot_limit.h"

#include "common/memory.h"
#include "common/slice.h"
#include "host/clock.h"
#include "host/subprocess.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_SIZE            65536 /* of postconf */
#define PROCESSES_MAX          1000000
#define REMEDY                 "set service.slot_limit to the number of smtpd processes"
#define MASTER_CF_FIELDS       8
#define POSTCONF_ARGUMENTS_MAX 11

/* One line of master.cf, as master(5) has it. */
struct master_entry {
    struct slice name;
    struct slice type;
    struct slice process_limit; /* "-": default_process_limit */
    struct slice command;       /* without arguments */
};

/* What postconf(1) said, for the whole of a resolution. */
struct lookup {
    const struct service_settings *settings;
    int64_t end_ms;
    char *services; /* postconf -M */
    int default_limit;
    char smtpd_service_name[64]; /* where postscreen(8) hands its clients to */
};

static bool process_count_parse(struct slice text, int *number_r)
{
    int number = 0;
    if (text.length == 0 || text.length > 7)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *number_r = number;
    return number <= PROCESSES_MAX;
}

/* The next word of the line; false at its end. */
static bool next_word(struct slice *line, struct slice *word_r)
{
    while (line->length && strchr(" \t\r", line->data[0]))
        *line = (struct slice){line->data + 1, line->length - 1};
    *word_r = (struct slice){line->data, 0};
    while (word_r->length < line->length && !strchr(" \t\r", line->data[word_r->length]))
        word_r->length++;
    *line = (struct slice){line->data + word_r->length, line->length - word_r->length};
    return word_r->length > 0;
}

/* The next service; continuation lines (options) and lines that are none are left out. */
static bool next_entry(const char **position, struct master_entry *entry_r)
{
    struct slice words[MASTER_CF_FIELDS];
    while (**position) {
        struct slice line = {*position, strcspn(*position, "\n")};
        *position += line.length + (line.data[line.length] ? 1 : 0);
        bool is_entry = line.length > 0 && !strchr(" \t#", line.data[0]);
        for (size_t i = 0; i < MASTER_CF_FIELDS && is_entry; i++)
            is_entry = next_word(&line, &words[i]);
        if (is_entry) {
            *entry_r = (struct master_entry){words[0], words[1], words[6], words[7]};
            return true;
        }
    }
    return false;
}

/* The port of an inet service: "25", "smtp", "host:25", "[::1]:smtp"; 0 where no such name is
 * known here. */
static int entry_port(const struct master_entry *entry)
{
    struct addrinfo hints = {
        .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list;
    struct sockaddr_in address;
    char service[64];
    struct slice port = entry->name;

    for (size_t i = 0; i < entry->name.length; i++)
        if (entry->name.data[i] == ':')
            port = (struct slice){entry->name.data + i + 1, entry->name.length - i - 1};
    if (port.length == 0 || !slice_copy_string(port, service, sizeof(service)) ||
        getaddrinfo(NULL, service, &hints, &list) != 0)
        return 0;
    memcpy(&address, list->ai_addr, sizeof(address));
    freeaddrinfo(list);
    return ntohs(address.sin_port);
}

static bool is_command(const struct master_entry *entry, const char *name)
{
    struct slice base = entry->command;
    for (size_t i = 0; i < entry->command.length; i++)
        if (entry->command.data[i] == '/')
            base = (struct slice){entry->command.data + i + 1, entry->command.length - i - 1};
    return slice_equals(base, slice_from_string(name));
}

static bool entry_limit(const struct lookup *lookup, const struct master_entry *entry,
                        int *limit_r, struct error *error)
{
    if (slice_equals(entry->process_limit, SLICE_LITERAL("-")))
        *limit_r = lookup->default_limit;
    else if (!process_count_parse(entry->process_limit, limit_r))
        return error_set(error,
                         "%s/master.cf: service %.*s has a process limit that is no number",
                         lookup->settings->postfix_config_directory, (int)entry->name.length,
                         entry->name.data);
    if (*limit_r == 0)
        return error_set(error,
                         "%s/master.cf: service %.*s has no process limit (0): set one, as "
                         "without it Postfix has no stress mode either, or %s",
                         lookup->settings->postfix_config_directory, (int)entry->name.length,
                         entry->name.data, REMEDY);
    return true;
}

/* The smtpd service that gets its clients from postscreen(8). */
static bool find_pass_service(const struct lookup *lookup, struct master_entry *entry_r,
                              struct error *error)
{
    const char *position = lookup->services;
    while (next_entry(&position, entry_r))
        if (slice_equals(entry_r->type, SLICE_LITERAL("pass")) &&
            slice_equals(entry_r->name, slice_from_string(lookup->smtpd_service_name)))
            return true;
    return error_set(
        error,
        "%s/master.cf: port %d is postscreen's, but there is no pass service \"%s\" "
        "behind it: %s",
        lookup->settings->postfix_config_directory, (int)lookup->settings->port,
        lookup->smtpd_service_name, REMEDY);
}

static void add_service(const struct master_entry *entry, struct slot_limit *limit)
{
    if (limit->service_count == SLOT_LIMIT_SERVICES_MAX)
        return;
    struct master_service *service = &limit->services[limit->service_count++];
    slice_copy_string(entry->name, service->name, sizeof(service->name));
    slice_copy_string(entry->type, service->type, sizeof(service->type));
}

static bool add_entry(const struct lookup *lookup, const struct master_entry *found,
                      struct slot_limit *limit, struct error *error)
{
    struct master_entry entry = *found;
    int processes = 0;
    if (is_command(found, "postscreen")) {
        if (limit->is_behind_postscreen)
            return true; /* one smtpd service behind all of them */
        limit->is_behind_postscreen = true;
        if (!find_pass_service(lookup, &entry, error))
            return false;
    }
    add_service(&entry, limit);
    if (!entry_limit(lookup, &entry, &processes, error))
        return false;
    limit->processes += processes;
    return true;
}

enum match { MATCH_PORT, MATCH_NAME };

/* Adds up what matches: the sensor cannot tell services on one port apart. */
static bool add_matching(const struct lookup *lookup, enum match match, int *found_r,
                         struct slot_limit *limit, struct error *error)
{
    struct slice name = slice_from_string(lookup->settings->name);
    struct master_entry entry;
    const char *position = lookup->services;
    *found_r = 0;
    while (next_entry(&position, &entry)) {
        bool is_match = match == MATCH_NAME ? slice_equals(entry.name, name)
                                            : entry_port(&entry) == lookup->settings->port;
        if (!slice_equals(entry.type, SLICE_LITERAL("inet")) || !is_match)
            continue;
        if (!add_entry(lookup, &entry, limit, error))
            return false;
        ++*found_r;
    }
    return true;
}

static bool run_postconf(const struct lookup *lookup, const char *const arguments[],
                         char *output, struct error *error)
{
    char program[PATH_MAX];
    const char *argv[POSTCONF_ARGUMENTS_MAX + 1] = {program, "-c",
                                                    lookup->settings->postfix_config_directory};
    size_t count = 3;
    struct error reason;
    if (!subprocess_find("postconf", program))
        return error_set(error, "postconf is not installed where Postfix puts it: %s", REMEDY);
    while (*arguments && count < POSTCONF_ARGUMENTS_MAX)
        argv[count++] = *arguments++;
    int64_t left_ms = lookup->end_ms - clock_monotonic_ms();
    if (subprocess_run(argv, left_ms > 0 ? (int)left_ms : 0, output, OUTPUT_SIZE, &reason))
        return true;
    return error_set(error,
                     "cannot ask Postfix for its process limit: %s: check "
                     "service.postfix_config_directory, or %s",
                     reason.text, REMEDY);
}

static struct slice next_line(const char **position)
{
    struct slice line = {*position, strcspn(*position, "\n")};
    *position += line.length + (line.data[line.length] ? 1 : 0);
    return line;
}

/* "100\nsmtpd\n/var/spool/postfix\n" */
static bool read_parameters(struct lookup *lookup, char *output, struct slot_limit *limit_r,
                            struct error *error)
{
    static const char *const arguments[] = {
        "-x", "-h", "default_process_limit", "smtpd_service_name", "queue_directory", NULL};
    if (!run_postconf(lookup, arguments, output, error))
        return false;
    const char *position = output;
    struct slice limit = next_line(&position);
    slice_copy_string(next_line(&position), lookup->smtpd_service_name,
                      sizeof(lookup->smtpd_service_name));
    if (!slice_copy_string(next_line(&position), limit_r->queue_directory,
                           sizeof(limit_r->queue_directory)))
        limit_r->queue_directory[0] = '\0';
    return process_count_parse(limit, &lookup->default_limit) ||
           error_set(error, "postconf says default_process_limit = %.*s, not a number: %s",
                     (int)(limit.length < 40 ? limit.length : 40), limit.data, REMEDY);
}

static void warn(const struct service_settings *settings, int count, enum match match,
                 struct slot_limit *limit)
{
    if (match == MATCH_NAME)
        error_set(
            &limit->warning,
            "%s/master.cf: no inet service on port %d; using the process limit of \"%s\": "
            "check service.port",
            settings->postfix_config_directory, (int)settings->port, settings->name);
    else if (limit->processes == 1)
        error_set(&limit->warning,
                  "%s/master.cf: the service on port %d has a process limit of 1, for which "
                  "Postfix never says stress=yes: any client fills it",
                  settings->postfix_config_directory, (int)settings->port);
    else if (count > 1)
        error_set(&limit->warning,
                  "%s/master.cf: %d services on port %d: counted together, process limit %d",
                  settings->postfix_config_directory, count, (int)settings->port,
                  limit->processes);
}

static bool resolve(struct lookup *lookup, struct slot_limit *limit_r, struct error *error)
{
    const struct service_settings *settings = lookup->settings;
    int count;
    enum match match = MATCH_PORT;
    if (!add_matching(lookup, match, &count, limit_r, error))
        return false;
    if (count == 0) {
        match = MATCH_NAME;
        if (!add_matching(lookup, match, &count, limit_r, error))
            return false;
    }
    if (count == 0)
        return error_set(error,
                         "%s/master.cf: no inet service \"%s\" and none on port %d: correct "
                         "service.name and service.port, or %s",
                         settings->postfix_config_directory, settings->name,
                         (int)settings->port, REMEDY);
    warn(settings, count, match, limit_r);
    return true;
}

static bool ask_postfix(struct lookup *lookup, struct slot_limit *limit_r, struct error *error)
{
    static const char *const arguments[] = {"-M", "*/inet", "*/pass", NULL};
    char *output = memory_allocate(1, OUTPUT_SIZE);
    bool is_resolved = read_parameters(lookup, output, limit_r, error) &&
                       run_postconf(lookup, arguments, output, error);
    if (is_resolved) {
        lookup->services = output;
        is_resolved = resolve(lookup, limit_r, error);
    }
    free(output);
    return is_resolved;
}

bool slot_limit_describe(const struct service_settings *settings, struct slot_limit *limit_r,
                         struct error *error)
{
    struct lookup lookup = {.settings = settings,
                            .end_ms = clock_monotonic_ms() + SLOT_LIMIT_DEADLINE_MS};
    *limit_r = (struct slot_limit){.processes = 0};
    bool is_resolved = ask_postfix(&lookup, limit_r, error);
    if (settings->slot_limit == SLOT_LIMIT_AUTO)
        return is_resolved;
    limit_r->processes = (int)settings->slot_limit;
    if (!is_resolved)
        limit_r->warning.text[0] = '\0';
    return true;
}

bool slot_limit_resolve(const struct service_settings *settings, struct slot_limit *limit_r,
                        struct error *error)
{
    if (settings->slot_limit == SLOT_LIMIT_AUTO)
        return slot_limit_describe(settings, limit_r, error);
    *limit_r = (struct slot_limit){.processes = (int)settings->slot_limit};
    return true;
}
