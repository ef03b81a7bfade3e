#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# `make messages` shows every text of the program in one place, to be read
# aloud by whoever changes one.  Here: that it leaves none out, and that no
# text blames, begs, shouts or says nothing.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	make -s messages >"$BATS_TEST_TMPDIR/list"
	# for awk and diff: a line of a text is a line
	sed 's/\\[rn]/\n/g' "$BATS_TEST_TMPDIR/list" >"$BATS_TEST_TMPDIR/lines"
}

@test "every room is in it, and what is known to be said" {
	local room
	for room in cert/file cert/issuer notify/haproxy notify/hook http \
	    cli/check cli/headers cli/list cli/options cli/usage cli/values \
	    ocsp ocsp/signature ocsp/tell ocspfetch output/report \
	    store/store store/failure store/lockfile store/marker \
	    store/tempfile probe/address probe/connect probe/starttls \
	    probe/tls job/answer job/attempt job/changed job/diagnose \
	    job/fail job/issuer job/load job/save job/settle job/stored \
	    job/trace output/verbose job/warnings; do
		grep -qx "$room.c" "$BATS_TEST_TMPDIR/list"
	done
	grep -qx '  the responder says "%s": %s' "$BATS_TEST_TMPDIR/list"
	# of several parts, after a macro, with a quote and a tab's width
	grep -q "^  get the CA's renewed certificate and name its file with -i, or have" \
	    "$BATS_TEST_TMPDIR/list"
	grep -q '^  usage: ocspfetch ' "$BATS_TEST_TMPDIR/list"
	[ "$(grep -c '^  ' "$BATS_TEST_TMPDIR/list")" -ge 300 ]
}

# The binary is another witness: what has two words in it must be in the list.
@test "every text of the binary is in it" {
	command -v strings >/dev/null || skip "there is no strings(1)"
	# an optimiser takes texts apart
	make -s -j 4 O="$BATS_TEST_TMPDIR/o" BIN="$BATS_TEST_TMPDIR/plain" \
	    CFLAGS=-O0 HARDEN= all
	strings -d -n 6 "$BATS_TEST_TMPDIR/plain" |
	    grep -E '[a-z]{2,}[,:;.)"]* [("]*[a-z]{2,}' |
	    grep -vE '^[0-9]+ [0-9]+ ' >"$BATS_TEST_TMPDIR/binary"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/binary")" -ge 200 ]
	run awk 'NR == FNR { all = all "\n" $0; next }
	# bytes before a text may look like letters of it
	{ sub(/^[^A-Za-z0-9"%(<-]+/, ""); sub(/ +$/, "") }
	!index(all, $0)' "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/binary"
	echo "not in the list: $output"
	[ -z "$output" ]
}

@test "no text blames, begs, shouts or says nothing" {
	run grep -niE '\b(you|your|please|sorry|oops|illegal|fatal|abort(ed|ing)?|bogus|stupid|simply|just|obviously|something went wrong|unknown error|internal error|unexpected error|error occurred|failed to|unable to|signer not found)\b|!$|!!' \
	    "$BATS_TEST_TMPDIR/lines"
	# what is HAProxy's own, and what asks
	output=$(grep -vE ':  (OCSP Response updated!|abort ssl cert)$|did you mean' \
	    <<<"$output" || true)
	echo "$output"
	[ -z "$output" ]
}
