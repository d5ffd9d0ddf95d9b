/*
 * access_list - what administrators said of single clients and networks: let in, keep out, or
 * forget what is known. Always with an end.
 *
 * Kept in Redis as one hash, PREFIXaccess (doc/redis.md), for all hosts: a field an entry, its
 * name the address or network, its value "KIND UNTIL SET BY NOTE"; times are seconds of Redis'
 * clock. Field "version" changes with every change, so that a reader need not read the same
 * twice. Pure; other programs may have written anything.
 *
 * A list belongs to its owner; nothing in it changes but by access_list_read().
 */
#ifndef POSTVALVE_COMMON_ACCESS_LIST_H
#define POSTVALVE_COMMON_ACCESS_LIST_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/redis_command.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_LIST_MAX    1000 /* entries; the script takes no more, a reader neither */
#define ACCESS_SECONDS_MAX (366 * 86400)
#define ACCESS_BY_SIZE     96
#define ACCESS_NOTE_SIZE   96
#define ACCESS_KEY_SIZE    64 /* text of a key, with the terminating zero */
/* How long an order to forget stays in the list: every daemon reads it twice a second. */
#define ACCESS_FORGET_S 60

enum access_kind { ACCESS_ALLOW, ACCESS_BLOCK, ACCESS_FORGET, ACCESS_KIND_COUNT };

struct access_entry {
    enum access_kind kind;
    char key[ACCESS_KEY_SIZE]; /* as in the list; ACCESS_FORGET: the text of a client key */
    struct network network;    /* to allow or block; an address is a network of its own */
    int64_t until_s, set_s;
    char by[ACCESS_BY_SIZE]; /* these two as they came from Redis: to be escaped when shown */
    char note[ACCESS_NOTE_SIZE];
};

/* Start value: all zero, nothing is said. */
struct access_list {
    size_t count;
    struct access_entry *entries; /* the smallest networks first */
};

/* The hash as HGETALL tells it, in place of what was there. What makes no sense is left out. */
void access_list_read(struct access_list *list, const struct redis_field *fields, size_t count);
void access_list_free(struct access_list *list);

/* The entry to allow or block that counts for an address: that of the smallest network, if it
 * has not run out. NULL: none. now_s: Redis' clock. */
const struct access_entry *access_list_find(const struct access_list *list,
                                            const struct address *address, int64_t now_s);
/* Sets is_allowed and is_blocked where the list says so. */
void access_list_tell(const struct access_list *list, const struct address *address,
                      int64_t now_s, struct client_facts *facts);
bool access_entry_is_in_force(const struct access_entry *entry, int64_t now_s);

/* The form that a network has in the list: without "/32" and "/128". */
void access_key_format(const struct network *network, char out[static ACCESS_KEY_SIZE]);

/* EVAL of access_set_script on redis_key_access(): an entry for seconds; ACCESS_FORGET takes an
 * entry to allow or block back as well. seconds 0: only takes the entry back. The reply: Redis'
 * time in seconds, and 1 if the list changed; the error ACCESSFULL when there is no room. */
struct access_order {
    enum access_kind kind;
    struct slice key;
    int64_t seconds;
    struct slice by, note; /* cut at their sizes */
};
void access_set_command(struct redis_command *command, struct slice key,
                        const struct access_order *order);
extern const char access_set_script[];
/* EVAL of access_read_script: the reply is Redis' time in seconds, the version, and the fields,
 * but only if version is not the one that is known. */
void access_read_command(struct redis_command *command, struct slice key,
                         struct slice known_version);
extern const char access_read_script[];

const char *access_kind_name(enum access_kind kind);

#endif
