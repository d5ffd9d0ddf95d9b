/* Fuzzer of DNS answers: the first byte chooses the type that was asked for, the rest is the
 * message. */
#include "common/dns_message.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t query[DNS_QUERY_SIZE];
    struct dns_answer answer;
    if (size == 0)
        return 0;
    enum dns_type type = bytes[0] == DNS_TYPE_TXT ? DNS_TYPE_TXT : DNS_TYPE_A;
    size_t length = dns_query_build(0x1234, SLICE_LITERAL("zen.example"), type, query);
    require(length > 0 && length <= DNS_QUERY_SIZE);
    if (!dns_answer_parse(bytes + 1, size - 1, query, length, &answer))
        return 0;
    require(answer.address_count <= DNS_ADDRESSES_MAX);
    require(answer.text_count <= DNS_TEXT_RECORDS && answer.text_length <= DNS_TEXT_BYTES_MAX);
    require(type == DNS_TYPE_TXT ? answer.address_count == 0 : answer.text_count == 0);
    for (size_t i = 0; i < answer.text_count; i++)
        require(answer.texts[i].data >= answer.text_bytes &&
                answer.texts[i].data + answer.texts[i].length <=
                    answer.text_bytes + answer.text_length);
    return 0;
}
