/*
 * verify_reply - the answer about an address as policyd gives it, and as the milter hears of it
 * when Postfix has given it: two sides of the same texts. Pure.
 *
 * Our own answers carry a mark: what we remember must not become news that confirms itself.
 */
#ifndef POSTVALVE_COMMON_VERIFY_REPLY_H
#define POSTVALVE_COMMON_VERIFY_REPLY_H

#include "common/decide.h"
#include "common/recipient_address.h"
#include "common/recipient_record.h"
#include "common/verify_decide.h"

#include <stdbool.h>
#include <stddef.h>

#define VERIFY_MARK_REMEMBERED "[remembered]"
#define VERIFY_MARK_NOT_PROBED "[not probed]"
#define VERIFY_REPLY_SIZE      448

/* Sets action, code and text of the verdict; the text is in out, or constant. */
void verify_reply_format(const struct verify_verdict *verify, const struct verify_facts *facts,
                         const struct verify_settings *settings,
                         char out[static VERIFY_REPLY_SIZE], struct verdict *verdict);

/* What a recipient's rejection by Postfix tells, of the recipient or of the sender: code is the
 * enhanced status code, text what follows it, with the address in <> or, as a milter gets it,
 * without. report_r->text points into text. Only 5.1.1,
 * 5.1.10, 4.1.1 and what verify(8) says count. False: it tells nothing. */
bool verify_reply_read(const char *code, const char *text, enum address_kind *kind_r,
                       struct recipient_report *report_r);

/* Copies a reason, cut to size, without what would tell the address: every word with an '@' and
 * the local part become "...". Returns the length. */
size_t verify_reason_redact(struct slice reason, const struct recipient_address *address,
                            char out[static RECIPIENT_TEXT_SIZE]);

#endif
