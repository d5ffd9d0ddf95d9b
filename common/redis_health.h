/*
 * redis_health - whether to ask Redis at all, and the words for it in the log. Pure.
 *
 * Two breakers: one for the server, one for writes alone, so that a Redis that is full or
 * read-only still serves reads. Trouble is whatever means "no answer": the server cannot be
 * reached, answers too late, or refuses for a reason that is not the command's own.
 *
 * Each change of state makes one line for the log; so does trouble of another kind that lasts
 * (at most once in REDIS_HEALTH_REPEAT_MS).
 */
#ifndef POSTVALVE_COMMON_REDIS_HEALTH_H
#define POSTVALVE_COMMON_REDIS_HEALTH_H

#include "common/breaker.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define REDIS_HEALTH_TIMEOUTS  3 /* in a row open the breaker; other trouble does at once */
#define REDIS_HEALTH_REPEAT_MS 60000

enum redis_use { REDIS_USE_READ, REDIS_USE_WRITE, REDIS_USE_COUNT };

enum redis_trouble {
    REDIS_TROUBLE_NONE,
    REDIS_TROUBLE_CONNECT,     /* refused, no such socket, no such host */
    REDIS_TROUBLE_TIMEOUT,     /* no reply within the deadline */
    REDIS_TROUBLE_CLOSED,      /* the connection ended before the reply */
    REDIS_TROUBLE_PROTOCOL,    /* not a Redis reply, or one beyond all measure */
    REDIS_TROUBLE_LOADING,     /* reading its data from disk */
    REDIS_TROUBLE_BUSY,        /* a script runs too long */
    REDIS_TROUBLE_MASTER_DOWN, /* a replica without its master, a cluster that is down */
    REDIS_TROUBLE_CLUSTER,     /* wants us to ask another node */
    REDIS_TROUBLE_CLIENTS,     /* maxclients reached */
    REDIS_TROUBLE_PASSWORD,    /* none given, or not the right one */
    REDIS_TROUBLE_DATABASE,    /* no such database number */
    REDIS_TROUBLE_PERMISSION,  /* ACL: of reads, or of writes only */
    REDIS_TROUBLE_FULL,        /* writes only: maxmemory */
    REDIS_TROUBLE_READONLY,    /* writes only: a replica */
    REDIS_TROUBLE_DISK,        /* writes only: cannot save */
    REDIS_TROUBLE_REPLICAS,    /* writes only: min-replicas-to-write */
    REDIS_TROUBLE_COMMAND,     /* this command only: the breakers do not count it */
    REDIS_TROUBLE_COUNT
};

#define REDIS_HEALTH_TEXT_SIZE 512

/* What to log: nothing unless is_new. */
struct redis_health_event {
    bool is_new;
    bool is_warning; /* else information: it is well again */
    char text[REDIS_HEALTH_TEXT_SIZE];
};

struct redis_health {
    struct breaker breaker[REDIS_USE_COUNT]; /* [READ]: the server; [WRITE]: writes alone */
    enum redis_trouble logged[REDIS_USE_COUNT];
    int64_t logged_at_ms[REDIS_USE_COUNT];
    int64_t command_logged_at_ms; /* 0: never */
    enum redis_trouble current;   /* the last trouble; NONE when all is well */
    const char *server;           /* for the text; the owner's */
};

/* server: as configured, must live as long as health. */
void redis_health_init(struct redis_health *health, const char *server, int64_t retry_ms);
/* Permission for one try, to be followed by success or failure. */
bool redis_health_allows(struct redis_health *health, enum redis_use use, int64_t now_ms);
/* As redis_health_allows(), but takes no permission. */
bool redis_health_would_allow(const struct redis_health *health, enum redis_use use,
                              int64_t now_ms);
/* Nothing is wrong with this use; takes no permission. */
bool redis_health_is_well(const struct redis_health *health, enum redis_use use);
void redis_health_success(struct redis_health *health, enum redis_use use, int64_t now_ms,
                          struct redis_health_event *event_r);
/* detail: what the system or Redis said, may be empty; control
 * characters are replaced. */
void redis_health_failure(struct redis_health *health, enum redis_use use,
                          enum redis_trouble trouble, struct slice detail, int64_t now_ms,
                          struct redis_health_event *event_r);

/* What an error reply ("LOADING Redis is loading the dataset in memory") means. */
enum redis_trouble redis_trouble_from_reply(struct slice text);
bool redis_trouble_is_of_writes(enum redis_trouble trouble);
/* As a word for status: "timeout", "loading"; "none". */
const char *redis_trouble_name(enum redis_trouble trouble);

#endif
