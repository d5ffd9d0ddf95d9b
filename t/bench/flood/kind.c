#include "t/bench/flood/kind.h"

#include <stddef.h>
#include <string.h>

const struct actor_kind *const actor_kind_table[] = {
    &kind_good, &kind_silent, &kind_guess, &kind_dribble, &kind_spam, NULL,
};

const struct actor_kind *actor_kind_find(const char *name)
{
    for (const struct actor_kind *const *kind = actor_kind_table; *kind != NULL; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}
