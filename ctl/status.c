#include "ctl/status.h"

#include "common/escape.h"
#include "common/redis_keys.h"
#include "view/redis_session.h"
#include "host/clock.h"
#include "host/listen_socket.h"
#include "host/slot_limit.h"
#include "host/sock_diag.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const status_part_names[STATUS_PART_COUNT] = {
    [STATUS_SENSOR] = "sensor",
    [STATUS_POLICYD] = "policyd",
    [STATUS_MILTER] = "milter",
    [STATUS_REDIS] = "redis",
};

const struct published_row published_table[PUBLISHED_FIELD_COUNT] = {
    [PUBLISHED_PUBLISHER] = {"publisher", PUBLISHED_TEXT},
    [PUBLISHED_LEVEL] = {"level", PUBLISHED_TEXT},
    [PUBLISHED_PRESSURE] = {"pressure", PUBLISHED_NUMBER},
    [PUBLISHED_BUSY] = {"busy", PUBLISHED_INTEGER},
    [PUBLISHED_WAITING] = {"waiting", PUBLISHED_INTEGER},
    [PUBLISHED_SLOT_LIMIT] = {"slot_limit", PUBLISHED_INTEGER},
    [PUBLISHED_POSTFIX_STRESS] = {"postfix_stress", PUBLISHED_YES_OR_NO},
    [PUBLISHED_SESSIONS] = {"sessions", PUBLISHED_INTEGER},
    [PUBLISHED_UPDATED] = {"updated", PUBLISHED_INTEGER},
    [PUBLISHED_DRIVER] = {"driver", PUBLISHED_TEXT},
    [PUBLISHED_LEVEL_SOURCE] = {"level_source", PUBLISHED_TEXT},
    [PUBLISHED_LEVEL_AGE] = {"level_age_s", PUBLISHED_INTEGER},
    [PUBLISHED_WAIT] = {"wait_s", PUBLISHED_NUMBER},
};

bool published_number(const struct published *published, enum published_field field,
                      double *number_r)
{
    const char *text = published->text[field];
    char *end;
    *number_r = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number_r);
}

/* What host/stress_monitor.h does for the daemons, but with the reason when there is none.
 * False: nobody measures the pressure of this host. */
static bool read_sensor(struct status *status, const struct service_settings *service)
{
    struct slot_limit limit;
    struct port_usage usage;
    struct error *error = &status->pressure_error;
    if (!slot_limit_resolve(service, &limit, error))
        return false;
    status->slot_warning = limit.warning;
    status->pressure.slot_limit = limit.processes;
    if (limit.is_behind_postscreen) {
        error_set(error, "the connections are postscreen's as well as smtpd's: only the milter "
                         "sees smtpd's alone");
        return strcmp(status->published.text[PUBLISHED_PUBLISHER], "milter") == 0;
    }
    struct sock_diag *diag = sock_diag_open((uint16_t)service->port);
    bool is_read = sock_diag_read(diag, &usage, error);
    sock_diag_close(diag);
    if (!is_read)
        return false;
    if (usage.listeners == 0)
        return error_set(error,
                         "nothing listens on port %d here: is Postfix running, and is "
                         "service.port right?",
                         (int)service->port);
    status->pressure = (struct pressure){
        .is_known = true,
        .slots = (double)usage.busy / limit.processes,
        .value = ((double)usage.busy + usage.waiting) / limit.processes,
        .busy = usage.busy,
        .waiting = usage.waiting,
        .slot_limit = limit.processes,
    };
    return true;
}

static void take_field(struct published *published, const struct redis_field *field)
{
    for (size_t i = 0; i < PUBLISHED_FIELD_COUNT; i++) {
        if (!slice_equals(field->name, slice_from_string(published_table[i].name)))
            continue;
        escape_text(field->value, published->text[i], PUBLISHED_TEXT_SIZE);
        published->is_known = true;
    }
}

static void take_published(void *context, size_t index, const struct redis_reply *reply)
{
    struct redis_field fields[HOST_STATE_FIELDS_MAX];
    size_t count = redis_reply_read_fields(reply, fields, HOST_STATE_FIELDS_MAX);
    (void)index;
    for (size_t i = 0; i < count; i++)
        take_field(context, &fields[i]);
}

static bool read_published(struct status *status, struct redis_session *session)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_key key;
    struct error error; /* a key of another type: nothing is published */
    redis_key_host(&key, session->prefix, status->host);
    redis_command_read_hash(&command, redis_key_slice(&key));
    return redis_session_ask(session, &command, 1, take_published, &status->published, &error);
}

/* The daemons say when by Redis' clock. */
static void set_updated(struct status *status)
{
    char *text = status->published.text[PUBLISHED_UPDATED];
    const struct host_view *view = &status->view;
    status->now_s = view->now_ms / 1000;
    if (status->published.is_known && view->state.renewed_ms > 0)
        snprintf(text, PUBLISHED_TEXT_SIZE, "%lld", (long long)view->state.renewed_ms / 1000);
}

static bool ask_redis(struct status *status, const struct redis_settings *settings)
{
    struct redis_session session;
    struct error *error = &status->redis.error;
    bool is_answered = redis_session_open(&session, settings, REDIS_USE_READ, error) &&
                       redis_session_ping(&session, error);
    if (is_answered) {
        struct error ignored;
        read_published(status, &session);
        if (host_view_read(&status->view, &session, status->host, &ignored))
            set_updated(status);
        else
            status->view = (struct host_view){.now_ms = 0};
    }
    redis_session_close(&session);
    return is_answered;
}

static bool try_listener(struct reachable *reachable, const struct endpoint *endpoint)
{
    reachable->endpoint = endpoint->text;
    reachable->is_answering =
        endpoint_is_answering(endpoint, STATUS_TIMEOUT_MS, &reachable->error);
    return reachable->is_answering;
}

static bool try_policyd(struct status *status, const struct endpoint_list *listen)
{
    bool are_all_answering = true;
    for (size_t i = 0; i < listen->count && i < STATUS_LISTENERS_MAX; i++)
        if (!try_listener(&status->policyd[status->policyd_count++], &listen->items[i]))
            are_all_answering = false;
    return are_all_answering;
}

void status_gather(struct status *status_r, const struct config *config)
{
    *status_r = (struct status){.config = config, .now_s = clock_wall_s()};
    hostname_get(config->host, status_r->host);
    status_r->has_redis = config->redis.server.type != ENDPOINT_NONE;
    status_r->redis.endpoint = config->redis.server.text;
    status_r->redis.is_answering = status_r->has_redis && ask_redis(status_r, &config->redis);

    bool *is_well = status_r->is_well;
    is_well[STATUS_REDIS] = status_r->redis.is_answering || !status_r->has_redis;
    is_well[STATUS_MILTER] = try_listener(&status_r->milter, &config->milter.listen);
    is_well[STATUS_POLICYD] = try_policyd(status_r, &config->policyd.listen);
    is_well[STATUS_SENSOR] = read_sensor(status_r, &config->services.items[0]);
}
