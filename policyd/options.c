#include "policyd/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_FILE_DEFAULT POSTVALVE_SYSCONFDIR "/postvalve/postvalve.json"

static const struct option option_table[] = {
    {"config",       required_argument, NULL, 'c'                 },
    {"spawn",        no_argument,       NULL, OPTIONS_SPAWN       },
    {"print-config", no_argument,       NULL, OPTIONS_PRINT_CONFIG},
    {"check-config", no_argument,       NULL, OPTIONS_CHECK_CONFIG},
    {"help",         no_argument,       NULL, OPTIONS_HELP        },
    {"version",      no_argument,       NULL, OPTIONS_VERSION     },
    {NULL,           0,                 NULL, 0                   },
};

bool options_parse(int argc, char **argv, struct options *options_r)
{
    int option;
    *options_r = (struct options){OPTIONS_SERVE, CONFIG_FILE_DEFAULT};
    while ((option = getopt_long(argc, argv, "c:", option_table, NULL)) != -1) {
        if (option == '?') {
            fputs("postvalve-policyd --help tells what there is\n", stderr);
            return false;
        }
        if (option == 'c')
            options_r->config_file = optarg;
        else
            options_r->action = (enum options_action)option;
    }
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is not an option; --help tells what there is\n", argv[0],
                argv[optind]);
        return false;
    }
    return true;
}

void options_print_help(void)
{
    fputs("usage: postvalve-policyd [--config FILE] [--spawn]\n"
          "\n"
          "The policy server of Postvalve: answers check_policy_service of Postfix.\n"
          "\n"
          "  -c, --config FILE   configuration (" CONFIG_FILE_DEFAULT ")\n"
          "      --spawn         one client on standard input and output, for spawn(8)\n"
          "      --check-config  check the configuration and exit\n"
          "      --print-config  print the effective configuration and exit\n"
          "      --help          print this text and exit\n"
          "      --version       print the version and exit\n"
          "\n"
          "SIGHUP reads the configuration again, SIGTERM ends after pending answers.\n",
          stdout);
}
