/* Listening sockets: what is replaced, refused, removed, and who may connect. */
#include "host/listen_socket.h"

#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64];

struct place {
    char path[256];
    char text[300];
    struct endpoint endpoint;
};

static void place_unix(struct place *place, const char *name)
{
    snprintf(place->path, sizeof(place->path), "%s/%s", directory, name);
    snprintf(place->text, sizeof(place->text), "unix:%s", place->path);
    place->endpoint =
        (struct endpoint){.type = ENDPOINT_UNIX, .text = place->text, .path = place->path};
}

static void place_inet(struct place *place, const char *host, uint16_t port)
{
    snprintf(place->path, sizeof(place->path), "%s", host);
    snprintf(place->text, sizeof(place->text), "inet:%s:%u", host, (unsigned)port);
    place->endpoint = (struct endpoint){
        .type = ENDPOINT_INET, .text = place->text, .host = place->path, .port = port};
}

static struct socket_settings socket_settings(const char *owner, const char *group,
                                              int64_t mode)
{
    static char owner_text[32], group_text[32];
    snprintf(owner_text, sizeof(owner_text), "%s", owner);
    snprintf(group_text, sizeof(group_text), "%s", group);
    return (struct socket_settings){.owner = owner_text, .group = group_text, .mode = mode};
}

/* A socket as another program would make it; -1 stays for a stale one. */
static int foreign_socket(const char *path, bool is_listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        (is_listening && listen(fd, 5) < 0))
        perror(path);
    return fd;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_mode & 07777 : 07777;
}

static void test_unix(void)
{
    struct place place;
    struct listen_socket listener;
    struct error error = {""};
    struct socket_settings settings = socket_settings("", "", 0666);

    place_unix(&place, "plain");
    umask(027);
    ok(listen_socket_open(&place.endpoint, &settings, &listener, &error), "unix: opens (%s)",
       error.text);
    is_number(mode_of(place.path), 0666, "unix: the mode, whatever the umask");
    is_number(umask(022), 027, "unix: the umask is as before");
    ok(fcntl(listener.fd, F_GETFL) & O_NONBLOCK, "unix: non-blocking");
    ok(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC, "unix: close-on-exec");
    ok(endpoint_is_answering(&place.endpoint, 100, &error), "unix: answers");

    struct listen_socket second;
    ok(!listen_socket_open(&place.endpoint, &settings, &second, &error),
       "unix: live is refused");
    ok(strstr(error.text, "another program is listening"), "... with a reason: %s", error.text);
    is_number(second.fd, -1, "... without a descriptor");
    ok(!listen_socket_prepare_path(&place.endpoint, &error),
       "unix: prepare refuses a live one");

    listen_socket_close(&listener, &place.endpoint);
    ok(!is_there(place.path), "unix: close removes the file");
    is_number(listener.fd, -1, "unix: and closes");
    listen_socket_close(&listener, &place.endpoint);
    ok(!endpoint_is_answering(&place.endpoint, 100, &error), "unix: no answer: %s", error.text);
}

static void test_owner(void)
{
    struct place place;
    struct listen_socket listener;
    struct error error = {""};
    struct stat status = {.st_uid = 0};

    place_unix(&place, "owned");
    struct socket_settings settings = socket_settings("no-such-user", "", 0600);
    ok(!listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           strstr(error.text, "no-such-user"),
       "owner: unknown user: %s", error.text);
    settings = socket_settings("", "no-such-group", 0600);
    ok(!listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           strstr(error.text, "no-such-group"),
       "owner: unknown group: %s", error.text);
    ok(!is_there(place.path), "owner: nothing was made");

    if (geteuid() != 0) {
        printf("# owner and group need root\n");
        return;
    }
    settings = socket_settings("nobody", "54321", 0660);
    ok(listen_socket_open(&place.endpoint, &settings, &listener, &error), "owner: opens (%s)",
       error.text);
    ok(lstat(place.path, &status) == 0 && status.st_uid == 65534 && status.st_gid == 54321,
       "owner: by name and group by number");
    is_number(mode_of(place.path), 0660, "owner: mode");
    listen_socket_close(&listener, &place.endpoint);

    int fd = foreign_socket(place.path, true);
    ok(listen_socket_set_owner(&place.endpoint, &settings, &error), "owner: set later (%s)",
       error.text);
    ok(lstat(place.path, &status) == 0 && status.st_uid == 65534 && status.st_gid == 54321,
       "owner: set later: user and group");
    is_number(mode_of(place.path), 0660, "owner: set later: mode");
    close(fd);
    unlink(place.path);

    ok(symlink("/dev/null", place.path) == 0 &&
           !listen_socket_set_owner(&place.endpoint, &settings, &error),
       "owner: a link in its place is not followed: %s", error.text);
    unlink(place.path);
}

static void test_in_the_way(void)
{
    struct place place;
    struct listen_socket listener, successor;
    struct error error = {""};
    struct socket_settings settings = socket_settings("", "", 0600);

    place_unix(&place, "stale");
    close(foreign_socket(place.path, true));
    ok(listen_socket_open(&place.endpoint, &settings, &listener, &error),
       "stale: replaced (%s)", error.text);
    unlink(place.path);
    ok(listen_socket_open(&place.endpoint, &settings, &successor, &error), "successor: opens");
    listen_socket_close(&listener, &place.endpoint);
    ok(endpoint_is_answering(&place.endpoint, 100, &error), "successor: not removed by us");
    listen_socket_close(&successor, &place.endpoint);

    close(foreign_socket(place.path, true));
    ok(listen_socket_prepare_path(&place.endpoint, &error) && !is_there(place.path),
       "stale: prepare removes it");
    ok(listen_socket_prepare_path(&place.endpoint, &error), "prepare: nothing to do");

    int fd = open(place.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    ok(!listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           strstr(error.text, "not a socket"),
       "file: refused: %s", error.text);
    ok(is_there(place.path), "file: still there");
    unlink(place.path);

    ok(symlink("/nowhere", place.path) == 0 &&
           !listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           is_there(place.path),
       "link: refused, still there: %s", error.text);
    unlink(place.path);

    place_unix(&place, "no-such-directory/socket");
    ok(!listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           strstr(error.text, "No such file"),
       "no directory: %s", error.text);
    char name[128] = "";
    memset(name, 'x', sizeof(name) - 1);
    place_unix(&place, name);
    ok(!listen_socket_open(&place.endpoint, &settings, &listener, &error) &&
           strstr(error.text, "longer than"),
       "long path: %s", error.text);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &length);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static void test_inet(void)
{
    struct place place, other;
    struct listen_socket listener, second;
    struct error error = {""};

    place_inet(&place, "127.0.0.1", 0);
    ok(listen_socket_open(&place.endpoint, NULL, &listener, &error), "inet: opens (%s)",
       error.text);
    uint16_t port = port_of(listener.fd);
    place_inet(&place, "127.0.0.1", port);
    ok(fcntl(listener.fd, F_GETFL) & O_NONBLOCK, "inet: non-blocking");
    ok(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC, "inet: close-on-exec");
    ok(endpoint_is_answering(&place.endpoint, 1000, &error), "inet: answers");
    ok(!listen_socket_open(&place.endpoint, NULL, &second, &error) &&
           strstr(error.text, place.text),
       "inet: in use: %s", error.text);
    ok(listen_socket_prepare_path(&place.endpoint, &error) &&
           listen_socket_set_owner(&place.endpoint, NULL, &error),
       "inet: no path to prepare or own");
    listen_socket_close(&listener, &place.endpoint);
    ok(!endpoint_is_answering(&place.endpoint, 1000, &error), "inet: closed: %s", error.text);

    place_inet(&place, "::", 0);
    ok(listen_socket_open(&place.endpoint, NULL, &listener, &error), "ipv6: opens (%s)",
       error.text);
    port = port_of(listener.fd);
    place_inet(&other, "127.0.0.1", port);
    ok(!endpoint_is_answering(&other.endpoint, 1000, &error), "ipv6: IPv6 clients only");
    ok(listen_socket_open(&other.endpoint, NULL, &second, &error),
       "ipv6: IPv4 has a socket of its own (%s)", error.text);
    listen_socket_close(&second, &other.endpoint);
    listen_socket_close(&listener, &place.endpoint);

    place_inet(&place, "localhost", 0);
    ok(listen_socket_open(&place.endpoint, NULL, &listener, &error), "inet: by name (%s)",
       error.text);
    listen_socket_close(&listener, &place.endpoint);

    struct endpoint nothing = {.type = ENDPOINT_NONE};
    ok(!listen_socket_open(&nothing, NULL, &listener, &error), "nothing: %s", error.text);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/pvXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    test_unix();
    test_owner();
    test_in_the_way();
    test_inet();
    is_number(rmdir(directory), 0, "nothing is left behind");
    return done_testing();
}
