/* The screen of top as lines of at most 80 columns, plain ASCII; the same as JSON. */
#include "ctl/top.h"

#include "common/duration.h"
#include "ctl/override_text.h"
#include "view/host_view_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BAR_WIDTH    40
#define OTHERS_SHOWN 5

__attribute__((format(printf, 2, 3))) static void add(struct top_frame *frame,
                                                      const char *format, ...)
{
    if (frame->count == TOP_ROWS)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(frame->lines[frame->count++], TOP_COLUMNS + 1, format, arguments);
    va_end(arguments);
}

static void add_level(struct top_frame *frame, const struct service_state *service,
                      const char *host)
{
    char age[DURATION_TEXT_SIZE], pressure[32] = "unknown";
    duration_format(service->level_age_s, age);
    if (service->pressure >= 0)
        snprintf(pressure, sizeof(pressure), "%.2f", service->pressure);
    add(frame, "%.30s  %s for %s (%s)  pressure %s (%s)", host, level_name(service->level), age,
        level_source_name(service->level_source), pressure, sensor_name(service->driver));
}

static void add_forced(struct top_frame *frame, const struct override_view *view)
{
    char text[OVERRIDE_TEXT_MAX];
    for (enum override_aspect aspect = OVERRIDE_LEVEL; aspect <= OVERRIDE_MODE; aspect++) {
        override_text_describe(view, aspect, text);
        if (text[0] != '\0')
            add(frame, "forced    %s", text);
    }
}

static void add_slots(struct top_frame *frame, const struct service_state *service)
{
    char bar[BAR_WIDTH + 1];
    int limit = service->slot_limit, filled = 0;
    if (limit <= 0 || service->busy < 0) {
        add(frame, "slots     not known");
        return;
    }
    filled =
        service->busy >= limit ? BAR_WIDTH : (int)((double)service->busy / limit * BAR_WIDTH);
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    add(frame, "slots     [%s] %d/%d, %d wait", bar, service->busy, limit,
        service->waiting > 0 ? service->waiting : 0);
}

/* A character a second, from empty to full. */
static void add_sparkline(struct top_frame *frame, const struct top *top)
{
    static const char shades[] = "_.:-=+*#";
    char line[TOP_HISTORY + 1];
    size_t steps = sizeof(shades) - 2;
    for (size_t i = 0; i < top->history_count; i++) {
        double pressure = top->history[i];
        if (pressure < 0)
            line[i] = ' ';
        else
            line[i] = shades[pressure >= 1 ? steps : (size_t)(pressure * (double)steps)];
    }
    line[top->history_count] = '\0';
    add(frame, "pressure  %s", line);
}

static void add_services(struct top_frame *frame, const struct host_state *state)
{
    for (size_t i = 1; i < state->service_count; i++) {
        const struct service_state *service = &state->services[i];
        add(frame, "service   %.24s: %s, pressure %.2f, %d of %d busy", service->name,
            level_name(service->level), service->pressure > 0 ? service->pressure : 0,
            service->busy, service->slot_limit);
    }
}

static void add_cluster(struct top_frame *frame, const struct host_view *view)
{
    for (size_t i = 0; i < view->other_count && i < OTHERS_SHOWN; i++) {
        const struct other_host *other = &view->others[i];
        add(frame, "%-9s %.40s: %s, pressure %.2f", i == 0 ? "cluster" : "", other->name,
            level_name(other->level), other->pressure > 0 ? other->pressure : 0);
    }
    if (view->other_count > OTHERS_SHOWN)
        add(frame, "          and %zu more hosts", view->other_count - OTHERS_SHOWN);
}

static void add_sessions(struct top_frame *frame, const struct top_sessions *sessions)
{
    char line[TOP_COLUMNS * 2];
    int length = snprintf(line, sizeof(line), "sessions ");
    if (!sessions->is_known) {
        add(frame, "sessions  no milter of this host publishes them");
        return;
    }
    for (int class = CLASS_COUNT - 1; class >= 0; class --)
        length +=
            snprintf(line + length, sizeof(line) - (size_t)length, " %s %d",
                     client_class_name((enum client_class) class), sessions->of_class[class]);
    add(frame, "%s", line);
    add(frame, "%s", "");
    add(frame, "%-39s %-9s %-9s %8s %8s", "client", "class", "state", "held", "silent");
    for (size_t i = 0; i < sessions->holder_count; i++) {
        const struct top_holder *holder = &sessions->holders[i];
        add(frame, "%-39.39s %-9.9s %-9.9s %7.1fs %7.1fs", holder->client, holder->class,
            holder->state, holder->held_s, holder->silent_s);
    }
}

void top_frame_build(struct top_frame *frame, const struct top *top, const char *host)
{
    const struct host_state *state = &top->view.state;
    *frame = (struct top_frame){.count = 0};
    if (top->error.text[0] != '\0')
        add(frame, "%.30s  %s", host, top->error.text);
    else if (!top->view.is_published)
        add(frame, "%.30s  no daemon of this host publishes its state", host);
    else
        add_level(frame, &state->services[0], host);
    add_forced(frame, &top->view.overrides);
    if (top->view.is_published) {
        add_slots(frame, &state->services[0]);
        add_services(frame, state);
        add(frame, "publisher %s; Postfix stress: %s", publisher_name(state->publisher),
            state->services[0].is_postfix_stressed ? "yes" : "no");
    }
    add_sparkline(frame, top);
    add_cluster(frame, &top->view);
    add_sessions(frame, &top->sessions);
}

/* -- JSON --------------------------------------------------------------------------------- */

json_t *top_json(const struct top *top, const char *host)
{
    const struct host_state *state = &top->view.state;
    return json_pack("{s:s, s:o, s:o, s:o}", "host", host, "publisher",
                     top->view.is_published ? json_string(publisher_name(state->publisher))
                                            : json_null(),
                     "services", host_view_services_json(&top->view), "top",
                     top_sessions_json(&top->sessions));
}
