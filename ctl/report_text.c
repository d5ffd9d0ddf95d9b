/* A report for a terminal of 80 columns, or a mail. */
#include "ctl/report.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define LABEL 17

/* Words, broken at WIDTH; lines after the first begin under it. */
static void print_wrapped(const char *first, size_t indent, const char *text)
{
    size_t column = indent;
    printf("%-*s", (int)indent, first);
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > indent && column + 1 + length > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, text);
        column += length;
        text += length + strspn(text + length, " ");
    }
    putchar('\n');
}

void report_print_text(void *context, const struct report_line *line)
{
    char label[sizeof(line->label) + 2];
    (void)context;
    switch (line->part) {
    case REPORT_TITLE:
        puts(line->text);
        break;
    case REPORT_HEADING:
        printf("\n%s\n\n", line->text);
        break;
    case REPORT_FACT:
        snprintf(label, sizeof(label), "%s:", line->label);
        print_wrapped(label, LABEL + 1, line->text);
        break;
    case REPORT_COLUMN:
        printf("%-10s", line->label);
        for (int i = 0; i < REPORT_COLUMNS; i++)
            printf(" %10s", line->fields[i]);
        putchar('\n');
        break;
    case REPORT_TEXT:
        print_wrapped("", 0, line->text);
        break;
    case REPORT_ADVICE:
        print_wrapped("*", 2, line->text);
        break;
    }
}
