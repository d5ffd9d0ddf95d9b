#include "common/verify_settings.h"

#include "common/settings.h"

#include <string.h>

bool verify_is_on(const struct verify_settings *settings)
{
    return settings->domains.count > 0 || settings->sender_domains.count > 0;
}

static bool matches(struct slice pattern, struct slice domain)
{
    if (slice_equals(pattern, SLICE_LITERAL("*")))
        return true;
    if (pattern.length > 0 && pattern.data[0] == '.' && domain.length > pattern.length)
        domain = (struct slice){domain.data + domain.length - pattern.length, pattern.length};
    return slice_equals_ignoring_case(pattern, domain);
}

bool verify_has_domain(const struct verify_settings *settings, enum address_kind kind,
                       struct slice domain)
{
    const struct string_list *list =
        kind == ADDRESS_SENDER ? &settings->sender_domains : &settings->domains;
    for (size_t i = 0; i < list->count; i++)
        if (matches(slice_from_string(list->items[i]), domain))
            return true;
    return false;
}

struct recipient_address_settings verify_address_settings(
    const struct verify_settings *settings)
{
    return (struct recipient_address_settings){settings->delimiters,
                                               settings->is_local_part_folded};
}

void verify_key(const struct verify_settings *settings, const char *prefix,
                enum address_kind kind, const struct recipient_address *address,
                struct redis_key *key_r, struct recipient_hash *hash_r)
{
    recipient_hash_get(hash_r, &settings->site_key, kind, address);
    redis_key_recipient(key_r, prefix, kind, hash_r, settings->is_readable ? address : NULL);
}

static void check_refresh(const char *which, int64_t refresh_s, int64_t expire_s,
                          const struct setting_problems *problems)
{
    if (refresh_s > expire_s)
        error_list_add(problems->errors,
                       "%s: verify.%s.refresh_s: %lld is above verify.%s.expire_s, allowed: "
                       "%lld or less",
                       problems->file, which, (long long)refresh_s, which, (long long)expire_s);
}

void verify_settings_check(const struct config *config, const struct setting_problems *problems)
{
    const struct verify_settings *verify = &config->verify;
    const struct recipient_lifetimes *lifetimes = &verify->lifetimes;
    check_refresh("positive", lifetimes->positive_refresh_s, lifetimes->positive_expire_s,
                  problems);
    check_refresh("negative", lifetimes->negative_refresh_s, lifetimes->negative_expire_s,
                  problems);
    if (verify->reject_code != 250 && verify->reject_code < 400)
        error_list_add(problems->errors,
                       "%s: verify.reject_code: %lld, allowed: 250 or a number from 400 to 599",
                       problems->file, (long long)verify->reject_code);
    if (verify_is_on(verify) && !verify->is_readable && verify->key_file[0] == '\0')
        error_list_add(problems->errors,
                       "%s: verify.key_file: \"\", allowed: a file that holds a secret of all "
                       "hosts with this Redis (head -c 32 /dev/urandom | base64), or "
                       "verify.readable",
                       problems->file);
}
