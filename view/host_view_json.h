/*
 * host_view_json - what Redis says of a host, as JSON. New references; documented in
 * postvalvectl(1), and in doc/api.md.
 */
#ifndef POSTVALVE_VIEW_HOST_VIEW_JSON_H
#define POSTVALVE_VIEW_HOST_VIEW_JSON_H

#include "view/host_view.h"

#include <jansson.h>

/* Its services, the main one first; none when nobody publishes. */
json_t *host_view_services_json(const struct host_view *view);
/* One of them. */
json_t *service_json(const struct service_state *service);
/* What is forced, and the other hosts; null when Redis was not read. */
json_t *host_view_forced_json(const struct host_view *view);
json_t *host_view_cluster_json(const struct host_view *view);

#endif
