#include "common/redis_health.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 160

struct trouble_row {
    const char *name;
    const char *what;   /* completes "Redis SERVER ..." */
    const char *remedy; /* a hint, or NULL */
    bool is_of_writes;
    bool is_certain; /* opens the breaker at once */
};

static const struct trouble_row troubles[REDIS_TROUBLE_COUNT] = {
    [REDIS_TROUBLE_NONE] = {"none", "is well", NULL, false, false},
    [REDIS_TROUBLE_CONNECT] = {"connect", "cannot be reached",
                               "is redis-server running, and redis.server right?", false, true},
    [REDIS_TROUBLE_TIMEOUT] = {"timeout", "does not answer in time",
                               "is it hanging, swapping or overloaded?", false, false},
    [REDIS_TROUBLE_CLOSED] = {"closed", "closes the connection", NULL, false, false},
    [REDIS_TROUBLE_PROTOCOL] = {"protocol", "answers what is not Redis",
                                "does redis.server name another service?", false, true},
    [REDIS_TROUBLE_LOADING] = {"loading", "is still loading its data", NULL, false, true},
    [REDIS_TROUBLE_BUSY] = {"busy", "is busy with a script", "see SCRIPT KILL", false, true},
    [REDIS_TROUBLE_MASTER_DOWN] = {"master-down", "has lost its master or its cluster", NULL,
                                   false, true},
    [REDIS_TROUBLE_CLUSTER] = {"cluster", "is a node of a Redis Cluster",
                               "not supported: name a single Redis", false, true},
    [REDIS_TROUBLE_CLIENTS] = {"clients", "has too many clients", "raise its maxclients", false,
                               true},
    [REDIS_TROUBLE_PASSWORD] = {"password", "refuses the login",
                                "check redis.username and redis.password", false, true},
    [REDIS_TROUBLE_DATABASE] = {"database", "has no such database", "check redis.database",
                                false, true},
    [REDIS_TROUBLE_PERMISSION] = {"permission", "forbids it",
                                  "check the ACL of our user (doc/redis.md)", false, true},
    [REDIS_TROUBLE_FULL] = {"full", "is full", "raise its maxmemory", true, true},
    [REDIS_TROUBLE_READONLY] = {"readonly", "is a read-only replica",
                                "let redis.server name the master", true, true},
    [REDIS_TROUBLE_DISK] = {"disk", "cannot save to its disk", "see the log of redis-server",
                            true, true},
    [REDIS_TROUBLE_REPLICAS] = {"replicas", "has too few replicas", NULL, true, true},
    [REDIS_TROUBLE_COMMAND] = {"command", "refused a command", NULL, false, false},
};

/* The first word of an error reply. */
static const struct {
    const char *word;
    enum redis_trouble trouble;
} words[] = {
    {"LOADING", REDIS_TROUBLE_LOADING},
    {"BUSY", REDIS_TROUBLE_BUSY},
    {"UNKILLABLE", REDIS_TROUBLE_BUSY},
    {"MASTERDOWN", REDIS_TROUBLE_MASTER_DOWN},
    {"CLUSTERDOWN", REDIS_TROUBLE_MASTER_DOWN},
    {"TRYAGAIN", REDIS_TROUBLE_MASTER_DOWN},
    {"MOVED", REDIS_TROUBLE_CLUSTER},
    {"ASK", REDIS_TROUBLE_CLUSTER},
    {"NOAUTH", REDIS_TROUBLE_PASSWORD},
    {"WRONGPASS", REDIS_TROUBLE_PASSWORD},
    {"NOPERM", REDIS_TROUBLE_PERMISSION},
    {"DENIED", REDIS_TROUBLE_PERMISSION},
    {"OOM", REDIS_TROUBLE_FULL},
    {"READONLY", REDIS_TROUBLE_READONLY},
    {"MISCONF", REDIS_TROUBLE_DISK},
    {"NOREPLICAS", REDIS_TROUBLE_REPLICAS},
};

/* Anywhere in a reply that begins with ERR; " -OOM": an error inside a script before Redis 7.
 */
static const struct {
    const char *text;
    enum redis_trouble trouble;
} texts[] = {
    {" -OOM ", REDIS_TROUBLE_FULL},
    {" -READONLY ", REDIS_TROUBLE_READONLY},
    {" -MISCONF ", REDIS_TROUBLE_DISK},
    {" -NOREPLICAS ", REDIS_TROUBLE_REPLICAS},
    {" -NOPERM ", REDIS_TROUBLE_PERMISSION},
    {"max number of clients", REDIS_TROUBLE_CLIENTS},
    {"invalid password", REDIS_TROUBLE_PASSWORD},
    {"no password is set", REDIS_TROUBLE_PASSWORD},
    {"without any password", REDIS_TROUBLE_PASSWORD},
    {"DB index is out of range", REDIS_TROUBLE_DATABASE},
    {"invalid DB index", REDIS_TROUBLE_DATABASE},
    {"can't write against a read only", REDIS_TROUBLE_READONLY},
};

enum redis_trouble redis_trouble_from_reply(struct slice text)
{
    const char *space = text.length ? memchr(text.data, ' ', text.length) : NULL;
    struct slice word = {text.data, space ? (size_t)(space - text.data) : text.length};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_equals(word, slice_from_string(words[i].word)))
            return words[i].trouble;
    if (!slice_equals(word, SLICE_LITERAL("ERR")))
        return REDIS_TROUBLE_COMMAND;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (memmem(text.data, text.length, texts[i].text, strlen(texts[i].text)))
            return texts[i].trouble;
    return REDIS_TROUBLE_COMMAND;
}

bool redis_trouble_is_of_writes(enum redis_trouble trouble)
{
    return troubles[trouble].is_of_writes;
}

const char *redis_trouble_name(enum redis_trouble trouble)
{
    return troubles[trouble].name;
}

void redis_health_init(struct redis_health *health, const char *server, int64_t retry_ms)
{
    *health = (struct redis_health){.server = server};
    for (int use = 0; use < REDIS_USE_COUNT; use++)
        breaker_init(&health->breaker[use], REDIS_HEALTH_TIMEOUTS, retry_ms);
}

bool redis_health_would_allow(const struct redis_health *health, enum redis_use use,
                              int64_t now_ms)
{
    return breaker_would_allow(&health->breaker[REDIS_USE_READ], now_ms) &&
           (use == REDIS_USE_READ ||
            breaker_would_allow(&health->breaker[REDIS_USE_WRITE], now_ms));
}

bool redis_health_allows(struct redis_health *health, enum redis_use use, int64_t now_ms)
{
    if (!redis_health_would_allow(health, use, now_ms))
        return false;
    breaker_allows(&health->breaker[REDIS_USE_READ], now_ms);
    if (use == REDIS_USE_WRITE)
        breaker_allows(&health->breaker[REDIS_USE_WRITE], now_ms);
    return true;
}

bool redis_health_is_well(const struct redis_health *health, enum redis_use use)
{
    return health->breaker[REDIS_USE_READ].state == BREAKER_CLOSED &&
           (use == REDIS_USE_READ || health->breaker[REDIS_USE_WRITE].state == BREAKER_CLOSED);
}

static void close_breaker(struct redis_health *health, enum redis_use use, int64_t now_ms,
                          struct redis_health_event *event)
{
    struct breaker *breaker = &health->breaker[use];
    if (!breaker_success(breaker))
        return;
    event->is_new = true;
    snprintf(event->text, sizeof(event->text), "Redis %s %s again after %lld s", health->server,
             use == REDIS_USE_READ ? "answers" : "takes writes",
             (long long)(now_ms - breaker->opened_at_ms) / 1000);
}

void redis_health_success(struct redis_health *health, enum redis_use use, int64_t now_ms,
                          struct redis_health_event *event_r)
{
    event_r->is_new = event_r->is_warning = false;
    event_r->text[0] = '\0';
    close_breaker(health, REDIS_USE_READ, now_ms, event_r);
    if (use == REDIS_USE_WRITE) {
        bool is_server_back = event_r->is_new;
        close_breaker(health, REDIS_USE_WRITE, now_ms, event_r);
        if (is_server_back) /* "takes writes again" would say less */
            snprintf(event_r->text, sizeof(event_r->text),
                     "Redis %s answers again and takes writes", health->server);
    }
    if (redis_health_is_well(health, REDIS_USE_WRITE))
        health->current = REDIS_TROUBLE_NONE;
}

/* What Redis said, fit for a line of text. */
static void copy_printable(struct slice text, char out[static DETAIL_SIZE])
{
    if (!slice_copy_string(text, out, DETAIL_SIZE))
        memcpy(out + DETAIL_SIZE - sizeof("..."), "...", sizeof("..."));
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static const char *consequence(enum redis_use use, enum redis_trouble trouble)
{
    if (trouble == REDIS_TROUBLE_COMMAND)
        return "";
    return use == REDIS_USE_WRITE ? "; it is still read, but new history does not get there"
                                  : "; going on with what is in memory";
}

/* event->is_new: the server has just come back, but ... */
static void describe(const struct redis_health *health, enum redis_use use,
                     enum redis_trouble trouble, struct slice detail,
                     struct redis_health_event *event)
{
    const struct trouble_row *row = &troubles[trouble];
    char said[DETAIL_SIZE];
    const char *back = event->is_new ? "answers again, but " : "";

    copy_printable(detail, said);
    event->is_new = event->is_warning = true;
    snprintf(event->text, sizeof(event->text), "Redis %s %s%s%s%s%s%s%s%s", health->server,
             back, row->what, said[0] ? " (" : "", said, said[0] ? ")" : "",
             row->remedy ? ": " : "", row->remedy ? row->remedy : "",
             consequence(use, trouble));
}

/* Trouble with one command: Redis is there, the breakers do not care. */
static void note_refused_command(struct redis_health *health, struct slice detail,
                                 int64_t now_ms, struct redis_health_event *event)
{
    bool is_known = health->command_logged_at_ms != 0 &&
                    now_ms - health->command_logged_at_ms < REDIS_HEALTH_REPEAT_MS;
    if (is_known && !event->is_new)
        return;
    health->command_logged_at_ms = now_ms;
    describe(health, REDIS_USE_READ, REDIS_TROUBLE_COMMAND, detail, event);
}

static enum redis_use breaker_of(enum redis_use use, enum redis_trouble trouble)
{
    bool is_of_writes = troubles[trouble].is_of_writes ||
                        (trouble == REDIS_TROUBLE_PERMISSION && use == REDIS_USE_WRITE);
    return is_of_writes ? REDIS_USE_WRITE : REDIS_USE_READ;
}

void redis_health_failure(struct redis_health *health, enum redis_use use,
                          enum redis_trouble trouble, struct slice detail, int64_t now_ms,
                          struct redis_health_event *event_r)
{
    event_r->is_new = event_r->is_warning = false;
    event_r->text[0] = '\0';
    if (trouble == REDIS_TROUBLE_COMMAND) {
        redis_health_success(health, use, now_ms, event_r);
        note_refused_command(health, detail, now_ms, event_r);
        return;
    }
    use = breaker_of(use, trouble);
    if (use == REDIS_USE_WRITE) /* it answered, after all */
        close_breaker(health, REDIS_USE_READ, now_ms, event_r);

    struct breaker *breaker = &health->breaker[use];
    bool has_opened = troubles[trouble].is_certain ? breaker_trip(breaker, now_ms)
                                                   : breaker_failure(breaker, now_ms);
    if (breaker->state == BREAKER_CLOSED)
        return;
    health->current = trouble;
    bool is_other_trouble = trouble != health->logged[use] &&
                            now_ms - health->logged_at_ms[use] >= REDIS_HEALTH_REPEAT_MS;
    if (!has_opened && !is_other_trouble && !event_r->is_new)
        return;
    health->logged[use] = trouble;
    health->logged_at_ms[use] = now_ms;
    describe(health, use, trouble, detail, event_r);
}
