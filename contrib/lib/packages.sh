# shellcheck shell=bash
# packages - install Debian packages that are missing, and nothing else. Sourced by quickstart and
# runtests; needs root. Daemons that come with the packages are neither started nor enabled, and
# what is installed already is left as it is.

BUILD_PACKAGES="build-essential autoconf automake pkg-config libevent-dev libhiredis-dev
    libjansson-dev libmilter-dev"
RUN_PACKAGES="postfix redis-server perl"
TEST_PACKAGES="clang libclang-rt-14-dev clang-format rbldnsd swaks man-db groff xz-utils git
    iproute2 procps"

packages_missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

# packages_install PACKAGE...: visible progress; fails with the reason.
packages_install() {
    local missing policy=/usr/sbin/policy-rc.d made_policy= status=0
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "packages missing and not root, please run: apt-get install" $missing >&2
        return 77
    fi
    echo "installing:" $missing
    # policy-rc.d: no package may start its service. Put back as it was afterwards.
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made_policy=yes
    fi
    if ! dpkg-query -W -f '${db:Status-Status}' postfix 2>/dev/null | grep -qx installed; then
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    fi
    {
        DEBIAN_FRONTEND=noninteractive apt-get update -q &&
            # shellcheck disable=SC2086
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
    } || status=$?
    [ -z "$made_policy" ] || rm -f "$policy"
    [ "$status" = 0 ] || echo "apt-get failed (exit $status): see above" >&2
    return "$status"
}
