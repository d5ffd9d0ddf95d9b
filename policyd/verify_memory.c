#include "policyd/verify_memory.h"

#include "common/memory.h"
#include "host/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SESSIONS_MAX   4096
#define SESSION_MS     (3600 * 1000)
#define ASKED_MAX      4 /* addresses of a session whose outcome is awaited */
#define DEFERRALS_MAX  4096
#define DEFERRED_MS    (24 * 3600 * 1000)
#define DEFERRAL_BYTES (RECIPIENT_HASH_SIZE + sizeof(struct address))

_Static_assert(DEFERRAL_BYTES <= L1_STORE_KEY_MAX, "it fits");

struct verify_memory {
    struct l1_store *records;   /* struct recipient_record by hash */
    struct l1_store *sessions;  /* struct guesses by session */
    struct l1_store *deferrals; /* int64_t, when it was first deferred, by hash and network */
};

struct guesses {
    int64_t count;
    size_t asked_count;
    struct recipient_hash asked[ASKED_MAX];
};

struct verify_memory *verify_memory_create(size_t entries)
{
    struct verify_memory *memory = memory_allocate(1, sizeof(*memory));
    uint8_t seed[SIPHASH_KEY_SIZE] = {0};
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        log_warning(
            "policyd: no random bytes: clients can choose who shares a place in memory");
    memory->records =
        l1_store_create(entries, RECIPIENT_HASH_SIZE, sizeof(struct recipient_record), seed);
    memory->sessions =
        l1_store_create(SESSIONS_MAX, sizeof(uint64_t), sizeof(struct guesses), seed);
    memory->deferrals = l1_store_create(DEFERRALS_MAX, DEFERRAL_BYTES, sizeof(int64_t), seed);
    return memory;
}

void verify_memory_free(struct verify_memory *memory)
{
    if (!memory)
        return;
    l1_store_free(memory->records);
    l1_store_free(memory->sessions);
    l1_store_free(memory->deferrals);
    free(memory);
}

static struct slice key_of(const struct recipient_hash *hash)
{
    return (struct slice){(const char *)hash->bytes, sizeof(hash->bytes)};
}

enum l1_result verify_memory_get(struct verify_memory *memory,
                                 const struct recipient_hash *hash, int64_t now_ms,
                                 struct recipient_record *record_r)
{
    void *value;
    enum l1_result result = l1_store_get(memory->records, key_of(hash), now_ms, &value);
    *record_r = value ? *(struct recipient_record *)value
                      : (struct recipient_record){.status = RECIPIENT_UNKNOWN};
    return result;
}

void verify_memory_put(struct verify_memory *memory, const struct recipient_hash *hash,
                       const struct recipient_record *record, int64_t fresh_ms, int64_t now_ms)
{
    int64_t until_ms = record->status == RECIPIENT_DELIVERABLE ? now_ms + fresh_ms : now_ms;
    if (record->status == RECIPIENT_UNKNOWN)
        l1_store_remove(memory->records, key_of(hash));
    else
        l1_store_put(memory->records, key_of(hash), record, until_ms);
}

static struct slice key_of_session(const uint64_t *session)
{
    return (struct slice){(const char *)session, sizeof(*session)};
}

static struct guesses get_guesses(struct verify_memory *memory, const uint64_t *session,
                                  int64_t now_ms)
{
    void *value;
    bool is_there =
        l1_store_get(memory->sessions, key_of_session(session), now_ms, &value) == L1_FRESH;
    return is_there ? *(struct guesses *)value : (struct guesses){.count = 0};
}

static void put_guesses(struct verify_memory *memory, const uint64_t *session,
                        const struct guesses *guesses, int64_t now_ms)
{
    if (*session != RECIPIENT_ANY_SESSION)
        l1_store_put(memory->sessions, key_of_session(session), guesses, now_ms + SESSION_MS);
}

void verify_memory_note_asked(struct verify_memory *memory, uint64_t session,
                              const struct recipient_hash *hash, int64_t now_ms)
{
    struct guesses guesses = get_guesses(memory, &session, now_ms);
    if (guesses.asked_count == ASKED_MAX) {
        guesses.asked_count--;
        memmove(guesses.asked, guesses.asked + 1, guesses.asked_count * sizeof(*hash));
    }
    guesses.asked[guesses.asked_count++] = *hash;
    put_guesses(memory, &session, &guesses, now_ms);
}

void verify_memory_note_guess(struct verify_memory *memory, uint64_t session, int64_t now_ms)
{
    struct guesses guesses = get_guesses(memory, &session, now_ms);
    guesses.count++;
    put_guesses(memory, &session, &guesses, now_ms);
}

int64_t verify_memory_guesses(struct verify_memory *memory, uint64_t session, int64_t now_ms)
{
    if (session == RECIPIENT_ANY_SESSION)
        return 0;
    struct guesses guesses = get_guesses(memory, &session, now_ms);
    size_t kept = 0;
    for (size_t i = 0; i < guesses.asked_count; i++) {
        struct recipient_record record;
        verify_memory_get(memory, &guesses.asked[i], now_ms, &record);
        if (record.status == RECIPIENT_UNDELIVERABLE)
            guesses.count++;
        else if (record.status != RECIPIENT_DELIVERABLE)
            guesses.asked[kept++] = guesses.asked[i];
    }
    if (kept < guesses.asked_count) {
        guesses.asked_count = kept;
        put_guesses(memory, &session, &guesses, now_ms);
    }
    return guesses.count;
}

bool verify_memory_has_come_back(struct verify_memory *memory, const struct address *client,
                                 const struct recipient_hash *hash, int64_t retry_ms,
                                 int64_t now_ms)
{
    char text[DEFERRAL_BYTES];
    const struct slice key = {text, sizeof(text)};
    struct address network = *client;
    size_t prefix = network.family == ADDRESS_IPV4 ? 3 : 8; /* a pool of senders is in a /24 */
    void *value;
    memset(network.bytes + prefix, 0, sizeof(network.bytes) - prefix);
    memcpy(text, hash->bytes, RECIPIENT_HASH_SIZE);
    memcpy(text + RECIPIENT_HASH_SIZE, &network, sizeof(network));
    if (l1_store_get(memory->deferrals, key, now_ms, &value) == L1_FRESH)
        return now_ms - *(int64_t *)value >= retry_ms;
    l1_store_put(memory->deferrals, key, &now_ms, now_ms + DEFERRED_MS);
    return false;
}
