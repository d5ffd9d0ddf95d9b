#include "common/redis_health.h"

#include "t/unit/tap.h"

static struct redis_health health;
static struct redis_health_event event;
static int64_t now_ms;

static void start(void)
{
    redis_health_init(&health, "unix:/s", 1000);
    now_ms = 5000;
}

static void failure(enum redis_use use, enum redis_trouble trouble, const char *detail)
{
    redis_health_failure(&health, use, trouble, slice_from_string(detail), now_ms, &event);
}

static void success(enum redis_use use)
{
    redis_health_success(&health, use, now_ms, &event);
}

static bool allows(enum redis_use use)
{
    return redis_health_allows(&health, use, now_ms);
}

static const struct {
    const char *text;
    enum redis_trouble trouble;
} replies[] = {
    {"LOADING Redis is loading the dataset in memory", REDIS_TROUBLE_LOADING},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_TROUBLE_FULL},
    {"MISCONF Redis is configured to save RDB snapshots", REDIS_TROUBLE_DISK},
    {"READONLY You can't write against a read only replica.", REDIS_TROUBLE_READONLY},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_TROUBLE_REPLICAS},
    {"NOAUTH Authentication required.", REDIS_TROUBLE_PASSWORD},
    {"WRONGPASS invalid username-password pair", REDIS_TROUBLE_PASSWORD},
    {"ERR invalid password", REDIS_TROUBLE_PASSWORD},
    {"ERR AUTH <password> called without any password configured", REDIS_TROUBLE_PASSWORD},
    {"NOPERM this user has no permissions to run 'eval'", REDIS_TROUBLE_PERMISSION},
    {"DENIED Redis is running in protected mode", REDIS_TROUBLE_PERMISSION},
    {"BUSY Redis is busy running a script.", REDIS_TROUBLE_BUSY},
    {"MASTERDOWN Link with MASTER is down", REDIS_TROUBLE_MASTER_DOWN},
    {"MOVED 3999 127.0.0.1:6381", REDIS_TROUBLE_CLUSTER},
    {"ERR max number of clients reached", REDIS_TROUBLE_CLIENTS},
    {"ERR DB index is out of range", REDIS_TROUBLE_DATABASE},
    {"ERR Error running script (call to f_1): @user_script:7: @user_script: 7: -OOM command "
     "not "
     "allowed",
     REDIS_TROUBLE_FULL},
    {"ERR Error running script: @user_script: 14: -READONLY You can't write",
     REDIS_TROUBLE_READONLY},
    {"WRONGTYPE Operation against a key", REDIS_TROUBLE_COMMAND},
    {"NOSCRIPT No matching script.", REDIS_TROUBLE_COMMAND},
    {"ERR unknown command", REDIS_TROUBLE_COMMAND},
    {"OOMPH", REDIS_TROUBLE_COMMAND},
    {"BUSY", REDIS_TROUBLE_BUSY},
    {"", REDIS_TROUBLE_COMMAND},
};

static void test_replies(void)
{
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        is_string(
            redis_trouble_name(redis_trouble_from_reply(slice_from_string(replies[i].text))),
            redis_trouble_name(replies[i].trouble), replies[i].text);
    ok(redis_trouble_from_reply((struct slice){NULL, 0}) == REDIS_TROUBLE_COMMAND, "no text");
    for (int trouble = 0; trouble < REDIS_TROUBLE_COUNT; trouble++)
        ok(redis_trouble_name((enum redis_trouble)trouble) != NULL, "trouble %d has a name",
           trouble);
}

static void test_server(void)
{
    start();
    ok(allows(REDIS_USE_READ) && allows(REDIS_USE_WRITE), "all is allowed");
    success(REDIS_USE_READ);
    ok(!event.is_new, "nothing to tell");
    failure(REDIS_USE_READ, REDIS_TROUBLE_CONNECT, "Connection refused");
    ok(event.is_new && event.is_warning, "refused: a warning");
    is_string(event.text,
              "Redis unix:/s cannot be reached (Connection refused): is redis-server running, "
              "and redis.server right?; going on with what is in memory",
              "that says what to do");
    ok(!allows(REDIS_USE_READ) && !allows(REDIS_USE_WRITE), "nothing is allowed");
    now_ms += 1000;
    ok(allows(REDIS_USE_WRITE) && !allows(REDIS_USE_READ), "one try, for either");
    failure(REDIS_USE_WRITE, REDIS_TROUBLE_CONNECT, "Connection refused");
    ok(!event.is_new, "still refused: nothing new");
    is_string(redis_trouble_name(health.current), "connect", "the trouble");
    now_ms += 1000;
    ok(allows(REDIS_USE_READ), "the next try");
    success(REDIS_USE_READ);
    is_string(event.text, "Redis unix:/s answers again after 2 s", "back");
    ok(event.is_new && !event.is_warning, "which is good news");
    ok(redis_health_is_well(&health, REDIS_USE_WRITE), "well");
    ok(health.current == REDIS_TROUBLE_NONE, "no trouble");
}

static void test_timeouts(void)
{
    start();
    for (int i = 1; i < REDIS_HEALTH_TIMEOUTS; i++) {
        failure(REDIS_USE_READ, REDIS_TROUBLE_TIMEOUT, "deadline 20 ms");
        ok(!event.is_new && allows(REDIS_USE_READ), "timeout %d may be chance", i);
    }
    failure(REDIS_USE_READ, REDIS_TROUBLE_TIMEOUT, "deadline 20 ms");
    ok(event.is_new && !allows(REDIS_USE_READ), "one more is not");
}

static void test_writes(void)
{
    start();
    failure(REDIS_USE_WRITE, REDIS_TROUBLE_FULL, "OOM command not allowed");
    ok(event.is_new && event.is_warning, "full: a warning");
    ok(allows(REDIS_USE_READ) && !allows(REDIS_USE_WRITE), "reading goes on");
    success(REDIS_USE_READ);
    ok(!event.is_new && !allows(REDIS_USE_WRITE), "and changes nothing");
    is_string(redis_trouble_name(health.current), "full", "the trouble stays");
    now_ms += 1000;
    ok(allows(REDIS_USE_WRITE) && !allows(REDIS_USE_WRITE), "one write is tried");
    failure(REDIS_USE_WRITE, REDIS_TROUBLE_FULL, "");
    ok(!event.is_new, "still full");
    now_ms += 1000;
    ok(allows(REDIS_USE_WRITE), "the next one");
    success(REDIS_USE_WRITE);
    is_string(event.text, "Redis unix:/s takes writes again after 2 s", "works");

    failure(REDIS_USE_WRITE, REDIS_TROUBLE_PERMISSION, "NOPERM");
    ok(allows(REDIS_USE_READ) && !allows(REDIS_USE_WRITE), "forbidden writes: reading goes on");
    start();
    failure(REDIS_USE_READ, REDIS_TROUBLE_PERMISSION, "NOPERM");
    ok(!allows(REDIS_USE_READ) && !allows(REDIS_USE_WRITE), "forbidden reads: nothing goes on");
    start();
    failure(REDIS_USE_WRITE, REDIS_TROUBLE_LOADING, "LOADING");
    ok(!allows(REDIS_USE_READ), "a write may find out that Redis is loading");
}

static void test_back_but_full(void)
{
    start();
    failure(REDIS_USE_READ, REDIS_TROUBLE_CONNECT, "");
    now_ms += 1000;
    allows(REDIS_USE_WRITE);
    failure(REDIS_USE_WRITE, REDIS_TROUBLE_FULL, "OOM");
    is_string(
        event.text,
        "Redis unix:/s answers again, but is full (OOM): raise its maxmemory; it is still "
        "read, but new history does not get there",
        "two changes, one line");
    ok(allows(REDIS_USE_READ) && !allows(REDIS_USE_WRITE), "reads are back");
    now_ms += 1000;
    failure(REDIS_USE_READ, REDIS_TROUBLE_CONNECT, "");
    now_ms += 1000;
    allows(REDIS_USE_WRITE);
    success(REDIS_USE_WRITE);
    is_string(event.text, "Redis unix:/s answers again and takes writes", "both back");
}

static void test_other_trouble(void)
{
    start();
    failure(REDIS_USE_READ, REDIS_TROUBLE_CONNECT, "");
    now_ms += 1000;
    allows(REDIS_USE_READ);
    failure(REDIS_USE_READ, REDIS_TROUBLE_PASSWORD, "WRONGPASS");
    ok(!event.is_new, "trouble of another kind is not told at once");
    now_ms += REDIS_HEALTH_REPEAT_MS;
    allows(REDIS_USE_READ);
    failure(REDIS_USE_READ, REDIS_TROUBLE_PASSWORD, "WRONGPASS");
    ok(event.is_new && strstr(event.text, "refuses the login"), "but when it lasts");
    now_ms += REDIS_HEALTH_REPEAT_MS;
    allows(REDIS_USE_READ);
    failure(REDIS_USE_READ, REDIS_TROUBLE_PASSWORD, "WRONGPASS");
    ok(!event.is_new, "once");
}

static void test_one_command(void)
{
    start();
    for (int i = 0; i < 10; i++) {
        failure(REDIS_USE_READ, REDIS_TROUBLE_COMMAND, "WRONGTYPE a\nb\x7f");
        ok(event.is_new == (i == 0), "refused command %d", i);
    }
    ok(redis_health_is_well(&health, REDIS_USE_WRITE), "is no trouble with Redis");
    now_ms += REDIS_HEALTH_REPEAT_MS;
    failure(REDIS_USE_READ, REDIS_TROUBLE_COMMAND, "WRONGTYPE a\nb\x7f");
    is_string(event.text, "Redis unix:/s refused a command (WRONGTYPE a?b?)",
              "told a minute later");
    char longest[2000];
    memset(longest, 'x', sizeof(longest));
    now_ms += REDIS_HEALTH_REPEAT_MS;
    redis_health_failure(&health, REDIS_USE_READ, REDIS_TROUBLE_COMMAND,
                         (struct slice){longest, sizeof(longest)}, now_ms, &event);
    ok(strstr(event.text, "xxx...)") && strlen(event.text) < 300, "not at any length");
}

int main(void)
{
    test_replies();
    test_server();
    test_timeouts();
    test_writes();
    test_back_but_full();
    test_other_trouble();
    test_one_command();
    return done_testing();
}
