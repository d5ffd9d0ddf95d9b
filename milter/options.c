#include "milter/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_FILE_DEFAULT POSTVALVE_SYSCONFDIR "/postvalve/postvalve.json"

static const struct option option_table[] = {
    {"config",       required_argument, NULL, 'c'                 },
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
            fputs("postvalve-milter --help tells what there is\n", stderr);
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
    fputs("usage: postvalve-milter [--config FILE]\n"
          "\n"
          "The milter of Postvalve: decides at the door of Postfix and sees how sessions end.\n"
          "\n"
          "  -c, --config FILE   configuration (" CONFIG_FILE_DEFAULT ")\n"
          "      --check-config  check the configuration and exit\n"
          "      --print-config  print the effective configuration and exit\n"
          "      --help          print this text and exit\n"
          "      --version       print the version and exit\n"
          "\n"
          "Runs in the foreground. SIGHUP reads the configuration again, SIGTERM ends.\n",
          stdout);
}
