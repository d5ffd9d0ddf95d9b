/*
 * smtpd_processes - the smtpd(8) and postscreen(8) processes of a Postfix: which service each
 * is of, and whether it was started under stress ("-o stress=yes").
 *
 * A scan lists the children of master(8) and reads the command line of those it does not know
 * yet, 7 us each; with 2000 that it knows it takes some 0.5 ms. A struct smtpd_processes
 * belongs to one thread at a time.
 */
#ifndef POSTVALVE_HOST_SMTPD_PROCESSES_H
#define POSTVALVE_HOST_SMTPD_PROCESSES_H

#include "common/error.h"
#include "host/inode_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SMTPD_SERVICE_SIZE 65

struct smtpd_processes;

struct smtpd_count {
    int processes;
    int stressed;
};

/* Nothing is read yet. */
struct smtpd_processes *smtpd_processes_open(const char *queue_directory);
void smtpd_processes_close(struct smtpd_processes *processes);
/* False: master(8) is not found, or its children cannot be seen; then nothing is known. */
bool smtpd_processes_scan(struct smtpd_processes *processes, struct error *error);

/* As of the last scan: the smtpd processes of a service, by its name and type ("inet", "pass")
 * in master.cf. */
struct smtpd_count smtpd_processes_count(const struct smtpd_processes *processes,
                                         const char *service, const char *type);
/* The sockets of all postscreen(8) processes: clients that have no slot yet, or never will.
 * False: we may not look (root, CAP_SYS_PTRACE). */
bool smtpd_processes_postscreen(const struct smtpd_processes *processes, struct inode_set *set,
                                struct error *error);

/* A command line as in /proc, arguments ended by zeros. */
enum smtpd_program { PROGRAM_OTHER, PROGRAM_SMTPD, PROGRAM_POSTSCREEN, PROGRAM_MASTER };
struct smtpd_command {
    enum smtpd_program program; /* PROGRAM_MASTER: a child that is not what it will be yet */
    char service[SMTPD_SERVICE_SIZE]; /* -n */
    char type[8];                     /* -t */
    bool is_stressed;
};
void smtpd_command_parse(const char *line, size_t length, struct smtpd_command *command_r);

#endif
