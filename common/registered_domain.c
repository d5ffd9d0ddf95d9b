#include "common/registered_domain.h"

#include <libpsl.h>

#define HOST_NAME_MAX_LENGTH 253 /* RFC 1035 section 2.3.4, as text */

static bool is_host_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* A host name in lower case. An address is no name: its last label is a number. */
static bool copy_host_name(struct slice name, char out[static HOST_NAME_MAX_LENGTH + 1])
{
    bool is_last_label_number = true;
    if (name.length == 0 || name.length > HOST_NAME_MAX_LENGTH || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (!is_host_name_character(out[i]) || (c == '.' && name.data[i - 1] == '.'))
            return false;
        is_last_label_number = c == '.' || (is_last_label_number && c >= '0' && c <= '9');
    }
    out[name.length] = '\0';
    return !is_last_label_number;
}

struct slice registered_domain_find(struct slice name)
{
    static const struct slice none = {NULL, 0};
    char text[HOST_NAME_MAX_LENGTH + 1];
    if (name.length > 0 && name.data[name.length - 1] == '.')
        name.length--;
    if (!copy_host_name(name, text))
        return none;
    const char *domain = psl_registrable_domain(psl_builtin(), text);
    if (!domain)
        return none;
    size_t offset = (size_t)(domain - text);
    return (struct slice){name.data + offset, name.length - offset};
}

struct slice registered_domain_find_cached(struct registered_domain_cache *cache,
                                           struct slice name)
{
    if (name.length == 0 || name.length > HOST_NAME_MAX_LENGTH)
        return (struct slice){NULL, 0};
    uint64_t hash = siphash(cache->seed, name.data, name.length);
    struct registered_domain_cached *cached =
        &cache->names[hash % REGISTERED_DOMAIN_CACHE_SIZE];
    if (cached->hash != hash || hash == 0) {
        struct slice domain = registered_domain_find(name);
        cached->hash = hash;
        cached->offset = domain.length ? (uint8_t)(domain.data - name.data) : 0;
        cached->length = (uint8_t)domain.length;
    }
    return (struct slice){name.data + cached->offset, cached->length};
}
