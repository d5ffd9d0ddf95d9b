#include "policyd/socketmap_server.h"

#include "common/buffer.h"
#include "host/clock.h"
#include "host/count.h"

#define CLIENTS_MAX 4096
#define INPUT_MAX   (SOCKETMAP_REQUEST_MAX + 8) /* with length, colon and comma */
#define OUTPUT_MAX  (SOCKETMAP_REPLY_MAX + 8)

static void on_answer(void *context, enum socketmap_status status, struct slice text)
{
    struct stream_client *client = context;
    struct buffer reply = BUFFER_WITH_MAXIMUM(OUTPUT_MAX);
    COUNT(REQUESTS, COUNTED_SOCKETMAP);
    socketmap_reply_append(&reply, status, text);
    stream_client_send(client, reply.data, reply.length);
    buffer_free(&reply);
    stream_client_answered(client);
}

static enum stream_take take(void *context, struct stream_client *client, const char *data,
                             size_t length, size_t *taken_r)
{
    const struct socketmap_server *server = context;
    struct socketmap_inquiry *inquiry = stream_client_state(client);
    struct socketmap_request request;
    switch (socketmap_request_parse(data, length, &request)) {
    case SOCKETMAP_MORE:
        return STREAM_MORE;
    case SOCKETMAP_DONE:
        break;
    default:
        return STREAM_INVALID;
    }
    *taken_r = request.taken;
    inquiry->callback = on_answer;
    inquiry->context = client;
    socketmap_maps_ask(&server->maps, &request, clock_monotonic_ms(), inquiry);
    return STREAM_TAKEN;
}

static void forget(void *context, struct stream_client *client)
{
    (void)context;
    socketmap_inquiry_cancel(stream_client_state(client));
}

const struct stream_protocol socketmap_protocol = {
    .name = "socketmap",
    .counted_as = COUNTED_SOCKETMAP,
    .input_max = INPUT_MAX,
    .output_max = OUTPUT_MAX,
    .state_size = sizeof(struct socketmap_inquiry),
    .clients_max = CLIENTS_MAX,
    .take = take,
    .forget = forget,
};
