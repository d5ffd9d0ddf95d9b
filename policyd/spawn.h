/*
 * spawn - one policy connection on standard input and output, as spawn(8) of Postfix runs it.
 *
 * Such a process lives as long as the smtpd process it serves, and there are as many: it holds
 * little memory, has no timer while idle, connects to Redis when it has a question, and takes
 * pressure, level and slot limit from the host's record in Redis, so that it asks postconf(1)
 * and the kernel only where nobody publishes one. It publishes nothing itself.
 */
#ifndef POSTVALVE_POLICYD_SPAWN_H
#define POSTVALVE_POLICYD_SPAWN_H

#include "common/config.h"

/* spawn(8) connects standard error to the client too: then nothing may be written there. Also
 * puts something harmless in its place. For everything that logs before spawn_run(). */
enum log_target spawn_log_target(enum log_target configured);

/* Runs until the end of input. Takes config over. Returns the exit status. */
int spawn_run(struct config *config);

#endif
