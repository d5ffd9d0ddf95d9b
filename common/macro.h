/*
 * macro - Postfix's $name substitution, as in rbl_reply_maps and the other reply templates of
 * postconf(5): $name ${name} $(name), ${name?text} ${name:text} ${name?{text}:{text}},
 * ${{text} == {text} ? {text} : {text}} and $$ for a dollar sign. A value is not expanded
 * again.
 *
 * A template is compiled once, when the configuration is loaded, and is immutable after that;
 * to expand it cannot fail. Where Postfix gives up on a template at the time of the reply, it
 * is refused when compiled, also where the mistake is in a branch that is rarely taken.
 * Functions (${name{text}}) and comparisons with a suffix (==level) are refused. Pure.
 */
#ifndef POSTVALVE_COMMON_MACRO_H
#define POSTVALVE_COMMON_MACRO_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/slice.h"

#include <stdbool.h>

#define MACRO_TEXT_MAX 4096 /* bytes of a template */

struct macro;

/* The caller's number of a name, below 64; false when there is no such name. */
typedef bool macro_resolve(struct slice name, unsigned *id_r);
/* The value of a name at this moment; it must stay as it is during macro_expand(). */
typedef struct slice macro_value(const void *context, unsigned id);

/* NULL and an error for bad syntax, or a name without a value other than as the subject of a
 * condition, where it counts as empty. The text is copied; macro_free(NULL) is fine. */
struct macro *macro_compile(struct slice text, macro_resolve *resolve, struct error *error);
void macro_free(struct macro *macro);

/* Appends the expansion to out; what would exceed out->maximum is cut. Bytes of values that are
 * not printable ASCII become '_', as with the default of Postfix's smtpd_expansion_filter.
 * Operands of comparisons need room in out for a moment. */
void macro_expand(const struct macro *macro, macro_value *value, const void *context,
                  struct buffer *out);

/* The template as it was given. */
struct slice macro_text(const struct macro *macro);
/* Whether the value of this name can make a difference. */
bool macro_uses(const struct macro *macro, unsigned id);

#endif
