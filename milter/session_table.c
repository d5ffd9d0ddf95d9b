#include "milter/session_table.h"

#include "common/memory.h"

#include <pthread.h>
#include <stdlib.h>

/* Of one port. There is one for each port there is: those never used take no memory. */
struct service_count {
    bool is_seen;
    int busy;
};

struct session_table {
    pthread_mutex_t mutex;
    struct session list; /* head of the ring of all sessions */
    size_t count, maximum;
    struct service_count services[UINT16_MAX + 1];
    uint64_t last_id;
};

struct session_table *session_table_create(size_t maximum)
{
    struct session_table *table = memory_allocate(1, sizeof(*table));
    pthread_mutex_init(&table->mutex, NULL);
    table->list.next = table->list.previous = &table->list;
    table->maximum = maximum;
    return table;
}

void session_table_free(struct session_table *table)
{
    if (!table)
        return;
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

void session_table_lock(struct session_table *table)
{
    pthread_mutex_lock(&table->mutex);
}

void session_table_unlock(struct session_table *table)
{
    pthread_mutex_unlock(&table->mutex);
}

/* In the table. */
static bool has_slot(const struct session *session)
{
    return !session->is_hung_up && !session->is_reclaimed;
}

static int *busy_of(struct session_table *table, const struct session *session)
{
    return &table->services[session->service_port].busy;
}

static void unlink_session(struct session_table *table, struct session *session)
{
    session->previous->next = session->next;
    session->next->previous = session->previous;
    session->next = session->previous = NULL;
    table->count--;
    if (has_slot(session))
        --*busy_of(table, session);
}

bool session_table_add(struct session_table *table, struct session *session, int *busy_r)
{
    session_table_lock(table);
    bool has_room = table->count < table->maximum;
    if (has_room) {
        session->id = ++table->last_id;
        session->next = &table->list;
        session->previous = table->list.previous;
        session->previous->next = session;
        table->list.previous = session;
        table->count++;
        table->services[session->service_port].is_seen = true;
        ++*busy_of(table, session);
    }
    *busy_r = *busy_of(table, session);
    session_table_unlock(table);
    return has_room;
}

bool session_table_remove(struct session_table *table, struct session *session)
{
    session_table_lock(table);
    bool is_in = session->next != NULL;
    if (is_in)
        unlink_session(table, session);
    session_table_unlock(table);
    return is_in;
}

void session_table_hang_up(struct session_table *table, struct session *session)
{
    session_table_lock(table);
    if (session->next && has_slot(session)) {
        session->is_hung_up = true;
        --*busy_of(table, session);
    }
    session_table_unlock(table);
}

void session_table_note_misbehaving(struct session_table *table, struct session *session)
{
    session_table_lock(table);
    session->is_misbehaving = true;
    session_table_unlock(table);
}

/* With the table locked. Those that are looked for began long ago, so they are near the front.
 */
static struct session *find(struct session_table *table, uint64_t id)
{
    for (struct session *session = table->list.next; session != &table->list;
         session = session->next)
        if (session->id == id)
            return session;
    return NULL;
}

bool session_table_reclaim(struct session_table *table, uint64_t id, int64_t last_sign_ms)
{
    session_table_lock(table);
    struct session *session = find(table, id);
    bool is_taken = session && has_slot(session) && session->last_sign_ms == last_sign_ms;
    if (is_taken) {
        session->is_reclaimed = true;
        --*busy_of(table, session);
    }
    session_table_unlock(table);
    return is_taken;
}

void session_table_keep(struct session_table *table, uint64_t id)
{
    session_table_lock(table);
    struct session *session = find(table, id);
    if (session && session->is_reclaimed) {
        session->is_reclaimed = false;
        ++*busy_of(table, session);
    }
    session_table_unlock(table);
}

bool session_table_observe_reclaim(struct session_table *table, uint64_t id)
{
    session_table_lock(table);
    struct session *session = find(table, id);
    if (session)
        session->is_reclaim_observed = true;
    session_table_unlock(table);
    return session != NULL;
}

void session_table_set_class(struct session_table *table, struct session *session,
                             const struct classification *classification, bool is_first)
{
    session_table_lock(table);
    session->class = classification->class;
    if (is_first) {
        session->is_in_burst = classification->is_in_burst;
        session->is_hammering = classification->is_hammering;
        session->is_shared = classification->is_shared_now;
        session->is_newcomer = classification->class <= CLASS_UNKNOWN;
    }
    session_table_unlock(table);
}

void session_table_count_client(struct session_table *table, const struct client_key *key,
                                int *sessions_r, int *behaving_r)
{
    *sessions_r = *behaving_r = 0;
    session_table_lock(table);
    for (const struct session *session = table->list.next; session != &table->list;
         session = session->next) {
        if (!client_key_equals(&session->keys.of[SCOPE_CLIENT], key))
            continue;
        ++*sessions_r;
        *behaving_r += session_is_behaving(session);
    }
    session_table_unlock(table);
}

int session_table_newcomers(struct session_table *table, uint16_t service_port)
{
    int newcomers = 0;
    session_table_lock(table);
    for (const struct session *session = table->list.next; session != &table->list;
         session = session->next)
        newcomers +=
            session->service_port == service_port && has_slot(session) && session->is_newcomer;
    session_table_unlock(table);
    return newcomers;
}

int session_table_busy(struct session_table *table, uint16_t service_port)
{
    session_table_lock(table);
    const struct service_count *service = &table->services[service_port];
    int busy = service->is_seen ? service->busy : -1;
    session_table_unlock(table);
    return busy;
}

void session_table_visit(struct session_table *table,
                         bool (*visit)(struct session *session, void *context), void *context)
{
    session_table_lock(table);
    for (struct session *session = table->list.next; session != &table->list;
         session = session->next)
        if (!visit(session, context))
            break;
    session_table_unlock(table);
}

void session_table_drain(struct session_table *table,
                         void (*visit)(const struct session *session, void *context),
                         void *context)
{
    session_table_lock(table);
    while (table->list.next != &table->list) {
        struct session *session = table->list.next;
        visit(session, context);
        unlink_session(table, session);
    }
    session_table_unlock(table);
}
