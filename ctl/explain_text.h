/*
 * explain_text - the explanation for people.
 */
#ifndef POSTVALVE_CTL_EXPLAIN_TEXT_H
#define POSTVALVE_CTL_EXPLAIN_TEXT_H

#include "view/explain.h"

void explain_text_print(const struct explanation *explanation);

#endif
