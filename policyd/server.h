/*
 * server - the daemon: its parts wired together, its signals, its reload, its end.
 */
#ifndef POSTVALVE_POLICYD_SERVER_H
#define POSTVALVE_POLICYD_SERVER_H

struct config;

/* Runs until SIGTERM or SIGINT. Takes config over; SIGHUP reads config_file again. Returns the
 * exit status (sysexits.h); what prevented a start has been logged. */
int server_run(const char *config_file, struct config *config);

#endif
