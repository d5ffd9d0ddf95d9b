/* A report as one HTML page that needs nothing else: for a mail, or a web server. */
#include "ctl/report.h"

#include <stdio.h>

#define STYLE                                                                                  \
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;"   \
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}" \
    "table{border-collapse:collapse;width:100%%}th,td{padding:.2rem .6rem;text-align:right;"   \
    "border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}"             \
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}"

static void print_escaped(const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '&':
            fputs("&amp;", stdout);
            break;
        case '"':
            fputs("&quot;", stdout);
            break;
        default:
            putchar(*text);
        }
    }
}

static void print_element(const char *name, const char *text)
{
    printf("<%s>", name);
    print_escaped(text);
    printf("</%s>\n", name);
}

/* What lines of a kind are in. */
static const char *container_of(enum report_part part)
{
    static const char *const containers[] = {
        [REPORT_FACT] = "dl", [REPORT_COLUMN] = "table", [REPORT_ADVICE] = "ul"};
    return part == REPORT_FACT || part == REPORT_COLUMN || part == REPORT_ADVICE
               ? containers[part]
               : NULL;
}

static void change_container(struct report_html *html, const char *container)
{
    if (html->container == container)
        return;
    if (html->container)
        printf("</%s>\n", html->container);
    if (container)
        printf("<%s>\n", container);
    html->container = container;
}

static void print_row(const struct report_line *line)
{
    const char *cell = line->is_head ? "th" : "td";
    puts("<tr>");
    print_element(cell, line->label);
    for (int i = 0; i < REPORT_COLUMNS; i++)
        print_element(cell, line->fields[i]);
    puts("</tr>");
}

void report_print_html(void *context, const struct report_line *line)
{
    change_container(context, container_of(line->part));
    switch (line->part) {
    case REPORT_TITLE:
        puts("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">");
        puts("<meta name=\"viewport\" content=\"width=device-width\">");
        print_element("title", line->text);
        printf("<style>" STYLE "</style>\n");
        print_element("h1", line->text);
        break;
    case REPORT_HEADING:
        print_element("h2", line->text);
        break;
    case REPORT_FACT:
        print_element("dt", line->label);
        print_element("dd", line->text);
        break;
    case REPORT_COLUMN:
        print_row(line);
        break;
    case REPORT_TEXT:
        print_element("p", line->text);
        break;
    case REPORT_ADVICE:
        print_element("li", line->text);
        break;
    }
}

void report_end_html(struct report_html *html)
{
    change_container(html, NULL);
    puts("</html>");
}
