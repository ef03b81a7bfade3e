#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Real parts: `openssl ca` and `openssl ocsp`, set up as tutorials tell it.

load ../harness/lib
# shellcheck source=/dev/null
. "$TOP/tests/harness/ca.sh"

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	ca=$BATS_TEST_TMPDIR/ca
	ca_port=
	ca_pid=
	ca_make "$ca"
}

teardown() {
	[ -z "$ca_pid" ] || kill -- "-$ca_pid" 2>/dev/null || kill "$ca_pid" || true
}

# A certificate of the authority's and its responder, both in place.
site() {
	ca_respond "$ca" "$@"
	ca_issue "$ca" www.example.com "http://127.0.0.1:$ca_port"
	ca_respond "$ca" "$@"
	cp "$ca/www.example.com.bundle" site.pem
}

@test "a response of openssl's responder is written and verifies" {
	site -ndays 4
	fetch site.pem
	exits 0
	silent
	openssl ocsp -respin site.pem.ocsp -issuer "$ca/root.pem" \
		-cert "$ca/www.example.com.pem" -CAfile "$ca/root.pem" \
		-no_nonce >out 2>&1
	grep -q 'Response verify OK' out
	grep -q 'www.example.com.pem: good' out
}

@test "after openssl ca -revoke the exit code is 5 and the old file stays" {
	site -ndays 4
	fetch site.pem
	exits 0
	cp site.pem.ocsp before
	identity site.pem.ocsp >was
	ca_revoke "$ca" www.example.com keyCompromise
	ca_respond "$ca" -ndays 4
	fetch site.pem
	exits 5
	says "site.pem: the certificate was revoked on "
	says "keyCompromise"
	says "site.pem.ocsp is good until "
	says "replace the certificate"
	cmp before site.pem.ocsp
	identity site.pem.ocsp | cmp was -
	fetch site.pem
	exits 5
}

@test "--write-revoked writes what openssl says of a revoked certificate" {
	site -ndays 4
	ca_revoke "$ca" www.example.com superseded
	ca_respond "$ca" -ndays 4
	fetch --write-revoked site.pem
	exits 5
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text |
		grep -q 'Cert Status: revoked'
	fetch -c site.pem
	exits 5
}

@test "a responder without -nmin gives no nextUpdate: 36 hours are assumed" {
	site
	fetch site.pem
	exits 0
	says "warning: site.pem.ocsp has no nextUpdate: HAProxy does not staple it"
	says "have the CA set a nextUpdate"
	fetch -c site.pem
	exits 0
	says "has no nextUpdate: HAProxy does not staple it"
	says "have the CA set a nextUpdate"
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >out 2>&1
	grep -q 'This Update' out
	run ! grep -q 'Next Update' out
}

@test "--assume-lifetime 0 refuses a responder without -nmin" {
	site
	fetch --assume-lifetime 0 site.pem
	exits 4
	says "no nextUpdate"
	says "--assume-lifetime 0"
	does_not_say attack
	[ ! -e site.pem.ocsp ]
}

@test "-m beyond the assumed lifetime is told as that" {
	site
	fetch -m 2d site.pem
	exits 1
	says "it has no nextUpdate: see --assume-lifetime"
	[ -s site.pem.ocsp ]
	fetch -c -m 2d site.pem
	exits 1
	says "it has no nextUpdate: see --assume-lifetime"
	fetch -c -m 1d site.pem
	exits 0
}

@test "-d renews a response without nextUpdate at half of the assumed lifetime" {
	site
	fetch site.pem
	exits 0
	cp site.pem.ocsp before
	sleep 2
	fetch -v -d site.pem
	exits 0
	cmp before site.pem.ocsp
	fetch -d -v --assume-lifetime 4s -m 1 site.pem
	exits 0
	run ! cmp -s before site.pem.ocsp
}

# What a tutorial makes of `openssl ocsp` is stapled by a run without options,
# and what is stapled is what a client of OpenSSL's takes.
tutorial() { # OPTION...
	site "$@"
	fetch site.pem
	exits 0
	fetch -c -m 60 site.pem
	exits 0
	openssl ocsp -respin site.pem.ocsp -issuer "$ca/root.pem" \
		-cert "$ca/www.example.com.pem" -CAfile "$ca/root.pem" \
		-no_nonce >out 2>&1
	grep -q 'Response verify OK' out
	grep -q 'www.example.com.pem: good' out
}

@test "a responder of -nmin 5 is stapled, with a warning of its short life" {
	tutorial -nmin 5
	fetch -f site.pem
	says "lives for 5 min"
}

@test "a responder of -multi is stapled" {
	tutorial -ndays 4 -multi 2
}

@test "a responder of -resp_no_certs is stapled where the CA signs itself" {
	tutorial -ndays 4 -resp_no_certs -rsigner "$ca/root.pem" -rkey "$ca/root.key"
}

@test "a delegate of -resp_no_certs is refused: its certificate is not in the response" {
	site -ndays 4 -resp_no_certs
	fetch site.pem
	exits 4
	says "the signer's certificate is not in it, and it is not the issuer's: the CA has to send it along, or this is another CA's responder (see --url)"
	does_not_say attack
	[ ! -e site.pem.ocsp ]
	# by its key it is looked for in vain, too
	ca_respond "$ca" -ndays 4 -resp_no_certs -resp_key_id
	fetch site.pem
	exits 4
	says "the signer's certificate is not in it, and it is not the issuer's: the CA has to send it along, or this is another CA's responder (see --url)"
	does_not_say attack
	[ ! -e site.pem.ocsp ]
	# what is good stays
	ca_respond "$ca" -ndays 4
	fetch site.pem
	exits 0
	cp site.pem.ocsp before
	ca_respond "$ca" -ndays 4 -resp_no_certs
	fetch site.pem
	exits 4
	says "the signer's certificate is not in it"
	says "site.pem.ocsp is good until"
	cmp before site.pem.ocsp
}

@test "a responder of -resp_key_id is stapled" {
	tutorial -ndays 4 -resp_key_id
}

@test "a responder of -rmd sha1 is refused, and stapled with --allow-sha1" {
	needs_sha1
	site -ndays 4 -rmd sha1
	fetch site.pem
	exits 4
	says "it is signed with SHA-1"
	says "--allow-sha1"
	does_not_say attack
	[ ! -e site.pem.ocsp ]
	fetch --allow-sha1 site.pem
	exits 0
	silent
	fetch -c --allow-sha1 site.pem
	exits 0
	fetch -c site.pem
	exits 4
	says "--allow-sha1"
}

@test "a revocation of a responder of -rmd sha1 is 5 without any option" {
	needs_sha1
	site -ndays 4
	ca_revoke "$ca" www.example.com keyCompromise
	ca_respond "$ca" -rmd sha1
	fetch site.pem
	exits 5
	says "keyCompromise"
	[ ! -e site.pem.ocsp ]
	fetch --write-revoked site.pem
	exits 5
	[ ! -e site.pem.ocsp ]
}

@test "openssl's responder, one connection at a time, answers ten in one run" {
	local i files=()
	ca_respond "$ca" -ndays 4
	for i in {0..9}; do
		ca_issue "$ca" "www$i.example.com" "http://127.0.0.1:$ca_port"
		cp "$ca/www$i.example.com.bundle" "site$i.pem"
		files+=("site$i.pem")
	done
	ca_respond "$ca" -ndays 4
	fetch "${files[@]}"
	exits 0
	silent
	for i in {0..9}; do
		[ -s "site$i.pem.ocsp" ]
	done
}

@test "openssl's responder repeats a nonce" {
	site -ndays 4
	fetch -v -N site.pem
	exits 0
	says "nonce        repeated"
}

@test "openssl's responder is asked by POST as well" {
	site -ndays 4
	fetch -v -X post site.pem
	exits 0
	says "asked        POST http://127.0.0.1:$ca_port"
}

@test "openssl's responder does not take SHA-256 for SHA-1" {
	site -ndays 4
	fetch --certid-hash sha256 site.pem
	exits 0
	says "warning: "
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text |
		grep -q 'Hash Algorithm: sha256'
	# what was asked by SHA-1 is not found in it
	fetch -c site.pem
	exits 4
}

@test "HAProxy staples the very bytes that were written" {
	command -v haproxy >/dev/null || skip "needs haproxy"
	site -ndays 4
	fetch site.pem
	exits 0
	haproxy_conf "$PWD" "unix@$PWD/tls.sock ssl crt $PWD/site.pem" >haproxy.cfg
	haproxy -f haproxy.cfg -db >haproxy.log 2>&1 3>&- &
	local haproxy=$! i
	for ((i = 0; i < 100; i++)); do
		[ ! -S tls.sock ] || break
		sleep 0.05
	done
	openssl s_client -unix tls.sock -status -servername www.example.com \
		</dev/null >handshake 2>/dev/null
	kill "$haproxy"
	sed -n '/^OCSP Response Data/,/^======/p' handshake |
		grep -v '^===' >served
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >stored
	# the text holds the signature: what differs in a bit differs here
	diff <(grep -A9 'Signature' served) <(grep -A9 'Signature' stored)
	[ "$(grep -c 'Cert Status: good' served)" -eq 1 ]
}
