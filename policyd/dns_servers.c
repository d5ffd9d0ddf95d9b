#include "policyd/dns_servers.h"

#include "host/log.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define DNS_PORT         "53"
#define LINE_SIZE        1024
#define SILENT_MAX       8     /* tries in a row without an answer: another one is the first */
#define GIVEN_ANOTHER_MS 60000 /* the configured order counts again after this */

static void add(struct dns_servers *servers, const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    if (servers->count == DNS_SERVERS_MAX || getaddrinfo(host, port, &hints, &found) != 0)
        return;
    struct dns_server *server = &servers->items[servers->count++];
    memcpy(&server->address, found->ai_addr, found->ai_addrlen);
    server->address_length = found->ai_addrlen;
    freeaddrinfo(found);
}

static void read_file(struct dns_servers *servers, const char *path)
{
    char line[LINE_SIZE], host[256];
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "nameserver %255s", host) == 1)
            add(servers, host, DNS_PORT);
    fclose(file);
}

void dns_servers_init(struct dns_servers *servers, const struct endpoint_list *endpoints,
                      const char *resolv_conf)
{
    memset(servers, 0, sizeof(*servers));
    for (size_t i = 0; i < endpoints->count; i++) {
        char port[8];
        size_t before = servers->count;
        snprintf(port, sizeof(port), "%u", (unsigned)endpoints->items[i].port);
        if (endpoints->items[i].type == ENDPOINT_INET)
            add(servers, endpoints->items[i].host, port);
        if (servers->count == before)
            log_warning("policyd: name server %s is not used: allowed: up to %d numeric "
                        "addresses",
                        endpoints->items[i].text, DNS_SERVERS_MAX);
    }
    if (endpoints->count == 0)
        read_file(servers, resolv_conf);
    if (servers->count == 0 && endpoints->count == 0)
        add(servers, "127.0.0.1", DNS_PORT);
}

size_t dns_servers_pick(struct dns_servers *servers, int64_t now_ms)
{
    if (servers->first != 0 && now_ms - servers->moved_ms >= GIVEN_ANOTHER_MS) {
        servers->first = 0;
        servers->silent = 0;
    }
    return servers->first;
}

size_t dns_servers_next(const struct dns_servers *servers, size_t server)
{
    return (server + 1) % servers->count;
}

void dns_servers_note_answer(struct dns_servers *servers, size_t server)
{
    if (server == servers->first)
        servers->silent = 0;
}

void dns_servers_note_silence(struct dns_servers *servers, size_t server, int64_t now_ms)
{
    if (server != servers->first || ++servers->silent < SILENT_MAX || servers->count < 2)
        return;
    servers->first = dns_servers_next(servers, server);
    servers->silent = 0;
    servers->moved_ms = now_ms;
    log_warning("policyd: name server number %zu does not answer: number %zu is asked first",
                server + 1, servers->first + 1);
}
