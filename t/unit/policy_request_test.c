#include "common/policy_request.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define START "request=smtpd_access_policy\n"

static bool value_is(const struct policy_request *request, enum policy_attribute attribute,
                     const char *expected)
{
    return slice_equals(policy_request_value(request, attribute), slice_from_string(expected));
}

static enum policy_parse parse(struct policy_request *request, const char *text)
{
    policy_request_init(request);
    return policy_request_parse(request, text, strlen(text));
}

/* What Postfix 3.7 sends, as seen on the wire. */
static const char full[] =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
    "client_address=192.0.2.77\nclient_name=mx.sender.example\nclient_port=40123\n"
    "reverse_client_name=mx.sender.example\nserver_address=198.51.100.25\nserver_port=25\n"
    "helo_name=mx.sender.example\nsender=bounce+a=b@sender.example\n"
    "recipient=alice@example.com\nrecipient_count=0\nqueue_id=\n"
    "instance=1f2e.67404e2a.c3a1.0\nsize=2048\netrn_domain=\nstress=yes\n"
    "sasl_method=plain\nsasl_username=alice\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
    "ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\n"
    "policy_context=inbound\n\n";

static void test_full(void)
{
    struct policy_request request;
    struct address client;
    char client_text[ADDRESS_TEXT_SIZE];
    uint16_t port = 0;

    ok(parse(&request, full) == POLICY_PARSE_DONE, "a request as Postfix sends it");
    is_number(request.length, sizeof(full) - 1, "... takes all its bytes");
    ok(value_is(&request, POLICY_ATTRIBUTE_CLIENT_NAME, "mx.sender.example"), "client_name");
    ok(value_is(&request, POLICY_ATTRIBUTE_SENDER, "bounce+a=b@sender.example"),
       "a value keeps its '='");
    ok(value_is(&request, POLICY_ATTRIBUTE_QUEUE_ID, ""), "an empty value");
    ok(value_is(&request, POLICY_ATTRIBUTE_POLICY_CONTEXT, "inbound"), "policy_context");
    ok(value_is(&request, POLICY_ATTRIBUTE_TLS_SNI, ""), "one that was not sent is empty");

    ok(policy_request_stage(&request) == STAGE_RCPT, "stage");
    ok(policy_request_client(&request, &client), "client address");
    address_format(&client, client_text);
    is_string(client_text, "192.0.2.77", "... as sent");
    ok(policy_request_port(&request, POLICY_ATTRIBUTE_CLIENT_PORT, &port) && port == 40123,
       "client port");
    ok(policy_request_port(&request, POLICY_ATTRIBUTE_SERVER_PORT, &port) && port == 25,
       "server port");
    ok(policy_request_is_stressed(&request), "stress=yes");
    ok(policy_request_is_authenticated(&request), "SASL name and method");
}

/* Each attribute alone, so that expecting Postfix's order does not help. */
static void test_every_attribute(void)
{
    for (unsigned attribute = 0; attribute < POLICY_ATTRIBUTE_COUNT; attribute++) {
        struct policy_request request;
        char text[256], value[64];
        const char *name = policy_attribute_name(attribute);
        snprintf(value, sizeof(value), "value of %s", name);
        if (attribute == POLICY_ATTRIBUTE_REQUEST)
            snprintf(value, sizeof(value), "smtpd_access_policy");
        snprintf(text, sizeof(text), "x=1\n%s=%s\n%s\n", name, value,
                 attribute == POLICY_ATTRIBUTE_REQUEST ? "" : START);
        ok(parse(&request, text) == POLICY_PARSE_DONE && value_is(&request, attribute, value),
           "attribute %s", name);
    }
}

static const struct {
    const char *name;
    const char *text;
    enum policy_parse result;
} inputs[] = {
    {"nothing", "", POLICY_PARSE_MORE},
    {"half a name", "requ", POLICY_PARSE_MORE},
    {"a line without its end", "request=smtpd_access_policy", POLICY_PARSE_MORE},
    {"no empty line yet", START, POLICY_PARSE_MORE},
    {"the least request", START "\n", POLICY_PARSE_DONE},
    {"an unknown attribute", START "phase_of_moon=full\n\n", POLICY_PARSE_DONE},
    {"an unknown name as long as a known one", START "sizf=1\n\n", POLICY_PARSE_DONE},
    {"a carriage return in a value", START "helo_name=a\r\n\n", POLICY_PARSE_DONE},
    {"UTF-8 and blanks in a value", START "sender=\xc3\xa4 b@c\n\n", POLICY_PARSE_DONE},
    {"an empty line only", "\n", POLICY_PARSE_INVALID},
    {"no request attribute", "protocol_state=RCPT\n\n", POLICY_PARSE_INVALID},
    {"an empty request attribute", "request=\n\n", POLICY_PARSE_INVALID},
    {"another kind of request", "request=junk\n\n", POLICY_PARSE_INVALID},
    {"a request name that goes on", "request=smtpd_access_policyx\n\n", POLICY_PARSE_INVALID},
    {"no '='", START "helo\n\n", POLICY_PARSE_INVALID},
    {"no '=' in the first line", "helo\n", POLICY_PARSE_INVALID},
    {"no name", START "=x\n\n", POLICY_PARSE_INVALID},
    {"a name only of '='", START "=\n\n", POLICY_PARSE_INVALID},
    {"carriage returns as line ends", "request=smtpd_access_policy\r\n\r\n",
     POLICY_PARSE_INVALID},
    {"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", POLICY_PARSE_INVALID},
    {"SMTP", "EHLO there\r\n", POLICY_PARSE_INVALID},
};

static void test_inputs(void)
{
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct policy_request request;
        enum policy_parse result = parse(&request, inputs[i].text);
        ok(result == inputs[i].result, "%s", inputs[i].name);
        if (result == POLICY_PARSE_INVALID)
            ok(request.problem != NULL, "... %s", request.problem);

        policy_request_init(&request);
        size_t length = strlen(inputs[i].text), given = 0;
        result = POLICY_PARSE_MORE;
        while (given < length && result == POLICY_PARSE_MORE)
            result = policy_request_parse(&request, inputs[i].text, ++given);
        ok(result == inputs[i].result, "... and byte by byte");
    }
}

static void test_nul(void)
{
    static const char in_value[] = START "sender=a\0b\n\n";
    static const char after_end[] = START "\n\0\0";
    static const char unfinished[] = START "send\0";
    struct policy_request request;

    policy_request_init(&request);
    ok(policy_request_parse(&request, in_value, sizeof(in_value) - 1) == POLICY_PARSE_INVALID,
       "NUL in a value");
    policy_request_init(&request);
    ok(policy_request_parse(&request, unfinished, sizeof(unfinished) - 1) ==
           POLICY_PARSE_INVALID,
       "NUL in a line that is not complete");
    policy_request_init(&request);
    ok(policy_request_parse(&request, after_end, sizeof(after_end) - 1) == POLICY_PARSE_DONE,
       "NUL after the end belongs to what follows");
}

static void test_repeated_and_order(void)
{
    struct policy_request request;
    ok(parse(&request, "sender=a\nclient_port=1\nsender=bb\n" START "sender=\nsender=c\n\n") ==
           POLICY_PARSE_DONE,
       "any order, with repetitions");
    ok(value_is(&request, POLICY_ATTRIBUTE_SENDER, "c"), "the last value counts");
    ok(value_is(&request, POLICY_ATTRIBUTE_CLIENT_PORT, "1"), "and the others stay");
}

/* The caller's buffer is elsewhere at each call, as after a realloc(). */
static void test_bytes_that_move(void)
{
    struct policy_request request;
    enum policy_parse result = POLICY_PARSE_MORE;
    char *copy = NULL;

    policy_request_init(&request);
    for (size_t given = 1; given < sizeof(full) && result == POLICY_PARSE_MORE; given++) {
        char *next = malloc(given);
        memcpy(next, full, given);
        free(copy);
        copy = next;
        result = policy_request_parse(&request, copy, given);
    }
    ok(result == POLICY_PARSE_DONE, "byte by byte in memory that moves");
    ok(request.length == sizeof(full) - 1, "... done at the last byte");
    ok(value_is(&request, POLICY_ATTRIBUTE_PROTOCOL_STATE, "RCPT"), "... first values");
    ok(value_is(&request, POLICY_ATTRIBUTE_POLICY_CONTEXT, "inbound"), "... last values");
    free(copy);
}

static void test_packed(void)
{
    static const char packed[] = START "sender=one\n\n" START "sender=two\n\n" START "send";
    struct policy_request request;
    const char *at = packed;
    size_t left = sizeof(packed) - 1;

    policy_request_init(&request);
    ok(policy_request_parse(&request, at, left) == POLICY_PARSE_DONE, "first of a packet");
    ok(value_is(&request, POLICY_ATTRIBUTE_SENDER, "one"), "... its value");
    at += request.length;
    left -= request.length;
    policy_request_init(&request);
    ok(policy_request_parse(&request, at, left) == POLICY_PARSE_DONE, "second of a packet");
    ok(value_is(&request, POLICY_ATTRIBUTE_SENDER, "two"), "... its value");
    at += request.length;
    left -= request.length;
    policy_request_init(&request);
    ok(policy_request_parse(&request, at, left) == POLICY_PARSE_MORE, "rest of a packet");
}

static void test_maximum(void)
{
    static char text[2 * POLICY_REQUEST_MAX];
    struct policy_request request;
    const size_t start = sizeof(START "sender=") - 1;

    memset(text, 'x', sizeof(text));
    memcpy(text, START "sender=", start);
    policy_request_init(&request);
    ok(policy_request_parse(&request, text, POLICY_REQUEST_MAX - 1) == POLICY_PARSE_MORE,
       "one byte less than the maximum: more");
    ok(policy_request_parse(&request, text, POLICY_REQUEST_MAX) == POLICY_PARSE_INVALID,
       "the maximum without an end: invalid");
    policy_request_init(&request);
    ok(policy_request_parse(&request, text, sizeof(text)) == POLICY_PARSE_INVALID,
       "far beyond it in one piece: invalid");
    memcpy(text + POLICY_REQUEST_MAX - 2, "\n\n", 2);
    policy_request_init(&request);
    ok(policy_request_parse(&request, text, sizeof(text)) == POLICY_PARSE_DONE &&
           request.length == POLICY_REQUEST_MAX,
       "an end at the maximum: done");
    is_number(policy_request_value(&request, POLICY_ATTRIBUTE_SENDER).length,
              POLICY_REQUEST_MAX - 2 - start, "... with the whole value");
}

static const struct {
    const char *state;
    enum stage stage;
} stages[] = {
    {"CONNECT", STAGE_CONNECT}, {"EHLO", STAGE_HELO},  {"HELO", STAGE_HELO},
    {"MAIL", STAGE_MAIL},       {"RCPT", STAGE_RCPT},  {"DATA", STAGE_DATA},
    {"VRFY", STAGE_OTHER},      {"ETRN", STAGE_OTHER}, {"END-OF-MESSAGE", STAGE_END_OF_MESSAGE},
    {"", STAGE_OTHER},          {"rcpt", STAGE_OTHER}, {"BDAT", STAGE_OTHER},
};

static const struct {
    const char *text;
    int port; /* 0: none */
} ports[] = {
    {"25", 25}, {"65535", 65535}, {"1", 1},   {"0", 0},   {"65536", 0},  {"", 0},
    {"-1", 0},  {"unknown", 0},   {"2 5", 0}, {"+25", 0}, {"000025", 0},
};

static void test_derived(void)
{
    struct policy_request request;
    char text[256];
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        snprintf(text, sizeof(text), START "protocol_state=%s\n\n", stages[i].state);
        ok(parse(&request, text) == POLICY_PARSE_DONE &&
               policy_request_stage(&request) == stages[i].stage,
           "stage of '%s'", stages[i].state);
    }
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        uint16_t port = 0;
        snprintf(text, sizeof(text), START "client_port=%s\n\n", ports[i].text);
        parse(&request, text);
        bool is_port = policy_request_port(&request, POLICY_ATTRIBUTE_CLIENT_PORT, &port);
        ok(is_port == (ports[i].port != 0) && (!is_port || port == ports[i].port),
           "port of '%s'", ports[i].text);
    }
}

static void test_derived_absent(void)
{
    struct policy_request request;
    struct address client;
    uint16_t port;

    parse(&request, START "\n");
    ok(policy_request_stage(&request) == STAGE_OTHER, "no protocol_state");
    ok(!policy_request_client(&request, &client) && client.family == ADDRESS_NONE,
       "no client_address");
    ok(!policy_request_port(&request, POLICY_ATTRIBUTE_CLIENT_PORT, &port), "no client_port");
    ok(!policy_request_is_stressed(&request), "no stress");
    ok(!policy_request_is_authenticated(&request), "no SASL");

    parse(&request, START "client_address=unknown\nstress=\nsasl_username=\n\n");
    ok(!policy_request_client(&request, &client), "client_address=unknown");
    ok(!policy_request_is_stressed(&request), "stress empty");
    ok(!policy_request_is_authenticated(&request), "SASL name empty");

    parse(&request, START "client_address=2001:db8::1\nstress=no\nsasl_username=a\n\n");
    ok(policy_request_client(&request, &client) && client.family == ADDRESS_IPV6, "IPv6");
    ok(!policy_request_is_stressed(&request), "stress=no");
    ok(policy_request_is_authenticated(&request), "SASL name alone");

    parse(&request, START "sasl_method=plain\n\n");
    ok(policy_request_is_authenticated(&request), "SASL method alone");
}

int main(void)
{
    test_full();
    test_every_attribute();
    test_inputs();
    test_nul();
    test_repeated_and_order();
    test_bytes_that_move();
    test_packed();
    test_maximum();
    test_derived();
    test_derived_absent();
    return done_testing();
}
