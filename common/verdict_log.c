#include "common/verdict_log.h"

#include <stdio.h>

#define RBL_CHECK_SHOWN 80 /* bytes of a check, which may hold many filters */

void verdict_log_format(const struct verdict *verdict, const struct facts *facts,
                        const struct address *client, char *out, size_t out_size)
{
    char client_text[ADDRESS_TEXT_SIZE], evidence[EVIDENCE_TEXT_SIZE], ceiling[32] = "";
    char check[RBL_CHECK_SHOWN + sizeof(" check=")] = "";
    const struct classification *classification = &verdict->classification;
    const struct pressure *pressure = &facts->pressure;

    address_format(client, client_text);
    evidence_format(&classification->record, evidence);
    if (verdict->rule == RULE_CEILING)
        snprintf(ceiling, sizeof(ceiling), " ceiling=%.2f", verdict->ceiling);
    if (verdict->rule == RULE_RBL)
        snprintf(check, sizeof(check), " check=%s", facts->rbl.check);
    const char *what = "reject";
    if (verdict->code == 0)
        what = "continue";
    else if (verdict->code == 421 || verdict->code == 521)
        what = "hang-up";
    snprintf(
        out, out_size,
        "%s%s client=%s class=%s reason=%s evidence=%s rule=%s%s%s code=%d stage=%s level=%s "
        "pressure=%.2f slots=%d/%d waiting=%d stress=%s",
        verdict->is_observed ? "would-" : "", what, client_text,
        client_class_name(classification->class), class_reason_name(classification->reason),
        evidence, rule_name(verdict->rule), check, ceiling, verdict->code,
        stage_name(facts->stage), level_name(verdict->level), pressure->value, pressure->busy,
        pressure->slot_limit, pressure->waiting, pressure->is_postfix_stressed ? "yes" : "no");
}
