#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The Debian package, as a distribution and its users meet it: built from
# `make dist` in a chroot with nothing but its build dependencies, lintian,
# installed in a fresh one, run, upgraded, removed, purged.
#
#	make deb-check
#
# Takes root, debootstrap, some minutes, and the mirror that apt uses here.
# What was built is left in build/deb; all else goes.
#
#	DEBIAN_ROOT		a fresh debootstrap (minbase) to copy, not a new one
#	DEB_BUILD_OPTIONS	such as nocheck
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/deb

say() {
	printf '\n# %s\n' "$*"
}

die() {
	echo "tests/tools/debian.sh: $*" >&2
	exit 1
}

test "$(id -u)" -eq 0 || die 'this needs root'
command -v debootstrap >/dev/null || test -n "${DEBIAN_ROOT-}" ||
    die 'missing: apt-get install debootstrap'

# What is mounted below goes with this process.
test "${1-}" = inside || exec unshare -m -- sh "$0" inside

dir=$(mktemp -d /var/tmp/ocspfetch-debian.XXXXXX)
# proc and pts are mounted in here: nothing is removed beyond them.
trap 'umount -lR "$dir"/*/proc "$dir"/*/dev/pts 2>/dev/null || :
	rm -rf --one-file-system "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# fresh NAME: a chroot of that name, in which no service is started.
fresh() {
	cp -a "$dir/base" "$dir/$1"
	printf '#!/bin/sh\nexit 101\n' >"$dir/$1/usr/sbin/policy-rc.d"
	chmod 755 "$dir/$1/usr/sbin/policy-rc.d"
	mount -t proc proc "$dir/$1/proc"
	mkdir -p "$dir/$1/dev/pts"
	mount -t devpts devpts "$dir/$1/dev/pts" || :
}

# within NAME COMMAND...
within() {
	root=$dir/$1
	shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
	    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
	    chroot "$root" "$@"
}

apt_in() {
	root=$1
	shift
	within "$root" apt-get -qq -y --no-install-recommends "$@" \
	    >"$dir/log" 2>&1 || {
		cat "$dir/log"
		die "$root: apt-get $*"
	}
}

make_base() {
	if test -n "${DEBIAN_ROOT-}"; then
		cp -a "$DEBIAN_ROOT" "$dir/base"
		return
	fi
	# shellcheck source=/dev/null
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' \
	    'Created-By: Packages' |
	    awk -v suite="$suite" '$1 == suite { print $2; exit }')
	debootstrap --variant=minbase "$suite" "$dir/base" "$mirror" \
	    >"$dir/log" 2>&1 || {
		cat "$dir/log"
		die debootstrap
	}
}

build() {
	version=$(sed -n 's/^VERSION = //p' "$top/Makefile")
	mkdir -p "$dir/build/src"
	make -s -C "$top" dist
	tar -xzf "$top/ocspfetch-$version.tar.gz" -C "$dir/build/src"
	rm "$top/ocspfetch-$version.tar.gz"
	# what is Debian's is no part of the original
	tar -czf "$dir/build/src/ocspfetch_$version.orig.tar.gz" \
	    -C "$dir/build/src" --exclude="ocspfetch-$version/debian" \
	    "ocspfetch-$version"
	# apt reads it as a user of its own
	chmod 755 "$dir/build/src"
	apt_in build update
	apt_in build install build-essential lintian
	apt_in build build-dep "/src/ocspfetch-$version"
	within build useradd -m builder
	within build chown -R builder /src
	within build su builder -c \
	    "cd /src/ocspfetch-$version &&
	    DEB_BUILD_OPTIONS='${DEB_BUILD_OPTIONS-}' \
	    dpkg-buildpackage -us -uc -j2" \
	    >"$dir/log" 2>&1 || {
		cat "$dir/log"
		die dpkg-buildpackage
	}
	grep -E '[0-9]+ passed, 0 failed' "$dir/log" || :
	# built twice from one tree, the second time finds it clean
	within build su builder -c \
	    "cd /src/ocspfetch-$version && debian/rules clean" >/dev/null 2>&1
	mkdir -p "$out"
	cp "$dir"/build/src/ocspfetch*_* "$out"
}

check_lint() {
	within build su builder -c 'lintian --version &&
	    lintian --pedantic --fail-on error,warning /src/*.changes'
}

# Another version of the same, for apt to upgrade to.
next_version() {
	within build sh -c 'dpkg-deb -R /src/ocspfetch_*.deb /next &&
	    sed -i "s/^Version: .*/&+next/" /next/DEBIAN/control &&
	    dpkg-deb --root-owner-group -b /next /next.deb' >/dev/null
	cp "$dir/build/next.deb" "$dir/user/next.deb"
}

install_and_run() {
	apt_in user update
	apt_in user install ./ocspfetch.deb
	within user ocspfetch --version
	within user test -s /usr/share/doc/ocspfetch/copyright
	apt_in user install openssl
	cp -r "$top/tests" "$dir/user/tests"
	mkdir "$dir/user/debian"
	cp -r "$top/debian/tests" "$dir/user/debian/tests"
	within user env OCSPFETCH=/usr/bin/ocspfetch sh tests/demo.sh \
	    >"$dir/log" 2>&1 || {
		cat "$dir/log"
		die 'the demo'
	}
	tail -n 3 "$dir/log"
	within user sh debian/tests/hourly
}

upgrade() {
	sed -i 's,^OCSPFETCH_CERTIFICATES=.*,OCSPFETCH_CERTIFICATES=/gone.pem,' \
	    "$dir/user/etc/default/ocspfetch"
	apt_in user install ./next.deb
	within user dpkg-query -W ocspfetch | grep -q '+next$'
	grep -qx OCSPFETCH_CERTIFICATES=/gone.pem \
	    "$dir/user/etc/default/ocspfetch"
}

remove_and_purge() {
	# where systemd runs the timer, it remembers when
	mkdir -p "$dir/user/var/lib/systemd/timers"
	: >"$dir/user/var/lib/systemd/timers/stamp-ocspfetch.timer"
	apt_in user remove ocspfetch
	# cron's script stays, as configuration does, and says nothing
	within user run-parts /etc/cron.hourly >"$dir/said" 2>&1
	test ! -s "$dir/said"
	apt_in user purge ocspfetch
	within user find / -xdev -name '*ocspfetch*' ! -path '/tests/*' \
	    ! -path '/ocspfetch.deb' ! -path '/proc/*' >"$dir/left"
	test ! -s "$dir/left" || {
		cat "$dir/left"
		die 'purge left these'
	}
}

say 'a chroot'
make_base
fresh build
say 'dpkg-buildpackage'
build
say lintian
check_lint
say 'installed in a fresh chroot'
fresh user
cp "$dir"/build/src/ocspfetch_*_*.deb "$dir/user/ocspfetch.deb"
install_and_run
say upgraded
next_version
upgrade
say 'removed and purged'
remove_and_purge
printf '\nthe Debian package is in order: build/deb\n'
