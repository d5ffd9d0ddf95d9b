#include "common/postfix_verify_entry.h"

#include "common/number.h"

/* Takes the number before the next colon off text. */
static bool take_number(struct slice *text, int64_t maximum, int64_t *number_r)
{
    const char *colon = text->length > 0 ? memchr(text->data, ':', text->length) : NULL;
    if (!colon)
        return false;
    struct slice digits = {text->data, (size_t)(colon - text->data)};
    *text = (struct slice){colon + 1, text->length - digits.length - 1};
    return number_parse(digits, maximum, number_r);
}

bool postfix_verify_entry_parse(struct slice value, struct postfix_verify_entry *entry_r)
{
    struct postfix_verify_entry entry;
    int64_t status;
    if (!take_number(&value, POSTFIX_VERIFY_PROBING, &status) ||
        !take_number(&value, INT64_MAX, &entry.probed_s) ||
        !take_number(&value, INT64_MAX, &entry.updated_s) ||
        (entry.probed_s == 0 && entry.updated_s == 0))
        return false;
    entry.status = (enum postfix_verify_status)status;
    entry.text = value;
    *entry_r = entry;
    return true;
}

bool postfix_verify_entry_is_result(const struct postfix_verify_entry *entry)
{
    return entry->status != POSTFIX_VERIFY_PROBING && entry->probed_s == 0;
}

bool postfix_cache_key_is_cleanup(struct slice key)
{
    static const struct slice end = SLICE_LITERAL("_LAST_CACHE_CLEANUP_COMPLETED_");
    return key.length >= end.length &&
           memcmp(key.data + key.length - end.length, end.data, end.length) == 0;
}

bool postfix_verify_key_address(struct slice key, struct slice *address_r)
{
    const char *colon = key.length > 0 ? memrchr(key.data, ':', key.length) : NULL;
    struct slice address = key;
    if (colon)
        address = (struct slice){colon + 1, key.length - (size_t)(colon + 1 - key.data)};
    const char *at = address.length > 0 ? memrchr(address.data, '@', address.length) : NULL;
    if (!at || at == address.data || at + 1 == address.data + address.length ||
        memchr(address.data, '_', address.length))
        return false;
    *address_r = address;
    return true;
}
