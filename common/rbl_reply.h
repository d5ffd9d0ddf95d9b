/*
 * rbl_reply - the reply to a client that is listed, from a template and the values, as smtpd(8)
 * writes it: "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using ...".
 */
#ifndef POSTVALVE_COMMON_RBL_REPLY_H
#define POSTVALVE_COMMON_RBL_REPLY_H

#include "common/buffer.h"
#include "common/rbl_template.h"

#include <stddef.h>

#define RBL_REPLY_MAX         510 /* bytes of a reply line, RFC 5321 section 4.5.3.1.5 */
#define RBL_REPLY_SCRATCH_MAX 8192

struct rbl_reply {
    int code;      /* 400 to 599 */
    size_t length; /* of text */
    /* The whole line: code, enhanced status code (RFC 3463) of the same class, text. Printable
     * ASCII, or UTF-8 where the template has it; terminated. */
    char text[RBL_REPLY_MAX + 1];
};

/* scratch: with a maximum of RBL_REPLY_SCRATCH_MAX; its content is lost. */
void rbl_reply_format(const struct macro *template, const struct rbl_attributes *attributes,
                      struct buffer *scratch, struct rbl_reply *reply_r);

#endif
