/*
 * recipient_record - what is known of one address: whether mail for it can be delivered, since
 * when, and what the refusal said. Pure; a record is a Redis hash (doc/redis.md).
 *
 * The rules are those of verify(8): a deliverable address stays deliverable until it expires,
 * whatever fails meanwhile; what is older than its refresh time is asked about again, and used
 * until there is an answer.
 *
 * Who tells of an address is not always the one who found out. What smtpd(8) answers may come
 * from the cache of verify(8), which starts a probe once an entry is due and goes on with the
 * old answer. So the first answer after the refresh time only marks the record; one that comes
 * when that probe is over confirms it. And that smtpd(8) accepts an address proves something
 * only where policyd had it verified, for that very session ("asked").
 *
 * Times are wall-clock seconds; one in the future counts as now.
 */
#ifndef POSTVALVE_COMMON_RECIPIENT_RECORD_H
#define POSTVALVE_COMMON_RECIPIENT_RECORD_H

#include "common/address.h"
#include "common/redis_command.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum recipient_status {
    RECIPIENT_UNKNOWN, /* nothing is known, or no longer */
    RECIPIENT_DELIVERABLE,
    RECIPIENT_UNDELIVERABLE,
    RECIPIENT_DEFERRED, /* the last probe failed for the moment */
    /* By an administrator, who says that it exists now. Postfix's own caches may still have it
     * as undeliverable, so it is not verified until it has expired there, too. */
    RECIPIENT_FORGOTTEN,
    RECIPIENT_STATUS_COUNT
};

#define RECIPIENT_TEXT_SIZE   192  /* with the terminating zero */
#define RECIPIENT_PROBE_S     1000 /* verify(8) takes a probe for lost after so long */
#define RECIPIENT_ASKED_S     300  /* how long smtpd(8) may take over one RCPT command */
#define RECIPIENT_ANY_SESSION 0

struct recipient_record {
    enum recipient_status status;
    int64_t updated_s; /* when the status was found, or confirmed */
    int64_t probed_s;  /* when it was first asked about again since it is due; 0: not */
    int64_t asked_s;   /* when Postfix was told to verify it; 0: never */
    uint64_t asked_by; /* the session that was for */
    char text[RECIPIENT_TEXT_SIZE]; /* printable ASCII: why not */
};

struct recipient_lifetimes { /* as in verify(8) */
    int64_t positive_refresh_s, positive_expire_s;
    int64_t negative_refresh_s, negative_expire_s;
};

/* What somebody tells of an address. */
struct recipient_report {
    enum recipient_status status;
    bool is_probe_result; /* of verify(8) itself: it was found now */
    uint64_t session;     /* who tells: see recipient_record.asked_by */
    struct slice text;
};

/* The status that counts: RECIPIENT_UNKNOWN once it has expired. */
enum recipient_status recipient_record_status(const struct recipient_record *record,
                                              const struct recipient_lifetimes *lifetimes,
                                              int64_t now_s);
/* Whether it is to be asked about again. */
bool recipient_record_is_due(const struct recipient_record *record,
                             const struct recipient_lifetimes *lifetimes, int64_t now_s);

/* False: it changes nothing. */
bool recipient_record_apply(struct recipient_record *record,
                            const struct recipient_report *report,
                            const struct recipient_lifetimes *lifetimes, int64_t now_s);

/* For asked_by: who a session is. client NULL or port 0: RECIPIENT_ANY_SESSION. */
uint64_t recipient_session(const struct address *client, uint16_t port);

const char *recipient_status_name(enum recipient_status status);

/* -- in Redis ----------------------------------------------------------------------------- */

/* Sets one field from its Redis form; unknown fields and values that make no sense are ignored:
 * false. */
bool recipient_record_set_field(struct recipient_record *record, struct slice name,
                                struct slice value);

/* What recipient_record_apply() does, in Redis: by its clock, with the expiry that belongs to
 * the status. Returns 1 when it changed something. */
extern const char recipient_record_script[];
/* Policyd hands the address to Postfix to verify, for a session. */
extern const char recipient_asked_script[];

/* An administrator's "forget": what is deliverable is deleted, all else RECIPIENT_FORGOTTEN.
 * Returns the status before, "unknown" where there was none. */
extern const char recipient_forget_script[];

/* One call of these: one command, one reply. */
void recipient_record_command(struct redis_command *command, struct slice key,
                              const struct recipient_report *report,
                              const struct recipient_lifetimes *lifetimes);
void recipient_asked_command(struct redis_command *command, struct slice key, uint64_t session);
void recipient_forget_command(struct redis_command *command, struct slice key,
                              const struct recipient_lifetimes *lifetimes);
/* Bytes that one of them takes at most. */
#define RECIPIENT_COMMAND_SIZE 4096

#endif
