/*
 * negotiate - what we ask of the MTA at the begin of a milter connection: only the steps and
 * macros that we use.
 *
 * Of HELO, RCPT and DATA we only take note, and yet we answer them: an event that expects no
 * reply (SMFIP_NR_RCPT and its like) stays in smtpd's buffer until one that does, or until the
 * end of the session; and libmilter throws away what arrives together with the end. A client
 * that tries recipients and disconnects would go unseen, one that says HELO and no more would
 * look silent.
 */
#ifndef POSTVALVE_MILTER_NEGOTIATE_H
#define POSTVALVE_MILTER_NEGOTIATE_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

/* xxfi_negotiate. An MTA without SMFIP_RCPT_REJ or without macros of our choice is fine too:
 * what it does not tell stays unknown. */
sfsistat negotiate(SMFICTX *context, unsigned long offered_actions, unsigned long offered_steps,
                   unsigned long offered2, unsigned long offered3, unsigned long *actions_r,
                   unsigned long *steps_r, unsigned long *wanted2_r, unsigned long *wanted3_r);

/* The names, as smfi_getsymval() takes them. */
#define MACRO_DAEMON_PORT        "{daemon_port}"
#define MACRO_DAEMON_ADDRESS     "{daemon_addr}"
#define MACRO_STRESS             "{stress}" /* our own: milter_macro_defaults in main.cf */
#define MACRO_AUTHENTICATION     "{auth_type}"
#define MACRO_AUTHENTICATED_NAME "{auth_authen}"
#define MACRO_RECIPIENT_MAILER   "{rcpt_mailer}"
#define MACRO_RECIPIENT_HOST     "{rcpt_host}"
#define MACRO_RECIPIENT_ADDRESS  "{rcpt_addr}"

#endif
