#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# --haproxy against a real HAProxy: what it was handed is what it staples, byte
# for byte; and against what only looks like one.
#
# `run` sets these; this shellcheck has not heard of it.
# shellcheck disable=SC2154,SC2034,SC1003,SC2016

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
}

teardown() {
	end_place
}

PLACE=
CONFIRMED="OCSP Response updated!"

needs_haproxy() {
	command -v haproxy >/dev/null || skip "needs HAProxy"
}

# started PID: it is ended with the test.
started() {
	echo "$1" >>"$BATS_TEST_TMPDIR/pids"
}

# haproxy_config [crt words]: what HAProxy reads; admin.sock, operator.sock,
# user.sock and tls.sock are its sockets.
haproxy_config() {
	local level
	echo global
	for level in admin operator user; do
		echo "    stats socket $PWD/$level.sock level $level"
	done
	[ -z "${TCP-}" ] || echo "    stats socket $TCP level admin"
	printf '    %s\n' "defaults" "mode http" "timeout client 5s" \
		"timeout server 5s" "timeout connect 5s" | sed '1s/ *//'
	echo "frontend f"
	echo "    bind unix@$PWD/tls.sock ssl $*"
}

# serve [crt words] [-- options of haproxy]: a HAProxy, sets HAPROXY.
serve() {
	local words=() i
	needs_haproxy
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	haproxy_config "${words[*]}" >haproxy.cfg
	rm -f ./*.sock
	haproxy -f haproxy.cfg -db "$@" >haproxy.log 2>&1 3>&- &
	HAPROXY=$!
	started "$HAPROXY"
	for ((i = 0; i < 200; i++)); do
		[ ! -S tls.sock ] || ! ready || return 0
		sleep 0.05
	done
	cat haproxy.log
	return 1
}

ready() {
	openssl s_client -unix tls.sock </dev/null >ready 2>&1
	grep -q 'BEGIN CERTIFICATE' ready
}

# end_haproxy: as a crash would.
end_haproxy() {
	kill -9 "$HAPROXY"
	wait "$HAPROXY" 2>/dev/null || true
}

# served [options of s_client]: the very bytes that are stapled.
served() {
	openssl s_client -unix tls.sock -tls1_2 -status -msg "$@" \
		</dev/null 2>/dev/null |
		awk '/^[<>]/ { on = /CertificateStatus/; next }
		on && /^ / { gsub(/ /, ""); printf "%s", $0 }' >hex
	# shellcheck disable=SC2059
	printf "$(sed 's/../\\x&/g' hex)" | tail -c +9
}

# staples FILE [options of s_client]
staples() {
	local file=$1
	shift
	served "$@" >now
	cmp "$file" now
}

staples_nothing() {
	served >now
	[ ! -s now ]
}

# bundle: site.pem with the key; with "issuer", also with the issuer.
bundle() {
	cat site.key >>site.pem
	[ "${1-}" != issuer ] || cat "$PKI/ca.pem" >>site.pem
}

pushes() {
	fetch --haproxy "$@"
	exits 0
	silent
}

# ---- a real one ----

@test "what is handed to HAProxy is what it staples, byte for byte" {
	leaf site good
	bundle issuer
	rm site.pem.issuer
	response site good-older
	cp site.pem.ocsp old
	serve crt "$PWD/site.pem"
	staples old
	pushes admin.sock site.pem
	never cmp -s old site.pem.ocsp
	staples site.pem.ocsp
}

@test "an empty .ocsp at the start of HAProxy is enough" {
	leaf site good
	bundle issuer
	: >site.pem.ocsp
	serve crt "$PWD/site.pem"
	staples_nothing
	pushes admin.sock site.pem
	staples site.pem.ocsp
}

@test "a response is attached where HAProxy has none: issuer in the PEM" {
	leaf site good
	bundle issuer
	rm site.pem.issuer
	serve crt "$PWD/site.pem"
	staples_nothing
	pushes "$PWD/admin.sock" "$PWD/site.pem"
	staples site.pem.ocsp
	# and from then on it is replaced
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good >site.pem.ocsp
	fetch -d -v --haproxy admin.sock site.pem
	exits 0
	says "HAProxy at admin.sock: $CONFIRMED"
	[[ $stderr != *"it had none"* ]]
	staples site.pem.ocsp
}

@test "a response is attached where HAProxy has none: issuer beside the PEM" {
	leaf site good
	bundle
	serve crt "$PWD/site.pem"
	pushes admin.sock "$PWD/site.pem"
	staples site.pem.ocsp
}

@test "a response is attached where HAProxy has none: issuer known to us alone" {
	leaf site good
	bundle
	mv site.pem.issuer elsewhere
	serve crt "$PWD/site.pem"
	fetch -v -i elsewhere --haproxy admin.sock "$PWD/site.pem"
	exits 0
	says "HAProxy at admin.sock: $CONFIRMED (it had none for this"
	staples site.pem.ocsp
}

@test "HAProxy's name for a certificate may be relative, ours absolute" {
	leaf site good
	bundle issuer
	serve crt site.pem
	pushes admin.sock "$PWD/site.pem"
	staples site.pem.ocsp
}

@test "HAProxy's name for a certificate may be absolute, ours relative" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	pushes admin.sock ./site.pem
	staples site.pem.ocsp
}

@test "a copy of the certificate without its key, elsewhere, is as good" {
	leaf site good
	mkdir copy
	cp site.pem site.pem.issuer copy
	bundle issuer
	serve crt "$PWD/site.pem"
	pushes admin.sock copy/site.pem
	staples copy/site.pem.ocsp
}

@test "another certificate of the same name is told by its fingerprint" {
	leaf site good
	mkdir a b
	bundle issuer
	mv site.pem a/site.pem
	leaf other good
	cat other.pem other.key "$PKI/ca.pem" >b/site.pem
	mkdir c
	cp b/site.pem c
	serve crt "$PWD/a/site.pem" crt "$PWD/b/site.pem"
	pushes admin.sock c/site.pem
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-third" --url "$URL/good"
	mkdir d
	cat "$PKI/t$BATS_TEST_NUMBER-third.pem" "$PKI/ca.pem" >d/site.pem
	fetch --haproxy admin.sock d/site.pem
	exits 3
	says "is another certificate"
	[ -s d/site.pem.ocsp ]
}

@test "one of another issuer with that name and serial number is let be" {
	# as authorities that count from 1 give them
	leaf site good --serial 03e8
	mkdir theirs ours theirs-pki
	"$FORGE" pki theirs-pki
	PKI=theirs-pki leaf other good --serial 03e8
	cat other.pem other.key >theirs/site.pem
	cp theirs-pki/ca.pem theirs/site.pem.issuer
	PKI=theirs-pki response other good
	mv other.pem.ocsp theirs/site.pem.ocsp
	mv site.pem site.pem.issuer ours
	serve crt "$PWD/theirs/site.pem"
	staples theirs/site.pem.ocsp
	fetch --haproxy admin.sock ours/site.pem
	exits 3
	says "what it has loaded as $PWD/theirs/site.pem is another certificate"
	staples theirs/site.pem.ocsp
}

@test "a certificate that was renewed, but not reloaded, is told" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	rm site.pem
	leaf site good
	bundle issuer
	fetch --haproxy admin.sock "$PWD/site.pem"
	exits 3
	says "ocspfetch: $PWD/site.pem: HAProxy at admin.sock: "
	says "what it has loaded as $PWD/site.pem is another certificate"
	says "site.pem.ocsp is in place, and is read when HAProxy is reloaded"
}

@test "a certificate that HAProxy has not loaded is told" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	leaf stranger good
	fetch --haproxy admin.sock stranger.pem
	exits 3
	says "it has loaded no certificate by the name of stranger.pem"
}

@test "an RSA and an ECDSA certificate of one bundle have each its own" {
	leaf r good --key rsa --cn www.example.com
	leaf e good --cn www.example.com
	mkdir b
	cat r.pem r.key "$PKI/ca.pem" >b/site.pem.rsa
	cat e.pem e.key "$PKI/ca.pem" >b/site.pem.ecdsa
	: >b/site.pem.rsa.ocsp
	serve crt "$PWD/b/site.pem"
	# the one is replaced, the other attached
	pushes admin.sock "$PWD"/b/site.pem.rsa "$PWD"/b/site.pem.ecdsa
	staples b/site.pem.rsa.ocsp -servername www.example.com -cipher aRSA
	staples b/site.pem.ecdsa.ocsp -servername www.example.com -cipher aECDSA
	never cmp -s b/site.pem.rsa.ocsp b/site.pem.ecdsa.ocsp
}

@test "a restart of HAProxy without the file heals on the next run" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	pushes admin.sock -o "$PWD/elsewhere.ocsp" site.pem
	staples elsewhere.ocsp
	end_haproxy
	serve crt "$PWD/site.pem"
	staples_nothing
	# not due, nothing written: it is pushed all the same
	fetch -d -v --haproxy admin.sock -o "$PWD/elsewhere.ocsp" site.pem
	exits 0
	says "not due"
	says "$CONFIRMED"
	staples elsewhere.ocsp
}

@test "HAProxy that is down is 3, the file is in place, and the next run heals" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	end_haproxy
	fetch --haproxy admin.sock site.pem
	exits 3
	says "site.pem: HAProxy at admin.sock: cannot connect: Connection refused; \
site.pem.ocsp is in place"
	[ -s site.pem.ocsp ]
	cp site.pem.ocsp kept
	mv site.pem.ocsp aside
	serve crt "$PWD/site.pem"
	mv aside site.pem.ocsp
	pushes admin.sock -d site.pem
	cmp kept site.pem.ocsp
	staples kept
}

@test "several sockets are each served, and one that is down spoils no other" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	fetch --haproxy nowhere.sock --haproxy admin.sock site.pem
	exits 3
	says "HAProxy at nowhere.sock: cannot connect: No such file"
	[ "${#stderr_lines[@]}" -eq 1 ]
	staples site.pem.ocsp
}

@test "of many certificates one is told that HAProxy is down, the rest counted" {
	local i
	for i in 1 2 3 4; do leaf "s$i" good; done
	fetch --haproxy nowhere.sock s1.pem s2.pem s3.pem s4.pem
	exits 3
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "ocspfetch: s"?".pem: HAProxy at nowhere.sock: "* ]]
	[[ ${stderr_lines[1]} == *"3 further responses were not handed over"* ]]
	for i in 1 2 3 4; do [ -s "s$i.pem.ocsp" ]; done
}

@test "a socket that is not for us is 3" {
	not_for_valgrind
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	[ "$(id -u)" -eq 0 ] || skip "needs root, to be somebody else"
	chmod 755 "$BATS_RUN_TMPDIR" 2>/dev/null || true
	chmod 600 admin.sock
	mkdir -m 777 free
	cp site.pem free
	run --separate-stderr setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$OCSPFETCH" --haproxy "$PWD/admin.sock" \
		free/site.pem
	[ "$status" -ne 2 ] || skip "the directory is closed to others"
	exits 3
	says "cannot connect: Permission denied"
}

@test "a socket of any level replaces a response, or says why not" {
	local level
	leaf site good
	bundle issuer
	: >site.pem.ocsp
	serve crt "$PWD/site.pem"
	for level in user operator; do
		fetch -f -v --haproxy "$level.sock" site.pem
		if [ "$status" -eq 3 ]; then
			says 'it says "Permission denied"'
		else
			exits 0
			says "HAProxy at $level.sock: $CONFIRMED"
			staples site.pem.ocsp
		fi
	done
}

@test "only a socket of level admin attaches, others are refused with a word" {
	local level
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	for level in user operator; do
		fetch --haproxy "$level.sock" "$PWD/site.pem"
		exits 3
		says "HAProxy at $level.sock: "
		says 'it says "'
		staples_nothing
	done
	pushes admin.sock "$PWD/site.pem"
	staples site.pem.ocsp
}

@test "a TCP socket is as good, IPv4 and IPv6, by address and by name" {
	local port address
	leaf site good
	bundle issuer
	: >site.pem.ocsp
	# below those that the system gives away by itself
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 10000))
		(exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	TCP="ipv4@127.0.0.1:$port"
	serve crt "$PWD/site.pem"
	for address in "127.0.0.1:$port" "localhost:$port"; do
		fetch -f -v --haproxy "$address" site.pem
		exits 0
		says "HAProxy at $address: $CONFIRMED"
	done
	staples site.pem.ocsp
	end_haproxy
	fetch --haproxy "127.0.0.1:$port" site.pem
	exits 3
	says "Connection refused"
	TCP="ipv6@[::1]:$port"
	serve crt "$PWD/site.pem" || skip "no IPv6 here"
	pushes "[::1]:$port" site.pem
	staples site.pem.ocsp
}

@test "a master's socket is found out, and its worker is served" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem" -- -W -S "$PWD/master.sock"
	# attached by one run, replaced by the next
	fetch -v --haproxy master.sock "$PWD/site.pem"
	exits 0
	says "HAProxy at master.sock: $CONFIRMED (it had none for this"
	staples site.pem.ocsp
	fetch -v -f --haproxy master.sock "$PWD/site.pem"
	exits 0
	says "HAProxy at master.sock: $CONFIRMED"
	staples site.pem.ocsp
	kill "$HAPROXY"
	wait "$HAPROXY" || true
}

@test "a name with all that HAProxy's command line knows is but a name" {
	local name n=0 socket
	leaf site good
	bundle issuer
	mkdir crt
	for name in 'a b.pem' 'a;show info;.pem' 'back\slash.pem' 'end\' \
		'a;quit' "quote'\"#.pem" 'a <<' '@2 x' 'ünï' '<<' \
		'x\\; shutdown sessions server' '-n $(id) `id` & | * ?'; do
		cp site.pem "crt/$name"
	done
	serve crt "$PWD/crt" -- -W -S "$PWD/master.sock"
	for name in crt/*; do
		[[ $name != *.ocsp ]] || continue
		for socket in admin.sock master.sock; do
			fetch -f -v --haproxy "$socket" "$PWD/$name"
			exits 0
			says "$CONFIRMED"
		done
		n=$((n + 1))
	done
	[ "$n" -eq 12 ]
	kill "$HAPROXY"
	wait "$HAPROXY" || true
}

@test "each such name can be attached to" {
	local nth socket
	local names=('a b.pem' 'a;show info;.pem' 'back\slash.pem' 'end\' 'a <<' \
		'x\\; abort ssl cert y')
	mkdir crt
	for ((nth = 0; nth < ${#names[@]}; nth++)); do
		leaf "n$nth" good
		cat "n$nth.pem" "n$nth.key" "$PKI/ca.pem" >"crt/${names[nth]}"
	done
	serve crt "$PWD/crt" -- -W -S "$PWD/master.sock"
	for ((nth = 0; nth < ${#names[@]}; nth++)); do
		socket=admin.sock
		[ $((nth % 2)) -eq 0 ] || socket=master.sock
		fetch -v --haproxy "$socket" "$PWD/crt/${names[nth]}"
		exits 0
		says "$CONFIRMED (it had none for this certificate)"
	done
	kill "$HAPROXY"
	wait "$HAPROXY" || true
}

@test "a name with a newline is no way into HAProxy's command line" {
	leaf site good
	bundle issuer
	cp site.pem $'x\nshow info\n.pem'
	serve crt "$PWD/site.pem"
	# the certificate is known by another name
	pushes admin.sock $'x\nshow info\n.pem'
	staples $'x\nshow info\n.pem.ocsp'
	leaf other good
	mv other.pem $'x\nshow info\n.pem'
	rm -f $'x\nshow info\n.pem.ocsp'
	fetch -i "$PKI/ca.pem" --haproxy admin.sock $'x\nshow info\n.pem'
	exits 3
	says 'x\x0Ashow info\x0A.pem'
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "somebody's open transaction is neither joined nor ended" {
	leaf site good
	bundle issuer
	leaf other good
	cat other.pem other.key "$PKI/ca.pem" >o.pem
	serve crt "$PWD/site.pem" crt "$PWD/o.pem"
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-other" good >o.der
	transaction admin.sock o.pem o.der
	fetch --haproxy admin.sock "$PWD/site.pem"
	exits 3
	says "somebody's transaction about $PWD/o.pem is not yet committed"
	say_to admin.sock "commit ssl cert $PWD/o.pem" | grep -q Success
	pushes admin.sock "$PWD/site.pem"
	staples site.pem.ocsp
}

@test "an attachment that is refused leaves no transaction open" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	fetch --haproxy operator.sock "$PWD/site.pem"
	exits 3
	say_to admin.sock "show ssl cert" | grep -q '^# filename'
	say_to admin.sock "show ssl cert" >list
	never grep -q '^# transaction' list
}

# say_to SOCKET COMMAND: through the only client that is surely here.
say_to() {
	curl -s --unix-socket "$1" --max-time 5 -o - telnet://x/ <<<"$2" || true
}

transaction() {
	{
		echo "set ssl cert $PWD/$2.ocsp <<"
		base64 "$3"
		echo
	} | curl -s --unix-socket "$1" --max-time 5 -o - telnet://x/ |
		grep -q 'Transaction created'
}

@test "a certificate without a responder is not handed over" {
	leaf site -
	bundle issuer
	serve crt "$PWD/site.pem"
	pushes nowhere.sock site.pem
	[ ! -e site.pem.ocsp ]
}

@test "nothing is handed over with -n, and -c is a usage error" {
	leaf site good
	response site good
	fetch -n --haproxy nowhere.sock site.pem
	exits 0
	silent
	fetch -c --haproxy nowhere.sock site.pem
	exits 2
	says "-c, --check tells nobody"
	fetch -o - --haproxy nowhere.sock site.pem
	exits 2
	says "-o - stores nothing"
	fetch --certid-hash sha256 --haproxy nowhere.sock site.pem
	exits 2
	says "HAProxy finds no response under SHA-256"
}

@test "what is no socket's name is a usage error" {
	local name long
	leaf site good
	long=$(printf 'x%.0s' {1..200})
	for name in "" : host: :80 host:0 host:65536 host:http host:1x a:b:1 \
		'[::1]' '[::1]:' '[]:1' "/tmp/$long"; do
		fetch --haproxy "$name" site.pem
		exits 2
		says "option --haproxy: "
		[ ! -e site.pem.ocsp ]
	done
}

@test "a stored response is handed over while the responder is down" {
	leaf site good
	bundle issuer
	serve crt "$PWD/site.pem"
	response site good
	fetch -r 0 -u http://127.0.0.1:1/ --haproxy admin.sock "$PWD/site.pem"
	exits 0
	silent
	staples site.pem.ocsp
}

@test "nothing is handed over for a certificate that was revoked" {
	leaf site revoked
	bundle issuer
	serve crt "$PWD/site.pem"
	response site good
	fetch --haproxy admin.sock "$PWD/site.pem"
	exits 5
	staples_nothing
	fetch --write-revoked --haproxy admin.sock "$PWD/site.pem"
	exits 5
	staples_nothing
}

# ---- what only looks like one ----

# What HAProxy 3 says of a certificate that it has no response for.
NOTHING='show ssl ocsp-response=>Certificate ID or path does not match any certificate.\n\n'

# fake [ASKED=>REPLY]... REPLY...: at fake.sock; what it was asked is in asked.
fake() {
	local i
	rm -f fake.sock
	"$FAKEHAPROXY" fake.sock "$@" >asked 2>&1 3>&- &
	started $!
	for ((i = 0; i < 100; i++)); do
		[ ! -S fake.sock ] || return 0
		sleep 0.05
	done
	return 1
}

# refuses REPLY WORDS: 3, the file in place, one line with these words.
refuses() {
	rm -f site.pem.ocsp
	fake "$1"
	fetch --haproxy fake.sock site.pem
	exits 3
	says "ocspfetch: site.pem: HAProxy at fake.sock: "
	says "$2"
	says "site.pem.ocsp is in place"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ -s site.pem.ocsp ]
}

@test "the words of success are success, whatever newlines end them" {
	leaf site good-same
	fake "$NOTHING" "show ssl cert=>no\\n" "$CONFIRMED" "$CONFIRMED\\n" \
		"$CONFIRMED\\n\\n"
	for _ in 1 2 3; do
		fetch -f --haproxy fake.sock site.pem
		exits 0
		silent
	done
	[ "$(grep ^set asked)" = "$(for _ in 1 2 3; do
		echo "set ssl ocsp-response $(base64 -w0 site.pem.ocsp)"
	done)" ]
}

@test "the words of success among others are no success" {
	leaf site good
	refuses "x$CONFIRMED\\n\\n" "it says \"x$CONFIRMED\""
	refuses "$CONFIRMED no\\n\\n" "it says \"$CONFIRMED no\""
	refuses "\\n$CONFIRMED\\n\\n" "it says \"\\x0A$CONFIRMED\""
	refuses "$CONFIRMED\\n$CONFIRMED\\n" "it says \"$CONFIRMED\\x0A"
	refuses "$CONFIRMED\\0\\n" "it says \"$CONFIRMED\\x00"
	refuses "OCSP Response updated" 'it says "OCSP Response updated"'
}

@test "a socket that closes at once is 3" {
	leaf site good
	refuses "" "closed the connection without an answer"
	refuses "@close" "closed the connection without an answer"
}

@test "a socket that floods is cut off" {
	leaf site good
	refuses "@flood" "its answer has more than 262144 bytes; is it HAProxy?"
}

@test "garbage and escape sequences are shown, and shown harmless" {
	leaf site good
	refuses 'a\e]0;x\e[31mb' 'it says "a\x1B]0;x\x1B[31mb"'
	refuses 'HTTP/1.0 400 Bad request\n\n<html>' 'it says "HTTP/1.0 400 Bad'
	refuses 'Permission denied\n\n' 'it says "Permission denied"'
	[[ ! $stderr =~ [[:cntrl:]] ]]
}

@test "a socket that hangs is waited for once, whatever is to be told" {
	local began=$SECONDS i
	for i in 1 2 3; do leaf "s$i" good; done
	fake @hang
	fetch --haproxy fake.sock s1.pem s2.pem s3.pem
	exits 3
	says "no whole answer within 10 s"
	says "2 further responses were not handed over"
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ $((SECONDS - began)) -ge 9 ]
	[ $((SECONDS - began)) -lt 29 ]
}

@test "a socket that drips is given up in time" {
	leaf site good
	refuses "@drip" "no whole answer within 10 s"
}

@test "a signal ends a run that waits for a socket" {
	local pid i code=0
	leaf site good
	fake @hang
	"$OCSPFETCH" --haproxy fake.sock site.pem 3>&- &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		never grep -q 'set ssl' asked || break
		sleep 0.05
	done
	kill -TERM "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
	[ -s site.pem.ocsp ]
}

@test "more than waits at once is handed over, each of them once" {
	local i
	leaf site good
	response site good
	# what is named twice is done once: each has a response of its own
	for ((i = 0; i < 1600; i++)); do
		ln site.pem.ocsp "$i.ocsp"
		echo "site.pem [ocsp $i.ocsp]"
	done >list
	fake "$NOTHING" "$CONFIRMED\\n\\n"
	fetch -d --haproxy fake.sock -l list
	exits 0
	silent
	grep ^set asked >given
	[ "$(wc -l <given)" -eq 1600 ]
	[ "$(sort -u given | wc -l)" -eq 1 ]
}

UNMATCHED='OCSP single response: Certificate ID does not match any certificate or issuer.\n\n'

# fingerprint: as HAProxy shows it.
fingerprint() {
	openssl x509 -in "$1" -noout -fingerprint -sha1 |
		sed 's/.*=//; s/://g'
}

# loaded NAME: rules for a HAProxy that has site.pem by that name, without a
# response.
loaded() {
	RULES=("$NOTHING"
		"show ssl cert =>Filename: $1\\nSHA1 FingerPrint: $(fingerprint site.pem)\\n\\n"
		"show ssl cert=># filename\\n$1\\n\\n")
}

@test "a transaction that fails is aborted, wherever it fails" {
	leaf site good
	loaded /x/site.pem
	fake "${RULES[@]}" "$UNMATCHED" \
		'Transaction created for certificate /x/site.pem!\n\n' 'No\n\n' \
		'Transaction aborted\n\n'
	fetch --haproxy fake.sock site.pem
	exits 3
	says 'given the issuer of the certificate: it says "No"'
	[ "$(tail -n 1 asked)" = "abort ssl cert /x/site.pem" ]
	fake "${RULES[@]}" "$UNMATCHED" \
		'Transaction created for certificate /x/site.pem!\n\n' \
		'Transaction updated for certificate /x/site.pem!\n\n' \
		'Committing /x/site.pem.\nFailed!\n\n' 'Transaction aborted\n\n'
	fetch -d --haproxy fake.sock site.pem
	exits 3
	says 'told to commit the new response: it says "Committing'
	[ "$(tail -n 1 asked)" = "abort ssl cert /x/site.pem" ]
}

@test "what somebody else has begun meanwhile is not aborted" {
	leaf site good
	loaded /x/site.pem
	fake "${RULES[@]}" "$UNMATCHED" \
		'Transaction updated for certificate /x/site.pem!\n\n' x
	fetch --haproxy fake.sock site.pem
	exits 3
	says 'asked to attach a first response: it says "Transaction updated'
	never grep -q abort asked
}

@test "an attachment that is not confirmed is none" {
	leaf site good
	loaded /x/site.pem
	fake "${RULES[@]}" "$UNMATCHED" \
		'Transaction created for certificate /x/site.pem!\n\n' \
		'Transaction updated for certificate /x/site.pem!\n\n' \
		'Committing /x/site.pem.\nSuccess!\n\n' "$UNMATCHED"
	fetch --haproxy fake.sock site.pem
	exits 3
	says "Certificate ID does not match any"
	never grep -q abort asked
}

@test "names that a socket makes up are no way into a command line" {
	leaf site good
	loaded '/x; quit <<\\/site.pem'
	fake "${RULES[@]}" "$UNMATCHED" x
	fetch --haproxy fake.sock site.pem
	exits 3
	grep -qxF 'show ssl cert /x\;\ quit\ \<\<\\/site.pem' asked
	grep -qF 'set ssl cert /x\;\ quit\ \<\<\\/site.pem.ocsp <<' asked
}

# ---- what HAProxy has ----

version_is_at_least() {
	[ "$(printf '%s\n' "$1" "$(haproxy -v | sed -n '1s/.*version \([0-9]*\.[0-9]*\).*/\1/p')" |
		sort -V | head -n 1)" = "$1" ]
}

# 1: it is proven elsewhere, as CI runs this with both.
needs_haproxy_3() {
	needs_haproxy
	! version_is_at_least 3.0 || return 0
	[ "${CI-}" != true ] || return 1
	skip "needs HAProxy 3"
}

needs_haproxy_2() {
	needs_haproxy
	version_is_at_least 2.8 || return 0
	[ "${CI-}" != true ] || return 1
	skip "needs HAProxy before 2.8"
}

# hand FILE: to HAProxy, as its own ocsp-update or another host would.
hand() {
	say_to admin.sock "set ssl ocsp-response $(base64 -w 0 "$1")" |
		grep -qF "$CONFIRMED"
}

# made RECIPE: a response of site's, in newer.der.
made() {
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" "$1" >newer.der
}

@test "what HAProxy has already is not handed over again" {
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	fetch -d -v --haproxy admin.sock site.pem
	exits 0
	says "HAProxy at admin.sock: it has this response already"
	[[ $stderr != *"$CONFIRMED"* ]]
	pushes admin.sock -d site.pem
	staples site.pem.ocsp
}

@test "a later good response that HAProxy has stays there" {
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	made good-newer
	hand newer.der
	pushes admin.sock -d site.pem
	staples newer.der
	# not even for -f, which is about the file
	fetch -f -v --haproxy admin.sock site.pem
	exits 0
	says "it has a later response, of "
	says "which stays there"
	staples newer.der
}

@test "a later revoked that HAProxy has is the word that counts: 5, and it stays" {
	needs_haproxy_3 || return 0
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	made revoked-newer
	hand newer.der
	for option in -d -f; do
		fetch "$option" --haproxy admin.sock site.pem
		exits 5
		says "ocspfetch: site.pem: HAProxy at admin.sock: it has a later response, of "
		says "revoked"
		says "replace the certificate"
		[ "${#stderr_lines[@]}" -eq 1 ]
		staples newer.der
	done
}

@test "HAProxy before 2.8 cannot prove a later revoked: 3, and it stays" {
	needs_haproxy_2 || return 0
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	made revoked-newer
	hand newer.der
	fetch -d --haproxy admin.sock site.pem
	exits 3
	says "that says revoked, and before 2.8 cannot show its signature"
	staples newer.der
}

@test "an older revoked that HAProxy has is replaced, as by a hold that was lifted" {
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	made revoked
	hand newer.der
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-site" good-newer >site.pem.ocsp
	pushes admin.sock -d site.pem
	staples site.pem.ocsp
}

@test "a later response that fails verification is replaced" {
	needs_haproxy_3 || return 0
	leaf site good
	bundle issuer
	response site good
	serve crt "$PWD/site.pem"
	made sig-corrupt
	hand newer.der
	staples newer.der
	pushes admin.sock -d site.pem
	staples site.pem.ocsp
}

@test "HAProxy's own ocsp-update and ours work together" {
	needs_haproxy_3 || return 0
	leaf site good-newer
	bundle issuer
	response site good
	echo "$PWD/site.pem [ocsp-update on]" >list
	serve crt-list "$PWD/list"
	# it asks for itself; the file's is older
	say_to admin.sock "update ssl ocsp-response $PWD/site.pem" >said
	within 10 differs_from_the_file
	served >own
	pushes admin.sock -d site.pem
	staples own
	# and what we have later is handed over
	fetch --haproxy admin.sock site.pem
	exits 0
	silent
	served >now
	[ -s now ]
}

differs_from_the_file() {
	served >now
	[ -s now ] && ! cmp -s now site.pem.ocsp
}

@test "a response too large for the socket is no failure once HAProxy has it" {
	leaf site size-11001
	bundle issuer
	"$OCSPFETCH" site.pem --no-warn size
	serve crt "$PWD/site.pem"
	staples site.pem.ocsp
	pushes admin.sock -d site.pem
	# and is one where HAProxy has another
	fetch -f --no-warn size --haproxy admin.sock site.pem
	exits 3
	says "the response has 11001 bytes, and more than 11000 may not fit"
	says "reload it"
}

@test "a response that HAProxy does not staple from a file either: a reload is no cure" {
	leaf site size-16385
	bundle issuer
	: >site.pem.ocsp
	serve crt "$PWD/site.pem"
	fetch -f --no-warn size --haproxy admin.sock site.pem
	exits 3
	says "may not fit into HAProxy's buffer; nor does it staple a file of more than 16384: the CA has to respond with fewer"
	does_not_say reload
}

@test "a response without nextUpdate is not handed over: 0, and it says why" {
	leaf site no-next
	bundle issuer
	: >site.pem.ocsp
	serve crt "$PWD/site.pem"
	fetch -a 1d --haproxy admin.sock site.pem
	exits 0
	says "site.pem.ocsp has no nextUpdate: HAProxy does not staple it, nor is it handed over; have the CA set a nextUpdate"
	[ "${#stderr_lines[@]}" -eq 1 ]
	pushes admin.sock -a 1d -d site.pem
	fetch -a 1d -d -v --haproxy admin.sock site.pem
	exits 0
	says "HAProxy staples no such response: not handed over"
	staples_nothing
}

# ---- names ----

@test "each name of a certificate staples it, wherever HAProxy has it from" {
	local name
	leaf site good
	bundle issuer
	mkdir a b c
	cp site.pem a/site.pem
	cp site.pem b/copy.pem
	cp site.pem c/site.pem
	response site good
	cp site.pem.ocsp a/site.pem.ocsp
	{
		haproxy_config crt "$PWD/a/site.pem"
		echo "    bind unix@$PWD/b.sock ssl crt $PWD/b/copy.pem"
		echo "    bind unix@$PWD/c.sock ssl crt $PWD/c/site.pem"
	} >twins.cfg
	haproxy_config() { cat twins.cfg; }
	serve
	# HAProxy has the very response, by one of three names
	pushes admin.sock -d -o "$PWD/site.pem.ocsp" site.pem
	for name in tls b c; do
		mv "$name.sock" now.sock
		openssl s_client -unix now.sock -status </dev/null 2>/dev/null >said
		grep -q "Cert Status: good" said
	done
}

# stored WORDS: a crt-store has site.pem, as the only certificate.
stored() {
	STORED=$1
	haproxy_config() {
		local level
		echo global
		for level in admin operator user; do
			echo "    stats socket $PWD/$level.sock level $level"
		done
		printf '%s\n' "crt-store web" "    load crt $PWD/site.pem $STORED" \
			defaults "    mode http" "    timeout client 5s" \
			"    timeout server 5s" "    timeout connect 5s" \
			"frontend f" "    bind unix@$PWD/tls.sock ssl crt @web/www"
	}
}

@test "an alias of a crt-store is found, and a restart that loses it warned of" {
	needs_haproxy_3 || return 0
	leaf site good
	bundle issuer
	stored "alias www"
	serve
	fetch --haproxy admin.sock site.pem
	exits 0
	says "ocspfetch: site.pem: warning: HAProxy at admin.sock knows it as @web/www, and has no file for its response: a restart loses"
	says 'add "ocsp site.pem.ocsp" to its line in the crt-store'
	staples site.pem.ocsp
	# it has it now
	pushes admin.sock -d site.pem
	end_haproxy
	serve
	staples_nothing
	fetch -d --no-warn restart --haproxy admin.sock site.pem
	exits 0
	silent
	staples site.pem.ocsp
	end_haproxy
	# as the warning advises
	stored "alias www ocsp $PWD/site.pem.ocsp"
	serve
	staples site.pem.ocsp
	pushes admin.sock -f site.pem
	staples site.pem.ocsp
}

@test "a crt-list line with a key, but without ocsp: attached, and warned of" {
	needs_haproxy_3 || return 0
	leaf site good
	cat "$PKI/ca.pem" >>site.pem
	response site good
	echo "$PWD/site.pem [key $PWD/site.key]" >list
	serve crt-list "$PWD/list"
	staples_nothing
	fetch -d --haproxy admin.sock -l list
	exits 0
	[[ $stderr != *error* ]]
	staples site.pem.ocsp
}

@test "a certificate that was added at runtime is found, once a bind line has it" {
	leaf site good
	leaf other good
	cat other.key "$PKI/ca.pem" >>other.pem
	bundle issuer
	echo "$PWD/site.pem" >list
	serve crt-list "$PWD/list"
	say_to admin.sock "new ssl cert $PWD/new.pem" |
		grep -q "New empty certificate store"
	{
		echo "set ssl cert $PWD/new.pem <<"
		cat other.pem
		echo
	} | curl -s --unix-socket admin.sock --max-time 5 -o - telnet://x/ |
		grep -q 'Transaction created'
	say_to admin.sock "commit ssl cert $PWD/new.pem" | grep -q Success
	fetch --haproxy admin.sock other.pem
	exits 3
	says "it has loaded it as $PWD/new.pem, but no bind line uses that"
	say_to admin.sock "add ssl crt-list $PWD/list $PWD/new.pem" |
		grep -q Success
	pushes admin.sock -d other.pem
	staples other.pem.ocsp -servername "t$BATS_TEST_NUMBER-other"
}

# ---- what a killed run left ----

@test "a transaction that a killed run left open on our own response is aborted" {
	leaf site good
	bundle issuer
	leaf other good
	cat other.pem other.key "$PKI/ca.pem" >o.pem
	serve crt "$PWD/site.pem" crt "$PWD/o.pem"
	"$FORGE" response "$PKI" "t$BATS_TEST_NUMBER-other" good-older >o.der
	transaction admin.sock o.pem o.der
	# in the way of site.pem, too, which comes first
	cp other.pem.issuer o.pem.issuer
	pushes admin.sock "$PWD/site.pem" "$PWD/o.pem"
	staples site.pem.ocsp
	say_to admin.sock "show ssl cert" >list
	never grep -q '^# transaction' list
}

# ---- a slow one ----

@test "a HAProxy that takes its time does not hold a run beyond --deadline" {
	local i began=$SECONDS names=()
	for i in 1 2 3 4 5; do
		leaf "s$i" good
		names+=("s$i.pem")
	done
	fake @hang
	fetch --deadline 2 --haproxy fake.sock "${names[@]}"
	exits 3
	says "no whole answer before the run's deadline (--deadline)"
	says "4 further responses were not handed over"
	[ $((SECONDS - began)) -lt 8 ]
	for i in 1 2 3 4 5; do [ -s "s$i.pem.ocsp" ]; done
}

# Ten seconds is the time of one command, not of all of them.
@test "a HAProxy that answers each command after 2 s, but answers, is not given up" {
	local began=$SECONDS
	leaf s1 good
	leaf s2 good
	fake "${NOTHING/=>/=>@after-2 }" "show ssl cert=>@after-2 no\\n" \
		"@after-2 $CONFIRMED\\n\\n"
	pushes fake.sock s1.pem s2.pem
	[ "$(grep -c '^set ssl ocsp-response' asked)" -eq 2 ]
	# what it has, the new one, and once its names: five commands
	[ $((SECONDS - began)) -ge 9 ]
}

@test "a HAProxy that answers after 2 s does not hold a run beyond --deadline" {
	local i began=$SECONDS names=()
	for i in 1 2 3 4 5 6; do
		leaf "s$i" good
		names+=("s$i.pem")
	done
	fake "${NOTHING/=>/=>@after-2 }" "show ssl cert=>@after-2 no\\n" \
		"@after-2 $CONFIRMED\\n\\n"
	fetch --deadline 7 --haproxy fake.sock "${names[@]}"
	exits 3
	# some were handed over, and the rest is counted
	grep -q '^set ssl ocsp-response' asked
	says "before the run's deadline (--deadline)"
	says "further responses were not handed over"
	does_not_say "within 10 s"
	echo "took $((SECONDS - began)) s"
	[ $((SECONDS - began)) -lt 13 ]
	for i in 1 2 3 4 5 6; do [ -s "s$i.pem.ocsp" ]; done
}

@test "what HAProxy has and cannot be read: only what this run wrote is handed over" {
	leaf site good
	fake 'show ssl ocsp-response=>what?\n\n' 'show ssl cert=>no\n' "$CONFIRMED\\n\\n"
	pushes fake.sock site.pem
	grep -q '^set ssl ocsp-response' asked
	: >asked
	fetch -d --haproxy fake.sock site.pem
	exits 3
	says 'what response it has cannot be read: asked for the response that it has: it says "what?"; of this run there is no new one, so nothing was handed over'
	# before 2.4 it cannot tell, and that is no failure
	fake 'show ssl ocsp-response=>Unknown command\n\n' \
		'@1 show ssl ocsp-response=>Unknown command\n\n' "$CONFIRMED\\n\\n"
	pushes fake.sock -d site.pem
	never grep -q '^set ssl' asked
}
