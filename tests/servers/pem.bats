#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What servers take from a file is what we take, or we say 2; what is no PEM is
# named, with the command that makes it so; and a key stays unread.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# `A && B || { echo; return 1; }` is meant as it is.
# shellcheck disable=SC2154,SC2015

load ../harness/lib
load ../harness/servers

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	world
}
teardown_file() { end_world; }

setup() {
	PLACE=
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || exit
}
teardown() {
	[ -z "$PLACE" ] || end_servers
}

# one.crt and two.crt, of one key, k.key, so that a server could serve either;
# ca.crt.
make_pair() {
	local n
	openssl ecparam -genkey -name prime256v1 -noout |
		openssl pkcs8 -topk8 -nocrypt -out k.key
	printf 'authorityInfoAccess=OCSP;URI:%s/good\n' "$URL" >ext
	for n in one two; do
		openssl req -new -key k.key -subj "/CN=$n.test" -out csr
		openssl x509 -req -in csr -CA "$PKI/ca.pem" \
			-CAkey "$PKI/ca.key" -set_serial "0x5${#n}$RANDOM$RANDOM" \
			-days 30 -extfile ext -out "$n.crt" 2>err
	done
	cp "$PKI/ca.pem" ca.crt
	openssl pkcs8 -topk8 -in k.key -passout pass:x -out locked8.key
	openssl ec -in k.key -aes128 -passout pass:x -out locked.key 2>err
	openssl req -new -key k.key -subj /CN=x -out csr
	openssl crl2pkcs7 -nocrl -certfile two.crt -out p7
	openssl dhparam -dsaparam -out dh 512 2>err
}

BOM=$'\357\273\277'

# cut N FILE: without its last N lines
cut_lines() { head -n "-$1" "$2"; }

# in_one_line FILE: its base64 in a single line
in_one_line() {
	sed -n 1p "$1"
	sed '1d;$d' "$1" | tr -d '\n'
	echo
	tail -n 1 "$1"
}

# shape NAME: such a file, on stdout; the rest of it is in pieces by then.
shape() {
	case $1 in
	plain) cat one.crt ca.crt ;;
	two) cat one.crt two.crt ca.crt ;;
	bom) printf %s "$BOM" && cat one.crt two.crt ca.crt ;;
	bom-after-key) cat k.key && printf %s "$BOM" && cat one.crt two.crt ca.crt ;;
	bom-after-text) echo text && printf %s "$BOM" && cat one.crt two.crt ca.crt ;;
	bom-after-blank) echo && printf %s "$BOM" && cat one.crt two.crt ca.crt ;;
	bom-twice) printf %s "$BOM$BOM" && cat one.crt two.crt ca.crt ;;
	bom-and-text) printf '%stext\n' "$BOM" && cat one.crt two.crt ca.crt ;;
	crlf) cat one.crt two.crt ca.crt | sed 's/$/\r/' ;;
	cr-only) cat one.crt two.crt ca.crt | tr '\n' '\r' ;;
	cr-before) printf 'text\r' && cat one.crt two.crt ca.crt ;;
	trusted) openssl x509 -in one.crt -trustout -addtrust serverAuth && cat two.crt ca.crt ;;
	trusted-later) cat one.crt && openssl x509 -in two.crt -trustout && cat ca.crt ;;
	x509) sed 's/CERTIFICATE/X509 CERTIFICATE/' one.crt && cat two.crt ca.crt ;;
	bag) printf 'Bag Attributes\n    friendlyName: x\nsubject=CN = x\n\n' &&
		cat one.crt two.crt ca.crt ;;
	text) openssl x509 -in one.crt -text && cat two.crt ca.crt ;;
	comment) sed 's/^/# /' two.crt && cat one.crt ca.crt ;;
	comment-glued) sed 's/^/#/' two.crt && cat one.crt ca.crt ;;
	indented) sed 's/^/ /' one.crt && cat two.crt ca.crt ;;
	tabbed) sed 's/^-/\t-/' one.crt && cat two.crt ca.crt ;;
	first-indented) printf ' ' && cat one.crt two.crt ca.crt ;;
	glued-to-text) printf 'the site: ' && cat one.crt two.crt ca.crt ;;
	glued-to-key) printf %s "$(cat k.key)" && cat one.crt two.crt ca.crt ;;
	glued-to-itself) printf %s "$(cat one.crt)" && cat two.crt ca.crt ;;
	glued-later) printf %s "$(cat one.crt ca.crt)" && cat two.crt ;;
	begin-goes-on) sed '1s/$/ x/' one.crt && cat two.crt ca.crt ;;
	begin-cut) sed '1s/-$//' one.crt && cat two.crt ca.crt ;;
	four-hyphens) sed 's/^-----\(.*\)-----$/----\1----/' one.crt && cat two.crt ca.crt ;;
	dashes) sed 's/^-----/—–/' one.crt && cat two.crt ca.crt ;;
	lower-case) tr '[:upper:]' '[:lower:]' <one.crt && cat two.crt ca.crt ;;
	spaces) cat one.crt two.crt ca.crt | sed 's/$/  /' ;;
	header) sed '1a Subject: x\n' one.crt && cat two.crt ca.crt ;;
	no-end) cut_lines 1 one.crt && cat two.crt ca.crt ;;
	cut) cut_lines 3 one.crt && cat two.crt ca.crt ;;
	other-end) sed '$s/CERTIFICATE/X509 CERTIFICATE/' one.crt && cat two.crt ca.crt ;;
	empty) printf '%s\n' '-----BEGIN CERTIFICATE-----' '-----END CERTIFICATE-----' && cat one.crt ca.crt ;;
	hole) sed 4d one.crt && cat two.crt ca.crt ;;
	letters) sed '3s/./!/' one.crt && cat two.crt ca.crt ;;
	one-line) in_one_line one.crt && cat two.crt ca.crt ;;
	line-of-254) printf '%254s' x && cat one.crt two.crt ca.crt ;;
	line-of-253) printf '%253s' x && cat one.crt two.crt ca.crt ;;
	nul) printf '\0\n' && cat one.crt two.crt ca.crt ;;
	nul-glued) printf '\0' && cat one.crt two.crt ca.crt ;;
	key-first) cat k.key one.crt ca.crt ;;
	key-last) cat one.crt ca.crt k.key ;;
	key-locked8) cat locked8.key one.crt ca.crt ;;
	key-locked) cat locked.key one.crt ca.crt ;;
	key-damaged) sed '2s/^./!/' k.key && cat one.crt ca.crt ;;
	key-damaged-last) cat one.crt ca.crt && sed '2s/^./!/' k.key ;;
	key-cut) cut_lines 2 k.key && cat one.crt two.crt ca.crt ;;
	key-cut-last) cat one.crt ca.crt && cut_lines 2 k.key ;;
	csr-first) cat csr one.crt ca.crt ;;
	p7-first) cat p7 one.crt ca.crt ;;
	dh-first) cat dh one.crt ca.crt ;;
	no-newline) printf %s "$(cat one.crt ca.crt)" ;;
	begin-alone) cat one.crt ca.crt && echo '-----BEGIN CERTIFICATE-----' ;;
	utf-16) cat one.crt ca.crt | iconv -t UTF-16 ;;
	utf-16-then) iconv -t UTF-16 one.crt && cat two.crt ca.crt ;;
	esac
}

# What is ours to say about each: 0, with a response for the certificate that
# servers take; or 2, where they take another than a reader would, or none.
TAKEN="plain two bom bom-after-key bom-and-text crlf trusted trusted-later x509
	bag text comment comment-glued spaces one-line line-of-254 nul
	lower-case key-first key-last key-locked8 key-locked csr-first p7-first
	dh-first no-newline"
REFUSED="bom-after-text bom-after-blank bom-twice cr-only cr-before indented
	tabbed first-indented glued-to-text glued-to-key glued-to-itself
	glued-later begin-goes-on begin-cut four-hyphens dashes header no-end cut
	other-end empty hole letters line-of-253 nul-glued key-damaged
	key-damaged-last key-cut key-cut-last begin-alone utf-16 utf-16-then"

serial() { openssl x509 -in "$1" -noout -serial | sed 's/.*=0*//'; }
asked_serial() {
	openssl ocsp -respin "$1" -noverify -resp_text |
		sed -n 's/^ *Serial Number: 0*//p' | head -n 1
}

# shapes: all of them, as s/NAME.pem, with its key; and 0 or 2 is what we say.
ask_about_shapes() {
	local name
	make_pair
	mkdir s
	for name in $TAKEN $REFUSED; do
		shape "$name" >"s/$name.pem"
		[ -s "s/$name.pem" ] || { echo "no such shape: $name" && return 1; }
		cp k.key "s/$name.pem.key"
		cp ca.crt "s/$name.pem.issuer"
	done
	for name in $TAKEN; do
		run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -r 0 "s/$name.pem"
		exits 0 && silent || { echo "of $name" && return 1; }
		[ -s "s/$name.pem.ocsp" ]
	done
	for name in $REFUSED; do
		run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -r 0 "s/$name.pem"
		exits 2 && says "s/$name.pem: " && [ ! -e "s/$name.pem.ocsp" ] &&
			[ "${#stderr_lines[@]}" -eq 1 ] || { echo "of $name" && return 1; }
	done
}

# served NAME: the serial that the server at $TLS presents by this name
served_serial() {
	timeout 5 openssl s_client -connect "127.0.0.1:$TLS" \
		-servername "$1.shape" </dev/null 2>/dev/null >got.crt || true
	openssl x509 -in got.crt -noout -serial 2>/dev/null | sed 's/.*=0*//'
}

presents() { [ -n "$(served_serial "$1")" ]; }

# compare LEAST NAME...: of these the server presents what we asked about, or we said
# 2; at least LEAST were compared.
compare() {
	local least=$1 n=0 name got
	shift
	for name; do
		[ -e "s/$name.pem.ocsp" ] || continue
		got=$(served_serial "$name")
		[ -n "$got" ] && [ "$got" = "$(asked_serial "s/$name.pem.ocsp")" ] || {
			echo "of $name it serves $got; we asked about $(asked_serial "s/$name.pem.ocsp")"
			return 1
		}
		n=$((n + 1))
	done
	[ "$n" -ge "$least" ] || { echo "only $n of them were served: $*" && return 1; }
}

# nginx_conf FILE...: each of these by its own name, at $TLS
nginx_conf() {
	local f name
	printf '%s\n' 'daemon off;' "pid $PLACE/nginx.pid;" \
		"error_log $PLACE/nginx.log;" 'events { }' 'http {' \
		'access_log off;' 'server_names_hash_bucket_size 128;'
	for f in client_body proxy fastcgi uwsgi scgi; do
		echo "${f}_temp_path $PLACE/tmp/$f;"
	done
	for name; do
		printf '%s\n' 'server {' "listen 127.0.0.1:$TLS ssl;" \
			"server_name $name.shape;" \
			"ssl_certificate $PLACE/s/$name.pem;" \
			"ssl_certificate_key $PLACE/k.key;" '}'
	done
	echo '}'
}

@test "the certificate that nginx serves is the one that is asked about, or it is 2" {
	local name taken=()
	needs nginx
	server_place
	ask_about_shapes
	for name in $TAKEN $REFUSED; do
		nginx_conf "$name" >nginx.conf
		! nginx -t -q -c "$PLACE/nginx.conf" >>server.log 2>&1 </dev/null ||
			taken+=("$name")
	done
	nginx_conf "${taken[@]}" >nginx.conf
	start nginx -c "$PLACE/nginx.conf"
	within 10 presents plain
	compare 22 "${taken[@]}"
}

@test "the certificate that HAProxy serves is the one that is asked about, or it is 2" {
	local name taken=()
	needs haproxy
	server_place
	ask_about_shapes
	for name in $TAKEN $REFUSED; do
		printf '%s\n' "frontend f" " mode http" " timeout client 5s" \
			" bind 127.0.0.1:$TLS ssl crt $PLACE/s/$name.pem" >h.cfg
		! timeout 10 haproxy -c -q -f h.cfg >>server.log 2>&1 </dev/null || {
			taken+=("$name")
			echo "$PLACE/s/$name.pem $name.shape" >>list
		}
	done
	printf '%s\n' "frontend f" " mode http" " timeout client 5s" \
		" bind 127.0.0.1:$TLS ssl crt-list $PLACE/list" >h.cfg
	# it asks for the passphrase of an encrypted key
	start sh -c 'exec haproxy -db -f h.cfg </dev/null'
	within 10 presents plain
	compare 20 "${taken[@]}"
}

# ---- what it is, and how it is converted ----

# says_of FILE WHAT COMMAND: 2, one line that names the file, what it is and the
# command; nothing is written
says_of() {
	run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -r 0 -u "$URL/good" "$1"
	exits 2 && says "ocspfetch: $1: " && says "$2" && says "$3" &&
		[ "${#stderr_lines[@]}" -eq 1 ] && [ ! -e "$1.ocsp" ] || {
		echo "of $1: $stderr"
		return 1
	}
}

# What a PKI's tools make of a site's certificate, each as f/NAME.
make_formats() {
	leaf site good
	mkdir f
	openssl x509 -in site.pem -outform DER -out site.der
	openssl pkcs12 -export -in site.pem -inkey site.key -passout pass:x -out f/p12
	openssl pkcs12 -export -in site.pem -inkey site.key -passout pass: \
		-keypbe NONE -certpbe NONE -nomac -out f/p12-open
	openssl crl2pkcs7 -nocrl -certfile site.pem -outform DER -out f/p7-der
	openssl crl2pkcs7 -nocrl -certfile site.pem -out f/p7-pem
	{
		echo -----BEGIN CERTIFICATE-----
		base64 -w 64 f/p7-der
		echo -----END CERTIFICATE-----
	} >f/p7-certutil
	cp site.key f/key
	openssl pkey -in site.key -outform DER -out f/key-der
	openssl pkcs8 -topk8 -in site.key -passout pass:x -outform DER -out f/key-locked
	openssl ec -in site.key -outform DER -out f/key-ec 2>err
	openssl pkey -in site.key -pubout -outform DER -out f/public
	openssl req -new -key site.key -subj /CN=x -out f/csr
	openssl req -new -key site.key -subj / -outform DER -out f/csr-der
	printf '%s\n' '[ca]' 'default_ca=d' '[d]' 'database=index' 'default_md=sha256' >cnf
	: >index
	openssl ca -config cnf -gencrl -keyfile "$PKI/ca.key" -cert "$PKI/ca.pem" \
		-crldays 3 -out f/crl 2>err
	openssl crl -in f/crl -outform DER -out f/crl-der
	response site good
	mv site.pem.ocsp f/response
	printf '\376\355\376\355\0\0\0\2\0\0\0\1' >f/jks
	head -c 900 /dev/zero | tr '\0' x >>f/jks
	cat site.pem site.key | iconv -t UTF-16 >f/utf-16
	cat site.pem site.key | iconv -t UTF-16LE >f/utf-16le
	cat site.pem site.key | iconv -t UTF-16BE >f/utf-16be
	iconv -t UTF-16 <<<"a note" >f/utf-16-note
	base64 site.der >f/base64
	: >f/empty
	head -c 3000 /dev/zero >f/zeros
	echo '<!DOCTYPE html><html></html>' >f/html
	sed '2s/^./!/' site.key >f/damaged-key
	printf '%s\n' '-----BEGIN PGP MESSAGE-----' '' abcd =abcd \
		'-----END PGP MESSAGE-----' >f/pgp
}

@test "what is in another format is named, with the command that converts it" {
	make_formats
	says_of f/p12 "PKCS #12" "openssl pkcs12 -in 'f/p12' -nodes -out site.pem"
	says_of f/p12-open "PKCS #12" "openssl pkcs12 -in"
	says_of f/p7-der "PKCS #7" "openssl pkcs7 -inform DER -in 'f/p7-der' -print_certs"
	says_of f/p7-pem "PKCS #7" "openssl pkcs7 -in 'f/p7-pem' -print_certs"
	says_of f/p7-certutil "PKCS #7" "openssl pkcs7 -in 'f/p7-certutil' -print_certs"
	says_of f/jks "Java keystore" "keytool -importkeystore -srckeystore 'f/jks'"
	says_of f/utf-16 "UTF-16" "iconv -f UTF-16 -t UTF-8 'f/utf-16' >site.pem"
	says_of f/utf-16le "UTF-16" "iconv -f UTF-16LE "
	says_of f/utf-16be "UTF-16" "iconv -f UTF-16BE "
	says_of f/base64 "base64" "base64 -d 'f/base64' | openssl x509 -inform DER -out site.pem"
	says_of f/key "a private key" "name the file with the certificate"
	says_of f/key-der "a private key" "name the file"
	says_of f/key-locked "a private key" "name the file"
	says_of f/key-ec "a private key" "name the file"
	says_of f/public "a public key" "name the file"
	says_of f/csr "certificate request (CSR)" "that the CA made from it"
	says_of f/csr-der "certificate request (CSR)" "that the CA made from it"
	says_of f/crl "(CRL)" "name the file"
	says_of f/crl-der "(CRL)" "name the file"
	says_of f/response "an OCSP response" "name the certificate that it is about"
	says_of f/empty "is empty" "name the file"
	says_of f/zeros "zero bytes" "put the certificate there again"
	says_of f/html "a web page" "name the file"
}

@test "the commands that it names make a file that it takes" {
	local name command
	make_formats
	for name in p12 p12-open p7-der p7-pem p7-certutil utf-16 utf-16le utf-16be; do
		rm -f site.pem site.pem.ocsp
		says_of "f/$name" "to convert it: " ""
		command=${stderr#*to convert it: }
		[[ $name != p12* ]] || command+=" -passin pass:$([ "$name" != p12 ] || echo x)"
		sh -c "$command" 2>err || { cat err && echo "$command" && return 1; }
		run --separate-stderr "$OCSPFETCH" -r 0 site.pem
		exits 0 && silent && [ -s site.pem.ocsp ] || { echo "$command" && return 1; }
	done
	says_of f/base64 "to convert it: " ""
	sh -c "${stderr#*to convert it: }"
	cp "$PKI/ca.pem" site.der.issuer
	run --separate-stderr "$OCSPFETCH" -r 0 site.der
	exits 0
}

@test "in a directory what holds no certificate is passed over, in any format" {
	local name
	make_formats
	mkdir d
	cp site.pem site.pem.issuer d/
	for name in p12 p12-open p7-der p7-pem jks key key-der key-locked key-ec \
		public csr csr-der crl crl-der response empty html utf-16-note \
		damaged-key pgp; do
		cp "f/$name" "d/$name.x"
	done
	cp "$PKI/ca.pem" d/ca.x
	cat "$PKI/ca.pem" "$PKI/root.pem" >d/chain.x
	run --separate-stderr "$OCSPFETCH" -r 0 d
	exits 0
	silent
	[ -s d/site.pem.ocsp ]
	[ "$(find d -name '*.ocsp' | wc -l)" -eq 1 ]
	run --separate-stderr "$OCSPFETCH" -c d
	exits 0
	silent
	# but -v says what it is
	run --separate-stderr "$OCSPFETCH" -v -c d
	exits 0
	says "it is a PKCS #12 file"
	says "passed over: no server's certificate is in it"
	says "that of a CA (CN=Test Issuing CA)"
	# and without any other there is no certificate in it
	rm d/site.pem d/site.pem.issuer d/site.pem.ocsp
	run --separate-stderr "$OCSPFETCH" -r 0 d
	exits 2
	says "there is no certificate in this directory"
}

@test "in a directory a certificate that servers could not read is not passed over" {
	local name
	make_formats
	mkdir d
	cp site.pem site.pem.issuer d/
	sed 's/^/ /' site.pem >f/indented
	printf 'the site: ' | cat - site.pem >f/glued
	cat f/damaged-key site.pem >f/key-then
	head -c 200 site.der >f/cut-der
	head -c 300 site.pem >f/cut
	for name in utf-16 utf-16le utf-16be base64 p7-certutil indented glued cut-der \
		cut key-then; do
		cp "f/$name" d/x
		cp site.pem.issuer d/x.issuer
		run --separate-stderr "$OCSPFETCH" -r 0 d
		exits 2 && says "ocspfetch: d/x: " || { echo "of $name" && return 1; }
		run --separate-stderr "$OCSPFETCH" -c d
		exits 2 && says "ocspfetch: d/x: " || { echo "of $name, -c" && return 1; }
	done
}

@test "a certificate behind a byte order mark is one of its directory" {
	leaf site good
	mkdir d
	printf %s "$BOM" | cat - site.pem >d/bom.pem
	printf %s "$BOM" | cat - site.pem.issuer >d/bom.pem.issuer
	run --separate-stderr "$OCSPFETCH" -r 0 d
	exits 0
	silent
	[ "$(asked_serial d/bom.pem.ocsp)" = "$(serial site.pem)" ]
}

@test "-o never replaces a certificate or a key, whatever it is wrapped in" {
	local name
	make_formats
	for name in p12 p12-open p7-der p7-pem p7-certutil jks key key-der key-locked \
		key-ec csr csr-der utf-16 utf-16le utf-16be base64; do
		cp "f/$name" before
		run --separate-stderr "$OCSPFETCH" -f -r 0 -o "f/$name" site.pem
		cmp before "f/$name" && exits 2 && says "f/$name holds a certificate or a key" || {
			echo "of $name: $stderr"
			return 1
		}
		run --separate-stderr "$OCSPFETCH" -c -o "f/$name" site.pem
		exits 2
	done
	# nor where the name is ours
	cp f/p12 site.pem.ocsp
	run --separate-stderr "$OCSPFETCH" -r 0 site.pem
	exits 2
	cmp f/p12 site.pem.ocsp
}

# ---- the issuer ----

# issued_by FILE: the issuer is found in it, by -i and beside the certificate
issued_by() {
	local name
	rm -f site.pem.*
	run --separate-stderr "$OCSPFETCH" -r 0 -i "$1" site.pem
	exits 0 && [ -s site.pem.ocsp ] || { echo "of $1" && return 1; }
	for name in site.pem.issuer site.issuer; do
		rm -f site.pem.ocsp
		cp "$1" "$name"
		run --separate-stderr "$OCSPFETCH" -r 0 site.pem
		exits 0 && [ -s site.pem.ocsp ] || { echo "of $1 as $name" && return 1; }
		rm "$name"
	done
}

@test "-i and .issuer take PKCS #7, DER and PEM, and a byte order mark" {
	leaf site good
	cat "$PKI/root.pem" "$PKI/ca.pem" >chain
	openssl crl2pkcs7 -nocrl -certfile chain -outform DER -out p7.der
	openssl crl2pkcs7 -nocrl -certfile chain -out p7.pem
	{
		echo -----BEGIN CERTIFICATE-----
		base64 -w 64 p7.der
		echo -----END CERTIFICATE-----
	} >certutil.p7b
	printf %s "$BOM" | cat - chain >bom
	printf %s "$BOM" | cat - p7.pem >bom7
	sed 's/$/\r/' chain >crlf
	sed 's/$/\r/' p7.pem >crlf7
	issued_by p7.der
	issued_by p7.pem
	issued_by certutil.p7b
	issued_by bom
	issued_by bom7
	issued_by crlf
	issued_by crlf7
}

@test "a file of -i in another format is named, with the command" {
	make_formats
	run --separate-stderr "$OCSPFETCH" -r 0 -i f/p12 site.pem
	exits 2
	says "f/p12 is a PKCS #12 file"
	says "openssl pkcs12 -in 'f/p12'"
	run --separate-stderr "$OCSPFETCH" -r 0 -i f/utf-16 site.pem
	exits 2
	says "f/utf-16 is text in UTF-16"
	# PKCS #7 without the issuer in it, or none
	rm site.pem.issuer
	run --separate-stderr "$OCSPFETCH" -r 0 -i f/p7-der site.pem
	exits 2
	says "no issuer found"
	head -c 300 f/p7-der >cut.p7b
	run --separate-stderr "$OCSPFETCH" -r 0 -i cut.p7b site.pem
	exits 2
	says "damaged"
}

# What is wrong with the machine is not what is wrong with the next candidate.
@test "an issuer's file that this machine cannot open is told as that" {
	local n seen=0
	leaf site good
	unsanitized "opens files of its own" || return 0
	for n in 1 2 3 4 5 6; do
		rm -f site.pem.ocsp
		run --separate-stderr env FAULT="open:$n:EMFILE" \
			LD_PRELOAD="$FAULTSHIM" "$OCSPFETCH" -v -r 0 site.pem
		[[ $stderr != *"cannot read site.pem.issuer"* ]] || {
			exits 3
			says "ocspfetch: site.pem: cannot read site.pem.issuer: Too many open files"
			seen=1
		}
	done
	[ "$seen" -eq 1 ]
}

# ---- a CA first ----

@test "a CA's certificate before the server's is refused, wherever it is named" {
	local way
	leaf site good
	mkdir d
	cat "$PKI/ca.pem" site.pem site.key >d/ca-first.pem
	cat "$PKI/ca.pem" "$PKI/root.pem" site.pem >d/chain-first.pem
	cat site.key "$PKI/ca.pem" "$PKI/root.pem" >d/no-leaf.pem
	cp site.pem site.pem.issuer d/
	printf '%s\n' d/*first.pem d/no-leaf.pem >list
	for way in "d/ca-first.pem" "d/chain-first.pem" "d/no-leaf.pem" d "-l list" \
		"-l -" "-c d/ca-first.pem" "-c d" "--allow-ca d/ca-first.pem" \
		"--allow-ca d/no-leaf.pem" "--allow-ca d" "-n d/ca-first.pem"; do
		# shellcheck disable=SC2086
		run --separate-stderr "$OCSPFETCH" -r 0 -u "$URL/good" $way <list
		exits 2 && says "its first certificate is that of a CA (CN=Test Issuing CA)" &&
			says "put the server's" || { echo "of $way" && return 1; }
	done
	says "d/ca-first.pem: "
	[ -s d/site.pem.ocsp ]
	[ "$(find d -name '*.ocsp' | wc -l)" -eq 1 ]
}

@test "a file of CA certificates alone is refused when it is named, but with --allow-ca" {
	local f
	leaf site good
	cp "$PKI/ca.pem" ca.pem
	cp "$PKI/root.pem" ca.pem.issuer
	cat "$PKI/ca.pem" "$PKI/root.pem" >chain.pem
	openssl x509 -in ca.pem -outform DER -out ca.der
	cp ca.pem.issuer ca.der.issuer
	printf '%s\n' ca.pem >list
	for f in ca.pem chain.pem ca.der "-l list" "-c ca.pem"; do
		# shellcheck disable=SC2086
		run --separate-stderr "$OCSPFETCH" -r 0 -u "$URL/good" $f
		exits 2 && says "--allow-ca" && says "CN=Test Issuing CA" || {
			echo "of $f" && return 1
		}
	done
	for f in ca.pem chain.pem ca.der "-l list"; do
		# without a responder there is nothing to do
		# shellcheck disable=SC2086
		run --separate-stderr "$OCSPFETCH" -r 0 --allow-ca $f
		exits 0 && silent || { echo "of $f" && return 1; }
	done
	# in a directory it counts then, too
	mkdir d
	cp ca.pem site.pem site.pem.issuer d/
	run --separate-stderr "$OCSPFETCH" -j -r 0 --allow-ca d
	exits 0
	[ "${#lines[@]}" -eq 2 ]
}

@test "a server's own self-signed certificate is no CA" {
	local f
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj /CN=localhost -keyout own.key -out own.crt 2>err
	openssl x509 -in own.crt -noout -text | grep -q CA:TRUE
	cat own.crt own.key >own.pem
	mkdir d
	cp own.pem d/
	for f in own.crt own.pem d; do
		run --separate-stderr "$OCSPFETCH" -r 0 "$f"
		exits 0 && silent || { echo "of $f" && return 1; }
		run --separate-stderr "$OCSPFETCH" -c "$f"
		exits 0 && silent || { echo "of -c $f" && return 1; }
	done
}

@test "an expired certificate with a valid one behind it is told as that" {
	leaf old good --from -8640000 --to -86400 --cn old.example
	leaf site good --cn new.example
	cat old.pem site.pem "$PKI/ca.pem" >both.pem
	run --separate-stderr "$OCSPFETCH" -r 0 both.pem
	exits 2
	says "expired"
	says "a valid one (CN=new.example) comes later in its file: put that first"
	run --separate-stderr "$OCSPFETCH" -c both.pem
	exits 2
	says "CN=new.example"
	mkdir d
	cp both.pem d/
	run --separate-stderr "$OCSPFETCH" -r 0 d
	exits 2
	says "CN=new.example"
	cat old.pem "$PKI/ca.pem" old.pem >none.pem
	run --separate-stderr "$OCSPFETCH" -r 0 none.pem
	exits 2
	says "renew it"
}

@test "-c and a run agree about a certificate whose AIA cannot be read" {
	leaf plain -
	printf 'authorityInfoAccess=DER:30:06:30:04:06:02:2a:03\n' >ext
	openssl req -new -key plain.key -subj /CN=bad -out csr
	openssl x509 -req -in csr -CA "$PKI/ca.pem" -CAkey "$PKI/ca.key" \
		-set_serial 77 -days 30 -extfile ext -out bad.pem 2>err
	cp "$PKI/ca.pem" bad.pem.issuer
	run --separate-stderr "$OCSPFETCH" -r 0 bad.pem
	exits 2
	says "authority information access"
	run --separate-stderr "$OCSPFETCH" -c bad.pem
	exits 2
	says "authority information access"
	run --separate-stderr "$OCSPFETCH" -c -j bad.pem
	exits 2
}

# ---- keys ----

# secrets KEY DIRECTORY: pieces of what is secret in it, in base64 as it stands
# there and decoded, each a file; of RSA the modulus is no secret.
secrets() {
	local n=0 line skip=1
	mkdir "$2"
	grep -q 'BEGIN PRIVATE' "$1"
	[ "$(grep -c . "$1")" -lt 10 ] || skip=8
	while read -r line; do
		n=$((n + 1))
		[[ $line != -* ]] && [ "${#line}" -eq 64 ] && [ "$n" -gt "$skip" ] || continue
		# of a key on a curve the first bytes are its kind, and the last
		# ones its public half
		[ "$skip" -gt 1 ] || [ "$n" -gt 2 ] || line=${line:48:16}
		[ "$skip" -gt 1 ] || [ "$n" -ne 3 ] || line=${line:0:24}
		[ "$skip" -gt 1 ] || [ "$n" -le 3 ] || break
		printf '%s' "${line:0:16}" >"$2/$n-a"
		printf '%s' "${line: -16}" >"$2/$n-b"
		base64 -d "$2/$n-a" >"$2/$n-c"
		base64 -d "$2/$n-b" >"$2/$n-d"
	done <"$1"
	[ -s "$2/2-a" ] || [ -s "$2/12-a" ]
}

asked_where() { grep -q "/hang\.$1" "$LOG"; }

@test "no piece of a key is left in the memory of any process of a run" {
	local pid p order n=0
	[ -w /proc/self/mem ] || skip "needs /proc"
	[ "$(id -u)" -eq 0 ] || skip "needs to be root, to look"
	unsanitized "keeps what was freed" || return 0
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>err
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
	secrets rsa.key rsa
	secrets ec.key ec
	for order in "rsa.key ec.key site.crt ca" "site.crt ca rsa.key ec.key" \
		"ec.key site.crt rsa.key ca" "site.crt ec.key" "site.crt rsa.key"; do
		n=$((n + 1))
		leaf site "hang.k$n"
		cp site.pem site.crt
		cp "$PKI/ca.pem" ca
		# shellcheck disable=SC2086
		cat $order >"k$n.pem"
		cp ca "k$n.pem.issuer"
		"$OCSPFETCH" -r 0 -t 20 "k$n.pem" >out 2>&1 3>&- &
		pid=$!
		echo "$pid" >>"$BATS_FILE_TMPDIR/pids"
		within 10 asked_where "k$n"
		for p in "$pid" $(pgrep -P "$pid"); do
			run ! memory_has "$p" rsa/*
			run ! memory_has "$p" ec/*
		done
		mkdir "name$n"
		printf '%s' "hang.k$n" >"name$n/x"
		memory_has "$pid" "name$n"/*
		kill "$pid"
		wait "$pid" || true
	done
}
