#include "view/counter_view.h"

#include "common/number.h"
#include "view/minutes_view.h"

#define FIELDS_MAX 8192
#define NAME_SIZE  512
#define SUM_MAX    INT64_C(1000000000000000)

/* A name that is no UTF-8 is not taken over. */
static void add(void *context, const struct redis_field *field)
{
    json_t *sums = context;
    char name[NAME_SIZE];
    int64_t number;
    if (!slice_copy_string(field->name, name, sizeof(name)) ||
        !number_parse(field->value, SUM_MAX, &number))
        return;
    json_t *sum = json_object_get(sums, name);
    json_int_t before = json_integer_value(sum);
    json_int_t after = before > SUM_MAX - number ? SUM_MAX : before + number;
    if (sum)
        json_integer_set(sum, after);
    else
        json_object_set_new(sums, name, json_integer(after));
}

json_t *counter_view_json(struct redis_session *session, const char *host, int64_t minutes,
                          struct error *error)
{
    int64_t now_s;
    json_t *sums = json_object();
    if (!minutes_view_read(session, host, minutes, FIELDS_MAX, add, sums, &now_s, error)) {
        json_decref(sums);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:I, s:o}", "host", host, "from",
                     (json_int_t)((now_s / 60 - minutes + 1) * 60), "to", (json_int_t)now_s,
                     "counters", sums);
}
