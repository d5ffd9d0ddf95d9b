/*
 * redis_async_tool - Redis in the event loop of policyd, for tests. Settings are arguments,
 * commands come by standard input; each is answered with one line when it is done.
 *
 *   read COUNT ADDRESS          so many questions at once
 *   cancel COUNT ADDRESS        every other one is taken back
 *   load MS CONCURRENCY ADDRESS for so long, each answer is followed by the next question
 *   abandon COUNT ADDRESS       frees everything with questions on their way, and starts anew
 *   hash KEY | record KEY FIELD=VALUE... | update ADDRESS OUTCOME... | counters | status
 */
#include "common/memory.h"
#include "host/log.h"
#include "policyd/redis_async.h"
#include "t/tools/redis_tool.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MS       10 /* between questions of `load` while there are no answers to be had */
#define CANCEL_WAIT_MS 300 /* until all replies must have come */

/* One question; `load` asks again from its callback. */
struct question {
    struct redis_async_request *request;
    double asked_ms;
    bool is_answered, is_cancelled;
    struct event *again;
};

static struct event_base *base;
static struct redis_server *server;
static struct redis_async *redis;
static struct redis_settings settings;

static struct question *questions;
static struct client_key key;
static long question_count, outstanding, answered, missing, refused, wrong, cancelled;
static double max_ms, load_until_ms;
static enum history_state last_state;
static struct client_record last_record;
static struct event *finish_timer;

static void ask(struct question *question);

static void print_result(void)
{
    printf("answered=%ld missing=%ld refused=%ld cancelled=%ld wrong=%ld max_ms=%.1f state=%s ",
           answered, missing, refused, cancelled, wrong, max_ms, tool_state_name(last_state));
    tool_print_record(&last_record);
    putchar('\n');
    fflush(stdout);
    for (long i = 0; i < question_count; i++)
        if (questions[i].again)
            event_free(questions[i].again);
    free(questions);
    questions = NULL;
}

static void on_finish(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    (void)argument;
    print_result();
}

static void finish_soon(long delay_ms)
{
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    event_add(finish_timer, &delay);
}

static void end_question(void)
{
    if (--outstanding == 0)
        finish_soon(0);
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    ask(argument);
}

static void on_client(void *context, enum history_state state,
                      const struct client_record *record)
{
    struct question *question = context;
    double now_ms = tool_now_ms();
    wrong += question->is_answered || question->is_cancelled ||
             (state == HISTORY_MISSING) != (record == NULL);
    question->is_answered = true;
    question->request = NULL;
    if (now_ms - question->asked_ms > max_ms)
        max_ms = now_ms - question->asked_ms;
    last_state = state;
    if (record)
        last_record = *record;
    if (state == HISTORY_MISSING)
        missing++;
    else
        answered++;
    if (now_ms < load_until_ms)
        ask(question);
    else
        end_question();
}

static void ask(struct question *question)
{
    question->is_answered = question->is_cancelled = false;
    question->asked_ms = tool_now_ms();
    question->request = redis_async_read_client(redis, &key, on_client, question);
    if (question->request)
        return;
    refused++;
    if (tool_now_ms() < load_until_ms) {
        struct timeval delay = {0, PAUSE_MS * 1000};
        if (!question->again)
            question->again = event_new(base, -1, 0, on_again, question);
        event_add(question->again, &delay);
    } else {
        end_question();
    }
}

static void start(const struct tool_words *words, size_t from)
{
    question_count = tool_number(words, from);
    key = tool_key(words->words[from + 1]);
    questions = memory_allocate((size_t)question_count, sizeof(questions[0]));
    outstanding = question_count;
    answered = missing = refused = wrong = cancelled = 0;
    max_ms = 0;
    last_state = HISTORY_MISSING;
    last_record = (struct client_record){0};
    for (long i = 0; i < question_count; i++)
        ask(&questions[i]);
}

static void cancel_half(void)
{
    for (long i = 0; i < question_count; i += 2)
        if (questions[i].request) {
            redis_async_cancel(redis, questions[i].request);
            questions[i].is_cancelled = true;
            questions[i].request = NULL;
            cancelled++;
            end_question();
        }
}

static void abandon(void)
{
    redis_async_free(redis);
    redis = redis_async_create(base, server);
}

static void on_hash(void *context, bool is_answered, const struct redis_field *fields,
                    size_t count)
{
    (void)context;
    printf("ok=%d", is_answered);
    for (size_t i = 0; i < count; i++)
        printf(" %.*s=%.*s", (int)fields[i].name.length, fields[i].name.data,
               (int)fields[i].value.length, fields[i].value.data);
    putchar('\n');
    fflush(stdout);
}

static void run_hash(const struct tool_words *words)
{
    if (!redis_async_read_hash(redis, slice_from_string(words->words[1]), on_hash, NULL))
        on_hash(NULL, false, NULL, 0);
}

static void run_write(struct tool_words *words)
{
    bool is_sent;
    if (strcmp(words->words[0], "record") == 0) {
        struct redis_field fields[TOOL_FIELDS_MAX];
        size_t count = tool_fields(words, 2, fields);
        is_sent = redis_async_write_hash(redis, slice_from_string(words->words[1]), fields,
                                         count, TOOL_EXPIRE_S);
    } else {
        struct client_key client = tool_key(words->words[1]);
        struct session_outcome outcome = tool_outcome(words, 2);
        is_sent = redis_async_update_client(redis, &client, &outcome, TOOL_EXPIRE_S);
    }
    printf("ok=%d\n", is_sent);
}

static void run_status(void)
{
    struct redis_async_counters counters = redis_async_counters(redis);
    printf("read=%d write=%d trouble=%s answered=%llu expired=%llu refused=%llu late=%llu "
           "pending=%llu\n",
           redis_server_is_well(server, REDIS_USE_READ),
           redis_server_is_well(server, REDIS_USE_WRITE),
           redis_trouble_name(redis_server_trouble(server)),
           (unsigned long long)counters.answered, (unsigned long long)counters.expired,
           (unsigned long long)counters.refused, (unsigned long long)counters.late,
           (unsigned long long)counters.pending);
}

static void run(struct tool_words *words)
{
    const char *command = words->count ? words->words[0] : "status";
    load_until_ms = 0;
    if (strcmp(command, "read") == 0) {
        start(words, 1);
    } else if (strcmp(command, "load") == 0) {
        load_until_ms = tool_now_ms() + (double)tool_number(words, 1);
        start(words, 2);
    } else if (strcmp(command, "cancel") == 0) {
        start(words, 1);
        outstanding++; /* so that it ends with the timer alone */
        cancel_half();
        finish_soon(CANCEL_WAIT_MS);
    } else if (strcmp(command, "abandon") == 0) {
        start(words, 1);
        abandon();
    } else if (strcmp(command, "hash") == 0) {
        run_hash(words);
    } else if (strcmp(command, "record") == 0 || strcmp(command, "update") == 0) {
        run_write(words);
    } else {
        run_status();
    }
    fflush(stdout);
}

static void on_input(evutil_socket_t fd, short what, void *argument)
{
    static char line[4096];
    static size_t length;
    (void)what;
    (void)argument;
    ssize_t got = read(fd, line + length, sizeof(line) - 1 - length);
    if (got <= 0) {
        event_base_loopbreak(base);
        return;
    }
    length += (size_t)got;
    line[length] = '\0';
    if (!strchr(line, '\n')) /* the test waits for each answer: never two lines */
        return;
    struct tool_words words = tool_split(line);
    length = 0;
    run(&words);
}

int main(int argc, char **argv)
{
    settings = tool_settings(argc, argv);
    log_open("redis_async_tool", LOG_TARGET_STDERR, true);
    base = event_base_new();
    server = redis_server_create(&settings);
    redis = redis_async_create(base, server);
    finish_timer = event_new(base, -1, 0, on_finish, NULL);
    struct event *input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    event_add(input, NULL);
    event_base_dispatch(base);
    event_free(input);
    event_free(finish_timer);
    redis_async_free(redis);
    redis_server_free(server);
    event_base_free(base);
    free(settings.server.text);
    free(settings.server.path);
    free(settings.server.host);
    return 0;
}
