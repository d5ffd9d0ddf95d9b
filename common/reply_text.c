#include "common/reply_text.h"

#include "common/macro.h"
#include "common/settings.h"

struct values {
    const struct verdict *verdict;
    struct slice client_name;
    char client_address[ADDRESS_TEXT_SIZE];
    char evidence[EVIDENCE_TEXT_SIZE];
};

static struct slice client_address(const struct values *values)
{
    return slice_from_string(values->client_address);
}

static struct slice client_name(const struct values *values)
{
    return values->client_name.length ? values->client_name : SLICE_LITERAL("unknown");
}

static struct slice class_of(const struct values *values)
{
    return slice_from_string(client_class_name(values->verdict->classification.class));
}

static struct slice reason(const struct values *values)
{
    return slice_from_string(class_reason_name(values->verdict->classification.reason));
}

static struct slice evidence(const struct values *values)
{
    return slice_from_string(values->evidence);
}

static struct slice level(const struct values *values)
{
    return slice_from_string(level_name(values->verdict->level));
}

static struct slice rule(const struct values *values)
{
    return slice_from_string(rule_name(values->verdict->rule));
}

static const struct macro_row {
    const char *name;
    struct slice (*value)(const struct values *values);
} macro_table[] = {
    {"client_address", client_address},
    {"client_name", client_name},
    {"class", class_of},
    {"reason", reason},
    {"evidence", evidence},
    {"level", level},
    {"rule", rule},
};

static bool resolve(struct slice name, unsigned *id_r)
{
    for (unsigned i = 0; i < sizeof(macro_table) / sizeof(macro_table[0]); i++) {
        *id_r = i;
        if (slice_equals(name, slice_from_string(macro_table[i].name)))
            return true;
    }
    return false;
}

static struct slice value_of(const void *context, unsigned id)
{
    return macro_table[id].value(context);
}

static struct macro *compile(const char *key, const char *text,
                             const struct setting_problems *problems)
{
    struct error error;
    struct macro *template = macro_compile(slice_from_string(text), resolve, &error);
    if (!template)
        error_list_add(problems->errors,
                       "%s: %s: %s, allowed: text with $client_address, $client_name, $class, "
                       "$reason, $evidence, $level, $rule; $$ is a dollar sign",
                       problems->file, key, error.text);
    return template;
}

void reply_settings_compile(struct reply_settings *reply,
                            const struct setting_problems *problems)
{
    reply->later_template = compile("reply.hang_up_later", reply->hang_up_later, problems);
    reply->bot_template = compile("reply.hang_up_bot", reply->hang_up_bot, problems);
}

void reply_settings_release(struct reply_settings *reply)
{
    macro_free(reply->later_template);
    macro_free(reply->bot_template);
    reply->later_template = reply->bot_template = NULL;
}

void reply_text_expand(const struct reply_settings *reply, const struct reply_subject *subject,
                       struct verdict *verdict, struct buffer *out)
{
    const struct macro *template = NULL;
    if (verdict->code != 0 && verdict->rule != RULE_RBL)
        template = verdict->code == 521 ? reply->bot_template : reply->later_template;
    if (!template)
        return;
    struct values values = {.verdict = verdict, .client_name = subject->name};
    address_format(subject->address, values.client_address);
    evidence_format(&verdict->classification.record, values.evidence);

    size_t maximum = out->maximum;
    out->length = 0;
    out->maximum = maximum - 1; /* room for the end */
    macro_expand(template, value_of, &values, out);
    out->maximum = maximum;
    if (buffer_append(out, "", 1))
        verdict->text = out->data;
}
