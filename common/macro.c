#include "common/macro.h"

#include "common/macro_node.h"

#include <stdlib.h>

static bool is_number(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.length > 0;
}

static struct slice without_leading_zeros(struct slice number)
{
    while (number.length > 1 && number.data[0] == '0') {
        number.data++;
        number.length--;
    }
    return number;
}

static int compare_bytes(struct slice left, struct slice right)
{
    size_t common = left.length < right.length ? left.length : right.length;
    int difference = common ? memcmp(left.data, right.data, common) : 0;
    if (difference == 0 && left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return difference;
}

/* Two numbers by size, like Postfix but of any length; everything else by bytes. */
static int compare(struct slice left, struct slice right)
{
    if (!is_number(left) || !is_number(right))
        return compare_bytes(left, right);
    left = without_leading_zeros(left);
    right = without_leading_zeros(right);
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return compare_bytes(left, right);
}

bool macro_relation_holds(enum macro_relation relation, struct slice left, struct slice right)
{
    int difference = compare(left, right);
    switch (relation) {
    case MACRO_EQUAL:
        return difference == 0;
    case MACRO_NOT_EQUAL:
        return difference != 0;
    case MACRO_LESS:
        return difference < 0;
    case MACRO_LESS_OR_EQUAL:
        return difference <= 0;
    case MACRO_GREATER_OR_EQUAL:
        return difference >= 0;
    default:
        return difference > 0;
    }
}

struct expansion {
    const struct macro *macro;
    macro_value *value;
    const void *context;
    struct buffer *out;
};

static void write_cut(struct buffer *out, struct slice text)
{
    size_t room = out->maximum - out->length;
    buffer_append(out, text.data, text.length < room ? text.length : room);
}

static void write_value(struct buffer *out, struct slice value)
{
    size_t start = out->length;
    write_cut(out, value);
    for (size_t i = start; i < out->length; i++) {
        unsigned char byte = (unsigned char)out->data[i];
        if ((byte < ' ' && byte != '\t') || byte > '~')
            out->data[i] = '_';
    }
}

static void expand_sequence(const struct expansion *expansion, uint32_t first);

/* The operands are written behind the result, compared there, and dropped. */
static bool compare_operands(const struct expansion *expansion, const struct macro_node *node)
{
    struct buffer *out = expansion->out;
    size_t start = out->length;
    expand_sequence(expansion, node->left);
    size_t left_length = out->length - start;
    expand_sequence(expansion, node->right);
    const char *left = left_length ? out->data + start : NULL;
    size_t right_length = out->length - start - left_length;
    const char *right = right_length ? out->data + start + left_length : NULL;
    out->length = start;
    return macro_relation_holds(node->relation, (struct slice){left, left_length},
                                (struct slice){right, right_length});
}

/* Recursion is bounded by MACRO_DEPTH_MAX when compiled. */
static void expand_sequence(const struct expansion *expansion, uint32_t first)
{
    const struct macro_node *nodes = expansion->macro->nodes;
    for (uint32_t i = first; i != 0; i = nodes[i].next) {
        const struct macro_node *node = &nodes[i];
        bool is_true;
        switch (node->type) {
        case MACRO_LITERAL:
            write_cut(expansion->out, node->text);
            continue;
        case MACRO_VALUE:
            write_value(expansion->out, expansion->value(expansion->context, node->id));
            continue;
        case MACRO_CONDITION:
            is_true = expansion->value(expansion->context, node->id).length > 0;
            break;
        default:
            is_true = compare_operands(expansion, node);
        }
        expand_sequence(expansion, is_true ? node->if_true : node->if_false);
    }
}

void macro_expand(const struct macro *macro, macro_value *value, const void *context,
                  struct buffer *out)
{
    const struct expansion expansion = {macro, value, context, out};
    expand_sequence(&expansion, macro->first);
}

struct slice macro_text(const struct macro *macro)
{
    return (struct slice){macro->text, macro->length};
}

bool macro_uses(const struct macro *macro, unsigned id)
{
    return id < MACRO_IDS_MAX && (macro->used >> id & 1) != 0;
}

void macro_free(struct macro *macro)
{
    if (!macro)
        return;
    free(macro->nodes);
    free(macro->text);
    free(macro);
}
