#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Fifty runs at once: the newest answer wins, nobody fails, and who reads the
# files all the while sees whole responses only, and none that is older than
# one seen before.
#
# `run` sets these; this shellcheck takes each test for a subshell.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_place; }
teardown() { end_place; }

# is_good NAME FILE
is_good() {
	openssl ocsp -respin "$2" -issuer "$PKI/ca.pem" -cert "$1.pem" \
		-CAfile "$PKI/ca.pem" -partial_chain -no_nonce 2>&1 |
		grep -q "^$1.pem: good\$"
}

# Reads the file until ../stop is there; keeps what differs from what it read
# before as ../reads/NAME.N.  `cat` reads it at once; a file that is missing
# after it was seen is kept, too, as an empty one.
read_for_ever() {
	local n=0 last=
	while [ ! -e ../stop ]; do
		cat "$1.pem.ocsp" >"../reads/.$1" 2>/dev/null || true
		[ "$n" -gt 0 ] || [ -s "../reads/.$1" ] || continue
		[ -z "$last" ] || ! cmp -s "../reads/.$1" "$last" || continue
		last=../reads/$1.$((++n))
		mv "../reads/.$1" "$last"
	done
}

# runs_at_once N ANSWER...: N runs about a, b and c, whose responders give one
# answer after the other; each has to end with 0 and without a word.
runs_at_once() {
	local n=$1 i pids=() pid bad=0
	shift
	local answers=("$@")
	for ((i = 0; i < n; i++)); do
		"$OCSPFETCH" -u "$URL/${answers[i % ${#answers[@]}]}" \
			a.pem b.pem c.pem >"../out.$i" 2>&1 3>&- &
		pids+=("$!")
		remember "$!"
	done
	for ((i = 0; i < n; i++)); do
		pid=0
		wait "${pids[i]}" || pid=$?
		if [ "$pid" -ne 0 ] || [ -s "../out.$i" ]; then
			echo "run $i: status $pid, $(cat "../out.$i")"
			bad=1
		fi
	done
	[ "$bad" -eq 0 ]
}

readers() {
	local name
	mkdir ../reads
	reading=()
	for name in a b c; do
		read_for_ever "$name" 3>&- &
		reading+=("$!")
		remember "$!"
	done
}

# All that was read was whole, and went forward only.  $changes says how often
# a reader saw a file change.
readers_are_content() {
	local name i n last this pid
	sleep 0.2
	: >../stop
	for pid in "${reading[@]}"; do wait "$pid"; done
	changes=0
	for name in a b c; do
		n=$(find ../reads -name "$name.*" | wc -l)
		[ "$n" -ge 1 ]
		last=0
		for ((i = 1; i <= n; i++)); do
			is_good "$name" "../reads/$name.$i" || {
				echo "reader of $name: the ${i}th of $n is torn"
				return 1
			}
			this=$(this_update "../reads/$name.$i")
			[ "$this" -ge "$last" ] || {
				echo "reader of $name: $this after $last"
				return 1
			}
			last=$this
		done
		changes=$((changes + n - 1))
		cmp "../reads/$name.$n" "$name.pem.ocsp"
	done
	echo "$changes changes were seen"
}

# The newest answer, a minute old, is there; nothing else is.
newest_is_there() {
	local name from=$1
	for name in a b c; do
		is_good "$name" "$name.pem.ocsp"
		[ "$(this_update "$name.pem.ocsp")" -ge $((from - 120)) ]
		[ "$(stat -c %a "$name.pem.ocsp")" = 644 ]
	done
	[ -z "$(leftovers)" ]
	[ "$(find . -name '*ocsp*' | wc -l)" -eq 3 ]
}

three() {
	local name
	for name in a b c; do
		leaf "$name" good
	done
}

@test "fifty runs at once: the newest wins, no run fails, no reader sees older" {
	local from
	from=$(date +%s)
	three
	for name in a b c; do response "$name" good-older; done
	readers
	runs_at_once 50 good-older good good-newer
	readers_are_content
	[ "$changes" -ge 3 ]
	newest_is_there "$from"
}

@test "fifty runs at once where no file is yet: the newest is there" {
	local from
	from=$(date +%s)
	three
	readers
	runs_at_once 50 good good-older good-newer
	readers_are_content
	newest_is_there "$from"
}

@test "fifty runs at once, whose responder goes back and forth in time" {
	local from
	from=$(date +%s)
	three
	readers
	runs_at_once 50 "alternate.fifty$BATS_TEST_NUMBER"
	readers_are_content
	newest_is_there "$from"
}

@test "the newest wins where all runs find a killed run's temporary file" {
	command -v strace >/dev/null || skip "needs strace"
	local from name
	from=$(date +%s)
	three
	for name in a b c; do
		ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace -f -qq \
			-o /dev/null -e inject=/^rename:signal=KILL \
			"$OCSPFETCH" "$name.pem"
		[ "$status" -eq 137 ]
	done
	[ "$(leftovers | wc -l)" -eq 6 ]
	readers
	runs_at_once 30 good-older good-newer good
	readers_are_content
	newest_is_there "$from"
}

# A lock that somebody holds on the lock file of site.pem: $holder, and $draft.
hold_the_draft() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace -f -qq \
		-o /dev/null -e inject=/^rename:signal=KILL "$OCSPFETCH" site.pem
	[ "$status" -eq 137 ]
	left=$(leftovers)
	draft=$(find . -name '.site.pem.ocsp.*')
	[ -n "$draft" ]
	(
		exec 9<"$draft"
		flock -x 9
		: >../held
		exec sleep 60
	) 3>&- &
	holder=$!
	remember "$holder"
	local i
	for ((i = 0; i < 100; i++)); do
		[ ! -e ../held ] || break
		sleep 0.05
	done
	[ -e ../held ]
}

@test "a lock that never comes free is 3, with a message, in about 10 s" {
	command -v strace >/dev/null || skip "needs strace"
	local from took
	leaf site good
	response site good-older
	cp site.pem.ocsp ../old
	hold_the_draft
	from=$(date +%s%N)
	fetch site.pem
	took=$((($(date +%s%N) - from) / 1000000))
	echo "after $took ms: $stderr"
	exits 3
	[ "${#stderr_lines[@]}" -eq 1 ]
	says "ocspfetch: site.pem: "
	says "another run is saving site.pem.ocsp"
	[ "$took" -ge 9500 ]
	[ "$took" -le 14000 ]
	cmp ../old site.pem.ocsp
	# it is somebody else's still
	[ "$(leftovers)" = "$left" ]
	# when the holder dies, its lock does
	kill "$holder"
	wait "$holder" || true
	fetch site.pem
	exits 0
	silent
	is_good site site.pem.ocsp
	run ! cmp -s ../old site.pem.ocsp
	[ -z "$(leftovers)" ]
}

# As another user, who may read: a lock on FILE, shared or not, $holder.
# shellcheck disable=SC2016 # for the shell that locks
hold_as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups bash -c \
		'exec 9<"$1" && flock "$2" 9 && exec sleep 60' - "$1" "$2" 3>&- &
	holder=$!
	remember "$holder"
	for ((i = 0; i < 100; i++)); do
		flock -n -x "$1" true || return 0
		sleep 0.05
	done
	return 1
}

@test "a lock of who may only read does not keep a run from saving" {
	[ "$(id -u)" -eq 0 ] || skip "needs another user"
	command -v strace >/dev/null || skip "needs strace"
	local at mode how file
	PLACE=$(mktemp -d /tmp/ocspfetch-concurrent.XXXXXX)
	chmod 755 "$PLACE"
	cd "$PLACE"
	leaf site good
	# nothing that a killed run leaves can be locked by others
	for at in fsync rename; do
		ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace -f -qq \
			-o /dev/null -e "inject=/^$at:signal=KILL:when=1" \
			"$OCSPFETCH" site.pem
		[ "$status" -eq 137 ]
		run setpriv --reuid 65534 --regid 65534 --clear-groups \
			cat site.pem
		[ "$status" -eq 0 ]
		run setpriv --reuid 65534 --regid 65534 --clear-groups \
			flock -n "$(find . -name '.site.pem.ocsp.*')" true
		[ "$status" -ne 0 ]
		fetch site.pem
		exits 0
		silent
		[ -z "$(leftovers)" ]
		rm site.pem.ocsp
	done
	# nor what an earlier version, or somebody else, has left
	for mode in 644 444; do
		for how in -x -s; do
			ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run strace \
				-f -qq -o /dev/null \
				-e inject=/^rename:signal=KILL \
				"$OCSPFETCH" site.pem
			file=$(find . -name '.site.pem.ocsp.*')
			chmod "$mode" "$file"
			hold_as_nobody "$file" "$how"
			fetch site.pem
			exits 0
			silent
			[ -z "$(leftovers)" ]
			rm site.pem.ocsp
			kill "$holder"
		done
	done
}

@test "the lock of a run that hangs is believed for a minute" {
	command -v strace >/dev/null || skip "needs strace"
	leaf site good
	response site good-older
	cp site.pem.ocsp ../old
	hold_the_draft
	touch -d '55 seconds ago' "$draft"
	fetch --deadline 1 site.pem
	exits 3
	cmp ../old site.pem.ocsp
	touch -d '61 seconds ago' "$draft"
	fetch site.pem
	exits 0
	silent
	is_good site site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "fifty runs at once, each of which takes all others for dead" {
	local from name
	from=$(date +%s)
	three
	for name in a b c; do response "$name" good-older; done
	readers
	# as if the clock were set back and forth all the while
	while [ ! -e ../stop ]; do
		find . -name '.*.ocsp.*' -exec touch -c -d '1 hour ago' {} + 2>/dev/null
		sleep 0.01
	done 3>&- &
	remember "$!"
	runs_at_once 20 good-older good good-newer
	readers_are_content
	newest_is_there "$from"
}

@test "a lock that never comes free holds up its own certificate only" {
	command -v strace >/dev/null || skip "needs strace"
	local from
	leaf site good
	leaf a good
	leaf b good
	response site good-older
	cp site.pem.ocsp ../old
	hold_the_draft
	fetch a.pem site.pem b.pem
	exits 3
	[ "${#stderr_lines[@]}" -eq 1 ]
	says "another run is saving site.pem.ocsp"
	is_good a a.pem.ocsp
	is_good b b.pem.ocsp
	cmp ../old site.pem.ocsp
}
