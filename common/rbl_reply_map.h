/*
 * rbl_reply_map - the text of a reply for each check: a table of rbl_reply_maps (postconf(5))
 * in the form in which postmap(1) reads it, "domain=filter template" or "domain template" a
 * line.
 *
 * Every template is checked when the map is loaded; immutable after that. Where Postfix warns
 * and ignores a line, the map is refused.
 */
#ifndef POSTVALVE_COMMON_RBL_REPLY_MAP_H
#define POSTVALVE_COMMON_RBL_REPLY_MAP_H

#include "common/error_list.h"
#include "common/macro.h"
#include "common/slice.h"

#include <stddef.h>

#define RBL_REPLY_MAP_SIZE_MAX    (1024 * 1024) /* bytes of text */
#define RBL_REPLY_MAP_ENTRIES_MAX 4096

struct rbl_reply_map;

/* NULL, and every problem as "NAME:LINE: ..." in errors. name: of the file, for messages. code:
 * the value of rbl_code. rbl_reply_map_free(NULL) is fine. */
struct rbl_reply_map *rbl_reply_map_parse(const char *name, struct slice text, int code,
                                          struct error_list *errors);
void rbl_reply_map_free(struct rbl_reply_map *map);

/* The template for "domain=filter", else that for "domain", whichever case they are written
 * in; NULL: none. */
const struct macro *rbl_reply_map_find(const struct rbl_reply_map *map, struct slice argument);
size_t rbl_reply_map_count(const struct rbl_reply_map *map);
/* An entry in the order of keys, for tests. */
struct slice rbl_reply_map_key(const struct rbl_reply_map *map, size_t index);
const struct macro *rbl_reply_map_template(const struct rbl_reply_map *map, size_t index);

#endif
