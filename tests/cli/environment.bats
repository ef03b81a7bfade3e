#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Odd places to run in: process 1 of a container, a root with next to nothing in
# it, another's filter of system calls, a configuration of OpenSSL without its
# algorithms.  It works there, or says why not with the right status.
#
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# ---- process 1 ----

# The only child of a process, when it has one.
child_of() {
	pgrep -P "$1" | head -n 1
}

has_child() {
	[ -n "$(child_of "$1")" ]
}

# as_process_1 [options]: it is in the background, and `pid` is its number here.
as_process_1() {
	local how=
	not_for_valgrind
	env --default-signal=INT true 2>/dev/null ||
		skip "needs an env that sets signals"
	[ "$(id -u)" -eq 0 ] || how=-r
	# shellcheck disable=SC2086
	unshare $how --pid --fork true 2>/dev/null ||
		skip "no PID namespace here"
	# shellcheck disable=SC2086
	unshare $how --pid --fork --kill-child env --default-signal=INT,TERM,HUP \
		"$OCSPFETCH" "$@" >out 2>err 3>&- &
	outer=$!
	echo "$outer" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has_child "$outer"
	pid=$(child_of "$outer")
}

# ends_on SIGNAL: process 1 does, with its number, and soon: within a second,
# and two more for a machine that is busy or a sanitizer.
ends_on() {
	local code=0 began
	began=$(date +%s%N)
	kill "-$1" "$pid"
	wait "$outer" || code=$?
	echo "status $code after $(($(date +%s%N) - began)) ns; $(cat out err)"
	[ $(($(date +%s%N) - began)) -lt 3000000000 ]
	[ "$code" -eq $((128 + $(kill -l "$1"))) ]
	leftovers | grep -vx "${HELD-}" >left || true
	never grep -v '\.changed$' left
}

asks_again() {
	[ "$(asked)" -gt "$1" ]
}

@test "process 1 ends on SIGTERM, SIGINT and SIGHUP while a responder is slow" {
	local s n=0
	site latency-9000
	for s in TERM INT HUP; do
		n=$(asked)
		as_process_1 site.pem
		within 10 asks_again "$n"
		ends_on "$s"
		no_file
	done
}

@test "process 1 ends on SIGTERM and SIGINT in a pause before a retry, in --wait, in --splay" {
	local s n
	site http500
	for s in TERM INT; do
		n=$(asked)
		# the pause of Retry-After is longer than any slack
		leaf later "retry-after-5.$MINE"
		as_process_1 -X get -r 2 later.pem
		within 10 asks_again "$n"
		ends_on "$s"
		n=$(asked)
		as_process_1 -w 60 site.pem
		within 10 asks_again "$n"
		ends_on "$s"
		as_process_1 -v --splay 1000 site.pem
		within 10 grep -q splay err
		ends_on "$s"
	done
}

# What a run that is saving has locked, as long as a minute has not passed.
hold_lock() {
	LOCK=.site.pem.ocsp.$(python3 -c 'h = 14695981039346656037
for c in b"site.pem.ocsp": h = (h ^ c) * 1099511628211 % 2**64
for _ in range(6):
    print("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[h % 62], end="")
    h //= 62')
	(
		umask 077
		: >"$LOCK"
		exec 9<"$LOCK"
		flock -x 9
		: >held
		exec sleep 60
	) 3>&- &
	echo "$!" >>"$BATS_TEST_TMPDIR/pids"
	within 10 test -e held
}

@test "process 1 ends on SIGTERM and SIGINT while another run's lock is waited for" {
	local s n
	site good
	hold_lock
	for s in TERM INT; do
		n=$(asked)
		as_process_1 site.pem
		within 10 asks_again "$n"
		sleep 0.5
		kill -0 "$pid"
		HELD=./$LOCK ends_on "$s"
		no_file
	done
}

@test "process 1 ends on SIGTERM and SIGINT while HAProxy hangs" {
	local s
	site good
	for s in TERM INT; do
		rm -f fake.sock
		"$FAKEHAPROXY" fake.sock @hang >told 2>&1 3>&- &
		echo "$!" >>"$BATS_TEST_TMPDIR/pids"
		within 10 test -S fake.sock
		as_process_1 --haproxy fake.sock site.pem
		within 10 grep -q ssl told
		ends_on "$s"
		good_file
	done
}

# is_connected PORT: somebody is, here.
is_connected() {
	grep -qi "^ *[0-9]*: 0100007F:[0-9A-F]* 0100007F:$(printf %04X "$1") 01 " /proc/net/tcp
}

@test "process 1 ends on SIGTERM and SIGINT while a server hangs in its handshake" {
	local s
	site good
	response site good
	# what is in the system's queue is connected, and nobody is there
	in_background python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8)
print(s.getsockname()[1], flush=True); time.sleep(60)'
	within 10 test -s server.log
	for s in TERM INT; do
		as_process_1 -S "127.0.0.1:$(<server.log)" site.pem
		within 10 is_connected "$(<server.log)"
		sleep 0.3
		kill -0 "$pid"
		ends_on "$s"
	done
}

@test "process 1 ends on SIGINT while the command of -e runs, too" {
	site good
	as_process_1 -e ': >up; exec sleep 60' site.pem
	within 10 test -e up
	ends_on INT
	good_file
	[ -e .site.pem.ocsp.changed ]
}

@test "process 1 ends on SIGTERM while a list does not end" {
	mkfifo list
	sleep 60 >list 3>&- &
	echo "$!" >>"$BATS_TEST_TMPDIR/pids"
	as_process_1 -l list
	sleep 0.5
	ends_on TERM
}

@test "process 1 ends on SIGTERM while the command of -e runs" {
	site good
	as_process_1 -e ': >up; exec sleep 60' site.pem
	within 10 test -e up
	ends_on TERM
	good_file
	[ -e .site.pem.ocsp.changed ]
}

@test "process 1 ends on SIGTERM while the command of -e runs, without a sandbox" {
	site good
	as_process_1 --sandbox=off -e ': >up; exec sleep 60' site.pem
	within 10 test -e up
	ends_on TERM
	good_file
	[ -e .site.pem.ocsp.changed ]
}

@test "process 1 that was started to ignore SIGHUP ignores it" {
	site latency-1500
	trap '' HUP
	as_process_1_ignoring HUP site.pem
	trap - HUP
	within 10 was_asked
	kill -HUP "$pid"
	wait "$outer"
	good_file
}

as_process_1_ignoring() {
	local how=
	not_for_valgrind
	[ "$(id -u)" -eq 0 ] || how=-r
	# shellcheck disable=SC2086
	unshare $how --pid --fork true 2>/dev/null ||
		skip "no PID namespace here"
	# shellcheck disable=SC2086
	unshare $how --pid --fork env "--ignore-signal=$1" "$OCSPFETCH" \
		"${@:2}" >out 2>err 3>&- &
	outer=$!
	echo "$outer" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has_child "$outer"
	pid=$(child_of "$outer")
}

# Its judge is stopped: so long as nobody ends it, no word comes.
@test "a signal does not wait for the process that decodes, process 1 or not" {
	local p code
	site latency-1500
	for how in '' unshared; do
		rm -f site.pem.ocsp
		if [ -n "$how" ]; then
			as_process_1 site.pem
		else
			env --default-signal=INT "$OCSPFETCH" site.pem >out \
				2>err 3>&- &
			outer=$!
			pid=$outer
			echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
		fi
		within 10 has_child "$pid"
		p=$(child_of "$pid")
		kill -STOP "$p"
		sleep 2.5
		ends_on TERM
		within 5 gone "$p"
		no_file
	done
}

# ---- a root with next to nothing in it ----

# bare: ./root holds the program and its libraries, and d/ with the certificate.
bare() {
	local l
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, for chroot"
	mkdir -p root/bin root/d
	cp "$OCSPFETCH" root/bin/ocspfetch
	ldd "$OCSPFETCH" | grep -o '/[^ ]*' >libraries ||
		skip "needs ldd"
	while read -r l; do
		mkdir -p "root${l%/*}"
		cp "$l" "root$l"
	done <libraries
	cp site.pem site.pem.issuer root/d/
}

fetch_bare() {
	run --separate-stderr chroot root /bin/ocspfetch "$@"
}

@test "without /dev/null, /proc, /dev/shm and /tmp it works" {
	site good
	unsanitized "needs /proc" || return 0
	bare
	fetch_bare /d/site.pem
	exits 0
	silent
	cp root/d/site.pem.ocsp .
	good_file
	fetch_bare -vv -f /d/site.pem
	exits 0
	says "sandbox: this process"
	fetch_bare -c /d/site.pem
	exits 0
	fetch_bare --version
	exits 0
	[[ $output == "ocspfetch "* ]]
}

@test "without /bin/sh the command of -e is 3, and owed" {
	site good
	unsanitized "needs /proc" || return 0
	bare
	fetch_bare -e true /d/site.pem
	exits 3
	says '"true" cannot be run by /bin/sh: No such file or directory'
	[ -e root/d/.site.pem.ocsp.changed ]
}

@test "closed standard descriptors are no files of ours, /dev/null or not" {
	local how
	site good
	unsanitized "needs /proc" || return 0
	bare
	for how in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
		rm -f root/d/site.pem.ocsp site.pem.ocsp
		bash -c "chroot root /bin/ocspfetch -v /d/site.pem $how" \
			>out 2>err
		cp root/d/site.pem.ocsp .
		good_file
		bash -c "\"\$OCSPFETCH\" -v site.pem -f $how" >out 2>err
		good_file
	done
	# what nobody can read is not for nothing
	bash -c 'chroot root /bin/ocspfetch -o - /d/site.pem >&-' 2>err || status=$?
	[ "$status" -eq 3 ]
	grep -q 'cannot write to standard output' err
}

@test "where nothing can be opened in a closed descriptor's place it is 3, and said" {
	site good
	command -v strace >/dev/null || skip "needs strace"
	run --separate-stderr env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		bash -c 'exec strace -qq -o /dev/null -P /dev/null \
		-P / -e trace=openat,open -e inject=openat,open:error=ENFILE \
		"$OCSPFETCH" site.pem <&-'
	exits 3
	says "standard input, output or error is closed"
	says "Too many open files in system"
	no_file
}

@test "in a directory that is gone it works, and for a path in it says why not" {
	site good
	mkdir gone
	run --separate-stderr bash -c 'cd gone && rmdir ../gone &&
		exec "$OCSPFETCH" "$1"' - "$PWD/site.pem"
	exits 0
	silent
	good_file
	mkdir gone
	run --separate-stderr bash -c 'cd gone && rmdir ../gone &&
		exec "$OCSPFETCH" site.pem'
	exits 2
	says "site.pem"
}

@test "where all is read-only a response is 3 to fetch, and 0 to check" {
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to mount"
	unshare -m true 2>/dev/null || skip "no mount namespace here"
	site good
	run --separate-stderr unshare -m sh -c \
		'mount --bind . . && cd "$PWD" && mount -o remount,bind,ro . &&
		exec "$@"' - "$OCSPFETCH" site.pem
	exits 3
	says "Read-only file system"
	[ "${#stderr_lines[@]}" -eq 1 ]
	no_file
	"$OCSPFETCH" site.pem
	run --separate-stderr unshare -m sh -c \
		'mount --bind . . && cd "$PWD" && mount -o remount,bind,ro . &&
		exec "$@"' - "$OCSPFETCH" -c site.pem
	exits 0
	silent
}

@test "an environment without anything, and an odd one, change nothing" {
	site good
	run --separate-stderr env -i "$OCSPFETCH" site.pem
	exits 0
	silent
	good_file
	run --separate-stderr env TZ=:Nowhere/-25 LC_ALL=tr_TR.ISO-8859-9 LANG=zz \
		HOME=/nowhere PATH= "$OCSPFETCH" -f site.pem
	exits 0
	silent
	good_file
}

# ---- a filter of others ----

# filtered ACTION USER ALLOWED... -- [options]: see underfilter.py.
filtered() {
	local before=()
	! by_valgrind || skip "valgrind makes calls of its own"
	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	run --separate-stderr env \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		/usr/bin/python3 "$TOP/tests/harness/underfilter.py" \
		"${before[@]}" -- "$OCSPFETCH" "$@"
	[ "$status" -ne 77 ] || skip "needs libseccomp's Python and systemd"
}

# What a unit that is meant to be strict has.
STRICT=(@system-service '~@privileged' '~@resources')

@test "systemd's @system-service, which kills, ends no run: root, nobody" {
	local user what require=--sandbox=require
	site good
	chmod 777 .
	# a sanitizer does without seccomp, and Landlock is not allowed
	! sanitized || require=--sandbox=auto
	for user in - 65534; do
		[ "$(id -u)" -eq 0 ] || user=-
		for what in kill trap; do
			rm -f site.pem.ocsp
			filtered "$what" "$user" @system-service -- site.pem
			exits 0
			silent
			good_file
			rm -f site.pem.ocsp
			filtered "$what" "$user" "${STRICT[@]}" -- -vv \
				"$require" site.pem
			exits 0
			good_file
			says "sandbox: a filter of system calls that was here"
			says "did without: "
		done
	done
}

@test "nor with -e, a list, --sandbox=off, an issuer to fetch, -c and -S" {
	leaf site good --aia-issuer "$URL/cert-der.$MINE/ca"
	rm site.pem.issuer
	filtered kill - "${STRICT[@]}" -- --fetch-issuer -e ': >told' site.pem
	exits 0
	silent
	good_file
	[ -e told ]
	[ -s site.pem.issuer ]
	filtered kill - "${STRICT[@]}" -- -c site.pem
	exits 0
	filtered kill - "${STRICT[@]}" -- -f --sandbox=off site.pem
	exits 0
	filtered kill - "${STRICT[@]}" -- -S 127.0.0.1:1 site.pem
	exits 1
	says "127.0.0.1"
	leaf other good
	printf '%s\n' site.pem other.pem >list
	rm -f site.pem.ocsp
	filtered kill - "${STRICT[@]}" -- -l list
	exits 0
	silent
	good_file
	good_file other
}

# Those of users are forbidden on many machines, and in most containers.
@test "it asks for no namespace: where that kills, --sandbox=require still holds" {
	local require=--sandbox=require
	site good
	! sanitized || require=--sandbox=auto
	filtered kill - @system-service '~unshare' '~setns' '~pivot_root' \
		'~chroot' '~mount' -- -vv "$require" site.pem
	exits 0
	good_file
	rm site.pem.ocsp
	filtered kill - "${STRICT[@]}" '~unshare' '~setns' -- -e ': >told' \
		site.pem
	exits 0
	silent
	good_file
	[ -e told ]
}

# in_place ERROR ARGUMENT...: what each call has that is not allowed.
in_place() {
	filtered "$1" - "${STRICT[@]}" '~prctl' '~close_range' -- "${@:2}"
	exits 0 || {
		echo "error $1: ${*:2}"
		return 1
	}
	silent
}

@test "any error in the place of what is not allowed leaves all else to work" {
	local e tried=0
	site good
	leaf other good
	printf '%s\n' site.pem other.pem >list
	for e in $(seq 1 133); do
		rm -f site.pem.ocsp other.pem.ocsp
		# a run, a list and -c in turn
		case $((e % 3)) in
		0) in_place "$e" site.pem ;;
		1)
			in_place "$e" -l list
			good_file other
			;;
		2)
			in_place "$e" -e ': >told' site.pem
			in_place "$e" -c site.pem
			;;
		esac
		good_file
		tried=$((tried + 1))
	done
	[ "$tried" -eq 133 ]
	[ -e told ]
}

@test "a file of another owner is replaced though fchown() kills or is refused" {
	local what
	[ "$(id -u)" -eq 0 ] || skip "needs to be root"
	site good
	for what in kill 1 13 38; do
		response site good-older
		chown 12345:23456 site.pem.ocsp
		chmod 604 site.pem.ocsp
		filtered "$what" - "${STRICT[@]}" -- -vv site.pem
		exits 0
		says "fchown"
		[ "$(stat -c '%a %u' site.pem.ocsp)" = "604 0" ]
		good_file
	done
}

@test "--sandbox=require under a filter without seccomp refuses in words" {
	local what
	site good
	unsanitized "does without seccomp" || return 0
	for what in kill trap 1 38; do
		filtered "$what" - @system-service '~prctl' -- \
			--sandbox=require site.pem
		exits 3
		says "--sandbox=require: this system has nothing that could hold"
		says "nothing was done"
		no_file
		filtered "$what" - @system-service '~prctl' -- -vv site.pem
		exits 0
		says "held by nothing that this system has"
		good_file
		rm site.pem.ocsp
	done
	filtered kill - @system-service '~prctl' -- --sandbox=require site.pem
	says "SystemCallFilter="
}

# ---- OpenSSL's configuration ----

# conf NAME LINE...: NAME.cnf, with these lines in its first section.
conf() {
	printf '%s\n' 'openssl_conf = i' '[i]' "${@:2}" >"$1.cnf"
}

fetch_conf() {
	run --separate-stderr env "OPENSSL_CONF=$PWD/$1.cnf" "$OCSPFETCH" \
		"${@:2}"
}

# Can nothing be hashed with it?
prevents() {
	! OPENSSL_CONF=$PWD/$1.cnf openssl dgst -sha256 "$1.cnf" >/dev/null 2>&1
}

@test "a configuration of OpenSSL that leaves it without algorithms is 3" {
	local c
	site good
	conf legacy 'providers = p' '[p]' 'legacy = l' '[l]' 'activate = 1'
	conf base 'providers = p' '[p]' 'base = l' '[l]' 'activate = 1'
	conf absent 'providers = p' '[p]' 'nosuch = l' '[l]' 'activate = 1'
	conf fips 'alg_section = a' '[a]' 'default_properties = fips=yes'
	for c in legacy base absent fips; do
		prevents "$c" || continue
		fetch_conf "$c" site.pem missing.pem
		exits 3
		says "ocspfetch: OpenSSL can verify nothing, as its configuration $PWD/$c.cnf (named by OPENSSL_CONF) leaves it without SHA-1, SHA-256, RSA, ECDSA;"
		[ "${#stderr_lines[@]}" -eq 1 ]
		no_file
		[ "$(asked)" -eq 0 ]
		fetch_conf "$c" -c --json site.pem
		exits 3
		says "OPENSSL_CONF"
		fetch_conf "$c" --help
		exits 0
		fetch_conf "$c" --no-such-option
		exits 2
	done
}

@test "nor is what is stored doubted then, or the command of -e run" {
	local was
	site good
	"$OCSPFETCH" site.pem
	was=$(identity site.pem.ocsp)
	conf legacy 'providers = p' '[p]' 'legacy = l' '[l]' 'activate = 1'
	prevents legacy || skip "this OpenSSL has its default provider all the same"
	fetch_conf legacy -f -e ': >told' site.pem
	exits 3
	[ "$was" = "$(identity site.pem.ocsp)" ]
	[ ! -e told ]
}

@test "a configuration that does not prevent verification changes nothing" {
	local c
	site good
	printf 'garbled \001 [[[\n=== \n' >garbled.cnf
	: >empty.cnf
	mkdir directory.cnf
	conf level 'ssl_conf = s' '[s]' 'system_default = d' '[d]' \
		'CipherString = DEFAULT:@SECLEVEL=5'
	conf wish 'alg_section = a' '[a]' 'default_properties = ?fips=yes'
	conf both 'providers = p' '[p]' 'legacy = l' 'default = l' '[l]' \
		'activate = 1'
	for c in garbled empty directory missing level wish both; do
		rm -f site.pem.ocsp
		fetch_conf "$c" site.pem
		exits 0
		silent
		good_file
	done
}
