/*
 * reply_text - the texts of hang-ups: templates of the configuration with the macros that say
 * who was hung up on and why. Pure.
 */
#ifndef POSTVALVE_COMMON_REPLY_TEXT_H
#define POSTVALVE_COMMON_REPLY_TEXT_H

#include "common/address.h"
#include "common/buffer.h"
#include "common/decide.h"
#include "common/slice.h"

struct setting_problems;

/* With the code and the line end, a reply line has 512 bytes (RFC 5321 section 4.5.3.1.5). */
#define REPLY_TEXT_MAX    480
#define REPLY_TEXT_BUFFER BUFFER_WITH_MAXIMUM(REPLY_TEXT_MAX + 1)

/* Compiles the templates; what is wrong with them goes to problems. */
void reply_settings_compile(struct reply_settings *reply,
                            const struct setting_problems *problems);
void reply_settings_release(struct reply_settings *reply);

/* Whom a verdict is about. name: as the MTA verified it; empty: it has none. */
struct reply_subject {
    const struct address *address;
    struct slice name;
};

/* Sets the text of a verdict with a code to the expanded template: printable ASCII, in out,
 * whose content it replaces. Others are left alone, and those about DNS lists, which have a
 * text of their own. */
void reply_text_expand(const struct reply_settings *reply, const struct reply_subject *subject,
                       struct verdict *verdict, struct buffer *out);

#endif
