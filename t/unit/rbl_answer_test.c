#include "common/rbl_answer.h"
#include "t/unit/tap.h"

#define A(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct {
    const char *what;
    size_t count;
    uint32_t addresses[4];
    enum rbl_answer_state state;
    enum rbl_special special;
    const char *cached; /* the form in the cache */
} cases[] = {
    {"no such name", 0, {0}, RBL_NOT_LISTED, RBL_SPECIAL_NONE, "-"},
    {"listed", 1, {A(127, 0, 0, 2)}, RBL_LISTED, RBL_SPECIAL_NONE, "127.0.0.2"},
    {"listed for several reasons",
     3,
     {A(127, 0, 0, 2), A(127, 0, 0, 10), A(127, 255, 254, 255)},
     RBL_LISTED,
     RBL_SPECIAL_NONE,
     "127.0.0.2,127.0.0.10,127.255.254.255"},
    {"the network address", 1, {A(127, 0, 0, 0)}, RBL_LISTED, RBL_SPECIAL_NONE, "127.0.0.0"},
    {"loopback", 1, {A(127, 0, 0, 1)}, RBL_NOT_LISTED, RBL_SPECIAL_LOOPBACK, "-"},
    {"loopback besides a listing",
     2,
     {A(127, 0, 0, 1), A(127, 0, 0, 4)},
     RBL_LISTED,
     RBL_SPECIAL_LOOPBACK,
     "127.0.0.4"},
    {"typing mistake",
     1,
     {A(127, 255, 255, 252)},
     RBL_UNKNOWN,
     RBL_SPECIAL_TYPO,
     "!127.255.255.252"},
    {"public resolver",
     1,
     {A(127, 255, 255, 254)},
     RBL_UNKNOWN,
     RBL_SPECIAL_OPEN_RESOLVER,
     "!127.255.255.254"},
    {"quota", 1, {A(127, 255, 255, 255)}, RBL_UNKNOWN, RBL_SPECIAL_QUOTA, "!127.255.255.255"},
    {"refused", 1, {A(127, 255, 255, 0)}, RBL_UNKNOWN, RBL_SPECIAL_REFUSED, "!127.255.255.0"},
    {"refused besides a listing",
     3,
     {A(127, 0, 0, 2), A(127, 255, 255, 255), A(127, 0, 0, 3)},
     RBL_UNKNOWN,
     RBL_SPECIAL_QUOTA,
     "!127.255.255.255"},
    {"an address of the Internet",
     1,
     {A(203, 0, 113, 7)},
     RBL_UNKNOWN,
     RBL_SPECIAL_OUTSIDE,
     "!203.0.113.7"},
    {"... besides loopback and a listing",
     3,
     {A(127, 0, 0, 1), A(127, 0, 0, 2), A(203, 0, 113, 7)},
     RBL_UNKNOWN,
     RBL_SPECIAL_OUTSIDE,
     "!203.0.113.7"},
    {"next to 127/8", 1, {A(128, 0, 0, 2)}, RBL_UNKNOWN, RBL_SPECIAL_OUTSIDE, "!128.0.0.2"},
    {"zero", 1, {0}, RBL_UNKNOWN, RBL_SPECIAL_OUTSIDE, "!0.0.0.0"},
};

static bool is_same(const struct rbl_answer *a, const struct rbl_answer *b)
{
    return a->state == b->state && a->code_count == b->code_count &&
           memcmp(a->codes, b->codes, a->code_count * sizeof(a->codes[0])) == 0;
}

static void test_meaning(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rbl_answer answer =
            rbl_answer_from_addresses(cases[i].addresses, cases[i].count);
        is_number(answer.state, cases[i].state, cases[i].what);
        is_number(answer.special, cases[i].special, "... what else it says");
        ok((answer.state == RBL_LISTED) == (answer.code_count > 0), "... codes if listed");

        char cached[RBL_ANSWER_TEXT_MAX + 1];
        size_t length = rbl_answer_format(&answer, NULL, cached);
        cached[length] = '\0';
        is_string(cached, cases[i].cached, "... in the cache");
        struct rbl_answer again;
        struct slice text;
        bool has_text = true;
        ok(rbl_answer_parse(slice_from_string(cached), &again, &text, &has_text) &&
               is_same(&answer, &again) && !has_text,
           "... and out of it");
        ok(answer.state != RBL_UNKNOWN || again.special == answer.special,
           "... with what it says");
    }
}

static void test_many(void)
{
    uint32_t addresses[40];
    for (unsigned i = 0; i < 40; i++)
        addresses[i] = A(127, 0, 0, 2 + i);
    struct rbl_answer answer = rbl_answer_from_addresses(addresses, 40);
    is_number(answer.code_count, RBL_CODES_MAX, "as many codes as fit");
    ok(answer.codes[0] == A(127, 0, 0, 2) && answer.codes[15] == A(127, 0, 0, 17),
       "... the first ones");
    addresses[39] = A(127, 255, 255, 254);
    answer = rbl_answer_from_addresses(addresses, 40);
    is_number(answer.state, RBL_UNKNOWN, "a refusal behind them is not overlooked");

    for (unsigned i = 0; i < RBL_CODES_MAX; i++)
        addresses[i] = A(127, 100, 100, 100 + i);
    answer = rbl_answer_from_addresses(addresses, RBL_CODES_MAX);
    char text[RBL_TEXT_MAX + 1], cached[RBL_ANSWER_TEXT_MAX];
    memset(text, 'x', sizeof(text));
    struct slice reason = {text, sizeof(text)};
    ok(rbl_answer_format(&answer, &reason, cached) == RBL_CODES_MAX * 16 + RBL_TEXT_MAX,
       "the longest answer fits, its text is cut");
    struct rbl_answer again;
    bool has_text;
    ok(rbl_answer_parse((struct slice){cached, RBL_CODES_MAX * 16 + RBL_TEXT_MAX}, &again,
                        &reason, &has_text) &&
           is_same(&answer, &again) && reason.length == RBL_TEXT_MAX,
       "... and can be read");
}

static void test_failures(void)
{
    char cached[RBL_ANSWER_TEXT_MAX];
    struct rbl_answer answer = rbl_answer_failed(RBL_FAILURE_TIMEOUT);
    ok(answer.state == RBL_UNKNOWN && answer.failure == RBL_FAILURE_TIMEOUT &&
           answer.special == RBL_SPECIAL_NONE,
       "a timeout");
    is_number(rbl_answer_format(&answer, NULL, cached), 0, "... is not cached");
    answer = (struct rbl_answer){0};
    is_number(answer.state, RBL_PENDING, "all zero is pending");
    is_number(rbl_answer_format(&answer, NULL, cached), 0, "... and not cached either");
    is_string(rbl_failure_name(RBL_FAILURE_ERROR), "error", "name of a failure");
    for (enum rbl_special special = 0; special < RBL_SPECIAL_COUNT; special++)
        ok(strlen(rbl_special_text(special)) > 10, "text of special %d", (int)special);
}

static void test_text(void)
{
    static const struct {
        const char *cached;
        bool is_right, has_text;
        const char *text;
    } values[] = {
        {"127.0.0.2", true, false, ""},
        {"127.0.0.2 ", true, true, ""},
        {"127.0.0.2 see https://list.example/", true, true, "see https://list.example/"},
        {"127.0.0.2,127.0.0.3 a b", true, true, "a b"},
        {"", false, false, ""},
        {"--", false, false, ""},
        {"- x", false, false, ""},
        {"!", false, false, ""},
        {"!127.0.0.2", false, false, ""},
        {"!127.0.0.1", false, false, ""},
        {"!127.255.255.254 x", false, false, ""},
        {"127.0.0.1", false, false, ""},
        {"127.0.0.2,", false, false, ""},
        {"127.0.0.2,127.255.255.254", false, false, ""},
        {"127.0.0.02", false, false, ""},
        {"127.0.0.256", false, false, ""},
        {"127.0.0.2555", false, false, ""},
        {"127.0.0", false, false, ""},
        {"127.0.0.", false, false, ""},
        {"127..0.2", false, false, ""},
        {"127.0.0.2\tx", false, false, ""},
        {"203.0.113.7", false, false, ""},
        {"x", false, false, ""},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct rbl_answer answer;
        struct slice text = {"?", 1};
        bool has_text = false;
        bool is_right =
            rbl_answer_parse(slice_from_string(values[i].cached), &answer, &text, &has_text);
        ok(is_right == values[i].is_right && (!is_right || has_text == values[i].has_text) &&
               (!is_right || slice_equals(text, slice_from_string(values[i].text))),
           "cached \"%s\"", values[i].cached);
    }
    struct rbl_answer answer = rbl_answer_from_addresses((uint32_t[]){A(127, 0, 0, 2)}, 1);
    char cached[RBL_ANSWER_TEXT_MAX + 1];
    struct slice reason = {"a\nb\x80", 4}, empty = {NULL, 0};
    cached[rbl_answer_format(&answer, &reason, cached)] = '\0';
    is_string(cached, "127.0.0.2 a b ", "control characters become spaces");
    cached[rbl_answer_format(&answer, &empty, cached)] = '\0';
    is_string(cached, "127.0.0.2 ", "asked for, and there is none");
}

static void test_txt_records(void)
{
    char text[RBL_TEXT_MAX], filler[RBL_TEXT_MAX];
    memset(filler, 'x', sizeof(filler));
    size_t length = rbl_text_append(text, 0, true, SLICE_LITERAL("one"));
    length = rbl_text_append(text, length, false, SLICE_LITERAL("two\r\n\xe9"));
    ok(slice_equals((struct slice){text, length}, SLICE_LITERAL("one / two   ")),
       "two records");
    length = rbl_text_append(text, 0, true, (struct slice){NULL, 0});
    length = rbl_text_append(text, length, false, SLICE_LITERAL("two"));
    ok(slice_equals((struct slice){text, length}, SLICE_LITERAL(" / two")),
       "the first one empty, as with Postfix");
    is_number(rbl_text_append(text, 0, true, (struct slice){filler, 500}), 500, "a full one");
    is_number(rbl_text_append(text, 500, false, SLICE_LITERAL("y")), 500, "... takes no more");
    length = rbl_text_append(text, 0, true, (struct slice){filler, 497});
    is_number(rbl_text_append(text, length, false, SLICE_LITERAL("yz")), 499,
              "no room for what separates, so it is left out");
    length = rbl_text_append(text, 0, true, (struct slice){filler, 496});
    length = rbl_text_append(text, length, false, SLICE_LITERAL("yz"));
    ok(length == 500 && memcmp(text + 496, " / y", 4) == 0, "... just enough room");
}

static void test_lifetimes(void)
{
    const struct rbl_lifetimes lifetimes = {60, 86400, 3600};
    struct rbl_answer listed = rbl_answer_from_addresses((uint32_t[]){A(127, 0, 0, 2)}, 1);
    struct rbl_answer unlisted = rbl_answer_from_addresses(NULL, 0);
    struct rbl_answer refused =
        rbl_answer_from_addresses((uint32_t[]){A(127, 255, 255, 254)}, 1);
    struct rbl_answer failed = rbl_answer_failed(RBL_FAILURE_ERROR);
    is_number(rbl_answer_lifetime_s(&listed, 300, &lifetimes), 300, "listed: as it says");
    is_number(rbl_answer_lifetime_s(&listed, 0, &lifetimes), 60, "... not too short");
    is_number(rbl_answer_lifetime_s(&listed, 1000000, &lifetimes), 86400, "... nor too long");
    is_number(rbl_answer_lifetime_s(&unlisted, 10000, &lifetimes), 3600, "not listed");
    is_number(rbl_answer_lifetime_s(&unlisted, 5, &lifetimes), 60, "... not too short");
    is_number(rbl_answer_lifetime_s(&refused, 10000, &lifetimes), 60,
              "refused: as short as can be");
    is_number(rbl_answer_lifetime_s(&failed, 10000, &lifetimes), 0, "failed: not at all");
}

int main(void)
{
    test_meaning();
    test_many();
    test_failures();
    test_text();
    test_txt_records();
    test_lifetimes();
    return done_testing();
}
