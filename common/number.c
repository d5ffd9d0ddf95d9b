#include "common/number.h"

#include <stddef.h>

bool number_parse(struct slice text, int64_t maximum, int64_t *number_r)
{
    int64_t number = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || number > (maximum - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (number > maximum)
        return false;
    *number_r = number;
    return true;
}

bool number_parse_fraction(struct slice text, double maximum, double *number_r)
{
    double number = 0, unit = 0; /* unit: of the last digit behind the point; 0: before it */
    bool has_digit = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '.' && unit == 0 && has_digit) {
            unit = 1;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        has_digit = true;
        unit /= 10;
        number = unit > 0 ? number + unit * (c - '0') : number * 10 + (c - '0');
    }
    if (!has_digit || !(number <= maximum))
        return false;
    *number_r = number;
    return true;
}
