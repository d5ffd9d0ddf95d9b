/*
 * top - who holds the slots: what `postvalvectl top` shows of the session table, as JSON.
 */
#ifndef POSTVALVE_MILTER_TOP_H
#define POSTVALVE_MILTER_TOP_H

#include <stddef.h>
#include <stdint.h>

struct session_table;

#define TOP_HOLDERS_MAX 20   /* those that hold a slot longest */
#define TOP_SIZE        8192 /* bytes, with the terminating zero */

/* Returns the length. now_ms: monotonic. See PREFIXtop:HOST in doc/redis.md. */
size_t top_format(struct session_table *sessions, int64_t now_ms, char out[static TOP_SIZE]);

#endif
