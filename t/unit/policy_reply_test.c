#include "common/policy_reply.h"
#include "t/unit/tap.h"

static const struct {
    const char *name;
    struct verdict verdict;
    const char *reply;
} replies[] = {
    {"continue", {.action = VERDICT_CONTINUE}, "action=DUNNO\n\n"},
    {"would have hung up",
     {.action = VERDICT_CONTINUE, .is_observed = true, .code = 521, .text = "5.7.1 bot"},
     "action=DUNNO\n\n"},
    {"421",
     {.action = VERDICT_HANG_UP, .code = 421, .text = "4.3.2 Busy, come back"},
     "action=421 4.3.2 Busy, come back\n\n"},
    {"521",
     {.action = VERDICT_HANG_UP, .code = 521, .text = "5.7.1 Go away"},
     "action=521 5.7.1 Go away\n\n"},
    {"newlines and NULs cannot end the reply",
     {.action = VERDICT_HANG_UP, .code = 421, .text = "4.3.2 a\naction=OK\r\n\n\t\x7f\xc3\xa4"},
     "action=421 4.3.2 a?action=OK??"
     "?"
     "???\?\n\n"},
    {"no text",
     {.action = VERDICT_HANG_UP, .code = 421, .text = NULL},
     "action=421 Service unavailable\n\n"},
    {"blank text",
     {.action = VERDICT_HANG_UP, .code = 521, .text = "   "},
     "action=521 Service unavailable\n\n"},
    {"a code that does not hang up becomes one that does",
     {.action = VERDICT_HANG_UP, .code = 0, .text = "4.3.2 x"},
     "action=421 4.3.2 x\n\n"},
    {"a reply that does not hang up",
     {.action = VERDICT_REPLY, .rule = RULE_RBL, .code = 554, .text = "5.7.1 x"},
     "action=554 5.7.1 x\n\n"},
    {"a restriction of Postfix",
     {.action = VERDICT_RESTRICTION,
      .rule = RULE_RBL,
      .code = 554,
      .text = "reject_rbl_client a"},
     "action=reject_rbl_client a\n\n"},
};

int main(void)
{
    char out[POLICY_REPLY_SIZE], text[1000];
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        size_t length = policy_reply_format(&replies[i].verdict, out);
        is_string(out, replies[i].reply, replies[i].name);
        ok(length == strlen(out), "... and its length");
    }

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct verdict verdict = {.action = VERDICT_HANG_UP, .code = 421, .text = text};
    size_t length = policy_reply_format(&verdict, out);
    ok(length == strlen("action=421 \n\n") + POLICY_REPLY_TEXT_MAX &&
           strcmp(out + length - 2, "\n\n") == 0,
       "long text is cut and the reply still ends");
    verdict.rule = RULE_RBL;
    length = policy_reply_format(&verdict, out);
    ok(length == POLICY_REPLY_SIZE - 1 && strcmp(out + length - 2, "\n\n") == 0,
       "that of a DNS list later");
    return done_testing();
}
