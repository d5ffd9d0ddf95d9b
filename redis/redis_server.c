#include "redis/redis_server.h"

#include "common/memory.h"
#include "host/clock.h"
#include "host/count.h"
#include "host/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#define LOOKUP_POLL_MS 2

struct redis_server {
    struct redis_settings settings; /* strings are ours */
    bool is_silent;
    pthread_mutex_t mutex; /* of all that follows */
    struct redis_health health;
    struct name_lookup *lookup; /* on its way, or NULL */
    size_t address_count;       /* 0: not known yet */
    size_t address_index;       /* the one in use */
    struct name_address addresses[NAME_LOOKUP_MAX];
    bool is_name; /* not a numeric address: look it up again in time of need */
};

static char *copy_string(const char *string)
{
    return string ? memory_copy_string(string) : NULL;
}

static void copy_settings(struct redis_settings *copy, const struct redis_settings *settings)
{
    *copy = *settings;
    copy->server.text = copy_string(settings->server.text);
    copy->server.path = copy_string(settings->server.path);
    copy->server.host = copy_string(settings->server.host);
    copy->username = copy_string(settings->username);
    copy->password = copy_string(settings->password);
    copy->password_file = NULL; /* read by the configuration */
    copy->prefix = memory_copy_string(settings->prefix ? settings->prefix : "");
}

static bool unix_address(const char *path, struct name_address *address_r)
{
    struct sockaddr_un socket_address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof(socket_address.sun_path))
        return false;
    memcpy(socket_address.sun_path, path, length);
    *address_r = (struct name_address){.length = sizeof(socket_address)};
    memcpy(&address_r->socket_address, &socket_address, sizeof(socket_address));
    return true;
}

static void find_address(struct redis_server *server)
{
    const struct endpoint *endpoint = &server->settings.server;
    if (endpoint->type == ENDPOINT_UNIX)
        server->address_count = unix_address(endpoint->path, &server->addresses[0]);
    else if (endpoint->type == ENDPOINT_INET)
        server->address_count =
            name_lookup_numeric(endpoint->host, endpoint->port, &server->addresses[0]);
    server->is_name = endpoint->type == ENDPOINT_INET && server->address_count == 0;
}

struct redis_server *redis_server_create(const struct redis_settings *settings)
{
    struct redis_server *server = memory_allocate(1, sizeof(*server));
    copy_settings(&server->settings, settings);
    pthread_mutex_init(&server->mutex, NULL);
    redis_health_init(&server->health, server->settings.server.text, settings->retry_ms);
    find_address(server);
    return server;
}

void redis_server_silence(struct redis_server *server)
{
    server->is_silent = true;
}

void redis_server_free(struct redis_server *server)
{
    if (!server)
        return;
    name_lookup_free(server->lookup);
    pthread_mutex_destroy(&server->mutex);
    free(server->settings.server.text);
    free(server->settings.server.path);
    free(server->settings.server.host);
    free(server->settings.username);
    free(server->settings.password);
    free(server->settings.prefix);
    free(server);
}

const struct redis_settings *redis_server_settings(const struct redis_server *server)
{
    return &server->settings;
}

bool redis_server_allows(struct redis_server *server, enum redis_use use)
{
    if (server->settings.server.type == ENDPOINT_NONE)
        return false;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&server->mutex);
    bool is_allowed = redis_health_allows(&server->health, use, now_ms);
    pthread_mutex_unlock(&server->mutex);
    return is_allowed;
}

bool redis_server_may_try(struct redis_server *server, enum redis_use use)
{
    if (server->settings.server.type == ENDPOINT_NONE)
        return false;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&server->mutex);
    bool is_allowed = redis_health_would_allow(&server->health, use, now_ms);
    pthread_mutex_unlock(&server->mutex);
    return is_allowed;
}

static void log_event(const struct redis_server *server, const struct redis_health_event *event)
{
    if (!event->is_new || server->is_silent)
        return;
    if (event->is_warning)
        log_warning("%s", event->text);
    else
        log_info("%s", event->text);
}

void redis_server_succeeded(struct redis_server *server, enum redis_use use)
{
    struct redis_health_event event;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&server->mutex);
    redis_health_success(&server->health, use, now_ms, &event);
    pthread_mutex_unlock(&server->mutex);
    log_event(server, &event);
}

/* The next address of a name that has several; after the last one the name is looked up again.
 * Where that fails, the old addresses are as good as any. */
static void try_next_address(struct redis_server *server)
{
    if (!server->is_name || server->address_count == 0)
        return;
    if (++server->address_index < server->address_count)
        return;
    server->address_index = 0;
    if (!server->lookup)
        server->lookup =
            name_lookup_start(server->settings.server.host, server->settings.server.port);
}

static bool is_of_address(enum redis_trouble trouble)
{
    return trouble == REDIS_TROUBLE_CONNECT || trouble == REDIS_TROUBLE_TIMEOUT ||
           trouble == REDIS_TROUBLE_CLOSED || trouble == REDIS_TROUBLE_READONLY;
}

void redis_server_failed(struct redis_server *server, enum redis_use use,
                         enum redis_trouble trouble, struct slice detail)
{
    struct redis_health_event event;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&server->mutex);
    COUNT(REDIS_TROUBLES, trouble);
    redis_health_failure(&server->health, use, trouble, detail, now_ms, &event);
    if (is_of_address(trouble))
        try_next_address(server);
    pthread_mutex_unlock(&server->mutex);
    log_event(server, &event);
}

bool redis_server_is_well(struct redis_server *server, enum redis_use use)
{
    pthread_mutex_lock(&server->mutex);
    bool is_well = redis_health_is_well(&server->health, use);
    pthread_mutex_unlock(&server->mutex);
    return is_well && server->settings.server.type != ENDPOINT_NONE;
}

void redis_server_set_gauges(struct redis_server *server)
{
    for (unsigned use = 0; use < REDIS_USE_COUNT; use++)
        SET_GAUGE(REDIS_UP, redis_server_is_well(server, (enum redis_use)use), use);
}

enum redis_trouble redis_server_trouble(struct redis_server *server)
{
    pthread_mutex_lock(&server->mutex);
    enum redis_trouble trouble = server->health.current;
    pthread_mutex_unlock(&server->mutex);
    return trouble;
}

/* With the mutex held. */
static void take_result(struct redis_server *server, const struct name_lookup_result *result)
{
    name_lookup_free(server->lookup);
    server->lookup = NULL;
    if (result->count == 0)
        return;
    memcpy(server->addresses, result->addresses, sizeof(server->addresses));
    server->address_count = result->count;
    server->address_index = 0;
}

/* With the mutex held, which is let go in between: any thread may take the result. */
static void wait_for_lookup(struct redis_server *server, int64_t until_ms,
                            struct name_lookup_result *result_r)
{
    const struct timespec pause = {.tv_nsec = LOOKUP_POLL_MS * 1000000};
    while (server->lookup) {
        if (name_lookup_poll(server->lookup, result_r)) {
            take_result(server, result_r);
            return;
        }
        if (server->address_count > 0 || clock_monotonic_ms() >= until_ms)
            return;
        pthread_mutex_unlock(&server->mutex);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&server->mutex);
    }
}

enum redis_lookup redis_server_address(struct redis_server *server, int64_t until_ms,
                                       struct name_address *address_r, struct error *error)
{
    struct name_lookup_result result = {0};
    enum redis_lookup status = REDIS_LOOKUP_DONE;

    pthread_mutex_lock(&server->mutex);
    if (server->address_count == 0 && server->is_name && !server->lookup)
        server->lookup =
            name_lookup_start(server->settings.server.host, server->settings.server.port);
    wait_for_lookup(server, until_ms, &result);
    if (server->address_count > 0) {
        *address_r = server->addresses[server->address_index];
    } else if (server->lookup) {
        status = REDIS_LOOKUP_PENDING;
        error_set(error, "the address of %s is not known yet", server->settings.server.host);
    } else {
        status = REDIS_LOOKUP_FAILED;
        if (result.error.text[0])
            *error = result.error;
        else
            error_set(error, "no address");
    }
    pthread_mutex_unlock(&server->mutex);
    return status;
}
