#include "ctl/commands.h"

#include "common/config.h"
#include "common/error.h"
#include "common/error_list.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define TARGET_USAGE "[--host HOST|--all]"

const struct command command_table[] = {
    {"status", "[--json] [PART...]",
     "level, pressure, slots, what is forced, what is reachable", command_status},
    {"top", "[--once [--json]] [--host HOST]", "live: pressure, slots, who holds them",
     command_top},
    {"explain", "ADDRESS [--name NAME] [--sender S] [--recipient R] [--pressure P] [--json]",
     "what is known of a client, its class, and what would happen to it", command_explain},
    {"force", "LEVEL [--for TIME] " TARGET_USAGE " [--note TEXT]",
     "force a level for a time: calm, elevated, stressed, critical", command_force},
    {"auto", TARGET_USAGE " [--note TEXT]", "no forced level any more", command_auto},
    {"off", "[--for TIME] " TARGET_USAGE " [--note TEXT]", "admit every client for a time",
     command_off},
    {"on", TARGET_USAGE " [--note TEXT]", "no longer off", command_on},
    {"allow", "KEY [--for TIME] [--note TEXT]", "let an address or network in for a time",
     command_allow},
    {"block", "KEY [--for TIME] [--note TEXT]", "keep an address or network out for a time",
     command_block},
    {"list", "[--json]", "who is allowed and blocked", command_list},
    {"forget", "[--entry] KEY", "what is known of a client, and its entry in the list",
     command_forget},
    {"rbl", "[report] [--json]", "how the DNS lists are; what each is worth", command_rbl},
    {"verify", "show|forget|stats [ADDRESS] [--sender] [--json]",
     "what is remembered of an address, and how often that was of use", command_verify},
    {"stats", "[--since TIME] [--json|--prometheus] [--host HOST]",
     "what was counted: sessions, verdicts, latencies", command_stats},
    {"report", "[--since TIME] [--html] [--host HOST]",
     "a page on the last hours, and what to change", command_report},
    {"postfix-stress", "on|off",
     "Postfix's own stress mode, by master.cf; off unless configured", command_postfix_stress},
    {"check-config", "[--print-config] [FILE]", "say what is wrong with the configuration",
     command_check_config},
    {"help", "[COMMAND]", "this text", command_help},
    {"settings", "--man", NULL, command_settings},
    {NULL, NULL, NULL, NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = command_table; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

int command_usage_error(const char *name)
{
    const struct command *command = command_find(name);
    fprintf(stderr, "usage: %s %s %s\n", ARGUMENTS_PROGRAM, command->name, command->usage);
    return EX_USAGE;
}

int command_failed(const struct error *error)
{
    fprintf(stderr, "%s: %s\n", ARGUMENTS_PROGRAM, error->text);
    return EX_UNAVAILABLE;
}

void command_print_json(json_t *root)
{
    json_dumpf(root, stdout, JSON_INDENT(4) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

struct config *command_load_config(const char *file)
{
    struct error_list errors;
    error_list_init(&errors);
    struct config *config = config_load(file, &errors);
    error_list_print(&errors, ARGUMENTS_PROGRAM, stderr);
    return config;
}
