/* The decision log where its disk, or whoever reads it, is in trouble; many threads at once. */
#include "host/count.h"
#include "host/decision_log.h"
#include "host/log.h"
#include "t/unit/tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 4
#define LINES   200 /* of each: all of them fit into the queue, should nobody write */

static char directory[64];

static struct decision_log *open_log(struct config *config, const char *file)
{
    free(config->decision_log.file);
    config->decision_log.file = strdup(file);
    config->decision_log.share[RULE_ADMIT] = 1;
    return decision_log_open(config, "test");
}

struct teller {
    struct decision_log *log;
    const struct config *config;
};

static void *tell(void *context)
{
    const struct teller *teller = context;
    struct address address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
    struct client_keys keys;
    client_keys_get(&address, SLICE_LITERAL(""), NULL, &keys);
    for (int i = 0; i < LINES; i++) {
        struct facts facts = {.stage = STAGE_RCPT};
        struct verdict verdict = {.rule = RULE_ADMIT};
        struct decision decision = {
            .client = &address,
            .client_name = SLICE_LITERAL("caf\xc3\xa9 \"\x01"),
            .keys = &keys,
            .facts = &facts,
            .verdict = &verdict,
            .client_class = &teller->config->client_class,
        };
        if (decision_log_wants(teller->log, &teller->config->decision_log, RULE_ADMIT))
            decision_log_tell(teller->log, &teller->config->decision_log, &decision);
    }
    return NULL;
}

static void tell_some(struct decision_log *log, const struct config *config, int threads)
{
    struct teller teller = {log, config};
    pthread_t running[THREADS];
    for (int i = 0; i < threads; i++)
        if (pthread_create(&running[i], NULL, tell, &teller) != 0)
            abort();
    for (int i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
}

static long count_lines(const char *file, bool *is_json_r)
{
    char line[DECISION_LOG_LINE_MAX];
    long count = 0;
    FILE *stream = fopen(file, "r");
    *is_json_r = stream != NULL;
    while (stream && fgets(line, sizeof(line), stream)) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        const char *name = json_string_value(json_object_get(object, "client_name"));
        if (!name || strcmp(name, "caf\\xc3\\xa9 \"\\x01") != 0)
            *is_json_r = false;
        json_decref(object);
        count++;
    }
    if (stream)
        fclose(stream);
    return count;
}

static void test_threads(struct config *config)
{
    char file[128];
    bool is_json;
    snprintf(file, sizeof(file), "%s/threads", directory);
    struct decision_log *log = open_log(config, file);
    ok(access(file, F_OK) != 0, "nothing is opened before there is something to tell");
    tell_some(log, config, THREADS);
    decision_log_end(log);
    is_number(count_lines(file, &is_json), THREADS * LINES, "all lines of all threads");
    ok(is_json, "each is one object, with what a client said escaped");
    is_number(COUNTED(DECISION_LINES, DECISION_LINE_WRITTEN), THREADS * LINES, "counted");
    tell_some(log, config, 1);
    is_number(COUNTED(DECISION_LINES, DECISION_LINE_DROPPED), LINES, "after the end: dropped");
    decision_log_free(log);
    unlink(file);
}

static void test_trouble(struct config *config)
{
    char fifo[128];
    snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
    mkfifo(fifo, 0600);
    const char *const files[] = {"/dev/full", fifo, directory};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        int64_t before = COUNTED(DECISION_LINES, DECISION_LINE_DROPPED);
        struct decision_log *log = open_log(config, files[i]);
        tell_some(log, config, 1);
        decision_log_free(log);
        is_number((double)(COUNTED(DECISION_LINES, DECISION_LINE_DROPPED) - before), LINES,
                  "nobody waits, all are counted as dropped");
    }
    unlink(fifo);
}

static void test_off(struct config *config)
{
    struct decision_log *log = open_log(config, "");
    ok(!decision_log_wants(log, &config->decision_log, RULE_ADMIT), "no file, no journal: off");
    decision_log_free(log);
    decision_log_free(NULL);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/pvXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    struct config *config = config_default();
    test_threads(config);
    test_trouble(config);
    test_off(config);
    config_free(config);
    is_number(rmdir(directory), 0, "nothing is left behind");
    return done_testing();
}
