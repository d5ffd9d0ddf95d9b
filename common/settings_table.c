/* The settings: a row each, in the order of --print-config and of the manual page. */
#include "common/settings.h"

/* A call instead of braces: clang-format would line the members up in columns. */
#define ROW(key, type, field, ...)                                                             \
    {                                                                                          \
        key, type, offsetof(struct config, field), __VA_ARGS__                                 \
    }
#define NAME_EXTRA   "._-"
#define BYTES(count) .minimum = 0, .maximum = (count)

static const char *const mode_names[] = {
    [MODE_ENFORCE] = "enforce", [MODE_OBSERVE] = "observe", [MODE_OFF] = "off", NULL};
static const char *const log_target_names[] = {
    [LOG_TARGET_SYSLOG] = "syslog", [LOG_TARGET_STDERR] = "stderr", NULL};
static const char *const rbl_action_names[] = {
    [RBL_ACTION_REPLY] = "reply", [RBL_ACTION_POSTFIX] = "postfix", NULL};
static const char *const level_names[] = {[LEVEL_CALM] = "calm",
                                          [LEVEL_ELEVATED] = "elevated",
                                          [LEVEL_STRESSED] = "stressed",
                                          [LEVEL_CRITICAL] = "critical",
                                          NULL};
static const char *const verify_requests_names[] = {
    [VERIFY_REQUESTS_CONTEXT] = "context", [VERIFY_REQUESTS_ALL] = "all", NULL};
static const char *const verify_tempfail_names[] = {
    [VERIFY_DEFER_IF_PERMIT] = "defer_if_permit", [VERIFY_DEFER] = "defer", NULL};

static const char *const cluster_follow_names[] = {
    [CLUSTER_FOLLOW_OFF] = "off", [CLUSTER_FOLLOW_ELEVATED] = "elevated", NULL};

const struct setting settings_table[] = {
    /* General */
    ROW("mode", SETTING_ENUM, admission.mode, .names = mode_names,
        .default_text = "\"enforce\"",
        .help =
            "What to do with clients that the rules would hang up on: \"enforce\" hangs up, "
            "\"observe\" only logs and counts what would have been done, \"off\" admits "
            "everybody. Set \"observe\" for the first days of a new installation."),
    ROW("user", SETTING_STRING, user, BYTES(32), .characters = NAME_EXTRA "$",
        .default_text = "\"\"",
        .help = "User to run as once the sockets are open. \"\" stays the user the daemon was "
                "started as, which suits a service manager that sets the user itself."),
    ROW("group", SETTING_STRING, group, BYTES(32), .characters = NAME_EXTRA "$",
        .default_text = "\"\"",
        .help = "Group to run as. \"\" is the primary group of the user."),
    ROW("host", SETTING_STRING, host, BYTES(64), .characters = NAME_EXTRA,
        .default_text = "\"\"",
        .help =
            "Name of this host in Redis keys and in the status; it has to differ between hosts "
            "that share a Redis. \"\" is the host name of the system."),
    /* Log */
    ROW("log.target", SETTING_ENUM, log_target, .names = log_target_names,
        .default_text = "\"syslog\"",
        .help = "Where log lines go: \"syslog\" is the mail facility, where Postfix logs too; "
                "\"stderr\" is for a service manager that collects it."),
    ROW("log.verbose", SETTING_BOOLEAN, is_log_verbose, .default_text = "false",
        .help =
            "Also log what only helps to find a mistake. Off, because it is a line for every "
            "request."),
    /* Services */
    ROW("services", SETTING_OBJECT_LIST, services, .minimum = 1, .maximum = SERVICES_MAX,
        .item = &setting_rows_service, .default_text = "[{}]",
        .help = "The services of this host to protect, each with its own slots, pressure and "
                "level; sessions of others are let alone. The first is the main one: status "
                "pages begin with it, and sessions of a Postfix that does not say their port "
                "are its. Names and ports have to differ."),
    /* Service */
    ROW("service.name", SETTING_STRING, service.name, .minimum = 1, .maximum = 64,
        .characters = NAME_EXTRA ":[]", .default_text = "\"smtp\"",
        .help = "First column of the service's line in master.cf. Its process limit is the "
                "number of slots where no inet service is found on service.port."),
    ROW("service.port", SETTING_INTEGER, service.port, .minimum = 1, .maximum = 65535,
        .default_text = "25",
        .help =
            "TCP port of the service to protect: the sensor counts its connections and the "
            "clients "
            "that wait for a slot; the inet service on this port in master.cf gives the number "
            "of slots."),
    ROW("service.slot_limit", SETTING_SLOT_LIMIT, service.slot_limit, .minimum = 1,
        .maximum = 100000, .default_text = "\"auto\"",
        .help = "Number of slots. \"auto\" asks postconf(1), so that master.cf stays the only "
                "place where the limit is written."),
    ROW("service.postfix_config_directory", SETTING_PATH, service.postfix_config_directory,
        .minimum = 1, .maximum = 4095, .default_text = "\"/etc/postfix\"",
        .help = "Where main.cf and master.cf of the protected Postfix are."),
    /* Policy daemon */
    ROW("policyd.listen", SETTING_ENDPOINT_LIST, policyd.listen, .minimum = 1, .maximum = 16,
        .default_text = "[\"inet:127.0.0.1:10031\"]",
        .help =
            "Where Postfix reaches the policy daemon. Only the loopback address, because the "
            "policy protocol knows no authentication."),
    ROW("policyd.socket.owner", SETTING_STRING, policyd.socket.owner, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help = "Owner of unix sockets. \"\" is the user the daemon runs as."),
    ROW("policyd.socket.group", SETTING_STRING, policyd.socket.group, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help =
            "Group of unix sockets; usually \"postfix\", so that smtpd(8) may connect. \"\" is "
            "the group the daemon runs as."),
    ROW("policyd.socket.mode", SETTING_MODE, policyd.socket.mode, .default_text = "\"0660\"",
        .help = "Access mode of unix sockets: owner and group may connect, nobody else."),
    ROW("policyd.max_connections", SETTING_INTEGER, policyd.max_connections, .minimum = 1,
        .maximum = 1000000, .default_text = "20000", .unit = "connections",
        .help =
            "Most connections at a time; more are closed at once. Every smtpd(8) process holds "
            "one, so the default suits several hosts with thousands of slots each."),
    ROW("policyd.idle_timeout_s", SETTING_INTEGER, policyd.idle_timeout_s, .minimum = 301,
        .maximum = 86400, .default_text = "1800", .unit = "seconds",
        .help = "Close a connection that sent no request for so long. It has to be more than "
                "Postfix's smtpd_policy_service_max_idle (300 s): Postfix should be the one to "
                "close, or its next request meets a closed connection."),
    ROW("policyd.request_timeout_s", SETTING_INTEGER, policyd.request_timeout_s, .minimum = 1,
        .maximum = 100, .default_text = "10", .unit = "seconds",
        .help = "Close a connection whose request has begun and does not end. Postfix sends a "
                "request in one piece, so even a loaded host needs far less."),
    /* Milter */
    ROW("milter.listen", SETTING_ENDPOINT, milter.listen, .minimum = 1,
        .default_text = "\"inet:127.0.0.1:10032\"",
        .help =
            "Where Postfix reaches the milter. Only the loopback address, because the milter "
            "protocol knows no authentication."),
    ROW("milter.socket.owner", SETTING_STRING, milter.socket.owner, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help = "Owner of a unix socket. \"\" is the user the milter runs as."),
    ROW("milter.socket.group", SETTING_STRING, milter.socket.group, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help =
            "Group of a unix socket; usually \"postfix\", so that smtpd(8) may connect. \"\" "
            "is the group the milter runs as."),
    ROW("milter.socket.mode", SETTING_MODE, milter.socket.mode, .default_text = "\"0660\"",
        .help = "Access mode of a unix socket: owner and group may connect, nobody else."),
    ROW("milter.silent_after_s", SETTING_INTEGER, milter.silent_after_s, .minimum = 1,
        .maximum = 3600, .default_text = "5", .unit = "seconds",
        .help =
            "A session that held its slot so long and ended without a HELO was silent, which "
            "speaks against its client; a shorter one was dropped, which says less. A client "
            "that follows the protocol says HELO well within a second of the banner."),
    /* Redis */
    ROW("redis.server", SETTING_ENDPOINT, redis.server,
        .default_text = "\"inet:127.0.0.1:6379\"",
        .help =
            "Redis server that keeps the history of clients and shares it between the daemons "
            "and between hosts. \"\" runs without: each daemon then knows what it saw itself."),
    ROW("redis.username", SETTING_STRING, redis.username, BYTES(128), .default_text = "\"\"",
        .help = "User of Redis' access control lists. \"\" is Redis' default user."),
    ROW("redis.password", SETTING_STRING, redis.password, BYTES(512), .is_secret = true,
        .default_text = "\"\"",
        .help =
            "Password for Redis; \"\" sends none. It is never printed or logged. Better keep "
            "it in a file of its own: redis.password_file."),
    ROW("redis.password_file", SETTING_PATH, redis.password_file, BYTES(4095),
        .default_text = "\"\"",
        .help = "File whose first line is the password for Redis; it is read when the "
                "configuration is, and wins over redis.password. \"\": no such file."),
    ROW("redis.database", SETTING_INTEGER, redis.database, .minimum = 0, .maximum = 65535,
        .default_text = "0", .help = "Number of the Redis database to use."),
    ROW("redis.prefix", SETTING_STRING, redis.prefix, .minimum = 1, .maximum = 32,
        .characters = NAME_EXTRA ":/{}", .default_text = "\"pv:\"",
        .help =
            "What the name of every key begins with, so that a Redis may serve others too."),
    ROW("redis.deadline_ms", SETTING_INTEGER, redis.deadline_ms, .minimum = 1, .maximum = 10000,
        .default_text = "20", .unit = "milliseconds",
        .help =
            "How long a decision waits for Redis, connecting included; then it is made without "
            "the history. A healthy Redis answers within 1 ms, and a slot that waits is a slot "
            "lost."),
    ROW("redis.retry_ms", SETTING_INTEGER, redis.retry_ms, .minimum = 10, .maximum = 600000,
        .default_text = "1000", .unit = "milliseconds",
        .help =
            "After a failure, how long Redis is not even tried, so that a dead Redis does not "
            "cost every request its deadline."),
    ROW("redis.pool_size", SETTING_INTEGER, redis.pool_size, .minimum = 1, .maximum = 256,
        .default_text = "8", .unit = "connections",
        .help =
            "Connections of the milter to Redis, shared by its sessions. A command takes well "
            "under 1 ms, so eight are enough for thousands of sessions."),
    /* Memory */
    ROW("memory.clients", SETTING_INTEGER, memory.clients, .minimum = 16, .maximum = 100000000,
        .default_text = "100000", .unit = "clients",
        .help = "Most records of clients, networks and domains that each daemon keeps in "
                "memory; the default needs about 12 MB. Those not seen for longest make room."),
    ROW("memory.fresh_ms", SETTING_INTEGER, memory.fresh_ms, .minimum = 0, .maximum = 3600000,
        .default_text = "5000", .unit = "milliseconds",
        .help =
            "How long a record in memory is used without asking Redis again: long enough for "
            "the requests of one session, short enough to learn from other hosts in time."),
    /* History */
    ROW("history.expire_d", SETTING_INTEGER, history_expire_d, .minimum = 1, .maximum = 3650,
        .default_text = "60", .unit = "days",
        .help =
            "When Redis forgets a client that was not seen again. Two months, because small "
            "but regular correspondents write once a month."),
    /* Trusted */
    ROW("trusted.networks", SETTING_NETWORK_LIST, trusted_networks, .maximum = 4096,
        .default_text = "[\"127.0.0.0/8\", \"::1/128\", \"10.0.0.0/8\", \"172.16.0.0/12\", "
                        "\"192.168.0.0/16\", \"100.64.0.0/10\", \"169.254.0.0/16\", "
                        "\"fe80::/10\", \"fc00::/7\"]",
        .help =
            "Networks that are never hung up on. The default is every address that cannot "
            "come from the Internet: behind a proxy or NAT all clients have one such address, "
            "and to hang up on it would be an outage. Giving a list replaces the default."),
    ROW("trusted.allow", SETTING_NETWORK_LIST, allow, .maximum = 4096, .default_text = "[]",
        .help = "More addresses and networks that are never hung up on, such as partners and "
                "monitoring hosts; the log says \"allowed\" for these."),
    ROW("trusted.own_addresses", SETTING_BOOLEAN, is_own_address_trusted,
        .default_text = "true",
        .help = "Never hang up on addresses of this host's own interfaces: what comes from "
                "there is "
                "a proxy or the host itself. Loopback addresses are in trusted.networks."),
    /* Level */
    ROW("level.elevated", SETTING_NUMBER, level.threshold[LEVEL_ELEVATED], .minimum = 0.01,
        .maximum = 10, .default_text = "0.60",
        .help =
            "Pressure (busy slots, and clients that wait for one, divided by the number of "
            "slots) from which on the level is elevated. Below it everybody is admitted. Early "
            "enough that four in ten slots are left to keep moving."),
    ROW("level.stressed", SETTING_NUMBER, level.threshold[LEVEL_STRESSED], .minimum = 0.01,
        .maximum = 10, .default_text = "0.80",
        .help =
            "Pressure from which on the level is stressed. Postfix itself signals stress only "
            "at 1.00, when no slot is left; when it does, the level is at least stressed."),
    ROW("level.critical", SETTING_NUMBER, level.threshold[LEVEL_CRITICAL], .minimum = 0.01,
        .maximum = 10, .default_text = "1.00",
        .help = "Pressure from which on the level is critical: every slot is busy."),
    ROW("level.sustain_ms", SETTING_INTEGER, level.sustain_ms, .minimum = 0, .maximum = 60000,
        .default_text = "100", .unit = "milliseconds",
        .help =
            "How long the pressure has to call for a level before it rises, so that a burst "
            "of short sessions changes nothing. Ceilings do not wait for it."),
    ROW("level.hold_s", SETTING_INTEGER, level.hold_ms, .minimum = 0, .maximum = 3600,
        .scale = 1000, .default_text = "30", .unit = "seconds",
        .help = "How long nothing may have called for a level before it falls, so that it does "
                "not flap. Postfix's own stress mode lasts 1000 s."),
    /* Sensors */
    ROW("sensor.wait_target_ms", SETTING_INTEGER, sensor.wait_target_ms, .minimum = 0,
        .maximum = 600000, .default_text = "1000", .unit = "milliseconds",
        .help = "A client that has waited so long for a slot calls for the level stressed, "
                "however many slots are busy; it takes a few milliseconds as long as slots are "
                "free. 0 does not look at the waiting time."),
    ROW("sensor.lost_share", SETTING_NUMBER, sensor.lost_share, .minimum = 0.01, .maximum = 1,
        .default_text = "0.5",
        .help =
            "Share of the sessions of the last ten seconds that ended lost or silent right "
            "after CONNECT, from which on the level is at least elevated while slots fill."),
    /* Cluster */
    ROW("cluster.follow", SETTING_ENUM, cluster.follow, .names = cluster_follow_names,
        .default_text = "\"off\"",
        .help = "What the stress of the other hosts that share this Redis does here: with "
                "\"elevated\" the level is at least elevated while enough of them are "
                "stressed. Off, because each host has slots of its own; for hosts that the "
                "same senders try one after the other."),
    ROW("cluster.follow_share", SETTING_NUMBER, cluster.follow_share, .minimum = 0.01,
        .maximum = 1, .default_text = "0.5",
        .help = "Share of the other hosts that has to be stressed; two of them at least, so "
                "that no single one pins all."),
    /* Control */
    ROW("control.postfix_stress", SETTING_BOOLEAN, control.is_postfix_stress_allowed,
        .default_text = "false",
        .help = "Let \"postvalvectl postfix-stress\" switch Postfix's own stress mode, which "
                "changes master.cf and reloads Postfix."),
/* Class, admission */
#include "common/settings_client.def"
    /* Reclaim */
    ROW("reclaim.enabled", SETTING_BOOLEAN, reclaim.is_enabled, .default_text = "true",
        .help =
            "Under stress the milter ends sessions, of clients that are not good or trusted, "
            "which hold a slot and do not use it: those that Postfix itself would wait 300 "
            "seconds for. It does so while the level is stressed or critical, or above the "
            "ceiling of unknown clients while others wait; the longest silent first, and only "
            "as many as it takes to let in those that wait or were turned away. This needs the "
            "capability CAP_NET_ADMIN, see postvalve-milter(8), and a Postfix of 3.2 or later; "
            "nothing is done where one is missing."),
    ROW("reclaim.observe", SETTING_BOOLEAN, reclaim.is_observed, .default_text = "false",
        .help =
            "Only log who would lose the slot, as the mode \"observe\" does for everything: to "
            "see on your own traffic whom it would meet."),
    ROW("reclaim.silent_before_helo_s", SETTING_INTEGER, reclaim.silent_before_helo_ms,
        .minimum = 1, .maximum = 300, .scale = 1000, .default_text = "5", .unit = "seconds",
        .help =
            "Silence after the banner that costs the slot. A mail server says HELO within a "
            "round trip; five seconds leave room for two lost packets in a row. What counts is "
            "silence while it is the client's turn, never time in the accept queue or time "
            "that we took for an answer."),
    ROW("reclaim.silent_s", SETTING_INTEGER, reclaim.silent_ms, .minimum = 1, .maximum = 300,
        .scale = 1000, .default_text = "10", .unit = "seconds",
        .help =
            "Silence later in the session that costs the slot. It is the timeout that Postfix "
            "itself gives to clients under stress (smtpd_timeout), but which does not reach "
            "processes that run already."),
    ROW("reclaim.budget_s", SETTING_INTEGER, reclaim.budget_ms, .minimum = 5, .maximum = 3600,
        .scale = 1000, .default_text = "30", .unit = "seconds",
        .help =
            "How long a client may hold its slot without a message being sent (DATA), since it "
            "was admitted or since its last message: for those that never fall silent, but "
            "dribble. A mail server across the world gets there within three seconds."),
    ROW("reclaim.newcomer_budget_s", SETTING_INTEGER, reclaim.newcomer_budget_ms, .minimum = 5,
        .maximum = 3600, .scale = 1000, .default_text = "15", .unit = "seconds",
        .help = "The same for clients below class returning: half as long, which is still five "
                "times "
                "what it takes."),
    ROW("reclaim.stall_s", SETTING_INTEGER, reclaim.stall_ms, .minimum = 10, .maximum = 3600,
        .scale = 1000, .default_text = "60", .unit = "seconds",
        .help =
            "How long not a single byte may have come in the middle of a message until that "
            "costs the slot. A minute, because a slow line is no crime, and because the time "
            "that a filter in front of the queue takes looks the same."),
    /* Reply */
    ROW("reply.hang_up_later", SETTING_REPLY, reply.hang_up_later, .minimum = 7, .maximum = 400,
        .reply_class = '4',
        .default_text = "\"4.3.2 Service is overloaded, please try again in a few minutes\"",
        .help =
            "Text after 421, for clients that may be legitimate: it should say that they may "
            "come back. Macros as in Postfix's reply templates: $client_address, $client_name, "
            "$class, $reason, $evidence, $level, $rule, ${name?{text}:{text}}."),
    ROW("reply.hang_up_bot", SETTING_REPLY, reply.hang_up_bot, .minimum = 7, .maximum = 400,
        .reply_class = '5',
        .default_text =
            "\"5.7.1 Service unavailable, client [$client_address] behaves like a bot: "
            "$reason ($evidence)\"",
        .help = "Text after 521, for bots: a person who reads it in a bounce should learn why. "
                "The same macros."),
    /* DNS lists */
    ROW("rbl.checks", SETTING_STRING_LIST, rbl.checks, .maximum = 128, .default_text = "[]",
        .help =
            "Checks of DNS lists, in order, in the words of Postfix's own restriction lists: "
            "\"reject_rbl_client zen.example=127.0.0.[10..11]\", or with another restriction: "
            "reject_rhsbl_client, reject_rhsbl_reverse_client, reject_rhsbl_helo, "
            "reject_rhsbl_sender, reject_rhsbl_recipient, permit_dnswl_client, "
            "permit_rhswl_client. All are asked at once, and each list once, however many "
            "filters refer to it. With rbl.threshold an item may end in a weight: "
            "\"reject_rbl_client zen.example*2\"."),
    ROW("rbl.threshold", SETTING_INTEGER, rbl.threshold, .minimum = 0, .maximum = 10000,
        .default_text = "0",
        .help = "0: the first check that matches decides, as in Postfix's restriction lists. "
                "Otherwise the weights of all checks that match have to reach it, as with "
                "postscreen_dnsbl_threshold; an allow list without a weight decides alone."),
    ROW("rbl.action", SETTING_ENUM, rbl.action, .names = rbl_action_names,
        .default_text = "\"reply\"",
        .help = "What to answer for a listed client: \"reply\" is the text of the reply map; "
                "\"postfix\" is the check itself, so that Postfix looks it up again and "
                "replies as its own configuration says."),
    ROW("rbl.code", SETTING_INTEGER, rbl.code, .minimum = 400, .maximum = 599,
        .default_text = "554",
        .help = "The value of $rbl_code in reply templates, as maps_rbl_reject_code."),
    ROW("rbl.default_reply", SETTING_STRING, rbl.default_reply, .minimum = 5, .maximum = 1023,
        .default_text = "\"$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using "
                        "$rbl_domain${rbl_reason?; $rbl_reason}\"",
        .help = "Reply template for checks that the reply map does not have, in the syntax of "
                "Postfix's default_rbl_reply, whose default it has."),
    ROW("rbl.reply_maps.calm", SETTING_PATH, rbl.reply_map_files[LEVEL_CALM], BYTES(4095),
        .default_text = "\"\"",
        .help =
            "Reply templates by check: a text file as for rbl_reply_maps, before postmap(1). "
            "It is read when the configuration is. \"\": the default reply for all."),
    ROW("rbl.reply_maps.elevated", SETTING_PATH, rbl.reply_map_files[LEVEL_ELEVATED],
        BYTES(4095), .default_text = "\"\"",
        .help = "The same from the level elevated on. \"\": that of calm."),
    ROW("rbl.reply_maps.stressed", SETTING_PATH, rbl.reply_map_files[LEVEL_STRESSED],
        BYTES(4095), .default_text = "\"\"",
        .help = "The same from the level stressed on: the place for 521, which hangs up, for "
                "lists of botnets. \"\": that of the level below."),
    ROW("rbl.reply_maps.critical", SETTING_PATH, rbl.reply_map_files[LEVEL_CRITICAL],
        BYTES(4095), .default_text = "\"\"",
        .help = "The same in the level critical. \"\": that of the level below."),
    ROW("rbl.nameservers", SETTING_ENDPOINT_LIST, rbl.nameservers, .minimum = 0, .maximum = 8,
        .default_text = "[]",
        .help = "Name servers to ask, such as \"inet:127.0.0.1:53\". [] is those of "
                "resolv.conf(5). Most lists refuse queries that come by a public resolver."),
    ROW("rbl.deadline_ms.calm", SETTING_INTEGER, rbl.deadline_ms[LEVEL_CALM], .minimum = 10,
        .maximum = 30000, .default_text = "1500", .unit = "milliseconds",
        .help = "How long a decision waits for DNS lists in the levels calm and elevated; then "
                "it is made with the answers that are there."),
    ROW("rbl.deadline_ms.stressed", SETTING_INTEGER, rbl.deadline_ms[LEVEL_STRESSED],
        .minimum = 10, .maximum = 30000, .default_text = "300", .unit = "milliseconds",
        .help =
            "The same in the levels stressed and critical, where a slot that waits is missed."),
    ROW("rbl.ttl_min_s", SETTING_INTEGER, rbl.ttl_min_s, .minimum = 1, .maximum = 86400,
        .default_text = "60", .unit = "seconds",
        .help = "Least time that an answer is kept, whatever the list says."),
    ROW("rbl.ttl_max_s", SETTING_INTEGER, rbl.ttl_max_s, .minimum = 1, .maximum = 604800,
        .default_text = "86400", .unit = "seconds",
        .help = "Most time that an answer \"listed\" is kept, whatever the list says."),
    ROW("rbl.negative_ttl_max_s", SETTING_INTEGER, rbl.negative_ttl_max_s, .minimum = 1,
        .maximum = 604800, .default_text = "3600", .unit = "seconds",
        .help = "Most time that an answer \"not listed\" is kept: a new bot should not pass "
                "for long."),
    ROW("rbl.cache_entries", SETTING_INTEGER, rbl.cache_entries, .minimum = 16,
        .maximum = 100000000, .default_text = "100000", .unit = "answers",
        .help = "Most answers kept in memory. Redis shares them between hosts."),
    ROW("rbl.test_points", SETTING_STRING_LIST, rbl.test_points, .maximum = 32,
        .default_text = "[]",
        .help =
            "Test points of lists that have others than RFC 5782 says (127.0.0.2 listed and "
            "127.0.0.1 not, \"test\" listed and \"invalid\" not): \"ZONE LISTED UNLISTED\", "
            "or \"ZONE off\" for a list that has none."),
    ROW("rbl.test_interval_s", SETTING_INTEGER, rbl.test_interval_s, .minimum = 10,
        .maximum = 86400, .default_text = "300", .unit = "seconds",
        .help =
            "How often the test points of each list are asked for. On suspicion, such as many "
            "listed clients in a row, they are at once."),
    ROW("rbl.retry_s", SETTING_INTEGER, rbl.retry_s, .minimum = 1, .maximum = 3600,
        .default_text = "60", .unit = "seconds",
        .help =
            "How long a list is left alone that lists everybody, nobody, or refuses to serve "
            "us. "
            "Each further time is twice as long, up to an hour, until the list has been well "
            "for ten minutes. A list that only fails is tried again after 5 seconds, at the "
            "latest after a minute."),
    /* Socketmap */
    ROW("socketmap.listen", SETTING_ENDPOINT_LIST, socketmap.listen, .minimum = 0,
        .maximum = 16, .default_text = "[]",
        .help = "Where the policy daemon answers as a socketmap_table(5) for Postfix's own "
                "rbl_reply_maps and access tables. [] does not."),
    ROW("socketmap.socket.owner", SETTING_STRING, socketmap.socket.owner, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help = "Owner of unix sockets. \"\" is the user the daemon runs as."),
    ROW("socketmap.socket.group", SETTING_STRING, socketmap.socket.group, BYTES(32),
        .characters = NAME_EXTRA "$", .default_text = "\"\"",
        .help =
            "Group of unix sockets; usually \"postfix\", so that smtpd(8) may connect. \"\" is "
            "the group the daemon runs as."),
    ROW("socketmap.socket.mode", SETTING_MODE, socketmap.socket.mode,
        .default_text = "\"0660\"",
        .help = "Access mode of unix sockets: owner and group may connect, nobody else."),
#include "common/settings_memcache.def"
#include "common/settings_decision_log.def"
#include "common/settings_http.def"
/* Verification of addresses */
#include "common/settings_verify.def"
};
const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);
