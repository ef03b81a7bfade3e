#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What others make of a response that the program has written, in each shape in
# which CAs send one: two servers, three clients, and openssl ocsp.  What we call
# good none of them refuses; where one does, its row says which, and the program
# had warned of it.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib
load ../harness/servers
# shellcheck source=/dev/null
. "$TOP/tests/harness/ca.sh"

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	server_place
	needs nginx haproxy curl gnutls-cli
}

teardown() {
	[ -z "${ca_pid-}" ] || kill "$ca_pid" 2>/dev/null || true
	end_servers
}

# ---- whom is asked ----

start_nginx() {
	cat >nginx.conf <<-END
	daemon off;
	pid nginx.pid;
	error_log error.log;
	events { }
	http {
	    access_log off;
	    client_body_temp_path tmp;
	    proxy_temp_path tmp;
	    fastcgi_temp_path tmp;
	    uwsgi_temp_path tmp;
	    scgi_temp_path tmp;
	    server {
	        listen 127.0.0.1:$TLS ssl;
	        ssl_protocols ${PROTOCOLS-TLSv1.2 TLSv1.3};
	        ssl_certificate $PWD/site.pem;
	        ssl_certificate_key $PWD/site.key;
	        ssl_stapling on;
	        ssl_stapling_file $PWD/site.pem.ocsp;
	    }
	}
	END
	start "$(type -P nginx)" -p "$PWD" -e "$PWD/error.log" -c nginx.conf
}

# What the server that was started does with the file.
server_says() {
	if asks_until_up && cmp -s served site.pem.ocsp; then
		echo staples
	elif [ ! -s served ]; then
		echo nothing
	else
		echo others
	fi
}

# One handshake, as soon as there can be one; 2 is that there was none.
asks_until_up() {
	local status=2 end=$((SECONDS + 30))
	while [ "$status" -eq 2 ] && ((SECONDS < end)); do
		status=0
		"$STAPLE_CLIENT" "$TLS" site.test >served 2>client.log || status=$?
		[ "$status" -ne 2 ] || sleep 0.1
	done
	[ "$status" -ne 2 ]
}

curl_says() {
	local status=0
	curl -sS -o /dev/null --max-time 20 --cert-status --cacert "$PKI/root.pem" \
		"https://127.0.0.1:$TLS/" >curl.log 2>&1 || status=$?
	case $status in
	0) echo good ;;
	91) grep -q "revocation reason" curl.log && echo revoked || echo refused ;;
	*) echo "error $status: $(<curl.log)" ;;
	esac
}

# What it keeps is what it was shown.
gnutls_says() {
	gnutls-cli --x509cafile "$PKI/root.pem" --save-ocsp=seen \
		-p "$TLS" 127.0.0.1 </dev/null >gnutls.log 2>&1 || true
	if ! cmp -s seen site.pem.ocsp; then
		echo "no response"
	elif grep -q 'Status: The certificate is trusted' gnutls.log; then
		echo good
	elif grep -q 'The certificate chain is revoked' gnutls.log; then
		echo revoked
	else
		echo refused
	fi
}

# The part of openssl that checks a signature; s_client only prints.
respin_says() {
	openssl ocsp -respin site.pem.ocsp -issuer "$ISSUER" -cert site.pem \
		-CAfile "$ISSUER" -partial_chain -no_nonce >respin.log 2>&1 || true
	grep -q 'Response verify OK' respin.log || {
		echo refused
		return
	}
	sed -n 's/^site\.pem: //p' respin.log | head -n 1
}

s_client_says() {
	openssl s_client -connect "127.0.0.1:$TLS" -CAfile "$PKI/root.pem" -status \
		-verify_return_error </dev/null >s_client.log 2>&1 || {
		echo refused
		return
	}
	sed -n 's/^ *Cert Status: //p' s_client.log | tail -n 1
}

judged() { # NGINX HAPROXY CURL GNUTLS RESPIN S_CLIENT
	local expected=$* got
	start_nginx
	got="$(server_says)"
	[ "$got" = staples ] || dump
	got="$(curl_says) $(gnutls_says) $(respin_says) $(s_client_says)"
	stop
	got="staples $(haproxy_says) $got"
	[ "$got" = "$expected" ] || {
		echo "expected: nginx, HAProxy, curl, gnutls-cli, -respin, s_client"
		echo "expected: $expected"
		echo "they say: $got"
		tail -n 5 ./*.log
		return 1
	}
}

haproxy_says() {
	haproxy_config
	start haproxy -db -f haproxy.cfg
	server_says
	stop
}

# of_ca CA [ISSUER]: site.pem of that CA, with that certificate of it, and key.
of_ca() {
	leaf site - --ca "$1"
	in_one "${2:-$1}"
}

in_one() {
	ISSUER=$PKI/$1.pem
	cp "$ISSUER" site.pem.issuer
	cat "$ISSUER" site.key >>site.pem
}

# written RECIPE [OPTION...]: as a good one, and what was said stays in $stderr.
written() {
	fetch -u "$URL/$1" "${@:2}" site.pem
	exits 0
	[ -z "$output" ]
	[ -s site.pem.ocsp ]
}

# ---- what none of them refuses ----

all_take() { # RECIPE [OPTION...]
	rm -f site.pem.ocsp
	written "$@"
	silent
	judged staples staples good good good good
}

# HAProxy wants an end; no client does.
all_but_haproxy() { # RECIPE WARNING [OPTION...]
	rm -f site.pem.ocsp
	written "$1" "${@:3}"
	says "warning: site.pem.ocsp $2"
	says "HAProxy does not staple it"
	judged staples nothing good good good good
}

@test "signed by the CA, named by name or by key: all staple and take it, HAProxy too" {
	of_ca ca
	all_take good
	all_take good-bykey
}

@test "signed by a delegate, named by name or by key: all, HAProxy too" {
	of_ca ca
	all_take good-delegate
	all_take good-delegate-bykey
	all_take good-delegate-rsa
}

@test "a delegate without nocheck, or about to end: all, HAProxy too" {
	of_ca ca
	all_take good-delegate-check
	all_take good-delegate-short
}

@test "extra certificates, or the CA's chain (EJBCA): all, HAProxy too" {
	of_ca ca
	all_take good-extra-cert
	all_take good-chain
}

@test "extensions, as of AD CS, or a nonce that nobody sent: all, HAProxy too" {
	of_ca ca
	all_take good-publish
	all_take noncritical-ext
	all_take nonce-unasked
}

@test "a version written out, a signature of SHA-512: all, HAProxy too" {
	of_ca ca
	all_take version-written
	all_take sig-sha512
}

@test "a thisUpdate of a year ago, a nextUpdate in the year 9999: all, HAProxy too" {
	of_ca ca
	all_take old
	all_take next-9999
}

@test "signed with SHA-1 (AD CS), with --allow-sha1: all, HAProxy too" {
	needs_sha1
	of_ca ca
	all_take sig-sha1 --allow-sha1
	all_take adcs --allow-sha1
}

@test "a thisUpdate of in 200 seconds, within --skew: all, HAProxy too" {
	of_ca ca
	all_take skewed
}

@test "a life of less than two hours is warned of: all, HAProxy too" {
	of_ca ca
	written brief
	says "site.pem.ocsp lives for 1 h 59 min in all: a job that runs once an hour is too seldom"
	judged staples staples good good good good
}

# ---- by openssl ocsp, what the forge does not make ----

# own_ca ALGORITHM: a CA of its own in $PKI, whose delegate has such a key.
own_ca() {
	ALG=$1
	ca_port=
	ca_pid=
	ca_key() {
		case ${1##*/} in
		ocsp.*) own_key "$ALG" "$1" ;;
		*) own_key P-256 "$1" ;;
		esac
	}
	PKI=$PWD/ca
	ISSUER=$PKI/root.pem
	rm -rf "$PKI"
	ca_make "$PKI"
	printf '%s\n' '[site]' 'basicConstraints = CA:FALSE' \
		'extendedKeyUsage = serverAuth' \
		'subjectAltName = DNS:site.test, IP:127.0.0.1' >>"$PKI/ca.cnf"
}

own_key() { # ALGORITHM FILE
	case $1 in
	P-*) openssl genpkey -algorithm EC -out "$2" \
		-pkeyopt "ec_paramgen_curve:$1" ;;
	*) openssl genpkey -algorithm "$1" -out "$2" 2>/dev/null ;;
	esac
}

# own_response [OPTION...]: that CA's site.pem, and by a run its site.pem.ocsp.
own_response() {
	ca_sign "$PKI" site site
	cat "$PKI/site.pem" "${CHAIN-$ISSUER}" "$PKI/site.key" >site.pem
	cp "$PKI/site.key" site.key
	rm -f site.pem.ocsp
	ca_respond "$PKI" -ndays 4 "$@"
	fetch -u "http://127.0.0.1:$ca_port" site.pem
	kill "$ca_pid"
	exits 0
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text >text
}

@test "signed with RSA-PSS and a salt as long as the hash: all, HAProxy too" {
	own_ca RSA
	own_response -rsigopt rsa_padding_mode:pss \
		-rsigopt rsa_pss_saltlen:digest
	silent
	grep -q 'Signature Algorithm: rsassaPss' text
	judged staples staples good good good good
}

@test "signed with Ed25519, or on P-521: all, HAProxy too" {
	own_ca ED25519
	own_response
	silent
	grep -q 'Signature Algorithm: ED25519' text
	judged staples staples good good good good
	own_ca P-521
	own_response
	silent
	grep -q 'Public-Key: (521 bit)' text
	judged staples staples good good good good
}

@test "twelve certificates in the response, the delegate and its chain: all, HAProxy too" {
	local i
	own_ca P-256
	own_key P-256 c0.key
	openssl req -x509 -key c0.key -subj /CN=C0 -days 9 -out c0.pem
	for i in {1..10}; do
		own_key P-256 "c$i.key"
		openssl req -x509 -key "c$i.key" -subj "/CN=C$i" -days 9 \
			-CA "c$((i - 1)).pem" -CAkey "c$((i - 1)).key" \
			-out "c$i.pem"
	done
	# the last of them is the CA, and the first what clients trust
	cp c10.pem "$ISSUER"
	cp c10.key "$PKI/root.key"
	ca_sign "$PKI" ocsp.example.com responder
	cat c10.pem c?.pem >chain.pem
	CHAIN=chain.pem own_response -rother chain.pem
	[ "$(grep -c '^Certificate:' text)" -eq 12 ]
	ISSUER=$PWD/c10.pem
	PKI=$PWD
	cp c0.pem root.pem
	judged staples staples good good good good
}

# ---- HAProxy alone ----

@test "no nextUpdate (Dogtag, EJBCA, openssl ocsp): all but HAProxy" {
	of_ca ca
	all_but_haproxy no-next "has no nextUpdate"
	all_but_haproxy no-next-now "has no nextUpdate"
	all_but_haproxy no-next-chain "has no nextUpdate"
	# the next day
	all_but_haproxy no-next-day "has no nextUpdate"
}

@test "about to end, with -m 1: all but HAProxy" {
	of_ca ca
	written expires-soon -m 1
	says "site.pem.ocsp ends in 3 min"
	says "HAProxy does not staple what ends in less than 300 s"
	judged staples nothing good good good good
}

@test "the certificate's status twice, or under two hashes: all but HAProxy" {
	of_ca ca
	all_but_haproxy twice-agree "holds the status of 2 certificates"
	all_but_haproxy good-both "holds the status of 2 certificates"
}

# ---- who refuses what we call good, and is warned of ----

@test "another certificate's status comes first: not HAProxy, nor gnutls-cli" {
	of_ca ca
	local recipe
	for recipe in good-neighbour good-neighbour-revoked; do
		rm -f site.pem.ocsp
		written "$recipe"
		says "holds the status of 2 certificates: HAProxy does not staple it"
		says "the first status in site.pem.ocsp is another certificate's: clients with GnuTLS refuse it"
		judged staples nothing good refused good good
	done
}

@test "a delegate's certificate is signed with SHA-1: not gnutls-cli, but HAProxy" {
	needs_sha1
	of_ca ca
	written by-sha1-delegate --allow-sha1
	says "clients with GnuTLS refuse it"
	judged staples staples good refused good good
}

@test "signed with RSA-PSS and another salt: not gnutls-cli, but HAProxy" {
	local salt
	for salt in 20 auto; do
		own_ca RSA
		own_response -rsigopt rsa_padding_mode:pss \
			-rsigopt "rsa_pss_saltlen:$salt"
		says "clients with GnuTLS refuse it; the CA has to use one that is (openssl: rsa_pss_saltlen:digest)"
		judged staples staples good refused good good
	done
}

@test "the CA's key is renewed, the delegate names the old one: HAProxy, not OpenSSL" {
	of_ca ca renewedca
	written by-serial
	says "authorityKeyIdentifier names an earlier certificate"
	says "clients with OpenSSL may refuse it"
	judged staples staples refused good refused good
}

# Its leaf has to obey the constraints, or it is refused itself.
@test "a delegate's CN is outside of name constraints: HAProxy, not OpenSSL" {
	openssl req -new -newkey rsa:2048 -nodes -keyout site.key -out site.csr \
		-subj /CN=site.example.org 2>/dev/null
	printf '%s\n' 'subjectAltName = DNS:site.example.org, IP:127.0.0.1' \
		'extendedKeyUsage = serverAuth' >site.ext
	openssl x509 -req -in site.csr -CA "$PKI/constrainedca.pem" \
		-CAkey "$PKI/constrainedca.key" -extfile site.ext -days 30 \
		-out site.pem 2>/dev/null
	in_one constrainedca
	written elsewhere
	says "outside of the CA's name constraints: clients with OpenSSL may refuse it"
	judged staples staples refused good refused good
}

@test "an ECDSA signature with parameters of NULL is warned of: all, HAProxy too" {
	of_ca ca
	written ecdsa-null
	says "parameters of NULL: clients with OpenSSL may refuse it"
	judged staples staples good good good good
}

@test "the issuer's name respelled: HAProxy, not curl" {
	of_ca printca utf8ca
	written good
	says "spells its name in other bytes than site.pem does: clients with OpenSSL may refuse any response"
	judged staples staples refused good good good
	written spelled -f
	judged staples staples refused good refused good
}

@test "a CertID under the CA's own spelling: HAProxy and no client finds it" {
	of_ca printca utf8ca
	written good-respelled
	says "HAProxy does not staple it, clients with OpenSSL do not find the certificate in it"
	judged staples nothing refused refused "ERROR: No Status found." good
}

@test "a CertID under SHA-256: not HAProxy, nor OpenSSL" {
	of_ca ca
	written good --certid-hash sha256
	says "by SHA-256: clients with OpenSSL do not find it, HAProxy and Apache do not staple it"
	judged staples nothing refused good "ERROR: No Status found." good
}

@test "more than 16384 bytes: not HAProxy, and clients break off TLS 1.2" {
	of_ca ca
	written good-neighbours-200
	says "of a file of more than 16384 HAProxy staples nothing"
	says "clients with OpenSSL break off a handshake of TLS 1.2"
	rm site.pem.ocsp
	written size-16385
	says "of a file of more than 16384 HAProxy staples nothing"
	says "of more than 16380, clients with OpenSSL break off a handshake of TLS 1.2"
	PROTOCOLS=TLSv1.3 judged staples nothing good good good good
	PROTOCOLS=TLSv1.2 start_nginx
	within 30 breaks_off
	[ "$(gnutls_says)" = good ]
	[ "$(s_client_says)" = refused ]
	stop
	# the largest that is taken, and that HAProxy staples
	rm site.pem.ocsp
	written size-16380
	does_not_say "break off"
	PROTOCOLS=TLSv1.2 judged staples staples good good good good
}

@test "more than 65527 bytes: not HAProxy, and no handshake works" {
	of_ca ca
	written size-65527
	says "of more than 16380, clients with OpenSSL break off"
	PROTOCOLS=TLSv1.3 start_nginx
	within 30 takes
	stop
	rm site.pem.ocsp
	written size-65528
	says "site.pem.ocsp has 65528 bytes: with more than 65527 no TLS handshake works"
	PROTOCOLS=TLSv1.3 start_nginx
	within 30 fails
	[[ $(gnutls_says) != good ]]
	stop
}

takes() {
	[ "$(curl_says)" = good ]
}

fails() {
	[[ $(curl_says) == "error 35: "* ]]
}

breaks_off() {
	[[ $(curl_says) == "error 35: "*"excessive message size"* ]]
}

# ---- what we call revoked ----

@test "revoked, whatever the reason: HAProxy staples it, and each client refuses" {
	local recipe
	of_ca ca
	for recipe in revoked revoked-hold revoked-noreason revoked-delegate \
		revoked-nonissued; do
		rm -f site.pem.ocsp
		fetch --write-revoked -u "$URL/$recipe" site.pem
		exits 5
		judged staples staples revoked revoked revoked revoked
	done
}

@test "revoked without nextUpdate (Dogtag): not HAProxy, and each client refuses" {
	of_ca ca
	fetch --write-revoked -u "$URL/revoked-no-next" site.pem
	exits 5
	says "warning: site.pem.ocsp has no nextUpdate: HAProxy does not staple it"
	judged staples nothing revoked revoked revoked revoked
}
