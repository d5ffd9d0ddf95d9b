/* How sessions ended: what a sight says, and real connections. */
#include "host/session_watch.h"

#include "host/inode_set.h"
#include "t/unit/tap.h"
#include "t/unit/tcp.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CLIENTS 6

static void test_sights(void)
{
    static const struct {
        const char *what;
        struct session_sight sight;
        bool is_judged;
        enum session_ending ending;
    } table[] = {
        {"new", {false, 0, 0, 5}, false, SESSION_SERVED},
        {"has its banner", {false, 0, 40, 200}, false, SESSION_SERVED},
        {"is silent", {false, 0, 40, 1000}, true, SESSION_SILENT},
        {"still has no banner", {false, 0, 0, 60000}, false, SESSION_SERVED},
        {"speaks", {false, 30, 40, 10}, true, SESSION_SERVED},
        {"speaks no more", {false, 30, 40, 9999}, true, SESSION_SERVED},
        {"left without a word", {true, 1, 40, 10}, true, SESSION_LOST},
        {"left before a banner", {true, 1, 0, 10}, true, SESSION_LOST},
        {"left after some words", {true, 7, 40, 10}, true, SESSION_SERVED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        enum session_ending ending = SESSION_SERVED;
        bool is_judged = session_sight_judge(&table[i].sight, &ending);
        ok(is_judged == table[i].is_judged && (!is_judged || ending == table[i].ending),
           "a client that %s", table[i].what);
    }
}

struct pair {
    int client, session;
};

static void end(const struct pair *pair)
{
    close(pair->client);
    close(pair->session);
}

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), 0) < 0)
        perror("send");
}

/* Adds up looks until so many have ended, or for a while. */
static bool ended_are(struct session_watch *watch, const struct inode_set *excluded, int served,
                      int lost, int silent)
{
    int sum[SESSION_ENDING_COUNT] = {0}, ended[SESSION_ENDING_COUNT];
    for (int i = 0; i < 50; i++) {
        if (!session_watch_look(watch, excluded, ended))
            return false;
        for (int j = 0; j < SESSION_ENDING_COUNT; j++)
            sum[j] += ended[j];
        if (sum[SESSION_SERVED] + sum[SESSION_LOST] + sum[SESSION_SILENT] >=
            served + lost + silent)
            break;
        poll(NULL, 0, 10);
    }
    printf("# served %d lost %d silent %d\n", sum[SESSION_SERVED], sum[SESSION_LOST],
           sum[SESSION_SILENT]);
    return sum[SESSION_SERVED] == served && sum[SESSION_LOST] == lost &&
           sum[SESSION_SILENT] == silent;
}

static void connect_all(int listener, uint16_t port, struct pair pairs[static CLIENTS])
{
    union any_address address;
    socklen_t length = tcp_address(&address, "127.0.0.1", port);
    for (int i = 0; i < CLIENTS; i++) {
        pairs[i].client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(pairs[i].client, &address.any, length) < 0)
            perror("connect");
        pairs[i].session = accept(listener, NULL, NULL);
    }
}

static void test_connections(void)
{
    struct pair pairs[CLIENTS];
    uint16_t port = 0;
    int ended[SESSION_ENDING_COUNT];
    int listener = tcp_listen("127.0.0.1", &port, CLIENTS);
    struct session_watch *watch = session_watch_open(port);
    connect_all(listener, port, pairs);
    ok(session_watch_look(watch, NULL, ended), "a first look");
    for (int i = 0; i < CLIENTS; i++)
        if (i != 5)
            say(pairs[i].session, "220 host ESMTP\r\n");
    say(pairs[0].client, "EHLO client\r\n");
    shutdown(pairs[1].client, SHUT_WR);
    poll(NULL, 0, SESSION_WATCH_SILENT_MS + 100);
    ok(ended_are(watch, NULL, 0, 0, 0), "nobody has ended");
    end(&pairs[0]);
    ok(ended_are(watch, NULL, 1, 0, 0), "one that spoke");
    end(&pairs[1]);
    ok(ended_are(watch, NULL, 0, 1, 0), "one that left");
    end(&pairs[2]);
    end(&pairs[3]);
    ok(ended_are(watch, NULL, 0, 0, 2), "two that were silent");
    end(&pairs[5]);
    ok(ended_are(watch, NULL, 0, 0, 0), "one that had no banner does not count");

    struct stat status;
    fstat(pairs[4].session, &status);
    uint64_t inode = status.st_ino;
    const struct inode_set excluded = {&inode, 1, 1};
    ok(ended_are(watch, &excluded, 0, 0, 1), "who is no session any more has ended");
    end(&pairs[4]);
    ok(ended_are(watch, &excluded, 0, 0, 0), "... once");
    session_watch_close(watch);
    session_watch_close(NULL);
    close(listener);
}

int main(void)
{
    test_sights();
    test_connections();
    return done_testing();
}
