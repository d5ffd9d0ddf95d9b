#include "policyd/http_metrics.h"

#include "common/memory.h"
#include "common/metrics_text.h"
#include "config.h"
#include "host/count.h"
#include "view/metrics_view.h"

#include <stdlib.h>
#include <string.h>

struct buffer http_metrics_render(struct redis_session *session, const char *host)
{
    struct buffer text = BUFFER_WITH_MAXIMUM(METRICS_TEXT_MAX);
    struct counter_snapshot *snapshot = memory_allocate(1, sizeof(*snapshot));
    struct error error;
    if (session && !metrics_view_read(session, host, COUNTER_PROCESS_POLICYD, snapshot, &error))
        memset(snapshot, 0, sizeof(*snapshot)); /* not half of it */
    counter_snapshot_set(snapshot, COUNTER_PROCESS_POLICYD, count_set());
    metrics_text_render(snapshot, PACKAGE_VERSION, &text);
    free(snapshot);
    return text;
}
