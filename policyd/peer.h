/*
 * peer - who is at the other end of a descriptor, for the log.
 */
#ifndef POSTVALVE_POLICYD_PEER_H
#define POSTVALVE_POLICYD_PEER_H

#define PEER_TEXT_SIZE 80

/* "127.0.0.1 port 40123", "process 1234 of user 101" (unix socket), "standard input". */
void peer_format(int fd, char out[static PEER_TEXT_SIZE]);

#endif
