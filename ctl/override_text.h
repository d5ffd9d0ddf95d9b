/*
 * override_text - what is forced on a host, told to people.
 */
#ifndef POSTVALVE_CTL_OVERRIDE_TEXT_H
#define POSTVALVE_CTL_OVERRIDE_TEXT_H

#include "view/override_view.h"

#define OVERRIDE_TEXT_MAX 1024
/* "level stressed, 9m58s more, until 21 Nov 06:30:12, by root@mx1: text"; "" where the aspect
 * is not forced. */
void override_text_describe(const struct override_view *view, enum override_aspect aspect,
                            char out[static OVERRIDE_TEXT_MAX]);
/* A line for each aspect that is forced, or that there is none. */
void override_text_print(const struct override_view *view);

#endif
