#include "policyd/verify_news.h"

#include "common/postfix_verify_entry.h"
#include "common/recipient_record.h"
#include "common/verify_reply.h"
#include "common/verify_settings.h"
#include "policyd/redis_text.h"
#include "policyd/store.h"

#define NEWS_AGE_MAX_S 60

static const enum recipient_status status_table[] = {
    [POSTFIX_VERIFY_DELIVERABLE] = RECIPIENT_DELIVERABLE,
    [POSTFIX_VERIFY_DEFERRED] = RECIPIENT_DEFERRED,
    [POSTFIX_VERIFY_UNDELIVERABLE] = RECIPIENT_UNDELIVERABLE,
};

static bool is_news(const struct postfix_verify_entry *entry, int64_t wall_s)
{
    return postfix_verify_entry_is_result(entry) &&
           entry->updated_s >= wall_s - NEWS_AGE_MAX_S &&
           entry->updated_s <= wall_s + NEWS_AGE_MAX_S;
}

static void tell(struct store *store, const struct config *config, enum address_kind kind,
                 const struct recipient_address *address, const struct recipient_report *report)
{
    char buffer[RECIPIENT_COMMAND_SIZE];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct recipient_hash hash;
    struct redis_key key;
    verify_key(&config->verify, config->redis.prefix, kind, address, &key, &hash);
    recipient_record_command(&command, redis_key_slice(&key), report,
                             &config->verify.lifetimes);
    redis_write_command(store->redis, &command);
}

void verify_news_tell(struct store *store, const struct config *config, struct slice key,
                      struct slice value, int64_t wall_s)
{
    const struct verify_settings *settings = &config->verify;
    const struct recipient_address_settings form = verify_address_settings(settings);
    struct recipient_address address;
    struct postfix_verify_entry entry;
    struct slice internal;
    char text[RECIPIENT_TEXT_SIZE];
    if (!verify_is_on(settings) || !postfix_verify_entry_parse(value, &entry) ||
        !is_news(&entry, wall_s) || !postfix_verify_key_address(key, &internal) ||
        !recipient_address_set(&address, internal, &form))
        return;
    struct recipient_report report = {
        .status = status_table[entry.status],
        .is_probe_result = true,
        .session = RECIPIENT_ANY_SESSION,
        .text = entry.text,
    };
    if (!settings->is_readable)
        report.text = (struct slice){text, verify_reason_redact(entry.text, &address, text)};
    /* verify(8) has one cache for both. */
    for (int kind = 0; kind < ADDRESS_KIND_COUNT; kind++)
        if (verify_has_domain(settings, (enum address_kind)kind,
                              recipient_address_domain(&address)))
            tell(store, config, (enum address_kind)kind, &address, &report);
}
