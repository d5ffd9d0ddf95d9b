#include "policyd/socketmap_maps.h"

#include "common/policy_reply.h"
#include "common/policy_request.h"
#include "common/rbl_settings.h"

#include <stdio.h>
#include <string.h>

#define REQUEST_SIZE 256

static void answer(struct socketmap_inquiry *inquiry, enum socketmap_status status,
                   struct slice text)
{
    inquiry->callback(inquiry->context, status, text);
}

/* -- rbl-reply ---------------------------------------------------------------------------- */

static void ask_rbl_reply(const struct socketmap_maps *maps, struct slice key, int64_t now_ms,
                          struct socketmap_inquiry *inquiry)
{
    const struct macro *template = rbl_settings_mapped_template(
        &maps->config->rbl, gather_level(maps->gather, now_ms), key);
    answer(inquiry, template ? SOCKETMAP_OK : SOCKETMAP_NOTFOUND,
           template ? macro_text(template) : SLICE_LITERAL(""));
}

/* -- client-access ------------------------------------------------------------------------ */

static void answer_verdict(struct socketmap_inquiry *inquiry, const struct verdict *verdict)
{
    static const struct slice begin = SLICE_LITERAL("action=");
    char reply[POLICY_REPLY_SIZE];
    if (verdict->action == VERDICT_CONTINUE) {
        answer(inquiry, SOCKETMAP_NOTFOUND, SLICE_LITERAL(""));
        return;
    }
    size_t length = policy_reply_format(verdict, reply) - 2; /* without the line ends */
    answer(inquiry, SOCKETMAP_OK, (struct slice){reply + begin.length, length - begin.length});
}

static void on_verdict(void *context, const struct verdict *verdict)
{
    struct socketmap_inquiry *inquiry = context;
    inquiry->pending = NULL;
    answer_verdict(inquiry, verdict);
}

/* Asked as a policy client would ask. Postfix also looks for the client's name, its domains and
 * networks: they are not there. */
static void ask_client_access(const struct socketmap_maps *maps, struct slice key,
                              int64_t now_ms, struct socketmap_inquiry *inquiry)
{
    struct address address;
    struct policy_request request;
    struct verdict verdict;
    char address_text[ADDRESS_TEXT_SIZE], text[REQUEST_SIZE];
    if (!address_parse(key, &address)) {
        answer(inquiry, SOCKETMAP_NOTFOUND, SLICE_LITERAL(""));
        return;
    }
    address_format(&address, address_text);
    int length = snprintf(text, sizeof(text),
                          "request=smtpd_access_policy\nprotocol_state=RCPT\n"
                          "client_address=%s\nclient_name=unknown\n"
                          "reverse_client_name=unknown\n\n",
                          address_text);
    policy_request_init(&request);
    if (policy_request_parse(&request, text, (size_t)length) != POLICY_PARSE_DONE)
        answer(inquiry, SOCKETMAP_TEMP, SLICE_LITERAL("internal error"));
    else if (gather_verdict(maps->gather, &request, &inquiry->memory, now_ms, on_verdict,
                            inquiry, &verdict, &inquiry->pending) == GATHER_READY)
        answer_verdict(inquiry, &verdict);
}

/* -- level -------------------------------------------------------------------------------- */

static void ask_level(const struct socketmap_maps *maps, struct slice key, int64_t now_ms,
                      struct socketmap_inquiry *inquiry)
{
    (void)key;
    answer(inquiry, SOCKETMAP_OK,
           slice_from_string(level_name(gather_level(maps->gather, now_ms))));
}

static const struct map_row {
    struct slice name;
    void (*ask)(const struct socketmap_maps *maps, struct slice key, int64_t now_ms,
                struct socketmap_inquiry *inquiry);
} map_table[] = {
    {SLICE_LITERAL("rbl-reply"), ask_rbl_reply},
    {SLICE_LITERAL("client-access"), ask_client_access},
    {SLICE_LITERAL("level"), ask_level},
};

void socketmap_maps_ask(const struct socketmap_maps *maps,
                        const struct socketmap_request *request, int64_t now_ms,
                        struct socketmap_inquiry *inquiry)
{
    for (size_t i = 0; i < sizeof(map_table) / sizeof(map_table[0]); i++) {
        if (slice_equals(map_table[i].name, request->name)) {
            map_table[i].ask(maps, request->key, now_ms, inquiry);
            return;
        }
    }
    answer(inquiry, SOCKETMAP_PERM,
           SLICE_LITERAL("no such map; there are rbl-reply, client-access and level"));
}

void socketmap_inquiry_cancel(struct socketmap_inquiry *inquiry)
{
    if (inquiry->pending)
        gather_cancel(inquiry->pending);
    inquiry->pending = NULL;
}
