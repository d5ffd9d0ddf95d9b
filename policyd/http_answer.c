#include "policyd/http_answer.h"

#include "common/memory.h"
#include "common/metrics_text.h"
#include "host/clock.h"
#include "policyd/api.h"
#include "policyd/http_metrics.h"
#include "policyd/page_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_TIMEOUT_MS 250
#define METRICS_PATH     "/metrics"
#define METRICS_KEEP_MS  500
#define COST_MAX         200 /* of questions to Redis, a second: it is there for mail first */
#define KEPT_MAX         16  /* answers */
#define KEPT_TARGET_MAX  128 /* bytes of path and query */
#define JSON_FLAGS       (JSON_COMPACT | JSON_REAL_PRECISION(14) | JSON_ENSURE_ASCII)

/* For all replies, errors included. The page needs nothing from elsewhere. */
#define SECURITY_HEADERS                                                                       \
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; "       \
    "frame-ancestors 'none'\r\n"                                                               \
    "X-Content-Type-Options: nosniff\r\n"                                                      \
    "X-Frame-Options: DENY\r\n"                                                                \
    "Referrer-Policy: no-referrer\r\n"                                                         \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                            \
    "Cross-Origin-Opener-Policy: same-origin\r\n"

struct kept_answer {
    char target[KEPT_TARGET_MAX]; /* "": none */
    int64_t until_ms;
    int status;
    const char *type;
    char *text;
    size_t length;
};

struct http_answerer {
    const struct config *config;
    struct api api;
    struct redis_session session;
    struct kept_answer kept[KEPT_MAX];
    size_t next; /* of kept, to be replaced */
    int64_t cost_since_ms;
    int cost; /* since then, of what was asked */
};

/* What is answered, before it is written down. */
struct content {
    int status;
    const char *type;
    bool is_static;
    struct slice body;
    char *owned;
};

struct http_answerer *http_answerer_create(const struct config *config,
                                           struct stress_monitor *monitor)
{
    struct http_answerer *answerer = memory_allocate(1, sizeof(*answerer));
    struct error ignored; /* without Redis each answer says so */
    answerer->config = config;
    answerer->api.config = config;
    answerer->api.monitor = monitor;
    hostname_get(config->host, answerer->api.host);
    if (redis_session_open(&answerer->session, &config->redis, REDIS_USE_READ, &ignored)) {
        answerer->session.timeout_ms = REDIS_TIMEOUT_MS;
        answerer->api.session = &answerer->session;
    }
    return answerer;
}

void http_answerer_free(struct http_answerer *answerer)
{
    redis_session_close(&answerer->session);
    for (size_t i = 0; i < KEPT_MAX; i++)
        free(answerer->kept[i].text);
    free(answerer);
}

/* -- JSON --------------------------------------------------------------------------------- */

static void set_json(struct content *content, int status, json_t *root)
{
    content->status = status;
    content->type = "application/json";
    content->owned = json_dumps(root, JSON_FLAGS);
    content->body = slice_from_string(content->owned);
    json_decref(root);
}

static void set_error(struct content *content, int status, const char *text)
{
    json_t *error = json_string(text);
    set_json(
        content, status,
        json_pack("{s:o, s:i}", "error", error ? error : json_string("?"), "status", status));
}

/* -- answers that are kept ---------------------------------------------------------------- */

static bool answer_kept(const struct http_answerer *answerer, const char *target,
                        int64_t now_ms, struct content *content)
{
    for (size_t i = 0; i < KEPT_MAX; i++) {
        const struct kept_answer *kept = &answerer->kept[i];
        if (!kept->text || strcmp(kept->target, target) != 0 || now_ms >= kept->until_ms)
            continue;
        content->status = kept->status;
        content->type = kept->type;
        content->body = (struct slice){kept->text, kept->length};
        return true;
    }
    return false;
}

/* Takes the memory of the content over, which it may still use for this answer. */
static void keep(struct http_answerer *answerer, const char *target, struct content *content,
                 int64_t until_ms)
{
    struct kept_answer *kept = &answerer->kept[answerer->next];
    answerer->next = (answerer->next + 1) % KEPT_MAX;
    free(kept->text);
    *kept = (struct kept_answer){.until_ms = until_ms,
                                 .status = content->status,
                                 .type = content->type,
                                 .text = content->owned,
                                 .length = content->body.length};
    snprintf(kept->target, sizeof(kept->target), "%s", target);
    content->owned = NULL;
}

/* -- endpoints ---------------------------------------------------------------------------- */

/* False: the name is none of a host. */
static bool choose_host(const struct http_answerer *answerer, struct slice query,
                        char out[static HOSTNAME_SIZE])
{
    char given[HOSTNAME_SIZE];
    if (!http_query_has(query, "host")) {
        snprintf(out, HOSTNAME_SIZE, "%s", answerer->api.host);
        return true;
    }
    if (!http_query_get(query, "host", given, sizeof(given)) || given[0] == '\0')
        return false;
    hostname_get(given, out);
    return strcmp(out, given) == 0;
}

static void ask_api(struct http_answerer *answerer, const struct api_row *row,
                    struct slice query, struct content *content)
{
    struct api_question question = {.api = &answerer->api, .query = query};
    struct error error = {""};
    int status = 503;
    if (!choose_host(answerer, query, question.host)) {
        set_error(content, 400, "host: the name of a host is wanted");
        return;
    }
    json_t *root = row->function(&question, &status, &error);
    if (root)
        set_json(content, 200, root);
    else
        set_error(content, status, error.text);
}

/* Whoever asks something else each time is not answered from what is kept. */
static bool may_ask(struct http_answerer *answerer, int cost, int64_t now_ms)
{
    if (now_ms - answerer->cost_since_ms >= 1000) {
        answerer->cost_since_ms = now_ms;
        answerer->cost = 0;
    }
    answerer->cost += cost;
    return answerer->cost <= COST_MAX;
}

static void answer_api(struct http_answerer *answerer, const struct api_row *row,
                       const struct http_request *request, struct content *content)
{
    char target[KEPT_TARGET_MAX];
    int64_t now_ms = clock_monotonic_ms();
    int length = snprintf(target, sizeof(target), "%s?%.*s", row->path,
                          (int)request->query.length, request->query.data);
    bool may_keep = row->keep_ms > 0 && length > 0 && (size_t)length < sizeof(target);
    if (may_keep && answer_kept(answerer, target, now_ms, content))
        return;
    if (!may_ask(answerer, row->cost, now_ms)) {
        set_error(content, 429, "too many different questions: try again in a second");
        return;
    }
    ask_api(answerer, row, request->query, content);
    if (may_keep)
        keep(answerer, target, content, now_ms + row->keep_ms);
}

static bool answer_file(struct slice path, struct content *content)
{
    for (size_t i = 0; i < page_files_count; i++) {
        if (!slice_equals(path, slice_from_string(page_files[i].path)))
            continue;
        content->status = 200;
        content->type = page_files[i].type;
        content->is_static = true;
        content->body = page_files[i].content;
        return true;
    }
    return false;
}

static void answer_metrics(struct http_answerer *answerer, struct content *content)
{
    int64_t now_ms = clock_monotonic_ms();
    if (answer_kept(answerer, METRICS_PATH, now_ms, content))
        return;
    struct buffer text = http_metrics_render(answerer->api.session, answerer->api.host);
    content->status = 200;
    content->type = METRICS_TEXT_CONTENT_TYPE;
    content->owned = text.data;
    content->body = (struct slice){text.data, text.length};
    keep(answerer, METRICS_PATH, content, now_ms + METRICS_KEEP_MS);
}

static void answer(struct http_answerer *answerer, const struct http_request *request,
                   struct content *content)
{
    if (!http_host_is_ours(request->host, &answerer->config->http.hosts)) {
        set_error(content, 421, "this name is not in http.hosts");
        return;
    }
    for (const struct api_row *row = api_table; row->path; row++)
        if (slice_equals(request->path, slice_from_string(row->path))) {
            answer_api(answerer, row, request, content);
            return;
        }
    if (slice_equals(request->path, slice_from_string(METRICS_PATH)))
        answer_metrics(answerer, content);
    else if (!answer_file(request->path, content))
        set_error(content, 404, "there is nothing of this name; /api/ has a list");
}

/* -- the reply ---------------------------------------------------------------------------- */

static void write_head(const struct content *content, struct http_reply *reply)
{
    int length =
        snprintf(reply->head, sizeof(reply->head),
                 "HTTP/1.1 %d %s\r\n"
                 "Content-Type: %s\r\n"
                 "Content-Length: %zu\r\n"
                 "Cache-Control: %s\r\n"
                 "%s%s%s\r\n",
                 content->status, http_status_text(content->status), content->type,
                 content->body.length, content->is_static ? "no-cache" : "no-store",
                 content->status == 405 ? "Allow: GET, HEAD\r\n" : "",
                 reply->is_keep_alive ? "" : "Connection: close\r\n", SECURITY_HEADERS);
    reply->head_length = (size_t)length; /* HTTP_HEAD_SIZE is more */
}

void http_answerer_answer(struct http_answerer *answerer, const struct http_request *request,
                          int status, struct http_reply *reply_r)
{
    struct content content = {.status = status};
    *reply_r = (struct http_reply){.is_keep_alive = status == 0 && request->is_keep_alive};
    if (status == 0)
        answer(answerer, request, &content);
    else
        set_error(&content, status, http_status_text(status));
    if (content.body.length > HTTP_REPLY_MAX - HTTP_HEAD_SIZE) {
        free(content.owned);
        set_error(&content, 500, "the answer is too long");
    }
    reply_r->body = content.body;
    reply_r->owned = content.owned;
    write_head(&content, reply_r);
}

void http_reply_release(struct http_reply *reply)
{
    free(reply->owned);
    reply->owned = NULL;
}
