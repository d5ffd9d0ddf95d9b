/*
 * rbl_template - a reply template of rbl_reply_maps and default_rbl_reply (postconf(5)): a
 * macro that begins with a 4xx or 5xx code and a space, whatever its values are.
 *
 * Names are those of smtpd(8): rbl_code rbl_domain rbl_reason (or rbl_txt) rbl_what rbl_class,
 * client client_address client_name client_port reverse_client_name helo_name sender
 * sender_name sender_domain recipient recipient_name recipient_domain server_name localtime.
 */
#ifndef POSTVALVE_COMMON_RBL_TEMPLATE_H
#define POSTVALVE_COMMON_RBL_TEMPLATE_H

#include "common/address.h"
#include "common/error.h"
#include "common/macro.h"
#include "common/rbl_check.h"
#include "common/rbl_session.h"
#include "common/slice.h"

#include <stdbool.h>

enum rbl_attribute {
    RBL_ATTRIBUTE_CODE,
    RBL_ATTRIBUTE_DOMAIN,
    RBL_ATTRIBUTE_REASON,
    RBL_ATTRIBUTE_WHAT,
    RBL_ATTRIBUTE_CLASS,
    RBL_ATTRIBUTE_CLIENT,
    RBL_ATTRIBUTE_CLIENT_ADDRESS,
    RBL_ATTRIBUTE_CLIENT_NAME,
    RBL_ATTRIBUTE_CLIENT_PORT,
    RBL_ATTRIBUTE_REVERSE_CLIENT_NAME,
    RBL_ATTRIBUTE_HELO_NAME,
    RBL_ATTRIBUTE_SENDER,
    RBL_ATTRIBUTE_SENDER_NAME,
    RBL_ATTRIBUTE_SENDER_DOMAIN,
    RBL_ATTRIBUTE_RECIPIENT,
    RBL_ATTRIBUTE_RECIPIENT_NAME,
    RBL_ATTRIBUTE_RECIPIENT_DOMAIN,
    RBL_ATTRIBUTE_SERVER_NAME,
    RBL_ATTRIBUTE_LOCALTIME,
    RBL_ATTRIBUTE_COUNT
};

#define RBL_CODE_MIN 400
#define RBL_CODE_MAX 599

/* NULL and an error for what macro_compile() refuses, and where a way through the conditions
 * does not begin with a code. code: the value of rbl_code. macro_free() frees it. */
struct macro *rbl_template_compile(struct slice text, int code, struct error *error);
/* Whether the list's TXT record makes a difference. */
bool rbl_template_needs_reason(const struct macro *template);

/* The values for one reply; valid while the session, the check and the reason are. */
struct rbl_attributes {
    struct slice values[RBL_ATTRIBUTE_COUNT];
    char code_text[4];
    char client_text[DNSBL_NAME_MAX + ADDRESS_TEXT_SIZE + 3]; /* "name[address]" */
};

/* reason: the TXT record, empty where there is none. */
void rbl_attributes_init(struct rbl_attributes *attributes, const struct rbl_session *session,
                         const struct rbl_check *check, int code, struct slice reason);
/* A macro_value; context is the struct rbl_attributes. */
struct slice rbl_attributes_value(const void *context, unsigned id);

#endif
