#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# This machine's clock is wrong: it is told as that, with what it shows, and
# nothing that is good is lost or accused.
#
# shellcheck disable=SC2154

load lib

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
