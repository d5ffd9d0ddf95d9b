/*
 * row - a label and a text behind it, for people: lines of at most 80 columns, where words
 * allow it.
 */
#ifndef POSTVALVE_CTL_ROW_H
#define POSTVALVE_CTL_ROW_H

/* The text, cut at 2 kB, is broken at spaces; a word longer than a line is left whole. */
void row_print(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
