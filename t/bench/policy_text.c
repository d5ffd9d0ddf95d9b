#include "t/bench/policy_text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char attributes[] =
    "request=smtpd_access_policy\n"
    "protocol_state=%s\n"
    "protocol_name=ESMTP\n"
    "client_address=130.100.100.100\n"
    "client_name=mail-out-17.eu-west.lists.sender.example.org\n"
    "client_port=10000\n"
    "reverse_client_name=mail-out-17.eu-west.lists.sender.example.org\n"
    "server_address=192.0.2.25\n"
    "server_port=%u\n"
    "helo_name=mail-out-17.eu-west.lists.sender.example.org\n"
    "sender=bounces+20260417-1182993-alice=example.com@lists.sender.example.org\n"
    "recipient=alice.user100@department.customer.example.com\n"
    "recipient_count=0\n"
    "queue_id=\n"
    "instance=1136.6b012372.00000000.0\n"
    "size=24117\n"
    "etrn_domain=\n"
    "stress=\n"
    "sasl_method=\n"
    "sasl_username=\n"
    "sasl_sender=\n"
    "ccert_subject=\n"
    "ccert_issuer=\n"
    "ccert_fingerprint=\n"
    "ccert_pubkey_fingerprint=\n"
    "encryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
    "encryption_keysize=256\n"
    "policy_context=\n"
    "\n";

static char *field(struct policy_text *text, const char *before)
{
    char *found = strstr(text->bytes, before);
    assert(found != NULL);
    return found + strlen(before);
}

/* `value` in three digits; the caller keeps it within 100..999. */
static void put_three_digits(char *at, uint32_t value)
{
    at[0] = (char)('0' + value / 100);
    at[1] = (char)('0' + value / 10 % 10);
    at[2] = (char)('0' + value % 10);
}

void policy_text_init(struct policy_text *text, const char *protocol_state,
                      uint16_t server_port)
{
    int size = snprintf(text->bytes, sizeof text->bytes, attributes,
                        protocol_state != NULL ? protocol_state : "RCPT", server_port);
    assert(size > 0 && (size_t)size < sizeof text->bytes);
    text->size = (size_t)size;
    text->address = field(text, "\nclient_address=");
    text->port = field(text, "\nclient_port=");
    text->instance = field(text, "\ninstance=1136.6b012372.");
    text->user = field(text, "\nrecipient=alice.user");
}

void policy_text_set(struct policy_text *text, uint32_t client, uint64_t serial)
{
    put_three_digits(text->address, 130 + client / 1000000 % 20);
    put_three_digits(text->address + 4, 100 + client / 10000 % 100);
    put_three_digits(text->address + 8, 100 + client % 100);
    put_three_digits(text->address + 12, 100 + client / 100 % 100);
    put_three_digits(text->port, 100 + (uint32_t)(serial / 100 % 500));
    text->port[3] = (char)('0' + serial / 10 % 10);
    text->port[4] = (char)('0' + serial % 10);
    put_three_digits(text->user, 100 + (uint32_t)(serial % 900));
    for (unsigned i = 0; i < 8; i++) {
        text->instance[i] = "0123456789abcdef"[serial >> (28 - 4 * i) & 15];
    }
}
