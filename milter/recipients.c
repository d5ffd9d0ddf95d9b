#include "milter/recipients.h"

#include "common/memory.h"
#include "common/verify_reply.h"
#include "common/verify_settings.h"
#include "milter/history.h"
#include "milter/live_config.h"

#include <stdlib.h>
#include <string.h>

void recipients_note_sender(struct milter *milter, struct session *session,
                            const char *argument)
{
    const struct config *config = live_config_acquire(milter->config);
    free(session->sender);
    session->sender = NULL;
    if (config->verify.sender_domains.count > 0 &&
        strnlen(argument, RECIPIENT_ADDRESS_MAX) < RECIPIENT_ADDRESS_MAX)
        session->sender = memory_copy_string(argument);
    live_config_release(milter->config, config);
}

static void tell(struct milter *milter, const struct config *config, enum address_kind kind,
                 const char *argument, const struct recipient_report *report)
{
    const struct verify_settings *settings = &config->verify;
    const struct recipient_address_settings form = verify_address_settings(settings);
    struct recipient_report told = *report;
    struct recipient_address address;
    struct recipient_hash hash;
    struct redis_key key;
    char text[RECIPIENT_TEXT_SIZE];

    if (!recipient_address_parse(&address, slice_from_string(argument), &form) ||
        !verify_has_domain(settings, kind, recipient_address_domain(&address)))
        return;
    verify_key(settings, config->redis.prefix, kind, &address, &key, &hash);
    if (!settings->is_readable)
        told.text = (struct slice){text, verify_reason_redact(report->text, &address, text)};
    history_tell_recipient(milter->history, &key, &told, &settings->lifetimes);
}

/* Of the sender a message's first recipient tells as much as all of them. */
static void tell_accepted(struct milter *milter, const struct config *config,
                          const struct session *session, const char *argument)
{
    const struct recipient_report report = {
        .status = RECIPIENT_DELIVERABLE,
        .session = recipient_session(&session->address, session->port),
    };
    tell(milter, config, ADDRESS_RECIPIENT, argument, &report);
    if (session->sender && session->accepted_recipients == 0)
        tell(milter, config, ADDRESS_SENDER, session->sender, &report);
}

static void tell_rejected(struct milter *milter, const struct config *config,
                          const struct session *session, const char *argument,
                          const struct recipient_macros *macros)
{
    struct recipient_report report;
    enum address_kind kind;
    if (!macros->host || !macros->text ||
        !verify_reply_read(macros->host, macros->text, &kind, &report))
        return;
    const char *address = kind == ADDRESS_SENDER ? session->sender : argument;
    if (address)
        tell(milter, config, kind, address, &report);
}

void recipients_learn(struct milter *milter, const struct session *session,
                      const char *argument, const struct recipient_macros *macros)
{
    if (!macros->mailer || !argument)
        return;
    const struct config *config = live_config_acquire(milter->config);
    if (verify_is_on(&config->verify)) {
        if (strcmp(macros->mailer, "error") == 0)
            tell_rejected(milter, config, session, argument, macros);
        else
            tell_accepted(milter, config, session, argument);
    }
    live_config_release(milter->config, config);
}
