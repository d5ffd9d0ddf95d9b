/*
 * page_files - the files of the page (policyd/page/), part of the program: they are there
 * whatever is installed where. Written by policyd/page/embed.
 */
#ifndef POSTVALVE_POLICYD_PAGE_FILES_H
#define POSTVALVE_POLICYD_PAGE_FILES_H

#include "common/slice.h"

#include <stddef.h>

struct page_file {
    const char *path; /* "/page.js" */
    const char *type; /* for Content-Type */
    struct slice content;
};

extern const struct page_file page_files[];
extern const size_t page_files_count;

#endif
