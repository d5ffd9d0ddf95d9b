#include "milter/reclaimer.h"

#include "common/memory.h"
#include "common/reclaim.h"
#include "host/count.h"
#include "host/log.h"
#include "milter/newcomer_watch.h"
#include "milter/session_table.h"

#include <pthread.h>
#include <stdlib.h>

#define LOOK_MS                   200
#define CANDIDATES_MAX            512 /* a look: to ask the kernel for one takes some microseconds */
#define NEWS_MS                   1000
#define TURNED_AWAY_S             10
#define MS_PER_S                  1000
#define LOG_SECONDS(milliseconds) ((double)(milliseconds) / MS_PER_S)

/* A session as it was when the table was looked at. */
struct candidate {
    uint64_t id;
    int64_t last_sign_ms;
    struct socket_pair pair;
    uint64_t cookie;
    enum session_state state;
};

/* What is kept of each service; one that is no longer configured stays. */
struct reclaim_service {
    struct reclaim_service *next;
    uint16_t port;
    int64_t turned_away_at_s[TURNED_AWAY_S]; /* the second that each count is of */
    int turned_away[TURNED_AWAY_S];
    int count;
    int64_t look_at_ms;
};

struct reclaimer {
    pthread_mutex_t mutex; /* of the next four */
    struct sock_destroy *destroy;
    struct reclaim_service *services;
    struct reclaim_news news;
    int64_t told_ms;
    /* Of the thread that ticks. */
    struct candidate candidates[CANDIDATES_MAX];
    struct reclaim_view views[CANDIDATES_MAX];
    struct reclaim_choice choices[CANDIDATES_MAX];
};

struct reclaimer *reclaimer_open(const struct reclaim_settings *settings)
{
    struct error error;
    if (!settings->is_enabled)
        return NULL;
    struct sock_destroy *destroy = sock_destroy_open(&error);
    if (!destroy || !sock_destroy_probe(destroy, &error)) {
        log_warning("slots are not taken back from silent clients: %s: give the milter "
                    "CAP_NET_ADMIN (AmbientCapabilities=CAP_NET_ADMIN in its systemd unit, or "
                    "start it as root and set user), or set reclaim.enabled to false",
                    error.text);
        sock_destroy_close(destroy);
        return NULL;
    }
    struct reclaimer *reclaimer = memory_allocate(1, sizeof(*reclaimer));
    pthread_mutex_init(&reclaimer->mutex, NULL);
    reclaimer->destroy = destroy;
    return reclaimer;
}

uint64_t reclaimer_identify(struct reclaimer *reclaimer, const struct socket_pair *pair)
{
    struct socket_state state;
    if (!reclaimer)
        return 0;
    pthread_mutex_lock(&reclaimer->mutex);
    bool is_seen = sock_destroy_look(reclaimer->destroy, pair, &state);
    pthread_mutex_unlock(&reclaimer->mutex);
    return is_seen ? state.cookie : 0;
}

/* With the mutex held. */
static struct reclaim_service *get_service(struct reclaimer *reclaimer, uint16_t port)
{
    struct reclaim_service *service = reclaimer->services;
    while (service && service->port != port)
        service = service->next;
    if (service)
        return service;
    service = memory_allocate(1, sizeof(*service));
    service->port = port;
    service->next = reclaimer->services;
    return reclaimer->services = service;
}

void reclaimer_note_turned_away(struct reclaimer *reclaimer, uint16_t service_port,
                                int64_t now_ms)
{
    int64_t second = now_ms / MS_PER_S;
    size_t slot = (size_t)(second % TURNED_AWAY_S);
    if (!reclaimer)
        return;
    pthread_mutex_lock(&reclaimer->mutex);
    struct reclaim_service *service = get_service(reclaimer, service_port);
    if (service->turned_away_at_s[slot] != second) {
        service->turned_away_at_s[slot] = second;
        service->turned_away[slot] = 0;
    }
    service->turned_away[slot]++;
    pthread_mutex_unlock(&reclaimer->mutex);
}

/* Within the last seconds. With the mutex held. */
static int count_turned_away(const struct reclaim_service *service, int64_t now_ms)
{
    int64_t second = now_ms / MS_PER_S;
    int count = 0;
    for (size_t i = 0; i < TURNED_AWAY_S; i++)
        if (second - service->turned_away_at_s[i] < TURNED_AWAY_S)
            count += service->turned_away[i];
    return count;
}

/* Whether the service is to be looked at now. */
static bool is_look_due(struct reclaimer *reclaimer, uint16_t service_port, int64_t now_ms,
                        int *turned_away_r)
{
    pthread_mutex_lock(&reclaimer->mutex);
    struct reclaim_service *service = get_service(reclaimer, service_port);
    bool is_due = now_ms >= service->look_at_ms;
    if (is_due)
        service->look_at_ms = now_ms + LOOK_MS;
    *turned_away_r = count_turned_away(service, now_ms);
    pthread_mutex_unlock(&reclaimer->mutex);
    return is_due;
}

int reclaimer_count(struct reclaimer *reclaimer, uint16_t service_port)
{
    if (!reclaimer)
        return -1;
    pthread_mutex_lock(&reclaimer->mutex);
    int count = get_service(reclaimer, service_port)->count;
    pthread_mutex_unlock(&reclaimer->mutex);
    return count;
}

bool reclaimer_take_news(struct reclaimer *reclaimer, int64_t now_ms,
                         struct reclaim_news *news_r)
{
    if (!reclaimer)
        return false;
    pthread_mutex_lock(&reclaimer->mutex);
    bool is_due = reclaimer->news.slots > 0 && now_ms - reclaimer->told_ms >= NEWS_MS;
    if (is_due) {
        *news_r = reclaimer->news;
        reclaimer->news.slots = 0;
        reclaimer->told_ms = now_ms;
    }
    pthread_mutex_unlock(&reclaimer->mutex);
    return is_due;
}

/* What one look is about. */
struct look {
    struct reclaimer *reclaimer;
    const struct config *config;
    uint16_t service_port;
    const struct pressure *pressure;
    enum level level;
    enum client_class spared;
    int64_t now_ms;
    int turned_away;
    bool is_observing;
    int64_t youngest_ms; /* sessions younger than this cannot be meant */
    size_t count;        /* of candidates */
    int observed;        /* sessions that would have lost their slot earlier */
};

/* As far as the milter knows: silent since the last event. The kernel may know better. */
static struct reclaim_view view_of(const struct session *session, int64_t now_ms)
{
    return (struct reclaim_view){
        .class = session->class,
        .has_said_helo = session->has_said_helo,
        .is_in_data = session->state == SESSION_DATA,
        .held_ms = now_ms - session->connected_ms,
        .without_data_ms = now_ms - session->without_data_since_ms,
        .received_ms_ago = now_ms - session->last_sign_ms,
        .sent_ms_ago = now_ms - session->last_sign_ms,
        .is_misbehaving = session->is_misbehaving,
    };
}

/* With the table locked, oldest first. */
static bool collect(struct session *session, void *context)
{
    struct look *look = context;
    struct reclaim_view view = view_of(session, look->now_ms);
    if (view.held_ms < look->youngest_ms && !view.is_misbehaving)
        return true;
    bool is_observed = look->is_observing && session->is_reclaim_observed;
    if (is_observed)
        look->observed++;
    if (session->socket_cookie == 0 || session->is_hung_up || session->is_reclaimed ||
        is_observed || session->service_port != look->service_port ||
        reclaim_judge(&view, &look->config->reclaim) == RECLAIM_NONE)
        return true;
    look->reclaimer->views[look->count] = view;
    look->reclaimer->candidates[look->count++] = (struct candidate){
        .id = session->id,
        .last_sign_ms = session->last_sign_ms,
        .pair = {.local = session->local_address,
                 .remote = session->address,
                 .local_port = session->local_port,
                 .remote_port = session->port},
        .cookie = session->socket_cookie,
        .state = session->state,
    };
    return look->count < CANDIDATES_MAX;
}

/* Puts what the kernel says into the views, and those aside whose socket is gone. */
static void ask_kernel(struct look *look)
{
    struct reclaimer *reclaimer = look->reclaimer;
    size_t kept = 0;
    for (size_t i = 0; i < look->count; i++) {
        struct socket_state state;
        pthread_mutex_lock(&reclaimer->mutex);
        bool is_seen =
            sock_destroy_look(reclaimer->destroy, &reclaimer->candidates[i].pair, &state);
        pthread_mutex_unlock(&reclaimer->mutex);
        if (!is_seen || state.cookie != reclaimer->candidates[i].cookie)
            continue;
        reclaimer->candidates[kept] = reclaimer->candidates[i];
        reclaimer->views[kept] = reclaimer->views[i];
        reclaimer->views[kept].received_ms_ago = state.received_ms_ago;
        reclaimer->views[kept].sent_ms_ago = state.sent_ms_ago;
        reclaimer->views[kept++].is_unacknowledged = state.is_unacknowledged;
    }
    look->count = kept;
}

static void log_choice(const struct look *look, const struct reclaim_choice *choice,
                       bool is_observed)
{
    const struct candidate *candidate = &look->reclaimer->candidates[choice->index];
    char address[ADDRESS_TEXT_SIZE];
    address_format(&candidate->pair.remote, address);
    log_info("%s client=%s port=%u class=%s reason=%s held=%.1fs silent=%.1fs state=%s "
             "level=%s slots=%d/%d waiting=%d turned_away=%d",
             is_observed ? "would-reclaim" : "reclaim", address,
             (unsigned)candidate->pair.remote_port,
             client_class_name(look->reclaimer->views[choice->index].class),
             reclaim_reason_name(choice->reason), LOG_SECONDS(choice->held_ms),
             LOG_SECONDS(choice->silence_ms), session_state_name(candidate->state),
             level_name(look->level), look->pressure->busy, look->pressure->slot_limit,
             look->pressure->waiting, look->turned_away);
}

static void carry_out(struct session_table *table, const struct look *look,
                      const struct reclaim_choice *choice)
{
    struct reclaimer *reclaimer = look->reclaimer;
    const struct candidate *candidate = &reclaimer->candidates[choice->index];
    enum client_class class = reclaimer->views[choice->index].class;
    struct error error;
    if (look->is_observing) {
        if (session_table_observe_reclaim(table, candidate->id)) {
            COUNT(RECLAIM_OBSERVED, class);
            log_choice(look, choice, true);
        }
        return;
    }
    /* First in the table: once the socket is gone its session ends, and is recorded. */
    if (!session_table_reclaim(table, candidate->id, candidate->last_sign_ms))
        return;
    pthread_mutex_lock(&reclaimer->mutex);
    bool is_ended =
        sock_destroy_end(reclaimer->destroy, &candidate->pair, candidate->cookie, &error);
    if (is_ended) {
        get_service(reclaimer, look->service_port)->count++;
        reclaimer->news =
            (struct reclaim_news){reclaimer->news.slots + 1, candidate->pair.remote, class,
                                  choice->reason, choice->held_ms};
    }
    pthread_mutex_unlock(&reclaimer->mutex);
    if (is_ended) {
        COUNT(RECLAIMED, class);
        log_choice(look, choice, false);
        return;
    }
    session_table_keep(table, candidate->id);
    log_debug("a session did not lose its slot: %s", error.text);
}

/* What they are has to be known before their slots are free: others like them would have them.
 */
static void note_newcomers(struct milter *milter, const struct look *look, size_t count)
{
    const struct session_outcome outcome = {.counts = {[EVIDENCE_RECLAIMED] = 1}};
    for (size_t i = 0; i < count; i++) {
        const struct reclaim_choice *choice = &look->reclaimer->choices[i];
        if (look->reclaimer->views[choice->index].class <= CLASS_UNKNOWN)
            newcomer_watch_note_end(milter->newcomers, &outcome, choice->held_ms, look->now_ms);
    }
    newcomer_watch_look_again(milter->newcomers, &look->config->admission.newcomers,
                              look->now_ms);
}

static int64_t youngest_meant_ms(const struct reclaim_settings *settings)
{
    int64_t silent_ms = settings->silent_before_helo_ms < settings->silent_ms
                            ? settings->silent_before_helo_ms
                            : settings->silent_ms;
    int64_t budget_ms = settings->newcomer_budget_ms < settings->budget_ms
                            ? settings->newcomer_budget_ms
                            : settings->budget_ms;
    return silent_ms < budget_ms ? silent_ms : budget_ms;
}

void reclaimer_tick(struct milter *milter, const struct config *config,
                    const struct service_settings *service,
                    const struct stress_reading *reading, int64_t now_ms)
{
    struct reclaimer *reclaimer = milter->reclaimer;
    const struct pressure *pressure = &reading->pressure;
    uint16_t port = (uint16_t)service->port;
    int turned_away;
    if (!reclaimer || !config->reclaim.is_enabled || config->admission.mode == MODE_OFF ||
        !is_look_due(reclaimer, port, now_ms, &turned_away))
        return;
    struct reclaim_load load = {
        .level = reading->level,
        .is_level_forced = reading->is_level_forced,
        .busy = pressure->busy,
        .slot_limit = pressure->slot_limit,
        .waiting = pressure->waiting,
        .turned_away = turned_away,
        .ceiling = config->admission.ceiling[CLASS_UNKNOWN],
    };
    int wanted = reclaim_wanted(&load);
    enum client_class spared =
        reclaim_spared(reading->level, newcomer_watch_is_on_trial(milter->newcomers));
    if (wanted == 0 && spared == CLASS_BOT)
        return;

    struct look look = {
        .reclaimer = reclaimer,
        .config = config,
        .service_port = port,
        .pressure = pressure,
        .level = reading->level,
        .spared = spared,
        .now_ms = now_ms,
        .turned_away = load.turned_away,
        .is_observing = config->admission.mode == MODE_OBSERVE || config->reclaim.is_observed,
        .youngest_ms = youngest_meant_ms(&config->reclaim),
    };
    session_table_visit(milter->sessions, collect, &look);
    size_t others = wanted > look.observed ? (size_t)(wanted - look.observed) : 0;
    ask_kernel(&look);
    size_t count = reclaim_choose(reclaimer->views, look.count, &config->reclaim, look.spared,
                                  others, reclaimer->choices);
    if (!look.is_observing && count > 0)
        note_newcomers(milter, &look, count);
    for (size_t i = 0; i < count; i++)
        carry_out(milter->sessions, &look, &reclaimer->choices[i]);
}
