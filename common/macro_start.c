#include "common/macro_start.h"

#include "common/macro_node.h"

#define DECISIONS_MAX 12  /* open conditions on one way: 4096 ways */
#define OPERAND_MAX   256 /* bytes; longer operands are not known */

/* What an open condition is about, so that it goes one way in one expansion. */
struct decision {
    bool is_name; /* whether the value of id is empty; else a comparison */
    unsigned id;
    enum macro_relation relation; /* MACRO_EQUAL, _LESS, _LESS_OR_EQUAL */
    struct slice left, right;
    bool is_true;
};

struct walk {
    const struct macro *macro;
    macro_know *know;
    const void *know_context;
    struct decision decisions[DECISIONS_MAX];
    size_t decision_count;
    bool has_too_many;
};

/* Where a sequence is expanded to. */
struct output {
    char *data;
    size_t length, maximum;
    bool is_operand; /* of a comparison: only looked at, so no new questions are asked for it */
    bool is_exact;   /* holds no examples */
};

static void walk_sequence(struct walk *walk, uint32_t first, struct output *out);

static bool is_same_question(const struct decision *a, const struct decision *b)
{
    if (a->is_name || b->is_name)
        return a->is_name && b->is_name && a->id == b->id;
    return a->relation == b->relation && slice_equals(a->left, b->left) &&
           slice_equals(a->right, b->right);
}

static const struct decision *find_decision(const struct walk *walk,
                                            const struct decision *question)
{
    for (size_t i = 0; i < walk->decision_count; i++)
        if (is_same_question(&walk->decisions[i], question))
            return &walk->decisions[i];
    return NULL;
}

/* The answer that this way has given before, or true for a new question. */
static bool decide(struct walk *walk, const struct decision *question)
{
    const struct decision *known = find_decision(walk, question);
    if (known)
        return known->is_true;
    if (walk->decision_count == DECISIONS_MAX) {
        walk->has_too_many = true;
        return true;
    }
    struct decision *decision = &walk->decisions[walk->decision_count++];
    *decision = *question;
    decision->is_true = true;
    return true;
}

/* Turns the last answer that can be turned; false when all ways have been taken. */
static bool turn(struct walk *walk)
{
    while (walk->decision_count > 0 && !walk->decisions[walk->decision_count - 1].is_true)
        walk->decision_count--;
    if (walk->decision_count == 0)
        return false;
    walk->decisions[walk->decision_count - 1].is_true = false;
    return true;
}

static bool is_not_empty(struct walk *walk, unsigned id)
{
    struct slice value;
    enum macro_knowledge knowledge = walk->know(walk->know_context, id, &value);
    if (knowledge == MACRO_EXACT)
        return value.length > 0;
    return knowledge == MACRO_NOT_EMPTY ||
           decide(walk, &(struct decision){.is_name = true, .id = id});
}

static void write_text(struct output *out, struct slice text)
{
    size_t room = out->maximum - out->length;
    if (text.length > room)
        out->is_exact = false;
    size_t length = text.length < room ? text.length : room;
    if (length)
        memcpy(out->data + out->length, text.data, length);
    out->length += length;
}

static void write_value(struct walk *walk, unsigned id, struct output *out)
{
    struct slice value;
    enum macro_knowledge knowledge = walk->know(walk->know_context, id, &value);
    const struct decision question = {.is_name = true, .id = id};
    bool is_asked = !out->is_operand || find_decision(walk, &question);
    if (knowledge == MACRO_ANY && is_asked && !is_not_empty(walk, id))
        return;
    if (knowledge != MACRO_EXACT)
        out->is_exact = false;
    write_text(out, value);
}

/* The name whose being empty or not the comparison is about: {$name} == {}. */
static bool is_about_name(const struct walk *walk, const struct macro_node *node,
                          unsigned *id_r)
{
    uint32_t index = node->left ? node->left : node->right;
    bool is_empty_compared = !node->left != !node->right;
    const struct macro_node *operand = &walk->macro->nodes[index];
    if ((node->relation != MACRO_EQUAL && node->relation != MACRO_NOT_EQUAL) ||
        !is_empty_compared || operand->type != MACRO_VALUE || operand->next)
        return false;
    *id_r = operand->id;
    return true;
}

static bool is_comparison_true(struct walk *walk, const struct macro_node *node)
{
    char left[OPERAND_MAX], right[OPERAND_MAX];
    struct output left_out = {left, 0, sizeof(left), true, true};
    struct output right_out = {right, 0, sizeof(right), true, true};
    unsigned id;
    if (is_about_name(walk, node, &id))
        return is_not_empty(walk, id) == (node->relation == MACRO_NOT_EQUAL);
    walk_sequence(walk, node->left, &left_out);
    walk_sequence(walk, node->right, &right_out);
    if (left_out.is_exact && right_out.is_exact)
        return macro_relation_holds(node->relation, (struct slice){left, left_out.length},
                                    (struct slice){right, right_out.length});

    struct decision question = {.left = node->left_text, .right = node->right_text};
    bool is_opposite = true;
    switch (node->relation) {
    case MACRO_NOT_EQUAL:
        question.relation = MACRO_EQUAL;
        break;
    case MACRO_GREATER_OR_EQUAL:
        question.relation = MACRO_LESS;
        break;
    case MACRO_GREATER:
        question.relation = MACRO_LESS_OR_EQUAL;
        break;
    default:
        question.relation = node->relation;
        is_opposite = false;
    }
    return decide(walk, &question) != is_opposite;
}

static void walk_sequence(struct walk *walk, uint32_t first, struct output *out)
{
    const struct macro_node *nodes = walk->macro->nodes;
    for (uint32_t i = first; i != 0; i = nodes[i].next) {
        const struct macro_node *node = &nodes[i];
        bool is_true;
        if (out->length == out->maximum) {
            out->is_exact = false;
            return;
        }
        switch (node->type) {
        case MACRO_LITERAL:
            write_text(out, node->text);
            continue;
        case MACRO_VALUE:
            write_value(walk, node->id, out);
            continue;
        case MACRO_CONDITION:
            is_true = is_not_empty(walk, node->id);
            break;
        default:
            is_true = is_comparison_true(walk, node);
        }
        walk_sequence(walk, is_true ? node->if_true : node->if_false, out);
    }
}

bool macro_start_each(const struct macro *macro, size_t length, macro_know *know,
                      const void *know_context, macro_start_visit *visit, void *visit_context)
{
    struct walk walk = {.macro = macro, .know = know, .know_context = know_context};
    do {
        char start[MACRO_START_MAX];
        struct output out = {start, 0, length < sizeof(start) ? length : sizeof(start), false,
                             true};
        walk_sequence(&walk, macro->first, &out);
        if (walk.has_too_many || !visit(visit_context, (struct slice){start, out.length}))
            return false;
    } while (turn(&walk));
    return true;
}
