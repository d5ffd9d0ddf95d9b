#include "common/rbl_check.h"
#include "t/unit/tap.h"

static const struct {
    const char *text;
    const char *name, *argument, *domain, *zone;
    enum rbl_subject subject;
    bool is_permit, has_weight;
    int weight;
    size_t patterns;
} checks[] = {
    {"reject_rbl_client zen.example", "reject_rbl_client", "zen.example", "zen.example",
     "zen.example", RBL_SUBJECT_CLIENT_ADDRESS, false, false, 1, 0},
    {"reject_rbl_client zen.example=127.0.0.[10..11]", "reject_rbl_client",
     "zen.example=127.0.0.[10..11]", "zen.example", "zen.example", RBL_SUBJECT_CLIENT_ADDRESS,
     false, false, 1, 1},
    {"  Reject_RBL_Client \t Zen.Example=127.0.0.2 ", "reject_rbl_client",
     "Zen.Example=127.0.0.2", "Zen.Example", "zen.example", RBL_SUBJECT_CLIENT_ADDRESS, false,
     false, 1, 1},
    {"reject_rbl_client zen.example*3", "reject_rbl_client", "zen.example", "zen.example",
     "zen.example", RBL_SUBJECT_CLIENT_ADDRESS, false, true, 3, 0},
    {"reject_rbl_client zen.example=127.0.0.3*+2", "reject_rbl_client", "zen.example=127.0.0.3",
     "zen.example", "zen.example", RBL_SUBJECT_CLIENT_ADDRESS, false, true, 2, 1},
    {"reject_rbl_client z.example={127.0.0.3 127.0.0.5}*-1000", "reject_rbl_client",
     "z.example={127.0.0.3 127.0.0.5}", "z.example", "z.example", RBL_SUBJECT_CLIENT_ADDRESS,
     false, true, -1000, 2},
    {"reject_rhsbl_client d", "reject_rhsbl_client", "d", "d", "d", RBL_SUBJECT_CLIENT_NAME,
     false, false, 1, 0},
    {"reject_rhsbl_reverse_client d", "reject_rhsbl_reverse_client", "d", "d", "d",
     RBL_SUBJECT_REVERSE_CLIENT_NAME, false, false, 1, 0},
    {"reject_rhsbl_helo d", "reject_rhsbl_helo", "d", "d", "d", RBL_SUBJECT_HELO, false, false,
     1, 0},
    {"reject_rhsbl_sender d", "reject_rhsbl_sender", "d", "d", "d", RBL_SUBJECT_SENDER, false,
     false, 1, 0},
    {"reject_rhsbl_recipient d", "reject_rhsbl_recipient", "d", "d", "d", RBL_SUBJECT_RECIPIENT,
     false, false, 1, 0},
    {"permit_dnswl_client list.example=127.0.[0..255].[1..3]", "permit_dnswl_client",
     "list.example=127.0.[0..255].[1..3]", "list.example", "list.example",
     RBL_SUBJECT_CLIENT_ADDRESS, true, false, 1, 1},
    {"permit_rhswl_client d", "permit_rhswl_client", "d", "d", "d", RBL_SUBJECT_CLIENT_NAME,
     true, false, 1, 0},
};

static const struct {
    const char *text, *error;
} wrong[] = {
    {"", "no restriction of a DNS list: \"\""},
    {"permit_mynetworks", "no restriction of a DNS list: \"permit_mynetworks\""},
    {"zen.example", "no restriction of a DNS list: \"zen.example\""},
    {"reject_rbl_client", "no domain after reject_rbl_client"},
    {"reject_rbl_client  ", "no domain after reject_rbl_client"},
    {"reject_rbl_client zen.example, permit", "no domain name: \"zen.example,\\x20permit\""},
    {"reject_rbl_client zen..example", "no domain name: \"zen..example\""},
    {"reject_rbl_client =127.0.0.2", "no domain name: \"\""},
    {"reject_rbl_client 127.0.0.2", "no domain name: \"127.0.0.2\""},
    {"reject_rbl_client zen.example=",
     "a number from 0 to 255, or \"[\" expected at the end of "
     "the filter"},
    {"reject_rbl_client zen.example=127.0.0.x",
     "a number from 0 to 255, or \"[\" expected at \"x\""},
    {"reject_rbl_client zen.example = 127.0.0.2", "no domain name: \"zen.example\\x20\""},
    {"reject_rbl_client zen.example=127.0.0.1",
     "the filter has no address that counts as listed: those in 127.0.0.0/8 but 127.0.0.1 and "
     "127.255.255.0/24"},
    {"reject_rbl_client zen.example*", "no weight from -1000 to 1000 other than 0: \"\""},
    {"reject_rbl_client zen.example*0", "no weight from -1000 to 1000 other than 0: \"0\""},
    {"reject_rbl_client zen.example*-", "no weight from -1000 to 1000 other than 0: \"-\""},
    {"reject_rbl_client zen.example*x", "no weight: \"x\""},
    {"reject_rbl_client zen.example*2x", "no weight: \"2x\""},
    {"reject_rbl_client zen.example*2*3", "no weight: \"2*3\""},
    {"reject_rbl_client zen.example*1001",
     "no weight from -1000 to 1000 other than 0: \"1001\""},
    {"reject_rbl_client zen.example*99999999999999999999",
     "no weight: \"99999999999999999999\""},
    {"reject_rbl_client zen.example*2=127.0.0.2", "no weight: \"2\\x3d127.0.0.2\""},
};

static void test_right(void)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct rbl_check check;
        struct error error = {""};
        if (!ok(rbl_check_parse(slice_from_string(checks[i].text), &check, &error), "%s",
                checks[i].text)) {
            printf("# %s\n", error.text);
            continue;
        }
        is_string(check.restriction->name, checks[i].name, "... restriction");
        is_string(check.argument, checks[i].argument, "... argument");
        is_string(check.zone, checks[i].zone, "... zone");
        ok(slice_equals(rbl_check_domain(&check), slice_from_string(checks[i].domain)),
           "... domain");
        ok(check.restriction->subject == checks[i].subject &&
               check.restriction->is_permit == checks[i].is_permit,
           "... what it is about");
        ok(check.has_weight == checks[i].has_weight && check.weight == checks[i].weight,
           "... weight");
        is_number(check.filter.count, checks[i].patterns, "... patterns");
    }
}

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct rbl_check check = {.weight = 77};
        struct error error = {""};
        ok(!rbl_check_parse(slice_from_string(wrong[i].text), &check, &error), "refused: %s",
           wrong[i].text);
        is_string(error.text, wrong[i].error, "... because");
        is_number(check.weight, 77, "... and nothing is written");
    }
}

static void test_lengths(void)
{
    char text[1024];
    struct rbl_check check;
    struct error error;
    int length = snprintf(text, sizeof(text), "reject_rbl_client ");
    for (int i = 0; i < RBL_ZONE_MAX; i++)
        text[length + i] = i % 20 == 19 && i < RBL_ZONE_MAX - 1 ? '.' : 'a';
    text[length + RBL_ZONE_MAX] = '\0';
    ok(rbl_check_parse(slice_from_string(text), &check, &error), "the longest zone");
    text[length + RBL_ZONE_MAX] = 'b';
    text[length + RBL_ZONE_MAX + 1] = '\0';
    ok(!rbl_check_parse(slice_from_string(text), &check, &error), "one that is too long");
    is_string(error.text, "the domain has more than 180 bytes", "... says so");
    snprintf(text, sizeof(text), "reject_rbl_client a.example=%0600d", 1);
    ok(!rbl_check_parse(slice_from_string(text), &check, &error), "a long argument");
    is_string(error.text, "the argument has more than 512 bytes", "... says so");
}

static void test_action(void)
{
    struct rbl_check check;
    struct error error;
    char text[64];
    ok(rbl_check_parse(SLICE_LITERAL("REJECT_rbl_client Zen.example=127.0.0.2*3"), &check,
                       &error),
       "a check");
    is_number(rbl_check_format_action(&check, text, sizeof(text)), 39, "length of its action");
    is_string(text, "reject_rbl_client Zen.example=127.0.0.2", "... as Postfix has it");
    is_number(rbl_check_format_action(&check, text, 10), 9, "... cut");
}

int main(void)
{
    test_right();
    test_wrong();
    test_lengths();
    test_action();
    return done_testing();
}
