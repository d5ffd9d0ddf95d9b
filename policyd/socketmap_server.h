/*
 * socketmap_server - tables for Postfix over the protocol of socketmap_table(5), each a row of
 * the table in socketmap_maps.c. Loop thread only.
 */
#ifndef POSTVALVE_POLICYD_SOCKETMAP_SERVER_H
#define POSTVALVE_POLICYD_SOCKETMAP_SERVER_H

#include "policyd/socketmap_maps.h"
#include "policyd/stream_server.h"

struct socketmap_server {
    struct socketmap_maps maps;
};

/* Its context is a struct socketmap_server. */
extern const struct stream_protocol socketmap_protocol;

#endif
