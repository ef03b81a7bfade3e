#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Everything works for an ordinary user who owns the directory.

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }

# A place that another user can reach, with the program in it.
setup() {
	place=$(mktemp -d /tmp/unprivileged.XXXXXX)
	chmod 755 "$place"
	cp "$OCSPFETCH" "$place/ocspfetch"
	mkdir "$place/d"
	cd "$place/d" || exit
}

teardown() {
	cd / && rm -rf "$place"
}

# The program as somebody who is not root.
as_user() {
	local as=()
	if [ "$(id -u)" -eq 0 ]; then
		chown -R 65534:65534 "$place/d"
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups
		    --bounding-set -all)
	fi
	run --separate-stderr "${as[@]}" "$place/ocspfetch" "$@"
}

@test "an owner of the directory who is not root fetches, renews and checks" {
	leaf site good-older
	as_user site.pem
	exits 0
	silent
	[ "$(stat -c %a site.pem.ocsp)" = 644 ]
	cp site.pem.ocsp before
	as_user -u "$URL/good-newer" site.pem
	exits 0
	silent
	run ! cmp -s before site.pem.ocsp
	as_user -c site.pem
	exits 0
	as_user -d site.pem
	exits 0
	[ -z "$(leftovers)" ]
}

@test "a user's new file has the user as its owner" {
	leaf site good
	as_user site.pem
	exits 0
	[ "$(stat -c %u site.pem.ocsp)" = "$(stat -c %u .)" ]
}

@test "an old file that belongs to root is replaced all the same" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to make it"
	leaf site good-newer
	response site good-older
	as_user -n site.pem
	chown 0:0 site.pem.ocsp
	chmod 640 site.pem.ocsp
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$place/ocspfetch" site.pem
	# what a user may not read it cannot compare with
	exits 3
	says "Permission denied"
	chmod 644 site.pem.ocsp
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$place/ocspfetch" site.pem
	exits 0
	[ "$(stat -c %a site.pem.ocsp)" = 644 ]
}

@test "a directory that a user may not write to is 3, and is left alone" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to make it"
	leaf site good
	as_user -n site.pem
	exits 0
	chown 0:0 .
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$place/ocspfetch" site.pem
	exits 3
	says "Permission denied"
	# whose directory, and who is kept out
	says "the directory $place/d: "
	says 65534
	[ ! -e site.pem.ocsp ]
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$place/ocspfetch" -n site.pem
	exits 3
	says "the directory $place/d: "
}

@test "-c by who may read only follows the manual's link" {
	leaf site good
	as_user site.pem
	exits 0
	mkdir ../server
	cp site.pem ../server/
	cp site.pem.issuer ../server/
	ln -s ../d/site.pem.ocsp ../server/site.pem.ocsp
	as_user -c "$place/server/site.pem"
	exits 0
	silent
}

@test "the manual's set-up without root works, and HAProxy follows the link" {
	local haproxy i
	leaf site good
	cat site.pem "$PKI/ca.pem" site.key >../bundle.pem
	chmod 600 ../bundle.pem
	# the recipe
	openssl crl2pkcs7 -nocrl -certfile ../bundle.pem |
		openssl pkcs7 -print_certs -out site.pem
	rm site.pem.issuer site.key
	run ! grep -q PRIVATE site.pem
	as_user -d site.pem
	exits 0
	silent
	ln -s d/site.pem.ocsp ../bundle.pem.ocsp
	haproxy_conf "$place" "unix@$place/tls.sock ssl crt $place/bundle.pem" >../haproxy.cfg
	haproxy -f ../haproxy.cfg -db >../haproxy.log 2>&1 3>&- &
	haproxy=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -S ../tls.sock ] || break
		sleep 0.05
	done
	openssl s_client -unix ../tls.sock -status </dev/null \
		>../handshake 2>/dev/null
	kill "$haproxy"
	grep -q 'OCSP Response Status: successful' ../handshake
}
