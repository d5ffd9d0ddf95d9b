/*
 * Fuzzer of reply maps: a file is refused with its lines, or every template in it gives a legal
 * reply for whatever client.
 */
#include "common/rbl_reply.h"
#include "common/rbl_reply_map.h"
#include "common/utf8.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const char *const checks[] = {
    "reject_rbl_client a.example",           "reject_rhsbl_client a.example",
    "reject_rhsbl_reverse_client a.example", "reject_rhsbl_helo a.example",
    "reject_rhsbl_sender a.example",         "reject_rhsbl_recipient a.example",
};
#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

/* number: which values are there. */
static struct rbl_session session_of(unsigned number)
{
    struct slice none = {"", 0}, text = SLICE_LITERAL("9 \x01<\xff");
    return (struct rbl_session){
        .client_address = SLICE_LITERAL("192.0.2.1"),
        .client_port = SLICE_LITERAL("1"),
        .client_name = SLICE_LITERAL("unknown"),
        .reverse_client_name = text,
        .helo_name = number & 1 ? text : none,
        .sender = number & 2 ? SLICE_LITERAL("a@b") : none,
        .recipient = number & 4 ? text : none,
        .has_sender = (number & 10) != 0,
        .has_recipient = (number & 4) != 0,
        .server_name = text,
        .localtime = text,
    };
}

/* What the expansion itself is, before a reply is made of it. */
static void check_expansion(const struct macro *template,
                            const struct rbl_attributes *attributes, struct buffer *out)
{
    out->length = 0;
    macro_expand(template, rbl_attributes_value, attributes, out);
    require(out->length >= 4 && (out->data[0] == '4' || out->data[0] == '5'));
    require(out->data[1] >= '0' && out->data[1] <= '9' && out->data[2] >= '0' &&
            out->data[2] <= '9' && out->data[3] == ' ');
}

static void check_reply(const struct rbl_reply *reply)
{
    require(reply->code >= 400 && reply->code <= 599 && reply->length <= RBL_REPLY_MAX);
    require(strlen(reply->text) == reply->length && reply->length > 10);
    require(reply->text[3] == ' ' && reply->text[4] == reply->text[0]);
    require(utf8_is_valid((struct slice){reply->text, reply->length}));
    for (const char *c = reply->text; *c; c++)
        require((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void check_template(const struct macro *template, struct buffer *scratch)
{
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct rbl_check check;
        struct error error;
        require(rbl_check_parse(slice_from_string(checks[i]), &check, &error));
        for (unsigned number = 0; number < 32; number += 3) {
            struct rbl_session session = session_of(number);
            struct rbl_attributes attributes;
            struct rbl_reply reply;
            struct slice reason = {"why", number & 16 ? 3 : 0};
            rbl_attributes_init(&attributes, &session, &check, 554, reason);
            check_expansion(template, &attributes, scratch);
            rbl_reply_format(template, &attributes, scratch, &reply);
            check_reply(&reply);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct error_list errors;
    struct buffer scratch = BUFFER_WITH_MAXIMUM(RBL_REPLY_SCRATCH_MAX);
    error_list_init(&errors);
    struct rbl_reply_map *map =
        rbl_reply_map_parse("f", (struct slice){(const char *)bytes, size}, 554, &errors);
    require((map == NULL) == !error_list_is_empty(&errors));
    for (size_t i = 0; i < errors.count; i++)
        for (const char *c = errors.errors[i].text; *c; c++)
            require(*c >= ' ' && *c <= '~');
    if (!map)
        return 0;
    for (size_t i = 0; i < rbl_reply_map_count(map); i++) {
        const struct macro *template = rbl_reply_map_template(map, i);
        struct slice key = rbl_reply_map_key(map, i);
        require(rbl_reply_map_find(map, key) == template && key.length > 0);
        if (i < 8)
            check_template(template, &scratch);
    }
    rbl_reply_map_free(map);
    buffer_free(&scratch);
    return 0;
}
