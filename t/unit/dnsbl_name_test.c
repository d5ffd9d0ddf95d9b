#include "common/dnsbl_name.h"
#include "t/unit/tap.h"

static const char label63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static const struct {
    const char *address, *name; /* NULL: nothing to ask for */
} addresses[] = {
    {"192.0.2.99", "99.2.0.192.list.example"},
    {"0.0.0.0", "0.0.0.0.list.example"},
    {"255.255.255.255", "255.255.255.255.list.example"},
    {"::ffff:192.0.2.1", "1.2.0.192.list.example"},
    {"2001:db8:1:2:3:4:567:89ab",
     "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.list.example"},
    {"::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.list.example"},
    {"unknown", NULL},
    {"", NULL},
};

static const struct {
    const char *domain, *name;
} domains[] = {
    {"mail.example.org", "mail.example.org.list.example"},
    {"MAIL.Example.ORG", "mail.example.org.list.example"},
    {"user@example.org", "example.org.list.example"},
    {"a@b@example.org", "example.org.list.example"},
    {"\"a@b\"@x.org", "x.org.list.example"},
    {"localhost", "localhost.list.example"},
    {"_x.a-b.org", "_x.a-b.org.list.example"},
    {"4u.org", "4u.org.list.example"},
    {"", NULL},
    {"user@", NULL},
    {"[192.0.2.1]", NULL},
    {"u@[192.0.2.1]", NULL},
    {"192.0.2.1", NULL}, /* lists take it for an address */
    {"x.y.42", NULL},
    {"42", NULL},
    {"example.org.", NULL},
    {".example.org", NULL},
    {"a..b", NULL},
    {"-a.org", NULL},
    {"a-.org", NULL},
    {"a b.org", NULL},
    {"a/b.org", NULL},
    {"b\xc3\xbc"
     "cher.example",
     NULL},
};

static void test_addresses(void)
{
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        char name[DNSBL_NAME_SIZE] = "?";
        struct address address;
        address_parse(slice_from_string(addresses[i].address), &address);
        ok(dnsbl_name_from_address(&address, SLICE_LITERAL("List.Example"), name) ==
               (addresses[i].name != NULL),
           "address \"%s\"", addresses[i].address);
        is_string(name, addresses[i].name ? addresses[i].name : "", "... its name");
    }
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 2};
    char name[DNSBL_NAME_SIZE];
    ok(dnsbl_name_from_ipv6(mapped, SLICE_LITERAL("z"), name), "a mapped address in nibbles");
    is_string(name, "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.z",
              "... is the test point of RFC 5782");
}

static void test_domains(void)
{
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        char name[DNSBL_NAME_SIZE] = "?";
        ok(dnsbl_name_from_domain(slice_from_string(domains[i].domain),
                                  SLICE_LITERAL("LIST.example"),
                                  name) == (domains[i].name != NULL),
           "domain \"%s\"", domains[i].domain);
        is_string(name, domains[i].name ? domains[i].name : "", "... its name");
    }
}

static void test_lengths(void)
{
    char domain[300], zone[300], name[DNSBL_NAME_SIZE];
    snprintf(domain, sizeof(domain), "%s.%s.%s", label63, label63, label63); /* 191 */
    snprintf(zone, sizeof(zone), "%.61s", label63);
    ok(dnsbl_name_from_domain(slice_from_string(domain), slice_from_string(zone), name),
       "a name as long as can be");
    is_number(strlen(name), DNSBL_NAME_MAX, "... has its length");
    snprintf(zone, sizeof(zone), "%.62s", label63);
    ok(!dnsbl_name_from_domain(slice_from_string(domain), slice_from_string(zone), name) &&
           name[0] == '\0',
       "... one that is too long");
    snprintf(domain, sizeof(domain), "%sa.org", label63);
    ok(!dnsbl_name_from_domain(slice_from_string(domain), SLICE_LITERAL("z"), name),
       "a label that is too long");
    ok(!dnsbl_name_from_domain(SLICE_LITERAL("a.b"), (struct slice){NULL, 0}, name), "no zone");
    memset(domain, 'a', sizeof(domain));
    ok(!dnsbl_name_from_domain((struct slice){domain, sizeof(domain)}, SLICE_LITERAL("z"),
                               name),
       "a very long domain");
}

static void test_hostnames(void)
{
    static const struct {
        const char *name;
        bool is_hostname;
    } names[] = {
        {"zen.example", true}, {"a", true},     {"1a", true},   {"1.a", true},
        {"1.2", false},        {"1-2", true},   {"", false},    {"a.", false},
        {"a.b_c-d.e", true},   {"a.-b", false}, {"*.a", false}, {"a\tb", false},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ok(dnsbl_is_hostname(slice_from_string(names[i].name)) == names[i].is_hostname,
           "\"%s\" is %s host name", names[i].name, names[i].is_hostname ? "a" : "no");
}

int main(void)
{
    test_addresses();
    test_domains();
    test_lengths();
    test_hostnames();
    return done_testing();
}
