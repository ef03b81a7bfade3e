#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What each CA's responder sends, as it is shipped or set up wrongly, and the
# words that name the cure and who has it: the manual's "Certification
# authorities" promises them.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154,SC2086

load ../harness/lib
# shellcheck source=/dev/null
. "$TOP/tests/harness/ca.sh"

setup_file() { world; }
teardown_file() { end_world; }
setup() {
	own_place
	ca_pid=
}
teardown() {
	[ -z "$ca_pid" ] || kill "$ca_pid" || true
	end_place
}

# shapes: rows of stdin, "CODE | BEHAVIOUR | OPTIONS | WORDS | NOT THESE"; words
# are separated by semicolons.
shapes() {
	local code behaviour options has lacks word n=0
	while IFS='|' read -r code behaviour options has lacks; do
		read -r behaviour <<<"$behaviour"
		echo "== $behaviour $options"
		rm -f site.pem.ocsp
		fetch -r 0 -u "$URL/$behaviour" $options site.pem
		exits $((code))
		while IFS= read -r word; do
			read -r word <<<"$word"
			[ -z "$word" ] || says "$word"
		done <<<"${has//;/$'\n'}"
		while IFS= read -r word; do
			read -r word <<<"$word"
			[ -z "$word" ] || does_not_say "$word"
		done <<<"${lacks//;/$'\n'}"
		n=$((n + 1))
	done
	[ "$n" -gt 0 ]
}

@test "the responder of another CA is told by that CA's name" {
	leaf site -
	shapes <<'END'
4 | unknown-by-stranger | | another CA, CN=Test stranger; the wrong responder (see --url); the wrong issuer (see --issuer) | attack; self-signed; Verify error
4 | by-delegate-of-root | | signer CN=Test delegate-of-root; another CA, CN=Test Root; --url | attack; local issuer
4 | by-delegate-of-other | | by another CA of the name CN=Test Issuing CA; attack | --url
4 | good-only-neighbour | | about another certificate; right responder (--url), and the right issuer (--issuer) | run again
END
}

@test "a responder whose own certificate expired is told by name and date" {
	leaf site -
	shapes <<'END'
4 | by-expired-delegate | | responder's own certificate, CN=Test delegate-expired, expired on 2; tell the CA, which has to renew it | attack; not signed by the issuer; Verify error; run again
4 | by-future-delegate | | CN=Test delegate-future, is valid only from 2; machine's clock; tell the CA | attack; Verify error
END
	leaf other "good.$MINE"
	response other by-expired-delegate
	fetch -c other.pem
	exits 4
	says "CN=Test delegate-expired, expired on 2"
	does_not_say attack
}

@test "a CertID under another hash is told with the option that cures it" {
	leaf site -
	shapes <<'END'
4 | good-sha256 | | under SHA-256, though SHA-1 was requested; --certid-hash sha256 | attack; do without
0 | good-sha256 | --certid-hash sha256 | HAProxy and Apache do not staple it | refused
4 | good-sha1 | --certid-hash sha256 | under SHA-1, though SHA-256 was requested; do without --certid-hash sha256 | attack; do not find it
0 | good-both | --certid-hash sha256 | | refused
END
}

@test "a responder that takes no nonce: do without it, and not once more" {
	leaf site -
	shapes <<'END'
1 | err-unauthorized | -N | AD CS; do without --nonce | run again; attack
1 | err-malformed | -N | do without --nonce | run again; attack
1 | err-internal | -N | run again later | --nonce
1 | err-unauthorized | | right responder | nonce
1 | err-malformed | | right responder | nonce
END
	fetch -v -r 0 -N -u "$URL/err-unauthorized" site.pem
	exits 1
	says "to do        see the last line"
}

@test "an empty response is what Dogtag has for a serial that it does not know" {
	leaf site -
	shapes <<'END'
1 | empty-200 | | HTTP 200 with 0 bytes; FreeIPA and Dogtag; ask the CA whether it issued this certificate | attack; captive portal
1 | empty-200 | -X post | FreeIPA and Dogtag | attack
1 | html-200 | | a web page | Dogtag
END
	# of an issuer that is fetched it would be no word
	leaf other - --aia-issuer "$URL/empty-200"
	rm other.pem.issuer
	fetch -r 0 --fetch-issuer -u "$URL/good" other.pem
	exits 1
	says "it came empty"
	does_not_say Dogtag
}

@test "a hold: the CA can lift it, whatever its response looks like" {
	leaf site -
	shapes <<'END'
5 | revoked-hold | | certificateHold; have the CA lift the hold, or replace the certificate | attack
4 | revoked-hold-expired | | certificateHold; expired on; ask the CA whether that still holds | attack; replace
5 | revoked | | keyCompromise; replace the certificate | lift
END
}

@test "AD CS as it is shipped: where to set SHA-256, and --allow-sha1" {
	needs_sha1
	leaf site -
	shapes <<'END'
4 | adcs | | signed with SHA-1; AD CS, Online Responder; Signing, hash algorithm; --allow-sha1 | attack
0 | adcs | --allow-sha1 | | refused
0 | good-publish | | | warning
5 | revoked-sig-sha1 | | replace the certificate | allow-sha1
4 | by-sha1-delegate | | its signer's certificate is signed with SHA-1; --allow-sha1 | attack
0 | by-sha1-delegate | --allow-sha1 | | refused
END
}

@test "no nextUpdate, as most private CAs send it: accepted, and told when old" {
	leaf site -
	shapes <<'END'
0 | no-next-now | | | refused; attack
0 | no-next-chain | | | refused; attack
0 | no-next-now | --max-age 1d | | refused
4 | no-next-days | | no nextUpdate; --assume-lifetime (1 d 12 h); the CA has to set | attack; reload
0 | no-next-days | --assume-lifetime 3d | | refused
4 | no-next-now | --assume-lifetime 0 | no nextUpdate; the CA has to set one | attack
5 | revoked-no-next | | replace the certificate | attack
END
}

@test "times with fractions of a second: the CA is told what to leave out" {
	leaf site -
	shapes <<'END'
4 | time-fraction | | thisUpdate is not written as; tell the CA; fractions of a second | attack
4 | next-fraction | | nextUpdate is not written as; tell the CA | attack
4 | produced-fraction | | producedAt is not written as; tell the CA | attack
END
}

@test "a responder's URL that cannot be used: -u names the right one" {
	local url
	for url in hhtp://ocsp.example.com ldap://ocsp.example.com/x http:// \
		"http://ocsp1.example.com; http://ocsp2.example.com"; do
		echo "== $url"
		leaf bad - --url "$url"
		fetch bad.pem
		exits 2
		says "$url"
		says "cannot be asked"
		says "name the right one with --url"
		does_not_say "run again"
		fetch -u "$URL/good" bad.pem
		exits 0
		rm bad.pem.ocsp
	done
}

# ---- the manual's "Certification authorities" ----

# The parts of that section, and the commands of one of them.
authorities() {
	awk '/^\.Sh / { here = ($0 == ".Sh CERTIFICATION AUTHORITIES") }
	here && sub(/^\.Ss /, "")' "$MAN"
}

commands() {
	awk -v name="$1" '/^\.S[hs] / { here = ($0 == ".Ss " name) }
	here && sub(/^\.Dl /, "")' "$MAN"
}

# A row each: what it is called, and what its responder does.
SHAPES="AD CS|adcs
FreeIPA and Dogtag|no-next-now
EJBCA|no-next-chain
Vault and OpenBao|good-delegate
strongSwan|nonce-echo
cfssl|get-refused
step-ca|-
Public CAs|unauthorized-twice
AWS Private CA|good"

@test "each CA of the manual has a command, which stores a good response" {
	local name behaviour command n=0
	while IFS='|' read -r name behaviour; do
		command=$(commands "$name")
		echo "== $name: $command"
		[ "$(wc -l <<<"$command")" -eq 1 ]
		[[ $command == "ocspfetch "*"site.pem" ]]
		rm -f site.pem.ocsp
		leaf site "$behaviour"
		[ "$behaviour" = - ] || leaf site "$behaviour.$MINE"
		n=$((n + 1))
		# there no command helps
		[ "$behaviour" != adcs ] || ! sha1_refused || continue
		fetch ${command#ocspfetch }
		exits 0
		# but for a word on a pause, and HAProxy's case
		does_not_say refused
		[ "$behaviour" = - ] || [ -s site.pem.ocsp ]
	done <<<"$SHAPES"
	# and openssl ocsp, below
	[ "$(authorities | wc -l)" -eq $((n + 1)) ]
}

@test "FreeIPA's response and one signed days ago are good in one run, each by its own rule" {
	mkdir certs
	leaf certs/ipa no-next-now
	leaf certs/public good-older
	fetch certs
	exits 0
	silent
	[ -s certs/ipa.pem.ocsp ]
	[ -s certs/public.pem.ocsp ]
	fetch -c --no-warn no-next certs
	exits 0
	silent
	# what is assumed of the one is no bound for the other
	fetch -f --assume-lifetime 1h certs
	exits 0
	silent
	fetch -c --assume-lifetime 0 certs
	exits 4
	says "ipa.pem"
	does_not_say "public.pem"
	fetch -c --no-warn no-next -a 1d certs
	exits 1
	says "public.pem"
	does_not_say "ipa.pem"
}

@test "openssl ocsp, started as the manual has it, responds with a nextUpdate" {
	local start ask
	start=$(commands "openssl ocsp" | sed -n 1p)
	ask=$(commands "openssl ocsp" | sed -n 2p)
	[[ $start == "openssl ocsp -port 8888 -index index.txt -CA ca.pem "* ]]
	ca_make "$PWD/ca"
	# what it is started with: the same options, on a port that is free
	[[ $start == *" -rsigner ocsp.pem -rkey ocsp.key -ndays 4" ]]
	ca_respond "$PWD/ca" ${start#* -rkey ocsp.key}
	ca_issue "$PWD/ca" www.example.com http://ocsp.invalid
	ca_respond "$PWD/ca" ${start#* -rkey ocsp.key}
	cp ca/www.example.com.bundle site.pem
	ask=${ask/8888/$ca_port}
	fetch ${ask#ocspfetch }
	exits 0
	silent
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >out 2>&1
	grep -q 'Next Update' out
}

@test "a CA of the README's table is one of the manual's" {
	local name n=0
	authorities >known
	while read -r name; do
		echo "$name"
		grep -qi -- "$name" known ||
			grep -qF -- "$name" <(sed -n '/^\.Ss Public CAs/,/^\.S/p' "$MAN")
		n=$((n + 1))
	done < <(sed -n '/^| CA |/,/^$/p' "$TOP/README.md" |
		sed -n '3,$s/^| \([^|]*\) |.*/\1/p' | tr -d '`' |
		sed 's/[;,/] */\n/g')
	[ "$n" -ge 12 ]
}
