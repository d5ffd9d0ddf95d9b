#include "ctl/top.h"

#include <string.h>

static void remember(struct top *top, double pressure)
{
    if (top->history_count == TOP_HISTORY) {
        memmove(top->history, top->history + 1, (TOP_HISTORY - 1) * sizeof(*top->history));
        top->history_count--;
    }
    top->history[top->history_count++] = pressure;
}

bool top_read(struct top *top, struct redis_session *session, const char *host)
{
    struct host_view view;
    top->error = (struct error){""};
    bool is_read = host_view_read(&view, session, host, &top->error) &&
                   top_sessions_read(&top->sessions, session, host, &top->error);
    if (is_read)
        top->view = view;
    remember(top, is_read && top->view.is_published ? top->view.state.services[0].pressure
                                                    : SENSOR_UNKNOWN);
    return is_read;
}
