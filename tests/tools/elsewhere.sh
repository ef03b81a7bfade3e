#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Another release of Debian, with its compilers and libraries, or another kind
# of machine: builds there without a warning, and runs the tests.
#
#	make elsewhere [WHERE="trixie sid bookworm/i386 bookworm/s390x"] [T=...]
#
# Takes root, debootstrap, minutes for each, and the mirror that apt uses here.
# What this machine cannot run itself qemu does (qemu-user-static), of which the
# kernel is told for as long as that takes: there it is the unit tests, unless
# T names others, and not those about the jail: qemu knows no seccomp.  Each row
# of the table is a place; all else goes.
#
#	KEEP	a directory in which the chroots stay, and are used again
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/tools/release.sh
. "$top/tests/tools/release.sh"

die() {
	echo "tests/tools/elsewhere.sh: $*" >&2
	exit 1
}

test "$(id -u)" -eq 0 || die 'this needs root'
command -v debootstrap >/dev/null ||
    die 'missing: apt-get install debootstrap'

# What is mounted below goes with this process.
test "${1-}" = inside ||
    exec unshare -m --propagation private -- sh "$0" inside "$@"
tests=$2
shift 2
test $# -gt 0 || die 'where? for example sid or trixie/s390x'

dir=$(mktemp -d /var/tmp/ocspfetch-elsewhere.XXXXXX)
places=${KEEP:-$dir}
registered=
# Nothing is removed beyond what is mounted in there.
# shellcheck disable=SC2317
tidy_up() {
	for m in "$places"/*/proc "$places"/*/sys "$places"/*/dev; do
		umount -lR "$m" 2>/dev/null
	done
	for m in $registered; do
		echo -1 >"/proc/sys/fs/binfmt_misc/$m"
	done
	rm -rf --one-file-system "$dir"
}
trap tidy_up EXIT
trap 'exit 1' HUP INT TERM

# Can this machine run programs of that kind?
runs_here() {
	case $(dpkg --print-architecture):$1 in
	"$1:$1" | amd64:i386 | arm64:armhf) return 0 ;;
	esac
	return 1
}

# The kernel shall give what is for another machine to qemu.
with_qemu() {
	case $1 in
	s390x)
		magic='\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16'
		cpu=s390x
		;;
	arm64)
		magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
		cpu=aarch64
		;;
	armhf)
		magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
		cpu=arm
		;;
	*) die "tests/tools/elsewhere.sh does not know the machine $1" ;;
	esac
	qemu=$(command -v "qemu-$cpu-static") ||
	    die 'missing: apt-get install qemu-user-static'
	case $1 in
	s390x) mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff' ;;
	*) mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' ;;
	esac
	mountpoint -q /proc/sys/fs/binfmt_misc ||
	    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc ||
	    die 'this kernel gives no programs to qemu'
	test ! -e "/proc/sys/fs/binfmt_misc/qemu-$cpu" || return 0
	# F: it is opened now, and found in a chroot, too
	printf ':ocspfetch-%s:M::%s:%s:%s:OCF' "$cpu" "$magic" "$mask" "$qemu" \
	    >/proc/sys/fs/binfmt_misc/register || die "no qemu for $1"
	registered="$registered ocspfetch-$cpu"
}

# A chroot in which the unit tests build.
make_place() {
	test ! -e "$root/usr/bin/make" || return 0
	debootstrap --variant=minbase --arch="$arch" \
	    --include=gcc,libc6-dev,make,pkgconf,libssl-dev,libcurl4-openssl-dev,libcmocka-dev \
	    "$suite" "$root" "$(mirror)" || return 1
	starts_nothing "$root"
}

enter() {
	mount_system "$root" &&
	    rm -rf "$root/src" && mkdir "$root/src" || return 1
	# what is here, committed or not, but not what was built of it
	tar -C "$top" --exclude=./build --exclude=./ocspfetch --exclude=./.git \
	    -cf - . | tar -C "$root/src" --no-same-owner -xf -
}

# try SUITE[/ARCH]: as far as it comes; the last line is what the tests say.
try() {
	suite=${1%/*}
	arch=${1#"$suite"}
	arch=${arch#/}
	arch=${arch:-$(dpkg --print-architecture)}
	root=$places/$suite-$arch
	t=$tests
	played=
	make_place && enter || return 1
	if runs_here "$arch"; then
		within "$root" sh -c 'cd /src && sh tests/setup.sh' || return 1
	else
		played=1
		test -n "$t" || t=$(cd "$top/tests/unit" && echo test_*.c |
		    sed 's/test_sandbox\.c//')
	fi
	within "$root" sh -c 'openssl version; curl-config --version' || :
	# shellcheck disable=SC2016
	within "$root" sh -c 'cd /src && make -s -k -j2 WERROR=-Werror \
	    all test-programs && PLAYED=$2 LIMIT=3000 make -s check T="$1"' \
	    - "$t" "$played"
}

failed=0
for place in "$@"; do
	case $place in
	*/*) runs_here "${place#*/}" || with_qemu "${place#*/}" ;;
	esac
	log=$dir/log
	if (try "$place") >"$log" 2>&1; then
		result=
	else
		result='FAILED: '
		failed=1
		tail -n 200 "$log"
	fi
	printf '%-14s %s%s, %s, %s\n' "$place" "$result" "$(tail -n 1 "$log")" \
	    "$(grep -o -m 1 '^OpenSSL [^ ]*' "$log")" \
	    "$(grep -m 1 '^libcurl ' "$log")" >>"$dir/table"
done
echo
cat "$dir/table"
exit $failed
