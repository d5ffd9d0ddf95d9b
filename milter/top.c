#include "milter/top.h"

#include "common/address.h"
#include "milter/session_table.h"

#include <stdio.h>

struct holder {
    struct address address;
    enum session_state state;
    enum client_class class;
    int64_t connected_ms, last_sign_ms;
};

struct top {
    struct holder holders[TOP_HOLDERS_MAX];
    int count, sessions;
    int of_class[CLASS_COUNT];
};

/* The table is in the order of arrival: the first hold their slot longest. */
static bool add(struct session *session, void *context)
{
    struct top *top = context;
    if (session->is_hung_up)
        return true;
    top->sessions++;
    top->of_class[session->class]++;
    if (top->count < TOP_HOLDERS_MAX)
        top->holders[top->count++] = (struct holder){
            session->address,      session->state,        session->class,
            session->connected_ms, session->last_sign_ms,
        };
    return true;
}

/* What is written is of our own making but for addresses, and these are digits. */
size_t top_format(struct session_table *sessions, int64_t now_ms, char out[static TOP_SIZE])
{
    struct top top = {.count = 0};
    session_table_visit(sessions, add, &top);
    FILE *stream = fmemopen(out, TOP_SIZE, "w");
    if (!stream)
        return 0;
    fprintf(stream, "{\"sessions\":%d,\"classes\":{", top.sessions);
    for (enum client_class class = 0; class < CLASS_COUNT; class ++)
        fprintf(stream, "%s\"%s\":%d", class == 0 ? "" : ",", client_class_name(class),
                top.of_class[class]);
    fputs("},\"holders\":[", stream);
    for (int i = 0; i < top.count; i++) {
        const struct holder *holder = &top.holders[i];
        char client[ADDRESS_TEXT_SIZE] = "";
        if (holder->address.family != ADDRESS_NONE)
            address_format(&holder->address, client);
        fprintf(stream,
                "%s{\"client\":\"%s\",\"class\":\"%s\",\"state\":\"%s\",\"held_s\":%.1f,"
                "\"silent_s\":%.1f}",
                i == 0 ? "" : ",", client, client_class_name(holder->class),
                session_state_name(holder->state),
                (double)(now_ms - holder->connected_ms) / 1000,
                (double)(now_ms - holder->last_sign_ms) / 1000);
    }
    fputs("]}", stream);
    long length = ftell(stream);
    fclose(stream);
    return length > 0 && length < TOP_SIZE ? (size_t)length : 0;
}
