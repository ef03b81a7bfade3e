#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A signed "revoked" counts: also when it has run out, names no end, or is
# signed with SHA-1; and whoever looks, a run, -c, -S or -j, says the same.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	own_place
	EXCUSED=$(tr -s ' \t' '\n' <<<"$EXCUSED" | verifiable)
}
teardown() { end_place; }

# What would be refused if it said good.
EXCUSED="revoked-expired revoked-no-next-old revoked-sig-sha1
	revoked-by-sha1-delegate revoked-sha256 revoked-by-expired"

@test "a revocation that is received counts, whatever else is wrong with it" {
	local recipe
	leaf site -
	for recipe in $EXCUSED revoked-no-next; do
		echo "received: $recipe"
		fetch -r 0 -u "$URL/$recipe" site.pem
		exits 5
		says "the certificate was revoked on "
		says "replace the certificate"
		no_file
		fetch -n -j -r 0 -u "$URL/$recipe" site.pem
		exits 5
		grep -q '"status":"revoked"' <<<"$output"
		no_file
	done
}

@test "a revocation that is stored counts, with the responder down, and in -c" {
	local recipe
	leaf site -
	for recipe in $EXCUSED revoked-no-next; do
		echo "stored: $recipe"
		response site "$recipe"
		fetch -r 0 -u http://127.0.0.1:1/ site.pem
		exits 5
		says "revoked on "
		fetch -c site.pem
		exits 5
		fetch -c -j site.pem
		exits 5
		grep -q '"status":"revoked"' <<<"$output"
	done
}

@test "--write-revoked writes none that a good one would not be written for" {
	local recipe
	leaf site -
	for recipe in $EXCUSED; do
		echo "received: $recipe"
		fetch -r 0 --write-revoked -u "$URL/$recipe" site.pem
		exits 5
		no_file
	done
	! sha1_refused || return 0
	fetch --write-revoked --allow-sha1 -u "$URL/revoked-sig-sha1" site.pem
	exits 5
	[ -s site.pem.ocsp ]
}

@test "a later good response ends a revocation that has run out" {
	leaf site -
	response site revoked-hold-expired
	fetch -u "$URL/good" site.pem
	exits 0
	silent
	good_file
}

@test "an older revocation that has run out is no word beside a good response" {
	leaf site -
	response site good
	cp site.pem.ocsp before
	fetch -r 0 -u "$URL/revoked-expired" site.pem
	exits 4
	cmp before site.pem.ocsp
	says "site.pem.ocsp is good until"
}

@test "a hold that has run out is 4, with the word, and the CA is to be asked" {
	leaf site -
	fetch -r 0 -u "$URL/revoked-hold-expired" site.pem
	exits 4
	says "certificateHold"
	says "expired on"
	says "ask the CA whether that still holds"
	does_not_say attack
	response site revoked-hold-expired
	fetch -c site.pem
	exits 4
	says "certificateHold"
	fetch -r 0 -u http://127.0.0.1:1/ site.pem
	exits 4
}

@test "for a hold that stands the message says that it can be lifted" {
	leaf site -
	fetch -u "$URL/revoked-hold" site.pem
	exits 5
	says "have the CA lift the hold, or replace the certificate"
	fetch -v -u "$URL/revoked-hold" site.pem
	exits 5
	says "to do        have the CA lift the hold"
}

@test "a revocation that is forged, or by a key that is too weak, is no word" {
	local recipe
	leaf site "good.$MINE"
	for recipe in revoked-forged revoked-corrupt revoked-sig-md5 \
		revoked-by-weak-delegate revoked-by-long-expired \
		revoked-by-expired-late revoked-by-leaf revoked-by-noeku; do
		echo "received: $recipe"
		fetch -r 0 --allow-sha1 -u "$URL/$recipe" site.pem
		exits 4
		response site "$recipe"
		fetch -c site.pem
		exits 4
		rm site.pem.ocsp
	done
}

@test "an expired revocation from a cache is asked for past the caches" {
	leaf site "revoked-expired.$MINE"
	fetch -r 0 site.pem
	exits 5
	[ "$(asked)" -eq 2 ]
}

@test "of a nonce that is refused the message tells" {
	leaf site -
	fetch -r 0 -N -u "$URL/err-unauthorized" site.pem
	exits 1
	says "do without --nonce"
	fetch -r 0 -u "$URL/err-unauthorized" site.pem
	exits 1
	does_not_say "--nonce"
}

@test "an older good that comes after a later revoked does not outweigh it" {
	# the first that is named here is the second in the certificate
	leaf site half-gone --url "$URL/revoked-expired,nocache-503"
	fetch -r 0 site.pem
	exits 5
	says "revoked"
	no_file
	fetch -n -r 0 site.pem
	exits 5
	# but a later one does
	leaf next good --url "$URL/revoked-expired,nocache-503"
	fetch -r 0 next.pem
	exits 0
	[ -s next.pem.ocsp ]
}
