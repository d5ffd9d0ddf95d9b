/*
 * reclaim - which sessions lose their slot, and why. Pure: what the kernel and the milter know
 * of each session is an input.
 *
 * Under stress a client below class good that keeps its slot without using it loses it, the
 * longest silent first, and only as many as clients need; below class unknown all of them.
 * Silent is a client whose turn it is: while it waits for an answer of ours it is not, however
 * long we take. A milter hears of commands alone, so silence is what the kernel says of bytes:
 * between STARTTLS and EHLO, or in the middle of a command, there is no event.
 */
#ifndef POSTVALVE_COMMON_RECLAIM_H
#define POSTVALVE_COMMON_RECLAIM_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/level.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reclaim_reason {
    RECLAIM_NONE,
    RECLAIM_SILENT_BEFORE_HELO,
    RECLAIM_SILENT,      /* after it */
    RECLAIM_NO_DATA,     /* the time budget is used up without a message being sent */
    RECLAIM_STALLED,     /* in the middle of a message */
    RECLAIM_MISBEHAVING, /* for what it does, see below */
    RECLAIM_REASON_COUNT
};

struct reclaim_settings {
    bool is_enabled;
    bool is_observed; /* only tell what would be done */
    int64_t silent_before_helo_ms;
    int64_t silent_ms;
    int64_t budget_ms;          /* of classes from returning on */
    int64_t newcomer_budget_ms; /* of the others */
    int64_t stall_ms;
};

/* A session as of one moment. Ages are in milliseconds; one of the kernel's that never happened
 * is a large number. */
struct reclaim_view {
    enum client_class class; /* authenticated clients are CLASS_TRUSTED */
    bool has_said_helo;
    bool is_in_data;
    int64_t held_ms;         /* since CONNECT; waiting for a slot does not count */
    int64_t without_data_ms; /* since CONNECT, or since the end of the last message */
    int64_t received_ms_ago; /* the last byte of the client (tcpi_last_data_recv) */
    int64_t sent_ms_ago;     /* the last byte of ours (tcpi_last_data_sent) */
    bool is_unacknowledged;  /* what we sent is being sent again, so its age says nothing */
    bool is_misbehaving; /* a reply that would end it was in vain: Postfix answers a recipient
                            that it rejects in its own words */
};

/* How long the client has been silent while it was its turn. */
int64_t reclaim_silence_ms(const struct reclaim_view *view);
/* Why this session may lose its slot; RECLAIM_NONE: it may not. */
enum reclaim_reason reclaim_judge(const struct reclaim_view *view,
                                  const struct reclaim_settings *settings);
/* "silent-before-helo", ... */
const char *reclaim_reason_name(enum reclaim_reason reason);

/* Slots that were taken back since this was last told; and of one of them, the last. */
struct reclaim_news {
    int slots;
    struct address client;
    enum client_class class;
    enum reclaim_reason reason;
    int64_t held_ms;
};

struct reclaim_load {
    enum level level;
    bool is_level_forced; /* by an administrator: the pressure does not raise it */
    int busy, slot_limit;
    int waiting;     /* for a slot, in the accept queue */
    int turned_away; /* clients hung up on with 421 a moment ago, for want of a slot */
    double ceiling;  /* of class unknown */
};

/* How many slots are to be taken back: as many as it takes to have room for one more unknown
 * client below its ceiling, and for those who wait or were turned away. 0 while there is no
 * stress. */
int reclaim_wanted(const struct reclaim_load *load);

/* The class from which on a session that deserves it still loses its slot only where slots are
 * wanted. Suspects never are spared under stress; nor are unknown clients while newcomers are
 * on trial (common/newcomers.h): what they may have then is next to nothing. Without stress
 * nobody loses anything: CLASS_BOT. */
enum client_class reclaim_spared(enum level level, bool are_newcomers_on_trial);

struct reclaim_choice {
    size_t index; /* of the view */
    enum reclaim_reason reason;
    int64_t silence_ms, held_ms;
};

/* Which sessions are to end: of classes below spared, and of those that misbehave, all that
 * may, of the others no more than it takes to have as many as wanted; the longest silent first,
 * among equals the one that held its slot longer. Returns how many; choices has room for count.
 */
size_t reclaim_choose(const struct reclaim_view *views, size_t count,
                      const struct reclaim_settings *settings, enum client_class spared,
                      size_t wanted, struct reclaim_choice *choices);

#endif
