#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The exit status, which is what a job acts on: each code of the manual, at its
# edges, with what is said and what is left on disk.
#
# `run --separate-stderr` sets these two; this shellcheck has not heard of it, and
# takes each test for a subshell that loses them.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_place; }
teardown() { end_place; }

# LeakSanitizer cannot work under strace.
traced() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
		run --separate-stderr strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$@"
}

# ---- 0

@test "0 without a word when a response was written" {
	site good
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
	[ "$(asked)" -eq 1 ]
}

@test "0 without a word when the responder gives the same bytes again" {
	local before
	site good-same
	store good-same
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	[ "$(asked)" -eq 1 ]
}

@test "0 without a word when the responder signs the same answer again" {
	local before
	site good
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	[ "$(asked)" -ge 1 ]
}

@test "0 without a word when what is stored is newer" {
	local before
	site good-older
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	[ "$(asked)" -ge 1 ]
}

@test "0 without a word when it is not due" {
	local before
	site good-newer
	store good
	before=$(state site.pem.ocsp)
	fetch -d site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	[ "$(asked)" -eq 0 ]
}

@test "0 without a word, and without an issuer, when there is no responder" {
	local before
	leaf site -
	rm site.pem.issuer
	before=$(everything)
	fetch site.pem
	exits 0
	silent
	[ "$before" = "$(everything)" ]
}

# ---- 1

# temporary TEXT [options]: whatever is stored that will not do, the answer of
# site.pem's responder gives 1 and says TEXT; what is good makes it 0.
temporary() {
	local text=$1 before stored
	shift
	for stored in nothing expired foreign damaged by-other two-thirds-gone; do
		echo "stored: $stored"
		store "$stored"
		before=$(state site.pem.ocsp)
		fetch -r 0 "$@" site.pem
		exits 1
		[ -z "$output" ]
		says "ocspfetch: site.pem: "
		says "$text"
		says "site.pem.ocsp"
		unchanged "$before" site.pem.ocsp
	done
	echo "stored: good"
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 "$@" site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	fetch -r 0 -v "$@" site.pem
	exits 0
	[ -z "$output" ]
	says "$text"
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "a refused connection is 1, and 0 in silence while the stored one is good" {
	leaf site -
	temporary "no connection" -u http://127.0.0.1:1/
}

@test "a timeout is 1, and 0 in silence while the stored one is good" {
	site hang
	temporary "--timeout" -t 1
}

@test "HTTP 500 is 1, and 0 in silence while the stored one is good" {
	site status-500
	temporary "HTTP 500"
}

@test "a web page is 1, and 0 in silence while the stored one is good" {
	site html-200
	temporary "not an OCSP response"
}

@test "tryLater is 1, and 0 in silence while the stored one is good" {
	site err-trylater
	temporary tryLater
}

@test "unauthorized is 1, and 0 in silence while the stored one is good" {
	site err-unauthorized
	temporary unauthorized
}

@test "an empty answer is 1, and 0 in silence while the stored one is good" {
	site empty-200
	temporary empty
}

@test "a responder that is down is no failure until a third is left" {
	site status-500 --to 1950
	store good
	fetch -r 0 site.pem
	exits 0
	silent
}

@test "a responder that is down is a failure when less than a third is left" {
	site status-500 --to 1650
	store good
	fetch -r 0 site.pem
	exits 1
	says "HTTP 500"
}

@test "an answer that lasts less than 300 seconds is 1, and is written" {
	site expires-soon
	fetch site.pem
	exits 1
	says "ocspfetch: site.pem: "
	says "5 min"
	is_good site.pem.ocsp
}

@test "an answer that is usable for less than 300 seconds is 1" {
	site good --to 250
	fetch site.pem
	exits 1
	says "5 min"
	is_good site.pem.ocsp
}

@test "an answer that is usable for more than 300 seconds is 0" {
	site good --to 400
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

@test "a third is not demanded of what the responder has just given" {
	site two-thirds-gone
	fetch site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

@test "an answer as before is no failure although a third is not left" {
	local before
	site two-thirds-gone
	store two-thirds-gone
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "unknown is temporary while the certificate is younger than 48 hours" {
	local before
	site unknown --from -169200 --to 864000
	fetch -r 0 site.pem
	exits 1
	says "ocspfetch: site.pem: "
	says unknown
	[ ! -e site.pem.ocsp ]
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "unknown is 4 when the certificate is older than 48 hours" {
	local before
	site unknown --from -176400 --to 864000
	fetch -r 0 site.pem
	exits 4
	says unknown
	[ ! -e site.pem.ocsp ]
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 site.pem
	exits 4
	says "ocspfetch: site.pem: "
	says unknown
	unchanged "$before" site.pem.ocsp
}

# ---- at the end of the run

@test "0 when a good response came to be there while the network failed" {
	local before
	site status-500,latency-4000
	start -r 0 -X get site.pem
	within 10 was_asked
	store good
	before=$(state site.pem.ocsp)
	finish
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "1 when the good response was gone while the network failed" {
	site status-500,latency-4000
	store good
	start -r 0 -X get site.pem
	within 10 was_asked
	rm site.pem.ocsp
	finish
	exits 1
	says "HTTP 500"
	says "there is no site.pem.ocsp"
}

# ---- -m

@test "-m TIME that the response outlasts is 0" {
	site good
	fetch -m 6d site.pem
	exits 0
	silent
	is_good site.pem.ocsp
}

@test "-m TIME that the response does not outlast is 1, and it is written" {
	site good
	fetch -m 8d site.pem
	exits 1
	says "ocspfetch: site.pem: "
	says "8 d"
	is_good site.pem.ocsp
}

@test "-m TIME less than 300 seconds is obeyed" {
	site expires-soon
	fetch -m 100 site.pem
	exits 0
	silent
	# but HAProxy does not, which is said where it reads the file
	cat site.key >>site.pem
	rm site.pem.ocsp
	fetch -m 100 site.pem
	exits 0
	[ -z "$output" ]
	[[ $stderr == "ocspfetch: site.pem: warning: "*"HAProxy"* ]]
	[ "$(grep -c . <<<"$stderr")" -eq 1 ]
	is_good site.pem.ocsp
}

# Of 3600 + 3600 seconds of life half is left; minus what the test takes.
@test "-m N% is a share of the usable life, on both sides of it" {
	site good --to 3600
	fetch -m 45% site.pem
	exits 0
	silent
	fetch -m 55% site.pem
	exits 1
	says "ocspfetch: site.pem: "
	is_good site.pem.ocsp
}

@test "-m takes the place of the third when the responder is down" {
	site status-500
	store two-thirds-gone
	fetch -r 0 -m 12h site.pem
	exits 0
	silent
	fetch -r 0 -m 36h site.pem
	exits 1
	says "HTTP 500"
	store good
	fetch -r 0 -m 8d site.pem
	exits 1
	says "HTTP 500"
}

# ---- 2

# misused TEXT ARGUMENT...: 2, with a message, nothing asked, nothing touched.
misused() {
	local text=$1 before requests
	shift
	before=$(everything)
	requests=$(asked)
	fetch "$@"
	exits 2
	[ -z "$output" ]
	says "$text"
	[ "$before" = "$(everything)" ]
	[ "$requests" -eq "$(asked)" ]
}

@test "2 for an option that does not exist, or makes no sense" {
	site good
	misused "--no-such-option" --no-such-option site.pem
	misused "5 minutes" -m "5 minutes" site.pem
	misused "--exit-changed" --exit-changed=5 site.pem
	misused "--output" -o out site.pem site.pem
	misused "-o -" -d -o - site.pem
	misused "-o -" -c -o - site.pem
	misused "--del-ext" --del-ext site.pem site.crt
	misused "--output" -o "" site.pem
	misused "ocspfetch: "
}

@test "2 for a certificate that cannot be read or is none" {
	misused "ocspfetch: absent.pem: " absent.pem
	echo nonsense >none.pem
	misused "ocspfetch: none.pem: " none.pem
}

@test "2 for a certificate that has expired" {
	site good --from -864000 --to -60
	misused "ocspfetch: site.pem: the certificate expired" site.pem
}

@test "2 when no issuer is found" {
	site good
	rm site.pem.issuer
	misused "issuer" site.pem
}

@test "2 for must-staple without a responder" {
	leaf site - --must-staple
	misused "must-staple" site.pem
}

@test "2 whatever good response is stored" {
	site good
	store good
	rm site.pem.issuer
	misused "issuer" site.pem
}

# ---- 3

@test "3 when the directory cannot be written" {
	everybodys_place
	site good
	chmod 555 .
	fetch_unprivileged site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "site.pem.ocsp"
	says "ermission denied"
	[ ! -e site.pem.ocsp ]
}

@test "3 when the directory cannot be written, and the old file stays" {
	local before
	everybodys_place
	site good
	store good-older
	chmod 666 site.pem.ocsp
	before=$(state site.pem.ocsp)
	chmod 555 .
	fetch_unprivileged site.pem
	exits 3
	says "ermission denied"
	unchanged "$before" site.pem.ocsp
}

@test "3 when the stored response cannot be read" {
	local before
	everybodys_place
	site good
	store good-older
	chmod 000 site.pem.ocsp
	chmod 777 .
	before=$(identity site.pem.ocsp)
	fetch_unprivileged site.pem
	exits 3
	says "site.pem.ocsp"
	says "ermission denied"
	[ "$before" = "$(identity site.pem.ocsp)" ]
}

@test "a directory that cannot be written does not matter when nothing is" {
	local before
	everybodys_place
	site good-same
	store good-same
	before=$(state site.pem.ocsp)
	chmod 555 .
	fetch_unprivileged site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
	fetch_unprivileged -c site.pem
	exits 0
	silent
}

# ---- 4

# refused TEXT: 4, whatever is stored, and that stays.
refused() {
	local before stored
	for stored in nothing good two-thirds-gone expired foreign damaged; do
		echo "stored: $stored"
		store "$stored"
		before=$(state site.pem.ocsp)
		fetch -r 0 site.pem
		exits 4
		[ -z "$output" ]
		says "ocspfetch: site.pem: "
		says "$1"
		says "site.pem.ocsp"
		unchanged "$before" site.pem.ocsp
		[ -z "$(leftovers)" ]
	done
}

@test "4 for an answer that the wrong one signed, whatever is stored" {
	site by-leaf
	refused "is not signed by the issuer or for it"
}

@test "4 for an answer that has expired, whatever is stored" {
	site expired
	refused "refused"
}

@test "4 for an answer about another certificate, whatever is stored" {
	site good-only-neighbour
	refused "refused"
}

@test "4 for unknown, whatever is stored" {
	site unknown
	refused "unknown"
}

@test "an answer that is refused is not asked for again and again" {
	site by-leaf
	fetch -r 5 site.pem
	exits 4
	[ "$(asked)" -le 2 ]
}

# ---- 5

@test "5 for revoked, and the good response on disk stays" {
	local before
	site revoked-newer
	store good
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 5
	[ -z "$output" ]
	says "ocspfetch: site.pem: "
	says "revoked"
	says "replace the certificate"
	unchanged "$before" site.pem.ocsp
	[ -z "$(leftovers)" ]
}

@test "5 for revoked, and nothing is written where nothing was" {
	site revoked
	fetch site.pem
	exits 5
	says "revoked"
	[ ! -e site.pem.ocsp ]
}

@test "5 for revoked for whatever reason, be there none like it" {
	site revoked-reason-300
	fetch site.pem
	exits 5
	says "revoked"
	site revoked-reason-minus-7
	fetch site.pem
	exits 5
	says "revoked"
}

@test "5 on every run, but where a later good one is stored" {
	local before
	site revoked
	fetch site.pem
	exits 5
	fetch site.pem
	exits 5
	says "revoked"
	store good-newer
	before=$(state site.pem.ocsp)
	fetch site.pem
	exits 0
	unchanged "$before" site.pem.ocsp
}

@test "5 when a revoked response is stored and the responder is down" {
	local before
	site status-500
	store revoked
	before=$(state site.pem.ocsp)
	fetch -r 0 site.pem
	exits 5
	says "site.pem.ocsp"
	says "revoked"
	unchanged "$before" site.pem.ocsp
}

@test "a forged revocation is 4, not 5" {
	local before
	site revoked-forged
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 site.pem
	exits 4
	unchanged "$before" site.pem.ocsp
}

# ---- the highest wins

# unnameable NAME: the same certificate in a file whose response can have no name.
unnameable() {
	local name
	name=$1$(printf '%0245d' 0).pem
	cat "$1.pem" "$1.pem.issuer" >"$name"
	echo "$name"
}

@test "of all certificates named, the highest code wins" {
	local code names=() long
	leaf c0 good
	leaf c1 status-500
	leaf c2 good --to -60
	leaf c3 good
	long=$(unnameable c3)
	leaf c4 by-leaf
	leaf c5 revoked
	for code in 0 1 2 3 4 5; do
		# the worst comes first, and the others are done all the same
		[ "$code" -eq 3 ] && names=("$long" "${names[@]}") ||
			names=("c$code.pem" "${names[@]}")
		rm -f c0.pem.ocsp
		fetch -r 0 "${names[@]}"
		exits "$code"
		is_good c0.pem.ocsp c0.pem
	done
	for code in 1 2 4 5; do
		says "ocspfetch: c$code.pem: "
	done
	says "ocspfetch: $long: "
	[ "$(ls ./*.ocsp)" = ./c0.pem.ocsp ]
}

# ---- -d

@test "-d asks nobody in the first half of the response's life" {
	local before
	site status-500 --to 5400
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 -d site.pem
	exits 0
	silent
	[ "$(asked)" -eq 0 ]
	unchanged "$before" site.pem.ocsp
}

@test "-d asks in the second half of the response's life" {
	local before
	site status-500 --to 3450
	store good
	before=$(state site.pem.ocsp)
	fetch -r 0 -d site.pem
	exits 0
	silent
	[ "$(asked)" -ge 1 ]
	unchanged "$before" site.pem.ocsp
}

@test "-d replaces what is more than half gone" {
	local before
	site good
	store half-gone
	before=$(state site.pem.ocsp)
	fetch -d site.pem
	exits 0
	silent
	[ "$(asked)" -eq 1 ]
	[ "$before" != "$(state site.pem.ocsp)" ]
	is_good site.pem.ocsp
	fetch -d site.pem
	exits 0
	[ "$(asked)" -eq 1 ]
}

@test "-d asks when -m is not met, and takes what lasts long enough" {
	local before
	site good-newer
	store good
	before=$(state site.pem.ocsp)
	fetch -d -m 6d site.pem
	exits 0
	[ "$(asked)" -eq 0 ]
	unchanged "$before" site.pem.ocsp
	fetch -d -m 190h site.pem
	exits 0
	silent
	[ "$(asked)" -eq 1 ]
	[ "$before" != "$(state site.pem.ocsp)" ]
	is_good site.pem.ocsp
}

@test "-d asks for what is absent, expired, foreign, damaged or forged" {
	local stored n=0
	site good
	for stored in nothing expired foreign damaged by-other; do
		echo "stored: $stored"
		store "$stored"
		fetch -d site.pem
		exits 0
		silent
		n=$((n + 1))
		[ "$(asked)" -eq "$n" ]
		is_good site.pem.ocsp
	done
}

@test "-d asks about a certificate whose stored response says revoked" {
	site revoked-newer
	store revoked
	fetch -d site.pem
	exits 5
	[ "$(asked)" -ge 1 ]
}

# ---- -c

# checked CODE STATE [options]: -c on it, with what it must not do.
checked() {
	local code=$1 before requests
	echo "stored: $2"
	store "$2"
	shift 2
	before=$(everything)
	requests=$(asked)
	fetch -c "$@" site.pem
	exits "$code"
	if [ "$code" -eq 0 ]; then
		silent
	else
		[ -z "$output" ]
		says "ocspfetch: site.pem: "
		says "site.pem.ocsp"
	fi
	[ "$before" = "$(everything)" ]
	[ "$requests" -eq "$(asked)" ]
}

@test "-c is 0 for a good stored response" {
	site good-newer
	checked 0 good
	checked 0 good-delegate
	checked 0 good-older
}

@test "-c is 1 for a stored response that is missing or invalid" {
	site good-newer
	checked 1 nothing
	says "no"
	checked 1 expired
	says "expired"
	checked 1 foreign
	checked 1 damaged
	checked 1 empty
	checked 1 err-unauthorized
}

@test "-c is 1 for a stored response that does not outlast -m" {
	site good-newer
	checked 0 good -m 6d
	checked 1 good -m 8d
	says "8 d"
	checked 1 expires-soon
	checked 0 expires-soon -m 100 --no-warn ends-soon
}

@test "-c demands a third of the response's life" {
	site good-newer --to 1650
	checked 1 good
	says "demanded"
	site good-newer --to 2200
	checked 0 good
}

@test "-c is 4 for a stored response that is forged" {
	site good-newer
	checked 4 by-other
	says "is not signed by the issuer or for it"
	checked 4 sig-corrupt
	checked 4 revoked-forged
}

@test "-c is 5 for a stored response that says revoked" {
	site good-newer
	checked 5 revoked
	says "revoked"
}

@test "-c is 2 for what is no regular file, and follows a symbolic link" {
	local before
	site good
	mkdir site.pem.ocsp
	before=$(everything)
	fetch -c site.pem
	exits 2
	says "site.pem.ocsp"
	[ "$before" = "$(everything)" ]
	rmdir site.pem.ocsp
	ln -s elsewhere site.pem.ocsp
	before=$(everything)
	fetch -c site.pem
	exits 1
	says "site.pem.ocsp"
	[ "$before" = "$(everything)" ]
}

@test "-c is 0 for a certificate that has no responder" {
	leaf site -
	fetch -c site.pem
	exits 0
	silent
}

@test "-c opens no socket" {
	local stored
	command -v strace >/dev/null || skip "needs strace"
	site good
	for stored in good expired nothing revoked; do
		store "$stored"
		traced -e trace=network "$OCSPFETCH" -c site.pem
		# to the judge of responses there is a pair of them, and no more
		sed -i '/ socketpair(AF_UNIX, /d; / [sg]etsockopt(/d
			/ shutdown(/d; / --- SIG/d; / +++ /d' ../trace
		[ ! -s ../trace ] || {
			cat ../trace
			return 1
		}
	done
	# the same eye sees the socket of a run that asks
	store nothing
	traced -e trace=network "$OCSPFETCH" site.pem
	exits 0
	grep -q 'socket(' ../trace
}

# ---- -n

# dry CODE STATE [options]: -n writes nothing and ends as the run without it.
dry() {
	local code=$1 before
	echo "stored: $2"
	store "$2"
	shift 2
	before=$(everything)
	fetch -r 0 -n "$@" site.pem
	exits "$code"
	[ -z "$output" ]
	[ "$before" = "$(everything)" ]
	fetch -r 0 "$@" site.pem
	exits "$code"
}

@test "-n writes nothing, and is 0 where the real run is" {
	site good
	dry 0 nothing
	dry 0 good-older
	dry 0 good-newer
	dry 0 damaged
	[ "$(asked)" -ge 8 ]
}

@test "-n is 1 where the real run is" {
	site status-500
	dry 1 nothing
	dry 1 two-thirds-gone
	dry 0 good
	site expires-soon
	dry 1 nothing
}

@test "-n is 4 where the real run is" {
	site by-leaf
	dry 4 nothing
	dry 4 good
}

@test "-n is 5 where the real run is" {
	site revoked-newer
	dry 5 nothing
	dry 5 good
	dry 5 good --write-revoked
}

@test "-n is --exit-changed's where the real run is" {
	site good-same
	dry 10 nothing --exit-changed
	dry 10 good-older --exit-changed
	dry 0 good-newer --exit-changed
	dry 0 good-same --exit-changed
	dry 1 nothing --exit-changed -m 9d
}

@test "-n is 3 where the directory cannot be written" {
	local before
	everybodys_place
	site good
	store good-older
	chmod 555 .
	before=$(everything)
	fetch_unprivileged -n site.pem
	exits 3
	says "ocspfetch: site.pem: "
	says "ermission denied"
	[ "$before" = "$(everything)" ]
	fetch_unprivileged site.pem
	exits 3
	[ "$before" = "$(everything)" ]
}

@test "-n is 2 where the file is a symbolic link" {
	local before
	site good
	ln -s elsewhere site.pem.ocsp
	before=$(everything)
	fetch -n site.pem
	exits 2
	says "symbolic link"
	[ "$before" = "$(everything)" ]
}

@test "-n -o - asks, judges and writes nothing" {
	local before
	site good
	before=$(everything)
	fetch -n -o - site.pem
	exits 0
	silent
	[ "$(asked)" -eq 1 ]
	[ "$before" = "$(everything)" ]
}

# ---- --exit-changed

@test "--exit-changed is 10 when a file was written, and only then" {
	site good-same
	fetch --exit-changed site.pem
	exits 10
	silent
	is_good site.pem.ocsp
	fetch --exit-changed site.pem
	exits 0
	silent
}

@test "--exit-changed=N is N when a file was written" {
	site good
	fetch --exit-changed=42 site.pem
	exits 42
	is_good site.pem.ocsp
	store good-older
	fetch --exit-changed=6 site.pem
	exits 6
	store good-older
	fetch --exit-changed=125 site.pem
	exits 125
}

@test "--exit-changed is 0 when what is stored is kept, or not due" {
	site good-older
	store good
	fetch --exit-changed site.pem
	exits 0
	fetch -d --exit-changed site.pem
	exits 0
	leaf none -
	fetch --exit-changed none.pem
	exits 0
}

@test "--exit-changed leaves the other codes alone, though a file was written" {
	local long name code
	leaf c0 good
	leaf c1 status-500
	leaf c2 good --to -60
	leaf c3 good
	long=$(unnameable c3)
	leaf c4 by-leaf
	leaf c5 revoked
	for code in 1 2 3 4 5; do
		rm -f c0.pem.ocsp
		name=c$code.pem
		[ "$code" -ne 3 ] || name=$long
		fetch -r 0 --exit-changed c0.pem "$name"
		exits "$code"
		is_good c0.pem.ocsp c0.pem
	done
	leaf soon expires-soon
	fetch --exit-changed soon.pem
	exits 1
	is_good soon.pem.ocsp soon.pem
	leaf gone revoked
	fetch --exit-changed --write-revoked gone.pem
	exits 5
	[ -s gone.pem.ocsp ]
}

@test "--exit-changed counts each certificate of a run" {
	leaf a good-older
	leaf b good
	response a good
	fetch --exit-changed a.pem b.pem
	exits 10
	is_good b.pem.ocsp b.pem
}

# ---- -o, --del-ext

@test "-o - writes exactly the response to standard output, and no file" {
	local before
	site good-same
	store good-same
	mv site.pem.ocsp expected
	before=$(state site.pem.ocsp)
	"$OCSPFETCH" -o - site.pem >got 2>said
	cmp expected got
	[ ! -s said ]
	unchanged "$before" site.pem.ocsp
	[ ! -e ./- ]
}

@test "-o - writes on each run, whatever is stored" {
	local before
	site good-older
	store good
	before=$(state site.pem.ocsp)
	"$OCSPFETCH" -o - site.pem >one
	"$OCSPFETCH" -o - site.pem >two
	is_good one
	is_good two
	[ "$(asked)" -eq 2 ]
	unchanged "$before" site.pem.ocsp
}

@test "-o - writes nothing when there is no good response" {
	local code
	leaf c1 status-500
	leaf c4 by-leaf
	leaf c5 revoked
	for code in 1 4 5; do
		status=0
		"$OCSPFETCH" -r 0 -o - "c$code.pem" >got 2>said || status=$?
		stderr=$(cat said)
		exits "$code"
		says "ocspfetch: c$code.pem: "
		[ ! -s got ]
	done
}

@test "-o - that cannot be written is 3" {
	site good
	status=0
	"$OCSPFETCH" -o - site.pem >/dev/full 2>said || status=$?
	stderr=$(cat said)
	exits 3
	says "ocspfetch: site.pem: "
	says "standard output"
}

@test "-o - without a standard output is 3" {
	site good
	status=0
	"$OCSPFETCH" -o - site.pem >&- 2>said || status=$?
	stderr=$(cat said)
	exits 3
	says "standard output"
}

@test "-o FILE is written, judged and kept in place of the usual one" {
	local before
	site good
	mkdir elsewhere
	fetch -o elsewhere/here.der site.pem
	exits 0
	silent
	is_good elsewhere/here.der
	[ ! -e site.pem.ocsp ]
	[ "$(ls -A elsewhere)" = here.der ]
	before=$(state elsewhere/here.der)
	fetch -d -o elsewhere/here.der site.pem
	exits 0
	[ "$(asked)" -eq 1 ]
	fetch -c -o elsewhere/here.der site.pem
	exits 0
	unchanged "$before" elsewhere/here.der
}

@test "--del-ext replaces the extension, of the response and of the issuer" {
	site good
	mv site.pem site.crt
	mv site.pem.issuer site.issuer
	fetch --del-ext site.crt
	exits 0
	silent
	is_good site.ocsp site.crt
	[ "$(ls ./*.ocsp)" = ./site.ocsp ]
	fetch --del-ext -c site.crt
	exits 0
	fetch -c site.crt
	exits 1
}

# ---- --deadline, and answers as they come

@test "--deadline: what was answered is saved, the rest is 1" {
	local start=$SECONDS
	leaf fast good
	leaf slow good,latency-20000
	leaf never hang
	fetch --deadline 4 -r 5 fast.pem slow.pem never.pem
	exits 1
	[ $((SECONDS - start)) -lt 15 ]
	is_good fast.pem.ocsp fast.pem
	[ ! -e slow.pem.ocsp ]
	[ ! -e never.pem.ocsp ]
	says "ocspfetch: slow.pem: "
	says "ocspfetch: never.pem: "
	[[ $stderr != *fast.pem* ]]
}

@test "--deadline: who was not asked any more is told so, and is 1" {
	leaf first hang
	leaf second "good.$MINE"
	fetch --deadline 1 -P 1 -r 0 first.pem second.pem
	exits 1
	says "ocspfetch: second.pem: "
	says "deadline"
	[ "$(asked)" -eq 0 ]
	[ ! -e second.pem.ocsp ]
}

@test "--deadline: 0 in silence while what is stored is good" {
	local before
	site hang
	store good
	before=$(state site.pem.ocsp)
	fetch --deadline 1 site.pem
	exits 0
	silent
	unchanged "$before" site.pem.ocsp
}

@test "each answer is saved as it arrives, while others are waited for" {
	local saved
	leaf fast good
	leaf slow "hang.$MINE"
	start slow.pem fast.pem
	within 10 is_good fast.pem.ocsp fast.pem
	within 10 grep -q "\.$MINE " "$LOG"
	saved=$(state fast.pem.ocsp)
	# the run is not over: it waits
	kill -0 "$pid"
	kill -TERM "$pid"
	finish
	exits 143
	is_good fast.pem.ocsp fast.pem
	unchanged "$saved" fast.pem.ocsp
	[ ! -e slow.pem.ocsp ]
	[ -z "$(leftovers)" ]
}

@test "a pause before a retry holds up no other certificate" {
	# twice: once by GET, once by POST
	leaf busy "503-twice.$MINE"
	leaf fast good
	start -P 1 -r 1 busy.pem fast.pem
	finish
	exits 0
	is_good fast.pem.ocsp fast.pem
	is_good busy.pem.ocsp busy.pem
	[ -n "$(find busy.pem.ocsp -newer fast.pem.ocsp)" ]
	[ "$(asked)" -eq 3 ]
}
