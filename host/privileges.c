#include "host/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct identity {
    uid_t user_id;
    gid_t group_id;
    char *user_name; /* NULL: a number that no account has */
};

/* A number that is nobody's name. */
static bool id_parse(const char *text, unsigned *id_r)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *id_r = (unsigned)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
           value < (unsigned)-1;
}

static bool find_identity(const char *user, const char *group, struct identity *identity_r,
                          struct error *error)
{
    const struct passwd *account = getpwnam(user);
    unsigned id;
    if (!account && id_parse(user, &id)) {
        account = getpwuid(id);
        if (!account && group[0] == '\0')
            return error_set(error, "user %s has no account here: set group too", user);
        identity_r->user_id = id;
    } else if (!account) {
        return error_set(error, "no user \"%s\" on this host: create it or change user", user);
    }
    if (account) {
        identity_r->user_id = account->pw_uid;
        identity_r->group_id = account->pw_gid;
        identity_r->user_name = account->pw_name;
    }
    if (group[0] == '\0')
        return true;
    const struct group *entry = getgrnam(group);
    if (!entry && !id_parse(group, &id))
        return error_set(error, "no group \"%s\" on this host: create it or change group",
                         group);
    identity_r->group_id = entry ? entry->gr_gid : id;
    return true;
}

static bool is_identity(const struct identity *identity)
{
    return getuid() == identity->user_id && geteuid() == identity->user_id &&
           getgid() == identity->group_id && getegid() == identity->group_id;
}

/* libc has no function for these two; libcap would be a dependency for nothing else. */
static bool has_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capget, &header, data) == 0 &&
           (data[CAP_TO_INDEX(CAP_NET_ADMIN)].permitted & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

static bool keep_net_admin_alone(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    data[CAP_TO_INDEX(CAP_NET_ADMIN)].permitted = CAP_TO_MASK(CAP_NET_ADMIN);
    data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective = CAP_TO_MASK(CAP_NET_ADMIN);
    return syscall(SYS_capset, &header, data) == 0;
}

/* A failure leaves half a change: the caller ends the program. */
static bool become(const struct identity *identity, const char *user, bool is_net_admin_kept,
                   struct error *error)
{
    int groups_result = identity->user_name
                            ? initgroups(identity->user_name, identity->group_id)
                            : setgroups(1, &identity->group_id);
    if (groups_result < 0)
        return error_set(error, "cannot take the groups of user \"%s\": %s", user,
                         strerror(errno));
    if (setgid(identity->group_id) < 0)
        return error_set(error, "cannot become group %ld: %s", (long)identity->group_id,
                         strerror(errno));
    if (is_net_admin_kept && prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
        return error_set(error, "cannot keep CAP_NET_ADMIN: %s", strerror(errno));
    if (setuid(identity->user_id) < 0)
        return error_set(error, "cannot become user \"%s\": %s", user, strerror(errno));
    if (is_net_admin_kept &&
        (!keep_net_admin_alone() || prctl(PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L) < 0))
        return error_set(error, "cannot keep CAP_NET_ADMIN alone: %s", strerror(errno));
    if (!is_identity(identity) || (identity->user_id != 0 && setuid(0) == 0))
        return error_set(error, "still privileged after becoming user \"%s\"", user);
    return true;
}

static bool drop(const char *user, const char *group, bool is_net_admin_kept,
                 struct error *error)
{
    struct identity identity = {.user_name = NULL};
    if (user[0] == '\0') {
        if (group[0])
            return error_set(error, "group is set and user is not: set both or none");
        return true;
    }
    if (!find_identity(user, group, &identity, error))
        return false;
    if (geteuid() != 0) {
        if (group[0] == '\0')
            identity.group_id = getegid(); /* whoever started us chose it */
        if (is_identity(&identity))
            return true;
        return error_set(error,
                         "running as uid %ld gid %ld, cannot become user \"%s\" group \"%s\": "
                         "start as root or as that user",
                         (long)geteuid(), (long)getegid(), user, group);
    }
    bool is_kept = is_net_admin_kept && identity.user_id != 0 && has_net_admin();
    return become(&identity, user, is_kept, error);
}

bool privileges_drop(const char *user, const char *group, struct error *error)
{
    return drop(user, group, false, error);
}

bool privileges_drop_except_net_admin(const char *user, const char *group, struct error *error)
{
    return drop(user, group, true, error);
}
