#include "milter/callbacks.h"

#include "common/memory.h"
#include "common/reply_text.h"
#include "common/slice.h"
#include "host/clock.h"
#include "host/stress_monitor.h"
#include "milter/admission.h"
#include "milter/live_config.h"
#include "milter/negotiate.h"
#include "milter/recipients.h"
#include "milter/reclaimer.h"
#include "milter/reply.h"
#include "milter/session_count.h"
#include "milter/session_table.h"

#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct milter *milter; /* libmilter hands nothing of ours to xxfi_connect */

static bool is_macro_set(SMFICTX *context, char *name)
{
    const char *value = smfi_getsymval(context, name);
    return value && *value;
}

/* NULL: sessions of other services on this Postfix are none of our business. An MTA that does
 * not say which service it is has but one. */
static const struct service_settings *find_service(SMFICTX *context,
                                                   const struct config *config)
{
    const char *port = smfi_getsymval(context, MACRO_DAEMON_PORT);
    return port ? service_list_find(&config->services, strtol(port, NULL, 10))
                : &config->services.items[0];
}

static uint16_t port_of(const struct sockaddr *socket_address)
{
    if (socket_address && socket_address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)socket_address)->sin_port);
    if (socket_address && socket_address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_port);
    return 0;
}

static struct session *take_session(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    smfi_setpriv(context, NULL);
    return session;
}

static sfsistat hang_up(SMFICTX *context, const struct config *config, struct session *session,
                        struct verdict *verdict)
{
    const struct reply_subject subject = {&session->address,
                                          slice_from_string(session->client_name)};
    struct buffer text = REPLY_TEXT_BUFFER;
    struct reply reply;
    reply_text_expand(&config->reply, &subject, verdict, &text);
    reply_format(verdict->code, verdict->text, &reply);
    buffer_free(&text);
    if (smfi_setreply(context, reply.code, reply.enhanced_code[0] ? reply.enhanced_code : NULL,
                      reply.text[0] ? reply.text : NULL) != MI_SUCCESS)
        return SMFIS_CONTINUE;
    session_table_hang_up(milter->sessions, session);
    return verdict->code < 500 ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* Where its socket is, so that it can be ended: as Postfix says, so far as it does. */
static void identify_socket(SMFICTX *context, struct session *session)
{
    const char *host = smfi_getsymval(context, MACRO_DAEMON_ADDRESS);
    const char *port = smfi_getsymval(context, MACRO_DAEMON_PORT);
    struct socket_pair pair = {.remote = session->address, .remote_port = session->port};
    if (!host || !port || !address_parse(slice_from_string(host), &pair.local))
        return;
    pair.local_port = (uint16_t)strtol(port, NULL, 10);
    uint64_t cookie = reclaimer_identify(milter->reclaimer, &pair);
    session_table_lock(milter->sessions);
    session->local_address = pair.local;
    session->local_port = pair.local_port;
    session->socket_cookie = cookie;
    session_table_unlock(milter->sessions);
}

static void note_turned_away(const struct session *session, const struct verdict *verdict)
{
    int64_t now_ms = clock_monotonic_ms();
    uint16_t port = session->service_port;
    if (verdict_is_of_level(verdict))
        stress_monitor_note_turned_away(milter->stress,
                                        stress_monitor_find(milter->stress, port), now_ms);
    if ((verdict->rule == RULE_CEILING || verdict->rule == RULE_NEWCOMER) &&
        verdict->classification.class >= CLASS_UNKNOWN)
        reclaimer_note_turned_away(milter->reclaimer, port, now_ms);
}

static sfsistat begin_session(SMFICTX *context, const struct config *config,
                              const struct service_settings *service, const char *client_name,
                              const struct sockaddr *socket_address)
{
    struct address address = address_from_sockaddr(socket_address);
    struct session *session = memory_allocate(1, sizeof(*session));
    session_init(session, &address, slice_from_string(client_name), port_of(socket_address),
                 clock_monotonic_ms());
    session->service_port = (uint16_t)service->port;
    int busy;
    if (!session_table_add(milter->sessions, session, &busy)) {
        free(session);
        return SMFIS_ACCEPT;
    }
    smfi_setpriv(context, session);

    const char *stress = smfi_getsymval(context, MACRO_STRESS);
    struct verdict verdict = admission_decide_connect(milter, config, session, busy,
                                                      stress && strcmp(stress, "yes") == 0);
    session_table_set_class(milter->sessions, session, &verdict.classification, true);
    session_count_start(milter->sessions, session);
    if (verdict.action == VERDICT_HANG_UP) {
        note_turned_away(session, &verdict);
        return hang_up(context, config, session, &verdict);
    }
    if (verdict.classification.class != CLASS_TRUSTED)
        identify_socket(context, session);
    /* Not SMFIS_ACCEPT for trusted clients: that ends the connection to the milter, and a slot
     * that is busy would not be counted. */
    return SMFIS_CONTINUE;
}

/* Those that we ended say nothing of the others. */
static void note_end(const struct session *session, const struct config *config)
{
    int64_t now_ms = clock_monotonic_ms();
    bool is_silent = now_ms - session->connected_ms >= config->milter.silent_after_s * 1000;
    if (!session->is_hung_up)
        stress_monitor_note_session_end(
            milter->stress, stress_monitor_find(milter->stress, session->service_port),
            session->has_said_helo ? SESSION_SERVED
            : is_silent            ? SESSION_SILENT
                                   : SESSION_LOST,
            now_ms);
}

static void end_session(struct session *session)
{
    if (!session)
        return;
    if (session_table_remove(milter->sessions, session)) {
        const struct config *config = live_config_acquire(milter->config);
        admission_record(milter, config, session, true);
        session_count_end(session, config->milter.silent_after_s * 1000, false,
                          clock_monotonic_ms());
        note_end(session, config);
        live_config_release(milter->config, config);
    }
    free(session->sender);
    free(session);
}

static sfsistat on_connect(SMFICTX *context, char *host, _SOCK_ADDR *socket_address)
{
    end_session(take_session(context));
    const struct config *config = live_config_acquire(milter->config);
    sfsistat status = SMFIS_ACCEPT;
    const struct service_settings *service = find_service(context, config);
    if (service)
        status = begin_session(context, config, service, host, socket_address);
    live_config_release(milter->config, config);
    return status;
}

/* An event that only changes what we know of the session. */
static void note(SMFICTX *context, void (*event)(struct session *session, int64_t now_ms))
{
    struct session *session = smfi_getpriv(context);
    if (!session)
        return;
    session_table_lock(milter->sessions);
    event(session, clock_monotonic_ms());
    session_table_unlock(milter->sessions);
}

static sfsistat on_helo(SMFICTX *context, char *name)
{
    (void)name;
    note(context, session_on_helo);
    return SMFIS_CONTINUE;
}

/* is_answered: by Postfix, whatever we say. */
static sfsistat decide_later(SMFICTX *context, struct session *session, enum stage stage,
                             bool is_answered)
{
    bool is_authenticated = is_macro_set(context, MACRO_AUTHENTICATION) ||
                            is_macro_set(context, MACRO_AUTHENTICATED_NAME);
    const struct config *config = live_config_acquire(milter->config);
    struct verdict verdict =
        admission_decide_later(milter, config, session, stage, is_authenticated);
    session_table_set_class(milter->sessions, session, &verdict.classification, false);
    sfsistat status = SMFIS_CONTINUE;
    if (verdict.action == VERDICT_HANG_UP && is_answered)
        session_table_note_misbehaving(milter->sessions, session);
    else if (verdict.action == VERDICT_HANG_UP)
        status = hang_up(context, config, session, &verdict);
    live_config_release(milter->config, config);
    return status;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
    struct session *session = smfi_getpriv(context);
    if (!session)
        return SMFIS_CONTINUE;
    note(context, session_on_mail);
    recipients_note_sender(milter, session, arguments[0]);
    return decide_later(context, session, STAGE_MAIL, false);
}

/* A recipient that Postfix rejects is evidence, and once there is enough of it the session is
 * to end: at the next recipient that it does not reject, or by the reclaimer. */
static sfsistat on_recipient(SMFICTX *context, char **arguments)
{
    struct session *session = smfi_getpriv(context);
    if (!session)
        return SMFIS_CONTINUE;
    struct recipient_macros macros = {
        .mailer = smfi_getsymval(context, MACRO_RECIPIENT_MAILER),
        .host = smfi_getsymval(context, MACRO_RECIPIENT_HOST),
        .text = smfi_getsymval(context, MACRO_RECIPIENT_ADDRESS),
    };
    recipients_learn(milter, session, arguments[0], &macros);
    session_table_lock(milter->sessions);
    int before = session->unknown_recipients;
    session_on_recipient(session, &macros, clock_monotonic_ms());
    bool is_rejected = session->unknown_recipients > before;
    bool is_decided_on = is_rejected != session->is_misbehaving;
    session_table_unlock(milter->sessions);
    return is_decided_on ? decide_later(context, session, STAGE_RCPT, is_rejected)
                         : SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *context)
{
    note(context, session_on_data);
    return SMFIS_CONTINUE;
}

static sfsistat on_unknown_command(SMFICTX *context, const char *command)
{
    (void)command;
    note(context, session_on_protocol_error);
    return SMFIS_CONTINUE;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    int messages_before = session ? session->accepted_messages : 0;
    note(context, session_on_message);
    if (session)
        session_count_message(session, messages_before, clock_monotonic_ms());
    return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
    note(context, session_on_abort);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    end_session(take_session(context));
    return SMFIS_CONTINUE;
}

bool callbacks_register(struct milter *parts)
{
    milter = parts;
    struct smfiDesc description = {
        .xxfi_name = "postvalve-milter",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_NONE,
        .xxfi_negotiate = negotiate,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_recipient,
        .xxfi_data = on_data,
        .xxfi_unknown = on_unknown_command,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
    };
    return smfi_register(description) == MI_SUCCESS;
}
