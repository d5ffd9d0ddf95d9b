/*
 * redis_link_tool - the blocking side of Redis at work, for tests: one link, a pool under many
 * threads, the writer. Settings are arguments, commands come by standard input.
 *
 *   read ADDRESS | update ADDRESS OUTCOME... | hash KEY | command read|write WORD...
 *   pool THREADS ROUNDS ADDRESS
 *   queue COUNT NETWORK OUTCOME... | record KEY FIELD=VALUE... | counters | stop FLUSH_MS
 *   model SECONDS OUTCOME...    what client_record_add() makes of the same, in this process
 *   status
 */
#include "host/log.h"
#include "redis/redis_link.h"
#include "redis/redis_pool.h"
#include "redis/redis_writer.h"
#include "t/tools/redis_tool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64

static struct redis_server *server;
static struct redis_link *single_link;
static struct redis_pool *pool;
static struct redis_writer *writer;
static struct client_record model;

static void run_read(struct tool_words *words)
{
    struct client_key key = tool_key(words->words[1]);
    enum history_state state;
    struct client_record record;
    double began_ms = tool_now_ms();
    bool is_answered = redis_link_read_client(
        single_link, &key, redis_link_deadline(single_link), &state, &record);
    double took_ms = tool_now_ms() - began_ms;
    printf("ok=%d state=%s ms=%.1f ", is_answered, tool_state_name(state), took_ms);
    tool_print_record(&record);
    putchar('\n');
}

static void run_update(struct tool_words *words)
{
    struct client_key key = tool_key(words->words[1]);
    struct session_outcome outcome = tool_outcome(words, 2);
    struct error error = {""};
    double began_ms = tool_now_ms();
    bool is_written = redis_link_update_client(single_link, &key, &outcome, TOOL_EXPIRE_S,
                                               redis_link_deadline(single_link), &error);
    printf("ok=%d ms=%.1f error=%s\n", is_written, tool_now_ms() - began_ms, error.text);
}

static void run_model(struct tool_words *words)
{
    struct session_outcome outcome = tool_outcome(words, 2);
    client_record_add(&model, &outcome, tool_number(words, 1));
    tool_print_record(&model);
    putchar('\n');
}

static void print_field(void *context, const struct redis_field *field)
{
    (void)context;
    printf(" %.*s=%.*s", (int)field->name.length, field->name.data, (int)field->value.length,
           field->value.data);
}

static void run_hash(struct tool_words *words)
{
    struct error error = {""};
    bool is_answered =
        redis_link_read_hash(single_link, slice_from_string(words->words[1]),
                             redis_link_deadline(single_link), print_field, NULL, &error);
    printf(" ok=%d error=%s\n", is_answered, error.text);
}

static void print_reply(const struct redis_reply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_IS_NIL:
        printf("nil");
        break;
    case REDIS_REPLY_IS_INTEGER:
        printf("%lld", (long long)reply->integer);
        break;
    case REDIS_REPLY_IS_TEXT:
    case REDIS_REPLY_IS_ERROR:
        printf("'%.*s'", (int)reply->text.length, reply->text.data);
        break;
    case REDIS_REPLY_IS_LIST:
        putchar('[');
        for (size_t i = 0; redis_reply_item(reply, i); i++) {
            printf("%s", i ? "," : "");
            print_reply(redis_reply_item(reply, i));
        }
        putchar(']');
    }
}

static void run_command(struct tool_words *words)
{
    struct slice arguments[TOOL_WORDS_MAX];
    struct error error = {""};
    bool is_write = strcmp(words->words[1], "write") == 0;
    for (size_t i = 2; i < words->count; i++)
        arguments[i - 2] = slice_from_string(words->words[i]);
    double began_ms = tool_now_ms();
    const struct redis_reply *reply =
        redis_link_command(single_link, is_write ? REDIS_USE_WRITE : REDIS_USE_READ, arguments,
                           words->count - 2, redis_link_deadline(single_link), &error);
    printf("ok=%d ms=%.1f reply=", reply != NULL, tool_now_ms() - began_ms);
    if (reply)
        print_reply(reply);
    printf(" error=%s\n", error.text);
}

struct worker {
    pthread_t thread;
    struct client_key key;
    long rounds, answered;
    double max_ms;
};

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    enum history_state state;
    struct client_record record;
    for (long i = 0; i < worker->rounds; i++) {
        double began_ms = tool_now_ms();
        worker->answered += redis_pool_read_client(pool, &worker->key, &state, &record);
        double took_ms = tool_now_ms() - began_ms;
        if (took_ms > worker->max_ms)
            worker->max_ms = took_ms;
    }
    return NULL;
}

static void run_pool(struct tool_words *words)
{
    struct worker workers[THREADS_MAX] = {0};
    long threads = tool_number(words, 1), answered = 0;
    double max_ms = 0, began_ms = tool_now_ms();
    for (long i = 0; i < threads; i++) {
        workers[i].rounds = tool_number(words, 2);
        workers[i].key = tool_key(words->words[3]);
        pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]);
    }
    for (long i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        answered += workers[i].answered;
        if (workers[i].max_ms > max_ms)
            max_ms = workers[i].max_ms;
    }
    printf("answered=%ld missing=%ld max_ms=%.1f ms=%.1f\n", answered,
           threads * tool_number(words, 2) - answered, max_ms, tool_now_ms() - began_ms);
}

static void print_counters(void)
{
    struct redis_writer_counters counters = redis_writer_counters(writer);
    printf("written=%llu dropped=%llu queued=%llu\n", (unsigned long long)counters.written,
           (unsigned long long)counters.dropped, (unsigned long long)counters.queued);
}

/* COUNT clients NETWORK.0.0 and on, one update each. */
static void run_queue(struct tool_words *words)
{
    struct session_outcome outcome = tool_outcome(words, 3);
    for (long i = 0; i < tool_number(words, 1); i++) {
        char address[ADDRESS_TEXT_SIZE];
        snprintf(address, sizeof(address), "%.20s.%ld.%ld", words->words[2], i / 256 % 256,
                 i % 256);
        struct client_key key = tool_key(address);
        redis_writer_update_client(writer, &key, &outcome);
    }
    print_counters();
}

static void run_record(struct tool_words *words)
{
    struct redis_field fields[TOOL_FIELDS_MAX];
    size_t count = tool_fields(words, 2, fields);
    printf("ok=%d\n", redis_writer_write_hash(writer, slice_from_string(words->words[1]),
                                              fields, count, TOOL_EXPIRE_S));
}

static void run_stop(struct tool_words *words)
{
    double began_ms = tool_now_ms();
    redis_writer_stop(writer, tool_number(words, 1));
    writer = NULL;
    printf("ms=%.1f\n", tool_now_ms() - began_ms);
}

static void run_status(void)
{
    printf("read=%d write=%d trouble=%s\n", redis_server_is_well(server, REDIS_USE_READ),
           redis_server_is_well(server, REDIS_USE_WRITE),
           redis_trouble_name(redis_server_trouble(server)));
}

static void run(struct tool_words *words)
{
    const char *command = words->count ? words->words[0] : "status";
    if (strcmp(command, "read") == 0)
        run_read(words);
    else if (strcmp(command, "update") == 0)
        run_update(words);
    else if (strcmp(command, "model") == 0)
        run_model(words);
    else if (strcmp(command, "hash") == 0)
        run_hash(words);
    else if (strcmp(command, "command") == 0)
        run_command(words);
    else if (strcmp(command, "pool") == 0)
        run_pool(words);
    else if (strcmp(command, "queue") == 0)
        run_queue(words);
    else if (strcmp(command, "record") == 0)
        run_record(words);
    else if (strcmp(command, "counters") == 0)
        print_counters();
    else if (strcmp(command, "stop") == 0)
        run_stop(words);
    else
        run_status();
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct redis_settings settings = tool_settings(argc, argv);
    struct error error = {""};
    char line[4096];

    log_open("redis_link_tool", LOG_TARGET_STDERR, true);
    server = redis_server_create(&settings);
    single_link = redis_link_create(server);
    pool = redis_pool_create(server);
    writer = redis_writer_create(server, TOOL_EXPIRE_S, &error);
    while (fgets(line, sizeof(line), stdin)) {
        struct tool_words words = tool_split(line);
        run(&words);
    }
    redis_writer_stop(writer, 100);
    redis_pool_free(pool);
    redis_link_free(single_link);
    redis_server_free(server);
    free(settings.server.text);
    free(settings.server.path);
    free(settings.server.host);
    return 0;
}
