/*
 * The load generator: what it is asked for and what it counted.
 * policy_load.c reads the options and prints; load_run.c and load_idle.c do the work.
 */
#ifndef POSTVALVE_T_BENCH_LOAD_H
#define POSTVALVE_T_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "t/bench/bench_socket.h"
#include "t/bench/histogram.h"

struct load_options {
    struct bench_address address;
    const char *protocol_state; /* NULL: RCPT */
    uint16_t server_port;
    uint32_t connections;
    uint32_t idle_connections; /* not 0: hold these instead of loading */
    uint32_t clients;          /* distinct client addresses, asked for in turn */
    uint32_t first_client;     /* number of the first of them */
    uint64_t requests;         /* 0: until the time is up */
    uint64_t warmup_requests;  /* not counted; at most warmup_ms long */
    uint64_t warmup_ms;
    uint64_t duration_ms; /* of the load, or of holding idle connections */
    bool is_untouched;    /* idle connections: without a request on each first */
    bool is_json;
};

struct load_result {
    struct histogram latency; /* of the answers counted; ns */
    uint64_t errors;          /* connections lost, short writes, malformed answers */
    uint64_t other_answers;   /* well-formed, but not DUNNO */
    uint64_t warmup_count;    /* answers before counting began */
    uint64_t elapsed_ns;
    uint64_t cpu_ns;       /* CPU time of the generator itself meanwhile */
    bool is_stalled;       /* no answer for LOAD_STALL_MS */
    char first_other[128]; /* the first of other_answers */
};

#define LOAD_STALL_MS 10000

/* One request in flight on each connection until requests or duration_ms are done. */
void load_run(const struct load_options *options, struct load_result *result);

/*
 * Open idle_connections, print "ready N", hold them until stdin ends or duration_ms passed.
 * False when the server closed one of them meanwhile.
 */
bool load_idle(const struct load_options *options);

#endif
