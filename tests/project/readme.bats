#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The README is where a person decides in a minute: what it shows and claims is
# true, and it is short enough to be read.
#
# shellcheck disable=SC2154,SC2016,SC2030,SC2031,SC2086

load ../harness/lib
# shellcheck source=/dev/null
. "$TOP/tests/harness/ca.sh"

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	README=$TOP/README.md
	own_place
	ca_pid=
}
teardown() {
	[ -z "$ca_pid" ] || kill "$ca_pid" || true
	end_place
}

# The screen of a command, as the README shows it.
screen() {
	awk -v want="    \$ $1" '
	!/^    / { inside = 0 }
	/^    \$ / { inside = 0 }
	inside { print substr($0, 5) }
	$0 == want { inside = 1 }' "$README"
}

words_in_quotes() {
	grep -o '`[^`]*`' "$README" | tr -d '`'
}

@test "the README's screen is what the program says" {
	ca_make "$PWD/ca"
	ca_respond "$PWD/ca" -ndays 7
	ca_issue "$PWD/ca" www.example.com "http://127.0.0.1:$ca_port"
	ca_respond "$PWD/ca" -ndays 7
	cp ca/www.example.com.bundle site.pem
	screen "ocspfetch -v site.pem" | alike >want
	[ "$(wc -l <want)" -gt 15 ]
	fetch -v site.pem
	exits 0
	alike <<<"$stderr" >got
	diff want got
}

@test "it is less than three screens, and fits a terminal" {
	local lines long
	lines=$(awk '{ n += /^\|/ ? int((length + 79) / 80) : 1 }
	END { print n }' "$README")
	echo "$lines lines"
	[ "$lines" -le 160 ]
	# a screen is indented, and the program's own lines may have 80
	long=$(grep -v '^|' "$README" | grep -v '^    ' | grep -c '.\{81\}' ||
		true)
	[ "$long" -eq 0 ]
	[ "$(grep '^    ' "$README" | grep -c '.\{85\}' || true)" -eq 0 ]
}

# compare ANSWER STORED: both programs are told this, with that in the file;
# sets THEIRS and OURS, status and what became of the file.
compare() {
	local code=0 limit=60
	[ "$1" != hang ] || limit=1
	leaf site "$1"
	response site "$2"
	cp site.pem.ocsp old
	openssl ocsp -issuer "$PKI/ca.pem" -cert site.pem \
		-CAfile "$PKI/ca.pem" -partial_chain -no_nonce -timeout $limit \
		-url "$URL/$1" -respout site.pem.ocsp >said 2>&1 || code=$?
	THEIRS="$code $(became)"
	cp old site.pem.ocsp
	fetch -r 0 -t "$limit" site.pem
	OURS="$status $(became)"
}

became() {
	if cmp -s old site.pem.ocsp; then echo kept; else echo saved; fi
}

@test "what it says of openssl ocsp and of ocspfetch is so" {
	local row answer stored theirs ours n=0
	while IFS='|' read -r row answer stored theirs ours; do
		grep -q "^| $row |" "$README"
		compare "$answer" "$stored"
		echo "$row ($answer): openssl $THEIRS, ocspfetch $OURS"
		[ "$THEIRS" = "$theirs" ]
		[ "$OURS" = "$ours" ]
		[ "$answer" != expired ] || grep -qi 'warning' said
		n=$((n + 1))
	done <<-'TABLE'
	good|good|two-thirds-gone|0 saved|0 saved
	good, but older than what is stored|good-older|good|0 saved|0 kept
	revoked; unknown|revoked|good|0 saved|5 kept
	revoked; unknown|unknown|good|0 saved|4 kept
	expired|expired|good|0 saved|4 kept
	wrongly signed|sig-corrupt|good|1 saved|4 kept
	an error (\*unauthorized\*, \*tryLater\*)|err-unauthorized|good|1 saved|0 kept
	an error (\*unauthorized\*, \*tryLater\*)|err-trylater|good|1 saved|0 kept
	none|hang|good|1 kept|0 kept
	none|reset|good|1 kept|0 kept
	TABLE
	[ "$n" -eq 10 ]
	# no row of the README is left out: two of them have two answers
	n=$(awk '/^## Beside a script/ { on = 1 } /^## Security/ { on = 0 }
	on && /^\| [a-z]/' "$README" | grep -vc '^| the answer')
	[ "$n" -eq 7 ]
}

@test "openssl ocsp waits for ever without -timeout, and ocspfetch does not" {
	local code=0
	site hang
	response site good
	timeout 5 openssl ocsp -issuer "$PKI/ca.pem" -cert site.pem \
		-CAfile "$PKI/ca.pem" -partial_chain -no_nonce \
		-url "$URL/hang.$MINE" >said 2>&1 || code=$?
	[ "$code" -eq 124 ]
	: >"$LOG"
	fetch -t 1 site.pem
	exits 0
	silent
	echo "$(asked) questions"
	# by GET and by POST, three times
	[ "$(asked)" -eq 6 ]
}

@test "openssl x509 tells who needs it, as the README says" {
	local command
	command=$(sed -n 's/^    \(openssl x509 .*site\.pem\)  .*/\1/p' "$README")
	[ -n "$command" ]
	leaf site -
	run -0 $command
	[ -z "$output" ]
	fetch site.pem
	exits 0
	silent
	leaf site good
	run -0 $command
	[ "$output" = "$URL/good" ]
}

@test "each recipe of the README is a command that the program takes" {
	local line n=0
	while read -r line; do
		line=${line#"17 * * * * "}
		line=${line#ocspfetch }
		echo "$line"
		case $line in
		*'&&'*) continue ;;
		esac
		# it ends in a certificate, which is not there
		eval "fetch ${line% *} gone"
		exits 2
		says gone
		[[ $stderr != *--help* ]]
		n=$((n + 1))
	done < <(grep -E '^    (17 \* \* \* \* )?ocspfetch ' "$README")
	[ "$n" -ge 5 ]
}

@test "a new certificate is put in place as the README has it" {
	local line
	line=$(sed -n 's/^    \(ocspfetch --wait .*\)/\1/p' "$README")
	[[ $line == *" && mv "* ]]
	mkdir tls
	leaf new "unauthorized-twice.$MINE"
	ocspfetch() { "$OCSPFETCH" "$@"; }
	eval "${line//\/etc\/nginx\/tls/$PWD/tls}"
	[ -s tls/new.pem ]
	[ -s tls/new.pem.ocsp ]
	# one that is revoked is not
	leaf new "revoked.$MINE"
	never eval "${line//\/etc\/nginx\/tls/$PWD/tls} 2>/dev/null"
	[ -s new.pem ]
}

# Those of the manual are run with the servers, by servers.bats.
@test "what the README has servers read is what the manual has them read" {
	local word n=0
	while read -r word; do
		echo "$word"
		grep -qF -- "$word" "$TOP/man/ocspfetch.1"
		n=$((n + 1))
	done < <(sed -n 's/^| \(nginx\|hitch\|lighttpd\|Exim\) | `\([^`]*\)FILE.*/\2/p' \
		"$README" | sed 's/.*; //')
	[ "$n" -eq 4 ]
}

@test "files, targets and options that the README names are there" {
	local word n=0
	while read -r word; do
		echo "$word"
		[ -e "$TOP/$word" ]
		n=$((n + 1))
	done < <(words_in_quotes | grep -E '^(contrib|man|tests)/|^[A-Z]+(\.md)?$' |
		grep -vxE 'PREFIX|DESTDIR|BINDIR|MANDIR|CC|CFLAGS')
	[ "$n" -ge 5 ]
	make -s -C "$TOP" help >targets
	while read -r word; do
		[ "$word" != help ] || continue
		echo "make $word"
		grep -q "^make $word " targets
	done < <(grep -o 'make [a-z-]*`\|&& make [a-z]*$' "$README" |
		sed 's/.*make \([a-z-]*\).*/\1/')
	"$OCSPFETCH" --help >help
	while read -r word; do
		echo "$word"
		grep -q -- "$word\b" help
	done < <(words_in_quotes | grep -o '^--[a-z0-9-]*')
}

@test "the README's exit codes are the manual's" {
	local code
	for code in 0 1 2 3 4 5; do
		grep -q "^| $code | " "$README"
		grep -q "^\.It $code\$" "$TOP/man/ocspfetch.1"
	done
	[ "$(grep -c '^| [0-9]* | ' "$README")" -eq 6 ]
}
