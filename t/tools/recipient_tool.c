/*
 * recipient_tool - the script of an address' record, and what the rules in C make of the same
 * record; for a test that compares them.
 *
 *   recipient_tool script     prints the script
 *   recipient_tool apply < LINES
 *
 * A line of apply: NOW STATUS IS_PROBE_RESULT SESSION, then NAME=VALUE of each field, with tabs
 * between; lifetimes are 700/3100 and 300/900 seconds. The answer: IS_CHANGE STATUS UPDATED
 * PROBED.
 */
#include "common/recipient_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct recipient_lifetimes lifetimes = {700, 3100, 300, 900};

static enum recipient_status status_of(const char *name)
{
    int status = RECIPIENT_STATUS_COUNT - 1;
    while (status > 0 &&
           strcmp(recipient_status_name((enum recipient_status)status), name) != 0)
        status--;
    return (enum recipient_status)status;
}

static void set_field(struct recipient_record *record, char *word)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return;
    *equals = '\0';
    recipient_record_set_field(record, slice_from_string(word), slice_from_string(equals + 1));
}

static void apply(char *line)
{
    char *words[16], *rest = line;
    size_t count = 0;
    struct recipient_record record = {.status = RECIPIENT_UNKNOWN};
    line[strcspn(line, "\n")] = '\0';
    while (rest && count < sizeof(words) / sizeof(words[0]))
        words[count++] = strsep(&rest, "\t");
    if (count < 4)
        exit(EX_DATAERR);
    for (size_t i = 4; i < count; i++)
        set_field(&record, words[i]);
    const struct recipient_report report = {.status = status_of(words[1]),
                                            .is_probe_result = words[2][0] == '1',
                                            .session = strtoull(words[3], NULL, 16),
                                            .text = SLICE_LITERAL("reason")};
    bool is_change =
        recipient_record_apply(&record, &report, &lifetimes, strtoll(words[0], NULL, 10));
    printf("%d %s %" PRId64 " %" PRId64 "\n", is_change, recipient_status_name(record.status),
           record.updated_s, record.probed_s);
}

int main(int argc, char **argv)
{
    char line[1024];
    if (argc == 2 && strcmp(argv[1], "script") == 0)
        fputs(recipient_record_script, stdout);
    else if (argc == 2 && strcmp(argv[1], "apply") == 0)
        while (fgets(line, sizeof(line), stdin))
            apply(line);
    else
        return EX_USAGE;
    return EX_OK;
}
