/*
 * dns_message - queries and answers of the DNS (RFC 1035), as far as lists need them: A and TXT
 * records, their TTL, and that of a negative answer (RFC 2308).
 *
 * Names are sent as they are given: a caller that mixes upper and lower case finds out whether
 * an answer is to its own query, since servers repeat the question bit by bit. Pure; nothing is
 * allocated, every byte of an answer may be a lie.
 */
#ifndef POSTVALVE_COMMON_DNS_MESSAGE_H
#define POSTVALVE_COMMON_DNS_MESSAGE_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_QUERY_SIZE     272 /* header, name, type and class */
#define DNS_MESSAGE_MAX    65535
#define DNS_ADDRESSES_MAX  32
#define DNS_TEXT_RECORDS   16
#define DNS_TEXT_BYTES_MAX 2048 /* of all TXT records together; the rest is left out */

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_SOA = 6, DNS_TYPE_TXT = 16 };

enum dns_code { /* RCODE, RFC 1035 section 4.1.1 */
                DNS_CODE_NONE = 0,
                DNS_CODE_NO_NAME = 3,
};

/* The query in wire form; returns its length, 0 when the name is none: longer than 253 bytes,
 * a label that is empty or longer than 63. */
size_t dns_query_build(uint16_t id, struct slice name, enum dns_type type,
                       uint8_t out[static DNS_QUERY_SIZE]);

struct dns_answer {
    int code; /* enum dns_code or another RCODE */
    bool is_truncated;
    /* Of the records, the lowest; of the SOA where there are none; 0: not known. */
    uint32_t ttl_s;
    size_t address_count;
    uint32_t addresses[DNS_ADDRESSES_MAX]; /* host byte order */
    size_t text_count;
    struct slice texts[DNS_TEXT_RECORDS]; /* strings of a record joined; in text_bytes */
    size_t text_length;
    char text_bytes[DNS_TEXT_BYTES_MAX];
};

/* The name of a query in wire form, as it is compared. */
void dns_query_lower_case(uint8_t *query, size_t length);

/* False: no answer to the query, which is in wire form, or not well formed. */
bool dns_answer_parse(const uint8_t *message, size_t length, const uint8_t *query,
                      size_t query_length, struct dns_answer *answer_r);

#endif
