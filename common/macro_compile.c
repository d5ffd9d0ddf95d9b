/* From the text of a template to nodes: the syntax of Postfix's attribute expansion. */
#include "common/macro_node.h"

#include "common/memory.h"

#define EXCERPT_MAX      20 /* characters of a template shown in an error */
#define WHITESPACE       " \t\r\n\v\f"
#define OPERATOR_SYMBOLS "<>!=?+-*/~&|%"

static const char *const relation_names[MACRO_RELATION_COUNT] = {
    [MACRO_EQUAL] = "==",         [MACRO_NOT_EQUAL] = "!=",        [MACRO_LESS] = "<",
    [MACRO_LESS_OR_EQUAL] = "<=", [MACRO_GREATER_OR_EQUAL] = ">=", [MACRO_GREATER] = ">",
};

struct compiler {
    struct macro *macro;
    macro_resolve *resolve;
    struct error *error;
    int depth;
};

/* Compiles a sequence; false with an error. */
static bool compile(struct compiler *compiler, struct slice text, uint32_t *first_r);

static bool fail(struct compiler *compiler, const char *what, struct slice at)
{
    char excerpt[EXCERPT_MAX + 1];
    size_t length = at.length < EXCERPT_MAX ? at.length : EXCERPT_MAX;
    for (size_t i = 0; i < length; i++)
        excerpt[i] = at.data[i] >= ' ' && at.data[i] <= '~' ? at.data[i] : '?';
    excerpt[length] = '\0';
    return error_set(compiler->error, "%s at \"%s\"", what, excerpt);
}

static struct slice advance(struct slice text, size_t length)
{
    return (struct slice){text.data + length, text.length - length};
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static struct slice skip_whitespace(struct slice text)
{
    while (text.length && is_one_of(text.data[0], WHITESPACE))
        text = advance(text, 1);
    return text;
}

static bool starts_with(struct slice text, char c)
{
    return text.length && text.data[0] == c;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

static struct macro_node *node_at(struct compiler *compiler, uint32_t index)
{
    return &compiler->macro->nodes[index];
}

/* Appends a node to the sequence that ends with *last (0: it is empty). Nodes may move. */
static uint32_t add_node(struct compiler *compiler, enum macro_node_type type, uint32_t *first,
                         uint32_t *last)
{
    struct macro *macro = compiler->macro;
    if (macro->count == macro->size) {
        macro->size *= 2;
        macro->nodes = memory_resize(macro->nodes, macro->size, sizeof(*macro->nodes));
    }
    uint32_t index = (uint32_t)macro->count++;
    macro->nodes[index] = (struct macro_node){.type = type};
    if (*last)
        macro->nodes[*last].next = index;
    else
        *first = index;
    *last = index;
    return index;
}

/* The text of a balanced {text} at the start of rest, which goes on after it and its trailing
 * white space. */
static bool take_braces(struct compiler *compiler, struct slice *rest, struct slice *payload_r)
{
    int level = 0;
    for (size_t i = 0; i < rest->length; i++) {
        if (rest->data[i] == '{')
            level++;
        else if (rest->data[i] == '}' && --level == 0) {
            *payload_r = (struct slice){rest->data + 1, i - 1};
            *rest = skip_whitespace(advance(*rest, i + 1));
            return true;
        }
    }
    return fail(compiler, "{ without }", *rest);
}

static bool take_relation(struct compiler *compiler, struct slice *rest,
                          enum macro_relation *relation_r)
{
    size_t length = 0;
    while (length < rest->length && is_one_of(rest->data[length], OPERATOR_SYMBOLS))
        length++;
    struct slice symbol = {rest->data, length};
    for (enum macro_relation i = MACRO_EQUAL; i < MACRO_RELATION_COUNT; i++) {
        if (slice_equals(symbol, slice_from_string(relation_names[i]))) {
            *relation_r = i;
            *rest = skip_whitespace(advance(*rest, length));
            return true;
        }
    }
    return fail(compiler, "no \"==\", \"!=\", \"<\", \"<=\", \">=\" or \">\"", *rest);
}

/* {text} == {text} at the start of rest, into the node. */
static bool take_comparison(struct compiler *compiler, struct slice *rest, uint32_t index)
{
    struct slice left, right;
    enum macro_relation relation = MACRO_EQUAL;
    uint32_t left_first, right_first;
    if (!take_braces(compiler, rest, &left) || !take_relation(compiler, rest, &relation))
        return false;
    if (!starts_with(*rest, '{'))
        return fail(compiler, "no {text} to compare with", *rest);
    if (!take_braces(compiler, rest, &right) || !compile(compiler, left, &left_first) ||
        !compile(compiler, right, &right_first))
        return false;

    struct macro_node *node = node_at(compiler, index);
    node->relation = relation;
    node->left = left_first;
    node->right = right_first;
    node->left_text = left;
    node->right_text = right;
    if (rest->length && rest->data[0] != '?' && rest->data[0] != ':')
        return fail(compiler, "no \"?\" or \":\"", *rest);
    return true;
}

/* name, and white space before an operator or the end, at the start of rest. */
static bool take_name(struct compiler *compiler, struct slice *rest, struct slice *name_r)
{
    struct slice text = skip_whitespace(*rest);
    size_t length = 0;
    while (length < text.length && is_name_character(text.data[length]))
        length++;
    *name_r = (struct slice){text.data, length};
    *rest = skip_whitespace(advance(text, length));
    if (rest->length && rest->data[0] != '?' && rest->data[0] != ':')
        return fail(compiler, "not a name", text);
    return true;
}

/* One alternative of a condition: {text}, or all that is left. */
static bool take_alternative(struct compiler *compiler, struct slice *rest, uint32_t *first_r)
{
    struct slice text = *rest, braces = skip_whitespace(*rest);
    if (starts_with(braces, '{')) {
        *rest = braces;
        if (!take_braces(compiler, rest, &text))
            return false;
    } else {
        *rest = advance(*rest, rest->length);
    }
    return compile(compiler, text, first_r);
}

/* "?text", ":text" or "?{text}:text" after a name or comparison, into its node. */
static bool take_alternatives(struct compiler *compiler, struct slice rest, uint32_t index)
{
    uint32_t if_true = 0, if_false = 0;
    bool has_true = starts_with(rest, '?');
    if (has_true) {
        rest = advance(rest, 1);
        if (!take_alternative(compiler, &rest, &if_true))
            return false;
        if (rest.length > 0 && rest.data[0] != ':')
            return fail(compiler, "no \":\"", rest);
    }
    if (rest.length > 0) {
        rest = advance(rest, 1);
        if (!take_alternative(compiler, &rest, &if_false))
            return false;
        if (rest.length > 0)
            return fail(compiler, "text after the last alternative", rest);
    }
    node_at(compiler, index)->if_true = if_true;
    node_at(compiler, index)->if_false = if_false;
    return true;
}

static bool compile_comparison(struct compiler *compiler, struct slice rest, uint32_t index)
{
    if (!take_comparison(compiler, &rest, index))
        return false;
    if (rest.length > 0)
        return take_alternatives(compiler, rest, index);
    uint32_t first = 0, last = 0; /* the value of a comparison is "true" or empty */
    node_at(compiler, add_node(compiler, MACRO_LITERAL, &first, &last))->text =
        SLICE_LITERAL("true");
    node_at(compiler, index)->if_true = first;
    return true;
}

/* A condition on a name, or its value. A name that does not exist is an empty condition. */
static bool compile_name(struct compiler *compiler, struct slice rest, uint32_t index)
{
    struct slice name;
    unsigned id = 0;
    if (!take_name(compiler, &rest, &name))
        return false;
    bool is_known = compiler->resolve(name, &id) && id < MACRO_IDS_MAX;
    if (is_known) {
        compiler->macro->used |= (uint64_t)1 << id;
        node_at(compiler, index)->id = id;
    }
    if (rest.length == 0)
        return is_known || fail(compiler, "unknown name", name);

    struct macro_node *node = node_at(compiler, index);
    node->type = MACRO_CONDITION;
    if (!take_alternatives(compiler, rest, index))
        return false;
    if (!is_known) { /* always false: compares "" with "" */
        node = node_at(compiler, index);
        node->type = MACRO_COMPARISON;
        node->relation = MACRO_NOT_EQUAL;
    }
    return true;
}

/* The length of $name, $(...) or ${...} at the start of text; 0 with an error. */
static size_t find_expression(struct compiler *compiler, struct slice text,
                              struct slice *body_r)
{
    char open = text.length > 1 ? text.data[1] : '\0', close = open == '{' ? '}' : ')';
    size_t end = 1;
    if (open == '{' || open == '(') {
        int level = 0;
        do {
            if (end == text.length) {
                fail(compiler, "no end of the macro", text);
                return 0;
            }
            level += (text.data[end] == open) - (text.data[end] == close);
            end++;
        } while (level > 0);
        *body_r = (struct slice){text.data + 2, end - 3};
    } else {
        while (end < text.length && is_name_character(text.data[end]))
            end++;
        *body_r = (struct slice){text.data + 1, end - 1};
    }
    if (body_r->length > 0)
        return end;
    fail(compiler, "$ without a name", text);
    return 0;
}

static bool compile(struct compiler *compiler, struct slice text, uint32_t *first_r)
{
    uint32_t first = 0, last = 0;
    if (++compiler->depth > MACRO_DEPTH_MAX)
        return fail(compiler, "nested too deeply", text);
    while (text.length) {
        const char *dollar = memchr(text.data, '$', text.length);
        size_t length = dollar ? (size_t)(dollar - text.data) : text.length;
        bool is_doubled = dollar && length + 1 < text.length && dollar[1] == '$';
        length += is_doubled;
        if (length > 0)
            node_at(compiler, add_node(compiler, MACRO_LITERAL, &first, &last))->text =
                (struct slice){text.data, length};
        text = advance(text, length + is_doubled);
        if (is_doubled || text.length == 0)
            continue;
        struct slice body;
        length = find_expression(compiler, text, &body);
        if (length == 0)
            return false;
        uint32_t index = add_node(compiler, MACRO_VALUE, &first, &last);
        struct slice inner = skip_whitespace(body);
        if (starts_with(inner, '{'))
            node_at(compiler, index)->type = MACRO_COMPARISON;
        if (!(starts_with(inner, '{') ? compile_comparison(compiler, inner, index)
                                      : compile_name(compiler, inner, index)))
            return false;
        text = advance(text, length);
    }
    compiler->depth--;
    *first_r = first;
    return true;
}

struct macro *macro_compile(struct slice text, macro_resolve *resolve, struct error *error)
{
    if (text.length > MACRO_TEXT_MAX) {
        error_set(error, "%zu bytes, allowed: at most %d", text.length, MACRO_TEXT_MAX);
        return NULL;
    }
    struct macro *macro = memory_allocate(1, sizeof(*macro));
    macro->text = memory_allocate(text.length + 1, 1);
    if (text.length)
        memcpy(macro->text, text.data, text.length);
    macro->length = text.length;
    macro->size = 8;
    macro->nodes = memory_allocate(macro->size, sizeof(*macro->nodes));
    macro->count = 1; /* index 0 is no node */

    struct compiler compiler = {macro, resolve, error, 0};
    if (compile(&compiler, macro_text(macro), &macro->first))
        return macro;
    macro_free(macro);
    return NULL;
}
