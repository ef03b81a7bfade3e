#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# -S: what a server really staples, judged; real servers and odd ones.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() {
	PKI=$BATS_FILE_TMPDIR/pki
	URL=http://127.0.0.1:1
	export PKI URL
	mkdir -p "$PKI"
	"$FORGE" pki "$PKI"
}

# Exim does as another user: all has to be within its reach.
setup() {
	place=$(mktemp -d /tmp/served.XXXXXX)
	chmod 755 "$place"
	cd "$place" || exit
	: >"$BATS_TEST_TMPDIR/pids"
}

teardown() {
	local pid
	[ ! -s pid ] || stop_nginx || true
	while read -r pid; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
	rm -rf "$place"
}

# Our own server.  ours PROTOCOL [STAPLE [NAME]]: sets TLS.
ours() {
	ours_at "" "$@"
}

ours_at() {
	local six=$1 proto=$2 staple=${3:-} name=${4:-site}
	# shellcheck disable=SC2086
	in_background "$STARTTLS" $six "$proto" "$name.chain" "$name.key" \
		$staple
	until_ready grep -q '^port' server.log
	TLS=$(awk '/^port/ { print $2 }' server.log)
}

# s_server [options]: OpenSSL's; sets TLS.
s_server() {
	in_background openssl s_server -accept 127.0.0.1:0 -www -cert site.pem \
		-key site.key -cert_chain "$PKI/ca.pem" "$@"
	accepted
}

# Its word that it listens, and where.
accepted() {
	until_ready grep -q '^ACCEPT' server.log
	TLS=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.log)
}

# A port that was free a moment ago.
free_port() {
	"$STARTTLS" none site.chain site.key >port 2>&1 </dev/null 3>&- &
	until_ready grep -q '^port' port
	kill $!
	wait $! 2>/dev/null || true
	TLS=$(awk '/^port/ { print $2 }' port)
}

can_connect() {
	(: <"/dev/tcp/127.0.0.1/$TLS")
}

cannot_connect() {
	! can_connect
}

# nginx_config SERVER
nginx_config() {
	cat >nginx.conf <<-END
	pid $PWD/pid;
	error_log $PWD/error.log;
	events { }
	http {
	    access_log off;
	    client_body_temp_path $PWD/body;
	    proxy_temp_path $PWD/proxy;
	    fastcgi_temp_path $PWD/fastcgi;
	    uwsgi_temp_path $PWD/uwsgi;
	    scgi_temp_path $PWD/scgi;
	    server { $1 }
	}
	END
}

start_nginx() {
	in_background nginx -c "$PWD/nginx.conf" -p "$PWD" -g 'daemon off;'
	until_ready can_connect
}

# Its workers would outlive a kill -9.
stop_nginx() {
	kill -TERM "$(<pid)"
	until_ready cannot_connect
}

# site [options of leaf]: a certificate, its chain, its stored response.
site() {
	leaf site x "$@"
	cat site.pem "$PKI/ca.pem" >site.chain
}

# staple RECIPE: what the server is to staple, in `staple`.
staple() {
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-${2:-site}" "$1" >staple
}

# ---- what is stapled ----

# by recipe and exit status; {ok} is not looked for
staples="
good 0 -
good-delegate 0 -
good-neighbour 0 -
size-16384 0 -
expired 1 it expired on
err-trylater 1 the responder says
html 1 not an OCSP response
one-byte 1 not an OCSP response
two-thirds-gone 1 less than the
expires-soon 1 is usable for 3 min
unknown 4 unknown
good-only-neighbour 4 refused
by-other 4 is refused
by-leaf 4 is refused
sig-corrupt 4 is refused
trailing 4 is refused
no-next 0 -
no-next-days 1 older than --assume-lifetime
sig-sha1 4 --allow-sha1
revoked-expired 5 the certificate was revoked
revoked-no-next 5 the certificate was revoked
revoked-sig-sha1 5 the certificate was revoked
revoked-sha256 5 the certificate was revoked
revoked-hold 5 have the CA lift the hold
revoked-hold-expired 4 ask the CA whether that still holds
future 4 is refused
revoked 5 the certificate was revoked
"

@test "each kind of staple has its exit status and its message" {
	local recipe code word n=0 looked=0
	staples=$(verifiable <<<"$staples")
	site
	ours none staple
	while read -r recipe code word; do
		[ -n "$recipe" ] || continue
		staple "$recipe"
		n=$((n + 1))
		if left_out "$recipe"; then continue; fi
		looked=$((looked + 1))
		fetch -S "127.0.0.1:$TLS" site.pem
		exits "$code" || { echo "$recipe" && return 1; }
		if [ "$code" -eq 0 ]; then
			silent
		else
			says "ocspfetch: site.pem: "
			says "$word"
			says "127.0.0.1:$TLS"
			says "there is no site.pem.ocsp"
		fi
		# and the same of who has no certificate in hand
		fetch -S "127.0.0.1:$TLS"
		exits "$code" || { echo "$recipe" && return 1; }
		[ "$code" -eq 0 ] || says "ocspfetch: 127.0.0.1:$TLS: "
	done <<<"$staples"
	[ "$n" -eq 27 ] || { sha1_refused && [ "$n" -eq 25 ]; }
	[ "$looked" -ge 12 ]
}

@test "nothing stapled is 1 where there is a responder, and says must-staple" {
	site
	ours none
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "127.0.0.1:$TLS staples nothing"
	says "there is no site.pem.ocsp; fetch one, then reload the server"
	fetch -S "127.0.0.1:$TLS"
	exits 1
	site --must-staple
	ours none
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "so clients refuse this must-staple certificate"
	fetch -v -S "127.0.0.1:$TLS"
	exits 1
	says "must-staple: clients refuse it without a response"
}

@test "nothing stapled is 0 without a responder, and 2 if stapling is demanded" {
	leaf site -
	cat site.pem "$PKI/ca.pem" >site.chain
	ours none
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 0
	silent
	fetch -S "127.0.0.1:$TLS"
	exits 0
	silent
	fetch -u "$URL/x" -S "127.0.0.1:$TLS" site.pem
	exits 1
	leaf site - --must-staple
	cat site.pem "$PKI/ca.pem" >site.chain
	ours none
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 2
	says "names no OCSP responder"
}

@test "a certificate that names no responder is judged by what is stapled" {
	leaf site -
	cat site.pem "$PKI/ca.pem" >site.chain
	ours none staple
	staple expired
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	staple revoked
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 5
	staple good
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 0
}

@test "a young certificate's unknown is temporary" {
	site --from -3600 --to 864000
	ours none staple
	staple unknown
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says unknown
}

@test "-m and -a are demanded of what is stapled" {
	site
	ours none staple
	staple two-thirds-gone
	fetch -m 1h -S "127.0.0.1:$TLS" site.pem
	exits 0
	fetch -m 2d -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "less than the 2 d 0 h that are demanded"
	staple no-next
	fetch -m 1h -S "127.0.0.1:$TLS" site.pem
	exits 0
	fetch -m 2d -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "it has no nextUpdate: see --assume-lifetime"
	fetch -a 30m -S "127.0.0.1:$TLS" site.pem
	exits 1
}

# ---- beside the file ----

# beside STORED STAPLED CODE DECISION
beside() {
	response site "$1"
	staple "$2"
	[ "$1" != same ] || cp staple site.pem.ocsp
	local is
	is=$(identity site.pem.ocsp)
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits "$3" || { echo "$1, $2" && return 1; }
	says "$4"
	[ "$(identity site.pem.ocsp)" = "$is" ]
	[ -z "$(leftovers)" ]
}

@test "what is stapled is set beside what is stored, which is not touched" {
	site --key rsa
	ours none staple
	beside good-same good-same 0 "bytes, the one that is stored"
	beside good good-older 0 "older than the one that is stored"
	says "after a reload it would be newer"
	beside good-older good 0 "newer than the one that is stored"
	beside expired good 0 "and none of use is stored"
	beside good good-shorter 0 "older than the one that is stored"
	beside good expired 1 "stored       site.pem.ocsp: good for "
	says "; site.pem.ocsp is good until"
	says "; reload the server"
	run ! says "; fetch"
	beside expired expired 1 "; fetch"
	says "; site.pem.ocsp is of no use"
	beside good two-thirds-gone 1 "; reload the server"
	beside two-thirds-gone two-thirds-gone 1 "; fetch"
	beside good revoked 5 "; replace the certificate"
}

@test "nothing stapled beside a good file is: reload the server" {
	site
	response site good
	ours none
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "staples nothing; site.pem.ocsp is good until"
	says "; reload the server"
}

@test "--del-ext names the stored one for -S too" {
	site
	ours none staple
	staple good
	cp staple site.ocsp
	fetch -v --del-ext -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "the one that is stored"
}

# ---- which certificate ----

@test "another certificate is 2, and the message says which" {
	site
	leaf other x
	ours none staple
	staple good
	fetch -S "127.0.0.1:$TLS" other.pem
	exits 2
	says "presents another certificate: CN="
	says "serial $(openssl x509 -in site.pem -noout -serial |
		sed 's/serial=//')"
	says "serial $(openssl x509 -in other.pem -noout -serial |
		sed 's/serial=//')"
	# of another kind of key too
	leaf other x --key rsa
	fetch -S "127.0.0.1:$TLS" other.pem
	exits 2
	says "presents another certificate: CN="
}

@test "each of several certificates is probed, and the worst wins" {
	site
	leaf other x
	ours none staple
	staple expired
	fetch -v -S "127.0.0.1:$TLS" other.pem site.pem
	exits 2
	says "ocspfetch: other.pem"
	says "ocspfetch: site.pem"
	says "exit         1"
}

@test "without a certificate the issuer is in the chain, in -i, or it is 2" {
	site
	cp site.pem site.chain
	ours none staple
	staple good
	fetch -S "127.0.0.1:$TLS"
	exits 2
	says "no issuer found for it"
	says "the chain that the server presents"
	fetch -i "$PKI/ca.pem" -S "127.0.0.1:$TLS"
	exits 0
	# one of the right name, but with another key, is no issuer
	cat site.pem "$PKI/other.pem" >site.chain
	ours none staple
	fetch -S "127.0.0.1:$TLS"
	exits 2
	says "its key does not verify it"
	# no file of the server's name is looked for
	cp "$PKI/ca.pem" "127.0.0.1:$TLS.issuer"
	fetch -S "127.0.0.1:$TLS"
	exits 2
}

@test "an expired or a self-signed certificate is 2" {
	site --from -864000 --to -3600
	ours none staple
	staple good
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 2
	says "the certificate expired on"
	leaf site x --self-signed
	cp site.pem site.chain
	ours none staple
	fetch -S "127.0.0.1:$TLS"
	exits 2
	says "self-signed"
}

@test "the host's name is sent if the certificate has it, else its own" {
	site --cn www.example.com
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout d.key -out d.pem -subj /CN=default -days 2 2>/dev/null
	in_background openssl s_server -accept 127.0.0.1:0 -www -cert d.pem \
		-key d.key -servername www.example.com -cert2 site.pem \
		-key2 site.key
	accepted
	# no staple is kept for the second certificate: it is which one we see
	fetch -v -S "127.0.0.1:$TLS" site.pem
	says "127.0.0.1:$TLS, for the name www.example.com"
	says "1. CN=www.example.com"
	fetch -v -S "localhost:$TLS" site.pem
	says "localhost:$TLS, for the name localhost"
	fetch -S "127.0.0.1:$TLS"
	run ! says "www.example.com"
}

@test "a pair of RSA and ECDSA in HAProxy: each is asked for" {
	site
	leaf rsa x --key rsa
	cat site.pem "$PKI/ca.pem" site.key >pair.pem.ecdsa
	cat rsa.pem "$PKI/ca.pem" rsa.key >pair.pem.rsa
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good >pair.pem.ecdsa.ocsp
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-rsa" good >pair.pem.rsa.ocsp
	free_port
	haproxy_conf "$PWD" "127.0.0.1:$TLS ssl crt $PWD/pair.pem" \
		"127.0.0.2:$TLS ssl crt $PWD/pair.pem ssl-max-ver TLSv1.2" \
		>haproxy.cfg
	in_background haproxy -f haproxy.cfg -db
	until_ready can_connect
	for host in 127.0.0.1 127.0.0.2; do
		fetch -v -S "$host:$TLS" pair.pem.ecdsa pair.pem.rsa
		exits 0
		[ "$(grep -c 'the one that is stored' <<<"$stderr")" -eq 2 ]
	done
	# one is replaced in the file only
	cp pair.pem.rsa.ocsp old
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-rsa" good-newer \
		>pair.pem.rsa.ocsp
	fetch -v -S "127.0.0.1:$TLS" pair.pem.ecdsa pair.pem.rsa
	exits 0
	[ "$(grep -c 'older than the one' <<<"$stderr")" -eq 1 ]
}

# ---- real servers ----

@test "openssl s_server, in TLS 1.2 and in TLS 1.3" {
	site
	staple good
	s_server -status_file staple -tls1_2
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "TLSv1.2, 2 certificates, a response"
	s_server -status_file staple -tls1_3
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "TLSv1.3, 2 certificates, a response"
	s_server
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "2 certificates, no response"
}

@test "a server that demands a certificate of the client has shown its own" {
	site
	staple good
	for version in -tls1_2 -tls1_3; do
		s_server -status_file staple "$version" -Verify 3 \
			-verify_return_error -CAfile "$PKI/root.pem"
		fetch -S "127.0.0.1:$TLS" site.pem
		exits 0
		silent
	done
}

@test "a server that breaks off for nothing is 1, whatever it has shown" {
	site
	staple good
	ours breaks staple
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "no TLS 1.2 or 1.3: "
	fetch -S "127.0.0.1:$TLS" -i "$PKI/ca.pem"
	exits 1
	says "no TLS 1.2 or 1.3: "
}

@test "nginx: a good one, then an expired one, which it staples as well" {
	site
	staple good
	cp staple site.pem.ocsp
	free_port
	nginx_config "listen 127.0.0.1:$TLS ssl;
		ssl_certificate $PWD/site.chain;
		ssl_certificate_key $PWD/site.key;
		ssl_stapling on;
		ssl_stapling_file $PWD/site.pem.ocsp;"
	start_nginx
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "the one that is stored"
	# also where that is reached through a link
	mv site.pem.ocsp elsewhere
	ln -s elsewhere site.pem.ocsp
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "the one that is stored"
	rm site.pem.ocsp
	stop_nginx
	staple expired
	cp staple site.pem.ocsp
	start_nginx
	staple good
	cp staple site.pem.ocsp
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "it expired on"
	says "; reload the server"
	stop_nginx
}

@test "Exim, by STARTTLS" {
	[ -n "$(command -v exim4)" ] || skip "exim4 is not installed"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	site
	staple good
	cp staple site.pem.ocsp
	free_port
	mkdir spool
	chmod 777 . spool
	cat >exim.conf <<-END
	primary_hostname = localhost
	local_interfaces = 127.0.0.1
	daemon_smtp_ports = $TLS
	tls_advertise_hosts = *
	tls_certificate = $PWD/site.chain
	tls_privatekey = $PWD/site.key
	tls_ocsp_file = $PWD/site.pem.ocsp
	spool_directory = $PWD/spool
	log_file_path = $PWD/spool/%slog
	pid_file_path = $PWD/spool/pid
	acl_smtp_connect = accept
	END
	chmod 644 exim.conf site.key
	in_background exim4 -bdf -C "$PWD/exim.conf"
	until_ready can_connect
	fetch -v --starttls smtp -S "127.0.0.1:$TLS" site.pem
	exits 0
	says "the one that is stored"
	# without it, this is no TLS server
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "no TLS 1.2 or 1.3"
	says "--starttls"
}

# ---- protocols and addresses ----

@test "STARTTLS in each of its protocols" {
	local proto n=0
	site
	staple good
	for proto in smtp imap pop3 ftp ldap; do
		ours "$proto" staple
		fetch -v --starttls "$proto" -S "127.0.0.1:$TLS" site.pem
		exits 0 || { cat server.log && return 1; }
		says "2 certificates, a response"
		n=$((n + 1))
	done
	[ "$n" -eq 5 ]
}

@test "IPv4 and IPv6, -4 and -6, and a name with several addresses" {
	site
	staple good
	ours none staple
	fetch -4 -S "127.0.0.1:$TLS" site.pem
	exits 0
	fetch -6 -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "127.0.0.1"
	fetch -v -S "localhost:$TLS" site.pem
	exits 0
	says "at 127.0.0.1 port $TLS"
	if [ ! -s /proc/net/if_inet6 ]; then
		# there is no IPv6 here: at least it was tried
		fetch -S "[::1]:$TLS" site.pem
		exits 1
		says "[::1]:$TLS: "
		run ! says "127.0.0.1"
		return
	fi
	ours_at -6 none staple
	fetch -v -S "[::1]:$TLS" site.pem
	exits 0
	says "at ::1 port $TLS"
	fetch -4 -S "[::1]:$TLS" site.pem
	exits 1
}

# ---- failures ----

@test "a refused connection is 1, with address and reason" {
	site
	free_port
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "ocspfetch: site.pem: 127.0.0.1:$TLS: no connection:"
	says "Connection refused"
	run ! says reload
}

@test "a name that is not to be resolved is 1" {
	site
	fetch --deadline 20 -S nosuch.invalid site.pem
	exits 1
	says "nosuch.invalid"
}

# A server that accepts and says nothing.
@test "a server that hangs is 1 after -t, or at the deadline" {
	site
	s_server
	kill -STOP "$(tail -n 1 "$BATS_TEST_TMPDIR/pids")"
	fetch -t 1 -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "no answer in time: in the handshake (--timeout)"
	fetch --deadline 1 -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "(--deadline)"
	# nor does any other have time then
	cp site.pem other.pem
	fetch --deadline 1 -S "127.0.0.1:$TLS" site.pem other.pem
	exits 1
	[ "$(grep -c '(--deadline)' <<<"$stderr")" -eq 2 ]
	# nor is ^C waited for
	"$OCSPFETCH" -S "127.0.0.1:$TLS" site.pem 2>/dev/null 3>&- &
	local pid=$! code=0
	sleep 0.3
	kill -TERM "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
}

@test "a server that hangs is given up after three certificates" {
	local i
	site
	s_server
	kill -STOP "$(tail -n 1 "$BATS_TEST_TMPDIR/pids")"
	for i in 1 2 3 4 5 6; do
		cp site.pem "c$i.pem"
	done
	fetch -t 1 -S "127.0.0.1:$TLS" c?.pem
	exits 1
	[ "$(grep -c '(--timeout)' <<<"$stderr")" -eq 3 ]
	[ "$(grep -c 'was not asked: it did not answer for the last 3 certificates of this run' \
		<<<"$stderr")" -eq 3 ]
}

@test "a server that answers in between is not given up" {
	local i
	site
	s_server
	for i in 1 2 3; do
		cp site.pem "c$i.pem"
		printf 'no certificate\n' >"x$i.pem"
	done
	fetch -t 5 -S "127.0.0.1:$TLS" x?.pem c?.pem
	exits 2
	[[ "$stderr" != *"was not asked"* ]]
}

@test "a plain HTTP server is 1, and no TLS server" {
	site
	free_port
	nginx_config "listen 127.0.0.1:$TLS;"
	start_nginx
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "no TLS 1.2 or 1.3"
	stop_nginx
}

@test "a server with nothing but TLS 1.1 is 1" {
	site
	s_server -tls1_1 -cipher ALL:@SECLEVEL=0
	fetch -S "127.0.0.1:$TLS" site.pem
	exits 1
	says "no TLS 1.2"
}

@test "a huge chain is 1, one of twenty is looked at" {
	local i
	site
	staple good
	for ((i = 0; i < 18; i++)); do cat "$PKI/root.pem"; done >>site.chain
	ours none staple
	fetch -v -S "127.0.0.1:$TLS"
	exits 0
	says "16 certificates"
	for ((i = 0; i < 1000; i++)); do cat "$PKI/root.pem"; done >>site.chain
	ours none staple
	fetch -S "127.0.0.1:$TLS"
	exits 1
	says "more certificates"
}

@test "text from the server cannot harm a terminal" {
	site
	# a certificate whose name has an escape in it
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout evil.key -out evil.chain -days 2 -utf8 \
		-subj "/CN=$(printf 'a\033[31mb')" 2>/dev/null
	ours none "" evil
	fetch -v -S "127.0.0.1:$TLS" site.pem
	exits 2
	says '\x1B[31m'
	[[ $stderr != *$'\033'* ]]
}

# fetch_without FAULT: asks while a call fails, and that may not hang.
fetch_without() {
	status=0
	timeout -k 1 20 env LD_PRELOAD="$FAULTSHIM $asan" FAULT="$1" \
		"$OCSPFETCH" -S "127.0.0.1:$TLS" site.pem 2>err || status=$?
	stderr=$(<err)
}

# An allocation fails, one in so many: what is told is true, or it is 3.
@test "no memory, wherever it ends, makes no verdict that is not true" {
	local asan calls nth want=20 word plus
	site
	ours none staple
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0
	# what OpenSSL loses then is not ours: see faults.bats
	[ -z "$asan" ] || ASAN_OPTIONS+=:detect_leaks=0 want=7
	for word in good:0 expired:1 revoked:5; do
		staple "${word%:*}"
		LD_PRELOAD="$FAULTSHIM $asan" FAULT='' FAULT_COUNT=$PWD/count \
			"$OCSPFETCH" -S "127.0.0.1:$TLS" site.pem 2>err || true
		calls=$(awk '/^malloc/ { print $2 }' count)
		[ "$calls" -gt 1000 ]
		for ((nth = $(ours_begin_at); nth <= calls; nth += calls / want)); do
			for plus in "" +; do
				fetch_without "malloc:$nth$plus:ENOMEM"
				[ "$status" -eq 3 ] || exits "${word#*:}" || {
					echo "malloc:$nth$plus of $calls, $word"
					return 1
				}
				[ "$status" -eq 0 ] || [ -n "$stderr" ]
			done
		done
	done
}

# ---- the story, and the options ----

@test "-v tells the chain, the version, the staple, signer, times, verdict" {
	local label
	site --must-staple
	staple good-delegate
	ours none staple
	fetch -v -S "127.0.0.1:$TLS"
	exits 0
	[ -z "$output" ]
	for label in server answered presents certificate issuer stapled signer \
		times says decided exit; do
		grep -q "^  $label " <<<"$stderr" || {
			echo "no $label: $stderr"
			return 1
		}
	done
	says "must-staple"
	says "stapled      $(stat -c %s staple) bytes"
	says "whom the issuer has appointed"
	says "found in the chain that the server presents"
	fetch -vv -S "127.0.0.1:$TLS"
	says "OCSP Response Data:"
	run ! says "curl"
}

@test "what -S cannot be combined with is a usage error before any work" {
	site
	local opt
	for opt in -c -d -f -n -N "-o x" --write-revoked --exit-changed \
		"-x http://127.0.0.1:1" "--noproxy x" "--cacert $PKI/ca.pem" "-H A:b" "-X get"; do
		# shellcheck disable=SC2086
		fetch $opt -S 127.0.0.1:1 site.pem
		exits 2 || { echo "$opt" && return 1; }
		says "-S, --served"
		says "--help"
	done
	fetch --starttls smtp site.pem
	exits 2
	says "--starttls is for -S"
	fetch --starttls nntp -S a site.pem
	exits 2
	says "smtp, imap, pop3, ftp, ldap"
	fetch -S 'https://a/' site.pem
	exits 2
	says 'option -S, --served: "https://a/" is not HOST[:PORT]'
}
