/*
 * callbacks - the events of libmilter, translated for session, admission and history.
 *
 * Contract of libmilter: the events of one session come in sequence, on changing threads;
 * xxfi_close may come without xxfi_connect; the host address and the private data may be NULL.
 * Whatever goes wrong on our side, the session goes on: nothing is refused because of us.
 */
#ifndef POSTVALVE_MILTER_CALLBACKS_H
#define POSTVALVE_MILTER_CALLBACKS_H

#include "milter/milter.h"

#include <stdbool.h>

/* Tells libmilter about us; milter is what the callbacks work with from now on. */
bool callbacks_register(struct milter *milter);

#endif
