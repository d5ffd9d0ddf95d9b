#include "policyd/redis_request.h"

#include "common/memory.h"

#include <stdlib.h>

static void make_empty(struct redis_request_line *line)
{
    line->first = line->first_in_time = NULL;
    line->end = &line->first;
    line->count = 0;
}

void redis_request_line_init(struct redis_request_line *line)
{
    make_empty(line);
    line->spare = NULL;
}

void redis_request_line_free(struct redis_request_line *line)
{
    while (line->spare) {
        struct redis_async_request *next = line->spare->next;
        free(line->spare);
        line->spare = next;
    }
}

struct redis_async_request *redis_request_new(struct redis_request_line *line,
                                              enum redis_request_type type)
{
    struct redis_async_request *request = line->spare;
    if (request)
        line->spare = request->next;
    else
        request = memory_allocate(1, sizeof(*request));
    request->next = NULL;
    request->type = type;
    request->is_open = type == REDIS_REQUEST_CLIENT || type == REDIS_REQUEST_HASH ||
                       type == REDIS_REQUEST_REPLY;
    request->is_late = false;
    request->context = NULL;
    return request;
}

void redis_request_release(struct redis_request_line *line, struct redis_async_request *request)
{
    request->next = line->spare;
    line->spare = request;
}

void redis_request_append(struct redis_request_line *line, struct redis_async_request *request,
                          int64_t until_ms)
{
    request->until_ms = until_ms;
    *line->end = request;
    line->end = &request->next;
    line->count++;
    if (!line->first_in_time)
        line->first_in_time = request;
}

struct redis_async_request *redis_request_take(struct redis_request_line *line)
{
    struct redis_async_request *request = line->first;
    if (!request)
        return NULL;
    line->first = request->next;
    if (!line->first)
        line->end = &line->first;
    line->count--;
    if (line->first_in_time == request)
        line->first_in_time = request->next;
    return request;
}

bool redis_request_is_due(const struct redis_request_line *line, int64_t now_ms)
{
    return line->first_in_time && line->first_in_time->until_ms <= now_ms;
}

struct redis_async_request *redis_request_expire(struct redis_request_line *line,
                                                 int64_t now_ms)
{
    struct redis_async_request *request = line->first_in_time;
    if (!redis_request_is_due(line, now_ms))
        return NULL;
    line->first_in_time = request->next;
    request->is_late = true;
    return request;
}

void redis_request_forget(struct redis_request_line *line, const void *context)
{
    for (struct redis_async_request *request = line->first; request; request = request->next)
        if (request->context == context)
            request->is_open = false;
}

struct redis_async_request *redis_request_take_all(struct redis_request_line *line)
{
    struct redis_async_request *all = line->first;
    make_empty(line);
    return all;
}

static void answer_client(struct redis_async_request *request, const struct redis_reply *reply)
{
    struct client_record record;
    enum history_state state =
        reply ? redis_reply_read_client(reply, &record) : HISTORY_MISSING;
    request->callback.client(request->context, state,
                             state == HISTORY_MISSING ? NULL : &record);
}

static void answer_hash(struct redis_async_request *request, const struct redis_reply *reply)
{
    struct redis_field fields[REDIS_ASYNC_FIELDS_MAX];
    bool is_answered = reply && reply->type == REDIS_REPLY_IS_LIST;
    size_t count =
        is_answered ? redis_reply_read_fields(reply, fields, REDIS_ASYNC_FIELDS_MAX) : 0;
    request->callback.hash(request->context, is_answered, fields, count);
}

void redis_request_answer(struct redis_async_request *request, const struct redis_reply *reply)
{
    if (!request->is_open)
        return;
    request->is_open = false;
    if (request->type == REDIS_REQUEST_CLIENT)
        answer_client(request, reply);
    else if (request->type == REDIS_REQUEST_REPLY)
        request->callback.reply(request->context, request->index, reply);
    else
        answer_hash(request, reply);
}
