/*
 * live_config - the configuration in force, for many threads: snapshots that are counted.
 *
 * A reload puts a new snapshot in place; one that is still in use is freed by its last user.
 */
#ifndef POSTVALVE_MILTER_LIVE_CONFIG_H
#define POSTVALVE_MILTER_LIVE_CONFIG_H

#include "common/config.h"

struct live_config;

/* Takes the snapshot over. */
struct live_config *live_config_create(struct config *config);
/* Nobody may use it any more. */
void live_config_free(struct live_config *live);

/* The snapshot in force; stays valid until live_config_release(). */
const struct config *live_config_acquire(struct live_config *live);
void live_config_release(struct live_config *live, const struct config *config);

/* Takes the new snapshot over. */
void live_config_replace(struct live_config *live, struct config *config);

#endif
