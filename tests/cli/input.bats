#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The certificate: what is taken for one, what is refused with exit 2, and that
# nothing in it or in its name gets the better of us.
#
# `run --separate-stderr` sets what this shellcheck has not heard of.
# shellcheck disable=SC2154

load ../harness/lib

setup_file() { world_of_one; }
teardown_file() { end_world; }

setup() { own_place; }

inventory() { find . -printf '%P %i %s %m %T@\n' | sort; }

# try [arguments]: as fetch, but a hang is a failure, and what is here and in
# the log before is remembered.
try() {
	mapfile -t asked <"$LOG"
	files=$(inventory)
	run --separate-stderr timeout -s KILL 20 "$OCSPFETCH" -r 0 "$@"
}

# Nothing was asked, nothing was made or changed.
untouched() {
	mapfile -t log <"$LOG"
	[ "${#log[@]}" -eq "${#asked[@]}" ] || {
		echo "somebody was asked: ${log[-1]}"
		return 1
	}
	[ "$(inventory)" = "$files" ] || diff <(echo "$files") <(inventory)
}

# refused FILE WHAT [options]: exit 2, a line that names FILE and says WHAT,
# nothing asked, nothing written.
refused() {
	local file=$1 what=$2
	shift 2
	try "$@" -- "$file"
	if exits 2 && [ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 1 ] &&
		[[ $stderr == "ocspfetch: "* ]] && says "$file" &&
		says "$what" && clean && untouched; then
		return 0
	fi
	printf 'of %q: %q\n' "$file" "$stderr"
	return 1
}

# accepted FILE: a response for it was fetched, in silence.
accepted() {
	try -- "$1"
	if exits 0 && silent && [ -s "$1.ocsp" ] &&
		[ -z "$(leftovers "$(dirname -- "$1")")" ] &&
		openssl ocsp -respin "$1.ocsp" -noverify -resp_text |
		grep -q 'Cert Status: good'; then
		return 0
	fi
	printf 'of %q: %q\n' "$1" "$stderr"
	return 1
}

# No byte that a terminal would act upon reached it: no control character, of
# C1 neither, nothing that is not UTF-8, nothing that reorders or hides text.
clean() {
	[[ ! ${stderr//$'\n'/} =~ [[:cntrl:]] ]] &&
		iconv -f UTF-8 -t UCS-4LE <<<"$stderr" | od -An -v -tu4 -w4 |
		awk '($1 >= 127 && $1 < 160) || ($1 >= 8203 && $1 <= 8207) ||
		($1 >= 8234 && $1 <= 8238) || ($1 >= 8294 && $1 <= 8297) {
			bad = 1
		} END { exit bad || NR == 0 }'
}

# in_terminal [arguments]: with a terminal of its own, whose keyboard is dead;
# $output is all that is seen on it.
in_terminal() {
	local command
	command=$(printf '%q ' "$OCSPFETCH" "$@")
	run timeout -s KILL 20 script -qec "$command" /dev/null </dev/null
}

der() { openssl x509 -in "$1" -outform DER; }

# ---- no certificate ----

@test "a file that is not there is refused" {
	refused gone.pem "No such file"
	refused no/such/directory.pem "No such file"
	refused '' "name is empty"
}

@test "a directory without a certificate is refused" {
	mkdir d.pem
	refused d.pem "directory"
	refused d.pem/ "directory"
	refused . "directory"
}

@test "a FIFO is refused and not waited for" {
	mkfifo f.pem
	refused f.pem "not a regular file"
}

@test "a device is refused and not read" {
	ln -s /dev/zero zero.pem
	refused zero.pem "not a regular file"
	ln -s /dev/tty tty.pem
	try tty.pem
	exits 2
	says "tty.pem"
	untouched
}

@test "a symbolic link that leads nowhere or in a circle is refused" {
	ln -s gone.pem dangling.pem
	refused dangling.pem "No such file"
	ln -s loop.pem loop.pem
	refused loop.pem "symbolic links"
}

@test "an empty file is refused" {
	: >empty.pem
	refused empty.pem "empty"
}

@test "a file without a certificate is refused" {
	leaf site good
	cp site.key key.pem
	refused key.pem "a private key and no certificate"
	openssl req -new -key site.key -subj /CN=x -out csr.pem
	refused csr.pem "certificate request"
	openssl pkey -in site.key -outform DER -out key.der
	refused key.der "a private key and no certificate"
	response site good
	refused site.pem.ocsp "an OCSP response"
}

@test "garbage is refused" {
	local n=0 text
	for text in x '\n' '\0' '0' '0\0202' '0\0202\0377\0377' '0\0200' \
		'\0377\0376\0375' '-----BEGIN CERTIFICATE-----' \
		'-----BEGIN CERTIFICATE-----\n' \
		'-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' \
		'-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n' \
		'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' \
		'-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n' \
		'-----END CERTIFICATE-----\n' '-----BEGIN -----\n' \
		'-----BEGIN' '-----BEGIN ' '<html>not found</html>'; do
		printf '%b' "$text" >"g$n.pem"
		refused "g$n.pem" "certificate"
		n=$((n + 1))
	done
	head -c 5000 /dev/zero >zeros.pem
	refused zeros.pem "no certificate"
	head -c 5000 /dev/zero | tr '\0' 0 >noughts.pem
	refused noughts.pem "no certificate"
	"$FORGE" cert "$PKI" ca cms >cms.p7
	refused cms.p7 "PKCS #7"
}

@test "a truncated PEM file is refused, wherever it was cut" {
	local size cut
	leaf site good
	size=$(stat -c %s site.pem)
	# without its END line, with half of it, in the middle, after the header
	for cut in 1 2 10 25 26 27 28 100 $((size / 2)) $((size - 28)) \
		$((size - 29)); do
		head -c $((size - cut)) site.pem >cut.pem
		[ "$cut" -gt 1 ] || continue
		cp site.pem.issuer cut.pem.issuer
		refused cut.pem "cut.pem"
	done
	sed 5d site.pem >hole.pem
	cp site.pem.issuer hole.pem.issuer
	refused hole.pem "decode"
}

@test "a truncated leaf is not made up for by the next certificate" {
	leaf site good
	{
		head -n 5 site.pem
		cat "$PKI/ca.pem"
	} >cut.pem
	refused cut.pem "damaged"
	{
		head -n -1 site.pem
		cat "$PKI/ca.pem" "$PKI/root.pem"
	} >cut2.pem
	refused cut2.pem "damaged"
}

@test "DER that is cut short is refused" {
	local size cut
	leaf site good
	der site.pem >whole
	size=$(stat -c %s whole)
	for cut in 1 2 64 $((size / 2)) $((size - 4)) $((size - 3)); do
		head -c $((size - cut)) whole >cut.der
		refused cut.der "decode"
	done
}

@test "DER with something after it is refused" {
	local junk
	leaf site good
	for junk in '\n' '\0' x '0\0' "$(printf '%100s' '')"; do
		{
			der site.pem
			printf '%b' "$junk"
		} >junk.der
		cp site.pem.issuer junk.der.issuer
		refused junk.der "trailing"
	done
	# in PEM as well
	{
		echo -----BEGIN CERTIFICATE-----
		{
			der site.pem
			echo junk
		} | base64 -w 64
		echo -----END CERTIFICATE-----
	} >junk.pem
	cp site.pem.issuer junk.pem.issuer
	refused junk.pem "trailing"
	# two in one
	{
		der site.pem
		der "$PKI/ca.pem"
	} >two.der
	refused two.der "trailing"
}

# ---- size ----

@test "a certificate of 50 MB is refused, naming the limit" {
	leaf big good
	truncate -s 50M big.pem
	refused big.pem 1048576
	says 52428800
}

@test "a file of 1 MiB is read, one more byte is refused" {
	local size
	leaf site good
	size=$(stat -c %s site.pem)
	{
		head -c $((1048576 - size - 1)) /dev/zero | tr '\0' '#'
		echo
		cat site.pem
	} >max.pem
	[ "$(stat -c %s max.pem)" -eq 1048576 ]
	cp site.pem.issuer max.pem.issuer
	accepted max.pem
	{
		echo
		cat max.pem
	} >over.pem
	cp site.pem.issuer over.pem.issuer
	refused over.pem 1048576
	says 1048577
}

@test "a file of very many blocks is read in good time" {
	local start
	leaf site good
	{
		cat site.pem
		yes -- '-----BEGIN X-----
AAAA
-----END X-----' | head -n 72000
	} >many.pem
	cp site.pem.issuer many.pem.issuer
	start=$SECONDS
	accepted many.pem
	[ $((SECONDS - start)) -le 10 ]
	{
		cat site.pem
		yes -- '-----BEGIN CERTIFICATE-----' | head -n 30000
	} >endless.pem
	cp site.pem.issuer endless.pem.issuer
	start=$SECONDS
	refused endless.pem "damaged"
	[ $((SECONDS - start)) -le 10 ]
}

# ---- secrets ----

# Keys that only a passphrase opens.
locked_keys() {
	openssl pkcs8 -topk8 -in site.key -passout pass:x -out locked8.key
	openssl ec -in site.key -aes128 -passout pass:x -out locked.key 2>err
	grep -q 'BEGIN ENCRYPTED' locked8.key
	grep -q 'Proc-Type: 4,ENCRYPTED' locked.key
}

@test "an encrypted private key first is stepped over" {
	local key
	leaf site good
	locked_keys
	for key in locked8 locked; do
		cat "$key.key" site.pem "$PKI/ca.pem" >"first-$key.pem"
		accepted "first-$key.pem"
	done
}

@test "an encrypted private key first prompts for nothing" {
	local key
	command -v script >where || skip "there is no script(1)"
	leaf site good
	locked_keys
	for key in locked8 locked; do
		cat "$key.key" site.pem "$PKI/ca.pem" >"$key.pem"
		in_terminal "$key.pem"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[ -s "$key.pem.ocsp" ]
		rm "$key.pem.ocsp"
		# and without any standard input
		run timeout -s KILL 20 sh -c "'$OCSPFETCH' $key.pem <&- 2>&1"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[ -s "$key.pem.ocsp" ]
	done
}

@test "an encrypted certificate is refused and prompts for nothing" {
	leaf site good
	sed '1a Proc-Type: 4,ENCRYPTED\
DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\
' site.pem >locked.pem
	cp site.pem.issuer locked.pem.issuer
	refused locked.pem "locked.pem"
	command -v script >../where || skip "there is no script(1)"
	in_terminal locked.pem
	[ "$status" -eq 2 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output != *[Pp]ass* ]]
	untouched
}

# Nor do servers read beyond it.
@test "a key that is damaged or cut off makes the file unreadable" {
	leaf site good
	{
		sed 's/^M/!/' site.key
		cat site.pem
	} >damaged.pem
	cp site.pem.issuer damaged.pem.issuer
	refused damaged.pem "line 1: a PEM block begins here that is damaged"
	{
		cat site.pem
		head -n 2 site.key
	} >cut.pem
	cp site.pem.issuer cut.pem.issuer
	refused cut.pem "line $(($(wc -l <site.pem) + 1)): a PEM block begins"
}

@test "no part of a private key is ever shown" {
	local secret
	leaf site good
	cat site.key site.pem >both.pem
	cp site.pem.issuer both.pem.issuer
	cp site.key only.pem
	try -vv both.pem only.pem
	exits 2
	while read -r secret; do
		[[ $secret == -* ]] || [[ $stderr != *"$secret"* ]]
	done <site.key
}

# ---- what it says ----

@test "an expired certificate is refused, with the date, and not asked about" {
	local end
	leaf old good --from -8640000 --to -86400
	end=$(date -u -d "$(openssl x509 -in old.pem -noout -enddate |
		sed 's/.*=//')" '+%F %T')
	refused old.pem "expired"
	says "$end"
	response old good
	refused old.pem "expired" -c
	leaf older good --from -8640000 --to -1
	refused older.pem "expired"
	leaf forced - --from -8640000 --to -86400
	refused forced.pem "expired" -u "$URL/good"
}

@test "a certificate that is not yet valid is asked about" {
	leaf soon "good.t$BATS_TEST_NUMBER" --from 3600
	accepted soon.pem
	grep -q "^GET /good.t$BATS_TEST_NUMBER " "$LOG"
}

@test "a self-signed certificate that names a responder is refused" {
	leaf own good --self-signed
	refused own.pem "self-signed"
	cp own.pem own.pem.issuer
	refused own.pem "self-signed"
	leaf none - --self-signed
	refused none.pem "self-signed" -u "$URL/good"
}

@test "a certificate without a responder is success without a word" {
	leaf site -
	rm site.pem.issuer
	try site.pem
	exits 0
	silent
	untouched
	try -c -m 25h site.pem
	exits 0
	silent
	untouched
	try --exit-changed site.pem
	exits 0
	silent
	untouched
	leaf own - --self-signed
	rm own.pem.issuer
	try own.pem site.pem
	exits 0
	silent
	untouched
	try -v site.pem
	exits 0
	says "responder"
	untouched
}

@test "a certificate without a responder leaves a stored file alone" {
	leaf site -
	echo old >site.pem.ocsp
	try -f site.pem
	exits 0
	silent
	untouched
}

@test "must-staple without a responder is refused" {
	leaf site - --must-staple
	refused site.pem "must-staple"
	refused site.pem "must-staple" -c
	rm site.pem.issuer
	refused site.pem "must-staple"
}

@test "must-staple with a responder is asked about as any other" {
	leaf site good --must-staple
	accepted site.pem
}

@test "a certificate that names no responder is asked about where -u says" {
	leaf site -
	try -u "$URL/good.t$BATS_TEST_NUMBER" site.pem
	exits 0
	silent
	[ -s site.pem.ocsp ]
	grep -q "^GET /good.t$BATS_TEST_NUMBER " "$LOG"
}

@test "a caIssuers URL is no responder" {
	leaf site - --aia-issuer "$URL/cert-der/ca"
	rm site.pem.issuer
	try site.pem
	exits 0
	silent
	untouched
}

# ---- responder URLs ----

# url SHOWN URL [WHAT]: a certificate that names it is refused, and SHOWN is
# what is seen of it.
url() {
	local shown=$1
	urls=$((${urls-0} + 1))
	leaf "u$urls" - --url "$2"
	printf 'the URL: %q\n' "$2"
	refused "u$urls.pem" "$shown"
	says "${3-}"
	says "cannot be asked"
	refused "u$urls.pem" "$shown" -X post
}

@test "a responder that is not http or https is refused" {
	local bad
	for bad in "file:///etc/passwd" "file://localhost/etc/passwd" \
		"FILE:///etc/passwd" "ftp://127.0.0.1:$PORT/good" \
		"gopher://127.0.0.1:$PORT/_GET%20/good" \
		"dict://127.0.0.1:$PORT/d:good" "tftp://127.0.0.1:$PORT/good" \
		"smb://127.0.0.1/good" "scp://127.0.0.1/good" \
		"ldap://127.0.0.1:$PORT/CN=good" "mailto:ca@example.com" \
		"javascript:alert(1)" "data:,good" "127.0.0.1:$PORT/good" \
		"//127.0.0.1:$PORT/good" /good "httpx://127.0.0.1:$PORT/good" \
		"http:/127.0.0.1:$PORT/good" "http:127.0.0.1:$PORT/good"; do
		url "\"$bad\"" "$bad" "http"
	done
	url '""' ""
}

@test "a responder's URL that is none is refused" {
	local bad
	for bad in http:// https:// "http://127.0.0.1:99999/good" \
		"http://127.0.0.1:-1/good" "http://127.0.0.1:x/good" \
		"http://[::1/good" "http://:80/good"; do
		url "\"$bad\"" "$bad"
	done
}

# RFC 9110 section 4.2.1; curl leaps over the third slash
@test "a responder's URL with no host between its slashes is refused" {
	url "http:///127.0.0.1" "http:///127.0.0.1:$PORT/good"
}

@test "a responder's URL with a password in it is refused" {
	url "\"http://user:password@" "http://user:password@127.0.0.1:$PORT/good"
	url "\"http://user@" "http://user@127.0.0.1:$PORT/good"
	url "\"http://:@" "http://:@127.0.0.1:$PORT/good"
	url "\"http://@" "http://@127.0.0.1:$PORT/good"
}

@test "a responder's URL with a fragment is refused" {
	url "$URL/good#x" "$URL/good#x" fragment
	url "$URL/good#" "$URL/good#" fragment
}

@test "a responder's URL with spaces or control characters is refused" {
	url "\"$URL/go od\"" "$URL/go od"
	url "\" $URL/good\"" " $URL/good"
	url "\"$URL/good \"" "$URL/good "
	url "$URL/good\\x0A\"" "$URL/good"$'\n'
	url "$URL/good\\x0D\\x0AX-Evil: a\"" "$URL/good"$'\r\nX-Evil: a'
	url "$URL/good\\x09\"" "$URL/good"$'\t'
	url "$URL/\\x1B[2J\\x1B]0;evil\\x07\"" "$URL/"$'\033[2J\033]0;evil\a'
	url "$URL/\\x7F\"" "$URL/"$'\177'
	url "$URL/\\xC2\\x9B31m\"" "$URL/"$'\302\233'31m
	url "$URL/\\x9B31m\"" "$URL/"$'\233'31m
	url "$URL/\\xE2\\x80\\xAE\"" "$URL/"$'\342\200\256'
	url "$URL/" "$URL/"$'\303\251'
}

@test "a responder's URL of 3000 bytes is refused, naming the limit" {
	url "$URL/aaaaaaaaaa" "$URL/$(head -c $((2999 - ${#URL})) /dev/zero |
		tr '\0' a)" 1024
	says 3000
	[ "${#stderr}" -lt 1000 ]
}

@test "a responder's URL of 1024 bytes is asked, one of 1025 is refused" {
	local fill
	fill=$(head -c $((1024 - 6 - ${#URL})) /dev/zero | tr '\0' a)
	leaf longest - --url "$URL/good/$fill"
	accepted longest.pem
	grep -q "^POST /good .*target=/good/$fill " "$LOG"
	url "$URL/good/aaaa" "$URL/good/a$fill" 1025
	says 1024
}

# The DER of an extension that names one responder, given in hexadecimal.
aia() {
	printf '30%02x30%02x06082b06010505073001%s%02x%s' \
		$((${#1} / 2 + 14)) $((${#1} / 2 + 12)) 86 $((${#1} / 2)) "$1"
}

# odd NAME EXTENSION: a leaf whose AIA has this DER.
odd() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -subj "/CN=$1" -out "$1.csr" 2>err
	printf 'authorityInfoAccess=DER:%s\n' "$2" >ext
	openssl x509 -req -in "$1.csr" -CA "$PKI/ca.pem" \
		-CAkey "$PKI/ca.key" -CAcreateserial -CAserial serial -days 30 \
		-extfile ext -out "$1.pem" 2>err || {
		cat err
		return 1
	}
	cp "$PKI/ca.pem" "$1.pem.issuer"
}

@test "a responder's URL with a NUL in it is refused" {
	local hex
	hex=$(printf %s "$URL/good" | od -An -tx1 | tr -d ' \n')
	# the test itself: without the NUL this is asked
	odd plain "$(aia "$hex")"
	accepted plain.pem
	odd end "$(aia "${hex}00")"
	refused end.pem "$URL/good"
	odd inside "$(aia "${hex}002e6578616d706c65")"
	refused inside.pem "$URL/good"
	odd first "$(aia "00$hex")"
	refused first.pem "cannot be asked"
}

@test "an AIA extension that cannot be read is refused" {
	odd junk deadbeef
	refused junk.pem "authority information access"
	odd empty 3000
	try empty.pem
	# nobody is named there; or it is malformed: RFC 5280 wants one
	[ "$status" -eq 0 ] || exits 2
	untouched
}

@test "a URL that cannot be asked is passed over for one that can" {
	leaf site - --url "ftp://127.0.0.1:$PORT/good" \
		--url "$URL/good.t$BATS_TEST_NUMBER"
	accepted site.pem
	leaf site - --url "ftp://127.0.0.1:$PORT/good" \
		--url "file:///etc/passwd"
	refused site.pem "cannot be asked"
}

# ---- what is accepted ----

@test "PEM with CRLF, leading text, or no final newline is accepted" {
	leaf site good
	sed 's/$/\r/' site.pem >crlf.pem
	openssl x509 -in site.pem -text >text.pem
	printf %s "$(cat site.pem)" >nonl.pem
	{
		echo "Bag Attributes"
		echo "    friendlyName: -----BEGIN of something"
		echo "subject=CN = x"
		cat site.pem
		echo trailing text
	} >bag.pem
	{
		printf '\n\n\n'
		cat site.pem
	} >blank.pem
	sed 's/$/  /' site.pem >spaces.pem
	sed 's/CERTIFICATE/X509 CERTIFICATE/' site.pem >x509.pem
	for name in crlf text nonl bag blank spaces x509; do
		cp site.pem.issuer "$name.pem.issuer"
		accepted "$name.pem"
	done
}

@test "a TRUSTED CERTIFICATE is accepted" {
	leaf site good
	openssl x509 -in site.pem -trustout -addtrust serverAuth \
		-addreject clientAuth -setalias x -out trusted.pem
	grep -q 'BEGIN TRUSTED CERTIFICATE' trusted.pem
	cp site.pem.issuer trusted.pem.issuer
	accepted trusted.pem
}

@test "chain and key may surround the leaf in any order" {
	local n=0 order
	leaf site good
	rm site.pem.issuer
	cp "$PKI/ca.pem" "$PKI/root.pem" .
	openssl dhparam -dsaparam -out dh 512 2>err
	for order in "site.pem site.key ca.pem" "site.key site.pem ca.pem" \
		"site.pem ca.pem site.key" "site.pem ca.pem root.pem" \
		"site.pem root.pem ca.pem" "site.pem root.pem site.key ca.pem" \
		"site.key site.pem root.pem site.key ca.pem" \
		"dh site.pem dh ca.pem" "site.pem site.pem ca.pem"; do
		# shellcheck disable=SC2086
		cat $order >"o$n.pem"
		accepted "o$n.pem" || { echo "$order" && return 1; }
		n=$((n + 1))
	done
}

@test "the first certificate of a file is the one that is asked about" {
	leaf a good
	leaf b good
	cat a.pem b.pem "$PKI/ca.pem" >ab.pem
	cat b.pem a.pem "$PKI/ca.pem" >ba.pem
	accepted ab.pem
	accepted ba.pem
	for name in a b; do
		openssl x509 -in "$name.pem" -noout -serial | sed 's/.*=//' >want
		openssl ocsp -respin "$name"?.pem.ocsp -noverify -resp_text |
			grep -q "Serial Number: $(cat want)"
	done
}

@test "a certificate in DER is accepted, with its issuer in either format" {
	leaf site good
	der site.pem >site.der
	cp "$PKI/ca.pem" site.der.issuer
	accepted site.der
	rm site.der.ocsp
	der "$PKI/ca.pem" >site.der.issuer
	accepted site.der
}

@test "a symbolic link to a certificate is followed" {
	mkdir real
	"$FORGE" leaf "$PKI" "t$BATS_TEST_NUMBER-link" --url "$URL/good"
	cp "$PKI/t$BATS_TEST_NUMBER-link.pem" real/site.pem
	cp "$PKI/ca.pem" link.pem.issuer
	ln -s real/site.pem link.pem
	accepted link.pem
	[ ! -e real/site.pem.ocsp ]
}

# ---- what reaches the terminal ----

# The sequences that clear it, rename it, reverse it, hide in it.
EVIL=$'\033[2J\033]0;evil\a\b\r\177\302\233'$'31m\342\200\256gpj\342\200\213'

@test "a subject with terminal escapes is never shown raw" {
	leaf site good --cn "www${EVIL}example"
	try -vv site.pem
	exits 0
	clean
	says "www"
	says "gpj"
	leaf line good --cn $'a\nocspfetch: other.pem: all is well'
	try -v line.pem
	exits 0
	run ! grep '^ocspfetch: other.pem' <<<"$stderr"
}

@test "unprintable bytes of a subject are shown as the manual says" {
	leaf site good --cn $'www\033x'
	try -v site.pem
	exits 0
	says 'CN=www\x1Bx'
}

@test "a name in UTF-8 is shown as it is" {
	leaf site by-leaf --cn "bücher.example"
	try -v site.pem
	exits 4
	says "CN=bücher.example"
}

@test "a file name with terminal escapes is never shown raw" {
	local name="a${EVIL}b.pem"
	echo nonsense >"$name"
	try "$name"
	exits 2
	clean
	says 'a\x1B[2J\x1B]0;evil\x07\x08\x0D\x7F\xC2\x9B31m\xE2\x80\xAEgpj'
	untouched
	try "gone$name"
	exits 2
	clean
	try -vv "$name"
	exits 2
	clean
	leaf site status-500
	mv site.pem "$name"
	mv site.pem.issuer "$name.issuer"
	try -vv "$name"
	exits 1
	clean
	try -o "out$name" "$name"
	exits 1
	clean
}

@test "a server's words with terminal escapes are never shown raw" {
	leaf site html-200
	try -vv site.pem
	exits 1
	clean
}

# ---- file names ----

@test "names with blanks, newlines, quotes, UTF-8 or a dash work" {
	local name
	leaf site good
	# shellcheck disable=SC2016
	for name in 'a b.pem' ' .pem' $'a\nb.pem' $'a\tb.pem' 'bücher.pem' \
		-site.pem -- - --help -v.pem "it's.pem" 'a"b.pem' '$HOME.pem' \
		'*.pem' '%s%n.pem' '.hidden' 'a;b|c&d.pem' 'a\b.pem' .pem \
		noextension ends. ...; do
		cp site.pem "./$name"
		cp site.pem.issuer "./$name.issuer"
		accepted "./$name"
		rm "./$name.ocsp"
		try -- "$name"
		exits 0 && silent && [ -s "./$name.ocsp" ] || {
			printf 'of %q\n' "$name"
			return 1
		}
		rm "./$name" "./$name.ocsp" "./$name.issuer"
	done
}

@test "a message shows a newline in a name as one line" {
	echo nonsense >$'a\nocspfetch: b.pem: fine.pem'
	try $'a\nocspfetch: b.pem: fine.pem'
	exits 2
	[ "${#stderr_lines[@]}" -eq 1 ]
	says 'a\x0Aocspfetch: b.pem: fine.pem'
}

@test "a name of 250 bytes works, and leaves nothing else behind" {
	local name
	leaf site good
	name=$(head -c 246 /dev/zero | tr '\0' n).pem
	[ "${#name}" -eq 250 ]
	mkdir d
	cat site.pem "$PKI/ca.pem" >"d/$name"
	try "d/$name"
	exits 0
	silent
	[ -s "d/$name.ocsp" ]
	[ "$(find d -mindepth 1 | wc -l)" -eq 2 ]
	# the message has the whole name
	echo nonsense >"d/$name"
	try "d/$name"
	exits 2
	says "d/$name: "
}

@test "a name whose .ocsp is too long is a failure that says so" {
	local name
	leaf site good
	name=$(head -c 255 /dev/zero | tr '\0' n)
	cat site.pem "$PKI/ca.pem" >"$name"
	try "$name"
	exits 3
	says "File name too long"
	untouched
}

@test "a path of 4000 bytes does not cut the reason off" {
	local path
	path=$(head -c 250 /dev/zero | tr '\0' d)/
	path=$path$path$path$path
	path=$path$path$path$path
	try "${path:0:4000}"
	exits 2
	says "ocspfetch: dddd"
	says "No such file or directory"
	untouched
}

@test "the same certificate twice in one run is done twice, without harm" {
	leaf site good-same
	try site.pem ./site.pem site.pem
	exits 0
	silent
	[ -s site.pem.ocsp ]
	[ -z "$(leftovers)" ]
}

@test "a large file of one line that begins nothing is read in a moment" {
	local start=$SECONDS
	awk 'BEGIN { for (i = 0; i < 170000; i++) printf "BEGIN " }' >one.pem
	fetch -c one.pem
	exits 2
	# it was 47 s
	[ $((SECONDS - start)) -lt 20 ]
}
