#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Whose turn it is: slow responders, those that want to be left alone, and those
# that cannot be reached do not hold up the certificates of others.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	own_place
	start_responder "$PWD/second" -l "$PWD/second.log"
	SECOND=http://127.0.0.1:${PORT:?}
}
teardown() { end_place; }

# many PREFIX N URL: so many certificates, whose responder is that.
many() {
	local i
	"$FORGE" leaf "$PKI" "$MINE-$1" --url "$3" --count "$2" >/dev/null
	for ((i = 1; i <= $2; i++)); do
		cp "$PKI/$MINE-$1$i.pem" "$1$i.pem"
		cat "$PKI/ca.pem" >>"$1$i.pem"
	done
}

responses() {
	find . -name "$1*.ocsp" -size +100c | wc -l
}

has() {
	[ "$(responses "$1")" -eq "$2" ]
}

@test "a slow responder with many certificates does not hold up the others" {
	local pid code=0
	many a 150 "$SECOND/good,latency-2500.$MINE"
	many z 10 "$URL/good.$MINE"
	"$OCSPFETCH" -P 8 a*.pem z*.pem >out 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	# alone the slow ones take 150 / 8 x 2.5 s
	within 15 has z 10
	[ "$(responses a)" -lt 60 ]
	kill "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
}

@test "what was put off is done in the end, each once, and all slots are used" {
	many a 130 "$SECOND/good,latency-1200.$MINE"
	many z 3 "$URL/good.$MINE"
	timed -P 40 a*.pem z*.pem
	exits 0
	silent
	has a 130
	has z 3
	[ "$(grep -c '^GET ' second.log)" -eq 130 ]
	# 130 / 40 x 1.2 s with all slots; three quarters of them would do it in
	# 130 / 30 x 1.2
	[ "$MS" -lt 15000 ]
}

@test "two hundred certificates of a responder that never answers fail fast" {
	many a 200 "$SECOND/hang.$MINE"
	timed -P 8 -t 1 -r 2 a*.pem
	exits 1
	[ "$(wc -l <<<"$stderr")" -eq 200 ]
	# the same cause for each
	[ "$(grep -c 'no answer in time' <<<"$stderr")" -eq 200 ]
	# 200 / 8 x 3 rounds of a second, and their pauses
	[ "$MS" -lt 20000 ]
	[ "$(grep -c '^[A-Z]* /hang' second.log)" -le 24 ]
}

@test "nobody listens: a few attempts, and each certificate is told why" {
	many a 60 "http://127.0.0.1:1/"
	many z 2 "$URL/good.$MINE"
	timed -P 4 a*.pem z*.pem
	exits 1
	[ "$(grep -c '^ocspfetch: a[0-9]*.pem: .*Connection refused' <<<"$stderr")" -eq 60 ]
	has z 2
	[ "$MS" -lt 20000 ]
}

@test "a responder that is down does not keep the next one from being asked" {
	local i
	"$FORGE" leaf "$PKI" "$MINE-b" --url http://127.0.0.1:1/ \
		--url "$URL/good.$MINE" --count 30 >/dev/null
	for ((i = 1; i <= 30; i++)); do
		cp "$PKI/$MINE-b$i.pem" "b$i.pem"
		cat "$PKI/ca.pem" >>"b$i.pem"
	done
	fetch b*.pem
	exits 0
	silent
	has b 30
}

@test "Retry-After holds for all certificates of the responder" {
	many a 3 "$SECOND/retry-after-5.$MINE"
	timed -P 1 -r 0 -X get --deadline 14 a*.pem
	exits 1
	[ "$(grep -c '^GET ' second.log)" -eq 3 ]
	[ "$MS" -ge 10000 ]
	[ "$MS" -lt 14000 ]
}

# away COUNT RETRIES MS SERVED: so many certificates, whose responder is away
# for so long after it served some.
away() {
	rm -f a*.pem a*.ocsp
	many a "$1" "$SECOND/good,away-$3-$4.$MINE-$1-$2-$3-$4"
	fetch -r "$2" a*.pem
	exits 0
	silent
	has a "$1"
}

@test "a responder that is away for a moment costs nobody a response" {
	local count retries ms
	for count in 1 8 20; do
		for retries in 1 2; do
			for ms in 300 1000; do
				away "$count" "$retries" "$ms" 0
			done
			[ "$count" -eq 1 ] || away "$count" "$retries" 700 4
		done
	done
}

@test "nor four hundred of them" {
	away 400 1 1000 0
	away 400 2 500 150
}

@test "a pause for one responder holds up nobody else's certificates" {
	local pid code=0
	many a 60 "http://localhost:$PORT/good,limit-2.$MINE"
	many z 30 "$URL/good.$MINE"
	"$OCSPFETCH" -P 4 a*.pem z*.pem >out 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 10 has z 30
	[ "$(responses a)" -lt 50 ]
	kill "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
}

@test "a responder that admits five a second serves sixty, with few in vain" {
	many a 60 "$SECOND/good,limit-5.$MINE"
	fetch a*.pem
	exits 0
	silent
	has a 60
	[ "$(grep -c '^[A-Z]* /good' second.log)" -le 110 ]
}

@test "with Retry-After, of whatever kind, too" {
	local how
	for how in limit-20-1 limit-20-0 limit-20-date limit503-20-1; do
		rm -f a*.pem a*.ocsp
		many a 60 "$SECOND/good,$how.$MINE"
		fetch -r 0 a*.pem
		exits 0
		silent
		has a 60
	done
}

@test "a responder that says 429 to all is given up after a few rounds" {
	many a 60 "$SECOND/status-429.$MINE"
	timed -P 4 a*.pem
	exits 1
	[ "$(wc -l <<<"$stderr")" -eq 60 ]
	[ "$(grep -c '^[A-Z]* /status-429' second.log)" -le 10 ]
	[ "$(grep -c 'said HTTP 429, again and again' <<<"$stderr")" -ge 50 ]
	[ "$MS" -lt 20000 ]
}

@test "one that pauses is passed over for the next that is named" {
	local i
	"$FORGE" leaf "$PKI" "$MINE-b" --url "$SECOND/good,limit-1-5.$MINE" \
		--url "$URL/good.$MINE" --count 20 >/dev/null
	for ((i = 1; i <= 20; i++)); do
		cp "$PKI/$MINE-b$i.pem" "b$i.pem"
		cat "$PKI/ca.pem" >>"b$i.pem"
	done
	timed -v -P 2 b*.pem
	exits 0
	has b 20
	[ "$(grep -c 'it is given a pause, for others of this run' <<<"$stderr")" -ge 15 ]
	[ "$MS" -lt 5000 ]
}

@test "who wants to be left alone for over a minute is asked once in all" {
	many a 20 "$SECOND/retry-after-90.$MINE"
	timed -P 1 a*.pem
	exits 1
	[ "$(grep -c '^[A-Z]* /retry' second.log)" -eq 1 ]
	[ "$(grep -c 'left alone for 1 min 30 s' <<<"$stderr")" -eq 20 ]
	[ "$(grep -c 'was not asked: to another question' <<<"$stderr")" -eq 19 ]
	[ "$MS" -lt 10000 ]
}

@test "--wait sees whether a responder that was down is back" {
	local port=${PORT:?}
	kill "$(tail -n 1 "$BATS_FILE_TMPDIR/pids")"
	sleep 0.5
	many a 12 "http://127.0.0.1:$port/good"
	{ sleep 4; exec "$RESPONDER" -d "$PKI" -p "$port"; } >late 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	fetch -r 0 -w 60 a*.pem
	exits 0
	silent
	has a 12
}

@test "many that wait keep nobody from being done" {
	local pid
	many a 120 "$URL/err-unauthorized.$MINE"
	many z 2 "$URL/good.$MINE"
	"$OCSPFETCH" -r 0 -w 60 -P 4 a*.pem z*.pem >out 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	within 20 has z 2
	kill -0 "$pid"
}

@test "--wait counts for the whole run, however many there are" {
	many a 150 "$URL/err-unauthorized.$MINE"
	timed -r 0 -w 3 -P 4 a*.pem
	exits 1
	[ "$(wc -l <<<"$stderr")" -eq 150 ]
	[ "$MS" -lt 15000 ]
}

@test "--deadline ends those that wait for their turn, too" {
	many a 100 "$SECOND/good,latency-2000.$MINE"
	timed -P 4 --deadline 3 a*.pem
	exits 1
	[ "$MS" -lt 9000 ]
	[ "$(($(responses a) + $(wc -l <<<"$stderr")))" -eq 100 ]
}

@test "few descriptors make few questions at once, and no failure" {
	local i
	many a 60 "$SECOND/good,latency-200.$MINE"
	# each in a directory of its own
	for ((i = 1; i <= 60; i++)); do
		mkdir "d$i"
		mv "a$i.pem" "d$i"
	done
	# shellcheck disable=SC2016
	run --separate-stderr bash -c \
		'ulimit -n 96 && exec "$OCSPFETCH" -P 256 d*/a*.pem'
	exits 0
	silent
	[ "$(find . -name '*.ocsp' | wc -l)" -eq 60 ]
	[ "$(grep -c '^connect ' second.log)" -le 12 ]
}
