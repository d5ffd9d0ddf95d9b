/*
 * explain - why a client would be let in or hung up on: the facts, where they come from, and
 * what the daemons' own decide() makes of them, now and at each level.
 */
#ifndef POSTVALVE_VIEW_EXPLAIN_H
#define POSTVALVE_VIEW_EXPLAIN_H

#include "common/access_list.h"
#include "common/address.h"
#include "common/client_keys.h"
#include "common/config.h"
#include "common/decide.h"
#include "common/error.h"
#include "common/reply_text.h"
#include "view/explain_lists.h"
#include "view/explain_recipient.h"
#include "view/host_view.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct explain_question {
    struct address address;
    const char *name;               /* verified host name; "": none */
    const char *sender, *recipient; /* NULL: none; "" is the null sender */
    double pressure;                /* to be assumed; negative: that of this moment */
};

/* At one level, by the share of busy slots. */
struct outlook {
    enum { OUTLOOK_IN, OUTLOOK_BELOW_CEILING, OUTLOOK_OUT } kind;
    double ceiling;                /* OUTLOOK_BELOW_CEILING */
    struct verdict verdict;        /* of the hang-up */
    char text[REPLY_TEXT_MAX + 1]; /* its own */
};

struct explanation {
    const struct config *config;
    struct address address;
    struct client_keys keys;
    struct facts facts;
    struct verdict now;
    struct outlook outlooks[LEVEL_COUNT];
    struct {
        bool is_listed;
        struct access_entry entry; /* it counts */
        int64_t seconds_left;
    } access;
    bool is_asked, is_answered; /* Redis */
    struct error redis_error;
    bool is_pressure_assumed, is_pressure_published;
    int64_t published_age_ms;
    struct host_view view;
    struct explain_lists lists;
    struct explain_recipient recipient;
};

/* config must outlive it. session NULL: without Redis. Blocks. */
void explain_gather(struct explanation *explanation, const struct config *config,
                    struct redis_session *session, const struct explain_question *question);

/* A new reference, documented in postvalvectl(1). */
json_t *explain_json(const struct explanation *explanation);

#endif
