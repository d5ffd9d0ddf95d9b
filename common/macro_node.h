/*
 * macro_node - a compiled template, for macro*.c alone.
 *
 * Nodes refer to each other by index; index 0 is no node, so it ends a sequence and is an empty
 * one. Slices point into the macro's own copy of the text.
 */
#ifndef POSTVALVE_COMMON_MACRO_NODE_H
#define POSTVALVE_COMMON_MACRO_NODE_H

#include "common/macro.h"

#include <stddef.h>
#include <stdint.h>

#define MACRO_DEPTH_MAX 100 /* as Postfix */
#define MACRO_IDS_MAX   64

enum macro_node_type {
    MACRO_LITERAL,    /* text */
    MACRO_VALUE,      /* of id */
    MACRO_CONDITION,  /* if_true where the value of id is not empty, else if_false */
    MACRO_COMPARISON, /* if_true where it holds, else if_false */
};

enum macro_relation {
    MACRO_EQUAL,
    MACRO_NOT_EQUAL,
    MACRO_LESS,
    MACRO_LESS_OR_EQUAL,
    MACRO_GREATER_OR_EQUAL,
    MACRO_GREATER,
    MACRO_RELATION_COUNT
};

struct macro_node {
    enum macro_node_type type;
    uint32_t next;              /* in the sequence */
    uint32_t if_true, if_false; /* sequences */
    unsigned id;
    struct slice text;
    /* comparison: sequences, and the text they were made of */
    enum macro_relation relation;
    uint32_t left, right;
    struct slice left_text, right_text;
};

struct macro {
    char *text;
    size_t length;
    uint32_t first; /* of the outermost sequence */
    uint64_t used;  /* bit: id */
    struct macro_node *nodes;
    size_t count, size;
};

bool macro_relation_holds(enum macro_relation relation, struct slice left, struct slice right);

#endif
