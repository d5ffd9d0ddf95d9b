/*
 * rails - what keeps a wrong idea about clients from becoming an outage.
 *
 * The history cap: of all connections of the last five minutes, how many were hung up on by
 * history alone. When that is more than its share, perhaps the history is wrong: no 521 then
 * (but to who is silent himself, see decide.c),
 * and who sent mail before is measured like an unknown client. Where bots flood, the share is
 * high as well; then deferring them does the same for the slots.
 *
 * Shared addresses: one address with many well-behaved sessions at a time is NAT, a proxy or a
 * big provider, and many pay for what one of them did.
 *
 * Pure: time is an input, monotonic milliseconds that do not fall. One owner, no lock.
 */
#ifndef POSTVALVE_COMMON_RAILS_H
#define POSTVALVE_COMMON_RAILS_H

#include <stdbool.h>
#include <stdint.h>

struct rails_settings {
    double history_cap_share;   /* of connections; 1 or more: no cap */
    int64_t history_cap_sample; /* connections in five minutes from which on the share counts */
    int64_t shared_sessions;    /* at a time, from which on an address may be shared */
};

#define HISTORY_CAP_BUCKETS   30
#define HISTORY_CAP_BUCKET_MS 10000

enum history_cap_change { HISTORY_CAP_SAME, HISTORY_CAP_REACHED, HISTORY_CAP_LEFT };

struct history_cap {
    struct history_cap_bucket {
        int64_t number; /* of the bucket, in time */
        uint32_t connections, by_history;
    } buckets[HISTORY_CAP_BUCKETS];
    uint64_t connections, by_history; /* of all buckets */
    int64_t last;                     /* number of the newest bucket */
    bool is_reached;
};

/* Start value: all zero. Counts a connection, when its first decision is made, and looks again
 * whether the cap is reached; left is it only below three quarters of the share. */
enum history_cap_change history_cap_count(struct history_cap *cap,
                                          const struct rails_settings *settings,
                                          bool is_by_history, int64_t now_ms);
/* As of the last count; what is older than five minutes by now does not count any more. */
bool history_cap_is_reached(struct history_cap *cap, const struct rails_settings *settings,
                            int64_t now_ms);
/* By history, of all; 0 when there were none. */
double history_cap_share(const struct history_cap *cap);

/* sessions: of one client key at this moment, the asking one included; behaving: those of them
 * that had mail accepted or are sending it. Half of them have to behave. */
bool rails_is_shared(const struct rails_settings *settings, int64_t sessions, int64_t behaving);

#endif
