#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# contrib/check_ocsp_staple: what Nagios, Icinga and their like hear.
#
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	PLUGIN=$TOP/contrib/check_ocsp_staple
	own_place
}
teardown() { end_place; }

# check N ARGUMENTS: the plug-in; N is its exit status.  One line, no more, of
# text and perfdata, is on standard output, and nothing elsewhere.
check() {
	local code=$1 word
	local words=(OK WARNING CRITICAL UNKNOWN)
	shift
	run --separate-stderr env OCSPFETCH="$OCSPFETCH" "$PLUGIN" "$@"
	word=${words[code]}
	if [ "$status" -ne "$code" ] || [ "${#lines[@]}" -ne 1 ] ||
		[[ $output != "OCSP $word - "* ]] || [ -n "$stderr" ]; then
		echo "status $status, not $code ($word)"
		echo "$output"
		echo "stderr: $stderr"
		return 1
	fi
	TEXT=${output%%|*}
	PERF=
	[[ $output != *"|"* ]] || PERF=${output#*|}
	# one bar at most, and perfdata by the guidelines behind it
	[[ $PERF != *"|"* ]]
	[ -z "$PERF" ] || grep -qxP \
		"( '(''|[^'=|])+'=(U|-?[0-9]+s);([0-9]+:)?;[0-9]+:)+" <<<"$PERF"
}

# in_text WORDS...
in_text() {
	local word
	for word; do
		[[ $TEXT == *"$word"* ]] || {
			echo "the text has no \"$word\": $output"
			return 1
		}
	done
}

# What is stored, the plug-in's status, and words of its text.
stored='
good 0 good for
good-delegate 0 until 20
two-thirds-gone 1 good for
expires-soon 2 good for 3 min
expired 2 expired:
revoked 2 revoked on
unknown 2 does not know this certificate
sig-corrupt 2 refused:
err-trylater 2 error:
html 2 invalid:
'

@test "what is stored, of every kind, has its state" {
	local recipe code words
	leaf site "good.$MINE"
	while read -r recipe code words; do
		[ -n "$recipe" ] || continue
		response site "$recipe"
		check "$code" site.pem || { echo "$recipe" && return 1; }
		in_text "site.pem: " "$words"
		[[ $PERF == " 'site.pem'="* ]]
	done <<<"$stored"
	rm site.pem.ocsp
	check 2 site.pem
	in_text "site.pem: none: "
	[ "$PERF" = " 'site.pem'=U;;300:" ]
	# nobody was asked
	[ "$(asked)" -eq 0 ]
}

@test "-w and -c are times, or for -w a part of its life" {
	leaf site "good.$MINE"
	response site good # seven days
	check 0 -w 6d -c 1d site.pem
	[[ $PERF == *s\;518400:\;86400: ]]
	check 1 -w 8d site.pem
	check 1 -w 8d -c 6d site.pem
	check 2 -w 9d -c 8d site.pem
	check 0 -w 90% site.pem
	[[ $PERF == *s\;\;300: ]]
	check 1 -w 100% site.pem
	check 0 -c 08m site.pem
	[[ $PERF == *\;480: ]]
	check 0 -w 1w -c 1 site.pem || check 1 -w 1w -c 1 site.pem
	in_text "good for 6 d 23 h" || in_text "good for 7 d 0 h"
}

@test "the seconds of the perfdata are those that are left" {
	local left end
	leaf site "good.$MINE"
	response site good
	check 0 site.pem
	left=${PERF#*=}
	left=${left%%s*}
	end=$(date +%s -d "$(openssl ocsp -respin site.pem.ocsp -noverify \
		-resp_text | sed -n 's/^ *Next Update: //p')")
	left=$((end - $(date +%s) - left))
	[ "${left#-}" -lt 120 ]
	response site expired
	check 2 site.pem
	[[ $PERF == " 'site.pem'=-3"*s* ]]
}

@test "several: the worst wins, and is told first; all are in the perfdata" {
	mkdir certs
	leaf certs/a "good.$MINE"
	response certs/a good
	leaf certs/b -
	check 0 certs
	in_text "2 certificates, the first to end is certs/a.pem: good for"
	check 0 certs/b.pem
	in_text "certs/b.pem: needs no response"
	leaf certs/c "good.$MINE"
	response certs/c two-thirds-gone
	check 1 certs
	in_text "1 of 3 certificates: certs/c.pem: good for "
	check 3 certs gone.pem
	in_text "2 of 4 certificates: gone.pem: cannot read it" "; certs/c.pem: "
	leaf certs/d "good.$MINE"
	response certs/d revoked
	check 2 certs gone.pem
	in_text "3 of 5 certificates: certs/d.pem: " "; gone.pem: "
	[ "$(grep -o ' .[^=]*=' <<<"$PERF" | xargs)" = \
		"certs/a.pem= certs/b.pem= certs/c.pem= certs/d.pem= gone.pem=" ]
}

@test "-i names the issuer" {
	leaf site "good.$MINE"
	response site good
	mv site.pem.issuer elsewhere
	check 3 site.pem
	in_text "no issuer found"
	check 0 -i elsewhere site.pem
}

# ours PROTOCOL [STAPLE]: our TLS server; sets TLS.
ours() {
	local proto=$1
	shift
	cat site.pem "$PKI/ca.pem" >site.chain
	: >server.log
	"$STARTTLS" "$proto" site.chain site.key "$@" >server.log 2>&1 </dev/null \
		3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	until grep -q '^port' server.log; do sleep 0.05; done
	TLS=$(awk '/^port/ { print $2 }' server.log)
}

@test "-S: what a server staples, of every kind, with or without a certificate" {
	local recipe code words
	leaf site "good.$MINE"
	ours none staple
	while read -r recipe code words; do
		[ -n "$recipe" ] || continue
		"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" "$recipe" >staple
		if left_out "$recipe"; then continue; fi
		check "$code" -S "127.0.0.1:$TLS" site.pem ||
			{ echo "$recipe" && return 1; }
		in_text "site.pem: " "$words"
		check "$code" -S "127.0.0.1:$TLS"
		in_text "127.0.0.1:$TLS: " "$words"
		[[ $PERF == " '127.0.0.1:$TLS'="* ]]
	done <<<"$stored"
	check 1 -S "127.0.0.1:$TLS" -w 30d || check 2 -S "127.0.0.1:$TLS" -w 30d
	leaf other "good.$MINE"
	check 3 -S "127.0.0.1:$TLS" other.pem
}

@test "-S: nothing stapled, no server, and another protocol" {
	leaf site "good.$MINE"
	ours none
	check 2 -S "127.0.0.1:$TLS" site.pem
	in_text "none: " "staples nothing"
	check 2 -S 127.0.0.1:1 -t 5 site.pem
	in_text "no connection"
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good >staple
	ours smtp staple
	check 0 -S "127.0.0.1:$TLS" -p smtp site.pem
	in_text "good for 6 d" || in_text "good for 7 d 0 h"
}

@test "a name, and a server's words, break neither the line nor the perfdata" {
	local odd=$'o\'d|d="x\\y\nz.pem'
	leaf site "good.$MINE"
	cp site.pem "$odd"
	cp site.pem.issuer "$odd.issuer"
	response site good
	cp site.pem.ocsp "$odd.ocsp"
	check 0 "$odd"
	[[ $PERF == *"'o''d_d_\"x\\y\\u000Az.pem'="[0-9]*s* ]]
	response site revoked
	cp site.pem.ocsp "$odd.ocsp"
	check 2 "./$odd"
	in_text "o'd/d="
	check 2 -- -odd.pem || check 3 -- -odd.pem
}

@test "wrong usage, and no program, are UNKNOWN, with the reason" {
	leaf site "good.$MINE"
	response site good
	check 3
	in_text "no certificate is named" "usage: "
	check 3 -q site.pem
	in_text "there is no option -q"
	check 3 -w
	in_text "-w needs an argument"
	check 3 -w 5x site.pem
	in_text "-w: \"5x\" is neither a time nor N%"
	check 3 -c 5% site.pem
	in_text "-c: \"5%\" is not a time"
	check 3 -w 101% site.pem
	in_text "101%"
	check 3 -w 1 site.pem
	in_text "-w is less than -c"
	check 3 -p smtp site.pem
	in_text "-p is for -S"
	check 3 -S host -p gopher
	in_text "gopher"
	check 3 -i gone.pem site.pem
	run --separate-stderr env OCSPFETCH="$PWD/nowhere" "$PLUGIN" site.pem
	[ "$status" -eq 3 ]
	[[ $output == "OCSP UNKNOWN - "*nowhere* ]]
	# an empty directory is no success
	mkdir empty
	check 3 empty
	check 3 site.pem empty
	in_text "empty"
	run "$PLUGIN" -h
	[ "$status" -eq 3 ]
	[[ $output == *"CERTIFICATE"*"WARNING"* ]]
}

@test "it runs under each POSIX shell and awk that is here" {
	local shell awk n=0
	leaf site "good.$MINE"
	response site good
	for shell in dash bash busybox ksh mksh yash; do
		command -v "$shell" >/dev/null || continue
		[ "$shell" != busybox ] || shell="busybox sh"
		# shellcheck disable=SC2086
		run env OCSPFETCH="$OCSPFETCH" $shell "$PLUGIN" -w 1d site.pem
		echo "$shell: $output"
		[ "$status" -eq 0 ]
		[[ $output == "OCSP OK - site.pem: good for "[67]" d "*" | 'site.pem'="* ]]
		n=$((n + 1))
	done
	mkdir bin
	for awk in mawk gawk original-awk busybox; do
		command -v "$awk" >/dev/null || continue
		ln -sf "$(command -v "$awk")" bin/awk
		run env PATH="$PWD/bin:$PATH" OCSPFETCH="$OCSPFETCH" "$PLUGIN" \
			-w 1d site.pem
		echo "$awk: $output"
		[ "$status" -eq 0 ]
		[[ $output == "OCSP OK - site.pem: good for "[67]" d "*" | 'site.pem'="* ]]
		n=$((n + 1))
	done
	[ "$n" -ge 2 ]
}
