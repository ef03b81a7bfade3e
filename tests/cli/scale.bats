#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Thousands of certificates in one run: what is bounded stays so, however many
# there are.  SCALE says how many (2000; `make bench FULL=1` takes 20000).

load ../harness/lib

setup_file() {
	[ -x "$BUILD/bench-pki" ] || skip "epoll is needed to count"
	export N=${SCALE:-2000}
	# every response is flushed: a disk would take most of the time
	if [ -w /dev/shm ]; then
		WORLD=$(mktemp -d /dev/shm/ocspfetch-scale.XXXXXX)
	else
		WORLD=$BATS_FILE_TMPDIR
	fi
	export WORLD
	: >"$BATS_FILE_TMPDIR/pids"
	start_counter "$BATS_FILE_TMPDIR"
	"$BUILD/bench-pki" "$WORLD" "http://127.0.0.1:$PORT" "$N" ec direct
}

teardown_file() {
	[ -e "$BATS_FILE_TMPDIR/pids" ] || return 0
	stop_all
	rm -rf "$WORLD"
}

setup() {
	MINE=$(mktemp -d "$WORLD/test.XXXXXX")
	cp -R "$WORLD/leaf" "$MINE/leaf"
	cd "$MINE" || exit
	: >"$BATS_TEST_TMPDIR/pids"
}

teardown() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
	cd / && rm -rf "$MINE"
}

# start_counter DIR [options]: a responder that counts; sets PORT and COUNTER.
start_counter() {
	local dir=$1 i
	shift
	: >"$dir/counter"
	"$BUILD/bench-responder" "$@" "$WORLD/answers" >"$dir/counter" 3>&- &
	COUNTER=$!
	echo "$COUNTER" >>"$dir/pids"
	for ((i = 0; i < 100; i++)); do
		PORT=$(awk '/^port/ { print $2 }' "$dir/counter")
		[ -z "$PORT" ] || break
		sleep 0.05
	done
	[ -n "$PORT" ]
}

# Ends the counter; sets REQUESTS and CONNECTIONS.
end_counter() {
	kill "$COUNTER"
	wait "$COUNTER"
	REQUESTS=$(awk '/^requests/ { print $2 }' "$BATS_TEST_TMPDIR/counter")
	CONNECTIONS=$(awk '/^connections/ { print $2 }' \
		"$BATS_TEST_TMPDIR/counter")
}

# names N: the first N certificates.
names() {
	awk -v n="$1" \
		'BEGIN { for (i = 0; i < n; i++) printf "leaf/%05d.pem\n", i }'
}

# stored N: so many have a response, whole and in its place.
stored() {
	[ "$(find leaf -name '*.ocsp' -size +100c | wc -l)" -eq "$1" ]
	[ -z "$(leftovers leaf)" ]
}

# peak N: KiB of memory of a run with N certificates.
peak() {
	find leaf -name '*.ocsp' -exec rm -f {} +
	# shellcheck disable=SC2046
	"$BUILD/bench-turns" 1 run : "$OCSPFETCH" $(names "$1") \; |
		awk '{ print $4 }'
}

@test "256 descriptors are enough for thousands of certificates" {
	ulimit -n 256
	# shellcheck disable=SC2046
	fetch $(names "$N")
	exits 0
	silent
	stored "$N"
}

@test "256 descriptors are enough for 64 questions at once" {
	ulimit -n 256
	start_counter "$BATS_TEST_TMPDIR" -l 20
	# shellcheck disable=SC2046
	fetch -P 64 -u "http://127.0.0.1:$PORT" $(names "$N")
	exits 0
	stored "$N"
}

@test "the descriptors are two for each question on the wire and a few more" {
	ulimit -n 48
	start_counter "$BATS_TEST_TMPDIR" -l 2
	# shellcheck disable=SC2046
	fetch -P 16 -u "http://127.0.0.1:$PORT" $(names "$N")
	exits 0
	stored "$N"
}

@test "no more threads are started than questions may be on the wire" {
	# shellcheck disable=SC2046
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
		strace -f -qq -e trace=clone,?clone3,?fork,?vfork -o threads \
		"$OCSPFETCH" -P 4 $(names 500)
	stored 500
	[ "$(grep -c 'clone\|fork' threads)" -le 4 ]
}

@test "memory grows by at most 700 bytes a certificate" {
	local most=700 asan=${ASAN_OPTIONS-}
	# a sanitizer pads and keeps what is freed: then it is a leak that shows
	if sanitized; then
		asan+=:quarantine_size_mb=0:thread_local_quarantine_size_kb=0
		most=7000
	fi
	few=$(ASAN_OPTIONS=$asan peak $((N / 10)))
	many=$(ASAN_OPTIONS=$asan peak "$N")
	stored "$N"
	echo "KiB: $few for $((N / 10)), $many for $N"
	[ $(((many - few) * 1024)) -le $((most * (N - N / 10))) ]
}

@test "as many requests as certificates are due, on hardly more connections than -P" {
	half=$((N / 2))
	# shellcheck disable=SC2046
	fetch $(names "$half")
	exits 0
	start_counter "$BATS_TEST_TMPDIR" -l 2
	# shellcheck disable=SC2046
	fetch -d -P 8 -u "http://127.0.0.1:$PORT" $(names "$N")
	exits 0
	stored "$N"
	end_counter
	[ "$REQUESTS" -eq $((N - half)) ]
	# the rest came over one that was there; but one that libcurl gave on
	# before its last response was judged is replaced
	[ "$CONNECTIONS" -le $((8 + (N - half) / 20)) ]
}

@test "where nothing is due no socket is opened" {
	# shellcheck disable=SC2046
	fetch $(names "$N")
	exits 0
	# shellcheck disable=SC2046
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
		strace -f -qq -e trace=socket -e signal=none -o sockets \
		"$OCSPFETCH" -d $(names "$N")
	[ ! -s sockets ]
}
