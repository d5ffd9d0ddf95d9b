#include "milter/negotiate.h"

/* Nothing of the message itself. */
static const unsigned long steps_not_wanted = SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY;

static struct {
    int stage;
    char macros[64]; /* smfi_setsymlist() takes no const */
} macro_table[] = {
    {SMFIM_CONNECT, MACRO_DAEMON_PORT " " MACRO_DAEMON_ADDRESS " " MACRO_STRESS},
    {SMFIM_ENVFROM, MACRO_AUTHENTICATION " " MACRO_AUTHENTICATED_NAME},
    {SMFIM_ENVRCPT,
     MACRO_RECIPIENT_MAILER " " MACRO_RECIPIENT_HOST " " MACRO_RECIPIENT_ADDRESS},
};

sfsistat negotiate(SMFICTX *context, unsigned long offered_actions, unsigned long offered_steps,
                   unsigned long offered2, unsigned long offered3, unsigned long *actions_r,
                   unsigned long *steps_r, unsigned long *wanted2_r, unsigned long *wanted3_r)
{
    (void)offered2;
    (void)offered3;
    *actions_r = 0; /* messages are not changed */
    if (offered_actions & SMFIF_SETSYMLIST) {
        *actions_r = SMFIF_SETSYMLIST;
        for (size_t i = 0; i < sizeof(macro_table) / sizeof(macro_table[0]); i++)
            smfi_setsymlist(context, macro_table[i].stage, macro_table[i].macros);
    }
    *steps_r = offered_steps & (steps_not_wanted | SMFIP_RCPT_REJ);
    *wanted2_r = 0;
    *wanted3_r = 0;
    return SMFIS_CONTINUE;
}
