/*
 * policy_load: load generator for policy servers.
 *
 * It behaves like N smtpd processes: each keeps its connection and has one request in
 * flight on it. One thread, plain epoll, so that the server and not this program is the
 * bottleneck; "load_cpu_share" (1.00: a whole core) tells when that is no longer so.
 */
#include "t/bench/load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/bench/policy_text.h"

#define CONNECTIONS_MAX   200000U
#define DURATION_MAX_MS   3600000U
#define REQUESTS_MAX      UINT64_C(1000000000000)
#define WARMUP_DEFAULT_MS 3000U

static const char usage[] =
    "usage: policy_load --connect unix:PATH|inet:HOST:PORT [options]\n"
    "  --connections N       persistent connections, one request in flight on each (1)\n"
    "  --seconds S           how long (5; with --idle 600)\n"
    "  --requests R          stop after R answers\n"
    "  --clients K           distinct client addresses, asked for in turn (1000)\n"
    "  --first-client I      number of the first of them (0)\n"
    "  --state STATE         protocol_state (RCPT)\n"
    "  --server-port P       server_port (25)\n"
    "  --warmup R            answers not counted (2 * max(N, K)); at most 3 s long\n"
    "  --warmup-seconds S    that limit\n"
    "  --idle N              open N connections, make one request on each, print\n"
    "                        \"ready N\", hold them until stdin ends or the time is up\n"
    "  --untouched           with --idle: without the request\n"
    "  --json                one JSON object instead of text\n";

enum {
    OPTION_CONNECT = 1,
    OPTION_CONNECTIONS,
    OPTION_SECONDS,
    OPTION_REQUESTS,
    OPTION_CLIENTS,
    OPTION_FIRST_CLIENT,
    OPTION_STATE,
    OPTION_SERVER_PORT,
    OPTION_WARMUP,
    OPTION_WARMUP_SECONDS,
    OPTION_IDLE,
    OPTION_UNTOUCHED,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"connect", required_argument, NULL, OPTION_CONNECT},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"requests", required_argument, NULL, OPTION_REQUESTS},
    {"clients", required_argument, NULL, OPTION_CLIENTS},
    {"first-client", required_argument, NULL, OPTION_FIRST_CLIENT},
    {"state", required_argument, NULL, OPTION_STATE},
    {"server-port", required_argument, NULL, OPTION_SERVER_PORT},
    {"warmup", required_argument, NULL, OPTION_WARMUP},
    {"warmup-seconds", required_argument, NULL, OPTION_WARMUP_SECONDS},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"untouched", no_argument, NULL, OPTION_UNTOUCHED},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static _Noreturn void die_usage(void)
{
    (void)fputs(usage, stderr);
    exit(2);
}

static uint64_t parse_count(const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < least ||
        value > most) {
        fprintf(stderr, "policy_load: \"%s\" is not a number from %llu to %llu\n", text,
                (unsigned long long)least, (unsigned long long)most);
        exit(2);
    }
    return value;
}

static uint64_t parse_seconds_ms(const char *text)
{
    char *end = NULL;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0.0) ||
        seconds * 1000 > (double)DURATION_MAX_MS) {
        fprintf(stderr, "policy_load: \"%s\" is not a number of seconds up to 3600\n", text);
        exit(2);
    }
    return (uint64_t)(seconds * 1000);
}

static void set_option(struct load_options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_CONNECT:
        bench_address_parse(&options->address, value);
        break;
    case OPTION_CONNECTIONS:
        options->connections = (uint32_t)parse_count(value, 1, CONNECTIONS_MAX);
        break;
    case OPTION_SECONDS:
        options->duration_ms = parse_seconds_ms(value);
        break;
    case OPTION_REQUESTS:
        options->requests = parse_count(value, 1, REQUESTS_MAX);
        break;
    case OPTION_CLIENTS:
        options->clients = (uint32_t)parse_count(value, 1, POLICY_TEXT_CLIENTS_MAX);
        break;
    case OPTION_FIRST_CLIENT:
        options->first_client = (uint32_t)parse_count(value, 0, POLICY_TEXT_CLIENTS_MAX - 1);
        break;
    case OPTION_STATE:
        options->protocol_state = value;
        break;
    case OPTION_SERVER_PORT:
        options->server_port = (uint16_t)parse_count(value, 1, UINT16_MAX);
        break;
    case OPTION_WARMUP:
        options->warmup_requests = parse_count(value, 0, REQUESTS_MAX);
        break;
    case OPTION_WARMUP_SECONDS:
        options->warmup_ms = parse_seconds_ms(value);
        break;
    case OPTION_IDLE:
        options->idle_connections = (uint32_t)parse_count(value, 1, CONNECTIONS_MAX);
        break;
    case OPTION_UNTOUCHED:
        options->is_untouched = true;
        break;
    case OPTION_JSON:
        options->is_json = true;
        break;
    default:
        die_usage();
    }
}

static void parse_options(struct load_options *options, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        set_option(options, option, optarg);
    }
    if (optind != argc || options->address.size == 0 ||
        (options->protocol_state != NULL && strlen(options->protocol_state) > 32) ||
        options->first_client + options->clients > POLICY_TEXT_CLIENTS_MAX) {
        die_usage();
    }
    if (options->warmup_requests == UINT64_MAX) {
        uint32_t larger =
            options->clients > options->connections ? options->clients : options->connections;
        options->warmup_requests = 2 * (uint64_t)larger;
    }
    if (options->duration_ms == 0) {
        bool is_timed_load = options->idle_connections == 0 && options->requests == 0;
        options->duration_ms = is_timed_load ? 5000 : 600000;
    }
}

static void print_text(const struct load_options *options, const struct load_result *result,
                       double seconds)
{
    const struct histogram *latency = &result->latency;

    printf("connections %u, clients %u, requests %llu in %.3f s\n", options->connections,
           options->clients, (unsigned long long)latency->count, seconds);
    printf("%.0f requests/s\n", (double)latency->count / seconds);
    printf("latency us: p50 %.1f, p90 %.1f, p99 %.1f, max %.1f\n",
           (double)histogram_percentile_ns(latency, 0.50) / 1e3,
           (double)histogram_percentile_ns(latency, 0.90) / 1e3,
           (double)histogram_percentile_ns(latency, 0.99) / 1e3, (double)latency->max_ns / 1e3);
    printf("errors %llu\nanswers other than DUNNO %llu\nload_cpu_share %.2f\n",
           (unsigned long long)result->errors, (unsigned long long)result->other_answers,
           (double)result->cpu_ns / 1e9 / seconds);
}

static void print_json(const struct load_options *options, const struct load_result *result,
                       double seconds)
{
    const struct histogram *latency = &result->latency;

    printf("{\"connections\": %u, \"clients\": %u, \"requests\": %llu, \"seconds\": %.3f, ",
           options->connections, options->clients, (unsigned long long)latency->count, seconds);
    printf("\"warmup_requests\": %llu, \"requests_per_second\": %.0f, ",
           (unsigned long long)result->warmup_count, (double)latency->count / seconds);
    printf("\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, ",
           (double)histogram_percentile_ns(latency, 0.50) / 1e3,
           (double)histogram_percentile_ns(latency, 0.90) / 1e3,
           (double)histogram_percentile_ns(latency, 0.99) / 1e3, (double)latency->max_ns / 1e3);
    printf("\"errors\": %llu, \"other_answers\": %llu, \"load_cpu_share\": %.2f}\n",
           (unsigned long long)result->errors, (unsigned long long)result->other_answers,
           (double)result->cpu_ns / 1e9 / seconds);
}

static int report(const struct load_options *options, const struct load_result *result)
{
    double seconds = result->elapsed_ns > 0 ? (double)result->elapsed_ns / 1e9 : 1;

    if (options->is_json) {
        print_json(options, result, seconds);
    } else {
        print_text(options, result, seconds);
    }
    if (result->is_stalled) {
        fprintf(stderr, "policy_load: no answer for %d s\n", LOAD_STALL_MS / 1000);
    }
    if (result->first_other[0] != '\0') {
        fprintf(stderr, "policy_load: first answer other than DUNNO: %s\n",
                result->first_other);
    }
    return result->is_stalled || result->errors > 0 || result->latency.count == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    static struct load_result result;
    struct load_options options = {
        .connections = 1,
        .clients = 1000,
        .server_port = 25,
        .warmup_requests = UINT64_MAX,
        .warmup_ms = WARMUP_DEFAULT_MS,
    };

    parse_options(&options, argc, argv);
    if (options.idle_connections > 0) {
        return load_idle(&options) ? 0 : 1;
    }
    load_run(&options, &result);
    return report(&options, &result);
}
