#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Killed before any system call, or out of room: the file is the old one or the
# new one, whole, and the next run puts all in order.
#
# `run` sets these; this shellcheck takes each test for a subshell.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

# Two directories in which to try, w0 and w1, with one certificate; the old
# response and the new one, which has the same bytes for an hour, beside them.
setup() {
	local i
	cd "$BATS_TEST_TMPDIR" || exit
	# of make coverage: who is killed while it adds to a file spoils it
	export GCOV_PREFIX=$BATS_TEST_TMPDIR/gcov
	leaf site good-same
	response site good-older
	mv site.pem.ocsp old
	"$OCSPFETCH" site.pem
	mv site.pem.ocsp new
	for i in 0 1; do
		mkdir "w$i"
		cp site.pem site.pem.issuer "w$i"
	done
}

# In a directory to try in: what was stored before.
store() {
	rm -rf .site.pem.ocsp[.-]* site.pem.ocsp
	[ "$1" = nothing ] || cp ../old site.pem.ocsp
}

# traced STRACE-OPTIONS: the program, whose system calls are looked at.
# LeakSanitizer cannot work under strace.
traced() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 timeout -k 1 20 \
		strace -qq "$@" "$OCSPFETCH" site.pem
}

# The system calls of a whole run, from when the certificate is opened to the
# end: NAME:N is the Nth of its name.  strace counts them so, too.
calls() {
	store "$1"
	traced -o ../trace >../out 2>&1
	[ ! -s ../out ]
	awk '!/^[a-z_0-9]+\(/ { next }
	{
		name = substr($0, 1, index($0, "(") - 1)
		n[name]++
		if (/"site.pem", O_RDONLY/) begun = 1
		if (begun) print name ":" n[name]
	}' ../trace
}

# Those of the judge of responses, as much of its life as it is jailed or about
# to be: all that it makes.
calls_of_judge() {
	store "$1"
	traced -f -o ../trace >../out 2>&1
	[ ! -s ../out ]
	awk 'NR == 1 { program = $1 }
	$1 == program { next }
	{ sub(/^[0-9]+ +/, "") }
	!/^[a-z_0-9]+\(/ { next }
	{
		name = substr($0, 1, index($0, "(") - 1)
		print name ":" ++n[name]
	}' ../trace
}

# try STATE NAME:N [-f]: what is wrong after a run that is killed there, and
# after the one that follows; nothing if all is well.  With -f its judge may be
# killed instead, which is said.
try() {
	local state=$1 name=${2%:*} n=${2#*:} was=none is code=0
	store "$state"
	[ "$state" = nothing ] || was=old
	# shellcheck disable=SC2086
	traced ${3-} -o /dev/null -e "trace=$name" \
		-e "inject=$name:signal=KILL:when=$n" >out 2>err || code=$?
	is=$(holding)
	compgen -G '.site.pem.ocsp[.-]*' >/dev/null && echo left >>../seen
	echo "$is" >>../seen
	case $code in
	137) [ "$is" = "$was" ] || [ "$is" = new ] || echo "the file is $is" ;;
	0) [ "$is" = new ] || echo "0, but the file is $is" ;;
	3)
		[ -n "${3-}" ] || echo "status 3"
		[ "$is" = "$was" ] || echo "3, but the file is $is"
		if [ "$(wc -l <err)" -ne 1 ] ||
			! grep -q '^ocspfetch: site.pem: the process that decodes what was received was killed' err; then
			echo "it says: $(cat err)"
		fi
		echo bereft >>../seen
		: >err
		;;
	*) echo "status $code" ;;
	esac
	[ "$code" -ne 137 ] || echo killed >>../seen
	[ ! -s out ] && [ ! -s err ] || echo "it says: $(cat out err)"
	code=0
	timeout -k 1 20 "$OCSPFETCH" site.pem >out 2>&1 || code=$?
	[ "$code" -eq 0 ] || echo "the next run ends with $code"
	[ ! -s out ] || echo "the next run says: $(cat out)"
	is_whole_new || echo "after the next run the file is $(holding)"
	if compgen -G '.site.pem.ocsp[.-]*' >/dev/null; then
		echo "the next run leaves a temporary file"
	fi
}

# worker I STATE [-f]: every second line of the plan.
worker() {
	local call told i=0
	cd "w$1" || return
	while read -r call; do
		[ $((i++ % 2)) -eq "$1" ] || continue
		told=$(try "$2" "$call" "${3-}")
		[ -z "$told" ] || echo "$call: ${told//$'\n'/; }"
	done <../plan >"../wrong.$1" 2>&1
	echo "worker $1 is done" >>../seen
}

killed_everywhere() {
	local pids=() pid
	command -v strace >/dev/null || skip "needs strace"
	(cd w0 && calls "$1") >all
	[ "$(wc -l <all)" -ge 60 ]
	grep -q '^rename' all
	# sanitizers are slow, and what they add is no concern of the file
	if sanitized; then
		awk '/^(openat|flock|write|fch|fsync|fcntl|rename|unlink)/ ||
			NR % 8 == 0' all >plan
	else
		cp all plan
	fi
	worker 0 "$1" 3>&- &
	pids+=("$!")
	worker 1 "$1" 3>&- &
	pids+=("$!")
	for pid in "${pids[@]}"; do wait "$pid"; done
	echo "$(wc -l <plan) moments of $(wc -l <all);" \
		"$(grep -c killed seen) runs were killed"
	cat wrong.?
	[ "$(cat wrong.? | wc -l)" -eq 0 ]
	[ "$(grep -c 'is done' seen)" -eq 2 ]
	# it did happen before, after, and in between
	grep -qx new seen
	grep -qx left seen
	grep -qx "$2" seen
	[ "$(grep -c killed seen)" -ge $(($(wc -l <plan) * 8 / 10)) ]
}

@test "killed before any system call, a run leaves the old file or the new" {
	killed_everywhere older old
}

@test "killed before any system call, a run leaves no file or the new one" {
	killed_everywhere nothing none
}

@test "its judge killed before any system call, a run leaves the old file, or new" {
	local pids=() pid
	command -v strace >/dev/null || skip "needs strace"
	(cd w0 && calls_of_judge older) >plan
	# a sanitizer's are many
	[ "$(wc -l <plan)" -lt 100 ] || sed -i -n '1~6p' plan
	[ "$(wc -l <plan)" -ge 5 ]
	worker 0 older -f 3>&- &
	pids+=("$!")
	worker 1 older -f 3>&- &
	pids+=("$!")
	for pid in "${pids[@]}"; do wait "$pid"; done
	cat wrong.?
	[ "$(cat wrong.? | wc -l)" -eq 0 ]
	[ "$(grep -c 'is done' seen)" -eq 2 ]
	grep -qx bereft seen
}

@test "ten runs that are killed leave one lock and one response, and the next none" {
	command -v strace >/dev/null || skip "needs strace"
	local i
	cd w0
	store older
	for ((i = 0; i < 10; i++)); do
		run traced -o /dev/null -e inject=/^rename:signal=KILL
		[ "$status" -eq 137 ]
		cmp ../old site.pem.ocsp
		[ "$(leftovers | wc -l)" -eq 2 ]
	done
	run --separate-stderr "$OCSPFETCH" site.pem
	exits 0
	silent
	is_whole_new
	[ -z "$(leftovers)" ]
}

# In the directory disk, which is full but for what STATE needs.
on_a_full_disk() {
	local state=$1
	set -eu
	mount -t tmpfs -o size=64k none disk
	cp site.pem site.pem.issuer disk
	cd disk
	[ "$state" = nothing ] || cp ../old site.pem.ocsp
	dd if=/dev/zero of=filler bs=4k 2>/dev/null && exit 90
	cp site.pem more 2>/dev/null && exit 91
	rm -f more
	status=0
	"$OCSPFETCH" site.pem >../full.out 2>../full.err || status=$?
	echo "full: status $status, file $(holding), left: $(leftovers)"
	rm filler
	status=0
	"$OCSPFETCH" site.pem >../next.out 2>&1 || status=$?
	echo "next: status $status, file $(holding), left: $(leftovers)"
}

# Runs that in a mount name space of its own: as root, or as one's own root.
in_private() {
	local how
	for how in "" "-r"; do
		# shellcheck disable=SC2086
		unshare $how -m mount -t tmpfs -o size=64k none disk \
			2>/dev/null || continue
		# shellcheck disable=SC2086,SC2016
		unshare $how -m bash -c "$(declare -f holding is_whole_new \
			leftovers on_a_full_disk)"'; on_a_full_disk "$@"' - \
			"$1" 3>&-
		return
	done
	return 99
}

# What cannot mount has files that may not grow.
in_limits() {
	cd w0 || return
	store "$1"
	status=0
	(
		ulimit -f 0
		exec "$OCSPFETCH" site.pem 2>&1
	) | cat >../full.err || true
	status=${PIPESTATUS[0]}
	: >../full.out
	echo "full: status $status, file $(holding), left: $(leftovers)"
	status=0
	"$OCSPFETCH" site.pem >../next.out 2>&1 || status=$?
	echo "next: status $status, file $(holding), left: $(leftovers)"
	cd .. || return
}

full_disk() {
	mkdir disk
	run in_private "$1"
	if [ "$status" -eq 99 ]; then
		set +e
		output=$(in_limits "$1")
		mapfile -t lines <<<"$output"
		set -e
	fi
	echo "$output"
	[ "${lines[0]}" = "full: status 3, file $2, left: " ]
	[ "${lines[1]}" = "next: status 0, file new, left: " ]
	[ ! -s full.out ]
	cat full.err
	[ "$(wc -l <full.err)" -eq 1 ]
	grep -q '^ocspfetch: site.pem: cannot write .*\(No space\|too large\)' \
		full.err
	[ ! -s next.out ]
}

@test "on a full disk the old file stays, and is replaced when there is room" {
	full_disk older old
}

@test "on a full disk nothing is begun, and a file is made when there is room" {
	full_disk nothing none
}
