/* From root to a user and not back. Each case runs in a process of its own. */
#include "host/privileges.h"

#include "host/hostname.h"
#include "t/unit/tap.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534 /* the same on all Linux systems */

struct result {
    bool is_dropped;
    uid_t user_id;
    gid_t group_id;
    int groups;
    bool is_root_again;
    char capabilities[32]; /* effective, as /proc has them */
    char error[512];
};

typedef bool drop_function(const char *user, const char *group, struct error *error);

static void read_capabilities(char *out)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "CapEff: %31s", out);
    if (file)
        fclose(file);
}

/* first_user: what the process is before; 0: as the test. */
static struct result drop_with(drop_function *function, uid_t first_user, const char *user,
                               const char *group)
{
    struct result result = {.groups = -1};
    struct error error = {""};
    int pipe_fds[2];
    if (pipe(pipe_fds) < 0)
        return result;
    pid_t pid = fork();
    if (pid == 0) {
        if (first_user != 0 && (setgid((gid_t)first_user) < 0 || setuid(first_user) < 0))
            _exit(1);
        result.is_dropped = function(user, group, &error);
        result.user_id = geteuid();
        result.group_id = getegid();
        result.groups = getgroups(0, NULL);
        read_capabilities(result.capabilities);
        result.is_root_again = setuid(0) == 0;
        snprintf(result.error, sizeof(result.error), "%s", error.text);
        ssize_t written = write(pipe_fds[1], &result, sizeof(result));
        _exit(written != (ssize_t)sizeof(result));
    }
    close(pipe_fds[1]);
    ssize_t received = read(pipe_fds[0], &result, sizeof(result));
    close(pipe_fds[0]);
    waitpid(pid, NULL, 0);
    ok(received == (ssize_t)sizeof(result), "drop(\"%s\", \"%s\") ran: %s", user, group,
       result.error);
    return result;
}

static struct result drop(uid_t first_user, const char *user, const char *group)
{
    return drop_with(privileges_drop, first_user, user, group);
}

static void test_net_admin(void)
{
    struct result result = drop(0, "nobody", "");
    is_string(result.capabilities, "0000000000000000", "no capability is left");
    result = drop_with(privileges_drop_except_net_admin, 0, "nobody", "");
    ok(result.is_dropped && result.user_id == NOBODY && result.group_id == NOBODY,
       "to a user, except CAP_NET_ADMIN");
    ok(!result.is_root_again, "... for good");
    is_string(result.capabilities, "0000000000001000", "... which is the only one left");
    result = drop_with(privileges_drop_except_net_admin, NOBODY, "nobody", "");
    ok(result.is_dropped && strcmp(result.capabilities, "0000000000000000") == 0,
       "who has no capability gets none");
    result = drop_with(privileges_drop_except_net_admin, 0, "", "");
    ok(result.is_dropped && result.user_id == 0, "no user: nothing to do");
}

static void test_root(void)
{
    struct result result = drop(0, "nobody", "");
    ok(result.is_dropped && result.user_id == NOBODY && result.group_id == NOBODY,
       "to a user and its group");
    ok(!result.is_root_again, "for good");
    result = drop(0, "65534", "54321");
    ok(result.is_dropped && result.user_id == NOBODY && result.group_id == 54321,
       "by number, with another group");
    result = drop(0, "54321", "54322");
    ok(result.is_dropped && result.user_id == 54321 && result.group_id == 54322,
       "a number that no account has");
    is_number(result.groups, 1, "with no group of root's");
    result = drop(0, "54321", "");
    ok(!result.is_dropped && strstr(result.error, "set group"), "... needs a group");
    result = drop(0, "root", "");
    ok(result.is_dropped && result.user_id == 0, "root as user is taken as said");

    result = drop(NOBODY, "nobody", "");
    ok(result.is_dropped, "already that user");
    result = drop(54321, "nobody", "");
    ok(!result.is_dropped && strstr(result.error, "start as root"), "another user: an error");
    result = drop(NOBODY, "nobody", "54321");
    ok(!result.is_dropped, "another group: an error");
}

int main(void)
{
    char name[HOSTNAME_SIZE];
    struct result result = drop(0, "", "");
    ok(result.is_dropped && result.user_id == geteuid(), "no user: nothing to do");
    result = drop(0, "", "nogroup");
    ok(!result.is_dropped && strstr(result.error, "user"), "group alone is an error");
    result = drop(0, "no-such-user", "");
    ok(!result.is_dropped && strstr(result.error, "no-such-user"), "unknown user");
    result = drop(0, "nobody", "no-such-group");
    ok(!result.is_dropped && strstr(result.error, "no-such-group"), "unknown group");
    if (geteuid() == 0) {
        test_root();
        test_net_admin();
    } else {
        ok(true, "dropping privileges # SKIP needs root");
    }

    hostname_get("mx1.example", name);
    is_string(name, "mx1.example", "the configured host name");
    hostname_get("a b\n:*", name);
    is_string(name, "a_b___", "no characters that mean something elsewhere");
    hostname_get("", name);
    ok(name[0], "the name of this host: %s", name);
    return done_testing();
}
