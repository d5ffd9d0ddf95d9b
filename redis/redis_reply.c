#include "redis/redis_reply.h"

const struct redis_reply *redis_reply_item(const struct redis_reply *list, size_t index)
{
    if (index >= list->count)
        return NULL;
    const struct redis_reply *item = redis_reply_first(list);
    while (index-- > 0)
        item = redis_reply_next(item);
    return item;
}

enum history_state redis_reply_read_client(const struct redis_reply *reply,
                                           struct client_record *record_r)
{
    *record_r = (struct client_record){0};
    if (reply->type != REDIS_REPLY_IS_LIST)
        return HISTORY_MISSING;
    bool is_known = false;
    const struct redis_reply *name = redis_reply_first(reply);
    for (uint32_t pairs = reply->count / 2; pairs > 0; pairs--) {
        const struct redis_reply *value = redis_reply_next(name);
        if (client_record_set_field(record_r, name->text, value->text))
            is_known = true;
        name = redis_reply_next(value);
    }
    return is_known ? HISTORY_KNOWN : HISTORY_NONE;
}

size_t redis_reply_read_fields(const struct redis_reply *reply, struct redis_field *fields_r,
                               size_t size)
{
    size_t count = reply->count / 2 < size ? reply->count / 2 : size;
    const struct redis_reply *item = redis_reply_first(reply);
    for (size_t i = 0; i < count; i++) {
        fields_r[i].name = item->text;
        item = redis_reply_next(item);
        fields_r[i].value = item->text;
        item = redis_reply_next(item);
    }
    return count;
}
