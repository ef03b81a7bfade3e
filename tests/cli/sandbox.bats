#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What is received is decoded where it can do no harm: with the whole program.
# What is impossible in there, test_sandbox tries; what its death costs,
# test_judge.
#
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# The children of a process, by number.
children() {
	local of=/proc/$1/task/$1/children
	if [ -e "$of" ]; then
		cat "$of" 2>/dev/null || true
	else
		pgrep -P "$1" || true
	fi
}

@test "--sandbox takes auto, require and off, and nothing else" {
	local how
	site good
	for how in auto require off; do
		rm -f site.pem.ocsp
		fetch "--sandbox=$how" site.pem
		exits 0
		silent
		good_file
	done
	fetch --sandbox=on site.pem
	exits 2
	says "--sandbox"
}

# A kernel without Landlock and seccomp: strace answers in its place.
without_a_jail() {
	command -v strace >/dev/null || skip "needs strace"
	run --separate-stderr env \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -qq -o /dev/null -e trace=landlock_create_ruleset,prctl \
		-e inject=landlock_create_ruleset:error=ENOSYS \
		-e inject=prctl:error=EINVAL "$OCSPFETCH" "$@"
}

@test "--sandbox=require does nothing where there is no jail, and is exit 3" {
	site good
	without_a_jail --sandbox=require site.pem
	exits 3
	says "--sandbox=require: this system has nothing"
	says "nothing was done"
	no_file
	[ "$(asked)" -eq 0 ]
}

@test "--sandbox=auto does its work where there is no jail, and -vv says so" {
	site good
	without_a_jail -vv site.pem
	exits 0
	says "held by nothing that this system has"
	good_file
}

@test "a container that forbids Landlock leaves seccomp, which is enough" {
	command -v strace >/dev/null || skip "needs strace"
	site good
	run --separate-stderr env \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -qq -o /dev/null -e trace=landlock_create_ruleset \
		-e inject=landlock_create_ruleset:error=EPERM \
		"$OCSPFETCH" -vv site.pem
	exits 0
	good_file
	# a sanitizer does without seccomp, too
	if sanitized; then return; fi
	says "held by seccomp (Landlock is not to be had here)"
	says "this process runs nothing"
}

@test "-vv says what holds the process that decodes" {
	site good
	fetch -vv site.pem
	exits 0
	says "decoded by a process of its own, held by "
	fetch --sandbox=off -vv site.pem
	exits 0
	does_not_say "sandbox"
}

@test "a run that needs no judge starts no process" {
	command -v strace >/dev/null || skip "needs strace"
	leaf site -
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -qq -o ../trace \
		-e trace=/fork,/clone "$OCSPFETCH" site.pem
	never grep -q . ../trace
}

@test "a judge that is killed between two answers costs nothing" {
	local pid judge code=0
	[ -e /proc/self/stat ] || skip "needs /proc"
	site good
	leaf slow "hang.$MINE"
	response slow good
	"$OCSPFETCH" -r 0 -t 6 site.pem slow.pem 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 good_file
	judge=$(children "$pid")
	# shellcheck disable=SC2086
	kill -9 $judge
	wait "$pid" || code=$?
	# the other one hangs, and its stored response does
	[ "$code" -eq 0 ] || cat err
	[ "$code" -eq 0 ]
}

asked_both() {
	[ "$(asked)" -eq 2 ]
}

@test "no process of a run that goes on holds the private key in its memory" {
	local pid judge p
	[ -w /proc/self/mem ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to look"
	site good
	leaf slow "hang.$MINE"
	cat slow.key >>slow.pem
	# some of what is secret, as it is in the file, and decoded
	[ "$(head -n 1 slow.key)" = "-----BEGIN PRIVATE KEY-----" ]
	sed -n 2p slow.key | cut -c 49-64 | tr -d '\n' >text
	base64 -d text >raw
	[ "$(wc -c <raw)" -eq 12 ]
	printf '%s' "hang.$MINE" >name
	"$OCSPFETCH" -v -r 0 -t 20 site.pem slow.pem >out 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 good_file
	within 10 asked_both
	judge=$(children "$pid")
	for p in "$pid" $judge; do
		never memory_has "$p" text
		never memory_has "$p" raw
	done
	# what is looked for would be found
	memory_has "$pid" name
}

asked_slow() {
	grep -q "/hang\.$MINE" "$LOG"
}

@test "nor a key that a list takes for a place to write to" {
	local pid p
	[ -w /proc/self/mem ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to look"
	site good
	leaf slow "hang.$MINE"
	cp site.key k.key
	echo "site.pem [ocsp k.key]" >list
	echo slow.pem >>list
	sed -n 2p k.key | cut -c 49-64 | tr -d '\n' >text
	printf '%s' "hang.$MINE" >name
	"$OCSPFETCH" -v -P 1 -r 0 -t 20 -l list >out 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 asked_slow
	grep -q "k.key holds a certificate or a key" out
	for p in "$pid" $(children "$pid"); do
		never memory_has "$p" text
	done
	memory_has "$pid" name
	cmp k.key site.key
}

# holds_none PID FILE OFFSET...: no process of this run, twelve bytes from there.
holds_none() {
	local pid=$1 file=$2 at p
	shift 2
	for at; do
		dd if="$file" of=piece bs=1 skip="$at" count=12 status=none
		[ "$(wc -c <piece)" -eq 12 ]
		for p in "$pid" $(children "$pid"); do
			never memory_has "$p" piece
		done
	done
}

# has N PID: so many processes has this one begun.
has() {
	[ "$(children "$2" | wc -w)" -eq "$1" ]
}

@test "nor a key in DER that was taken for a certificate" {
	local pid
	[ -w /proc/self/mem ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to look"
	openssl genrsa 2048 2>/dev/null |
		openssl pkey -outform DER -out key.der
	leaf slow "hang.$MINE"
	response slow good
	printf '%s' "hang.$MINE" >name
	"$OCSPFETCH" -v -P 1 -r 0 -t 20 key.der slow.pem >out 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 asked_slow
	within 10 has 1 "$pid"
	holds_none "$pid" key.der 304 368 432 480 640 680
	memory_has "$pid" name
}

@test "nor one in the place of a response that nobody has looked at" {
	local pid i
	[ -w /proc/self/mem ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to look"
	openssl genrsa -out rsa.key 2048 2>/dev/null
	leaf a good
	rm a.pem.issuer
	leaf b good
	response b good
	for i in 1 2 3 4 5 6 7 8; do
		cp a.pem "a$i.pem"
		cp rsa.key "a$i.pem.ocsp"
	done
	# more is said of these than a pipe holds
	for i in $(seq 101 180); do
		cp b.pem "b$i.pem"
		cp b.pem.issuer "b$i.pem.issuer"
		cp b.pem.ocsp "b$i.pem.ocsp"
	done
	mkfifo unread
	exec 8<>unread
	"$OCSPFETCH" -c -vv a?.pem b???.pem 2>unread 3>&- 8>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has 1 "$pid"
	holds_none "$pid" rsa.key 100 300 500 700 900 1100 1300 1500
	printf '%s' b101.pem >name
	memory_has "$pid" name
}

@test "no process of it leaves a core file" {
	local pid p
	[ -e /proc/self/limits ] || skip "needs /proc"
	site hang
	response site good
	"$OCSPFETCH" -r 0 -t 20 site.pem 2>out 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has 1 "$pid"
	for p in "$pid" $(children "$pid"); do
		grep -qE '^Max core file size +0 +0 ' "/proc/$p/limits"
	done
}

@test "where Landlock takes no rule all goes on without it" {
	local call=landlock_add_rule
	command -v strace >/dev/null || skip "needs strace"
	site good
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run --separate-stderr \
		strace -qq -o ../trace -e trace=$call \
		-e inject=$call:error=EINVAL "$OCSPFETCH" site.pem
	exits 0
	good_file
	# a sanitizer's build makes no rules
	sanitized || grep -q "^$call(.*INJECTED" ../trace
}

@test "nothing is said of a jail that was not needed" {
	mkdir certs
	site good
	fetch -vv -o out.ocsp certs
	exits 2
	never says "sandbox: this process"
	fetch -vv site.pem
	exits 0
	says "sandbox: this process"
}

@test "nothing is left behind by a run that is killed" {
	local pid judge
	[ -e /proc/self/stat ] || skip "needs /proc"
	site hang
	response site good-older
	"$OCSPFETCH" -e true site.pem >out 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has 2 "$pid"
	judge=$(children "$pid")
	kill -9 "$pid"
	wait "$pid" || true
	within 10 all_gone "$judge"
}

all_gone() {
	local p
	for p in $1; do
		[ ! -d "/proc/$p" ] || grep -q '^State:.Z' "/proc/$p/status" ||
			return 1
	done
}

@test "descriptors that somebody left open are closed, but those named" {
	site good
	echo site.pem >list
	"$OCSPFETCH" -l /dev/fd/7 7<list
	good_file
	command -v strace >/dev/null || skip "needs strace"
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
		strace -f -qq -o ../trace "$OCSPFETCH" site.pem 9<list
	grep -q 'close_range(3, ' ../trace
}

@test "the command of -e keeps its rights: to write, to run, to dump core" {
	[ -e /proc/self/status ] || skip "needs /proc"
	site good
	mkdir ../elsewhere
	(
		ulimit -c 64
		ASAN_OPTIONS=${ASAN_OPTIONS-}:disable_coredump=0 \
			TSAN_OPTIONS=${TSAN_OPTIONS-}:disable_coredump=0 \
			"$OCSPFETCH" -e 'cat /proc/self/status >../elsewhere/status
			ulimit -c >../elsewhere/core' site.pem
	)
	grep -q '^NoNewPrivs:.0$' ../elsewhere/status
	[ "$(cat ../elsewhere/core)" != 0 ]
}

@test "who was to run the command of -e is killed: it is owed" {
	site good
	# shellcheck disable=SC2016
	fetch -e 'kill -9 $PPID' site.pem
	exits 3
	says "-e"
	good_file
	fetch -d -e 'echo called >called' site.pem
	exits 0
	[ -e called ]
}

@test "the program cannot write but where responses go" {
	command -v strace >/dev/null || skip "needs strace"
	site good
	mkdir out
	fetch -vv -o out/here site.pem
	exits 0
	[ -s out/here ]
	# a sanitizer writes its reports elsewhere
	if sanitized; then return; fi
	[[ $stderr == *"writes only where responses go"* ]] ||
		skip "no Landlock here"
	# where it allows to: these two directories and nothing else
	strace -qq -o ../trace -e trace=/landlock \
		"$OCSPFETCH" -o out/here site.pem
	[ "$(grep -c '^landlock_add_rule(.* = 0' ../trace)" -eq 2 ]
	grep -q 'landlock_restrict_self(.*= 0' ../trace
}

# without CALL ERROR [options]: the system has none of it.
without() {
	run --separate-stderr env \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -qq -o /dev/null -e "trace=$1" \
		-e "inject=$1:error=$2" "$OCSPFETCH" "${@:3}" site.pem
}

@test "without a socket or a process for a judge it is 3, and nothing is lost" {
	local what before
	command -v strace >/dev/null || skip "needs strace"
	site good
	response site good-older
	before=$(identity site.pem.ocsp)
	for what in 'socketpair EMFILE' 'socketpair ENFILE' \
		'/^(clone|clone3|fork|vfork)$ EAGAIN' \
		'/^(clone|clone3|fork|vfork)$ ENOMEM'; do
		# shellcheck disable=SC2086
		without $what
		exits 3
		says "so there is no judge of responses"
		says "--sandbox=off"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ "$before" = "$(identity site.pem.ocsp)" ]
		[ -z "$(leftovers)" ]
	done
}

@test "without a socket or a process for the command of -e nothing is begun" {
	local what
	command -v strace >/dev/null || skip "needs strace"
	site good
	for what in 'socketpair EMFILE' \
		'/^(clone|clone3|fork|vfork)$ EAGAIN'; do
		# shellcheck disable=SC2086
		without $what -e true
		exits 3
		says "-e: cannot "
		says "nothing was done"
		no_file
		[ "$(asked)" -eq 0 ]
	done
}

# Landlock is given up for no directory that cannot be one.
@test "an operand that is no file takes nothing away from the others' sandbox" {
	command -v strace >/dev/null || skip "needs strace"
	site good
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -qq -o ../trace \
		-e trace=/landlock "$OCSPFETCH" site.pem site.pem/x.pem \
		nowhere/y.pem >../out 2>&1 || true
	good_file
	grep -q 'landlock_create_ruleset' ../trace || skip "needs Linux"
	! grep -q 'landlock_create_ruleset(NULL.* = -1' ../trace ||
		skip "no Landlock here"
	grep -q 'landlock_restrict_self(.*= 0' ../trace
}

@test "thousands of directories are each one to write in, and no others" {
	local i
	site good
	for i in {1..300}; do
		mkdir "d$i"
		cp site.pem site.pem.issuer "d$i/"
	done
	fetch -vv d*/site.pem
	exits 0
	for i in {1..300}; do [ -s "d$i/site.pem.ocsp" ]; done
	sanitized || [[ $stderr == *"writes only where responses go"* ]] ||
		skip "no Landlock here"
}

@test "of root's capabilities the program keeps those about files" {
	local pid
	[ -e /proc/self/status ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to have some"
	site hang
	"$OCSPFETCH" -t 5 -r 0 site.pem >out 2>&1 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 was_asked
	# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SYS_RESOURCE,
	# MAC_OVERRIDE
	((($(sed -n 's/^CapEff:./0x/p' "/proc/$pid/status") & ~0x10100001f) == 0))
	grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
}

@test "all that a run may need works in it: issuer fetched, list, nonce, check" {
	leaf site good --aia-issuer "$URL/cert-der.$MINE/ca"
	rm site.pem.issuer
	fetch --sandbox=require -N --fetch-issuer site.pem || true
	[ "$status" -eq 0 ] || echo "$stderr"
	exits 0
	good_file
	[ -s site.pem.issuer ]
	echo site.pem >list
	fetch --sandbox=require -vv -f -l list
	exits 0
	says "OCSP Response Data"
	fetch --sandbox=require -c site.pem
	exits 0
}

# OpenSSL reads its configuration when it first needs it: in a jail it would do
# without, and without the rules that are in it.
@test "nothing that a jailed process tries is refused, OpenSSL's files least" {
	command -v strace >/dev/null || skip "needs strace"
	leaf site good --aia-issuer "$URL/cert-der.$MINE/ca"
	rm site.pem.issuer
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -o ../trace \
		"$OCSPFETCH" -N --fetch-issuer site.pem
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -o ../trace2 \
		"$OCSPFETCH" -f -vv site.pem 2>err
	grep -q 'OCSP Response Data' err
	sanitized || grep -q 'SECCOMP_MODE_FILTER' ../trace ||
		skip "no seccomp here"
	never grep -h ENOSYS ../trace ../trace2
	# the first process alone reads it
	[ "$(grep -h 'openssl.cnf' ../trace | cut -d' ' -f1)" = \
		"$(head -n 1 ../trace | cut -d' ' -f1)" ]
}
