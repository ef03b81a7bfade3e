#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# --wait: what it waits for and what ends it, how long, and what it says; and
# Retry-After and --splay.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# took FROM TO ms, and what a busy machine adds.
took() {
	if [ "$MS" -lt "$1" ] || [ "$MS" -gt $(($2 + 4000)) ]; then
		echo "took $MS ms, not $1 to $2"
		return 1
	fi
}

# A certificate of just now.
young() {
	site "$1" --from -600 --to 864000
}

@test "unauthorized about a new certificate is waited out" {
	young unauthorized-6
	timed -r 0 -w 60 site.pem
	exits 0
	silent
	# six refusals are three rounds of GET and POST: 1, 2 and 4 s
	took 7000 8000
	[ "$(asked)" -eq 7 ]
	[ -s site.pem.ocsp ]
}

@test "without --wait it is not" {
	young unauthorized-6
	timed site.pem
	exits 1
	[ "$(asked)" -eq 2 ]
}

@test "tryLater, unknown, HTTP errors, resets are waited out" {
	local b all=()
	for b in trylater-twice unknown-thrice 404-thrice 503-twice reset-thrice; do
		leaf "$b" "$b.$MINE" --from -600
		all+=("$b.pem")
	done
	fetch -r 0 -X post -w 60 "${all[@]}"
	exits 0
	silent
	[ "$(find . -name '*.ocsp' -size +100c | wc -l)" -eq 5 ]
}

@test "a responder that is not there yet is waited for" {
	local port
	# somebody else's port may be taken: ours, which we give back
	start_responder "$PWD/first"
	port=${PORT:?}
	kill "$(tail -n 1 "$BATS_FILE_TMPDIR/pids")"
	sleep 0.5
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-late" --from -600 \
		--url "http://127.0.0.1:$port/good"
	cp "$PKI/t$BATS_TEST_NUMBER-late.pem" site.pem
	cp "$PKI/ca.pem" site.pem.issuer
	{ sleep 2; exec "$RESPONDER" -d "$PKI" -p "$port"; } >late.out 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	fetch -r 0 -w 60 site.pem
	exits 0
	silent
	[ -s site.pem.ocsp ]
}

@test "revoked, refused and old unknown end the wait at once" {
	local row
	for row in "revoked 5" "by-leaf 4" "unknown 4"; do
		rm -f site.pem
		site "${row% *}"
		timed -w 60 site.pem
		exits "${row#* }"
		took 0 2000
	done
}

@test "a local failure ends the wait at once" {
	young unauthorized-6
	timed -w 60 -o missing/site.ocsp site.pem
	exits 3
	took 0 2000
	[ "$(asked)" -eq 0 ]
}

@test "a certificate that cannot be used ends the wait at once" {
	site unauthorized-6 --from -864000 --to -600
	timed -w 60 site.pem
	exits 2
	took 0 2000
}

@test "a stored response that will do is not waited beyond" {
	young err-unauthorized
	response site good
	timed -w 60 site.pem
	exits 0
	silent
	took 0 2000
	[ "$(asked)" -eq 2 ]
}

@test "--wait ends in time, with the code and message of the last answer" {
	young err-unauthorized
	timed -r 0 -w 4 site.pem
	exits 1
	says 'the responder says "unauthorized"'
	took 2000 4000
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "--wait ends in time though the responder never answers" {
	young hang
	timed -r 0 -t 1 -w 4 site.pem
	exits 1
	took 2000 5000
}

@test "an exchange that --wait alone brings about is cut at its end" {
	young 503-then-hang
	timed -r 0 -X get -t 25 -w 4 site.pem
	exits 1
	took 3500 5000
	[ "$(asked)" -eq 2 ]
}

@test "--deadline ends the wait, too" {
	young err-unauthorized
	timed -r 0 -w 60 --deadline 4 site.pem
	exits 1
	took 2000 4000
}

@test "several certificates wait at the same time" {
	local i
	for i in a b c d; do
		leaf "$i" "unauthorized-6.$MINE-$i" --from -600
	done
	timed -r 0 -w 60 a.pem b.pem c.pem d.pem
	exits 0
	silent
	took 7000 9000
}

@test "nothing is said of the wait where nobody sits" {
	young unauthorized-6
	fetch -r 0 -w 60 site.pem
	exits 0
	silent
}

@test "on a terminal each pause is told with its reason" {
	young unauthorized-6
	script -qefc "'$OCSPFETCH' -r 0 -w 60 site.pem" /dev/null >terminal 2>&1
	[ "$(grep -c 'asking again in' terminal)" -eq 3 ]
	grep -q '^ocspfetch: site.pem: .*says "unauthorized".*asking again in 1 s, for .* more (--wait)' terminal
	grep -q 'asking again in 4 s' terminal
}

@test "SIGTERM ends the wait, and nothing is left behind" {
	young err-unauthorized
	"$OCSPFETCH" -w 60 site.pem >out 2>&1 3>&- &
	local i code=0
	for ((i = 0; i < 200; i++)); do
		[ "$(asked)" -eq 0 ] || break
		sleep 0.05
	done
	kill $!
	wait $! || code=$?
	[ "$code" -eq 143 ]
	[ -z "$(find . -name '.*' -type f)" ]
}

@test "-c asks nobody, so it excludes --wait" {
	young good
	fetch -c -w 5 site.pem
	exits 2
	says "--wait"
}

@test "Retry-After is kept to" {
	young retry-after-5
	timed -r 0 -X get --deadline 9 site.pem
	exits 1
	# after five more there would be no time left
	took 5000 6000
	[ "$(asked)" -eq 2 ]
}

@test "Retry-After uses up no retry, be it seconds or a date" {
	local how
	for how in limit-1-1 limit-1-date limit503-1-1; do
		leaf a "good,$how.$MINE-$how"
		leaf b "good,$how.$MINE-$how"
		leaf c "good,$how.$MINE-$how"
		rm -f ./*.ocsp
		fetch -r 0 a.pem b.pem c.pem
		exits 0
		silent
	done
}

@test "who wants to be left alone for over a minute is, and it is told" {
	young retry-after-90
	timed -X get site.pem
	exits 1
	took 0 2000
	says "it wants to be left alone for 1 min 30 s (Retry-After)"
	[ "$(asked)" -eq 1 ]
}

@test "who wants to be left alone for longer than --deadline leaves is" {
	young retry-after-5
	timed -X get --deadline 4 site.pem
	exits 1
	took 0 2000
	[ "$(asked)" -eq 1 ]
}

@test "who wants to be left alone for longer than --wait leaves is" {
	young retry-after-90
	timed -r 0 -X get -w 10 site.pem
	exits 1
	took 0 2000
	[ "$(asked)" -eq 1 ]
}

@test "--splay sleeps for a random time up to its limit, then all is as ever" {
	local i
	site good
	for i in 1 2 3; do
		rm -f site.pem.ocsp
		timed -v --splay 2 site.pem
		exits 0
		took 0 2500
		[[ $stderr =~ waiting\ ([0-9.]+)\ s\ of\ at\ most\ 2\ \(--splay\) ]]
		[ "${BASH_REMATCH[1]//./}" -le 20 ]
		[ "$MS" -ge $((10#${BASH_REMATCH[1]//./} * 100 - 100)) ]
	done
}

# Of a week there are six million tenths of a second: not by chance are two the
# same.
@test "--splay is not the same time twice" {
	local i
	site good
	for i in 1 2 3; do
		in_background "$OCSPFETCH" -v --splay 7d site.pem
		within 20 grep -q 'waiting .* s of at most 604800 (--splay)' \
			server.log
		kill "$!"
		wait "$!" || true
		cat server.log >>said
	done
	[ "$(wc -l <said)" -eq 3 ]
	[ "$(sort -u said | wc -l)" -eq 3 ]
	[ "$(asked)" -eq 0 ]
	no_file
}

@test "--splay says nothing without -v" {
	site good
	fetch --splay 1 site.pem
	exits 0
	silent
}

@test "SIGTERM ends the splay before anything was asked" {
	site good
	"$OCSPFETCH" -v --splay 7d site.pem >out 2>&1 3>&- &
	local i code=0
	for ((i = 0; i < 200; i++)); do
		! grep -q splay out || break
		sleep 0.05
	done
	kill $!
	wait $! || code=$?
	[ "$code" -eq 143 ]
	[ "$(asked)" -eq 0 ]
}
