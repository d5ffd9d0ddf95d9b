#include "view/explain_recipient.h"

#include "common/verify_settings.h"
#include "host/clock.h"

#include <string.h>

#define FIELDS_MAX 16

static void take_record(void *context, size_t index, const struct redis_reply *reply)
{
    struct verify_address *address = context;
    struct redis_field fields[FIELDS_MAX];
    size_t count = redis_reply_read_fields(reply, fields, FIELDS_MAX);
    (void)index;
    address->is_known = true;
    for (size_t i = 0; i < count; i++)
        recipient_record_set_field(&address->record, fields[i].name, fields[i].value);
}

static bool ask(struct explain_recipient *explained, const struct config *config,
                struct redis_session *session, enum address_kind kind,
                const struct recipient_address *parsed, struct error *error)
{
    char buffer[REDIS_KEY_SIZE + 64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct verify_address *address = &explained->facts.addresses[kind];
    struct recipient_hash hash;
    struct redis_key key;
    address->is_verified =
        verify_has_domain(&config->verify, kind, recipient_address_domain(parsed));
    if (!address->is_verified || !session)
        return session != NULL;
    verify_key(&config->verify, session->prefix, kind, parsed, &key, &hash);
    redis_command_read_hash(&command, redis_key_slice(&key));
    return redis_session_ask(session, &command, 1, take_record, address, error);
}

bool explain_recipient_read(struct explain_recipient *explained, const struct config *config,
                            struct redis_session *session, const char *sender,
                            const char *recipient, struct error *error)
{
    const struct recipient_address_settings form = verify_address_settings(&config->verify);
    const char *const texts[] = {[ADDRESS_RECIPIENT] = recipient, [ADDRESS_SENDER] = sender};
    bool is_read = true;
    *explained =
        (struct explain_recipient){.facts = {.now_s = clock_wall_s(), .is_probe_left = true}};
    for (enum address_kind kind = 0; kind < ADDRESS_KIND_COUNT; kind++) {
        struct recipient_address parsed;
        if (!texts[kind] ||
            !recipient_address_parse(&parsed, slice_from_string(texts[kind]), &form))
            continue;
        explained->is_asked[kind] = true;
        if (kind == ADDRESS_RECIPIENT)
            explained->facts.is_role = recipient_address_is_role(&parsed);
        is_read = ask(explained, config, session, kind, &parsed, error) && is_read;
    }
    explained->facts.is_null_sender = sender && (!sender[0] || strcmp(sender, "<>") == 0);
    return is_read;
}

void explain_recipient_decide(struct explain_recipient *explained, const struct config *config,
                              const struct verdict *admission, bool is_off)
{
    struct verify_facts *facts = &explained->facts;
    facts->is_off = is_off;
    facts->level = admission->level;
    facts->class = admission->classification.class;
    explained->verify = verify_decide(facts, &config->verify);
    explained->verdict = *admission;
    verify_reply_format(&explained->verify, facts, &config->verify, explained->reply,
                        &explained->verdict);
}
