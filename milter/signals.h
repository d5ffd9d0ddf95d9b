/*
 * signals - HUP, TERM and INT for the housekeeping thread, not for libmilter.
 *
 * libmilter starts a thread that waits in sigwait(3) for HUP, TERM and INT, and takes each of
 * them, HUP too, as the order to stop. It has no option against that. And its way of stopping
 * is not ours: sessions are dropped without xxfi_close, or freed while a thread still works on
 * them. So signals.c defines sigwait() for this program: one that never returns. libmilter.so
 * finds it before the one of the C library, because the linker exports a function of the
 * program that a library it is linked with refers to; a static libmilter is linked with it just
 * so. libmilter's thread then sleeps for good, and the housekeeping thread alone takes the
 * signals, with sigtimedwait(2), and ends the program.
 */
#ifndef POSTVALVE_MILTER_SIGNALS_H
#define POSTVALVE_MILTER_SIGNALS_H

#include <stdint.h>

/* Main thread, before any other thread is started: all threads inherit the mask. */
void signals_block(void);

/* Waits for one of the signals: SIGHUP, SIGTERM or SIGINT; 0: none within timeout_ms. */
int signals_wait(int64_t timeout_ms);

#endif
