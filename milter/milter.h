/*
 * milter - the parts of the running milter, for the callbacks and for housekeeping.
 *
 * Made once by main() before the first thread, never freed: threads of libmilter may be in it
 * until the program ends. Each part says how it is shared.
 */
#ifndef POSTVALVE_MILTER_MILTER_H
#define POSTVALVE_MILTER_MILTER_H

struct access_watch;
struct decision_log;
struct history;
struct history_guard;
struct host_link;
struct live_config;
struct newcomer_watch;
struct reclaimer;
struct own_addresses;
struct session_table;
struct stress_monitor;

struct milter {
    const char *config_file;
    struct live_config *config;
    struct session_table *sessions;
    struct access_watch *access;
    struct history *history;
    struct history_guard *history_guard;
    struct decision_log *decision_log;
    struct own_addresses *own_addresses;
    struct newcomer_watch *newcomers;
    struct stress_monitor *stress;
    struct reclaimer *reclaimer; /* NULL: slots are not taken back */
    struct host_link *host_link; /* NULL: not started yet */
};

#endif
