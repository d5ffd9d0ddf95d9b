/*
 * rbl_session - what the checks of DNS lists are about: the client, its names and addresses, as
 * smtpd(8) knows them at this moment of the SMTP session.
 *
 * Slices belong to whoever owns the request. Pure.
 */
#ifndef POSTVALVE_COMMON_RBL_SESSION_H
#define POSTVALVE_COMMON_RBL_SESSION_H

#include "common/dnsbl_name.h"
#include "common/policy_request.h"
#include "common/slice.h"

#include <stdbool.h>

enum rbl_subject {
    RBL_SUBJECT_CLIENT_ADDRESS,
    RBL_SUBJECT_CLIENT_NAME,
    RBL_SUBJECT_REVERSE_CLIENT_NAME,
    RBL_SUBJECT_HELO,
    RBL_SUBJECT_SENDER,
    RBL_SUBJECT_RECIPIENT,
    RBL_SUBJECT_COUNT
};

struct rbl_session {
    struct slice client_address;
    struct slice client_port;
    struct slice client_name;         /* verified, or "unknown" */
    struct slice reverse_client_name; /* of the address, not verified, or "unknown" */
    struct slice helo_name;           /* empty: no HELO yet */
    struct slice sender;              /* has_sender and empty: the null sender */
    struct slice recipient;
    bool has_sender, has_recipient; /* MAIL or RCPT was given */
    struct slice server_name;       /* myhostname of Postfix */
    struct slice localtime;         /* "Jan 02 15:04:05" */
};

/* Everything but server_name and localtime, which the caller knows. */
void rbl_session_from_request(struct rbl_session *session_r,
                              const struct policy_request *request);

/* The value as it stands in the session, Postfix's $rbl_what; empty: nothing to look up. */
struct slice rbl_session_subject(const struct rbl_session *session, enum rbl_subject subject);
/* False, and an empty name: nothing to look up. */
bool rbl_session_query_name(const struct rbl_session *session, enum rbl_subject subject,
                            struct slice zone, char out[static DNSBL_NAME_SIZE]);

/* What the name of a query is about, as the key of its answer in Redis says it: an address in
 * full, of a domain what stands before the zone. Points into name or session. */
struct slice rbl_session_key_subject(const struct rbl_session *session,
                                     enum rbl_subject subject, struct slice name,
                                     struct slice zone);

/* Postfix's $rbl_class: "Client host". */
const char *rbl_subject_class(enum rbl_subject subject);

#endif
