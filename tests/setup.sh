#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Installs what `make demo` and `make check` need and this machine lacks;
# `sh tests/setup.sh all` adds what `make asan` and `make lint` need, and on
# Debian, as root, the HAProxy of its next release (tests/tools/release.sh).
#
# When nothing is missing it says nothing and asks no package manager.  Who is
# not root gets the command to run, and nothing is changed.  Of the servers that
# staple not every system has each: what is not to be had is no failure here,
# and the tests that want it are skipped.
set -u

# shellcheck source=tests/tools/release.sh
. "$(dirname "$0")/tools/release.sh"

# haproxy and nginx live where a user's PATH seldom looks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

demo_and_check='compiler make pkg-config libcurl libcrypto openssl curl cmocka
	ca-certificates bats haproxy nginx strace script yamllint rsync
	systemd-analyze'
servers='lighttpd hitch pen exim4 apache2 h2o node
	gnutls-cli cfssl tinyproxy squid zsh fish jq jsonschema mandoc
	libseccomp'
asan_and_lint='clang clang-tidy clang-format clang-rt libasan cppcheck mandoc
	shellcheck ctags valgrind gcovr'

say() {
	echo "tests/setup.sh: $*" >&2
}

here() {
	command -v "$1" >/dev/null 2>&1
}

# Is this one here?  Asks for what will be used: a command, a header, a .pc file.
have() {
	case $1 in
	compiler)
		echo '#include <stdio.h>' | ${CC:-cc} -E - >/dev/null 2>&1
		;;
	libcurl)
		pkg-config --exists 'libcurl >= 7.76' 2>/dev/null
		;;
	libcrypto)
		pkg-config --exists 'libcrypto >= 3.0' 'libssl >= 3.0' \
		    2>/dev/null
		;;
	cmocka)
		pkg-config --exists cmocka 2>/dev/null
		;;
	ca-certificates)
		# the list that libcurl was built with, where it has one
		have libcurl || return 1
		ca=$(curl-config --ca 2>/dev/null)
		test -z "$ca" || test -e "$ca"
		;;
	libasan)
		test -e "$(${CC:-cc} -print-file-name=libasan.so 2>/dev/null)" ||
		    have clang-rt
		;;
	clang-rt)
		for a in "-$(uname -m)" ''; do
			lib=libclang_rt.asan$a.a
			test -e "$(clang -print-file-name="$lib" 2>/dev/null)" &&
			    return 0
		done
		# Elsewhere it has other names: the proof is a program.
		lib=$(mktemp) || return 1
		echo 'int main(void) { return 0; }' |
		    clang -fsanitize=address -x c -o "$lib" - 2>/dev/null
		a=$?
		rm -f "$lib"
		return $a
		;;
	ctags)
		# Exuberant and BSD ctags do not know where a function ends.
		ctags --version 2>/dev/null | grep -q Universal
		;;
	lighttpd)
		here lighttpd || return 1
		# Debian has its TLS in another package.
		! test -d /usr/lib/lighttpd ||
		    test -e /usr/lib/lighttpd/mod_openssl.so
		;;
	strace | valgrind)
		here "$1" || test "$(uname -s)" != Linux
		;;
	jsonschema)
		# of the system, though another Python may come first
		python3 -c 'import jsonschema' 2>/dev/null ||
		    /usr/bin/python3 -c 'import jsonschema' 2>/dev/null
		;;
	libseccomp)
		# its Python, by which tests make filters of system calls
		/usr/bin/python3 -c 'import seccomp' 2>/dev/null ||
		    test "$(uname -s)" != Linux
		;;
	gcovr)
		# Only make coverage wants it, and not every system has it.
		here "$1" || here pacman || here zypper || here apk
		;;
	systemd-analyze)
		# Where systemd is not at home, nobody runs its units.
		here "$1" || test "$(uname -s)" != Linux || here apk
		;;
	*)
		here "$1"
		;;
	esac
}

# What the package that brings $1 is called by $manager.  One that is not named
# here is called what we call it; an empty answer: it comes with another one.
package() {
	case $manager:$1 in
	apt:compiler) echo gcc libc6-dev ;;
	apt:libcurl) echo libcurl4-openssl-dev ;;
	apt:libcrypto) echo libssl-dev ;;
	apt:cmocka) echo libcmocka-dev ;;
	apt:clang-rt) apt_clang_rt ;;
	apt:libasan) ;;
	apt:ctags) echo universal-ctags ;;
	apt:lighttpd) echo lighttpd lighttpd-mod-openssl ;;
	apt:exim4) echo exim4-daemon-light ;;
	apt:apache2) echo apache2-bin ;;
	apt:node) echo nodejs ;;
	apt:gnutls-cli) echo gnutls-bin ;;
	apt:cfssl) echo golang-cfssl ;;
	# the tests know these two as Debian has them
	*:exim4 | *:apache2) ;;
	brew:cfssl) echo cfssl ;;
	*:cfssl) ;;
	apt:script) echo bsdutils ;;

	dnf:compiler) echo gcc glibc-devel ;;
	dnf:pkg-config) echo pkgconf-pkg-config ;;
	dnf:libcurl) echo libcurl-devel ;;
	dnf:libcrypto) echo openssl-devel ;;
	dnf:cmocka) echo libcmocka-devel ;;
	dnf:clang-tidy | dnf:clang-format) echo clang-tools-extra ;;
	dnf:clang-rt) echo compiler-rt ;;
	dnf:libasan) echo libasan libubsan ;;
	dnf:shellcheck) echo ShellCheck ;;
	dnf:node) echo nodejs ;;
	dnf:gnutls-cli) echo gnutls-utils ;;
	dnf:h2o) ;;
	dnf:script) dnf_script ;;

	apk:compiler) echo gcc musl-dev ;;
	apk:pkg-config) echo pkgconf ;;
	apk:libcurl) echo curl-dev ;;
	apk:libcrypto) echo openssl-dev ;;
	apk:cmocka) echo cmocka-dev ;;
	apk:script) echo util-linux-misc ;;
	apk:clang-tidy | apk:clang-format) echo clang-extra-tools ;;
	apk:clang-rt | apk:libasan) echo compiler-rt ;;
	apk:node) echo nodejs ;;
	apk:gnutls-cli) echo gnutls-utils ;;
	apk:hitch | apk:pen) ;;

	pacman:compiler) echo gcc ;;
	pacman:pkg-config) echo pkgconf ;;
	pacman:libcurl) echo curl ;;
	pacman:libcrypto) echo openssl ;;
	pacman:script) echo util-linux ;;
	pacman:bats) echo bash-bats ;;
	pacman:clang-tidy | pacman:clang-format) echo clang ;;
	pacman:clang-rt) echo compiler-rt ;;
	pacman:libasan) ;;
	pacman:node) echo nodejs ;;
	pacman:gnutls-cli) echo gnutls ;;
	pacman:hitch | pacman:pen | pacman:h2o) ;;

	zypper:compiler) echo gcc glibc-devel ;;
	zypper:libcurl) echo libcurl-devel ;;
	zypper:libcrypto) echo libopenssl-devel ;;
	zypper:cmocka) echo libcmocka-devel ;;
	zypper:clang-tidy | zypper:clang-format) echo clang-tools ;;
	zypper:clang-rt) echo clang ;;
	zypper:libasan) ;;
	zypper:script) echo util-linux ;;
	zypper:ca-certificates) echo ca-certificates-mozilla ;;
	zypper:yamllint) echo python3-yamllint ;;
	zypper:shellcheck) echo ShellCheck ;;
	zypper:node) echo nodejs ;;
	zypper:gnutls-cli) echo gnutls ;;
	zypper:hitch | zypper:pen | zypper:h2o) ;;

	# Xcode's command line tools bring the compiler and make.
	brew:compiler | brew:make | brew:libasan) ;;
	brew:pkg-config) echo pkgconf ;;
	brew:libcurl) echo curl ;;
	brew:libcrypto | brew:openssl) echo openssl@3 ;;
	brew:bats) echo bats-core ;;
	brew:clang | brew:clang-tidy | brew:clang-rt) echo llvm ;;
	brew:ctags) echo universal-ctags ;;
	brew:hitch | brew:pen) ;;
	brew:gnutls-cli) echo gnutls ;;

	*:systemd-analyze) echo systemd ;;
	apt:libseccomp | zypper:libseccomp) echo python3-seccomp ;;
	dnf:libseccomp) echo python3-libseccomp ;;
	pacman:libseccomp) echo python-libseccomp ;;
	apk:libseccomp | brew:libseccomp) ;;
	apk:jsonschema) echo py3-jsonschema ;;
	pacman:jsonschema) echo python-jsonschema ;;
	brew:jsonschema) ;;
	*:jsonschema) echo python3-jsonschema ;;
	*) echo "$1" ;;
	esac
}

# Fedora has parted it from util-linux.
dnf_script() {
	if dnf -q info util-linux-script >/dev/null 2>&1; then
		echo util-linux-script
	else
		echo util-linux
	fi
}

# Debian has libclang-rt-dev since 12; before it came with clang.
apt_clang_rt() {
	if apt-cache show libclang-rt-dev >/dev/null 2>&1; then
		echo libclang-rt-dev
	else
		echo clang
	fi
}

find_manager() {
	for m in apt-get dnf apk pacman zypper brew; do
		if here "$m"; then
			manager=${m%-get}
			return 0
		fi
	done
	return 1
}

# What a person would type; no word of it needs quotes.
command_for() {
	case $manager in
	apt)
		echo apt-get install -y -qq --no-install-recommends \
		    --no-remove "$@"
		;;
	dnf)
		echo dnf install -y -q --setopt=install_weak_deps=False "$@"
		;;
	apk)
		echo apk add --no-cache -q "$@"
		;;
	pacman)
		echo pacman -Sy --needed --noconfirm --noprogressbar "$@"
		;;
	zypper)
		echo zypper -n -q install --no-recommends "$@"
		;;
	brew)
		echo brew install -q "$@"
		;;
	esac
}

tidy_up() {
	if test -n "$policy"; then
		rm -f "$policy"
	fi
	if test -n "$log"; then
		rm -f "$log"
	fi
}

# Of what is missing, what Debian would run.
new_servers() {
	for w in $absent $extra; do
		case " haproxy nginx $servers " in *" $w "*) echo "$w" ;; esac
	done
}

# Debian starts the servers that it installs.  The tests start their own, on
# ports of their own; no other may answer on this machine because of them.
hold_servers() {
	test -n "$(new_servers)" || return 0
	test -e /usr/sbin/policy-rc.d && return 0
	policy=/usr/sbin/policy-rc.d
	cat >"$policy" <<-'END'
	#!/bin/sh
	# Of ocspfetch's tests/setup.sh, which removes it when it ends.
	case " $* " in
	*' haproxy'[\ .]* | *' nginx'[\ .]*) exit 101 ;;
	*' lighttpd'[\ .]* | *' hitch'[\ .]* | *' h2o'[\ .]*) exit 101 ;;
	*' exim4'[-\ .]* | *' apache2'[\ .]* | *' pen'[\ .]*) exit 101 ;;
	*' tinyproxy'[\ .]* | *' squid'[\ .]*) exit 101 ;;
	esac
	exit 0
	END
	chmod 755 "$policy"
}

# Nor are those that were just installed to answer after the next boot.
disable_servers() {
	here systemctl || return 0
	for w in "$@"; do
		systemctl disable "$w" </dev/null >>"$log" 2>&1
	done
	return 0
}

install_packages() {
	log=
	policy=
	trap tidy_up EXIT
	trap 'exit 1' HUP INT TERM
	log=$(mktemp) || return 1
	if test "$manager" = apt; then
		export DEBIAN_FRONTEND=noninteractive
		# A mirror that is down is no reason to stop: the lists on
		# this machine may do.
		apt-get update -qq </dev/null >"$log" 2>&1
		hold_servers
	fi
	if test $# -gt 0; then
		# shellcheck disable=SC2046
		set -- $(command_for "$@")
		"$@" </dev/null >>"$log" 2>&1 || {
			cat "$log" >&2
			return 1
		}
	fi
	# shellcheck disable=SC2086
	install_servers $extra
	# shellcheck disable=SC2046
	test "$manager" != apt || disable_servers $(new_servers)
}

# All at once, or each that can be had.
install_servers() {
	test $# -gt 0 || return 0
	try_servers "$@" && return 0
	for w in "$@"; do
		try_servers "$w" ||
		    say "$w is not to be had: what wants it will be skipped"
	done
}

try_servers() {
	# shellcheck disable=SC2046
	set -- $(for w in "$@"; do package "$w"; done)
	test $# -gt 0 || return 1
	# shellcheck disable=SC2046
	set -- $(command_for "$@")
	"$@" </dev/null >>"$log" 2>&1
}

# missing WORD...
missing() {
	for w in "$@"; do
		have "$w" || printf '%s ' "$w"
	done
}

# The last thing: what is not to be had is no failure, and said.
add_newer() {
	test "$newer" -eq 1 && ! test -x "$(released trixie haproxy)" ||
	    return 0
	lacks=$(release_lacks)
	if test -n "$lacks"; then
		say "no HAProxy of Debian 13: $lacks; its tests will be skipped"
		return 0
	fi
	say "making a HAProxy of Debian 13 in $release_cache"
	made=$(mktemp) || return 1
	make_release trixie haproxy haproxy >"$made" 2>&1 || {
		tail -n 5 "$made" >&2
		say "no HAProxy of Debian 13: its tests will be skipped"
	}
	rm -f "$made"
}

wanted=$demo_and_check
newer=0
case $# in
0) ;;
1)
	if test "$1" != all; then
		say "usage: sh tests/setup.sh [all]"
		exit 2
	fi
	wanted="$wanted $asan_and_lint"
	! here apt-get || wanted="$wanted debootstrap"
	newer=1
	;;
*)
	say "usage: sh tests/setup.sh [all]"
	exit 2
	;;
esac

# shellcheck disable=SC2086
absent=$(missing $wanted)
# shellcheck disable=SC2086
extra=$(missing $servers)
if test -z "$absent$extra"; then
	add_newer
	exit
fi

if ! find_manager; then
	say "missing: $absent$extra"
	say "no package manager that this script knows: install them by hand"
	test -z "$absent"
	exit
fi

packages=$(for w in $absent; do package "$w"; done | tr '\n' ' ')
more=$(for w in $extra; do package "$w"; done | tr '\n' ' ')
if test -n "$absent" && test -z "${packages% }"; then
	say "missing, and not to be had from $manager: $absent"
	exit 1
fi

# brew alone wants no root, and refuses to work for it.
if test "$manager" != brew && test "$(id -u)" -ne 0; then
	sudo=
	here sudo && sudo='sudo '
	update=
	test "$manager" = apt && update="${sudo}apt-get update && "
	say "missing: $absent$extra"
	say "this needs root; run:"
	# shellcheck disable=SC2086
	echo "  $update$sudo$(command_for $packages $more)" >&2
	test -z "$absent"
	exit
fi

say "installing: $packages$more"
# shellcheck disable=SC2086
if ! install_packages $packages; then
	say "$manager could not install: $packages"
	exit 1
fi

# shellcheck disable=SC2086
absent=$(missing $wanted)
if test -n "$absent"; then
	say "installed, yet still missing or too old: $absent"
	exit 1
fi
add_newer
