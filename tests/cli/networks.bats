#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Networks and responders as people have them, beyond what requests.bats holds:
# Vault's errors, a path that is decoded on the way, edges that disagree, IPv6
# that leads nowhere, https with good and bad certificates.
#
# `run --separate-stderr` sets these; this shellcheck has not heard of it, and
# takes a test for a subshell of a test.
# shellcheck disable=SC2154,SC2030,SC2031

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() { own_token; }

# The methods by which this test asked, in order.
methods() {
	grep -E "^[A-Z]+ /[^ ]*\.${1:-$T} " "$LOG" | cut -d' ' -f1 | xargs
}

asked_by() {
	[ "$(methods "${2:-}")" = "$1" ] || {
		echo "asked by \"$(methods "${2:-}")\", not \"$1\""
		return 1
	}
}

# ---- Vault: an HTTP error, and OCSP nevertheless ----

@test "Vault's 401 with unauthorized in it is told as OCSP's word" {
	leaf site "err-unauthorized,ocsp-401.$T"
	fetch -r 0 site.pem
	exits 1
	asked_by "GET POST"
	reads "site.pem: http://127.0.0.1:PORT/err-unauthorized,ocsp-401: the responder says \"unauthorized\": it does not speak for this certificate; is this the right responder, and the right issuer?; $STANDS"
	no_file
}

@test "Vault's 400 with malformedRequest in it is told as OCSP's word" {
	leaf site "err-malformed,ocsp-400.$T"
	fetch -r 0 site.pem
	exits 1
	asked_by "GET POST"
	reads "site.pem: http://127.0.0.1:PORT/err-malformed,ocsp-400: the responder says \"malformedRequest\": it did not understand the question; is this the right responder?; $STANDS"
	no_file
}

@test "Vault's 500 with internalError in it is told as OCSP's word" {
	leaf site "err-internal,ocsp-500.$T"
	fetch -r 0 site.pem
	exits 1
	# it would say the same to the other method
	asked_by GET
	reads "site.pem: http://127.0.0.1:PORT/err-internal,ocsp-500: the responder says \"internalError\": something is wrong with it; $STANDS"
	no_file
}

@test "what Vault says with an error status is judged: good, unknown, revoked" {
	leaf good "good,ocsp-401.$T-good"
	fetch good.pem
	exits 0
	silent
	good_file good
	leaf unknown "unknown,ocsp-400.$T-unknown"
	fetch -r 0 unknown.pem
	exits 4
	leaf revoked "revoked,ocsp-500.$T-revoked"
	fetch -r 0 revoked.pem
	exits 5
}

# ---- what OCSP says counts more than what the way to it said ----

@test "GET refused and unauthorized by POST: the message is about unauthorized" {
	leaf site "get-refused,err-unauthorized.$T"
	fetch -r 0 site.pem
	exits 1
	asked_by "GET POST"
	says 'the responder says "unauthorized"'
	does_not_say "HTTP 405"
}

@test "GET refused and POST with an error: the message is about the error" {
	leaf site "status-503,get-refused.$T"
	fetch -r 0 site.pem
	exits 1
	asked_by "GET POST"
	says "HTTP 503"
	does_not_say "HTTP 405"
}

@test "the first responder dead, the second unauthorized: the second is told" {
	leaf site "err-unauthorized.$T" --url http://127.0.0.1:1/
	fetch -r 0 site.pem
	exits 1
	says "$URL/err-unauthorized.$T: the responder says \"unauthorized\""
}

@test "unauthorized first, then a web page: unauthorized is told" {
	leaf site "html-200.$T" --url "$URL/err-unauthorized.$T-a"
	fetch -r 0 site.pem
	exits 1
	says "$URL/err-unauthorized.$T-a: the responder says \"unauthorized\""
	does_not_say html
}

# ---- the path on the way ----

@test "%2F decoded on the way cuts the question: it is asked by POST" {
	leaf site "slash-decoded.$T" --serial 7fffffffffffffff
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "%2F%2F decoded and merged on the way: it is asked by POST" {
	# FB EF BE is ++++ and FF FF FF is //// where it falls on a border
	leaf site "slash-merged.$T" --serial 7fffffffffffffffffffffffffffff
	fetch site.pem
	exits 0
	silent
	asked_by "GET POST"
	good_file
}

@test "%2F decoded on the way and by -X get alone: malformedRequest" {
	leaf site "slash-decoded.$T" --serial 7fffffffffffffff
	fetch -X get -r 0 site.pem
	exits 1
	asked_by GET
	says '"malformedRequest"'
	no_file
}

# ---- edges of a CDN that disagree ----

this_update() {
	openssl ocsp -respin site.pem.ocsp -noverify -resp_text |
	    sed -n 's/^ *This Update: //p' | date -u -f - +%s
}

@test "old and new in turn: what is stored never goes back in time" {
	local last=0 now _
	leaf site "alternate.$T"
	for _ in 1 2 3 4 5; do
		fetch site.pem
		exits 0
		silent
		now=$(this_update)
		[ "$now" -ge "$last" ]
		last=$now
	done
	# the older edge was asked once more, past its cache
	[ "$(methods | wc -w)" -gt 5 ]
	grep -q "^GET /alternate.$T .* cc=no-cache " "$LOG"
	good_file
}

# ---- IPv6 that leads nowhere ----

# localhost with ::1 that loses every packet, and 127.0.0.1 that answers.
half_a_network() {
	have_ipv6
	own_responder -b ::1
	leaf site -
	# it does lose them: not refused, not answered
	fetch -r 0 --connect-timeout 1 -u "http://[::1]:$PORT/good" site.pem
	exits 1
	reads "site.pem: http://[::1]:PORT/good: no answer in time: no connection was made in 1 s (--connect-timeout); $STANDS"
}

@test "a black hole on IPv6 and a responder on IPv4: it is asked on IPv4" {
	half_a_network
	"$MEASURE" took "$OCSPFETCH" -v -r 0 --connect-timeout 20 \
	    -u "http://localhost:$PORT/good" site.pem 2>err
	grep -q "at 127.0.0.1 port $PORT" err
	grep -q '^connect from=127.0.0.1 ' "$LOG"
	good_file
	# no connect-timeout was waited for
	[ "$(cut -d' ' -f2 took)" -lt 10000 ]
}

@test "a black hole on IPv6: -4 does not try it, -6 ends in time and says so" {
	half_a_network
	fetch -4 -r 0 -u "http://localhost:$PORT/good" site.pem
	exits 0
	silent
	rm site.pem.ocsp
	fetch -6 -r 0 --connect-timeout 1 -u "http://localhost:$PORT/good" \
	    site.pem
	exits 1
	reads "site.pem: http://localhost:PORT/good: no answer in time: no connection was made in 1 s (--connect-timeout); $STANDS"
	no_file
}

@test "a responder in a black hole does not keep the next from being asked" {
	half_a_network
	leaf site good --url "http://[::1]:$PORT/good"
	fetch -r 0 --connect-timeout 1 site.pem
	exits 0
	silent
	good_file
}

@test "a black hole on IPv4 ends in time too" {
	own_responder -b 127.0.0.2
	leaf site -
	fetch -r 0 --connect-timeout 1 -u "http://127.0.0.2:$PORT/good" site.pem
	exits 1
	reads "site.pem: http://127.0.0.2:PORT/good: no answer in time: no connection was made in 1 s (--connect-timeout); $STANDS"
}

# ---- https ----

TRUST="the responder's own certificate has to be in date, for this name, and from an authority that this machine trusts or --cacert names"

# tls_responder [forge options]: an https responder with such a certificate;
# sets TLS.
tls_responder() {
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1 "$@"
	own_responder --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
	TLS=https://127.0.0.1:$PORT
}

# Nothing was asked; it was told why, and nothing stands.
not_trusted() {
	exits 1
	not grep -v '^connect ' "$LOG"
	no_file
	stderr=${stderr/self-signed/self signed} # older OpenSSL's
	reads "site.pem: https://$1: no trusted TLS connection: $2; $TRUST; $STANDS"
}

@test "an https responder that is trusted is asked, by GET and by POST" {
	needs_trust
	tls_responder
	leaf site -
	fetch_trusting -u "$TLS/good" site.pem
	exits 0
	silent
	good_file
	fetch_trusting -f -X post -u "$TLS/good" site.pem
	exits 0
	silent
	grep -q '^GET /good ' "$LOG"
	grep -q '^POST /good ' "$LOG"
}

@test "an https responder in the certificate itself is asked" {
	needs_trust
	tls_responder
	leaf site - --url "$TLS/good"
	fetch_trusting site.pem
	exits 0
	silent
	good_file
}

@test "an https responder whose authority is not trusted is not asked" {
	tls_responder
	leaf site -
	fetch -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: unable to get local issuer certificate"
}

@test "the authority of the responses is none for https" {
	tls_responder
	leaf site -
	fetch -r 0 -i "$PKI/ca.pem" -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: unable to get local issuer certificate"
}

@test "an https responder with a self-signed certificate is not asked" {
	needs_trust
	tls_responder --self-signed
	leaf site -
	fetch_trusting -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: self signed certificate"
}

@test "an https responder whose certificate has expired is not asked" {
	needs_trust
	tls_responder --from -864000 --to -86400
	leaf site -
	fetch_trusting -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: certificate has expired"
}

@test "an https responder whose certificate begins tomorrow is not asked" {
	needs_trust
	tls_responder --from 86400 --to 864000
	leaf site -
	fetch_trusting -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: certificate is not yet valid"
}

@test "an https responder with another host's certificate is not asked" {
	needs_trust
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1
	own_responder -a 127.0.0.2 --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
	leaf site -
	fetch_trusting -r 0 -u "https://127.0.0.2:$PORT/good" site.pem
	exits 1
	not grep -v '^connect ' "$LOG"
	no_file
	says "site.pem: https://127.0.0.2:$PORT/good: no trusted TLS connection: "
	says "127.0.0.2"
	says "$TRUST; $STANDS"
}

# ---- https with authorities of one's own ----

@test "--cacert trusts an https responder, by GET and by POST" {
	tls_responder
	leaf site -
	fetch --cacert "$PKI/ca.pem" -u "$TLS/good" site.pem
	exits 0
	silent
	good_file
	fetch --cacert="$PKI/ca.pem" -f -X post -u "$TLS/good" site.pem
	exits 0
	silent
	grep -q '^POST /good ' "$LOG"
}

@test "--cacert takes the file of a root, or of many authorities" {
	tls_responder
	leaf site -
	cat "$PKI/ca.pem" >>"$PKI/$T-tls.pem"
	own_responder --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -days 9 \
	    -subj /CN=other -out other.pem 2>/dev/null
	cat other.pem "$PKI/root.pem" >both.pem
	for file in "$PKI/root.pem" both.pem; do
		fetch -f --cacert "$file" -u "https://127.0.0.1:$PORT/good" \
		    site.pem
		exits 0
		silent
	done
	fetch -r 0 -f --cacert other.pem -u "https://127.0.0.1:$PORT/good" \
	    site.pem
	exits 0 # what is stored will do
	rm site.pem.ocsp
	fetch -r 0 --cacert other.pem -u "https://127.0.0.1:$PORT/good" site.pem
	exits 1
	says "$TRUST; $STANDS"
	no_file
}

@test "SSL_CERT_FILE and SSL_CERT_DIR name authorities, as for curl" {
	tls_responder
	leaf site -
	fetch_with SSL_CERT_FILE="$PKI/ca.pem" -u "$TLS/good" site.pem
	exits 0
	silent
	mkdir dir
	cp "$PKI/ca.pem" "dir/$(openssl x509 -in "$PKI/ca.pem" -noout -hash).0"
	fetch_with SSL_CERT_DIR="$PWD/dir" -f -u "$TLS/good" site.pem
	exits 0
	silent
	# an empty one is none
	fetch_with SSL_CERT_FILE= SSL_CERT_DIR="$PWD/dir" -f -u "$TLS/good" \
	    site.pem
	exits 0
	silent
	good_file
}

@test "--cacert goes before the environment, and stands alone" {
	tls_responder
	leaf site -
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -days 9 \
	    -subj /CN=other -out other.pem 2>/dev/null
	mkdir dir
	cp "$PKI/ca.pem" "dir/$(openssl x509 -in "$PKI/ca.pem" -noout -hash).0"
	fetch_with SSL_CERT_FILE="$PKI/ca.pem" SSL_CERT_DIR="$PWD/dir" \
	    --cacert other.pem -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: unable to get local issuer certificate"
	fetch_with SSL_CERT_FILE="$PWD/other.pem" --cacert "$PKI/ca.pem" \
	    -u "$TLS/good" site.pem
	exits 0
	silent
}

@test "what the system trusts is not trusted beside --cacert" {
	needs_trust
	tls_responder
	leaf site -
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -days 9 \
	    -subj /CN=other -out other.pem 2>/dev/null
	fetch_trusting --cacert other.pem -r 0 -u "$TLS/good" site.pem
	not_trusted 127.0.0.1:PORT/good \
	    "SSL certificate problem: unable to get local issuer certificate"
}

@test "--cacert still wants the right host, and a certificate in date" {
	"$FORGE" leaf "$PKI" "$T-tls" --cn 127.0.0.1
	own_responder -a 127.0.0.2 --tls "$PKI/$T-tls.pem" "$PKI/$T-tls.key"
	leaf site -
	fetch --cacert "$PKI/ca.pem" -r 0 -u "https://127.0.0.2:$PORT/good" \
	    site.pem
	exits 1
	says "no trusted TLS connection: "
	tls_responder --from -864000 --to -86400
	fetch --cacert "$PKI/ca.pem" -r 0 -u "$TLS/good" site.pem
	exits 1
	says "certificate has expired"
	no_file
}

@test "--cacert vouches for no response" {
	tls_responder
	leaf site -
	rm site.pem.issuer
	fetch --cacert "$PKI/ca.pem" -r 0 -u "$TLS/good" site.pem
	exits 2
	says "issuer"
	no_file
}

@test "a file of --cacert that cannot be used is named, and nothing is done" {
	local file text
	leaf site "good.$T"
	openssl x509 -in "$PKI/ca.pem" -outform der -out ca.der
	: >empty
	echo "hello" >text
	sed '3s/./!/' "$PKI/ca.pem" >damaged
	cp site.key key
	mkfifo fifo
	mkdir dir
	for file in absent dir fifo empty text damaged key ca.der /dev/null \
	    "$PWD/absent"; do
		fetch --cacert "$file" site.pem
		exits 2
		says "ocspfetch: option --cacert: "
		says "$file"
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[ -z "$output" ]
		fetch --cacert "$file" -c site.pem
		exits 2
	done
	[ -z "$(methods)" ]
	no_file
	text=$(head -n 5 key | tail -n 1)
	does_not_say "$text"
}

@test "a SSL_CERT_FILE that is not there is told where it is needed" {
	tls_responder
	leaf site -
	fetch_with SSL_CERT_FILE=/absent -r 0 -u "$TLS/good" site.pem
	exits 1
	says "no trusted TLS connection: /absent cannot be read as authorities (SSL_CERT_FILE)"
	own_responder
	fetch_with SSL_CERT_FILE=/absent -u "$URL/good" site.pem
	exits 0
	silent
}

@test "a machine without a list of authorities is told what to install" {
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to mount"
	unshare -m true 2>/dev/null || skip "no mount namespace here"
	[ -d /etc/ssl/certs ] || skip "the list is elsewhere"
	tls_responder
	leaf site -
	run --separate-stderr unshare -m sh -c \
		'mount -t tmpfs none /etc/ssl/certs && exec "$@"' - \
		env -u SSL_CERT_FILE "$OCSPFETCH" -r 0 -u "$TLS/good" site.pem
	exits 1
	says "no trusted TLS connection: the system's list cannot be read as authorities: install ca-certificates"
	does_not_say "the responder's own certificate"
}

@test "an https proxy needs an authority too, and --cacert names it" {
	tls_responder
	leaf site -
	fetch --cacert "$PKI/ca.pem" -x "$TLS" -u http://ocsp.invalid/good \
	    site.pem
	exits 0
	silent
	rm site.pem.ocsp
	fetch -r 0 -x "$TLS" -u http://ocsp.invalid/good site.pem
	exits 1
	says "the proxy failed: SSL certificate problem: "
	says "; its own certificate has to be in date, for its name, and from an authority that this machine trusts or --cacert names; $STANDS"
	no_file
}

@test "-vv repeats --cacert to curl" {
	tls_responder
	leaf site -
	fetch -vv --cacert "$PKI/ca.pem" -u "$TLS/good" site.pem
	exits 0
	says " --cacert '$PKI/ca.pem' "
}

# ---- this machine ----

@test "a name look-up that hangs is given up in time, and told as such" {
	local asan what
	curl-config --checkfor 7.87.0 >/dev/null ||
	    skip "libcurl before 7.87 waits for it"
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	leaf site - --url http://ocsp.invalid/
	cc -shared -fPIC -o slow.so -xc - <<-'C'
	#include <netdb.h>
	#include <unistd.h>
	int getaddrinfo(const char *a, const char *b, const struct addrinfo *c,
	    struct addrinfo **d)
	{ (void)a; (void)b; (void)c; (void)d; sleep(60); return EAI_AGAIN; }
	C
	for what in --deadline --timeout --connect-timeout; do
		status=0
		"$MEASURE" took env LD_PRELOAD="$PWD/slow.so $asan" \
		    ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
		    "$OCSPFETCH" -r 0 "$what" 2 site.pem 2>err || true
		read -r status ms _ <took
		stderr=$(<err)
		exits 1
		says "no answer in time: no name server answered in "
		says "($what)"
		[ "$ms" -lt 20000 ]
	done
}

@test "where no socket can be made, it is this machine's fault: 3" {
	local error asan
	asan=$(ldd "$OCSPFETCH" | awk '/libasan/ { print $3 }')
	leaf site "good.$T"
	for error in EMFILE ENFILE ENOBUFS ENOMEM EPERM; do
		fetch_with LD_PRELOAD="$FAULTSHIM $asan" FAULT="socket:1+:$error" \
		    ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" \
		    -r 0 site.pem
		exits 3
		says "$URL/good.$T: this machine has no socket for it: "
		does_not_say "no connection"
		no_file
	done
	[ -z "$(methods)" ]
}

@test "http to what speaks https is told as such" {
	tls_responder
	leaf site -
	fetch -r 0 -u "${TLS/https/http}/good" site.pem
	exits 1
	says "site.pem: ${TLS/https/http}/good: no proper answer: "
	no_file
}
