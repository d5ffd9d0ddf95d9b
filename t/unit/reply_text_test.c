#include "common/config.h"
#include "common/error_list.h"
#include "common/reply_text.h"
#include "t/unit/tap.h"

#include <stdio.h>

static struct config *config_with(const char *later, const char *bot, struct error_list *errors)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"reply\": {\"hang_up_later\": \"4.3.2 %s\", \"hang_up_bot\": \"5.7.1 %s\"}}",
             later, bot);
    error_list_init(errors);
    return config_load_text("test", text, strlen(text), errors);
}

static struct verdict verdict_with(int code)
{
    struct verdict verdict = {.action = VERDICT_HANG_UP,
                              .rule = RULE_BOT,
                              .code = code,
                              .text = "as it is",
                              .level = LEVEL_STRESSED};
    verdict.classification.class = CLASS_BOT;
    verdict.classification.reason = REASON_BAD_HISTORY;
    verdict.classification.record.counts[EVIDENCE_SILENT] = 3;
    return verdict;
}

static const struct {
    const char *template, *name, *expected;
} texts[] = {
    {"busy", "mx.example.org", "4.3.2 busy"},
    {"[$client_address] $client_name", "mx.example.org", "4.3.2 [192.0.2.1] mx.example.org"},
    {"$client_name", "", "4.3.2 unknown"},
    {"$class $reason ($evidence) $level $rule", "x",
     "4.3.2 bot bad-history (silent:3.0) stressed bot"},
    {"${class?{you}:{nobody}} $$5", "x", "4.3.2 you $5"},
    {"$client_name", "a\r\n250 $class\x80", "4.3.2 a__250 $class_"},
};

static void test_texts(void)
{
    struct address address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
    struct buffer out = REPLY_TEXT_BUFFER;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error_list errors;
        struct config *config = config_with(texts[i].template, "bot", &errors);
        struct reply_subject subject = {&address, slice_from_string(texts[i].name)};
        struct verdict verdict = verdict_with(421);
        reply_text_expand(&config->reply, &subject, &verdict, &out);
        is_string(verdict.text, texts[i].expected, texts[i].template);
        config_free(config);
    }
    buffer_free(&out);
}

static void test_choice(void)
{
    struct error_list errors;
    struct config *config = config_with("later", "bot", &errors);
    struct address address = {.family = ADDRESS_NONE};
    struct reply_subject subject = {&address, {NULL, 0}};
    struct buffer out = REPLY_TEXT_BUFFER;
    struct verdict verdict = verdict_with(521);
    reply_text_expand(&config->reply, &subject, &verdict, &out);
    is_string(verdict.text, "5.7.1 bot", "the text for 521");
    verdict = verdict_with(0);
    reply_text_expand(&config->reply, &subject, &verdict, &out);
    is_string(verdict.text, "as it is", "no code, no text");
    config_free(config);

    config = config_default();
    verdict = verdict_with(521);
    reply_text_expand(&config->reply, &subject, &verdict, &out);
    ok(strstr(verdict.text, "bad-history (silent:3.0)"), "521 names the evidence by default");
    config_free(config);
    buffer_free(&out);
}

static void test_length(void)
{
    struct error_list errors;
    char template[400] = "", name[255];
    while (strlen(template) < 360)
        snprintf(template + strlen(template), sizeof(template) - strlen(template),
                 "$client_name ");
    memset(name, 'n', sizeof(name));
    struct config *config = config_with(template, "bot", &errors);
    struct address address = {.family = ADDRESS_NONE};
    struct reply_subject subject = {&address, {name, sizeof(name)}};
    struct buffer out = REPLY_TEXT_BUFFER;
    struct verdict verdict = verdict_with(421);
    reply_text_expand(&config->reply, &subject, &verdict, &out);
    ok(strlen(verdict.text) <= REPLY_TEXT_MAX, "no longer than a reply line (%zu)",
       strlen(verdict.text));
    config_free(config);
    buffer_free(&out);
}

static void test_mistakes(void)
{
    static const char *const wrong[] = {"$nonsense", "${class", "${class{x}}", "$"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error_list errors;
        struct config *config = config_with("later", wrong[i], &errors);
        ok(!config && errors.count == 1 && strstr(errors.errors[0].text, "reply.hang_up_bot: "),
           "%s: %s", wrong[i], errors.count ? errors.errors[0].text : "no error");
        config_free(config);
    }
}

int main(void)
{
    test_texts();
    test_choice();
    test_length();
    test_mistakes();
    return done_testing();
}
