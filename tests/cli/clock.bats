#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# This machine's clock is wrong: it is told as that, with what it shows, and
# nothing that is good is lost or accused.
#
# shellcheck disable=SC2154

load ../harness/lib

DAY=86400

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	not_for_valgrind
}

# told TEXT: in the only line of the last run.
told() {
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" = *"$1"* ]] || {
		echo "no \"$1\" in: $stderr"
		return 1
	}
}

day() {
	date -u -d "$1 days" +%Y-%m-%d
}

@test "a clock before this release is told as wrong: 1, nothing is requested or lost" {
	leaf site good
	response site good-older
	cp site.pem.ocsp before
	: >"$LOG"
	clock $((-2000 * DAY)) site.pem
	exits 1
	told "this machine's clock is wrong: it says $(day -2000)"
	told "set the clock"
	[[ "$stderr" != *attack* ]]
	cmp before site.pem.ocsp
	[ ! -s "$LOG" ]
}

@test "a clock before certificate and issuer begin is told as wrong: 1" {
	local o
	# both begin now
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.crt -days 30 -subj "/CN=New CA" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout new.key -out new.csr -subj "/CN=new.example" 2>/dev/null
	printf 'authorityInfoAccess=OCSP;URI:%s/good\n' "$URL" >ext
	openssl x509 -req -in new.csr -CA ca.crt -CAkey ca.key -days 9 \
		-extfile ext -out new.pem 2>/dev/null
	for o in -r0 -c -d -n; do
		clock $((-2 * DAY)) "$o" -i ca.crt new.pem
		exits 1
		told "this machine's clock is wrong: it says $(day -2)"
		told "the certificate begins only on"
	done
	# with an issuer that is older it may be a certificate for later
	leaf later good --from 86400
	fetch -r 0 later.pem
	[[ "$stderr" != *"clock is wrong"* ]]
}

@test "-c, -d and -n say so, too, and -j gives 1" {
	local o
	leaf site good
	response site good-older
	for o in -c -d -n; do
		clock $((-2000 * DAY)) "$o" site.pem
		exits 1
		told "this machine's clock is wrong"
	done
	clock $((-2000 * DAY)) -c -j site.pem
	exits 1
	[[ "$output" = *'"exit":1'* ]]
}

@test "a year ahead, an expired certificate is told with what the clock says" {
	leaf site good
	clock $((365 * DAY)) -r 0 site.pem
	exits 2
	told "by this machine's clock, which says $(day 365)"
}

@test "thirty days ahead, the responder's Date speaks against the clock, and no attack is told" {
	leaf site good
	clock $((30 * DAY)) -r 0 site.pem
	exits 4
	told "is this machine's clock right? It says $(day 30)"
	[[ "$stderr" != *attack* ]]
}

@test "a responder's Date changes words only: a good response is written, whatever it says" {
	leaf site good,wrong-date
	fetch site.pem
	exits 0
	[ -s site.pem.ocsp ]
	leaf next good,future-date
	fetch next.pem
	exits 0
	[ -s next.pem.ocsp ]
}

@test "a responder's Date does not excuse a forged signature" {
	leaf site sig-corrupt,wrong-date
	fetch site.pem
	exits 4
	told "an attack"
	[ ! -e site.pem.ocsp ]
}

@test "to what begins only later, unauthorized or unknown is told with the clock, not as too young" {
	local recipe
	for recipe in err-unauthorized unknown; do
		leaf "$recipe" "$recipe" --from 86400
		fetch -r 0 "$recipe.pem"
		exits 1
		told "is this machine's clock right? It says $(day 0)"
		told "the certificate begins only on $(day 1)"
		[[ "$stderr" != *" old"* ]]
	done
}

# ---- a day behind ----

# from_tomorrow: told as a matter of clocks, with the value and the limit.
from_tomorrow() {
	told "is in the future by 2"
	told "(300 s are tolerated): the responder's clock is wrong, or this one, which says $(day -1)"
	does_not_say attack
	does_not_say "thisUpdate older"
}

@test "a day behind, what was signed since is refused with both clocks' times: 4, and nothing is lost" {
	local o
	leaf site good
	for o in -r0 -n; do
		clock -$DAY "$o" site.pem
		exits 4
		from_tomorrow
		told "is this machine's clock right? It says $(day -1) "
		told ", the responder's $(day 0) "
		told "set this machine's clock if it is wrong, else tell the "
		no_file
	done
	# what was good by yesterday's clock stays, and is told
	response site good-older
	cp site.pem.ocsp before
	clock -$DAY -r 0 site.pem
	exits 4
	from_tomorrow
	told "site.pem.ocsp is good until "
	cmp before site.pem.ocsp
	# and what was written by the right clock stays, too
	response site good-newer
	cp site.pem.ocsp before
	clock -$DAY -r 0 site.pem
	exits 4
	from_tomorrow
	cmp before site.pem.ocsp
	# -f is no way around
	clock -$DAY -r 0 -f site.pem
	exits 4
	cmp before site.pem.ocsp
}

@test "a day behind, a responder without a Date is told as a matter of clocks, too" {
	leaf site good,no-date
	clock -$DAY -r 0 site.pem
	exits 4
	from_tomorrow
	told "set this machine's clock if it is wrong, else tell the "
	no_file
}

@test "a day behind, -c refuses what was written by the right clock, and takes what is older" {
	leaf site good
	response site good-newer
	cp site.pem.ocsp before
	clock -$DAY -c site.pem
	exits 4
	from_tomorrow
	told "set this machine's clock if it is wrong, else tell the "
	cmp before site.pem.ocsp
	response site good-older
	clock -$DAY -c site.pem
	exits 0
	silent
}

@test "a day behind, with the responder down, what was written by the right clock stays: 1" {
	leaf site -
	response site good-newer
	cp site.pem.ocsp before
	clock -$DAY -r 0 -u http://127.0.0.1:1/ site.pem
	exits 1
	told "http://127.0.0.1:1/: no connection"
	from_tomorrow
	cmp before site.pem.ocsp
	response site good-older
	cp site.pem.ocsp before
	clock -$DAY -r 0 -u http://127.0.0.1:1/ site.pem
	exits 0
	silent
	cmp before site.pem.ocsp
	# and with the right clock all is well again
	response site good-newer
	fetch -r 0 -u http://127.0.0.1:1/ site.pem
	exits 0
	silent
}

@test "a day behind, --skew 25h is what helps until the clock is set" {
	leaf site good
	clock -$DAY -r 0 --skew 25h site.pem
	exits 0
	silent
	good_file
}
