/*
 * rbl_settings - the settings of DNS lists (struct rbl_settings), compiled: checks to a plan,
 * the default reply to a template. Reply maps are files, which config_load() reads.
 */
#ifndef POSTVALVE_COMMON_RBL_SETTINGS_H
#define POSTVALVE_COMMON_RBL_SETTINGS_H

#include "common/config.h"
#include "common/macro.h"
#include "common/slice.h"

struct setting_problems; /* common/settings.h */

/* Makes plan and default_template, and the deadlines of the levels between. Every problem is
 * reported; the two are there even so. */
void rbl_settings_compile(struct rbl_settings *settings,
                          const struct setting_problems *problems);
/* Frees what was made of the settings. */
void rbl_settings_release(struct rbl_settings *settings);

/* The template for a check with this argument ("domain=filter"): from the reply map of the
 * level, or of the next lower one that has a map; else the default. */
const struct macro *rbl_settings_template(const struct rbl_settings *settings, enum level level,
                                          struct slice argument);
/* The same without the default, NULL where no map has it. */
const struct macro *rbl_settings_mapped_template(const struct rbl_settings *settings,
                                                 enum level level, struct slice argument);

#endif
