/*
 * tap - the Test Anything Protocol for unit tests: ok(), is_*(), and done_testing() as the last
 * line of main(). A failed check prints file and line and the test goes on.
 */
#ifndef POSTVALVE_T_UNIT_TAP_H
#define POSTVALVE_T_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool tap_check(bool passed,
                                                                    const char *file, int line,
                                                                    const char *format, ...)
{
    va_list arguments;
    tap_count++;
    if (!passed)
        tap_failed++;
    printf("%s %d - ", passed ? "ok" : "not ok", tap_count);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    if (!passed)
        printf("#   failed at %s line %d\n", file, line);
    fflush(stdout);
    return passed;
}

#define ok(condition, ...) tap_check((condition), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((unused)) static bool tap_is_string(const char *got, const char *expected,
                                                  const char *what, const char *file, int line)
{
    bool passed = tap_check(got && strcmp(got, expected) == 0, file, line, "%s", what);
    if (!passed)
        printf("#        got: '%s'\n#   expected: '%s'\n", got ? got : "(null)", expected);
    return passed;
}
#define is_string(got, expected, what) tap_is_string(got, expected, what, __FILE__, __LINE__)

__attribute__((unused)) static bool tap_is_number(double got, double expected, const char *what,
                                                  const char *file, int line)
{
    double difference = got - expected;
    bool passed = tap_check(difference < 1e-6 && difference > -1e-6, file, line, "%s", what);
    if (!passed)
        printf("#        got: %g\n#   expected: %g\n", got, expected);
    return passed;
}
#define is_number(got, expected, what)                                                         \
    tap_is_number((double)(got), (double)(expected), what, __FILE__, __LINE__)

__attribute__((unused)) static int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
