#include "common/rbl_answer.h"

#include <stdio.h>

static const char *const special_texts[RBL_SPECIAL_COUNT] = {
    [RBL_SPECIAL_NONE] = "nothing special",
    [RBL_SPECIAL_LOOPBACK] = "not a listing: a resolver or a parked domain answers for it",
    [RBL_SPECIAL_TYPO] = "there is no list of this name: a typing mistake",
    [RBL_SPECIAL_OPEN_RESOLVER] =
        "it refuses queries that come by a public resolver: ask with a resolver of our own",
    [RBL_SPECIAL_QUOTA] = "it refuses us because of too many queries: its free use is over",
    [RBL_SPECIAL_REFUSED] = "it refuses to serve us",
    [RBL_SPECIAL_OUTSIDE] =
        "no list answers so: the resolver makes up answers, or the domain has a new owner",
};

static const char *const failure_names[] = {
    [RBL_FAILURE_NONE] = "none",
    [RBL_FAILURE_TIMEOUT] = "timeout",
    [RBL_FAILURE_ERROR] = "error",
    [RBL_FAILURE_SKIPPED] = "skipped",
};

enum rbl_special rbl_address_special(uint32_t address)
{
    if (address >> 24 != 127)
        return RBL_SPECIAL_OUTSIDE;
    if (address == 0x7f000001)
        return RBL_SPECIAL_LOOPBACK;
    if (address >> 8 != 0x7fffff)
        return RBL_SPECIAL_NONE;
    switch (address & 255) {
    case 252:
        return RBL_SPECIAL_TYPO;
    case 254:
        return RBL_SPECIAL_OPEN_RESOLVER;
    case 255:
        return RBL_SPECIAL_QUOTA;
    default:
        return RBL_SPECIAL_REFUSED;
    }
}

bool rbl_address_counts(uint32_t address)
{
    return rbl_address_special(address) == RBL_SPECIAL_NONE;
}

const char *rbl_special_text(enum rbl_special special)
{
    return special_texts[special];
}

const char *rbl_failure_name(enum rbl_failure failure)
{
    return failure_names[failure];
}

struct rbl_answer rbl_answer_from_addresses(const uint32_t *addresses, size_t count)
{
    struct rbl_answer answer = {.state = RBL_NOT_LISTED};
    for (size_t i = 0; i < count; i++) {
        enum rbl_special special = rbl_address_special(addresses[i]);
        bool is_unusable = special != RBL_SPECIAL_NONE && special != RBL_SPECIAL_LOOPBACK;
        if (special != RBL_SPECIAL_NONE &&
            (is_unusable || answer.special == RBL_SPECIAL_NONE)) {
            answer.special = (uint8_t)special;
            answer.special_address = addresses[i];
        }
        if (is_unusable) {
            answer.state = RBL_UNKNOWN;
            answer.code_count = 0;
            return answer;
        }
        if (special == RBL_SPECIAL_NONE && answer.code_count < RBL_CODES_MAX) {
            answer.state = RBL_LISTED;
            answer.codes[answer.code_count++] = addresses[i];
        }
    }
    return answer;
}

struct rbl_answer rbl_answer_failed(enum rbl_failure failure)
{
    return (struct rbl_answer){.state = RBL_UNKNOWN, .failure = (uint8_t)failure};
}

static int64_t clamp(int64_t value, int64_t minimum, int64_t maximum)
{
    if (value > maximum)
        value = maximum;
    return value < minimum ? minimum : value;
}

int64_t rbl_answer_lifetime_s(const struct rbl_answer *answer, int64_t ttl_s,
                              const struct rbl_lifetimes *lifetimes)
{
    switch (answer->state) {
    case RBL_LISTED:
        return clamp(ttl_s, lifetimes->minimum, lifetimes->maximum);
    case RBL_NOT_LISTED:
        return clamp(ttl_s, lifetimes->minimum, lifetimes->negative_maximum);
    case RBL_UNKNOWN:
        return answer->special != RBL_SPECIAL_NONE ? lifetimes->minimum : 0;
    default:
        return 0;
    }
}

static char make_printable(char c)
{
    return c >= ' ' && c <= '~' ? c : ' ';
}

size_t rbl_text_append(char text[static RBL_TEXT_MAX], size_t length, bool is_first,
                       struct slice record)
{
    static const char separator[] = " / ";
    if (!is_first && length + sizeof(separator) - 1 < RBL_TEXT_MAX) {
        memcpy(text + length, separator, sizeof(separator) - 1);
        length += sizeof(separator) - 1;
    }
    for (size_t i = 0; i < record.length && length < RBL_TEXT_MAX; i++)
        text[length++] = make_printable(record.data[i]);
    return length;
}

static size_t append_address(uint32_t address, char *out, size_t size)
{
    char text[sizeof("255.255.255.255")];
    int length = snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                          address >> 8 & 255, address & 255);
    size_t used = (size_t)length < size ? (size_t)length : size;
    memcpy(out, text, used);
    return used;
}

size_t rbl_answer_format(const struct rbl_answer *answer, const struct slice *text,
                         char out[static RBL_ANSWER_TEXT_MAX])
{
    size_t length = 0;
    if (answer->state == RBL_NOT_LISTED) {
        out[0] = '-';
        return 1;
    }
    if (answer->state == RBL_UNKNOWN && answer->special != RBL_SPECIAL_NONE) {
        out[0] = '!';
        return 1 + append_address(answer->special_address, out + 1, RBL_ANSWER_TEXT_MAX - 1);
    }
    if (answer->state != RBL_LISTED)
        return 0;
    for (size_t i = 0; i < answer->code_count; i++) {
        if (i > 0)
            out[length++] = ',';
        length += append_address(answer->codes[i], out + length, RBL_ANSWER_TEXT_MAX - length);
    }
    if (!text)
        return length;
    out[length++] = ' ';
    for (size_t i = 0; i < text->length && i < RBL_TEXT_MAX; i++)
        out[length++] = make_printable(text->data[i]);
    return length;
}

/* "127.0.0.2" at the start of rest, in the one way in which it is written. */
static bool take_address(struct slice *rest, uint32_t *address_r)
{
    uint32_t address = 0;
    size_t i = 0;
    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0;
        if (octet > 0 && (i == rest->length || rest->data[i++] != '.'))
            return false;
        size_t start = i;
        while (i < rest->length && i < start + 3 && rest->data[i] >= '0' &&
               rest->data[i] <= '9')
            value = 10 * value + (unsigned)(rest->data[i++] - '0');
        if (i == start || value > 255 || (rest->data[start] == '0' && i > start + 1))
            return false;
        address = address << 8 | value;
    }
    *rest = (struct slice){rest->data + i, rest->length - i};
    *address_r = address;
    return true;
}

static bool parse_unusable(struct slice rest, struct rbl_answer *answer)
{
    if (!take_address(&rest, &answer->special_address) || rest.length > 0)
        return false;
    enum rbl_special special = rbl_address_special(answer->special_address);
    answer->state = RBL_UNKNOWN;
    answer->special = (uint8_t)special;
    return special != RBL_SPECIAL_NONE && special != RBL_SPECIAL_LOOPBACK;
}

/* "127.0.0.2,127.0.0.4" at the start of rest. */
static bool take_codes(struct slice *rest, struct rbl_answer *answer)
{
    bool has_more;
    answer->state = RBL_LISTED;
    do {
        uint32_t address;
        if (answer->code_count == RBL_CODES_MAX || !take_address(rest, &address) ||
            !rbl_address_counts(address))
            return false;
        answer->codes[answer->code_count++] = address;
        has_more = rest->length > 0 && rest->data[0] == ',';
        if (has_more)
            *rest = (struct slice){rest->data + 1, rest->length - 1};
    } while (has_more);
    return true;
}

bool rbl_answer_parse(struct slice value, struct rbl_answer *answer_r, struct slice *text_r,
                      bool *has_text_r)
{
    struct rbl_answer answer = {.state = RBL_NOT_LISTED};
    *text_r = (struct slice){"", 0};
    *has_text_r = false;
    if (slice_equals(value, SLICE_LITERAL("-"))) {
        *answer_r = answer;
        return true;
    }
    if (value.length > 0 && value.data[0] == '!') {
        if (!parse_unusable((struct slice){value.data + 1, value.length - 1}, &answer))
            return false;
        *answer_r = answer;
        return true;
    }
    if (value.length > RBL_ANSWER_TEXT_MAX || !take_codes(&value, &answer))
        return false;
    *has_text_r = value.length > 0;
    if (*has_text_r) {
        if (value.data[0] != ' ' || value.length - 1 > RBL_TEXT_MAX)
            return false;
        *text_r = (struct slice){value.data + 1, value.length - 1};
    }
    *answer_r = answer;
    return true;
}
