/*
 * smtp_flood - many SMTP clients in one process, for benchmarks and demonstrations.
 *
 * Groups of clients of several kinds, each client with a source address of its own in
 * 127.0.0.0/8, against one server on loopback; what happened to them is printed as JSON.
 */
#include "common/error.h"
#include "t/bench/flood/flood.h"
#include "t/bench/flood/report.h"
#include "t/bench/flood/scenario.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const struct option long_options[] = {
    {"scenario", required_argument, NULL, 'f'}, {"group", required_argument, NULL, 'g'},
    {"port", required_argument, NULL, 'p'},     {"seconds", required_argument, NULL, 's'},
    {"seed", required_argument, NULL, 'r'},     {"within", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    printf("Usage: smtp_flood [OPTION]...\n"
           "Simulate SMTP clients of several kinds against a server on 127.0.0.1.\n\n"
           "  --scenario FILE     JSON: {\"port\":N, \"seconds\":N, \"groups\":[{...}]}; -: "
           "stdin\n"
           "  --group KEY=VALUE,...  add a group of clients\n"
           "  --port N            of the server (25)\n"
           "  --seconds N         how long (30)\n"
           "  --within N          mail is in time when accepted so many seconds after its\n"
           "                      first attempt (10)\n"
           "  --seed N            of the random choices (1)\n"
           "  --help              this text\n\n");
    scenario_print_help(stdout);
    report_print_help(stdout);
}

/* An option is the setting of the same name in a scenario file. */
static bool set_number(struct scenario *scenario, const char *key, const char *text,
                       struct error *error)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);

    if (end == text || *end != '\0')
        return error_set(error, "%s: not a whole number: %s", key, text);
    json_t *object = json_pack("{s:I}", key, (json_int_t)number);
    bool is_set = scenario_read_json(scenario, object, error);
    json_decref(object);
    return is_set;
}

static bool take_option(struct scenario *scenario, int option, struct error *error)
{
    switch (option) {
    case 'f':
        return scenario_read_file(scenario, optarg, error);
    case 'g':
        return scenario_add_group(scenario, optarg, error);
    case 'p':
        return set_number(scenario, "port", optarg, error);
    case 's':
        return set_number(scenario, "seconds", optarg, error);
    case 'w':
        return set_number(scenario, "within_s", optarg, error);
    case 'r':
        return set_number(scenario, "seed", optarg, error);
    case 'h':
        print_help();
        exit(EX_OK);
    default:
        return error_set(error, "try --help");
    }
}

int main(int argc, char **argv)
{
    static struct scenario scenario;
    struct error error = {0};
    bool is_fine = true;
    int option;

    scenario_set_defaults(&scenario);
    while (is_fine && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        is_fine = take_option(&scenario, option, &error);
    if (is_fine && optind < argc)
        is_fine = error_set(&error, "%s: no such argument, try --help", argv[optind]);
    is_fine = is_fine && scenario_check(&scenario, &error);
    if (!is_fine) {
        fprintf(stderr, "smtp_flood: %s\n", error.text);
        return EX_USAGE;
    }
    if (!flood_run(&scenario, &error)) {
        fprintf(stderr, "smtp_flood: %s\n", error.text);
        return EX_IOERR;
    }
    return EX_OK;
}
