# shellcheck shell=bash
# packages - install Debian packages that are missing, and nothing else. Sourced by quickstart and
# runtests; needs root. Daemons that come with the packages are neither started nor enabled, and
# what is installed already is left as it is.

BUILD_PACKAGES="build-essential autoconf automake pkg-config libc-ares-dev libevent-dev
    libhiredis-dev libjansson-dev libmilter-dev libpsl-dev"
RUN_PACKAGES="postfix redis-server perl"
TEST_PACKAGES="clang libclang-rt-14-dev clang-format rbldnsd swaks man-db groff xz-utils git
    iproute2 logrotate procps prometheus chromium fonts-dejavu-core"

packages_missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

# Would installing take something away, such as another mail server? Nobody asked for that.
packages_removed_by() {
    apt-get -s --no-install-recommends install "$@" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p'
}

# Services that came with new packages do not start at boot either.
packages_disable_services() {
    local package unit
    for package in "$@"; do
        [ ! -e "/etc/init.d/$package" ] || update-rc.d "$package" disable >/dev/null 2>&1
        dpkg -L "$package" | sed -n 's|^/lib/systemd/system/\([^@]*\.\(service\|path\)\)$|\1|p' |
            while read -r unit; do
                deb-systemd-helper disable "$unit" >/dev/null 2>&1
            done
    done
    return 0
}

# In a subshell, so that its trap takes policy-rc.d away again, whatever happens.
packages_run_apt() (
    policy=/usr/sbin/policy-rc.d
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q || exit
    removed=$(packages_removed_by "$@")
    if [ -n "$removed" ]; then
        echo "installing would remove:" $removed "- not done. Please decide, then run:" >&2
        echo "  apt-get install" "$@" >&2
        exit 69
    fi
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit
    fi
    if [ -z "$(packages_missing debconf)" ] && [ -n "$(packages_missing postfix)" ]; then
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    fi
    apt-get install -q -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@" || exit
    packages_disable_services "$@"
)

# packages_install PACKAGE...: visible progress; fails with the reason.
packages_install() {
    local missing status=0
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "packages missing and not root, please run: apt-get install" $missing >&2
        return 77
    fi
    echo "installing:" $missing
    # shellcheck disable=SC2086
    packages_run_apt $missing || status=$?
    [ "$status" = 0 ] || echo "packages were not installed (exit $status): see above" >&2
    return "$status"
}
