/*
 * unix_queue - how many wait in the accept queue of a listening unix socket, from the kernel
 * (sock_diag(7)), without privileges. Behind postscreen(8) that is who waits for smtpd(8):
 * postscreen hands its clients over through the socket of the smtpd service.
 *
 * A struct unix_queue belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_UNIX_QUEUE_H
#define POSTVALVE_HOST_UNIX_QUEUE_H

#include <stdbool.h>

struct unix_queue;

/* A socket of Postfix: master(8) binds it in its queue directory, as "private/NAME" or
 * "public/NAME". Where we may look into the queue directory the file tells it from the socket
 * of another Postfix; else all of that name count. */
struct unix_queue *unix_queue_open(const char *queue_directory, const char *name);
void unix_queue_close(struct unix_queue *queue);

/* False: nobody listens on it, or netlink does not work here. Some 20 us. */
bool unix_queue_read(struct unix_queue *queue, int *waiting_r);

#endif
