/*
 * fuzz - what a fuzzer offers: built with clang -fsanitize=fuzzer, or with replay.c, which
 * gives it its corpus in the normal test run.
 */
#ifndef POSTVALVE_T_FUZZ_FUZZ_H
#define POSTVALVE_T_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with abort() where a property does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
