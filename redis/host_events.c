#include "redis/host_events.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_SIZE 24

void host_events_note_history_cap(struct host_exchange *exchange,
                                  const struct history_cap_news *news)
{
    char share[NUMBER_SIZE], connections[NUMBER_SIZE];
    snprintf(share, sizeof(share), "%.2f", news->share);
    snprintf(connections, sizeof(connections), "%" PRIu64, news->connections);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("state"), slice_from_string(news->is_reached ? "reached" : "left")},
        {SLICE_LITERAL("share"), slice_from_string(share)},
        {SLICE_LITERAL("connections"), slice_from_string(connections)},
    };
    host_exchange_note_event(exchange, "history-cap", fields,
                             sizeof(fields) / sizeof(fields[0]));
}

void host_events_note_reclaim(struct host_exchange *exchange, const struct reclaim_news *news)
{
    char slots[NUMBER_SIZE], held[NUMBER_SIZE], client[ADDRESS_TEXT_SIZE];
    snprintf(slots, sizeof(slots), "%d", news->slots);
    snprintf(held, sizeof(held), "%.1f", (double)news->held_ms / 1000);
    address_format(&news->client, client);
    const struct redis_field fields[] = {
        {SLICE_LITERAL("slots"), slice_from_string(slots)},
        {SLICE_LITERAL("client"), slice_from_string(client)},
        {SLICE_LITERAL("class"), slice_from_string(client_class_name(news->class))},
        {SLICE_LITERAL("reason"), slice_from_string(reclaim_reason_name(news->reason))},
        {SLICE_LITERAL("held_s"), slice_from_string(held)},
    };
    host_exchange_note_event(exchange, "reclaim", fields, sizeof(fields) / sizeof(fields[0]));
}
