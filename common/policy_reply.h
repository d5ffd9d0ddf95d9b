/*
 * policy_reply - a verdict as the answer to a policy request: one access(5) action.
 */
#ifndef POSTVALVE_COMMON_POLICY_REPLY_H
#define POSTVALVE_COMMON_POLICY_REPLY_H

#include "common/decide.h"

#include <stddef.h>

/* The reply line that Postfix makes of it must stay within 512 bytes (RFC 5321
 * section 4.5.3.1.5) with its own "<recipient>: Recipient address rejected: " in front: longer
 * text is cut. */
#define POLICY_REPLY_TEXT_MAX 480
/* Replies about DNS lists are as long as Postfix itself would make them. */
#define POLICY_REPLY_LIST_MAX 512
#define POLICY_REPLY_SIZE     (sizeof("action=521 \n\n") + POLICY_REPLY_LIST_MAX)

/* "action=DUNNO", "action=<code> <text>" or "action=<restriction>", and an empty line. Bytes of
 * the text that are not printable ASCII become '?'. Terminated; returns the length. */
size_t policy_reply_format(const struct verdict *verdict, char out[static POLICY_REPLY_SIZE]);

#endif
