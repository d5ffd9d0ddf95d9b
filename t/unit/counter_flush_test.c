/* Batches of counters: what goes out, again and again until it is confirmed, and once. */
#include "common/counter_flush.h"
#include "t/unit/tap.h"

#define LABELS(...) ((const unsigned[COUNTER_LABELS_MAX]){__VA_ARGS__})

static struct counter_set set;
static struct counter_flush *flush_state;
static struct buffer commands;

/* The commands as one string. */
static size_t write_commands(int64_t wall_s, bool is_last)
{
    const struct counter_flush_target target = {
        .prefix = "pv:", .host = "mx", .wall_s = wall_s, .is_last = is_last};
    buffer_free(&commands);
    size_t count = counter_flush_commands(flush_state, &target, &commands);
    buffer_append(&commands, "", 1);
    return count;
}

static bool says(const char *text)
{
    return strstr(commands.data, text) != NULL;
}

static void count(uint64_t amount)
{
    counter_add(&set, COUNTER_MESSAGES_ACCEPTED, LABELS(CLASS_GOOD), amount);
}

static void test_batches(void)
{
    is_number(write_commands(60, false), 0, "nothing was counted: nothing to write");
    count(3);
    is_number(write_commands(120, false), 2, "two hashes");
    ok(!counter_flush_is_settled(flush_state), "a batch is on its way");
    ok(says("pv:total:mx") && says("pv:stats:mx:2\r\n"), "the total, and the minute");
    ok(says("\r\n$1\r\n3\r\n"), "the amount");
    ok(says("$10\r\nmilter:1:1\r\n$1\r\n1\r\n"), "the process, and batch 1");
    count(4);
    is_number(write_commands(180, false), 2, "no reply: the same again");
    ok(says("milter:1:1\r\n$1\r\n1\r\n") && says("pv:stats:mx:2\r\n") && !says("\r\n7\r\n"),
       "the same batch, minute and amount");
    counter_flush_reply(flush_state, 0, true);
    counter_flush_reply(flush_state, 1, false);
    is_number(write_commands(180, false), 1, "one of the two is confirmed");
    ok(!says("pv:total:mx") && says("pv:stats:mx:2\r\n"), "the other one goes out again");
    counter_flush_reply(flush_state, 0, true);
    counter_flush_reply(flush_state, 7, true);
    is_number(write_commands(180, false), 2, "then what was counted meanwhile");
    ok(says("milter:1:1\r\n$1\r\n2\r\n") && says("pv:stats:mx:3\r\n") &&
           says("\r\n$1\r\n4\r\n"),
       "as batch 2, in the minute of now");
    counter_flush_reply(flush_state, 0, true);
    counter_flush_reply(flush_state, 1, true);
    ok(counter_flush_is_settled(flush_state), "all is written");
    is_number(write_commands(240, false), 0, "nothing more");
}

static void test_open(void)
{
    counter_add(&set, COUNTER_SESSIONS_STARTED, LABELS(CLASS_UNKNOWN), 5);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_UNKNOWN, SESSION_END_MAIL), 2);
    write_commands(300, false);
    ok(says("\r\n0,0,3,0,0,0\r\n"), "open sessions, of each class");
    counter_flush_reply(flush_state, 0, true);
    counter_flush_reply(flush_state, 1, true);
    is_number(write_commands(300, false), 1, "while some are open the total hears of it");
    ok(says("\r\n0,0,3,0,0,0\r\n") && !says("pv:stats"), "... alone");
    counter_flush_reply(flush_state, 0, true);
    counter_add(&set, COUNTER_SESSIONS_ENDED, LABELS(CLASS_UNKNOWN, SESSION_END_STOPPED), 3);
    is_number(write_commands(300, true), 2, "they end");
    ok(says("\r\n0,0,0,0,0,0\r\n"), "none is open");
    counter_flush_reply(flush_state, 0, true);
    counter_flush_reply(flush_state, 1, true);
    is_number(write_commands(300, true), 0, "and nobody needs to hear of it");
}

static void test_gauges(void)
{
    counter_set_gauge(&set, COUNTER_OPEN_FILES, LABELS(0), 17);
    is_number(write_commands(360, false), 2, "gauges: HSET and EXPIRE");
    ok(says("pv:gauge:mx:milter") && says("open_files{process=milter}\r\n$2\r\n17\r\n"), "17");
    counter_flush_reply(flush_state, 0, true);
    counter_set_gauge(&set, COUNTER_OPEN_FILES, LABELS(0), 18);
    is_number(write_commands(360, false), 2, "each time");
    ok(says("\r\n18\r\n"), "as they are");
    ok(counter_flush_is_settled(flush_state), "they are of no batch");
    is_number(write_commands(360, true), 0, "at the end there are none");
}

int main(void)
{
    flush_state = counter_flush_create(&set, COUNTER_PROCESS_MILTER, "milter:1:1");
    test_batches();
    test_open();
    test_gauges();
    counter_flush_free(flush_state);
    counter_flush_free(NULL);
    buffer_free(&commands);
    return done_testing();
}
