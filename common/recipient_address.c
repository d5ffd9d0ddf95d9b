#include "common/recipient_address.h"

#include <stdio.h>
#include <string.h>

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins_with(struct slice text, struct slice start)
{
    return text.length >= start.length &&
           slice_equals_ignoring_case((struct slice){text.data, start.length}, start);
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.length > end.length &&
           slice_equals_ignoring_case(
               (struct slice){text.data + text.length - end.length, end.length}, end);
}

/* How much of the local part stays; the exceptions are those of Postfix (split_addr). */
static size_t length_without_extension(struct slice local, const char *delimiters)
{
    bool is_kept = slice_equals_ignoring_case(local, SLICE_LITERAL("postmaster")) ||
                   slice_equals_ignoring_case(local, SLICE_LITERAL("mailer-daemon")) ||
                   slice_equals_ignoring_case(local, SLICE_LITERAL("double-bounce")) ||
                   (strchr(delimiters, '-') && (begins_with(local, SLICE_LITERAL("owner-")) ||
                                                ends_with(local, SLICE_LITERAL("-request"))));
    if (is_kept)
        return local.length;
    for (size_t i = 0; i < local.length; i++)
        if (strchr(delimiters, local.data[i]))
            return i > 0 ? i : local.length;
    return local.length;
}

bool recipient_address_set(struct recipient_address *address_r, struct slice internal,
                           const struct recipient_address_settings *settings)
{
    address_r->length = address_r->local_length = 0;
    address_r->text[0] = '\0';
    if (internal.length == 0 || internal.length > RECIPIENT_ADDRESS_MAX ||
        memchr(internal.data, '\0', internal.length))
        return false;
    const char *at = memrchr(internal.data, '@', internal.length);
    struct slice local = {internal.data, at ? (size_t)(at - internal.data) : internal.length};
    struct slice rest = {internal.data + local.length, internal.length - local.length};
    if (rest.length > 2 && rest.data[rest.length - 1] == '.')
        rest.length--;

    char *out = address_r->text;
    address_r->local_length = length_without_extension(local, settings->delimiters);
    for (size_t i = 0; i < address_r->local_length; i++)
        *out++ = settings->is_local_part_folded ? fold(local.data[i]) : local.data[i];
    for (size_t i = 0; i < rest.length; i++)
        *out++ = fold(rest.data[i]);
    *out = '\0';
    address_r->length = address_r->local_length + rest.length;
    return true;
}

/* Without the quotes and backslashes of a quoted local part; the length. */
static size_t unquote(struct slice text, char *out)
{
    size_t length = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (c == '\\' && i + 1 < text.length)
            c = text.data[++i];
        out[length++] = c;
    }
    return length;
}

bool recipient_address_parse(struct recipient_address *address_r, struct slice argument,
                             const struct recipient_address_settings *settings)
{
    char internal[RECIPIENT_ADDRESS_MAX];
    if (argument.length >= 2 && argument.data[0] == '<' &&
        argument.data[argument.length - 1] == '>')
        argument = (struct slice){argument.data + 1, argument.length - 2};
    /* RFC 5321 appendix F.2: a source route is to be ignored. */
    const char *colon = argument.length > 0 && argument.data[0] == '@'
                            ? memchr(argument.data, ':', argument.length)
                            : NULL;
    if (colon)
        argument =
            (struct slice){colon + 1, argument.length - (size_t)(colon + 1 - argument.data)};
    if (argument.length > sizeof(internal))
        argument.length = 0;
    struct slice text = {internal, unquote(argument, internal)};
    return recipient_address_set(address_r, text, settings);
}

struct slice recipient_address_domain(const struct recipient_address *address)
{
    if (address->local_length == address->length)
        return SLICE_LITERAL("");
    return (struct slice){address->text + address->local_length + 1,
                          address->length - address->local_length - 1};
}

bool recipient_address_is_role(const struct recipient_address *address)
{
    struct slice local = {address->text, address->local_length};
    return slice_equals_ignoring_case(local, SLICE_LITERAL("postmaster")) ||
           slice_equals_ignoring_case(local, SLICE_LITERAL("abuse"));
}

static void store_word(uint8_t *out, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(word >> (8 * i));
}

void recipient_site_key_derive(struct recipient_site_key *key_r, struct slice text)
{
    for (uint8_t part = 0; part < sizeof(key_r->bytes) / 8; part++) {
        const uint8_t fixed_key[SIPHASH_KEY_SIZE] = {'s', 'i', 't', 'e', part};
        store_word(key_r->bytes + part * 8, siphash(fixed_key, text.data, text.length));
    }
}

void recipient_hash_bytes(struct recipient_hash *hash_r, const struct recipient_site_key *key,
                          char kind, struct slice bytes)
{
    char message[1 + RECIPIENT_HASH_BYTES_MAX];
    size_t length =
        bytes.length < RECIPIENT_HASH_BYTES_MAX ? bytes.length : RECIPIENT_HASH_BYTES_MAX;
    message[0] = kind;
    if (length > 0)
        memcpy(message + 1, bytes.data, length);
    store_word(hash_r->bytes, siphash(key->bytes, message, length + 1));
    store_word(hash_r->bytes + 8, siphash(key->bytes + SIPHASH_KEY_SIZE, message, length + 1));
}

void recipient_hash_get(struct recipient_hash *hash_r, const struct recipient_site_key *key,
                        enum address_kind kind, const struct recipient_address *address)
{
    recipient_hash_bytes(hash_r, key, (char)('0' + kind),
                         (struct slice){address->text, address->length});
}

void recipient_hash_format(const struct recipient_hash *hash,
                           char out[static RECIPIENT_HASH_TEXT])
{
    for (size_t i = 0; i < RECIPIENT_HASH_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", hash->bytes[i]);
}
