/* DNS messages: what is asked, and what is made of answers, also of malformed ones. */
#include "common/dns_message.h"
#include "t/unit/tap.h"

#include <stdint.h>
#include <stdlib.h>

static uint8_t query[DNS_QUERY_SIZE], message[1024];
static size_t query_length, length;

static void put(const void *bytes, size_t count)
{
    memcpy(message + length, bytes, count);
    length += count;
}

static void put16(unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(bytes, 2);
}

static void begin(unsigned flags, unsigned answers, unsigned authority)
{
    length = 0;
    put16(0x1234);
    put16(0x8180 | flags);
    put16(1);
    put16(answers);
    put16(authority);
    put16(0);
    put(query + 12, query_length - 12);
}

static void put_record(unsigned type, unsigned ttl_s, const void *data, size_t size)
{
    put16(0xc00c);
    put16(type);
    put16(1);
    put16(ttl_s >> 16);
    put16(ttl_s & 0xffff);
    put16((unsigned)size);
    put(data, size);
}

static void ask(const char *name, enum dns_type type)
{
    query_length = dns_query_build(0x1234, slice_from_string(name), type, query);
}

static bool parse(struct dns_answer *answer)
{
    /* memory of its own that ends where the message does */
    uint8_t *copy = malloc(length);
    memcpy(copy, message, length);
    bool is_good = dns_answer_parse(copy, length, query, query_length, answer);
    free(copy);
    return is_good;
}

static void test_query(void)
{
    static const uint8_t expected[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                      "\x01"
                                      "2"
                                      "\x03"
                                      "zEn"
                                      "\x07"
                                      "example"
                                      "\x00"
                                      "\x00\x01\x00\x01";
    char name[300];
    ask("2.zEn.example", DNS_TYPE_A);
    ok(query_length == sizeof(expected) - 1 && memcmp(query, expected, query_length) == 0,
       "query");
    ask("[A].Zz", DNS_TYPE_TXT);
    dns_query_lower_case(query, query_length);
    ok(memcmp(query, "\x12\x34\x01", 3) == 0 &&
           memcmp(query + 12, "\x03[a]\x02zz\0\0\x10\0\x01", 12) == 0,
       "a query in lower case");
    static const char *const bad[] = {"", ".", "a..b", "a.", ".a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ask(bad[i], DNS_TYPE_A);
        ok(query_length == 0, "no name: '%s'", bad[i]);
    }
    memset(name, 'a', sizeof(name));
    name[64] = '\0';
    ask(name, DNS_TYPE_A);
    ok(query_length == 0, "label too long");
    for (size_t i = 0; i < 300; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[254] = '\0';
    name[253] = 'b';
    ask(name, DNS_TYPE_A);
    ok(query_length == 0, "name too long");
    name[253] = '\0';
    ask(name, DNS_TYPE_TXT);
    ok(query_length == 12 + 255 + 4, "longest name");
}

static void test_addresses(void)
{
    struct dns_answer answer;
    ask("2.0.0.127.zen.example", DNS_TYPE_A);
    begin(0, 3, 0);
    put_record(5, 20, "\xc0\x0c", 2);
    put_record(1, 60, "\x7f\x00\x00\x02", 4);
    put_record(1, 30, "\x7f\x00\x00\x0a", 4);
    ok(parse(&answer) && answer.code == 0 && answer.address_count == 2 &&
           answer.addresses[0] == 0x7f000002 && answer.addresses[1] == 0x7f00000a &&
           answer.ttl_s == 20,
       "addresses, lowest TTL");
    message[12 + 4] ^= 1;
    ok(!parse(&answer), "another name");
    message[12 + 4] ^= 1;
    message[12 + 11] ^= 0x20;
    ok(!parse(&answer), "another case");
    message[12 + 11] ^= 0x20;
    message[1] ^= 1;
    ok(!parse(&answer), "another identifier");
    message[1] ^= 1;
    message[2] ^= 0x80;
    ok(!parse(&answer), "no answer");
    message[2] ^= 0x80;
    size_t whole = length;
    bool is_refused = true;
    for (length = 0; length < whole; length++)
        is_refused = is_refused && !parse(&answer);
    ok(is_refused, "cut anywhere");

    begin(0, 40, 0);
    for (int i = 0; i < 40; i++)
        put_record(1, 0x80000000U, "\x7f\x00\x00\x02", 4);
    ok(parse(&answer) && answer.address_count == DNS_ADDRESSES_MAX && answer.ttl_s == 0,
       "more addresses than there is room for, TTL without meaning");
    begin(0, 1, 0);
    put_record(1, 60, "\x7f\x00\x00\x02\x00", 5);
    ok(!parse(&answer), "address of five bytes");
}

static void test_negative(void)
{
    static const uint8_t soa[] = "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"
                                 "\x00\x00\x00\x04\x00\x00\x01\x2c";
    struct dns_answer answer;
    ask("3.0.0.127.zen.example", DNS_TYPE_A);
    begin(3, 0, 1);
    put_record(6, 900, soa, 22);
    ok(parse(&answer) && answer.code == DNS_CODE_NO_NAME && answer.ttl_s == 300,
       "minimum of the SOA");
    begin(3, 0, 1);
    put_record(6, 200, soa, 22);
    ok(parse(&answer) && answer.ttl_s == 200, "TTL of the SOA");
    begin(0, 0, 1);
    put_record(6, 200, soa, 21);
    ok(parse(&answer) && answer.code == 0 && answer.address_count == 0 && answer.ttl_s == 0,
       "no records, SOA too short");
    begin(2, 0, 0);
    ok(parse(&answer) && answer.code == 2, "SERVFAIL");
    begin(0x200, 7, 0);
    ok(parse(&answer) && answer.is_truncated, "truncated");
}

static void test_texts(void)
{
    struct dns_answer answer;
    char long_text[256];
    memset(long_text, 'x', sizeof(long_text));
    long_text[0] = (char)255;
    ask("2.0.0.127.zen.example", DNS_TYPE_TXT);
    begin(0, 2, 0);
    put_record(16, 60,
               "\x02"
               "ab"
               "\x00"
               "\x03"
               "cde",
               8);
    put_record(16, 60,
               "\x01"
               "f",
               2);
    ok(parse(&answer) && answer.text_count == 2 &&
           slice_equals(answer.texts[0], SLICE_LITERAL("abcde")) &&
           slice_equals(answer.texts[1], SLICE_LITERAL("f")),
       "strings joined");
    begin(0, 1, 0);
    put_record(16, 60,
               "\x03"
               "ab",
               3);
    ok(!parse(&answer), "string beyond its record");
    begin(0, 3, 0);
    for (int i = 0; i < 3; i++)
        put_record(16, 60, long_text, 256);
    ok(parse(&answer) && answer.text_count == 3 && answer.text_length == 765, "long texts");
}

int main(void)
{
    test_query();
    test_addresses();
    test_negative();
    test_texts();
    return done_testing();
}
