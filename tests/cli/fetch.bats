#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The main job: a certificate, its issuer, a question, an answer, a file.

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

@test "a good response is written beside the certificate, in silence" {
	leaf site good
	fetch site.pem
	exits 0
	silent
	openssl ocsp -respin site.pem.ocsp -issuer "$PKI/ca.pem" \
		-cert site.pem -CAfile "$PKI/ca.pem" -partial_chain \
		-no_nonce 2>&1 | grep -q 'site.pem: good'
}

@test "the bytes on disk are the bytes received" {
	leaf site good-same
	fetch site.pem
	exits 0
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good-same >expected
	cmp expected site.pem.ocsp
}

@test "nothing but the response is left in the directory" {
	mkdir d
	leaf d/site good
	find d | sort >before
	fetch d/site.pem
	exits 0
	find d | grep -v '/site.pem.ocsp$' | sort | cmp before -
}

@test "several certificates are done in one run, each with its own response" {
	leaf a good
	leaf b good
	leaf c good
	fetch a.pem b.pem c.pem
	exits 0
	silent
	[ -s a.pem.ocsp ] && [ -s b.pem.ocsp ] && [ -s c.pem.ocsp ]
	run ! cmp -s a.pem.ocsp b.pem.ocsp
}

@test "one bad certificate does not stop the others" {
	leaf a good
	leaf c good
	echo nonsense >b.pem
	fetch a.pem b.pem c.pem
	exits 2
	says "b.pem"
	[ -s a.pem.ocsp ] && [ -s c.pem.ocsp ] && [ ! -e b.pem.ocsp ]
}

@test "the highest exit code of several wins" {
	leaf a good
	leaf b status-500
	leaf c revoked
	leaf d by-leaf
	fetch -r 0 a.pem b.pem c.pem d.pem
	exits 5
	says "a.pem" && return 1
	says "b.pem: "
	says "c.pem: "
	says "d.pem: "
	[ -s a.pem.ocsp ]
}
