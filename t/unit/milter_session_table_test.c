#include "milter/session_table.h"
#include "t/unit/tap.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  20000
#define PORT    25

static struct session session_from(uint8_t last)
{
    struct address address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, last}};
    struct session session;
    session_init(&session, &address, SLICE_LITERAL("unknown"), 1, 1);
    session.service_port = PORT;
    return session;
}

static struct session new_session(void)
{
    return session_from(1);
}

static void test_count_client(void)
{
    struct session_table *table = session_table_create(10);
    struct session sessions[5];
    int busy, count, behaving;
    for (int i = 0; i < 5; i++) {
        sessions[i] = session_from(i < 3 ? 1 : 2);
        session_table_add(table, &sessions[i], &busy);
    }
    sessions[0].accepted_messages = 1;
    sessions[1].state = SESSION_DATA;
    session_table_count_client(table, &sessions[0].keys.of[SCOPE_CLIENT], &count, &behaving);
    ok(count == 3 && behaving == 2, "sessions of one client, and those that behave");
    session_table_count_client(table, &sessions[3].keys.of[SCOPE_CLIENT], &count, &behaving);
    ok(count == 2 && behaving == 0, "of another");
    struct session other = session_from(3);
    session_table_count_client(table, &other.keys.of[SCOPE_CLIENT], &count, &behaving);
    ok(count == 0 && behaving == 0, "of none");

    struct classification first = {.class = CLASS_SUSPECT, .is_hammering = true},
                          later = {.class = CLASS_BOT};
    session_table_set_class(table, &sessions[0], &first, true);
    session_table_set_class(table, &sessions[0], &later, false);
    ok(sessions[0].class == CLASS_BOT && sessions[0].is_hammering,
       "how a session came is what it was at first");
    for (int i = 0; i < 5; i++)
        session_table_remove(table, &sessions[i]);
    session_table_free(table);
}

static void test_add_and_remove(void)
{
    struct session_table *table = session_table_create(3);
    struct session sessions[4];
    int busy;
    for (int i = 0; i < 4; i++)
        sessions[i] = new_session();

    ok(session_table_add(table, &sessions[0], &busy) && busy == 1, "the first counts itself");
    ok(session_table_add(table, &sessions[1], &busy) && busy == 2, "the second");
    ok(session_table_add(table, &sessions[2], &busy) && busy == 3, "the third");
    ok(!session_table_add(table, &sessions[3], &busy) && busy == 3, "no more than the maximum");
    ok(!session_table_remove(table, &sessions[3]), "what is not in it is not removed");
    ok(session_table_remove(table, &sessions[1]) && session_table_busy(table, PORT) == 2,
       "from the middle");
    ok(!session_table_remove(table, &sessions[1]) && session_table_busy(table, PORT) == 2,
       "only once");
    ok(session_table_add(table, &sessions[3], &busy) && busy == 3, "there is room again");

    session_table_hang_up(table, &sessions[0]);
    is_number(session_table_busy(table, PORT), 2, "a session that was hung up on is not busy");
    session_table_hang_up(table, &sessions[0]);
    is_number(session_table_busy(table, PORT), 2, "... counted once");
    session_table_remove(table, &sessions[0]);
    is_number(session_table_busy(table, PORT), 2, "... and not again when it ends");
    session_table_remove(table, &sessions[2]);
    session_table_remove(table, &sessions[3]);
    is_number(session_table_busy(table, PORT), 0, "empty");
    session_table_free(table);
    session_table_free(NULL);
}

static void test_services(void)
{
    struct session_table *table = session_table_create(9);
    struct session smtp = new_session(), submission[2] = {new_session(), new_session()};
    int busy;
    submission[0].service_port = submission[1].service_port = 65535;
    session_table_add(table, &submission[0], &busy);
    ok(session_table_busy(table, PORT) < 0, "no session of this service was ever there");
    ok(session_table_add(table, &smtp, &busy) && busy == 1, "each service is counted alone");
    ok(session_table_add(table, &submission[1], &busy) && busy == 2, "... this one too");
    session_table_hang_up(table, &smtp);
    is_number(session_table_busy(table, PORT), 0, "hung up on here");
    is_number(session_table_busy(table, 65535), 2, "... not there");
    session_table_reclaim(table, submission[0].id, submission[0].last_sign_ms);
    is_number(session_table_busy(table, 65535), 1, "a slot taken back there");
    is_number(session_table_busy(table, PORT), 0, "... not here");
    session_table_remove(table, &smtp);
    session_table_remove(table, &submission[0]);
    session_table_remove(table, &submission[1]);
    ok(session_table_busy(table, PORT) == 0 && session_table_busy(table, 65535) == 0,
       "all are gone");
    session_table_free(table);
}

static bool take_two(struct session *session, void *context)
{
    uint64_t **ids = context;
    *(*ids)++ = session->id;
    return ids[0] < ids[1];
}

static void test_reclaim(void)
{
    struct session_table *table = session_table_create(10);
    struct session sessions[3];
    int busy;
    for (int i = 0; i < 3; i++) {
        sessions[i] = new_session();
        session_table_add(table, &sessions[i], &busy);
    }
    uint64_t found[2] = {0};
    uint64_t *ids[2] = {found, found + 2};
    session_table_visit(table, take_two, ids);
    ok(found[0] == sessions[0].id && found[1] == sessions[1].id,
       "visited in order, and no more");
    ok(found[0] != found[1] && found[0] != 0, "each has an id of its own");

    ok(session_table_reclaim(table, found[1], 1) && sessions[1].is_reclaimed, "taken back");
    is_number(session_table_busy(table, PORT), 2, "... its slot is free");
    ok(!session_table_reclaim(table, found[1], 1), "... and not taken twice");
    session_table_hang_up(table, &sessions[1]);
    ok(session_table_busy(table, PORT) == 2 && !sessions[1].is_hung_up, "... nor hung up on");
    session_table_keep(table, found[1]);
    session_table_keep(table, found[1]);
    ok(session_table_busy(table, PORT) == 3 && !sessions[1].is_reclaimed, "given again, once");
    ok(!session_table_reclaim(table, found[0], 2), "one that had an event meanwhile is left");
    session_table_hang_up(table, &sessions[0]);
    ok(!session_table_reclaim(table, found[0], 1), "... so is one that was hung up on");
    ok(session_table_observe_reclaim(table, found[1]) && sessions[1].is_reclaim_observed &&
           session_table_busy(table, PORT) == 2,
       "observed: its slot is not free");
    session_table_reclaim(table, found[1], 1);
    session_table_remove(table, &sessions[1]);
    is_number(session_table_busy(table, PORT), 1, "not counted again when it ends");
    ok(!session_table_reclaim(table, found[1], 1) &&
           !session_table_observe_reclaim(table, found[1]),
       "what is gone is not found");
    session_table_keep(table, found[1]);
    session_table_add(table, &sessions[1], &busy);
    ok(sessions[1].id != found[1], "an id is not used again");
    session_table_free(table);
}

static void count_session(const struct session *session, void *context)
{
    int *count = context;
    *count += session->unknown_recipients;
}

static void test_drain(void)
{
    struct session_table *table = session_table_create(10);
    struct session sessions[3];
    int busy, count = 0;
    for (int i = 0; i < 3; i++) {
        sessions[i] = new_session();
        sessions[i].unknown_recipients = 1 + i;
        session_table_add(table, &sessions[i], &busy);
    }
    session_table_drain(table, count_session, &count);
    is_number(count, 6, "drain visits every session");
    is_number(session_table_busy(table, PORT), 0, "... and leaves none");
    ok(!session_table_remove(table, &sessions[1]), "a drained session is not in the table");
    session_table_drain(table, count_session, &count);
    is_number(count, 6, "an empty table has nothing to visit");
    session_table_free(table);
}

static void *add_and_remove(void *context)
{
    struct session_table *table = context;
    struct session session = new_session();
    int busy;
    for (int i = 0; i < ROUNDS; i++) {
        session_table_add(table, &session, &busy);
        if (i % 3 == 0)
            session_table_hang_up(table, &session);
        session_table_remove(table, &session);
        session.is_hung_up = false;
    }
    return NULL;
}

static void test_threads(void)
{
    struct session_table *table = session_table_create(THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_and_remove, table);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    is_number(session_table_busy(table, PORT), 0, "threads side by side keep the count");
    session_table_free(table);
}

int main(void)
{
    test_count_client();
    test_add_and_remove();
    test_services();
    test_reclaim();
    test_drain();
    test_threads();
    return done_testing();
}
