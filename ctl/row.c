#include "ctl/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS     80
#define LABEL_WIDTH 10

void row_print(const char *label, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);

    int column = printf("%-*s", LABEL_WIDTH, label);
    for (const char *word = text; *word;) {
        int length = (int)strcspn(word, " ");
        if (column > LABEL_WIDTH && column + 1 + length > COLUMNS)
            column = printf("\n%*s", LABEL_WIDTH, "") - 1;
        else if (column > LABEL_WIDTH)
            column += printf(" ");
        column += printf("%.*s", length, word);
        word += length;
        word += strspn(word, " ");
    }
    putchar('\n');
}
