#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real responder: cfssl, as its documentation has it.  Responses are signed
# beforehand (cfssl ocspsign), and served from a file (cfssl ocspserve).

load ../harness/lib
load ../harness/servers

setup() {
	server_place
	command -v cfssl >/dev/null ||
		skip "needs cfssl (golang-cfssl: sh tests/setup.sh)"
	port=$("$STAPLE_CLIENT" port)
	url=http://127.0.0.1:$port
	make_ca
	make_site site
}

teardown() { end_servers; }

subject() { # CN
	cat <<-END
	{"CN": "$1", "hosts": ["$1"], "key": {"algo": "ecdsa", "size": 256}}
	END
}

make_ca() {
	cat >config.json <<-END
	{"signing": {
	  "default": {"usages": ["digital signature", "server auth"],
	    "expiry": "2000h", "ocsp_url": "$url"},
	  "profiles": {"ocsp": {"usages": ["digital signature", "ocsp signing"],
	    "expiry": "2000h"}}}}
	END
	subject "Example CA" >ca.json
	cfssl gencert -initca ca.json 2>cfssl.log | cfssljson -bare ca
	issue ocsp -profile ocsp
}

issue() { # NAME [OPTION...]
	subject "$1.test" >"$1.json"
	cfssl gencert -ca ca.pem -ca-key ca-key.pem -config config.json \
		"${@:2}" "$1.json" 2>cfssl.log | cfssljson -bare "$1"
}

make_site() {
	issue "$1"
	# of the chain it would sign nothing
	cp "$1.pem" "$1.crt"
	cat ca.pem >>"$1.pem"
}

# signs NAME [OPTION...]: one more line of what is served.
signs() {
	cfssl ocspsign -ca ca.pem -responder ocsp.pem \
		-responder-key ocsp-key.pem -cert "$1.crt" "${@:2}" 2>cfssl.log |
		cfssljson -bare -stdout >>responses
}

serves() {
	start cfssl ocspserve -port "$port" -responses responses
	within 20 answers
}

answers() {
	curl -s -o /dev/null "$url/"
}

is_what_openssl_takes() {
	openssl ocsp -respin site.pem.ocsp -issuer ca.pem -cert site.pem \
		-CAfile ca.pem -no_nonce >out 2>&1
	grep -q 'Response verify OK' out
	grep -q '^site.pem: good' out
}

@test "what cfssl signs and serves is written, and verifies" {
	signs site
	serves
	fetch site.pem
	exits 0
	silent
	is_what_openssl_takes
	fetch -c -m 3d site.pem
	exits 0
}

@test "cfssl is asked by GET in vain, then by POST; -X post spares the first" {
	signs site
	serves
	fetch -v site.pem
	exits 0
	says "POST $url"
	fetch -v -f -X post site.pem
	exits 0
	does_not_say "GET $url"
}

@test "what cfssl signs as revoked is 5 with its reason, and nothing is written" {
	signs site -status revoked -reason 1 -revoked-at 2026-11-01
	serves
	fetch site.pem
	exits 5
	says "was revoked on 2026-11-01"
	says keyCompromise
	[ ! -e site.pem.ocsp ]
}

@test "a serial number that cfssl has no response for: unauthorized, run again" {
	make_site other
	signs other
	serves
	fetch -r 0 site.pem
	exits 1
	says unauthorized
	[ ! -e site.pem.ocsp ]
}

@test "cfssl knows SHA-1 alone: --certid-hash sha256 is 4, and to be left out" {
	signs site
	serves
	fetch --certid-hash sha256 site.pem
	exits 4
	says "do without --certid-hash sha256"
	[ ! -e site.pem.ocsp ]
}
