#include "common/rbl_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AGE_MAX_S 60
#define WORD_SIZE 512

void rbl_words_add(struct rbl_words *words, struct slice word, bool is_here, int64_t now_s)
{
    char text[WORD_SIZE];
    int64_t updated_s;
    slice_copy_string(word, text, sizeof(text));
    const char *updated = strstr(text, " updated=");
    if (strncmp(text, "state=", 6) != 0 || !updated ||
        sscanf(updated, " updated=%" SCNd64, &updated_s) != 1 ||
        updated_s <= now_s - AGE_MAX_S || updated_s >= now_s + AGE_MAX_S)
        return;
    bool is_off = strncmp(text, "state=off ", 10) == 0;
    words->said++;
    words->off += is_off;
    words->is_said_here = words->is_said_here || is_here;
    words->is_off_here = words->is_off_here || (is_here && is_off);
}

bool rbl_words_say_off(const struct rbl_words *words)
{
    return words->is_said_here ? words->is_off_here : 2 * words->off > words->said;
}
