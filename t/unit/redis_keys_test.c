#include "common/redis_command.h"
#include "common/redis_keys.h"

#include "t/unit/tap.h"

static const struct {
    const char *prefix, *client, *key;
} clients[] = {
    {"pv:", "192.0.2.1", "pv:client:192.0.2.1"},
    {"pv:", "::ffff:192.0.2.1", "pv:client:192.0.2.1"},
    {"", "2001:db8:1:2:3:4:5:6", "client:2001:db8:1:2::/64"},
    {"{x}", "ffff:ffff:ffff:ffff::", "{x}client:ffff:ffff:ffff:ffff::/64"},
};

static const struct {
    const char *host, *key;
} hosts[] = {
    {"mx1.example.com", "pv:host:mx1.example.com"},
    {"MX_1-a", "pv:host:MX_1-a"},
    {"", "pv:host:"},
    {"a b\r\nc:*", "pv:host:a%20b%0D%0Ac%3A%2A"},
    {"\xff", "pv:host:%FF"},
};

static void test_keys(void)
{
    struct redis_key key;
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        struct address address;
        address_parse(slice_from_string(clients[i].client), &address);
        struct client_key client = client_key_from_address(&address);
        redis_key_client(&key, clients[i].prefix, &client);
        is_string(key.text, clients[i].key, clients[i].client);
        is_number(key.length, strlen(clients[i].key), "its length");
    }
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        redis_key_host(&key, "pv:", hosts[i].host);
        is_string(key.text, hosts[i].key, hosts[i].key);
    }
}

static void test_lengths(void)
{
    char name[400], prefix[400];
    struct redis_key key, other;
    memset(name, 'n', sizeof(name) - 1);
    memset(prefix, 'p', sizeof(prefix) - 1);
    name[sizeof(name) - 1] = prefix[sizeof(prefix) - 1] = '\0';

    redis_key_host(&key, prefix, name);
    ok(key.length < REDIS_KEY_SIZE && strlen(key.text) == key.length, "never too long");
    is_number(key.length, REDIS_PREFIX_MAX + strlen("host:") + REDIS_NAME_MAX, "cut");
    name[300] = 'x';
    redis_key_host(&other, prefix, name);
    ok(strcmp(key.text, other.text) != 0, "two names that are cut stay two keys");
    memset(name, '\n', sizeof(name) - 1);
    redis_key_host(&key, "pv:", name);
    ok(key.length <= strlen("pv:host:") + REDIS_NAME_MAX, "nor with escapes");
    ok(!strchr(key.text, '\n'), "which are whole");
    name[REDIS_NAME_MAX] = '\0';
    memset(name, 'n', REDIS_NAME_MAX);
    redis_key_host(&key, "pv:", name);
    ok(!strchr(key.text, '~'), "as long as may be is not cut");
}

static bool starts_with(const struct redis_command *command, const char *text)
{
    return command->length >= strlen(text) && memcmp(command->data, text, strlen(text)) == 0;
}

static void test_commands(void)
{
    char buffer[200], small[20];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct redis_field fields[] = {{SLICE_LITERAL("level"), SLICE_LITERAL("calm")}};

    redis_command_read_hash(&command, SLICE_LITERAL("k\r\n"));
    ok(starts_with(&command, "*2\r\n$7\r\nHGETALL\r\n$3\r\nk\r\n\r\n") && command.length == 26,
       "HGETALL of any bytes");
    command = REDIS_COMMAND(buffer);
    redis_command_write_hash(&command, SLICE_LITERAL("k"), fields, 1, 10);
    buffer[command.length] = '\0';
    is_string(buffer,
              "*4\r\n$4\r\nHSET\r\n$1\r\nk\r\n$5\r\nlevel\r\n$4\r\ncalm\r\n"
              "*3\r\n$6\r\nEXPIRE\r\n$1\r\nk\r\n$2\r\n10\r\n",
              "HSET and EXPIRE");
    command = REDIS_COMMAND(small);
    redis_command_read_hash(&command, SLICE_LITERAL("key"));
    ok(command.is_overflown && command.length <= sizeof(small), "no room: marked");
    redis_command_add(&command, SLICE_LITERAL(""));
    ok(command.is_overflown, "for good");
}

static void test_update(void)
{
    char buffer[REDIS_COMMAND_SCRIPT_SIZE], digest[40], key[REDIS_KEY_SIZE - 1], begin[64];
    struct redis_command command = REDIS_COMMAND(buffer);
    struct session_outcome most = {.is_hung_up = true};
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        most.counts[kind] = 1.23456e-30f; /* as long as a number gets */
    memset(digest, 'd', sizeof(digest));
    memset(key, 'k', sizeof(key));
    redis_command_update_client(&command, (struct slice){digest, sizeof(digest)},
                                (struct slice){key, sizeof(key)}, &most, INT64_MAX);
    ok(command.length <= REDIS_COMMAND_UPDATE_SIZE, "EVALSHA fits its stated size (%zu bytes)",
       command.length);
    snprintf(begin, sizeof(begin), "*%d\r\n$7\r\nEVALSHA\r\n$40\r\n",
             4 + CLIENT_RECORD_ARGUMENTS);
    ok(starts_with(&command, begin), "with a digest");

    command = REDIS_COMMAND(buffer);
    redis_command_update_client(&command, (struct slice){NULL, 0},
                                (struct slice){key, sizeof(key)}, &most, INT64_MAX);
    ok(!command.is_overflown, "as does EVAL (%zu bytes)", command.length);
    snprintf(begin, sizeof(begin), "*%d\r\n$4\r\nEVAL\r\n", 4 + CLIENT_RECORD_ARGUMENTS);
    ok(starts_with(&command, begin), "without one");
}

int main(void)
{
    test_keys();
    test_lengths();
    test_commands();
    test_update();
    return done_testing();
}
