#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The screenshots in the manual's DIAGNOSTICS are what the program says: each
# situation is made, and the whole of its text compared, but for times, sizes,
# addresses and keys, which differ from run to run.
#
# In the manual a long line goes on in the next one, further in than any line
# begins; "..." stands for the lines about certificate and issuer, which are
# those of the first screenshot.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	MORE=()
}

# The screenshot of the command `ocspfetch $1`, as the manual shows it.
screenshot() {
	awk -v want="\$ ocspfetch $1" '
	/^\.Bd -literal/ { inside = 1; next }
	/^\.Ed/ { inside = shown = 0 }
	inside && $0 == want { shown = 1; next }
	inside && /^\$ / { shown = 0 }
	shown' "$MAN" | sed 's/\\(dq/"/g; s/\\-/-/g; s/\\&//g'
}

# The lines before the one of that label, but for the first.
head_before() {
	sed -n "2,/^  $1 /p" | sed '$d'
}

# shows FILE ARGUMENTS...: the screenshot of that run, compared whole; what a
# reader has not to know for it is in MORE.
shows() {
	local file=$1 label
	shift
	screenshot "$*" | alike >want
	[ "$(wc -l <want)" -gt 5 ] || {
		echo "the manual does not show: ocspfetch $*"
		return 1
	}
	if [ "$(sed -n 2p want)" = "  ..." ]; then
		label=$(sed -n '3s/^  \([a-z]*\) .*/\1/p' want)
		screenshot "-v site.pem" | alike | head_before "$label" |
		    sed "s/site\.pem/$file/" >top
		[ "$(wc -l <top)" -eq 5 ]
		{
			sed -n 1p want
			cat top
			sed 1,2d want
		} >whole
		mv whole want
	fi
	# the manual's proxy is ours
	fetch "${@/#http:\/\/proxy.example.com:3128/"$URL"}" "${MORE[@]}"
	[ -z "$output" ]
	alike <<<"$stderr" >got
	diff want got
}

here() {
	local name=$1
	shift
	leaf "$name" "$@" --cn www.example.com
}

@test "all good" {
	here site good
	shows site.pem -v site.pem
	exits 0
}

@test "not due" {
	here site good
	response site good
	shows site.pem -v -d site.pem
	exits 0
}

@test "revoked: since when, and why" {
	here revoked revoked
	shows revoked.pem -v revoked.pem
	exits 5
}

@test "unknown" {
	here unknown unknown
	shows unknown.pem -v unknown.pem
	exits 4
}

@test "unauthorized of a new certificate" {
	here new err-unauthorized --from -600 --to 864000
	shows new.pem -v new.pem
	exits 1
}

@test "the wrong issuer" {
	here site good
	cp "$PKI/root.pem" site.pem.issuer
	cp "$PKI/other.pem" old-ca.pem
	shows site.pem -v -i old-ca.pem site.pem
	exits 2
}

@test "a proxy forbids it" {
	here site -
	MORE=(-u http://ocsp.invalid/status-403)
	shows site.pem -v -x http://proxy.example.com:3128 site.pem
	exits 1
}

@test "a captive portal" {
	here portal html-200
	shows portal.pem -v portal.pem
	exits 1
}

@test "a clock is wrong" {
	here clock future,wrong-date
	shows clock.pem -v clock.pem
	exits 4
}

@test "the responder is down, and the old file still good" {
	here site -
	response site good
	MORE=(-u http://127.0.0.1:1/)
	shows site.pem -v -r 0 site.pem
	exits 0
}

@test "the manual shows ten of them, and no other" {
	local n
	n=$(awk '/^\.Ss What -v tells/ { inside = 1 }
	/^\.Sh SEE ALSO/ { inside = 0 }
	inside && /^\$ ocspfetch / { n++ }
	END { print n }' "$MAN")
	[ "$n" -eq 10 ]
	[ "$n" -eq "$(grep -c "^	shows " "$BATS_TEST_FILENAME")" ]
}

@test "no line of the manual's screenshots is too long for a terminal" {
	run awk '/^\.Ss What -v tells/ { inside = 1 }
	/^\.Sh SEE ALSO/ { inside = 0 }
	inside && length > 80' "$MAN"
	[ -z "$output" ]
}
