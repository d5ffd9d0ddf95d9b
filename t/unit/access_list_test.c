/* The list of who is let in and kept out: read with distrust, the smallest network counts. */
#include "common/access_list.h"

#include "t/unit/tap.h"

#define NOW_S 1800000000
#define SOON  "1800000060 1800000000 root@mx1 "

static struct access_list read_list(const char *const texts[][2], size_t count)
{
    struct redis_field fields[16];
    struct access_list list = {.count = 0};
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct redis_field){slice_from_string(texts[i][0]),
                                         slice_from_string(texts[i][1])};
    access_list_read(&list, fields, count);
    return list;
}
#define READ(...)                                                                              \
    read_list((const char *const[][2]){__VA_ARGS__},                                           \
              sizeof((const char *const[][2]){__VA_ARGS__}) / (2 * sizeof(char *)))

static const struct access_entry *find(const struct access_list *list, const char *text,
                                       int64_t now_s)
{
    struct address address;
    address_parse(slice_from_string(text), &address);
    return access_list_find(list, &address, now_s);
}

static void test_find(void)
{
    struct access_list list =
        READ({"version", "7"}, {"192.0.2.0/24", "block " SOON "a flood"},
             {"192.0.2.7", "allow 1800000030 1800000000 root@mx1 "},
             {"2001:db8::/32", "allow " SOON}, {"2001:db8:1::/48", "block " SOON},
             {"forget 192.0.2.9", "forget " SOON});
    is_number(list.count, 5, "entries");
    const struct access_entry *entry = find(&list, "192.0.2.1", NOW_S);
    ok(entry && entry->kind == ACCESS_BLOCK, "a network");
    is_string(entry ? entry->by : "", "root@mx1", "... by");
    is_string(entry ? entry->note : "", "a flood", "... note");
    entry = find(&list, "192.0.2.7", NOW_S);
    ok(entry && entry->kind == ACCESS_ALLOW, "the address before its network");
    is_string(entry ? entry->note : "-", "", "... no note");
    entry = find(&list, "192.0.2.7", NOW_S + 30);
    ok(entry && entry->kind == ACCESS_BLOCK, "... until it has run out");
    ok(!find(&list, "192.0.2.1", NOW_S + 60), "the network has run out too");
    ok(!find(&list, "192.0.3.1", NOW_S), "another network");
    entry = find(&list, "2001:db8:1::1", NOW_S);
    ok(entry && entry->kind == ACCESS_BLOCK, "the smaller network");
    entry = find(&list, "2001:db8:2::1", NOW_S);
    ok(entry && entry->kind == ACCESS_ALLOW, "the larger network");
    entry = find(&list, "192.0.2.9", NOW_S);
    ok(entry && entry->kind == ACCESS_BLOCK, "to forget is not to allow or block");
    access_list_free(&list);
    ok(!find(&list, "192.0.2.1", NOW_S), "nothing is left");
    access_list_read(&list, NULL, 0);
    ok(list.count == 0, "an empty hash");
}

static void test_distrust(void)
{
    static const char *const wrong[][2] = {
        {"192.0.2.1/24", "block " SOON},
        {"192.0.2", "block " SOON},
        {"", "block " SOON},
        {"192.0.2.1", ""},
        {"192.0.2.1", "block"},
        {"192.0.2.1", "block "},
        {"192.0.2.1", "block 1800000060"},
        {"192.0.2.1", "panic " SOON},
        {"192.0.2.1", "forget " SOON},
        {"192.0.2.1", "block -1 1800000000 root "},
        {"192.0.2.1", "block 9223372036854775807 1 root x"},
        {"192.0.2.1", "block 1831622401 1800000000 root "},
        {"192.0.2.1", "block 99999999999999999999 1 root x"},
        {"forget 1.2.3.4", "block " SOON},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct access_list list = read_list(&wrong[i], 1);
        ok(!find(&list, "192.0.2.1", NOW_S), "'%s' '%s': does not count", wrong[i][0],
           wrong[i][1]);
        access_list_free(&list);
    }
    static struct redis_field fields[ACCESS_LIST_MAX + 100];
    static char names[ACCESS_LIST_MAX + 100][16], value[4096];
    memset(value, 'x', sizeof(value));
    memcpy(value, "block " SOON, sizeof("block " SOON) - 1);
    for (int i = 0; i < ACCESS_LIST_MAX + 100; i++) {
        snprintf(names[i], sizeof(names[i]), "10.0.%d.%d", i / 256, i % 256);
        fields[i] = (struct redis_field){slice_from_string(names[i]), {value, sizeof(value)}};
    }
    struct access_list list = {.count = 0};
    access_list_read(&list, fields, sizeof(fields) / sizeof(fields[0]));
    ok(list.count >= ACCESS_LIST_MAX && list.count <= ACCESS_LIST_MAX + 1,
       "not all of too many");
    is_number(strlen(list.entries[0].note), ACCESS_NOTE_SIZE - 1, "a note is cut");
    access_list_free(&list);
}

static void test_key(void)
{
    static const char *const keys[][2] = {
        {"192.0.2.1", "192.0.2.1"},         {"192.0.2.1/32", "192.0.2.1"},
        {"192.0.2.0/24", "192.0.2.0/24"},   {"[2001:db8::]/32", "2001:db8::/32"},
        {"2001:DB8::1/128", "2001:db8::1"},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct network network;
        char text[ACCESS_KEY_SIZE] = "";
        if (network_parse(slice_from_string(keys[i][0]), &network))
            access_key_format(&network, text);
        is_string(text, keys[i][1], keys[i][0]);
    }
}

int main(void)
{
    test_find();
    test_distrust();
    test_key();
    return done_testing();
}
