/*
 * process_id - what a process calls itself in Redis: unique, also after the machine was started
 * anew.
 */
#ifndef POSTVALVE_HOST_PROCESS_ID_H
#define POSTVALVE_HOST_PROCESS_ID_H

#define PROCESS_ID_SIZE 128

/* "KIND:HOST:PID:RANDOM"; host is cut at 64 bytes. */
void process_id_make(const char *kind, const char *host, char id_r[static PROCESS_ID_SIZE]);

#endif
