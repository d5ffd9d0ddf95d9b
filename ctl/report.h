/*
 * report - the lines of common/report.h on standard output.
 */
#ifndef POSTVALVE_CTL_REPORT_H
#define POSTVALVE_CTL_REPORT_H

#include "common/report.h"

/* report_print: context is not used. */
void report_print_text(void *context, const struct report_line *line);

/* report_print: context is a struct report_html. Start value: all zero. */
struct report_html {
    const char *container; /* element that is open: <dl>, <table>, <ul>; NULL: none */
};
void report_print_html(void *context, const struct report_line *line);
void report_end_html(struct report_html *html);

#endif
