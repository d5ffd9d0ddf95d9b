#include "redis/access_memory.h"

#include "common/memory.h"

#include <stdlib.h>

void access_memory_free(struct access_memory *memory)
{
    access_list_free(&memory->list);
}

void access_memory_ask(const struct access_memory *memory, const char *prefix,
                       struct redis_command *command)
{
    struct redis_key key;
    redis_key_access(&key, prefix);
    access_read_command(command, redis_key_slice(&key), slice_from_string(memory->version));
}

bool access_memory_take(struct access_memory *memory, const struct redis_reply *reply,
                        int64_t now_ms)
{
    if (!reply || reply->type != REDIS_REPLY_IS_LIST || reply->count < 2)
        return false;
    const struct redis_reply *version = redis_reply_item(reply, 1);
    const struct redis_reply *hash = redis_reply_item(reply, 2);
    memory->redis_s = redis_reply_item(reply, 0)->integer;
    memory->read_at_ms = now_ms;
    if (!hash || hash->type != REDIS_REPLY_IS_LIST ||
        (hash->count == 0 && memory->list.count == 0))
        return false;
    slice_copy_string(version->text, memory->version, sizeof(memory->version));
    if (hash->count == 0) {
        access_list_free(&memory->list);
        return true;
    }
    struct redis_field *fields = memory_allocate(hash->count, sizeof(*fields));
    access_list_read(&memory->list, fields, redis_reply_read_fields(hash, fields, hash->count));
    free(fields);
    return true;
}

int64_t access_memory_now_s(const struct access_memory *memory, int64_t now_ms)
{
    return memory->redis_s + (now_ms - memory->read_at_ms) / 1000;
}

void access_memory_forget(struct access_memory *memory,
                          void (*callback)(void *context, const struct client_key *key),
                          void *context)
{
    int64_t last_s = memory->forgotten_s;
    for (size_t i = 0; i < memory->list.count; i++) {
        const struct access_entry *entry = &memory->list.entries[i];
        struct client_key key;
        if (entry->kind != ACCESS_FORGET || entry->set_s < memory->forgotten_s ||
            !client_key_parse(slice_from_string(entry->key), &key))
            continue;
        callback(context, &key);
        if (entry->set_s > last_s && entry->set_s <= memory->redis_s)
            last_s = entry->set_s;
    }
    memory->forgotten_s = last_s;
}
