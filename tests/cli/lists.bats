#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Many certificates: directories, bundles, HAProxy's crt-lists, lists of every
# hostile kind, and how a run shows how far it is.
#
# shellcheck disable=SC2030,SC2031,SC2154

load ../harness/lib

setup_file() { world; }
teardown_file() { end_world; }
setup() { own_place; }
teardown() { end_place; }

# several NAME...: certificates with good responders, counted by asked().
several() {
	local name
	for name; do
		leaf "$name" "good.$MINE"
	done
}

# What is stored, below this directory, sorted, on one line.
stored() {
	find . -name '*.ocsp' -o -name '*.der' | sed 's,^\./,,' | sort |
		tr '\n' ' '
}

# No certificate, yet meant as one.
damaged() {
	printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
}

# ---- directories ----

@test "a directory stands for the certificates in it, once each" {
	mkdir d
	several d/a d/b
	echo text >d/README
	cp d/a.pem d/.hidden.pem
	mkdir d/below
	cp d/a.pem d/below/c.pem
	fetch d
	exits 0
	silent
	[ "$(stored)" = "d/a.pem.ocsp d/b.pem.ocsp " ]
	[ "$(asked)" -eq 2 ]
	# what it wrote is no certificate of the next run
	fetch -d d/
	exits 0
	silent
	[ "$(asked)" -eq 2 ]
}

@test "its files are taken in the order of their names" {
	mkdir d
	several d/b d/a d/B
	fetch d
	exits 0
	fetch -v -c d
	exits 0
	[ "$(grep -o '^ocspfetch: .*' <<<"$stderr" | tr '\n' ' ')" = \
		"ocspfetch: d/B.pem ocspfetch: d/a.pem ocspfetch: d/b.pem " ]
}

@test "a file of a directory that holds no certificate is told only with -v" {
	mkdir d
	several d/a
	openssl genpkey -algorithm ED25519 >d/another-key
	fetch d
	exits 0
	silent
	fetch -v d
	exits 0
	says "ocspfetch: d/another-key"
	says "passed over: no server's certificate is in it"
	# named outright it is what it always was
	fetch d d/another-key
	exits 2
	says "another-key: it holds a private key and no certificate"
}

@test "-S asks about what a directory and a list name" {
	mkdir d
	several d/a b
	echo text >d/README
	echo b.pem >list
	fetch -v -S 127.0.0.1:1 d -l list
	exits 1
	says "passed over: no server's certificate is in it"
	[ "$(grep -c '^ocspfetch: d/a.pem: ' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c '^ocspfetch: b.pem: ' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c '^ocspfetch: d/README: ' <<<"$stderr")" -eq 0 ]
	fetch -S 127.0.0.1:1 -l list
	exits 1
	[ "${#stderr_lines[@]}" -eq 1 ]
	says "ocspfetch: b.pem: "
}

@test "a damaged certificate in a directory fails, and the others are done" {
	mkdir d
	several d/a d/z
	damaged >d/m.pem
	fetch d
	exits 2
	says "d/m.pem: "
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(stored)" = "d/a.pem.ocsp d/z.pem.ocsp " ]
}

@test "a directory without a certificate is 2, and named" {
	mkdir empty others
	echo text >others/README
	several a
	fetch empty
	exits 2
	says "ocspfetch: empty: there is no certificate in this directory"
	fetch others a.pem
	exits 2
	says "ocspfetch: others: there is no certificate in this directory"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ -e a.pem.ocsp ]
}

@test "a directory that cannot be read is 2, and named" {
	several a
	[ "$(id -u)" -eq 0 ] || skip "only root is somebody else at will"
	PLACE=$(mktemp -d)
	chmod 755 "$PLACE"
	cp "$OCSPFETCH" "$PLACE/ocspfetch"
	mkdir "$PLACE/w"
	cp a.pem a.pem.issuer "$PLACE/w"
	mkdir -m 700 "$PLACE/w/d"
	cp a.pem "$PLACE/w/d/b.pem"
	chown 65534 "$PLACE/w"
	cd "$PLACE/w"
	run --separate-stderr setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$PLACE/ocspfetch" d a.pem
	exits 2
	says "ocspfetch: d: cannot read the directory: Permission denied"
	[ -e a.pem.ocsp ]
}

@test "a link in a directory has a response beside it, under its own name" {
	mkdir d archive
	several archive/site3
	ln -s ../archive/site3.pem d/site.pem
	cp archive/site3.pem.issuer d/site.pem.issuer
	fetch d
	exits 0
	silent
	[ "$(stored)" = "d/site.pem.ocsp " ]
	ln -s ../archive/gone.pem d/gone.pem
	ln -s loop.pem d/loop.pem
	fetch d
	exits 2
	says "d/gone.pem: cannot read it: No such file"
	says "d/loop.pem: cannot read it: Too many levels"
}

@test "a name in a directory with a line feed or an escape shows no such byte" {
	mkdir d
	damaged >d/$'a\nocspfetch: b.pem: fine'
	damaged >d/$'c\e[2J\e]0;x\a.pem'
	fetch d
	exits 2
	[ "${#stderr_lines[@]}" -eq 2 ]
	says 'd/a\x0Aocspfetch: b.pem: fine: '
	says 'd/c\x1B[2J\x1B]0;x\x07.pem: '
	[[ $stderr != *$'\e'* ]]
}

# ---- bundles ----

@test "a bundle is each of its certificates" {
	several site.pem.r site.pem.e
	mv site.pem.r.pem site.pem.rsa
	mv site.pem.e.pem site.pem.ecdsa
	cp "$PKI/ca.pem" site.pem.rsa.issuer
	cp "$PKI/ca.pem" site.pem.ecdsa.issuer
	fetch site.pem
	exits 0
	silent
	[ "$(stored)" = "site.pem.ecdsa.ocsp site.pem.rsa.ocsp " ]
	rm ./*.ocsp
	fetch --del-ext site.pem
	exits 0
	[ "$(stored)" = "site.pem.ecdsa.ocsp site.pem.rsa.ocsp " ]
	# the parts by their own names are the same ones
	fetch -v -c site.pem site.pem.rsa
	exits 0
	[ "$(grep -c '^ocspfetch: ' <<<"$stderr")" -eq 2 ]
}

@test "with --del-ext the parts of a bundle keep their extensions, as in HAProxy" {
	several a b
	mkdir d
	mv a.pem d/site.pem.rsa
	mv b.pem d/site.pem.ecdsa
	fetch --del-ext -i "$PKI/ca.pem" d
	exits 0
	[ "$(stored)" = "d/site.pem.ecdsa.ocsp d/site.pem.rsa.ocsp " ]
}

@test "-o is not for a list, a directory or a bundle" {
	several a
	mkdir d
	cp a.pem d/a.pem
	cp a.pem b.pem.rsa
	echo a.pem >list
	fetch -o out d
	exits 2
	says "-o, --output is for one certificate, but d is a directory"
	fetch -o out b.pem
	exits 2
	says "-o, --output is for one certificate, but b.pem is a bundle"
	fetch -o out -l list
	exits 2
	says "-o, --output is for one certificate: not with -l"
	fetch -o - d
	exits 2
	[ -z "$output" ]
	[ "$(stored)" = "" ]
	[ "$(asked)" -eq 0 ]
}

# ---- lists ----

@test "the crt-list of HAProxy's manual works as it is" {
	several cert1 cert2 certW certS
	cat >list <<-'END'
	        cert1.pem !*
	        # comment
	        cert2.pem [alpn h2,http/1.1]
	        certW.pem                   *.domain.tld !secure.domain.tld
	        certS.pem [curves X25519:P-256 ciphers ECDHE-ECDSA-AES256-GCM-SHA384] secure.domain.tld
	END
	fetch -l list
	exits 0
	silent
	[ "$(stored)" = "cert1.pem.ocsp cert2.pem.ocsp certS.pem.ocsp certW.pem.ocsp " ]
	[ "$(asked)" -eq 4 ]
}

@test "ocsp and issuer in brackets say where these are" {
	several a b
	mkdir out
	mv a.pem.issuer a-ca.pem
	cat >list <<-'END'
	a.pem [alpn h2 issuer a-ca.pem ocsp out/a.der] *.example.com
	b.pem [ocsp-update on ocsp out/b.der] !www.example.com
	END
	fetch -l list
	exits 0
	silent
	[ "$(stored)" = "out/a.der out/b.der " ]
	openssl ocsp -respin out/a.der -noverify -resp_text | grep -q good
	fetch -c -v -l list
	exits 0
	says "found in a-ca.pem"
	says "now          out/b.der: good for"
	# without the list nobody knows
	fetch a.pem
	exits 2
}

@test "an issuer that a list names is fetched if it is absent, never replaced" {
	leaf a "good.$MINE" --aia-issuer "$URL/cert-der.$MINE/ca"
	leaf b "good.$MINE" --aia-issuer "$URL/cert-der.$MINE/ca"
	rm ./*.issuer
	# others may need what is in it
	cp a.pem shared.pem
	printf 'a.pem [issuer own.pem]\nb.pem [issuer shared.pem]\n' >list
	fetch --fetch-issuer -l list
	exits 3
	says "ocspfetch: b.pem: the issuer was fetched, but shared.pem holds another certificate, and"
	openssl verify -partial_chain -trusted own.pem a.pem
	cmp a.pem shared.pem
	[ ! -e a.pem.issuer ]
}

@test "a list comes from standard input, in the forms of other systems" {
	several a b
	run --separate-stderr "$OCSPFETCH" -l - \
		< <(printf '# by a script\r\na.pem\r\n\r\n  b.pem  x\r\n')
	exits 0
	silent
	[ "$(stored)" = "a.pem.ocsp b.pem.ocsp " ]
	rm ./*.ocsp
	run --separate-stderr "$OCSPFETCH" --list=- < <(printf 'b.pem')
	exits 0
	[ "$(stored)" = "b.pem.ocsp " ]
}

@test "lists, directories and operands go together, and each is done once" {
	mkdir d
	several a b d/c
	echo a.pem >one
	printf 'b.pem\nd\n./a.pem\n' >two
	fetch -l one a.pem "$PWD/b.pem" d -l two
	exits 0
	silent
	[ "$(stored)" = "a.pem.ocsp b.pem.ocsp d/c.pem.ocsp " ]
	[ "$(asked)" -eq 3 ]
}

# clash ONE OTHER FILE: both were told, each names the other and the file.
clash() {
	local n
	n=$(grep -c "^ocspfetch: .* would have one and the same response" \
		<<<"$stderr")
	[ "$n" -eq 2 ] || {
		echo "$n lines: $stderr"
		return 1
	}
	says "ocspfetch: $1: it and $2 would have one and the same response, "
	says "ocspfetch: $2: it and $1 would have one and the same response, "
	says "$3: neither is done; give each a file of its own"
}

@test "two certificates with one response are 2 for both, and the rest is done" {
	several a b c d
	printf 'a.pem [ocsp x.der]\nc.pem\nb.pem [ocsp ./x.der]\n' >list
	fetch -l list d.pem
	exits 2
	clash a.pem b.pem x.der
	says '(list, line 1)'
	says '(list, line 3)'
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "$(stored)" = "c.pem.ocsp d.pem.ocsp " ]
	[ "$(asked)" -eq 2 ]
	# nor is what is there touched
	cp c.pem.ocsp x.der
	fetch -l list
	exits 2
	cmp c.pem.ocsp x.der
	# named again, each is told once all the same
	fetch -l list -l list
	exits 2
	clash a.pem b.pem x.der
}

@test "one response for two is found by every spelling and link of a directory" {
	local dir
	several a b
	mkdir -p real/below
	ln -s real link
	ln -s real/below deep
	for dir in ./real real/. real/below/.. link deep/.. "$PWD/real" \
		"$PWD/link/../link"; do
		printf 'a.pem [ocsp real/x.der]\nb.pem [ocsp %s/x.der]\n' \
			"$dir" >list
		fetch -l list
		exits 2
		clash a.pem b.pem x.der
	done
	[ "$(stored)" = "" ]
	[ "$(asked)" -eq 0 ]
}

@test "one response for two is found through a bind mount" {
	several a b
	mkdir real bind
	unshare -m true 2>/dev/null || skip "needs a mount namespace"
	printf 'a.pem [ocsp real/x.der]\nb.pem [ocsp bind/x.der]\n' >list
	run --separate-stderr unshare -m sh -c \
		'mount --bind real bind && exec "$@"' - "$OCSPFETCH" -l list
	exits 2
	clash a.pem b.pem x.der
}

@test "one response for two by --del-ext: 2 for both, named or in a directory" {
	several a b other
	mkdir d
	mv b.pem a.crt
	mv a.* other.* d
	cp d/a.pem.issuer d/a.issuer
	cp d/a.pem.issuer d/other.issuer
	fetch --del-ext d
	exits 2
	clash d/a.crt d/a.pem d/a.ocsp
	says "without --del-ext"
	[ "$(stored)" = "d/other.ocsp " ]
	[ "$(asked)" -eq 1 ]
	fetch --del-ext d/a.pem d/other.pem d
	exits 2
	clash d/a.crt d/a.pem d/a.ocsp
}

@test "what is no certificate in a directory is no rival of one" {
	several a
	mkdir d
	mv a.* d
	cp d/a.pem.issuer d/a.issuer
	rm d/a.pem.issuer d/a.key
	echo notes >d/a.txt
	openssl req -new -newkey rsa:2048 -nodes -subj /CN=a -keyout /dev/null \
		-out d/a.csr 2>/dev/null
	fetch --del-ext d
	exits 0
	silent
	[ "$(stored)" = "d/a.ocsp " ]
	# one that is named outright is meant as a certificate
	fetch --del-ext d d/a.csr
	exits 2
	says "d/a.pem: it and d/a.csr would have"
}

@test "a link to a certificate, named beside it, is the same certificate" {
	several a
	mkdir live
	ln -s ../a.pem live/fullchain.pem
	printf 'a.pem [ocsp x.der]\nlive/fullchain.pem [ocsp ./x.der]\n' >list
	fetch -l list
	exits 0
	silent
	[ "$(stored)" = "x.der " ]
	[ "$(asked)" -eq 1 ]
}

@test "one response for two: -c, -n, -d, -f, -v and -j tell both" {
	local o
	several a b
	response a good
	mv a.pem.ocsp x.der
	printf 'a.pem [ocsp x.der]\nb.pem [ocsp ./x.der]\n' >list
	for o in -c -n -d -f -v; do
		# shellcheck disable=SC2086 # several options
		fetch $o -l list
		exits 2
		clash a.pem b.pem x.der
	done
	fetch -j -l list
	exits 2
	clash a.pem b.pem x.der
	[ "${#lines[@]}" -eq 2 ]
	for o in 0 1; do
		[[ ${lines[o]} == *'"exit":2'* ]]
		[[ ${lines[o]} == *'one and the same response'* ]]
	done
	[[ ${lines[0]} == '{"certificate":"a.pem","output":"x.der"'* ]]
	[[ ${lines[1]} == '{"certificate":"b.pem","output":"./x.der"'* ]]
	[ "$(asked)" -eq 0 ]
}

@test "one response for two is 2 by -c also where nobody is to be asked" {
	leaf a -
	leaf b -
	printf 'a.pem [ocsp x.der]\nb.pem [ocsp ./x.der]\n' >list
	fetch -l list
	exits 2
	fetch -c -l list
	exits 2
	clash a.pem b.pem x.der
}

@test "what is wrong in a list is its own failure, and the rest is done" {
	several a b
	printf 'a.pem\ngone.pem\n[ocsp x]\nb.pem [ocsp\nb.pem\n' >list
	fetch -l list
	exits 2
	says "ocspfetch: gone.pem: cannot read it: No such file"
	says 'ocspfetch: list: line 3: it begins with a bracket, not with a file: "[ocsp x]"'
	says 'ocspfetch: list: line 4: '
	[ "${#stderr_lines[@]}" -eq 3 ]
	[ "$(stored)" = "a.pem.ocsp b.pem.ocsp " ]
}

@test "a list that is not there or names nothing is 2, the rest is done" {
	several a
	: >empty
	printf '\n# none\n' >comments
	fetch -l gone a.pem
	exits 2
	says "ocspfetch: gone: cannot read the list: No such file"
	[ -e a.pem.ocsp ]
	fetch -l empty -l comments a.pem
	exits 2
	says "ocspfetch: empty: no certificate is named in it"
	says "ocspfetch: comments: no certificate is named in it"
	run --separate-stderr "$OCSPFETCH" -l - </dev/null
	exits 2
	says "ocspfetch: standard input: no certificate is named in it"
	# shellcheck disable=SC2016
	run --separate-stderr bash -c '"$OCSPFETCH" -l - <&-'
	exits 2
	fetch -l .
	exits 2
	says "ocspfetch: .: cannot read the list: Is a directory"
	fetch -l - -l -
	exits 2
	says "standard input (-) is given twice"
}

@test "HAProxy takes the same list, and serves what was written" {
	local haproxy i name
	leaf rsa "good.$MINE" --key rsa --cn www.example.com
	leaf ec "good.$MINE" --key ec --cn www.example.com
	leaf other "good.$MINE" --cn other.example.org
	cat rsa.pem rsa.key "$PKI/ca.pem" >site.pem.rsa
	cat ec.pem ec.key "$PKI/ca.pem" >site.pem.ecdsa
	cat other.pem other.key "$PKI/ca.pem" >more.pem
	rm rsa.* ec.* other.*
	cat >list <<-END
	# both keys of one site
	$PWD/site.pem [alpn h2,http/1.1 ssl-min-ver TLSv1.2] www.example.com !bad.example.com

	$PWD/more.pem	[verify none]	*.example.org
	END
	fetch -l list
	exits 0
	silent
	[ "$(stored)" = "more.pem.ocsp site.pem.ecdsa.ocsp site.pem.rsa.ocsp " ]
	haproxy_conf "$PWD" "unix@$PWD/tls.sock ssl crt-list $PWD/list" >haproxy.cfg
	haproxy -c -f haproxy.cfg
	haproxy -f haproxy.cfg -db >haproxy.log 2>&1 3>&- &
	haproxy=$!
	echo "$haproxy" >>"$BATS_TEST_TMPDIR/pids"
	for ((i = 0; i < 200; i++)); do
		[ ! -S tls.sock ] || break
		sleep 0.05
	done
	served site.pem.rsa www.example.com -tls1_2 -cipher aRSA
	served site.pem.ecdsa www.example.com -tls1_2 -cipher aECDSA
	served more.pem mail.example.org
}

# served FILE NAME [s_client options]: the stored response of FILE is what
# HAProxy staples to who asks for NAME.
served() {
	local file=$1 name=$2
	shift 2
	openssl s_client -unix tls.sock -status -servername "$name" "$@" \
		</dev/null >handshake 2>/dev/null
	openssl ocsp -respin "$file.ocsp" -noverify -resp_text >text
	# the text holds the signature: what differs in a bit differs here
	sed -n '/^OCSP Response Data/,/^======/p' handshake |
		grep -v '^===' >staple
	grep -q 'Cert Status: good' staple
	diff <(grep -A9 'Signature' staple | grep .) \
		<(grep -A9 'Signature' text | grep .)
}

# ---- lists that mean no good ----

@test "a binary for a list is read no further than its first NUL byte" {
	several a
	fetch -l "$OCSPFETCH" a.pem
	exits 2
	says "it holds a NUL byte, so this is no list"
	[ "${#stderr_lines[@]}" -le 2 ]
	[ -e a.pem.ocsp ]
	run --separate-stderr timeout 20 "$OCSPFETCH" -l /dev/zero
	exits 2
	says "/dev/zero: line 1: it holds a NUL byte"
}

@test "a line without an end is given up at its limit" {
	# shellcheck disable=SC2016
	run --separate-stderr timeout 20 bash -c \
		'tr "\0" x </dev/zero | "$OCSPFETCH" -l -'
	exits 2
	says "standard input: line 1: it has more than 65534 bytes"
	[ "${#stderr}" -lt 300 ]
}

@test "a list without an end is given up at its limit" {
	echo >list
	# shellcheck disable=SC2016
	run --separate-stderr timeout 60 bash -c 'yes list | "$OCSPFETCH" -l -'
	exits 2
	[ "${#stderr}" -lt 300 ]
}

@test "a list of a FIFO is waited for, and a signal ends the wait" {
	local pid code=0
	several a
	mkfifo fifo
	"$OCSPFETCH" -l fifo 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	sleep 0.3
	echo a.pem >fifo
	wait "$pid"
	[ -e a.pem.ocsp ]
	"$OCSPFETCH" -l fifo 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	sleep 0.3
	kill -TERM "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
}

@test "what a list says is shown without its control bytes" {
	printf '[\e[2J\x9b\n\e(0x\a.pem\n' >list
	fetch -l list
	exits 2
	says 'line 1: it begins with a bracket, not with a file: "[..."'
	says 'ocspfetch: list: line 2: there is no file of this name: "..."'
	[[ $stderr != *$'\e'* ]]
	echo a.pem >$'l\n\e'
	fetch -l $'l\n\e' -l $'gone\n\e'
	exits 2
	says 'gone\x0A\x1B: cannot read the list'
	[[ $stderr != *$'\e'* ]]
}

# secret FILE: what must not be shown of this key, into `pieces`: ten letters in
# a row of any of its lines.
secret() {
	grep -v -e ----- "$1" | awk '{
		for (i = 1; i + 9 <= length($0); i += 5)
			print substr($0, i, 10)
	}' >pieces
	[ -s pieces ]
}

keeps_secret() {
	not grep -F -f pieces <<<"$output$stderr" &&
		not grep -e Bag -e modulus -e PRIVATE <<<"$output$stderr"
}

# one_fault FILE [options]: as a list it is one fault, by name and from standard
# input, and the other certificate is done.
one_fault() {
	fetch -l "$@" good.pem
	exits 2
	[ "${#stderr_lines[@]}" -eq 1 ] || [ $# -gt 1 ]
	says "ocspfetch: $1: "
	[ "$(grep -c "^ocspfetch: $1: " <<<"$stderr")" -eq 1 ]
	keeps_secret
	[ -e good.pem.ocsp ]
	run --separate-stderr "$OCSPFETCH" -l - <"$1"
	exits 2
	[ "${#stderr_lines[@]}" -eq 1 ]
	says "ocspfetch: standard input: "
	keeps_secret
}

@test "a certificate or a key for a list is one fault, and nothing of it is shown" {
	local key o
	several good
	leaf site "good.$MINE" --key rsa
	mkdir bad
	openssl pkcs8 -topk8 -nocrypt -in site.key -out bad/pkcs8
	openssl rsa -in site.key -traditional -out bad/traditional 2>/dev/null ||
		openssl rsa -in site.key -out bad/traditional
	cp site.pem bad/certificate
	cat site.pem site.key >bad/both
	sed 's/$/\r/' site.key >bad/crlf
	tr '\n' '\r' <site.key >bad/cr
	(printf 'good.pem'; cat site.key) >bad/glued
	(printf 'good.pem\nelse.pem [alpn h2]\n]\n'; cat site.key) >bad/behind
	(printf '\xef\xbb\xbf'; cat site.key) >bad/bom
	(printf '\xff\xfe'; iconv -t UTF-16LE site.key) >bad/utf16
	iconv -t UTF-16BE site.key >bad/utf16be
	(printf 'Bag Attributes\n    friendlyName: x\n'; cat site.key) >bad/bag
	openssl pkey -in site.key -text >bad/text
	openssl pkey -in site.key -text -noout >bad/text-alone
	openssl pkey -in site.key -outform DER -out bad/der
	openssl pkcs12 -export -inkey site.key -in site.pem -passout pass: \
		-out bad/p12
	grep -v -e ----- site.key >bad/headless
	sed 's/^-----BEGIN/----BEGIN/; s/KEY-----/KEY----/' site.key >bad/maimed
	grep -v -e ----- site.key | tr -d '\n' >bad/one-line
	(printf '{"account":{"PrivateKey":"'; tr -d '\n' <bad/one-line
	 printf '"},"Certificates":[{"key":"'; tr -d '\n' <bad/one-line
	 printf '"}]}') >bad/json
	secret site.key
	for key in bad/*; do
		echo "$key"
		one_fault "$key"
	done
	for o in -v -vv -j -c -n --syslog; do one_fault bad/both "$o"; done
	# a shell's pattern: the first is the list, and the others are certificates
	rm -f ./*.ocsp
	cp good.pem other.pem
	cp good.pem.issuer other.pem.issuer
	fetch -l site.pem good.pem other.pem
	exits 2
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(stored)" = "good.pem.ocsp other.pem.ocsp " ]
}

@test "an elliptic key for a list is not shown either, in any form" {
	local form
	several good
	leaf site "good.$MINE" --key ec
	mkdir bad
	openssl pkcs8 -topk8 -nocrypt -in site.key -out bad/pkcs8
	openssl ec -in site.key -out bad/sec1 2>/dev/null
	openssl ec -in site.key -outform DER -out bad/der 2>/dev/null
	openssl pkcs8 -topk8 -nocrypt -outform DER -in site.key -out bad/der8
	for form in pkcs8 sec1; do grep -v -e ----- bad/$form >bad/$form-headless; done
	secret site.key
	for form in bad/*; do
		echo "$form"
		one_fault "$form"
	done
}

@test "of what is no list at all no more is shown than its first harmless letters" {
	several 'a=b:c'
	cat >shadow <<-'END'
	root:$6$salt$Secret0:19000:0:99999:7:::
	PASSWORD=Secret1
	{"password":"Secret2"}
	<password>Secret3</password>
	"Secret4"
	user Secret5
	] Secret6 Secret7 and more of it
	END
	fetch -vv -l shadow
	exits 2
	[[ $stderr != *Secret[0-57]* ]]
	says 'ocspfetch: shadow: line 1: there is no file of this name: "root..."'
	says 'ocspfetch: shadow: line 2: there is no file of this name: "PASSWORD..."'
	says 'ocspfetch: shadow: line 3: there is no file of this name: "..."'
	says 'ocspfetch: user: cannot read it: No such file or directory (shadow, line 6)'
	# what is there may have any name
	echo 'a=b:c.pem' >list
	fetch -l list
	exits 0
	[ -e a=b:c.pem.ocsp ]
}

@test "a list that holds a password, a token or a key in digits shows none of it" {
	local secret
	several a
	for secret in SECRET "$(printf '%016d' 0)SECRET" \
		"$(printf '%048d' 0)SECRET" "$(printf '\xc3\xa9%.0s' {1..9})SECRET"; do
		printf 'a.pem\n0123456789abcdef%s\n' "$secret" >list
		for run in "-l list" "-vv -l list" "-j -l list" "-c -l list" "-l -"; do
			# shellcheck disable=SC2086
			run --separate-stderr "$OCSPFETCH" $run <list
			exits 2
			says ': line 2: there is no file of this name: "0123456789abcdef..."'
			[[ $stderr$output != *SECRET* ]]
		done
	done
	# a short one is a name
	printf 'sixteen-letters0\n' >list
	fetch -c -l list
	says "sixteen-letters0: cannot read it: No such file"
}

@test "a comment that speaks of a key is a comment" {
	several a
	printf '# -----BEGIN CERTIFICATE-----\na.pem\n' >list
	fetch -l list
	exits 0
	silent
	[ "$(stored)" = "a.pem.ocsp " ]
}

@test "a byte order mark at the start of a list is passed over" {
	several a
	printf '\xef\xbb\xbfa.pem\r\n' >list
	fetch -l list
	exits 0
	silent
	printf '\xef\xbb\xbf# only\n' >list
	fetch -l list
	exits 2
	says "list: no certificate is named in it"
	# and only there
	printf 'a.pem\n\xef\xbb\xbfa.pem\n' >list
	fetch -c -l list
	exits 2
	says 'list: line 2: there is no file of this name: "..."'
}

@test "a list in UTF-16 is told as that" {
	printf 'a.pem\r\n' | iconv -t UTF-16LE | cat <(printf '\xff\xfe') - >list
	fetch -l list
	exits 2
	says "list: line 1: this is UTF-16; save the list as plain text, in UTF-8"
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "of many lines that are not understood ten are told, the others counted" {
	several a
	(echo a.pem; yes ']' | head -n 500000) >list
	# a sanitizer keeps terabytes in reserve
	sanitized || ulimit -v 400000
	run --separate-stderr timeout 20 "$OCSPFETCH" -l list
	exits 2
	[ "${#stderr_lines[@]}" -eq 11 ]
	says "ocspfetch: list: line 11: it begins with a bracket"
	says "ocspfetch: list: 499990 more lines are not understood; is it the right list?"
	[ "$(stored)" = "a.pem.ocsp " ]
}

@test "what a list names is told with the list and the line, if it fails" {
	several a
	leaf b down
	mkdir none d
	damaged >d/m.pem
	leaf r "revoked.$MINE"
	printf '# c\na.pem\nmissing.pem [alpn h2]\n\nnone\nd\nd2\nr.pem\n' >crt.list
	fetch -l crt.list
	exits 5
	says "ocspfetch: missing.pem: cannot read it: No such file or directory (crt.list, line 3)"
	says "ocspfetch: none: there is no certificate in this directory; is it the right one? (crt.list, line 5)"
	says "ocspfetch: d/m.pem: "
	[ "$(grep -c '^ocspfetch: d/m.pem: .* (crt.list, line 6)$' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c '^ocspfetch: r.pem: .* (crt.list, line 8)$' <<<"$stderr")" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 5 ]
	# nor is it silent about it with -c, -n and from standard input
	run --separate-stderr "$OCSPFETCH" -c -l - <crt.list
	exits 2
	says "missing.pem: cannot read it: No such file or directory (standard input, line 3)"
	fetch -n -l /dev/null -l crt.list
	says "missing.pem: cannot read it: No such file or directory (crt.list, line 3)"
	# an operand is named by nobody but the user
	fetch missing.pem -l crt.list
	says "ocspfetch: missing.pem: cannot read it: No such file or directory"
	not grep -q 'missing.pem.*crt.list' <<<"$stderr"
}

@test "a name with a shell's pattern in it that is not there is told as that" {
	several a
	fetch '*.crt' a.pem
	exits 2
	says 'ocspfetch: *.crt: cannot read it: No such file or directory; a shell pattern is not expanded here, nor by systemd or in a list: name the directory instead'
	[ "${#stderr_lines[@]}" -eq 1 ]
	printf 'certs/site?.pem\n' >list
	fetch -l list
	exits 2
	says "a shell pattern is not expanded here, nor by systemd or in a list: name the directory instead (list, line 1)"
	# what is there is a name like any other
	cp a.pem '*.crt'
	damaged >'?.pem'
	fetch '*.crt' '?.pem'
	does_not_say "shell pattern"
}

@test "a long name is shown whole, wherever it is wrong" {
	local d n long
	d=$(printf 'd%.0s' {1..200})
	n=$(printf 'n%.0s' {1..110})$'\xc3\xa9'
	long=$d/$d/$d/$d/$d/$n
	mkdir -p "$d/$d/$d/$d/$d"
	several a
	fetch -l "$long"
	exits 2
	says "ocspfetch: $long: cannot read the list: No such file or directory"
	: >"$long"
	fetch -l "$long"
	says "ocspfetch: $long: no certificate is named in it"
	echo ']' >"$long"
	fetch -l "$long"
	says "ocspfetch: $long: line 1: it begins with a bracket"
	printf '%s [ocsp x]\n' "$d/$d" >list
	fetch -l list
	says "but $d/$d is a directory"
	fetch "$d/$d"
	exits 2
	says "ocspfetch: $d/$d: there is no certificate in this directory; is it the right one?"
	cp a.pem "$long"
	mkdir "$long.d"
	fetch -o x "$long.d"
	says "but $long.d is a directory"
}

# ends_in_time COMMAND...: with exit 1, and nothing done, soon after a second.
ends_in_time() {
	local begin=${EPOCHREALTIME/./}
	run --separate-stderr timeout 30 "$@"
	exits 1
	says "not all names had come when the time was over (--deadline); nothing was done; run again later"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(stored)" = "" ]
	[ "$((${EPOCHREALTIME/./} - begin))" -lt 10000000 ]
}

@test "--deadline ends a list that never does, and nothing of it is done" {
	local pid code=0
	several a b
	mkfifo fifo silent
	(echo a.pem; exec sleep 60) >fifo 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	ends_in_time "$OCSPFETCH" --deadline 1 -l fifo b.pem
	says "ocspfetch: fifo: not all"
	# one whom nobody opens to write
	ends_in_time "$OCSPFETCH" --deadline 1 b.pem -l silent
	ends_in_time "$OCSPFETCH" -c --deadline 1 -l silent
	ends_in_time "$OCSPFETCH" -j -n -d --deadline 1 -l silent
	# shellcheck disable=SC2016
	ends_in_time bash -c 'exec 4< <(echo $BASHPID >>"$BATS_TEST_TMPDIR/pids"
			echo a.pem; exec sleep 60 2>/dev/null)
		exec "$OCSPFETCH" --deadline 1 -l - <&4' 3>&-
	says "ocspfetch: standard input: not all"
	# a signal does as well
	"$OCSPFETCH" --deadline 60 -l silent 2>err 3>&- &
	pid=$!
	echo "$pid" >>"$BATS_TEST_TMPDIR/pids"
	sleep 0.3
	kill -TERM "$pid"
	wait "$pid" || code=$?
	[ "$code" -eq 143 ]
}

@test "--deadline ends a list whose writer is quick, too" {
	several a
	# shellcheck disable=SC2016
	ends_in_time bash -c 'yes "#" | tr -d "\n" | fold -w 60000 |
		"$OCSPFETCH" --deadline 1 -l -; exit ${PIPESTATUS[3]}'
}

@test "a list that comes in time is done, whatever alarms were set before" {
	several a
	mkfifo fifo
	(sleep 0.5; printf 'a'; sleep 0.5; echo .pem) >fifo 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	# shellcheck disable=SC2016
	run --separate-stderr bash -c \
		'trap "" ALRM; exec "$OCSPFETCH" --deadline 20 -l fifo'
	exits 0
	silent
	[ "$(stored)" = "a.pem.ocsp " ]
}

@test "a list cannot make it write over a certificate or through a link" {
	several a b
	ln -s elsewhere link
	cp b.pem before
	printf 'a.pem [ocsp b.pem]\na.pem [ocsp link]\n' >list
	fetch -l list
	says "b.pem holds a certificate or a key"
	exits 2
	cmp before b.pem
	[ ! -e elsewhere ]
}

@test "5000 certificates are done with 64 descriptors and in bounded memory" {
	local i peak=0 pid size
	several a
	# one certificate, and a response for each line
	for ((i = 0; i < 5000; i++)); do echo "a.pem [ocsp d/$i.der]"; done >list
	mkdir d
	ulimit -n 64
	"$OCSPFETCH" -c -l list 2>err 3>&- &
	pid=$!
	while size=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) &&
		[ -n "$size" ]; do
		peak=$size
		sleep 0.02
	done
	wait "$pid" || [ "$?" -eq 1 ]
	[ "$(grep -c '; there is no d/[0-9]*.der' err)" -eq 5000 ]
	echo "$peak kB"
	[ "$peak" -gt 0 ]
	# sanitizers keep what was freed
	[ "$peak" -lt 18000 ] || sanitized
}

# ---- progress ----

# at_terminal SECONDS COMMAND...: what a terminal shows, raw, in `screen`.
at_terminal() {
	local command
	command=$(printf '%q ' "$@")
	code=0
	SHELL=/bin/bash script -qec "$command" screen.raw </dev/null \
		>/dev/null 2>&1 || code=$?
	# script's own two lines
	sed -e '1{/^Script started/d}' -e '${/^Script done/d}' screen.raw >screen
}

# What is left on the screen's lines when all is overwritten that was.
left_on_screen() {
	awk -F '\r' '{
		sub(/\r$/, "")
		line = ""
		n = split($0, part, "\r")
		for (i = 1; i <= n; i++)
			line = part[i] substr(line, length(part[i]) + 1)
		sub(/ *$/, "", line)
		if (line != "") print line
	}' screen
}

shows_nothing() {
	[ -z "$(left_on_screen)" ] && ! grep -q ocspfetch screen
}

# Four certificates whose responder takes its time, in d.
slow() {
	local i
	mkdir d
	for i in 1 2 3 4; do
		leaf "d/$i" "latency-600,good.$MINE"
	done
}

@test "on a terminal a long run shows how far it is, and clears it away" {
	slow
	at_terminal "$OCSPFETCH" -P 1 d
	cat -v screen
	[ "$code" -eq 0 ]
	grep -q $'\rocspfetch: [123]/4' screen
	[ -z "$(left_on_screen)" ]
	[ "$(find d -name '*.ocsp' | wc -l)" -eq 4 ]
}

@test "progress appears while all wait, and no message is mixed with it" {
	slow
	leaf d/9 "latency-1500,trylater.$MINE"
	at_terminal "$OCSPFETCH" -r 0 d
	cat -v screen
	[ "$code" -eq 1 ]
	grep -q $'\rocspfetch: 4/5' screen
	[ "$(left_on_screen | wc -l)" -eq 1 ]
	[[ $(left_on_screen) == "ocspfetch: d/9.pem: "*"run again later" ]]
}

@test "a short run, or one certificate, shows nothing on a terminal" {
	mkdir d
	several d/a d/b
	leaf one "latency-1500,good.$MINE"
	at_terminal "$OCSPFETCH" d
	[ "$code" -eq 0 ]
	shows_nothing
	at_terminal "$OCSPFETCH" one.pem
	[ "$code" -eq 0 ]
	shows_nothing
	rm one.pem.ocsp
	at_terminal "$OCSPFETCH" --progress one.pem
	grep -q $'\rocspfetch: 0/1' screen
	[ -z "$(left_on_screen)" ]
}

@test "elsewhere nothing is shown but with --progress, then in lines" {
	slow
	fetch -P 1 d
	exits 0
	silent
	rm d/*.ocsp
	fetch --progress d
	exits 0
	[ "$stderr" = "ocspfetch: 4/4" ]
	[ -z "$output" ]
	# every five seconds at most
	leaf d/5 "latency-6000,good.$MINE"
	fetch --progress d
	exits 0
	[[ ! $stderr =~ $'\r' ]]
	[ "$stderr" = $'ocspfetch: 4/5\nocspfetch: 5/5' ]
}

@test "a message and -v on a terminal are whole lines" {
	slow
	at_terminal "$OCSPFETCH" -v -P 1 d gone.pem
	[ "$code" -eq 2 ]
	[ "$(left_on_screen | grep -c '^ocspfetch: d/[1-4].pem$')" -eq 4 ]
	[ "$(left_on_screen | grep -c '^ocspfetch: gone.pem: cannot')" -eq 1 ]
	[ "$(left_on_screen | grep -vc '^\(ocspfetch: [dg]\|  \)')" -eq 0 ]
}
