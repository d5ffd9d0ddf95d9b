#include "common/socketmap_request.h"

#include "common/netstring.h"

static const char *const status_names[] = {
    [SOCKETMAP_OK] = "OK",     [SOCKETMAP_NOTFOUND] = "NOTFOUND",
    [SOCKETMAP_TEMP] = "TEMP", [SOCKETMAP_TIMEOUT] = "TIMEOUT",
    [SOCKETMAP_PERM] = "PERM",
};

/* "name key" */
static bool split(struct slice content, struct socketmap_request *request)
{
    size_t length = 0;
    while (length < content.length && content.data[length] > ' ' && content.data[length] <= '~')
        length++;
    if (length == 0 || length == content.length || content.data[length] != ' ' ||
        memchr(content.data, '\0', content.length))
        return false;
    request->name = (struct slice){content.data, length};
    request->key = (struct slice){content.data + length + 1, content.length - length - 1};
    return true;
}

enum socketmap_parse socketmap_request_parse(const char *data, size_t length,
                                             struct socketmap_request *request_r)
{
    struct socketmap_request request;
    struct slice content;
    switch (netstring_parse(data, length, SOCKETMAP_REQUEST_MAX, &content, &request.taken)) {
    case NETSTRING_MORE:
        return SOCKETMAP_MORE;
    case NETSTRING_DONE:
        break;
    default:
        return SOCKETMAP_INVALID;
    }
    if (!split(content, &request))
        return SOCKETMAP_INVALID;
    *request_r = request;
    return SOCKETMAP_DONE;
}

bool socketmap_reply_append(struct buffer *buffer, enum socketmap_status status,
                            struct slice text)
{
    char clean[SOCKETMAP_REPLY_MAX];
    struct slice name = slice_from_string(status_names[status]);
    size_t length = text.length, room = sizeof(clean) - name.length - 1;
    if (length > room)
        length = room;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        clean[i] = byte < ' ' || byte == 0x7f ? ' ' : text.data[i];
    }
    const struct slice pieces[] = {name, SLICE_LITERAL(" "), {clean, length}};
    return netstring_append(buffer, pieces, sizeof(pieces) / sizeof(pieces[0]));
}
