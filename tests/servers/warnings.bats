#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# It predicts: what is good and was written, but will not be stapled, or will
# stop a server, is warned of, in the run that writes it.  Where a server is
# quick to ask, it is asked whether that is true.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib
load ../harness/servers
# shellcheck source=/dev/null
. "$TOP/tests/harness/ca.sh"

setup_file() { world; }
teardown_file() { end_world; }
setup() { server_place; }
teardown() { end_servers; }

# warns RECIPE TEXT [OPTION]...: the run that writes such a response says so,
# on standard error only, in one line, and ends with 0 all the same.
warns() {
	local recipe=$1 text=$2
	shift 2
	rm -f site.pem.ocsp
	fetch -u "$URL/$recipe" "$@" site.pem
	exits 0
	[ -s site.pem.ocsp ]
	[ -z "$output" ]
	says "ocspfetch: site.pem: warning: "
	says "$text"
	[ "$(grep -c . <<<"$stderr")" -eq "${LINES_SAID-1}" ]
}

# quiet RECIPE [OPTION]...: there is nothing to warn of.
quiet() {
	local recipe=$1
	shift
	rm -f site.pem.ocsp
	fetch -u "$URL/$recipe" "$@" site.pem
	exits 0
	silent
	[ -s site.pem.ocsp ]
}

haproxy_staples_nothing() {
	haproxy_config
	start haproxy -db -f haproxy.cfg
	staples_nothing
	stop
}

# ---- when ----

@test "a warning comes in the run that writes the file, and with -c and -v" {
	site_in_one
	fetch -n -u "$URL/brief" site.pem
	exits 0
	silent
	warns brief "is too seldom"
	fetch -u "$URL/brief.again" site.pem
	exits 0
	fetch -d site.pem
	exits 0
	silent
	fetch -c site.pem
	exits 0
	[ -z "$output" ]
	says "warning: site.pem.ocsp lives for"
	[ "$(grep -c . <<<"$stderr")" -eq 1 ]
	fetch -d -v site.pem
	exits 0
	says "warning: site.pem.ocsp lives for"
}

@test "--no-warn WORD ends a warning for good, and knows a closed list" {
	site_in_one
	quiet brief --no-warn seldom
	fetch -c --no-warn size --no-warn seldom site.pem
	exits 0
	silent
	fetch -c --no-warn size site.pem
	says "is too seldom"
	fetch --no-warn nothing site.pem
	exits 2
	says 'option --no-warn: "nothing" is no word for a warning; the words are crt-list, ends-soon'
}

@test "one of HAProxy comes only where it reads the file, or with -c and -v" {
	leaf site good
	cat "$PKI/ca.pem" >>site.pem
	rm site.pem.issuer
	quiet twice-agree
	fetch -c site.pem
	exits 0
	says "holds the status of 2 certificates: HAProxy does not staple it"
	cat site.key >>site.pem
	warns twice-agree "holds the status of 2 certificates"
}

@test "a warning changes no other exit status, and comes before the failure" {
	site_in_one
	fetch -u "$URL/expires-soon" site.pem
	exits 1
	[ -z "$output" ]
	[ "$(grep -c . <<<"$stderr")" -eq 2 ]
	[[ ${stderr%%$'\n'*} == *"warning: site.pem.ocsp ends in "* ]]
}

# ---- the issuer, the certificate ----

# lone: site.pem is a certificate and its key, the issuer known to -i alone.
lone() {
	leaf site good
	rm site.pem.issuer
	cat site.key >>site.pem
}

before_3_5() {
	needs haproxy
	[[ $(haproxy -v) != *"version 3."[5-9]* ]] ||
		skip "needs HAProxy before 3.5"
}

@test "that HAProxy will not start is warned of in each run until it is mended" {
	local option
	before_3_5
	lone
	warns good "HAProxy before 3.5 does not start" -i "$PKI/ca.pem"
	haproxy_config
	run ! haproxy -c -f haproxy.cfg
	[[ $output == *"impossible to compute the OCSP certificate ID"* ]]
	for option in -d -c -f -n; do
		fetch "$option" -i "$PKI/ca.pem" site.pem
		exits 0
		says "HAProxy before 3.5 does not start with site.pem.ocsp there"
	done
	fetch -d --no-warn issuer -i "$PKI/ca.pem" site.pem
	exits 0
	silent
	# as the message advises
	cat "$PKI/ca.pem" >>site.pem
	quiet good
	haproxy -c -f haproxy.cfg
}

@test "without the key in the file nobody knows of HAProxy: only -c and -v warn" {
	leaf site good
	rm site.pem.issuer
	quiet good -i "$PKI/ca.pem"
	fetch -c -i "$PKI/ca.pem" site.pem
	exits 0
	says "HAProxy before 3.5 does not start"
}

@test "with --haproxy the issuer is written before a first response" {
	before_3_5
	lone
	haproxy_config
	start haproxy -db -f haproxy.cfg
	within 10 test -S admin.sock
	fetch -i "$PKI/ca.pem" --haproxy admin.sock site.pem
	exits 0
	silent
	cmp site.pem.issuer "$PKI/ca.pem"
	staples site.pem.ocsp
	stop
	haproxy -c -f haproxy.cfg
}

@test "with --haproxy what an earlier run left without an issuer is mended" {
	before_3_5
	lone
	response site good
	haproxy_config
	run ! haproxy -c -f haproxy.cfg
	# HAProxy is down, as it did not start
	fetch -d -i "$PKI/ca.pem" --haproxy nowhere.sock site.pem
	exits 3
	says "cannot connect"
	haproxy -c -f haproxy.cfg
}

@test "with --haproxy no first response is written where the issuer cannot be" {
	lone
	echo "not a certificate" >site.pem.issuer
	fetch -i "$PKI/ca.pem" --haproxy nowhere.sock site.pem
	exits 3
	says "HAProxy before 3.5 does not start where a response is, but not the issuer, and"
	says "site.pem.issuer holds something else than certificates, and is not touched; append the issuer to site.pem"
	[ ! -e site.pem.ocsp ]
	[ "$(cat site.pem.issuer)" = "not a certificate" ]
	mkdir other
	rm site.pem.issuer
	mkdir site.pem.issuer
	fetch -i "$PKI/ca.pem" --haproxy nowhere.sock site.pem
	exits 3
	[ ! -e site.pem.ocsp ]
	# certificates, none of which is the issuer, are replaced
	rmdir site.pem.issuer
	cp "$PKI/root.pem" site.pem.issuer
	fetch -i "$PKI/ca.pem" --haproxy nowhere.sock site.pem
	exits 3
	says "cannot connect"
	cmp site.pem.issuer "$PKI/ca.pem"
	[ -s site.pem.ocsp ]
}

@test "with --haproxy no first response is written where --fetch-issuer cannot keep its issuer" {
	leaf site good --aia-issuer "$URL/cert-der/ca"
	cat site.key >>site.pem
	echo "not a certificate" >site.pem.issuer
	fetch --fetch-issuer --haproxy nowhere.sock site.pem
	exits 3
	says "the issuer was fetched, but "
	says "is not touched"
	[ ! -e site.pem.ocsp ]
	rm site.pem.issuer
	fetch --fetch-issuer --haproxy nowhere.sock site.pem
	exits 3
	says "cannot connect"
	cmp site.pem.issuer "$PKI/ca.pem"
	[ -s site.pem.ocsp ]
}

@test "a list's issuer that is another one is not touched, and nothing is written" {
	lone
	cp "$PKI/root.pem" chain.pem
	echo "site.pem [ocsp site.pem.ocsp issuer chain.pem]" >list
	fetch -i "$PKI/ca.pem" --haproxy nowhere.sock -l list
	exits 3
	says "chain.pem holds another certificate, and is not touched"
	[ ! -e site.pem.ocsp ]
	cmp chain.pem "$PKI/root.pem"
	# and where it is the issuer there is nothing to mend
	cp "$PKI/ca.pem" chain.pem
	fetch -l list
	exits 0
	silent
}

@test "HAProxy that finds the issuer by issuers-chain-path needs no other" {
	before_3_5
	lone
	mkdir chains site.pem.issuer
	cp "$PKI/ca.pem" chains
	haproxy_config
	sed -i "/^global/a issuers-chain-path $PWD/chains" haproxy.cfg
	start haproxy -db -f haproxy.cfg
	within 10 test -S admin.sock
	fetch -i chains/ca.pem --haproxy admin.sock site.pem
	exits 0
	silent
	staples site.pem.ocsp
}

@test "a crt-list line with a key, but without ocsp, is warned of" {
	local line
	leaf site good
	cp site.pem other.pem
	for line in "site.pem [key site.key]" "site.pem [sctl x]" \
		"site.pem [alpn h2 issuer site.pem.issuer]"; do
		rm -f site.pem.ocsp
		echo "$line" >list
		fetch -l list
		exits 0
		says 'warning: HAProxy 3 looks for no site.pem.ocsp, since the line of the crt-list has "key"'
		says 'add "ocsp site.pem.ocsp" between its brackets'
		fetch -c -l list
		exits 0
		says "HAProxy 3 looks for no site.pem.ocsp"
		fetch -d -l list
		exits 0
		silent
	done
	for line in "site.pem [key site.key ocsp site.pem.ocsp]" \
		"site.pem [alpn h2]" "site.pem key"; do
		rm -f site.pem.ocsp
		echo "$line" >list
		fetch -l list
		exits 0
		silent
	done
}

@test "SHA-256 is warned of: HAProxy and Apache staple nothing, hitch does not start" {
	needs haproxy hitch apache2
	site_in_one
	warns good "names the certificate by SHA-256" --certid-hash sha256
	haproxy_staples_nothing
	hitch_config
	recipe hitch 1 | here /etc/hitch "$PWD" >>hitch.conf
	never_starts hitch --config=hitch.conf
	apache_config
	cp site.pem.ocsp ocsp/site.ocsp
	start apache2 -DFOREGROUND -f "$PWD/apache.conf"
	staples_nothing
}

@test "the status of two certificates is warned of: HAProxy staples nothing" {
	needs haproxy
	site_in_one
	warns twice-agree "holds the status of 2 certificates"
	haproxy_staples_nothing
}

@test "where the issuer's name is in other bytes HAProxy finds the certificate" {
	local ca=$PLACE/ca
	needs haproxy
	ca_port=$("$STAPLE_CLIENT" port)
	ca_make "$ca"
	ca_issue "$ca" site.test "http://127.0.0.1:$ca_port"
	# the same root once more, its name in another kind of string; the
	# responder has the first one, after which the certificate is made
	cp "$ca/root.pem" root.pem
	sed -i 's/^\[req\]/&\nstring_mask = nombstr/' "$ca/ca.cnf"
	openssl req -new -x509 -config "$ca/ca.cnf" -extensions root \
		-key "$ca/root.key" -subj "/CN=Example Root CA" -days 30 \
		-out "$ca/root.pem"
	cat "$ca/site.test.pem" "$ca/root.pem" "$ca/site.test.key" >site.pem
	mv root.pem "$ca/root.pem"
	ca_respond "$ca" -nmin 300
	echo "$ca_pid" >>"$BATS_FILE_TMPDIR/pids"
	fetch site.pem
	exits 0
	says "the CA's certificate spells its name in other bytes"
	haproxy_config
	start haproxy -db -f haproxy.cfg
	staples site.pem.ocsp
	stop
}

@test "revoked is warned of: hitch does not start, Exim refuses TLS" {
	needs hitch exim4
	needs_root
	site_in_one
	fetch --write-revoked -u "$URL/revoked" site.pem
	exits 5
	[ -z "$output" ]
	says "warning: site.pem.ocsp says revoked"
	hitch_config
	recipe hitch 1 | here /etc/hitch "$PWD" >>hitch.conf
	never_starts hitch --config=hitch.conf
	exim_without_tls
}

# ---- what the standards allow, and not everybody takes ----

# of RECIPE CA ISSUER: site.pem of that CA, with that certificate as its issuer.
of_ca() {
	leaf site - --ca "$1"
	cp "$PKI/$2.pem" site.pem.issuer
	cat "$PKI/$2.pem" >>site.pem
}

@test "a signer whose key identifier names the earlier CA is warned of" {
	of_ca ca renewedca
	warns by-serial "authorityKeyIdentifier names an earlier certificate"
	says "clients with OpenSSL may refuse it"
	rm site.pem.ocsp
	of_ca ca ca
	quiet by-serial
}

@test "a signer whose CN is outside of the CA's name constraints is warned of" {
	of_ca constrainedca constrainedca
	warns elsewhere "outside of the CA's name constraints"
	says "clients with OpenSSL may refuse it"
}

@test "NULL parameters of ECDSA are warned of" {
	site_in_one
	warns ecdsa-null "an ECDSA signature with parameters of NULL"
}

@test "a response under the CA's own spelling of its name is warned of" {
	of_ca printca utf8ca
	warns good-respelled "by the CA's own spelling of its name"
	says "HAProxy does not staple it"
}

@test "a CA that spells its name otherwise than the certificate is warned of" {
	of_ca printca utf8ca
	warns good "the CA's certificate spells its name in other bytes than site.pem does"
	says "clients with OpenSSL may refuse any response"
	quiet good --no-warn name
	of_ca printca printca
	quiet good
}

@test "a signer's certificate signed with SHA-1 is warned of" {
	needs_sha1
	of_ca ca ca
	warns by-sha1-delegate "by a certificate that is itself signed with SHA-1" \
		--allow-sha1
	says "clients with GnuTLS refuse it"
	quiet sig-sha1 --allow-sha1
}

@test "a response that begins with another certificate's status is warned of" {
	of_ca ca ca
	warns good-neighbour "the first status in site.pem.ocsp is another certificate's"
	says "clients with GnuTLS refuse it"
	quiet good-neighbour --no-warn several
	quiet twice-agree
}

# ---- its times ----

@test "less than 300 s left are warned of: HAProxy staples nothing" {
	needs haproxy
	site_in_one
	warns expires-soon "does not staple what ends in less than 300 s" -m 0
	haproxy_staples_nothing
}

@test "no nextUpdate is warned of: HAProxy staples nothing" {
	needs haproxy
	site_in_one
	warns no-next "has no nextUpdate"
	haproxy_staples_nothing
}

@test "a life of less than two hours is warned of, but not who gives -m" {
	site_in_one
	warns brief "a job that runs once an hour is too seldom"
	says "run one every 29 min"
	quiet brief -m 1h
	quiet brief-enough
}

# ---- its size ----

@test "more than 10239 bytes are warned of: Apache keeps none in its cache" {
	needs apache2
	site_files
	quiet size-10239
	apache_config
	cp site.pem.ocsp ocsp/site.ocsp
	start apache2 -DFOREGROUND -f "$PWD/apache.conf"
	staples ocsp/site.ocsp
	run ! grep -q 'too big' error.log
	stop
	quiet size-10240
	fetch -c site.pem
	exits 0
	says "has 10240 bytes: of more than 10239, Apache keeps none"
	cp site.pem.ocsp ocsp/site.ocsp
	start apache2 -DFOREGROUND -f "$PWD/apache.conf"
	staples ocsp/site.ocsp
	grep -q 'too big (10240 bytes)' error.log
}

@test "more than 11000 bytes are warned of, for HAProxy's socket" {
	site_in_one
	quiet size-11000
	warns size-11001 \
		"has 11001 bytes: of more than 11000, HAProxy's socket"
}

@test "more than 16380 bytes are warned of: OpenSSL's TLS 1.2 breaks off" {
	local status=0
	needs openssl
	site_files
	quiet size-16380
	start openssl s_server -accept "127.0.0.1:$TLS" -cert site.pem \
		-key site.key -status_file site.pem.ocsp
	staples site.pem.ocsp
	"$STAPLE_CLIENT" -2 "$TLS" >served
	cmp served site.pem.ocsp
	warns size-16381 \
		"has 16381 bytes: of more than 16380, clients with OpenSSL"
	asks site.pem.ocsp
	"$STAPLE_CLIENT" -2 "$TLS" >served 2>client.log || status=$?
	[ "$status" -eq 2 ]
	grep -q 'excessive message size' client.log
}

@test "more than 16384 bytes are warned of: HAProxy staples nothing" {
	needs haproxy
	site_in_one
	LINES_SAID=2 warns size-16384 "of more than 16380"
	haproxy_config
	start haproxy -db -f haproxy.cfg
	staples site.pem.ocsp
	stop
	LINES_SAID=3 warns size-16385 \
		"has 16385 bytes: of a file of more than 16384 HAProxy"
	haproxy_staples_nothing
}

# ---- its mode ----

@test "a file that others may not read is warned of, unless --mode says so too" {
	site_in_one
	quiet half-gone
	chmod 640 site.pem.ocsp
	fetch -u "$URL/good" site.pem
	exits 0
	[ -z "$output" ]
	says "warning: site.pem.ocsp has the mode 0640"
	says "--mode 0640"
	fetch --mode 0640 -u "$URL/good-newer" site.pem
	exits 0
	silent
	quiet half-gone
	fetch -u "$URL/good" site.pem
	exits 0
	silent
	quiet good --mode 600
}

@test "a file that others may not read: Exim refuses TLS" {
	needs exim4
	needs_root
	site_files
	response site half-gone
	chmod 600 site.pem.ocsp
	fetch -u "$URL/good" site.pem
	exits 0
	says "warning: site.pem.ocsp has the mode 0600"
	exim_without_tls
}

@test "the words of --no-warn are the same in the manual and the completions" {
	local file
	fetch --no-warn nonsense site.pem
	exits 2
	words=$(sed 's/.*\(crt-list,.*size\).*/\1/; s/,//g; s/ or / /' \
		<<<"$stderr")
	[ "$(wc -w <<<"$words")" -ge 13 ]
	sed -n '/^\.It Fl \\-no-warn/,/^see$/p' "$TOP/man/ocspfetch.1" |
		sed -n 's/^\.Cm \([a-z-]*\).*/\1/p' | xargs >manual
	[ "$(<manual)" = "$words" ]
	for file in _ocspfetch ocspfetch.bash ocspfetch.fish; do
		grep -qF -- "$words" "$TOP/contrib/completion/$file"
	done
	for word in $words; do
		echo "$word"
		fetch -c --no-warn "$word" nowhere.pem
		says nowhere.pem
		# and explained
		sed -n '/^\.It "warning:"/,/^\.El/p' "$TOP/man/ocspfetch.1" |
			grep -q "^\.P[oq] Cm $word\b"
	done
}
