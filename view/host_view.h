/*
 * host_view - what Redis says now of one host: its published state, what is forced on it, and
 * the other hosts.
 */
#ifndef POSTVALVE_VIEW_HOST_VIEW_H
#define POSTVALVE_VIEW_HOST_VIEW_H

#include "common/cluster.h"
#include "common/error.h"
#include "common/host_lease.h"
#include "common/host_state.h"
#include "view/override_view.h"
#include "view/redis_session.h"
#include "host/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct other_host {
    char name[HOSTNAME_SIZE]; /* safe to show */
    enum publisher publisher;
    enum level level;
    double pressure; /* negative: not known */
    int64_t age_ms;
};

struct host_view {
    int64_t now_ms;    /* Redis' clock; 0: not read */
    bool is_published; /* state is not older than its lease */
    struct host_state state;
    struct override_view overrides;
    struct cluster_summary cluster; /* without this host */
    size_t other_count;
    struct other_host others[HOSTS_MAX];
};

bool host_view_read(struct host_view *view, struct redis_session *session, const char *host,
                    struct error *error);

#endif
