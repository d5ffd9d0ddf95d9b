#include "redis/redis_writer.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "redis/redis_link.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_MAX         64
#define BATCH_DEADLINE_MS 250 /* nobody waits for it: a slow reply is no trouble yet */
#define NEWS_BATCH        32
#define AWAY_POLL_MS      100
#define NEW_LENGTH_MAX    "1024" /* of the list of new clients, where nobody takes them */
#define NEW_EXPIRE_S      "10"

struct update {
    struct client_key key;
    struct session_outcome outcome;
};

/* Of an address. */
struct news {
    struct redis_key key;
    struct recipient_report report; /* its text is the one below */
    struct recipient_lifetimes lifetimes;
    char text[RECIPIENT_TEXT_SIZE];
};

enum outcome { OUTCOME_NONE, OUTCOME_WRITTEN, OUTCOME_REFUSED, OUTCOME_NO_SCRIPT };

_Static_assert(NEWS_BATCH *RECIPIENT_COMMAND_SIZE <= BATCH_MAX * REDIS_COMMAND_SCRIPT_SIZE,
               "the buffer holds them");

/* What is written at once; the thread's own. */
struct batch {
    size_t count;
    struct update updates[BATCH_MAX];
    enum outcome outcomes[BATCH_MAX];
    size_t sent[BATCH_MAX]; /* which update each command of the pipeline is */
    size_t sent_count;
};

struct redis_writer {
    struct redis_server *server;
    struct redis_link *link; /* the thread's own, as are the next three */
    int64_t expire_s;
    struct batch batch;
    char *buffer;

    pthread_t thread;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t has_work;
    bool is_idle; /* waits for has_work */
    bool is_stopping;
    int64_t stop_at_ms;
    /* Updates counted from the first one ever: those from head to tail are in the queue. */
    uint64_t head, tail;
    struct update queue[REDIS_WRITER_QUEUE_SIZE];
    char hash[REDIS_WRITER_HASH_SIZE]; /* commands in wire form */
    size_t hash_length;                /* 0: none waiting */
    struct redis_key new_key;
    char new_clients[REDIS_WRITER_NEW_MAX][ADDRESS_TEXT_SIZE];
    size_t new_count; /* 0: none waiting */
    struct news news[REDIS_WRITER_NEWS_MAX];
    size_t news_count;
    uint64_t written, dropped;
};

/* -- the thread --------------------------------------------------------------------------- */

static void note_outcome(void *context, size_t index, const struct redis_reply *reply)
{
    struct batch *batch = context;
    enum outcome *outcome = &batch->outcomes[batch->sent[index]];
    if (reply->type != REDIS_REPLY_IS_ERROR)
        *outcome = OUTCOME_WRITTEN;
    else if (reply->text.length >= 8 && memcmp(reply->text.data, "NOSCRIPT", 8) == 0)
        *outcome = OUTCOME_NO_SCRIPT;
    else
        *outcome = OUTCOME_REFUSED;
}

static int64_t batch_deadline(const struct redis_writer *writer)
{
    int64_t deadline_ms = redis_server_settings(writer->server)->deadline_ms;
    return clock_monotonic_ms() +
           (deadline_ms > BATCH_DEADLINE_MS ? deadline_ms : BATCH_DEADLINE_MS);
}

/* Sends the updates that have the given outcome so far. True when all were answered; otherwise
 * is_sent_r says whether those without an answer may have been carried out. */
static bool send_updates(struct redis_writer *writer, enum outcome which, struct slice digest,
                         bool *is_sent_r)
{
    struct batch *batch = &writer->batch;
    struct redis_command command = {writer->buffer, 0, BATCH_MAX * REDIS_COMMAND_SCRIPT_SIZE,
                                    false};
    const char *prefix = redis_server_settings(writer->server)->prefix;
    struct error error;

    batch->sent_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct redis_key key;
        if (batch->outcomes[i] != which)
            continue;
        redis_key_client(&key, prefix, &batch->updates[i].key);
        redis_command_update_client(&command, digest, redis_key_slice(&key),
                                    &batch->updates[i].outcome, writer->expire_s);
        batch->sent[batch->sent_count++] = i;
    }
    *is_sent_r = false;
    if (batch->sent_count == 0)
        return true;
    struct redis_pipeline pipeline = {.use = REDIS_USE_WRITE,
                                      .commands = {command.data, command.length},
                                      .count = batch->sent_count,
                                      .callback = note_outcome,
                                      .context = batch};
    return redis_link_pipeline(writer->link, &pipeline, batch_deadline(writer), is_sent_r,
                               &error) == batch->sent_count;
}

/* Returns how many updates, from the first, are settled: written, refused, or perhaps written:
 * evidence counted twice does more harm than evidence lost. The others stay in the queue. */
static size_t write_batch(struct redis_writer *writer)
{
    struct batch *batch = &writer->batch;
    const struct slice no_digest = {NULL, 0};
    bool is_sent;

    memset(batch->outcomes, 0, sizeof(batch->outcomes));
    bool is_done =
        send_updates(writer, OUTCOME_NONE, redis_link_script_digest(writer->link), &is_sent);
    /* Somebody flushed the scripts; the whole script puts it back. */
    if (is_done)
        is_done = send_updates(writer, OUTCOME_NO_SCRIPT, no_digest, &is_sent);
    if (is_done || is_sent)
        return batch->count;
    size_t settled = 0;
    while (settled < batch->count && batch->outcomes[settled] != OUTCOME_NONE &&
           batch->outcomes[settled] != OUTCOME_NO_SCRIPT)
        settled++;
    return settled;
}

static void ignore_reply(void *context, size_t index, const struct redis_reply *reply)
{
    (void)context;
    (void)index;
    (void)reply;
}

static void write_hash_now(struct redis_writer *writer, struct slice commands)
{
    struct error error;
    struct redis_pipeline pipeline = {
        .use = REDIS_USE_WRITE, .commands = commands, .count = 2, .callback = ignore_reply};
    redis_link_pipeline(writer->link, &pipeline, batch_deadline(writer), NULL, &error);
}

/* With the mutex held, as the next ones; it is let go while Redis is asked. */
static void work_on_hash(struct redis_writer *writer)
{
    struct slice commands = {writer->buffer, writer->hash_length};
    memcpy(writer->buffer, writer->hash, writer->hash_length);
    writer->hash_length = 0;
    pthread_mutex_unlock(&writer->mutex);
    write_hash_now(writer, commands);
    pthread_mutex_lock(&writer->mutex);
}

static void work_on_new_clients(struct redis_writer *writer)
{
    struct redis_command command = {writer->buffer, 0, BATCH_MAX * REDIS_COMMAND_SCRIPT_SIZE,
                                    false};
    struct slice key = redis_key_slice(&writer->new_key);
    struct error error;
    redis_command_begin(&command, 2 + writer->new_count);
    redis_command_add(&command, SLICE_LITERAL("LPUSH"));
    redis_command_add(&command, key);
    for (size_t i = 0; i < writer->new_count; i++)
        redis_command_add(&command, slice_from_string(writer->new_clients[i]));
    redis_command_begin(&command, 4);
    redis_command_add(&command, SLICE_LITERAL("LTRIM"));
    redis_command_add(&command, key);
    redis_command_add(&command, SLICE_LITERAL("0"));
    redis_command_add(&command, SLICE_LITERAL(NEW_LENGTH_MAX));
    redis_command_begin(&command, 3);
    redis_command_add(&command, SLICE_LITERAL("EXPIRE"));
    redis_command_add(&command, key);
    redis_command_add(&command, SLICE_LITERAL(NEW_EXPIRE_S));
    writer->new_count = 0;
    pthread_mutex_unlock(&writer->mutex);
    struct redis_pipeline pipeline = {.use = REDIS_USE_WRITE,
                                      .commands = {command.data, command.length},
                                      .count = 3,
                                      .callback = ignore_reply};
    redis_link_pipeline(writer->link, &pipeline, batch_deadline(writer), NULL, &error);
    pthread_mutex_lock(&writer->mutex);
}

/* What Redis does not take is lost: the address will be asked for again. */
static void work_on_news(struct redis_writer *writer)
{
    struct redis_command command = {writer->buffer, 0, BATCH_MAX * REDIS_COMMAND_SCRIPT_SIZE,
                                    false};
    struct error error;
    size_t count = writer->news_count < NEWS_BATCH ? writer->news_count : NEWS_BATCH;
    for (size_t i = 0; i < count; i++) {
        struct news *news = &writer->news[i];
        news->report.text = slice_from_string(news->text);
        recipient_record_command(&command, redis_key_slice(&news->key), &news->report,
                                 &news->lifetimes);
    }
    writer->news_count -= count;
    memmove(writer->news, writer->news + count, writer->news_count * sizeof(writer->news[0]));
    pthread_mutex_unlock(&writer->mutex);
    struct redis_pipeline pipeline = {.use = REDIS_USE_WRITE,
                                      .commands = {command.data, command.length},
                                      .count = count,
                                      .callback = ignore_reply};
    redis_link_pipeline(writer->link, &pipeline, batch_deadline(writer), NULL, &error);
    pthread_mutex_lock(&writer->mutex);
}

static void work_on_updates(struct redis_writer *writer)
{
    struct batch *batch = &writer->batch;
    uint64_t first = writer->head;
    for (batch->count = 0; batch->count < BATCH_MAX && first + batch->count < writer->tail;
         batch->count++)
        batch->updates[batch->count] =
            writer->queue[(first + batch->count) % REDIS_WRITER_QUEUE_SIZE];

    pthread_mutex_unlock(&writer->mutex);
    uint64_t settled = first + write_batch(writer);
    pthread_mutex_lock(&writer->mutex);

    for (uint64_t i = first; i < settled; i++) {
        bool is_written = batch->outcomes[i - first] == OUTCOME_WRITTEN;
        if (is_written)
            writer->written++;
        else if (i >= writer->head) { /* else dropped and counted by a full queue already */
            writer->dropped++;
            COUNT(REDIS_WRITES_DROPPED);
        }
        if (is_written && i < writer->head)
            writer->dropped--;
    }
    if (writer->head < settled)
        writer->head = settled;
}

static bool has_work(const struct redis_writer *writer)
{
    return writer->head < writer->tail || writer->hash_length > 0 || writer->new_count > 0 ||
           writer->news_count > 0;
}

static void wait_for_work(struct redis_writer *writer)
{
    writer->is_idle = true;
    pthread_cond_wait(&writer->has_work, &writer->mutex);
    writer->is_idle = false;
}

static void wait_for_redis(struct redis_writer *writer)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += AWAY_POLL_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&writer->has_work, &writer->mutex, &until);
}

static void *run(void *argument)
{
    struct redis_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        bool is_late = writer->is_stopping && clock_monotonic_ms() >= writer->stop_at_ms;
        if (is_late || (writer->is_stopping && !has_work(writer)))
            break;
        if (!has_work(writer))
            wait_for_work(writer);
        else if (redis_server_may_try(writer->server, REDIS_USE_WRITE)) {
            if (writer->news_count > 0)
                work_on_news(writer);
            if (writer->new_count > 0)
                work_on_new_clients(writer);
            if (writer->hash_length > 0)
                work_on_hash(writer);
            if (writer->head < writer->tail)
                work_on_updates(writer);
        } else if (writer->is_stopping)
            break;
        else
            wait_for_redis(writer);
    }
    writer->dropped += writer->tail - writer->head;
    COUNT_ADD(REDIS_WRITES_DROPPED, writer->tail - writer->head);
    writer->head = writer->tail;
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* -- everybody else ----------------------------------------------------------------------- */

static int start_thread(struct redis_writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void free_writer(struct redis_writer *writer)
{
    redis_link_free(writer->link);
    pthread_cond_destroy(&writer->has_work);
    pthread_mutex_destroy(&writer->mutex);
    free(writer->buffer);
    free(writer);
}

struct redis_writer *redis_writer_create(struct redis_server *server, int64_t expire_s,
                                         struct error *error)
{
    struct redis_writer *writer = memory_allocate(1, sizeof(*writer));
    pthread_condattr_t attributes;

    writer->server = server;
    writer->expire_s = expire_s;
    writer->link = redis_link_create(server);
    writer->buffer = memory_allocate(BATCH_MAX, REDIS_COMMAND_SCRIPT_SIZE);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->has_work, &attributes);
    pthread_condattr_destroy(&attributes);

    int status = start_thread(writer);
    if (status != 0) {
        error_set(error, "no thread to write to Redis: %s", strerror(status));
        free_writer(writer);
        return NULL;
    }
    return writer;
}

static void wake(struct redis_writer *writer)
{
    if (writer->is_idle)
        pthread_cond_signal(&writer->has_work);
}

void redis_writer_stop(struct redis_writer *writer, int64_t flush_ms)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    writer->stop_at_ms = clock_monotonic_ms() + flush_ms;
    pthread_cond_signal(&writer->has_work);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    free_writer(writer);
}

void redis_writer_update_client(struct redis_writer *writer, const struct client_key *key,
                                const struct session_outcome *outcome)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->tail - writer->head == REDIS_WRITER_QUEUE_SIZE) {
        writer->head++;
        writer->dropped++;
        COUNT(REDIS_WRITES_DROPPED);
    }
    writer->queue[writer->tail++ % REDIS_WRITER_QUEUE_SIZE] = (struct update){*key, *outcome};
    wake(writer);
    pthread_mutex_unlock(&writer->mutex);
}

bool redis_writer_write_hash(struct redis_writer *writer, struct slice key,
                             const struct redis_field *fields, size_t count, int64_t expire_s)
{
    char buffer[REDIS_WRITER_HASH_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    redis_command_write_hash(&command, key, fields, count, expire_s);
    if (command.is_overflown)
        return false;
    pthread_mutex_lock(&writer->mutex);
    memcpy(writer->hash, buffer, command.length);
    writer->hash_length = command.length;
    wake(writer);
    pthread_mutex_unlock(&writer->mutex);
    return true;
}

void redis_writer_announce(struct redis_writer *writer, struct slice key,
                           const struct address *client)
{
    if (client->family == ADDRESS_NONE)
        return;
    pthread_mutex_lock(&writer->mutex);
    if (writer->new_count < REDIS_WRITER_NEW_MAX &&
        slice_copy_string(key, writer->new_key.text, sizeof(writer->new_key.text))) {
        writer->new_key.length = key.length;
        address_format(client, writer->new_clients[writer->new_count++]);
        wake(writer);
    }
    pthread_mutex_unlock(&writer->mutex);
}

void redis_writer_tell_recipient(struct redis_writer *writer, const struct redis_key *key,
                                 const struct recipient_report *report,
                                 const struct recipient_lifetimes *lifetimes)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->news_count < REDIS_WRITER_NEWS_MAX) {
        struct news *news = &writer->news[writer->news_count++];
        news->key = *key;
        news->report = *report;
        news->lifetimes = *lifetimes;
        slice_copy_string(report->text, news->text, sizeof(news->text));
        wake(writer);
    }
    pthread_mutex_unlock(&writer->mutex);
}

struct redis_writer_counters redis_writer_counters(struct redis_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct redis_writer_counters counters = {writer->written, writer->dropped,
                                             writer->tail - writer->head};
    pthread_mutex_unlock(&writer->mutex);
    return counters;
}
