#!/usr/bin/env bats
# What servers take from a file is what we take, or we say 2; what is no PEM is
# named, with the command that makes it so; and a key stays unread.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load lib
load servers

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
