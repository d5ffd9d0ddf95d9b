#include "common/dns_message.h"

#include <string.h>

#define HEADER_SIZE    12
#define QUESTION_TAIL  4  /* type and class */
#define RECORD_SIZE    10 /* type, class, TTL, length */
#define NAME_MAX_BYTES 253
#define LABEL_MAX      63
#define CLASS_INTERNET 1
#define FLAG_ANSWER    0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSION 0x0100
#define MASK_CODE      0x000f
#define TTL_MAX        0x7fffffff /* RFC 2181 section 8: a larger one is zero */

struct reader {
    const uint8_t *data;
    size_t length, at;
};

struct record {
    unsigned type, class;
    uint32_t ttl_s;
    const uint8_t *data;
    size_t start, length; /* of the data in the message */
};

static void put16(uint8_t *out, unsigned value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *data)
{
    return (unsigned)data[0] << 8 | data[1];
}

static uint32_t get32(const uint8_t *data)
{
    return (uint32_t)get16(data) << 16 | get16(data + 2);
}

/* The name in wire form; returns its length, 0 for none. */
static size_t put_name(struct slice name, uint8_t *out)
{
    size_t length = 0, start = 0;
    if (name.length == 0 || name.length > NAME_MAX_BYTES)
        return 0;
    for (size_t i = 0; i <= name.length; i++) {
        if (i < name.length && name.data[i] != '.')
            continue;
        size_t label = i - start;
        if (label == 0 || label > LABEL_MAX)
            return 0;
        out[length++] = (uint8_t)label;
        memcpy(out + length, name.data + start, label);
        length += label;
        start = i + 1;
    }
    out[length++] = 0;
    return length;
}

size_t dns_query_build(uint16_t id, struct slice name, enum dns_type type,
                       uint8_t out[static DNS_QUERY_SIZE])
{
    memset(out, 0, HEADER_SIZE);
    put16(out, id);
    put16(out + 2, FLAG_RECURSION);
    put16(out + 4, 1); /* one question */
    size_t length = put_name(name, out + HEADER_SIZE);
    if (length == 0)
        return 0;
    length += HEADER_SIZE;
    put16(out + length, type);
    put16(out + length + 2, CLASS_INTERNET);
    return length + QUESTION_TAIL;
}

/* The length of a label is no letter: it is at most 63. */
void dns_query_lower_case(uint8_t *query, size_t length)
{
    for (size_t i = HEADER_SIZE; i + QUESTION_TAIL < length; i++)
        if (query[i] >= 'A' && query[i] <= 'Z')
            query[i] = (uint8_t)(query[i] - 'A' + 'a');
}

/* Where a compressed name leads to does not matter here. */
static bool skip_name(struct reader *reader)
{
    while (reader->at < reader->length) {
        unsigned label = reader->data[reader->at++];
        if (label == 0)
            return true;
        if (label >= 0xc0)
            return reader->at++ < reader->length;
        if (label > LABEL_MAX)
            return false;
        reader->at += label;
    }
    return false;
}

static bool read_record(struct reader *reader, struct record *record_r)
{
    if (!skip_name(reader) || reader->at > reader->length ||
        reader->length - reader->at < RECORD_SIZE)
        return false;
    const uint8_t *head = reader->data + reader->at;
    record_r->type = get16(head);
    record_r->class = get16(head + 2);
    record_r->ttl_s = get32(head + 4);
    if (record_r->ttl_s > TTL_MAX)
        record_r->ttl_s = 0;
    record_r->length = get16(head + 8);
    record_r->data = head + RECORD_SIZE;
    record_r->start = reader->at + RECORD_SIZE;
    if (reader->length - record_r->start < record_r->length)
        return false;
    reader->at = record_r->start + record_r->length;
    return true;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool take_text(const struct record *record, struct dns_answer *answer)
{
    size_t at = 0, start = answer->text_length;
    while (at < record->length) {
        size_t length = record->data[at++];
        if (record->length - at < length)
            return false;
        size_t room = DNS_TEXT_BYTES_MAX - answer->text_length;
        size_t taken = length < room ? length : room;
        memcpy(answer->text_bytes + answer->text_length, record->data + at, taken);
        answer->text_length += taken;
        at += length;
    }
    if (answer->text_count < DNS_TEXT_RECORDS)
        answer->texts[answer->text_count++] =
            (struct slice){answer->text_bytes + start, answer->text_length - start};
    return true;
}

/* An alias in front of the records counts with its TTL. */
static bool take_record(const struct record *record, unsigned type, struct dns_answer *answer,
                        uint32_t *ttl_s)
{
    if (record->class != CLASS_INTERNET)
        return true;
    *ttl_s = lower(*ttl_s, record->ttl_s);
    if (record->type != type)
        return true;
    if (type == DNS_TYPE_TXT)
        return take_text(record, answer);
    if (record->length != 4)
        return false;
    if (answer->address_count < DNS_ADDRESSES_MAX)
        answer->addresses[answer->address_count++] = get32(record->data);
    return true;
}

/* The SOA's own TTL or its last field, whichever is lower: RFC 2308 section 5. */
static void take_authority(const struct record *record, uint32_t *ttl_s)
{
    if (record->type != DNS_TYPE_SOA || record->class != CLASS_INTERNET || record->length < 22)
        return;
    *ttl_s = lower(*ttl_s, lower(record->ttl_s, get32(record->data + record->length - 4)));
}

static bool is_answer_to(const uint8_t *message, size_t length, const uint8_t *query,
                         size_t query_length)
{
    return query_length > HEADER_SIZE && length >= query_length &&
           memcmp(message, query, 2) == 0 && (get16(message + 2) & FLAG_ANSWER) &&
           get16(message + 4) == 1 &&
           memcmp(message + HEADER_SIZE, query + HEADER_SIZE, query_length - HEADER_SIZE) == 0;
}

bool dns_answer_parse(const uint8_t *message, size_t length, const uint8_t *query,
                      size_t query_length, struct dns_answer *answer_r)
{
    if (!is_answer_to(message, length, query, query_length))
        return false;
    unsigned flags = get16(message + 2), type = get16(query + query_length - QUESTION_TAIL);
    struct reader reader = {message, length, query_length};
    struct record record;
    uint32_t ttl_s = UINT32_MAX, negative_ttl_s = UINT32_MAX;

    answer_r->code = (int)(flags & MASK_CODE);
    answer_r->is_truncated = flags & FLAG_TRUNCATED;
    answer_r->ttl_s = 0;
    answer_r->address_count = answer_r->text_count = answer_r->text_length = 0;
    if (answer_r->is_truncated) /* records may end anywhere */
        return true;
    for (unsigned left = get16(message + 6); left > 0; left--)
        if (!read_record(&reader, &record) || !take_record(&record, type, answer_r, &ttl_s))
            return false;
    for (unsigned left = get16(message + 8); left > 0; left--) {
        if (!read_record(&reader, &record))
            return false;
        take_authority(&record, &negative_ttl_s);
    }
    if (answer_r->address_count == 0 && answer_r->text_count == 0)
        ttl_s = lower(ttl_s, negative_ttl_s);
    answer_r->ttl_s = ttl_s == UINT32_MAX ? 0 : ttl_s;
    return true;
}
