/*
 * config - the configuration as an immutable snapshot.
 *
 * One JSON file for all programs; every setting is a row of settings_table (common/settings.h),
 * which gives parser, range check, default, --print-config and the manual page. A snapshot is
 * never changed after config_load(): a reload makes a new one and swaps the pointer.
 */
#ifndef POSTVALVE_COMMON_CONFIG_H
#define POSTVALVE_COMMON_CONFIG_H

#include "common/address.h"
#include "common/client_class.h"
#include "common/cluster.h"
#include "common/decide.h"
#include "common/level.h"
#include "common/recipient_address.h"
#include "common/recipient_record.h"
#include "common/reclaim.h"
#include "common/sensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where to listen or connect: common/endpoint.h. Pointers that a type does not use are NULL. */
enum endpoint_type { ENDPOINT_NONE, ENDPOINT_UNIX, ENDPOINT_INET };
struct endpoint {
    enum endpoint_type type;
    char *text; /* as configured */
    char *path; /* unix */
    char *host; /* inet: numeric address or a name; IPv6 without brackets */
    uint16_t port;
};
struct endpoint_list {
    struct endpoint *items;
    size_t count;
};

struct network_list {
    struct network *items;
    size_t count;
};

struct string_list {
    char **items;
    size_t count;
};

enum log_target { LOG_TARGET_SYSLOG, LOG_TARGET_STDERR };

struct socket_settings { /* of unix listeners; inet ones ignore it */
    char *owner;         /* "": the user we run as */
    char *group;
    int64_t mode; /* octal in the file, as text: "0660" */
};

#define SLOT_LIMIT_AUTO 0 /* ask postconf(1) */

struct service_settings {
    char *name; /* service name in master.cf, e.g. "smtp" */
    int64_t port;
    int64_t slot_limit; /* processes, or SLOT_LIMIT_AUTO */
    char *postfix_config_directory;
    struct level_settings level;
};

#define SERVICES_MAX 16

struct service_list {
    struct service_settings *items; /* one at least; names and ports differ */
    size_t count;
};

/* NULL: none is on this port. */
const struct service_settings *service_list_find(const struct service_list *services,
                                                 int64_t port);

struct control_settings {
    bool is_postfix_stress_allowed; /* postvalvectl postfix-stress may change master.cf */
};

struct policyd_settings {
    struct endpoint_list listen;
    struct socket_settings socket;
    int64_t max_connections;
    int64_t idle_timeout_s;    /* a connection without a request */
    int64_t request_timeout_s; /* a request that has begun and does not end */
};

struct milter_settings {
    struct endpoint listen;
    struct socket_settings socket;
    int64_t silent_after_s; /* a session that held its slot this long without HELO was silent */
};

struct redis_settings {
    struct endpoint server; /* ENDPOINT_NONE: run without Redis */
    char *username;
    char *password;      /* from the file where there is one */
    char *password_file; /* "": none */
    int64_t database;
    char *prefix;        /* of every key, "pv:" */
    int64_t deadline_ms; /* of one request, connecting included */
    int64_t retry_ms;    /* after a failure, how long the breaker does not even try */
    int64_t pool_size;   /* connections of the milter */
};

struct memory_settings { /* the in-process store in front of Redis (L1) */
    int64_t clients;     /* most records kept */
    int64_t fresh_ms;    /* younger than this, Redis is not asked again */
};

enum rbl_action { RBL_ACTION_REPLY, RBL_ACTION_POSTFIX };

struct rbl_settings {
    struct string_list checks; /* common/rbl_check.h */
    int64_t threshold;
    enum rbl_action action;
    int64_t code;                       /* Postfix's maps_rbl_reject_code */
    char *default_reply;                /* Postfix's default_rbl_reply */
    char *reply_map_files[LEVEL_COUNT]; /* "": that of the next lower level */
    struct endpoint_list nameservers;   /* none: resolv.conf; inet, numeric */
    int64_t deadline_ms[LEVEL_COUNT];
    int64_t ttl_min_s, ttl_max_s, negative_ttl_max_s;
    int64_t cache_entries;
    struct string_list test_points;
    int64_t test_interval_s;
    int64_t retry_s;
    /* Made of the above, by common/rbl_settings.h. */
    struct rbl_plan *plan;                         /* never NULL */
    struct macro *default_template;                /* never NULL */
    struct rbl_reply_map *reply_maps[LEVEL_COUNT]; /* NULL: no file */
};

struct socketmap_settings {
    struct endpoint_list listen;
    struct socket_settings socket;
};

struct memcache_settings {
    struct endpoint_list listen;
    struct socket_settings socket;
    int64_t ttl_max_s;
    int64_t memory_entries;
};

struct decision_log_settings {
    char *file, *journal;     /* "": none */
    double share[RULE_COUNT]; /* of the decisions of each rule that are told */
};

struct http_settings {
    struct endpoint_list listen;
    struct socket_settings socket;
    struct string_list hosts; /* names that a request may be for */
    int64_t max_connections;
};

/* Which policy requests are answered as to the recipient, besides those on verify.listen. */
enum verify_requests {
    VERIFY_REQUESTS_CONTEXT, /* those with policy_context=verify */
    VERIFY_REQUESTS_ALL,     /* all at RCPT */
};

enum verify_tempfail { VERIFY_DEFER_IF_PERMIT, VERIFY_DEFER };

struct verify_settings {
    struct string_list domains; /* of recipients; none: addresses are not verified */
    struct string_list sender_domains;
    enum verify_requests requests;
    struct endpoint_list listen;
    struct socket_settings socket;
    enum level stress_level; /* from here on nothing is probed */
    int64_t reject_code;     /* 250: accept all the same */
    char *reject_text;
    int64_t defer_code;
    char *defer_text;
    enum verify_tempfail tempfail;
    char *hang_up_text;
    int64_t guess_limit[LEVEL_COUNT]; /* unknown recipients of a session; 0: any number */
    int64_t probes_per_minute;        /* without success, for strangers; 0: any number */
    int64_t retry_s;
    struct recipient_lifetimes lifetimes;
    char *delimiters;
    bool is_local_part_folded;
    bool is_readable;
    char *key_file;
    int64_t entries;
    struct recipient_site_key site_key; /* of the key file */
};

struct config {
    char *user;  /* to run as; "": as started */
    char *group; /* "": the user's */
    char *host;  /* name of this host in keys and status; "": gethostname(2) */
    enum log_target log_target;
    bool is_log_verbose;
    struct service_settings service; /* the defaults of services */
    struct service_list services;
    struct sensor_settings sensor;
    struct cluster_settings cluster;
    struct control_settings control;
    struct policyd_settings policyd;
    struct milter_settings milter;
    struct redis_settings redis;
    struct memory_settings memory;
    int64_t history_expire_d;
    struct network_list trusted_networks;
    struct network_list allow;
    bool is_own_address_trusted;
    struct level_settings level;
    struct class_settings client_class;
    struct admission_settings admission;
    struct reclaim_settings reclaim;
    struct reply_settings reply;
    struct rbl_settings rbl;
    struct socketmap_settings socketmap;
    struct memcache_settings memcache;
    struct decision_log_settings decision_log;
    struct http_settings http;
    struct verify_settings verify;
};

struct error_list; /* common/error_list.h */

#define CONFIG_SIZE_MAX (1024 * 1024) /* bytes of a configuration file */

/* Reads and checks a file, and the password file and reply maps it names. NULL with every
 * problem in errors: file, key path, what is wrong, what is allowed. config_free(NULL) is fine.
 */
struct config *config_load(const char *file, struct error_list *errors);
/* The same from memory; name stands for the file in messages, other files are not read. */
struct config *config_load_text(const char *name, const char *text, size_t length,
                                struct error_list *errors);
/* All defaults. */
struct config *config_default(void);
void config_free(struct config *config);

/* The effective values as JSON, which can be loaded again; secrets are masked. */
void config_print(const struct config *config, FILE *stream);

bool network_list_contains(const struct network_list *list, const struct address *address);

#endif
