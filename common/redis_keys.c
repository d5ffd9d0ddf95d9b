#include "common/redis_keys.h"

#include "common/siphash.h"

#include <stdio.h>
#include <string.h>

#define HASH_TEXT_SIZE 18  /* "~", 16 hex digits, zero */
#define READABLE_MAX   128 /* bytes that an address takes */

/* The longest key: prefix, "rbl:", two names and a colon. */
_Static_assert(REDIS_PREFIX_MAX + sizeof("rbl::") + 2 * REDIS_NAME_MAX < REDIS_KEY_SIZE,
               "size");
_Static_assert(READABLE_MAX + sizeof("sender:") <= sizeof("rbl::") + 2 * REDIS_NAME_MAX + 8,
               "size");
_Static_assert(CLIENT_KEY_TEXT_SIZE <= REDIS_NAME_MAX, "client keys fit as names");

static void append(struct redis_key *key, const char *text, size_t length)
{
    memcpy(key->text + key->length, text, length);
    key->length += length;
    key->text[key->length] = '\0';
}

static void begin(struct redis_key *key, const char *prefix, const char *kind)
{
    key->length = 0;
    append(key, prefix, strnlen(prefix, REDIS_PREFIX_MAX));
    append(key, kind, strlen(kind));
}

void redis_key_client(struct redis_key *key_r, const char *prefix,
                      const struct client_key *client)
{
    char text[CLIENT_KEY_TEXT_SIZE];
    client_key_format(client, text);
    begin(key_r, prefix, "client:");
    append(key_r, text, strlen(text));
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

/* Writes as much of name as fits into size bytes; returns the length, is_cut_r: not all. */
static size_t escape_name(const char *name, char *out, size_t size, bool *is_cut_r)
{
    size_t length = 0;
    for (; *name; name++) {
        size_t needed = is_plain(*name) ? 1 : 3;
        if (length + needed > size)
            break;
        if (is_plain(*name)) {
            out[length] = *name;
        } else {
            char hex[4];
            snprintf(hex, sizeof(hex), "%%%02X", (unsigned char)*name);
            memcpy(out + length, hex, 3);
        }
        length += needed;
    }
    *is_cut_r = *name != '\0';
    return length;
}

static void append_name(struct redis_key *key, const char *name)
{
    static const uint8_t fixed_key[SIPHASH_KEY_SIZE]; /* all hosts must get the same key */
    char text[REDIS_NAME_MAX], hash[HASH_TEXT_SIZE];
    bool is_cut;

    size_t length = escape_name(name, text, sizeof(text), &is_cut);
    if (!is_cut) {
        append(key, text, length);
        return;
    }
    length = escape_name(name, text, sizeof(text) - (sizeof(hash) - 1), &is_cut);
    append(key, text, length);
    snprintf(hash, sizeof(hash), "~%016llx",
             (unsigned long long)siphash(fixed_key, name, strlen(name)));
    append(key, hash, sizeof(hash) - 1);
}

void redis_key_host(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "host:");
    append_name(key_r, host);
}

void redis_key_override(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "override:");
    if (host)
        append_name(key_r, host);
    else
        append(key_r, "*", 1); /* no name: in those it would be %2A */
}

void redis_key_top(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "top:");
    append_name(key_r, host);
}

void redis_key_total(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "total:");
    append_name(key_r, host);
}

void redis_key_stats(struct redis_key *key_r, const char *prefix, const char *host,
                     int64_t minute)
{
    char text[24];
    begin(key_r, prefix, "stats:");
    append_name(key_r, host);
    int length = snprintf(text, sizeof(text), ":%lld", (long long)minute);
    append(key_r, text, (size_t)length);
}

void redis_key_gauge(struct redis_key *key_r, const char *prefix, const char *host,
                     const char *process)
{
    begin(key_r, prefix, "gauge:");
    append_name(key_r, host);
    append(key_r, ":", 1);
    append(key_r, process, strlen(process));
}

void redis_key_access(struct redis_key *key_r, const char *prefix)
{
    begin(key_r, prefix, "access");
}

void redis_key_hosts(struct redis_key *key_r, const char *prefix)
{
    begin(key_r, prefix, "hosts");
}

void redis_key_events(struct redis_key *key_r, const char *prefix)
{
    begin(key_r, prefix, "events");
}

void redis_key_level_channel(struct redis_key *key_r, const char *prefix)
{
    begin(key_r, prefix, "level");
}

void redis_key_history(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "history:");
    append_name(key_r, host);
}

void redis_key_rbl(struct redis_key *key_r, const char *prefix, const char *zone,
                   const char *subject)
{
    struct address address;
    begin(key_r, prefix, "rbl:");
    append_name(key_r, zone);
    append(key_r, ":", 1);
    if (address_parse(slice_from_string(subject), &address)) {
        char text[ADDRESS_TEXT_SIZE];
        address_format(&address, text);
        append(key_r, text, strlen(text));
    } else {
        append_name(key_r, subject);
    }
}

void redis_key_rbl_health(struct redis_key *key_r, const char *prefix, const char *zone)
{
    begin(key_r, prefix, "rblhealth:");
    append_name(key_r, zone);
}

void redis_key_rbl_value(struct redis_key *key_r, const char *prefix, const char *zone)
{
    begin(key_r, prefix, "rblvalue:");
    append_name(key_r, zone);
}

void redis_key_recipient(struct redis_key *key_r, const char *prefix, enum address_kind kind,
                         const struct recipient_hash *hash,
                         const struct recipient_address *readable)
{
    char text[READABLE_MAX], hash_text[RECIPIENT_HASH_TEXT];
    bool is_cut = true;
    size_t length = 0;

    begin(key_r, prefix, kind == ADDRESS_SENDER ? "sender:" : "rcpt:");
    recipient_hash_format(hash, hash_text);
    if (readable)
        length = escape_name(readable->text, text, sizeof(text), &is_cut);
    if (readable && is_cut) {
        length = escape_name(readable->text, text, sizeof(text) - RECIPIENT_HASH_TEXT, &is_cut);
        is_cut = true;
        text[length++] = '~';
    }
    append(key_r, text, length);
    if (is_cut)
        append(key_r, hash_text, RECIPIENT_HASH_TEXT - 1);
}

void redis_key_cache(struct redis_key *key_r, const char *prefix,
                     const struct recipient_hash *hash)
{
    char text[RECIPIENT_HASH_TEXT];
    recipient_hash_format(hash, text);
    begin(key_r, prefix, "cache:");
    append(key_r, text, sizeof(text) - 1);
}

void redis_key_new_clients(struct redis_key *key_r, const char *prefix, const char *host)
{
    begin(key_r, prefix, "new:");
    append_name(key_r, host);
}
